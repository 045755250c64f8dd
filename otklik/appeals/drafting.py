"""Drafting: the text of the answer with its revisions, materials and attachments. Nothing typed is ever lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from shutil import copyfileobj
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals import questions, transitions
from otklik.appeals.models import (
    FINISHED,
    Appeal,
    AppealQuestion,
    Citation,
    DestructionItem,
    Draft,
    DraftFile,
    DraftRevision,
    DraftVariant,
    FrozenAnswer,
)
from otklik.appeals.permissions import allows, check_can_work, check_can_write
from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.knowledge import file_texts, materials
from otklik.knowledge.materials import Insert, Results
from otklik.knowledge.models import Material
from otklik.knowledge.placeholders import Fact
from otklik.people import access as people_access
from otklik.people import declension
from otklik.people.models import Employee

S = Appeal.Status
EDITABLE = (S.ASSIGNED, S.DRAFTING, S.APPROVAL)
KEEP_EVERY = timedelta(minutes=5)
TEXT_FILES = ("docx", "odt", "pdf", "txt")
ASIDE = 0  # no draft that was saved has this version: such a revision is never in force


class DraftConflict(DomainError):
    """Somebody saved another text first. Carries both, so that a person can join them."""

    code = "appeal.draft_conflict"
    text = (
        "Пока вы работали, сохранён другой текст этого ответа ({author}). Ваш текст не потерян. "
        "Сравните оба и выберите один или объедините их."
    )
    status = 409

    def __init__(self, *, mine: str, theirs: Draft, by: Employee) -> None:
        self.mine, self.theirs, self.version = mine, theirs.text, theirs.version
        self.own_tab = theirs.saved_by_id == by.pk
        self.author = theirs.saved_by.short_name if theirs.saved_by else "—"
        super().__init__(author="вы сами, в другой вкладке" if self.own_tab else self.author)


class DraftClosed(DomainError):
    """The appeal is in a state in which its answer is not written."""

    code = "appeal.draft_closed"
    text = "Обращение № {number}: в состоянии «{now}» текст ответа не меняется. {what}"


class NoSuchFile(DomainError):
    """The attachment was removed already."""

    code = "appeal.no_such_file"
    text = "Этого приложения в проекте ответа уже нет. Обновите страницу."


class NothingToReopen(DomainError):
    """A new answer begins from an appeal that was answered and has an executor."""

    code = "appeal.nothing_to_reopen"
    text = "Обращение № {number}: новый ответ не начать — исполнитель не был назначен. Зарегистрируйте новое обращение."


class Destroyed(DomainError):
    """Nothing is left of the case to answer."""

    code = "appeal.destroyed"
    text = "Обращение № {number} уничтожено по акту, когда истёк срок хранения. Зарегистрируйте новое обращение."


def check_can_draft(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not change the answer now."""
    check_can_write(appeal, user)
    if appeal.status not in EDITABLE:
        what = "Отзовите его с подписи, чтобы править." if appeal.status in (S.SIGNING, S.SIGNED) else ""
        if appeal.status in FINISHED:
            what = "Начните новый ответ."
        raise DraftClosed(number=appeal.number, now=S(appeal.status).label, what=what)


def check_can_reopen(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not begin another answer after the one that was sent."""
    check_can_work(appeal, user)
    if appeal.status not in FINISHED:
        raise transitions.MoveRefused(number=appeal.number, now=S(appeal.status).label, to=S.DRAFTING.label)
    if appeal.executor_id is None:
        raise NothingToReopen(number=appeal.number)


def draft_of(appeal: Appeal) -> Draft:
    """Return the draft of an appeal; where nobody has begun, an empty one that is not saved: looking adds no row."""
    return Draft.objects.filter(appeal=appeal).first() or Draft(appeal_id=appeal.pk)


def files_of(draft: Draft) -> list[DraftFile]:
    """Return what goes out with the answer, none where nobody has begun."""
    return list(DraftFile.objects.filter(draft=draft.pk).select_related("stored"))


def _begun(appeal: Appeal) -> Draft:
    return Draft.objects.get_or_create(appeal=appeal)[0]


@transaction.atomic
def save(
    appeal: Appeal,
    *,
    text: str,
    base_version: int,
    by: Employee,
    at: datetime | None = None,
    imported: bool = False,
    compared: bool = False,
) -> Draft:
    """Save the text if `base_version` is still the newest, else raise DraftConflict with both texts.

    The first save begins the drafting; a save after the draft was given for approval takes it back.
    `compared`: chosen against the text that was there, which is kept whoever wrote it.
    """
    if not imported:
        check_can_draft(appeal, by)
    draft = _begun(appeal)
    at = at or timezone.now()
    if draft.text == text and (draft.version == base_version or draft.saved_by_id == by.pk):
        return draft  # the same words twice, as from a page whose last save had not answered yet: no two texts
    before = copy(draft)
    _write(draft, base_version, by=by, at=at, text=text)
    if compared and before.saved_by is not None:
        keep(before, by=by)
    else:
        _keep_before(before, by, at)
    _begin(appeal, by=by)
    journal.record("appeal.draft_saved", chain=f"appeal:{appeal.pk}", by=by, version=draft.version, size=len(text))
    return draft


@dataclass(frozen=True)
class Suggested:
    """What may answer one thing asked: `about` says which, empty for the whole letter. `above`: shown already."""

    about: str
    results: Results
    above: frozenset[int] = frozenset()


def suggest_materials(appeal: Appeal, letter: str, *, user: Employee, limit: int) -> list[Suggested]:
    """Return materials that may answer an appeal, then those for each question in it; not those that did not fit it.

    Its questions are the confirmed or proposed ones, where there are several; before there are any, the sentences of
    the letter that ask.
    """
    matters = AppealQuestion.objects.filter(appeal=appeal).order_by("pk").values_list("topic__name", "need__name")
    named = [". ".join(filter(None, matter)) for matter in matters[: questions.MOST]]
    # A letter of one question is that question.
    about = questions.asked_in(letter) if not named else named if len(named) > 1 else []
    whole = "\n".join([appeal.subject, *named, letter])
    asked = [whole, *about]
    found = materials.search_each(asked, user=user, limit=limit, reference=_reference(appeal))
    suggested, seen = [], set[int]()
    for words, every in zip(["", *about], found, strict=True):
        results = replace(every, found=every.found[: materials.NEAREST]) if words else every
        suggested.append(Suggested(words, results, frozenset(seen.intersection(results.pages))))
        seen.update(one.page_id for one in results.first)
    return suggested


@transaction.atomic
def insert_material(appeal: Appeal, page_id: int, *, reason: str = "", by: Employee) -> Insert:
    """Return a material's text with the facts of the appeal filled in, and record its use with the version.

    The text is not put into the draft here: the page puts it where the cursor stands and saves.
    """
    check_can_draft(appeal, by)
    insert = materials.insert_text(page_id, facts(appeal), reason=reason, user=by)
    _cite(appeal, page_id, insert, how=Citation.How.TEXT, reason=reason, by=by)
    return insert


@transaction.atomic
def insert_link(appeal: Appeal, page_id: int, *, reason: str = "", by: Employee) -> Insert:
    """Return a link to a material's page on the site, and record its use with the version that is there."""
    check_can_draft(appeal, by)
    insert = materials.insert_link(page_id, reason=reason, user=by)
    _cite(appeal, page_id, insert, how=Citation.How.LINK, reason=reason, by=by)
    return insert


def _cite(appeal: Appeal, page_id: int, insert: Insert, *, how: Citation.How, reason: str, by: Employee) -> None:
    draft, reason = _begun(appeal), reason.strip() if insert.stale else ""
    Citation.objects.create(
        draft=draft,
        material=page_id,
        revision=insert.revision,
        title=insert.title[:300],
        how=how,
        stale=insert.stale,
        reason=reason,
        by=by,
        at=timezone.now(),
    )
    said: dict[str, Any] = {"reason": reason} if reason else {}
    is_link = how == Citation.How.LINK
    action = "linked" if is_link else "inserted"
    materials.record_use(page_id, action, reference=_reference(appeal), revision=insert.revision, by=by)
    journal.record(
        "appeal.material_linked" if is_link else "appeal.material_inserted",
        chain=f"appeal:{appeal.pk}",
        by=by,
        material=page_id,
        revision=insert.revision,
        **said,
    )


def open_aside(appeal: Appeal, page_id: int, *, by: Employee) -> Material:
    """Return a material to be read beside the answer; whoever writes it leaves a note that he has looked."""
    material = materials.get_for(by, page_id)
    if allows(check_can_write, appeal, by):
        materials.record_use(page_id, "opened", reference=_reference(appeal), by=by)
    return material


@transaction.atomic
def decline_material(appeal: Appeal, page_id: int, *, by: Employee) -> None:
    """Note that a material did not fit this letter: it is proposed for it no more. Only who writes the answer may."""
    check_can_write(appeal, by)
    materials.record_use(page_id, "declined", reference=_reference(appeal), by=by)
    journal.record("appeal.material_declined", chain=f"appeal:{appeal.pk}", by=by, material=page_id)


def citations_of(draft: Draft) -> list[Citation]:
    """Return the materials used in the answer being written, the last first; not those of answers already sent."""
    sent = FrozenAnswer.objects.filter(appeal=draft.appeal_id, followed_at__isnull=False)
    last = sent.order_by("-followed_at").values_list("followed_at", flat=True).first()
    rows = Citation.objects.filter(draft=draft.pk, **({"at__gt": last} if last else {}))
    return dated(rows.select_related("by").order_by("-id"))


def dated(rows: Iterable[Citation]) -> list[Citation]:
    """Return uses of materials, each with the day of its version: `version_on`."""
    found = list(rows)
    days = materials.versions_on(row.revision for row in found)
    for row in found:
        row.version_on = days.get(row.revision)
    return found


def _reference(appeal: Appeal) -> str:
    return f"appeal:{appeal.pk}"


def facts(appeal: Appeal) -> dict[str, Fact]:
    """Return what placeholders of a reply template stand for in this appeal."""
    addressee = people_access.letter_name(appeal.applicant)
    executor = appeal.executor
    return {
        "заявитель": addressee.short,
        "заявитель полностью": addressee.whole,
        "обращение": addressee.greeting,
        "номер": appeal.number,
        "дата": f"{appeal.registered_on:%d.%m.%Y}",
        "дата поступления": f"{appeal.received_on:%d.%m.%Y}",
        "тема": appeal.subject,
        "срок": f"{appeal.due_on:%d.%m.%Y}" if appeal.due_on else "",
        "исполнитель": _named(executor) if executor else "",
        "должность исполнителя": declension.post(executor.post) if executor else "",
        "телефон исполнителя": executor.phone if executor else "",
        "подразделение": declension.post(appeal.unit.name) if appeal.unit else "",
    }


def _named(employee: Employee) -> Fact:
    name = declension.Name(employee.last_name, employee.first_name, employee.patronymic)
    return name.short if name.last else employee.short_name


class NoTextInFile(DomainError):
    """A file from which no text of an answer can be taken."""

    code = "appeal.no_text_in_file"
    text = "Текст из файла «{name}» не взят: {why}. {do}"


def take_text(appeal: Appeal, upload: File[bytes], *, base_version: int, by: Employee) -> Draft:
    """Make the text of a document the next revision; what it replaces is kept among the revisions.

    A file behind a password, a scan and what is no document are refused with words; nothing is lost.
    """
    check_can_draft(appeal, by)
    text, kind = text_in(upload)
    with transaction.atomic():
        draft = save(appeal, text=text, base_version=base_version, by=by, compared=True)
        journal.record("appeal.text_taken", chain=f"appeal:{appeal.pk}", by=by, version=draft.version, kind=kind)
    return draft


def text_in(upload: File[bytes]) -> tuple[str, str]:
    """Return the text of a document and its kind, one of TEXT_FILES; what is no readable document is refused."""
    name = upload.name or "файл"
    kind = name.rpartition(".")[2].lower()
    if kind not in TEXT_FILES:
        do = "Сохраните его как DOCX или ODT. Готовый PDF прикрепите как приложение."
        raise NoTextInFile(name=name, why="это не документ Word", do=do)
    files.check(upload, name, inert=True)
    with tempfile.NamedTemporaryFile(suffix=f".{kind}") as copied:
        upload.seek(0)
        copyfileobj(upload, copied)
        copied.flush()
        said = file_texts.read_apart(copied.name, kind)
    if why := said.get("why"):
        raise NoTextInFile(name=name, why=why, do="Сохраните его заново и загрузите ещё раз.")
    text = said["text"].strip() if kind in ("txt", "pdf") else said["text"].strip().replace("\n", "\n\n")
    if not text:
        raise NoTextInFile(name=name, why="в нём нет текста, возможно, это скан", do="Загрузите документ с текстом.")
    return text, kind


@transaction.atomic
def attach(appeal: Appeal, upload: File[bytes], *, by: Employee) -> DraftFile:
    """Add a file to go out with the answer; refuses by content what could not be opened or is not allowed."""
    check_can_draft(appeal, by)
    name = upload.name or "файл"
    files.check(upload, name)
    upload.seek(0)
    draft = _begun(appeal)
    row = DraftFile.objects.create(draft=draft, stored=files.store(upload, name=name), name=name[:300])
    _touch(appeal, draft, by=by)
    journal.record("appeal.file_attached", chain=f"appeal:{appeal.pk}", by=by, sha256=row.stored.sha256)
    return row


@transaction.atomic
def detach(appeal: Appeal, file_id: int, *, by: Employee) -> None:
    """Take a file out of the answer; the bytes stay where other rows refer to them."""
    check_can_draft(appeal, by)
    draft = _begun(appeal)
    row = draft.files.select_related("stored").filter(pk=file_id).first()
    if row is None:
        raise NoSuchFile
    row.delete()
    _touch(appeal, draft, by=by)
    journal.record("appeal.file_detached", chain=f"appeal:{appeal.pk}", by=by, sha256=row.stored.sha256)


@transaction.atomic
def reopen(appeal: Appeal, *, by: Employee) -> Draft:
    """Begin another answer to an applicant who wrote again; the one that was sent stays as it was."""
    check_can_reopen(appeal, by)
    if DestructionItem.objects.filter(appeal=appeal, state=DestructionItem.State.DONE).exists():
        raise Destroyed(number=appeal.number)
    draft = _begun(appeal)
    before, now = copy(draft), timezone.now()
    FrozenAnswer.objects.filter(appeal=appeal, withdrawn_at=None, followed_at=None).update(followed_at=now)
    _write(draft, draft.version, by=by, at=now, text="")
    keep(before, by=by)
    draft.files.all().delete()
    DraftVariant.objects.filter(revision__draft=draft, put_away_at=None).update(put_away_at=now)
    transitions.move(
        appeal, S.DRAFTING, by=by, action="appeal.reopened", answered_on=None, closed_on=None, close_reason=""
    )
    return draft


def keep(draft: Draft, *, by: Employee) -> DraftRevision:
    """Return the revision of the draft as it stands, keeping it first if nobody has."""
    if (kept := draft.revisions.filter(version=draft.version).order_by("-seq").first()) is not None:
        return kept
    return DraftRevision.objects.create(
        draft=draft,
        seq=_next_seq(draft),
        version=draft.version,
        text=draft.text,
        author=draft.saved_by or by,
        at=draft.saved_at or timezone.now(),
    )


@transaction.atomic
def keep_aside(appeal: Appeal, text: str, *, by: Employee) -> None:
    """Keep a text that came second among the revisions, never in force: a closed page does not lose it."""
    check_can_draft(appeal, by)
    draft = begun_alone(appeal)
    if text.strip() and not draft.revisions.filter(text=text, author=by).exists():
        revision = beside(draft, text, by=by)
        journal.record("appeal.draft_kept_aside", chain=f"appeal:{appeal.pk}", by=by, revision=revision.seq)


def begun_alone(appeal: Appeal) -> Draft:
    """Return the draft, begun if nobody has, its row held until the transaction ends: numbers follow each other."""
    draft = _begun(appeal)
    Draft.objects.filter(pk=draft.pk).update(version=F("version"))
    draft.refresh_from_db()
    return draft


def beside(draft: Draft, text: str, *, by: Employee) -> DraftRevision:
    """Keep a text among the revisions that is never in force; the draft is held."""
    return DraftRevision.objects.create(
        draft=draft, seq=_next_seq(draft), version=ASIDE, text=text, author=by, at=timezone.now()
    )


def _next_seq(draft: Draft) -> int:
    newest = draft.revisions.order_by("-seq").first()
    return (newest.seq if newest else 0) + 1


def current_revision(appeal: Appeal) -> DraftRevision | None:
    """Return the kept revision that is exactly the draft as it stands, or None after an edit."""
    return DraftRevision.objects.filter(draft__appeal=appeal, version=F("draft__version")).order_by("-seq").first()


def _keep_before(draft: Draft, by: Employee, at: datetime) -> None:
    """Keep what was overwritten: the first state, another author's, or one five minutes after the last kept."""
    if draft.saved_by is None or draft.saved_at is None:
        return
    newest = draft.revisions.order_by("-seq").first()
    if newest is None or draft.saved_by_id != by.pk or at - newest.at >= KEEP_EVERY:
        keep(draft, by=by)


def _write(draft: Draft, base_version: int, *, by: Employee, at: datetime, text: str) -> None:
    written = Draft.objects.filter(pk=draft.pk, version=base_version).update(
        text=text, version=F("version") + 1, saved_by=by, saved_at=at
    )
    if not written:
        draft.refresh_from_db()
        raise DraftConflict(mine=text, theirs=draft, by=by)
    draft.refresh_from_db()


def hold(draft: Draft, *, by: Employee) -> None:
    """Keep others from saving until the transaction ends; raise DraftConflict if somebody has saved already."""
    if not Draft.objects.filter(pk=draft.pk, version=draft.version).update(version=F("version")):
        mine = draft.text
        draft.refresh_from_db()
        raise DraftConflict(mine=mine, theirs=draft, by=by)


def renew(draft: Draft) -> None:
    """Make a new version of the same text, so that it is decided about anew."""
    Draft.objects.filter(pk=draft.pk).update(version=F("version") + 1)
    draft.refresh_from_db()


def _touch(appeal: Appeal, draft: Draft, *, by: Employee) -> None:
    """Make a new version of the draft: other attachments ask for approval again."""
    before, now = copy(draft), timezone.now()
    _write(draft, draft.version, by=by, at=now, text=draft.text)
    _keep_before(before, by, now)
    _begin(appeal, by=by)


def _begin(appeal: Appeal, *, by: Employee) -> None:
    """Let the state follow the text. The draft's row is ours now, so the state read here is the last one."""
    appeal.refresh_from_db(fields=["status", "version"])
    if appeal.status not in EDITABLE:
        raise DraftClosed(number=appeal.number, now=S(appeal.status).label, what="Обновите карточку.")
    if appeal.status == S.ASSIGNED:
        transitions.move(appeal, S.DRAFTING, by=by, action="appeal.drafting_begun")
    elif appeal.status == S.APPROVAL:
        transitions.move(appeal, S.DRAFTING, by=by, action="appeal.changed_in_approval")
