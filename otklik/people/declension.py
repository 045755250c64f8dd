"""Russian names in letters: «Ивановой М. П.», «Уважаемая Мария Петровна!». In doubt a name stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import pymorphy3

Gender = Literal["masc", "femn"]
_NAMES: Final = frozenset({"Name", "Surn", "Patr"})
# Of surnames, first names and patronymics; a few too many do no harm where one only looks for them.
_ENDINGS: Final = (
    "",
    *"аяуюеоыи",
    "ой",
    "ей",
    "ом",
    "ем",
    "ым",
    "ого",
    "ому",
    "ий",
    "ый",
    "ая",
    "ую",
    "ия",
    "ии",
    "ию",
)


@cache
def _morph() -> Any:
    """Return the dictionary, read once (it takes half a second) and only where a letter is written."""
    return pymorphy3.MorphAnalyzer()


@dataclass(frozen=True)
class Name:
    """A person's name, as typed."""

    last: str
    first: str = ""
    patronymic: str = ""

    @property
    def gender(self) -> Gender | None:
        """Return the gender that the patronymic or, without one, the first name shows; None in doubt."""
        ending = self.patronymic.lower()
        if ending.endswith(("вна", "чна", "шна", "кызы")):
            return "femn"
        if ending.endswith(("вич", "ьич", "мич", "кич", "оглы")):
            return "masc"
        genders = {form.tag.gender for form in _forms(self.first, "Name")}
        return genders.pop() if len(genders) == 1 and genders <= {"masc", "femn"} else None

    def dative(self) -> str:
        """Return «Ивановой М. П.»: to whom a letter goes."""
        initials = " ".join(f"{part[0].upper()}." for part in (self.first, self.patronymic) if part)
        return f"{self._surname_dative()} {initials}".strip()

    def greeting(self) -> str:
        """Return «Уважаемая Мария Петровна!»; where the gender is in doubt, a greeting without it."""
        called = " ".join(part for part in (self.first, self.patronymic) if part)
        if len(self.first.strip(".")) < 2 or self.gender is None:
            return f"Здравствуйте, {called}!" if len(self.first.strip(".")) > 1 else "Здравствуйте!"
        return f"{'Уважаемая' if self.gender == 'femn' else 'Уважаемый'} {called}!"

    def _surname_dative(self) -> str:
        """Decline every part of a double surname; a part that the dictionary is not sure of stays."""
        if self.gender is None:
            return self.last
        return "-".join(_dative(part, self.gender) for part in self.last.split("-"))


def _forms(word: str, mark: str) -> list[Any]:
    return [form for form in _morph().parse(word) if mark in form.tag and "nomn" in form.tag] if word else []


def _dative(word: str, gender: Gender) -> str:
    """Return a surname in the dative singular, or as it is where no known form fits."""
    for form in _forms(word, "Surn"):
        if form.tag.gender == gender and form.tag.number == "sing" and (declined := form.inflect({"datv", "sing"})):
            return _cased(declined.word, word)
    return word


def _cased(word: str, like: str) -> str:
    """Give a word the capital letters of the one it was made of."""
    return word.upper() if like.isupper() and len(like) > 1 else word[:1].upper() + word[1:]


def cases(*words: str) -> set[str]:
    """Return the words of a name in every case, in lower case; one the dictionary does not know keeps its stem's."""
    found: set[str] = set()
    for word in (part.casefold() for whole in words for part in whole.replace("-", " ").split()):
        if len(word.strip(".")) < 2:
            continue
        found.add(word)
        for form in _morph().parse(word):
            if _NAMES & set(form.tag.grammemes):
                found |= {one.word for one in form.lexeme}
        stem = word.rstrip("аеёиоуыэюяйь")
        if len(stem) > 3:
            found |= {stem + ending for ending in _ENDINGS}
    return found


def is_name(word: str) -> bool:
    """Tell whether a word with a capital letter is a name, a surname or a patronymic before anything else."""
    parsed = _morph().parse(word.casefold())
    return bool(parsed) and bool(_NAMES & set(parsed[0].tag.grammemes))
