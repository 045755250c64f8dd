"""A real Tesseract reads a Russian letter as a scanner gives it; the figure stands in docs/channels/post.md."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from rapidfuzz.distance import Levenshtein

from otklik.channels.post import reading, separator
from tests import components
from tests.channels.post import scans

pytestmark = pytest.mark.once


def words(text: str) -> list[str]:
    return re.findall(r"[\w:.-]*\w", text.lower())


def accuracy(said: str, written: str) -> float:
    """Return the share of words that were read rightly and in their place."""
    wanted = words(written)
    return 1 - Levenshtein.distance(wanted, words(said)) / len(wanted)


def test_a_russian_letter_is_read_word_for_word_and_its_pdf_can_be_searched(tmp_path: Path) -> None:
    components.TESSERACT.require()
    (tmp_path / "scan.pdf").write_bytes(scans.as_pdf(scans.sheet_of(scans.LETTER, tilt=0.4)))
    said = reading.read(tmp_path / "scan.pdf", tmp_path, 1)
    share = accuracy(said["text"], scans.LETTER)
    print(f"words read rightly: {share:.1%} of {len(words(scans.LETTER))}")  # noqa: T201 shown with -s
    assert share >= 0.97
    assert (said["kind"], said["note"], reading.count(tmp_path / "page.pdf")) == ("letter", "", 1)
    layer = pypdfium2.PdfDocument(tmp_path / "page.pdf")[0].get_textpage().get_text_bounded()
    assert accuracy(layer, scans.LETTER) >= 0.9
    assert (tmp_path / "page.pdf").stat().st_size < 1.5 * (tmp_path / "alone.pdf").stat().st_size


def test_without_ocrmypdf_the_text_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    components.TESSERACT.require()
    monkeypatch.setattr(reading, "tools", lambda: ["ocrmypdf"])
    (tmp_path / "scan.jpg").write_bytes(scans.as_jpeg(scans.sheet_of(scans.SECOND)))
    said = reading.read(tmp_path / "scan.jpg", tmp_path, 1)
    assert accuracy(said["text"], scans.SECOND) >= 0.95
    assert said["note"] == "без текстового слоя"


def test_without_tesseract_the_page_is_kept_and_says_why_it_has_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "tools", lambda: ["tesseract", "ocrmypdf"])
    (tmp_path / "scan.tif").write_bytes(scans.as_tiff(scans.sheet_of(scans.SECOND, dpi=60), dpi=60))
    said = reading.read(tmp_path / "scan.tif", tmp_path, 1)
    assert (said["text"], "нет Tesseract" in said["note"]) == ("", True)
    assert reading.count(tmp_path / "page.pdf") == 1


def test_a_program_that_never_ends_costs_a_page_its_text_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("tesseract", 1)

    monkeypatch.setattr(reading, "tools", list)
    monkeypatch.setattr(reading.subprocess, "run", never)
    (tmp_path / "scan.pdf").write_bytes(scans.as_pdf(scans.sheet_of(scans.SECOND, dpi=60), dpi=60))
    said = reading.read(tmp_path / "scan.pdf", tmp_path, 1)
    assert (said["text"], said["note"]) == ("", "без текстового слоя")
    assert (tmp_path / "page.pdf").exists()


@pytest.mark.parametrize("turn", [0, 90, 180])
def test_a_separator_is_known_however_it_lies(turn: int, tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(scans.as_pdf(scans.divider(100).rotate(turn, expand=True), dpi=100))
    said = reading.read(tmp_path / "scan.pdf", tmp_path, 1)
    assert (said["kind"], said["codes"]) == ("sheet", [reading.SEPARATOR])


def test_a_separator_printed_by_the_scanner_itself_is_known_by_what_it_says(tmp_path: Path) -> None:
    import zxingcpp

    code = zxingcpp.create_barcode("PATCH-2", zxingcpp.BarcodeFormat.Code128).to_image(scale=3)
    page = Image.new("L", (827, 1169), 240)
    page.paste(
        Image.fromarray(code) if hasattr(code, "__array_interface__") else Image.open(io.BytesIO(code)), (100, 200)
    )
    (tmp_path / "scan.png").write_bytes(scans.as_png(page))
    assert reading.read(tmp_path / "scan.png", tmp_path, 1, sheet="PATCH-2")["kind"] == "sheet"


def test_the_sheet_is_one_page_and_the_same_every_time_of_a_day() -> None:
    assert separator.sheet() == separator.sheet()
    assert len(pypdfium2.PdfDocument(separator.sheet())) == 1


def test_paper_with_a_line_of_text_is_not_blank_paper_with_dust_is() -> None:
    dust = scans.blank(110).copy()
    for place in range(40):
        dust.putpixel((100 + place * 17, 100 + place * 23), 0)
    assert reading.is_blank(scans.blank(110))
    assert reading.is_blank(dust)
    assert not reading.is_blank(scans.sheet_of("Прошу ответить. Иванова", dpi=110))


def test_pages_beyond_measure_are_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_PAGES", 1)
    (tmp_path / "scan.pdf").write_bytes(scans.as_pdf(scans.blank(50), scans.blank(50)))
    with pytest.raises(reading.Unreadable, match="больше 1 страниц"):
        reading.count(tmp_path / "scan.pdf")
    with pytest.raises(reading.Unreadable, match="такой страницы нет"):
        reading.read(tmp_path / "scan.pdf", tmp_path, 5)


def test_the_program_says_what_it_found_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 noise")
    assert reading.main([str(tmp_path / "bad.pdf"), ""]) == 0
    assert '"why"' in capsys.readouterr().out
