"""What is found, by whom, and that nothing typed breaks it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from otklik.search import engine
from otklik.search.models import Entry, Posting

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
        ("гар", "garage"),
        ("платить", "pay"),
    ],
)
def test_what_people_type_finds_what_they_mean(filled, query, key):
    assert keys(query)[:1] == [key]


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
    assert not Posting.objects.filter(entry__key="lease").exists()


def test_the_number_of_queries_does_not_grow(filled):
    def count(query: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            keys(query)
        return len(queries)

    letter = " ".join(f"слово{number} аренда участок плата квартал" for number in range(500))
    assert count("аренда") == count(letter) <= 5
    assert count("гаражнная амнстия учасстка вертолётт") <= 7


def test_common_words_are_answered_from_bounded_candidates(filled, monkeypatch):
    from otklik.search import postings

    monkeypatch.setattr(postings, "COMMON", 5)
    monkeypatch.setattr(postings, "_MOST_POSTINGS", 10)
    for number in range(40):
        engine.put("t", f"n{number}", title="Участок", body=f"участок номер слово{number}", scopes=["all"])
    assert len(keys("участок номер")) == 10
    assert keys("участок слово7")[0] == "n7"
