"""Messages: handed over by other systems, and read by whoever may see them."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Annotated, Any, Final

from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from ninja import Path, Router
from ninja import Query as InQuery

from otklik.api import cursors, once
from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import AccessKey, check_scope, owner_of, token_of
from otklik.api.schemas import (
    MOST_ID,
    Channel,
    Day,
    GivenMessage,
    HandedMessage,
    Message,
    Messages,
    MessageState,
    dumped,
)
from otklik.appeals import access, queues
from otklik.appeals.models import AppealMessage
from otklik.channels.handover import intake
from otklik.core import files, masking
from otklik.core.errors import DomainError
from otklik.core.hours import midnight
from otklik.correspondence.models import ContactPoint, IncomingFile, IncomingMessage

router = Router(tags=["Сообщения"])
CLOCKS_DIFFER: Final = timedelta(minutes=5)
Id = Annotated[int, Path(ge=1, le=MOST_ID)]


class ComesLater(DomainError):
    """A message from the future."""

    code = "messages.later"
    text = "received_at ещё не наступило. Проверьте часы и часовой пояс."


class NoSuchPoint(DomainError):
    """The contact point is not one of this channel."""

    code = "messages.no_such_point"
    text = "Такой точки взаимодействия у канала нет. Есть: {known}."


@router.post(
    "/messages",
    auth=AccessKey("messages.create"),
    response={201: HandedMessage, 200: HandedMessage, **PROBLEMS, **BODY},
    summary="Передать сообщение",
)
def create_message(request: HttpRequest, given: GivenMessage, idempotency_key: once.Key) -> JsonResponse:
    """Сохраняет сообщение, как его прислали; дальше оно ждёт регистрации, как пришедшее по любому каналу.

    201 — принято. 200 — это сообщение с тем же номером и содержанием уже передавали. Что с ним стало,
    говорит адрес из заголовка Location.
    """
    return once.once(request, token_of(request), idempotency_key, lambda: _create(request, given))


def _create(request: HttpRequest, given: GivenMessage) -> once.Created:
    _check(given)
    accepted = intake.take_in(
        request.body,
        dumped(given),
        channel=given.channel,
        external_id=given.external_id,
        by=owner_of(request),
        contact_point=given.contact_point,
        received_at=given.received_at,
    )
    message = accepted.message
    location = reverse("api:handed_message", args=[message.pk])
    taken = getattr(message, "taken", None) if accepted.duplicate else None
    return once.Created(dumped(HandedMessage(**_handed(message, taken))), location, new=not accepted.duplicate)


def _check(given: GivenMessage) -> None:
    if given.received_at and given.received_at > timezone.now() + CLOCKS_DIFFER:
        raise ComesLater
    if given.contact_point:
        known = set(ContactPoint.objects.filter(channel=given.channel).values_list("code", flat=True))
        if given.contact_point not in known:
            raise NoSuchPoint(known=", ".join(sorted(known)))
    for one in given.files:
        files.check(base64.b64decode(one.content), one.name)


@router.get(
    "/messages/handed",
    auth=AccessKey("messages.create"),
    response={200: list[HandedMessage], **PROBLEMS},
    summary="Найти переданное сообщение по его номеру",
)
def find_handed(
    request: HttpRequest, external_id: Annotated[str, InQuery(min_length=1, max_length=200, pattern="^[!-~]+$")]
) -> list[dict[str, Any]]:
    """Возвращает переданные от имени владельца ключа сообщения с этим номером: не больше одного на канал."""
    rows = intake.find(owner_of(request), external_id).select_related("taken__appeal")
    return [_handed(one, getattr(one, "taken", None)) for one in rows]


@router.get(
    "/messages/handed/{int:pk}",
    auth=AccessKey("messages.create"),
    response={200: HandedMessage, **PROBLEMS},
    summary="Узнать, что стало с переданным сообщением",
)
def handed_message(request: HttpRequest, pk: Id) -> dict[str, Any]:
    """Возвращает состояние сообщения, переданного от имени владельца ключа, без его текста."""
    rows = intake.handed_by(owner_of(request)).select_related("taken__appeal")
    one = get_object_or_404(rows, pk=pk)
    return _handed(one, getattr(one, "taken", None))


def _handed(message: IncomingMessage, taken: AppealMessage | None) -> dict[str, Any]:
    return {
        "id": message.pk,
        "external_id": intake.external_id_of(message),
        "channel": message.channel,
        "received_at": message.received_at,
        "state": message.state,
        "state_name": message.get_state_display(),
        "reject_reason": message.reject_reason,
        "appeal": taken.appeal.number if taken else None,
        "appeal_status": taken.appeal.status if taken else None,
        "answered_on": taken.appeal.answered_on if taken else None,
    }


@router.get(
    "/messages",
    auth=AccessKey("messages.read"),
    response={200: Messages, **PROBLEMS},
    summary="Список сообщений",
)
def messages(
    request: HttpRequest,
    *,
    state: MessageState | None = None,
    channel: Channel | None = None,
    received_from: Day | None = None,
    received_to: Day | None = None,
    cursor: Annotated[str, InQuery(max_length=200)] = "",
    limit: Annotated[int, InQuery(ge=1, le=cursors.MOST)] = cursors.USUAL,
) -> dict[str, Any]:
    """Возвращает сообщения, которые видит владелец ключа, новые сверху; имена и адреса скрыты."""
    rows = access.messages_of(owner_of(request)).select_related("contact_point", "taken").order_by("-pk")
    wanted = Q()
    if state:
        wanted &= Q(state=state)
    if channel:
        wanted &= Q(channel=channel)
    if received_from:
        wanted &= Q(received_at__gte=midnight(received_from))
    if received_to:
        wanted &= Q(received_at__lt=midnight(received_to, 1))
    if cursor:
        wanted &= Q(pk__lt=cursors.row_of(*cursors.place_of(cursor, parts=1)))
    shown, following = _page(rows.filter(wanted), limit)
    return {"items": [_row(one) for one in shown], "next": following}


def _page(rows: QuerySet[IncomingMessage], limit: int) -> tuple[list[IncomingMessage], str | None]:
    found = list(rows[: limit + 1])
    return found[:limit], cursors.cursor(found[limit - 1].pk) if len(found) > limit else None


@router.get(
    "/messages/{int:pk}",
    auth=AccessKey("messages.read"),
    response={200: Message, **PROBLEMS},
    summary="Прочитать сообщение",
)
def message(request: HttpRequest, pk: Id, personal: bool = False) -> dict[str, Any]:
    """Возвращает сообщение с текстом и перечнем файлов. Открытие записывается в журнал доступа.

    С personal=true отправитель не скрыт: нужны разрешение applicants.read у ключа и право владельца
    «открывать персональные данные заявителя»; каждое обращение записывается.
    """
    user = owner_of(request)
    row = access.get_message(user, pk)
    if personal:
        check_scope(token_of(request), "applicants.read")
        access.reveal_sender(user, row)
    papers = list(row.files.select_related("stored"))
    return {
        **_row(row),
        **({"sender": row.sender_name} if personal else {}),
        "text": row.text,
        "sender_address": row.sender_address if personal else _masked(row.sender_address),
        "match": row.match,
        "problem": row.problem,
        "files": [_file(one) for one in papers],
    }


def _masked(address: str) -> str:
    return masking.email(address) if "@" in address else masking.address(address)


def _row(row: IncomingMessage) -> dict[str, Any]:
    taken = getattr(row, "taken", None)
    return {
        "id": row.pk,
        "channel": row.channel,
        "contact_point": row.contact_point.code if row.contact_point else None,
        "received_at": row.received_at,
        "state": row.state,
        "subject": row.subject,
        "sender": queues.sender_label(row),
        "appeal": taken.appeal_id if taken else None,
    }


def _file(one: IncomingFile) -> dict[str, Any]:
    return {
        "id": one.pk,
        "name": one.name,
        "size": one.stored.size,
        "content_type": one.stored.content_type,
        "sha256": one.stored.sha256,
        "url": reverse("api:message_file", args=[one.message_id, one.pk]),
    }


@router.get(
    "/messages/{int:pk}/files/{int:file}",
    auth=AccessKey("messages.read"),
    response={200: bytes, **PROBLEMS},
    summary="Скачать файл сообщения",
)
def message_file(request: HttpRequest, pk: Id, file: Id) -> FileResponse:
    """Возвращает содержимое файла, как его прислали."""
    row = access.get_message(owner_of(request), pk)
    paper = get_object_or_404(row.files.select_related("stored"), pk=file)
    return files.response(paper.stored, paper.name)
