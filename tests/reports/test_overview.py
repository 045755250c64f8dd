"""«Обзор обращений»: true counts, no small group told apart, nothing of people."""

from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from otklik.appeals.models import Appeal, OutcomeKind, Topic
from otklik.correspondence.models import ChannelCode
from otklik.people import personal_data
from otklik.reports import overview
from otklik.reports.overview import FEWEST, OTHER, Overview, Period, Table, tidied
from tests.appeals.conftest import World

COUNTS = st.dictionaries(st.sampled_from([f"строка {number}" for number in range(9)]), st.integers(0, 60))


@given(COUNTS, COUNTS)
def test_no_line_and_no_rest_of_lines_is_small_and_nothing_is_lost(now: dict[str, int], before: dict[str, int]) -> None:
    lines = tidied(now, before)
    for one in lines:
        assert one.now == 0 or one.now >= FEWEST
        assert one.before == 0 or one.before >= FEWEST
    if lines:
        assert sum(one.now for one in lines) == sum(now.values())
        assert sum(one.before for one in lines) == sum(before.values())
        assert any(one.name != OTHER for one in lines)


def test_a_small_line_takes_the_next_smallest_with_it() -> None:
    told = [(one.name, one.now) for one in tidied({"почта": 40, "сайт": 12, "приём": 3}, {})]
    assert told == [("почта", 40), (OTHER, 15)]


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period(2025), date(2025, 1, 1), date(2025, 12, 31)),
        (Period(2025, 1), date(2025, 1, 1), date(2025, 3, 31)),
        (Period(2024, 4), date(2024, 10, 1), date(2024, 12, 31)),
    ],
)
def test_a_period_has_its_days(period: Period, first: date, last: date) -> None:
    assert (period.first, period.last) == (first, last)
    assert overview.quarter_of(last).quarter == (last.month + 2) // 3


@pytest.fixture
def world(db: None) -> World:
    return World()


def many(world: World, number: int, on: date, *, channel: str = "post", answered: bool = False) -> None:
    """Leave so many appeals of a day, all alike."""
    first = world.classified()
    facts = {"registered_on": on, "received_on": on, "due_on": on, "channel": channel}
    if answered:
        facts["answered_on"] = on
    topic, need = world.pair()
    for one in range(number):
        appeal = first
        if one:
            thread = type(first.thread).objects.create()
            appeal = Appeal.objects.get(pk=first.pk)
            appeal.pk, appeal.number, appeal.thread = None, f"{channel}-{on}-{one}", thread
            appeal.save()
            appeal.questions.create(topic=topic, need=need, confirmed_by=world.clerk)
        Appeal.objects.filter(pk=appeal.pk).update(**facts)


@pytest.mark.django_db
def test_it_counts_what_was_registered_and_compares_it_with_the_year_before(world: World) -> None:
    many(world, 21, date(2025, 3, 3), answered=True)
    many(world, 12, date(2025, 8, 1), channel="email")
    many(world, 10, date(2024, 3, 3))
    found = overview.overview(Period(2025))
    assert found.paragraphs[0] == (
        "За 2025 год поступило 33\u00a0обращения — на 23 (230 %) больше, чем за 2024 год (10)."
    )
    channels = found.tables[0]
    told = [(one.name, one.now, one.before) for one in channels.lines]
    assert told == [(ChannelCode.POST.label, 21, 10), (ChannelCode.EMAIL.label, 12, 0)]
    assert any(one.startswith("В срок ответ дан по 21\u00a0обращению") for one in found.paragraphs)
    quarter = overview.overview(Period(2025, 1))
    assert "I квартал 2025 года поступило 21\u00a0обращение" in quarter.paragraphs[0]


@pytest.mark.django_db
def test_of_fewer_than_ten_nothing_is_published(world: World) -> None:
    many(world, 9, date(2025, 3, 3))
    found = overview.overview(Period(2025))
    assert found.tables == ()
    assert found.paragraphs == ("За 2025 год зарегистрировано меньше 10 обращений. Распределение не публикуется.",)


@pytest.mark.django_db
def test_nothing_in_it_tells_of_people_whatever_is_in_the_dictionaries_shipped(world: World) -> None:
    many(world, 12, date(2025, 3, 3), answered=True)
    found = overview.overview(Period(2025))
    page, pages = overview.page(found), PdfReader(io.BytesIO(overview.printed(found))).pages
    assert not found.of_people
    assert not personal_data.found(found.text)
    for text in (page, *(one.extract_text() for one in pages)):
        assert "Иванова" not in text
        assert "Выдуманная" not in text
    names = [*dict(ChannelCode.choices).values(), *OutcomeKind.objects.values_list("name", flat=True)]
    names += Topic.objects.filter(leaf=True).values_list("name", flat=True)
    lines = tuple(overview.Line(name, 10, 10) for name in names)
    whole = Overview(Period(2025), "Департамент", (), (Table("О чём", "Тема", lines, compared=True),))
    assert whole.of_people == []


@pytest.mark.django_db
def test_a_name_in_a_dictionary_is_seen_before_it_is_published() -> None:
    line = overview.Line("Жалоба Иванова Петра Сергеевича, тел. 8 913 123-45-67", 20, 20)
    found = Overview(Period(2025), "Департамент", (), (Table("О чём", "Тема", (line,), compared=True),))
    assert found.of_people
