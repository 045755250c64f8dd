"""What is kept of a message of a network: the update as it was given, and the files that were fetched beside it.

One JSON object: {"schema", "update", "files": [{"name", "type", "sha256" | "problem"}], …}; the files lie in the store.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from otklik.channels import wire
from otklik.core import files
from otklik.core.models import StoredFile
from otklik.correspondence.channel import ParsedFile, ParseError, SourceError
from otklik.correspondence.models import IncomingMessage
from otklik.correspondence.text import clean

LARGEST: Final = 50 * 1024 * 1024  # bytes of one attachment
MOST_FILES: Final = 30  # of one message, with everything forwarded in it
LONGEST: Final = 120.0  # seconds for all of them: the other side waits for our answer
_LARGEST_NUMBER: Final = 2**63


@dataclass(frozen=True)
class Wanted:
    """An attachment that the other side names: what it is called and where it lies."""

    name: str
    url: str
    declared_type: str = ""


# --- writing ---------------------------------------------------------------------------------------------------------


def packed(schema: str, update: Mapping[str, Any], found: Sequence[Mapping[str, str]], **told: Any) -> bytes:
    """Return the bytes that are kept; `told` is what was asked about the message when it came."""
    return json.dumps({"schema": schema, "update": update, "files": list(found), **told}, ensure_ascii=False).encode(
        errors="replace"
    )


def digest(content: Any) -> str:
    """Return the SHA-256 of what was said, however its JSON was written down."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def fetched(wanted: Iterable[Wanted], *, hosts: Sequence[str], base: str = "") -> list[dict[str, str]]:
    """Fetch attachments into the store; one that cannot be had says why and stops nothing."""
    found, until = [], time.monotonic() + LONGEST
    with tempfile.TemporaryDirectory(prefix="otklik-attached-") as folder:
        for number, one in enumerate(wanted):
            told = {"name": file_name(one.name, number), "type": one.declared_type}
            try:
                if number >= MOST_FILES:
                    raise SourceError(f"Вложений больше {MOST_FILES}: откройте это в самой сети.")
                if time.monotonic() > until:
                    raise SourceError("Вложения скачивались слишком долго: откройте это в самой сети.")
                path = Path(folder) / str(number)
                wire.download(one.url, path, hosts=hosts, limit=LARGEST, base=base)
                told["sha256"] = files.store(path, name=told["name"]).sha256
                path.unlink()
            except SourceError as failure:
                told["problem"] = str(failure)
            found.append(told)
    return found


def known(channel: str, external_id: str, digest: str) -> bool:
    """Say whether the very same message has been kept: a repeat costs no second download."""
    ids = [external_id, f"{external_id}#{digest[:16]}"]
    return IncomingMessage.objects.filter(channel=channel, external_id__in=ids, digest=digest).exists()


# --- reading ---------------------------------------------------------------------------------------------------------


def object_in(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object that bytes are; None where they are none."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def opened(raw: Path, *, schema: str) -> dict[str, Any]:
    """Read what `packed` wrote. Raise ParseError where it is something else."""
    content = object_in(raw.read_bytes())
    if content is None or not isinstance(content.get("update"), dict):
        raise ParseError("Это не сообщение этого канала: откройте оригинал.")
    if content.get("schema") != schema:
        raise ParseError("Сообщение записано в неизвестном виде: откройте оригинал.")
    return content


def papers(content: Mapping[str, Any]) -> tuple[ParsedFile, ...]:
    """Return the files of a kept message, out of the store."""
    told = mappings(content.get("files"))
    stored = StoredFile.objects.in_bulk([words(one.get("sha256")) for one in told], field_name="sha256")
    return tuple(_paper(one, number, stored) for number, one in enumerate(told))


def _paper(one: Mapping[str, Any], number: int, stored: Mapping[str, StoredFile]) -> ParsedFile:
    name, declared = file_name(words(one.get("name")), number), words(one.get("type"))
    there = stored.get(words(one.get("sha256")))
    if there is None:
        problem = words(one.get("problem")) or "Файла нет в хранилище."
        return ParsedFile(name, declared, b"", problem=problem)
    return ParsedFile(name, declared, files.path_of(there))


def file_name(given: str, number: int) -> str:
    """Return a name without folders and signs no disk bears."""
    bare = re.sub(r"[\x00-\x1f/\\:*?\"<>|]+", " ", clean(given)).strip(" .")[:200]
    return bare or f"вложение {number + 1}"


# --- values of others -------------------------------------------------------------------------------------------------


def words(value: Any) -> str:
    """Return a text, clean; anything else is none."""
    return clean(value) if isinstance(value, str) else ""


def number(value: Any) -> int:
    """Return a whole number a database bears; anything else is 0."""
    good = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_NUMBER
    return value if good else 0


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list; anything else is an empty list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def moment(seconds: float) -> datetime | None:
    """Return when it was written; None where the clock of the other side cannot be right."""
    if not 631_152_000 <= seconds < 32_503_680_000:  # 1990, 3000
        return None
    written = datetime.fromtimestamp(seconds, UTC)
    return written if written < datetime.now(UTC) + timedelta(days=1) else None


# --- sending ---------------------------------------------------------------------------------------------------------


def in_parts(text: str, limit: int) -> list[str]:
    """Return a text in parts of at most `limit` characters, cut between paragraphs, else lines, sentences, words."""
    parts, rest = [], text.strip()
    while len(rest) > limit:
        cut = next((at for sign in ("\n\n", "\n", ". ", " ") if (at := rest.rfind(sign, limit // 2, limit)) > 0), limit)
        head = rest[: cut + 1] if rest[cut : cut + 2] == ". " else rest[:cut]
        parts.append(head.rstrip())
        rest = rest[len(head) :].lstrip()
    return [*parts, rest] if rest or not parts else parts
