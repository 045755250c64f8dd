"""By which ways an answer may go: rows of law by regime and form of the appeal, and what is said of foreign mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from otklik.appeals import transitions, ways
from otklik.appeals.models import AnswerRule, Appeal, ForeignMailRule
from otklik.appeals.permissions import check_can_work, check_power
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import Regime
from otklik.core.terms import valid
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee

Form, Standing, Mode = AnswerRule.Form, AnswerRule.Standing, ForeignMailRule.Mode
S = Appeal.Status
KEEP: Final = "dictionaries.edit"
CHANGEABLE: Final = (S.REGISTERED, S.CLASSIFIED, S.ASSIGNED, S.DRAFTING, S.APPROVAL)
# What an answer under the law may go by; of others nobody knows the form: what another body sends on, what was said.
FORMS: Final[dict[str, str]] = {
    ChannelCode.POST: Form.PAPER,
    ChannelCode.WEBSITE: Form.ELECTRONIC,
    ChannelCode.EMAIL: Form.ELECTRONIC,
    ChannelCode.POS: Form.ELECTRONIC,
}
RUSSIAN: Final = frozenset(
    "ru su рф xn--p1ai рус xn--p1acf дети xn--d1acj3b москва xn--80adxhks moscow tatar".split()  # noqa: SIM905
)


class WayRefused(DomainError):
    """The law names other ways for an appeal of this form."""

    code = "appeal.way_refused"
    text = "Обращение № {number} {form}: {way} — {why} ({basis}). {do}"


class ForeignAddress(DomainError):
    """An answer would leave the Russian domains, which a rule forbids."""

    code = "appeal.foreign_address"
    text = (
        "Адрес «{address}» — вне российской доменной зоны: с {since:%d.%m.%Y} ответы туда не отправляют ({basis}). "
        "Узнайте у заявителя другой адрес или смените способ ответа."
    )


class WrongRule(DomainError):
    """A rule that cannot be kept."""

    code = "appeal.wrong_way_rule"
    text = "Правило не записано: {why}."


def form_of(appeal: Appeal) -> str:
    """Return the form in which the appeal came, empty where the law asks nothing of it or it is not known."""
    return FORMS.get(appeal.channel, "")


def rules_of(appeal: Appeal, on: date) -> list[AnswerRule]:
    """Return the rules that hold for the appeal on a day; none: any way is allowed."""
    form = form_of(appeal)
    return list(AnswerRule.objects.filter(valid(on), regime=appeal.regime_id, form=form)) if form else []


def check(appeal: Appeal, channel: str, address: str, *, on: date, failed: bool = False, copy: bool = False) -> None:
    """Raise where the answer may not go that way, with the article.

    `failed`: the main way has been tried and did not arrive; `copy`: it goes besides the answer itself.
    """
    # A site message with an address is answered by e-mail.
    channel = ChannelCode.EMAIL if channel == ChannelCode.WEBSITE and "@" in address else channel
    if rules := rules_of(appeal, on):
        _check_standing(appeal, channel, rules, failed=failed, copy=copy)
    rule = foreign(channel, address, on=on)
    if rule is not None and rule.mode == Mode.FORBID:
        raise ForeignAddress(address=address, since=rule.valid_from, basis=rule.basis)


def _check_standing(appeal: Appeal, channel: str, rules: list[AnswerRule], *, failed: bool, copy: bool) -> None:
    allowed = {Standing.MAIN, *([Standing.AFTER] if failed else []), *([Standing.COPY] if copy else [])}
    if any(rule.channel == channel and rule.standing in allowed for rule in rules):
        return
    named = next((rule for rule in rules if rule.channel == channel), None)
    main = ", ".join(ways.name(rule.channel) for rule in rules if rule.standing == Standing.MAIN)
    raise WayRefused(
        number=appeal.number,
        form=Form(form_of(appeal)).label,
        way=ways.name(channel),
        why=named.get_standing_display() if named else "этим способом на него не отвечают",
        basis=(named or rules[0]).basis,
        do=f"Смените способ ответа; основной: {main or 'не назван'}.",
    )


def foreign(channel: str, address: str, *, on: date) -> ForeignMailRule | None:
    """Return the rule about an address outside the Russian domains; None for others, and where nothing is asked."""
    if channel != ChannelCode.EMAIL or "@" not in address or is_russian(address):
        return None
    rule = ForeignMailRule.objects.filter(valid_from__lte=on).order_by("-valid_from").first()
    return rule if rule is not None and rule.mode != Mode.OFF else None


def is_russian(address: str) -> bool:
    """Tell whether a mail address is in a Russian domain."""
    return address.strip().rstrip(".").rpartition(".")[2].lower() in RUSSIAN


def offered(appeal: Appeal, *, on: date) -> list[str]:
    """Return the ways that may be chosen as the main one."""
    main = [rule.channel for rule in rules_of(appeal, on) if rule.standing == Standing.MAIN]
    any_way = (ChannelCode.EMAIL, ChannelCode.POST, ChannelCode(appeal.channel))
    return list(dict.fromkeys(main or map(str, any_way)))


def copies(appeal: Appeal, *, on: date) -> list[str]:
    """Return the ways by which a copy may go besides the answer."""
    return [rule.channel for rule in rules_of(appeal, on) if rule.standing in (Standing.MAIN, Standing.COPY)]


def check_can_change(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not say anew how the answer goes."""
    check_can_work(appeal, user)
    if appeal.status not in CHANGEABLE:
        raise transitions.MoveRefused(
            number=appeal.number, now=S(appeal.status).label, to="другой способ ответа: сначала отзовите письмо"
        )


@transaction.atomic
def change(appeal: Appeal, *, channel: str, address: str, by: Employee) -> None:
    """Say anew how and where the answer goes; refuses what the law does not allow, and where nothing can arrive."""
    check_can_change(appeal, by)
    address = " ".join(address.split())
    ways.check_address(channel, address)
    ways.check_regime(channel, statutory=appeal.regime.statutory)
    check(appeal, channel, address, on=timezone.localdate())
    changed = Appeal.objects.filter(pk=appeal.pk, version=appeal.version, status__in=CHANGEABLE).update(
        answer_channel=channel, answer_address=address[:500], version=F("version") + 1
    )
    if not changed:
        now = Appeal.objects.values_list("status", flat=True).get(pk=appeal.pk)
        raise transitions.ChangedMeanwhile(number=appeal.number, now=S(now).label)
    was, appeal.answer_channel, appeal.answer_address = appeal.answer_channel, channel, address[:500]
    appeal.version += 1
    journal.record("appeal.way_changed", chain=f"appeal:{appeal.pk}", by=by, was=was, channel=channel)


# --- rows ------------------------------------------------------------------------------------------------------------


@transaction.atomic
def add(
    *, regime: Regime, form: str, channel: str, standing: str, basis: str, valid_from: date, by: Employee
) -> AnswerRule:
    """Write a rule that holds from a day on; the one that held for the same way ends the day before."""
    check_power(by, KEEP, "вести правила способов ответа")
    before = AnswerRule.objects.select_for_update().filter(regime=regime, form=form, channel=channel)
    if before.filter(valid_from__gte=valid_from).exists():
        raise WrongRule(why="для этого способа уже есть правило с той же или более поздней даты. Укажите дату позже")
    before.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from)).update(
        valid_to=valid_from - timedelta(days=1)
    )
    row = AnswerRule.objects.create(
        regime=regime, form=form, channel=channel, standing=standing, basis=basis, valid_from=valid_from
    )
    journal.record("ways.rule_added", chain="dictionaries", by=by, new=row.pk, channel=channel, on=valid_from)
    return row


@transaction.atomic
def end(rule: AnswerRule, *, last_day: date, by: Employee) -> None:
    """Let a rule hold till a day, that day included."""
    check_power(by, KEEP, "вести правила способов ответа")
    if last_day < rule.valid_from:
        raise WrongRule(why=f"последний день раньше начала, {rule.valid_from:%d.%m.%Y}")
    if not AnswerRule.objects.filter(pk=rule.pk, valid_to=rule.valid_to).update(valid_to=last_day):
        raise WrongRule(why="его уже изменил другой сотрудник. Обновите страницу")
    journal.record("ways.rule_ended", chain="dictionaries", by=by, old=rule.pk, on=last_day)


@transaction.atomic
def keep_foreign(*, mode: str, basis: str, valid_from: date, by: Employee) -> ForeignMailRule:
    """Say what is done with foreign addresses from a day on."""
    check_power(by, KEEP, "вести правила способов ответа")
    try:
        with transaction.atomic():
            row = ForeignMailRule.objects.create(mode=mode, basis=basis, valid_from=valid_from)
    except IntegrityError as exc:
        raise WrongRule(why="с этой даты правило уже есть. Укажите другую дату") from exc
    journal.record("ways.foreign_mail", chain="dictionaries", by=by, mode=mode, on=valid_from)
    return row


def load(rows: Iterable[tuple[str, str, str, str, str, date]], foreign_mail: tuple[str, str, date]) -> int:
    """Add shipped rules that are missing; what people made stays. Returns how many were added."""
    known = set(AnswerRule.objects.values_list("regime", "form", "channel"))
    regimes = set(Regime.objects.values_list("pk", flat=True))
    made = [
        AnswerRule(regime_id=regime, form=form, channel=way, standing=standing, basis=basis, valid_from=since)
        for regime, form, way, standing, basis, since in rows
        if (regime, form, way) not in known and regime in regimes
    ]
    added = len(AnswerRule.objects.bulk_create(made))
    if not ForeignMailRule.objects.exists():
        mode, basis, since = foreign_mail
        ForeignMailRule.objects.create(mode=mode, basis=basis, valid_from=since)
        added += 1
    return added
