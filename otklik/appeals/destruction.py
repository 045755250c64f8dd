"""Destroying what has expired: a list, agreed by a second person, carried out by a worker, with an act.

Numbers, dates, topics, terms and everything figures are made of stay; so do journals, which hold ids and digests only.
Words, names, addresses and files go. Bytes are swept at night with the other files that nothing refers to.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import date
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import get_random_string

from otklik.appeals import journals, search_feed, storage
from otklik.appeals.journals import section
from otklik.appeals.models import (
    Appeal,
    CaseFile,
    CaseMerge,
    CaseQuestion,
    Complained,
    DestructionAct,
    DestructionItem,
    DraftFile,
    DraftRevision,
    DraftVariant,
    Forwarding,
    FrozenAnswer,
    HelperPart,
    HelperPartFile,
    Inquiry,
    MarginRemark,
    Note,
    PosCase,
    QuestionOutcome,
    Resolution,
    Signatory,
    Signature,
    SstuUpload,
    TermExtension,
)
from otklik.appeals.permissions import check_power
from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.correspondence.models import (
    DeliveryReport,
    IncomingFile,
    IncomingMessage,
    MessageFacts,
    OutgoingFile,
    OutgoingMessage,
)
from otklik.people.models import Applicant, Employee
from otklik.search import engine as search

log = logging.getLogger("otklik.destruction")

MOST: Final = 1000  # cases of one act
AGREES: Final = ("appeals.sign", storage.KEEPER)
State, ItemState = DestructionAct.State, DestructionItem.State


class NothingExpired(DomainError):
    """No case has expired."""

    code = "destruction.nothing"
    text = "Уничтожать нечего: {why}"


class ActRefused(DomainError):
    """The act cannot be taken further."""

    code = "destruction.refused"
    text = "{why}"


@transaction.atomic
def draw(code: str, *, by: Employee, on: date | None = None) -> DestructionAct:
    """Draw up an act of the cases whose term is over; nothing is destroyed until another person agrees."""
    check_power(by, storage.KEEPER, "составить акт об уничтожении")
    rule, found = storage.expired(code, on or timezone.localdate())
    if rule is None or rule.years is None:
        raise NothingExpired(why="срок хранения для этих дел не установлен. Внесите его на странице «Сроки хранения».")
    cases = list(found.values_list("pk", "closed_on")[:MOST])
    if not cases:
        raise NothingExpired(why=f"нет закрытых дел, которые хранятся дольше {rule.years} лет и не под запретом.")
    basis = f"{rule.kind}: {rule.years} лет{' ЭПК' if rule.expert_review else ''}, {rule.basis}"
    act = DestructionAct.objects.create(rule=rule, basis=basis[:400], drawn_by=by)
    try:
        with transaction.atomic():
            DestructionItem.objects.bulk_create(
                DestructionItem(act=act, appeal_id=pk, closed_on=closed_on) for pk, closed_on in cases if closed_on
            )
    except IntegrityError as exc:
        raise ActRefused(why="Эти дела только что внёс в акт другой сотрудник. Обновите страницу.") from exc
    journal.record("destruction.drawn", chain=f"destruction:{act.pk}", by=by, rule=rule.pk, appeals=len(cases))
    return act


@transaction.atomic
def leave_out(item: DestructionItem, *, why: str, by: Employee) -> None:
    """Take a case out of an act nobody has agreed to yet."""
    check_power(by, storage.KEEPER, "исключить дело из акта")
    if not (why := " ".join(why.split())[:300]):
        raise ActRefused(why="Напишите, почему дело остаётся на хранении.")
    rows = DestructionItem.objects.filter(pk=item.pk, state=ItemState.WAITING, act__state=State.DRAWN)
    if not rows.update(state=ItemState.KEPT, why=why):
        raise ActRefused(why="Акт уже согласован или отменён: исключить дело нельзя.")
    journal.record("destruction.left_out", chain=f"destruction:{item.act_id}", by=by, appeal=item.appeal_id)


@transaction.atomic
def agree(act: DestructionAct, *, commission: str = "", by: Employee) -> None:
    """Agree to an act somebody else has drawn up; a worker then carries it out."""
    if not by.has_any(AGREES):
        check_power(by, AGREES[0], "согласовать акт об уничтожении")
    if by.pk == act.drawn_by_id:
        raise ActRefused(why="Акт согласует другой человек, не тот, кто его составил.")
    commission = " ".join(commission.split())[:200]
    if act.rule.expert_review and not commission:
        raise ActRefused(why="По этому сроку решает экспертно-проверочная комиссия: укажите номер и дату протокола.")
    if not act.items.filter(state=ItemState.WAITING).exists():
        raise ActRefused(why="В акте не осталось дел. Отмените его.")
    _move(act, State.DRAWN, State.AGREED, agreed_by=by, agreed_at=timezone.now(), commission=commission)
    journal.record("destruction.agreed", chain=f"destruction:{act.pk}", by=by)


@transaction.atomic
def drop(act: DestructionAct, *, why: str, by: Employee) -> None:
    """Drop an act nobody has agreed to: its cases stay, and may be in another act."""
    check_power(by, storage.KEEPER, "отменить акт об уничтожении")
    if not (why := " ".join(why.split())[:300]):
        raise ActRefused(why="Напишите, почему акт отменяется.")
    _move(act, State.DRAWN, State.DROPPED, dropped_why=why)
    act.items.filter(state=ItemState.WAITING).update(state=ItemState.KEPT, why="акт отменён")
    journal.record("destruction.dropped", chain=f"destruction:{act.pk}", by=by)


def _move(act: DestructionAct, expected: str, to: str, **changes: Any) -> None:
    if not DestructionAct.objects.filter(pk=act.pk, state=expected).update(state=to, **changes):
        act.refresh_from_db()
        raise ActRefused(why=f"Сейчас акт «{act.get_state_display()}»: нажатие ничего не изменило. Обновите страницу.")
    act.refresh_from_db()


# --- carried out -----------------------------------------------------------------------------------------------------


def work_next() -> bool:
    """Destroy one case of the oldest agreed act, or end the act; return False where none is agreed."""
    act = DestructionAct.objects.filter(state=State.AGREED).order_by("pk").first()
    if act is None:
        return False
    item = act.items.filter(state=ItemState.WAITING).order_by("pk").first()
    if item is None:
        _finish(act)
        return True
    try:
        _carry_out(act, item)
    except Exception:
        log.exception("act %s, item %s", act.pk, item.pk)
        why = "Ошибка системы, она записана. Дело не тронуто."
        DestructionItem.objects.filter(pk=item.pk, state=ItemState.WAITING).update(state=ItemState.KEPT, why=why)
    return True


@transaction.atomic
def _carry_out(act: DestructionAct, item: DestructionItem) -> None:
    # Taken and destroyed in one transaction: a killed worker leaves the case whole, another one finds it taken.
    if not DestructionItem.objects.filter(pk=item.pk, state=ItemState.WAITING).update(state=ItemState.DONE):
        return
    appeal = Appeal.objects.select_for_update(of=("self",)).select_related("applicant", "thread").get(pk=item.appeal_id)
    why = ""
    if appeal.status != Appeal.Status.CLOSED:
        why = "дело снова в работе"
    elif storage.hold_of(appeal):
        why = "запрещено уничтожать"
    if why:
        DestructionItem.objects.filter(pk=item.pk).update(state=ItemState.KEPT, why=why)
        journal.record("destruction.left_out", chain=f"destruction:{act.pk}", by=None, appeal=appeal.pk)
        return
    number, digest = erase(appeal, act)
    DestructionItem.objects.filter(pk=item.pk).update(files=number, digest=digest)
    journal.record("appeal.destroyed", chain=f"appeal:{appeal.pk}", by=act.agreed_by, act=act.pk, digest=digest)


def erase(appeal: Appeal, act: DestructionAct) -> tuple[int, str]:
    """Take words, names and files out of a case; return how many files went, and the digest of their digests."""
    gone = f"уничтожено по акту № {act.pk}"
    stub = files.store(gone.encode(), name="akt.txt")  # stands where the base asks for a file
    came = IncomingMessage.objects.filter(taken__appeal=appeal)
    went = _letters_of(appeal)
    frozen = FrozenAnswer.objects.filter(appeal=appeal)
    stored = _files_of(appeal)

    for one in (
        IncomingFile.objects.filter(message__in=came),
        MessageFacts.objects.filter(message__in=came),
        OutgoingFile.objects.filter(message__in=went),
        DraftFile.objects.filter(draft__appeal=appeal),
        CaseFile.objects.filter(appeal=appeal),
        Signatory.objects.filter(collective__appeal=appeal),
        Complained.objects.filter(appeal=appeal),
        HelperPartFile.objects.filter(part__appeal=appeal),
    ):
        one.delete()
    DeliveryReport.objects.filter(letter__in=went).update(said="")
    for message in came:
        IncomingMessage.objects.filter(pk=message.pk).update(
            external_id=f"destroyed:{message.pk}", raw=None, **_NO_WORDS
        )
    went.update(recipient="", recipient_name="", subject="", text=gone, error="", in_reply_to="", references=[])
    Note.objects.filter(appeal=appeal).update(text=gone, mentions=[])
    CaseQuestion.objects.filter(question__appeal=appeal).update(text="")
    QuestionOutcome.objects.filter(appeal=appeal).update(note="", where="", file=None)
    SstuUpload.objects.filter(appeal=appeal).exclude(reason="").update(reason=gone)
    CaseMerge.objects.filter(Q(kept=appeal) | Q(merged=appeal)).update(before={})
    Resolution.objects.filter(appeal=appeal).update(text=gone, report="", remark="")
    HelperPart.objects.filter(appeal=appeal).update(what=gone, text="")
    Inquiry.objects.filter(appeal=appeal).update(text=gone)
    Inquiry.objects.filter(appeal=appeal).exclude(withdrawn_why="").update(withdrawn_why=gone)
    TermExtension.objects.filter(appeal=appeal).update(reason=gone)
    Forwarding.objects.filter(appeal=appeal).update(complained_of="", late_why="")
    PosCase.objects.filter(appeal=appeal).update(people={}, said={})
    MarginRemark.objects.filter(revision__draft__appeal=appeal).update(passage=gone, text=gone, answer="")
    DraftRevision.objects.filter(draft__appeal=appeal).update(text=gone)
    DraftVariant.objects.filter(revision__draft__appeal=appeal).update(name=gone, file=None, file_name="")
    if hasattr(appeal, "draft"):
        type(appeal.draft).objects.filter(appeal=appeal).update(text=gone)
    for answer in frozen:
        manifest = {**answer.manifest, "files": _unnamed(answer.manifest.get("files", []))}
        FrozenAnswer.objects.filter(pk=answer.pk).update(text=gone, letter=stub, manifest=manifest)
    Signature.objects.filter(answer__in=frozen, file__isnull=False).update(file=stub)
    Appeal.objects.filter(pk=appeal.pk).update(
        subject=gone, answer_address="", close_reason=gone, secret=get_random_string(20), unseen_reply=False
    )
    search.drop(search_feed.INDEX, str(appeal.pk))
    _forget_person(appeal.applicant)
    for row in stored:
        if row.pk != stub.pk:
            files.forget(row)
    listed = sorted(row.sha256 for row in stored)
    return len(listed), hashlib.sha256(json.dumps(listed).encode()).hexdigest()


_NO_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("sender_name", "sender_address", "subject", "text", "html", "message_id", "in_reply_to"), ""),
    **dict.fromkeys(("problem", "match_reason"), ""),
    **{"recipients": [], "references": [], "notes": []},
}


def _unnamed(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return files of a frozen answer by their digests: a name may be a person's."""
    return [{**one, "name": f"файл {number}"} for number, one in enumerate(listed, 1)]


def _letters_of(appeal: Appeal) -> QuerySet[OutgoingMessage]:
    """Return every letter that went out in a case, to other bodies as well."""
    return OutgoingMessage.objects.filter(
        Q(thread=appeal.thread_id) | Q(thread__in=Inquiry.objects.filter(appeal=appeal).values("thread"))
    )


def _files_of(appeal: Appeal) -> list[StoredFile]:
    """Return every file a case names, each once."""
    named: set[int] = set()
    for rows, path in (
        (IncomingMessage.objects.filter(taken__appeal=appeal), "raw"),
        (IncomingFile.objects.filter(message__taken__appeal=appeal), "stored"),
        (OutgoingFile.objects.filter(message__in=_letters_of(appeal)), "stored"),
        (HelperPartFile.objects.filter(part__appeal=appeal), "stored"),
        (QuestionOutcome.objects.filter(appeal=appeal), "file"),
        (DraftFile.objects.filter(draft__appeal=appeal), "stored"),
        (DraftVariant.objects.filter(revision__draft__appeal=appeal), "file"),
        (FrozenAnswer.objects.filter(appeal=appeal), "letter"),
        (Signature.objects.filter(answer__appeal=appeal), "file"),
        (CaseFile.objects.filter(appeal=appeal), "stored"),
    ):
        named |= set(rows.exclude(**{path: None}).values_list(path, flat=True))
    return list(StoredFile.objects.filter(pk__in=named))


def _forget_person(applicant: Applicant) -> None:
    """Take the person's data away once nothing of his is left: no other case, no row of another room, no merge."""
    if Appeal.objects.filter(applicant=applicant).exclude(destructions__state=ItemState.DONE).exists():
        return
    for relation in Applicant._meta.related_objects:
        model: Any = relation.related_model
        if model._meta.model_name in {"appeal", "contact"}:
            continue
        if model._default_manager.filter(**{relation.field.name: applicant}).exists():
            return
    applicant.contacts.all().delete()
    empty = dict.fromkeys(("last_name", "first_name", "patronymic", "organisation", "inn", "address"), "")
    Applicant.objects.filter(pk=applicant.pk).update(**empty, name_key="", address_key="")
    journal.record("applicant.erased", chain=f"applicant:{applicant.pk}", by=None)


@transaction.atomic
def _finish(act: DestructionAct) -> None:
    held = DestructionAct.objects.select_for_update(of=("self",)).filter(pk=act.pk, state=State.AGREED)
    row = held.select_related("drawn_by", "agreed_by").first()
    if row is None:
        return
    row.done_at, row.state = timezone.now(), State.DONE
    row.document = files.store(document(row), name=f"akt-{row.pk}.pdf")
    row.save(update_fields=["done_at", "state", "document"])
    done = row.items.filter(state=ItemState.DONE).count()
    journal.record(
        "destruction.done",
        chain=f"destruction:{row.pk}",
        by=row.agreed_by,
        appeals=done,
        sha256=row.document.sha256,
    )


def document(act: DestructionAct) -> bytes:
    """Return the act as PDF: on what grounds, who drew it up and agreed, each case by its number and digest."""
    items = list(act.items.select_related("appeal").order_by("pk"))
    moments = (("Составлен", act.drawn_by, act.drawn_at), ("Согласован", act.agreed_by, act.agreed_at))
    return journals.sheet(
        f"Акт № {act.pk} об уничтожении дел с истёкшими сроками хранения",
        [
            section(
                "Основание",
                (
                    ("Срок и статья", act.basis),
                    *((name, f"{timezone.localtime(at):%d.%m.%Y %H:%M}, {who}") for name, who, at in moments if at),
                    ("Решение комиссии", act.commission),
                    ("Исполнен", f"{timezone.localtime(act.done_at):%d.%m.%Y %H:%M}" if act.done_at else ""),
                    ("Что осталось", "номера, даты, темы и сроки дел; журнал с отпечатками; показатели"),
                ),
            ),
            section(
                "Уничтожено" if act.done_at else "К уничтожению",
                columns=(("№", 0.5), ("Номер дела", 1.6), ("Закрыто", 1), ("Файлов", 0.7), ("Отпечаток (SHA-256)", 4)),
                table=[
                    [str(number), one.appeal.number, f"{one.closed_on:%d.%m.%Y}", str(one.files), one.digest]
                    for number, one in enumerate((one for one in items if one.state != ItemState.KEPT), 1)
                ],
            ),
            section(
                "Оставлено на хранении",
                columns=(("Номер дела", 2), ("Почему", 4)),
                table=[[one.appeal.number, one.why] for one in items if one.state == ItemState.KEPT],
            ),
        ],
    )
