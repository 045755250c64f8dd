"""The signer who cannot be chosen: what was promised at a personal reception is signed by who held it (п. 35.3).

Rooms above fix him when they register the case; `signature` asks here before anybody signs, at every door.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from otklik.appeals.models import Appeal, FixedSigner
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee

SIGN: Final = "appeals.sign"
HOLD: Final = "reception.hold"


class SignerIsFixed(DomainError):
    """Somebody else would sign what only one official may."""

    code = "appeal.signer_is_fixed"
    text = (
        "Обращение № {number}: ответ подписывает только {who} — {why} (п. 35.3 Порядка). Ни заместитель, ни другое "
        "должностное лицо подписать не может. Если его полномочия прекратились или он отсутствует до конца срока, "
        "решение принимает руководитель на странице подписи."
    )
    status = 403


class FixedSignerUnfit(DomainError):
    """He alone may sign, and now he may not."""

    code = "appeal.fixed_signer_unfit"
    text = (
        "Обращение № {number}: {who} сейчас не может подписать ответ, а подписывает его только тот, кто вёл приём. "
        "Кто подпишет вместо него, решает руководитель на странице подписи."
    )


def of(appeal: Appeal) -> FixedSigner | None:
    """Return who alone may sign this answer; None where the signer is chosen as usual. Asked once per appeal read."""
    if "_fixed_signer" not in appeal.__dict__:
        rows = FixedSigner.objects.select_related("signer", "released_to")
        appeal.__dict__["_fixed_signer"] = rows.filter(appeal=appeal).first()
    row: FixedSigner | None = appeal.__dict__["_fixed_signer"]
    return row


def fix(appeal: Appeal, signer: Employee, *, why: str, by: Employee) -> FixedSigner:
    """Let nobody but him sign the answer; in the caller's transaction."""
    row = FixedSigner.objects.create(appeal=appeal, signer=signer, why=why[:300], made_by=by)
    journal.record("appeal.signer_fixed", chain=f"appeal:{appeal.pk}", by=by, signer=signer.pk)
    appeal.__dict__["_fixed_signer"] = row
    return row


def is_fit(signer: Employee, on: date) -> bool:
    """Tell whether he may sign what he himself promised: the order gives him that, without the general power too."""
    return signer.is_active and bool(staff.powers_of(signer, on) & {SIGN, HOLD})


def check_is(row: FixedSigner, signer: Employee) -> None:
    """Raise SignerIsFixed where it is somebody else."""
    if signer.pk != row.now.pk:
        raise SignerIsFixed(number=row.appeal.number, who=row.now.short_name, why=row.why)


def check(row: FixedSigner, signer: Employee, on: date) -> None:
    """Raise where it is somebody else, or he may not sign on that day."""
    check_is(row, signer)
    if not is_fit(signer, on):
        raise FixedSignerUnfit(number=row.appeal.number, who=signer.short_name)
