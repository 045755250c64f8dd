"""The dictionary of telephone lines: what an editor changes, from which day, and what that comes to.

Hours that have begun are never rewritten: whether an old call came in working hours stays as it was. A new week of
hours holds from a day on; the week before it ends the day before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.hotline import hours
from otklik.hotline.hours import Schedule
from otklik.hotline.models import Extension, Line, LineException, LineHours
from otklik.people.models import Employee

POWER: Final = "dictionaries.edit"
AHEAD: Final = 14
WEEKDAYS: Final = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")


class BadHours(DomainError):
    """Hours that no clock can keep."""

    code = "lines.bad_hours"
    text = "{day}: {why}"


class TooEarly(DomainError):
    """Hours of days that are over stay what they were."""

    code = "lines.too_early"
    text = "Новые часы начинаются сегодня или позже: по прежним уже посчитаны звонки. Выберите другой день."


class NameTaken(DomainError):
    """The exchange knows somebody else by this inner number."""

    code = "lines.name_taken"
    text = "Внутренний номер {name} с {since:%d.%m.%Y} у другого: {who}. Завершите его там или выберите другие дни."


class WrongDays(DomainError):
    """The last day is before the first."""

    code = "lines.wrong_days"
    text = "Последний день раньше первого, {since:%d.%m.%Y}. Исправьте одну из дат."


@dataclass(frozen=True)
class Hours:
    """From when till when a line is answered, with a break or without; without an opening it is closed."""

    opens: time | None = None
    closes: time | None = None
    break_from: time | None = None
    break_to: time | None = None

    @property
    def words(self) -> str:
        """Return «09:00–18:00, перерыв 13:00–14:00», or «закрыта»."""
        if self.opens is None or self.closes is None:
            return "закрыта"
        pause = f", перерыв {self.break_from:%H:%M}–{self.break_to:%H:%M}" if self.break_from and self.break_to else ""
        return f"{self.opens:%H:%M}–{self.closes:%H:%M}{pause}"

    def check(self, day: str) -> None:
        """Raise BadHours where they cannot be; `day` is what to call it."""
        if (self.opens is None) != (self.closes is None):
            raise BadHours(day=day, why="укажите и начало, и конец, или оставьте оба пустыми: линия закрыта.")
        if (self.break_from is None) != (self.break_to is None):
            raise BadHours(day=day, why="укажите и начало, и конец перерыва, или оставьте оба пустыми.")
        if self.opens is None or self.closes is None:
            if self.break_from is not None:
                raise BadHours(day=day, why="перерыв есть, а часов работы нет. Укажите их или уберите перерыв.")
            return
        if self.opens >= self.closes:
            raise BadHours(day=day, why="конец не позже начала. Исправьте одно из них.")
        if self.break_from is None or self.break_to is None:
            return
        if not self.opens <= self.break_from < self.break_to <= self.closes:
            raise BadHours(day=day, why="перерыв выходит за часы работы или кончается раньше, чем начался.")


@dataclass(frozen=True)
class DayAhead:
    """A day to come: when the line is answered, and why that is unlike its weekday."""

    on: date
    words: str
    why: str


def lines_of(on: date) -> QuerySet[Line]:
    """Return the lines that count on this day, in their order."""
    return Line.objects.filter(valid(on))


def our_phones() -> str:
    """Return the telephones of the lines our consultants answer, separated by commas."""
    return ", ".join(lines_of(timezone.localdate()).filter(ours=True).values_list("phones", flat=True))


def week_of(line: Line, on: date) -> list[Hours]:
    """Return the seven days of a line's week as they hold on this day, Monday first."""
    rows = {row.weekday: row for row in line.hours.filter(valid(on)).order_by("valid_from")}
    return [
        Hours(row.opens, row.closes, row.break_from, row.break_to) if (row := rows.get(weekday)) else Hours()
        for weekday in range(7)
    ]


def changes_of(line: Line, after: date) -> list[date]:
    """Return the days after this one on which other hours begin."""
    rows = line.hours.filter(valid_from__gt=after).order_by("valid_from")
    return list(rows.values_list("valid_from", flat=True).distinct())


@transaction.atomic
def keep(line: Line, *, changed: Mapping[str, Any], by: Employee) -> Line:
    """Write down what is said of a line, a new one too; its hours are kept apart."""
    if line.valid_to and line.valid_to < line.valid_from:
        raise WrongDays(since=line.valid_from)
    is_new = line._state.adding
    line.save()
    said = sorted(changed)
    journal.record("line.added" if is_new else "line.changed", chain=f"line:{line.pk}", by=by, fields=said)
    return line


@transaction.atomic
def set_week(line: Line, week: Iterable[Hours], *, valid_from: date, basis: str, by: Employee) -> None:
    """Let a line be answered by another week of hours from a day on, seven days, Monday first.

    What was planned for that day or later gives way. Raises TooEarly, BadHours.
    """
    if valid_from < timezone.localdate():
        raise TooEarly
    days = list(week)
    for name, day in zip(WEEKDAYS, days, strict=True):
        day.check(name.capitalize())
    Line.objects.select_for_update().get(pk=line.pk)  # of two who change it at once the second sees the first
    line.hours.filter(valid_from__gte=valid_from).delete()
    running = Q(valid_to=None) | Q(valid_to__gte=valid_from)
    line.hours.filter(running).update(valid_to=valid_from - timedelta(days=1))
    LineHours.objects.bulk_create(
        LineHours(
            line=line,
            weekday=weekday,
            opens=day.opens,
            closes=day.closes,
            break_from=day.break_from,
            break_to=day.break_to,
            valid_from=valid_from,
        )
        for weekday, day in enumerate(days)
        if day.opens and day.closes
    )
    said = [day.words for day in days]
    journal.record("line.hours_set", chain=f"line:{line.pk}", by=by, on=valid_from, hours=said, basis=basis)


@transaction.atomic
def except_day(line: Line, day: date, of_day: Hours, *, why: str, by: Employee) -> LineException:
    """Let one day be unlike its rule: other hours, or closed; what was entered for that day before gives way."""
    of_day.check(f"{day:%d.%m.%Y}")
    row, _ = LineException.objects.update_or_create(
        line=line,
        date=day,
        defaults={
            "opens": of_day.opens,
            "closes": of_day.closes,
            "break_from": of_day.break_from,
            "break_to": of_day.break_to,
            "why": why,
        },
    )
    journal.record("line.day_set", chain=f"line:{line.pk}", by=by, day=day, hours=[of_day.words], basis=why)
    return row


@transaction.atomic
def drop_exception(row: LineException, *, by: Employee) -> None:
    """Let a day follow its rule again."""
    gone, _ = LineException.objects.filter(pk=row.pk).delete()
    if gone:
        journal.record("line.day_unset", chain=f"line:{row.line_id}", by=by, day=row.date)


def ahead(schedule: Schedule, first: date, days: int = AHEAD) -> list[DayAhead]:
    """Return when a line is answered on the days to come."""
    found = []
    for on in (first + timedelta(days=number) for number in range(days)):
        parts = schedule.intervals(on)
        said = ", ".join(f"{part.starts:%H:%M}–{part.ends:%H:%M}" for part in parts)
        found.append(DayAhead(on, said or "закрыта", schedule.note(on)))
    return found


def preview(line: Line, first: date, change: Callable[[], object]) -> list[DayAhead]:
    """Return the days to come as they would be after the change; nothing of it is kept."""
    with transaction.atomic():
        change()
        shown = ahead(hours.schedules([line])[line.pk], first)
        transaction.set_rollback(True)
    return shown


@transaction.atomic
def give_extension(
    employee: Employee, name: str, *, valid_from: date, valid_to: date | None, by: Employee
) -> Extension:
    """Let the exchange's inner number, or agent's name, mean this employee between these days.

    Raises NameTaken where it means somebody on one of them, WrongDays.
    """
    if valid_to and valid_to < valid_from:
        raise WrongDays(since=valid_from)
    Employee.objects.select_for_update().get(pk=employee.pk)
    until = Q(valid_from__lte=valid_to) if valid_to else Q()
    same = Extension.objects.filter(until, Q(valid_to=None) | Q(valid_to__gte=valid_from), name=name)
    if known := same.select_related("employee").first():
        raise NameTaken(name=name, since=known.valid_from, who=known.employee.short_name)
    row = Extension.objects.create(employee=employee, name=name, valid_from=valid_from, valid_to=valid_to)
    journal.record("extension.given", chain=f"employee:{employee.pk}", by=by, row=row.pk, on=valid_from, till=valid_to)
    return row


@transaction.atomic
def end_extension(row: Extension, *, last_day: date, by: Employee) -> None:
    """Let an inner number mean its employee till a day, that day included."""
    if last_day < row.valid_from:
        raise WrongDays(since=row.valid_from)
    Extension.objects.filter(pk=row.pk).update(valid_to=last_day)
    journal.record("extension.ended", chain=f"employee:{row.employee_id}", by=by, row=row.pk, on=last_day)
