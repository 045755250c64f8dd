"""Who writes to the demo department, and what about. Nobody here can be taken for a living person."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.resources import files
from random import Random
from typing import Final

from otklik.people.applicants import Typed

_SURNAMES: Final = (
    ("Вымышленский", "Вымышленская"),
    ("Придуманный", "Придуманная"),
    ("Небывалов", "Небывалова"),
    ("Сказочный", "Сказочная"),
    ("Выдумкин", "Выдумкина"),
    ("Примерный", "Примерная"),
    ("Образцов", "Образцова"),
    ("Условный", "Условная"),
    ("Мнимов", "Мнимова"),
    ("Воображаев", "Воображаева"),
    ("Небылицын", "Небылицына"),
    ("Баснев", "Баснева"),
    ("Присказкин", "Присказкина"),
    ("Фантазийный", "Фантазийная"),
    ("Тестовский", "Тестовская"),
    ("Черновиков", "Черновикова"),
    ("Макетов", "Макетова"),
    ("Эскизов", "Эскизова"),
)
_MEN: Final = ["Пётр", "Иван", "Степан", "Фёдор", "Захар", "Тимофей", "Лука", "Макар", "Егор", "Савелий"]
_WOMEN: Final = ["Анна", "Марья", "Василиса", "Алёна", "Дарья", "Прасковья", "Ульяна", "Варвара", "Злата", "Пелагея"]
_STREETS: Final = ["Примерная", "Образцовая", "Учебная", "Вымышленная", "Тестовая", "Сказочная", "Небывалая"]
_TOWNS: Final = ["г. Новосибирск", "г. Искитим", "г. Бердск", "р. п. Кольцово", "с. Учебное", "пос. Примерный"]
_ORGANISATIONS: Final = (
    "ООО «Ромашка-Пример»",
    "ООО «Образец-Строй»",
    "СНТ «Учебное»",
    "ООО «Вымысел и партнёры»",
    "АО «Небывальщина»",
    "ГК «Гаражный пример»",
)


def people(chance: Random, count: int) -> list[Typed]:
    """Return so many applicants, no two with one e-mail address."""
    return [_person(chance, number) for number in range(count)]


def _person(chance: Random, number: int) -> Typed:
    woman = chance.random() < 0.55
    kind = chance.choices(["person", "organisation", "entrepreneur", "collective"], [82, 9, 6, 3])[0]
    street, town = chance.choice(_STREETS), chance.choice(_TOWNS)
    one = Typed(
        kind=kind,
        last_name=chance.choice(_SURNAMES)[woman],
        first_name=chance.choice(_WOMEN if woman else _MEN),
        patronymic=chance.choice(("Примеровна", "Образцовна", "Сказковна") if woman else ("Примерович", "Образцович")),
        email=f"citizen{number:03d}@mail.example",
        phone=f"+7 900 000-{number // 100:02d}-{number % 100:02d}",
        address=f"630{number:03d}, {town}, ул. {street}, д. {number % 90 + 1}",
    )
    if kind == "organisation":
        return replace(one, organisation=chance.choice(_ORGANISATIONS))
    if kind == "collective":
        return replace(one, organisation=f"Жители дома {number % 90 + 1} по ул. {street}")
    return one


@dataclass(frozen=True)
class Matter:
    """One thing people write about: the unit that answers it, several beginnings, and how it is answered."""

    unit: str
    subject: str
    text: str
    answer: str


CLOSING: Final = "\n\nЕсли останутся вопросы, позвоните нам: 8 (383) 238-60-02."


def matters() -> list[Matter]:
    """Return what people write about."""
    rows = json.loads((files("otklik.demo") / "data" / "matters.json").read_text(encoding="utf-8"))
    return [Matter(**{**row, "answer": row["answer"] + CLOSING}) for row in rows]


MATTERS: Final = matters()

OPENINGS: Final = ("Здравствуйте! ", "Добрый день! ", "Уважаемый руководитель! ", "")
DETAILS: Final = (
    "",
    " Писал вам ещё весной, но ответа не нашёл.",
    " Прошу ответить письменно.",
    " Заранее спасибо.",
    " Мне это важно: документы нужны до конца года.",
)
COMMENTS: Final = (
    "",
    "",
    "",
    "Ответили быстрее, чем я ждал.",
    "Написано понятно, спасибо.",
    "Пришлось перечитать три раза.",
    "Хотелось бы образец заявления.",
)
