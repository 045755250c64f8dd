"""Which words of what people typed may be kept apart from them: ordinary words that tell of nobody."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from otklik.core import masking, russian
from otklik.search import analysis

_FORM: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SHORTEST: Final = 3  # letters
_POINTING: Final = "Apro"  # «мой», «какой»: such words say nothing
_NAMES: Final = frozenset({"Name", "Surn", "Patr", "Init", "Geox", "Orgn", "Trad"})
_PEOPLE: Final = frozenset({"Surn", "Patr", "Name"})
_SAYING: Final = frozenset({"NOUN", "ADJF", "ADJS", "VERB", "INFN", "PRTF", "PRTS", "GRND"})


def ordinary(text: str) -> dict[str, str]:
    """Return the words of a text that may be kept, as search finds them → as a dictionary writes them.

    A number, a word the dictionary does not know, and whatever may be the name of a person or a place are left out,
    «Вера» and «роза» too: in doubt it is a name.
    """
    found: dict[str, str] = {}
    for form in _FORM.findall(analysis.normal(text)):
        if len(form) >= _SHORTEST and (written := _written(form)) and (words := analysis.words(form)):
            found.setdefault(words[0], written)
    return found


def masked(text: str) -> str:
    """Return a short text as it may be shown: without numbers and without what may be the name of a person."""
    return _FORM.sub(lambda met: masking.HIDDEN if _is_person(analysis.normal(met[0])) else met[0], masking.words(text))


@lru_cache(maxsize=50_000)
def _is_person(form: str) -> bool:
    return any(not _PEOPLE.isdisjoint(parse.tag.grammemes) for parse in russian.dictionary().parse(form))


@lru_cache(maxsize=50_000)
def _written(form: str) -> str:
    """Return the lemma of an ordinary word; nothing for any other."""
    known = russian.dictionary()
    if not known.word_is_known(form):
        return ""
    parses = known.parse(form)
    if any(not _NAMES.isdisjoint(parse.tag.grammemes) for parse in parses):
        return ""
    tag, written = parses[0].tag, analysis.normal(str(parses[0].normal_form))
    is_saying = tag.POS in _SAYING and _POINTING not in tag and written not in analysis.STOPS
    return written if is_saying else ""
