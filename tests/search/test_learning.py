"""What search learns: sums of ordinary words, of several people, taken back for good."""

from __future__ import annotations

import pytest

from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.search import analysis, engine, learning
from otklik.search.learning import Pair
from otklik.search.models import LearnedWord
from otklik.search.telling import masked, ordinary

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db: None) -> Employee:
    return Employee.objects.create_user("editor", password="x")


@pytest.fixture
def documents(db: None) -> None:
    for key, title in (("1", "Нестационарный торговый объект"), ("2", "Аренда земельного участка"), ("3", "Выкуп")):
        engine.put("t", key, title=title, body="Подайте заявление.", scopes=["all"])


def pairs(text: str, key: str, *sources: str, counts: float = 1.0) -> list[Pair]:
    return [Pair(text, key, source, counts) for source in sources]


def word(text: str) -> str:
    return analysis.words(text)[0]


def learned() -> set[tuple[str, str]]:
    return {(row.key, row.lemma) for row in learning.in_force("t")}


@pytest.mark.parametrize(
    "text",
    [
        "Иванова Мария Петровна",
        "ИВАНОВУ",
        "роза",
        "вера лев надежда",
        "Новосибирск",
        "89131234567",
        "54:35:051120:123",
        "ivanov@mail.example",
        "абырвалг",
        "из-за что где",
        "",
    ],
)
def test_names_places_numbers_and_words_unheard_of_are_kept_of_no_text(text: str) -> None:
    assert ordinary(text) == {}


def test_what_is_shown_of_a_search_names_nobody() -> None:
    said = masked("ларёк Сидоровой Марии 8 913 123-45-67, ivanov@mail.example, ул. Ленина")
    assert said.startswith("ларёк ")
    for part in ("сидоров", "мари", "913", "123", "ivanov", "ленин"):
        assert part not in said.lower()


def test_ordinary_words_are_kept_as_the_dictionary_writes_them() -> None:
    assert set(ordinary("Гражданка Сидорова спрашивает про ларьки у дома 15").values()) == {
        "гражданка", "спрашивать", "ларек", "дом",
    }  # fmt: skip


def test_a_word_of_two_people_leads_to_the_document_they_found(documents) -> None:
    learning.learn("t", pairs("поставить ларёк", "1", "a", "b", "c"))
    assert ("1", word("ларёк")) in learned()
    [(key, lemma, weight)] = learning.known("t", [word("ларёк"), word("аренда")])
    assert (key, lemma) == ("1", word("ларёк"))
    assert 0 < weight <= 1
    assert learning.why("t", [word("ларёк")], ["1"]) == {"1": [word("ларёк")]}


def test_one_person_teaches_nothing_however_often_he_searches(documents) -> None:
    learning.learn("t", pairs("ларёк", "1", *["a"] * 20))
    assert learned() == set()


def test_a_word_of_the_title_and_one_that_leads_everywhere_are_not_learned(documents) -> None:
    learning.learn("t", pairs("торговый", "1", "a", "b", "c"))
    learning.learn("t", [pair for key in "123" for pair in pairs("купить", key, "a", "b")])
    assert learned() == set()


def test_what_did_not_help_counts_against(documents) -> None:
    found = pairs("ларёк", "1", "a", "b", "c")
    learning.learn("t", [*found, *pairs("ларёк", "1", "d", "e", "f", counts=-1.0)])
    assert learned() == set()


def test_a_document_that_is_not_found_any_more_is_forgotten(documents) -> None:
    found = pairs("ларёк", "1", "a", "b", "c")
    learning.learn("t", found)
    engine.drop("t", "1")
    learning.learn("t", found)
    assert learned() == set()


def test_learning_twice_changes_nothing_and_the_other_index_is_let_alone(documents) -> None:
    found = pairs("ларёк", "1", "a", "b", "c")
    LearnedWord.objects.create(index="other", key="1", lemma="иное", weight=0.5, times=2, sources=2)
    learning.learn("t", found)
    before = list(LearnedWord.objects.order_by("pk").values_list("pk", "index", "key", "lemma", "weight"))
    learning.learn("t", found)
    assert list(LearnedWord.objects.order_by("pk").values_list("pk", "index", "key", "lemma", "weight")) == before


def test_what_was_taken_back_stays_taken_back_until_it_is_given_back(documents, editor) -> None:
    found = pairs("ларёк", "1", "a", "b", "c")
    learning.learn("t", found)
    assert learning.take_back(LearnedWord.objects.filter(lemma=word("ларёк")), by=editor) == 1
    learning.learn("t", found)
    assert learning.known("t", [word("ларёк")]) == []
    assert learning.give_back(LearnedWord.objects.all(), by=editor) == 1
    assert [key for key, _, _ in learning.known("t", [word("ларёк")])] == ["1"]
    actions = JournalEntry.objects.filter(chain="learned").order_by("seq").values_list("action", "actor")
    assert list(actions) == [("learned.taken_back", editor.pk), ("learned.given_back", editor.pk)]


def test_ranking_learns_in_one_query(documents, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        learning.known("t", [word("ларёк"), word("гараж")])
    with django_assert_num_queries(0):
        assert learning.known("t", []) == []
