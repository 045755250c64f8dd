"""«Номер из СЭД»: numbers and dates typed, scanned or imported; and where its lists and ours differ.

What is written here is `SedNumber`, of an appeal; what the lists of СЭД say is `SedRecord`, whether or not we know it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from otklik.appeals import access
from otklik.appeals.errors import NotAllowed, WrongDate
from otklik.appeals.models import Appeal, Direction, How, SedNumber, SedRecord
from otklik.core import examining, files, journal, sheets, typed
from otklik.core.errors import DomainError
from otklik.core.sheets import BadSheet, Cell, Row
from otklik.people.models import Employee

log = logging.getLogger("otklik.sed")

POWERS: Final = ("intake.decide", "appeals.attest")  # who writes numbers of СЭД down and compares
MAX_ROWS: Final = 5000
COLUMNS: Final = {
    "direction": "Вид",
    "number": "Номер СЭД",
    "on": "Дата",
    "our_number": "Номер Отклика",
}
_TITLES: Final = {
    **dict.fromkeys(("вид", "направление", "входящий или исходящий"), "direction"),
    **dict.fromkeys(("номер сэд", "номер", "рег. номер", "регистрационный номер"), "number"),
    **dict.fromkeys(("дата", "дата регистрации", "дата сэд"), "on"),
    **dict.fromkeys(("номер отклика", "номер обращения", "наш номер"), "our_number"),
}
_NEEDED: Final = ("direction", "number", "on")
_DIRECTIONS: Final = {"вх": Direction.INCOMING, "ис": Direction.OUTGOING}
# What a keyboard in the other layout makes of a letter that looks the same.
_LOOKALIKES: Final = str.maketrans("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")
_DASHES: Final = re.compile(r"[‐‑‒–—−]")
# «01-23/45 от 24.11.2026»; a barcode may part them by a semicolon, a bar or a tab.
_SCANNED: Final = re.compile(r"^(.+?)\s*(?:\s+от\s+|[;|\t])\s*(\d{2}\.\d{2}\.\d{4})(?:\s*г\.?)?$", re.IGNORECASE)


class BadNumber(DomainError):
    """Nothing that could be a number, or no date with it."""

    code = "sed.bad_number"
    text = "{what}"


class NumberTaken(DomainError):
    """Another appeal bears this number already."""

    code = "sed.number_taken"
    text = "{direction} № {number} за {year} год уже записан у обращения № {other}. Проверьте номер в СЭД."


class PlanChanged(DomainError):
    """What was agreed to is not what would be done now."""

    code = "sed.plan_changed"
    text = "Пока вы смотрели, данные изменились: ниже — как список ляжет теперь. Проверьте и загрузите ещё раз."


@dataclass(frozen=True)
class Line:
    """What a row of a list would do. `verdict`: new, link, date, same or refuse; `appeal`: the case it is linked to."""

    number: int
    verdict: str
    what: str
    why: tuple[str, ...] = ()
    appeal: int | None = None


@dataclass(frozen=True)
class Given:
    """One document as СЭД names it."""

    direction: str
    number: str
    on: date
    our_number: str = ""


def key_of(number: str) -> str:
    """Return a number as numbers are compared: without blanks and «№», dashes and look-alike letters made one."""
    text = _DASHES.sub("-", "".join(number.upper().split())).removeprefix("№").translate(_LOOKALIKES)
    return text[:60]


def read_scanned(text: str) -> tuple[str, date | None]:
    """Return the number and the date a scanner, or a person, put into one field."""
    text = text.strip()
    found = _SCANNED.match(text)
    number, on = (found[1], _day(found[2])) if found else (text, None)
    return " ".join(number.split()).removeprefix("№").strip()[:60], on


def check_can_write(user: Employee) -> None:
    """Raise where the user may not write numbers of СЭД down."""
    if not user.has_any(POWERS):
        raise NotAllowed(what="вносить номера СЭД", power="вносить сведения о подписи и заверять скан")


def enter(
    appeal: Appeal,
    *,
    direction: str,
    number: str,
    on: date | None = None,
    how: str = How.TYPED,
    file: UploadedFile[bytes] | None = None,
    by: Employee,
) -> SedNumber:
    """Write a number of СЭД down, with the document as СЭД gives it out where there is one. Unique in its year.

    The date may stand in the field with the number.
    """
    check_can_write(by)
    number, read = read_scanned(number)
    on = on or read
    if direction not in Direction.values:
        raise BadNumber(what="Выберите, входящий это номер или исходящий.")
    if not re.search(r"\d", number):
        raise BadNumber(what="Введите номер из СЭД: в нём должна быть хотя бы одна цифра.")
    if on is None:
        raise BadNumber(what="Укажите дату, под которой документ стоит в СЭД.")
    if on > timezone.localdate():
        raise WrongDate(what="Дата в СЭД ещё не наступила.")
    if direction == Direction.OUTGOING and on < appeal.received_on:
        raise WrongDate(what=f"Исходящий не может быть раньше поступления ({appeal.received_on:%d.%m.%Y}).")
    if file is not None:
        files.check(file, file.name or "")
        file.seek(0)
    with transaction.atomic():
        row = note(appeal, direction=direction, number=number, on=on, how=how, by=by)
        if file is not None:
            row.file, row.file_name = files.store(file, name=file.name or ""), (file.name or "")[:300]
            row.save(update_fields=["file", "file_name"])
            examining.ask([row.file])
    return row


def note(
    appeal: Appeal, *, direction: str, number: str, on: date, how: str = How.TYPED, by: Employee | None
) -> SedNumber:
    """Write a number down in the transaction of the step that brought it; raise NumberTaken where another has it."""
    key = key_of(number)
    same = {"direction": direction, "key": key, "year": on.year}
    try:
        with transaction.atomic():
            row = SedNumber.objects.create(appeal=appeal, number=number, on=on, how=how, by=by, **same)
            journal.record(
                "appeal.sed_number_written",
                chain=f"appeal:{appeal.pk}",
                by=by,
                row=row.pk,
                way=str(how),
                on=on.isoformat(),
            )
    except IntegrityError:
        there = SedNumber.objects.select_related("appeal").filter(**same).first()
        if there is None:
            raise
        if there.appeal_id == appeal.pk and there.on == on:
            return there  # the scanner was pressed twice
        words = Direction(direction).label.capitalize()
        raise NumberTaken(direction=words, number=number, year=on.year, other=there.appeal.number) from None
    return row


def note_signed(appeal: Appeal, number: str, on: date, *, by: Employee | None) -> None:
    """Write down under which number an answer was signed; one letter may answer several cases: the first keeps it."""
    with suppress(NumberTaken):
        note(appeal, direction=Direction.OUTGOING, number=number, on=on, by=by)


def remove(row: SedNumber, *, by: Employee) -> None:
    """Take a mistyped number back; what a step of the case itself bears stays with the case."""
    check_can_write(by)
    with transaction.atomic():
        deleted, _ = SedNumber.objects.filter(pk=row.pk).delete()
        if deleted:
            journal.record("appeal.sed_number_removed", chain=f"appeal:{row.appeal_id}", by=by, row=row.pk)


def of(appeal: Appeal) -> list[SedNumber]:
    """Return the numbers of СЭД an appeal bears."""
    return list(SedNumber.objects.filter(appeal=appeal).select_related("by"))


def found(user: Employee, text: str) -> list[SedNumber]:
    """Return the numbers, of appeals the user sees, that are exactly what was typed or scanned."""
    number, _ = read_scanned(text)
    rows = SedNumber.objects.filter(key=key_of(number)).select_related("appeal") if number else SedNumber.objects.none()
    return list(rows.filter(appeal__in=access.visible_to(user))[:20])


# --- lists of СЭД ----------------------------------------------------------------------------------------------------


def read(upload: IO[bytes], name: str) -> list[Row]:
    """Return the rows of a list of СЭД, XLSX or CSV; nothing in it is run."""
    table = sheets.read(upload, name, most_rows=MAX_ROWS, csv_too=True)
    if not table:
        raise BadSheet(what="таблица пустая. Возьмите образец и заполните его.")
    columns = _columns(table[0][1])
    rows = (sheets.under(columns, number, cells) for number, cells in table[1:])
    return [row for row in rows if any(row.cells.values()) or row.wrong]


def plan(rows: Iterable[Row]) -> list[Line]:
    """Return what each row would do now; nothing is changed."""
    return [line for _, line in _judged(list(rows))]


def fingerprint(lines: Iterable[Line]) -> str:
    """Return what two equal plans share."""
    return hashlib.sha256(repr([astuple(one) for one in lines]).encode()).hexdigest()


def load(rows: Sequence[Row], *, how: str, by: Employee | None, agreed: str = "") -> list[Line]:
    """Keep every good row of a list, and write the numbers of cases it names; loading it twice changes nothing.

    `agreed`: the fingerprint of the plan a person has confirmed; another plan is shown again.
    """
    if by is not None:
        check_can_write(by)
    with journal.together():
        judged = list(_judged(list(rows)))
        lines = [line for _, line in judged]
        if agreed and fingerprint(lines) != agreed:
            raise PlanChanged
        kept = [(given, line) for given, line in judged if given is not None and line.verdict != "refuse"]
        for given, line in kept:
            _keep(given, line, how, by)
        journal.record("sed.loaded", chain="sed", by=by, rows=len(kept), source=str(how))
    return lines


def take(given: Sequence[Given], *, how: str, by: Employee) -> list[Line]:
    """Keep what a program hands over, by the same rules as a list."""
    rows = [
        Row(
            place,
            {
                "direction": Direction(one.direction).label,
                "number": one.number,
                "on": f"{one.on:%d.%m.%Y}",
                "our_number": one.our_number,
            },
        )
        for place, one in enumerate(given, start=1)
    ]
    return load(rows, how=how, by=by)


def take_from_folder() -> int:
    """Load the lists that lie in the exchange folder, oldest first; return how many.

    A list that was read goes to «принято», one that cannot be read to «отклонено» with the reason beside it.
    """
    if not settings.SED_FOLDER:
        return 0
    folder, done = Path(settings.SED_FOLDER), 0
    there = sorted(one for one in folder.glob("*") if one.suffix.lower() in {".xlsx", ".csv"})
    for path in there:
        try:
            with path.open("rb") as upload:
                lines = load(read(upload, path.name), how=How.FOLDER, by=None)
        except DomainError as refusal:
            _put_away(path, "отклонено", str(refusal))
            continue
        refused = [f"строка {line.number}: {'; '.join(line.why)}" for line in lines if line.verdict == "refuse"]
        _put_away(path, "принято", "\n".join(refused))
        done += 1
    return done


def _put_away(path: Path, place: str, words: str) -> None:
    """Move a list out of the way under a name no other bears; a killed worker leaves it to be loaded again."""
    into = path.parent / place
    into.mkdir(exist_ok=True)
    target = into / f"{timezone.localtime():%Y%m%d-%H%M%S-%f}-{path.name}"
    if words:
        target.with_name(f"{target.name}.txt").write_text(words + "\n", encoding="utf-8")
    path.replace(target)
    if place == "отклонено":
        log.warning("a list of the SED exchange folder was refused")


def _columns(titles: Sequence[Cell]) -> dict[int, str]:
    known: dict[int, str] = {}
    for place, cell in enumerate(titles):
        name = _TITLES.get(" ".join(cell.text.lower().split()))
        if name is not None and name not in known.values():
            known[place] = name
    if missing := [COLUMNS[name] for name in _NEEDED if name not in known.values()]:
        raise BadSheet(what=f"в первой строке нет столбцов: {', '.join(missing)}. Возьмите столбцы из образца.")
    return known


def _judged(rows: Sequence[Row]) -> Iterator[tuple[Given | None, Line]]:
    keys = {key_of(row.cells.get("number", "")) for row in rows}
    records = {(one.direction, one.key, one.year): one for one in SedRecord.objects.filter(key__in=keys)}
    written = {
        (one.direction, one.key, one.year): one
        for one in SedNumber.objects.filter(key__in=keys).select_related("appeal")
    }
    ours = {row.cells.get("our_number", "").strip() for row in rows} - {""}
    appeals = dict(Appeal.objects.filter(number__in=ours).values_list("number", "pk"))
    met: dict[tuple[str, str, int], int] = {}
    for row in rows:
        given, why = _given(row)
        if given is None:
            yield None, Line(row.number, "refuse", row.cells.get("number", "")[:60], why)
            continue
        place = (given.direction, key_of(given.number), given.on.year)
        what = f"{Direction(given.direction).label} № {given.number} от {given.on:%d.%m.%Y}"
        if place in met:
            yield None, Line(row.number, "refuse", what, (f"тот же номер в строке {met[place]}",))
            continue
        met[place] = row.number
        there = (records.get(place), written.get(place), appeals.get(given.our_number))
        yield given, _line(row.number, what, given, there)


def _line(number: int, what: str, given: Given, there: tuple[SedRecord | None, SedNumber | None, int | None]) -> Line:
    record, written, named = there
    if given.our_number and named is None:
        return Line(number, "refuse", what, (f"обращения № {given.our_number} нет",))
    if named is not None and written is not None and written.appeal_id != named:
        return Line(number, "refuse", what, (f"этот номер записан у обращения № {written.appeal.number}",))
    if named is not None and written is None:
        return Line(number, "link", what, (f"будет записан у обращения № {given.our_number}",), named)
    if record is None:
        return Line(number, "new", what)
    if record.on != given.on:
        return Line(number, "date", what, (f"прежде стояла дата {record.on:%d.%m.%Y}",))
    return Line(number, "same", what)


def _given(row: Row) -> tuple[Given | None, tuple[str, ...]]:
    said, why = row.cells, list(row.wrong)
    direction = _DIRECTIONS.get(said.get("direction", "").strip().lower()[:2])
    if direction is None:
        why.append("вид: напишите «входящий» или «исходящий»")
    number, read = read_scanned(said.get("number", ""))
    if not re.search(r"\d", number):
        why.append("номер СЭД пуст или без цифр")
    on = _day(said.get("on", "")) or read
    if on is None:
        why.append("дата: нужна в виде 24.11.2026")
    elif on > timezone.localdate():
        why.append("дата ещё не наступила")
    if why or direction is None or on is None:
        return None, tuple(why)
    return Given(direction, number, on, " ".join(said.get("our_number", "").split())[:60]), ()


def _day(text: str) -> date | None:
    text = text.strip().split(" ")[0]
    if found := re.fullmatch(r"(\d{2})\.(\d{2})\.(\d{4})", text):
        text = f"{found[3]}-{found[2]}-{found[1]}"
    return typed.day(text)


def _keep(given: Given, line: Line, how: str, by: Employee | None) -> None:
    key = key_of(given.number)
    SedRecord.objects.update_or_create(
        direction=given.direction,
        key=key,
        year=given.on.year,
        defaults={"number": given.number, "on": given.on, "our_number": given.our_number, "how": how, "by": by},
    )
    if line.verdict == "link" and line.appeal is not None:
        note(
            Appeal.objects.get(pk=line.appeal),
            direction=given.direction,
            number=given.number,
            on=given.on,
            how=how,
            by=by,
        )


# --- where they differ -----------------------------------------------------------------------------------------------


def only_here(user: Employee) -> QuerySet[SedNumber]:
    """Return the numbers written here that the lists of СЭД do not have, since the first day the lists tell of."""
    same = SedRecord.objects.filter(direction=OuterRef("direction"), key=OuterRef("key"))
    begins = SedRecord.objects.aggregate(first=Min("on"))["first"]
    rows = _numbers(user).filter(~Exists(same))
    return rows.filter(on__gte=begins) if begins else rows.none()


def only_there() -> QuerySet[SedRecord]:
    """Return the documents of СЭД that no case bears; `suggested`: the case they name themselves."""
    same = SedNumber.objects.filter(direction=OuterRef("direction"), key=OuterRef("key"))
    named = Appeal.objects.filter(number=OuterRef("our_number")).values("pk")[:1]
    return SedRecord.objects.filter(~Exists(same)).annotate(suggested=Subquery(named))


def other_dates(user: Employee) -> QuerySet[SedNumber]:
    """Return the numbers both sides have under different dates; `there_on`: the date in СЭД."""
    same = SedRecord.objects.filter(direction=OuterRef("direction"), key=OuterRef("key"))
    nearest = same.order_by("-on").values("on")[:1]
    rows = _numbers(user).filter(Exists(same), ~Exists(same.filter(on=OuterRef("on"))))
    return rows.annotate(there_on=Subquery(nearest))


def without_number(user: Employee) -> QuerySet[Appeal]:
    """Return the cases of the days the lists tell of that bear no incoming number of СЭД at all, where any do."""
    begins = SedRecord.objects.filter(direction=Direction.INCOMING).aggregate(first=Min("on"))["first"]
    if begins is None:
        return Appeal.objects.none()
    bears = SedNumber.objects.filter(appeal=OuterRef("pk"), direction=Direction.INCOMING)
    return access.visible_to(user).filter(~Exists(bears), registered_on__gte=begins).order_by("-registered_on", "-pk")


def _numbers(user: Employee) -> QuerySet[SedNumber]:
    rows = SedNumber.objects.select_related("appeal").annotate(case_number=F("appeal__number"))
    return rows if user.has_power(access.ALL) else rows.filter(appeal__in=access.visible_to(user))
