"""What the box at the top offers while one types: pages and steps, appeals, people, materials; at first, recent ones.

One list for the keyboard: an action that begins with the typed words stands first and is chosen at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from otklik.appeals import macros
from otklik.appeals.models import Appeal
from otklik.core import typed
from otklik.core.access import requires
from otklik.knowledge import materials
from otklik.people.models import Employee
from otklik.search import analysis
from otklik.workplace import finding, macros_pages, presence
from otklik.workplace.menu import pages_for
from otklik.workplace.requests import StaffRequest

SHOWN: Final = 5
_CARD: Final = re.compile(r"/desk/appeals/(\d{1,18})/")


@dataclass(frozen=True)
class Option:
    """One line of the list. `sure`: what was typed can mean nothing else, Enter opens it."""

    label: str
    url: str
    icon: str
    note: str = ""
    sure: bool = False


@requires()
@require_POST
def palette(request: StaffRequest) -> HttpResponse:
    """Show what fits the words typed so far. A POST: names do not stay in addresses and logs."""
    text, user = typed.words(request.POST.get("q"), 200), request.user
    groups = {"Макросы этого обращения": list(_macros(request, text))[:SHOWN]}
    groups |= {"Действия и страницы": list(_places(user, text))[: SHOWN if text else None]}
    if len(text) >= materials.BEGUN:
        found = finding.everything(user, text, limit=SHOWN, typing=True)
        groups |= {
            "Обращения": [_case(one.appeal, text) for one in found.cases.rows[:SHOWN]],
            "Заявители": [
                Option(masked.name, reverse("workplace:applicant", args=[one.pk]), "user", masked.email or masked.phone)
                for one, masked in found.people
            ],
            "База знаний" if found.materials.sure else "База знаний: уверенного ответа нет, ближайшее": [
                Option(one.title, reverse("workplace:knowledge_material", args=[one.page_id]), "book-2", one.unit)
                for one in found.materials.first
            ],
        }
    elif not text:
        recent = [_case(one, "") for one in presence.recent(user, limit=SHOWN)]
        groups = {"Недавние": recent, **groups}
    shown = {name: options for name, options in groups.items() if options}
    return render(request, "workplace/palette.html", {"groups": shown, "text": text})


def _places(user: Employee, text: str) -> Iterator[Option]:
    """Yield the pages this employee may open, those beginning with the words first; in whichever layout they came."""
    pages, wanted = list(pages_for(user)), text.lower()
    if not any(_fits(wanted, one.label) for one in pages):
        wanted = analysis.other_layout(wanted)
    for place in sorted(pages, key=lambda one: not one.label.lower().startswith(wanted)):
        if _fits(wanted, place.label):
            yield Option(
                place.label, place.url, place.icon, sure=bool(wanted) and place.label.lower().startswith(wanted)
            )


def _fits(wanted: str, label: str) -> bool:
    return all(word in label.lower() for word in wanted.split())


def _macros(request: StaffRequest, text: str) -> Iterator[Option]:
    """Yield the macros for the card the palette was opened over; the page they lead to asks once more."""
    here = _CARD.search(request.htmx.current_url or "") if request.htmx else None
    if here is None or not request.user.has_any(macros_pages.MAKERS):
        return
    wanted = text.lower().split()
    for macro in macros.usable_by(request.user):
        if all(word in f"макрос {macro.name.lower()}" for word in wanted):
            url = reverse("workplace:run_macro", args=[int(here[1])])
            yield Option(macro.name, f"{url}#macro-{macro.pk}", "bolt", "макрос")


def _case(one: Appeal, text: str) -> Option:
    return Option(one.number, reverse("workplace:card", args=[one.pk]), "inbox", one.subject, sure=text == one.number)
