"""Calls: the exchange tells of them by itself, other systems read the log of them."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from ninja import Query as InQuery
from ninja import Router
from pydantic import BaseModel, Field

from otklik.api import cursors
from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import JSON, AccessKey, NotJson, owner_of
from otklik.api.schemas import MOST_ID, Day, Given, Moment, Said, Text, Whole
from otklik.core import masking
from otklik.core.errors import DomainError
from otklik.core.hours import midnight
from otklik.hotline import calls, listening
from otklik.hotline.exchange import webhook
from otklik.hotline.exchange.events import LONGEST_NAME, LONGEST_NUMBER, LONGEST_UID, MOST_SECONDS
from otklik.hotline.models import Call, Line

router = Router(tags=["Звонки"])
MOST_EVENTS: Final = 1000
# Written out: choices of two tables that bear one name («State») would be one in the description of the API.
State: TypeAlias = Literal["waiting", "talking", "answered", "missed"]
Direction: TypeAlias = Literal["in", "out"]
# What an exchange may tell; what only another source knows is not among them.
EventKind: TypeAlias = Literal[
    "entered",
    "robot",
    "ringing",
    "not_taken",
    "connected",
    "held",
    "resumed",
    "transferred",
    "completed",
    "abandoned",
    "timed_out",
    "ended",
]


class NoPower(DomainError):
    """The key's owner does not see the log of calls."""

    code = "calls.no_power"
    text = "У владельца ключа нет права видеть журнал звонков. Выдайте ключ от имени того, кто ведёт линию."
    status = 403


class Signed(AccessKey):
    """Lets in an exchange that signs what it sends, or a program with a key."""

    openapi_description = f"Ключ доступа, или вместо него подпись {webhook.HEADER}."

    def __call__(self, request: HttpRequest) -> Any:
        """Return who has sent this; raise what is wrong with the signature, the key or the request."""
        header = request.headers.get(webhook.HEADER)
        if header is None:
            return super().__call__(request)
        webhook.check(header, request.body, secret=settings.EXCHANGE_SECRET, now=time.time())
        if request.content_type != JSON:
            raise NotJson
        return webhook.HEADER


class GivenEvent(Given):
    """Одно событие одного звонка."""

    call_id: Said = Field(max_length=LONGEST_UID, description="Имя звонка на станции, одно во всех его событиях.")
    event: EventKind = Field(
        description=(
            "entered — поступил на линию; robot — ответил автоответчик или меню; ringing — звонит сотруднику; "
            "not_taken — он не взял; connected — соединён с человеком; held и resumed — удержание; transferred — "
            "переведён; completed — разговор окончен; abandoned — не дождался; timed_out — вышло время ожидания; "
            "ended — трубка положена."
        ),
        examples=["entered"],
    )
    at: Moment = Field(description="Когда это было, по часам станции.", examples=["2026-11-24T12:00:00+07:00"])
    queue: Text = Field("", max_length=LONGEST_NAME, description="Очередь, как её называет станция.")
    dialled: Text = Field("", max_length=LONGEST_NAME, description="Набранный номер.")
    number: Text = Field("", max_length=LONGEST_NUMBER, description="Номер звонящего; нет — скрыт.")
    agent: Text = Field("", max_length=LONGEST_NAME, description="Внутренний номер сотрудника.", examples=["101"])
    to: Text = Field("", max_length=LONGEST_NAME, description="Куда переведён.")
    waited: Whole | None = Field(None, ge=0, le=MOST_SECONDS, description="Сколько ждал, секунд.")
    talked: Whole | None = Field(None, ge=0, le=MOST_SECONDS, description="Сколько говорили, секунд.")
    position: Whole | None = Field(None, ge=0, le=10_000, description="Место в очереди, когда ушёл.")
    direction: Literal["in", "out"] = Field("in", description="Входящий или исходящий.")


class GivenEvents(Given):
    """События звонков; порядок не важен, повтор безвреден."""

    events: list[GivenEvent] = Field(min_length=1, max_length=MOST_EVENTS)


class TakenEvents(BaseModel):
    """Что принято."""

    new: int = Field(description="Новых событий.")
    known: int = Field(description="Уже известных: повтор ничего не меняет.")


class CallRow(BaseModel):
    """Звонок; номер скрыт."""

    id: int
    call_id: str
    source: Literal["webhook", "ami", "queue_log", "cdr", "hand", "ours"] = Field(
        description="Чьи слова о времени приняты."
    )
    direction: Direction
    state: State
    state_name: str = Field(description="Состояние по-русски.")
    line: str | None = Field(description="Код линии; null — линия неизвестна.")
    dialled: str
    number: str = Field(description="Скрыт: «+7 ••• 67»; пусто — скрыт звонившим.")
    in_hours: bool = Field(description="В часы работы линии.")
    by_robot: bool
    came_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    waited: int = Field(description="Секунд.")
    talked: int = Field(description="Секунд.")
    held: int = Field(description="Секунд.")
    position: int | None
    answered_by: int | None = Field(description="Сотрудник.")


class Calls(BaseModel):
    """Страница звонков, новые сверху."""

    items: list[CallRow]
    next: str | None = Field(description="cursor следующей страницы; null — это последняя.")


@router.post(
    "/calls/events",
    auth=Signed("calls.create"),
    response={200: TakenEvents, **PROBLEMS, **BODY},
    summary="Передать события звонков",
)
def create_call_events(request: HttpRequest, given: GivenEvents) -> dict[str, int]:
    """Сохраняет события и считает по ним звонки. Повтор, в том числе после обрыва связи, ничего не меняет.

    Станция входит ключом или подписывает запрос: заголовок X-Otklik-Signature: t=<секунды с 1970 года>,v1=<HMAC-SHA256
    от «t.тело» с секретом OTKLIK_EXCHANGE_SECRET, 64 знака>. Подписанное больше 5 минут назад не принимается.
    """
    new = calls.take(webhook.translate(one.model_dump() for one in given.events))
    listening.heard_webhook()
    return {"new": new, "known": len(given.events) - new}


@router.get("/calls", auth=AccessKey("calls.read"), response={200: Calls, **PROBLEMS}, summary="Журнал звонков")
def list_calls(
    request: HttpRequest,
    *,
    state: State | None = None,
    direction: Direction | None = None,
    line: Annotated[int | None, InQuery(ge=1, le=MOST_ID, description="Линия.")] = None,
    came_from: Day | None = None,
    came_to: Day | None = None,
    cursor: Annotated[str, InQuery(max_length=200)] = "",
    limit: Annotated[int, InQuery(ge=1, le=cursors.MOST)] = cursors.USUAL,
) -> dict[str, Any]:
    """Возвращает звонки, новые сверху; номера скрыты. Нужно право владельца вести журнал пропущенных или показатели."""
    if not owner_of(request).has_any(calls.READERS):
        raise NoPower
    wanted = Q()
    if state:
        wanted &= Q(state=state)
    if direction:
        wanted &= Q(direction=direction)
    if line:
        wanted &= Q(line=line)
    if came_from:
        wanted &= Q(came_at__gte=midnight(came_from))
    if came_to:
        wanted &= Q(came_at__lt=midnight(came_to, 1))
    if cursor:
        wanted &= Q(pk__lt=cursors.row_of(*cursors.place_of(cursor, parts=1)))
    found = list(Call.objects.filter(wanted).order_by("-pk")[: limit + 1])
    codes = dict(Line.objects.values_list("pk", "code"))
    following = cursors.cursor(found[limit - 1].pk) if len(found) > limit else None
    return {"items": [_row(one, codes) for one in found[:limit]], "next": following}


def _row(call: Call, codes: dict[int, str]) -> dict[str, Any]:
    return {
        **{name: getattr(call, name) for name in ("source", "direction", "state", "dialled", "in_hours", "by_robot")},
        **{name: getattr(call, name) for name in ("came_at", "answered_at", "ended_at", "waited", "talked", "held")},
        "id": call.pk,
        "call_id": call.uid,
        "state_name": call.get_state_display(),
        "line": codes.get(call.line_id) if call.line_id else None,
        "number": masking.phone(call.number),
        "position": call.position,
        "answered_by": call.answered_by_id,
    }
