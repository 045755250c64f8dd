"""A letter comes in: its bytes are kept, then it is read. The same for a mailbox, a pipe and a folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.utils import timezone

from otklik.channels.mail.identity import identify
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived, Channel
from otklik.correspondence.models import ChannelCode


def keep(
    raw: bytes | Path, *, point: str = "", received_at: datetime | None = None, imported: bool = False
) -> inbox.Accepted:
    """Keep a letter durably, once; it is committed when this returns. Raise what the disk or the database raises."""
    identity = identify(raw)
    return inbox.accept(
        Arrived(
            channel=ChannelCode.EMAIL,
            external_id=identity.external_id,
            digest=identity.digest,
            raw=raw,
            received_at=received_at or timezone.now(),
            contact_point=point,
            imported=imported,
        )
    )


def take_in(
    raw: bytes | Path,
    *,
    channel: Channel,
    point: str = "",
    received_at: datetime | None = None,
    imported: bool = False,
) -> inbox.Accepted:
    """Keep a letter and let `channel` read it: its row is new, joined to a thread, or in quarantine."""
    accepted = keep(raw, point=point, received_at=received_at, imported=imported)
    if accepted.message.state == accepted.message.State.STORED:
        inbox.parse(accepted.message, {channel.code: channel})
    return accepted
