"""Russian names and posts in their cases: «Ивановой М. П.», «начальнику отдела». In doubt they stay as typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from otklik.core import russian

Gender = Literal["masc", "femn"]
NOMINATIVE: Final = "nomn"
DATIVE: Final = "datv"
# As people name them, as the dictionary does.
CASES: Final[dict[str, str]] = {
    "именительный": NOMINATIVE,
    "родительный": "gent",
    "дательный": DATIVE,
    "винительный": "accs",
    "творительный": "ablt",
    "предложный": "loct",
}
# Surnames the dictionary need not know: by these endings everybody declines them alike, or leaves them alone.
_REGULAR: Final = {
    "masc": re.compile(r".{2,}(?:[оеё]в|[иы]н|[сц]кий|ич)$"),
    "femn": re.compile(r".{2,}(?:[оеё]ва|[иы]на|[сц]кая)$"),
}
_FIXED: Final = re.compile(r".{2,}(?:[еиоуыэю]|[иы]х)$")
_CYRILLIC: Final = re.compile(r"[а-яё]+", re.IGNORECASE)
_ABBREVIATION: Final = re.compile(r"[А-ЯЁ]{2,}\b")
_ACTING: Final = re.compile(r"и\. ?о\.|вр(?:ио|ид)\b", re.IGNORECASE)
_BETWEEN_POSTS: Final = re.compile(r"(\s[–—-]\s|,\s+)")


@dataclass(frozen=True)
class Declined:
    """Words in a case; where `sure` is false they stand as typed, and a person has to look."""

    text: str
    sure: bool = True


InCase: TypeAlias = Callable[[str], Declined]
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


def organisation(name: str) -> InCase:
    """Return how an organisation is called in a case: never declined, «ООО «Ромашка»» needs no look."""
    return lambda case: Declined(name, case == NOMINATIVE or bool(_ABBREVIATION.match(name)))


def post(typed: str) -> InCase:
    """Return how a post or a unit is called in a case: its first noun with the words before it, the rest as it is."""
    return lambda case: _post(typed, case)


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
        genders = {form.tag.gender for form in _forms(self.first, {"Name"})}
        return genders.pop() if len(genders) == 1 and genders <= {"masc", "femn"} else None

    def short(self, case: str) -> Declined:
        """Return «Ивановой М. П.»."""
        initials = " ".join(f"{part[0].upper()}." for part in (self.first, self.patronymic) if part)
        surname = self._surname(case)
        return Declined(f"{surname.text} {initials}".strip(), surname.sure)

    def whole(self, case: str) -> Declined:
        """Return «Ивановой Марии Петровне»; where one part is in doubt, all of them stay as typed."""
        given = [self._given(self.first, "Name", case), self._given(self.patronymic, "Patr", case)]
        parts = [part for part in (self._surname(case), *given) if part.text]
        if all(part.sure for part in parts):
            return Declined(" ".join(part.text for part in parts))
        return Declined(" ".join(filter(None, (self.last, self.first, self.patronymic))), sure=False)

    def dative(self) -> str:
        """Return «Ивановой М. П.»: to whom a letter goes."""
        return self.short(DATIVE).text

    def greeting(self) -> str:
        """Return «Уважаемая Мария Петровна!»; where the gender is in doubt, a greeting without it."""
        called = " ".join(part for part in (self.first, self.patronymic) if part)
        if len(self.first.strip(".")) < 2 or self.gender is None:
            return f"Здравствуйте, {called}!" if len(self.first.strip(".")) > 1 else "Здравствуйте!"
        return f"{'Уважаемая' if self.gender == 'femn' else 'Уважаемый'} {called}!"

    def _surname(self, case: str) -> Declined:
        """Decline every part of a double surname; where one is in doubt, all of it stays."""
        if case == NOMINATIVE or not self.last:
            return Declined(self.last)
        gender = self.gender
        parts = [_surname(part, gender, case) if gender else None for part in self.last.split("-")]
        declined = [part for part in parts if part is not None]
        return Declined("-".join(declined)) if len(declined) == len(parts) else Declined(self.last, sure=False)

    def _given(self, word: str, mark: str, case: str) -> Declined:
        if case == NOMINATIVE or not word:
            return Declined(word)
        for form in _forms(word, {mark}):
            known = form.is_known or (mark == "Patr" and word.lower().endswith(("вич", "вна")))
            if {self.gender, "ms-f"} & form.tag.grammemes and known and (declined := form.inflect({case, "sing"})):
                return Declined(_cased(declined.word, word))
        return Declined(word, sure=False)


def _forms(word: str, marks: set[str]) -> list[Any]:
    if not word:
        return []
    return [form for form in russian.dictionary().parse(word) if marks & form.tag.grammemes and "nomn" in form.tag]


def _surname(word: str, gender: Gender, case: str) -> str | None:
    """Return a surname in a case; None where neither the dictionary nor its ending tells how."""
    low = word.lower()
    if not _CYRILLIC.fullmatch(word):
        return None
    regular = bool(_REGULAR[gender].match(low))
    marks = {"Surn", "Patr"} if low.endswith("ич") else {"Surn"}
    for form in _forms(word, marks):
        fits = {gender, "ms-f"} & form.tag.grammemes and form.tag.number == "sing"
        if fits and (form.is_known or regular) and (declined := form.inflect({case, "sing"})):
            return _cased(declined.word, word)
    # Of women, surnames that end in a consonant; of everybody, «Гюго», «Черных».
    consonant = low[-1] not in "аеёиоуыэюя"
    return word if _FIXED.match(low) or (gender == "femn" and consonant) else None


def _post(typed: str, case: str) -> Declined:
    if case == NOMINATIVE or not typed.strip() or _ACTING.match(typed):  # «и. о.» never changes
        return Declined(typed)
    # «заместитель начальника – начальник сектора»: both; even places are what stands between.
    parts = [_phrase(part, case) if place % 2 == 0 else part for place, part in enumerate(_BETWEEN_POSTS.split(typed))]
    known = [part for part in parts if part is not None]
    return Declined("".join(known)) if len(known) == len(parts) else Declined(typed, sure=False)


def _phrase(typed: str, case: str) -> str | None:
    """Return a noun with the adjectives before it in a case; None where no noun is known."""
    words = typed.split()
    leading: dict[int, Any] = {}
    animate = True
    for place, word in enumerate(words):
        forms = [form for form in russian.dictionary().parse(word) if {"nomn", "sing"} <= form.tag.grammemes]
        adjective = next((form for form in forms if {"ADJF", "PRTF"} & form.tag.grammemes and form.is_known), None)
        if adjective is not None:
            leading[place] = adjective
            continue
        # After «исполняющий», «заведующая» comes what they do, and nothing to agree with.
        if forms or not leading:
            if (noun := _noun(word, case)) is None:
                return None
            words[place], animate = noun, _is_person(word)
        break
    for place, form in leading.items():
        wanted = case
        if case == "accs" and form.tag.gender == "masc":  # «ведущего специалиста», «земельный отдел»
            wanted = "gent" if animate else NOMINATIVE
        words[place] = _cased(form.inflect({wanted, "sing"}).word, words[place])
    return " ".join(words)


def _noun(word: str, case: str) -> str | None:
    """Return a noun in a case; of «специалист-эксперт» both parts, of «бизнес-аналитик» the last."""
    forms = [form for form in russian.dictionary().parse(word) if form.is_known]
    if "-" in word and not forms:
        first, _, last = word.rpartition("-")
        declined, before = _noun(last, case), _noun(first, case) if _is_person(first) else first
        return f"{before}-{declined}" if before and declined else None
    for form in forms:
        if {"NOUN", "nomn", "sing"} <= form.tag.grammemes and (declined := form.inflect({case, "sing"})):
            return _cased(declined.word, word)
    return None


def _is_person(word: str) -> bool:
    return any({"NOUN", "nomn", "anim"} <= form.tag.grammemes for form in russian.dictionary().parse(word))


def _cased(word: str, like: str) -> str:
    """Give a word the capital letters of the one it was made of."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word


def cases(*words: str) -> set[str]:
    """Return the words of a name in every case, in lower case; one the dictionary does not know keeps its stem's."""
    found: set[str] = set()
    for word in (part.casefold() for whole in words for part in whole.replace("-", " ").split()):
        if len(word.strip(".")) < 2:
            continue
        found.add(word)
        for form in russian.dictionary().parse(word):
            if _NAMES & set(form.tag.grammemes):
                found |= {one.word for one in form.lexeme}
        stem = word.rstrip("аеёиоуыэюяйь")
        if len(stem) > 3:
            found |= {stem + ending for ending in _ENDINGS}
    return found


def is_name(word: str) -> bool:
    """Tell whether a word with a capital letter is a name, a surname or a patronymic before anything else."""
    parsed = russian.dictionary().parse(word.casefold())
    return bool(parsed) and bool(_NAMES & set(parsed[0].tag.grammemes))
