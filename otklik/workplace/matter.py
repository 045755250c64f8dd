"""«Ход рассмотрения»: what the law asks of one appeal besides its letters, every part of it in one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from otklik.appeals import access
from otklik.appeals.models import Appeal
from otklik.core.access import requires
from otklik.people.models import Employee
from otklik.workplace import routes_pages
from otklik.workplace.card import READERS
from otklik.workplace.requests import StaffRequest


@dataclass(frozen=True)
class Step:
    """What can be done in a part: the name of its page, called with the key of the appeal."""

    label: str
    name: str
    icon: str


@dataclass(frozen=True)
class Part:
    """One part: its heading, its template with what it shows, and the steps this person may take now."""

    title: str
    icon: str
    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


Maker: TypeAlias = Callable[[Appeal, Employee], Part | None]
# In the order of the work. A part that has nothing to show and no step to offer is None.
PARTS: Final[tuple[Maker, ...]] = (routes_pages.part,)


@requires(*READERS)
@require_GET
def matter(request: StaffRequest, pk: int) -> HttpResponse:
    """Show every part of the matter that has something to say to this person."""
    appeal = access.get_for(request.user, pk)
    made = (make(appeal, request.user) for make in PARTS)
    facts = {"appeal": appeal, "parts": [part for part in made if part]}
    return render(request, "workplace/matter.html#parts" if request.htmx else "workplace/matter.html", facts)
