"""Pages of docs/ shown in the product, in the little Markdown they are written in: guides, and what is new."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

import otklik

_PACKAGE: Final = Path(otklik.__file__).parent
# The wheel carries them inside the package; a checkout has them where they are written.
CHANNELS: Final = (_PACKAGE / "channels" / "guides", _PACKAGE.parent / "docs" / "channels")
ROLES: Final = (_PACKAGE / "workplace" / "help" / "guides", _PACKAGE.parent / "docs" / "guides")
PICTURES: Final = (_PACKAGE / "workplace" / "help" / "pictures", _PACKAGE.parent / "docs" / "pictures")
NEWS: Final = (_PACKAGE / "workplace" / "help", _PACKAGE.parent / "docs")
_NAME: Final = re.compile(r"[a-z_-]{1,40}")
_PICTURE: Final = re.compile(r"!\[([^\]]*)\]\((?:\.\./)?pictures/([a-z0-9-]{1,60}\.png)\)")
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)\s]*)\)")
_ITEM: Final = re.compile(r"(?:[-*]|(\d+)\.)\s+(.*)")
_MARKS: Final = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"&lt;(https://[^&\s]+)&gt;"), r'<a href="\1" rel="noreferrer">\1</a>'),
)


Lead = Callable[[str], str]  # what a link names beside the page → where it leads here, nothing where nowhere


def _nowhere(_: str) -> str:
    return ""


@dataclass
class Block:
    """A piece of a guide: `kind` is heading, text, list, numbers, code, table or picture (`lines`: what it shows)."""

    kind: str
    lines: list[SafeString] = field(default_factory=list)
    rows: list[list[SafeString]] = field(default_factory=list)
    level: int = 0
    anchor: str = ""  # of a heading: as the forge's own pages call it
    picture: str = ""
    size: tuple[int, int] | None = None  # of a picture, so that its place is kept before it has come


def find(name: str, shelf: tuple[Path, ...] = CHANNELS, *, lead: Lead = _nowhere) -> list[Block]:
    """Return a guide, nothing where there is none."""
    text = text_of(name, shelf)
    return list(read(text, lead=lead)) if text else []


def text_of(name: str, shelf: tuple[Path, ...]) -> str:
    """Return a page as it is written, nothing where there is none."""
    stem = Path(name).stem
    path = file_of(f"{stem}.md", shelf) if _NAME.fullmatch(stem) else None
    return path.read_text(encoding="utf-8") if path else ""


def file_of(name: str, shelf: tuple[Path, ...]) -> Path | None:
    """Return a file of a shelf by its bare name, None where there is none."""
    if Path(name).name != name:
        return None
    return next((one for folder in shelf if (one := folder / name).is_file()), None)


def anchor_of(heading: str) -> str:
    """Return what a heading is called in an address: «## Срок и паузы» → «срок-и-паузы»."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def read(text: str, *, lead: Lead = _nowhere) -> Iterator[Block]:
    """Read Markdown: headings, paragraphs, lists, tables, pictures, fenced code; anything else is a paragraph.

    `lead` says where links to neighbouring pages lead; of one that leads nowhere only the words are left.
    """

    def inline(words: str) -> SafeString:
        return _inline(words, lead)

    for piece in _pieces(text):
        first = piece[0]
        if first.startswith("```"):
            yield Block("code", [escape("\n".join(piece[1:-1]))])
        elif first.startswith("#"):
            words = first.lstrip("#")
            level = len(first) - len(words)
            yield Block("heading", [inline(words.strip())], level=level, anchor=anchor_of(words))
        elif (picture := _PICTURE.fullmatch(first.strip())) is not None:
            yield Block("picture", [escape(picture[1])], picture=picture[2], size=_size(picture[2]))
        elif first.startswith("|"):
            rows = [[inline(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in piece]
            yield Block("table", rows=[row for at, row in enumerate(rows) if at != 1])
        elif (item := _ITEM.match(first)) is not None:
            yield Block("numbers" if item[1] else "list", [inline(words) for words in _items(piece)])
        else:
            yield Block("text", [inline(" ".join(piece))])


def _size(name: str) -> tuple[int, int] | None:
    """Return width and height of a picture, as the beginning of every PNG says them."""
    path = file_of(name, PICTURES)
    if path is None:
        return None
    with path.open("rb") as file:
        beginning = file.read(24)
    return (int.from_bytes(beginning[16:20]), int.from_bytes(beginning[20:24])) if len(beginning) == 24 else None


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


def _inline(words: str, lead: Lead) -> SafeString:
    def link(found: re.Match[str]) -> str:
        address = found[2]
        if address.startswith("https://"):
            return f'<a href="{address}" rel="noreferrer">{found[1]}</a>'
        here = lead(address)
        return f'<a href="{escape(here)}">{found[1]}</a>' if here else found[1]

    shown = _LINK.sub(link, str(escape(words)))
    for mark, html in _MARKS:
        shown = mark.sub(html, shown)
    return mark_safe(shown)  # noqa: S308 - escaped, then only the marks above
