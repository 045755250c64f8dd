"""One box over cases: found in the way each was meant, by those alone who may see them and may ask by such a mark."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals import case_search, registration
from otklik.appeals.models import Appeal
from otklik.appeals.questions import asked_in
from otklik.people.applicants import Typed
from tests.appeals.conftest import World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
NUMBER = "54:35:051120:123"


@pytest.fixture
def case(world: World) -> Appeal:
    """A case of Petrov with a telephone, an address and a cadastral number in the letter; another stands beside it."""
    world.registered()
    letter = world.message(text=f"Прошу уточнить границы участка {NUMBER} у реки.", sender_name="Петров Пётр")
    person = Typed(
        last_name="Петров",
        first_name="Пётр",
        phone="+7 913 555-44-33",
        email="petrov@citizen.example",
        address="г. Бердск, ул. Лесная, 7",
    )
    entry = world.entry(subject="Границы участка", applicant=person)
    return world.assigned(registration.register(letter, entry, by=world.clerk))


def ways(world: World, text: str) -> dict[str, list[int]]:
    found = case_search.find(world.clerk, text, limit=5)
    return {group.title: [one.appeal.pk for one in group.rows] for group in found.groups}


@pytest.mark.parametrize(
    ("typed", "way"),
    [
        ("петров", "По заявителю"),
        ("Петров Пётр", "По заявителю"),
        ("8 (913) 555-44-33", "По телефону"),
        ("5554433", "По номеру"),  # of a case there is none, so it is the end of a telephone
        ("petrov@citizen.example", "По почте"),
        ("Бердск Лесная 7", "По адресу"),
        (NUMBER, "По кадастровому номеру"),
        ("границы у реки", "По тексту"),
    ],
)
def test_what_was_typed_is_found_in_the_way_it_was_meant(world: World, case: Appeal, typed: str, way: str) -> None:
    found = ways(world, typed)
    expected = "По телефону" if typed == "5554433" else way
    # By words others may be found after it; every other way names the very case.
    assert (found.get(expected) or [])[: 1 if expected == "По тексту" else None] == [case.pk], found
    assert sum(pks.count(case.pk) for pks in found.values()) == 1  # shown once, whatever else fits


def test_a_number_stands_first(world: World, case: Appeal) -> None:
    assert next(iter(ways(world, case.number))) == "По номеру"
    assert ways(world, case.number[-3:])["По номеру"] == [case.pk]


@pytest.mark.parametrize(
    "typed",
    [
        "заявитель: Петров",
        "фамилия: петров адрес: Бердск, Лесная",
        "телефон: 913 555-44-33 тема: аренд",
        "почта: petrov@citizen.example границы",
        f"кадастровый: {NUMBER}",
        "исполнитель: Сидорова заявитель: «Петров Пётр»",
        'отдел: "земельных отношений" кадастровый: ' + NUMBER,
    ],
)
def test_operators_narrow_together(world: World, case: Appeal, typed: str) -> None:
    found = case_search.find(world.clerk, typed, limit=5)
    assert [one.appeal.pk for one in found.rows] == [case.pk], found
    assert not any(chip.trouble for chip in found.chips)


def test_a_chip_knows_what_was_typed_without_it(world: World, case: Appeal) -> None:
    chips = case_search.find(world.clerk, "границы заявитель: Петров срок: скоро", limit=5).chips
    assert [(one.name, one.value, one.without) for one in chips] == [
        ("заявитель", "Петров", "границы срок: скоро"),
        ("срок", "скоро", "границы заявитель: Петров"),
    ]


@pytest.mark.parametrize(
    "typed", ["телефон: 12", "срок: когда-нибудь", "кадастровый: 5", "адрес: 1", "почта: нет", "заявитель:"]
)
def test_an_operator_that_says_nothing_says_why_and_shows_nobody(world: World, case: Appeal, typed: str) -> None:
    found = case_search.find(world.clerk, typed, limit=5)
    assert found.chips[0].trouble
    assert found.rows == []
    page = desk(world.clerk).post(at("search"), {"q": typed}).content.decode()
    assert found.chips[0].trouble in page.replace("&quot;", '"')


def test_terms_are_asked_in_words(world: World, case: Appeal) -> None:
    def found(words: str) -> bool:
        return case.pk in {one.appeal.pk for one in case_search.find(world.clerk, f"срок: {words}", limit=5).rows}

    today = timezone.localdate()
    past = dict.fromkeys(("received_on", "registered_on"), today - timedelta(days=30))
    for due, words in ((-1, "прошёл"), (0, "сегодня"), (2, "скоро"), (6, "неделя")):
        Appeal.objects.filter(pk=case.pk).update(**past, due_on=today + timedelta(days=due))
        assert found(words), words
    day = today + timedelta(days=6)
    assert found(f"до {day:%d.%m.%Y}")
    assert found(f"{day:%d.%m.%Y}")
    assert not found("сегодня")


def test_a_case_of_others_is_found_by_nothing(world: World, case: Appeal) -> None:
    for typed in ("Петров", "8 913 555-44-33", NUMBER, "границы у реки", case.number, f"кадастровый: {NUMBER}"):
        assert case_search.find(world.stranger, typed, limit=5).rows == [], typed
        mine = [one.appeal.pk for one in case_search.find(world.executor, typed, limit=5).rows]
        assert mine == ([case.pk] if world.executor.has_power("applicants.view") or case.pk in mine else []), typed


def test_who_may_not_open_personal_data_does_not_search_by_it(world: World, case: Appeal) -> None:
    for typed in ("Петров", "8 913 555-44-33", "petrov@citizen.example", "Бердск Лесная 7"):
        groups = case_search.find(world.clerk, typed, limit=5, personal=False).groups
        assert {group.title for group in groups} <= {"По тексту", "По номеру"}, typed
    told = case_search.find(world.clerk, "телефон: 8 913 555-44-33", limit=5, personal=False)
    assert told.rows == []
    assert "нет права" in told.chips[0].trouble


@pytest.mark.parametrize("typed", ["Петров", "8 913 555-44-33", "заявитель: Петров срок: неделя", NUMBER])
def test_the_box_costs_the_same_however_many_cases(world: World, case: Appeal, typed: str) -> None:
    def cost() -> int:
        user = world.fresh(world.clerk)
        with CaptureQueriesContext(connection) as queries:
            case_search.find(user, typed, limit=5)
        return len(queries)

    before = cost()
    for _ in range(4):
        world.registered()
    assert cost() <= before + 1
    assert before <= 25


def test_the_page_shows_groups_reasons_and_no_full_name(world: World, case: Appeal) -> None:
    page = desk(world.clerk).post(at("search"), {"q": "петров"}).content.decode()
    assert "по заявителю" in page
    assert case.number in page
    assert "Петров Пётр" not in page
    worded = desk(world.clerk).post(at("search"), {"q": "границы у реки"}).content.decode()
    assert "Почему найдено" in worded


def test_the_questions_of_a_letter_are_its_sentences_that_ask() -> None:
    letter = """Здравствуйте! У меня участок с 1987 года. Можно ли по ст. 39.6 ЗК взять его в аренду?
    Забор стоит давно. Прошу разъяснить, какие документы нужны. Подскажите, куда обращаться
    > А это вопрос из чужого письма?
    Спасибо? С уважением."""
    assert asked_in(letter) == [
        "Можно ли по ст. 39.6 ЗК взять его в аренду?",
        "Прошу разъяснить, какие документы нужны.",
        "Подскажите, куда обращаться",
    ]
    assert asked_in("") == []
    assert len(asked_in("Как узнать номер дома? " * 10 + "".join(f"Сколько стоит выкуп {n}? " for n in range(50)))) == 5
    assert asked_in("." * 100_000) == []
