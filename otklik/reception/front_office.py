"""The front office (п. 35.2): who came, his document, what he was told of recording, the room; then the reception.

Each step is a move of `moves.py`; what the order demands is asked here in words and by the table's constraints.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Min, Q
from django.utils import timezone

from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.core.hours import midnight
from otklik.core.masking import HIDDEN
from otklik.core.terms import valid
from otklik.people import applicants
from otklik.people.applicants import Typed
from otklik.people.models import Employee
from otklik.reception import authority, consent_texts, moves, numbers, rooms
from otklik.reception.models import CELL_MINUTES, Appointment, NoCard, ReceptionCard, Room, RoomCheck, SlotCell, Source
from otklik.reception.moves import AGAINST_VIDEO, RoomHasVideo
from otklik.reception.schedule import Slot, receptions, slots

DESK: Final = "reception.desk"
NUMBER_SHOWN: Final = 3  # signs of a document's number that are kept
DAYS_AHEAD: Final = 31  # how far another time is looked for
MOST_LATER: Final = 4
NOTE_MAX: Final = 500
WHY_MAX: Final = 300
State = ReceptionCard.State
Consent = ReceptionCard.Consent
Document = ReceptionCard.Document
Booked = Appointment.State
_CELL: Final = timedelta(minutes=CELL_MINUTES)


class AlreadyCheckedIn(DomainError):
    """A colleague meets this person."""

    code = "reception.already_checked_in"
    text = "Этого посетителя уже принимает {who}: карточка {number} заведена {at}. Второй карточки не будет."
    status = 409


class NotComing(DomainError):
    """The appointment has ended: moved, cancelled, missed, over."""

    code = "reception.not_coming"
    text = "Запись в состоянии «{now}»: карточку по ней не заводят. Запишите посетителя заново."
    status = 409


class NotToday(DomainError):
    """A card is of the day of the reception."""

    code = "reception.not_today"
    text = (
        "Приём назначен на {day}. Сегодня карточку не заводят: перенесите запись на сегодня. "
        "Если приём прошёл без сети, внесите его с бумажной карточки."
    )


class PaperOfTomorrow(DomainError):
    """A paper card is entered after the reception."""

    code = "reception.paper_of_tomorrow"
    text = "Приём назначен на {day}: он ещё не прошёл, вносить с бумаги нечего."


class BlankUsed(DomainError):
    """One blank is one card."""

    code = "reception.blank_used"
    text = "Бланк № {blank} уже внесён: карточка {number}. Проверьте номер на бумаге."
    status = 409


class NotAuthorised(DomainError):
    """Reception is not handed to a person without the powers (п. 35.1)."""

    code = "reception.not_authorised"
    text = (
        "У должностного лица {who} нет полномочий на личный приём {day}: перепоручать приём нельзя (п. 35.1 Порядка). "
        "Перенесите запись к тому, кто уполномочен."
    )


class TooLate(DomainError):
    """The front office has done its part."""

    code = "reception.too_late"
    text = "Карточка {number} в состоянии «{now}»: в приёмной её уже не меняют. Обновите страницу."
    status = 409


class NoSuchDocument(DomainError):
    """A document is of some kind."""

    code = "reception.no_document_kind"
    text = "Выберите, какой документ предъявлен."


class DocumentUnnamed(DomainError):
    """«Другой» is named."""

    code = "reception.document_unnamed"
    text = "Напишите, какой это документ: для иного документа нужно название."


class NotCompared(DomainError):
    """Looked at is not compared."""

    code = "reception.not_compared"
    text = "Отметьте, совпали ли данные документа с карточкой."


class DifferencesUnnamed(DomainError):
    """What differs is written down."""

    code = "reception.differences_unnamed"
    text = "Напишите, что не совпало. Описку в карточке исправьте в «Данных заявителя» и сверьте ещё раз."


class NoName(DomainError):
    """A card is somebody's."""

    code = "reception.no_name"
    text = "Укажите фамилию и имя так, как в документе."


class NotAsked(DomainError):
    """Consent is asked for each kind of recording apart."""

    code = "reception.not_asked"
    text = "Отметьте ответ заявителя отдельно: согласен он на {what} или нет."


class NotReady(DomainError):
    """Each mark that is missing is named."""

    code = "reception.not_ready"
    text = "К приёму ещё не готово: {lacks}."


class RoomBarred(DomainError):
    """A room that does not meet п. 35.1."""

    code = "reception.room_barred"
    text = "Помещение «{room}» использовать нельзя: {why}. Выберите другое."


class RoomTaken(DomainError):
    """All seats of a room are held at this time."""

    code = "reception.room_taken"
    text = "Помещение «{room}» на это время уже заняли. Выберите другое: список обновлён."
    status = 409


class TimeTaken(DomainError):
    """The official has somebody else at this time."""

    code = "reception.time_taken"
    text = "Это время только что заняли. Выберите другое: список обновлён."
    status = 409


class AudioUntold(DomainError):
    """Midway nobody is led to where he would be recorded without having been told."""

    code = "reception.audio_untold"
    text = (
        "В помещении «{room}» есть аудиосистема, о которой заявителю не сообщали: "
        "чтобы продолжить приём, выберите помещение без неё."
    )


class NoGround(DomainError):
    """Who is not received is told why, and offered something."""

    code = "reception.no_ground"
    text = "Отметьте, почему приём не проводится и что предложено вместо него."


# --- the board --------------------------------------------------------------------------------------------------------


def day_of(appointment: Appointment) -> date:
    """Return the local day of an appointment."""
    return timezone.localdate(appointment.starts_at)


def board(day: date) -> list[Appointment]:
    """Return everybody of a day in the order they are received, by one query, with official, room and card.

    Out of turn first, then by the time they hold, or held before the front office moved them; walk-ins as they came.
    """
    first = timezone.make_aware(datetime(day.year, day.month, day.day))
    rows = Appointment.objects.filter(starts_at__gte=first, starts_at__lt=first + timedelta(days=1))
    rows = rows.exclude(state=Booked.CANCELLED).select_related("official", "room", "card", "card__room")

    def turn(row: Appointment) -> tuple[bool, datetime, datetime, int]:
        came_by_himself = row.source == Source.WALK_IN and not row.kept_turn
        at = (row.arrived_at if came_by_himself else row.kept_turn) or row.starts_at
        return not row.out_of_turn.strip(), at, row.arrived_at or row.starts_at, row.pk

    return sorted(rows, key=turn)


def neighbours(day: date, official: Employee | None = None) -> tuple[date, date]:
    """Return the nearest days before and after on which somebody, or one official, receives or is to receive.

    Where a month has none, the working day beside it.
    """
    first, last = day - timedelta(days=DAYS_AHEAD), day + timedelta(days=DAYS_AHEAD)
    days = {one.day for one in receptions(first, last, [official.pk] if official else None)}
    own = Q(starts_at__gte=midnight(day), starts_at__lt=midnight(day, 1))
    there = Appointment.objects.filter(starts_at__gte=midnight(first), starts_at__lt=midnight(last, 1)).exclude(own)
    if official is not None:
        there = there.filter(official=official)
    ends = there.exclude(state=Booked.CANCELLED).aggregate(
        before=Max("starts_at", filter=Q(starts_at__lt=midnight(day))),
        after=Min("starts_at", filter=Q(starts_at__gte=midnight(day))),
    )
    days |= {timezone.localdate(at) for at in ends.values() if at}
    work = calendar.current()
    before = max((one for one in days if one < day), default=None)
    after = min((one for one in days if one > day), default=None)
    return before or work.previous_working(day), after or work.next_working(day)


def waited(appointment: Appointment, now: datetime) -> timedelta | None:
    """Return how long somebody has waited, or did wait; None who has not come or was not received."""
    if appointment.arrived_at is None:
        return None
    card: ReceptionCard | None = getattr(appointment, "card", None)
    if card is not None and card.started_at is not None:
        return max(card.started_at - appointment.arrived_at, timedelta())
    return max(now - appointment.arrived_at, timedelta()) if appointment.state == Booked.ARRIVED else None


# --- coming in --------------------------------------------------------------------------------------------------------


@transaction.atomic
def open_card(appointment: Appointment, *, by: Employee, paper_number: str = "") -> ReceptionCard:
    """Return the card of who has come; a second secretary is told by name who meets him.

    With the number of a blank it is a card written on paper while the network was down, entered later.
    """
    _at_desk(by)
    row = Appointment.objects.select_for_update(of=("self",)).select_related("official", "room").get(pk=appointment.pk)
    known = ReceptionCard.objects.filter(appointment=row).select_related("opened_by").first()
    if known is not None:
        at = timezone.localtime(known.opened_at)
        raise AlreadyCheckedIn(who=known.opened_by.short_name, number=known.number, at=f"{at:%d.%m в %H:%M}")
    if row.state not in (Booked.BOOKED, Booked.ARRIVED):
        raise NotComing(now=row.get_state_display())
    day, today = day_of(row), timezone.localdate()
    blank = _blank(paper_number, day, today) if paper_number.strip() else ""
    if not blank and day != today:
        raise NotToday(day=f"{day:%d.%m.%Y}")
    power = authority.of(row.official, day)
    if power is None:
        raise NotAuthorised(who=row.official.short_name, day=f"{day:%d.%m.%Y}")
    now = timezone.now()
    applicant = applicants.main(row.applicant) if row.applicant else applicants.find_or_create(_typed(row), by=by)
    arrived = row.arrived_at or (row.starts_at if blank else now)
    Appointment.objects.filter(pk=row.pk).update(
        state=Booked.ARRIVED, arrived_at=arrived, applicant=applicant, version=F("version") + 1
    )
    appointment.refresh_from_db()
    card = ReceptionCard(
        number=numbers.next_number(day), appointment=row, official=row.official, authority=power, applicant=applicant,
        opened_by=by, from_paper=bool(blank), paper_number=blank, **_in_room(row.room, day),
    )  # fmt: skip
    card.save(force_insert=True)
    chain, is_paper = moves.chain_of(card), bool(blank)
    journal.record("reception.card_opened", chain=chain, by=by, appointment=row.pk, room=row.room_id, paper=is_paper)
    return card


def _blank(text: str, day: date, today: date) -> str:
    if day > today:
        raise PaperOfTomorrow(day=f"{day:%d.%m.%Y}")
    blank = numbers.blank_number(text)
    used = ReceptionCard.objects.filter(paper_number=blank).values_list("number", flat=True).first()
    if used is not None:
        raise BlankUsed(blank=blank, number=used)
    return blank


def _typed(row: Appointment) -> Typed:
    names = ("last_name", "first_name", "patronymic", "email", "phone")
    return Typed(**{name: getattr(row, name) for name in names})


def fill_in(card: ReceptionCard, typed: Typed, *, by: Employee) -> None:
    """Write in what was missing about the applicant (п. 35.2 пп. 1), and correct a slip of who made the appointment.

    A name that contradicts the card's is another person's: the card becomes his, and the document is compared again.
    """
    _at_desk(by)
    _still_here(card)
    if not typed.last_name or not typed.first_name:
        raise NoName
    known = card.applicant
    if known.organisation:  # he comes for it
        typed = replace(typed, kind=known.kind, organisation=known.organisation)
    with transaction.atomic():
        to, changes = card.state, dict[str, Any]()
        if known.organisation or applicants.compatible(typed, known):
            added = applicants.complete(known, typed, by=by)
        else:
            to, added = State.CHECK_IN, ["applicant"]
            changes = {"applicant": applicants.find_or_create(typed, by=by), **_unchecked()}
        moves.move(card, to, by=by, action="reception.data_filled", facts={"added": added}, **changes)
        told = {name: getattr(typed, name) for name in ("phone", "email") if getattr(typed, name)}
        Appointment.objects.filter(pk=card.appointment_id).update(
            last_name=typed.last_name, first_name=typed.first_name, patronymic=typed.patronymic,
            applicant=card.applicant, **told,
        )  # fmt: skip


def check_document(
    card: ReceptionCard,
    *,
    document: str,
    matches: bool | None,
    by: Employee,
    other: str = "",
    note: str = "",
    number: str = "",
) -> None:
    """Note that the document was compared with the card: its kind, whether it matches, what differs.

    Of a number, given only where it must be kept, the last three signs stay; no picture of the document is kept.
    """
    _at_desk(by)
    _still_here(card)
    if document not in Document.values:
        raise NoSuchDocument
    other, note = " ".join(other.split())[:200], " ".join(note.split())[:NOTE_MAX]
    if document == Document.OTHER and not other:
        raise DocumentUnnamed
    if matches is None:
        raise NotCompared
    if not matches and not note:
        raise DifferencesUnnamed
    moves.move(
        card, card.state if matches else State.CHECK_IN, by=by, action="reception.document_checked",
        facts={"kind": document, "match": matches}, document=document, document_matches=matches,
        document_other=other if document == Document.OTHER else "", document_note=note,
        document_number=hidden(number), document_by=by, document_at=timezone.now(),
    )  # fmt: skip


def hidden(number: str) -> str:
    """Return a document's number as it is kept: «••• 567»; a short one is not kept at all."""
    signs = "".join(one for one in number if one.isalnum())
    return f"{HIDDEN} {signs[-NUMBER_SHOWN:]}" if len(signs) > 2 * NUMBER_SHOWN - 1 else ""


def _unchecked() -> dict[str, Any]:
    return {"document_matches": None, "document_at": None, "document_by": None}


def inform(card: ReceptionCard, *, video: str, audio: str, by: Employee) -> None:
    """Note that the applicant was told of recording and what he said, apart for video and for audio.

    Where the room has no such system nothing is asked: «оборудования нет». A refusal of video in a room that has it
    sends the card back: until another room is chosen it is not ready.
    """
    _at_desk(by)
    _still_here(card)
    text = consent_texts.current(day_of(card.appointment))
    said = {
        "video": _said(video, card.room_video, card.video, "видеозапись"),
        "audio": _said(audio, card.room_audio, card.audio, "аудиозапись"),
    }
    to = card.state
    if said["video"] in AGAINST_VIDEO and card.room_video:
        to = State.CHECK_IN
    asked = card.room_video or card.room_audio
    moves.move(
        card, to, by=by, action="reception.informed", facts={**said, "version": text.version},
        informed_at=timezone.now(), consent_text=text.version if asked else card.consent_text, **said,
    )  # fmt: skip


def _said(given: str, has: bool, known: str, what: str) -> str:
    """Return what is kept of an answer; one given before in a room that has the system is kept in one that has not."""
    if not has:
        return known or Consent.NO_EQUIPMENT
    if given not in (Consent.GIVEN, Consent.REFUSED):
        raise NotAsked(what=what)
    return str(given)


# --- the room ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoomOffer:
    """A room free at the time the applicant holds, with what was checked in it."""

    room: Room
    why: list[str]


@dataclass(frozen=True)
class LaterOffer:
    """The next time of the same official with a room for it; the applicant goes first."""

    slot: Slot
    room: Room


@dataclass(frozen=True)
class Offer:
    """Where the applicant may be received: now, or a little later."""

    rooms: list[RoomOffer]
    later: list[LaterOffer]


def offer_rooms(card: ReceptionCard) -> Offer:
    """Return rooms free at this time and, with them, the official's next free times; without video where refused."""
    now = timezone.now()
    begins, ends = _period(card, now)
    day = timezone.localdate(begins)
    # Where there is no system at all, none is left out: a room may be changed for any reason.
    against = card.video in AGAINST_VIDEO
    last = day + timedelta(days=DAYS_AHEAD)
    found = Room.objects.filter(valid(day))
    fits = [one for one in found if not (against and one.has_video) and not (_audio_untold(card, one))]
    cells = SlotCell.objects.filter(cell__gte=begins, cell__lt=midnight(last, 1))
    taken = set(cells.exclude(appointment=card.appointment_id).values_list("resource", "cell"))
    needs = card.appointment.needs_access
    barred: dict[tuple[int, date], bool] = {}

    def is_barred(room: Room, on: date) -> bool:
        if (room.pk, on) not in barred:
            barred[room.pk, on] = bool(rooms.bars(room, on, needs_access=needs))
        return barred[room.pk, on]

    here = [
        RoomOffer(one, _reasons(one, day))
        for one in fits
        if one.pk != card.room_id and _has_seat(one, begins, ends, taken) and not is_barred(one, day)
    ]
    later: list[LaterOffer] = []
    if card.state in (State.CHECK_IN, State.READY) and not card.from_paper:
        work = calendar.current()
        powers = list(card.official.authorities.all())
        for slot in slots(day, last, officials=[card.official_id], work=work):
            on = timezone.localdate(slot.starts_at)
            mine = {(f"official:{card.official_id}", at) for at in _cells(slot.starts_at, slot.ends_at)}
            if slot.starts_at < now or slot.starts_at == card.appointment.starts_at or mine & taken:
                continue
            if not any(row.valid_from <= on <= (row.valid_to or on) for row in powers):
                continue
            room = next((one for one in fits if _may(one, slot, taken) and not is_barred(one, on)), None)
            if room is not None:
                later.append(LaterOffer(slot, room))
            if len(later) == MOST_LATER:
                break
    return Offer(here, later)


def change_room(card: ReceptionCard, room: Room, *, by: Employee, slot: Slot | None = None) -> None:
    """Move a reception to another room, or with `slot` to the official's other time there; the turn is kept.

    Consents follow the room: where a system is that was not there before, they are asked again. A paused reception
    stays paused until the official goes on.
    """
    if not (by.has_power(DESK) or by.pk == card.official_id):
        raise PermissionDenied
    if card.state not in (State.CHECK_IN, State.READY, State.PAUSED) or (slot and card.state == State.PAUSED):
        raise TooLate(number=card.number, now=card.get_state_display())
    appointment, now = card.appointment, timezone.now()
    begins, ends = (slot.starts_at, slot.ends_at) if slot else _period(card, now)
    day = timezone.localdate(begins)
    if why := rooms.bars(room, day, needs_access=appointment.needs_access):
        raise RoomBarred(room=room.name, why="; ".join(why))
    if room.has_video and card.video in AGAINST_VIDEO:
        raise RoomHasVideo(room=room.name)
    if _audio_untold(card, room):
        raise AudioUntold(room=room.name)
    if slot and authority.of(card.official, day) is None:
        raise NotAuthorised(who=card.official.short_name, day=f"{day:%d.%m.%Y}")
    changes = _in_room(room, day, video=card.video, audio=card.audio, informed_at=card.informed_at)
    asks = "" in (changes["video"], changes["audio"])
    to = State.CHECK_IN if asks or slot else card.state
    held: dict[str, Any] = {}
    if slot:
        held = {"starts_at": slot.starts_at, "ends_at": slot.ends_at, "kept_turn": _turn(appointment)}
        if day != day_of(appointment):  # he comes again, with his document
            held |= {"state": Booked.BOOKED, "arrived_at": None}
            changes |= _unchecked()
    with transaction.atomic():
        moves.move(card, to, by=by, action="reception.room_changed", facts={"room": room.pk}, **changes)
        if slot:
            appointment.cells.all().delete()
            _hold(appointment, f"official:{card.official_id}", begins, ends, TimeTaken())
        else:
            appointment.cells.filter(resource__startswith="room:").delete()
        seat = _take_seat(appointment, room, begins, ends)
        Appointment.objects.filter(pk=appointment.pk).update(room=room, seat=seat, version=F("version") + 1, **held)
    appointment.refresh_from_db()


def _turn(appointment: Appointment) -> datetime:
    return appointment.kept_turn or appointment.starts_at


def _audio_untold(card: ReceptionCard, room: Room) -> bool:
    return card.state == State.PAUSED and room.has_audio and card.audio == Consent.NO_EQUIPMENT


def _period(card: ReceptionCard, now: datetime) -> tuple[datetime, datetime]:
    """Return the minutes a room is needed for: those of the appointment, or as many from now where it is late."""
    row = card.appointment
    begins = row.starts_at
    if not card.from_paper and now > begins and timezone.localdate(now) == timezone.localdate(begins):
        begins = now.replace(minute=now.minute - now.minute % CELL_MINUTES, second=0, microsecond=0)
    return begins, begins + (row.ends_at - row.starts_at)


def _in_room(
    room: Room, day: date, *, video: str = "", audio: str = "", informed_at: datetime | None = None
) -> dict[str, Any]:
    """Return what a card keeps of its room: its systems, why it is fit, what of the consents still holds there."""
    video, audio = _follows(video, room.has_video), _follows(audio, room.has_audio)
    if not room.has_video and not room.has_audio:
        informed_at = informed_at or timezone.now()  # nothing to tell of: the step closes itself
    return {
        "room": room,
        "room_video": room.has_video,
        "room_audio": room.has_audio,
        "room_why": _reasons(room, day),
        "video": video,
        "audio": audio,
        "informed_at": informed_at,
    }


def _follows(consent: str, has: bool) -> str:
    if not has:
        return consent or Consent.NO_EQUIPMENT
    return "" if consent == Consent.NO_EQUIPMENT else consent


def _reasons(room: Room, day: date) -> list[str]:
    return [f"{RoomCheck.Property(one.property).label}: {one.words}" for one in rooms.fitness(room, day)]


def _cells(begins: datetime, ends: datetime) -> Iterator[datetime]:
    at = begins.replace(minute=begins.minute - begins.minute % CELL_MINUTES, second=0, microsecond=0)
    while at < ends:
        yield at
        at += _CELL


def _has_seat(room: Room, begins: datetime, ends: datetime, taken: set[tuple[str, datetime]]) -> bool:
    moments = list(_cells(begins, ends))
    seats = range(1, room.seats + 1)
    return any(all((f"room:{room.pk}:{seat}", at) not in taken for at in moments) for seat in seats)


def _may(room: Room, slot: Slot, taken: set[tuple[str, datetime]]) -> bool:
    return _has_seat(room, slot.starts_at, slot.ends_at, taken)


def _hold(appointment: Appointment, resource: str, begins: datetime, ends: datetime, taken: DomainError) -> None:
    """Hold five minutes after five minutes; somebody else's hold on one of them refuses all."""
    try:
        with transaction.atomic():
            SlotCell.objects.bulk_create(
                SlotCell(resource=resource, cell=at, appointment=appointment) for at in _cells(begins, ends)
            )
    except IntegrityError as exc:
        raise taken from exc


def _take_seat(appointment: Appointment, room: Room, begins: datetime, ends: datetime) -> int:
    refused = RoomTaken(room=room.name)
    for seat in range(1, room.seats + 1):
        try:
            _hold(appointment, f"room:{room.pk}:{seat}", begins, ends, refused)
        except RoomTaken:
            continue
        return seat
    raise refused


# --- ready, or not ----------------------------------------------------------------------------------------------------


def lacks(card: ReceptionCard) -> list[str]:
    """Return each mark without which the reception is not ready, in words."""
    day, found = day_of(card.appointment), []
    who = card.applicant
    if not (who.organisation or (who.last_name and who.first_name)):
        found.append("не указаны фамилия и имя заявителя")
    if card.document_at is None or not card.document:
        found.append("не сверен документ, удостоверяющий личность")
    elif not card.document_matches:
        found.append("данные документа не совпали с карточкой")
    if card.informed_at is None:
        found.append("не сообщено о видео- и аудиопротоколировании")
    found += [
        f"не отмечено согласие на {what}"
        for what, said in (("видеозапись", card.video), ("аудиозапись", card.audio))
        if not said
    ]
    if card.video in AGAINST_VIDEO and (card.room_video or card.room.has_video):
        found.append("заявитель не согласен на видео: выберите помещение без системы видеопротоколирования")
    elif card.room.has_video != card.room_video or card.room.has_audio != card.room_audio:
        found.append("оборудование помещения изменилось: выберите помещение заново")
    found += [f"помещение: {why}" for why in rooms.bars(card.room, day, needs_access=card.appointment.needs_access)]
    if authority.of(card.official, day) is None:
        found.append(f"у должностного лица {card.official.short_name} нет полномочий на этот день")
    if not card.from_paper and day != timezone.localdate():
        found.append(f"приём назначен на {day:%d.%m.%Y}")
    return found


def ready(card: ReceptionCard, *, by: Employee) -> None:
    """Hand a card with all marks of п. 35.2 over to the official; each missing one is named."""
    _at_desk(by)
    moves.check_can_move(card, State.READY)
    if found := lacks(card):
        raise NotReady(lacks="; ".join(found))
    moves.move(card, State.READY, by=by, action="reception.readied")


def back(card: ReceptionCard, *, by: Employee) -> None:
    """Take a card that waits for the official back to the front office."""
    _at_desk(by)
    moves.move(card, State.CHECK_IN, by=by, action="reception.returned")


def turn_away(appointment: Appointment, *, why: str, offered: str, by: Employee, note: str = "") -> NoCard:
    """Note that somebody without a document, or with one that does not match, is not received; what he was offered."""
    _at_desk(by)
    if why not in NoCard.Why.values or offered not in NoCard.Offered.values:
        raise NoGround
    with transaction.atomic():
        row = Appointment.objects.select_for_update(of=("self",)).get(pk=appointment.pk)
        card = ReceptionCard.objects.filter(appointment=row).first()
        if row.state not in (Booked.BOOKED, Booked.ARRIVED):
            raise NotComing(now=row.get_state_display())
        words = NoCard.Why(why).label
        if card is not None:
            _still_here(card)
            moves.move(card, State.ENDED, by=by, action="reception.ended", facts={"why": why}, ended_why=words)
        refusal = NoCard.objects.create(appointment=row, why=why, offered=offered, note=note.strip()[:NOTE_MAX], by=by)
        _over(row, words)
        journal.record(
            "reception.turned_away", chain=f"appointment:{row.pk}", by=by, why=why, offered=offered, refusal=refusal.pk
        )
    appointment.refresh_from_db()
    return refusal


def end(card: ReceptionCard, *, why: str, by: Employee) -> None:
    """Note that a reception did not take place: the applicant left. Once it has begun only its official may."""
    begun = card.state in (State.OPEN, State.PAUSED)
    if not (by.pk == card.official_id if begun else by.has_power(DESK)):
        raise PermissionDenied
    why = " ".join(why.split())[:WHY_MAX]
    with transaction.atomic():
        moves.move(card, State.ENDED, by=by, action="reception.ended", ended_why=why)
        _over(card.appointment, why)
    card.appointment.refresh_from_db()


def _over(appointment: Appointment, why: str) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(
        state=Booked.NO_CARD,
        ended_why=why,
        arrived_at=appointment.arrived_at or timezone.now(),
        version=F("version") + 1,
    )
    appointment.cells.filter(cell__gte=timezone.now() - _CELL).delete()


def _at_desk(by: Employee) -> None:
    if not by.has_power(DESK):
        raise PermissionDenied


def _still_here(card: ReceptionCard) -> None:
    if card.state not in (State.CHECK_IN, State.READY):
        raise TooLate(number=card.number, now=card.get_state_display())
