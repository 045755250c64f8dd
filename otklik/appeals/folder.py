"""The folder «На подпись» on paper: all letters in one print with a list, and their scans found again by a code.

The code stands on the printed copy only; what is frozen is not touched. A scan is matched, then a person attests it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pypdfium2
import segno
import zxingcpp
from django.core.files.base import File
from PIL import Image
from pypdf import PdfReader, PdfWriter, Transformation
from pypdf.errors import PyPdfError

from otklik.appeals import signature
from otklik.appeals.models import FrozenAnswer
from otklik.core import files, sniffing, typeset
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile

LETTERS: Final = Path(__file__).parent / "letters"
MOST_PAGES: Final = 300
_DPI: Final = 150
_MM: Final = 72 / 25.4
_CODE: Final = re.compile(r"OTKLIK:(\d{1,18}):([0-9a-f]{16}):(\d{1,4})")
_IMAGES: Final = {"image/jpeg", "image/png", "image/tiff"}
_BROKEN: Final = (
    PyPdfError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    OSError,
)


class NotAScan(DomainError):
    """A file no page of which can be read."""

    code = "appeal.not_a_scan"
    text = "Скан «{name}» не прочитан: {why}. Сохраните его как PDF, TIFF, JPEG или PNG и загрузите снова."


@dataclass(frozen=True)
class Found:
    """Pages of a scan that belong together: of which letter, or (None) why of none; kept as a file of their own."""

    answer: FrozenAnswer | None
    stored: StoredFile
    pages: int
    why: str = ""
    missing: tuple[int, ...] = ()


# --- out -------------------------------------------------------------------------------------------------------------


def printed(answers: Sequence[FrozenAnswer], *, on: date) -> bytes:
    """Return one PDF to be printed: the list, then every letter with its code in the corner of each page."""
    readers = []
    for answer in answers:
        signature.verify_frozen(answer)
        readers.append(PdfReader(files.path_of(answer.letter)))
    rows = [
        [
            str(place),
            answer.appeal.number,
            answer.signer.short_name,
            f"{answer.appeal.due_on:%d.%m.%Y}" if answer.appeal.due_on else "—",
            str(len(reader.pages)),
        ]
        for place, (answer, reader) in enumerate(zip(answers, readers, strict=True), start=1)
    ]
    listed = {"title": "На подпись", "lead": f"{on:%d.%m.%Y}, писем: {len(rows)}", "rows": rows}
    writer = PdfWriter()
    writer.append(io.BytesIO(typeset.pdf(LETTERS / "folder.typ", {"folder": listed}, on=on)))
    for answer, reader in zip(answers, readers, strict=True):
        for number, page in enumerate(reader.pages, start=1):
            added = writer.add_page(page)
            _mark(added, f"OTKLIK:{answer.pk}:{answer.letter.sha256[:16]}:{number}")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def _mark(page: Any, code: str) -> None:
    """Put a code into the lower right corner, in the margin where nothing is set."""
    drawn, side = io.BytesIO(), 16 * _MM
    segno.make(code, error="m", micro=False).save(drawn, kind="pdf", border=2)
    corner = PdfReader(drawn).pages[0]
    scale = side / float(corner.mediabox.width)
    at = (float(page.mediabox.width) - side - 4 * _MM, 2 * _MM)
    page.merge_transformed_page(corner, Transformation().scale(scale).translate(*at))


# --- back ------------------------------------------------------------------------------------------------------------


def read(upload: File[bytes]) -> list[Found]:
    """Return the letters found in a scan, each as a file; a page without a code is of the letter before it."""
    name = upload.name or "скан"
    files.check(upload, name)
    upload.seek(0)
    content = upload.read()
    kind = _kind(content)
    if kind != sniffing.PDF and kind not in _IMAGES:
        raise NotAScan(name=name, why="это не скан")
    try:
        content = content if kind == sniffing.PDF else _as_pdf(content)
        codes = _codes(content)
        return _parted(PdfReader(io.BytesIO(content)), codes, name)
    except (pypdfium2.PdfiumError, Image.DecompressionBombError, *_BROKEN) as broken:
        raise NotAScan(name=name, why="он повреждён или закрыт паролем") from broken


def _kind(content: bytes) -> str:
    if b"%PDF-" in content[:1024]:
        return sniffing.PDF
    heads = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"II*\x00": "image/tiff", b"MM\x00*": "image/tiff"}
    return next((kind for head, kind in heads.items() if content.startswith(head)), "")


def _as_pdf(content: bytes) -> bytes:
    pages, drawn = [], io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        for number in range(min(getattr(picture, "n_frames", 1), MOST_PAGES)):
            picture.seek(number)
            pages.append(picture.convert("RGB"))
    pages[0].save(drawn, "PDF", save_all=True, append_images=pages[1:], resolution=200)
    return drawn.getvalue()


def _codes(content: bytes) -> list[tuple[int, str, int] | None]:
    found: list[tuple[int, str, int] | None] = []
    with ExitStack() as opened:
        document = pypdfium2.PdfDocument(content)
        opened.callback(document.close)
        if len(document) > MOST_PAGES:
            raise ValueError("too many pages")
        for page in document:
            picture = page.render(scale=_DPI / 72).to_pil().convert("L")
            texts = [one.text for one in zxingcpp.read_barcodes(picture)]
            code = next((match for text in texts if (match := _CODE.fullmatch(text))), None)
            found.append((int(code[1]), code[2], int(code[3])) if code else None)
    return found


def _parted(reader: PdfReader, codes: list[tuple[int, str, int] | None], name: str) -> list[Found]:
    """Part the pages by their letters: the same letter's pages come together wherever they lie."""
    pages: dict[tuple[int, str], list[int]] = {}
    numbers: dict[tuple[int, str], set[int]] = {}
    key = (0, "")
    for at, code in enumerate(codes):
        if code is not None:
            key = code[:2]
            numbers.setdefault(key, set()).add(code[2])
        pages.setdefault(key, []).append(at)
    beside = ("appeal", "signer", "letter", "signature")
    answers = FrozenAnswer.objects.select_related(*beside).in_bulk([pk for pk, _ in pages])
    found: list[Found] = []
    for letter, places in pages.items():
        answer, writer, content = answers.get(letter[0]), PdfWriter(), io.BytesIO()
        for number in places:
            writer.add_page(reader.pages[number])
        writer.write(content)
        stored = files.store(content.getvalue(), name=f"Ответ {answer.appeal.number} (скан).pdf" if answer else name)
        known = answer if answer is not None and answer.letter.sha256.startswith(letter[1]) else None
        if why := _why_not(known):
            found.append(Found(None, stored, len(places), why=why))
        elif known is not None:
            wanted = set(range(1, len(PdfReader(files.path_of(known.letter)).pages) + 1))
            missing = tuple(sorted(wanted - numbers.get(letter, set())))
            found.append(Found(known, stored, len(places), missing=missing))
    return found


def _why_not(answer: FrozenAnswer | None) -> str:
    """Say why a scan of this letter cannot be its signature; empty where it can."""
    if answer is None:
        return "на этих страницах нет кода письма. Внесите скан на странице обращения."
    if answer.withdrawn_at is not None or answer.followed_at is not None:
        return f"№ {answer.appeal.number}: письмо отозвано с подписи, подписана прежняя редакция."
    if getattr(answer, "signature", None) is not None:
        return f"№ {answer.appeal.number}: подпись уже внесена."
    return ""
