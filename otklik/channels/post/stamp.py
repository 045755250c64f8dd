"""The stamp «Вх. №…»: over the first page of a scanned copy, or on a label for the paper itself."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Final

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from otklik.channels.post.station import BROKEN
from otklik.core import files, typeset
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile

SOURCE: Final = Path(__file__).parent / "stamp.typ"
LABEL: Final = (204.0, 105.0)  # points: 72 × 37 mm
MOST_DRAWN: Final = 2 * 1024 * 1024  # bytes of drawing on one page: a scan has a hundred


class NoRoom(DomainError):
    """The scan cannot be stamped."""

    code = "scan.no_stamp"
    text = "Штамп на этот скан не ставится: его страница слишком сложна. Распечатайте наклейку."


def label(number: str, on: date, department: str) -> bytes:
    """Return a label with the incoming number, to be stuck on the paper."""
    return _drawn(number, on, department, *LABEL, label=True)


def stamped(pdf: StoredFile, number: str, on: date, department: str) -> bytes:
    """Return a letter with the stamp on its first page, drawn over what is there."""
    spool = io.BytesIO()
    try:
        with files.open_file(pdf) as content:
            writer = PdfWriter()
            writer.append(PdfReader(content))
            page = writer.pages[0]
            page.transfer_rotation_to_content()
            drawn = page.get_contents()
            if drawn is not None and len(drawn.get_data()) > MOST_DRAWN:
                raise NoRoom
            width, height = float(page.mediabox.width), float(page.mediabox.height)
            sheet = PdfReader(io.BytesIO(_drawn(number, on, department, width, height, label=False))).pages[0]
            page.merge_translated_page(sheet, float(page.mediabox.left), float(page.mediabox.bottom))
            writer.write(spool)
    except (PyPdfError, *BROKEN) as exc:
        raise NoRoom from exc
    return spool.getvalue()


def _drawn(number: str, on: date, department: str, width: float, height: float, *, label: bool) -> bytes:
    said = {"number": number, "date": f"{on:%d.%m.%Y}", "department": department, "label": label}
    return typeset.pdf(SOURCE, {"stamp": {**said, "width": width, "height": height}}, on=on)
