"""Which regime a letter belongs to: proposed from channel, identification and words, each with its reason.

Nothing is decided here: who registers sees the reason and confirms, or chooses another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.db.models import QuerySet

from otklik.core import built
from otklik.core import terms as rules
from otklik.core.models import Regime
from otklik.correspondence.models import IncomingMessage

# What only mentions a word in passing, far down in a long letter, says little of what the letter is.
LOOKED_AT: Final = 3000


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
    A message of ПОС is what `appeals.pos` says of its export. One query.
    """
    known = {regime.code: regime for regime in _offered(on)}
    found = sorted(_by_words(known.values(), message), key=lambda one: (-len(one.words), one.regime.order))
    usual = Choice(default, why)
    if not found:
        return usual
    first, *more = found
    return Choice(first.regime, first.why, first.words, others=(*more, usual))


@built.once
def _offered(on: date) -> QuerySet[Regime]:
    """Return the regimes that hold on a day."""
    return rules.regimes(on)


def _by_words(known: Sequence[Regime] | Any, message: IncomingMessage) -> list[Choice]:
    """Return the regimes some of whose words stand in a letter or in the name of its sender."""
    text = _plain(f"{message.sender_name}\n{message.subject}\n{message.text[:LOOKED_AT]}")
    found = []
    for regime in known:
        said = tuple(dict.fromkeys(word for word in map(_plain, regime.hints.split(",")) if word and _has(text, word)))
        if said:
            words = ", ".join(f"«{word}»" for word in said)
            found.append(Choice(regime, f"{regime.hint_why or regime.name} Слова: {words}.", said))
    return found


def _has(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("ё", "е").split())
