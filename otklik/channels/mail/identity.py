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
    for piece in _normalised(body):
        digest.update(piece)
    found = re.search(rb"<[^<>\s]{1,450}>", headers.get(b"message-id", b""))
    key = found.group().decode("utf-8", "replace") if found else f"sha256:{digest.hexdigest()}"
    return Identity(key, digest.hexdigest())


def _split(raw: bytes | Path) -> tuple[bytes, Iterator[bytes]]:
    """Return the bytes up to the first empty line, and the rest in pieces."""
    if isinstance(raw, bytes):
        match = re.search(rb"\r?\n\r?\n", raw[:HEADERS_MOST])
        end = match.end() if match else len(raw)
        return raw[:end], iter([raw[end:]])
    with raw.open("rb") as file:
        start = file.read(HEADERS_MOST)
    match = re.search(rb"\r?\n\r?\n", start)
    end = match.end() if match else len(start)
    return start[:end], _pieces(raw, end)


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
