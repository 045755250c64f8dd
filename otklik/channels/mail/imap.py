"""Mailboxes by IMAP: oldest first, bytes to a file, the server's flag only after our commit."""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from otklik.channels.mail import intake, oauth
from otklik.channels.mail.models import LeftLetter, MailboxState
from otklik.core.crashpoints import reach
from otklik.correspondence import inbox
from otklik.correspondence.channel import Channel

log = logging.getLogger("otklik.mail")
SECONDS = 60
PATIENCE = 3  # broken connections in one poll
BROKEN = (OSError, imaplib.IMAP4.error)
PIECE = 4 * 1024 * 1024  # bytes of a letter asked for at once
KEYWORD = "OtklikStored"
AT_ONCE = 500  # letters whose size is asked for at once
Reason = LeftLetter.Reason


@dataclass(frozen=True)
class Waiting:
    """A letter of the mailbox, downloaded."""

    uid: str
    letter: intake.Letter


@dataclass(frozen=True)
class Left:
    """A letter that stays in the mailbox, and why."""

    reason: Reason
    size: int | None = None
    arrived: datetime | None = None


class Refused(Exception):
    """The server does not give a letter out."""


def poll(url: str, channel: Channel) -> int:
    """Bring in what waits in a mailbox, folder by folder; return how many letters were looked at.

    What goes wrong, and which letters stay in the mailbox, is kept in MailboxState; a folder delays none of the others.
    """
    return sum(_poll(url, folder, channel) for folder in folders_of(url))


def _poll(url: str, folder: str, channel: Channel) -> int:
    state, _ = MailboxState.objects.get_or_create(name=_name(url, folder))
    visit = Visit(url, channel, folder)
    error = ""
    try:
        visit.bring_all()
        if stuck := sum(one.reason != Reason.TOO_LARGE for one in visit.left.values()):
            error = f"не сохранено писем: {stuck}; они остались в ящике"
    except (*BROKEN, ImapToolsError) as exc:
        log.warning("mailbox %s: %s", state.pk, type(exc).__name__)
        error = f"ящик не опрошен: {exc}"[:500]
    else:
        _note(state, visit.left)
    MailboxState.objects.filter(pk=state.pk).update(polled_at=timezone.now(), error=error, seen=F("seen") + visit.taken)
    return visit.taken


def _note(state: MailboxState, left: Mapping[str, Left]) -> None:
    """Keep which letters this poll left in the mailbox; those taken or gone since the last one are listed no more."""
    with transaction.atomic():
        there = LeftLetter.objects.filter(mailbox=state)
        there.exclude(uid__in=list(left)).delete()
        for uid, one in left.items():
            facts = {"reason": one.reason, "size": one.size, "arrived_at": one.arrived}
            LeftLetter.objects.update_or_create(mailbox=state, uid=uid, defaults=facts)


def name_of(url: str) -> str:
    """Return what a mailbox is called in `MailboxState`: its address without the password."""
    parts = urlsplit(url)
    return f"{unquote(parts.username or '')}@{parts.hostname}{parts.path}"[:200]


def names_of(url: str) -> list[str]:
    """Return what the folders of a mailbox are called in `MailboxState`."""
    return [_name(url, folder) for folder in folders_of(url)]


def folders_of(url: str) -> list[str]:
    """Return the folders that are read: that of the address, then each `&folder=`."""
    parts = urlsplit(url)
    return list(dict.fromkeys([_first_folder(url), *parse_qs(parts.query).get("folder", [])]))


def _first_folder(url: str) -> str:
    return unquote(urlsplit(url).path.strip("/")) or "INBOX"


def _name(url: str, folder: str) -> str:
    if folder == _first_folder(url):
        return name_of(url)
    parts = urlsplit(url)
    return f"{unquote(parts.username or '')}@{parts.hostname}/{folder}"[:200]


@dataclass
class Visit:
    """One poll of a folder: every waiting letter is met once, over as many connections as it takes."""

    url: str
    channel: Channel
    folder: str
    taken: int = 0
    left: dict[str, Left] = field(default_factory=dict)  # by uid: not flagged, met again at the next poll
    met: dict[str, None] = field(default_factory=dict)

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
                self.left[next(reversed(self.met))] = Left(Reason.BROKE)

    def _connect_and_bring(self) -> None:
        with opened(self.url, self.folder) as box, tempfile.TemporaryDirectory(prefix="otklik-imap-") as folder:
            for portion in inbox.portions(self._download_each(box, Path(folder)), lambda one: one.letter.size):
                kept = _bring(box, portion, _point(self.url), self.channel)
                self.taken += len(kept)
                for one in portion:
                    if one.uid not in kept:
                        self.left[one.uid] = Left(Reason.NOT_KEPT, arrived=one.letter.received_at)

    def _download_each(self, box: BaseMailBox, folder: Path) -> Iterator[Waiting]:
        """Download what waits and has not been met, oldest first; pass over what is too large or not given out."""
        for uid, size in _waiting(box):
            if uid in self.met:
                continue
            self.met[uid] = None
            if size > settings.MAIL_MOST_BYTES:
                self.left[uid] = Left(Reason.TOO_LARGE, size, _when(box, uid))
                continue
            path = folder / f"{uid}.eml"
            try:
                arrived = _download(box, uid, path)
            except Refused as exc:
                log.warning("uid %s: %s", uid, exc)
                self.left[uid] = Left(Reason.REFUSED, size)
                continue
            if arrived:  # else it was taken away meanwhile
                reach("imap.after_download")
                yield Waiting(uid, intake.Letter(path, arrived))


def try_out(url: str) -> None:
    """Sign in and open each folder, as a poll would; raise what the server or the net answers."""
    for folder in folders_of(url):
        with opened(url, folder):
            pass


def opened(url: str, folder: str) -> BaseMailBox:
    """Sign in and open a folder; an access token the server does not take any more is asked for anew, once."""
    user = unquote(urlsplit(url).username or "")
    if not oauth.wanted(url):
        return _connect(url).login(user, unquote(urlsplit(url).password or ""), initial_folder=folder)
    try:
        return _signed_in(_connect(url), oauth.words(user), folder)
    except MailboxLoginError:
        return _signed_in(_connect(url), oauth.words(user, fresh=True), folder)


def _connect(url: str) -> BaseMailBox:
    # Without a context of ours the library takes any certificate, and the password goes to whoever answers.
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (993 if parts.scheme == "imaps" else 143)
    if parts.scheme == "imaps":
        return MailBox(host, port, timeout=SECONDS, ssl_context=ssl.create_default_context())
    if parts.scheme == "imap+starttls":
        return MailBoxStartTls(host, port, timeout=SECONDS, ssl_context=ssl.create_default_context())
    return MailBoxUnencrypted(host, port, timeout=SECONDS)


def _signed_in(box: BaseMailBox, words: str, folder: str) -> BaseMailBox:
    """Sign in by XOAUTH2. A server that says why it refuses waits for an empty line before it says no."""
    said: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        said.append(challenge)
        return words.encode() if len(said) == 1 else b""

    try:
        box.client.authenticate("XOAUTH2", answer)
    except imaplib.IMAP4.error as exc:
        box.client.shutdown()
        if isinstance(exc, imaplib.IMAP4.abort):
            raise
        raise MailboxLoginError(("NO", [str(exc).encode()]), "OK") from None
    box.folder.set(folder)
    return box


def _point(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("point", ["email-info"])[0]


def _flag(box: BaseMailBox) -> str:
    """Return the flag that says «stored»: a keyword of our own where the server keeps it, else «seen»."""
    permanent = box.client.untagged_responses.get("PERMANENTFLAGS") or []
    return KEYWORD if any(b"\\*" in one or KEYWORD.encode() in one for one in permanent if one) else "\\Seen"


def _waiting(box: BaseMailBox) -> Iterator[tuple[str, int]]:
    """Yield the waiting letters, oldest first, with their sizes; 0 where the server does not say."""
    flag = _flag(box)
    wanted = f"UNKEYWORD {KEYWORD}" if flag == KEYWORD else "UNSEEN"
    _, data = box.client.uid("SEARCH", wanted)
    uids = sorted((data[0] or b"").decode().split(), key=int)
    for start in range(0, len(uids), AT_ONCE):
        some = uids[start : start + AT_ONCE]
        _, lines = box.client.uid("FETCH", ",".join(some), "(RFC822.SIZE)")
        sizes = _sizes(lines)
        yield from ((uid, sizes.get(uid, 0)) for uid in some)


def _sizes(lines: Iterable[object]) -> dict[str, int]:
    found = {}
    for line in lines:
        text = line.decode("ascii", "replace") if isinstance(line, bytes) else ""
        uid, size = re.search(r"\bUID (\d+)", text), re.search(r"\bRFC822\.SIZE (\d+)", text)
        if uid and size:
            found[uid[1]] = int(size[1])
    return found


def _when(box: BaseMailBox, uid: str) -> datetime | None:
    """Return when the server got a letter that is not downloaded."""
    _, lines = box.client.uid("FETCH", uid, "(INTERNALDATE)")
    return next((_arrived(line) for line in lines if isinstance(line, bytes)), None)


def _bring(box: BaseMailBox, portion: list[Waiting], point: str, channel: Channel) -> list[str]:
    """Keep letters, flag those kept, read them; return the uids kept. The others are met again at the next poll.

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
    return kept


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
