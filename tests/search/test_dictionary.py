"""The thesaurus as a dictionary: what editors keep, what comes with the product, what is in force."""

from __future__ import annotations

import threading

import pytest
from django.core.cache import cache
from django.db import transaction

from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.search import analysis, dictionary, thesaurus
from otklik.search.dictionary import EntryChanged, Facts, Kind, WrongEntry, read_line
from otklik.search.models import ThesaurusEntry, ThesaurusState

pytestmark = pytest.mark.django_db

SYNONYM = Facts(Kind.SYNONYM, "прилавок, торговая точка", "нестационарный, торговый")


@pytest.fixture
def editor(db: None) -> Employee:
    return Employee.objects.create_user("editor", password="x")


@pytest.fixture(autouse=True)
def blank(_django_db_helper: None) -> None:
    """Let what comes with the product lead nowhere: its words change with every release."""
    ThesaurusEntry.objects.all().delete()
    ThesaurusState.objects.update(version="blank")


def leads_to(word: str) -> set[str]:
    [said] = analysis.words(word)
    return set(dictionary.current().words.get(said, {}))


@pytest.mark.parametrize(
    "line",
    [
        "ларёк, палатка > нестационарный, торговый",
        "взять землю > аренда, участок [0.5]",
        "надел > участок 0.9, садовый 0.3",
        "СНТ = садоводческое некоммерческое товарищество",
        "СНТ = садоводство [0.9]",
        "- заранее благодарен, с уважением",
        "~ бабушка, зима",
    ],
)
def test_a_line_of_the_file_and_an_entry_are_the_same_thing(line: str) -> None:
    facts = read_line(line)
    assert facts is not None
    assert facts.line == line
    assert facts.rules == thesaurus.rules(line)
    assert dictionary.problems(facts) == {}


def test_a_remark_and_an_empty_line_say_nothing() -> None:
    assert read_line("# замечание") is None
    assert read_line("  ") is None


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        (Facts("synonym", "", "участок"), "said", "через запятую"),
        (Facts("synonym", "ларёк", ""), "written", "какими словами"),
        (Facts("synonym", "ларёк ; палатка", "торговый"), "said", "Знак «;»"),
        (Facts("synonym", "ларёк", "торговый > объект"), "written", "Знак «>»"),
        (Facts("synonym", "ларёк\x00", "торговый"), "said", "не читается"),
        (Facts("synonym", "и", "торговый"), "said", "ничего не значит"),
        (Facts("synonym", "ларёк", "торговый", 0), "weight", "больше 0"),
        (Facts("synonym", "ларёк", "торговый", 1.5), "weight", "не больше 1"),
        (Facts("synonym", "купить землю дом гараж сарай забор", "торговый"), "said", "слишком длинная фраза"),
        (Facts("synonym", "х" * 501, "торговый"), "said", "до 500"),
        (Facts("empty", "заранее благодарен", "слово"), "written", "правой части нет"),
        (Facts("story", "моя бабушка умерла", ""), "said", "по одному"),
        (Facts("other", "ларёк", "торговый"), "kind", "из списка"),
        (Facts("synonym", "ларёк", "торговый 1.5"), "written", "вес бывает"),
    ],
)
def test_an_entry_that_cannot_be_kept_says_why_at_its_field(facts: Facts, field: str, words: str, editor) -> None:
    assert words in dictionary.problems(facts)[field]
    with pytest.raises(WrongEntry) as refusal:
        dictionary.keep(facts, by=editor)
    assert field in refusal.value.problems
    assert not JournalEntry.objects.filter(action="thesaurus.added").exists()


def test_the_same_said_in_another_order_and_with_other_endings_is_named_as_known(editor) -> None:
    dictionary.keep(SYNONYM, by=editor)
    again = Facts(Kind.SYNONYM, "торговой точке, прилавок", "торговых")
    assert "прилавок, торговая точка > нестационарный, торговый" in dictionary.problems(again)["said"]
    assert dictionary.problems(Facts(Kind.SYNONYM, "прилавок", "аренда")) == {}, "the same word may lead elsewhere too"


def test_what_leads_in_a_circle_does_no_harm(editor) -> None:
    dictionary.keep(Facts(Kind.SYNONYM, "прилавок", "лоток"), by=editor)
    dictionary.keep(Facts(Kind.SYNONYM, "лоток", "прилавок"), by=editor)
    assert leads_to("прилавок") == set(analysis.words("лоток"))
    assert leads_to("лоток") == set(analysis.words("прилавок"))


def test_a_change_is_in_force_at_once_and_tells_who_made_it(editor) -> None:
    assert leads_to("прилавок") == set()
    row = dictionary.keep(SYNONYM, by=editor)
    assert leads_to("прилавок") == set(analysis.words("нестационарный торговый"))
    dictionary.keep(Facts(Kind.SYNONYM, "прилавок", "аренда"), of=row, by=editor)
    assert leads_to("прилавок") == set(analysis.words("аренда"))
    dictionary.take_out(row, by=editor)
    assert leads_to("прилавок") == set()
    dictionary.put_back(row, by=editor)
    assert leads_to("прилавок") == set(analysis.words("аренда"))
    history = list(dictionary.history(row))[::-1]
    assert [(one.action, one.actor) for one in history] == [
        (f"thesaurus.{verb}", editor) for verb in ("added", "changed", "taken_out", "put_back")
    ]
    assert history[1].data == {
        "row": row.pk,
        "was": "прилавок, торговая точка > нестационарный, торговый",
        "now": "прилавок > аренда",
    }


def test_what_was_taken_back_with_its_transaction_is_not_in_force(editor) -> None:
    with transaction.atomic():
        dictionary.keep(SYNONYM, by=editor)
        assert leads_to("прилавок")
        transaction.set_rollback(True)
    cache.clear()  # two seconds pass
    assert leads_to("прилавок") == set()


def test_of_two_editors_the_second_is_told_what_the_first_wrote(editor) -> None:
    row = dictionary.keep(SYNONYM, by=editor)
    seen = row.version
    dictionary.keep(Facts(Kind.SYNONYM, "прилавок", "аренда"), of=row, by=editor)
    with pytest.raises(EntryChanged, match="прилавок > аренда"):
        dictionary.keep(Facts(Kind.SYNONYM, "прилавок", "залог"), of=row, version=seen, by=editor)


def test_what_says_the_same_by_now_is_not_put_back_beside_it(editor) -> None:
    row = dictionary.keep(SYNONYM, by=editor)
    dictionary.take_out(row, by=editor)
    dictionary.keep(SYNONYM, by=editor)
    with pytest.raises(WrongEntry, match="уже есть"):
        dictionary.put_back(row, by=editor)


LINES = ["прилавок > торговый", "лоток > объект", "- с поклоном", "# замечание"]


def test_the_shipped_entries_are_planted_once_and_what_the_editor_did_with_them_stays(editor) -> None:
    assert dictionary.load(LINES) == 3
    assert dictionary.load(LINES) == 0
    changed, out = (ThesaurusEntry.objects.get(said=said) for said in ("прилавок", "лоток"))
    dictionary.keep(Facts(Kind.SYNONYM, "прилавок", "аренда"), of=changed, by=editor)
    dictionary.take_out(out, by=editor)
    before = list(ThesaurusEntry.objects.order_by("pk").values_list())
    assert dictionary.load(LINES) == 0
    assert list(ThesaurusEntry.objects.order_by("pk").values_list()) == before


def test_a_newer_product_brings_its_lines_and_takes_only_those_nobody_touched(editor) -> None:
    dictionary.load(LINES)
    dictionary.take_out(ThesaurusEntry.objects.get(said="лоток"), by=editor)
    assert dictionary.load(["торжок > торговый"]) == 1
    assert set(ThesaurusEntry.objects.values_list("said", "active")) == {("лоток", False), ("торжок", True)}


def test_what_comes_with_the_product_is_read_without_a_mistake_and_is_there_from_the_start() -> None:
    shipped = [facts for line in thesaurus.shipped_lines() if (facts := read_line(line))]
    assert dictionary.load() == len({facts.line for facts in shipped})
    assert ThesaurusState.objects.count() == 1


def test_a_search_asks_the_database_once_in_two_seconds(django_assert_num_queries) -> None:
    dictionary.current()
    with django_assert_num_queries(0):
        dictionary.current()
    cache.clear()
    with django_assert_num_queries(1):
        dictionary.current()


@pytest.mark.django_db(transaction=True)
def test_a_change_of_another_process_is_seen(editor) -> None:
    dictionary.current()

    def elsewhere() -> None:
        ThesaurusEntry.objects.create(said="прилавок", written="торговый")
        ThesaurusState.objects.update(version="of another process")

    other = threading.Thread(target=elsewhere)
    other.start()
    other.join()
    cache.clear()  # two seconds pass
    assert leads_to("прилавок")


def test_the_file_that_is_handed_out_says_all_there_is_and_is_read_again(editor) -> None:
    dictionary.keep(SYNONYM, by=editor)
    lines = dictionary.lines()
    rules = [rule for line in lines for rule in thesaurus.rules(line)]
    kept = [rule for row in dictionary.active() for rule in dictionary.facts_of(row).rules]
    assert sorted(map(repr, rules)) == sorted(map(repr, kept))
