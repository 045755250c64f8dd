"""E-mail as a channel: translate, do not decide."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from django.conf import settings

from otklik.channels.mail import catcher, imap, smtp
from otklik.channels.mail.letter import compose
from otklik.channels.mail.parse import parse
from otklik.core import installation
from otklik.correspondence.channel import Parsed, ToSend
from otklik.correspondence.models import ChannelCode


class MailChannel:
    """Letters by SMTP and IMAP. A repeat carries the same Message-ID, so the other side can recognise it."""

    code: ClassVar[str] = ChannelCode.EMAIL.value
    repeats_safely: ClassVar[bool] = True

    def fetch(self) -> Iterable[object]:
        """Poll every configured mailbox; a mailbox that fails delays none of the others."""
        for url in settings.MAILBOXES:
            yield imap.poll(url, self)

    def parse(self, raw: Path) -> Parsed:
        """Read a stored letter."""
        return parse(raw)

    def send(self, item: ToSend) -> str:
        """Hand a letter to the mail server; on a demo stand, to the catcher: nothing leaves it."""
        letter = compose(item)
        if installation.is_demo():
            catcher.catch(item, letter)
        else:
            smtp.send(letter)
        return item.message_id
