"""Who signs instead of him who held the reception: a decision of the head, on two grounds only (п. 35.3)."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import transaction
from django.utils import timezone

from otklik.appeals import fixed, signature
from otklik.appeals.models import Appeal, FixedSigner
from otklik.appeals.permissions import check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee, Substitution

DECIDE: Final = "reception.decide"
Ground = FixedSigner.Ground
S = Appeal.Status


class ReleaseRefused(DomainError):
    """The signer stays: no ground, nobody fit, or too late."""

    code = "appeal.release_refused"
    text = "Обращение № {number}: {what}"


def check_can_decide(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not decide who signs instead now; grounds are asked by `grounds`."""
    check_power(user, DECIDE, "решить, кто подпишет ответ вместо ведшего приём")
    if fixed.of(appeal) is None:
        raise ReleaseRefused(number=appeal.number, what="подписывающего выбирают как обычно, решение не нужно.")
    if appeal.status in (S.SIGNED, S.SENT, S.CLOSED):
        raise ReleaseRefused(number=appeal.number, what="ответ уже подписан. Чтобы сменить подпись, отзовите его.")


def grounds(appeal: Appeal, row: FixedSigner, *, on: date) -> list[str]:
    """Return the grounds that hold on a day: his powers have ended, or he is away beyond the term of the answer."""
    found = []
    ended = row.released_to_id is None and row.receives_until is not None and row.receives_until < on
    if ended or not fixed.is_fit(row.now, on):
        found.append(str(Ground.POWERS_ENDED))
    last = max(appeal.due_on, on) if appeal.due_on else None
    away = Substitution.objects.filter(absent=row.now, starts_on__lte=on, ends_on__gte=last or on)
    if last is not None and away.exists():
        found.append(str(Ground.ABSENT))
    return found


def takers(appeal: Appeal, *, by: Employee, on: date | None = None) -> list[Employee]:
    """Return who may sign instead: who decides, or another who may sign and receive the applicant again."""
    on = on or timezone.localdate()
    row = fixed.of(appeal)
    if row is None:
        return []
    people = {one.pk: one for one in staff.holders(fixed.SIGN, on=on).filter(is_active=True)}
    again = set(staff.holders(fixed.HOLD, on=on).values_list("pk", flat=True)) | {by.pk}
    return [one for pk, one in people.items() if pk in again and pk not in (row.now.pk, row.signer_id)]


def release(
    appeal: Appeal, *, to: Employee, ground: str, note: str, by: Employee, receives_until: date | None = None
) -> FixedSigner:
    """Let another sign by a recorded decision; what waits for the first one's signature is frozen anew in his name.

    `receives_until`: the last day the official may receive, told by the room that keeps authorities.
    """
    check_can_decide(appeal, by)
    row, today = fixed.of(appeal), timezone.localdate()
    assert row is not None  # `check_can_decide` has asked
    row.receives_until = receives_until
    if ground not in grounds(appeal, row, on=today):
        words = Ground(ground).label if ground in Ground.values else "основание не выбрано"
        what = (
            f"{row.now.short_name} подписывает сам, основания нет ({words}). Другой подпишет, только если его "
            "полномочия прекратились или он отсутствует по последний день срока."
        )
        raise ReleaseRefused(number=appeal.number, what=what)
    if not note.strip():
        raise ReleaseRefused(number=appeal.number, what="укажите, чем основание подтверждается: документ, его дату.")
    if to.pk not in {one.pk for one in takers(appeal, by=by, on=today)}:
        what = f"{to.short_name} не может подписать: нужны право подписи и право вести приём (или решать это)."
        raise ReleaseRefused(number=appeal.number, what=what)
    answer = signature.frozen_of(appeal) if appeal.status == S.SIGNING else None
    letter = signature.prepare_letter(answer, to, on=today) if answer else None
    with transaction.atomic():
        was, row.released_to, row.released_by = row.now, to, by
        row.released_at, row.ground, row.note = timezone.now(), ground, note.strip()[:300]
        row.save()
        journal.record(
            "appeal.signer_released",
            chain=f"appeal:{appeal.pk}",
            by=by,
            was_signer=was.pk,
            signer=to.pk,
            ground=ground,
        )
        if answer is not None and letter is not None:
            signature.pass_on(answer, signer=to, letter=letter, by=by)
    return row
