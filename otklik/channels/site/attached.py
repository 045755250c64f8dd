"""Files of the public form: kept when they are brought, owned by the message when it is sent, swept when it is not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import IO, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.channels.site.models import FormFile
from otklik.channels.site.submission import Submission
from otklik.core import files
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence.models import IncomingMessage

KEPT_FOR: Final = timedelta(days=1)


class FilesGone(DomainError):
    """The form was left open for longer than files wait for it; `hashes` says which are gone."""

    code = "site.files_gone"
    text = (
        "Файлы хранятся сутки, эти уже удалены: {names}. Приложите их ещё раз или отправьте сообщение без них: "
        "текст остался на странице."
    )

    def __init__(self, names: str, hashes: frozenset[str]) -> None:
        super().__init__(names=names)
        self.hashes = hashes


def keep(content: IO[bytes], name: str) -> StoredFile:
    """Store a file of a form that may still be sent; bringing it again begins its day anew."""
    stored = files.store(content, name=name)
    FormFile.objects.update_or_create(stored=stored, message=None, defaults={"at": timezone.now()})
    return stored


def own(message: IncomingMessage, sent: Submission) -> None:
    """Make the message the owner of its files, in the transaction that keeps it; raise FilesGone where one is not."""
    stored = StoredFile.objects.in_bulk([one.sha256 for one in sent.files], field_name="sha256")
    if gone := [one for one in sent.files if one.sha256 not in stored]:
        raise FilesGone(", ".join(one.name for one in gone), frozenset(one.sha256 for one in gone))
    rows = [FormFile(stored=one, message=message, at=timezone.now()) for one in stored.values()]
    FormFile.objects.bulk_create(rows, ignore_conflicts=True)


def sweep(*, named: Callable[[StoredFile], bool]) -> int:
    """Forget files that waited a day for a form nobody sent; return how many. The bytes go with the orphans.

    `named` tells of a file that somebody knows by its hash alone.
    """
    swept = 0
    for row in FormFile.objects.filter(message=None, at__lt=timezone.now() - KEPT_FOR).select_related("stored"):
        with suppress(IntegrityError):  # somebody took the same content at this very moment: it stays
            swept += _sweep(row, named)
    return swept


@transaction.atomic
def _sweep(row: FormFile, named: Callable[[StoredFile], bool]) -> bool:
    if not FormFile.objects.filter(pk=row.pk, at=row.at).delete()[0]:
        return False  # brought again since: its day has begun anew
    return not named(row.stored) and files.forget(row.stored)
