"""What a package of МЭДО told beside its text and its covering letter: who signed, and every one of the checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otklik.channels.medo import checks, notices
from otklik.core import signatures
from otklik.correspondence.models import ChannelCode, IncomingMessage

TONES: Mapping[str, str] = {"ok": "chip-good", "failed": "chip-bad", "remark": "chip-warn", "unchecked": "chip-warn"}
SIGNED: Mapping[str, str] = {"good": "верна", "bad": "неверна", "unchecked": "не проверено"}


@dataclass(frozen=True)
class Line:
    """One check, or one signature: what it is, its state in words and in colour, why."""

    name: str
    state: str
    tone: str
    why: str = ""


@dataclass(frozen=True)
class Package:
    """A package as a clerk sees it."""

    version: str
    confirmed: bool
    urgency: str
    signatures: list[Line]
    checks: list[Line]

    @property
    def summary(self) -> str:
        """Return how the checks ended, in a few words."""
        bad = [line for line in self.checks if line.state == checks.STATES["failed"]]
        doubtful = [line for line in self.checks if line.tone == "chip-warn"]
        parts = [f"{words}: {len(some)}" for words, some in (("не пройдено", bad), ("под вопросом", doubtful)) if some]
        return ", ".join(parts) or "все пройдены"


def package(row: IncomingMessage) -> Package | None:
    """Return what is known of a message's package; None where it came otherwise or could not be read."""
    if row.channel != ChannelCode.MEDO or not (facts := notices.facts_of(row)):
        return None
    return Package(
        version=facts.get("version", ""),
        confirmed=bool(facts.get("version_confirmed")),
        urgency=facts.get("urgency", ""),
        signatures=[_signature(one) for one in facts.get("signatures") or ()],
        checks=[
            Line(
                f"{one['number']}. {checks.NAMES[one['number']]}",
                checks.STATES[one["state"]],
                TONES.get(one["state"], "chip-none"),
                one["why"] if one["state"] != "none" else "",
            )
            for one in facts.get("checks") or ()
        ],
    )


def _signature(one: dict[str, Any]) -> Line:
    tone = {"good": "chip-good", "bad": "chip-bad"}.get(one["state"], "chip-warn")
    told = [*signatures.holder(one.get("signer") or {}), one["why"]]
    return Line(one["file"], SIGNED[one["state"]], tone, "; ".join(part for part in told if part))
