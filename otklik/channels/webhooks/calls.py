"""The calls themselves: written while the journal is read, made in the order of each case, repeated until taken."""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.channels.webhooks import address
from otklik.channels.webhooks.models import Webhook, WebhookCall
from otklik.channels.webhooks.subscriptions import OF_JOURNAL, TRIAL, running, signatures
from otklik.core import installation, journal
from otklik.core.crashpoints import reach
from otklik.core.models import JournalEntry
from otklik.correspondence.text import fit

log = logging.getLogger("otklik.webhooks")

State = WebhookCall.State
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (0.5, 1, 5, 15, 60, 240, 480, 720, 1440, 1440))
LONGEST_HOLD: Final = timedelta(hours=1)
JITTER: Final = 0.2
LEASE: Final = timedelta(minutes=5)
GIVEN_UP: Final = timedelta(days=5)  # of nothing but failures; then the connection is paused
KEPT: Final = timedelta(days=30)
KINDS: Final = ("appeal", "message", "webhook")
# Of what the journal knows beside an event: ids and codes, nothing that is told of a person.
_NUMBERS: Final = ("unit", "executor")
_OF_INCOMING: Final = {"appeal.registered", "appeal.joined"}


# --- writing ---------------------------------------------------------------------------------------------------------


def take(entries: list[JournalEntry]) -> None:
    """Write a call for each new row of the journal and each system that hears of it, in the reader's transaction."""
    events = [(entry, OF_JOURNAL[entry.action]) for entry in entries if entry.action in OF_JOURNAL]
    events = [(entry, event) for entry, event in events if not entry.data.get("imported")]
    if not events:
        return
    hooks = list(Webhook.objects.filter(running(timezone.localdate())).order_by("pk"))
    now = timezone.now()
    WebhookCall.objects.bulk_create(
        _call(hook, event, entry.chain, now, _facts(entry))
        for entry, event in events
        for hook in hooks
        if event in hook.events
    )


def try_out(hook: Webhook) -> WebhookCall:
    """Write a call that says nothing, to see whether it is taken."""
    now = timezone.now()
    facts = {"at": now.isoformat(timespec="milliseconds"), "seq": 0}
    call = _call(hook, TRIAL, f"trial:{uuid.uuid4().hex[:12]}", now, facts)
    call.save()
    return call


def _call(hook: Webhook, event: str, case: str, now: datetime, facts: dict[str, Any]) -> WebhookCall:
    uid = f"evt_{uuid.uuid4().hex}"
    payload = {"event": event, "case": case, **facts}
    return WebhookCall(webhook=hook, uid=uid, event=event, case=case, payload=payload, not_before=now)


def _facts(entry: JournalEntry) -> dict[str, Any]:
    """Return what is told: the id of what it is about, its state, ids of what it now has."""
    kind, _, pk = entry.chain.partition(":")
    facts: dict[str, Any] = {"at": entry.at.isoformat(timespec="milliseconds"), "seq": entry.seq, kind: int(pk)}
    if isinstance(state := entry.data.get("to"), str):
        facts["state"] = state
    if entry.action in _OF_INCOMING and isinstance(entry.data.get("message"), int):
        facts["message"] = entry.data["message"]
    if kind == "message" and isinstance(entry.data.get("channel"), str):
        facts["channel"] = entry.data["channel"]
    return facts | {name: entry.data[name] for name in _NUMBERS if isinstance(entry.data.get(name), int)}


# --- making ----------------------------------------------------------------------------------------------------------


def send_next() -> bool:
    """Make one call that waits. Return False when there is none.

    Of one case the next is made when the one before it was taken or given up; a system that does not answer is left
    alone for a while, and the one nobody has called for the longest goes first.
    """
    now = timezone.now()
    call = _due(now).select_related("webhook").order_by(F("webhook__tried_at").asc(nulls_first=True), "pk").first()
    if call is None:
        return False
    lease = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex}"
    reach("webhooks.before_lease")
    taken = _due(now).filter(pk=call.pk)
    facts = {"state": State.SENDING, "attempts": F("attempts") + 1, "leased_by": lease, "leased_at": now}
    if WebhookCall.objects.filter(pk__in=taken.values("pk"), state=State.WAITING).update(**facts):
        reach("webhooks.after_lease")
        Webhook.objects.filter(pk=call.webhook_id).update(tried_at=now)
        _make(WebhookCall.objects.select_related("webhook").get(pk=call.pk), lease)
    return True


def _due(now: datetime) -> QuerySet[WebhookCall]:
    open_before = WebhookCall.objects.filter(
        state__in=[State.WAITING, State.SENDING],
        webhook=OuterRef("webhook"),
        case=OuterRef("case"),
        pk__lt=OuterRef("pk"),
    )
    hooks = Webhook.objects.filter(running(timezone.localdate(now)), Q(not_before=None) | Q(not_before__lte=now))
    # One call at a time to each system: one that is slow to answer holds up one step, and no other system.
    busy = WebhookCall.objects.filter(state=State.SENDING, webhook=OuterRef("pk"))
    free = hooks.filter(~Exists(busy), paused_at=None)
    return WebhookCall.objects.filter(~Exists(open_before), state=State.WAITING, not_before__lte=now, webhook__in=free)


def _make(call: WebhookCall, lease: str) -> None:
    """Make one leased call, outside any transaction, and write down what came of it."""
    mine = WebhookCall.objects.filter(pk=call.pk, state=State.SENDING, leased_by=lease)
    body = body_of(call)
    at = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": call.uid,
        "webhook-timestamp": str(at),
        "webhook-signature": signatures(call.webhook, call.uid, at, body),
    }
    try:
        answer = _answer(call.webhook.url, body, headers)
    except (address.BadAddress, address.NoAnswer) as failure:
        answer = address.Answer(0, str(failure))
    except Exception as failure:  # a defect of ours stops one call, not the worker
        log.exception("webhook call %s", call.pk)
        answer = address.Answer(0, f"ошибка программы ({type(failure).__name__})")
    reach("webhooks.after_send")
    with transaction.atomic():
        if 200 <= answer.status < 300:
            _taken(mine, call, answer)
        else:
            _not_taken(mine, call, answer)
    reach("webhooks.after_result")


def _answer(url: str, body: bytes, headers: dict[str, str]) -> address.Answer:
    if installation.is_demo():
        return address.Answer(204, "учебный стенд: наружу ничего не уходит")
    if not headers["webhook-signature"]:
        return address.Answer(0, "секрет зашифрован другим ключом системы: выдайте новый секрет")
    return address.post(address.destination(url), body, headers)


def body_of(call: WebhookCall) -> bytes:
    """Return what is sent, the same bytes at every repeat."""
    content = {"id": call.uid, **call.payload}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _taken(mine: QuerySet[WebhookCall], call: WebhookCall, answer: address.Answer) -> None:
    now = timezone.now()
    said = {"status": answer.status, "answer": fit(answer.text, 500)}
    if mine.update(state=State.DONE, done_at=now, leased_by="", **said):
        well = {"worked_at": now, "failing_since": None, "failures": 0, "not_before": None}
        Webhook.objects.filter(pk=call.webhook_id).update(**well)


def _not_taken(mine: QuerySet[WebhookCall], call: WebhookCall, answer: address.Answer) -> None:
    now = timezone.now()
    given_up = call.attempts > len(PAUSES)
    pause = PAUSES[min(max(call.attempts, 1), len(PAUSES)) - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311
    columns: dict[str, Any] = (
        {"state": State.FAILED} if given_up else {"state": State.WAITING, "not_before": now + pause}
    )
    said = {"status": answer.status or None, "answer": fit(answer.text, 500)}
    if not mine.update(leased_by="", leased_at=None, **said, **columns):
        return
    hook = Webhook.objects.select_for_update().get(pk=call.webhook_id)
    hook.failures += 1
    hook.failing_since = hook.failing_since or now
    # It is busy or away, not at odds with this one event: nothing else is sent to it either.
    if answer.status in {0, 408, 429} or answer.status >= 500:
        hold = timedelta(seconds=min(2 ** min(hook.failures, 12), LONGEST_HOLD.total_seconds()))
        if answer.retry_after:
            hold = timedelta(seconds=min(answer.retry_after, LONGEST_HOLD.total_seconds()))
        hook.not_before = now + hold
    why = ""
    if answer.status == 410:
        why = "другая система ответила, что адреса больше нет (410)"
    elif now - hook.failing_since > GIVEN_UP:
        why = f"{GIVEN_UP.days} суток ни одного успешного обращения"
    if why and not hook.paused_at:
        hook.paused_at, hook.paused_why = now, why
        journal.record("webhook.disabled", chain=f"webhook:{hook.pk}", by=None)
    hook.save()


def return_stuck() -> int:
    """Give back what dead workers left half done; return how many. It is told again under the same id."""
    stuck = WebhookCall.objects.filter(state=State.SENDING, leased_at__lt=timezone.now() - LEASE)
    return stuck.update(state=State.WAITING, leased_by="", leased_at=None, not_before=timezone.now())


def forget_old() -> int:
    """Remove what was told long ago, and what is told to nobody any more; return how many."""
    old = WebhookCall.objects.filter(created_at__lt=timezone.now() - KEPT)
    over = Q(state__in=[State.DONE, State.FAILED]) | ~Q(webhook__ended_at=None)
    return old.filter(over).delete()[0]
