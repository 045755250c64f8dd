"""Whether mailboxes and the server for sending answer us: asked without taking or sending a letter."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from urllib.parse import urlsplit

from imap_tools.errors import ImapToolsError

from otklik.channels.mail import imap, smtp

STRANGE = (
    "сертификату сервера эта машина не доверяет. Если его выдал удостоверяющий центр департамента, укажите файл центра"
    " в SSL_CERT_FILE"
)


def mailbox(url: str) -> str:
    """Sign in to a mailbox and leave it as it was; say what went wrong, nothing where all is well."""
    try:
        imap.try_out(url)
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as exc:
        return f"ящик {imap.name_of(url)} не открывается: {_words(exc)}"
    return ""


def sending(url: str) -> str:
    """Greet the server for sending and sign in, without a letter; say what went wrong, nothing where all is well."""
    try:
        smtp.try_out(url)
    except (OSError, smtplib.SMTPException) as exc:
        return f"сервер отправки {urlsplit(url).hostname} не принимает нас: {_words(exc)}"
    return ""


def _words(exc: Exception) -> str:
    return STRANGE if isinstance(exc, ssl.SSLCertVerificationError) else str(exc)
