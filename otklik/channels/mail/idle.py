"""Mailboxes that tell of a new letter at once (IMAP IDLE): nobody waits here for longer than a second.

It only wakes a poll; the letters are brought by the poll, which goes on by the clock wherever IDLE fails.
"""

from __future__ import annotations

import imaplib
import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, urlsplit

from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError

from otklik.channels.mail import imap

log = logging.getLogger("otklik.mail")
ANEW: Final = (
    540  # seconds after which IDLE is asked for again: servers and firewalls end what is silent for ten minutes
)
SHORTEST: Final = 5.0  # seconds before a lost connection is made again
LONGEST: Final = 300.0
AT_ONCE: Final = 0.5
_CAME = re.compile(rb"^\* \d+ (EXISTS|RECENT)\b", re.IGNORECASE)


def wanted(url: str) -> bool:
    """Say whether a mailbox's address asks for IDLE: `&idle=yes`."""
    return parse_qs(urlsplit(url).query).get("idle") == ["yes"]


def watch(url: str, wake: Callable[[], bool], stopping: threading.Event) -> None:
    """Call `wake` whenever a letter comes, until stopped; again a second later while it says that it could not.

    Only the first folder of a mailbox is watched. A server without IDLE is left alone.
    """
    pause = SHORTEST
    while not stopping.is_set():
        began = time.monotonic()
        try:
            with imap.opened(url, imap.folders_of(url)[0]) as box:
                if "IDLE" not in box.client.capabilities:
                    log.warning("a mailbox without IDLE is polled by the clock")
                    return
                _wait_for_ever(box, wake, stopping)
        except (*imap.BROKEN, ImapToolsError) as exc:
            log.info("idle: %s", type(exc).__name__)
        pause = SHORTEST if time.monotonic() - began > LONGEST else min(pause * 2, LONGEST)
        stopping.wait(pause)


def _wait_for_ever(box: BaseMailBox, wake: Callable[[], bool], stopping: threading.Event) -> None:
    waking = True  # what came while nobody listened
    while not stopping.is_set():
        box.idle.start()  # type: ignore[no-untyped-call]
        until = time.monotonic() + ANEW
        while not stopping.is_set() and time.monotonic() < until:
            waking = waking and not wake()
            asked = time.monotonic()
            lines = box.idle.poll(timeout=1)
            if not lines and time.monotonic() - asked < AT_ONCE:  # the library tells so of a closed connection
                raise imaplib.IMAP4.abort("the connection is closed")
            waking = waking or any(_CAME.match(line) for line in lines)
            if any(line.upper().startswith(b"* BYE") for line in lines):
                raise imaplib.IMAP4.abort("the server says good-bye")
        box.idle.stop()  # type: ignore[no-untyped-call]
