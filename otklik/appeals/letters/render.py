"""The answer as a PDF letter: everything it shows, and how it is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from otklik.core import typeset

SOURCE: Final = Path(__file__).parent / "letter.typ"


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
    return typeset.pdf(SOURCE, {"letter": asdict(letter)}, on=on)


def requisites(lines: Sequence[str]) -> list[str]:
    """Return the lines of a letterhead that are not empty."""
    return [line for line in lines if line.strip()]
