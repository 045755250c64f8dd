"""Until when the certificate of the department's address holds: read from its file, or asked of the address itself."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.core.cache import cache

SECONDS: Final = 3.0
ASKED_AGAIN: Final = timedelta(hours=1)  # a page must not shake hands with the proxy at every look
TRIED_AGAIN: Final = timedelta(minutes=5)


class Unknown(Exception):
    """Nobody could say; the text is for an administrator."""


def ends_at() -> tuple[datetime, str]:
    """Return when the certificate ends and where that was read. Raise Unknown."""
    if settings.TLS_CERTIFICATE:
        return _of_file(Path(settings.TLS_CERTIFICATE)), settings.TLS_CERTIFICATE
    host, port = urlsplit(settings.BASE_URL).hostname or "", urlsplit(settings.BASE_URL).port or 443
    key = f"otklik:certificate:{host}:{port}"
    known: tuple[datetime | None, str] | None = cache.get(key)
    if known is None:
        try:
            known = _of_address(host, port), ""
        except Unknown as wrong:
            known = None, str(wrong)
        cache.set(key, known, (ASKED_AGAIN if known[0] else TRIED_AGAIN).total_seconds())
    ends, wrong_words = known
    if ends is None:
        raise Unknown(wrong_words)
    return ends, host


def _of_file(path: Path) -> datetime:
    try:
        first, *_ = x509.load_pem_x509_certificates(path.read_bytes())  # the site's own stands first in a chain
    except OSError as exc:
        raise Unknown(f"файл «{path}» не открывается ({exc.strerror})") from None
    except ValueError:
        raise Unknown(f"в файле «{path}» нет сертификата в формате PEM") from None
    return first.not_valid_after_utc


def _of_address(host: str, port: int) -> datetime:
    """Ask the address for its certificate. Whether it is to be believed is the browsers' business, not ours here."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=SECONDS) as plain,
            trusting.wrap_socket(plain, server_hostname=host) as session,
        ):
            raw = session.getpeercert(binary_form=True)
    except OSError as exc:
        raise Unknown(f"адрес {host}:{port} не отвечает по https ({type(exc).__name__})") from None
    if not raw:
        raise Unknown(f"адрес {host}:{port} не показал сертификата")
    return x509.load_der_x509_certificate(raw).not_valid_after_utc
