"""«Ход рассмотрения»: what the law asks of one appeal besides its letters, every part of it in one request."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from otklik.appeals import access
from otklik.core.access import requires
from otklik.workplace import extension, forwarding
from otklik.people.models import Employee
from otklik.workplace import routes_pages
from otklik.workplace.card import READERS
from otklik.workplace.parts import Maker
from otklik.workplace import merging, outcomes, parties
from otklik.workplace.card import READERS
from otklik.workplace import macros_pages, storage_pages
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Maker
from otklik.workplace.requests import StaffRequest

# In the order of the work. A part that has nothing to show and no step to offer is None.
PARTS: Final[tuple[Maker, ...]] = (
    extension.part,
    forwarding.part,
)
from otklik.workplace import classification
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Maker, Part, Step
from otklik.workplace.requests import StaffRequest

__all__ = ["PARTS", "Maker", "Part", "Step", "matter"]

# In the order of the work. A part that has nothing to show and no step to offer is None.
PARTS: Final[tuple[Maker, ...]] = (classification.part,)
    outcomes.part,
    parties.part,
    merging.part,
)
from otklik.workplace import pos_card
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Maker, Part, Step
from otklik.workplace.requests import StaffRequest

__all__ = ["PARTS", "Maker", "Part", "Step", "matter"]

# In the order of the work. A part that has nothing to show and no step to offer is None.
PARTS: Final[tuple[Maker, ...]] = (pos_card.part,)
from otklik.workplace import inquiries, parts, resolutions, sed_pages
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Maker, Part, Step
from otklik.workplace.requests import StaffRequest

__all__ = ["PARTS", "Maker", "Part", "Step", "matter"]

# In the order of the work. A part that has nothing to show and no step to offer is None.
PARTS: Final[tuple[Maker, ...]] = (
    resolutions.part,
    parts.part,
    inquiries.part,
    sed_pages.part,
)
PARTS: Final[tuple[Maker, ...]] = (routes_pages.part,)
    macros_pages.part,
    macros_pages.points_part,
    storage_pages.part,
)


@requires(*READERS)
@require_GET
def matter(request: StaffRequest, pk: int) -> HttpResponse:
    """Show every part of the matter that has something to say to this person."""
    appeal = access.get_for(request.user, pk)
    made = (make(appeal, request.user) for make in PARTS)
    facts = {"appeal": appeal, "parts": [part for part in made if part]}
    return render(request, "workplace/matter.html#parts" if request.htmx else "workplace/matter.html", facts)
