"""The separator sheet: laid between two letters on the scanner's glass, read back by its QR code."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import segno
from django.utils import timezone

from otklik.channels.post.reading import SEPARATOR
from otklik.core import typeset

SOURCE: Final = Path(__file__).parent / "separator.typ"


def sheet() -> bytes:
    """Return the sheet as a PDF of one page, to be printed as many times as needed."""
    drawn = io.BytesIO()
    segno.make(SEPARATOR, error="h", micro=False).save(drawn, kind="svg", border=4)
    words = {
        "title": "Следующее письмо",
        "hint": "Лист-разделитель. Положите его между письмами перед сканированием. В письмо он не попадёт.",
        "qr": drawn.getvalue().decode(),
    }
    return typeset.pdf(SOURCE, {"sheet": words}, on=timezone.localdate())
