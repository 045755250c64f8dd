"""A scanned letter as it is handed to the inbox: the kept bytes are JSON, its PDF is a kept file named by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

SCHEMA: Final = "post/1"


@dataclass(frozen=True)
class Scanned:
    """One letter: where in which file it lies, what was recognised, what is proposed."""

    batch: str  # SHA-256 of the scanner's file
    pages: tuple[int, ...]
    sha256: str  # of the letter's PDF
    name: str
    text: str
    subject: str = ""
    sender: str = ""
    applicant: Mapping[str, str] | None = None
    written_on: str = ""
    track: str = ""
    notes: tuple[str, ...] = ()

    @property
    def external_id(self) -> str:
        """Return what the letter is called: the same for the same pages of the same file."""
        return f"scan:{self.batch[:32]}:{self.pages[0]}-{self.pages[-1]}"

    def to_bytes(self) -> bytes:
        """Return the one way to write this letter down."""
        content = {"schema": SCHEMA, **asdict(self)}
        return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of what lies where: the same pages of the same file are the same letter, however recognised."""
        return hashlib.sha256(f"{self.batch}:{','.join(map(str, self.pages))}".encode()).hexdigest()


def from_bytes(raw: bytes) -> Scanned | None:
    """Read what `to_bytes` wrote; None where it is something else."""
    try:
        content: Any = json.loads(raw)
        if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
            return None
        lists = {name: tuple(content.pop(name)) for name in ("pages", "notes")}
        return Scanned(**content, **lists)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
