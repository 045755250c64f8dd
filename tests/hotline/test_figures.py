"""Figures of the line: each is true to the list it opens, small groups tell no percentage, the cost is fixed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.hotline import compliance
from otklik.hotline.models import Call, Consultation, Hold, Line, MissedCall, ScriptUse, Transfer
from otklik.knowledge.models import Faq, KnowledgeHome, MaterialUse, Section
from otklik.people.models import Employee
from otklik.reports import line as figures
from otklik.reports.line import Scope
from otklik.surveys import defaults as surveys
from otklik.surveys import feedback
from otklik.workplace import menu
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 24)
SCOPE = Scope(DAY, DAY)
Moment = Callable[..., datetime]


@pytest.fixture
def answered(comes: Callable[..., Call], at: Moment) -> Callable[..., Call]:
    """Let a call be answered after so many seconds, and last so many."""

    def call(waited: int = 10, talked: int = 120, *, hour: int = 10, **facts: Any) -> Call:
        came = facts.pop("came_at", at(2026, 11, 24, hour))
        taken = came + timedelta(seconds=waited)
        over = taken + timedelta(seconds=talked)
        times = {"answered_at": taken, "ended_at": over, "waited": waited, "talked": talked}
        return comes(came_at=came, state="answered", **times, **facts)

    return call


@pytest.fixture
def talk(line: Line, consultant: Employee, at: Moment) -> Callable[..., Consultation]:
    """Let a consultation end, with what was said about it where that is given."""
    surveys.load()

    def one(outcome: str = "answered", said: tuple[str, str] | None = None, **facts: Any) -> Consultation:
        opened = facts.pop("opened_at", at(2026, 11, 24, 11))
        if said:
            invitation = feedback.invite(channel="hotline", on=timezone.localdate())
            feedback.answer(invitation.token, {"answered": said[0], "quality": said[1]}, source="phone")
            facts |= {"asked": "answered", "invitation": invitation}
        given = {"line": line, "by": consultant, "closed_at": opened + timedelta(minutes=4)} | facts
        return Consultation.objects.create(opened_at=opened, outcome=outcome, **given)

    return one


def test_speed_of_answer_is_counted_against_the_norm_of_each_line(
    answered: Callable[..., Call], line: Line, ekc: Line
) -> None:
    Line.objects.filter(pk=ekc.pk).update(answer_seconds=60)
    answered(10)
    answered(50)
    answered(50, line=ekc)
    answered(50, line=None)
    told = figures.report(SCOPE).calls
    assert (told.answered, told.in_norm, told.late, told.answer_speed) == (4, 2, 2, 40)
    assert figures.report(Scope(DAY, DAY, line=ekc.pk)).calls.in_norm == 1


def test_the_median_and_the_ninth_tenth_are_those_of_the_lengths(
    answered: Callable[..., Call], consultant: Employee
) -> None:
    for talked in (10, 20, 30, 40, 50, 60, 70, 80, 90, 1000):
        answered(talked=talked, answered_by=consultant)
    told = figures.report(SCOPE)
    assert (told.talk_median, told.talk_p90) == (50, 90)
    assert [(one.employee, one.median) for one in told.consultants] == [(consultant, 50)]


def test_missed_within_hours_and_outside_are_told_apart_and_a_robot_is_nobody(
    missed_call: Callable[..., Call], comes: Callable[..., Call], at: Moment
) -> None:
    missed_call(came_at=at(2026, 11, 24, 12))
    missed_call(came_at=at(2026, 11, 24, 21), in_hours=False, by_robot=True)
    comes(came_at=at(2026, 11, 24, 12), state="talking", answered_at=at(2026, 11, 24, 12))
    comes(came_at=at(2026, 11, 24, 12), state="answered", direction="out")
    told = figures.report(SCOPE).calls
    assert (told.total, told.missed_in, told.missed_out, told.robot) == (2, 1, 1, 1)


def test_of_fewer_than_ten_no_percentage_is_told(answered: Callable[..., Call], talk: Callable[..., Any]) -> None:
    for _ in range(9):
        answered()
        talk(said=("yes", "satisfied"))
    told = figures.report(SCOPE)
    assert (told.calls.in_norm, told.calls.norm_share, told.talks.yes_share, told.talks.csi) == (9, None, None, None)
    answered()
    talk(said=("no", "partial"))
    told = figures.report(SCOPE)
    assert (told.calls.norm_share, told.talks.yes_share, told.talks.csi) == (100, 90, 95)


def test_a_refusal_is_no_answer_and_what_was_not_offered_has_its_reasons(talk: Callable[..., Any]) -> None:
    talk(said=("no", "unsatisfied"))
    talk(asked="refused", told_of_qr=True)
    talk("ended_by_script", asked="not_offered", not_offered="abusive")
    told = figures.report(SCOPE).talks
    assert [told.count("asked", one) for one in ("answered", "refused", "not_offered", "not_yet")] == [1, 1, 1, 0]
    assert (told.count("reason", "abusive"), told.count("got", "no"), told.graded, told.count("qr")) == (1, 1, 1, 1)


def test_how_soon_people_are_called_back_is_the_median_of_the_lines_hours(line: Line, at: Moment) -> None:
    came = at(2026, 11, 24, 10)
    for number, minutes in enumerate((10, 20, 90)):
        MissedCall.objects.create(
            line=line, number_key=str(number), first_at=came, last_at=came, in_hours=True,
            due_at=came + timedelta(hours=1), outcome="called_back", settled_at=came + timedelta(minutes=minutes),
        )  # fmt: skip
    evening = at(2026, 11, 24, 17, 50)
    MissedCall.objects.create(
        line=line, number_key="e", first_at=evening, last_at=evening, in_hours=True, due_at=at(2026, 11, 25, 10),
        outcome="called_back", settled_at=at(2026, 11, 25, 9, 10),
    )  # fmt: skip
    night = {"first_at": at(2026, 11, 24, 3), "last_at": at(2026, 11, 24, 3), "in_hours": False}
    MissedCall.objects.create(line=line, due_at=at(2026, 11, 24, 10), number_key="n", **night)
    told = figures.report(SCOPE).duties
    assert (told.total, told.called_back, told.in_time, told.median, told.waiting) == (5, 4, 3, 20 * 60, 1)


def test_use_of_scripts_and_materials_holds_and_transfers_are_counted_by_consultation(
    talk: Callable[..., Consultation], world: World, consultant: Employee, at: Moment
) -> None:
    one, other = talk(), talk("transferred")
    for stage in ("greeting", "greeting", "farewell"):
        ScriptUse.objects.create(consultation=one, material=1, stage=stage, step=stage)
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Земля", slug="land", unit=world.land))
    faq = section.add_child(instance=Faq(title="Вопрос", slug="faq", short_answer="Да.", body="<p>Да.</p>"))
    for _ in range(2):
        MaterialUse.objects.create(page=faq, action="opened", reference=f"consultation:{one.pk}", by=consultant)
    MaterialUse.objects.create(page=faq, action="declined", reference=f"consultation:{other.pk}", by=consultant)
    MaterialUse.objects.create(page=faq, action="inserted", reference="О-2026-000001", by=consultant)
    began = at(2026, 11, 24, 11, 1)
    Hold.objects.create(consultation=one, began_at=began, announced=60, ended_at=began + timedelta(seconds=60))
    Hold.objects.create(consultation=other, began_at=began, announced=60, ended_at=began + timedelta(seconds=100))
    Transfer.objects.create(consultation=other, where="ekc", why="Не наш вопрос", result="taken")
    told = figures.report(SCOPE)
    assert told.stages == [("greeting", "приветствие", 1), ("farewell", "прощание", 1)]
    counts = {name: told.talks.count(name) for name in ("with_script", "with_material", "overlong")}
    assert counts == {"with_script": 1, "with_material": 1, "overlong": 1}
    assert (told.holds, told.hold_average) == (2, 80)
    assert told.handed == [("ekc", "в ЕКЦ", 1, 1)]


def test_every_figure_has_a_list_of_as_many_rows(
    answered: Callable[..., Call],
    missed_call: Callable[..., Call],
    talk: Callable[..., Any],
    line: Line,
    consultant: Employee,
    at: Moment,
) -> None:
    for waited in (5, 45):
        answered(waited, held=30, answered_by=consultant)
    missed_call(came_at=at(2026, 11, 24, 12))
    talk(said=("yes", "partial"))
    talk("written", asked="refused")
    talk("dropped", asked="not_offered", not_offered="dropped")
    told = figures.report(SCOPE)

    def number(figure: str, value: str = "") -> int:
        return figures.listed(figure, value, SCOPE).count()

    for name in ("total", "answered", "in_norm", "late", "held", "missed", "missed_in", "missed_out", "robot"):
        assert number("calls" if name == "total" else name) == getattr(told.calls, name), name
    for figure, value in told.talks.counts:
        assert number(figure, value) == told.talks.count(figure, value), (figure, value)
    assert sum(told.talks.counts.values()) == 9
    for value, _, counted in (*told.topics,):
        assert number("topic", value) == counted
    assert number("outcome", "нет такого") == number("topic", "²") == 0


def test_days_without_calls_stand_in_the_chart_and_long_periods_go_by_weeks_and_months(
    answered: Callable[..., Call],
) -> None:
    answered()
    days = figures.report(Scope(DAY - timedelta(days=6), DAY))
    assert (days.step, [one.calls.total for one in days.periods]) == ("day", [0] * 6 + [1])
    weeks = figures.report(Scope(DAY - timedelta(days=100), DAY))
    assert (weeks.step, weeks.periods[0].first, weeks.periods[-1].last) == ("week", DAY - timedelta(days=100), DAY)
    months = figures.report(Scope(date(2026, 1, 15), DAY))
    assert (months.step, len(months.periods), months.periods[1].first) == ("month", 11, date(2026, 2, 1))
    assert months.calls.total == weeks.calls.total == 1
    assert [(hour, one.total) for hour, one in months.hours.items()] == [(10, 1)]


def test_what_is_asked_of_the_database_does_not_grow_with_calls(
    answered: Callable[..., Call], talk: Callable[..., Any], world: World, line: Line
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            figures.report(Scope(DAY - timedelta(days=300), DAY))
        return len(seen)

    one = world.employee("other", "Другая", world.registry, ["consultant"])
    answered(answered_by=one)
    talk(said=("yes", "satisfied"), by=one)
    few = cost()
    for number in range(12):
        who = world.employee(f"c{number}", f"Голосова{number}", world.registry, ["consultant"])
        answered(answered_by=who, came_at=timezone.make_aware(datetime(2026, 11 - number % 9, 3, 10)))
        talk(by=who)
    assert cost() == few <= 18


# --- pages -----------------------------------------------------------------------------------------------------------


def page(employee: Employee, address: str) -> str:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def shown_figures(shown: str, address: str) -> list[tuple[str, int | None]]:
    """Return every link to a list with the figure it bears, or the one that stands before it; None: an average."""
    found: list[tuple[str, int | None]] = []
    pattern = rf'(?:<strong>([^<]*)</strong>)?<a href="({re.escape(address)}\?[^"]+)"[^>]*>(.*?)</a>'
    for before, link, words in re.findall(pattern, shown, re.DOTALL):
        inside = re.findall(r"(?:^|: )(\d+)(?: |$)", re.sub(r"<[^>]+>", "", words).replace("\xa0", " "))
        number = inside[-1] if inside else before if before.isdigit() and not re.search(r"\d", words) else None
        found.append((unescape(link), int(number) if number else None))
    return found


def length(listed: str) -> int:
    """Return how many rows a list says it has."""
    [number] = re.findall(r"Записей: (\d+)\.", listed)
    return int(number)


PLACE = "/desk/line/figures/"
DAYS = "first=2026-11-24&last=2026-11-24"


def test_every_link_of_the_page_opens_a_list_of_as_many_rows(
    answered: Callable[..., Call],
    missed_call: Callable[..., Call],
    talk: Callable[..., Any],
    world: World,
    consultant: Employee,
    at: Moment,
) -> None:
    for _ in range(11):
        answered(answered_by=consultant)
        talk(said=("yes", "satisfied"))
    for _ in range(3):
        talk(said=("no", "partial"))
    missed_call(came_at=at(2026, 11, 24, 12))
    answered(line=None)
    shown = page(world.head, f"{PLACE}?{DAYS}")
    assert "Голосова А. П." in shown
    figures_of_page = shown_figures(shown, "/desk/line/figures/list/")
    assert len({link for link, _ in figures_of_page}) > 40
    lengths = {link: length(page(world.head, link)) for link, _ in figures_of_page}
    assert [
        (link, number, lengths[link]) for link, number in figures_of_page if number not in (None, lengths[link])
    ] == []
    assert sum(number is not None for _, number in figures_of_page) > 60
    assert "Записей: 11." in page(world.head, f"{PLACE}list/?{DAYS}&figure=got&value=yes"), "of 14 who said it"
    assert "Записей: 0." in page(world.head, f"{PLACE}list/?{DAYS}&figure=calls&hour=3")


def test_lists_hide_numbers_and_the_table_holds_what_the_page_shows(
    answered: Callable[..., Call], world: World, consultant: Employee
) -> None:
    answered(answered_by=consultant)
    for address in (f"{PLACE}list/?{DAYS}", f"{PLACE}list/?{DAYS}&format=csv", f"{PLACE}?{DAYS}&format=csv"):
        client = Client()
        client.force_login(world.head, backend="django.contrib.auth.backends.ModelBackend")
        answer = client.get(address)
        shown = (answer.getvalue() if answer.streaming else answer.content).decode("utf-8-sig")
        assert "000-00-01" not in shown, address
    rows = list(csv.reader(io.StringIO(shown), delimiter=";"))
    assert ["Звонки", "Поступило", "1", "", ""] in rows
    assert ["Голосова А. П.", "1", "10", "120", "0", ""] in rows
    book = client.get(f"{PLACE}?{DAYS}&format=xlsx")
    assert book.content[:2] == b"PK"


def test_days_the_wrong_way_round_or_to_come_are_put_right(world: World, line: Line) -> None:
    assert "С 1 ноября по 24 ноября" in page(world.head, f"{PLACE}?first=2026-11-24&last=2026-11-01").replace(
        "\u00a0", " "
    ).replace(" 2026", "")
    assert "никто не звонил" in page(world.head, f"{PLACE}?last=2099-01-01&line=999&consultant=999")


def test_consultants_do_not_see_each_others_figures(consultant: Employee) -> None:
    client = Client()
    client.force_login(consultant, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(PLACE).status_code == client.get(f"{PLACE}list/").status_code == 403


# --- promises --------------------------------------------------------------------------------------------------------


def test_the_procedures_figures_are_those_of_the_lists_they_open(
    answered: Callable[..., Call],
    missed_call: Callable[..., Call],
    talk: Callable[..., Any],
    ekc: Line,
    world: World,
    line: Line,
) -> None:
    today, now = timezone.localdate(), timezone.now()
    one = talk(opened_at=now - timedelta(minutes=20), said=("yes", "satisfied"))
    ended = talk("ended_by_script", opened_at=now - timedelta(minutes=20), asked="not_offered", not_offered="abusive")
    talk(opened_at=now - timedelta(minutes=20), line=ekc, by=None, operator="Оператор")
    for stage, used_in in (("greeting", one), ("ending", ended)):
        ScriptUse.objects.create(consultation=used_in, material=1, stage=stage, step=stage)
    MissedCall.objects.create(line=line, number_key="1", first_at=now, last_at=now, in_hours=True, due_at=now)
    for promise in compliance.PROMISES:
        assert promise.figure is not None
        told = promise.figure(today)
        shown = page(world.head, f"/desk/line/figures/list/?{promise.query.format(on=today.isoformat())}")
        assert f"Записей: {told.number}." in shown, (promise.code, told)
        assert told.number
        assert promise.figure(today - timedelta(days=60)).number == 0, promise.code


def test_what_is_part_of_a_section_stands_alone_where_the_section_is_closed(world: World, consultant: Employee) -> None:
    def inner(employee: Employee) -> dict[str, bool]:
        groups = menu.groups_for(employee, path="", view="", numbers={}, named=[], calls={}, folds={})
        return {line.label: line.inner for group in groups for line in group.lines}

    assert inner(consultant)["Консультации"] is True
    assert "Экран звонка" not in inner(world.head)
    assert inner(world.head)["Консультации"] is False
