"""«Ход рассмотрения»: what the law asks of one appeal besides its letters, every part of it in one request."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from otklik.appeals import access
from otklik.appeals.models import (
    AwaitedApproval,
    CaseMerge,
    Collective,
    Complained,
    ControlTerm,
    Forwarding,
    HelperPart,
    Inquiry,
    Kinship,
    LegalHold,
    MarginRemark,
    QuestionOutcome,
    Reclassification,
    Resolution,
    SedNumber,
    TermExtension,
)
from otklik.core.access import requires
from otklik.people.models import Employee
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


# What of a case there is, asked with the case itself: most cases have little of it, and what is not there is not read.
_IN: Final[dict[str, QuerySet[Any]]] = {
    "changes": Reclassification.objects.filter(appeal=OuterRef("pk")),
    "outcomes": QuestionOutcome.objects.filter(appeal=OuterRef("pk"), replaced_at=None),
    "complained": Complained.objects.filter(appeal=OuterRef("pk")),
    "collective": Collective.objects.filter(appeal=OuterRef("pk")),
    "kin": Kinship.objects.filter(Q(main=OuterRef("pk")) | Q(other=OuterRef("pk"))),
    "merges": CaseMerge.objects.filter(Q(kept=OuterRef("pk")) | Q(merged=OuterRef("pk"))),
    "resolutions": Resolution.objects.filter(appeal=OuterRef("pk")),
    "parts": HelperPart.objects.filter(appeal=OuterRef("pk")),
    "inquiries": Inquiry.objects.filter(appeal=OuterRef("pk")),
    "forwardings": Forwarding.objects.filter(appeal=OuterRef("pk")),
    "extension": TermExtension.objects.filter(appeal=OuterRef("pk")),
    "control": ControlTerm.objects.filter(appeal=OuterRef("pk"), lifted_at=None),
    "awaited": AwaitedApproval.objects.filter(revision__draft__appeal=OuterRef("pk")),
    "remarks": MarginRemark.objects.filter(revision__draft__appeal=OuterRef("pk"), done_at=None),
    "sed": SedNumber.objects.filter(appeal=OuterRef("pk")),
    "holds": LegalHold.objects.filter(appeal=OuterRef("pk")),
}


def _there(_: Employee) -> dict[str, Exists]:
    return {f"there_{name}": Exists(rows) for name, rows in _IN.items()}


@requires(*READERS)
@require_GET
def matter(request: StaffRequest, pk: int) -> HttpResponse:
    """Show every part of the matter that has something to say to this person."""
    appeal = access.get_for(request.user, pk, _there)
    made = (make(appeal, request.user) for make in PARTS)
    # Beside the card a part is a word until it is wanted; who opens the page has come to read all of it.
    facts = {"appeal": appeal, "parts": [part for part in made if part], "whole": not request.htmx}
    return render(request, "workplace/matter.html#parts" if request.htmx else "workplace/matter.html", facts)
