"""The dictionaries of both axes: the thematic classifier as a file, whole and versioned, and needs kept by hand.

`read` → rows, `plan` → what each would do and why not, `load` → all in one transaction, if the plan still holds.
A row of the dictionary lives as long as it says the same: a new edition renews only what it names otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import IO, Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify

from otklik.appeals import classification
from otklik.appeals.models import ClassifierEdition, Need, Topic, TopicReplacement
from otklik.appeals.permissions import check_power
from otklik.core import files, journal, locks, sheets, typed
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.sheets import BadSheet, Row
from otklik.people.models import Employee, Unit

EDIT: Final = "dictionaries.edit"
MOST: Final = 5000
MOST_BYTES: Final = 8 * 1024 * 1024
COLUMNS: Final = {
    "code": "Код",
    "name": "Название",
    "valid_from": "Действует с",
    "valid_to": "Действует по",
    "replaced_by": "Заменён на",
    "hints": "Слова-подсказки",
}
_KEYS: Final = {  # of JSON, ours and the public one
    "code": "code", "name": "name", "validFrom": "valid_from", "validTo": "valid_to", "replacedBy": "replaced_by",
    "hints": "hints",
}  # fmt: skip
_CODE: Final = re.compile(r"\d{4}(\.\d{4}){3}(\.\d{4})?")
_CHAIN: Final = "dictionaries"
_LONGEST_NAME: Final = 500


class PlanChanged(DomainError):
    """Between the preview and the press somebody changed the dictionary."""

    code = "classifier.plan_changed"
    text = "Справочник тем изменился, пока вы смотрели. Проверьте строки ещё раз и загрузите."
    status = 409


class NeedChanged(DomainError):
    """Somebody else changed the need first."""

    code = "classifier.need_changed"
    text = "Эту потребность только что изменил другой сотрудник. Сравните и сохраните ещё раз."
    status = 409


class WrongNeed(DomainError):
    """A need that says nothing, says what another says, or ends before it begins."""

    code = "classifier.wrong_need"
    text = "{why}"


class WrongTopic(DomainError):
    """A topic cannot end like this."""

    code = "classifier.wrong_topic"
    text = "{why}"


@dataclass(frozen=True)
class Read:
    """What a file says: its rows, and the version it names itself."""

    rows: list[Row]
    version: str = ""


@dataclass(frozen=True)
class Line:
    """What a row would do: `verdict` is add, renew, change, same, end or refuse."""

    number: int
    verdict: str
    code: str
    name: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    """One code as a file gives it."""

    code: str
    name: str
    valid_from: date
    valid_to: date | None
    replaced_by: str
    hints: str


@dataclass(frozen=True)
class _Judged:
    line: Line
    facts: Facts | None = None
    row: Topic | None = None


# --- the file --------------------------------------------------------------------------------------------------------


def read(upload: IO[bytes], name: str) -> Read:
    """Return the rows of a JSON, a CSV or a spreadsheet; nothing in it is run."""
    found = _of_json(upload) if name.lower().endswith(".json") else Read(list(_of_sheet(upload, name)))
    if not found.rows:
        raise BadSheet(what="кодов в нём нет. Нужны столбцы «Код» и «Название».")
    if len(found.rows) > MOST:
        raise BadSheet(what=f"в нём больше {MOST} кодов.")
    return found


def _of_json(upload: IO[bytes]) -> Read:
    content = upload.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise BadSheet(what=f"он больше {MOST_BYTES // 1024 // 1024} МБ.")
    try:
        given = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as wrong:
        where = f" (строка {wrong.lineno})" if isinstance(wrong, json.JSONDecodeError) else ""
        raise BadSheet(what=f"это не JSON в кодировке UTF-8{where}.") from None
    version = ""
    if isinstance(given, dict):
        version = str(given.get("version") or given.get("classifierVersion") or "")
        given = next((one for one in given.values() if isinstance(one, list)), None)
    if not isinstance(given, list):
        raise BadSheet(what="нужен список кодов: [{«code»: …, «name»: …}, …].")
    rows = []
    for number, one in enumerate(given, start=1):
        if not isinstance(one, dict):
            rows.append(Row(number, {}, ("это не запись с полями code и name.",)))
            continue
        version = version or str(one.get("classifierVersion") or "")
        rows.append(Row(number, {field: _text(one.get(key)) for key, field in _KEYS.items()}))
    return Read(rows, version[:20])


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else " ".join(str(value).replace("\x00", "").split())


def _of_sheet(upload: IO[bytes], name: str) -> Iterator[Row]:
    found = sheets.read(upload, name, most_rows=MOST, csv_too=True)
    titles = {title.casefold(): field for field, title in COLUMNS.items()} | {"заменен на": "replaced_by"}
    heads = [" ".join(cell.text.casefold().split()) for cell in found[0][1]] if found else []
    columns = {place: titles[head] for place, head in enumerate(heads) if head in titles}
    if not {"code", "name"} <= set(columns.values()) or len(set(columns.values())) < len(columns):
        raise BadSheet(what="в первой строке нужны столбцы " + ", ".join(f"«{one}»" for one in COLUMNS.values()) + ".")
    for number, cells in found[1:]:
        row = sheets.under(columns, number, cells)
        # What could be a formula bears an apostrophe in our own tables.
        yield replace(
            row, cells={field: text.removeprefix("'").replace("\x00", "") for field, text in row.cells.items()}
        )


def table() -> Iterator[tuple[object, ...]]:
    """Yield every code there is as rows of a spreadsheet, its heading first."""
    yield tuple(COLUMNS.values())
    for topic in _all():
        by = getattr(topic, "replacement", None)
        yield (
            topic.code, topic.name, f"{topic.valid_from:%d.%m.%Y}",
            f"{topic.valid_to:%d.%m.%Y}" if topic.valid_to else "", by.by.code if by else "", topic.hints,
        )  # fmt: skip


def as_json() -> bytes:
    """Return every code there is as a JSON that `read` takes back."""
    rows = [
        {
            "code": topic.code,
            "name": topic.name,
            "parentCode": topic.parent_code,
            "isLeaf": topic.leaf,
            "classifierVersion": topic.version,
            "validFrom": f"{topic.valid_from:%d.%m.%Y}",
            "validTo": f"{topic.valid_to:%d.%m.%Y}" if topic.valid_to else None,
            "replacedBy": topic.replacement.by.code if hasattr(topic, "replacement") else None,
            "hints": topic.hints,
        }
        for topic in _all()
    ]
    return json.dumps({"version": newest_version(), "codes": rows}, ensure_ascii=False, indent=1).encode()


def newest_version() -> str:
    """Return the version of the newest rows in force."""
    newest = Topic.objects.filter(rules.valid(timezone.localdate())).order_by("-valid_from", "-pk").first()
    return newest.version if newest else ""


def _all() -> list[Topic]:
    """Return one row of each code: the one in force, else the last that was."""
    rows = Topic.objects.select_related("replacement__by").order_by("code", "valid_from", "pk")
    return list({topic.code: topic for topic in rows}.values())


# --- what it would do ------------------------------------------------------------------------------------------------


def plan(rows: Iterable[Row], *, version: str, starts_on: date) -> list[Line]:
    """Return what each row would do, and which codes in force the file leaves out: they end. Nothing is changed."""
    return [one.line for one in _judge(list(rows), version, starts_on)]


def fingerprint(lines: Iterable[Line]) -> str:
    """Return what tells one plan from another."""
    return sha256("\n".join(f"{one.verdict} {one.code} {one.name}" for one in lines).encode()).hexdigest()


def _judge(rows: Sequence[Row], version: str, starts_on: date) -> list[_Judged]:
    known = {topic.code: topic for topic in _all()}
    given = {row.cells.get("code", "").strip() for row in rows}
    seen: set[str] = set()
    found = []
    for row in rows:
        code, name = row.cells.get("code", "").strip(), row.cells.get("name", "").strip()
        facts, wrong = _facts(row, known, given, starts_on)
        if code in seen:
            wrong.append("код уже встретился выше: оставьте одну строку.")
        seen.add(code)
        if wrong or facts is None:
            found.append(_Judged(Line(row.number, "refuse", code[:24], name[:100], tuple(wrong))))
            continue
        verdict, why = _verdict(facts, known.get(code), version)
        found.append(_Judged(Line(row.number, verdict, code, name, why), facts, known.get(code)))
    for code, topic in known.items():
        if code not in seen and topic.valid_to is None:
            why = ("в файле его нет: прекратит действие, замена не указана",)
            found.append(_Judged(Line(0, "end", code, topic.name, why), None, topic))
    return found


def _facts(row: Row, known: Mapping[str, Topic], given: set[str], starts_on: date) -> tuple[Facts | None, list[str]]:
    cells = {field: row.cells.get(field, "").strip() for field in COLUMNS}
    wrong = list(row.wrong)
    code, by = cells["code"], cells["replaced_by"]
    if not _CODE.fullmatch(code):
        wrong.append(f"код «{code[:40]}» неверный: нужны группы по четыре цифры, например 0003.0011.0123.0850.")
    if not cells["name"]:
        wrong.append("нет названия.")
    elif len(cells["name"]) > _LONGEST_NAME:
        wrong.append(f"название длиннее {_LONGEST_NAME} знаков.")
    days: dict[str, date | None] = {}
    for field in ("valid_from", "valid_to"):
        days[field] = _day(cells[field])
        if cells[field] and days[field] is None:
            wrong.append(f"«{COLUMNS[field]}»: «{cells[field][:20]}» не дата. Нужно, например, 31.10.2025.")
    since, to = days["valid_from"] or starts_on, days["valid_to"]
    if to and to < since and not (code in known and not cells["valid_from"]):
        wrong.append("«Действует по» раньше, чем «Действует с».")
    if by and by == code:
        wrong.append("код заменён сам на себя.")
    elif by and by not in given and by not in known:
        wrong.append(f"кода «{by[:40]}», на который он заменён, нет ни в файле, ни в справочнике.")
    elif by and by.endswith(".0000"):
        wrong.append(f"заменить можно только на вопрос, а «{by[:40]}» — раздел.")
    if by and not to:
        wrong.append("есть замена, но не указано, по какой день код действует.")
    if wrong:
        return None, wrong
    return Facts(code, cells["name"], since, to, by, cells["hints"]), wrong


def _day(text: str) -> date | None:
    if found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        text = f"{found[3]}-{int(found[2]):02d}-{int(found[1]):02d}"
    return typed.day(text[:10])


def _verdict(facts: Facts, topic: Topic | None, version: str) -> tuple[str, tuple[str, ...]]:
    if topic is None:
        return "add", ()
    by = topic.replacement.by.code if hasattr(topic, "replacement") else ""
    what = []
    if facts.hints and facts.hints != topic.hints:
        what.append("изменятся слова-подсказки")
    if facts.valid_to != topic.valid_to and facts.valid_to is not None:
        what.append(
            f"прекратит действие {facts.valid_to:%d.%m.%Y}"
            + (f", вместо него {facts.replaced_by}" if facts.replaced_by else "")
        )
    elif facts.replaced_by and facts.replaced_by != by:
        what.append(f"вместо него {facts.replaced_by}")
    if topic.valid_to and facts.valid_to is None:
        return "renew", ("код снова действует",)
    if facts.name != topic.name:
        was = f"было: «{topic.name}»"
        return ("change" if topic.version == version else "renew"), (was, *what)
    return ("change" if what else "same"), tuple(what)


# --- what it does ----------------------------------------------------------------------------------------------------


@transaction.atomic
def load(
    rows: Sequence[Row], *, version: str, starts_on: date, agreed: str, name: str, by: Employee
) -> ClassifierEdition:
    """Bring the dictionary to what the file says, refused rows left aside; all of it or nothing."""
    check_power(by, EDIT, "загрузить классификатор")
    locks.hold("classifier", ["load"])
    judged = _judge(rows, version, starts_on)
    if fingerprint(one.line for one in judged) != agreed:
        raise PlanChanged
    last_day = starts_on - timedelta(days=1)
    known = {topic.code: topic for topic in _all()}
    codes = known.keys() | {one.facts.code for one in judged if one.facts}
    for one in judged:
        topic, facts, verdict = one.row, one.facts, one.line.verdict
        if verdict == "end" and topic:
            _end(topic, last_day)
        elif verdict == "change" and topic and facts:
            topic.name, topic.hints = facts.name, facts.hints or topic.hints
            topic.valid_to = facts.valid_to or topic.valid_to
            topic.save(update_fields=["name", "hints", "valid_to"])
        elif verdict in ("add", "renew") and facts:
            known[facts.code] = _make(facts, topic, version, starts_on, codes)
    for one in judged:
        if one.facts and one.facts.replaced_by and one.line.verdict != "refuse":
            TopicReplacement.objects.update_or_create(
                topic=known[one.facts.code], defaults={"by": known[one.facts.replaced_by]}
            )
    _leaves()
    count = {
        verdict: sum(one.line.verdict == verdict for one in judged) for verdict in ("add", "renew", "change", "end")
    }
    kept = files.store(as_json(), name="classifier.json")
    edition = ClassifierEdition.objects.create(
        version=version,
        starts_on=starts_on,
        file=kept,
        name=name[:200],
        added=count["add"],
        renewed=count["renew"] + count["change"],
        ended=count["end"],
        by=by,
    )
    journal.record("classifier.loaded", chain=_CHAIN, by=by, version=version, rows=len(judged), sha256=kept.sha256)
    return edition


def _end(topic: Topic, last_day: date) -> None:
    topic.valid_to = max(last_day, topic.valid_from)
    topic.save(update_fields=["valid_to"])


def _make(facts: Facts, was: Topic | None, version: str, starts_on: date, codes: Iterable[str]) -> Topic:
    """Add a row; the one it renews ends the day before, and says what stands in for it."""
    if was and was.version == version:  # ended and in force again within one version: it is the same row
        was.name, was.valid_to = facts.name, None
        was.save(update_fields=["name", "valid_to"])
        TopicReplacement.objects.filter(topic=was).delete()
        return was
    since = facts.valid_from if not was else max(facts.valid_from, starts_on)
    made = Topic.objects.create(
        code=facts.code,
        version=version,
        name=facts.name,
        parent_code=parent_of(facts.code, codes),
        leaf=True,
        unit=was.unit if was else None,
        hints=facts.hints or (was.hints if was else ""),
        valid_from=since,
        valid_to=facts.valid_to,
    )
    if was:
        if was.valid_to is None or was.valid_to >= since:
            _end(was, since - timedelta(days=1))
        TopicReplacement.objects.update_or_create(topic=was, defaults={"by": made})
    return made


def parent_of(code: str, codes: Iterable[str]) -> str:
    """Return the nearest code above: the last group dropped or zeroed from the right; empty at the top."""
    known = codes if isinstance(codes, set | frozenset) else set(codes)
    groups = code.split(".")
    if len(groups) == 5:
        groups.pop()
        if ".".join(groups) in known:
            return ".".join(groups)
    for place in range(len(groups) - 1, 0, -1):
        groups[place] = "0000"
        if (above := ".".join(groups)) != code and above in known:
            return above
    return ""


def _leaves() -> None:
    """A section, and what has codes below it, cannot be given to a question."""
    rows = list(Topic.objects.only("pk", "code", "leaf", "valid_to"))
    parents = {row.code[:19] for row in rows if len(row.code) > 19 and row.valid_to is None}
    for leaf in (True, False):
        is_wrong = [
            row.pk for row in rows
            if row.leaf != leaf and leaf == (not row.code.endswith(".0000") and row.code not in parents)
        ]  # fmt: skip
        Topic.objects.filter(pk__in=is_wrong).update(leaf=leaf)


# --- by hand ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def change_topic(
    topic: Topic, *, hints: str, unit: Unit | None, valid_to: date | None, replaced_by: Topic | None, by: Employee
) -> None:
    """Keep what people add to a code: words that point to it, who usually answers, its end and its replacement."""
    check_power(by, EDIT, "править классификатор")
    if valid_to and valid_to < topic.valid_from:
        raise WrongTopic(why=f"Код действует с {topic.valid_from:%d.%m.%Y}: раньше он закончиться не может.")
    if replaced_by and not valid_to:
        raise WrongTopic(why="Укажите, по какой день код действует: без этого замена не нужна.")
    if replaced_by and (replaced_by.pk == topic.pk or not replaced_by.leaf):
        raise WrongTopic(why="Замена — другой код, который можно присвоить вопросу.")
    topic.hints, topic.unit, topic.valid_to = _tidy(hints), unit, valid_to
    topic.save(update_fields=["hints", "unit", "valid_to"])
    if replaced_by:
        TopicReplacement.objects.update_or_create(topic=topic, defaults={"by": replaced_by})
    else:
        TopicReplacement.objects.filter(topic=topic).delete()
    journal.record("classifier.topic_changed", chain=_CHAIN, by=by, row=topic.pk)


def check_can_keep_needs(user: Employee) -> None:
    """Raise where the user may not keep the dictionary of needs: п. 9.1 gives it to the registry unit."""
    check_power(user, "appeals.classify", "вести типовые потребности")
    classification.check_registry(user)


def needs_named(text: str) -> Q:
    """Return the condition «a need whose name or hints contain the words», in any case of letters."""
    found = Q()
    for one in {text, text.lower(), text.capitalize(), text.upper()}:
        found |= Q(name__contains=one) | Q(hints__contains=one)
    return found


@transaction.atomic
def keep_need(need: Need | None, given: Mapping[str, Any], *, was: str = "", by: Employee) -> Need:
    """Add a need or change one: name, hints, order, days. `was`: what the page showed, to tell a change in between."""
    check_can_keep_needs(by)
    locks.hold("classifier", ["needs"])
    row = Need.objects.get(pk=need.pk) if need else Need()
    if need and was and was != state_of(row):
        raise NeedChanged
    name = " ".join(str(given["name"]).split())
    twin = next((one for one in Need.objects.exclude(pk=row.pk) if one.name.casefold() == name.casefold()), None)
    if twin:
        raise WrongNeed(why=f"Потребность «{twin.name}» уже есть. Допишите слова в неё.")
    since, to = given["valid_from"], given.get("valid_to")
    if to and to < since:
        raise WrongNeed(why="Последний день раньше первого. Проверьте даты.")
    row.name, row.hints, row.order = name, _tidy(given.get("hints", "")), given.get("order") or 100
    row.valid_from, row.valid_to = since, to
    if not row.code:
        row.code = _new_code(name)
    row.save()
    journal.record("classifier.need_changed" if need else "classifier.need_added", chain=_CHAIN, by=by, row=row.pk)
    return row


def state_of(need: Need) -> str:
    """Return what tells one state of a need from another."""
    said = f"{need.name}|{need.hints}|{need.order}|{need.valid_from}|{need.valid_to}"
    return sha256(said.encode()).hexdigest()[:16]


_LATIN: Final = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", [
    "a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "i", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh",
    "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya",
], strict=True))  # fmt: skip


def _new_code(name: str) -> str:
    latin = slugify("".join(_LATIN.get(letter, letter) for letter in name.casefold()))[:50].strip("-") or "need"
    taken = set(Need.objects.filter(code__startswith=latin).values_list("code", flat=True))
    return next(
        code for number in range(1, MOST) if (code := latin if number == 1 else f"{latin}-{number}") not in taken
    )


def _tidy(hints: str) -> str:
    """Return phrases once each, in the order they were written."""
    phrases = (" ".join(one.split()) for one in re.split(r"[,;\n]", hints))
    return ", ".join(dict.fromkeys(one for one in phrases if one))
