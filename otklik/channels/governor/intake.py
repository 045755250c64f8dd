"""Take in a package that a clerk brings: kept first, read at once, recognised when it is brought again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from otklik.channels.governor import package
from otklik.channels.governor.adapter import GovernorChannel
from otklik.channels.governor.cover import Cover
from otklik.core.crashpoints import reach
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.inbox import Accepted
from otklik.people.models import Employee

POINT = "governor"


def take_in(
    found: Cover,
    files: Sequence[tuple[str, IO[bytes]]],
    *,
    text: str,
    subject: str,
    sender_address: str,
    received_at: datetime,
    by: Employee,
) -> Accepted:
    """Keep a package and read it. The same letter with the same files is a repeat; with others, another message."""
    told = {"facts": found.facts(), "text": text, "subject": subject, "sender_address": sender_address}
    with tempfile.TemporaryDirectory(prefix="otklik-package-") as folder:
        path = Path(folder) / "package.zip"
        digest = package.write(told, files, path)
        reach("governor.after_package")
        named = f"{found.number}:{found.on.isoformat() if found.on else ''}" if found.number else digest
        arrived = Arrived(
            channel=GovernorChannel.code,
            external_id=f"package:{named}",
            digest=digest,
            raw=path,
            received_at=received_at,
            contact_point=POINT,
        )
        [accepted] = inbox.accept_each([arrived], to_read=True, by=by)
    reach("governor.before_read")
    if not accepted.duplicate:
        inbox.parse_each([accepted.message], {GovernorChannel.code: GovernorChannel()})
    return accepted
