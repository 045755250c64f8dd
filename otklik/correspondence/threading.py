"""Which conversation a message belongs to: certain, doubtful (a clerk decides), or a new one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from otklik.correspondence.channel import Parsed
from otklik.correspondence.models import IncomingMessage, OutgoingMessage, Thread

Match = IncomingMessage.Match
TOKEN = re.compile(r"\[#([a-z2-9]{10})\]")
PLUS = re.compile(r"\+([a-z2-9]{10})@")
PREFIX = re.compile(r"^\s*((re|fwd?|fw|отв|ответ|на|пересл|hа)\s*(\[\d+\])?\s*:\s*)+", re.IGNORECASE)
MACHINES = {IncomingMessage.Machine.BOUNCE, IncomingMessage.Machine.BULK}


@dataclass(frozen=True)
class Found:
    """How sure we are, which thread, and why (Russian, for the clerk)."""

    kind: str
    thread: Thread | None = None
    why: str = ""


def find(parsed: Parsed) -> Found:
    """Return the thread a message answers in. Certain: our letter or token, the same sender, an unchanged subject."""
    if parsed.machine == IncomingMessage.Machine.BULK:
        return Found(Match.NONE)
    thread, how = _by_headers(parsed)
    if thread is None:
        thread, how = _by_token(parsed)
    if thread is None:
        return Found(Match.NONE)
    if parsed.machine == IncomingMessage.Machine.BOUNCE:
        return Found(Match.CERTAIN, thread, "отчёт о доставке нашего письма")
    if not _same_sender(parsed.sender_address, thread):
        return Found(Match.DOUBTFUL, thread, f"{how}, но написал другой отправитель")
    if not _same_subject(parsed.subject, thread):
        return Found(Match.DOUBTFUL, thread, f"{how}, но тема письма другая")
    return Found(Match.CERTAIN, thread, how)


def mark(subject: str, token: str) -> str:
    """Return the subject with the thread's token, once."""
    return subject if f"[#{token}]" in subject else f"{subject} [#{token}]".strip()


def plus_address(address: str, token: str) -> str:
    """«info@dep.example» → «info+token@dep.example»."""
    name, at, host = address.partition("@")
    return f"{name}+{token}{at}{host}" if at else address


def base_subject(subject: str) -> str:
    """Return the subject without Re:, Fwd:, tokens and differences of spacing and case."""
    return " ".join(PREFIX.sub("", TOKEN.sub("", subject)).lower().replace("ё", "е").split())


def new_id() -> str:
    """Return a fresh identifier for a letter or a note."""
    return uuid.uuid4().hex


def _by_headers(parsed: Parsed) -> tuple[Thread | None, str]:
    ids = [one for one in (parsed.in_reply_to, *reversed(list(parsed.references))) if one]
    if not ids:
        return None, ""
    ours = OutgoingMessage.objects.filter(message_id__in=ids).select_related("thread").order_by("-pk").first()
    if ours is not None:
        return ours.thread, "ответ на наше письмо"
    # A reply to somebody's letter that only this sender has: newsletters share In-Reply-To among many people.
    theirs = (
        IncomingMessage.objects.filter(
            message_id__in=ids, thread__isnull=False, sender_address__iexact=parsed.sender_address
        )
        .exclude(machine__in=MACHINES)
        .select_related("thread")
        .order_by("-pk")
        .first()
    )
    return (theirs.thread, "продолжение прежнего письма") if theirs else (None, "")


def _by_token(parsed: Parsed) -> tuple[Thread | None, str]:
    tokens = TOKEN.findall(parsed.subject.lower())
    tokens += [token for address in parsed.recipients for token in PLUS.findall(address.lower())]
    thread = Thread.objects.filter(token__in=tokens).first() if tokens else None
    return thread, "в письме метка переписки" if thread else ""


def _same_sender(address: str, thread: Thread) -> bool:
    known: Sequence[str] = [
        *IncomingMessage.objects.filter(thread=thread).values_list("sender_address", flat=True),
        *OutgoingMessage.objects.filter(thread=thread).values_list("recipient", flat=True),
    ]
    return address.strip().lower() in {one.strip().lower() for one in known if one}


def _same_subject(subject: str, thread: Thread) -> bool:
    base = base_subject(subject)
    known = {
        base_subject(one)
        for one in (
            *IncomingMessage.objects.filter(thread=thread).values_list("subject", flat=True),
            *OutgoingMessage.objects.filter(thread=thread).values_list("subject", flat=True),
        )
    }
    return not base or base in known
