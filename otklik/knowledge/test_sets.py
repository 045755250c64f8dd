"""Test sets that people bring: JSON lines, or a table of two columns; every line that is wrong is named."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final
from urllib.parse import urlsplit

from otklik.core import sheets
from otklik.core.errors import DomainError
from otklik.knowledge import brought, materials
from otklik.knowledge.models import TestQuery

MOST: Final = 3000  # questions
LONGEST: Final = 20_000  # characters of one
SHOWN: Final = 50  # wrong lines told at once
LINES: Final = (".jsonl", ".ndjson", ".json", ".txt")
TITLES: Final = {"запрос": "text", "вопрос": "text", "материал": "page", "вид": "kind"}
NOTHING: Final = {"нет", "—", "-", "ничего"}
_DESK: Final = re.compile(r"/desk/kb/(\d{1,18})(?:/|$)")
_GRADES: Final = (1, 2)


class BadTestSet(DomainError):
    """A file is no test set. `lines`: what is wrong in which line."""

    code = "quality.bad_set"
    text = "Набор не загружен: {what}"

    def __init__(self, *, what: str, lines: list[tuple[int, str]] | None = None) -> None:
        super().__init__(what=what)
        self.lines = lines or []


class _Wrong(Exception):
    """What is wrong with one line, in words."""


def read(upload: IO[bytes], name: str) -> list[TestQuery]:
    """Return the questions of a file, not saved; all of them are good, or it is said which lines are not."""
    lowered = name.lower()
    known = _Known()
    if lowered.endswith(LINES):
        found, wrong = _of_lines(upload, name, known)
    elif lowered.endswith((".xlsx", ".docx")):
        found, wrong = _of_table(upload, name, known)
    else:
        raise BadTestSet(what="нужен файл .jsonl или таблица .xlsx. Сохраните вопросы в одном из этих видов.")
    if wrong:
        raise BadTestSet(what=f"строк с ошибками — {len(wrong)}. Исправьте их и выберите файл ещё раз.", lines=wrong)
    if not found:
        raise BadTestSet(what="в файле нет ни одного вопроса.")
    return found


class _Known:
    """The published materials by whatever people call them: id, address, short name, title."""

    def __init__(self) -> None:
        self._ids = set[int]()
        self._named: dict[str, set[int]] = defaultdict(set)
        for pk, slug, title, path in materials.published().order_by().values_list("pk", "slug", "title", "url_path"):
            self._ids.add(pk)
            for called in (slug, title, "/".join(path.strip("/").split("/")[-2:])):
                self._named[_plain(called)].add(pk)

    def find(self, said: str) -> int:
        """Return the material that is meant."""
        said = said.strip()
        path = urlsplit(said).path if "/" in said and " " not in said else ""
        desk = _DESK.search(path)
        if said.isascii() and said.isdecimal() and len(said) < 19:
            found = {int(said)} & self._ids
        elif desk:
            found = {int(desk[1])} & self._ids
        else:
            found = self._named.get(_plain("/".join(path.strip("/").split("/")[-2:]) if path else said), set())
        if not found:
            raise _Wrong(f"материала «{said[:80]}» нет среди опубликованных. Укажите его номер, адрес или название.")
        if len(found) > 1:
            raise _Wrong(f"«{said[:80]}» называются несколько материалов. Укажите номер или адрес.")
        return next(iter(found))


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("ё", "е").split())


def _text(value: object) -> str:
    if not isinstance(value, str) or not (text := value.replace("\x00", " ").strip()):
        raise _Wrong("нет вопроса: напишите его в «text».")
    if len(text) > LONGEST:
        raise _Wrong(f"вопрос длиннее {LONGEST} знаков. Сократите его.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Wrong("в вопросе знаки, которых не бывает в тексте. Наберите его заново.") from None
    return text


def _of_lines(upload: IO[bytes], name: str, known: _Known) -> tuple[list[TestQuery], list[tuple[int, str]]]:
    content = upload.read(sheets.MAX_BYTES + 1)
    if len(content) > sheets.MAX_BYTES:
        raise BadTestSet(what=f"файл больше {sheets.MAX_BYTES // 1024 // 1024} МБ. Разделите набор на части.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        number = content[: exc.start].count(b"\n") + 1
        lines = [(number, "знаки не в UTF-8.")]
        raise BadTestSet(what="сохраните файл в кодировке UTF-8.", lines=lines) from None
    found: dict[str, TestQuery] = {}
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(found) >= MOST:
            raise BadTestSet(what=f"вопросов больше {MOST}. Разделите набор на части.")
        try:
            query = _of_line(line, number, known)
            if query.code in found:
                raise _Wrong(f"номер «{query.code}» уже был. Номера не повторяются.")
            found[query.code] = query
        except _Wrong as why:
            wrong.append((number, str(why)))
    return list(found.values()), wrong


def _of_line(line: str, number: int, known: _Known) -> TestQuery:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        raise _Wrong('это не JSON. Нужна строка вида {"id": "1", "text": "…", "relevant": {"12": 2}}.') from None
    if not isinstance(given, dict):
        raise _Wrong('нужен объект в фигурных скобках: {"id": …, "text": …, "relevant": …}.')
    relevant = given.get("relevant")
    if not isinstance(relevant, dict):
        raise _Wrong("нет «relevant»: материал и оценка, 2 отвечает, 1 близко; {} — ничего не отвечает.")
    return TestQuery(
        code=_name(given.get("id", number), "id", 40) or str(number),
        kind=_name(given.get("kind", ""), "kind", 20),
        text=_text(given.get("text")),
        pages=dict(_graded(relevant, known)),
    )


def _name(value: object, field: str, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _Wrong(f"«{field}» должно быть словом или числом.")
    text = _text(str(value)) if str(value).strip() else ""
    if len(text) > most:
        raise _Wrong(f"«{field}» длиннее {most} знаков.")
    return text


def _graded(relevant: Mapping[str, Any], known: _Known) -> Iterator[tuple[str, int]]:
    for said, grade in relevant.items():
        if isinstance(grade, bool) or grade not in _GRADES:
            raise _Wrong(f"оценка «{str(grade)[:20]}» не понята: 2 — отвечает, 1 — близко.")
        yield str(known.find(said)), int(grade)


def _of_table(upload: IO[bytes], name: str, known: _Known) -> tuple[list[TestQuery], list[tuple[int, str]]]:
    """Read a table: a row names one material; a question on several rows has several."""
    found: dict[str, TestQuery] = {}
    wrong: list[tuple[int, str]] = []
    for row in brought.rows(upload, name, titles=TITLES, needed=("запрос", "материал"), most=MOST):
        wrong += [(row.number, one) for one in row.wrong]
        if row.wrong or not any(row.cells.values()):
            continue
        try:
            text, said = _text(row.cells.get("text")), row.cells.get("page", "")
            if not said:
                raise _Wrong("не указан материал. Если ответа нет, напишите «нет».")
            query = found.setdefault(_plain(text), TestQuery(code=str(row.number), text=text, pages={}))
            query.kind = query.kind or _name(row.cells.get("kind", ""), "вид", 20)
            if _plain(said) not in NOTHING:
                query.pages[str(known.find(said))] = 2
        except _Wrong as why:
            wrong.append((row.number, str(why)))
    return list(found.values()), wrong
