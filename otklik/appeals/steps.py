"""Which steps a page may offer for an appeal: asked of the same checks that the steps ask."""

from __future__ import annotations

from typing import Final

from otklik.appeals import (
    approval,
    assignment,
    classification,
    control_term,
    dispatch,
    drafting,
    extension,
    forwarding,
    inviting,
    keeping,
    notes,
    regime_choice,
    signature,
)
from otklik.appeals.models import Appeal
from otklik.appeals.permissions import Check, allows
from otklik.people.models import Employee

CHECKS: Final[dict[str, Check]] = {
    "propose": classification.check_can_propose,
    "classify": classification.check_can_classify,
    "assign": assignment.check_can_assign,
    "draft": drafting.check_can_draft,
    "reopen": drafting.check_can_reopen,
    "ask_approval": approval.check_can_ask,
    "decide": approval.check_can_decide_now,
    "freeze": signature.check_can_freeze,
    "withdraw": signature.check_can_withdraw,
    "sign": signature.check_can_sign,
    "attest": signature.check_can_attest,
    "approve_dispatch": signature.check_can_approve_dispatch,
    "send": dispatch.check_can_send,
    "undo": dispatch.check_can_undo,
    "close": dispatch.check_can_close,
    "extend": extension.check_can_extend,
    "forward": forwarding.check_can_forward,
    "control": control_term.check_can_control,
    "change_regime": regime_choice.check_can_change,
    "invite": inviting.check_can_invite,
    "keep": keeping.check_can_keep,
    "write_material": keeping.check_can_write_material,
    "note": notes.check_can_add,
}


def can(step: str, appeal: Appeal, user: Employee) -> bool:
    """Tell whether the user may take this step now."""
    return allows(CHECKS[step], appeal, user)


def available(appeal: Appeal, user: Employee) -> frozenset[str]:
    """Return every step the user may take now; a card asks once and shows these buttons."""
    found: set[str] = set()
    for step in CHECKS:
        # Who is still asked to decide shows that the text is not approved: no need to look again.
        if not (step == "freeze" and "decide" in found) and can(step, appeal, user):
            found.add(step)
    return frozenset(found)
