"""System components that some tests need: found or named with the line that installs them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from scripts import postgres


@dataclass(frozen=True)
class Component:
    """One system component; `require` skips a test without it, under `CI=true` fails it."""

    name: str
    package: str
    found: Callable[[], bool]

    @property
    def missing(self) -> str:
        return f"нет компонента {self.name}: sudo apt-get install {self.package}"

    def require(self) -> None:
        if not self.found():
            pytest.fail(self.missing) if os.environ.get("CI") == "true" else pytest.skip(self.missing)


def chromium() -> str | None:
    """Give the path of Debian's Chromium; without its windows it takes a quarter less of the processor."""
    return next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)


def dovecot() -> str | None:
    """Give the path of the Dovecot server."""
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _tesseract() -> bool:
    return None not in (shutil.which("tesseract"), shutil.which("ocrmypdf"))


def clamd() -> str | None:
    """Give the path of the antivirus daemon."""
    return shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def slapd() -> str | None:
    """Give the path of the directory server (OpenLDAP)."""
    return shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/openldap")


def nginx() -> str | None:
    """Give the path of the proxy."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _postgres() -> bool:
    return (postgres.binaries() / "initdb").exists()


POSTGRES = Component("PostgreSQL", "postgresql", _postgres)
CHROMIUM = Component("Chromium", "chromium", lambda: chromium() is not None)
TESSERACT = Component("Tesseract (rus)", "tesseract-ocr tesseract-ocr-rus ocrmypdf", _tesseract)
DOVECOT = Component("Dovecot", "dovecot-imapd", lambda: dovecot() is not None)

CLAMD = Component("clamd", "clamav-daemon", lambda: clamd() is not None)
SLAPD = Component("slapd", "slapd ldap-utils", lambda: slapd() is not None)
NGINX = Component("nginx", "nginx-light openssl", lambda: nginx() is not None)
SYSTEMD = Component("systemd", "systemd", lambda: shutil.which("systemd-analyze") is not None)

BY_MARK = {"browser": CHROMIUM, "dovecot": DOVECOT, "clamd": CLAMD, "slapd": SLAPD}
