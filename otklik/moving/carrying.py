"""A journal carried in: read, its columns told, tried as a whole, written chunk by chunk by the workers.

Nothing is kept before a person agrees. Of a chunk all rows are kept or none, and how far the journal is written stands
in the same transaction: a killed worker costs nothing, another one goes on.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import files, journal, masking
from otklik.core.crashpoints import reach
from otklik.core.errors import DomainError
from otklik.core.sheets import Row
from otklik.correspondence.text import clean, fit
from otklik.moving import keepers, kinds, packed, reading, undoing
from otklik.moving.keepers import Judged
from otklik.moving.models import CarriedRow, ColumnSet, HistoryImport, WordMeaning
from otklik.people.models import Employee

log = logging.getLogger("otklik.moving")

State, Kind = HistoryImport.State, HistoryImport.Kind
POWERS: Final = ("intake.decide", "people.manage")
AT_ONCE: Final = 250  # rows kept in one transaction; between two chunks other work has its turn
JUDGED_AT_ONCE: Final = 1000
SKIP: Final = "-"  # a column that is left out altogether
MOST_LATE: Final = 500
DRAFTS_KEPT: Final = timedelta(days=7)
_TOLD: Final = 150  # words of a sort whose meaning is shown


class NotNow(DomainError):
    """The import is past the moment at which this could be done."""

    code = "moving.not_now"
    text = "Сейчас это невозможно: журнал {now}. Обновите страницу."
    status = 409


class NotAllowedToMove(DomainError):
    """Only who registers appeals or manages the system brings history in."""

    code = "moving.not_allowed"
    text = "Переносить журналы может тот, кто регистрирует обращения или ведёт систему. Обратитесь к администратору."
    status = 403


class ColumnsLack(DomainError):
    """The journal cannot do without what no column is."""

    code = "moving.columns_lack"
    text = "{what}"


# --- brought ---------------------------------------------------------------------------------------------------------


def upload(
    brought: IO[bytes], name: str, kind: str, *, by: Employee, attached: IO[bytes] | None = None
) -> HistoryImport:
    """Read a journal and propose its columns; raise BadSheet or BadArchive where a file cannot be read."""
    check_may(by)
    content = brought.read(reading.LIMITS.packed + 1)
    read = reading.read(io.BytesIO(content), name, kind)
    if attached is not None:
        packed.check(attached)
    run = HistoryImport(kind=kind, name=_name(name), heads=read.heads, by=by, total=len(read.rows))
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in read.rows)
    run.sheet, run.rows = files.store(content), files.store(f"{lines}\n".encode())
    run.attached = files.store(attached) if attached is not None else None
    columns, options = _remembered(run)
    sample = [cells for _, cells, _ in read.rows[:60]]
    run.columns = columns or {str(place): name for place, name in kinds.proposed(kind, read.heads, sample).items()}
    run.options = options
    with journal.together():
        run.save()
        _record("moving.brought", run, by=by, rows=run.total)
    return run


def check_may(by: Employee) -> None:
    """Raise where this person may not bring history in."""
    if not by.has_any(POWERS):
        raise NotAllowedToMove


def _remembered(run: HistoryImport) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what columns with these headings were told to be the last time, and the settings that went with them."""
    known = ColumnSet.objects.filter(kind=run.kind, key=kinds.key_of(run.heads)).first()
    if known is None:
        return {}, {}
    columns = {
        str(place): known.columns[kinds.head_key(head)]
        for place, head in enumerate(run.heads)
        if kinds.head_key(head) in known.columns
    }
    return columns, dict(known.options)


def _name(name: str) -> str:
    return fit(clean(name).replace("\\", "/").rsplit("/", 1)[-1], 200) or "журнал.xlsx"


def _record(action: str, run: HistoryImport, *, by: Employee | None, **data: Any) -> None:
    journal.record(action, chain="moving", by=by, id=run.pk, **data)


# --- told and tried --------------------------------------------------------------------------------------------------


def tell(run: HistoryImport, columns: Mapping[int, str], options: Mapping[str, str], *, by: Employee) -> None:
    """Keep what the columns are and have the journal tried; the same headings are known the next time.

    Raise ColumnsLack where something cannot be done without.
    """
    check_may(by)
    known = kinds.FIELDS[run.kind]
    told = {place: name for place, name in columns.items() if name in known or name == SKIP}
    names = [name for name in told.values() if name != SKIP]
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise ColumnsLack(what=f"«{known[double].label}» выбрано у двух столбцов. Оставьте один.")
    if lack := kinds.lacking(run.kind, told):
        raise ColumnsLack(what=f"Покажите столбец: {', '.join(lack)}.")
    kept = {name: fit(value, 100) for name, value in options.items() if name in keepers.USUAL}
    pattern = kept.get("pattern", "")
    rest = pattern.replace("{year}", "").replace("{number}", "")
    if pattern and ("{number}" not in pattern or set("{}") & set(rest)):
        raise ColumnsLack(what="В образце номера нужно {number}, может быть ещё {year}: например ЛП-{year}-{number}.")
    with journal.together():
        changed = HistoryImport.objects.filter(pk=run.pk, state__in=(State.READ, State.CHECKED))
        columns_said = {str(place): name for place, name in told.items()}
        if not changed.update(columns=columns_said, options=kept, state=State.CHECKING, position=0):
            raise _not_now(run)
        heads = {kinds.head_key(run.heads[place]): name for place, name in told.items() if place < len(run.heads)}
        ColumnSet.objects.update_or_create(
            kind=run.kind, key=kinds.key_of(run.heads), defaults={"columns": heads, "options": kept}
        )
        _record("moving.told", run, by=by)
    run.refresh_from_db()


def try_again(run: HistoryImport, *, by: Employee) -> None:
    """Have a journal tried once more: words have got meanings since."""
    check_may(by)
    if not HistoryImport.objects.filter(pk=run.pk, state=State.CHECKED).update(state=State.CHECKING):
        raise _not_now(run)


def columns_again(run: HistoryImport, *, by: Employee) -> None:
    """Go back to the columns of a journal nothing of which is written."""
    check_may(by)
    if not HistoryImport.objects.filter(pk=run.pk, state=State.CHECKED).update(state=State.READ):
        raise _not_now(run)


def begin(run: HistoryImport, *, by: Employee) -> None:
    """Agree to a journal that was tried: workers carry its good rows."""
    check_may(by)
    with journal.together():
        ready = HistoryImport.objects.filter(pk=run.pk, state=State.CHECKED, good__gt=0)
        if not ready.update(state=State.WRITING, position=0):
            raise _not_now(run)
        _record("moving.begun", run, by=by, rows=run.good)


def drop(run: HistoryImport, *, by: Employee) -> None:
    """Leave a journal that is not written: neither it nor its files are kept."""
    check_may(by)
    _drop(run, by=by)


def _drop(run: HistoryImport, *, by: Employee | None) -> None:
    papers = [run.sheet, run.rows, run.attached, run.faults]
    with journal.together():
        unwritten = HistoryImport.objects.filter(pk=run.pk, state__in=(State.READ, State.CHECKED))
        if not unwritten.delete()[0]:
            raise _not_now(run)
        for paper in papers:
            if paper is not None:
                files.forget(paper)
        _record("moving.dropped", run, by=by)


def _not_now(run: HistoryImport) -> NotNow:
    now = HistoryImport.objects.filter(pk=run.pk).first()
    return NotNow(now=now.get_state_display() if now else "убран")


def take_back(run: HistoryImport, *, by: Employee) -> None:
    """Have everything an import has made taken back, but for what somebody has worked with since."""
    check_may(by)
    with journal.together():
        made = HistoryImport.objects.filter(pk=run.pk, state__in=(State.DONE, State.FAILED, State.UNDONE))
        if not made.update(state=State.UNDOING):
            raise _not_now(run)
        CarriedRow.objects.filter(run=run).update(kept_why="")
        _record("moving.undo_begun", run, by=by)


# --- rows ------------------------------------------------------------------------------------------------------------


def rows_of(
    run: HistoryImport, start: int = 0, most: int | None = None
) -> Iterator[tuple[int, list[str], dict[str, str]]]:
    """Yield the rows of a journal as they were read: number, texts by column, what is wrong with its cells."""
    end = None if most is None else start + most
    with files.path_of(run.rows).open("rb") as kept:
        for place, line in enumerate(kept):
            if end is not None and place >= end:
                return
            if place >= start and line.strip():
                number, cells, wrong = json.loads(line)
                yield number, cells, wrong


def named(run: HistoryImport, rows: Iterable[tuple[int, list[str], dict[str, str]]]) -> list[Row]:
    """Return rows by their fields; what no field takes is under its heading behind a plus."""
    columns = {int(place): name for place, name in run.columns.items()}
    found = []
    for number, cells, wrong in rows:
        told: dict[str, str] = {}
        for place, text in enumerate(cells):
            name = columns.get(place, "")
            if name and name != SKIP:
                told[name] = clean(text)
            elif text and name != SKIP and place < len(run.heads):
                told[f"+{run.heads[place]}"] = clean(text)
        bad = tuple(words for place, words in wrong.items() if columns.get(int(place), SKIP) != SKIP)
        found.append(Row(number, told, bad))
    return found


def faults_of(run: HistoryImport) -> list[dict[str, Any]]:
    """Return what was wrong: row, its mark, why; of the trial first, then what the writing could not keep."""
    if run.faults is None:
        return list(run.late)
    with files.open_file(run.faults) as kept:
        return [json.loads(line) for line in kept if line.strip()] + list(run.late)


def fault_table(run: HistoryImport) -> Iterator[list[object]]:
    """Yield the wrong rows as a table to be mended: what is wrong, and the row as it stands in the journal."""
    told = {one["line"]: one for one in faults_of(run)}
    yield ["Строка", "Что не так", *run.heads]
    for number, cells, _ in rows_of(run):
        if number in told:
            yield [number, "; ".join(told[number]["why"]), *cells]


def _numbered(run: HistoryImport) -> list[str]:
    """Return the numbers of all rows where files stand beside the journal."""
    place = next((int(place) for place, name in run.columns.items() if name == "number"), None)
    if run.attached is None or place is None:
        return []
    return [cells[place] for _, cells, _ in rows_of(run) if place < len(cells)]


# --- by the workers --------------------------------------------------------------------------------------------------


def work_next() -> bool:
    """Try a journal, write a chunk of one or take a chunk back; return False when nothing waits."""
    working = (State.CHECKING, State.WRITING, State.UNDOING)
    waiting = HistoryImport.objects.filter(state__in=working).select_related("rows", "attached", "faults", "by")
    run = waiting.order_by("pk").first()
    if run is None:
        return False
    try:
        _go_on(run)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the chunk is taken again
    except DomainError as refusal:
        _fail(run, str(refusal))
    except Exception as failure:
        log.exception("history import %s", run.pk)
        _fail(
            run, f"Ошибка программы ({type(failure).__name__}), она записана. Перенесённое сохранено: отмените импорт."
        )
    return True


def _go_on(run: HistoryImport) -> None:
    """Take the next step of an import: its trial, or the next chunk to write or to take back."""
    if run.state == State.CHECKING:
        _try(run)
    elif run.state == State.WRITING:
        _write(run)
    else:
        undoing.take_back_chunk(run)


def _fail(run: HistoryImport, error: str) -> None:
    back = {State.CHECKING: State.READ}.get(State(run.state), State.FAILED)
    with journal.together():
        failed = HistoryImport.objects.filter(pk=run.pk, state=run.state)
        if failed.update(state=back, error=fit(error, 500), finished_at=timezone.now()):
            _record("moving.failed", run, by=run.by)


def _try(run: HistoryImport) -> None:
    """Judge every row; nothing is changed but what is known of the journal."""
    keeper = keepers.keeper_of(run, by=run.by, numbered=_numbered(run))
    faults: list[dict[str, Any]] = []
    good = 0
    for start in range(0, run.total, JUDGED_AT_ONCE):
        judged = keeper.judge(named(run, rows_of(run, start, JUDGED_AT_ONCE)))
        faults += [_told(one) for one in judged if one.why]
        good += sum(not one.why for one in judged)
        HistoryImport.objects.filter(pk=run.pk, state=State.CHECKING).update(position=start + len(judged))
    text = "\n".join(json.dumps(one, ensure_ascii=False) for one in faults)
    stored = files.store(f"{text}\n".encode()) if faults else None
    words = {
        what: [
            [_told_word(what, text), count, keeper.words.means(what, text)] for text, count in met.most_common(_TOLD)
        ]
        for what, met in keeper.words.met.items()
    }
    strangers = keeper.packed.strangers[:50] if isinstance(keeper, keepers.AppealKeeper) and keeper.packed else []
    HistoryImport.objects.filter(pk=run.pk, state=State.CHECKING).update(
        state=State.CHECKED,
        good=good,
        bad=len(faults),
        faults=stored,
        told={"words": words, "strangers": strangers},
        error="",
        position=run.total,
    )


def _told_word(what: str, text: str) -> str:
    """Return a word as the page may show it: in free text there may stand somebody's number."""
    return masking.words(text) if what in (WordMeaning.What.OUTCOME, WordMeaning.What.CALL) else text


def _told(one: Judged) -> dict[str, Any]:
    return {"line": one.line, "mark": one.mark, "why": one.why}


def _write(run: HistoryImport) -> None:
    """Keep one chunk: all of it or nothing."""
    start = run.position
    rows = list(rows_of(run, start, AT_ONCE))
    bad = {one["line"] for one in faults_of(run)}
    with journal.together():
        # Taken and written in one transaction: a killed worker leaves the chunk as it was, another finds it taken.
        mine = HistoryImport.objects.filter(pk=run.pk, state=State.WRITING, position=start)
        if not mine.update(position=start + len(rows)):
            return
        keeper = keepers.keeper_of(run, by=run.by, numbered=_numbered(run))
        judged = keeper.judge(named(run, [row for row in rows if row[0] not in bad]))
        for one in judged:
            if one.why:
                one.facts = None
        made = keeper.keep(judged)
        CarriedRow.objects.bulk_create(made)
        late = [_told(one) for one in judged if one.why]
        ended: dict[str, Any] = {}
        if start + len(rows) >= run.total or not rows:
            ended = {"state": State.DONE, "finished_at": timezone.now()}
        kept = sum(one.facts is not None for one in judged)
        HistoryImport.objects.filter(pk=run.pk).update(
            made=F("made") + kept,
            late=[*run.late, *late][:MOST_LATE],
            bad=F("bad") + len(late),
            numbers=run.numbers,
            **ended,
        )
        if ended:
            _record("moving.carried", run, by=run.by, rows=run.made + kept, skipped=run.bad + len(late))
        reach("moving.before_commit")
    reach("moving.after_commit")


def carry_out(run: HistoryImport) -> Iterator[HistoryImport]:
    """Do at once what workers would, and yield the import after each chunk: for the command line."""
    while run.state in (State.CHECKING, State.WRITING, State.UNDOING):
        _go_on(run)
        run.refresh_from_db()
        yield run


def of_folder(path: Path) -> IO[bytes]:
    """Return a folder or a ZIP beside the journal as one archive."""
    return packed.folder(path) if path.is_dir() else path.open("rb")


@transaction.atomic
def forget_drafts() -> int:
    """Drop journals nobody has decided about for a week: they are full of personal data."""
    old = HistoryImport.objects.filter(
        state__in=(State.READ, State.CHECKED), created_at__lt=timezone.now() - DRAFTS_KEPT
    )
    runs = list(old.select_related("by"))
    for run in runs:
        _drop(run, by=None)
    return len(runs)


def preview(run: HistoryImport, most: int = 5) -> list[tuple[int, list[str]]]:
    """Return the first rows with personal data hidden, as the wizard shows them under the columns."""
    columns = {int(place): name for place, name in run.columns.items()}
    return [
        (number, [_hidden(columns.get(place, ""), run.kind, text) for place, text in enumerate(cells)])
        for number, cells, _ in rows_of(run, 0, most)
    ]


def _hidden(name: str, kind: str, text: str) -> str:
    text = " ".join(text.split())[:160]
    if name in ("name", "last_name"):
        last, *rest = text.replace(",", " ").split() or [""]
        return masking.person(last, *rest[:2])
    if name == "email":
        return masking.email(text)
    if name == "phone":
        return masking.phone(text)
    if name == "address":
        return masking.address(text)
    field = kinds.FIELDS[kind].get(name)
    if field is not None and field.hidden:
        return f"{text[:1]}…" if text else ""
    return masking.words(text) if name in ("text", "subject", "answer", "note", "") and not _is_short(text) else text


def _is_short(text: str) -> bool:
    return len(text) < 25 and "@" not in text and not text.startswith(("+7", "8 ", "8("))


def samples(run: HistoryImport) -> Sequence[tuple[int, str, str, list[str]]]:
    """Return each column with what it is taken for and what stands in it first: place, heading, field, cells."""
    shown = preview(run, 3)
    return [
        (
            place,
            head,
            str(run.columns.get(str(place), "")),
            [cells[place] for _, cells in shown if place < len(cells) and cells[place]],
        )
        for place, head in enumerate(run.heads)
    ]
