"""Signing in to mail servers without a password (XOAUTH2): where access tokens come from, and how long they last."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from otklik.channels import wire
from otklik.correspondence.channel import SourceError
from otklik.correspondence.text import fit

SECONDS: Final = 30  # for the command that gives a token
EARLY: Final = 60  # seconds before its end a token is not used any more
UNTOLD: Final = 300  # seconds a token is believed in when nobody says how long it lasts

_kept: dict[str, _Token] = {}
_lock = threading.Lock()


class NoToken(OSError):
    """There is no access token: what an administrator reads. The server was not asked at all."""


@dataclass(frozen=True)
class _Token:
    text: str
    until: float  # of the monotonic clock


def wanted(url: str) -> bool:
    """Say whether a mail server's address asks for XOAUTH2: `?auth=xoauth2`."""
    return parse_qs(urlsplit(url).query).get("auth") == ["xoauth2"]


def words(user: str, *, fresh: bool = False) -> str:
    """Return what a client says to sign in as `user`; `fresh`: the token there was has just been refused."""
    return f"user={user}\x01auth=Bearer {token(user, fresh=fresh)}\x01\x01"


def token(user: str, *, fresh: bool = False) -> str:
    """Return an access token for a mailbox, a new one shortly before the last one ends. Raise NoToken."""
    with _lock:  # two mailboxes of one application ask once
        key = user if settings.MAIL_TOKEN_COMMAND else settings.MAIL_TOKEN_URL
        there = _kept.get(key)
        if fresh or there is None or there.until <= time.monotonic():
            _kept.pop(key, None)
            there = _kept[key] = _asked(user)
        return there.text


def _asked(user: str) -> _Token:
    if settings.MAIL_TOKEN_COMMAND:
        said = _of_command(user)
    elif settings.MAIL_TOKEN_URL:
        said = _of_endpoint()
    else:
        raise NoToken("вход по XOAUTH2 не настроен: укажите OTKLIK_MAIL_TOKEN_URL или OTKLIK_MAIL_TOKEN_COMMAND")
    text, lasts = said.get("access_token"), said.get("expires_in", UNTOLD)
    if not isinstance(text, str) or not text.strip():
        why = fit(str(said.get("error") or "в ответе нет access_token"), 60)
        raise NoToken(f"ключ доступа к почте не выдан: {why}")
    lasts = float(lasts) if isinstance(lasts, int | float) or str(lasts).isdecimal() else UNTOLD
    return _Token(text.strip(), time.monotonic() + max(lasts - EARLY, 0))


def _of_command(user: str) -> dict[str, Any]:
    """Return what the command prints: the token, or the JSON a token endpoint gives."""
    try:
        done = subprocess.run(  # noqa: S603 — the administrator's own command, without a shell
            [*shlex.split(settings.MAIL_TOKEN_COMMAND), user], capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as exc:  # its text may hold what it printed
        raise NoToken(f"команда OTKLIK_MAIL_TOKEN_COMMAND не выполнена ({type(exc).__name__})") from None
    printed = done.stdout.decode("utf-8", "replace").strip()
    try:
        said = json.loads(printed)
    except ValueError:
        said = {"access_token": printed.partition("\n")[0]}
    return said if isinstance(said, dict) else {}


def _of_endpoint() -> dict[str, Any]:
    asked = {
        "grant_type": "refresh_token" if settings.MAIL_TOKEN_REFRESH else "client_credentials",
        "client_id": settings.MAIL_TOKEN_CLIENT,
        "client_secret": settings.MAIL_TOKEN_SECRET,
        "refresh_token": settings.MAIL_TOKEN_REFRESH,
        "scope": settings.MAIL_TOKEN_SCOPE,
    }
    try:
        return wire.ask("POST", settings.MAIL_TOKEN_URL, data={name: value for name, value in asked.items() if value})
    except SourceError as failure:
        raise NoToken(f"ключ доступа к почте не получен: {failure}") from None
