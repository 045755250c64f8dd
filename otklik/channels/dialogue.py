"""What was said last in a dialogue of a network: what a person writes soon after goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.utils import timezone

from otklik.correspondence.models import IncomingMessage, OutgoingMessage

CONTINUES: Final = timedelta(days=3)


def said_last(
    channel: str,
    *,
    dialogue: str,
    besides: Sequence[str],
    recipient: str,
    named: Callable[[str], str],
    answers_us: bool = False,
) -> str:
    """Return the id of the last message of a dialogue, theirs or ours; nothing where it is older than CONTINUES.

    `dialogue` begins the external ids of all its messages, `named` turns one into the message's id. `answers_us`: the
    person answers words of ours, which counts however old they are.
    """
    since = timezone.now() - CONTINUES
    sent = OutgoingMessage.objects.filter(channel=channel, recipient=recipient, state=OutgoingMessage.State.SENT)
    ours = sent.exclude(kind=OutgoingMessage.Kind.HOW_TO_FILE)  # said to everybody: nothing goes on with it
    last = (ours if answers_us else ours.filter(sent_at__gte=since)).order_by("sent_at").last()
    theirs = (
        IncomingMessage.objects.filter(channel=channel, external_id__startswith=dialogue, received_at__gte=since)
        .exclude(external_id__in=besides)
        .exclude(state=IncomingMessage.State.REJECTED)
        .order_by("received_at", "id")
        .values_list("external_id", "received_at")
        .last()
    )
    if last is not None and last.sent_at is not None and (theirs is None or last.sent_at > theirs[1]):
        return last.message_id
    return named(theirs[0].partition("#")[0]) if theirs else ""
