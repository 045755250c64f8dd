"""What makes two deliveries the same letter: a scan of bytes that cannot fail, whatever the letter looks like."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADERS_MOST = 256 * 1024  # bytes of headers looked at
CHUNK = 1024 * 1024
STABLE = (b"from", b"date", b"subject", b"message-id")


@dataclass(frozen=True)
class Identity:
    """`external_id` is the Message-ID where there is one; `digest` covers what delivery does not change."""

    external_id: str
    digest: str


def identify(raw: bytes | Path) -> Identity:
    """Return the identity of a letter. Headers that servers add (Received, Delivered-To) do not count."""
    head, body = _split(raw)
    headers = _headers(head)
    digest = hashlib.sha256()
    for name in STABLE:
        digest.update(name + b":" + headers.get(name, b"") + b"\n")
    size = 0
    for piece in _normalised(body):
        digest.update(piece)
        size += len(piece)
    if not size and not any(headers.get(name) for name in STABLE):
        digest.update(head)  # nothing else tells it from another letter
    found = re.search(rb"<[^<>\s]{1,450}>", headers.get(b"message-id", b""))
    key = found.group().decode("utf-8", "replace") if found else f"sha256:{digest.hexdigest()}"
    return Identity(key, digest.hexdigest())


def head(raw: bytes | Path) -> bytes:
    """Return the letter's headers, as far as they are looked at."""
    if isinstance(raw, bytes):
        return raw[:HEADERS_MOST][: _parted(raw[:HEADERS_MOST])[1] or None]
    with raw.open("rb") as file:
        start = file.read(HEADERS_MOST)
    return start[: _parted(start)[1] or None]


def _split(raw: bytes | Path) -> tuple[bytes, Iterator[bytes]]:
    """Return the headers, and the body in pieces. Where no empty line parts them, all of it is both."""
    if isinstance(raw, bytes):
        head, body = _parted(raw[:HEADERS_MOST])
        return head, iter([raw[body:]])
    with raw.open("rb") as file:
        head, body = _parted(file.read(HEADERS_MOST))
    return head, _pieces(raw, body)


def _parted(start: bytes) -> tuple[bytes, int]:
    match = re.search(rb"\r?\n\r?\n", start)
    return (start[: match.end()], match.end()) if match else (start, 0)


def _pieces(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        yield from iter(lambda: file.read(CHUNK), b"")


def _headers(head: bytes) -> dict[bytes, bytes]:
    """Return the first value of each header, unfolded, spaces reduced."""
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head)
    found: dict[bytes, bytes] = {}
    for line in unfolded.splitlines():
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() not in found:
            found[name.strip().lower()] = b" ".join(value.split())
    return found


def _normalised(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Drop carriage returns and the blank space at the very end: servers change both."""
    held = b""
    for piece in pieces:
        text = held + piece.replace(b"\r", b"")
        kept = text.rstrip(b" \t\n")
        held = text[len(kept) :]
        yield kept
