"""Beside the call: which calls ring, who calls, what to answer, what it seems to be about. Parts of the call screen.

Each part is a page of its own where no script asks for it. What is typed goes in a POST: names and telephones that a
caller says do not stay in addresses and logs.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.hotline import consultations, popping, reading_aloud, recognition
from otklik.hotline.models import Call, Consultation
from otklik.knowledge import finding, materials
from otklik.workplace.requests import StaffRequest

# Keys of the kinds by their place on the keyboard, those the call screen leaves free.
KIND_KEYS: Final = (
    ("KeyC", "С"),
    ("KeyV", "М"),
    ("KeyM", "Ь"),
    ("Comma", "Б"),
    ("Period", "Ю"),
    ("Semicolon", "Ж"),
    ("Quote", "Э"),
)
KNOWN: Final = "X-Known"


@by_itself
@requires(popping.POWER)
@require_GET
def incoming(request: StaffRequest) -> HttpResponse:
    """Answer an open page which calls ring for this employee; nothing where it knows (`?known=`)."""
    calls = popping.incoming_for(request.user)
    now = ",".join(f"{call.pk}{call.state[0]}" for call in calls)
    if request.htmx and request.GET.get("known", "") == now:
        answer = HttpResponse(status=204)
    else:
        talking = [call for call in calls if call.state == Call.State.TALKING]
        waiting = [call for call in calls if call.state == Call.State.WAITING]
        answer = _part(request, "incoming", {"talking": talking, "waiting": waiting, "calls": [*talking, *waiting]})
    answer[KNOWN] = now
    return answer


@requires(popping.POWER)
@require_http_methods(["GET", "POST"])
def caller(request: StaffRequest, pk: int) -> HttpResponse:
    """Show who calls and what may be told; a POST tries to recognise the caller."""
    row = consultations.get_for(request.user, pk)
    context: dict[str, Any] = {"typed": {}}
    if request.method == "POST":
        given = {name: request.POST.get(name, "")[:500] for name in ("number", "code", *recognition.Fact.values)}
        try:
            found = _recognise(request, row, given)
        except DomainError as refusal:
            context |= {"refusal": str(refusal), "typed": given, "status": refusal.status}
        else:
            context["said"] = any(one.succeeded for one in found)
            if not context["said"]:
                context |= {"typed": given | {"code": ""}, "status": 422}
            row.refresh_from_db()
    context |= {
        "consultation": row,
        "caller": recognition.caller_of(row, by=request.user),
        "facts": recognition.Fact.choices,
        "may_work": consultations.may_work(row, request.user),
    }
    return _part(request, "caller", context)


def _recognise(request: StaffRequest, row: Consultation, given: dict[str, str]) -> list[Any]:
    if "by_code" in request.POST:
        return [recognition.by_number(row, given["number"], given["code"], by=request.user)]
    return list(recognition.by_told(row, given, by=request.user))


@requires(popping.POWER, "reception.hold")
@require_http_methods(["GET", "POST"])
def search(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Show the search beside the call, or what was found; as one types, only that part."""
    row = consultations.get_for(request.user, pk) if pk is not None else None
    given = request.POST if request.method == "POST" else request.GET
    query = typed.words(given.get("q"), materials.QUERY_MAX)
    typing = request.htmx.trigger_name == "q"
    kind = given.get("kind", "")
    kind = kind if kind in reading_aloud.kinds() else ""
    context: dict[str, Any] = {"query": query, "kind": kind, "exact": "exact" in given} | search_box(row)
    if query and not (typing and len(query) < materials.BEGUN):
        answers = reading_aloud.search(
            query, user=request.user, typing=typing, kind=kind, exact=context["exact"], consultation=row
        )
        context["answers"] = answers
        who = finding.Searcher(request.user)
        context["search_key"] = finding.typed(who, query, answers.results.pages, finding.told_by(request))
    if request.htmx and request.method == "POST":
        return render(request, "workplace/call_aside/_found.html", context)
    return _part(request, "search", context)


def search_box(consultation: Consultation | None) -> dict[str, Any]:
    """Return what the box of the search beside a call needs; without a consultation nothing is noted as used."""
    here = reverse("workplace:search_aside")
    if consultation is not None:
        here = reverse("workplace:call_search", args=[consultation.pk])
    kinds = [(*kind, *key) for kind, key in zip(reading_aloud.kinds().items(), KIND_KEYS, strict=True)]
    return {"consultation": consultation, "search_url": here, "kinds": kinds}


@requires(popping.POWER)
@require_http_methods(["GET", "POST"])
def material(request: StaffRequest, pk: int, page_id: int) -> HttpResponse:
    """Show a material beside the call; a POST notes that it was read aloud, used, or did not fit."""
    row = consultations.get_for(request.user, pk)
    context: dict[str, Any] = {}
    try:
        if request.method == "POST":
            how = request.POST.get("how", "")
            try:
                reading_aloud.used(row, page_id, how, by=request.user)
            except materials.NoSuchMaterial:
                raise
            except DomainError as refusal:
                context |= {"refusal": str(refusal), "status": refusal.status}
            else:
                if not request.htmx:  # pressed before a script has taken the form: back to the call
                    return redirect("workplace:call", pk=pk)
        beside = reading_aloud.opened(row, page_id, by=request.user)
    except materials.NoSuchMaterial as exc:
        raise Http404 from exc
    finding.opened(finding.Searcher(request.user), page_id)
    context |= {"consultation": row, **vars(beside), "may_work": consultations.may_work(row, request.user)}
    return _part(request, "material", context)


@requires(popping.POWER)
@require_GET
def votes(request: StaffRequest, pk: int) -> HttpResponse:
    """Propose a topic and a need by what was noted, searched for and opened, with the words behind them."""
    row = consultations.get_for(request.user, pk)
    topics, needs = reading_aloud.proposed(row)
    return _part(request, "votes", {"consultation": row, "topics": topics, "needs": needs})


def _part(request: StaffRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Return a part of the call screen, or a page of it alone where no script has asked."""
    template = f"workplace/call_aside/{name}.html"
    status = context.pop("status", 200)
    return render(request, f"{template}#pane" if request.htmx else template, context, status=status)
