"""Tables for spreadsheets: nothing in them is ever a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from otklik.core import sheets

pytestmark = pytest.mark.once
DANGEROUS = ["=1+1", "+7 913", "-2", "@SUM(A1)", "\t=1", "\r=1", " =cmd|' /C calc'!A0", "\x00=1", "＝1", "|x", "%x"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_text_that_could_be_a_formula_is_put_behind_an_apostrophe(text: str) -> None:
    assert str(sheets.cell(text)).startswith("'")


def test_other_values_stay_as_they_are() -> None:
    assert [sheets.cell(one) for one in (7, "О-2026-000001", "", None, True)] == [7, "О-2026-000001", "", "", "True"]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_whatever_is_written_opens_and_bears_no_formula(texts: list[str]) -> None:
    sheet = load_workbook(io.BytesIO(sheets.xlsx([texts], title="Журнал"))).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    read = b"".join(sheets.csv_lines([texts])).decode("utf-8-sig")
    [row] = csv.reader(io.StringIO(read, newline=""), delimiter=";")
    assert row == [str(sheets.cell(text)) for text in texts]
    assert not [one for one in row if one.lstrip()[:1] in ("=", "+", "-", "@")]
