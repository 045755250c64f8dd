"""Messages of any other body from a list, CSV or XLSX: columns proposed, rows judged one by one, the good ones kept.

`read` → rows by column, `proposed` → what each column seems to be, `plan` → what each row would do and why not,
`load` → the good rows kept as messages. A row is known again by its number in the list of its source, and one without
a number by everything it says: nothing is taken twice, and nothing has to be undone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any, Final

from django.utils import timezone

from otklik.channels.handover import handed
from otklik.core import sheets, typed
from otklik.core.errors import DomainError
from otklik.core.sheets import Row
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.models import IncomingMessage
from otklik.people.applicants import plain
from otklik.people.models import Applicant, Employee

MAX_ROWS: Final = 1000
LONGEST_NUMBER: Final = 120
FIELDS: Final = {
    "number": "Номер в списке",
    "date": "Дата поступления",
    "name": "ФИО в одной ячейке",
    "last_name": "Фамилия",
    "first_name": "Имя",
    "patronymic": "Отчество",
    "organisation": "Организация",
    "email": "Электронная почта",
    "phone": "Телефон",
    "address": "Почтовый адрес",
    "subject": "Тема",
    "text": "Текст",
}
_ALSO: Final = {
    "number": ("номер", "№", "№ п/п", "id", "external_id", "идентификатор", "номер обращения", "номер сообщения",
               "рег. номер", "регистрационный номер", "номер заявки"),
    "date": ("дата", "дата обращения", "дата сообщения", "дата создания", "создано", "поступило", "дата регистрации",
             "дата приема", "дата заявки"),
    "name": ("фио", "ф.и.о.", "фио заявителя", "заявитель", "автор", "от кого", "гражданин", "обратившийся"),
    "last_name": ("фамилия заявителя",),
    "first_name": ("имя заявителя",),
    "patronymic": ("отчество заявителя",),
    "organisation": ("наименование организации", "юридическое лицо", "компания"),
    "email": ("email", "e-mail", "почта", "эл. почта", "адрес электронной почты", "эл. адрес"),
    "phone": ("тел.", "контактный телефон", "номер телефона", "мобильный телефон"),
    "address": ("адрес", "адрес заявителя", "адрес проживания", "место жительства"),
    "subject": ("тема обращения", "заголовок", "кратко", "краткое содержание", "о чем"),
    "text": ("текст обращения", "текст сообщения", "обращение", "сообщение", "содержание", "вопрос", "суть обращения",
             "описание", "суть вопроса"),
}  # fmt: skip


def _key(head: str) -> str:
    """Return what two ways to write one head share."""
    return plain(head.replace("№", " номер "))


_TITLES: Final = {_key(title): name for name, title in FIELDS.items()} | {
    _key(title): name for name, titles in _ALSO.items() for title in titles
}
_MOST: Final = {
    "last_name": 150, "first_name": 150, "patronymic": 150, "organisation": 300, "email": 320, "phone": 40,
    "address": 500, "subject": 300,
}  # fmt: skip
PERSON: Final = ("last_name", "first_name", "patronymic", "organisation", "email", "phone", "address")


class BadColumns(DomainError):
    """The columns as they are named give no messages."""

    code = "list.bad_columns"
    text = "{what}"


class PlanChanged(DomainError):
    """Something else than was shown would be kept."""

    code = "list.plan_changed"
    text = (
        "То, что получится, изменилось: другие столбцы или часть строк уже принята. Посмотрите и подтвердите ещё раз."
    )
    status = 409


@dataclass(frozen=True)
class Line:
    """What one row would do: «new», «repeat» (taken before), «again» (its number is taken, the words are others)."""

    number: int
    verdict: str
    why: tuple[str, ...] = ()
    external_id: str = ""
    content: dict[str, Any] = field(default_factory=dict)
    received_at: datetime | None = None

    @property
    def digest(self) -> str:
        """What makes two rows the same message."""
        return handed.digest(self.content) if self.content else ""


@dataclass(frozen=True)
class Done:
    """What was kept."""

    new: int
    repeats: int


@dataclass(frozen=True)
class Asked:
    """Into which channel a list goes, whose it is, and what each of its columns is."""

    channel: str
    source: str
    columns: Mapping[int, str]  # number of the column → a name of FIELDS


def read(upload: IO[bytes], name: str) -> tuple[list[str], list[Row]]:
    """Return the heads of a list and its rows, cells by the number of their column. Raise sheets.BadSheet."""
    found = sheets.read(upload, name, most_rows=MAX_ROWS, csv_too=True)
    if len(found) < 2:
        raise sheets.BadSheet(what="в нём нет строк. Первая строка — названия столбцов, под ней сообщения.")
    heads = [cell.text[:100] or f"столбец {place}" for place, cell in enumerate(found[0][1], start=1)]
    places = {place: str(place) for place in range(len(heads))}
    return heads, [sheets.under(places, number, cells) for number, cells in found[1:]]


def proposed(heads: Sequence[str]) -> dict[int, str]:
    """Return what each column seems to be by its head; each thing once, the first column that bears it."""
    columns: dict[int, str] = {}
    for place, head in enumerate(heads):
        name = _TITLES.get(_key(head))
        if name and name not in columns.values():
            columns[place] = name
    return columns


def plan(rows: Iterable[Row], asked: Asked) -> list[Line]:
    """Judge every row; nothing is kept."""
    _check(asked)
    lines = [_line(row, asked) for row in rows]
    return list(_known(_once(lines), asked))


def fingerprint(lines: Iterable[Line]) -> str:
    """Return what is agreed to: which rows would be kept, as what."""
    told = [(line.number, line.verdict, line.external_id, line.digest) for line in lines]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def load(rows: Iterable[Row], asked: Asked, *, agreed: str, by: Employee) -> Done:
    """Keep the good rows as messages; raise PlanChanged where it would not be what was agreed to.

    Broken off, it is simply done again: what was kept is known.
    """
    lines = plan(rows, asked)
    if fingerprint(lines) != agreed:
        raise PlanChanged
    good = iter([line for line in lines if line.verdict in {"new", "again"}])
    new = 0
    while portion := list(islice(good, inbox.AT_ONCE)):
        kept = inbox.accept_each([_arrived(line, asked) for line in portion], by=by)
        new += sum(not one.duplicate for one in kept)
    return Done(new, sum(line.verdict == "repeat" for line in lines))


def _check(asked: Asked) -> None:
    names = [name for name in asked.columns.values() if name]
    if asked.channel not in handed.CHANNELS:
        raise BadColumns(what="Выберите, каким каналом поступили сообщения.")
    if not asked.source.strip():
        raise BadColumns(what="Напишите, кто передал список: номера у каждого свои.")
    if "text" not in names:
        raise BadColumns(what="Покажите столбец с текстом сообщения.")
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise BadColumns(what=f"«{FIELDS[double]}» выбрано у двух столбцов. Оставьте один.")


def _line(row: Row, asked: Asked) -> Line:
    said = {name: row.cells.get(str(place), "").strip() for place, name in asked.columns.items() if name}
    told = {name: value for name, value in said.items() if value}
    wrong = list(row.wrong)
    if not told.get("text"):
        wrong.append("нет текста сообщения")
    wrong += [
        f"{FIELDS[name].lower()}: длиннее {most} знаков"
        for name, most in _MOST.items()
        if len(told.get(name, "")) > most
    ]
    if told.get("email") and not typed.is_email(told["email"]):
        wrong.append("электронная почта: нужен вид имя@сайт.ru")
    received_at = _moment(told["date"]) if told.get("date") else timezone.now()
    if received_at is None:
        wrong.append("дата поступления: нужен вид 24.11.2026, не позже сегодняшнего дня")
    if len(told.get("number", "")) > LONGEST_NUMBER:
        wrong.append(f"номер длиннее {LONGEST_NUMBER} знаков")
    if wrong:
        return Line(row.number, "refuse", tuple(wrong))
    content = _content(told, asked)
    key = f"{_source_key(asked.source)}:{told.get('number') or 'sha256:' + handed.digest(content)}"
    return Line(row.number, "new", external_id=f"list:{key}", content=content, received_at=received_at)


def _content(told: Mapping[str, str], asked: Asked) -> dict[str, Any]:
    """Return a row as another system would hand it over."""
    person = {name: told[name] for name in PERSON if told.get(name)}
    words = told.get("name", "").split()
    if words and not person.get("last_name"):
        names = ("last_name", "first_name", "patronymic") if len(words) <= 3 else ("last_name",)
        parts = words if len(words) <= 3 else [" ".join(words)[:150]]
        person |= dict(zip(names, parts, strict=False))
    if person.get("organisation") and not person.get("last_name"):
        person["kind"] = Applicant.Kind.ORGANISATION.value
    also = {"subject": told.get("subject"), "external_id": told.get("number"), "date": told.get("date")}
    content: dict[str, Any] = {name: value for name, value in {**also, "applicant": person}.items() if value}
    source = " ".join(asked.source.split())[:200]
    return {**content, "channel": asked.channel, "text": told["text"], "source": source}


def _once(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the rows, those that repeat a row above told so; one number with two texts is a slip of the list."""
    first: dict[str, Line] = {}
    for line in lines:
        before = first.setdefault(line.external_id, line) if line.external_id else line
        if before is line:
            yield line
        elif before.digest == line.digest:
            yield Line(line.number, "repeat", (f"то же, что в строке {before.number}",))
        else:
            yield Line(line.number, "refuse", (f"этот номер уже в строке {before.number}, а написано другое",))


def _known(lines: Iterable[Line], asked: Asked) -> Iterator[Line]:
    """Yield the rows, those that have been taken before told so."""
    lines = list(lines)
    ids = [one for line in lines if line.external_id for one in (line.external_id, _other(line))]
    there = IncomingMessage.objects.filter(channel=asked.channel, external_id__in=ids)
    digests: dict[str, str] = dict(there.values_list("external_id", "digest"))
    for line in lines:
        taken = {digests.get(line.external_id), digests.get(_other(line))} - {None} if line.external_id else set()
        if line.digest in taken:
            yield Line(line.number, "repeat", ("уже принято раньше",))
        elif taken:
            words = "номер уже принят, но написано другое: будет ещё одно сообщение"
            yield Line(line.number, "again", (words,), line.external_id, line.content, line.received_at)
        else:
            yield line


def _other(line: Line) -> str:
    """Return the id under which the journal keeps other words of the same number."""
    return f"{line.external_id}#{line.digest[:16]}"


def _arrived(line: Line, asked: Asked) -> Arrived:
    raw = json.dumps(line.content, ensure_ascii=False, sort_keys=True).encode()
    assert line.received_at is not None  # a row without a day that can be is refused
    return Arrived(asked.channel, line.external_id, line.digest, raw, line.received_at)


def _source_key(source: str) -> str:
    return hashlib.sha256(plain(source).encode()).hexdigest()[:12]


def _moment(text: str) -> datetime | None:
    """Return when a row says its message came: a day, with the time where it stands; None for one to come."""
    found = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::\d{2})?)?", text) or re.fullmatch(
        r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?:[ T]+(\d{1,2}):(\d{2})(?::\d{2})?)?.*", text
    )
    if found is None:
        return None
    parts = found.groups()
    year, month, day = (parts[0], parts[1], parts[2]) if len(parts[0]) == 4 else (parts[2], parts[1], parts[0])
    try:
        on = date(int(year), int(month), int(day))
        at = time(int(parts[3]), int(parts[4])) if parts[3] else time(12)
    except ValueError:
        return None
    now = timezone.now()
    if typed.day(on.isoformat()) is None or on > timezone.localdate():
        return None
    return min(timezone.make_aware(datetime.combine(on, at)), now)
