"""Use of materials (п. 14.1): where one is used, a template tried on an appeal, answers with a material."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_safe

from otklik.appeals import access, drafting, reuse
from otklik.appeals.models import Appeal, Citation
from otklik.core import typed
from otklik.core.access import requires
from otklik.knowledge import materials, placeholders, proposals, review
from otklik.knowledge.models import Material, ReplyTemplate
from otklik.people.models import Employee, Unit
from otklik.search import learning
from otklik.workplace import kb_votes
from otklik.workplace.drafting import WRITERS
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
YEAR: Final = timedelta(days=365)
OFFERED: Final = 15  # appeals to try a template on
OUTCOMES: Final = {"with": ("с материалом", True), "without": ("без материала", False)}


@requires("knowledge.read")
@require_safe
def uses(request: StaffRequest, pk: int) -> HttpResponse:
    """Show where a material is used: answers the user may see, materials, sections, what it came of, its checks."""
    user, one = request.user, _read(request.user, pk)
    cited = Citation.objects.filter(material=pk)
    seen = cited.filter(draft__appeal__in=access.visible_to(user)).select_related("by", "draft__appeal__unit")
    page = Paginator(seen.order_by("-at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "material": one,
        "section": materials.section_of(one),
        "page": page,
        "citations": drafting.dated(page.object_list),
        "current": {materials.version_of(one), materials.version_on_site(one)},
        "total": cited.count(),
        "hidden": cited.count() - page.paginator.count,
        "referring": materials.referring_to(one, user),
        "sections": materials.also_in(one),
        "proposals": list(proposals.about(one, user, timezone.localdate())) if _keeps(user) else [],
        "learned": learning.of(materials.INDEX, str(pk)) if _keeps(user) else None,
        "checks": review.history_of(one),
    }
    return render(request, "workplace/kb/uses.html", context)


@requires("knowledge.read")
@require_safe
def on_case(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a reply template filled in: with an appeal the user may see (`?number=`), else with an example."""
    user, one = request.user, _read(request.user, pk)
    if not isinstance(one, ReplyTemplate):
        raise Http404
    number = request.GET.get("number", "").replace("\x00", "").strip()[:60]
    # The letter names its addressee in full: whoever only reads materials sees the example.
    seen = access.visible_to(user) if user.has_any(WRITERS) else Appeal.objects.none()
    found = seen.filter(number__iexact=number).first() if number else None
    appeal = access.get_for(user, found.pk) if found else None
    filled = placeholders.fill(one.text, drafting.facts(appeal) if appeal else placeholders.EXAMPLE)
    context = {
        "material": one,
        "section": materials.section_of(one),
        "number": number,
        "appeal": appeal,
        "missing": bool(number and not appeal),
        "filled": filled,
        "pieces": list(placeholders.pieces(filled)),
        "offered": list(seen.filter(status__in=drafting.EDITABLE).order_by("-pk")[:OFFERED]),
        "may_choose": user.has_any(WRITERS),
    }
    return render(request, "workplace/kb/on_case.html", context, status=422 if context["missing"] else 200)


@requires(*kb_votes.READERS)
@require_GET
def share(request: StaffRequest) -> HttpResponse:
    """Show what share of answers a material went into: of a year or a month, by months, by units."""
    first, last, month = _days(request)
    unit = typed.number(request.GET.get("unit"))
    today = timezone.localdate()
    months = reuse.by_month(today - YEAR, today, unit=unit)
    units = reuse.by_unit(first, last) if unit is None else {}
    context = {
        **_frame(month, unit),
        "share": reuse.share(first, last, unit=unit),
        "months": [(one, row, _query(one, unit)) for one, row in months.items()],
        "units": [(one, row, _query(month, one.pk)) for one, row in units.items()],
    }
    return render(request, "workplace/kb/share.html", context)


@requires(*kb_votes.READERS)
@require_GET
def answers(request: StaffRequest) -> HttpResponse:
    """Show the very answers a figure counts, as far as the user sees their appeals; the rest is a number."""
    first, last, month = _days(request)
    unit, outcome = typed.number(request.GET.get("unit")), request.GET.get("outcome", "")
    rows = reuse.answers(first, last, unit=unit).order_by("-answered_on", "-pk")
    if outcome in OUTCOMES:
        rows = rows.filter(is_cited=OUTCOMES[outcome][1])
    seen = rows.filter(pk__in=access.visible_to(request.user).values("pk")).select_related("unit", "executor")
    page = Paginator(seen, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **_frame(month, unit),
        "page": page,
        "hidden": rows.count() - page.paginator.count,
        "outcome": OUTCOMES[outcome][0] if outcome in OUTCOMES else "",
        "query": _query(month, unit, outcome if outcome in OUTCOMES else ""),
    }
    return render(request, "workplace/kb/answers.html", context)


def _read(user: Employee, pk: int) -> Material:
    try:
        return materials.get_for(user, pk)
    except materials.NoSuchMaterial as exc:
        raise Http404 from exc


def _keeps(user: Employee) -> bool:
    return user.has_any(kb_votes.READERS)


def _days(request: HttpRequest) -> tuple[date, date, date | None]:
    """Return the first and the last day that are asked for, and the month where one is named."""
    today = timezone.localdate()
    month = typed.day(f"{request.GET.get('month', '')}-01")
    if month is None or month > today:
        return today - YEAR, today, None
    return month, (month + timedelta(days=32)).replace(day=1) - timedelta(days=1), month


def _frame(month: date | None, unit: int | None) -> dict[str, Any]:
    return {
        "month": month,
        "unit": Unit.objects.filter(pk=unit).first() if unit is not None else None,
        "when": date_format(month, "F Y").lower() if month else "за год",
        "every": _query(month, unit),
    }


def _query(month: date | None, unit: int | None, outcome: str = "") -> str:
    asked = {"month": f"{month:%Y-%m}" if month else "", "unit": unit or "", "outcome": outcome}
    return urlencode({name: value for name, value in asked.items() if value})
