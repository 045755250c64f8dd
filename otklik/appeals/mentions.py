"""«@Участкова» in an internal note: which colleague is meant, and whether he may see the appeal at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.utils import timezone

from otklik.appeals import access
from otklik.appeals.models import Appeal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

MOST: Final = 20  # more is no mention but a mailing
# An address of e-mail has something before its «@», so it is no mention; a login may be one, after an «@» of ours.
_MENTION: Final = re.compile(r"(?<![\w@.])@(\w(?:[\w.+@-]*\w)?)")


class NobodyMeant(DomainError):
    """No employee, or more than one, is called so."""

    code = "appeal.nobody_meant"
    text = "{what} Текст заметки сохранён в поле."


@dataclass(frozen=True)
class Colleague:
    """An employee as the list after «@» offers him; `insert` names nobody else."""

    name: str
    login: str
    note: str
    insert: str


@dataclass(frozen=True)
class Read:
    """A note's text with mentions spelled as names, whom they mean, and how they stand in the text."""

    text: str
    people: list[Employee] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def read(text: str, appeal: Appeal) -> Read:
    """Find who is mentioned; raise where a mention means nobody, several, or somebody who may not see the appeal."""
    asked = list(dict.fromkeys(_key(one) for one in _MENTION.findall(text)))
    if not asked:
        return Read(text)
    if len(asked) > MOST:
        raise NobodyMeant(what=f"В одной заметке можно упомянуть не больше {MOST} сотрудников.")
    everyone = list(Employee.objects.filter(is_active=True))
    meant = {name: _meant(name, everyone) for name in asked}
    people = list(dict.fromkeys(meant.values()))
    for one in people:
        if not access.visible_to(one).filter(pk=appeal.pk).exists():
            raise NobodyMeant(
                what=f"{one.short_name} не видит это обращение, упомянуть его нельзя. Уберите «@» или назначьте его "
                "соисполнителем."
            )
    named = _MENTION.sub(lambda found: f"@{meant[_key(found[1])].short_name}", text)
    for one in people:  # copied from another note with the initials
        initials = one.short_name.removeprefix(one.last_name)
        named = named.replace(f"@{one.short_name}{initials}", f"@{one.short_name}") if initials else named
    return Read(named, people, [f"@{one.short_name}" for one in people])


def colleagues(appeal: Appeal) -> list[Colleague]:
    """Return whom a note about this appeal may mention, by name. An offer only: `read` asks the rule itself."""
    today = timezone.localdate()
    everyone = list(Employee.objects.filter(is_active=True).select_related("unit").order_by("last_name", "pk"))
    seeing = access.who_see(appeal, today)
    surnames = [_key(one.last_name) for one in everyone]
    return [
        Colleague(
            one.short_name,
            one.username,
            one.post or str(one.unit or ""),
            f"@{one.last_name if _is_plain(one, surnames) else one.username}",
        )
        for one in everyone
        if one.pk in seeing
    ]


def _is_plain(one: Employee, surnames: list[str]) -> bool:
    """Tell whether the surname alone means this employee, as one word."""
    return surnames.count(_key(one.last_name)) == 1 and bool(_MENTION.fullmatch(f"@{one.last_name}"))


def _meant(name: str, everyone: Iterable[Employee]) -> Employee:
    found = [one for one in everyone if _key(one.username) == name]
    found = found or [one for one in everyone if _key(one.last_name) == name]
    if not found:
        raise NobodyMeant(
            what=f"Не нашли сотрудника «@{name}». Выберите его из списка, который появляется после «@», "
            "напишите логин или фамилию без ошибок."
        )
    if len(found) > 1:
        logins = ", ".join(f"@{one.username} — {one.short_name}" for one in found)
        raise NobodyMeant(what=f"Сотрудников с фамилией «{found[0].last_name}» несколько. Напишите логин: {logins}.")
    return found[0]


def _key(name: str) -> str:
    return name.casefold().replace("ё", "е")
