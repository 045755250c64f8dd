"""Letters out by SMTP: what the server refused for good, for now, and what nobody knows."""

from __future__ import annotations

import smtplib
import ssl
from datetime import timedelta
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils import timezone

from otklik.channels.mail import oauth
from otklik.channels.mail.models import SendingServer
from otklik.correspondence.channel import DeliveryError, DeliveryUnknown

SECONDS = 60
GREETED_LATELY: Final = timedelta(days=1)
MEGABYTE: Final = 2**20
LONGEST_ENVID: Final = 100


def send(letter: EmailMessage) -> None:
    """Hand one letter over; return when the server has taken responsibility for it."""
    try:
        server = _connect(settings.SMTP_URL)
    except smtplib.SMTPAuthenticationError as exc:
        raise DeliveryError(f"почтовый сервер не принял имя и пароль: {_said(exc)}") from exc
    except (OSError, smtplib.SMTPException) as exc:
        raise DeliveryError(f"почтовый сервер недоступен: {exc}") from exc
    try:
        _hand_over(server, letter)
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


def try_out(url: str) -> None:
    """Greet the server and sign in, as before a letter; raise what it answers."""
    server = _connect(url)
    try:
        server.ehlo_or_helo_if_needed()
        _note(server, url)
    finally:
        server.close()


def most_bytes() -> int | None:
    """Return the largest letter that the server for sending takes, as it said when it was last greeted."""
    host = urlsplit(settings.SMTP_URL).hostname or ""
    return SendingServer.objects.filter(host=host).values_list("most_bytes", flat=True).first()


def too_heavy(weight: int) -> str:
    """Return why a letter of so many bytes may not arrive, in words for who sends it; nothing where it may."""
    if (most := most_bytes()) and weight > most:
        return (
            f"Письмо займёт около {_megabytes(weight)}, а почтовый сервер департамента принимает до {_megabytes(most)}."
        )
    if weight > settings.SMTP_MOST_BYTES:
        usual = _megabytes(settings.SMTP_MOST_BYTES)
        return f"Письмо займёт около {_megabytes(weight)}: почтовые серверы получателей обычно принимают до {usual}."
    return ""


def _hand_over(server: smtplib.SMTP, letter: EmailMessage) -> None:
    """Speak MAIL, RCPT and DATA apart: only after the last line of DATA can the outcome be unknown."""
    raw = letter.as_bytes()
    try:
        server.ehlo_or_helo_if_needed()
        _note(server, settings.SMTP_URL)
        _check_size(server, len(raw))
        about, whom = _options(server, letter, len(raw))
        _expect(server.mail(letter["From"].addresses[0].addr_spec, about), 250)
        _expect(server.rcpt(letter["To"].addresses[0].addr_spec, whom), 250, 251)
    except (OSError, smtplib.SMTPException) as exc:
        raise DeliveryError(f"связь с почтовым сервером прервалась: {exc}") from exc
    try:
        _expect(server.data(raw), 250)
    except smtplib.SMTPDataError as exc:  # refused at DATA or after it: an answer all the same
        raise DeliveryError(_said(exc), permanent=exc.smtp_code >= 500) from exc
    except (OSError, smtplib.SMTPServerDisconnected) as exc:
        raise DeliveryUnknown("связь прервалась, когда письмо уже было передано") from exc


def _options(server: smtplib.SMTP, letter: EmailMessage, size: int) -> tuple[list[str], list[str]]:
    """Return what is asked with MAIL and with RCPT: the size, and reports of delivery that name our letter."""
    about, whom = ([f"SIZE={size}"] if server.has_extn("size") else []), list[str]()
    if server.has_extn("dsn"):
        about.append("RET=HDRS")
        if len(name := _xtext(str(letter["Message-ID"]))) <= LONGEST_ENVID:
            about.append(f"ENVID={name}")
        # Nobody waits for the proof that a receipt or a notice has arrived.
        proof = [] if letter["Auto-Submitted"] else ["SUCCESS"]
        whom = [f"NOTIFY={','.join([*proof, 'FAILURE', 'DELAY'])}"]
    return about, whom


def _xtext(text: str) -> str:
    """Return text as a parameter of SMTP (RFC 3461, 4)."""
    return "".join(sign if "!" <= sign <= "~" and sign not in "+=" else f"+{ord(sign):02X}" for sign in text)


def _check_size(server: smtplib.SMTP, size: int) -> None:
    most = _size_of(server)
    if most and size > most:
        text = f"письмо {_megabytes(size)}, а почтовый сервер принимает до {_megabytes(most)}: уменьшите приложения"
        raise DeliveryError(text, permanent=True)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f} МБ".replace(".", ",")


def _size_of(server: smtplib.SMTP) -> int:
    said = server.esmtp_features.get("size", "")
    return int(said) if said.isdecimal() else 0


def _note(server: smtplib.SMTP, url: str) -> None:
    """Keep what the server says of itself; written down anew where it changed, and once a day."""
    host, now = urlsplit(url).hostname or "", timezone.now()
    facts = {"most_bytes": _size_of(server) or None, "reports": server.has_extn("dsn")}
    if not SendingServer.objects.filter(host=host, greeted_at__gt=now - GREETED_LATELY, **facts).exists():
        SendingServer.objects.update_or_create(host=host, defaults={**facts, "greeted_at": now})


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    code, text = answer
    if code not in codes:
        raise DeliveryError(f"{code} {text.decode('utf-8', 'replace')}", permanent=code >= 500)


def _connect(url: str) -> smtplib.SMTP:
    # Without a context of ours the library takes any certificate, and the password goes to whoever answers.
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or (465 if parts.scheme == "smtps" else 25)
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, port, timeout=SECONDS)
        if parts.scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
    if parts.username:
        _sign_in(server, url, unquote(parts.username), unquote(parts.password or ""))
    return server


def _sign_in(server: smtplib.SMTP, url: str, user: str, password: str) -> None:
    """Sign in; an access token the server does not take any more is asked for anew, once."""
    if not oauth.wanted(url):
        server.login(user, password)
        return
    server.ehlo_or_helo_if_needed()
    try:
        _by_token(server, oauth.words(user))
    except smtplib.SMTPAuthenticationError:
        _by_token(server, oauth.words(user, fresh=True))


def _by_token(server: smtplib.SMTP, words: str) -> None:
    # A server that says why it refuses waits for an empty line before it says no.
    server.auth("XOAUTH2", lambda challenge=None: "" if challenge else words)


def _said(exc: smtplib.SMTPResponseException) -> str:
    text = exc.smtp_error
    return f"{exc.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
