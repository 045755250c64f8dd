"""Letters out by SMTP: what the server refused for good, for now, and what nobody knows."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from django.conf import settings

from otklik.correspondence.channel import DeliveryError, DeliveryUnknown

SECONDS = 60


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
    finally:
        server.close()


def _hand_over(server: smtplib.SMTP, letter: EmailMessage) -> None:
    """Speak MAIL, RCPT and DATA apart: only after the last line of DATA can the outcome be unknown."""
    try:
        server.ehlo_or_helo_if_needed()
        _expect(server.mail(letter["From"].addresses[0].addr_spec), 250)
        _expect(server.rcpt(letter["To"].addresses[0].addr_spec), 250, 251)
    except (OSError, smtplib.SMTPException) as exc:
        raise DeliveryError(f"связь с почтовым сервером прервалась: {exc}") from exc
    try:
        _expect(server.data(letter.as_bytes()), 250)
    except smtplib.SMTPDataError as exc:  # refused at DATA or after it: an answer all the same
        raise DeliveryError(_said(exc), permanent=exc.smtp_code >= 500) from exc
    except (OSError, smtplib.SMTPServerDisconnected) as exc:
        raise DeliveryUnknown("связь прервалась, когда письмо уже было передано") from exc


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
        server.login(unquote(parts.username), unquote(parts.password or ""))
    return server


def _said(exc: smtplib.SMTPResponseException) -> str:
    text = exc.smtp_error
    return f"{exc.smtp_code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
