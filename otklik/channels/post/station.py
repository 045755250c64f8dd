"""The scan station: a file is kept first, then read page by page in the background, then parted into letters.

A page at a time, in a process of its own: three hundred pages wait for nobody and nobody waits for them.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from otklik.channels.post import letter, proposals, reading
from otklik.channels.post.models import ScanBatch, ScanLetter, ScanPage
from otklik.core import files, journal, sniffing
from otklik.core.crashpoints import reach
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.correspondence.text import clean, fit
from otklik.people.applicants import Typed
from otklik.people.models import Employee

log = logging.getLogger("otklik.channels")

State = ScanBatch.State
Kind = ScanPage.Kind
KINDS: Final = {sniffing.PDF: "PDF", "image/tiff": "TIFF", "image/jpeg": "JPEG", "image/png": "PNG"}
MOST_BYTES: Final = 500 * 1024 * 1024  # three hundred pages in colour
SILENT: Final = timedelta(minutes=10)  # who took a page and has been silent for longer is dead
TRIES: Final = 3
# What pypdf raises for pages that others have written.
BROKEN: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError)


class NotAScan(DomainError):
    """The file is nothing a scanner gives."""

    code = "scan.not_a_scan"
    text = "Файл «{name}» не принят: {why}. Сохраните скан как PDF, TIFF, JPEG или PNG и загрузите снова."


class NotNow(DomainError):
    """The batch is not in a state in which this can be done."""

    code = "scan.not_now"
    text = "Сейчас это невозможно: пачка в состоянии «{now}». Обновите страницу."


class NothingToAccept(DomainError):
    """A batch in which no page belongs to a letter."""

    code = "scan.nothing"
    text = "В пачке нет ни одной страницы письма. Отметьте, какие страницы относятся к письмам."


@dataclass(frozen=True)
class TakenIn:
    """A file that is now ours; `new` is False when it had been ours before."""

    batch: ScanBatch
    new: bool


@dataclass(frozen=True)
class Progress:
    """How far a batch has been read."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        """Return the share that is done."""
        return 100 * self.done // self.total if self.total else 0


# --- bringing in -----------------------------------------------------------------------------------------------------


def kind_of(path: Path) -> str:
    """Return what a scanner's file is, «» where it is none of theirs."""
    return KINDS.get(sniffing.content_type(path), "")


def take_in(
    content: Path | IO[bytes],
    name: str,
    *,
    source: str,
    split: str,
    received_on: date,
    by: Employee | None,
    languages: str = "rus",
    sheet: str = "",
) -> TakenIn:
    """Keep a file from the scanner, once: the same file again is the batch that there is. Refuse what is no scan."""
    size = content.stat().st_size if isinstance(content, Path) else getattr(content, "size", 0)
    if size > MOST_BYTES:
        raise NotAScan(name=name, why=f"он больше {MOST_BYTES // 1024 // 1024} МБ, разделите его")
    stored = files.store(content, name=name)
    reach("post.after_file")
    if stored.content_type not in KINDS:
        files.forget(stored)
        raise NotAScan(name=name, why="он пустой" if not stored.size else "это не скан")
    try:
        with transaction.atomic():
            batch = ScanBatch.objects.create(
                original=stored,
                name=fit(clean(files.safe_name(name)), 300),
                source=source,
                split=split,
                received_on=received_on,
                languages=languages,
                sheet=sheet,
                added_by=by,
            )
            _record("scan.added", batch, by=by, digest=stored.sha256, source=str(source))
    except IntegrityError:
        return TakenIn(ScanBatch.objects.get(original=stored), new=False)
    return TakenIn(batch, new=True)


def _record(action: str, batch: ScanBatch, *, by: Employee | None, **data: Any) -> None:
    journal.record(action, chain=f"scan:{batch.pk}", by=by, **data)


# --- in the background -----------------------------------------------------------------------------------------------


def work_next() -> bool:
    """Do one piece of work: make one letter, read one page, or open one file. Return False when nothing waits."""
    return _accept_next() or _read_next() or _open_next()


def _free(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.exclude(taken_at__gt=timezone.now() - SILENT)


def _take(rows: QuerySet[Any], row: Any) -> bool:
    """Take a row; of two workers one does."""
    return bool(_free(rows).filter(pk=row.pk, tries=row.tries).update(taken_at=timezone.now(), tries=F("tries") + 1))


def _open_next() -> bool:
    waiting = ScanBatch.objects.filter(state=State.WAITING)
    batch = _free(waiting).select_related("original").order_by("pk").first()
    if batch is None:
        return False
    if not _take(waiting, batch):
        return True
    said = _apart(files.path_of(batch.original)) if batch.tries < TRIES else {"why": "чтение несколько раз прерывалось"}
    if why := said.get("why"):
        _failed(batch, str(why))
        return True
    pages = int(said["pages"])
    with transaction.atomic():
        if waiting.filter(pk=batch.pk).update(state=State.READING, pages_total=pages, taken_at=None, tries=0):
            ScanPage.objects.bulk_create(ScanPage(batch=batch, number=number) for number in range(1, pages + 1))
    return True


def _failed(batch: ScanBatch, why: str) -> None:
    """Hand a file that cannot be read to the inbox as it is: a clerk finds it in quarantine with the reason."""
    with transaction.atomic():
        if not ScanBatch.objects.filter(pk=batch.pk, state=State.WAITING).update(state=State.FAILED, why=fit(why, 300)):
            return
        to_quarantine(files.path_of(batch.original), batch.original.sha256, received_at(batch))
        _record("scan.failed", batch, by=None)


def to_quarantine(path: Path, sha256: str, at: datetime) -> IncomingMessage:
    """Keep bytes that are no scan as a message that cannot be read: nothing that came is thrown away."""
    code = ChannelCode.POST
    return inbox.accept(Arrived(code, f"file:{sha256[:32]}", sha256, raw=path, received_at=at)).message


def _read_next() -> bool:
    waiting = ScanPage.objects.filter(state=ScanPage.State.WAITING, batch__state=State.READING)
    page = _free(waiting).select_related("batch__original").order_by("batch", "number").first()
    if page is None:
        return False
    if not _take(ScanPage.objects.filter(state=ScanPage.State.WAITING), page):
        return True
    with tempfile.TemporaryDirectory(prefix="otklik-scan-") as folder:
        if page.tries < TRIES:
            said = _apart(files.path_of(page.batch.original), Path(folder), page)
        else:
            said = {"why": "чтение несколько раз прерывалось"}
        _keep(page, said, Path(folder))
    return True


def _keep(page: ScanPage, said: dict[str, Any], folder: Path) -> None:
    """Write down what a page says; with the last one the batch is parted."""
    made = [folder / name for name in (reading.PICTURE, reading.PAGE) if (folder / name).exists()]
    reach("post.before_page_files")
    kept = dict(zip((one.name for one in made), files.store_each((one.name, one) for one in made), strict=True))
    reach("post.after_page_files")
    failed = bool(said.get("why"))
    with transaction.atomic():
        batch = ScanBatch.objects.select_for_update().get(pk=page.batch_id)
        ScanPage.objects.filter(pk=page.pk, state=ScanPage.State.WAITING).update(
            state=ScanPage.State.FAILED if failed else ScanPage.State.READ,
            kind=said.get("kind", Kind.LETTER),
            text=clean(str(said.get("text", ""))),
            codes=[clean(str(code))[:100] for code in said.get("codes", [])][:20],
            why=fit(str(said.get("why") or said.get("note") or ""), 300),
            picture=kept.get(reading.PICTURE),
            pdf=kept.get(reading.PAGE),
            taken_at=None,
        )
        if batch.state == State.READING and not batch.pages.filter(state=ScanPage.State.WAITING).exists():
            _part(batch)


def _part(batch: ScanBatch) -> None:
    """Say which pages begin letters. What sheets part needs nobody's look; empty pages may be backs of sheets."""
    begins, sheets = True, 0
    rows = list(batch.pages.order_by("number"))
    for page in rows:
        sheets += page.kind == Kind.SHEET
        page.starts = page.kind == Kind.LETTER and begins
        if page.kind == Kind.LETTER:
            begins = False
        elif batch.split != ScanBatch.Split.WHOLE and (
            page.kind == Kind.SHEET or batch.split == ScanBatch.Split.BLANKS
        ):
            begins = True
    ScanPage.objects.bulk_update(rows, ["starts"])
    letters = sum(page.starts for page in rows)
    sure = batch.split == ScanBatch.Split.WHOLE or (batch.split == ScanBatch.Split.SHEETS and sheets > 0)
    batch.state = State.ACCEPTING if sure and letters else State.CHECK
    batch.save(update_fields=["state"])
    _record("scan.read", batch, by=None, pages=len(rows), letters=letters)


def why_unread(path: Path) -> str:
    """Return why a scan cannot be opened, «» where it can."""
    return str(_apart(path).get("why", ""))


def _apart(path: Path, folder: Path | None = None, page: ScanPage | None = None) -> dict[str, Any]:
    """Count the pages of a file or read one of them, in another process: what it does to memory is its own affair."""
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", reading.__name__, str(path), str(folder or "")]
    if page is not None:
        command += [str(page.number), page.batch.languages, page.batch.sheet]
    try:
        done = subprocess.run(command, capture_output=True, timeout=2 * reading.SECONDS + 60, env=here, check=True)  # noqa: S603  our own program
        said: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"why": "чтение заняло слишком много времени"}
    except (subprocess.CalledProcessError, ValueError):
        return {"why": "повреждена или слишком сложна" if page else "он повреждён или слишком сложен"}
    except FileNotFoundError:
        return {"why": "его содержание потеряно"}
    return said


# --- letters ---------------------------------------------------------------------------------------------------------


def parts(pages: Sequence[ScanPage]) -> list[list[ScanPage]]:
    """Return the letters that the pages make now: what is empty or a separator is in none of them."""
    letters: list[list[ScanPage]] = []
    for page in pages:
        if page.kind != Kind.LETTER:
            continue
        if page.starts or not letters:
            letters.append([])
        letters[-1].append(page)
    return letters


def change_page(batch: ScanBatch, number: int, *, kind: str, starts: bool, by: Employee) -> None:
    """Say by hand what a page is and whether a letter begins with it, while the letters are not accepted."""
    with transaction.atomic():
        _checked(batch)
        if not batch.pages.filter(number=number).update(kind=kind, starts=starts and kind == Kind.LETTER):
            return
        _record("scan.page_changed", batch, by=by, page=number, what=str(kind), begins=starts)


def accept(batch: ScanBatch, *, by: Employee) -> None:
    """Say that the letters are parted rightly: they become messages in the background, one by one."""
    with transaction.atomic():
        row = _checked(batch)
        letters = parts(list(row.pages.order_by("number")))
        if not letters:
            raise NothingToAccept
        ScanBatch.objects.filter(pk=batch.pk).update(state=State.ACCEPTING, taken_at=None, tries=0)
        _record("scan.checked", batch, by=by, letters=len(letters))


def _checked(batch: ScanBatch) -> ScanBatch:
    row = ScanBatch.objects.select_for_update().get(pk=batch.pk)
    if row.state != State.CHECK:
        raise NotNow(now=row.get_state_display())
    return row


def _accept_next() -> bool:
    batch = ScanBatch.objects.filter(state=State.ACCEPTING).select_related("original").order_by("pk").first()
    if batch is None:
        return False
    done = set(batch.letters.values_list("first", flat=True))
    pages = batch.pages.select_related("pdf").order_by("number")
    for one in parts(list(pages)):
        if one[0].number not in done:
            _accept(batch, one)
            return True
    ScanBatch.objects.filter(pk=batch.pk, state=State.ACCEPTING).update(state=State.DONE)
    return True


def _accept(batch: ScanBatch, pages: list[ScanPage]) -> None:
    """Make one letter: its PDF is kept, then the message that names it, with the row that says where it came from."""
    notes = [f"Страница {page.number} скана: {page.why}." for page in pages if page.why]
    pdf = _joined(pages)
    if pdf is None:  # no page of it could be drawn: the whole file stands for it
        pdf = batch.original
        notes.append("Страницы письма не читаются: приложен весь файл со сканера.")
    text = "\n\n".join(page.text for page in pages if page.text)
    codes = [code for page in pages for code in page.codes]
    fields = _proposed(text, codes, batch)
    if not text:
        notes.append("Текст не распознан: прочтите скан.")
    said = letter.Scanned(
        batch=batch.original.sha256,
        pages=tuple(page.number for page in pages),
        sha256=pdf.sha256,
        name=f"pismo-{batch.pk}-{pages[0].number}.pdf" if pdf != batch.original else batch.name,
        text=text,
        subject=fields.subject or "Письмо на бумаге",
        sender=proposals.short(fields.applicant),
        applicant=asdict(fields.applicant),
        written_on=fields.written_on.isoformat() if fields.written_on else "",
        track=fields.track,
        notes=tuple(notes),
    )
    reach("post.before_letter")
    try:
        with transaction.atomic():
            arrived = Arrived(
                ChannelCode.POST, said.external_id, said.digest, raw=said.to_bytes(), received_at=received_at(batch)
            )
            message = inbox.accept(arrived).message
            ScanLetter.objects.create(
                batch=batch,
                first=pages[0].number,
                last=pages[-1].number,
                pdf=pdf,
                message=message,
                track=fields.track,
            )
    except IntegrityError:  # another worker was quicker
        return
    reach("post.after_letter")


def _proposed(text: str, codes: list[str], batch: ScanBatch) -> proposals.Fields:
    """Return what a letter proposes; a defect of ours costs its proposals and keeps no other letter waiting."""
    try:
        return proposals.read(text, codes, on=batch.received_on)
    except Exception:
        log.exception("scan %s: proposals", batch.pk)
        return proposals.Fields(Typed())


def _joined(pages: Sequence[ScanPage]) -> StoredFile | None:
    """Return the PDF of a letter, the text layer with it."""
    writer = PdfWriter()
    with ExitStack() as opened, tempfile.NamedTemporaryFile(suffix=".pdf") as made:
        for page in pages:
            if page.pdf is None:
                continue
            content = opened.enter_context(files.open_file(page.pdf))
            with suppress(PyPdfError, *BROKEN):
                writer.append(PdfReader(content))
        if not writer.pages:
            return None
        try:
            writer.write(made)
        except (PyPdfError, *BROKEN):
            return None
        made.flush()
        return files.store(Path(made.name), name="pismo.pdf")


def received_at(batch: ScanBatch) -> datetime:
    """Return the moment a batch came: when it was added, noon of an earlier day."""
    if batch.received_on == timezone.localdate(batch.added_at):
        return batch.added_at
    return timezone.make_aware(datetime.combine(batch.received_on, time(12)))


def forget_pages(*, kept_for: timedelta = timedelta(days=30)) -> int:
    """Remove pictures and pages of scans whose letters were all decided long ago; return how many pages.

    The scanner's file and the letters' PDF stay as long as their messages.
    """
    long_ago = timezone.now() - kept_for
    waiting = ScanLetter.objects.filter(Q(message__decided_at=None) | Q(message__decided_at__gt=long_ago))
    over = ScanBatch.objects.filter(state=State.DONE, added_at__lt=long_ago).exclude(letters__in=waiting)
    forgotten = 0
    for page in ScanPage.objects.filter(batch__in=over).select_related("picture", "pdf")[:5_000]:
        with transaction.atomic():
            page.delete()
            for stored in (page.picture, page.pdf):
                if stored is not None:
                    files.forget(stored)
        forgotten += 1
    return forgotten


# --- what the desk shows ---------------------------------------------------------------------------------------------


def progress(batch: ScanBatch) -> Progress:
    """Return how far the pages of a batch have been read."""
    done = batch.pages.exclude(state=ScanPage.State.WAITING).count()
    return Progress(done, batch.pages_total)


def batches() -> QuerySet[ScanBatch]:
    """Return the batches, newest first, with `letters_made`, `letters_waiting` and `pages_read`."""
    undecided = Q(letters__message__state__in=[*inbox.UNDECIDED, IncomingMessage.State.STORED])
    return ScanBatch.objects.annotate(
        letters_made=Count("letters", distinct=True),
        letters_waiting=Count("letters", filter=undecided, distinct=True),
        pages_read=Count("pages", filter=~Q(pages__state=ScanPage.State.WAITING), distinct=True),
    ).order_by("-pk")


def describe(row: ScanLetter, *, envelope_on: date | None, register_number: str, track: str, by: Employee) -> None:
    """Keep what the envelope says; facts of the message have it too."""
    with transaction.atomic():
        row.envelope_on, row.register_number = envelope_on, " ".join(register_number.split())[:40]
        row.track = "".join(track.split())[:20]
        row.save(update_fields=["envelope_on", "register_number", "track"])
        last = row.message.facts.order_by("version").last()
        envelope = {
            "postmark": envelope_on.isoformat() if envelope_on else "",
            "register_number": row.register_number,
            "track": row.track,
        }
        data = {**(last.data if last else {}), "envelope": envelope}
        inbox.add_facts(row.message, schema=letter.SCHEMA, data=data)
        _record("scan.envelope", row.batch, by=by, message=row.message_id)
