"""Files that came from outside are looked into before they are opened: what lies in them, and what the antivirus says.

A row is asked for in the transaction that takes the file in; a worker's step looks. What is infected or is a program is
kept aside: it is given out to nobody until an administrator decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from otklik.core import archives, clamd, files, journal, sniffing
from otklik.core.crashpoints import reach
from otklik.core.errors import DomainError
from otklik.core.models import FileExamination, StoredFile

if TYPE_CHECKING:
    from otklik.people.models import Employee

State = FileExamination.State
ASIDE: Final = (State.INFECTED, State.BLOCKED)
# A look that has lasted longer belongs to a dead worker.
LEASE: Final = timedelta(minutes=10)
# While the antivirus is silent; then the file is given out with a warning, and tried again every hour.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 1, 2, 5, 10))
AGAIN: Final = timedelta(hours=1)
LOOKS: Final = 3  # a file that ended its worker so often is not looked into again
MANAGE: Final = "people.manage"


class Decided(DomainError):
    """Somebody was quicker, or the file is not kept aside."""

    code = "examining.decided"
    text = "Решение уже принято: файл в состоянии «{now}». Обновите страницу."


class ReasonNeeded(DomainError):
    """A file is neither let out nor destroyed without saying why."""

    code = "examining.reason_needed"
    text = "Напишите причину: она останется в журнале."


def ask(stored: Iterable[StoredFile]) -> None:
    """Have files looked into, inside the caller's transaction; those that have been are not looked into again."""
    now, wanted = timezone.now(), {one.pk for one in stored}
    if not wanted:
        return
    rows = [FileExamination(stored_id=pk, not_before=now) for pk in sorted(wanted)]
    FileExamination.objects.bulk_create(rows, ignore_conflicts=True)
    # What was destroyed and has come again is a new file.
    gone = FileExamination.objects.filter(stored__in=wanted, state=State.DESTROYED)
    gone.update(state=State.WAITING, not_before=now, attempts=0)


def ask_of_originals(stored: Iterable[StoredFile]) -> None:
    """Have messages as they came looked into, where there is an antivirus: what is attached lies in them, too."""
    if settings.CLAMD:
        ask(stored)


def work_next() -> bool:
    """Look into one file that waits. Return False when none does."""
    now, due = timezone.now(), _due()
    row = due.filter(not_before__lte=now).select_related("stored").order_by("not_before", "pk").first()
    if row is None:
        return False
    if due.filter(pk=row.pk, attempts=row.attempts).update(attempts=F("attempts") + 1, not_before=now + LEASE):
        reach("examining.after_lease")
        row.attempts += 1
        _keep(row, _looked(row))
        reach("examining.after_result")
    return True


def _due() -> QuerySet[FileExamination]:
    states = [State.WAITING, State.FAILED, *([State.UNCHECKED] if settings.CLAMD else [])]
    return FileExamination.objects.filter(state__in=states).exclude(not_before=None)


def _looked(row: FileExamination) -> dict[str, Any]:
    """Return what the row says after a look."""
    columns: dict[str, Any] = {"not_before": None, "found": ""}
    if row.attempts > LOOKS + len(PAUSES):
        return {**columns, "state": State.FAILED, "found": "проверка несколько раз обрывала работу программы"}
    try:
        path = files.path_of(row.stored)
        if row.stored.content_type == sniffing.PROGRAM:
            return {**columns, "state": State.BLOCKED, "found": "по содержанию"}
        columns["locked"] = sniffing.is_locked(path, row.stored.content_type)
        if inside := archives.look_into(path, row.stored.content_type):
            columns |= {"inside": inside.names, "more_inside": inside.more, "found": inside.note}
            if inside.programs:
                return {**columns, "state": State.BLOCKED, "found": "внутри архива"}
        reach("examining.before_scan")
        return columns | _scanned(row, path)
    except FileNotFoundError:
        return {**columns, "state": State.FAILED, "found": "файла нет в хранилище"}


def _scanned(row: FileExamination, path: Any) -> dict[str, Any]:
    if not settings.CLAMD:
        # Looked into again as soon as there is an antivirus.
        return {"state": State.UNCHECKED, "not_before": timezone.now()}
    try:
        found = clamd.scan(settings.CLAMD, path)
    except clamd.NotScanned as refusal:
        return {"state": State.FAILED, "found": str(refusal)}
    except clamd.Silent as silent:
        tried = row.attempts - 1
        given_up = row.state == State.FAILED or tried >= len(PAUSES)
        pause = AGAIN if given_up else PAUSES[tried]
        # One that waits for the antivirus is no danger to the worker: it is not counted for ever.
        again = {"attempts": len(PAUSES)} if given_up else {}
        state = State.FAILED if given_up else State.WAITING
        return {"state": state, "found": str(silent), "not_before": timezone.now() + pause, **again}
    return {"state": State.INFECTED, "found": found[:300]} if found else {"state": State.CLEAN}


def _keep(row: FileExamination, columns: dict[str, Any]) -> None:
    with transaction.atomic():
        rows = _due().filter(pk=row.pk)
        if rows.update(examined_at=timezone.now(), **columns) and columns["state"] in ASIDE:
            what = {"found": columns["found"], "kind": columns["state"]}
            journal.record("file.kept_aside", chain=f"file:{row.stored_id}", by=None, **what)


def aside() -> QuerySet[FileExamination]:
    """Return files that are kept aside, the newest first."""
    return FileExamination.objects.filter(state__in=ASIDE).select_related("stored").order_by("-examined_at", "-pk")


def release(row: FileExamination, *, reason: str, by: Employee) -> None:
    """Let a file out that was kept aside; whoever did it answers for it by the journal."""
    _decide(row, "file.released", State.RELEASED, reason, by)


def destroy(row: FileExamination, *, reason: str, by: Employee) -> None:
    """Destroy the bytes of a file that was kept aside; that it was there, and why it is not, stays."""
    _decide(row, "file.destroyed", State.DESTROYED, reason, by)
    files.storage().delete(row.stored.path)


def finish_destroying() -> None:
    """Remove what is left of destroyed files: the program may have ended between the decision and its deed."""
    for path in FileExamination.objects.filter(state=State.DESTROYED).values_list("stored__path", flat=True):
        files.storage().delete(path)


def _decide(row: FileExamination, action: str, state: str, reason: str, by: Employee) -> None:
    reason = " ".join(reason.split())[:300]
    if not reason:
        raise ReasonNeeded
    with transaction.atomic():
        decided = {"decided_by": by, "decided_at": timezone.now(), "reason": reason}
        if not FileExamination.objects.filter(pk=row.pk, state__in=ASIDE).update(state=state, **decided):
            row.refresh_from_db()
            raise Decided(now=row.get_state_display())
        journal.record(action, chain=f"file:{row.stored_id}", by=by)
    row.refresh_from_db()
