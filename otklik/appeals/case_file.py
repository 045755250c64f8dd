"""A whole case as one PDF: card, letters both ways, attachments with their SHA-256, history; PDFs among them appended.

Internal notes stay out: the file may be taken to a court or to another body. A large case is made by a worker.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from otklik.appeals import journals, timeline
from otklik.appeals.journals import section
from otklik.appeals.models import Appeal, CaseFile
from otklik.core import files, journal, masking
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingFile, OutgoingFile, OutgoingMessage
from otklik.people.models import Employee

log = logging.getLogger("otklik.case_file")

AT_ONCE_BYTES: Final = 3 * 1024 * 1024  # of attachments; more are put together by a worker
MOST_BYTES: Final = 150 * 1024 * 1024
MOST_PAGES: Final = 1500
KEPT: Final = timedelta(days=1)
PDF: Final = "application/pdf"
# What pypdf raises for pages that others have written.
_BROKEN: Final = (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OSError)
State = CaseFile.State


@dataclass
class Attached:
    """A file of the case: where from, its name, and what became of it in the PDF."""

    of: str
    name: str
    stored: StoredFile
    fate: str = ""
    pages: PdfReader | None = None


def ask(appeal: Appeal, *, by: Employee) -> CaseFile:
    """Make the case as PDF at once where it is small, else leave it to a worker; who asked is in the access log."""
    with transaction.atomic():
        journal.looked("appeal.case_taken", by=by, appeal=appeal.pk)
        row = CaseFile.objects.create(appeal=appeal, asked_by=by)
    if sum(one.stored.size for one in attached(appeal)) <= AT_ONCE_BYTES:
        _make(row)
    return row


def taken(row: CaseFile, *, by: Employee) -> StoredFile:
    """Return the file of a case that is ready, the look written down."""
    journal.looked("appeal.case_taken", by=by, appeal=row.appeal_id)
    assert row.stored is not None
    return row.stored


def work_next() -> bool:
    """Make the oldest case that waits; return False where none does."""
    with transaction.atomic():
        waiting = CaseFile.objects.filter(state=State.WAITING).select_for_update(skip_locked=True, of=("self",))
        row = waiting.select_related("appeal", "asked_by").order_by("pk").first()
        if row is None:
            return False
        _make(row)
    return True


def forget_old() -> int:
    """Remove cases made more than a day ago: they are copies, and full of personal data."""
    return files.forget_made(CaseFile.objects.filter(asked_at__lt=timezone.now() - KEPT))


def _make(row: CaseFile) -> None:
    try:
        content = build(row.appeal, by=row.asked_by)
        row.stored, row.state = files.store(content, name=f"delo-{row.appeal_id}.pdf"), State.READY
    except DomainError as refusal:
        row.state, row.why = State.FAILED, str(refusal)[:300]
    except Exception:
        log.exception("case file %s", row.pk)
        row.state, row.why = (
            State.FAILED,
            "Ошибка системы, она записана. Попросите ещё раз или сообщите администратору.",
        )
    row.save(update_fields=["stored", "state", "why"])


def attached(appeal: Appeal) -> list[Attached]:
    """Return the files of a case in the order of its letters."""
    came = IncomingFile.objects.filter(message__taken__appeal=appeal).select_related("stored", "message")
    went = OutgoingFile.objects.filter(message__thread=appeal.thread_id).select_related("stored", "message")
    found: list[tuple[datetime, str, Any]] = [
        *((one.message.received_at, "от заявителя", one) for one in came),
        *((one.message.sent_at or one.message.created_at, "от департамента", one) for one in went),
    ]
    found.sort(key=lambda one: (one[0], one[2].pk))
    return [
        Attached(f"{of}, {timezone.localtime(at):%d.%m.%Y}", file.name or "без имени", file.stored)
        for at, of, file in found
    ]


def build(appeal: Appeal, *, by: Employee) -> bytes:
    """Return the whole case as PDF bytes, names as `by` may see them."""
    listed = attached(appeal)
    _read(listed)
    title = f"Дело по обращению № {appeal.number}"
    foot = f"{title} · {timezone.localdate():%d.%m.%Y} · {by.short_name}"
    sections = [
        *journals.card_sections(appeal, by=by),
        *_letters(appeal),
        section(
            "Вложения",
            columns=(("№", 0.4), ("Откуда", 1.6), ("Имя", 2.4), ("Байт", 0.8), ("SHA-256", 3.4), ("В этом файле", 1.6)),
            table=[
                [str(number), one.of, one.name, str(one.stored.size), _broken(one.stored.sha256), one.fate]
                for number, one in enumerate(listed, 1)
            ],
        ),
        _history(appeal),
    ]
    whole = PdfWriter()
    whole.append(PdfReader(io.BytesIO(journals.sheet(title, sections, foot=foot))))
    for number, one in enumerate(listed, 1):
        if one.pages is not None:
            divider = section(
                f"Вложение {number}", (("Имя", one.name), ("Откуда", one.of), ("SHA-256", one.stored.sha256))
            )
            whole.append(PdfReader(io.BytesIO(journals.sheet(f"Вложение {number}", [divider], foot=foot))))
            whole.append(one.pages, import_outline=False)
    return journals.bytes_of(whole)


def _broken(digest: str) -> str:
    """Return a digest in pieces, so that it fits a column."""
    return " ".join(digest[at : at + 16] for at in range(0, len(digest), 16))


def _read(listed: list[Attached]) -> None:
    """Say of each file whether it is appended, and read those that are."""
    pages = size = 0
    for one in listed:
        if one.stored.content_type != PDF:
            one.fate = "указано здесь, не PDF"
            continue
        try:
            files.check_given_out(one.stored, one.name)
            if size + one.stored.size > MOST_BYTES:
                one.fate = "не приложено: дело слишком велико"
                continue
            reader = PdfReader(files.path_of(one.stored))
            if reader.is_encrypted:
                one.fate = "не приложено: под паролем"
            elif pages + len(reader.pages) > MOST_PAGES:
                one.fate = "не приложено: дело слишком велико"
            else:
                PdfWriter().append(reader, import_outline=False)  # what cannot be copied is told, not stumbled over
                one.pages, one.fate = reader, f"приложено, страниц: {len(reader.pages)}"
                pages, size = pages + len(reader.pages), size + one.stored.size
        except DomainError:
            one.fate = "не приложено: файл отложен"
        except _BROKEN:
            one.fate = "не приложено: PDF не читается"


def _letters(appeal: Appeal) -> Iterator[dict[str, Any]]:
    for event in timeline.of(appeal):
        if event.kind == timeline.INCOMING:
            yield section(
                f"Письмо заявителя, {_at(event)}", (("Тема", event.title),), text=event.text or "(без текста)"
            )
        elif event.kind == timeline.OUTGOING and isinstance(event.source, OutgoingMessage):
            letter = event.source
            facts = (("Тема", event.title), ("Куда", masking.email(letter.recipient)), ("Состояние", event.state_label))
            yield section(f"{letter.get_kind_display().capitalize()}, {_at(event)}", facts, text=event.text)


def _history(appeal: Appeal) -> dict[str, Any]:
    """Return what was done and by whom; notes are left out."""
    events = [one for one in timeline.of(appeal) if one.kind == timeline.EVENT]
    return section(
        "Ход работы",
        columns=(("Когда", 1.2), ("Кто", 2), ("Что", 4)),
        table=[[_at(one), one.who, one.title] for one in events],
    )


def _at(event: timeline.Event) -> str:
    return f"{timezone.localtime(event.at):%d.%m.%Y %H:%M}"
