"""Which state may follow which: one table, and the only function that changes the state of an appeal."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

S = Appeal.Status

# From → to → when. An arrow to itself changes the appeal and keeps its state.
# docs/appeal-states.md draws this table; a test compares the two.
ALLOWED: Final[dict[str, dict[str, str]]] = {
    S.REGISTERED: {
        S.CLASSIFIED: "тема и потребность подтверждены",
        S.ASSIGNED: "исполнитель назначен, классификация не обязательна",
        S.CLOSED: "ответ не нужен: к сведению",
    },
    S.CLASSIFIED: {
        S.CLASSIFIED: "классификация изменена",
        S.ASSIGNED: "исполнитель назначен",
        S.CLOSED: "ответ не нужен: к сведению",
    },
    S.ASSIGNED: {
        S.ASSIGNED: "переназначено или переклассифицировано",
        S.REGISTERED: "назначение отменено",
        S.CLASSIFIED: "назначение отменено",
        S.DRAFTING: "исполнитель начал ответ",
        S.CLOSED: "ответ не нужен: к сведению",
    },
    S.DRAFTING: {
        S.DRAFTING: "переназначено или переклассифицировано",
        S.APPROVAL: "передано на согласование",
        S.SIGNING: "передано на подпись: эта редакция уже согласована",
        S.CLOSED: "ответ не нужен: к сведению",
    },
    S.APPROVAL: {
        S.APPROVAL: "переназначено или переклассифицировано",
        S.DRAFTING: "возвращено на доработку или текст изменён",
        S.SIGNING: "передано на подпись",
    },
    S.SIGNING: {
        S.SIGNING: "переклассифицировано или передано другому подписывающему",
        S.DRAFTING: "отозвано с подписи",
        S.SIGNED: "подписано",
    },
    S.SIGNED: {
        S.DRAFTING: "отозвано до отправки",
        S.SENT: "ответ отправлен",
    },
    S.SENT: {
        S.SIGNED: "отправка отменена, письмо ещё не ушло",
        S.DRAFTING: "заявитель написал ещё: готовится новый ответ",
        S.CLOSED: "работа закончена",
    },
    S.CLOSED: {
        S.REGISTERED: "закрытие отменено",
        S.CLASSIFIED: "закрытие отменено",
        S.ASSIGNED: "закрытие отменено",
        S.DRAFTING: "закрытие отменено, или заявитель написал ещё",
        S.SENT: "закрытие отменено",
    },
}


class MoveRefused(DomainError):
    """The table has no such arrow, or somebody moved the appeal first."""

    code = "appeal.move_refused"
    text = "Обращение № {number}: из состояния «{now}» нельзя перейти в «{to}». Обновите карточку."


class AlreadyThere(MoveRefused):
    """The button was pressed twice, or somebody was quicker."""

    code = "appeal.already_there"
    text = (
        "Обращение № {number} уже в состоянии «{now}»: это действие выполнено раньше. "
        "Ваше нажатие ничего не изменило. Обновите карточку."
    )


class ChangedMeanwhile(MoveRefused):
    """Somebody else changed the appeal between reading and writing."""

    code = "appeal.changed_meanwhile"
    text = (
        "Обращение № {number} только что изменил другой сотрудник, теперь оно в состоянии «{now}». "
        "Ваше действие не выполнено. Обновите карточку и решите заново."
    )


def check_can_move(appeal: Appeal, to: str) -> None:
    """Raise MoveRefused where the table has no arrow from the appeal's state to `to`."""
    if to not in ALLOWED[appeal.status]:
        refusal = AlreadyThere if to == appeal.status else MoveRefused
        raise refusal(number=appeal.number, now=S(appeal.status).label, to=S(to).label)


def can_move(appeal: Appeal, to: str) -> bool:
    """Tell whether the table has an arrow from the appeal's state to `to`."""
    return to in ALLOWED[appeal.status]


@transaction.atomic
def move(
    appeal: Appeal,
    to: str,
    *,
    by: Employee | None,
    action: str = "appeal.moved",
    on_behalf_of: Employee | None = None,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move an appeal along one allowed arrow, write `changes` with it and put it down in the journal.

    The update names the state and the version it starts from: of two people pressing at once one succeeds.
    `facts` go to the journal: ids, codes, dates and digests only.
    """
    check_can_move(appeal, to)
    was = appeal.status
    if to != was:
        changes["status_since"] = timezone.now()
    updated = Appeal.objects.filter(pk=appeal.pk, status=was, version=appeal.version).update(
        status=to, version=F("version") + 1, **changes
    )
    if not updated:
        now = Appeal.objects.values_list("status", flat=True).get(pk=appeal.pk)
        raise ChangedMeanwhile(number=appeal.number, now=S(now).label, to=S(to).label)
    # Nobody else has changed the row since it was read: the version says so, and spares reading it again.
    appeal.status, appeal.version = str(to), appeal.version + 1
    for name, value in changes.items():
        setattr(appeal, name, value)
    journal.record(
        action, chain=f"appeal:{appeal.pk}", by=by, on_behalf_of=on_behalf_of, was=was, to=to, **(facts or {})
    )


def hold(appeal: Appeal) -> None:
    """Let nobody else change the appeal until the transaction ends; raise where somebody has since it was read."""
    if not Appeal.objects.filter(pk=appeal.pk, version=appeal.version).update(version=F("version") + 1):
        now = Appeal.objects.values_list("status", flat=True).get(pk=appeal.pk)
        raise ChangedMeanwhile(number=appeal.number, now=S(now).label, to=S(now).label)
    appeal.version += 1


def diagram() -> str:
    """Return the table as a Mermaid state diagram, as docs/appeal-states.md shows it."""
    lines = ["stateDiagram-v2", "    [*] --> registered"]
    lines += [f"    {state.value}: {state.label}" for state in S]
    lines += [f"    {frm} --> {to}: {when}" for frm, arrows in ALLOWED.items() for to, when in arrows.items()]
    return "\n".join(lines)
