"""Rich text as a letter can carry it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

_BLOCKS: Final = frozenset({"p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "hr", "div", "blockquote", "table", "tr"})
_SPACES: Final = re.compile(r"[ \t\r\f\v]+")


class _Reader(HTMLParser):
    """Collects text; paragraphs are parted by an empty line, points of a list begin with a dash or a number."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._counters: list[int | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("ul", "ol"):
            self._counters.append(0 if tag == "ol" else None)
        if tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append(f"\n{self._point()} ")
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ul", "ol") and self._counters:
            self._counters.pop()
        if tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))

    def _point(self) -> str:
        if not self._counters or (number := self._counters[-1]) is None:
            return "—"
        self._counters[-1] = number + 1
        return f"{number + 1}."


def plain_text(html: str) -> str:
    """Return the text of rich text, without markup."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [_SPACES.sub(" ", line).strip() for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
