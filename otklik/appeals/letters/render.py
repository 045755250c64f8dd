"""The answer as a PDF letter, set by Typst with its embedded fonts: no network, no system fonts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from functools import cache
from pathlib import Path

import typst
from django.utils import timezone

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Letter:
    """Everything a letter shows, as plain text."""

    title: str
    department: str
    requisites: list[str]
    date: str
    number: str
    reference: str
    addressee: list[str]
    greeting: str
    paragraphs: list[list[str]]
    attachments: list[str]
    post: str
    signer: str
    executor: list[str]


def paragraphs(text: str) -> list[list[str]]:
    """Return a text as paragraphs of lines: an empty line parts paragraphs, a single break stays a break."""
    blocks = text.replace("\r\n", "\n").split("\n\n")
    return [[line.strip() for line in block.strip().split("\n")] for block in blocks if block.strip()]


def pdf(letter: Letter, *, on: date) -> bytes:
    """Return the letter as PDF bytes; the same letter of the same day gives the same bytes."""
    made_at = timezone.make_aware(datetime.combine(on, time.min))
    content = _compiler().compile(
        format="pdf",
        sys_inputs={"letter": json.dumps(asdict(letter), ensure_ascii=False)},
        timestamp=int(made_at.timestamp()),
    )
    if not isinstance(content, bytes):
        raise TypeError("typst returned no single PDF")
    return content


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(input=FOLDER / "letter.typ", root=FOLDER, ignore_system_fonts=True)


def requisites(lines: Sequence[str]) -> list[str]:
    """Return the lines of a letterhead that are not empty."""
    return [line for line in lines if line.strip()]
