"""Russian names in letters: «Ивановой М. П.», «Уважаемая Мария Петровна!». In doubt a name stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pymorphy3

Gender = Literal["masc", "femn"]


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
