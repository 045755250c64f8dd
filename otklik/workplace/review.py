"""«Актуализация»: the quarter's duties, one material at a time, what is missing, the protocol."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.appeals import search_feed
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import materials, quarters, rights, trust
from otklik.knowledge import protocol as protocols
from otklik.knowledge import review as reviewing
from otklik.knowledge.models import QuarterOpening, ReviewDuty, ReviewItem
from otklik.knowledge.quarters import Quarter
from otklik.workplace import notices
from otklik.workplace.asked import APPEALS
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
ALIKE: Final = 5


@requires(*reviewing.READERS)
@require_safe
def reviews(request: StaffRequest) -> HttpResponse:
    """Show the duties: of this quarter and what is open of earlier ones, or of the quarter asked for."""
    user, today = request.user, timezone.localdate()
    seen = reviewing.duties_seen_by(user)
    quarter = _asked_quarter(request)
    shown = seen.filter(year=quarter.year, quarter=quarter.number) if quarter else _current(seen)
    if (unit := typed.number(request.GET.get("unit"))) is not None:
        shown = shown.filter(unit=unit)
    units = reviewing.units_reviewed_by(user)
    duties = list(reviewing.with_progress(shown).order_by("-year", "-quarter", "unit__index", "unit__name"))
    context = {
        "duties": [(duty, units is None or duty.unit_id in units) for duty in duties],
        "some_are_others": units is not None and any(duty.unit_id not in units for duty in duties),
        "quarter": quarter,
        "quarters": [
            Quarter(*one) for one in seen.order_by("-year", "-quarter").values_list("year", "quarter").distinct()
        ],
        "unit": unit,
        "units": sorted({(duty.unit_id, str(duty.unit)) for duty in seen}, key=lambda one: one[1]),
        "opening": QuarterOpening.objects.filter(ended_at=None).first(),
        "today": today,
        "orphans": list(quarters.without_keeper(today)) if user.has_power(reviewing.CHIEF) else [],
    }
    return render(request, "workplace/kb/reviews.html", context)


def _current(seen: QuerySet[ReviewDuty]) -> QuerySet[ReviewDuty]:
    now = Quarter.of(timezone.localdate())
    return seen.filter(year=now.year, quarter=now.number) | seen.filter(closed_at=None)


def _asked_quarter(request: StaffRequest) -> Quarter | None:
    """Return the quarter of `?quarter=2026-3`, or that of the day `?on=`."""
    year, _, number = request.GET.get("quarter", "").partition("-")
    if (of := typed.number(year)) and number in ("1", "2", "3", "4"):
        return Quarter(min(of, typed.LAST_YEAR), int(number))
    on = typed.day(request.GET.get("on"))
    return Quarter.of(on) if on else None


@requires(*reviewing.READERS)
@require_safe
def review(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one duty: how far it is, its materials, what is left."""
    return _duty_page(request, _duty(request, pk))


def _duty_page(request: StaffRequest, duty: ReviewDuty, refusal: DomainError | None = None) -> HttpResponse:
    user = request.user
    notices.mark_read(user, path=reverse("workplace:review", args=[duty.pk]))
    waits = Q(state=ReviewItem.State.WAITING)
    items = duty.items.select_related("decided_by", "material").annotate(opened=reviewing.seen_by(user), waits=waits)
    state = request.GET.get("state", "")
    if state in ReviewItem.State.values:
        items = items.filter(state=state)
    waiting = duty.items.filter(waits).order_by("pk")
    context = {
        "duty": reviewing.with_progress(
            ReviewDuty.objects.filter(pk=duty.pk).select_related("unit", "closed_by")
        ).get(),
        "page": Paginator(items.order_by("-waits", "pk"), PER_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": ReviewItem.State.choices,
        "first": waiting.values_list("pk", flat=True).first(),
        "mine": reviewing.may_review(user, duty.unit_id),
        "most": reviewing.AT_ONCE,
        "refusal": refusal,
    }
    return render(request, "workplace/kb/review.html", context, status=refusal.status if refusal else 200)


@requires(*reviewing.REVIEWERS)
@require_POST
def confirm_each(request: StaffRequest, pk: int) -> HttpResponse:
    """Confirm the ticked materials, all of them or none."""
    duty = _duty(request, pk)
    ticked = [number for text in request.POST.getlist("items") if (number := typed.number(text)) is not None]
    items = list(reviewing.items_of(request.user).filter(duty=duty, pk__in=ticked))
    try:
        reviewing.confirm_each(items, by=request.user)
    except DomainError as refusal:
        return _duty_page(request, duty, refusal)
    messages.success(request, f"Подтверждено материалов: {len(items)}.")
    return redirect("workplace:review", pk=pk)


@requires(*reviewing.REVIEWERS)
@require_http_methods(["GET", "POST"])
def item(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one material with what matters for the decision; a POST decides and goes on to the next one.

    `?appeals=1`: with the appeals that are about the same. The page asks for them itself: it waits for no search.
    """
    one = reviewing.items_of(request.user).filter(pk=pk).first()
    if one is None:
        raise Http404
    if request.method != "POST":
        return _item_page(request, one)
    following = reviewing.place_of(one).next
    try:
        said = _decide(request, one)
    except DomainError as refusal:
        return _item_page(request, one, refusal)
    messages.success(request, said)
    if following:
        return redirect("workplace:review_item", pk=following)
    return redirect("workplace:review_end", pk=one.duty_id) if one.duty_id else redirect("workplace:reviews")


def _decide(request: StaffRequest, one: ReviewItem) -> str:
    note, acts, step = (request.POST.get(name, "") for name in ("note", "acts", "step"))
    if step == "confirm":
        reviewing.confirm(one, note=note, acts=acts, by=request.user)
        return f"«{one.title}»: проверено."
    if step == "changed":
        reviewing.changed(one, note=note, by=request.user)
        return f"«{one.title}»: записано, что изменён."
    if step == "archive":
        reviewing.archive(one, reason=request.POST.get("reason", ""), by=request.user)
        return f"«{one.title}»: снят с публикации."
    raise Http404


def _item_page(request: StaffRequest, one: ReviewItem, refusal: DomainError | None = None) -> HttpResponse:
    user = request.user
    material = one.material.specific if one.material else None
    section = materials.section_of(material) if material else None
    if material and refusal is None:
        reviewing.look([one], version=materials.version_of(material), by=user)
    context = {
        "item": one,
        "material": material,
        "section": section,
        "place": reviewing.place_of(one),
        "facts": reviewing.evidence(material) if material else [],
        "trust": trust.of([material])[material.pk] if material else None,
        "may_edit": section is not None and rights.may_edit(user, section, on=timezone.localdate()),
        "may_note_change": reviewing.was_changed(one),
        "given": request.POST,
        "refusal": refusal,
        "sees_appeals": user.has_any(APPEALS),
    }
    if material and "appeals" in request.GET:
        context["alike"] = search_feed.ask(user, material.title, limit=ALIKE)[1] if user.has_any(APPEALS) else []
    return render(request, "workplace/kb/review_item.html", context, status=refusal.status if refusal else 200)


@requires(*reviewing.REVIEWERS)
@require_http_methods(["GET", "POST"])
def end(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask what is missing and why sections stand empty; keep the answers, and close the duty."""
    duty = _duty(request, pk)
    if not reviewing.may_review(request.user, duty.unit_id):
        raise Http404
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            _answer(request, duty)
            if "close" not in request.POST:
                messages.success(request, "Ответы сохранены.")
                return redirect("workplace:review_end", pk=pk)
            reviewing.close(duty, by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, f"Проверка закрыта: {duty}. Протокол готов.")
            return redirect("workplace:review_protocol", pk=pk)
    posted: Any = request.POST if refusal else {}
    context = {
        "duty": duty,
        "has_all": posted.get("has_all", _said(duty)),
        "missing": posted.get("missing", duty.missing),
        "empty": [
            (section, posted.get(f"empty-{section.pk}", said)) for section, said in reviewing.empty_sections(duty)
        ],
        "left": reviewing.left(duty),
        "refusal": refusal,
    }
    return render(request, "workplace/kb/review_end.html", context, status=refusal.status if refusal else 200)


def _said(duty: ReviewDuty) -> str:
    return "" if duty.has_all is None else "yes" if duty.has_all else "no"


def _answer(request: StaffRequest, duty: ReviewDuty) -> None:
    said = {section.pk: request.POST.get(f"empty-{section.pk}", "") for section, _ in reviewing.empty_sections(duty)}
    has_all, missing = request.POST.get("has_all", "") == "yes", request.POST.get("missing", "")
    reviewing.answer(duty, has_all=has_all, missing=missing, empty=said, by=request.user)


@requires(*reviewing.READERS)
@require_safe
def protocol(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the protocol of the quarter."""
    duty = _duty(request, pk)
    return render(request, "workplace/kb/review_protocol.html", {"duty": duty, "protocol": protocols.of(duty)})


@requires(*reviewing.READERS)
@require_safe
def protocol_pdf(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the protocol as PDF, to be printed and signed."""
    content = protocols.pdf(protocols.of(_duty(request, pk)), on=timezone.localdate())
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, no-store"
    return response


def _duty(request: StaffRequest, pk: int) -> ReviewDuty:
    return get_object_or_404(reviewing.duties_seen_by(request.user), pk=pk)
