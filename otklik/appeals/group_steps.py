"""Letters of a group with one text on their way to the signature: handed over, approved and frozen by one press.

Each stays a letter of its own and can be decided about by itself: every step is the step of that letter with its checks
and its journal line, and what is refused for one stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from django.db.models import Q

from otklik.appeals import access, approval, complained, drafting, signature
from otklik.appeals.models import Appeal, Approval, ApprovalRoute, DraftFile, Kinship
from otklik.appeals.permissions import allows
from otklik.appeals.signing_groups import Pressed
from otklik.people import access as people_access
from otklik.people.models import Employee

MOST: Final = 50  # letters to a press: each is looked at on the page, and each is set as a letter of its own
GONE: Final = "текст там уже другой или письмо ушло дальше. Откройте его отдельно."
S = Appeal.Status


@dataclass(frozen=True)
class Beside:
    """A letter of the same group with the same text at the same step: whose it is, and how its attachments differ."""

    appeal: Appeal
    name: str
    differs: str
    decision: int | None = None


def to_ask(appeal: Appeal, user: Employee, *, text: str | None = None) -> list[Beside]:
    """Return the other letters with this text that the user may hand over for approval; `text`: of the saved draft."""
    return _beside(appeal, user, S.DRAFTING, approval.check_can_ask, text)


def to_freeze(appeal: Appeal, user: Employee) -> list[Beside]:
    """Return the other letters with this text, approved, that the user may hand over for signature."""
    return _beside(appeal, user, S.APPROVAL, signature.check_can_freeze)


def to_decide(row: Approval, user: Employee) -> list[Beside]:
    """Return the other letters with this text whose approval waits for the same person; each may be opened alone."""
    appeal = row.revision.draft.appeal
    waiting = {one.revision.draft.appeal_id: one for one in _decisions(row, user)}
    found = _others(appeal, user, S.APPROVAL, row.revision.text)
    return _lines(appeal, [one for one in found if one.pk in waiting], {key: one.pk for key, one in waiting.items()})


def ask_each(
    appeal: Appeal,
    keys: Iterable[int],
    *,
    approvers: Sequence[Employee] = (),
    route: ApprovalRoute | None = None,
    by: Employee,
) -> Pressed:
    """Hand the chosen letters over for approval to the same people or by the same route."""

    def ask(one: Appeal) -> None:
        approval.ask(one, approvers=approvers, route=route, by=by)

    return _each(keys, [one.appeal for one in to_ask(appeal, by)], ask, by)


def freeze_each(appeal: Appeal, keys: Iterable[int], *, signer: Employee, by: Employee) -> Pressed:
    """Hand the chosen letters over for signature by the same official."""

    def freeze(one: Appeal) -> None:
        signature.freeze(one, signer=signer, by=by)

    return _each(keys, [one.appeal for one in to_freeze(appeal, by)], freeze, by)


def approve_each(row: Approval, keys: Iterable[int], *, by: Employee) -> Pressed:
    """Approve the shown letter and the chosen ones with the very same text, each a decision of its own."""
    there = {one.revision.draft.appeal_id: one for one in _decisions(row, by)}
    appeal = row.revision.draft.appeal
    chosen = [appeal, *(one.appeal for one in to_decide(row, by))]

    def approve(one: Appeal) -> None:
        approval.approve(row if one.pk == appeal.pk else there[one.pk], by=by)

    return _each([appeal.pk, *keys], chosen, approve, by)


def _each(keys: Iterable[int], there: Sequence[Appeal], step: Callable[[Appeal], object], by: Employee) -> Pressed:
    """Take a step over the chosen letters; each is a transaction of its own, one that is gone is named."""
    chosen, pressed = list(dict.fromkeys(keys))[: MOST + 1], Pressed()
    known = {one.pk: one for one in there}
    for key in chosen:
        if appeal := known.get(key):
            pressed.take(appeal, partial(step, appeal))
    gone = access.visible_to(by).filter(pk__in=[key for key in chosen if key not in known])
    return replace(pressed, refused=pressed.refused | dict.fromkeys(gone.values_list("number", flat=True), GONE))


def _beside(
    appeal: Appeal, user: Employee, status: str, check: Callable[[Appeal, Employee], None], text: str | None = None
) -> list[Beside]:
    text = drafting.draft_of(appeal).text if text is None else text
    return _lines(appeal, [one for one in _others(appeal, user, status, text) if allows(check, one, user)])


def _others(appeal: Appeal, user: Employee, status: str, text: str) -> list[Appeal]:
    """Return the other appeals of the group the user sees at this step, with this very text."""
    of_group = Kinship.objects.filter(kind=Kinship.Kind.GROUP)
    main = of_group.filter(Q(main=appeal) | Q(other=appeal)).values_list("main", flat=True).first()
    if main is None or not text.strip():
        return []
    members = Q(pk=main) | Q(kin_of__main=main, kin_of__kind=Kinship.Kind.GROUP)
    rows = access.visible_to(user).filter(members, status=status, draft__text=text).exclude(pk=appeal.pk)
    # Seen rows may repeat by their joins; the key alone is made single, texts are not compared for it.
    keys = sorted(set(rows.values_list("pk", flat=True)))[:MOST]
    return list(Appeal.objects.filter(pk__in=keys).select_related("applicant", "regime").order_by("pk"))


def _decisions(row: Approval, user: Employee) -> list[Approval]:
    """Return the decisions about the same text that wait for the one who was asked, and that the user may take.

    Of those that complain of him, or of his own text, the step itself would refuse: they are not offered.
    """
    appeals = Appeal.objects.annotate(complains=complained.barred(user)).filter(complains=False)
    rows = approval.waiting_for(user).filter(
        approver=row.approver_id, revision__text=row.revision.text, revision__draft__appeal__in=appeals
    )
    own = Q(asked_by=user) | Q(revision__author=user)
    return list(rows.exclude(own | Q(pk=row.pk)).select_related("approver", "revision__draft__appeal"))


def _lines(main: Appeal, appeals: Sequence[Appeal], decisions: dict[int, int] | None = None) -> list[Beside]:
    if not appeals:
        return []
    attached: dict[int, list[tuple[str, str]]] = {}
    rows = DraftFile.objects.filter(draft__appeal__in=[main.pk, *(one.pk for one in appeals)]).order_by("pk")
    for key, name, digest in rows.values_list("draft__appeal", "name", "stored__sha256"):
        attached.setdefault(key, []).append((name, digest))
    own, lines = attached.get(main.pk, []), []
    for one in appeals:
        files = attached.get(one.pk, [])
        words = ", ".join(name for name, _ in files)
        differs = "" if files == own else (f"другие приложения: {words}" if words else "без приложений")
        name = people_access.masked_name(one.applicant)
        lines.append(Beside(one, name, differs, (decisions or {}).get(one.pk)))
    return lines
