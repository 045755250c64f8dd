"""Exports of the personal cabinet of ПОС for tests: fictional messages in the layout of the real one."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from openpyxl import Workbook

from otklik.channels.pos import imports
from otklik.channels.pos.adapter import PosChannel
from otklik.channels.pos.columns import TITLES
from otklik.channels.pos.models import PosImport
from otklik.people.models import Employee

ROW: dict[str, Any] = {
    "Номер": 327441806,
    "Номер ЕПГУ": 6668478383,
    "Источник": "LAND_EPGU",
    "Верхнеуровневый ЛКО": "Регион",
    "Категория": "Земля и имущество",
    "Подкатегория": "Аренда участка",
    "Факт": "Аренда участка",
    "Организация, в которую поступило сообщение": "Регион",
    "Организация, в которой находится сообщение": "Департамент имущества",
    "Дата поступления": "06.01.2026",
    "Дата планируемого завершения работ": "16.01.2026",
    "Дата фактического завершения работ": "-",
    "Стадия": "Исполнение",
    "Статус": "Назначен исполнитель",
    "Просрочено": "Нет",
    "Фаст-трек": "Да",
    "ФЗ": "Обычное сообщение",
    "Заявитель выбрал подачу по 59-ФЗ": "Нет",
    "Тип решения": "-",
    "Направлено по email в ФОИВ, не подключенный к ПОС": "-",
    "Оценка ответа заявителем": "-",
    "Повторное рассмотрение": "-",
    "ФИО координатора": "Координаторова  Анна  Петровна",
    "ФИО исполнителя": "Исполнителев Пётр Ильич",
    "ФИО руководителя": "-",
}
ANSWERED = {"Стадия": "Завершено", "Статус": "Отправлен ответ заявителю", "Тип решения": "Решено"}
assert list(ROW) == list(TITLES.values())


def table(rows: Iterable[Mapping[str, Any]], *, titles: Sequence[str] | None = None, above: int = 0) -> bytes:
    """Return an export: each row is the usual one but for what is given; `above`: lines before the titles."""
    rows = list(rows)
    titles = titles or list(dict.fromkeys([*ROW, *(title for row in rows for title in row)]))
    book: Any = Workbook(write_only=True)
    sheet = book.create_sheet("Сообщения")
    for _ in range(above):
        sheet.append(["Выгрузка сообщений"])
    sheet.append(titles)
    for row in rows:
        whole = ROW | dict(row)
        sheet.append([whole.get(title) for title in titles])
    return saved(book)


def saved(book: Any) -> bytes:
    spool = io.BytesIO()
    book.save(spool)
    return spool.getvalue()


def many(count: int, **also: Any) -> bytes:
    """Return an export of so many messages, of different days, themes and people."""
    first = date(2026, 1, 6)
    return table(
        {
            "Номер": 300_000_000 + number,
            "Номер ЕПГУ": 6_000_000_000 + number,
            "Факт": f"Факт {number % 40}",
            "Дата поступления": first + timedelta(days=number % 200),
            "ФИО исполнителя": f"Исполнителев Пётр {number % 90}",
            **also,
        }
        for number in range(count)
    )


def brought(content: bytes, *, by: Employee, name: str = "Выгрузка.xlsx") -> PosImport:
    """Bring an export by the page, up to its preview."""
    return imports.upload(io.BytesIO(content), name, by=by)


def loaded(content: bytes, *, by: Employee) -> PosImport:
    """Bring an export by the page and write it."""
    run = brought(content, by=by)
    imports.begin(run, by=by)
    return written(run)


def written(run: PosImport) -> PosImport:
    while imports.work_next(PosChannel()):
        pass
    run.refresh_from_db()
    return run
