"""The journal of uploads: files of a month made by a worker, and what became of every appeal in ССТУ."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from otklik.appeals.models import Appeal, SstuCard, SstuRule, SstuRun, SstuUpload, SstuVolume
from otklik.appeals.permissions import check_power
from otklik.appeals.sstu import checking, dictionary, forming, selecting, volumes
from otklik.appeals.sstu.checking import Line
from otklik.appeals.sstu.dictionary import POWER, Bodies
from otklik.appeals.sstu.selecting import Month
from otklik.core import files, journal, sheets
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.people.models import Employee

log = logging.getLogger("otklik.sstu")

State, Run = SstuUpload.State, SstuRun.State
STUCK: Final = timedelta(minutes=10)  # a worker that has not moved on since then is dead
Item = tuple[int, UUID, Callable[[], bytes]]
TOUCH: Final = 50  # appeals between two notes of how far it has come
COLUMNS: Final = {"file": "Файл или номер обращения", "result": "Результат", "reason": "Причина"}
MOST_LINES: Final = 20_000
_FILE_WORDS: Final = ("файл", "guid", "номер", "обращение", "id")
_RESULTS: Final = {
    "принято": State.SENT, "загружено": State.SENT, "успешно": State.SENT, "ok": State.SENT, "success": State.SENT,
    "предупреждение": State.SENT, "warning": State.SENT,
    "отказано": State.REFUSED, "отказ": State.REFUSED, "ошибка": State.REFUSED, "не принято": State.REFUSED,
    "error": State.REFUSED, "failed": State.REFUSED,
}  # fmt: skip


class NothingToForm(DomainError):
    """No appeal of the month can be put into a file."""

    code = "sstu.nothing_to_form"
    text = "Формировать нечего: {why}"


class AlreadyForming(DomainError):
    """Files of the month are being made."""

    code = "sstu.already_forming"
    text = "Файлы за этот месяц уже формируются. Дождитесь, пока они будут готовы."
    status = 409


class NothingMarked(DomainError):
    """None of the appeals named can be marked so."""

    code = "sstu.nothing_marked"
    text = "{why}"


class BadAnswer(DomainError):
    """An answer file of which nothing is taken."""

    code = "sstu.bad_answer"
    text = "Из файла ничего не взято: {what}"


# --- files -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def ask(month: Month, *, chosen: Sequence[int] = (), by: Employee) -> SstuRun:
    """Ask a worker for files of a month: of all that are ready, or of those chosen, sent before or not."""
    check_power(by, POWER, "сформировать файлы для ССТУ")
    rule = dictionary.rule()
    if not rule.department_id:
        raise NothingToForm(why="внесите departmentId нашего органа на странице «Порядок выгрузки».")
    try:
        with transaction.atomic():
            run = SstuRun.objects.create(month=month.first, chosen=sorted(set(chosen)), asked_by=by)
    except IntegrityError:
        raise AlreadyForming from None
    journal.record("sstu.run_asked", chain=chain(month), by=by, run=run.pk, appeals=len(chosen))
    return run


def chain(month: Month) -> str:
    """Return the chain of a month in the journal."""
    return f"sstu:{month.first:%Y-%m}"


def work_next() -> bool:
    """Make the files of the oldest run that waits; return False where none does."""
    now = timezone.now()
    stuck = Q(state=Run.FORMING, touched_at__lt=now - STUCK)
    with transaction.atomic():
        waiting = SstuRun.objects.filter(Q(state=Run.WAITING) | stuck).select_for_update(skip_locked=True)
        run = waiting.order_by("pk").first()
        if run is None:
            return False
        SstuRun.objects.filter(pk=run.pk).update(state=Run.FORMING, touched_at=now, done=0, left_out={})
    try:
        with tempfile.TemporaryDirectory(prefix="otklik-sstu-") as folder:
            _make(run, Path(folder))
    except DomainError as refusal:
        _fail(run, str(refusal))
    except Exception:
        log.exception("sstu run %s", run.pk)
        _fail(run, "Ошибка системы, она записана. Попросите ещё раз или сообщите администратору.")
    return True


def _fail(run: SstuRun, why: str) -> None:
    # Not where another worker, who took this one for dead, has made them meanwhile.
    SstuRun.objects.filter(pk=run.pk, state=Run.FORMING).update(
        state=Run.FAILED, why=why[:300], touched_at=timezone.now()
    )


def _make(run: SstuRun, folder: Path) -> None:
    work = _Work(run, selecting.of(run.month), dictionary.rule())
    appeals = selecting.appeals_of(work.month, work.rule)
    if run.chosen:
        appeals = appeals.filter(pk__in=run.chosen)
    SstuRun.objects.filter(pk=run.pk).update(total=appeals.count())
    made = list[tuple[SstuVolume, dict[int, str]]]()
    for number, volume in enumerate(
        volumes.write(folder, work.items(appeals), less_than=work.rule.volume_bytes, refused=work.left_out.__setitem__),
        1,
    ):
        stored = files.store(volume.path, name=f"{number}.zip")
        volume.path.unlink()
        row = SstuVolume(
            run=run, number=number, stored=stored, size=stored.size, digest=stored.sha256, appeals=len(volume.digests)
        )
        made.append((row, volume.digests))
    if not made:
        raise NothingToForm(why=next(iter(work.left_out.values()), "за месяц нет обращений, готовых к выгрузке."))
    _keep(run, work, made)


@dataclass
class _Work:
    """One run as it is made: what is left out and why, how the questions of each appeal stand."""

    run: SstuRun
    month: Month
    rule: SstuRule
    left_out: dict[int, str] = field(default_factory=dict)
    statuses: dict[int, list[str]] = field(default_factory=dict)

    def items(self, appeals: QuerySet[Appeal]) -> Iterator[Item]:
        """Yield the appeals that can be put into a file."""
        bodies, portion = Bodies(), list[Line]()
        for number, facts in enumerate(selecting.facts_of(appeals, self.month), 1):
            line = checking.line_of(facts, self.month, self.rule, bodies)
            if line.can_be_formed and (self.run.chosen or line.state == "ready"):
                portion.append(line)
            elif self.run.chosen:
                self.left_out[line.appeal.pk] = "; ".join(one.text for one in line.problems) or line.state_words
            if len(portion) >= TOUCH:
                yield from self._of(portion)
                portion = []
                SstuRun.objects.filter(pk=self.run.pk).update(done=number, touched_at=timezone.now())
        yield from self._of(portion)

    def _of(self, lines: Sequence[Line]) -> Iterator[Item]:
        guids = _guids([one.appeal.pk for one in lines])
        for line in lines:
            self.statuses[line.appeal.pk] = line.request.statuses
            yield line.appeal.pk, guids[line.appeal.pk], partial(self._content, line)

    def _content(self, line: Line) -> bytes:
        """Return the file of an appeal; empty where its answer is given out to nobody or cannot be read."""
        try:
            return forming.dumped(forming.document(line.request, _given_out))
        except DomainError as refusal:
            self.left_out[line.appeal.pk] = str(refusal)
        except OSError:
            log.exception("sstu: the answer of appeal %s", line.appeal.pk)
            self.left_out[line.appeal.pk] = "файл ответа не читается: сообщите администратору"
        return b""


def _given_out(stored: StoredFile) -> bytes:
    files.check_given_out(stored, "ответ")
    with files.open_file(stored) as file:
        return bytes(file.read())


def _guids(keys: Sequence[int]) -> dict[int, UUID]:
    """Return the names of the files of appeals; those that have none yet get theirs for good."""
    known = dict(SstuCard.objects.filter(appeal__in=keys).values_list("appeal", "guid"))
    if missing := [pk for pk in keys if pk not in known]:
        SstuCard.objects.bulk_create((SstuCard(appeal_id=pk) for pk in missing), ignore_conflicts=True)
        known |= dict(SstuCard.objects.filter(appeal__in=missing).values_list("appeal", "guid"))
    return known


@transaction.atomic
def _keep(run: SstuRun, work: _Work, made: Sequence[tuple[SstuVolume, Mapping[int, str]]]) -> None:
    """Write the volumes and the attempts down, all at once."""
    month = work.month
    current = SstuRun.objects.select_for_update().get(pk=run.pk)
    if current.state != Run.FORMING:  # another worker took it for dead and was faster
        return
    formed = 0
    for volume, digests in made:
        volume.save(force_insert=True)
        keys = list(digests)
        formed += len(keys)
        before = _replaced(keys, month)
        SstuUpload.objects.bulk_create(
            (
                SstuUpload(
                    **_following(before.get(pk)),
                    appeal_id=pk,
                    month=month.first,
                    volume=volume,
                    digest=digests[pk],
                    statuses=work.statuses[pk],
                )
                for pk in keys
            ),
            batch_size=500,
        )
    SstuRun.objects.filter(pk=run.pk).update(
        state=Run.READY,
        done=formed,
        touched_at=timezone.now(),
        left_out={str(pk): why[:300] for pk, why in work.left_out.items()},
    )
    digests_of = [volume.digest for volume, _ in made]
    journal.record("sstu.formed", chain=chain(month), by=run.asked_by, run=run.pk, appeals=formed, volumes=digests_of)


def _replaced(keys: Sequence[int], month: Month) -> dict[int, SstuUpload]:
    """Put the last attempts of appeals among those before; return them."""
    rows = SstuUpload.objects.filter(appeal__in=keys, month=month.first, current=True)
    before = {row.appeal_id: row for row in rows}
    rows.update(current=False)
    return before


def _following(before: SstuUpload | None) -> dict[str, Any]:
    if before is None:
        return {"attempt": 1}
    return {"attempt": before.attempt + 1, "again": before.again or before.state == State.REFUSED}


def forget_old() -> int:
    """Remove the bytes of volumes whose days are over: they are full of personal data, the journal stays."""
    ends = timezone.now() - timedelta(days=dictionary.rule().kept_days)
    old = list(SstuVolume.objects.filter(run__asked_at__lt=ends, stored__isnull=False).select_related("stored"))
    for row in old:
        stored, row.stored = row.stored, None
        row.save(update_fields=["stored"])
        if stored is not None:
            files.forget(stored)
    return len(old)


def taken(volume: SstuVolume, *, by: Employee) -> StoredFile:
    """Return the bytes of a volume, the look written down."""
    check_power(by, POWER, "скачать том для ССТУ")
    if volume.stored is None:
        raise NothingToForm(why="этот том уже удалён по сроку. Сформируйте файлы заново.")
    journal.looked("sstu.volume_taken", by=by, volume=volume.pk, appeals=volume.appeals)
    return volume.stored


# --- what became of them ---------------------------------------------------------------------------------------------


@transaction.atomic
def mark_sent(month: Month, appeals: Iterable[int], *, by: Employee, on: date | None = None) -> int:
    """Write down that ССТУ took these appeals; after a refusal they count as mended. Return how many were marked."""
    check_power(by, POWER, "отметить выгруженное в ССТУ")
    on = on or timezone.localdate()
    _check_day(month, on)
    rows = _marked(month, appeals, (State.FORMED, State.REFUSED))
    if not rows:
        raise NothingMarked(why="Отметить нечего: сначала сформируйте файлы этих обращений или отметьте другие строки.")
    for row in rows:
        # What was refused and is taken after all, without another file, was mended there.
        mended = row.again or row.state == State.REFUSED
        row.state, row.sent_on, row.reason = State.MENDED if mended else State.SENT, on, ""
    _save(rows, by=by)
    journal.record_each("sstu.sent", _changes(rows, month), by=by)
    return len(rows)


@transaction.atomic
def mark_refused(month: Month, appeals: Iterable[int], *, reason: str, by: Employee) -> int:
    """Write down that ССТУ refused these appeals and why; return how many were marked."""
    check_power(by, POWER, "отметить отказ ССТУ")
    if not (reason := " ".join(reason.split())[:500]):
        raise NothingMarked(why="Напишите, почему ССТУ отказал: это увидит тот, кто будет исправлять.")
    rows = _marked(month, appeals, (State.FORMED, State.SENT, State.MENDED))
    if not rows:
        raise NothingMarked(why="Отметить отказ не у чего: отметьте обращения, файлы которых сформированы.")
    for row in rows:
        row.state, row.reason = State.REFUSED, reason
    _save(rows, by=by)
    journal.record_each("sstu.refused", _changes(rows, month), by=by)
    return len(rows)


@transaction.atomic
def enter_by_hand(month: Month, appeals: Iterable[int], *, by: Employee, on: date | None = None) -> int:
    """Write down that results were typed into ССТУ itself: files of УРОГ are not taken. Return how many."""
    check_power(by, POWER, "отметить внесённое вручную")
    on = on or timezone.localdate()
    _check_day(month, on)
    wanted = selecting.appeals_of(month, dictionary.rule()).filter(pk__in=list(appeals))
    lines = [line for line in checking.lines_of(month, wanted) if line.state not in ("sent", "mended", "aside")]
    if not lines:
        raise NothingMarked(why="Отметьте обращения, результат которых внесён в ССТУ вручную.")
    before = _replaced([line.appeal.pk for line in lines], month)
    rows = []
    for line in lines:
        following = _following(before.get(line.appeal.pk))
        state = State.MENDED if following.get("again") else State.SENT
        rows.append(
            SstuUpload(
                **following,
                appeal=line.appeal,
                month=month.first,
                by_hand=True,
                state=state,
                statuses=line.request.statuses,
                sent_on=on,
                marked_at=timezone.now(),
                marked_by=by,
            )
        )
    SstuUpload.objects.bulk_create(rows, batch_size=500)
    journal.record_each("sstu.entered", _changes(rows, month), by=by)
    return len(rows)


def _marked(month: Month, appeals: Iterable[int], states: Sequence[str]) -> list[SstuUpload]:
    rows = SstuUpload.objects.filter(month=month.first, current=True, state__in=states, appeal__in=list(appeals))
    return list(rows.select_for_update().order_by("pk"))


def _save(rows: list[SstuUpload], *, by: Employee) -> None:
    for row in rows:
        row.marked_at, row.marked_by = timezone.now(), by
    SstuUpload.objects.bulk_update(rows, ["state", "sent_on", "reason", "marked_at", "marked_by"], batch_size=500)


def _changes(rows: Iterable[SstuUpload], month: Month) -> dict[str, dict[str, object]]:
    said = f"{month.first:%Y-%m}"
    return {f"appeal:{row.appeal_id}": {"month": said, "attempt": row.attempt} for row in rows}


def _check_day(month: Month, on: date) -> None:
    if not month.first <= on <= timezone.localdate():
        raise NothingMarked(why=f"День выгрузки — от {month.first:%d.%m.%Y} до сегодняшнего.")


# --- what is read ----------------------------------------------------------------------------------------------------


def runs_of(month: Month) -> QuerySet[SstuRun]:
    """Return the runs of a month, newest first, with their volumes."""
    return SstuRun.objects.filter(month=month.first).select_related("asked_by").prefetch_related("volumes")


def history(appeal: Appeal) -> QuerySet[SstuUpload]:
    """Return every attempt to report an appeal, newest first."""
    return SstuUpload.objects.filter(appeal=appeal).select_related("volume__run", "marked_by").order_by("-pk")


def months() -> dict[date, dict[str, int]]:
    """Return how many appeals of each month stand in each state of the journal."""
    counted = SstuUpload.objects.filter(current=True).values_list("month", "state").annotate(Count("pk")).order_by()
    found = dict[date, dict[str, int]]()
    for month, state, number in counted:
        found.setdefault(month, {})[state] = number
    return found


@dataclass(frozen=True)
class Said:
    """What an answer file came to: how many were taken, refused; `unknown` lines name nothing we sent."""

    sent: int
    refused: int


@transaction.atomic
def read_answer(month: Month, upload: IO[bytes], name: str, *, by: Employee) -> Said:
    """Take a table of ССТУ: file or number, result, reason. All of it or nothing: every bad line is named."""
    check_power(by, POWER, "загрузить ответ ССТУ")
    rows = sheets.read(upload, name, most_rows=MOST_LINES, csv_too=True)
    if len(rows) < 2:
        raise BadAnswer(what="в таблице нет строк. Нужны столбцы: " + ", ".join(COLUMNS.values()) + ".")
    columns = _columns([cell.text for cell in rows[0][1]])
    known = _known(month)
    wrong, sent, refused = list[str](), list[int](), dict[str, list[int]]()
    for number, cells in rows[1:]:
        said = {field: cells[at].text.strip() if at < len(cells) else "" for field, at in columns.items()}
        appeal = known.get(_key(said["file"]))
        result = _RESULTS.get(said["result"].lower().rstrip("."))
        if appeal is None:
            wrong.append(f"строка {number}: «{said['file'][:60]}» среди сформированных за месяц нет")
        elif result is None:
            wrong.append(f"строка {number}: результат «{said['result'][:40]}» не понят, нужно «принято» или «отказано»")
        elif result == State.REFUSED and not said["reason"]:
            wrong.append(f"строка {number}: у отказа нет причины")
        elif result == State.REFUSED:
            refused.setdefault(said["reason"], []).append(appeal)
        else:
            sent.append(appeal)
    if wrong:
        more = f"; и ещё строк: {len(wrong) - 5}" if len(wrong) > 5 else ""
        raise BadAnswer(what="; ".join(wrong[:5]) + more + ". Исправьте их и загрузите снова.")
    # A line read twice changes nothing.
    done = set(_states(month, sent, (State.FORMED, State.REFUSED)))
    taken = mark_sent(month, done, by=by) if done else 0
    turned_down = 0
    for reason, keys in refused.items():
        if wanted := set(_states(month, keys, (State.FORMED, State.SENT, State.MENDED))):
            turned_down += mark_refused(month, wanted, reason=reason, by=by)
    return Said(taken, turned_down)


def _states(month: Month, keys: Sequence[int], states: Sequence[str]) -> QuerySet[Any, int]:
    rows = SstuUpload.objects.filter(month=month.first, current=True, state__in=states, appeal__in=keys)
    return rows.values_list("appeal", flat=True)


def _known(month: Month) -> dict[str, int]:
    rows = SstuUpload.objects.filter(month=month.first, current=True).values_list(
        "appeal", "appeal__number", "appeal__sstu_card__guid"
    )
    found = dict[str, int]()
    for pk, number, guid in rows:
        found[_key(number)] = pk
        if guid:
            found[_key(str(guid))] = pk
    return found


def _key(text: str) -> str:
    return text.strip().lower().removesuffix(".json")


def _columns(heads: Sequence[str]) -> dict[str, int]:
    found = dict[str, int]()
    for at, head in enumerate(heads):
        said = head.strip().lower()
        for name, words in (
            ("file", _FILE_WORDS),
            ("result", ("результат", "статус", "состояние", "result", "status")),
            ("reason", ("причина", "ошибка", "сообщение", "error", "message")),
        ):
            if name not in found and any(said.startswith(word) for word in words):
                found[name] = at
                break
    missing = [words for field, words in COLUMNS.items() if field not in found]
    if missing:
        raise BadAnswer(what="нет столбцов: " + ", ".join(f"«{one}»" for one in missing) + ". Проверьте первую строку.")
    return found
