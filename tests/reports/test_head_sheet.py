"""«Сводка руководителя»: every figure is the length of its list, for each reader by what he may see."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pypdf import PdfReader

from otklik.appeals.models import Appeal
from otklik.core import calendar
from otklik.people.models import Employee
from otklik.reports import head_sheet
from otklik.surveys.models import Response
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


def today() -> date:
    return timezone.localdate()


def dated(appeal: Appeal, **facts: Any) -> Appeal:
    Appeal.objects.filter(pk=appeal.pk).update(**facts)
    return appeal


def due(appeal: Appeal, days: int) -> Appeal:
    on = today() + timedelta(days=days)
    return dated(appeal, due_on=on, registered_on=min(on, today()), received_on=min(on, today()))


def of(user: Employee) -> head_sheet.Sheet:
    return head_sheet.sheet(Employee.objects.get(pk=user.pk), today())


def test_what_burns_is_counted_by_term_and_unit_and_its_lists_are_as_long(world: World) -> None:
    due(world.assigned(), -3)
    due(world.assigned(), 0)
    due(world.assigned(unit=world.law, executor=world.helper), 0)
    dated(world.assigned(), due_on=calendar.current().next_working(today()))
    due(world.assigned(), 20)
    due(world.registered(), -1)
    found = of(world.signer)
    assert dict(found.burning) == {"overdue": 2, "today": 2, "next": 1}
    for code, number in found.burning.items():
        assert head_sheet.listed(world.signer, code, today()).count() == number
    for unit in found.units:
        for code, number in unit.numbers.items():
            assert head_sheet.listed(world.signer, code, today(), of=unit.unit or 0).count() == number
    assert {one.name for one in found.units} == {world.land.name, world.law.name, "Исполнитель не назначен"}


def test_a_head_hears_of_his_own_units_only(world: World) -> None:
    due(world.assigned(), -1)
    due(world.assigned(unit=world.law, executor=world.helper), -1)
    assert of(world.head).burning["overdue"] == 1
    assert of(world.signer).burning["overdue"] == 2
    assert head_sheet.listed(world.head, "overdue", today(), of=world.law.pk).count() == 0


def test_who_has_far_more_than_the_middle_of_the_unit_is_overloaded(world: World) -> None:
    second = world.employee("second", "Лукина", world.land, ["executor"])
    third = world.employee("third", "Морозова", world.land, ["executor"])
    for executor, number in ((world.executor, 5), (second, 1), (third, 1)):
        for _ in range(number):
            world.assigned(executor=executor)
    found = of(world.signer)
    assert [(one.executor, one.number, one.usual) for one in found.loaded] == [(world.executor.pk, 5, "1")]
    assert found.executors == 3
    assert head_sheet.listed(world.signer, "executor", today(), of=world.executor.pk).count() == 5


def test_a_topic_of_twice_as_many_letters_as_usual_is_named(world: World) -> None:
    long_ago = today() - timedelta(days=20)
    for number in range(5):
        appeal = world.classified()
        if number > 2:
            dated(appeal, registered_on=long_ago, received_on=long_ago)
    topic, _ = world.pair()
    found = of(world.signer)
    assert [(one.topic, one.number, one.before, one.usual) for one in found.grows] == [(topic.pk, 3, 2, "0,5")]
    assert head_sheet.listed(world.signer, "topic", today(), of=topic.pk).count() == 3


def test_opinions_are_those_since_the_last_working_day(world: World, says: Callable[..., Response]) -> None:
    says("-", "no", days_ago=1, comment="Долго")
    says("+", days_ago=1)
    says("-", days_ago=0)
    found = of(world.signer)
    assert (found.said.total, found.said.unsatisfied, found.unhappy, found.said.texts) == (2, 1, 1, 1)
    assert found.yesterday == today() - timedelta(days=1)
    assert calendar.current().is_working(found.said_from)


def test_the_notice_says_numbers_and_names_nobody(world: World) -> None:
    due(world.assigned(), -1)
    assert of(world.signer).words == "Сводка руководителя: просрочено 1, срок сегодня 0"


def test_the_sheet_is_one_page_of_a4_however_much_burns(world: World) -> None:
    for number in range(14):
        name = f"Отдел имущественных отношений № {number}"
        unit = type(world.land).objects.create(name=name, short_name=name, valid_from=date(2024, 1, 1))
        due(dated(world.assigned(), unit=unit), -1)
    pages = PdfReader(io.BytesIO(head_sheet.printed(of(world.signer)))).pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    assert "Сводка руководителя" in text
    assert "Иванова" not in text
