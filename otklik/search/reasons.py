"""«Почему найдено»: which words met, as a reader is told. Pure: knows neither rows nor readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otklik.search.engine import Why

AS_TYPED: Final = frozenset({"word", "root", "begun"})  # the word itself, no repair and no dictionary
_MOST_WORDS: Final = 5
_MOST_EACH: Final = 2
_MOST_LETTERS: Final = 60
# In the order in which they are told: what a reader could not guess himself comes before what he sees.
_CHANGED: Final = {
    "layout": "другая раскладка",
    "slip": "исправлена опечатка",
    "thesaurus": "по словарю",
    "root": "родственное слово",
    "begun": "по началу слова",
}
# What was learned was learned of other people's letters and searches: their words are not shown.
_LEARNED: Final = "по прежним ответам на такие вопросы"


def spoken(why: Iterable[Why]) -> Iterator[str]:
    """Yield the reasons in words, a few of each kind: «исправлена опечатка: „гарож“ → „гараж“»."""
    met = list(dict.fromkeys(why))
    for how, words in _CHANGED.items():
        for one in [one for one in met if one.how == how][:_MOST_EACH]:
            yield f"{words}: {_quoted(one.asked)} → {_quoted(one.found)}"
    plain = list(dict.fromkeys(_quoted(one.asked) for one in met if one.how == "word"))
    if plain:
        more = " и другим" if len(plain) > _MOST_WORDS else ""
        name = "по слову" if len(plain) == 1 else "по словам"
        yield f"{name} {', '.join(plain[:_MOST_WORDS])}{more}"
    if any(one.how == "learned" for one in met):
        yield _LEARNED


def _quoted(word: str) -> str:
    cut = word if len(word) <= _MOST_LETTERS else f"{word[: _MOST_LETTERS - 1]}…"
    return f"«{cut}»"
