"""«Кто что может»: roles × powers, addresses and steps, drawn from the rows in force and from the code itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.appeals.step_rights import ASKED
from otklik.core import cms
from otklik.core.access import requires
from otklik.core.terms import valid
from otklik.knowledge import rights as knowledge_rights
from otklik.people.models import Role, RolePower
from otklik.people.powers import OF_GUESTS, POWERS
from otklik.workplace.requests import StaffRequest

PUBLIC, EMPLOYEE, GUEST = "public", "employee", "guest"
# Where an address begins → what people call the place. What is not named here stands under its own beginning.
PLACES: Final = {
    "desk/": "Рабочее место",
    "api/": "Программный интерфейс",
    "accounts/": "Вход",
    "stand/": "Учебный стенд",
    "kb/": "Опубликованная База знаний",
    "documents/": "Файлы Базы знаний",
    "": "Портал и служебные адреса",
}


@dataclass(frozen=True)
class Door:
    """One address: its route, and the marks its view bears (`core.access`)."""

    route: str
    access: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Return the route as people read it: «/desk/appeals/…/assign/»."""
        return "/" + re.sub(r"<[^>]+>", "…", self.route)

    def opens_for(self, powers: Collection[str]) -> bool:
        """Tell whether an employee with these powers gets in."""
        if PUBLIC in self.access or set(self.access) & set(powers):
            return True
        is_guest = bool(powers) and set(powers) <= OF_GUESTS
        return EMPLOYEE in self.access and (GUEST in self.access or not is_guest)

    @property
    def asks(self) -> str:
        """Return what it asks, in words."""
        if PUBLIC in self.access:
            return "открыто всем"
        if EMPLOYEE in self.access:
            return "любой, кто входит" if GUEST in self.access else "любой сотрудник"
        return " или ".join(POWERS.get(code, code) for code in self.access)


def doors(patterns: Any = None, prefix: str = "") -> Iterator[Door]:
    """Yield every address whose view says who may enter; Wagtail's own stand in `cms_doors`, programs enter by keys."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            if route != "cms/":
                yield from doors(one.url_patterns, route)
        elif isinstance(one, URLPattern) and (access := getattr(one.callback, "access", ())):
            if "token" in access:
                continue
            yield Door(route, tuple(access))


def cms_doors() -> list[tuple[str, tuple[str, ...]]]:
    """Return what stands behind `/cms/` and the powers that open it: materials, and each dictionary."""
    named: dict[str, tuple[str, ...]] = {label: (power,) for label, power in cms.registered().values()}
    named |= {str(model._meta.verbose_name_plural): asked for model, asked in knowledge_rights.snippets().items()}
    return [
        ("Материалы своего подразделения", (knowledge_rights.AUTHOR,)),
        ("Материалы всех подразделений, функции, разделы", ("knowledge.manage",)),
        *sorted((f"Справочник «{label[:1].upper()}{label[1:]}»", asked) for label, asked in named.items()),
    ]


def cms_powers() -> frozenset[str]:
    """Return the powers of which any opens `/cms/` at all."""
    return frozenset({knowledge_rights.AUTHOR, *knowledge_rights.GROUPS})


def powers_of_roles() -> dict[Role, frozenset[str]]:
    """Return each role with the powers it gives today, two queries."""
    given: dict[str, set[str]] = {}
    for role, power in RolePower.objects.filter(valid(timezone.localdate())).values_list("role", "power"):
        given.setdefault(role, set()).add(power)
    return {role: frozenset(given.get(role.pk, ())) for role in Role.objects.all()}


@requires("people.manage", "journal.view")
@require_GET
def rights(request: StaffRequest) -> HttpResponse:
    """Show the tables."""
    roles = powers_of_roles()
    held = list(roles.values())
    context = {
        "roles": list(roles),
        "powers": [(name, code, [code in powers for powers in held]) for code, name in POWERS.items()],
        "steps": [
            (one.name, _words(one.powers), one.whose, [bool(set(one.powers) & powers) for powers in held])
            for one in ASKED.values()
        ],
        "cms": [(name, _words(asked), [bool(set(asked) & powers) for powers in held]) for name, asked in cms_doors()],
        "places": [(title, list(_drawn(found, held))) for title, found in _by_place()],
    }
    return render(request, "workplace/rights.html", context)


def _words(powers: Iterable[str]) -> str:
    return " или ".join(POWERS[code] for code in powers)


def _by_place() -> Iterator[tuple[str, list[Door]]]:
    """Yield the places with their doors, the workplace first."""
    found: dict[str, list[Door]] = {title: [] for title in PLACES.values()}
    for door in doors():
        found[next(title for prefix, title in PLACES.items() if door.route.startswith(prefix))].append(door)
    yield from ((title, listed) for title, listed in found.items() if listed)


def _drawn(found: list[Door], held: list[frozenset[str]]) -> Iterator[tuple[str, str, list[bool]]]:
    for door in found:
        yield door.shown, door.asks, [door.opens_for(powers) for powers in held]
