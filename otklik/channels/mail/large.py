"""Letters over 20 MB: the standard parser sees a skeleton, large bodies are decoded from the raw file in pieces.

Measured: the standard parser alone takes nine times the letter's size in memory.
"""

from __future__ import annotations

import base64
import binascii
import io
import quopri
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIMIT = 20 * 1024 * 1024  # a letter larger than this is read by its skeleton
SMALL_BODY = 256 * 1024  # a part larger than this stays in the raw file
LONGEST_LINE = 64 * 1024
MARK = "X-Otklik-Body"
BOUNDARY = re.compile(rb"boundary\s*=\s*(\"[^\"\r\n]{1,200}\"|[^\s;\"]{1,200})", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """Where the encoded body of a part lies in the raw file."""

    start: int
    end: int


class _Scanner:
    """Copies a letter line by line, leaving large bodies out."""

    def __init__(self, raw: Path) -> None:
        self.raw = raw
        self.skeleton = io.BytesIO()
        self.spans: list[Span] = []
        self.boundaries: set[bytes] = set()
        self.headers = bytearray()
        self.in_headers = True
        self.body_start = self.kept_from = 0
        self.large = False

    def run(self) -> None:
        offset = 0
        with self.raw.open("rb") as file:
            for line in iter(lambda: file.readline(LONGEST_LINE), b""):
                self._line(line, offset)
                offset += len(line)
        self._close(offset)

    def _line(self, line: bytes, offset: int) -> None:
        bare = line.rstrip(b"\r\n")
        if bare.startswith(b"--") and (bare[2:] in self.boundaries or bare[2:-2] in self.boundaries):
            self._close(offset)
            self.skeleton.write(line)
            self.in_headers, self.headers = True, bytearray()
        elif self.in_headers:
            self._header(line, bare, offset)
        elif not self.large:
            self.skeleton.write(line)
            self.large = offset + len(line) - self.body_start > SMALL_BODY

    def _header(self, line: bytes, bare: bytes, offset: int) -> None:
        if bare:
            self.headers += line[:8192]
            self.skeleton.write(line)
            return
        self.boundaries |= {found.strip(b'"') for found in BOUNDARY.findall(bytes(self.headers))}
        self.skeleton.write(b"%s: %d\n" % (MARK.encode(), len(self.spans)))
        self.skeleton.write(line)
        self.in_headers, self.large = False, False
        self.body_start, self.kept_from = offset + len(line), self.skeleton.tell()
        self.spans.append(Span(self.body_start, self.body_start))

    def _close(self, offset: int) -> None:
        """End the part before `offset`; a large body leaves the skeleton."""
        if self.in_headers or not self.spans:
            return
        self.spans[-1] = Span(self.body_start, offset if self.large else self.body_start)
        if self.large:
            self.skeleton.seek(self.kept_from)
            self.skeleton.truncate()


def skeleton(raw: Path) -> tuple[bytes, list[Span]]:
    """Return the letter without its large bodies, and where each part's left-out body lies (empty: it is kept)."""
    scanner = _Scanner(raw)
    scanner.run()
    return scanner.skeleton.getvalue(), scanner.spans


def extract(raw: Path, span: Span, encoding: str) -> tuple[Path, str]:
    """Decode a left-out body into a temporary file; return it with a Russian remark where it is damaged."""
    problem = ""
    with tempfile.NamedTemporaryFile(prefix="otklik-part-", delete=False) as out:
        try:
            for piece in _decoded(_lines(raw, span), encoding.strip().lower()):
                out.write(piece)
        except (binascii.Error, ValueError):
            problem = "вложение повреждено при пересылке, сохранена читаемая часть"
    return Path(out.name), problem


def _lines(raw: Path, span: Span) -> Iterator[bytes]:
    left = span.end - span.start
    with raw.open("rb") as file:
        file.seek(span.start)
        while left > 0 and (line := file.readline(min(left, LONGEST_LINE))):
            left -= len(line)
            yield line


def _decoded(lines: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding == "quoted-printable":
        for line in lines:
            yield quopri.decodestring(line)
    elif encoding == "base64":
        held = bytearray()
        for line in lines:
            held += re.sub(rb"[^A-Za-z0-9+/=]", b"", line)
            if len(held) >= SMALL_BODY:
                whole = len(held) // 4 * 4
                yield base64.b64decode(bytes(held[:whole]))
                del held[:whole]
        yield base64.b64decode(bytes(held) + b"=" * (-len(held) % 4))
    else:
        yield from lines
