"""One thing an exchange told of a call, whatever language it told it in; and what all of them say about the call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from otklik.core.typed import FIRST_YEAR, LAST_YEAR
from otklik.hotline.models import CallEvent

Kind = CallEvent.Kind
Source = CallEvent.Source
LONGEST_UID: Final = 120
LONGEST_NAME: Final = 60
LONGEST_NUMBER: Final = 40
MOST_SECONDS: Final = 1_000_000  # a call of eleven days is a slip of the exchange
# How exchanges say that the number is withheld.
_WITHHELD: Final = {"anonymous", "unknown", "<unknown>", "withheld", "restricted", "private", "unavailable", "none"}


class Unreadable(ValueError):
    """The exchange said what cannot be understood; the words say what, never the number of anybody."""


@dataclass(frozen=True)
class Event:
    """One thing told of one call. `said`: the exchange's own words, by which a repetition is recognised.

    Facts, each where it is known: `queue`, `dialled`, `number`, `agent`, `waited`, `talked`, `position`, `to`, `why`,
    `direction`; of what is written by hand `line` and `by`. An event of no call (no `uid`): the exchange has started.
    """

    source: str
    uid: str
    kind: str
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    said: str = ""

    @cached_property
    def key(self) -> str:
        """Return what the event is recognised by when it is told once more."""
        said = self.said or json.dumps([self.uid, self.at.isoformat(), self.facts], sort_keys=True, ensure_ascii=False)
        return sha256(f"{self.kind}\n{said}".encode()).hexdigest()


def clean(text: object, most: int = LONGEST_NAME) -> str:
    """Return one field as it may be kept: no control characters, not too long."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", str(text or "")).strip()[:most]


def number(text: object) -> str:
    """Return the caller's number; empty when it is withheld."""
    said = clean(text, LONGEST_NUMBER)
    return "" if said.lower() in _WITHHELD else said


def seconds(text: object) -> int | None:
    """Return a span in whole seconds, or None where none is told."""
    said = clean(text)
    return min(int(said), MOST_SECONDS) if said.isdecimal() and len(said) < 12 else None


def moment(epoch: str) -> datetime:
    """Return a moment told in seconds since 1970; raise Unreadable."""
    try:
        at = datetime.fromtimestamp(float(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable("время не прочитано") from None
    return in_our_time(at)


def in_our_time(at: datetime) -> datetime:
    """Return a moment of the years we count with; raise Unreadable."""
    if not FIRST_YEAR <= at.year < LAST_YEAR:
        raise Unreadable("время вне разумных лет")
    return at


def facts(**known: object) -> dict[str, Any]:
    """Return those facts that are known."""
    return {name: value for name, value in known.items() if value not in (None, "")}


def extension(agent: str) -> str:
    """Return an inner number out of a channel or an agent's name: «PJSIP/101-0000002a» and «Local/101@x/n» are 101."""
    name = agent.strip()
    if "/" in name and (told := re.match(r"[\w-]+/(.+)", name)):
        name = re.sub(r"-[0-9a-f]{8}(;\d)?$", "", told.group(1).partition("@")[0]).partition("/")[0]
    return name[:LONGEST_NAME]
