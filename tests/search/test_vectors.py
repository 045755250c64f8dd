"""Vectors of documents: made by a worker, seen by those who may, and what they change in an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from otklik.config.jobs import periodic
from otklik.reports import health
from otklik.search import encoder, engine, ranking, thesaurus, vectors
from otklik.search.asked import Words
from otklik.search.encoder import EncoderError
from otklik.search.index import Document, Index
from otklik.search.models import Entry, Vector
from tests.embeddings import Notions, embeddings

TEXTS = {
    "lease": ("Предоставление земли", "Договор аренды заключают без торгов."),
    "garage": ("Оформление гаража", "Заявление подают до 2031 года."),
    "boundary": ("Межевание", "Кадастровый инженер согласует границы."),
    "kiosk": ("Размещение объекта", "Павильон включают в схему по решению комиссии."),
    "fee": ("Как платить", "Плата вносится каждый квартал."),
}


def put(key: str, scopes: tuple[str, ...] = ("all",), index: str = "t", text: tuple[str, str] | None = None) -> None:
    title, body = text or TEXTS[key]
    engine.put(index, key, title=title, body=body, scopes=scopes)


@pytest.fixture
def maker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notions]:
    """An encoder that is on; vectors are looked for at every question."""
    pytest.importorskip("numpy", reason="numpy не поставлен: requirements/embeddings.txt")
    notions = Notions()
    settings.ENCODER = "package"
    monkeypatch.setattr(encoder, "configured", lambda: notions)
    monkeypatch.setattr(vectors, "FRESH", 0.0)
    vectors._shelf._kept.clear()
    yield notions
    vectors._shelf._kept.clear()


@pytest.fixture
def filled(db: None, maker: Notions) -> None:
    for key in TEXTS:
        put(key)
    assert vectors.make("t") == len(TEXTS)
    maker.encoded.clear()


def near(query: str, *scopes: str) -> dict[str, float]:
    found = vectors.of("t", scopes or ("all",))
    return dict(found.near(query)) if found else {}


# Making


def test_every_document_gets_one_once(filled: None, maker: Notions) -> None:
    assert Vector.objects.count() == len(TEXTS)
    assert vectors.make("t") == 0
    assert maker.encoded == []


def test_a_document_that_changed_gets_another(filled: None, maker: Notions) -> None:
    put("garage", text=("Снять внаём", "Аренда."))
    assert vectors.make("t") == 1
    assert near("аренда")["garage"] > 0.9
    assert Vector.objects.count() == len(TEXTS)


def test_where_only_readers_change_nothing_is_encoded_anew(filled: None, maker: Notions) -> None:
    put("garage", ("some",))
    Entry.objects.filter(key="lease").update(changed_at="2026-01-01T00:00Z")
    assert vectors.make("t") == 0
    assert maker.encoded == []


def test_one_of_a_document_that_is_gone_goes_too(filled: None) -> None:
    engine.drop("t", "garage")
    assert "garage" not in near("гараж")  # at once
    vectors.make("t")
    assert set(Vector.objects.values_list("key", flat=True)) == TEXTS.keys() - {"garage"}


def test_another_encoder_makes_all_anew(filled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Notions("notions/2")
    monkeypatch.setattr(encoder, "configured", lambda: other)
    assert near("гараж") == {}  # numbers of another say nothing
    assert vectors.make("t") == len(TEXTS)
    assert Vector.objects.count() == len(TEXTS)
    assert near("гараж")


def test_a_round_ends_in_time_and_the_next_goes_on(db: None, maker: Notions) -> None:
    for number in range(40):
        put(f"k{number}", text=(f"Гараж {number}", ""))
    assert vectors.make("t", budget=-1) == 0
    assert vectors.make("t") == 40


def test_an_encoder_that_fails_leaves_it_for_another_time(
    db: None, maker: Notions, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("garage")

    def fail(texts: object) -> None:
        raise EncoderError("нет")

    monkeypatch.setattr(maker, "encode", fail)
    assert vectors.make("t") == 0
    monkeypatch.undo()


def test_only_materials_have_vectors(db: None, maker: Notions) -> None:
    [job] = [one for one in periodic() if one.name == "make-vectors"]
    for index in ("materials", "site", "appeals"):
        put("garage", index=index)
    job.run()
    assert set(Vector.objects.values_list("index", flat=True)) == {"materials", "site"}
    assert vectors.of("appeals", ["all"]) is None


def test_nobody_makes_any_while_it_is_off(db: None) -> None:
    assert "make-vectors" not in {one.name for one in periodic()}


# Who sees what


def test_what_a_reader_may_not_see_is_not_near(db: None, maker: Notions) -> None:
    for key in TEXTS:
        put(key, ("staff",) if key == "garage" else ("staff", "public"))
    vectors.make("t")
    assert near("гараж", "staff").keys() == TEXTS.keys()
    assert near("гараж", "public").keys() == TEXTS.keys() - {"garage"}
    assert near("гараж", "public", "other").keys() == TEXTS.keys() - {"garage"}
    assert near("гараж", "nobody") == {}


def test_who_loses_a_document_loses_it_at_once(filled: None) -> None:
    assert "garage" in near("гараж")
    put("garage", ("others",), text=("Оформление гаража", "Заявление подают до 2032 года."))
    assert "garage" not in near("гараж")


def test_while_the_encoder_is_not_ready_words_alone_count(filled: None, maker: Notions) -> None:
    maker.is_ready = lambda: False  # type: ignore[method-assign]
    assert vectors.of("t", ["all"]) is None


def test_an_address_that_changed_its_model_goes_on_by_words(filled: None, maker: Notions) -> None:
    found = vectors.of("t", ["all"])
    maker.encode = lambda texts: [[1.0, 0.0] for _ in texts]  # type: ignore[method-assign,assignment]
    assert found is not None
    assert found.near("гараж") == {}


# What it changes


def test_who_searches_finds_by_meaning_among_what_is_open_to_him(filled: None, settings: Any) -> None:
    query = "железный домик для машины"

    def by_meaning(*scopes: str, typing: bool = False) -> list[str]:
        hits = engine.ask("t", query, scopes=scopes, typing=typing).hits
        return [hit.key for hit in hits if "meaning" in {why.how for why in hit.why}]

    assert by_meaning("all")[0] == "garage"
    assert by_meaning("others") == by_meaning("all", typing=True) == []
    put("garage", ("others",))
    assert "garage" not in by_meaning("all")
    settings.ENCODER = "off"
    assert by_meaning("all") == []


WORDS = Words(thesaurus.Thesaurus())


@pytest.fixture(scope="module")
def view() -> Any:
    index = Index()
    index.write(Document(key, title, body, ["all"]) for key, (title, body) in TEXTS.items())
    return index.view(["all"])


@pytest.fixture
def placed(maker: Notions) -> vectors.Near:
    everybody = [frozenset({"all"})] * len(TEXTS)
    made = maker.encode([encoder.text_of(*one) for one in TEXTS.values()])
    return vectors.Near(maker, vectors.Matrix(list(TEXTS), everybody, made), ["all"])


def test_what_shares_no_word_is_found_by_meaning_and_says_so(view: Any, placed: vectors.Near) -> None:
    query = "железный домик для машины"
    assert ranking.answer(view, query, 10, words=WORDS).ranked == []
    best = ranking.answer(view, query, 10, words=WORDS, vectors=placed).ranked[0]
    assert (best.key, [why.how for why in best.why], best.share) == ("garage", ["meaning"], 0.0)


def test_how_sure_an_answer_is_is_told_by_words(view: Any, placed: vectors.Near) -> None:
    for query in ("железный домик для машины", "оформление гаража", "вертолёт"):
        alone = ranking.answer(view, query, 10, words=WORDS)
        assert ranking.answer(view, query, 10, words=WORDS, vectors=placed).features == alone.features


def test_words_still_count(view: Any, placed: vectors.Near) -> None:
    ranked = ranking.answer(view, "как платить за гараж", 10, words=WORDS, vectors=placed).ranked
    assert {one.key for one in ranked[:2]} == {"fee", "garage"}
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


def test_what_is_meant_is_encoded_not_what_slipped(view: Any, placed: vectors.Near, maker: Notions) -> None:
    maker.encoded.clear()
    ranking.answer(view, "ufhf;", 10, words=WORDS, vectors=placed)
    assert maker.encoded == ["гараж"]


def test_of_a_letter_only_what_it_asks_is_encoded(view: Any, placed: vectors.Near, maker: Notions) -> None:
    maker.encoded.clear()
    story = "Живу в доме на улице Мира, и сосед поставил забор. " * 3
    ranking.answer(view, f"{story} Как оформить гараж? Иванов", 10, words=WORDS, vectors=placed)
    assert maker.encoded == ["Как оформить гараж?"]


def test_an_unfinished_word_and_no_words_ask_nobody(view: Any, placed: vectors.Near, maker: Notions) -> None:
    maker.encoded.clear()
    ranking.answer(view, "гар", 10, words=WORDS, typing=True, vectors=placed)
    assert ranking.answer(view, "?!", 10, words=WORDS, vectors=placed).ranked == []
    assert maker.encoded == []


def test_an_encoder_that_fails_changes_nothing(view: Any, placed: vectors.Near, maker: Notions) -> None:
    def fail(texts: object) -> None:
        raise EncoderError("нет")

    maker.encode = fail  # type: ignore[method-assign,assignment]
    alone = ranking.answer(view, "оформление гаража", 10, words=WORDS)
    assert ranking.answer(view, "оформление гаража", 10, words=WORDS, vectors=placed) == alone


def test_a_document_without_a_vector_is_still_found(view: Any, maker: Notions) -> None:
    made = maker.encode(["гараж"])
    only = vectors.Near(maker, vectors.Matrix(["garage"], [frozenset({"all"})], made), ["all"])
    found = ranking.answer(view, "межевание", 10, words=WORDS, vectors=only).ranked
    assert "boundary" in [one.key for one in found]


# How it is


def test_the_state_is_told_where_it_is_on(db: None, maker: Notions) -> None:
    put("garage", index="materials")
    [fact] = list(health._encoder())
    assert (fact.level, "0 из 1" in fact.text) == (health.WARN, True)
    vectors.make("materials")
    [fact] = list(health._encoder())
    assert (fact.level, "1 из 1" in fact.text) == (health.GOOD, True)


def test_what_is_wrong_is_told(db: None, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.ENCODER = "sometimes"
    [fact] = list(health._encoder())
    assert (fact.level, "sometimes" in fact.text) == (health.WARN, True)
    vectors._told.clear()
    assert [vectors.of("t", ["all"]) for _ in range(3)] == [None] * 3
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_nothing_is_told_where_it_is_off(db: None) -> None:
    assert list(health._encoder()) == []


def test_an_address_places_documents_too(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    monkeypatch.setattr(vectors, "FRESH", 0.0)
    with embeddings() as server:
        settings.ENCODER, settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "url", server.url, "m"
        for key in TEXTS:
            put(key)
        assert vectors.make("t") == len(TEXTS)
        found = near("железный домик для машины")
        assert max(found, key=lambda key: found[key]) == "garage"
        server.fails = "status"
        assert near("гараж") == {}
