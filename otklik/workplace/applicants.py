"""Applicants: find one, look (with a reason, logged), merge two, take a merge back."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access
from otklik.core import typed
from otklik.core.access import requires
from otklik.people import access as people_access
from otklik.people import applicants as people
from otklik.people.models import Applicant, ApplicantMerge, Contact, Employee
from otklik.workplace.forms import FindApplicantForm
from otklik.workplace.requests import StaffRequest

SHOWN: Final = 20
NAMESAKES: Final = 500  # of whom it is asked whether he may see them, not of all applicants


def find(text: str, user: Employee) -> list[Applicant]:
    """Return applicants by telephone, e-mail, or the beginning of a word of their name; merged ones as their main one.

    Only those whose data this employee may ask for, the newest first.
    """
    fits = people.called(text) if len(people.plain(text)) >= 2 else Q(pk__in=[])
    if keys := [key for key in (people.email_key(text), people.phone_key(text)) if key]:
        fits |= Q(pk__in=Contact.objects.filter(key__in=keys).values("applicant"))
    some = list(Applicant.objects.filter(fits).values_list("pk", flat=True)[:NAMESAKES])
    seen = access.applicants_seen(user, some)
    if len(some) < NAMESAKES or len(seen) >= 2 * SHOWN:
        known = Applicant.objects.filter(pk__in=seen)
    else:  # many bear the name, and hardly any of those is his
        known = access.applicants_of(user).filter(fits)
    rows = known.select_related("merged_into").prefetch_related("contacts").order_by("-pk")
    found = {people.main(one).pk: people.main(one) for one in rows[: 2 * SHOWN]}
    return list(found.values())[:SHOWN]


@requires("applicants.view")
@require_http_methods(["GET", "POST"])
def applicants(request: StaffRequest) -> HttpResponse:
    """Find applicants. What is typed goes by POST: names do not stay in addresses and logs."""
    form = FindApplicantForm(request.POST or None)
    shown = None
    if form.is_valid():
        shown = [(one, people_access.masked(one)) for one in find(form.cleaned_data["what"], request.user)]
    return render(request, "workplace/applicants.html", {"form": form, "found": shown})


@requires("applicants.view")
@require_GET
def applicant(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one applicant, masked, with the appeals the employee may see and the merges."""
    one = get_object_or_404(access.applicants_of(request.user).select_related("merged_into"), pk=pk)
    group = people.group(one)
    return render(
        request,
        "workplace/applicant.html",
        {
            "applicant": one,
            "masked": people_access.masked(one),
            "can_reveal": True,
            "can_see_looks": request.user.has_power("journal.view"),
            "appeals": list(
                access.visible_to(request.user)
                .filter(applicant__in=group)
                .select_related("applicant", "executor", "unit")
                .order_by("-pk")[:50]
            ),
            "merges": list(_merges().filter(Q(kept__in=group) | Q(merged__in=group))),
            "can_merge": request.user.has_power("applicants.merge"),
            "alike": _alike(one, group),
        },
    )


@requires("applicants.view")
@require_POST
def reveal(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an applicant in full; who looked and why is written down."""
    one = get_object_or_404(access.applicants_of(request.user).prefetch_related("contacts"), pk=pk)
    revealed = people_access.reveal(
        one, by=request.user, reason=request.POST.get("reason", ""), about=request.POST.get("about", "")[:60]
    )
    template = "workplace/revealed.html#pane" if request.htmx else "workplace/revealed.html"
    response = render(request, template, {"applicant": one, "revealed": revealed})
    response["Cache-Control"] = "private, no-store"
    return response


@requires("applicants.merge")
@require_POST
def merge(request: StaffRequest, pk: int) -> HttpResponse:
    """Join another applicant to this one."""
    known = access.applicants_of(request.user)
    kept = get_object_or_404(known, pk=pk)
    merged = get_object_or_404(known, pk=typed.number(request.POST.get("merged")))
    people.merge(kept, merged, by=request.user)
    messages.success(request, "Заявители объединены. Объединение можно отменить на этой странице.")
    return redirect("workplace:applicant", pk=pk)


@requires("applicants.merge")
@require_POST
def undo_merge(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a merge back."""
    row = get_object_or_404(ApplicantMerge, pk=pk)
    people.undo_merge(row, by=request.user)
    messages.success(request, "Объединение отменено: оба заявителя снова сами по себе.")
    return redirect("workplace:applicant", pk=row.kept_id)


def _merges() -> QuerySet[ApplicantMerge]:
    rows = ApplicantMerge.objects.filter(undone_at__isnull=True).select_related("kept", "merged", "by")
    return rows.order_by("-pk")


def _alike(one: Applicant, group: set[int]) -> list[tuple[Applicant, str]]:
    """Return others with the same name or a shared contact, with what agrees."""
    keys = one.contacts.values_list("key", flat=True)
    same = Q(name_key=one.name_key) if one.name_key else Q(pk__in=[])
    rows = Applicant.objects.filter(same | Q(contacts__key__in=list(keys))).filter(merged_into__isnull=True)
    return [
        (other, "то же имя" if other.name_key == one.name_key else "общий контакт")
        for other in rows.exclude(pk__in=group).distinct()[:10]
    ]
