"""Appointments for personal reception (п. 28): free times, who is booked, booking, moving and cancelling."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from django.db.models import Q, QuerySet
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Path, Router
from ninja import Query as InQuery
from pydantic import BaseModel, Field

from otklik.api import cursors, once
from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import AccessKey, owner_of, token_of
from otklik.api.schemas import MOST_ID, Day, Given, Said, Text, dumped
from otklik.appeals import access
from otklik.appeals.models import Topic
from otklik.core import masking
from otklik.core.errors import DomainError
from otklik.core.hours import midnight
from otklik.people.models import Employee
from otklik.reception import appointments, finder
from otklik.reception.models import Appointment, Source
from otklik.reception.schedule import Slot

router = Router(tags=["Личный приём"])
Id = Annotated[int, Path(ge=1, le=MOST_ID)]
FARTHEST: Final = timedelta(days=62)
State: TypeAlias = Literal["booked", "arrived", "received", "done", "no_card", "no_show", "cancelled"]


class NoPower(DomainError):
    """The key's owner does not book."""

    code = "appointments.no_power"
    text = "У владельца ключа нет права {what}. Выдайте ключ от имени того, кто записывает на личный приём."
    status = 403


class NoSuch(DomainError):
    """A number names nobody."""

    code = "appointments.no_such"
    text = "{what} с таким номером нет, или владелец ключа этого не видит."
    status = 404


class FreeTime(BaseModel):
    """Свободное время."""

    slot: str = Field(description="Как назвать это время при записи.", examples=["12.3.20261201T1000.20"])
    starts_at: datetime
    ends_at: datetime
    official: int = Field(description="Сотрудник.")
    official_name: str
    room: int


class AppointmentRow(BaseModel):
    """Запись на приём; имя и телефон скрыты."""

    id: int
    state: State
    state_name: str = Field(description="Состояние по-русски.")
    source: str = Field(description="Откуда запись: phone, in_person, written, portal, walk_in.")
    starts_at: datetime
    ends_at: datetime
    official: int = Field(description="Сотрудник.")
    room: int
    name: str = Field(description="Скрыто: «Ив••• М. П.».")
    phone: str = Field(description="Скрыт: «+7 ••• 67».")
    topic: int | None
    to_move: bool = Field(description="Остаться на этом времени запись не может: её нужно перенести.")
    version: int


class Appointments(BaseModel):
    """Страница записей, новые сверху."""

    items: list[AppointmentRow]
    next: str | None = Field(description="cursor следующей страницы; null — это последняя.")


class GivenAppointment(Given):
    """Запись: время из списка свободных и кто придёт."""

    slot: Said = Field(max_length=60, description="Поле slot свободного времени.")
    source: Literal["phone", "in_person", "written"] = Field(description="Откуда просьба (п. 28).")
    appeal: int | None = Field(None, ge=1, le=MOST_ID, description="По письменному обращению: его id.")
    last_name: Said = Field(max_length=100)
    first_name: Text = Field("", max_length=100)
    patronymic: Text = Field("", max_length=100)
    phone: Text = Field("", max_length=40)
    email: Text = Field("", max_length=254)
    matter: Text = Field("", max_length=4000, description="С чем придёт.")
    topic: int | None = Field(None, ge=1, le=MOST_ID, description="Тема по классификатору.")
    needs_access: bool = Field(False, description="Нужно доступное помещение.")


class GivenMove(Given):
    """Куда перенести и почему."""

    slot: Said = Field(max_length=60)
    why: Said = Field(max_length=300)


class GivenCancel(Given):
    """Почему отменяется."""

    why: Said = Field(max_length=300)


@router.get(
    "/appointments/free",
    auth=AccessKey("appointments.read"),
    response={200: list[FreeTime], **PROBLEMS},
    summary="Свободные времена",
)
def list_free_times(
    request: HttpRequest,
    *,
    first: Day | None = None,
    last: Day | None = None,
    official: Annotated[int | None, InQuery(ge=1, le=MOST_ID, description="Сотрудник.")] = None,
    topic: Annotated[int | None, InQuery(ge=1, le=MOST_ID, description="Тема.")] = None,
    needs_access: bool = False,
    limit: Annotated[int, InQuery(ge=1, le=cursors.MOST)] = cursors.USUAL,
) -> list[dict[str, Any]]:
    """Возвращает ближайшие свободные времена: с сегодняшнего дня на два месяца, если дни не названы."""
    _check_power(request, appointments.READERS, "видеть записи на личный приём")
    begin = first or timezone.localdate()
    found = finder.free(
        begin,
        last or _later(begin),
        official=_one(Employee.objects.all(), official, "Сотрудника"),
        topic=_one(Topic.objects.all(), topic, "Темы"),
        needs_access=needs_access,
        limit=limit,
    )
    names = {one.pk: one.short_name for one in Employee.objects.filter(pk__in={slot.official_id for slot in found})}
    return [_free(slot, names) for slot in found]


@router.get(
    "/appointments",
    auth=AccessKey("appointments.read"),
    response={200: Appointments, **PROBLEMS},
    summary="Записи на приём",
)
def list_appointments(
    request: HttpRequest,
    *,
    state: State | None = None,
    official: Annotated[int | None, InQuery(ge=1, le=MOST_ID, description="Сотрудник.")] = None,
    day_from: Day | None = None,
    day_to: Day | None = None,
    cursor: Annotated[str, InQuery(max_length=200)] = "",
    limit: Annotated[int, InQuery(ge=1, le=cursors.MOST)] = cursors.USUAL,
) -> dict[str, Any]:
    """Возвращает записи, новые сверху; имена и телефоны скрыты."""
    _check_power(request, appointments.READERS, "видеть записи на личный приём")
    wanted = Q()
    if state:
        wanted &= Q(state=state)
    if official:
        wanted &= Q(official=official)
    if day_from:
        wanted &= Q(starts_at__gte=midnight(day_from))
    if day_to:
        wanted &= Q(starts_at__lt=midnight(day_to, 1))
    if cursor:
        wanted &= Q(pk__lt=cursors.row_of(*cursors.place_of(cursor, parts=1)))
    found = list(Appointment.objects.filter(wanted).order_by("-pk")[: limit + 1])
    following = cursors.cursor(found[limit - 1].pk) if len(found) > limit else None
    return {"items": [_row(one) for one in found[:limit]], "next": following}


@router.get(
    "/appointments/{int:pk}",
    auth=AccessKey("appointments.read"),
    response={200: AppointmentRow, **PROBLEMS},
    summary="Запись на приём",
)
def read_appointment(request: HttpRequest, pk: Id) -> dict[str, Any]:
    """Возвращает запись; имя и телефон скрыты."""
    _check_power(request, appointments.READERS, "видеть записи на личный приём")
    return _row(get_object_or_404(Appointment, pk=pk))


@router.post(
    "/appointments",
    auth=AccessKey("appointments.create"),
    response={201: AppointmentRow, **PROBLEMS, 409: PROBLEMS[404], **BODY},
    summary="Записать на приём",
)
def create_appointment(request: HttpRequest, given: GivenAppointment, idempotency_key: once.Key) -> JsonResponse:
    """Записывает на свободное время; из многих, кто просит одно время, записан будет один, остальные получат 409."""
    _check_power(request, (appointments.POWER,), "записывать на личный приём")
    return once.once(request, token_of(request), idempotency_key, lambda: _create(request, given))


def _create(request: HttpRequest, given: GivenAppointment) -> once.Created:
    by = owner_of(request)
    facts = given.model_dump(exclude={"slot", "source", "appeal", "topic"})
    row = appointments.book(
        appointments.chosen(given.slot),
        {**facts, "topic": _one(Topic.objects.all(), given.topic, "Темы")},
        source=Source(given.source),
        appeal=_one(access.visible_to(by), given.appeal, "Обращения"),
        by=by,
    )
    return once.Created(dumped(AppointmentRow(**_row(row))), reverse("api:read_appointment", args=[row.pk]))


@router.post(
    "/appointments/{int:pk}/move",
    auth=AccessKey("appointments.create"),
    response={200: AppointmentRow, **PROBLEMS, 409: PROBLEMS[404], **BODY},
    summary="Перенести запись",
)
def move_appointment(request: HttpRequest, pk: Id, given: GivenMove) -> dict[str, Any]:
    """Переносит запись на свободное время; прежнее освобождается, заявителю готовится уведомление."""
    _check_power(request, (appointments.POWER,), "записывать на личный приём")
    row = get_object_or_404(Appointment, pk=pk)
    return _row(appointments.move(row, appointments.chosen(given.slot), by=owner_of(request), why=given.why))


@router.post(
    "/appointments/{int:pk}/cancel",
    auth=AccessKey("appointments.create"),
    response={200: AppointmentRow, **PROBLEMS, 409: PROBLEMS[404], **BODY},
    summary="Отменить запись",
)
def cancel_appointment(request: HttpRequest, pk: Id, given: GivenCancel) -> dict[str, Any]:
    """Отменяет запись; время освобождается, заявителю готовится уведомление."""
    _check_power(request, (appointments.POWER,), "записывать на личный приём")
    row = get_object_or_404(Appointment, pk=pk)
    appointments.cancel(row, by=owner_of(request), why=given.why)
    return _row(Appointment.objects.get(pk=pk))


def _check_power(request: HttpRequest, powers: tuple[str, ...], what: str) -> None:
    if not owner_of(request).has_any(powers):
        raise NoPower(what=what)


def _one(rows: QuerySet[Any], pk: int | None, what: str) -> Any:
    if pk is None:
        return None
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NoSuch(what=what)
    return row


def _free(slot: Slot, names: dict[int, str]) -> dict[str, Any]:
    return {
        "slot": appointments.named(slot),
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "official": slot.official_id,
        "official_name": names[slot.official_id],
        "room": slot.room_id,
    }


def _row(one: Appointment) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("state", "source", "starts_at", "ends_at", "version")},
        "id": one.pk,
        "state_name": one.get_state_display(),
        "official": one.official_id,
        "room": one.room_id,
        "name": masking.person(one.last_name, one.first_name, one.patronymic),
        "phone": masking.phone(one.phone),
        "topic": one.topic_id,
        "to_move": bool(one.to_move),
    }


def _later(day: date) -> date:
    return min(day, date.max - FARTHEST) + FARTHEST
