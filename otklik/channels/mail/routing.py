"""Letters that come to our mailbox but are another channel's: that channel's connection says which senders are its own.

A rule is what an administrator wrote into the settings `letters_from` and `letters_about` of a connection that is on.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otklik.channels.mail import identity, parse, reports
from otklik.correspondence.channel import Setting
from otklik.correspondence.models import ChannelCode, Connection

log = logging.getLogger("otklik.mail")

FROM: Final = Setting(
    "letters_from",
    "С каких адресов приходят письма",
    hint="По одному в строке: адрес целиком (op@nso.example) или все адреса домена (@nso.example).",
    kind="long",
)
ABOUT: Final = Setting(
    "letters_about",
    "Слова в теме письма",
    hint="Если заполнено, в теме должно быть хотя бы одно. По одному в строке: например «направляем обращение».",
    kind="long",
    required=False,
)


@dataclass(frozen=True)
class Rule:
    """Which letters are a channel's own."""

    channel: str
    senders: tuple[str, ...]
    words: tuple[str, ...]

    def takes(self, address: str, subject: str) -> bool:
        """Say whether a letter of this sender with this subject is the channel's."""
        address = address.strip().casefold()
        theirs = any(address == one or (one.startswith("@") and address.endswith(one)) for one in self.senders)
        return theirs and (not self.words or any(word in subject.casefold() for word in self.words))


def rules() -> list[Rule]:
    """Return the rules of the channels that are on; the mailbox's own channel takes the rest."""
    rows = Connection.objects.filter(on=True).exclude(channel=ChannelCode.EMAIL).order_by("channel")
    made = [
        Rule(row.channel, lines(row.values.get(FROM.name)), lines(row.values.get(ABOUT.name)))
        for row in rows
        if row.values.get(FROM.name)
    ]
    return [rule for rule in made if rule.senders]


def channel_of(raw: bytes | Path, there: list[Rule]) -> str:
    """Return whose letter it is. A report of a mail server is always the mailbox's: it is about a letter of ours."""
    if there:
        try:
            address, subject = parse.envelope(identity.head(raw))
        except Exception:  # before anything is kept: whatever its headers are, the letter comes in
            log.exception("whose letter it is cannot be read")
            address, subject = "", ""
        if not address.lower().startswith(reports.MACHINES):
            for rule in there:
                if rule.takes(address, subject):
                    return rule.channel
    return str(ChannelCode.EMAIL)


def lines(said: object) -> tuple[str, ...]:
    """Return what an administrator wrote line by line, as it is compared."""
    return tuple(one.strip().casefold() for one in re.split(r"[\n,;]", str(said or "")) if one.strip())
