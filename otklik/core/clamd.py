"""A client of the antivirus daemon clamd: hands a file over piece by piece and reads the verdict."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

PIECE: Final = 256 * 1024
CONNECT_SECONDS: Final = 5.0
SCAN_SECONDS: Final = 120.0
_LONGEST_ANSWER: Final = 4096


class Silent(Exception):
    """The daemon does not answer, or says that it cannot work now: it is asked again later."""


class NotScanned(Exception):
    """The daemon will not look into this file; asking again does not help. The text is for an administrator."""


def scan(address: str, path: Path) -> str:
    """Return what was found in a file, empty where it is clean. Raise Silent or NotScanned."""
    with _session(address, b"zINSTREAM\0") as session:
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    session.sendall(struct.pack("!I", len(piece)) + piece)
            session.sendall(struct.pack("!I", 0))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough: what it thinks of it stands in its answer
        answer = _answer(session)
    return _found(answer)


def version(address: str) -> str:
    """Return what the daemon calls itself and its database. Raise Silent."""
    with _session(address, b"zVERSION\0", CONNECT_SECONDS) as session:
        return _answer(session)


def _found(answer: str) -> str:
    said = answer.removeprefix("stream:").strip()
    if said == "OK":
        return ""
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")
    if "size limit exceeded" in said:
        raise NotScanned("файл больше, чем принимает антивирус (StreamMaxLength)")
    raise Silent(f"антивирус ответил: {said[:100] or 'ничего'}")


@contextmanager
def _session(address: str, command: bytes, seconds: float = SCAN_SECONDS) -> Iterator[socket.socket]:
    try:
        with _connected(address) as session:
            session.settimeout(seconds)
            session.sendall(command)
            yield session
    except (OSError, ValueError) as failure:
        raise Silent(f"антивирус не отвечает ({type(failure).__name__})") from None


def _connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        session = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        session.settimeout(CONNECT_SECONDS)
        try:
            session.connect(parts.path)
        except OSError:
            session.close()
            raise
        return session
    return socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 3310), timeout=CONNECT_SECONDS)


def _answer(session: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\0") and len(said) < _LONGEST_ANSWER:
        if not (piece := session.recv(_LONGEST_ANSWER)):
            break
        said += piece
    return said.rstrip(b"\0\n").decode("utf-8", "replace").strip()
