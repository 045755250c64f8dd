"""A message another system hands over, as a value and as the bytes that are kept: JSON, as it was sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from otklik.correspondence.models import ChannelCode

SCHEMA: Final = "handover/1"

# The channels nobody fetches from: what comes there is written down by hand, or handed over by the system it came to;
# and the site, where the department has a form of its own.
Handed: TypeAlias = Literal["governor_reception", "ekc", "hotline", "post", "reception", "website"]
CHANNELS: Final = tuple(ChannelCode(code) for code in get_args(Handed))


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what was said, however its JSON was written down."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def from_bytes(raw: bytes) -> dict[str, Any]:
    """Read what was handed over; raise ValueError where it is something else."""
    content = json.loads(raw)
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        raise ValueError("not a message")
    told = [content.get("subject"), *_said(content.get("applicant")), *_said(content.get("answer"))]
    if not all(word is None or isinstance(word, str) for word in told):
        raise ValueError("a field is no text")
    return content


def _said(part: Any) -> list[Any]:
    if part is not None and not isinstance(part, dict):
        raise ValueError("a part is no object")
    return list(part.values()) if part else []
