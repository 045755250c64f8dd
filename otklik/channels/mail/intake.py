"""Letters come in: their bytes are kept, then they are read. The same for a mailbox, a pipe and a folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from otklik.channels.mail import routing
from otklik.channels.mail.identity import identify
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived, Channel
from otklik.correspondence.models import ChannelCode

log = logging.getLogger("otklik.mail")


@dataclass(frozen=True)
class Letter:
    """The bytes of a letter, or the file they are in, and when the server got it (aware; now if it does not say)."""

    raw: bytes | Path
    received_at: datetime | None = None

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return self.raw.stat().st_size if isinstance(self.raw, Path) else len(self.raw)


def keep(raw: bytes | Path, *, point: str = "") -> inbox.Accepted:
    """Keep a letter durably, once; it is committed when this returns. Raise what the disk or the database raises."""
    return inbox.accept(_arrived(Letter(raw), point, routing.rules()))


def keep_each(letters: Sequence[Letter], *, point: str = "") -> list[inbox.Accepted | None]:
    """Keep letters in one commit, to be read by `read` at once; None for one that could not be kept.

    When they cannot be kept together, each is tried alone: a letter that the disk or the base refuses delays no other.
    """
    try:
        return list(_keep(letters, point))
    except Exception:
        log.exception("%s letters are not kept together", len(letters))
        return [_keep_alone(one, point) for one in letters]


def _keep(letters: Sequence[Letter], point: str) -> list[inbox.Accepted]:
    """Keep what is the mailbox's own to be read at once, and the letters of other channels for their readers."""
    rules = routing.rules()
    arrived = [_arrived(one, point, rules) for one in letters]
    kept: dict[int, inbox.Accepted] = {}
    for own in (True, False):
        places = [place for place, one in enumerate(arrived) if (one.channel == ChannelCode.EMAIL) == own]
        if places:
            accepted = inbox.accept_each([arrived[place] for place in places], to_read=own)
            kept.update(zip(places, accepted, strict=True))
    return [kept[place] for place in range(len(letters))]


def _keep_alone(letter: Letter, point: str) -> inbox.Accepted | None:
    try:
        return _keep([letter], point)[0]
    except Exception:
        log.exception("a letter is not kept")
        return None


def read(accepted: Iterable[inbox.Accepted | None], channel: Channel) -> None:
    """Let `channel` read its own that are new: the row becomes new, joined to a thread, or goes to quarantine."""
    new = [one.message for one in accepted if one and not one.duplicate]
    inbox.parse_each([message for message in new if message.channel == channel.code], {channel.code: channel})


def take_in(raw: bytes | Path, *, channel: Channel, point: str = "") -> inbox.Accepted:
    """Keep one letter and read it. Raise what the disk or the database raises."""
    [accepted] = _keep([Letter(raw)], point)
    read([accepted], channel)
    return accepted


def _arrived(letter: Letter, point: str, rules: list[routing.Rule]) -> Arrived:
    identity = identify(letter.raw)
    channel = routing.channel_of(letter.raw, rules)
    return Arrived(
        channel=channel,
        external_id=identity.external_id,
        digest=identity.digest,
        raw=letter.raw,
        received_at=letter.received_at or timezone.now(),
        contact_point=point if channel == ChannelCode.EMAIL else "",
    )
