"""Scans for the tests: Russian letters rendered to pictures as a scanner gives them, put together in one file."""

from __future__ import annotations

import io
from functools import cache

import pypdfium2
import typst
from PIL import Image, ImageChops, ImageFilter
from pypdf import PdfReader, PdfWriter

from otklik.channels.post import separator

LETTER = """
Руководителю департамента имущества и земельных отношений Новосибирской области
от Сидорова Петра Ивановича, проживающего по адресу:
630099, г. Новосибирск, ул. Выдуманная, д. 17, кв. 4
тел. 8 913 000-12-34

ЗАЯВЛЕНИЕ

Прошу продлить договор аренды земельного участка с кадастровым номером 54:35:000000:123, расположенного
по адресу: Новосибирская область, Мошковский район, село Выдуманное. Договор заключён в марте прошлого года,
срок его истекает в следующем месяце. Арендную плату вношу вовремя, задолженности не имею, участок использую
для ведения личного подсобного хозяйства: построена теплица, посажены яблони и смородина.

Дважды обращался в администрацию района, однако письменного ответа не получил. Прошу сообщить, какие документы
необходимо представить для заключения дополнительного соглашения и в какой срок оно будет подготовлено.

Ответ прошу направить почтой по указанному адресу.

12 ноября 2026 г. Сидоров П. И.
"""
SECOND = """
В департамент имущества и земельных отношений
от Зайцевой Марии Петровны
632640, Новосибирская область, р.п. Коченёво, ул. Примерная, д. 3

ЖАЛОБА

На соседнем участке самовольно установлен забор, он перекрывает проезд к дому и к колодцу. Прошу провести проверку
и сообщить о принятых мерах. Площадь участка 840 квадратных метров, границы уточнены межевым планом.

10.11.2026 Зайцева
"""


@cache
def sheet_of(text: str, *, dpi: int = 200, tilt: float = 0.0, noise: bool = True) -> Image.Image:
    """Return a page as a scanner sees it: grey paper, soft edges, a little noise, a little askew."""
    return _scanned(set_in_type(text), dpi, tilt, noise)


@cache
def set_in_type(text: str) -> bytes:
    """Return a letter as a PDF with its text in it, as no scanner gives it."""
    body = "\n".join(f"{line} \\" if line else "\n" for line in text.strip().split("\n")).replace("@", "\\@")
    source = f'#set page("a4", margin: 22mm)\n#set text(font: "Libertinus Serif", size: 12pt, lang: "ru")\n{body}'
    return typst.compile(source.encode(), ignore_system_fonts=True)


def _scanned(pdf: bytes, dpi: int, tilt: float, noise: bool) -> Image.Image:
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
    page = page.rotate(tilt, fillcolor=255, resample=Image.Resampling.BICUBIC) if tilt else page
    if noise:
        page = ImageChops.multiply(page, Image.new("L", page.size, 240)).filter(ImageFilter.GaussianBlur(0.6))
    return page


@cache
def blank(dpi: int = 200) -> Image.Image:
    return Image.new("L", (int(8.27 * dpi), int(11.69 * dpi)), 238)


@cache
def divider(dpi: int = 150) -> Image.Image:
    return _scanned(separator.sheet(), dpi, 0.4, True)


def as_pdf(*pages: Image.Image, dpi: int = 200) -> bytes:
    return _saved("PDF", pages, resolution=dpi)


def thick(portions: int) -> bytes:
    """Return a batch as a scanner gives it, so many times six pages: two letters, one with an empty back.

    Every portion has pictures of its own: the file is as large as that of a scanner.
    """
    first, second = sheet_of(LETTER), sheet_of(SECOND)
    one = as_pdf(divider(200), first, blank(), divider(200), second, first)
    writer, spool = PdfWriter(), io.BytesIO()
    for _ in range(portions):
        writer.append(PdfReader(io.BytesIO(one)))
    writer.write(spool)
    return spool.getvalue()


def as_tiff(*pages: Image.Image, dpi: int = 200) -> bytes:
    return _saved("TIFF", pages, dpi=(dpi, dpi), compression="tiff_lzw")


def as_jpeg(page: Image.Image, dpi: int = 200) -> bytes:
    return _saved("JPEG", (page,), dpi=(dpi, dpi), quality=80)


def _saved(kind: str, pages: tuple[Image.Image, ...], **options: object) -> bytes:
    spool = io.BytesIO()
    pages = tuple(page.copy() for page in pages)  # what one format leaves in a picture, another stumbles over
    more = {"save_all": True, "append_images": list(pages[1:])} if kind in {"PDF", "TIFF"} else {}
    pages[0].save(spool, kind, **options, **more)
    return spool.getvalue()


def as_png(page: Image.Image, dpi: int = 100) -> bytes:
    return _saved("PNG", (page,), dpi=(dpi, dpi))
