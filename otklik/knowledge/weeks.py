"""The weekly duty «изменения законодательства РФ и НСО» (п. 41): opened by the clock, closed by the legal unit.

Whose duty it is, roles say: whoever holds `knowledge.law` today, by a role of his own or for whom he stands in.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.core.workdays import DAY
from otklik.knowledge.models import LawWeek
from otklik.people.models import Employee

WEEK: Final = timedelta(days=7)
MOST: Final = 60  # weeks opened at once after a standstill


class Closed(DomainError):
    """The week is closed."""

    code = "weeks.closed"
    text = "Неделя уже закрыта. Новое изменение внесите в текущую неделю или со страницы акта."
    status = 409


class NothingSaid(DomainError):
    """Neither a change nor «изменений нет»."""

    code = "weeks.nothing_said"
    text = "Внесите изменения или отметьте «Изменений нет»: неделя закрывается ответом."


class SomethingSaid(DomainError):
    """«Изменений нет», while changes are entered."""

    code = "weeks.something_said"
    text = "За эту неделю уже внесено изменений: {number}. Закройте её без отметки «Изменений нет»."


def open_weeks(on: date | None = None) -> int:
    """Open the week of the day and those missed before it; return how many. A week without working days owes nothing.

    The first week of an installation is that of the day.
    """
    on = on or timezone.localdate()
    this = on - timedelta(days=on.weekday())
    last = LawWeek.objects.order_by("-begins_on").values_list("begins_on", flat=True).first()
    begins = max(last + WEEK, this - WEEK * MOST) if last else this
    made = 0
    while begins <= this:
        made += _open(begins)
        begins += WEEK
    return made


@transaction.atomic
def _open(begins: date) -> bool:
    due_on = calendar.current().previous_working(begins + WEEK)
    if due_on < begins:
        return False
    week, is_new = LawWeek.objects.get_or_create(begins_on=begins, defaults={"due_on": due_on})
    if is_new:
        journal.record("law.week_opened", chain=f"law_week:{week.pk}", by=None, till=due_on)
    return is_new


@transaction.atomic
def close(week: LawWeek, *, nothing: bool, by: Employee) -> None:
    """Close a week: with the changes entered for it, or with «изменений нет», which counts and is kept."""
    entered = week.changes.count()
    if nothing and entered:
        raise SomethingSaid(number=entered)
    if not nothing and not entered:
        raise NothingSaid
    facts = {"nothing": nothing, "closed_at": timezone.now(), "closed_by": by}
    if not LawWeek.objects.filter(pk=week.pk, closed_at=None).update(**facts):
        raise Closed
    week.refresh_from_db()
    journal.record("law.week_closed", chain=f"law_week:{week.pk}", by=by, added=entered)


def check_open(week: LawWeek) -> None:
    """Raise Closed where the week takes no more changes."""
    if week.closed_at:
        raise Closed


def all_weeks() -> QuerySet[LawWeek]:
    """Return the weeks, newest first, each with `entered`: how many changes."""
    return LawWeek.objects.select_related("closed_by").annotate(entered=Count("changes")).order_by("-begins_on")


def overdue(on: date) -> QuerySet[LawWeek]:
    """Return the weeks nobody has closed in time."""
    return LawWeek.objects.filter(closed_at=None, due_on__lt=on).order_by("begins_on")


def last_day(week: LawWeek) -> date:
    """Return the Sunday of a week."""
    return week.begins_on + WEEK - DAY
