"""Click-to-call: the exchange rings the employee's telephone and then the citizen's. Without it: a `tel:` link."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from typing import Final, Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from otklik.core import installation
from otklik.core.errors import DomainError
from otklik.hotline.exchange import ami
from otklik.hotline.models import Extension
from otklik.people.models import Employee

log = logging.getLogger("otklik.hotline.dialling")
PATIENCE: Final = 5  # seconds
RINGS_FOR: Final = 30  # seconds the employee's telephone rings before the exchange gives up
CONTEXT: Final = "from-internal"  # of the dial plan, as FreePBX calls it
CHANNEL: Final = "PJSIP/{extension}"
HTTP: Final = ("http", "https")


class NoExtension(DomainError):
    """The exchange must know whose telephone to ring first."""

    code = "dialling.no_extension"
    text = "Ваш внутренний номер не записан: сообщите администратору. Пока звоните сами по показанному номеру."


class NotDialled(DomainError):
    """The exchange refused, or is not there."""

    code = "dialling.refused"
    text = "Станция не соединяет. Позвоните сами по показанному номеру и сообщите администратору."
    status = 502


class Dialler(Protocol):
    """A way to let the exchange connect two numbers."""

    def dial(self, extension: str, number: str) -> None:
        """Ring the extension, then the number; raise `NotDialled` where the exchange does not."""


class ByUrl:
    """An address of the exchange that connects; `{extension}`, `{number}`, `{at}`, `{signature}` stand in its template.

    The signature is HMAC-SHA256 of «extension.number.at» under the secret shared with the exchange; it is also a header
    of the POST, with the same facts in its body, so that a template without placeholders keeps numbers out of its logs.
    """

    def __init__(self, template: str, secret: str) -> None:
        self._template, self._secret = template, secret.encode()

    def dial(self, extension: str, number: str) -> None:
        """Ask the exchange; whatever it does not do in a few seconds is said, never the number."""
        at = str(int(time.time()))
        signed = hmac.new(self._secret, f"{extension}.{number}.{at}".encode(), hashlib.sha256).hexdigest()
        facts = {"extension": extension, "number": number, "at": at, "signature": signed}
        url = self._template
        for name, value in facts.items():
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        asked = Request(  # noqa: S310
            url,
            data=json.dumps({name: facts[name] for name in ("extension", "number", "at")}).encode(),
            headers={"Content-Type": "application/json", "X-Otklik-Signature": signed},
        )
        try:
            with build_opener(_NoRedirects).open(asked, timeout=PATIENCE):
                pass
        except (OSError, ValueError) as exc:  # an HTTPError bears the address, so only its kind is written down
            log.warning("the exchange did not dial: %s %s", type(exc).__name__, getattr(exc, "code", ""))
            raise NotDialled from None


class ByAmi:
    """Asterisk by its manager's port: `ami://user:password@host:5038/context?channel=PJSIP/{extension}`.

    The employee's telephone rings first; when it is lifted the dial plan's context dials the number.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 5038
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._context = unquote(parts.path.strip("/")) or CONTEXT
        self._channel = parse_qs(parts.query).get("channel", [CHANNEL])[0]

    def dial(self, extension: str, number: str) -> None:
        """Ask the exchange; whatever it does not do in a few seconds is said, never the number."""
        dialled = re.sub(r"[^\d+]", "", number)
        if not dialled:
            raise NotDialled
        channel = extension if "/" in extension else self._channel.replace("{extension}", extension)
        asked = {"Channel": channel, "Context": self._context, "Exten": dialled, "Priority": "1"}
        asked |= {"CallerID": dialled, "Timeout": f"{RINGS_FOR * 1000}", "Async": "true"}
        try:
            to = {"user": self._user, "password": self._password}
            line = ami.Connection(self._host, self._port, **to, events="off", patience=PATIENCE)
            try:
                line.ask({"Action": "Originate", **asked})
            finally:
                line.close()
        except (OSError, ami.Refused) as exc:  # the exchange may repeat the number in its words
            log.warning("the exchange did not dial: %s", type(exc).__name__)
            raise NotDialled from None


class _NoRedirects(HTTPRedirectHandler):
    """A number is sent where the installation says and nowhere else."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Follow nothing."""


def dialler() -> Dialler | None:
    """Return the installation's way to dial, or None: employees then press a `tel:` link. A demo stand rings nobody."""
    template, secret = settings.EXCHANGE_DIAL, settings.EXCHANGE_DIAL_SECRET
    scheme = urlsplit(template).scheme
    way = ByAmi(template) if scheme == "ami" else ByUrl(template, secret) if secret and scheme in HTTP else None
    return way if way is not None and not installation.is_demo() else None


def connect(number: str, *, by: Employee) -> str | None:
    """Let the exchange connect the employee with a number; return the telephone it rings, None where it cannot dial."""
    way = dialler()
    if way is None:
        return None
    today = timezone.localdate()
    valid = Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))
    mine = Extension.objects.filter(valid, employee=by).order_by("-valid_from").first()
    if mine is None:
        raise NoExtension
    way.dial(mine.name, number)
    return mine.name
