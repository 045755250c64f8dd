"""An outgoing row as a letter: threading headers, the thread's mark, attachments."""

from __future__ import annotations

from collections.abc import Iterable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Final

from django.utils.encoding import punycode

from otklik.correspondence import threading
from otklik.correspondence.channel import DeliveryError, ToSend

BASE64_LINE: Final = 57  # bytes that become a line of 78
HEADERS: Final = 4096  # bytes of headers and of the covering text's beginning, roughly


def weight(text: str, sizes: Iterable[int]) -> int:
    """Return about how many bytes a letter with files of these sizes takes on its way: a third more than they are."""
    files = sum(-(-size // BASE64_LINE) * 78 + 512 for size in sizes)
    return HEADERS + 3 * len(text.encode()) + files


def compose(item: ToSend) -> EmailMessage:
    """Return the letter. Raise a permanent DeliveryError for an address that is none, a passing one without our own."""
    if not item.sender.strip():
        raise DeliveryError(
            "не указан адрес, с которого уходят письма: впишите электронную почту в «Реквизиты департамента»"
        )
    letter = EmailMessage(policy=SMTP)
    sender = _wire(item.sender)
    try:
        letter["From"] = Address(display_name=item.sender_name, addr_spec=sender)
        letter["To"] = Address(display_name=_one_line(item.recipient_name), addr_spec=_wire(item.recipient.strip()))
    except (ValueError, IndexError, TypeError) as exc:
        raise DeliveryError(f"адрес записан неверно: {exc}", permanent=True) from exc
    subject = _one_line(item.subject)
    if item.token:  # a letter to an employee begins no correspondence
        reply_to = threading.plus_address(sender, item.token)
        letter["Reply-To"] = Address(display_name=item.sender_name, addr_spec=reply_to)
        subject = threading.mark(subject, item.token)
    letter["Subject"] = subject
    letter["Message-ID"] = item.message_id
    letter["Date"] = formatdate(localtime=True)
    if item.in_reply_to:
        letter["In-Reply-To"] = _one_line(item.in_reply_to)
    if item.references:
        letter["References"] = " ".join(_one_line(one) for one in item.references[-20:])
    if item.automatic:
        letter["Auto-Submitted"] = "auto-replied" if item.token else "auto-generated"
        letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(item.text, cte="quoted-printable")
    for name, path, kind in item.files:
        main, _, sub = (kind or "application/octet-stream").partition("/")
        if main == "text":  # a text part would be re-encoded: attachments leave byte for byte
            main, sub = "application", "octet-stream"
        letter.add_attachment(path.read_bytes(), maintype=main, subtype=sub or "octet-stream", filename=name)
    return letter


def _wire(address: str) -> str:
    """Return an address as it travels: «ivan@почта.рф» has a second, Latin name for its domain (RFC 5891)."""
    name, at, domain = address.rpartition("@")
    try:
        address = f"{name}{at}{punycode(domain)}"
    except UnicodeError as exc:
        raise DeliveryError(f"адрес записан неверно: {exc}", permanent=True) from exc
    if not address.isascii():
        raise DeliveryError("адрес записан неверно: перед знаком @ не латинские буквы", permanent=True)
    return address


def _one_line(value: str) -> str:
    return " ".join(value.split())
