"""What an applicant is told about his reception: by letter through the post of the house, by telephone as a task.

Whoever changes an appointment leaves a row; a worker's step writes the letter, a secretary makes the call.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, OutgoingMessage, Thread
from otklik.people import staff
from otklik.people.models import Employee
from otklik.reception import links
from otklik.reception.models import Appointment, AppointmentNotice, AppointmentRequest, Person, Source

Kind = AppointmentNotice.Kind
Notify = Person.Notify
RESULT_MAX: Final = 300
RESULTS: Final = {
    "told": "сообщено",
    "no_answer": "не ответил",
    "wrong": "номер не подходит",
    "needless": "сообщать больше не нужно",
}
ENDS: Final = ("told", "wrong", "needless")
# No names, no topics: a subject is seen on a locked screen.
SUBJECTS: Final[dict[str, str]] = {
    Kind.BOOKED: "Вы записаны на личный приём",
    Kind.REMINDER: "Напоминание о личном приёме",
    Kind.MOVED: "Время личного приёма изменено",
    Kind.CANCELLED: "Личный приём отменён",
    Kind.TO_MOVE: "Выберите другое время личного приёма",
    Kind.DECLINED: "Ответ на просьбу о записи на личный приём",
    Kind.WAITING: "Вы в листе ожидания личного приёма",
    Kind.FREED: "Освободилось время личного приёма",
}
# Who asks by word of mouth hears the time at once.
BY_WORD: Final = (Source.PHONE, Source.IN_PERSON, Source.WALK_IN)


class AlreadyTold(DomainError):
    """A colleague was quicker."""

    code = "reception.already_told"
    text = "Заявителю уже сообщили: {who}. Обновите страницу."
    status = 409


class NoResult(DomainError):
    """A call has an outcome."""

    code = "reception.no_result"
    text = "Выберите, чем кончился звонок: сообщено, не ответил, номер не подходит или сообщать больше не нужно."


def tell(row: Appointment, kind: str, *, by: Employee | None) -> AppointmentNotice | None:
    """Leave what the applicant is to be told, once per kind and time; None where he knows or does not want to."""
    known = by is not None and kind == Kind.BOOKED and row.source in BY_WORD and row.notify == Notify.PHONE
    if row.notify == Notify.NONE or known or (by is None and row.notify == Notify.PHONE):
        return None
    told, new = AppointmentNotice.objects.get_or_create(
        appointment=row, kind=kind, of_time=row.starts_at, defaults={"way": row.notify}
    )
    if not new:  # moved away and back: it is news again
        told.way, told.made_at, told.told_at, told.told_by, told.letter, told.result = (
            *(row.notify, timezone.now(), None, None, None, ""),
        )
        told.save()
    return told


def tell_of_request(
    row: AppointmentRequest, kind: str, *, of_time: datetime | None = None, official: Employee | int | None = None
) -> AppointmentNotice | None:
    """Leave what somebody who waits for a time is to be told."""
    if row.notify == Notify.NONE:
        return None
    who = official.pk if isinstance(official, Employee) else official
    return AppointmentNotice.objects.create(request=row, kind=kind, of_time=of_time, official_id=who, way=row.notify)


def withdraw(row: Appointment) -> None:
    """Drop what nobody has been told yet and is no longer true."""
    AppointmentNotice.objects.filter(appointment=row, told_at=None).delete()


# --- letters ----------------------------------------------------------------------------------------------------------


def send_next() -> bool:
    """Write the letter of one notice. Return False when there is nothing to do."""
    waiting = AppointmentNotice.objects.filter(way=Notify.EMAIL, told_at=None)
    first = waiting.values_list("pk", flat=True).order_by("pk").first()
    if first is None:
        return False
    with transaction.atomic():
        row = waiting.select_for_update(of=("self",), skip_locked=True).filter(pk=first).first()
        if row is not None:  # another worker has it
            _write(row)
    return True


def _write(row: AppointmentNotice) -> None:
    about = row.appointment or row.request
    assert about is not None  # the table says so
    if not about.email or _is_over(row):
        AppointmentNotice.objects.filter(pk=row.pk).update(told_at=timezone.now(), result="не отправлено: время прошло")
        return
    facts = {
        "notice": row,
        "kind": str(row.kind),
        "appointment": row.appointment,
        "request": row.request,
        "department": staff.department(),
        "link": links.address_of(about),
    }
    letter = delivery.queue(
        thread=_thread(row),
        channel=ChannelCode.EMAIL,
        kind=OutgoingMessage.Kind.NOTICE,
        recipient=about.email,
        subject=SUBJECTS[row.kind],
        text=render_to_string("reception/letters/notice.txt", facts).strip() + "\n",
        automatic=True,
        by=None,
    )
    AppointmentNotice.objects.filter(pk=row.pk).update(letter=letter, told_at=timezone.now())


def _is_over(row: AppointmentNotice) -> bool:
    return row.of_time is not None and row.of_time < timezone.now() and row.kind != Kind.CANCELLED


def _thread(row: AppointmentNotice) -> Thread:
    """Return the conversation of a letter: that of the request, else of the letters before it, else a new one."""
    about = row.appointment or row.request
    if row.appointment is not None and row.appointment.appeal is not None:
        return row.appointment.appeal.thread
    if about is not None and about.message is not None and about.message.thread is not None:
        return about.message.thread
    same = Q(appointment=row.appointment_id) if row.appointment_id else Q(request=row.request_id)
    earlier = AppointmentNotice.objects.filter(same).exclude(letter=None).select_related("letter__thread").first()
    return earlier.letter.thread if earlier and earlier.letter else Thread.objects.create()


# --- reminders --------------------------------------------------------------------------------------------------------


def remind(now: datetime | None = None) -> int:
    """Leave a reminder of every appointment of tomorrow; by telephone on the last working day before. Return how many.

    A second run leaves none again; who was booked today needs none.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    work = calendar.current()
    tomorrow = today + timedelta(days=1)
    callable_till = work.next_working(today) if work.is_working(today) else today
    rows = Appointment.objects.filter(
        state=Appointment.State.BOOKED, starts_at__gt=now, starts_at__date__lte=max(tomorrow, callable_till)
    )
    by_letter = Q(notify=Notify.EMAIL, starts_at__date=tomorrow)
    by_word = Q(notify=Notify.PHONE, starts_at__date__gt=today, starts_at__date__lte=callable_till)
    made = 0
    for row in rows.filter(by_letter | by_word).filter(made_at__date__lt=today):
        made += _remind(row)
    return made


def _remind(row: Appointment) -> bool:
    facts = {"appointment": row, "kind": Kind.REMINDER, "of_time": row.starts_at}
    try:
        return AppointmentNotice.objects.get_or_create(**facts, defaults={"way": row.notify})[1]
    except IntegrityError:  # another worker was quicker
        return False


# --- telephone --------------------------------------------------------------------------------------------------------


def to_call() -> QuerySet[AppointmentNotice]:
    """Return what somebody must tell by telephone, the nearest reception first: also where a letter did not arrive."""
    failed = Q(way=Notify.EMAIL, letter__state__in=(OutgoingMessage.State.FAILED, OutgoingMessage.State.UNCERTAIN))
    rows = AppointmentNotice.objects.filter(Q(way=Notify.PHONE, told_at=None) | failed & Q(told_by=None))
    rows = rows.exclude(kind=Kind.REMINDER, of_time__lt=timezone.now())
    rows = rows.select_related("appointment__official", "appointment__room", "request", "official", "letter")
    return rows.order_by("of_time", "made_at", "pk")


@transaction.atomic
def told(notice: AppointmentNotice, result: str, *, note: str = "", by: Employee) -> AppointmentNotice:
    """Keep what came of a call; who did not answer stays on the list."""
    if result not in RESULTS:
        raise NoResult
    row = AppointmentNotice.objects.select_for_update(of=("self",)).get(pk=notice.pk)
    if row.told_by_id is not None and row.told_at is not None:
        raise AlreadyTold(who=row.told_by.short_name if row.told_by else "коллега")
    said = f"{RESULTS[result]}: {note.strip()}" if note.strip() else RESULTS[result]
    if result in ENDS:
        row.told_at, row.told_by, row.result = timezone.now(), by, said[:RESULT_MAX]
    else:
        row.result = f"{said}, {timezone.localtime():%d.%m %H:%M}"[:RESULT_MAX]
    row.save(update_fields=["told_at", "told_by", "result"])
    about = f"appointment:{row.appointment_id}" if row.appointment_id else f"visit_request:{row.request_id}"
    journal.record("appointment.told", chain=about, by=by, kind=str(row.kind), result=result)
    return row
