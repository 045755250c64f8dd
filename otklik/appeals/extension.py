"""One lawful extension of a case's term: who decided and why, a notice to the applicant, before the first term ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals import terms, transitions
from otklik.appeals.errors import NotAllowed
from otklik.appeals.letters import by_law
from otklik.appeals.models import Appeal, ControlTerm, TermExtension
from otklik.appeals.permissions import check_power
from otklik.core import calendar, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import TermRule
from otklik.people import staff
from otklik.people.models import Employee

S = Appeal.Status
DECIDES = "appeals.sign"  # 59-ФЗ, ст. 12 ч. 2: the head, an official or who is authorised
POWERS = (DECIDES, "intake.decide")
RUNS = (S.REGISTERED, S.CLASSIFIED, S.ASSIGNED, S.DRAFTING, S.APPROVAL, S.SIGNING)


class ExtensionRefused(DomainError):
    """The law does not let this term be extended, or not any more."""

    code = "appeal.extension_refused"
    text = "Обращение № {number}: срок не продлить. {why}"


@dataclass(frozen=True)
class Offer:
    """Whether and how a case's term may be extended now; `refusal` says in words why not."""

    rule: TermRule | None
    until: date | None = None  # the last day on which it may be decided and the applicant told
    refusal: str = ""


def check_can_extend(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not extend terms, or there is no running term; asks no query."""
    if not user.has_any(POWERS):
        check_power(user, DECIDES, "продлить срок")
    if appeal.status not in RUNS or appeal.due_on is None:
        raise ExtensionRefused(number=appeal.number, why="Работа над ним закончена.")


_UNASKED: Final = TermExtension()


def offer(appeal: Appeal, *, on: date | None = None, known: TermExtension | None = _UNASKED) -> Offer:
    """Tell what the regime allows this case; `known`: its extension, where it has been read already."""
    on = on or timezone.localdate()
    row = _of(appeal) if known is _UNASKED else known
    rule = rules.rules_for(appeal.regime_id, {TermRule.Step.EXTEND: appeal.registered_on}, channel=appeal.channel).get(
        TermRule.Step.EXTEND
    )
    if rule is None:
        return Offer(None, refusal=f"По режиму «{appeal.regime.name}» продление не предусмотрено: правила о нём нет.")
    if appeal.due_on is None:
        return Offer(rule, refusal="Срок ещё не рассчитан.")
    first = f"{appeal.due_on:%d.%m.%Y}"
    if row is not None:
        why = f"Оно уже продлено до {row.due_on:%d.%m.%Y}, второе продление не предусмотрено ({rule.basis})."
        return Offer(rule, refusal=why)
    until = appeal.due_on
    if rule.notice_within is not None:
        until = min(until, appeal.registered_on + timedelta(days=rule.notice_within))
    if on > appeal.due_on:
        why = f"Первоначальный срок истёк {first}: решение и уведомление нужны до этого ({rule.basis})."
        return Offer(rule, until, why)
    if on > until:
        why = f"Уведомить заявителя о продлении нужно было до {until:%d.%m.%Y} ({rule.basis})."
        return Offer(rule, until, why)
    return Offer(rule, until)


def preview(appeal: Appeal, rule: TermRule, days: int) -> date:
    """Return till when a term would run, extended by some days."""
    assert appeal.due_on is not None
    return rules.term_of(rule, days=days).due(_own_term(appeal), calendar.current()).on


def officials() -> list[Employee]:
    """Return who may decide on an extension today."""
    return list(staff.holders(DECIDES, on=timezone.localdate()).filter(is_active=True).order_by("last_name", "pk"))


@transaction.atomic
def extend(appeal: Appeal, *, days: int, reason: str, decided_by: Employee, by: Employee) -> TermExtension:
    """Extend the term once, count the new date with its grounds, and queue the notice to the applicant.

    Refused after the first term, after the day till which the applicant must be told, a second time, and where the
    regime has no such rule.
    """
    check_can_extend(appeal, by)
    reason, today = " ".join(reason.split()), timezone.localdate()
    found = offer(appeal)
    if found.rule is None or found.refusal:
        raise ExtensionRefused(number=appeal.number, why=found.refusal)
    rule = found.rule
    if not 1 <= days <= rule.days:
        raise ExtensionRefused(
            number=appeal.number, why=f"Можно на 1–{rule.days} дней ({rule.basis}). Исправьте число."
        )
    if not reason:
        raise ExtensionRefused(number=appeal.number, why="Напишите причину: её прочитает заявитель.")
    if not decided_by.has_power(DECIDES):
        raise NotAllowed(what="решить о продлении срока", power="подписывать ответ")
    first = _own_term(appeal)
    row = TermExtension(
        appeal=appeal,
        rule=rule,
        days=days,
        was_due_on=first,
        due_on=preview(appeal, rule, days),
        reason=reason[:500],
        decided_by=decided_by,
        decided_on=today,
        by=by,
    )
    row.notice = by_law.to_applicant(
        appeal,
        "extended",
        {"row": row},
        subject=f"Продлён срок рассмотрения обращения № {appeal.number}",
        signer=decided_by,
        by=by,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as exc:
        why = f"Оно уже продлено другим сотрудником ({rule.basis})."
        raise ExtensionRefused(number=appeal.number, why=why) from exc
    was, becomes = appeal.due_on, terms.recount(appeal, reason=f"срок продлён на {days} дн.")
    kept = Appeal.objects.filter(pk=appeal.pk, version=appeal.version)
    if not kept.update(due_on=becomes, version=F("version") + 1):
        raise transitions.ChangedMeanwhile(number=appeal.number, now=S(appeal.status).label)
    appeal.due_on, appeal.version = becomes, appeal.version + 1
    journal.record(
        "appeal.extended",
        chain=f"appeal:{appeal.pk}",
        by=by,
        was=was,
        becomes=becomes,
        days=days,
        rule=rule.pk,
        decided_by=decided_by.pk,
        message=row.notice_id,
    )
    return row


def _of(appeal: Appeal) -> TermExtension | None:
    return TermExtension.objects.filter(appeal=appeal).select_related("rule", "decided_by").first()


def _own_term(appeal: Appeal) -> date:
    """Return the first term as the law gives it: a control term that is earlier does not shorten what is extended."""
    assert appeal.due_on is not None
    if not ControlTerm.objects.filter(appeal=appeal, lifted_at=None, until__lte=appeal.due_on).exists():
        return appeal.due_on
    return terms.own(appeal).on
