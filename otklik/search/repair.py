"""Slips of the hand undone: another keyboard, words run together or torn apart, letters wrong, missing or swapped."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from otklik.search import analysis
from otklik.search.store import Store
from otklik.search.thesaurus import Thesaurus

_SHORTEST: Final = 4  # letters of a word that is repaired
_BEST: Final = 3
_NEAREST: Final = 20  # looked at more closely
_SHORTEST_PART: Final = 3
_STOPS: Final = sorted(analysis.STOPS)


class Repaired(NamedTuple):
    """A word form that may have been meant, and how far it lies from what was typed: 1.0 is the same."""

    form: str
    credit: float


def is_other_layout(text: str, store: Store, said: Collection[str]) -> bool:
    """Tell whether a Latin text is Russian typed on a Latin keyboard: retyped, more of its words are words."""
    typed = [word for word in analysis.words(text) if not word.isdigit()]
    if not typed or sum(word.isascii() for word in typed) * 2 < len(typed):
        return False
    retyped = analysis.words(analysis.other_layout(text))
    known = {*store.frequencies({*retyped, *typed}), *said}
    as_typed = sum(word in known for word in typed)
    return sum(word in known or analysis.is_word(word) for word in retyped) > as_typed


def nearest(form: str, store: Store, thesaurus: Thesaurus, *, most: int = 3) -> list[Repaired]:
    """Return the known forms that a misspelt one most likely stands for, the nearest first; `most` slips apart."""
    sound = analysis.sound(form)
    if len(form) < _SHORTEST or not form.isalpha() or not sound:
        return []
    limit = min(most, 1 if len(form) < 6 else 2 if len(form) < 10 else 3)
    slips: dict[str, int] = {}

    def how_far(one: str) -> tuple[int, int]:
        return slips[one], _heard(one, sound)

    def near(known: list[str]) -> list[str]:
        found = process.extract(form, known, scorer=OSA.distance, score_cutoff=limit, limit=_NEAREST)
        slips.update((one, int(apart)) for one, apart, _ in found)
        return sorted((one for one, _, _ in found), key=how_far)

    known = [*store.sounding(sound, near, _BEST), *near([*thesaurus.sounding(sound), *_STOPS])]
    ranked = sorted(dict.fromkeys(known), key=how_far)[:_BEST]
    return [Repaired(one, 1 - 0.1 * slips[one]) for one in ranked if slips[one] <= slips[ranked[0]] + 1]


def _heard(form: str, sound: str) -> int:
    return int(OSA.distance(analysis.sound(form), sound))


def parted(form: str, store: Store) -> list[str]:
    """Return the two lemmas run together in one form: «земельныйучасток»; nothing where it does not fall apart."""
    cuts = [(form[:cut], form[cut:]) for cut in range(_SHORTEST_PART, len(form) - _SHORTEST_PART + 1)]
    pairs = [(analysis.lemma(left), analysis.lemma(right)) for left, right in cuts if analysis.is_word(left)]
    known = store.frequencies({lemma for pair in pairs for lemma in pair})
    both = [pair for pair in pairs if pair[0] in known and pair[1] in known]
    return list(max(both, key=lambda pair: min(known[pair[0]], known[pair[1]]), default=()))
