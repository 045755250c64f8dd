"""Parts of co-executors: asked for by an internal date, handed in with files, put into the draft in one press."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.core.files.base import File
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, assignment, drafting, search_feed
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.models import Appeal, CoExecutor, DraftFile, HelperPart, HelperPartFile
from otklik.appeals.permissions import check_power, is_head_of
from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

OPEN = Q(taken_at=None)
LATE = Q(handed_at=None, taken_at=None)


class BadPart(DomainError):
    """Something is missing or does not fit."""

    code = "appeal.bad_part"
    text = "{what}"


class PartChanged(DomainError):
    """Somebody was quicker."""

    code = "appeal.part_changed"
    text = "Часть только что собрали, сдали или отозвали. Обновите страницу: ваше нажатие ничего не изменило."


def check_can_ask(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not ask for parts or assemble them: the executor, who stands in for him, the head."""
    check_power(user, "appeals.draft", "просить части ответа")
    if not (access.stands_for(user, appeal.executor) or is_head_of(appeal, user)):
        raise NotYours(number=appeal.number, what="просить части ответа и собирать их", who="исполнитель или начальник")
    if appeal.status not in drafting.EDITABLE:
        raise BadPart(what="Части просят и собирают, пока ответ готовится. Сейчас его текст не меняется.")


def propose_date(appeal: Appeal) -> date | None:
    """Return by when to hand in: the internal date of the answer, which leaves time to assemble."""
    return appeal.internal_due_on or assignment.propose_internal_date(appeal)


def ask(appeal: Appeal, people: Sequence[Employee], *, what: str, due_on: date, by: Employee) -> list[HelperPart]:
    """Ask colleagues for a part each by a day; who was no co-executor becomes one."""
    check_can_ask(appeal, by)
    today = timezone.localdate()
    if not people:
        raise BadPart(what="Выберите, кого просите.")
    if not what.strip():
        raise BadPart(what="Напишите, что нужно от соисполнителя.")
    if due_on < today:
        raise WrongDate(what="Внутренний срок уже прошёл.")
    if appeal.due_on and due_on > max(appeal.due_on, today):
        raise WrongDate(what=f"Внутренний срок позже срока ответа ({appeal.due_on:%d.%m.%Y}).")
    made = []
    for one in people:
        if one.pk == appeal.executor_id:
            raise BadPart(what=f"{one.short_name} — исполнитель: он собирает части, а не сдаёт их.")
        assignment.check_helper(one, today)
    with transaction.atomic():
        # The row is held until the commit: of two who ask one colleague at once, the second finds the part there.
        Appeal.objects.select_for_update(of=("self",)).get(pk=appeal.pk)
        waiting = HelperPart.objects.filter(OPEN, appeal=appeal, employee__in=people).select_related("employee")
        if names := ", ".join(one.employee.short_name for one in waiting):
            raise BadPart(what=f"Часть у них уже просили, и она ещё не собрана: {names}.")
        helpers = set(CoExecutor.objects.filter(appeal=appeal).values_list("employee", flat=True))
        for one in people:
            if one.pk not in helpers:
                CoExecutor.objects.create(appeal=appeal, employee=one)
            row = HelperPart.objects.create(
                appeal=appeal, employee=one, asked_by=by, what=what.strip()[:500], due_on=due_on
            )
            made.append(row)
            journal.record(
                "appeal.part_asked",
                chain=f"appeal:{appeal.pk}",
                by=by,
                part=row.pk,
                asked_of=one.pk,
                due_on=due_on.isoformat(),
            )
        search_feed.put(appeal)
    return made


def hand_in(part: HelperPart, text: str, uploads: Iterable[File[bytes]] = (), *, by: Employee) -> None:
    """Hand in a part, with files; handed in again before it is assembled, it replaces the text and adds the files."""
    if not access.stands_for(by, part.employee):
        raise NotYours(number=part.appeal.number, what="сдать эту часть", who=part.employee.short_name)
    uploads = list(uploads)
    if not text.strip() and not uploads and not part.files.exists():
        raise BadPart(what="Напишите текст части или приложите файл.")
    for upload in uploads:
        files.check(upload, upload.name or "файл")
        upload.seek(0)
    with transaction.atomic():
        mine = HelperPart.objects.filter(OPEN, pk=part.pk)
        if not mine.update(text=text.strip(), handed_at=timezone.now(), handed_by=by):
            raise PartChanged
        HelperPartFile.objects.bulk_create(
            HelperPartFile(part=part, stored=files.store(one, name=one.name or "файл"), name=(one.name or "файл")[:300])
            for one in uploads
        )
        journal.record(
            "appeal.part_handed",
            chain=f"appeal:{part.appeal_id}",
            by=by,
            part=part.pk,
            size=len(text.strip()),
            files=len(uploads),
        )
    part.refresh_from_db()


def withdraw(part: HelperPart, *, by: Employee) -> None:
    """Take back a request for a part that nobody has handed in."""
    check_can_ask(part.appeal, by)
    with transaction.atomic():
        deleted, _ = HelperPart.objects.filter(LATE, pk=part.pk).delete()
        if not deleted:
            raise PartChanged
        journal.record("appeal.part_withdrawn", chain=f"appeal:{part.appeal_id}", by=by, part=part.pk)


@transaction.atomic
def assemble(appeal: Appeal, *, by: Employee) -> list[HelperPart]:
    """Put every part that was handed in at the end of the draft, their files among its attachments; return them.

    Of two who press at once one succeeds; a draft somebody saves meanwhile is a conflict, and nothing is taken.
    """
    check_can_ask(appeal, by)
    ready = list(HelperPart.objects.filter(OPEN, appeal=appeal, handed_at__isnull=False).select_related("employee"))
    if not ready:
        raise BadPart(what="Собирать нечего: ни одна часть ещё не сдана.")
    now = timezone.now()
    for part in ready:
        mine = HelperPart.objects.filter(OPEN, pk=part.pk, handed_at=part.handed_at)
        if not mine.update(taken_at=now, taken_by=by):
            raise PartChanged
    draft = drafting.draft_of(appeal)
    text = "\n\n".join(filter(None, [draft.text.rstrip(), *(part.text for part in ready)]))
    drafting.save(appeal, text=text, base_version=draft.version, by=by)
    there = set(DraftFile.objects.filter(draft__appeal=appeal).values_list("stored", flat=True))
    for paper in HelperPartFile.objects.filter(part__in=ready).select_related("stored"):
        if paper.stored_id not in there:
            with files.open_file(paper.stored) as content:
                drafting.attach(appeal, File(content, name=paper.name), by=by)
    journal.record("appeal.parts_assembled", chain=f"appeal:{appeal.pk}", by=by, parts=[part.pk for part in ready])
    return ready


def of(appeal: Appeal) -> list[HelperPart]:
    """Return the parts of an appeal, those that wait first, with their files."""
    rows = HelperPart.objects.filter(appeal=appeal).select_related("employee", "asked_by", "handed_by")
    return list(rows.prefetch_related("files__stored").order_by("taken_at", "due_on", "pk"))


def is_late(part: HelperPart, today: date) -> bool:
    """Tell whether a part is late, or was handed in late."""
    handed = timezone.localdate(part.handed_at) if part.handed_at else today
    return handed > part.due_on


def late(today: date) -> QuerySet[HelperPart]:
    """Return what was to be handed in before a day and is not."""
    return HelperPart.objects.filter(LATE, due_on__lt=today)
