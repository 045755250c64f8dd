"""A place people are asked at: short enough to dictate, its QR code is read by an independent reader at print size."""

from __future__ import annotations

import io
import json
from datetime import date

import pytest
import typst
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from otklik.people.models import Employee
from otklik.surveys import points
from otklik.surveys.models import SurveyPoint

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)
MM = 25.4


def seen(source: object, data: dict[str, object], dpi: int) -> list[str]:
    """Draw a paper as a camera would get it and read its codes."""
    inputs = {name: json.dumps(value, ensure_ascii=False) for name, value in data.items()}
    drawn = typst.compile(source, format="png", ppi=dpi, sys_inputs=inputs, ignore_system_fonts=True)  # type: ignore[arg-type,call-overload]
    return [one.text for one in zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn)).convert("L"))]


@pytest.fixture
def point() -> SurveyPoint:
    return points.find("13")


def test_the_address_is_short_enough_to_dictate(point: SurveyPoint) -> None:
    assert points.path(point) == "/o/13"
    longest = SurveyPoint(code="x" * 12)
    assert len(points.path(longest)) <= 25


@pytest.mark.parametrize(("paper", "dpi"), [("a4", 72), ("a4", 300), ("a5", 72), ("a5", 300)])
def test_a_poster_is_read_by_another_program_at_print_size(point: SurveyPoint, paper: str, dpi: int) -> None:
    assert seen(points.POSTER, points.poster_data(point, paper, on=TODAY), dpi) == [points.url(point)]


def test_a_poster_says_its_address_and_place_on_one_sheet_of_its_size(point: SurveyPoint) -> None:
    for paper, width in (("a4", 210), ("a5", 148)):
        content = points.poster(point, paper, on=TODAY)
        assert content == points.poster(point, paper, on=TODAY)
        [page] = PdfReader(io.BytesIO(content)).pages
        assert round(float(page.mediabox.width) / 72 * MM) == width
        words = page.extract_text()
        assert points.said(point) in words
        assert point.name in words


def test_the_code_alone_is_read_at_two_centimetres(point: SurveyPoint) -> None:
    data = {"sheet": {"qr": points.qr_svg(point).decode(), "url": points.url(point)}}
    assert seen(points.QR_SHEET, data, dpi=100) == [points.url(point)]  # 60 mm at 100 dpi: 20 mm at 300
    [page] = PdfReader(io.BytesIO(points.qr_pdf(point, on=TODAY))).pages
    assert round(float(page.mediabox.width) / 72 * MM) == 60


def test_a_one_time_code_is_brought_along_by_its_qr_code(point: SurveyPoint) -> None:
    for fits in (True, False):
        data = {"sheet": {"qr": points.qr_svg(point, "123 456 789", fits=fits).decode(), "url": points.url(point)}}
        assert seen(points.QR_SHEET, data, dpi=150) == [f"{points.url(point)}?k=123456789"]


def test_the_block_for_another_site_has_picture_link_and_words_and_no_script(point: SurveyPoint) -> None:
    block = points.block(point)
    assert f'src="{points.url(point)}qr.svg"' in block
    assert block.count(f'href="{points.url(point)}"') == 2
    assert points.said(point) in block
    assert "<script" not in block
    assert " on" not in block.replace(" on ", "")
    assert "style" not in block


def test_the_picture_is_served_and_read(client, point: SurveyPoint) -> None:
    answer = client.get("/o/13/qr.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer.content == points.qr_svg(point)
    assert client.get("/o/nothing/qr.svg").status_code == 404


def test_the_line_and_the_site_have_a_point_from_the_first_day() -> None:
    line, site = points.for_line(), points.for_site()
    assert (line and line.questionnaire, site and site.questionnaire) == ("consultation", "qr")


def test_a_code_is_given_once_and_the_refusal_names_a_free_one() -> None:
    clerk = Employee.objects.create_user("clerk", password=None, last_name="Делова")
    assert points.free_code() == "14"
    new = SurveyPoint(code="13", name="Вторая", questionnaire="qr", valid_from=TODAY)
    with pytest.raises(points.CodeTaken, match="свободен, например, 14"):
        points.keep(new, changed=["code"], by=clerk)
    new.code = "14"
    assert points.keep(new, changed=["code"], by=clerk).pk


def test_words_with_markup_stay_words_on_a_poster(point: SurveyPoint) -> None:
    point.name = '#panic("x") *жирно* <b>'
    assert point.name.replace(" ", "") in PdfReader(io.BytesIO(points.poster(point, "a4", on=TODAY))).pages[
        0
    ].extract_text().replace(" ", "")
