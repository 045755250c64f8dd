"""Where letters of a demo stand end: a table with a page to read them. Nothing leaves the machine."""

from __future__ import annotations

from email.message import EmailMessage

from otklik.channels.mail.models import CaughtLetter
from otklik.core import files
from otklik.correspondence.channel import ToSend


def catch(item: ToSend, letter: EmailMessage) -> CaughtLetter:
    """Keep the letter as it would have gone out."""
    return CaughtLetter.objects.create(
        message_id=item.message_id,
        recipient=item.recipient,
        subject=str(letter["Subject"])[:500],
        raw=files.store(letter.as_bytes()),
    )
