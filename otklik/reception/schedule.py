"""When officials receive: rules by the production calendar, exceptions, the slots of a day; how both are changed.

Days that are over stay what they were. Every change tells which live appointments cannot stay where they are; they are
marked to be moved, and a notice to the applicant waits (`displaced`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.core import calendar, hours, journal
from otklik.core.errors import DomainError
from otklik.core.workdays import WorkCalendar
from otklik.people.models import Employee
from otklik.reception import authority, displaced
from otklik.reception.models import (
    CELL_MINUTES,
    Appointment,
    Authority,
    ReceptionException,
    ReceptionRule,
    Room,
)
from otklik.reception.rooms import WrongDays

WEEKDAYS: Final = ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье")
AHEAD: Final = 400  # days looked over for two officials in one seat: every pattern of weeks comes round within a year
Row = TypeVar("Row", ReceptionRule, ReceptionException)


class BadHours(DomainError):
    """Hours that no clock can keep."""

    code = "reception.bad_hours"
    text = "{why}"


class TooEarly(DomainError):
    """Hours of days that are over stay what they were."""

    code = "reception.too_early"
    text = "Расписание прошедших дней не меняется. Выберите день с {today:%d.%m.%Y}."


class RulesOverlap(DomainError):
    """One person cannot hold two receptions at once."""

    code = "reception.rules_overlap"
    text = "В эти часы приём уже есть: {other}. Завершите прежние часы или выберите другие."


class NoAuthority(DomainError):
    """Nobody receives without an order."""

    code = "reception.no_authority"
    text = "У должностного лица {who} нет полномочия на приём в эти дни. Сначала внесите приказ."


class RoomTaken(DomainError):
    """A room has fewer seats than officials who would receive there at once."""

    code = "reception.room_taken"
    text = "{room}, {day:%d.%m.%Y}: в эти часы там принимает {who}, мест — {seats}. Выберите другое помещение."


class Holiday(DomainError):
    """Nobody is received on a holiday."""

    code = "reception.holiday"
    text = "{day:%d.%m.%Y} — нерабочий праздничный день. Выберите другой день."


class NoReception(DomainError):
    """There is nothing to cancel or to move."""

    code = "reception.none_that_day"
    text = "{day:%d.%m.%Y} приёма нет: проверьте дату по расписанию."


class HasReception(DomainError):
    """The day has a reception of its own."""

    code = "reception.day_taken"
    text = "{day:%d.%m.%Y} приём уже есть. Выберите другой день или внесите часы этого дня отдельно."


class ManyParts(DomainError):
    """What one row of an exception cannot say."""

    code = "reception.many_parts"
    text = "{day:%d.%m.%Y} приём идёт в разных помещениях или с разной длиной. Внесите оба дня особыми."


@dataclass(frozen=True, order=True)
class Slot:
    """One person's time with an official, aware local moments, the end not included; free or not."""

    starts_at: datetime
    ends_at: datetime
    official_id: int
    room_id: int


@dataclass(frozen=True, order=True)
class Reception:
    """A stretch of one day, without a break, in which an official receives; `why` says what is unlike the rule."""

    starts_at: datetime
    ends_at: datetime
    official_id: int
    room_id: int
    slot_minutes: int
    pause_minutes: int
    why: str = ""

    @property
    def day(self) -> date:
        """Return the local day."""
        return self.starts_at.date()

    @property
    def words(self) -> str:
        """Return «10:00–12:00»."""
        return f"{self.starts_at:%H:%M}–{self.ends_at:%H:%M}"

    def slots(self) -> list[Slot]:
        """Cut it into slots; one that would reach past the end is not offered."""
        length, step = timedelta(minutes=self.slot_minutes), timedelta(minutes=self.slot_minutes + self.pause_minutes)
        number = (self.ends_at - self.starts_at + timedelta(minutes=self.pause_minutes)) // step
        starts = (self.starts_at + step * turn for turn in range(number))
        return [Slot(at, at + length, self.official_id, self.room_id) for at in starts]


def slots(
    first: date, last: date, officials: Iterable[int] | None = None, work: WorkCalendar | None = None
) -> list[Slot]:
    """Return every slot of the period, both days included, in order of time; authority and rooms are asked elsewhere.

    Two questions to the database, whatever the period.
    """
    found = receptions(first, last, officials, work)
    return sorted(slot for reception in found for slot in reception.slots())


def receptions(
    first: date, last: date, officials: Iterable[int] | None = None, work: WorkCalendar | None = None
) -> list[Reception]:
    """Return when officials receive in the period, both days included, in order of time.

    A holiday and a day off have only what an exception says; on a shortened day a rule ends with the working day.
    """
    work = work or calendar.current()
    among = None if officials is None else list(officials)
    by_weekday = defaultdict(list)
    for rule in _of(ReceptionRule.objects.all(), among):
        by_weekday[rule.weekday].append(rule)
    unlike = {
        (row.official_id, row.date): row
        for row in _of(ReceptionException.objects.filter(date__range=(first, last)), among)
    }
    found: list[Reception] = []
    for (_, day), row in unlike.items():
        found += _stretches(row, day, why=row.why)
    for day in (first + timedelta(days=ahead) for ahead in range((last - first).days + 1)):
        rules = [
            rule for rule in by_weekday[day.weekday()] if (rule.official_id, day) not in unlike and _meets(rule, day)
        ]
        kind = work.day(day).kind if rules else ""
        if kind == "shortened":
            ends = hours.DEPARTMENT.closing(day, kind)
            for rule in rules:
                found += _stretches(rule, day, no_later=ends, why="сокращённый день")
        elif kind == "working":
            for rule in rules:
                found += _stretches(rule, day)
    return sorted(found)


def _of(rows: QuerySet[Row], officials: list[int] | None) -> QuerySet[Row]:
    return rows if officials is None else rows.filter(official__in=officials)


def _meets(rule: ReceptionRule, day: date) -> bool:
    in_force = rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to)
    return in_force and rule.week in (0, (day.day - 1) // 7 + 1)


def _stretches(
    row: ReceptionRule | ReceptionException, day: date, *, no_later: time = time.max, why: str = ""
) -> list[Reception]:
    """Return the hours of a day, the break taken out; nothing of a day without a reception."""
    if row.opens is None or row.closes is None or row.room_id is None:
        return []
    parts = [(row.opens, row.closes)]
    if row.break_from is not None and row.break_to is not None:
        parts = [(row.opens, row.break_from), (row.break_to, row.closes)]
    why = why if isinstance(row, ReceptionException) or row.closes > no_later else ""
    found = []
    for opens, closes in parts:
        ends = min(closes, no_later)
        if opens < ends:
            starts_at, ends_at = _moment(day, opens), _moment(day, ends)
            found.append(
                Reception(starts_at, ends_at, row.official_id, row.room_id, row.slot_minutes, row.pause_minutes, why)
            )
    return found


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))


def weekly(rule: ReceptionRule) -> str:
    """Return «понедельник, 10:00–12:00, первую неделю месяца» of a rule."""
    week = "" if rule.week == ReceptionRule.Week.EVERY else f", {rule.get_week_display()}"
    return f"{WEEKDAYS[rule.weekday]}, {said(rule)}{week}"


def said(row: ReceptionRule | ReceptionException) -> str:
    """Return «10:00–12:00, перерыв 11:00–11:15» of a rule or an exception, or «приёма нет»."""
    if row.opens is None or row.closes is None:
        return "приёма нет"
    pause = f", перерыв {row.break_from:%H:%M}–{row.break_to:%H:%M}" if row.break_from and row.break_to else ""
    return f"{row.opens:%H:%M}–{row.closes:%H:%M}{pause}"


@transaction.atomic
def keep_rule(rule: ReceptionRule, *, by: Employee) -> list[Appointment]:
    """Write down reception hours; return the appointments that must be moved.

    Hours that have begun are ended the day before the changed ones, which become a rule of their own. Raises TooEarly,
    WrongDays, BadHours, NoAuthority, RulesOverlap, RoomTaken.
    """
    _lock(rule.official)
    if rule.valid_from < timezone.localdate():
        raise TooEarly(today=timezone.localdate())
    if rule.valid_to and rule.valid_to < rule.valid_from:
        raise WrongDays(since=rule.valid_from)
    _check_hours(rule)
    _check_authority(rule.official, rule.valid_from, rule.valid_to)
    is_new = rule._state.adding
    if not is_new:
        earlier = ReceptionRule.objects.filter(pk=rule.pk, valid_from__lt=rule.valid_from)
        if earlier.update(valid_to=rule.valid_from - timedelta(days=1)):
            rule.pk, rule._state.adding = None, True
    if other := _overlapping(rule):
        raise RulesOverlap(other=weekly(other))
    rule.save()
    _check_rooms(rule.official, rule.valid_from)
    journal.record(
        "reception.rule_added" if is_new else "reception.rule_changed",
        chain=authority.chain_of(rule.official),
        by=by,
        row=rule.pk,
        hours=[weekly(rule)],
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
    )
    return displaced.look(by=by, official=rule.official)


@transaction.atomic
def end_rule(rule: ReceptionRule, *, last_day: date, by: Employee) -> list[Appointment]:
    """Let reception hours hold till a day, that day included; return the appointments that must be moved.

    Hours that would end before they began are taken out. Raises TooEarly.
    """
    _lock(rule.official)
    today = timezone.localdate()
    if last_day < today - timedelta(days=1):
        raise TooEarly(today=today - timedelta(days=1))
    if last_day < rule.valid_from:
        ReceptionRule.objects.filter(pk=rule.pk).delete()
    else:
        ReceptionRule.objects.filter(pk=rule.pk).update(valid_to=last_day)
    chain = authority.chain_of(rule.official)
    journal.record("reception.rule_ended", chain=chain, by=by, hours=[weekly(rule)], on=last_day)
    return displaced.look(by=by, official=rule.official)


@transaction.atomic
def set_day(day: ReceptionException, *, by: Employee) -> list[Appointment]:
    """Let one day of an official be unlike his rules; return the appointments that must be moved.

    What was entered for that day before gives way; without hours there is no reception. Raises TooEarly, Holiday,
    BadHours, NoAuthority, RoomTaken.
    """
    _lock(day.official)
    if day.date < timezone.localdate():
        raise TooEarly(today=timezone.localdate())
    if (day.opens is None) != (day.closes is None):
        raise BadHours(why="Укажите и начало, и конец приёма, или оставьте оба пустыми: приёма в этот день не будет.")
    if day.opens is None:
        day.break_from = day.break_to = day.room = None
    else:
        if calendar.current().day(day.date).kind == "holiday":
            raise Holiday(day=day.date)
        if day.room_id is None:
            raise BadHours(why="Укажите помещение, в котором идёт приём.")
        _check_hours(day)
        _check_authority(day.official, day.date, day.date)
    known = ReceptionException.objects.filter(official=day.official, date=day.date).first()
    day.pk = known.pk if known else None
    day._state.adding = known is None
    day.save()
    if day.opens is not None:
        _check_rooms(day.official, day.date, day.date)
    journal.record(
        "reception.day_set",
        chain=authority.chain_of(day.official),
        by=by,
        day=day.date,
        hours=[said(day)],
        basis=day.why,
        was=day.moved_from,
    )
    return displaced.look(by=by, official=day.official)


@transaction.atomic
def cancel_day(
    official: Employee, day: date, *, why: str, by: Employee, until: date | None = None
) -> list[Appointment]:
    """Cancel the reception of a day, or of every day till another; return the appointments that must be moved.

    Raises TooEarly, WrongDays, NoReception.
    """
    last = until or day
    if last < day:
        raise WrongDays(since=day)
    if day < timezone.localdate():
        raise TooEarly(today=timezone.localdate())
    days = sorted({one.day for one in receptions(day, last, [official.pk])})
    if not days:
        raise NoReception(day=day)
    hit: dict[int, Appointment] = {}
    for one in days:
        for row in set_day(ReceptionException(official=official, date=one, why=why), by=by):
            hit[row.pk] = row
    return list(hit.values())


@transaction.atomic
def move_day(official: Employee, day: date, to: date, *, why: str, by: Employee) -> list[Appointment]:
    """Move the reception of a day to another one, hours and room unchanged; return the appointments to be moved.

    Raises TooEarly, NoReception, HasReception, ManyParts, Holiday, RoomTaken, NoAuthority.
    """
    _lock(official)
    parts = receptions(day, day, [official.pk])
    if not parts:
        raise NoReception(day=day)
    if receptions(to, to, [official.pk]):
        raise HasReception(day=to)
    if len(parts) > 2 or len({(one.room_id, one.slot_minutes, one.pause_minutes) for one in parts}) > 1:
        raise ManyParts(day=day)
    first, last = parts[0], parts[-1]
    pause = (first.ends_at.time(), last.starts_at.time()) if len(parts) == 2 else (None, None)
    fresh = ReceptionException(
        official=official,
        date=to,
        opens=first.starts_at.time(),
        closes=last.ends_at.time(),
        break_from=pause[0],
        break_to=pause[1],
        slot_minutes=first.slot_minutes,
        pause_minutes=first.pause_minutes,
        room_id=first.room_id,
        why=why,
        moved_from=day,
    )
    # In this order the new day is there when those of the old one are looked at.
    hit = set_day(fresh, by=by)
    gone = ReceptionException(official=official, date=day, why=f"перенесён на {to:%d.%m.%Y}: {why}"[:300])
    return hit + set_day(gone, by=by)


@transaction.atomic
def drop_day(row: ReceptionException, *, by: Employee) -> list[Appointment]:
    """Let a day follow its rules again; return the appointments that must be moved. Raises TooEarly, RoomTaken."""
    _lock(row.official)
    if row.date < timezone.localdate():
        raise TooEarly(today=timezone.localdate())
    gone, _ = ReceptionException.objects.filter(pk=row.pk).delete()
    if gone:
        _check_rooms(row.official, row.date, row.date)
        journal.record("reception.day_unset", chain=authority.chain_of(row.official), by=by, day=row.date)
    return displaced.look(by=by, official=row.official)


def _lock(official: Employee) -> None:
    """Let changes of one official's schedule come one after another."""
    Employee.objects.select_for_update().get(pk=official.pk)


def _check_hours(row: ReceptionRule | ReceptionException) -> None:
    assert row.opens is not None
    assert row.closes is not None
    if row.opens >= row.closes:
        raise BadHours(why="Конец приёма не позже начала. Исправьте одно из них.")
    if (row.break_from is None) != (row.break_to is None):
        raise BadHours(why="Укажите и начало, и конец перерыва, или оставьте оба пустыми.")
    if (
        row.break_from is not None
        and row.break_to is not None
        and not row.opens <= row.break_from < row.break_to <= row.closes
    ):
        raise BadHours(why="Перерыв выходит за часы приёма или кончается раньше, чем начался.")
    times = [one for one in (row.opens, row.closes, row.break_from, row.break_to) if one is not None]
    odd = [one for one in times if one.minute % CELL_MINUTES or one.second]
    if odd or row.slot_minutes % CELL_MINUTES or row.pause_minutes % CELL_MINUTES:
        raise BadHours(why=f"Часы и длина приёма — кратные {CELL_MINUTES} минутам. Исправьте время.")
    if not 5 <= row.slot_minutes <= 240:
        raise BadHours(why="На одного человека — от 5 до 240 минут.")
    if not any(stretch.slots() for stretch in _stretches(row, date(2024, 1, 9))):
        raise BadHours(why="В эти часы не помещается ни один приём: сократите время на человека или продлите часы.")


def _check_authority(official: Employee, first: date, last: date | None) -> None:
    found = Authority.objects.filter(Q(valid_to=None) | Q(valid_to__gte=first), official=official)
    if last is not None:
        found = found.filter(valid_from__lte=last)
    if not official.is_active or not found.exists():
        raise NoAuthority(who=official.short_name)


def _overlapping(rule: ReceptionRule) -> ReceptionRule | None:
    """Return another rule of the official that falls into the same hours on some day."""
    others = ReceptionRule.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=rule.valid_from),
        official=rule.official,
        weekday=rule.weekday,
        opens__lt=rule.closes,
        closes__gt=rule.opens,
    ).exclude(pk=rule.pk)
    if rule.valid_to is not None:
        others = others.filter(valid_from__lte=rule.valid_to)
    if rule.week != ReceptionRule.Week.EVERY:
        others = others.filter(week__in=(ReceptionRule.Week.EVERY, rule.week))
    return others.first()


def _check_rooms(official: Employee, first: date, last: date | None = None) -> None:
    """Refuse where more officials would receive in a room at once than it has seats."""
    found = receptions(first, last or first + timedelta(days=AHEAD))
    seats = dict(Room.objects.values_list("pk", "seats"))
    by_place = defaultdict(list)
    for one in found:
        by_place[one.day, one.room_id].append(one)
    for mine in (one for one in found if one.official_id == official.pk):
        beside = [
            one
            for one in by_place[mine.day, mine.room_id]
            if one.official_id != official.pk and one.starts_at < mine.ends_at and mine.starts_at < one.ends_at
        ]
        moments = [mine.starts_at, *(one.starts_at for one in beside if one.starts_at > mine.starts_at)]
        for moment in moments:
            there = [one for one in beside if one.starts_at <= moment < one.ends_at]
            if len(there) >= seats[mine.room_id]:
                who = Employee.objects.get(pk=there[0].official_id).short_name
                room = Room.objects.get(pk=mine.room_id)
                raise RoomTaken(room=room, day=mine.day, who=who, seats=room.seats)
