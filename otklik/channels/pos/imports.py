"""An export on its way in: read, compared with what is there, agreed, written portion by portion by the workers.

A number that is new becomes a message of the channel; one that is there and says something else gets another version
of its facts; nothing is ever deleted, and what people decided about a message is not touched.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.channels.pos import columns, dictionary, parse
from otklik.channels.pos.columns import TITLES, PosRow
from otklik.channels.pos.models import PosImport, PosMessage
from otklik.core import files, journal
from otklik.core.crashpoints import reach
from otklik.core.errors import DomainError, is_outage
from otklik.correspondence import inbox
from otklik.correspondence.channel import Reader
from otklik.correspondence.models import ChannelCode, IncomingMessage, MessageFacts
from otklik.correspondence.text import clean, fit
from otklik.people.models import Employee

log = logging.getLogger("otklik.pos")

State = PosImport.State
AT_ONCE: Final = 250  # rows written in one transaction; between two portions other work has its turn
LOOKED_AT: Final = 1000  # rows compared by one query
SHOWN: Final = 200  # lines of each kind on the preview
MOST_PROBLEMS: Final = 1000
DRAFTS_KEPT: Final = timedelta(days=1)
NEW: Final = "new"
CHANGED: Final = "changed"
SAME: Final = "same"


class NotNow(DomainError):
    """The import is past the moment at which this could be decided."""

    code = "pos.not_now"
    text = "Сейчас это невозможно: выгрузка {now}. Обновите страницу."
    status = 409


class NothingToMark(DomainError):
    """A mark on a message no export has brought."""

    code = "pos.nothing_to_mark"
    text = "Этого сообщения не было в выгрузках ПОС: пометить нечего."


class NotToWriteDown(DomainError):
    """A message copied by hand that cannot be kept."""

    code = "pos.not_to_write_down"
    text = "Записать сообщение нельзя: {what}"


@dataclass(frozen=True)
class Change:
    """One cell that differs: what was there, what the export says."""

    title: str
    was: str
    now: str
    extra: bool = False  # a column of its own: what stands in it may name people


@dataclass(frozen=True)
class Line:
    """A row of an export against what is there: `verdict` is new, changed or same."""

    row: PosRow
    verdict: str
    message: int | None = None
    known: Mapping[str, Any] | None = None
    changes: Sequence[Change] = ()


@dataclass(frozen=True)
class Preview:
    """What an export would do: how many rows of each kind, the first of them, and the words nobody knows yet."""

    counts: Mapping[str, int]
    new: list[Line]
    changed: list[Line]
    words: list[tuple[str, str]]


# --- bringing in -----------------------------------------------------------------------------------------------------


def upload(brought: IO[bytes], name: str, *, by: Employee) -> PosImport:
    """Read an export somebody brought and keep it until he agrees; raise BadSheet where it is none."""
    forget_drafts()
    content = brought.read(columns.LIMITS.packed + 1)
    export = columns.read(io.BytesIO(content), name)
    run = PosImport(source=PosImport.Source.UPLOAD, name=_name(name), sheet=files.store(content), by=by)
    run.state = State.READ
    _keep(run, export)
    with journal.together():
        run.save()
        _record("pos.uploaded", run, by=by, rows=run.total, skipped=run.skipped)
    return run


def take_from_folder(content: bytes, name: str) -> PosImport | None:
    """Keep an export found in the folder; workers read and write it. None where this very file is there already."""
    sheet = files.store(content)
    with journal.together():
        if PosImport.objects.filter(source=PosImport.Source.FOLDER, sheet=sheet).exists():
            return None
        run = PosImport.objects.create(
            source=PosImport.Source.FOLDER, name=_name(name), sheet=sheet, state=State.WRITING
        )
        _record("pos.begun", run, by=None)
    return run


def trouble_of_folder() -> str:
    """Return why the last export of the folder could not be written, in words; nothing once another one was."""
    last = PosImport.objects.filter(source=PosImport.Source.FOLDER).exclude(state=State.WRITING).first()
    return f"Последняя выгрузка из папки не записана. {last.error}" if last and last.state == State.FAILED else ""


def begin(run: PosImport, *, by: Employee) -> None:
    """Agree to a previewed import: workers write it from now on."""
    with journal.together():
        if not PosImport.objects.filter(pk=run.pk, state=State.READ).update(state=State.WRITING):
            raise _not_now(run)
        _record("pos.begun", run, by=by, rows=run.total)


def drop(run: PosImport, *, by: Employee) -> None:
    """Leave a previewed import unwritten: neither it nor its file is kept."""
    with journal.together():
        if not _drop(run, by=by):
            raise _not_now(run)


def forget_drafts() -> None:
    """Drop imports nobody has decided about for a day."""
    old = PosImport.objects.filter(state=State.READ, created_at__lt=timezone.now() - DRAFTS_KEPT)
    for run in old.select_related("sheet", "rows"):
        with journal.together():
            _drop(run, by=None)


def _drop(run: PosImport, *, by: Employee | None) -> bool:
    papers = (run.sheet, run.rows)
    if not PosImport.objects.filter(pk=run.pk, state=State.READ).delete()[0]:
        return False
    for paper in papers:
        if paper is not None:
            files.forget(paper)
    _record("pos.dropped", run, by=by)
    return True


def _not_now(run: PosImport) -> NotNow:
    now = PosImport.objects.filter(pk=run.pk).first()
    return NotNow(now=now.get_state_display() if now else "отменена")


def _keep(run: PosImport, export: columns.Export) -> None:
    """Put what was read into the import: its rows as a file of their own, so that no portion reads the sheet again."""
    lines = "\n".join(json.dumps(columns.as_json(row), ensure_ascii=False) for row in export.rows)
    run.rows = files.store(f"{lines}\n".encode())
    run.total, run.skipped = len(export.rows), len(export.skipped)
    run.problems = list(_problems(export))[:MOST_PROBLEMS]


def _problems(export: columns.Export) -> Iterable[dict[str, Any]]:
    if export.missing:
        words = ", ".join(f"«{title}»" for title in export.missing)
        yield {"line": 0, "number": "", "why": f"В выгрузке нет столбцов: {words}.", "taken": True}
    for one in export.skipped:
        yield {"line": one.line, "number": fit(one.number, 60), "why": one.why, "taken": False}
    for row in export.rows:
        for doubt in row.doubts:
            yield {"line": row.line, "number": row.number, "why": doubt, "taken": True}


def _name(name: str) -> str:
    return fit(clean(name).replace("\\", "/").rsplit("/", 1)[-1], 200) or "выгрузка.xlsx"


def _record(action: str, run: PosImport, *, by: Employee | None, **data: Any) -> None:
    journal.record(action, chain="channel:pos", by=by, id=run.pk, **data)


# --- comparing -------------------------------------------------------------------------------------------------------


def preview(run: PosImport) -> Preview:
    """Return what an import would do now; nothing is changed."""
    counts = {NEW: 0, CHANGED: 0, SAME: 0}
    first: dict[str, list[Line]] = {NEW: [], CHANGED: [], SAME: []}
    words: set[tuple[str, str]] = set()
    rows = list(_rows(run))
    for start in range(0, len(rows), LOOKED_AT):
        portion = rows[start : start + LOOKED_AT]
        for line in compare(portion):
            counts[line.verdict] += 1
            if len(first[line.verdict]) < SHOWN:
                first[line.verdict].append(line)
        words |= {word for row in portion for word in dictionary.words_of(row.fields)}
    return Preview(counts, first[NEW], first[CHANGED], dictionary.unknown(words))


def compare(rows: Sequence[PosRow]) -> list[Line]:
    """Say of each row whether its number is new, and what of it is said otherwise than before."""
    numbers = [row.number for row in rows]
    messages = IncomingMessage.objects.filter(channel=ChannelCode.POS, external_id__in=numbers)
    there = dict(messages.values_list("external_id", "pk"))
    known = _latest(list(there.values()))
    for pk, raw in _unread(there.values(), known):
        known[pk] = raw
    return [_line(row, there.get(row.number), known) for row in rows]


def _latest(messages: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    facts = MessageFacts.objects.filter(message__in=messages, schema=parse.SCHEMA).order_by("message", "version")
    return dict(facts.values_list("message_id", "data"))  # of several versions the last stays


def _unread(messages: Iterable[int], known: Mapping[int, Any]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Yield what the kept bytes say of messages nobody has read yet."""
    waiting = [pk for pk in messages if pk not in known]
    for message in IncomingMessage.objects.filter(pk__in=waiting).exclude(raw=None).select_related("raw"):
        assert message.raw is not None
        yield message.pk, parse.read(files.path_of(message.raw).read_bytes()).facts


def _line(row: PosRow, message: int | None, known: Mapping[int, Mapping[str, Any]]) -> Line:
    if message is None:
        return Line(row, NEW)
    before = known.get(message) or {"fields": {}, "extra": {}}
    changes = list(changes_between(before, {"fields": row.fields, "extra": row.extra}))
    return Line(row, CHANGED if changes else SAME, message, before, changes)


def changes_between(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the cells in which two versions of the facts about a message differ, of those the later one has."""
    for code, said in now["fields"].items():
        if said != before["fields"].get(code, ""):
            yield Change(TITLES.get(code, code), before["fields"].get(code, ""), said)
    for title, said in now["extra"].items():
        if said != before["extra"].get(title, ""):
            yield Change(title, before["extra"].get(title, ""), said, extra=True)


def _rows(run: PosImport, start: int = 0, most: int | None = None) -> Iterable[PosRow]:
    assert run.rows is not None
    end = None if most is None else start + most
    with files.path_of(run.rows).open("rb") as kept:
        for place, line in enumerate(kept):
            if end is not None and place >= end:
                return
            if place >= start and line.strip():
                yield columns.of_json(json.loads(line))


# --- writing ---------------------------------------------------------------------------------------------------------


def work_next(reader: Reader) -> bool:
    """Write one portion of the oldest import that was agreed; return False when none waits. `reader`: the channel."""
    run = PosImport.objects.filter(state=State.WRITING).select_related("rows", "sheet", "by").order_by("pk").first()
    if run is None:
        return False
    try:
        if run.rows is None:
            _read_sheet(run)
        else:
            _write(run, reader)
    except DomainError as refusal:  # the file is no export
        _fail(run, str(refusal))
    except Exception as failure:
        if is_outage(failure):
            raise  # the database or the disk is away: the portion is taken again
        log.exception("pos import %s", run.pk)
        _fail(run, f"Ошибка программы ({type(failure).__name__}). Записанное сохранено; загрузите выгрузку ещё раз.")
    return True


def _read_sheet(run: PosImport) -> None:
    """Read what the folder gave."""
    with files.open_file(run.sheet) as sheet:
        export = columns.read(sheet, run.name)
    _keep(run, export)
    PosImport.objects.filter(pk=run.pk, rows=None, state=State.WRITING).update(
        rows=run.rows, total=run.total, skipped=run.skipped, problems=run.problems
    )


def _fail(run: PosImport, error: str) -> None:
    with journal.together():
        failed = PosImport.objects.filter(pk=run.pk, state=State.WRITING)
        if failed.update(state=State.FAILED, error=fit(error, 500), finished_at=timezone.now()):
            _record("pos.failed", run, by=run.by)


def _write(run: PosImport, reader: Reader) -> None:
    start = run.position
    rows = list(_rows(run, start, AT_ONCE))
    with journal.together():
        # Taken and written in one transaction: a killed worker leaves the portion as it was, another finds it taken.
        mine = PosImport.objects.filter(pk=run.pk, state=State.WRITING, position=start)
        if not mine.update(position=start + len(rows)):
            return
        lines = compare(rows)
        counted = {verdict: sum(line.verdict == verdict for line in lines) for verdict in (NEW, CHANGED, SAME)}
        dictionary.extend({word for row in rows for word in dictionary.words_of(row.fields)})
        _add([line.row for line in lines if line.verdict == NEW], reader, by=run.by)
        _add_versions([line for line in lines if line.verdict == CHANGED], run)
        _remember(rows, run)
        ended: dict[str, Any] = {}
        if start + len(rows) >= run.total or not rows:
            ended = {"state": State.DONE, "finished_at": timezone.now()}
        moved = {name: F(name) + counted[name] for name in (NEW, CHANGED, SAME)}
        PosImport.objects.filter(pk=run.pk).update(**moved, **ended)
        if ended:
            run.refresh_from_db()
            _record("pos.loaded", run, by=run.by, new=run.new, changed=run.changed, skipped=run.skipped)
        reach("pos.before_commit")
    reach("pos.after_commit")


def _add(rows: Sequence[PosRow], reader: Reader, *, by: Employee | None) -> None:
    """Keep new rows as messages of the channel, and read them: they stand in the common queue at once."""
    if not rows:
        return
    now = timezone.now()
    accepted = inbox.accept_each([parse.arrived(row, now=now) for row in rows], to_read=True, by=by)
    inbox.parse_each([one.message for one in accepted if not one.duplicate], {ChannelCode.POS: reader})


def _add_versions(lines: Sequence[Line], run: PosImport) -> None:
    """Add a version of the facts to messages that are there; a column the export does not have stays as it was."""
    versions: dict[str, dict[str, object]] = {}
    messages = IncomingMessage.objects.in_bulk([line.message for line in lines if line.message])
    for line in lines:
        assert line.message is not None
        assert line.known is not None
        fields = {**line.known["fields"], **line.row.fields}
        data = parse.facts(fields, {**line.known["extra"], **line.row.extra})
        facts = inbox.add_facts(messages[line.message], schema=parse.SCHEMA, data=data)
        versions[f"message:{line.message}"] = {"version": facts.version}
    journal.record_each("message.facts_added", versions, by=run.by)


def _remember(rows: Sequence[PosRow], run: PosImport) -> None:
    """Write down where each message stands; a mark somebody made is not touched."""
    numbers = [row.number for row in rows]
    messages = IncomingMessage.objects.filter(channel=ChannelCode.POS, external_id__in=numbers)
    ids = dict(messages.values_list("external_id", "pk"))
    there = PosMessage.objects.in_bulk(numbers, field_name="number")
    new: list[PosMessage] = []
    moved: list[PosMessage] = []
    for row in rows:
        one = there.get(row.number) or PosMessage(number=row.number, message_id=ids[row.number])
        for name in ("stage", "status"):
            if name in row.fields:
                setattr(one, name, row.fields[name])
        if "planned" in row.fields:
            one.planned_on = columns.day_of(row.fields["planned"])
        one.seen_at, one.seen_in = run.created_at, run
        (moved if one.pk else new).append(one)
    PosMessage.objects.bulk_create(new)
    PosMessage.objects.bulk_update(moved, ["stage", "status", "planned_on", "seen_at", "seen_in"])


# --- without an export ---------------------------------------------------------------------------------------------


def write_down(fields: Mapping[str, str], *, text: str, name: str, reader: Reader, by: Employee) -> IncomingMessage:
    """Keep a message somebody copied out of the cabinet; an export that brings its number later completes it.

    `fields`: by the codes of the columns; `name`: the applicant's, where it is known.
    """
    if not by.has_power("intake.decide"):
        raise NotToWriteDown(what="нужно право принимать сообщения. Обратитесь к администратору.")
    told = {code: fit(said, columns.MOST_VALUE) for code, said in fields.items() if said.strip()}
    number = told.get("number", "")
    if not columns.is_number(number):
        raise NotToWriteDown(what=f"«{number}» не похоже на номер сообщения: нужны цифры, как в кабинете ПОС.")
    if IncomingMessage.objects.filter(channel=ChannelCode.POS, external_id=number).exists():
        raise NotToWriteDown(what=f"сообщение № {number} уже есть: найдите его по номеру.")
    extra = {parse.TEXTS[0]: clean(text).strip(), parse.PEOPLE[0]: fit(name, 300)}
    row = PosRow(0, number, told, {title: said for title, said in extra.items() if said})
    with journal.together():
        dictionary.extend(dictionary.words_of(row.fields))
        _add([row], reader, by=by)
        message = IncomingMessage.objects.get(channel=ChannelCode.POS, external_id=number)
        journal.record("pos.written_down", chain="channel:pos", by=by, message=message.pk)
    return message


# --- marks -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def mark(message: IncomingMessage, words: str, *, by: Employee) -> None:
    """Note something about a message of ПОС by hand: no import changes it. Empty words take it away."""
    changed = PosMessage.objects.filter(message=message).update(
        mark=fit(words, 300), marked_by=by, marked_at=timezone.now()
    )
    if not changed:
        raise NothingToMark
    journal.record("pos.marked", chain=f"message:{message.pk}", by=by)
