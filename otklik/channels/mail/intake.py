"""Letters come in: their bytes are kept, then they are read. The same for a mailbox, a pipe and a folder."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.utils import timezone

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
    return inbox.accept(_arrived(Letter(raw), point))


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
    return inbox.accept_each([_arrived(one, point) for one in letters], to_read=True)


def _keep_alone(letter: Letter, point: str) -> inbox.Accepted | None:
    try:
        return _keep([letter], point)[0]
    except Exception:
        log.exception("a letter is not kept")
        return None


def read(accepted: Iterable[inbox.Accepted | None], channel: Channel) -> None:
    """Let `channel` read those that are new: the row becomes new, joined to a thread, or goes to quarantine."""
    inbox.parse_each([one.message for one in accepted if one and not one.duplicate], {channel.code: channel})


def take_in(raw: bytes | Path, *, channel: Channel, point: str = "") -> inbox.Accepted:
    """Keep one letter and read it. Raise what the disk or the database raises."""
    [accepted] = _keep([Letter(raw)], point)
    read([accepted], channel)
    return accepted


def _arrived(letter: Letter, point: str) -> Arrived:
    identity = identify(letter.raw)
    return Arrived(
        channel=ChannelCode.EMAIL,
        external_id=identity.external_id,
        digest=identity.digest,
        raw=letter.raw,
        received_at=letter.received_at or timezone.now(),
        contact_point=point,
    )
