"""Who is told of what: made, changed and ended by an administrator; the secret is shown once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.channels.webhooks import address
from otklik.channels.webhooks.models import Webhook, WebhookCall
from otklik.core import journal, sealing
from otklik.core.errors import DomainError
from otklik.people.models import Employee

PURPOSE: Final = "webhooks"
PREFIX: Final = "whsec_"
MANAGE: Final = "people.manage"
LONGEST: Final = timedelta(days=3 * 366)
BOTH_VALID: Final = timedelta(days=3)  # after a new secret was given out the earlier one still signs

# What the other systems hear of, by what the journal calls it.
OF_JOURNAL: Final[dict[str, str]] = {
    "message.accepted": "message.accepted",
    "message.quarantined": "message.quarantined",
    "message.registered": "message.registered",
    "message.joined": "message.joined",
    "message.rejected": "message.rejected",
    "appeal.registered": "appeal.registered",
    "appeal.assigned": "appeal.assigned",
    "appeal.sent": "appeal.answered",
    "appeal.send_undone": "appeal.answer_withdrawn",
    "appeal.reopened": "appeal.reopened",
    "appeal.closed": "appeal.closed",
    "appeal.close_undone": "appeal.close_undone",
}
EVENTS: Final[dict[str, str]] = {
    "message.accepted": "сообщение принято",
    "message.quarantined": "сообщение не разобрано, ждёт человека",
    "message.registered": "сообщение зарегистрировано",
    "message.joined": "сообщение присоединено к обращению",
    "message.rejected": "сообщение отклонено",
    "appeal.registered": "обращение зарегистрировано",
    "appeal.assigned": "назначен исполнитель",
    "appeal.answered": "ответ отправлен",
    "appeal.answer_withdrawn": "отправка ответа отменена",
    "appeal.reopened": "обращение возвращено в работу",
    "appeal.closed": "обращение закрыто",
    "appeal.close_undone": "закрытие отменено",
}
TRIAL: Final = "ping"


class BadWebhook(DomainError):
    """What is asked for cannot be connected."""

    code = "webhooks.bad"
    text = "{what}"


class NotNow(DomainError):
    """The row is not in a state in which this can be done."""

    code = "webhooks.not_now"
    text = "Сейчас это невозможно: {why}. Обновите страницу."


@dataclass(frozen=True)
class Made:
    """A connection with its secret, which can be shown now and never again."""

    webhook: Webhook
    secret: str


def running(on: date) -> Q:
    """Return the condition «this system is told of what happens on this day»."""
    return Q(ended_at=None, valid_from__lte=on, valid_to__gte=on, owner__is_active=True)


def create(
    *,
    name: str,
    url: str,
    events: Collection[str],
    owner: Employee,
    valid_from: date,
    valid_to: date,
    by: Employee,
) -> Made:
    """Connect a system. Raise BadWebhook or BadAddress in words for the one who typed."""
    _may(by)
    name, url = " ".join(name.split())[:200], url.strip()
    if not name:
        raise BadWebhook(what="Напишите, какая система подключается.")
    if not events or not set(events) <= set(EVENTS):
        raise BadWebhook(what="Выберите, о чём сообщать.")
    if valid_to < valid_from or valid_to < timezone.localdate():
        raise BadWebhook(what="Последний день раньше первого или уже прошёл. Исправьте даты.")
    if valid_to - valid_from > LONGEST:
        raise BadWebhook(what="Подключают не больше чем на три года. Выберите более ранний последний день.")
    if not owner.is_active:
        raise BadWebhook(what="Учётная запись отвечающего заблокирована. Выберите другого сотрудника.")
    if len(url) > 500:
        raise BadWebhook(what="Адрес длиннее 500 знаков.")
    try:
        address.destination(url)
    except address.NoAnswer as silent:
        raise BadWebhook(what=f"Адрес не проверен: {silent}. Исправьте адрес или повторите позже.") from None
    secret = _new_secret()
    with transaction.atomic():
        row = Webhook.objects.create(
            name=name,
            url=url,
            events=[event for event in EVENTS if event in events],
            owner=owner,
            secrets=sealing.seal({"now": secret}, purpose=PURPOSE),
            valid_from=valid_from,
            valid_to=valid_to,
            created_by=by,
        )
        _record("webhook.added", row, by, employee=owner.pk, valid_from=valid_from, valid_to=valid_to)
    return Made(row, secret)


def rotate(row: Webhook, *, by: Employee) -> Made:
    """Give out a new secret; for some days calls are signed by the earlier one, too."""
    _may(by)
    secret = _new_secret()
    with transaction.atomic():
        row = _open(row)
        sealed = sealing.seal({"now": secret, "before": _secrets(row).get("now", "")}, purpose=PURPOSE)
        Webhook.objects.filter(pk=row.pk).update(secrets=sealed, old_until=timezone.now() + BOTH_VALID)
        _record("webhook.rotated", row, by)
    row.refresh_from_db()
    return Made(row, secret)


def end(row: Webhook, *, by: Employee) -> None:
    """End a connection for good; what has not been told stays untold."""
    _may(by)
    with transaction.atomic():
        if Webhook.objects.filter(pk=row.pk, ended_at=None).update(ended_at=timezone.now()):
            _record("webhook.ended", row, by)


def resume(row: Webhook, *, by: Employee) -> None:
    """Go on with a connection that was paused because the other system did not answer."""
    _may(by)
    fresh = {"paused_at": None, "paused_why": "", "failing_since": None, "failures": 0, "not_before": None}
    with transaction.atomic():
        if not Webhook.objects.filter(pk=row.pk, ended_at=None).exclude(paused_at=None).update(**fresh):
            raise NotNow(why="подключение не приостановлено или завершено")
        _record("webhook.resumed", row, by)


def answered_for_by(owner: Employee) -> QuerySet[Webhook]:
    """Return the connections an employee answers for: without an owner who works here they fall silent."""
    return Webhook.objects.filter(owner=owner, ended_at=None, valid_to__gte=timezone.localdate())


def pass_on(row: Webhook, to: Employee, *, by: Employee) -> None:
    """Let somebody else answer for a connection; address and secrets stay."""
    _may(by)
    if not to.is_active:
        raise BadWebhook(what=f"{to.short_name} заблокирован. Выберите другого.")
    with transaction.atomic():
        Webhook.objects.filter(pk=_open(row).pk).update(owner=to)
        _record("webhook.passed_on", row, by, was=row.owner_id, employee=to.pk)


def replay(row: Webhook, calls: QuerySet[WebhookCall], *, by: Employee) -> int:
    """Tell again what was told or not taken, under the same ids; return how many."""
    _may(by)
    done = 0
    with journal.together():
        _open(row)
        over = calls.filter(webhook=row, state__in=[WebhookCall.State.DONE, WebhookCall.State.FAILED])
        for call in over.order_by("pk"):
            fresh = {"state": WebhookCall.State.WAITING, "attempts": 0, "not_before": timezone.now(), "done_at": None}
            if over.filter(pk=call.pk).update(**fresh):
                _record("webhook.replayed", row, by, delivery=call.pk)
                done += 1
    return done


def signatures(row: Webhook, uid: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: by the secret, and by the earlier one while it is valid."""
    known = _secrets(row)
    valid = [known.get("now", "")]
    if known.get("before") and row.old_until and row.old_until > timezone.now():
        valid.append(known["before"])
    return " ".join(sign(secret, uid, timestamp, body) for secret in valid if secret)


def sign(secret: str, uid: str, timestamp: int, body: bytes) -> str:
    """Return one signature as Standard Webhooks has it: HMAC-SHA256 over «id.timestamp.body»."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{uid}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def state_of(row: Webhook, now: datetime) -> tuple[str, str]:
    """Return how a connection does: (good, warn or bad; words)."""
    on = timezone.localdate(now)
    if row.ended_at:
        return "off", f"завершено {timezone.localtime(row.ended_at):%d.%m.%Y}"
    if row.valid_to < on:
        return "off", f"срок кончился {row.valid_to:%d.%m.%Y}"
    if row.paused_at:
        return "bad", f"приостановлено {timezone.localtime(row.paused_at):%d.%m.%Y}: {row.paused_why}"
    if not row.owner.is_active:
        return "bad", "не работает: отвечающий сотрудник заблокирован"
    if row.failing_since:
        return "warn", f"не принимает с {timezone.localtime(row.failing_since):%d.%m.%Y %H:%M}, неудач: {row.failures}"
    return "good", "работает" if row.worked_at else "ещё ничего не отправлялось"


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _secrets(row: Webhook) -> dict[str, str]:
    try:
        return sealing.unseal(row.secrets, purpose=PURPOSE)
    except sealing.OtherKey:
        return {}


def _open(row: Webhook) -> Webhook:
    there = Webhook.objects.select_for_update().get(pk=row.pk)
    if there.ended_at:
        raise NotNow(why="подключение завершено")
    return there


def _may(by: Employee) -> None:
    if not by.has_power(MANAGE):
        raise PermissionDenied


def _record(action: str, row: Webhook, by: Employee | None, **data: Any) -> None:
    journal.record(action, chain=f"webhook:{row.pk}", by=by, **data)
