"""Journals made ugly on purpose: titles above the heads, merged cells, dates as text, 60 columns, Windows-1251."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from openpyxl import Workbook

from otklik.moving import carrying
from otklik.moving.models import FullExport, HistoryImport
from otklik.people.models import Employee

HEADS = ["№ п/п", "Рег. №", "Дата", "Ф.И.О. заявителя, адрес", "Содержание", "Код темы", "Исполнитель",
         "Срок исполнения", "Исх. №", "Дата ответа", "Ответ", "Результат рассмотрения"]  # fmt: skip


def paper_book(**also: Any) -> bytes:
    """A journal kept by hand in Excel: titles, months between the rows, a total, days of all sorts, merged cells."""
    book: Any = Workbook()
    sheet = book.active
    sheet["A1"] = "ЖУРНАЛ регистрации обращений граждан за 2025 год"
    sheet.merge_cells("A1:L1")
    sheet["A2"] = "Департамент имущества и земельных отношений"
    for place, head in enumerate(HEADS, 1):
        sheet.cell(4, place, head)
    for place in range(1, 13):
        sheet.cell(5, place, place)
    sheet.cell(6, 1, "Январь 2025")
    sheet.merge_cells("A6:L6")
    rows: list[list[Any]] = [
        [1, "О-2025-000001", datetime(2025, 1, 9), "Иванова Мария Петровна, г. Новосибирск, ул. Выдуманная, д. 1",
         "Просит продлить аренду участка под гаражом", "0003.0011.0123.0850", "Сидорова А.П.", "08.02.2025", "12-1/25",
         "30.01.2025", "Договор аренды продлён на три года.", "разъяснено"],
        [2, "О-2025-000002", "10 января 2025 г.", "ООО «Выдумка»", "О выкупе земли", "", "Неизвестный Х.Х.", 45700,
         "", "3.2.25", "", "поддержано, меры впереди"],
        [3, "О-2025-000002", "11.01.2025", "Петров П.П.", "Двойной номер", "", "", "", "", "", "", ""],
        [4, "О-2025-000004", "31.02.2025", "Сидоров С.С.", "Такого дня нет", "", "", "", "", "", "", ""],
        [5, "О-2025-000005", "2025-01-13 10:15", "Кузнецов Пётр", "Ещё в работе", "0003.0011.0123.0850",
         "гл. специалист Сидорова А. П.", _ahead(20), "", "", "", ""],
        [6, "", "14/01/25", "Без номера", "Номер забыли", "", "", "", "", "", "", ""],
        [7, "О-2025-000907", "15.01.2025", "", "Аноним", "", "", "", "", "16.01.2025", "", "аноним"],
    ]  # fmt: skip
    for place, row in enumerate(rows, 7):
        for column, value in enumerate(row, 1):
            sheet.cell(place, column, value)
    sheet.cell(15, 1, "Итого: 7")
    # Two appeals of one day share a merged cell.
    sheet.cell(16, 1, 8), sheet.cell(16, 2, "О-2025-000010"), sheet.cell(17, 2, "О-2025-000011")
    sheet.cell(16, 3, "20.01.2025")
    sheet.merge_cells("C16:C17")
    for place in (16, 17):
        sheet.cell(place, 4, "Общий Пётр Петрович"), sheet.cell(place, 5, "Об одном и том же")
        sheet.cell(place, 10, "21.01.2025")
    for (row, column), value in also.get("cells", {}).items():
        sheet.cell(row, column, value)
    return saved(book)


def sed_export() -> bytes:
    """An export of СЭД: Windows-1251, semicolons, quotes and line ends inside cells, heads of its own."""
    heads = "Номер РК;Дата регистрации РК;Корреспондент;Вид доставки;Аннотация;Ответственный исполнитель;Плановая дата;"
    heads += "Фактическая дата исполнения;№ и дата ответа;Статус;E-mail;Гриф"
    rows = [
        f"Отчёт сформирован {datetime(2026, 1, 5):%d.%m.%Y};;;;;;;;;;;",
        heads,
        '"00-15/77";"03.02.2026";"Иванова М.П.";"Эл. почта";"Просит разъяснить\r\nпорядок; выкупа";"Сидорова Анна '
        'Петровна";"05.03.2026";"20.02.2026";"01-7/12 от 20.02.2026";"Исполнено";"ivanova@citizen.example";"ДСП"',
        f'"00-15/78";"04.02.2026";"Администрация района";"МЭДО";"О границах";"Сидорова А.П.";"{_ahead(5)}";"";"";'
        '"На исполнении";"не почта";""',
        '"00-15/79";"40.02.2026";"Петров";"Почта России";"Плохая дата";"";"";"";"";"";"";""',
    ]
    return "\r\n".join(rows).encode("cp1251")


def wide_book() -> bytes:
    """A list of missed calls out of 1С: sixty columns, of which six matter; dates as texts and as numbers."""
    book: Any = Workbook()
    sheet = book.active
    sheet.append(["Отчет по пропущенным вызовам"])
    sheet.append([])
    empty = [f"Реквизит{number}" for number in range(54)]
    sheet.append([*empty[:20], "Дата вызова", "Время", "Номер абонента", *empty[20:], "Итог", "Оператор", "Примечание"])
    tail = [""] * 34
    rows = [
        ["12.01.2026", "10:05", "8 913 000-00-01", *tail, "перезвонили", "Сидорова А.П.", "аренда"],
        [46034, "11:15:00", "8 913 000-00-02", *tail, "не дозвонились", "", ""],
        ["13.01.2026", "25:00", "8 913 000-00-03", *tail, "перезвонили", "", ""],
        ["14.01.2026", "9:40", "8 913 000-00-04", *tail, "непонятно что", "", ""],
        ["14.01.2026", "9:45", "8 913 000-00-05", *tail, "", "", ""],
    ]
    for row in rows:
        sheet.append([*[""] * 20, *row])
    return saved(book)


def _ahead(days: int) -> str:
    return f"{timezone.localdate() + timedelta(days=days):%d.%m.%Y}"


def saved(book: Any) -> bytes:
    spool = io.BytesIO()
    book.save(spool)
    return spool.getvalue()


def table(heads: list[str], *rows: list[Any]) -> bytes:
    """Return a plain table."""
    book: Any = Workbook()
    for row in (heads, *rows):
        book.active.append(row)
    return saved(book)


def packed(files: Mapping[str, bytes]) -> io.BytesIO:
    """Return a ZIP of files."""
    spool = io.BytesIO()
    with zipfile.ZipFile(spool, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    spool.seek(0)
    return spool


def brought(content: bytes, kind: str, *, by: Employee, name: str = "Журнал.xlsx", **also: Any) -> HistoryImport:
    """Bring a journal up to its columns."""
    return carrying.upload(io.BytesIO(content), name, kind, by=by, **also)


def tried(content: bytes, kind: str, *, by: Employee, name: str = "Журнал.xlsx", **also: Any) -> HistoryImport:
    """Bring a journal, take what is proposed for its columns and try it."""
    run = brought(content, kind, by=by, name=name, attached=also.pop("attached", None))
    columns = {int(place): field for place, field in run.columns.items()} | also.pop("columns", {})
    carrying.tell(run, columns, {"regime": "59fz", "channel": "post", "need": "lease", **also}, by=by)
    return worked(run)


def carried(content: bytes, kind: str, *, by: Employee, name: str = "Журнал.xlsx", **also: Any) -> HistoryImport:
    """Bring a journal and carry what is right in it."""
    run = tried(content, kind, by=by, name=name, **also)
    carrying.begin(run, by=by)
    return worked(run)


def undone(run: HistoryImport, *, by: Employee) -> HistoryImport:
    carrying.take_back(run, by=by)
    return worked(run)


def worked(run: HistoryImport) -> HistoryImport:
    while carrying.work_next():
        pass
    return HistoryImport.objects.get(pk=run.pk)


def pages(clerk: Employee) -> list[str]:
    """Leave journals in every state a page shows; return their addresses."""
    done = carried(paper_book(), "appeals", by=clerk)
    waits, read = tried(sed_export(), "appeals", by=clerk, name="СЭД.csv"), brought(paper_book(), "appeals", by=clerk)
    return [
        "/desk/moving/",
        *(f"/desk/history-imports/{one.pk}/" for one in (read, waits, done)),
    ]


def at_every_address(world: Any) -> dict[str, list[int]]:
    """Leave a journal that was read and an archive of everything: the beginning of an address → its rows."""
    heads = ["Рег. №", "Дата", "Заявитель", "Содержание"]
    run = brought(table(heads, ["А-1", "12.01.2026", "Петров П.П.", "О земле"]), "appeals", by=world.clerk)
    export = FullExport.objects.create(asked_by=world.clerk, state="failed", error="нет места")
    return {"history-imports": [run.pk], "full-exports": [export.pk]}
