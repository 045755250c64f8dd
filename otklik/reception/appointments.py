"""Appointments (п. 28): book, move, cancel, confirm; who came and in which order they are received.

The only guard against two at once is `SlotCell`: a row for every five minutes of the official and of a seat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from secrets import token_hex
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core import journal, typed
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.correspondence.models import IncomingMessage
from otklik.people.applicants import phone_key
from otklik.people.models import Employee, Substitution
from otklik.reception import authority, finder, links, notices, rooms, schedule
from otklik.reception.models import (
    CELL_MINUTES,
    Appointment,
    AppointmentMove,
    AppointmentNotice,
    AppointmentRequest,
    Person,
    ReceptionException,
    Room,
    SlotCell,
    Source,
)
from otklik.reception.schedule import Slot

POWER: Final = "reception.book"
READERS: Final = (POWER, "reception.desk", "reception.hold", "reception.schedule")
State = Appointment.State
Kind = AppointmentNotice.Kind
WHY_MAX: Final = 300
MATTER_MAX: Final = 4000
ALTERNATIVES: Final = 3
AHEAD: Final = timedelta(days=60)  # how far other times are looked for
# What is known of a person who comes; anything else is not his.
_PERSON: Final = (
    *("last_name", "first_name", "patronymic", "phone", "email", "notify", "applicant", "matter", "topic", "need"),
    *("needs_access", "out_of_turn", "outside_hours_why"),
)


class SlotTaken(DomainError):
    """Somebody was quicker; `facts["alternatives"]` are free times near it."""

    code = "appointment.slot_taken"
    text = "Это время только что заняли. {instead}"
    status = 409

    def __init__(self, *, alternatives: list[Slot] | None = None) -> None:
        other = alternatives or []
        instead = "Выберите другое: свободные времена показаны." if other else "Свободных времён рядом нет."
        super().__init__(alternatives=other, instead=instead)


class SlotPast(DomainError):
    """Nobody is received yesterday."""

    code = "appointment.slot_past"
    text = "Время {at} уже прошло. Выберите время, которое ещё не наступило."


class NotInSchedule(DomainError):
    """The official does not receive at this time, or the schedule has changed meanwhile."""

    code = "appointment.not_in_schedule"
    text = "Такого времени в расписании приёма нет: расписание могло измениться. Найдите время заново."
    status = 409


class OfficialAbsent(DomainError):
    """The official is on leave, or does not receive that day."""

    code = "appointment.official_absent"
    text = "{who}: {on} приёма нет — {why}. Выберите другой день или другое должностное лицо."


class NoAuthority(DomainError):
    """п. 35.1: only those an order has authorised receive."""

    code = "appointment.no_authority"
    text = "{who}: на {on} нет полномочия вести личный приём{topic}. Выберите того, кто уполномочен приказом (п. 35.1)."


class RoomBarred(DomainError):
    """п. 35.1: the room lacks a property."""

    code = "appointment.room_barred"
    text = "{room}: {on} принимать нельзя — {why} (п. 35.1). Выберите время в другом помещении."


class NoName(DomainError):
    """Somebody must be expected."""

    code = "appointment.no_name"
    text = "Напишите фамилию того, кто придёт."


class NoSource(DomainError):
    """п. 28: an appointment is made from a written or an oral request."""

    code = "appointment.no_source"
    text = "Укажите, откуда запись: по телефону, лично, по письменному обращению или по заявке с портала (п. 28)."


class NoLetter(DomainError):
    """An appointment from a written request names it."""

    code = "appointment.no_letter"
    text = "Запись по письменному обращению: укажите номер обращения или сообщения, по которому она сделана (п. 28)."


class NoContact(DomainError):
    """Who wants to be told must be reachable."""

    code = "appointment.no_contact"
    text = "Укажите {what}: иначе сообщить о приёме не получится. Или выберите другой способ."


class NoWhy(DomainError):
    """A change that touches a person has a reason."""

    code = "appointment.no_why"
    text = "Напишите почему: это увидят коллеги и скажут заявителю."


class NotNow(DomainError):
    """The appointment is not in a state in which this can be done."""

    code = "appointment.not_now"
    text = "Сейчас это невозможно: запись в состоянии «{now}»."
    status = 409


class Changed(DomainError):
    """A colleague, or the applicant himself, was quicker."""

    code = "appointment.changed"
    text = "Запись только что изменили: теперь она в состоянии «{now}». Обновите страницу."
    status = 409


class AlreadyArrived(DomainError):
    """Two secretaries met the same person."""

    code = "appointment.already_arrived"
    text = "Приход уже отметил(а) {who} в {at}."
    status = 409


class TooEarly(DomainError):
    """Nobody has missed what has not begun."""

    code = "appointment.too_early"
    text = "Приём ещё не начался: он назначен на {at}. Отметить неявку можно после этого времени."


class NotToday(DomainError):
    """Who comes on another day is not received today by itself."""

    code = "appointment.not_today"
    text = "Запись на {at}: сегодня прийти по ней нельзя. Перенесите запись или оформите пришедшего без записи."


class NoTimeToday(DomainError):
    """There is no free time left today; `facts["alternatives"]` are the nearest free times."""

    code = "appointment.no_time_today"
    text = "Сегодня свободного времени у {who} больше нет. Запишите на другой день{or_turn}."
    status = 409


# --- booking ----------------------------------------------------------------------------------------------------------


def chosen(text: str) -> Slot:
    """Return the time a form or a link has named, if the schedule still has it; raise otherwise."""
    try:
        official, room, begins, minutes = text.split(".")
        starts_at = timezone.make_aware(datetime.strptime(begins, "%Y%m%dT%H%M"))
        slot = Slot(starts_at, starts_at + timedelta(minutes=int(minutes)), int(official), int(room))
    except (ValueError, OverflowError):
        raise NotInSchedule from None
    day = starts_at.date()
    if slot not in schedule.slots(day, day, officials=[slot.official_id]):
        raise NotInSchedule
    return slot


def named(slot: Slot) -> str:
    """Return a time as forms and links name it."""
    minutes = int((slot.ends_at - slot.starts_at).total_seconds() // 60)
    return f"{slot.official_id}.{slot.room_id}.{timezone.localtime(slot.starts_at):%Y%m%dT%H%M}.{minutes}"


def book(
    slot: Slot,
    person: Mapping[str, Any],
    *,
    source: str,
    by: Employee,
    request: AppointmentRequest | None = None,
    message: IncomingMessage | None = None,
    appeal: Appeal | None = None,
    now: datetime | None = None,
) -> Appointment:
    """Keep a time for a person, with his notice; raise what a rule says, nothing kept. Of many at once one succeeds."""
    facts = checked(person)
    if not source or source not in Source.values:
        raise NoSource
    if source == Source.WRITTEN and message is None and appeal is None:
        raise NoLetter
    _check(slot, facts, now or timezone.now())
    row = Appointment(source=source, request=request, message=message, appeal=appeal, made_by=by, **facts)
    return _insisting(slot, facts, lambda: _book(row, slot, by))


@transaction.atomic
def _book(row: Appointment, slot: Slot, by: Employee | None) -> Appointment:
    _keep(row, slot)
    journal.record(
        "appointment.booked",
        chain=_chain(row),
        by=by,
        starts_at=row.starts_at,
        official=row.official_id,
        room=row.room_id,
        source=str(row.source),
    )
    notices.tell(row, Kind.BOOKED, by=by)
    return row


def _keep(row: Appointment, slot: Slot, **changes: Any) -> None:
    """Write a new appointment with its cells and the hash of its link."""
    row.official_id, row.room_id, row.starts_at, row.ends_at = _whole(slot)
    row.token_hash = token_hex(32)  # of nobody's link, until the row has its number
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)
    row.token_hash = links.hash_of(links.token_of(row))
    row.seat = hold_cells(row, *_whole(slot))
    row.save(update_fields=["token_hash", "seat"])


def _whole(slot: Slot) -> tuple[int, int, datetime, datetime]:
    return slot.official_id, slot.room_id, slot.starts_at, slot.ends_at


def checked(person: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a person, tidied; raise where he has no name or cannot be told as he wishes."""
    facts = {name: person[name] for name in _PERSON if person.get(name) not in (None, "")}
    for name, value in facts.items():
        if isinstance(value, str):
            most = getattr(Appointment._meta.get_field(name), "max_length", None) or MATTER_MAX
            facts[name] = value.strip()[:most]
    if not facts.get("last_name"):
        raise NoName
    phone, email = facts.get("phone", ""), facts.get("email", "")
    usual = Person.Notify.EMAIL if email else Person.Notify.PHONE if phone else Person.Notify.NONE
    facts["notify"] = facts.get("notify") or usual
    if facts["notify"] == Person.Notify.EMAIL and not typed.is_email(email):
        raise NoContact(what="адрес электронной почты, как имя@сайт.ru")
    if facts["notify"] == Person.Notify.PHONE and not phone_key(phone):
        raise NoContact(what="телефон, по которому можно позвонить, например +7 913 000-00-00")
    return facts


def _check(slot: Slot, facts: Mapping[str, Any], now: datetime) -> None:
    """Raise the first reason why nobody may be received at this time by this official in this room."""
    at, on = timezone.localtime(slot.starts_at), timezone.localdate(slot.starts_at)
    if slot.starts_at <= now:
        raise SlotPast(at=f"{at:%d.%m.%Y %H:%M}")
    official = Employee.objects.get(pk=slot.official_id)
    topic = facts.get("topic")
    if authority.of(official, on, topic=topic) is None:
        about = "" if topic is None or authority.of(official, on) is None else f" по теме «{topic}»"
        raise NoAuthority(who=official.short_name, on=f"{on:%d.%m.%Y}", topic=about)
    if why := away(official, on):
        raise OfficialAbsent(who=official.short_name, on=f"{on:%d.%m.%Y}", why=why)
    room = Room.objects.get(pk=slot.room_id)
    if why_not := rooms.bars(room, on, needs_access=bool(facts.get("needs_access"))):
        raise RoomBarred(room=room.name, on=f"{on:%d.%m.%Y}", why="; ".join(why_not))


def away(official: Employee, on: date) -> str:
    """Return why an official receives nobody on a day, empty where nothing is known: leave, a cancelled day."""
    if Substitution.objects.filter(absent=official, starts_on__lte=on, ends_on__gte=on).exists():
        return "отсутствует, его замещают"
    row = ReceptionException.objects.filter(official=official, date=on, opens=None).first()
    return f"день отменён: {row.why}" if row else ""


def _insisting(slot: Slot, facts: Mapping[str, Any], work: Callable[[], Appointment]) -> Appointment:
    """Do the work; who is refused because the time is taken gets other times, looked for outside of any transaction."""
    try:
        if _is_taken(slot):  # most who are late learn it without waiting for anybody
            raise SlotTaken
        return work()
    except SlotTaken as late:
        if late.facts["alternatives"]:
            raise
    raise SlotTaken(alternatives=alternatives(slot, facts))


def _is_taken(slot: Slot) -> bool:
    """Tell whether the official is taken already: what the cells will say for sure, told by one look."""
    return SlotCell.objects.filter(
        resource=_of_official(slot.official_id), cell__in=_moments(slot.starts_at, slot.ends_at)
    ).exists()


def alternatives(slot: Slot, facts: Mapping[str, Any]) -> list[Slot]:
    """Return the nearest free times instead of a taken one: of the same official, then of the others."""
    first = timezone.localdate(slot.starts_at)
    asked: dict[str, Any] = {"topic": facts.get("topic"), "needs_access": bool(facts.get("needs_access"))}
    official = Employee.objects.get(pk=slot.official_id)
    found = finder.free(first, first + AHEAD, official=official, limit=ALTERNATIVES, **asked)
    if len(found) < ALTERNATIVES:
        others = finder.free(first, first + AHEAD, limit=ALTERNATIVES * 2, **asked)
        found += [one for one in others if one not in found]
    return found[:ALTERNATIVES]


# --- five minutes -----------------------------------------------------------------------------------------------------


def hold_cells(appointment: Appointment, official_id: int, room_id: int, starts_at: datetime, ends_at: datetime) -> int:
    """Let an appointment hold these cells instead of any it holds; return its seat, raise `SlotTaken`.

    To be called in a transaction. New cells come before the old ones go, in one order for everybody: two that change
    places are refused and never wait for each other.
    """
    own = dict(appointment.cells.values_list("resource", "pk"))  # for a first booking nothing
    held = set(appointment.cells.values_list("resource", "cell")) if own else set()
    moments = _moments(starts_at, ends_at)
    of_official = [(_of_official(official_id), at) for at in moments]
    for seat in _seats(appointment, room_id, moments):
        wanted = [*of_official, *((_of_seat(room_id, seat), at) for at in moments)]
        missing = sorted(set(wanted) - held)
        try:
            with transaction.atomic():
                SlotCell.objects.bulk_create(
                    SlotCell(resource=resource, cell=at, appointment=appointment) for resource, at in missing
                )
        except IntegrityError:
            strangers = SlotCell.objects.exclude(appointment=appointment)
            if strangers.filter(resource=_of_official(official_id), cell__in=moments).exists():
                break
            continue  # the seat was taken this moment: the next one
        if held:
            gone = held - set(wanted)
            for resource in {resource for resource, _ in gone}:
                at = [cell for name, cell in gone if name == resource]
                appointment.cells.filter(resource=resource, cell__in=at).delete()
        return seat
    raise SlotTaken


def free_cells(appointment: Appointment) -> None:
    """Let go of everything an appointment holds."""
    appointment.cells.all().delete()


def _seats(appointment: Appointment, room_id: int, moments: list[datetime]) -> list[int]:
    """Return the seats of a room worth trying: free all the time as far as is seen, one's own first."""
    seats = Room.objects.values_list("seats", flat=True).get(pk=room_id)
    names = {_of_seat(room_id, seat): seat for seat in range(1, seats + 1)}
    strangers = SlotCell.objects.exclude(appointment=appointment).filter(resource__in=names, cell__in=moments)
    taken = {names[resource] for resource in strangers.values_list("resource", flat=True).distinct()}
    own = appointment.seat if appointment.room_id == room_id else 0
    return sorted(set(names.values()) - taken, key=lambda seat: (seat != own, seat))


def _moments(starts_at: datetime, ends_at: datetime) -> list[datetime]:
    return [finder.moment_of(cell) for cell in finder.cells_of(starts_at, ends_at)]


def _of_official(pk: int) -> str:
    return f"official:{pk}"


def _of_seat(room: int, seat: int) -> str:
    return f"room:{room}:{seat}"


# --- changes ----------------------------------------------------------------------------------------------------------


def move(
    appointment: Appointment, slot: Slot, *, by: Employee | None, why: str, now: datetime | None = None
) -> Appointment:
    """Give an appointment another time, its old one freed in the same transaction. `by=None`: the applicant himself."""
    why = _why(why, by)
    facts = {"topic": appointment.topic, "needs_access": appointment.needs_access}
    if appointment.state not in (State.BOOKED, State.ARRIVED):
        raise NotNow(now=appointment.get_state_display())
    _check(slot, facts, now or timezone.now())

    @transaction.atomic
    def work() -> Appointment:
        row = _locked(appointment)
        was = row.starts_at
        seat = hold_cells(row, *_whole(slot))
        _change(
            row,
            (State.BOOKED, State.ARRIVED),
            official_id=slot.official_id,
            room_id=slot.room_id,
            seat=seat,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            state=State.BOOKED,
            arrived_at=None,
            to_move="",
            confirmed_at=None if by else timezone.now(),
            moves=F("moves") + 1,
        )
        journal.record(
            "appointment.moved",
            chain=_chain(row),
            by=by,
            was=was,
            starts_at=slot.starts_at,
            official=slot.official_id,
            room=slot.room_id,
            by_link=by is None,
        )
        AppointmentMove.objects.create(appointment=row, was=was, to=row.starts_at, why=why, by=by)
        notices.withdraw(row)
        notices.tell(row, Kind.MOVED, by=by)
        return row

    taken = SlotCell.objects.filter(resource=_of_official(slot.official_id), cell__in=_moments(*_whole(slot)[2:]))
    try:
        if taken.exclude(appointment=appointment).exists():
            raise SlotTaken
        return work()
    except SlotTaken:
        raise SlotTaken(alternatives=alternatives(slot, facts)) from None


@transaction.atomic
def cancel(appointment: Appointment, *, by: Employee | None, why: str, asked: bool = False) -> Appointment:
    """Call an appointment off and free its time: it is offered to who waits. `asked`: the applicant asked for it."""
    why, row = _why(why, by), _locked(appointment)
    _change(row, (State.BOOKED, State.ARRIVED), state=State.CANCELLED, ended_why=why, to_move="")
    free_cells(row)
    journal.record(
        "appointment.cancelled", chain=_chain(row), by=by, by_link=by is None, on_request=asked or by is None
    )
    notices.withdraw(row)
    if by is not None and not asked:
        notices.tell(row, Kind.CANCELLED, by=by)
    return row


@transaction.atomic
def confirm(appointment: Appointment, *, by: Employee | None = None) -> Appointment:
    """Note that the applicant will come; a second time changes nothing."""
    row = _locked(appointment)
    if row.state == State.BOOKED and row.confirmed_at:
        return row
    _change(row, (State.BOOKED,), confirmed_at=timezone.now())
    journal.record("appointment.confirmed", chain=_chain(row), by=by, by_link=by is None)
    return row


@transaction.atomic
def no_show(appointment: Appointment, *, by: Employee, now: datetime | None = None) -> Appointment:
    """Note that nobody came, once the time has begun; what is left of it is free again."""
    row = _locked(appointment)
    if row.starts_at > (now or timezone.now()):
        raise TooEarly(at=f"{timezone.localtime(row.starts_at):%d.%m.%Y %H:%M}")
    _change(row, (State.BOOKED,), state=State.NO_SHOW, ended_why="не пришёл")
    free_cells(row)
    journal.record("appointment.no_show", chain=_chain(row), by=by)
    return row


@transaction.atomic
def arrive(appointment: Appointment, *, by: Employee, now: datetime | None = None) -> Appointment:
    """Note that the person has come; who comes second is told by whom it was noted."""
    now = now or timezone.now()
    row = _locked(appointment)
    if row.state == State.ARRIVED:
        raise _arrived(row)
    if row.state == State.BOOKED and timezone.localdate(row.starts_at) != timezone.localdate(now):
        raise NotToday(at=f"{timezone.localtime(row.starts_at):%d.%m.%Y %H:%M}")
    _change(row, (State.BOOKED,), state=State.ARRIVED, arrived_at=now)
    journal.record("appointment.arrived", chain=_chain(row), by=by)
    return row


def walk_in(
    person: Mapping[str, Any],
    slot: Slot | None = None,
    *,
    official: Employee,
    by: Employee,
    now: datetime | None = None,
) -> Appointment:
    """Note somebody who came without an appointment: at the time named, else at the official's next free time today.

    Who has a right to be received out of turn (ст. 13) waits for him even where no time is free: he holds none.
    """
    now = now or timezone.now()
    facts = checked(person)
    today = timezone.localdate(now)
    if slot is None:
        asked: dict[str, Any] = {"topic": facts.get("topic"), "needs_access": bool(facts.get("needs_access"))}
        slot = next(iter(finder.free(today, today, official=official, limit=1, now=now, **asked)), None)
    if slot is not None:
        _check(slot, facts, now)
        row = Appointment(source=Source.WALK_IN, made_by=by, **facts)
        came = slot
        return _insisting(slot, facts, lambda: _walk_in(row, came, by, now))
    if not facts.get("out_of_turn"):
        nearest = finder.free(today, today + AHEAD, official=official, limit=ALTERNATIVES, now=now)
        or_turn = " или укажите право на приём вне очереди, если оно есть"
        raise NoTimeToday(who=official.short_name, alternatives=nearest, or_turn=or_turn)
    place = _in_the_queue(official, facts, now)
    return _queued(Appointment(source=Source.WALK_IN, made_by=by, **facts), place, by, now)


@transaction.atomic
def _walk_in(row: Appointment, slot: Slot, by: Employee, now: datetime) -> Appointment:
    _keep(row, slot, state=State.ARRIVED, arrived_at=now)
    _journal_walk_in(row, by)
    return row


@transaction.atomic
def _queued(row: Appointment, place: Slot, by: Employee, now: datetime) -> Appointment:
    row.official_id, row.room_id, row.starts_at, row.ends_at = _whole(place)
    row.state, row.arrived_at, row.token_hash = State.ARRIVED, now, token_hex(32)
    row.save(force_insert=True)
    row.token_hash = links.hash_of(links.token_of(row))
    row.save(update_fields=["token_hash"])
    _journal_walk_in(row, by)
    return row


def _journal_walk_in(row: Appointment, by: Employee) -> None:
    journal.record(
        "appointment.walked_in",
        chain=_chain(row),
        by=by,
        official=row.official_id,
        room=row.room_id,
        out_of_turn=bool(row.out_of_turn),
    )


def _in_the_queue(official: Employee, facts: Mapping[str, Any], now: datetime) -> Slot:
    """Return where somebody out of turn is received today; raise where the official does not receive any more."""
    today = timezone.localdate(now)
    hours = schedule.slots(today, today, officials=[official.pk])
    ahead = [one for one in hours if one.ends_at > now]
    if not ahead:
        nearest = finder.free(today, today + AHEAD, official=official, limit=ALTERNATIVES, now=now)
        raise NoTimeToday(who=official.short_name, alternatives=nearest, or_turn="")
    begins = now.replace(second=0, microsecond=0)
    begins += timedelta(minutes=-begins.minute % CELL_MINUTES)
    begins = max(begins, min(one.starts_at for one in ahead)) if begins <= now else begins
    place = Slot(begins, begins + (ahead[0].ends_at - ahead[0].starts_at), official.pk, ahead[0].room_id)
    _check(place, facts, min(now, begins - timedelta(seconds=1)))
    return place


# --- beneath ----------------------------------------------------------------------------------------------------------


def _why(why: str, by: Employee | None) -> str:
    why = " ".join(why.split())[:WHY_MAX]
    if by is not None and not why:
        raise NoWhy
    return why or "по просьбе заявителя"


def _locked(appointment: Appointment) -> Appointment:
    """Return the appointment as it is now, held until the transaction ends."""
    rows = Appointment.objects.select_for_update(of=("self",)).select_related("official", "room", "topic")
    return rows.get(pk=appointment.pk)


def _change(row: Appointment, was: tuple[State, ...], **changes: Any) -> None:
    """Change an appointment that is in one of these states; raise where it is not, or was changed meanwhile."""
    if row.state not in was:
        raise NotNow(now=row.get_state_display())
    same = Appointment.objects.filter(pk=row.pk, version=row.version, state__in=was)
    if not same.update(version=F("version") + 1, **changes):
        row.refresh_from_db()
        raise Changed(now=row.get_state_display())
    row.refresh_from_db()


def _arrived(row: Appointment) -> AlreadyArrived:
    noted = JournalEntry.objects.filter(chain=_chain(row), action__in=("appointment.arrived", "appointment.walked_in"))
    actor = noted.order_by("-seq").values_list("actor", flat=True).first()
    met = Employee.objects.filter(pk=actor or 0).first()
    who = met.short_name if met else "коллега"
    return AlreadyArrived(who=who, at=f"{timezone.localtime(row.arrived_at):%H:%M}" if row.arrived_at else "")


def _chain(row: Appointment) -> str:
    return f"appointment:{row.pk}"
