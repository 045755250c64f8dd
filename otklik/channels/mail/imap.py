"""Mailboxes by IMAP: oldest first, bytes to a file, the server's flag only after our commit."""

from __future__ import annotations

import imaplib
import logging
import ssl
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from django.db.models import F
from django.utils import timezone
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from otklik.channels.mail import intake
from otklik.channels.mail.models import MailboxState
from otklik.core.crashpoints import reach
from otklik.correspondence import inbox
from otklik.correspondence.channel import Channel

log = logging.getLogger("otklik.mail")
SECONDS = 60
PATIENCE = 3  # broken connections in one poll
BROKEN = (OSError, imaplib.IMAP4.error)
PIECE = 4 * 1024 * 1024  # bytes of a letter asked for at once
KEYWORD = "OtklikStored"


@dataclass(frozen=True)
class Waiting:
    """A letter of the mailbox, downloaded."""

    uid: str
    letter: intake.Letter


class Refused(Exception):
    """The server does not give a letter out."""


def poll(url: str, channel: Channel) -> int:
    """Bring in what waits in a mailbox, and return how many letters were looked at; failures go to MailboxState."""
    state, _ = MailboxState.objects.get_or_create(name=name_of(url))
    visit = Visit(url, channel)
    try:
        visit.bring_all()
        error = f"не сохранено писем: {visit.left}; они остались в ящике" if visit.left else ""
    except (*BROKEN, ImapToolsError) as exc:
        log.warning("mailbox %s: %s", state.pk, type(exc).__name__)
        error = f"ящик не опрошен: {exc}"[:500]
    MailboxState.objects.filter(pk=state.pk).update(polled_at=timezone.now(), error=error, seen=F("seen") + visit.taken)
    return visit.taken


def name_of(url: str) -> str:
    """Return what a mailbox is called in `MailboxState`: its address without the password."""
    parts = urlsplit(url)
    return f"{unquote(parts.username or '')}@{parts.hostname}{parts.path}"[:200]


@dataclass
class Visit:
    """One poll of a mailbox: every waiting letter is met once, over as many connections as it takes."""

    url: str
    channel: Channel
    taken: int = 0
    left: int = 0  # neither kept nor flagged: asked for again at the next poll
    met: set[str] = field(default_factory=set)

    def bring_all(self) -> None:
        """Bring what waits, oldest first; raise where the mailbox cannot be read."""
        breaks = 0
        while True:
            before = len(self.met)
            try:
                return self._connect_and_bring()
            except BROKEN:
                # A letter the server chokes on costs the others one more sign-in, not their turn.
                breaks += 1
                if breaks > PATIENCE or len(self.met) == before:
                    raise
                self.left += 1

    def _connect_and_bring(self) -> None:
        with _open(self.url) as box, tempfile.TemporaryDirectory(prefix="otklik-imap-") as folder:
            for portion in inbox.portions(self._download_each(box, Path(folder)), lambda one: one.letter.size):
                kept = _bring(box, portion, _point(self.url), self.channel)
                self.taken += kept
                self.left += len(portion) - kept

    def _download_each(self, box: BaseMailBox, folder: Path) -> Iterator[Waiting]:
        """Download what waits and has not been met, oldest first; pass over what the server does not give out."""
        for uid in _waiting(box):
            if uid in self.met:
                continue
            self.met.add(uid)
            path = folder / f"{uid}.eml"
            try:
                arrived = _download(box, uid, path)
            except Refused as exc:
                log.warning("uid %s: %s", uid, exc)
                self.left += 1
                continue
            if arrived:  # else it was taken away meanwhile
                reach("imap.after_download")
                yield Waiting(uid, intake.Letter(path, arrived))


def try_out(url: str) -> None:
    """Sign in and open the folder, as a poll would; raise what the server or the net answers."""
    with _open(url):
        pass


def _open(url: str) -> BaseMailBox:
    # Without a context of ours the library takes any certificate, and the password goes to whoever answers.
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (993 if parts.scheme == "imaps" else 143)
    box: BaseMailBox
    if parts.scheme == "imaps":
        box = MailBox(host, port, timeout=SECONDS, ssl_context=ssl.create_default_context())
    elif parts.scheme == "imap+starttls":
        box = MailBoxStartTls(host, port, timeout=SECONDS, ssl_context=ssl.create_default_context())
    else:
        box = MailBoxUnencrypted(host, port, timeout=SECONDS)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    return box.login(unquote(parts.username or ""), unquote(parts.password or ""), initial_folder=folder)


def _point(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("point", ["email-info"])[0]


def _flag(box: BaseMailBox) -> str:
    """Return the flag that says «stored»: a keyword of our own where the server keeps it, else «seen»."""
    permanent = box.client.untagged_responses.get("PERMANENTFLAGS") or []
    return KEYWORD if any(b"\\*" in one or KEYWORD.encode() in one for one in permanent if one) else "\\Seen"


def _waiting(box: BaseMailBox) -> list[str]:
    flag = _flag(box)
    wanted = f"UNKEYWORD {KEYWORD}" if flag == KEYWORD else "UNSEEN"
    _, data = box.client.uid("SEARCH", wanted)
    return sorted((data[0] or b"").decode().split(), key=int)


def _bring(box: BaseMailBox, portion: list[Waiting], point: str, channel: Channel) -> int:
    """Keep letters, flag those kept, read them; return how many were kept. The others are met again at the next poll.

    Flagged before they are read: a letter that ends its reader is ours already, and is not brought again and again.
    """
    accepted = intake.keep_each([one.letter for one in portion], point=point)
    for one in portion:
        cast("Path", one.letter.raw).unlink()
    reach("imap.before_flag")
    kept = [one.uid for one, row in zip(portion, accepted, strict=True) if row]
    try:
        if kept:
            box.client.uid("STORE", ",".join(kept), "+FLAGS", f"({_flag(box)})")
        reach("imap.after_flag")
    finally:
        intake.read(accepted, channel)
    return len(kept)


def _download(box: BaseMailBox, uid: str, path: Path) -> datetime | None:
    """Write a letter's bytes to `path` piece by piece; return when the server got it."""
    arrived, offset = None, 0
    with path.open("wb") as file:
        while True:
            status, data = box.client.uid("FETCH", uid, f"(INTERNALDATE BODY.PEEK[]<{offset}.{PIECE}>)")
            if status != "OK":  # a letter cut off here would look whole
                raise Refused(f"FETCH {status} at byte {offset}")
            found = next((one for one in data if isinstance(one, tuple)), None)
            if found is None:
                if offset and not any(data):
                    raise Refused(f"gone at byte {offset}")
                return arrived
            arrived = arrived or _arrived(found[0])
            file.write(found[1])
            offset += len(found[1])
            if len(found[1]) < PIECE:
                return arrived


def _arrived(answer: bytes) -> datetime:
    moment = imaplib.Internaldate2tuple(answer)
    now = timezone.now()
    if moment is None:
        return now
    when = datetime.fromtimestamp(time.mktime(moment), UTC)
    return min(when, now)
