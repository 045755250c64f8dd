"""Words of libraries that say something else here, or nothing in Russian: `otklik/locale/ru`, compiled from its .po."""

from __future__ import annotations

import sys
from pathlib import Path

import polib

FOLDER = Path(__file__).resolve().parent.parent / "otklik" / "locale" / "ru" / "LC_MESSAGES"


def compiled() -> bytes:
    """Return what Django reads, made of what people edit."""
    made: bytes = polib.pofile(str(FOLDER / "django.po")).to_binary()
    return made


if __name__ == "__main__":
    sys.exit((FOLDER / "django.mo").write_bytes(compiled()) == 0)
