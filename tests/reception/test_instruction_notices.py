"""A поручение is told to who has to do it, its report to who gave it; a day that has passed, to both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.reception import instructions
from otklik.reception.models import Instruction
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.reception import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def given():
    official = people.official()
    executor = people.employee("does", "Исполнимова", "executor")
    card = people.card(people.appointment(official, people.room()), state="finished")
    due_on = timezone.localdate() + timedelta(days=5)
    return instructions.instruct(card, "Выехать на место", executor=executor, due_on=due_on, by=official)


def told() -> list[tuple[str, str]]:
    """Let a worker read the journal; return who was told what, in order."""
    while notices.work_next():
        pass
    rows = Notice.objects.filter(kind="instruction").order_by("pk")
    return [(one.employee.username, one.text) for one in rows]


def test_giving_reporting_and_giving_back_are_told_to_the_other_side(given):
    until = f"{given.due_on:%d.%m.%Y}"
    instructions.report(given, "Выезжали", by=given.executor)
    instructions.give_back(given, "Приложите снимки", by=given.by)
    assert told() == [
        ("does", f"Вам дано поручение, срок {until}"),
        ("official", "По поручению отчитались: снимите с контроля или верните"),
        ("does", f"Поручение вернули: нужно доделать до {until}"),
    ]
    row = Notice.objects.latest("pk")
    assert row.path.endswith(f"/{given.pk}/")
    assert "Выехать" not in row.text + row.subject


def test_the_last_day_is_told_to_the_executor_and_a_day_that_has_passed_to_both_once(given):
    told()
    Notice.objects.all().delete()
    rows = Instruction.objects.filter(pk=given.pk)
    assert notices.tell_of_instructions() == 0
    rows.update(due_on=timezone.localdate())
    assert (notices.tell_of_instructions(), notices.tell_of_instructions()) == (1, 0)
    rows.update(due_on=timezone.localdate() - timedelta(days=1))
    assert (notices.tell_of_instructions(), notices.tell_of_instructions()) == (2, 0)
    assert sorted(who for who, _ in told()) == ["does", "does", "official"]
