"""One box over cases: number, surname, telephone, address, cadastral number or words of a letter, or named operators.

What was typed is looked for in every way it may be meant, and shown by how it was found. Every way asks only what the
employee may see; by personal data looks only who may ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, search_feed, sed
from otklik.appeals.models import FINISHED, Appeal, AppealMessage, SedNumber
from otklik.appeals.search_feed import Found
from otklik.core import typed
from otklik.core.terms import SOON_DAYS
from otklik.people import applicants as people
from otklik.people.models import Applicant, Contact, Employee

PERSONAL: Final = "applicants.view"
CADASTRAL: Final = re.compile(r"\d{2}:\d{2}:\d{1,7}:\d{1,10}")
_MOST_TEXT: Final = 200  # characters of the box
_FEWEST_DIGITS: Final = 6  # of a telephone's end; fewer are too many people
_WHOLE_NUMBER: Final = 10  # digits
_FEWEST_LETTERS: Final = 2  # of a name
_SHORTEST_ADDRESS: Final = 5
_MOST_PERSONS: Final = 2000  # of one name
_MOST_OF_TEXT: Final = 100  # of the index, where operators leave some out
_WEEK: Final = timedelta(days=7)
_BESIDE: Final = ("regime", "applicant", "unit", "executor")
# A word before a colon, at the beginning or after a space; what follows in quotes is one value.
_OPERATOR: Final = re.compile(r"(?<!\S)([а-яё]+):\s*", re.IGNORECASE)
_ONE_WORD: Final = re.compile(r"\S+")
_QUOTED: Final = re.compile(r"[«\"]([^»\"]*)[»\"]")

# Name → what it asks for, an example; all names of one operator in a row, the first is shown.
OPERATORS: Final[dict[tuple[str, ...], str]] = {
    ("номер",): "481",
    ("заявитель", "фамилия"): "Иванов",
    ("телефон",): "+7 913 000-00-00",
    ("почта",): "имя@пример.рф",
    ("адрес",): "Ленина 5",
    ("кадастровый",): "54:35:051120:123",
    ("тема",): "аренда",
    ("срок",): "прошёл, сегодня, скоро, неделя, до 31.12.2026",
    ("исполнитель",): "Петрова",
    ("подразделение", "отдел"): "земельных",
}
_NAMES: Final = {name: names[0] for names in OPERATORS for name in names}
_OF_PERSONS: Final = {"заявитель", "телефон", "почта", "адрес"}
_SINGLE: Final = {"номер", "кадастровый", "почта"}  # of one word; what stands after it is words of the text again


@dataclass(frozen=True)
class Chip:
    """An operator with its value; `without` is what was typed without it, `trouble` why it narrows nothing."""

    name: str
    value: str
    without: str
    trouble: str = ""


@dataclass(frozen=True)
class Group:
    """Cases found in one way: «по телефону»."""

    title: str
    rows: list[Found]


@dataclass(frozen=True)
class Cases:
    """What the box found: operators as chips, the other words, cases by the way each was found, each case once."""

    chips: tuple[Chip, ...] = ()
    words: str = ""
    groups: list[Group] = field(default_factory=list)
    read_as: str = ""

    @property
    def rows(self) -> list[Found]:
        """Return all of them in order."""
        return [row for group in self.groups for row in group.rows]


def find(user: Employee, text: str, *, limit: int, typing: bool = False, personal: bool = True) -> Cases:
    """Return up to `limit` cases of each kind of match that the user may see, in a fixed number of queries.

    Not `personal`: whoever asks may not look by personal data, whatever the user may.
    """
    personal = personal and user.has_power(PERSONAL)
    chips, words = _read(text[:_MOST_TEXT], personal=personal)
    if chips:
        return _narrowed(user, chips, words, limit)
    visible, groups, seen = access.visible_to(user), list[Group](), set[int]()
    for title, condition in _ways(words, personal=personal):
        rows = [Found(one, (), 1.0) for one in _shown(visible.filter(condition).exclude(pk__in=seen), limit)]
        seen.update(one.appeal.pk for one in rows)
        groups.append(Group(title, rows))
    asked, found = search_feed.ask(user, words, limit=limit + len(seen), typing=typing)
    if exact := CADASTRAL.findall(words):
        said = _said(found, exact)
        groups.append(Group("По кадастровому номеру", [one for one in found if one.appeal.pk in said][:limit]))
        seen |= said
    groups.append(Group("По тексту", [one for one in found if one.appeal.pk not in seen][:limit]))
    return Cases((), words, [group for group in groups if group.rows], asked)


def look_up(user: Employee, text: str, *, limit: int, personal: bool = True) -> list[Found]:
    """Return the first cases of all groups together: by number and other marks first, then by words."""
    return find(user, text, limit=limit, personal=personal).rows[:limit]


def _ways(words: str, *, personal: bool) -> Iterator[tuple[str, Q]]:
    """Yield in which ways the typed words may be meant, without those that cannot be."""
    if not words:
        return
    digits = re.sub(r"\D", "", words)
    if digits and " " not in words:
        yield "По номеру", _number(words)
    if not personal:
        return
    if len(digits) >= _FEWEST_DIGITS and not re.search(r"[^\d\s()+.-]", words):
        yield "По телефону", _phone(words)
    if people.email_key(words):
        yield "По почте", _email(words)
    if not digits and len(people.plain(words)) >= _FEWEST_LETTERS:
        yield "По заявителю", _applicant(words)
    if digits and re.search(r"[а-яё]", words.lower()) and len(people.address_key(words)) >= _SHORTEST_ADDRESS:
        yield "По адресу", _address(words)


def _narrowed(user: Employee, chips: tuple[Chip, ...], words: str, limit: int) -> Cases:
    """Return the cases to which all operators apply, best first where words stand beside them."""
    rows, cadastral = access.visible_to(user), []
    for chip in chips:
        if chip.name == "кадастровый" and not chip.trouble:
            cadastral.append(chip.value)
        elif not chip.trouble:
            rows = rows.filter(_CONDITIONS[chip.name](chip.value))
    if not (words or cadastral):
        # Operators that narrow nothing must not show everything.
        told = [] if all(chip.trouble for chip in chips) else _shown(rows.distinct(), limit)
        return Cases(chips, words, _group("Подходят", [Found(one, (), 1.0) for one in told]))
    asked, found = search_feed.ask(user, " ".join([words, *cadastral]).strip(), limit=_MOST_OF_TEXT)
    fitting = set(rows.filter(pk__in=[one.appeal.pk for one in found]).values_list("pk", flat=True))
    if cadastral:
        fitting &= _said(found, cadastral)
    return Cases(chips, words, _group("Подходят", [one for one in found if one.appeal.pk in fitting][:limit]), asked)


def _group(title: str, rows: list[Found]) -> list[Group]:
    return [Group(title, rows)] if rows else []


def _shown(rows: QuerySet[Appeal], limit: int) -> list[Appeal]:
    return list(rows.select_related(*_BESIDE).order_by("-pk")[:limit])


def _said(found: Iterable[Found], numbers: Iterable[str]) -> set[int]:
    """Return which of the cases found name every one of these cadastral numbers in their letters."""
    left = {one.appeal.pk for one in found}
    for number in numbers:
        said = Q(message__text__contains=number) | Q(message__subject__contains=number)
        left &= set(AppealMessage.objects.filter(said, appeal__in=left).values_list("appeal", flat=True))
    return left


# --- operators -------------------------------------------------------------------------------------------------------


def _read(text: str, *, personal: bool) -> tuple[tuple[Chip, ...], str]:
    """Return the operators of what was typed, and the words that are left; an unknown word before a colon is a word."""
    found = [match for match in _OPERATOR.finditer(text) if match[1].lower() in _NAMES]
    chips, left = [], [text[: found[0].start()] if found else text]
    for number, match in enumerate(found):
        name = _NAMES[match[1].lower()]
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        rest = text[match.end() : end]
        taken = _QUOTED.match(rest) or (_ONE_WORD.match(rest) if name in _SINGLE else None)
        used = taken.end() if taken else len(rest)
        value = (taken[1] if taken and taken.re is _QUOTED else rest[:used]).strip()
        left.append(rest[used:])
        without = f"{text[: match.start()]} {text[match.end() + used :]}"
        chips.append(Chip(name, value, " ".join(without.split()), _trouble(name, value, personal=personal)))
    return tuple(chips), " ".join(" ".join(left).split())


def _trouble(name: str, value: str, *, personal: bool) -> str:
    """Return why an operator cannot be used, in words; empty where it can."""
    if name in _OF_PERSONS and not personal:
        return "у вас нет права искать по персональным данным"
    if not value:
        return f"напишите, что искать, например «{name}: {next(OPERATORS[one] for one in OPERATORS if one[0] == name)}»"
    if name == "телефон" and len(re.sub(r"\D", "", value)) < _FEWEST_DIGITS:
        return f"нужно не меньше {_FEWEST_DIGITS} цифр"
    if name == "почта" and not people.email_key(value):
        return "это не адрес почты"
    if name == "адрес" and len(people.address_key(value)) < _SHORTEST_ADDRESS:
        return "нужны улица и дом или населённый пункт"
    if name == "кадастровый" and not CADASTRAL.fullmatch(value):
        return "номер пишется так: 54:35:051120:123"
    if name == "срок" and _due(value) is None:
        return "понимаю: прошёл, сегодня, скоро, неделя, до 31.12.2026"
    return ""


def _number(value: str) -> Q:
    in_sed = SedNumber.objects.filter(key=sed.key_of(value)).values("appeal")
    return Q(number__iexact=value) | Q(number__iendswith=value) | Q(pk__in=in_sed)


def _of(condition: Q) -> Q:
    """Return the condition «of these applicants», those merged with them too.

    Who they are is asked first: appeals are then found by their index, not gone through one by one.
    """
    rows = Applicant.objects.filter(condition).order_by("-pk").values_list("pk", "merged_into")[:_MOST_PERSONS]
    known = {pk for row in rows for pk in row if pk is not None}
    known |= set(Applicant.objects.filter(merged_into__in=known).values_list("pk", flat=True)) if known else set()
    return Q(applicant__in=known)


def _applicant(value: str) -> Q:
    """Return the condition on the name: it begins with what was typed, or has it as whole words further on."""
    return _of(people.called(value, whole=True))


def _phone(value: str) -> Q:
    """Return the condition on the telephone: the same number, or of a part of it the same end."""
    digits, whole = re.sub(r"\D", "", value), people.phone_key(value)
    same = Q(key=whole) if len(digits) >= _WHOLE_NUMBER and whole else Q(key__endswith=digits)
    return _of(Q(pk__in=Contact.objects.filter(same, kind=Contact.Kind.PHONE).values("applicant")))


def _email(value: str) -> Q:
    known = Contact.objects.filter(kind=Contact.Kind.EMAIL, key=people.email_key(value))
    return _of(Q(pk__in=known.values("applicant")))


def _address(value: str) -> Q:
    """Return the condition on the address: each of its words begins one of theirs, in any order."""
    asked = Q()
    for word in people.address_key(value).split():
        asked &= Q(address_key__startswith=word) | Q(address_key__contains=f" {word}")
    return _of(asked)


def _topic(value: str) -> Q:
    return typed.within("questions__topic__name", value) | typed.within("questions__need__name", value)


def _executor(value: str) -> Q:
    return Q(executor__last_name__startswith=value[:1].upper() + value[1:])


def _unit(value: str) -> Q:
    return typed.within("unit__short_name", value) | typed.within("unit__name", value)


def _due(value: str) -> Q | None:
    """Return the condition on the day an answer is due, of cases that wait for one; None where it says nothing."""
    today, said = timezone.localdate(), value.lower().replace("ё", "е").strip()
    if said in {"прошел", "просрочен", "просрочено", "просрочены"}:
        asked = Q(due_on__lt=today)
    elif said in {"сегодня", "скоро", "неделя"}:
        days = {"сегодня": timedelta(), "скоро": timedelta(days=SOON_DAYS), "неделя": _WEEK}[said]
        asked = Q(due_on__gte=today, due_on__lte=today + days)
    else:
        until = said.removeprefix("до").strip()
        try:
            day = datetime.strptime(until, "%d.%m.%Y").date()
        except ValueError:
            return None
        asked = Q(due_on__lte=day) if until != said else Q(due_on=day)
    return asked & ~Q(status__in=FINISHED)


_CONDITIONS: Final[dict[str, Callable[[str], Q]]] = {
    "номер": _number,
    "заявитель": _applicant,
    "телефон": _phone,
    "почта": _email,
    "адрес": _address,
    "тема": _topic,
    "срок": lambda value: _due(value) or Q(pk__in=[]),
    "исполнитель": _executor,
    "подразделение": _unit,
}
