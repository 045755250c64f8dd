"""What a page of a scan is and says: a letter's page, an empty one, a separator sheet. Knows neither Django nor us.

Run as a program (`python -m otklik.channels.post.reading FILE FOLDER NUMBER`) it reads one page: its picture and its
PDF are left in the folder, what it says is printed as JSON. Without a number it counts the pages. A page that swells or
never ends takes down a process of its own; that process is the politest one on the machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pypdfium2
import zxingcpp
from PIL import Image, ImageSequence, ImageStat

SEPARATOR: Final = "otklik:scan:letter/1"
SECONDS: Final = 120  # one page, recognised
MOST_PAGES: Final = 2_000
MOST_PIXELS: Final = 120_000_000  # A3 at 600 dots an inch
LETTER: Final = "letter"
BLANK: Final = "blank"
SHEET: Final = "sheet"
PICTURE: Final = "picture.jpg"
PAGE: Final = "page.pdf"
_SEEN_DPI: Final = 110  # enough to be read beside the form
_CODE_DPI: Final = 200
_WORTH_DPI: Final = 300  # what Tesseract is trained on
_INK: Final = 50  # so much darker than the paper
_SPECKS: Final = 0.0003  # dust of the scanner; a line of text has five times as much
_WRITTEN: Final = 40  # letters of a text layer that is worth taking
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class Unreadable(Exception):
    """The file or the page cannot be read; the text says why, for people."""


def count(path: Path) -> int:
    """Return how many pages a scan has."""
    if _is_pdf(path):
        with _document(path) as document:
            number = len(document)
    else:
        with _image(path) as image:
            number = getattr(image, "n_frames", 1)
    if not 0 < number <= MOST_PAGES:
        raise Unreadable("в нём нет страниц" if not number else f"в нём больше {MOST_PAGES} страниц")
    return number


def read(path: Path, folder: Path, number: int, *, languages: str = "rus", sheet: str = "") -> dict[str, Any]:
    """Read a page (counted from 1): return its kind, text and codes, leave its picture and its PDF in the folder."""
    _alone(path, folder / "alone.pdf", number)
    with _document(folder / "alone.pdf") as document:
        page = document[0]
        picture = _drawn(page, _SEEN_DPI)
        picture.save(folder / PICTURE, quality=70)
        codes = [one.text for one in zxingcpp.read_barcodes(_drawn(page, _CODE_DPI).convert("L"))]
        text = _text_layer(page)
        found: dict[str, Any] = {"kind": LETTER, "text": text, "codes": codes, "note": ""}
        if SEPARATOR in codes or (sheet and sheet in codes):
            found |= {"kind": SHEET, "text": ""}
        elif not text and is_blank(picture):
            found |= {"kind": BLANK}
        elif not text:
            found |= _recognised(page, folder, languages)
            if found.pop("turned"):
                with _document(folder / PAGE) as upright:
                    _drawn(upright[0], _SEEN_DPI).save(folder / PICTURE, quality=70)
    if not (folder / PAGE).exists():
        shutil.copyfile(folder / "alone.pdf", folder / PAGE)
    return found


def is_blank(picture: Image.Image) -> bool:
    """Tell whether nothing is written on a page: of the paper as it is, grey or yellow, only specks are darker."""
    grey = picture.convert("L")
    edge = (grey.width // 20, grey.height // 20)  # shadows of the lid
    grey = grey.crop((*edge, grey.width - edge[0], grey.height - edge[1]))
    paper = ImageStat.Stat(grey).median[0]
    dark = sum(grey.histogram()[: max(int(paper) - _INK, 0)])
    return dark < _SPECKS * grey.width * grey.height


def tools() -> list[str]:
    """Return the programs of recognition that this machine lacks."""
    return [name for name in ("tesseract", "ocrmypdf") if shutil.which(name) is None]


# --- pages -----------------------------------------------------------------------------------------------------------


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return b"%PDF-" in file.read(1024)


@contextmanager
def _document(path: Path) -> Iterator[Any]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as exc:
        locked = "assword" in str(exc)
        raise Unreadable("он закрыт паролем" if locked else "он повреждён или это не PDF") from exc
    try:
        yield document
    finally:
        document.close()


@contextmanager
def _image(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path, formats=("TIFF", "JPEG", "PNG")) as image:
            yield image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise Unreadable("картинка повреждена или слишком велика") from exc


def _alone(path: Path, to: Path, number: int) -> None:
    """Write one page as a PDF of its own, as it was scanned."""
    if _is_pdf(path):
        with _document(path) as document:
            if not 0 < number <= len(document):
                raise Unreadable("такой страницы нет")
            try:
                width, height = document.get_page_size(number - 1)
                one = pypdfium2.PdfDocument.new()
                one.import_pages(document, [number - 1])
                one.save(to)
            except (pypdfium2.PdfiumError, OSError) as exc:
                raise Unreadable("страница повреждена") from exc
            if not (0 < width < 20_000 and 0 < height < 20_000):
                raise Unreadable("у страницы нет размеров")
        return
    with _image(path) as image:
        for place, frame in enumerate(ImageSequence.Iterator(image), 1):
            if place == number:
                _as_pdf(frame, to)
                return
    raise Unreadable("такой страницы нет")


def _as_pdf(frame: Image.Image, to: Path) -> None:
    dpi = float((frame.info.get("dpi") or (0, 0))[0])
    if not 50 <= dpi <= 1200:  # not said: as if it were as wide as A4
        dpi = max(frame.width / 8.27, 50.0)
    if frame.mode not in ("1", "L", "RGB"):
        frame = frame.convert("RGB")
    frame.save(to, "PDF", resolution=dpi)


def _drawn(page: Any, dpi: int) -> Image.Image:
    """Draw a page, a huge one with fewer dots."""
    width, height = page.get_size()
    scale = min(dpi / 72, (MOST_PIXELS / 4 / (width * height)) ** 0.5)
    try:
        drawn: Image.Image = page.render(scale=scale, grayscale=dpi == _CODE_DPI).to_pil()
    except (pypdfium2.PdfiumError, ValueError, MemoryError) as exc:
        raise Unreadable("страница не рисуется") from exc
    return drawn.convert("L") if dpi == _CODE_DPI else drawn.convert("RGB")


def _text_layer(page: Any) -> str:
    """Return the text a page brings with it; a stray word or two is no text."""
    with suppress(pypdfium2.PdfiumError):
        said = tidy(page.get_textpage().get_text_bounded())
        if len(re.findall(r"[^\W\d_]", said)) >= _WRITTEN:
            return said
    return ""


# --- recognition -----------------------------------------------------------------------------------------------------


def _recognised(page: Any, folder: Path, languages: str) -> dict[str, Any]:
    """Recognise a page: with OCRmyPDF its PDF gets a text layer; with Tesseract alone only the text is had."""
    lacking = tools()
    if "tesseract" in lacking:
        return {"text": "", "turned": False, "note": "не распознана: на сервере нет Tesseract"}
    if lacking:
        return {"text": _by_tesseract(page, folder, languages), "turned": False, "note": "без текстового слоя"}
    command = ["ocrmypdf", "--quiet", "--language", languages, "--output-type", "pdf", "--optimize", "0", "--jobs", "1"]
    command += ["--rotate-pages", "--tesseract-timeout", str(SECONDS // 2), "--skip-text"]
    command += ["--sidecar", str(folder / "said.txt"), str(folder / "alone.pdf"), str(folder / PAGE)]
    if not _run(command) or not (folder / PAGE).exists():
        (folder / PAGE).unlink(missing_ok=True)
        return {"text": _by_tesseract(page, folder, languages), "turned": False, "note": "без текстового слоя"}
    with _document(folder / "alone.pdf") as before, _document(folder / PAGE) as after:
        turned = before[0].get_rotation() != after[0].get_rotation()
    return {"text": tidy((folder / "said.txt").read_text(encoding="utf-8", errors="replace")), "turned": turned}


def _by_tesseract(page: Any, folder: Path, languages: str) -> str:
    _drawn(page, _WORTH_DPI).convert("L").save(folder / "worth.png")
    said = folder / "said"
    if not _run(["tesseract", str(folder / "worth.png"), str(said), "-l", languages]):
        return ""
    return tidy(said.with_suffix(".txt").read_text(encoding="utf-8", errors="replace"))


def _run(command: list[str]) -> bool:
    here = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # one page costs one processor
    try:
        subprocess.run(command, env=here, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603  ours
    except (subprocess.SubprocessError, OSError):
        return False
    return True


def tidy(text: str) -> str:
    """Return recognised text without what recognition leaves behind: form feeds, trailing blanks, heaps of lines."""
    lines = [" ".join(line.split()) for line in text.replace("\x0c", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).replace("\x00", "").replace("\ufffe", "").strip()


def main(arguments: list[str]) -> int:
    """Print what a page says, or how many there are."""
    path, folder, *rest = arguments
    os.nice(10)
    try:
        if rest:
            number, languages, sheet = rest
            said = read(Path(path), Path(folder), int(number), languages=languages, sheet=sheet)
        else:
            said = {"pages": count(Path(path))}
    except Unreadable as exc:
        said = {"why": str(exc)}
    sys.stdout.write(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
