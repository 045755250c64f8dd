"""Two cases made one: the letters of one go to the other, which goes on; for thirty days it can be taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from otklik.appeals import complained, kinship, search_feed, transitions
from otklik.appeals.models import Appeal, AppealMessage, CaseMerge, Kinship
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

S = Appeal.Status
DECIDE: Final = "intake.decide"
UNDO_FOR: Final = timedelta(days=30)  # our own choice, named in the issue
# Of these a letter has not been begun for approval: nothing that others wait for is lost.
MAY_BE_MERGED: Final = (S.REGISTERED, S.CLASSIFIED, S.ASSIGNED, S.DRAFTING)


class MergeRefused(DomainError):
    """These two cases cannot be made one, or no more be taken apart."""

    code = "merging.refused"
    text = "{what}"


def check_can_merge(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not merge this case into another one."""
    check_power(user, DECIDE, "объединить обращения")
    if appeal.status not in MAY_BE_MERGED:
        raise MergeRefused(
            what=f"№ {appeal.number} в состоянии «{S(appeal.status).label}»: присоединить его к другому уже нельзя."
        )


@transaction.atomic
def merge(merged: Appeal, into: Appeal, *, by: Employee) -> CaseMerge:
    """Close a case and give its letters to another of the same applicant, whose term is not later.

    Of two merges at once one succeeds: both cases are held in the order of their keys.
    """
    if merged.pk == into.pk:
        raise MergeRefused(what="Обращение нельзя объединить с ним самим. Выберите другое.")
    check_can_merge(merged, by)
    list(Appeal.objects.select_for_update().filter(pk__in=[merged.pk, into.pk]).order_by("pk").values_list("pk"))
    _check(merged, into)
    transitions.hold(into)
    letters = list(AppealMessage.objects.filter(appeal=merged).order_by("pk").values_list("pk", "first"))
    before = {"status": merged.status, "letters": [[pk, first] for pk, first in letters], "unseen": merged.unseen_reply}
    AppealMessage.objects.filter(pk__in=[pk for pk, _ in letters]).update(appeal=into, first=False)
    try:
        with transaction.atomic():
            row = CaseMerge.objects.create(kept=into, merged=merged, before=before, by=by)
    except IntegrityError:
        raise MergeRefused(
            what=f"№ {merged.number} только что объединил другой сотрудник. Обновите страницу."
        ) from None
    transitions.move(
        merged,
        S.CLOSED,
        by=by,
        action="appeal.merged",
        facts={"merge": row.pk, "main": into.pk},
        closed_on=timezone.localdate(),
        close_reason=f"объединено с № {into.number}"[:300],
        unseen_reply=False,
    )
    if before["unseen"]:
        Appeal.objects.filter(pk=into.pk).update(unseen_reply=True)
        into.unseen_reply = True
    journal.record("appeal.took_in", chain=f"appeal:{into.pk}", by=by, merge=row.pk, other=merged.pk)
    for one in (into, merged):
        search_feed.put(one)
    return row


def can_undo(row: CaseMerge) -> bool:
    """Tell whether a merge may still be taken back."""
    return row.undone_at is None and timezone.now() - row.at <= UNDO_FOR


@transaction.atomic
def undo(row: CaseMerge, *, by: Employee) -> None:
    """Take a merge back: the case has its state and letters again; what came since stays with the other."""
    check_power(by, DECIDE, "отменить объединение")
    if row.undone_at is not None:
        raise MergeRefused(what="Это объединение уже отменено. Обновите страницу.")
    if not can_undo(row):
        raise MergeRefused(what=f"Объединение отменяют в течение {UNDO_FOR.days} дней: срок прошёл.")
    list(
        Appeal.objects.select_for_update().filter(pk__in=[row.kept_id, row.merged_id]).order_by("pk").values_list("pk")
    )
    kept, merged = Appeal.objects.get(pk=row.kept_id), Appeal.objects.get(pk=row.merged_id)
    if kept.status in (S.SIGNING, S.SIGNED):
        raise MergeRefused(what=f"Ответ по № {kept.number} на подписи. Отзовите его с подписи и повторите.")
    if not CaseMerge.objects.filter(pk=row.pk, undone_at=None).update(undone_by=by, undone_at=timezone.now()):
        raise MergeRefused(what="Это объединение уже отменил другой сотрудник. Обновите страницу.")
    for pk, first in row.before["letters"]:
        AppealMessage.objects.filter(pk=pk, appeal=kept).update(appeal=merged, first=first)
    transitions.move(
        merged,
        row.before["status"],
        by=by,
        action="appeal.merge_undone",
        facts={"merge": row.pk, "main": kept.pk},
        closed_on=None,
        close_reason="",
        unseen_reply=row.before["unseen"],
    )
    journal.record("appeal.gave_back", chain=f"appeal:{kept.pk}", by=by, merge=row.pk, other=merged.pk)
    for one in (kept, merged):
        search_feed.put(one)
    row.refresh_from_db()


def of(appeal: Appeal) -> list[CaseMerge]:
    """Return the merges of an appeal that stand, on either side."""
    rows = CaseMerge.objects.filter(Q(kept=appeal) | Q(merged=appeal), undone_at=None)
    return list(rows.select_related("kept", "merged", "by").order_by("pk"))


def _check(merged: Appeal, into: Appeal) -> None:
    if into.status not in (*MAY_BE_MERGED, S.APPROVAL):
        raise MergeRefused(
            what=f"№ {into.number} в состоянии «{S(into.status).label}»: присоединить к нему нельзя. "
            "Если ответ отправлен, отметьте это обращение повторным."
        )
    if not kinship.same_applicant(merged, into):
        raise MergeRefused(
            what="Заявители разные, у каждого свой ответ. Отметьте «одинаковое с другими», а если это один человек — "
            "сначала объедините его записи."
        )
    if merged.due_on and into.due_on and merged.due_on < into.due_on:
        raise MergeRefused(
            what=f"Срок № {merged.number} раньше ({merged.due_on:%d.%m.%Y}): оставьте его и присоедините к нему "
            f"№ {into.number}."
        )
    if merged.regime_id != into.regime_id:
        raise MergeRefused(
            what="Режимы рассмотрения разные: у каждого обращения свой порядок ответа. Отметьте дубликат."
        )
    if Kinship.objects.filter(Q(main=merged) | Q(other=merged)).exists():
        raise MergeRefused(what=f"№ {merged.number} связано с другими обращениями. Сначала уберите связи.")
    if complained.of(merged):
        raise MergeRefused(
            what=f"В № {merged.number} указано, на кого жалуются. Укажите это в № {into.number}, здесь "
            "уберите и повторите."
        )
