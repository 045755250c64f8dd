"""Reading an export: columns by name, days in any dress, rows left out and named, hostile tables."""

from __future__ import annotations

import io
import json
import random
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook

from otklik.channels.pos import columns, parse
from otklik.core.errors import DomainError
from otklik.core.sheets import BadSheet
from otklik.correspondence.channel import ParseError
from tests.channels.pos import exports
from tests.channels.pos.exports import ROW, saved, table


def read(content: bytes, name: str = "Выгрузка.xlsx") -> columns.Export:
    return columns.read(io.BytesIO(content), name)


def test_all_25_columns_are_read_whatever_their_order_and_the_others_are_kept() -> None:
    titles = [*ROW, "Район", "Текст сообщения"]
    random.Random(3).shuffle(titles)
    [row] = read(table([{"Район": "Центральный", "Текст сообщения": "Прошу\nпродлить аренду."}], titles=titles)).rows
    assert len(row.fields) == 25
    assert (row.number, row.fields["epgu"], row.fields["planned"]) == ("327441806", "6668478383", "16.01.2026")
    assert row.extra == {"Район": "Центральный", "Текст сообщения": "Прошу\nпродлить аренду."}


def test_a_dash_is_nothing_and_double_spaces_in_names_are_one() -> None:
    [row] = read(table([{}])).rows
    assert (row.fields["decision"], row.fields["head"], row.fields["rating"]) == ("", "", "")
    assert row.fields["coordinator"] == "Координаторова Анна Петровна"


DAYS = ("06.01.2026", "6.1.2026", "06.01.2026 10:15", "2026-01-06", 46028, date(2026, 1, 6), datetime(2026, 1, 6, 9))


@pytest.mark.parametrize("said", DAYS)
def test_a_day_is_read_as_text_as_a_date_of_excel_and_as_its_count_of_days(said: Any) -> None:
    [row] = read(table([{"Дата поступления": said}])).rows
    assert row.fields["received"] == "06.01.2026"
    assert not row.doubts


def test_what_is_no_day_no_yes_and_no_rating_is_kept_and_told() -> None:
    odd = {"Дата планируемого завершения работ": "скоро", "Просрочено": "возможно", "Оценка ответа заявителем": "9"}
    [row] = read(table([odd])).rows
    assert (row.fields["planned"], row.fields["overdue"], row.fields["rating"]) == ("скоро", "возможно", "9")
    assert len(row.doubts) == 3


def test_a_row_without_a_number_is_left_out_and_named_with_its_line() -> None:
    export = read(table([{}, {"Номер": "-"}, {"Номер": None}, {"Номер": "нет номера"}, {"Номер": 2}, {"Номер": "2"}]))
    assert [row.number for row in export.rows] == ["327441806", "2"]
    assert [(one.line, one.number) for one in export.skipped] == [(3, ""), (4, ""), (5, "нет номера"), (7, "2")]
    assert "строке 6" in export.skipped[-1].why


def test_a_formula_is_not_run_and_costs_only_its_own_row() -> None:
    export = read(table([{}, {"Номер": 5, "Статус": '=HYPERLINK("http://evil.example")'}, {"Номер": 6}]))
    assert [row.number for row in export.rows] == ["327441806", "6"]
    assert "формула" in export.skipped[0].why


def test_titles_may_stand_below_what_was_chosen_for_the_export_and_some_may_be_missing() -> None:
    export = read(table([{}], titles=["номер", "  СТАТУС ", "Стадия"], above=2))
    assert (export.rows, export.skipped[0].why) == ([], "нет номера сообщения.")
    book = Workbook()
    for line in (["Выгрузка"], ["НОМЕР", "  Статус  "], [7, "Новый  статус"]):
        book.active.append(line)  # type: ignore[union-attr]
    export = read(saved(book))
    assert export.rows[0].fields == {"number": "7", "status": "Новый статус"}
    assert len(export.missing) == 23


def test_merged_cells_give_their_value_once_and_the_rest_is_left_out() -> None:
    book = Workbook()
    sheet: Any = book.active
    for line in (["Номер", "Статус"], [7, "Первый"], [None, "Второй"]):
        sheet.append(line)
    sheet.merge_cells("A2:A3")
    export = read(saved(book))
    assert ([row.number for row in export.rows], [one.line for one in export.skipped]) == (["7"], [3])


def test_sixty_columns_are_taken_and_one_more_is_refused_with_the_limit() -> None:
    extra = {f"Столбец {number}": "x" for number in range(36)}
    assert len(read(table([dict(list(extra.items())[:35])])).rows[0].extra) == 35
    with pytest.raises(BadSheet, match="больше 60 столбцов"):
        read(table([extra]))


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (table([{}], titles=["Имя", "Статус"]), "a.xlsx", "нет столбца «Номер»"),
        (table([{}], titles=["Номер", "Статус", "статус"]), "a.xlsx", "встречается дважды"),
        (b"", "a.xlsx", "пустой"),
        (b"\x00\x01noise" * 100, "a.xlsx", "не принят|не прочитан"),
        (table([{}])[:1500], "a.xlsx", "не принят|не прочитан"),
        (table([{}]), "a.xls", "xlsx"),
        (saved(Workbook()), "a.xlsx", "пустая"),
    ],
    ids=["no number", "twice", "empty", "noise", "cut", "another kind", "no rows"],
)
def test_a_file_that_is_no_export_is_refused_in_words(content: bytes, name: str, words: str) -> None:
    with pytest.raises(DomainError, match=words) as told:
        read(content, name)
    assert "Traceback" not in str(told.value)


def test_a_bomb_is_refused_before_it_is_unpacked_and_too_many_rows_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(table([{}]))) as good, zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as bad:
        for part in good.namelist():
            is_sheet = part.endswith("sheet1.xml")
            bad.writestr(part, good.read(part) + b" " * (columns.LIMITS.unpacked if is_sheet else 0))
    with pytest.raises(DomainError, match="слишком велик"):
        read(spool.getvalue())
    monkeypatch.setattr(columns, "MOST_ROWS", 20)
    with pytest.raises(BadSheet, match="больше 20 строк"):
        read(exports.many(30))


def test_what_a_row_becomes_is_read_from_its_kept_bytes_alone() -> None:
    [row] = read(table([{"Текст сообщения": "Прошу продлить аренду.", "Заявитель": "Примерова  Анна"}])).rows
    parsed = parse.read(parse.raw(row))
    assert (parsed.subject, parsed.sender_name) == ("Земля и имущество / Аренда участка", "Примерова Анна")
    assert parsed.text.startswith("Прошу продлить аренду.")
    assert parsed.facts_schema == "pos/1"
    assert parsed.facts["fields"] == row.fields
    assert parsed.facts["answer"] == {"channel": "pos", "address": "ПОС № 327441806"}


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b'{"cells": []}', b'{"cells": {"x": 1}}', b"[" * 100_000])
def test_other_bytes_are_no_row(content: bytes) -> None:
    with pytest.raises(ParseError, match="ПОС"):
        parse.read(content)


def test_a_row_keeps_its_words_between_reading_and_writing() -> None:
    [row] = read(table([{"Район": "Ё\u2028ё"}])).rows
    assert columns.of_json(json.loads(json.dumps(columns.as_json(row)))) == row
