"""«Ход рассмотрения»: what the law asks of one appeal besides its letters, every part of it in one request."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from otklik.appeals import access
from otklik.core.access import requires
from otklik.workplace import (
    classification,
    extension,
    forwarding,
    inquiries,
    macros_pages,
    merging,
    outcomes,
    parties,
    parts,
    pos_card,
    resolutions,
    routes_pages,
    sed_pages,
    storage_pages,
)
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Maker
from otklik.workplace.requests import StaffRequest

# In the order of the work. A part that has nothing to show and no step to offer is None.
PARTS: Final[tuple[Maker, ...]] = (
    pos_card.part,
    classification.part,
    outcomes.part,
    parties.part,
    merging.part,
    resolutions.part,
    parts.part,
    inquiries.part,
    forwarding.part,
    extension.part,
    routes_pages.part,
    sed_pages.part,
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
