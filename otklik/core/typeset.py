"""A document as PDF, set by Typst with its embedded fonts: no network, no system fonts.

All words come as data: nothing in them is code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache
from pathlib import Path

import typst
from django.utils import timezone


def pdf(source: Path, data: Mapping[str, Mapping[str, object]], *, on: date) -> bytes:
    """Return a document as PDF bytes; `data` are its `sys.inputs`. The same words of the same day: the same bytes."""
    made_at = timezone.make_aware(datetime.combine(on, time.min))
    content = _compiler(source).compile(
        format="pdf",
        sys_inputs={name: json.dumps(value, ensure_ascii=False) for name, value in data.items()},
        timestamp=int(made_at.timestamp()),
    )
    if not isinstance(content, bytes):
        raise TypeError("typst returned no single PDF")
    return content


def png(source: Path, data: Mapping[str, Mapping[str, object]]) -> bytes:
    """Return a document of one page as a picture for printing, 200 dots an inch."""
    inputs = {name: json.dumps(value, ensure_ascii=False) for name, value in data.items()}
    content = _compiler(source).compile(format="png", ppi=200, sys_inputs=inputs)
    if not isinstance(content, bytes):
        raise TypeError("typst returned no single page")
    return content


@cache
def _compiler(source: Path) -> typst.Compiler:
    return typst.Compiler(input=source, root=source.parent, ignore_system_fonts=True)
