"""Measures of the line, opinions, search and reviews: each list a figure opens is as long as the figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.core import calendar
from otklik.hotline import defaults as hotline
from otklik.hotline.models import Call, Consultation, Line, MissedCall
from otklik.knowledge.models import ReviewDuty, SearchSession
from otklik.people.models import Employee
from otklik.reports import measures
from otklik.reports.measures import MEASURES, Slice
from otklik.surveys.models import Response
from tests.appeals.conftest import World
from tests.reports.test_measures import OURS

pytestmark = pytest.mark.django_db
OTHERS = [one for one in MEASURES if one not in OURS]


def _at_work(moment: datetime) -> datetime:
    """Return ten in the morning of that working day, or of the last one before it."""
    day, work = timezone.localdate(moment), calendar.current()
    while not work.is_working(day) or day.weekday() > 4:
        day -= timedelta(days=1)
    return timezone.make_aware(datetime.combine(day, time(10)))


@pytest.fixture
def lived(world: World, says: Callable[..., Response], talks: Callable[..., Consultation]) -> Slice:
    """A week with calls, opinions, searches and a quarter of reviews."""
    now = _at_work(timezone.now() - timedelta(days=8))
    for grade, got in (("+", "yes"), ("+", "yes"), ("~", "no"), ("-", "no"), ("+", "yes"), ("~", "yes")):
        talks(days_ago=9, said=says(grade, got, days_ago=8, comment="Спасибо"), number="+7 913 000-00-01")
    for number in range(5):
        talks(days_ago=9, number=f"+7 913 000-10-0{number}", asked="refused" if number % 2 else "not_offered")
    hotline.load()
    line = Line.objects.get(code=hotline.DEPARTMENT)
    for number in range(12):
        Call.objects.create(
            uid=f"c{number}", source="ami", line=line, came_at=now, number="", in_hours=number != 11,
            state="missed" if number > 8 else "answered", waited=5 + 10 * number, talked=60 + number,
            held=7 if number % 3 == 0 else 0, answered_at=None if number > 8 else now,
        )  # fmt: skip
    for number in range(4):
        settled = {
            "outcome": "called_back",
            "settled_at": now + timedelta(minutes=5 + number),
            "settled_by": world.clerk,
        }
        MissedCall.objects.create(
            line=line, first_at=now, last_at=now, in_hours=True, due_at=now + timedelta(hours=1),
            number=f"+7913000000{number}", number_key=f"+7913000000{number}", **(settled if number else {}),
        )  # fmt: skip
    for number in range(11):
        opened = {"opened_ms": 4000 + number} if number < 6 else {}
        SearchSession.objects.create(
            key=f"{number:032d}", audience="staff" if number % 2 else "public", found=0 if number > 8 else 3,
            began_at=now, last_at=now, reader="" if number % 2 else "r", **opened,
        )  # fmt: skip
    first = timezone.localdate(now)
    quarter = {"year": first.year, "quarter": (first.month - 1) // 3 + 1, "opened_on": first, "due_on": first}
    ReviewDuty.objects.create(unit=world.land, **quarter)
    ReviewDuty.objects.create(unit=world.law, **quarter)
    return Slice(first - timedelta(days=3), timezone.localdate())


@pytest.fixture
def reader(world: World) -> Employee:
    return world.employee("reader", "Читалова", world.registry, ["clerk", "kb_chief"])


def test_each_list_is_as_long_as_its_figure(lived: Slice, reader: Employee) -> None:
    client = Client()
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    lengths: dict[str, tuple[int, int]] = {}
    for line in measures.shown(OTHERS, lived, compared=False):
        answer: Any = client.get(f"{line.address}&format=csv")
        assert answer.status_code == 200, line.address
        if line.measure.code == "fresh":
            length = len(answer.context["rows"])
        else:
            table = b"".join(answer.streaming_content).decode("utf-8-sig")
            length = len(list(csv.reader(io.StringIO(table)))) - 1
        lengths[line.measure.code] = (length, line.now.part)
    assert {code: one for code, one in lengths.items() if one[0] != one[1]} == {}


def test_what_the_week_comes_to(lived: Slice) -> None:
    told: dict[str, Any] = {one.measure.code: one.now for one in measures.shown(OTHERS, lived, compared=False)}
    assert (told["missed"].part, told["missed"].whole) == (2, 11)
    assert (told["called_back"].part, told["called_back"].whole) == (3, 4)
    assert told["return_median"].value == 7
    assert told["csi"].value == pytest.approx(100 * (3 + 2 / 2) / 6)
    assert told["csat"].value == 50
    assert (told["got_answer"].part, told["got_answer"].whole) == (4, 6)
    assert (told["coverage"].part, told["coverage"].whole) == (6, 11)
    assert (told["offered"].part, told["offered"].whole) == (8, 11)
    assert (told["no_result_staff"].part, told["no_result_staff"].whole) == (1, 5)
    assert (told["no_result_public"].part, told["no_result_public"].whole) == (1, 6)
    assert (told["fresh"].part, told["fresh"].whole) == (0, 2)
