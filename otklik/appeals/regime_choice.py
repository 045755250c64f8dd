"""Which regime a letter belongs to: proposed from channel, identification and words, each with its reason.

Who registers sees the reason and confirms, or chooses another; later it is changed with a reason, and the term with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet

from otklik.appeals import terms, transitions, ways
from otklik.appeals.models import FINISHED, Appeal
from otklik.appeals.permissions import check_power
from otklik.appeals.pos import term as pos
from otklik.core import built, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import Regime
from otklik.correspondence import social
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.people.models import Employee

POWER: Final = "intake.decide"
OF_SENDER: Final = "от:"
INFORMAL: Final = (*social.NETWORKS, ChannelCode.HOTLINE, ChannelCode.EKC)
# What only mentions a word in passing, far down in a long letter, says little of what the letter is.
LOOKED_AT: Final = 3000


class RegimeRefused(DomainError):
    """The appeal cannot be put under this regime now."""

    code = "appeal.regime_refused"
    text = "Обращение № {number}: режим не изменён. {why}"


@dataclass(frozen=True)
class Choice:
    """A regime, why it is proposed, and the words that led to it."""

    regime: Regime
    why: str
    words: tuple[str, ...] = ()
    others: Sequence[Choice] = field(default=(), compare=False)


def choose(default: Regime, why: str, message: IncomingMessage, *, on: date) -> Choice:
    """Return the regime to propose, with what else may be; `default` and its `why` are the channel's.

    Words of a law of its own go before the channel's default; several such laws: the one with most of its words said.
    In a network and by the telephone nobody can make such a request: there they are only named. A message of ПОС is
    what `appeals.pos` says of its export. One query.
    """
    found = sorted(_by_words(_offered(on), message), key=lambda one: (-len(one.words), one.regime.order))
    usual = Choice(default, why)
    if not found:
        return usual
    if message.channel in INFORMAL:
        return Choice(default, why, others=found)
    first, *more = found
    return Choice(first.regime, first.why, first.words, others=(*more, usual))


def check_can_change(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not put the appeal under another regime now; asks no query."""
    check_power(user, POWER, "изменить режим рассмотрения")
    if appeal.status in (*FINISHED, Appeal.Status.SIGNING, Appeal.Status.SIGNED):
        raise RegimeRefused(number=appeal.number, why="Ответ уже передан на подпись или отправлен.")


@transaction.atomic
def change(appeal: Appeal, regime: Regime, *, reason: str, by: Employee) -> date:
    """Put an appeal under another regime with a reason, and count its date anew; return it.

    Pauses, an extension and a control term stay: they are rows of the case.
    """
    check_can_change(appeal, by)
    reason = " ".join(reason.split())
    if not reason:
        raise RegimeRefused(number=appeal.number, why="Напишите, почему меняете режим.")
    if regime.pk == appeal.regime_id:
        raise RegimeRefused(number=appeal.number, why=f"Он и так «{regime.name}».")
    if appeal.channel == ChannelCode.POS or regime.pk in pos.REGIMES:
        raise RegimeRefused(number=appeal.number, why="Режим сообщения ПОС меняют в части «ПОС» карточки.")
    ways.check_regime(appeal.answer_channel, statutory=regime.statutory)
    was, was_due = appeal.regime_id, appeal.due_on
    before = appeal.regime
    appeal.regime = regime
    try:
        becomes = terms.recount(appeal, reason=f"режим изменён: {reason}")
    except DomainError:
        appeal.regime = before
        raise
    kept = Appeal.objects.filter(pk=appeal.pk, version=appeal.version)
    if not kept.update(regime=regime, due_on=becomes, version=F("version") + 1):
        raise transitions.ChangedMeanwhile(number=appeal.number, now=appeal.get_status_display())
    appeal.due_on, appeal.version = becomes, appeal.version + 1
    journal.record(
        "appeal.regime_changed",
        chain=f"appeal:{appeal.pk}",
        by=by,
        old=was,
        regime=regime.pk,
        was=was_due,
        becomes=becomes,
    )
    return becomes


@built.once
def _offered(on: date) -> QuerySet[Regime]:
    """Return the regimes that hold on a day."""
    return rules.regimes(on)


def _by_words(known: Iterable[Regime], message: IncomingMessage) -> list[Choice]:
    """Return the regimes some of whose words stand in a letter or in the name of its sender."""
    text, sender = _plain(f"{message.subject}\n{message.text[:LOOKED_AT]}"), _plain(message.sender_name)
    found = []
    for regime in known:
        said = tuple(dict.fromkeys(_said(regime, text, sender)))
        if said:
            words = ", ".join(f"«{word}»" for word in said)
            found.append(Choice(regime, f"{regime.hint_why or regime.name} Слова: {words}.", said))
    return found


def _said(regime: Regime, text: str, sender: str) -> Iterator[str]:
    """Yield the words of a regime that are there; «от: …» is looked for in the name of the sender alone."""
    for hint in map(_plain, regime.hints.split(",")):
        word = hint.removeprefix(OF_SENDER).strip()
        if word and _has(sender if hint.startswith(OF_SENDER) else text, word):
            yield word


def _has(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("ё", "е").split())
