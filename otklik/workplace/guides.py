"""Guides of channels: pages of docs/channels/ shown in the product, in the little Markdown they are written in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

import otklik

# The wheel carries them inside the package; a checkout has them where they are written.
_FOLDERS: Final = (
    Path(otklik.__file__).parent / "channels" / "guides",
    Path(otklik.__file__).parents[1] / "docs/channels",
)
_NAME: Final = re.compile(r"[a-z_]{1,40}")
_ITEM: Final = re.compile(r"(?:[-*]|(\d+)\.)\s+(.*)")
_MARKS: Final = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\[([^\]]+)\]\((https://[^)\s]+)\)"), r'<a href="\2" rel="noreferrer">\1</a>'),
    (re.compile(r"\[([^\]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"&lt;(https://[^&\s]+)&gt;"), r'<a href="\1" rel="noreferrer">\1</a>'),
)


@dataclass
class Block:
    """A piece of a guide: `kind` is heading, text, list, numbers, code or table."""

    kind: str
    lines: list[SafeString] = field(default_factory=list)
    rows: list[list[SafeString]] = field(default_factory=list)
    level: int = 0


def find(name: str) -> list[Block]:
    """Return a guide, nothing where there is none."""
    stem = Path(name).stem
    if not _NAME.fullmatch(stem):
        return []
    path = next((one for folder in _FOLDERS if (one := folder / f"{stem}.md").is_file()), None)
    return list(read(path.read_text(encoding="utf-8"))) if path else []


def read(text: str) -> Iterator[Block]:
    """Read Markdown: headings, paragraphs, lists, tables, fenced code; anything else is a paragraph."""
    for piece in _pieces(text):
        first = piece[0]
        if first.startswith("```"):
            yield Block("code", [escape("\n".join(piece[1:-1]))])
        elif first.startswith("#"):
            words = first.lstrip("#")
            yield Block("heading", [_inline(words.strip())], level=len(first) - len(words))
        elif first.startswith("|"):
            rows = [[_inline(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in piece]
            yield Block("table", rows=[row for at, row in enumerate(rows) if at != 1])
        elif (item := _ITEM.match(first)) is not None:
            yield Block("numbers" if item[1] else "list", [_inline(words) for words in _items(piece)])
        else:
            yield Block("text", [_inline(" ".join(piece))])


def _pieces(text: str) -> Iterator[list[str]]:
    piece: list[str] = []
    is_code = False
    for line in [*text.splitlines(), ""]:
        fence = line.startswith("```")
        begins = fence or line.startswith("#") or (bool(piece) and line.startswith("|") != piece[0].startswith("|"))
        if piece and not is_code and (begins or not line.strip() or _starts_list(piece, line)):
            yield piece
            piece = []
        if is_code or line.strip():
            piece.append(line.rstrip())
        if fence and is_code:
            yield piece
            piece, is_code = [], False
        elif fence:
            is_code = True
        elif not is_code and line.startswith("#"):
            yield piece
            piece = []
    if piece:
        yield [*piece, ""] if is_code else piece


def _starts_list(piece: list[str], line: str) -> bool:
    return bool(_ITEM.match(line)) and not _ITEM.match(piece[0])


def _items(piece: list[str]) -> Iterator[str]:
    """Yield the items of a list; a line that is indented goes on with the one before."""
    item = ""
    for line in piece:
        if found := _ITEM.match(line):
            if item:
                yield item
            item = found[2]
        else:
            item = f"{item} {line.strip()}"
    yield item


def _inline(words: str) -> SafeString:
    shown = str(escape(words))
    for mark, html in _MARKS:
        shown = mark.sub(html, shown)
    return mark_safe(shown)  # noqa: S308 - escaped, then only the marks above
