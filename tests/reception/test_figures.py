"""Figures of reception: what a figure counts is what its list shows; whatever the days, the questions are as many."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.demo import staff
from otklik.demo.seed import seed
from otklik.people.models import Employee
from otklik.reception.models import CardQuestion
from otklik.reports import receptions
from otklik.reports.receptions import FIGURES, Scope
from tests.reception import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def lived() -> Scope:
    """A week: two officials, people who came and who did not, a finished card with every outcome."""
    first, second = people.official(), people.official("second", "Лосева")
    room = people.room()
    at = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=3)
    came = people.appointment(first, room, at, state="done", arrived_at=at - timedelta(minutes=10))
    people.appointment(first, room, at + timedelta(hours=1), state="no_show")
    people.appointment(first, room, at + timedelta(hours=2), state="cancelled")
    people.appointment(second, room, at + timedelta(hours=3), out_of_turn="ветеран", moves=1)
    card = people.card(came, state="finished", started_at=at, finished_at=at + timedelta(minutes=15))
    said = {"answer": "Разъяснено", "way": "post", "address": "г. Новосибирск", "facts_evident": True}
    staff.load()
    seed(2)
    made, earlier = Appeal.objects.order_by("pk")
    cases = {"written": {"appeal": made}, "refused": {"answered_before": earlier}}
    for position, outcome in enumerate(("oral", "written", "explained", "refused"), start=1):
        CardQuestion.objects.create(
            card=card,
            position=position,
            text="Вопрос",
            outcome=outcome,
            oral_consent=True,
            **said,
            **cases.get(outcome, {}),
        )
    today = timezone.localdate()
    return Scope(today - timedelta(days=7), today)


def test_every_figure_counts_what_its_list_shows(lived: Scope):
    told = receptions.report(lived)
    assert told.total == {name: receptions.listed(name, lived).count() for name in FIGURES}
    assert {name: told.total[name] for name in ("booked", "cancelled", "came", "no_show", "received")} == {
        "booked": 3,
        "cancelled": 1,
        "came": 1,
        "no_show": 1,
        "received": 1,
    }
    assert [told.total[name] for name in ("oral", "written", "explained", "refused", "moved")] == [1, 1, 1, 1, 1]
    assert (told.waited, told.lasted) == (600, 900)


def test_officials_are_counted_apart(lived: Scope):
    told = receptions.report(lived)
    assert [(one.last_name, numbers["booked"], numbers["oral"]) for one, numbers in told.officials] == [
        ("Волкова", 2, 1),
        ("Лосева", 1, 0),
    ]
    alone = Scope(lived.first, lived.last, told.officials[1][0].pk)
    assert receptions.report(alone).total["booked"] == 1


def test_a_written_answer_waits_then_is_overdue_then_late(lived: Scope):
    today = timezone.localdate()
    for due, answered, figure in (
        (today + timedelta(days=1), None, "waiting"),
        (today - timedelta(days=1), None, "overdue"),
        (today - timedelta(days=1), today, "late"),
        (today, today, "in_term"),
    ):
        Appeal.objects.update(due_on=due, answered_on=answered)
        told = receptions.report(lived).total
        assert {name: told[name] for name in ("waiting", "overdue", "late", "in_term")} == {
            name: int(name == figure) for name in ("waiting", "overdue", "late", "in_term")
        }


def test_the_questions_asked_are_as_many_for_a_year(lived: Scope):
    with CaptureQueriesContext(connection) as few:
        receptions.report(Scope(lived.last, lived.last))
    with CaptureQueriesContext(connection) as many:
        receptions.report(Scope(lived.first - timedelta(days=365), lived.last))
    assert len(many) <= len(few) + 2 <= 9


def test_the_page_shows_figures_lists_and_tables_with_names_masked(client: Client, lived: Scope):
    client.force_login(Employee.objects.get(username="clerk"))
    shown = client.get("/desk/reception/figures/").content.decode()
    assert "Волкова" in shown
    assert "дан устный ответ" in shown
    for name in FIGURES:
        page = client.get("/desk/reception/figures/list/", {"figure": name}).content.decode()
        assert "Иванова" not in page, "a list masks who came"
        for kind in ("csv", "xlsx"):
            assert client.get("/desk/reception/figures/list/", {"figure": name, "format": kind}).status_code == 200
    assert client.get("/desk/reception/figures/", {"format": "csv"}).status_code == 200


def test_who_does_not_read_figures_is_refused(client: Client):
    client.force_login(people.employee("worker", "Рядовой", "executor"))
    assert client.get("/desk/reception/figures/").status_code == 403
    assert client.get("/desk/reception/figures/list/").status_code == 403
