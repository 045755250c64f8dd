"""How long records are kept: rows of a dictionary with their articles. Cases are destroyed by `appeals.destruction`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import RetentionRule

if TYPE_CHECKING:
    from otklik.people.models import Employee

CHAIN: Final = "retention"
SINCE: Final = date(2024, 8, 16)  # приказ № 2725-НПА
_LIST: Final = "перечень типовых архивных документов, приказ Росархива от 20.12.2019 № 236"
_ARTICLE: Final = "Номер статьи перечня не сверен с источником."
_OWN: Final = "внутренний норматив"
_TO_DECIDE: Final = "Нормы для этого вида записей не найдено: срок решает департамент."

# code → kind, years, whether a commission decides, basis, what is not confirmed.
RULES: Final[dict[str, tuple[str, int | None, bool, str, str]]] = {
    "appeals": ("Обращения по существу и переписка по ним", 5, True, _LIST, _ARTICLE),
    "appeals-operational": (
        "Обращения оперативного характера",
        None,
        False,
        _LIST,
        "В перечне срок короче, чем у обращений по существу; число лет и номер статьи не сверены.",
    ),
    "rejected": ("Отклонённые сообщения и карантин", None, False, _OWN, _TO_DECIDE),
    "applicants": (
        "Персональные данные заявителей",
        5,
        False,
        "152-ФЗ, ст. 5 ч. 7: не дольше, чем требует цель обработки",
        "Срок взят по сроку хранения обращений; не сверен с источником.",
    ),
    "consents": (
        "Согласия на связь",
        None,
        False,
        "152-ФЗ, ст. 9",
        "Хранится, пока согласие не отозвано; срок после отзыва не сверен с источником.",
    ),
    "responses": ("Отзывы и анкеты", None, False, _OWN, _TO_DECIDE),
    "recordings": ("Видео- и аудиозаписи личных приёмов", None, False, _OWN, _TO_DECIDE),
    "call-events": (
        "События телефонной станции",
        None,
        False,
        _OWN,
        f"{_TO_DECIDE} Звонки и записи о пропущенных сосчитаны из них и остаются без них.",
    ),
    "journal": ("Журнал изменений и его печати", None, False, _OWN, _TO_DECIDE),
    "access-log": ("Журнал доступа к персональным данным", None, False, _OWN, _TO_DECIDE),
}


class RuleKnown(DomainError):
    """The kind has a row from this very day."""

    code = "retention.rule_known"
    text = "Для «{kind}» уже есть срок, который действует с {since:%d.%m.%Y}. Исправьте его или выберите другой день."


def current(day: date) -> dict[str, RetentionRule]:
    """Return the rule of each kind that counts on this day."""
    begun = RetentionRule.objects.filter(valid_from__lte=day).order_by("valid_from")
    return {rule.kind: rule for rule in begun}


@transaction.atomic
def keep(rule: RetentionRule, *, changed: Iterable[str], by: Employee) -> None:
    """Save a row and write down what changed."""
    is_new = rule._state.adding
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as exc:
        raise RuleKnown(kind=rule.kind, since=rule.valid_from) from exc
    now: dict[str, Any] = {name: getattr(rule, name) for name in sorted(changed)}
    journal.record(
        "retention.rule_added" if is_new else "retention.rule_changed", chain=CHAIN, by=by, rule=rule.pk, now=now
    )


@transaction.atomic
def load() -> None:
    """Add the shipped rows that are not there yet; what a person changed stays."""
    known = set(RetentionRule.objects.exclude(code=None).values_list("code", flat=True))
    added = [
        RetentionRule(
            code=code, kind=kind, years=years, expert_review=expert_review, basis=basis, unsure=unsure, valid_from=SINCE
        )
        for code, (kind, years, expert_review, basis, unsure) in RULES.items()
        if code not in known
    ]
    if added:
        RetentionRule.objects.bulk_create(added, ignore_conflicts=True)
        journal.record("retention.loaded", chain=CHAIN, by=None, rows=len(added))
