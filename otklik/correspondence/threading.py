"""Which conversation a message belongs to, and how sure that is. Doubt goes to a person, never to a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from otklik.correspondence.channel import Parsed
from otklik.correspondence.models import IncomingMessage, OutgoingMessage, Thread
from otklik.correspondence.text import address_key, subject_base, token_mark, tokens_in

Kind = IncomingMessage.Match
_PLUS = re.compile(r"\+([a-z2-9]{10})@", re.IGNORECASE)
# A chain longer than this is asked by its newest references only.
_REFERENCES = 50


@dataclass(frozen=True)
class Match:
    """A decision: `thread` where it is certain, `candidate` where a clerk must say «присоединить или новое?»."""

    kind: IncomingMessage.Match
    thread: Thread | None = None
    candidate: Thread | None = None
    reason: str = ""


def mark(subject: str, token: str) -> str:
    """Return a subject with the thread's token, once."""
    return subject if token in tokens_in(subject) else f"{subject} {token_mark(token)}".strip()


def plus_address(address: str, token: str) -> str:
    """Return our address with the thread's token: «info@dep.example» becomes «info+token@dep.example»."""
    name, at, host = address.rpartition("@")
    return f"{name}+{token}@{host}" if at else address


def stands_alone(parsed: Parsed) -> bool:
    """Tell whether a message bears nothing by which it could continue a conversation."""
    named = parsed.message_id or parsed.in_reply_to or parsed.references or parsed.bounce_of or parsed.continues
    return not (named or tokens_in(parsed.subject) or any(_PLUS.search(address) for address in parsed.recipients))


def match(parsed: Parsed, *, before: IncomingMessage | None = None) -> Match:
    """Find the conversation a parsed message continues; `before` is its own row, not to be found."""
    if parsed.continues and (known := Thread.objects.filter(token=parsed.continues).first()):
        return Match(Kind.CERTAIN, thread=known, reason="заявитель написал из личного кабинета")
    found = _candidates(parsed, before)
    if not found:
        return Match(Kind.NONE)
    thread = Thread.objects.get(pk=found[0])
    if doubt := _doubt(parsed, thread, found):
        return Match(Kind.DOUBTFUL, candidate=thread, reason=doubt)
    return Match(Kind.CERTAIN, thread=thread, reason="отправитель и тема прежние, письмо ссылается на переписку")


def _doubt(parsed: Parsed, thread: Thread, found: list[int]) -> str:
    """Return why a person must decide; nothing when the message surely belongs to the thread."""
    if parsed.bounce_of:
        return ""  # a report about our own letter: its sender is a mail server
    if len(found) > 1:
        return "ссылается сразу на несколько переписок"
    if parsed.machine == IncomingMessage.Machine.BULK:
        return "это рассылка"
    if not parsed.sender_address or address_key(parsed.sender_address) not in _people(thread):
        return "отправитель другой"
    if subject_base(parsed.subject) not in _subjects(thread):
        return "тема изменена"
    return ""


def _candidates(parsed: Parsed, before: IncomingMessage | None) -> list[int]:
    """Return threads that the message points at, the strongest evidence first, each once."""
    found = [*_by_reference(parsed, before), *_by_token(parsed)]
    return list(dict.fromkeys(found))


def _by_reference(parsed: Parsed, before: IncomingMessage | None) -> Iterable[int]:
    ids = [parsed.bounce_of, parsed.in_reply_to, *parsed.references[-_REFERENCES:]]
    named = [identifier for identifier in ids if identifier]
    others = IncomingMessage.objects.filter(thread__isnull=False)
    if before is not None:
        others = others.exclude(pk=before.pk)
    if named:
        yield from OutgoingMessage.objects.filter(message_id__in=named).values_list("thread_id", flat=True)
        # Several letters may bear one id (a reused one); then they all are candidates, and a person decides.
        yield from others.filter(message_id__in=named).values_list("thread_id", flat=True)
    if parsed.message_id:  # the reply may have come before the letter it answers
        yield from others.filter(in_reply_to=parsed.message_id).values_list("thread_id", flat=True)


def _by_token(parsed: Parsed) -> Iterable[int]:
    tokens = tokens_in(parsed.subject)
    tokens += [token.lower() for address in parsed.recipients for token in _PLUS.findall(address)]
    return Thread.objects.filter(token__in=tokens).values_list("pk", flat=True) if tokens else []


def _people(thread: Thread) -> set[str]:
    """Return who has written in this thread and whom we answered."""
    rejected = Q(state=IncomingMessage.State.REJECTED)
    wrote = thread.incoming.exclude(rejected).values_list("sender_address", flat=True)
    answered = thread.outgoing.values_list("recipient", flat=True)
    return {address_key(address) for address in (*wrote, *answered) if address}


def _subjects(thread: Thread) -> set[str]:
    subjects = (*thread.incoming.values_list("subject", flat=True), *thread.outgoing.values_list("subject", flat=True))
    return {subject_base(subject) for subject in subjects}
