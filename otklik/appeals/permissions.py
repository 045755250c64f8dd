"""Questions that every step asks about a person, and the list of steps a page may offer him.

A button and its action ask the same `check_can_…`, so that a page never offers what will be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from otklik.appeals import access, complained
from otklik.appeals.errors import NotAllowed, NotYours
from otklik.appeals.models import Appeal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.people.powers import POWERS

Check: TypeAlias = Callable[[Appeal, Employee], None]


def check_power(user: Employee, power: str, what: str) -> None:
    """Raise NotAllowed where the employee does not hold the power today."""
    if not user.has_power(power):
        raise NotAllowed(what=what, power=POWERS[power])


def is_executor(appeal: Appeal, user: Employee) -> bool:
    """Tell whether the user is the executor, a co-executor, or stands in for one today."""
    people = {person.pk for person in access.people_behind(user)}
    if appeal.executor_id in people:
        return True
    return any(helper.employee_id in people for helper in appeal.helpers.all())


def is_head_of(appeal: Appeal, user: Employee) -> bool:
    """Tell whether the appeal is in a unit under the user, or under somebody he stands in for."""
    return appeal.unit_id is not None and appeal.unit_id in access.units_of(user)


def check_can_write(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not work on the text of the answer."""
    check_power(user, "appeals.draft", "готовить ответ")
    if not (is_head_of(appeal, user) or is_executor(appeal, user)):
        raise NotYours(
            number=appeal.number, what="готовить ответ", who="исполнитель, соисполнитель или начальник подразделения"
        )
    complained.check_apart(appeal, user, "готовить ответ ему")


def check_can_work(appeal: Appeal, user: Employee) -> None:
    """Raise where the user neither decides about incoming messages nor works on this answer: he only reads."""
    if not user.has_power("intake.decide"):
        check_can_write(appeal, user)


def allows(check: Check, appeal: Appeal, user: Employee) -> bool:
    """Tell whether a check lets the user through."""
    try:
        check(appeal, user)
    except DomainError:
        return False
    return True
