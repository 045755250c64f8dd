"""What is found, by whom, and that nothing typed breaks it."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from otklik.search import analysis, engine
from otklik.search.models import Change, Entry

pytestmark = pytest.mark.django_db

TEXTS = {
    "lease": ("Аренда земельного участка", "Договор аренды заключают по статье 39.6 Земельного кодекса."),
    "garage": ("Гаражная амнистия", "Заявление о гараже подают до 2031 года. Ёлочный базар сюда не относится."),
    "case": ("Ответ по обращению", "О-2026-000123 рассмотрено по 59-ФЗ, участок 54:35:051120:123."),
    "pay": ("Как платить", "Плата за участок вносится каждый квартал, аренда считается по ставке."),
}


@pytest.fixture
def filled(db):
    for key, (title, body) in TEXTS.items():
        engine.put("t", key, title=title, body=body, scopes=["all"])


def keys(query: str, scopes: tuple[str, ...] = ("all",), **options: int) -> list[str]:
    return [hit.key for hit in engine.find("t", query, scopes=scopes, **options)]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("аренды", "lease"),
        ("АРЕНДОЙ УЧАСТКОВ", "lease"),
        ("39.6", "lease"),
        ("ст. 39.6", "lease"),
        ("59-ФЗ", "case"),
        ("59-фз", "case"),
        ("О-2026-000123", "case"),
        ("000123", "case"),
        ("54:35:051120:123", "case"),
        ("елочный", "garage"),
        ("ёлочные базары", "garage"),
        ("pfzdktybt", "garage"),
        ("Ufhf;yfz fvybcnbz", "garage"),
        ("гаражнная амнстия", "garage"),
        ("гараж", "garage"),
        ("платить", "pay"),
    ],
)
def test_what_people_type_finds_what_they_mean(filled, query, key):
    assert keys(query)[:1] == [key]


def test_a_word_still_being_typed_finds_what_it_may_become(filled):
    assert [hit.key for hit in engine.ask("t", "гар", scopes=["all"], typing=True).hits] == ["garage"]


def test_a_slip_is_repaired_while_the_word_is_still_typed(filled):
    found = engine.ask("t", "горажом", scopes=["all"], typing=True)
    assert [hit.key for hit in found.hits][:1] == ["garage"]
    assert found.read_as.startswith("гараж")


def test_a_word_of_the_title_outweighs_a_word_of_the_text(filled):
    assert keys("аренда")[:2] == ["lease", "pay"]


def test_a_rare_word_outweighs_a_common_one(filled):
    assert keys("участок квартал")[0] == "pay"


@pytest.mark.parametrize(
    "query", ["", "   ", "и в на", "?!", "%", "_", "'; DROP TABLE x; --", "\x00", "вертолёт", "🏠", "а" * 100_000]
)
def test_a_query_without_answers_finds_nothing_and_breaks_nothing(filled, query):
    assert keys(query) == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300))
@example(text="\x00")
def test_any_text_is_a_query_and_a_document(filled, text):
    engine.put("t", "any", title=text, body=text, scopes=["all"])
    engine.find("t", text, scopes=["all"])
    assert len(engine.find("t", text + " аренда", scopes=["all"])) <= 10


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=600))
def test_a_snippet_is_a_piece_of_the_body_word_for_word(filled, text):
    body = f"{text} вертолётная {text}"
    engine.put("t", "any", title="x", body=body, scopes=["all"])
    hit = next(hit for hit in engine.find("t", "вертолетной", scopes=["all"]) if hit.key == "any")
    shown = "".join(segment.text for segment in hit.snippet).removeprefix("… ").removesuffix(" …")
    assert shown in body
    assert any(segment.marked for segment in hit.snippet)


def test_one_sees_only_what_one_of_the_scopes_opens(filled):
    engine.put("t", "secret", title="Секретный вертолёт", body="Вертолёт", scopes=["staff", "unit:5"])
    assert keys("вертолёт") == []
    assert keys("вертолёт", ("staff",)) == ["secret"]
    assert keys("вертолёт", ("all", "unit:5")) == ["secret"]
    assert keys("вертолёт", ()) == []
    assert keys("вертолёт", ("unit",)) == []
    assert keys("вертолёт", ("unit:55",)) == []


def test_hidden_documents_do_not_use_up_the_places_of_open_ones(filled):
    for number in range(30):
        engine.put("t", f"s{number}", title="Аренда аренда", body="аренда", scopes=["staff"])
    assert set(keys("аренда", limit=2)) == {"lease", "pay"}


@pytest.mark.parametrize("scope", ["", "a b", "%", "_", "Персонал"])
def test_a_scope_that_could_match_others_is_refused(filled, scope):
    with pytest.raises(ValueError, match="scope"):
        engine.put("t", "new", title="x", body="x", scopes=[scope])
    with pytest.raises(ValueError, match="scope"):
        engine.find("t", "аренда", scopes=[scope])
    assert Entry.objects.count() == len(TEXTS)


def test_indexes_do_not_see_each_other(filled):
    engine.put("other", "x", title="Вертолёт", body="", scopes=["all"])
    assert keys("вертолёт") == []


def test_putting_again_replaces_and_dropping_forgets(filled):
    engine.put("t", "lease", title="Сервитут", body="Проезд", scopes=["all"])
    assert "lease" not in keys("аренда")
    assert keys("сервитут") == ["lease"]
    engine.drop("t", "lease")
    engine.drop("t", "lease")
    assert keys("сервитут") == []


def test_a_change_is_written_for_every_machine_and_none_where_nothing_is_new(filled):
    Change.objects.all().delete()
    engine.put("t", "lease", title=TEXTS["lease"][0], body=TEXTS["lease"][1], scopes=["all"])
    engine.drop("t", "unknown")
    assert not Change.objects.exists()
    engine.put("t", "lease", title=TEXTS["lease"][0], body=TEXTS["lease"][1], scopes=["staff"])
    engine.put("t", "lease", title="Иначе", body=TEXTS["lease"][1], scopes=["staff"])
    engine.drop("t", "pay")
    assert list(Change.objects.order_by("pk").values_list("key", flat=True)) == ["lease", "lease", "pay"]


def test_putting_reads_no_words(filled, monkeypatch):
    monkeypatch.setattr(analysis, "forms", None)
    with CaptureQueriesContext(connection) as queries:
        engine.put("t", "new", title="Сервитут", body="Проезд " * 10_000, scopes=["all"])
    assert len([one for one in queries if "search_" in one["sql"]]) == 2


def test_what_was_rolled_back_is_not_found(filled):
    class Undone(Exception):
        pass

    def vanish():
        with transaction.atomic():
            engine.put("t", "heli", title="Вертолёт", body="", scopes=["all"])
            engine.drop("t", "pay")
            assert keys("вертолёт") == ["heli"]
            assert "pay" not in keys("квартал")
            raise Undone

    with pytest.raises(Undone):
        vanish()
    assert keys("вертолёт") == []
    assert keys("квартал") == ["pay"]


def test_the_number_of_queries_does_not_grow(filled):
    def count(query: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            keys(query)
        return len(queries)

    count("участок")  # what a process asks once a while: which model of confidence is in use
    letter = " ".join(f"слово{number} аренда участок плата квартал" for number in range(500))
    assert count("аренда") == count(letter) == count("гаражнная амнстия учасстка вертолётт") <= 3
