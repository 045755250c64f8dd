"""A scanned letter as it is handed to the inbox: the kept bytes are JSON, its PDF is a kept file named by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from otklik.correspondence.text import clean
from otklik.people.applicants import Typed

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
    """Read what `to_bytes` wrote; None where it is something else, ValueError where it is ours and broken."""
    try:
        content: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        return None
    pages, notes, applicant = content.get("pages"), content.get("notes", []), content.get("applicant") or {}
    if not isinstance(pages, list) or not pages or not all(type(page) is int and 0 < page < 100_000 for page in pages):
        raise ValueError("no pages")
    if not isinstance(notes, list) or not isinstance(applicant, dict):
        raise ValueError("of another type")
    return Scanned(
        **{name: _words(content, name) for name in ("batch", "sha256", "name", "text")},
        **{name: _words(content, name, "") for name in ("subject", "sender", "written_on", "track")},
        pages=tuple(pages),
        applicant={name: _words(applicant, name, "") for name in _APPLICANT if name in applicant},
        notes=tuple(clean(note) for note in notes if isinstance(note, str)),
    )


_APPLICANT: Final = tuple(field.name for field in fields(Typed))


def _words(content: Mapping[str, Any], name: str, instead: str | None = None) -> str:
    said = content.get(name, instead)
    if not isinstance(said, str):
        raise ValueError(f"{name} is no text")
    return clean(said)
