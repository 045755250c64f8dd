"""Appeals: listed, read, found and registered, with the rights of the key's owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final

from django.db.models import Q, prefetch_related_objects
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Path, Router
from ninja import Query as InQuery

from otklik.api import cursors, once
from otklik.api.documented import BODY, PROBLEMS
from otklik.api.keys import AccessKey, check_scope, owner_of, token_of
from otklik.api.schemas import (
    MOST_ID,
    Appeals,
    AppealStatus,
    Channel,
    Day,
    FoundAppeals,
    GivenAppeal,
    Query,
    ShownAppeal,
    dumped,
)
from otklik.appeals import access, case_search, queues, registration
from otklik.appeals.models import Appeal, AppealQuestion
from otklik.appeals.registration import Entry
from otklik.core import masking, terms, typed
from otklik.core.errors import DomainError
from otklik.core.models import Regime
from otklik.correspondence.models import ContactPoint, IncomingMessage
from otklik.people import access as people_access
from otklik.people.applicants import Typed
from otklik.people.models import AccessToken, Applicant, Employee

router = Router(tags=["Обращения"])
Id = Annotated[int, Path(ge=1, le=MOST_ID)]
BESIDE: Final = ("applicant", "unit", "executor")


class NoSuchCode(DomainError):
    """A code is not in its dictionary today."""

    code = "appeals.no_such_code"
    text = "В справочнике «{dictionary}» нет кода «{given}». Есть: {known}."


@router.get("/appeals", auth=AccessKey("appeals.read"), response={200: Appeals, **PROBLEMS}, summary="Список обращений")
def appeals(
    request: HttpRequest,
    *,
    status: AppealStatus | None = None,
    channel: Channel | None = None,
    unit: Annotated[int | None, InQuery(ge=1, le=MOST_ID, description="Подразделение.")] = None,
    registered_from: Day | None = None,
    registered_to: Day | None = None,
    due_to: Annotated[Day | None, InQuery(description="Ответить не позже этого дня.")] = None,
    cursor: Annotated[str, InQuery(max_length=200)] = "",
    limit: Annotated[int, InQuery(ge=1, le=cursors.MOST)] = cursors.USUAL,
) -> dict[str, Any]:
    """Возвращает обращения, которые видит владелец ключа, новые сверху; заявители скрыты."""
    asked = {
        "status": status,
        "channel": channel,
        "unit": unit,
        "registered_on__gte": registered_from,
        "registered_on__lte": registered_to,
        "due_on__lte": due_to,
    }
    wanted = Q(**{name: value for name, value in asked.items() if value is not None})
    if cursor:
        wanted &= _after(cursor)
    rows = access.visible_to(owner_of(request)).filter(wanted).select_related(*BESIDE)
    found = list(rows.order_by("-registered_on", "-pk")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    following = cursors.cursor(last.registered_on, last.pk) if last else None
    return {"items": [_row(one) for one in found[:limit]], "next": following}


def _after(cursor: str) -> Q:
    given, row = cursors.place_of(cursor, parts=2)
    if (day := typed.day(given)) is None:
        raise cursors.BadCursor
    return Q(registered_on__lt=day) | Q(registered_on=day, pk__lt=cursors.row_of(row))


@router.post(
    "/appeals",
    auth=AccessKey("appeals.create"),
    response={201: ShownAppeal, **PROBLEMS, 409: PROBLEMS[404], **BODY},
    summary="Зарегистрировать сообщение",
)
def create_appeal(request: HttpRequest, given: GivenAppeal, idempotency_key: once.Key) -> JsonResponse:
    """Делает из сообщения обращение с номером и сроками, по тем же правилам, что страница регистрации.

    Нужно право владельца «регистрировать, присоединять и отклонять входящие». Тема и потребность предлагаются,
    подтверждает их человек. 409 — сообщение уже зарегистрировано, присоединено или отклонено.
    """
    return once.once(request, token_of(request), idempotency_key, lambda: _create(token_of(request), given))


def _create(token: AccessToken, given: GivenAppeal) -> once.Created:
    user = token.owner
    message = access.get_message(user, given.message)
    registration.check_can_register(message, user)
    appeal = registration.register(message, _entry(message, given), by=user)
    shown = _shown(access.made(user, appeal))
    return once.Created(dumped(ShownAppeal(**shown)), reverse("api:appeal", args=[appeal.pk]))


def _entry(message: IncomingMessage, given: GivenAppeal) -> Entry:
    """Return what the page would be filled in with, changed as the program asks."""
    today = timezone.localdate()
    named: dict[str, Any] = {
        name: value
        for name in ("subject", "needs_answer", "written", "received_on", "sed_number")
        if (value := getattr(given, name)) is not None
    }
    if given.regime is not None:
        named["regime"] = _regime(given.regime, today)
    if given.contact_point is not None:
        named["contact_point"] = _point(given.contact_point, message.channel, today)
    if given.answer:
        named |= {"answer_channel": given.answer.channel, "answer_address": given.answer.address}
    if given.applicant:
        named |= {"applicant": Typed(**given.applicant.model_dump()), "applicant_is": None}
    return replace(registration.entry_for(message), **named)


def _regime(code: str, on: date) -> Regime:
    found: Regime = _coded("режимы рассмотрения", code, {one.code: one for one in terms.regimes(on)})
    return found


def _point(code: str, channel: str, on: date) -> ContactPoint:
    rows = ContactPoint.objects.filter(terms.valid(on), channel=channel)
    found: ContactPoint = _coded("точки взаимодействия", code, {one.code: one for one in rows})
    return found


def _coded(dictionary: str, given: str, rows: Mapping[str, Any]) -> Any:
    if given not in rows:
        raise NoSuchCode(dictionary=dictionary, given=given, known=", ".join(rows) or "ничего")
    return rows[given]


@router.post(
    "/appeals/search",
    auth=AccessKey("appeals.read"),
    response={200: FoundAppeals, **PROBLEMS, **BODY},
    summary="Найти обращения",
)
def find_appeals(request: HttpRequest, given: Query) -> dict[str, Any]:
    """Ищет по номеру и словам среди обращений, которые видит владелец ключа.

    С разрешением applicants.read и правом владельца — ещё и по фамилии, телефону, почте и адресу.
    """
    words = typed.words(given.q, 200)
    personal = "applicants.read" in token_of(request).scopes
    found = case_search.look_up(owner_of(request), words, limit=given.limit, personal=personal)
    return {
        "items": [
            {
                "appeal": _row(one.appeal),
                "snippet": "".join(part.text for part in one.snippet),
                "why": list(one.why),
            }
            for one in found
        ]
    }


@router.get(
    "/appeals/{int:pk}",
    auth=AccessKey("appeals.read"),
    response={200: ShownAppeal, **PROBLEMS},
    summary="Прочитать обращение",
)
def appeal(request: HttpRequest, pk: Id, personal: bool = False) -> dict[str, Any]:
    """Возвращает обращение с вопросами и сообщениями. Открытие записывается в журнал доступа.

    С personal=true заявитель не скрыт: нужны разрешение applicants.read у ключа и право владельца
    «открывать персональные данные заявителя»; каждое обращение записывается.
    """
    token = token_of(request)
    if personal:
        check_scope(token, "applicants.read")
    row = access.get_for(token.owner, pk)
    return _shown(row, revealed_to=token if personal else None)


def _row(row: Appeal) -> dict[str, Any]:
    return {
        "id": row.pk,
        "number": row.number,
        "subject": row.subject,
        "status": row.status,
        "status_name": row.get_status_display(),
        "regime": row.regime_id,
        "channel": row.channel,
        "received_on": row.received_on,
        "registered_on": row.registered_on,
        "due_on": row.due_on,
        "answered_on": row.answered_on,
        "closed_on": row.closed_on,
        "unit": {"id": row.unit.pk, "name": str(row.unit)} if row.unit else None,
        "executor": {"id": row.executor.pk, "name": row.executor.short_name} if row.executor else None,
        "applicant": queues.applicant_label(row.applicant),
        "unseen_reply": row.unseen_reply,
    }


def _shown(row: Appeal, *, revealed_to: AccessToken | None = None) -> dict[str, Any]:
    messages = row.messages.order_by("message__received_at", "pk").values_list(
        "message", "message__received_at", "first"
    )
    prefetch_related_objects([row.applicant], "contacts")
    return {
        **_row(row),
        "applicant": _applicant(row, revealed_to),
        "contact_point": {"code": row.contact_point.code, "name": row.contact_point.name},
        "written": row.written,
        "needs_answer": row.needs_answer,
        "answer_channel": row.answer_channel,
        "answer_address": row.answer_address if revealed_to else _masked(row.answer_address),
        "internal_due_on": row.internal_due_on,
        "close_reason": row.close_reason,
        "questions": [_question(one) for one in row.questions.select_related("topic", "need")],
        "messages": [{"id": pk, "received_at": at, "first": first} for pk, at, first in messages],
    }


def _applicant(row: Appeal, revealed_to: AccessToken | None) -> dict[str, Any]:
    one: Applicant = row.applicant
    data: people_access.Masked | people_access.Revealed = people_access.masked(one)
    if revealed_to:
        by: Employee = revealed_to.owner
        reason = f"по ключу доступа № {revealed_to.pk} «{revealed_to.name}»"
        data = people_access.reveal(one, by=by, reason=reason, about=f"appeal:{row.pk}")
    return {
        "id": one.pk,
        "kind": one.kind,
        "name": data.name,
        "email": data.email,
        "phone": data.phone,
        "address": data.address,
        "personal": revealed_to is not None,
    }


def _masked(address: str) -> str:
    if "@" in address:
        return masking.email(address)
    return masking.phone(address) if address.startswith("+") else masking.address(address)


def _question(one: AppealQuestion) -> dict[str, Any]:
    return {
        "topic": {"code": one.topic.code, "name": one.topic.name},
        "need": {"code": one.need.code, "name": one.need.name},
        "confirmed": one.confirmed_by_id is not None,
    }
