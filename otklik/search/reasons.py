"""«Почему найдено»: which words met, as a reader is told. Pure: knows neither rows nor readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otklik.search.weighing import Why

AS_TYPED: Final = frozenset({"word", "root", "begun"})  # the word itself, no repair and no dictionary
_MOST_WORDS: Final = 5
_MOST_EACH: Final = 2
_MOST_LETTERS: Final = 60
# From the farthest way to the nearest: what a reader could not guess himself is told before what he sees.
_CHANGED: Final = {
    "layout": "другая раскладка",
    "slip": "исправлена опечатка",
    "thesaurus": "по словарю",
    "root": "родственное слово",
    "begun": "по началу слова",
}
# The nearest way a word has met hides the others: who typed «аренда» and sees it asks for no dictionary.
_NEARNESS: Final = {how: place for place, how in enumerate(("word", "begun", "slip", "layout", "root", "thesaurus"))}
_MOST_TOPICS: Final = 1
# What was learned was learned of other people's letters and searches: their words are not shown.
_LEARNED: Final = "по прежним ответам на такие вопросы"
_MEANT: Final = "близко по смыслу"


def spoken(why: Iterable[Why]) -> Iterator[str]:
    """Yield the reasons in words, a few of each kind: «исправлена опечатка: „гарож“ → „гараж“»."""
    met = list(dict.fromkeys(why))
    nearest: dict[str, int] = {}
    for one in met:
        if one.how in _NEARNESS:
            place = _NEARNESS[one.how]
            nearest[one.asked] = min(nearest.get(one.asked, place), place)
    told = [one for one in met if one.how in _NEARNESS and _is_nearest(one, nearest)]
    for how, words in _CHANGED.items():
        for one in [one for one in told if one.how == how][:_MOST_EACH]:
            yield f"{words}: {_quoted(one.asked)} → {_quoted(one.found)}"
    for topic in list(dict.fromkeys(one.asked for one in met if one.how == "topic"))[:_MOST_TOPICS]:
        yield f"похоже на вопрос {_quoted(topic)}"
    plain = list(dict.fromkeys(_quoted(one.asked) for one in told if one.how == "word"))
    if plain:
        more = " и другим" if len(plain) > _MOST_WORDS else ""
        name = "по слову" if len(plain) == 1 else "по словам"
        yield f"{name} {', '.join(plain[:_MOST_WORDS])}{more}"
    if any(one.how == "learned" for one in met):
        yield _LEARNED
    if any(one.how == "meaning" for one in met):
        yield _MEANT


def _is_nearest(one: Why, nearest: dict[str, int]) -> bool:
    """Tell whether no nearer way led from these words; of a phrase, from each of its words."""
    place = _NEARNESS[one.how]
    if nearest[one.asked] < place:
        return False
    words = one.asked.split()
    return len(words) < 2 or any(nearest.get(word, place) >= place for word in words)


def _quoted(word: str) -> str:
    cut = word if len(word) <= _MOST_LETTERS else f"{word[: _MOST_LETTERS - 1]}…"
    return f"«{cut}»"
