"""Variants of an answer: texts kept beside the one in work, from hands or documents, to be compared and taken."""

from __future__ import annotations

from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from otklik.appeals import drafting
from otklik.appeals.models import Appeal, Draft, DraftRevision, DraftVariant
from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence.text import fit
from otklik.people.models import Employee

MOST = 8  # more is not a choice any more, and nobody reads them side by side


class BadVariant(DomainError):
    """Something is missing or does not fit."""

    code = "appeal.bad_variant"
    text = "{what}"


def of(appeal: Appeal) -> list[DraftVariant]:
    """Return the variants of the answer being written with their revisions, in the order they were kept."""
    rows = DraftVariant.objects.filter(revision__draft__appeal=appeal, put_away_at=None)
    return list(rows.select_related("revision__author", "file").order_by("pk"))


@transaction.atomic
def keep_current(appeal: Appeal, name: str, *, by: Employee) -> DraftVariant:
    """Keep the text as it is saved as a variant; it stays in work, and may be written on."""
    drafting.check_can_draft(appeal, by)
    draft = drafting.begun_alone(appeal)
    if not draft.text.strip():
        raise BadVariant(what="Текст ответа пуст: откладывать нечего. Напишите его, затем отложите вариантом.")
    return _keep(appeal, drafting.keep(draft, by=by), name, by=by)


def bring(appeal: Appeal, upload: File[bytes], name: str, *, by: Employee) -> DraftVariant:
    """Keep the text of a document, and the document itself, as a variant; the text in work is not touched."""
    drafting.check_can_draft(appeal, by)
    text, _ = drafting.text_in(upload)
    file_name = upload.name or "файл"
    with transaction.atomic():
        revision = drafting.beside(drafting.begun_alone(appeal), text, by=by)
        upload.seek(0)
        named = name.strip() or file_name.rpartition(".")[0]
        return _keep(appeal, revision, named, by=by, file=files.store(upload, name=file_name), file_name=file_name)


def _keep(
    appeal: Appeal,
    revision: DraftRevision,
    name: str,
    *,
    by: Employee,
    file: StoredFile | None = None,
    file_name: str = "",
) -> DraftVariant:
    there = of(appeal)
    if same := next((one for one in there if one.revision.text == revision.text), None):
        raise BadVariant(what=f"Такой текст уже отложен: «{same.name}».")
    if len(there) >= MOST:
        raise BadVariant(what=f"Вариантов уже {MOST}. Уберите ненужный: его текст останется среди редакций.")
    name = fit(name.strip() or f"Вариант {len(there) + 1}", 100)
    row = DraftVariant.objects.create(revision=revision, name=name, file=file, file_name=fit(file_name, 300))
    journal.record("appeal.variant_kept", chain=f"appeal:{appeal.pk}", by=by, variant=row.pk, revision=revision.seq)
    return row


@transaction.atomic
def take(appeal: Appeal, variant: DraftVariant, *, base_version: int, by: Employee) -> Draft:
    """Make a variant the text in work; the text it replaces stays among the revisions, the variant stays too.

    Raises DraftConflict where somebody has saved another text since the page was shown.
    """
    drafting.check_can_draft(appeal, by)
    draft = drafting.save(appeal, text=variant.revision.text, base_version=base_version, by=by, compared=True)
    journal.record(
        "appeal.variant_taken", chain=f"appeal:{appeal.pk}", by=by, variant=variant.pk, version=draft.version
    )
    return draft


@transaction.atomic
def put_away(appeal: Appeal, variant: DraftVariant, *, by: Employee) -> None:
    """Take a variant off the page; its text stays among the revisions. Twice is once."""
    drafting.check_can_draft(appeal, by)
    if DraftVariant.objects.filter(pk=variant.pk, put_away_at=None).update(put_away_at=timezone.now()):
        journal.record("appeal.variant_put_away", chain=f"appeal:{appeal.pk}", by=by, variant=variant.pk)
