"""Mailboxes by IMAP: oldest first, bytes to a file, the server's flag only after our commit."""

from __future__ import annotations

import imaplib
import logging
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.db.models import F
from django.utils import timezone
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from otklik.channels.mail import intake
from otklik.channels.mail.models import MailboxState
from otklik.core.crashpoints import reach
from otklik.correspondence.channel import Channel

log = logging.getLogger("otklik.mail")
SECONDS = 60
PIECE = 4 * 1024 * 1024  # bytes of a letter asked for at once
KEYWORD = "OtklikStored"


def poll(url: str, channel: Channel) -> int:
    """Bring in what waits in a mailbox, and return how many letters were looked at; failures go to MailboxState."""
    parts = urlsplit(url)
    name = f"{unquote(parts.username or '')}@{parts.hostname}{parts.path}"
    state, _ = MailboxState.objects.get_or_create(name=name[:200])
    taken, failed, error = 0, 0, ""
    try:
        with _open(url) as box:
            for uid in _waiting(box):
                brought = _bring(box, uid, _point(url), channel)
                taken, failed = taken + brought, failed + (not brought)
        if failed:
            error = f"не сохранено писем: {failed}; они остались в ящике"
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as exc:
        log.warning("mailbox %s: %s", state.pk, type(exc).__name__)
        error = f"ящик не опрошен: {exc}"[:500]
    MailboxState.objects.filter(pk=state.pk).update(polled_at=timezone.now(), error=error, seen=F("seen") + taken)
    return taken


def _open(url: str) -> BaseMailBox:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (993 if parts.scheme == "imaps" else 143)
    box: BaseMailBox
    if parts.scheme == "imaps":
        box = MailBox(host, port, timeout=SECONDS)
    elif parts.scheme == "imap+starttls":
        box = MailBoxStartTls(host, port, timeout=SECONDS)
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


def _bring(box: BaseMailBox, uid: str, point: str, channel: Channel) -> bool:
    """Keep one letter, then flag it. What cannot be kept stays unflagged, is met again, and delays no other."""
    with tempfile.NamedTemporaryFile(prefix="otklik-imap-", suffix=".eml") as file:
        arrived = _download(box, uid, Path(file.name))
        if arrived is None:
            return True  # taken away meanwhile
        reach("imap.after_download")
        try:
            intake.take_in(Path(file.name), channel=channel, point=point, received_at=arrived)
        except Exception:  # the disk or the database: the letter is safe where it is
            log.exception("uid %s is not stored", uid)
            return False
    reach("imap.before_flag")
    box.client.uid("STORE", uid, "+FLAGS", f"({_flag(box)})")
    reach("imap.after_flag")
    return True


def _download(box: BaseMailBox, uid: str, path: Path) -> datetime | None:
    """Write a letter's bytes to `path` piece by piece; return when the server got it."""
    arrived, offset = None, 0
    with path.open("wb") as file:
        while True:
            _, data = box.client.uid("FETCH", uid, f"(INTERNALDATE BODY.PEEK[]<{offset}.{PIECE}>)")
            found = next((one for one in data if isinstance(one, tuple)), None)
            if found is None:
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
