"""The Knowledge Base as employees read it: home with search in the middle, a section, one material."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.appeals import access, signals
from otklik.appeals.models import Appeal
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.forms import TidyForm
from otklik.knowledge import (
    agreement,
    archive,
    finding,
    law,
    materials,
    proposals,
    public,
    reading,
    readings,
    review,
    rights,
    trust,
)
from otklik.knowledge.materials import Filters
from otklik.knowledge.models import Audience, LegalAct, Mark, Material, ReceptionSchedule, Section
from otklik.people.models import Unit
from otklik.workplace import kb_votes
from otklik.workplace.requests import StaffRequest

FOUND = 20
PER_PAGE = 100
RECENT = 8


@require_safe
@requires("knowledge.read")
def home(request: StaffRequest) -> HttpResponse:
    """Show the functions as tiles and what one searched for last, or what was found; as one types, only that part."""
    user, part = request.user, bool(getattr(request, "htmx", False))
    typing = part and request.htmx.trigger_name in ("q", None)  # not a filter
    query = typed.words(request.GET.get("q"), materials.QUERY_MAX)
    filters, exact = _filters(request), "exact" in request.GET
    context: dict[str, Any] = {"query": query, "filters": filters, "exact": exact}
    if query and not (typing and len(query) < materials.BEGUN):
        found = materials.search(query, user=user, filters=filters, limit=FOUND, typing=typing, exact=exact)
        context["results"] = found
        context["search_key"] = finding.typed(finding.Searcher(user), query, found.pages, finding.told_by(request))
        context["narrowed"] = urlencode({name: value for name, value in vars(filters).items() if value})
    if not part or "results" not in context:
        context["sections"] = sections = materials.sections(user)
        context["recent"] = finding.recent(finding.Searcher(user), limit=RECENT)
        # What one may not read is not to be chosen either: a choice would tell that it is there.
        context["choices"] = _choices(sections)
    if part:
        return render(request, "workplace/kb/_results.html", context)
    context["may_author"] = user.has_power("knowledge.edit")
    return render(request, "workplace/kb/home.html", context)


def _filters(request: StaffRequest) -> Filters:
    """Return what the address narrows a search to; what it cannot be narrowed to is left out."""
    given = request.GET
    kind, mark, fresh = given.get("kind", ""), given.get("mark", ""), given.get("fresh", "")
    return Filters(
        section=typed.number(given.get("section")),
        unit=typed.number(given.get("unit")),
        kind=kind if kind in materials.kinds() else "",
        mark=mark if mark in Mark.values else "",
        fresh=fresh if fresh in materials.FRESHNESS else "",
    )


def _choices(sections: list[Section]) -> dict[str, list[tuple[object, str]]]:
    units = {one.unit_id: one.unit.short_name for one in sections if one.unit}
    return {
        "section": [(one.pk, one.title) for one in sections],
        "unit": sorted(units.items(), key=lambda one: one[1]),
        "kind": list(materials.kinds().items()),
        "mark": list(Mark.choices),
        "fresh": list(materials.FRESHNESS.items()),
    }


@requires("knowledge.read")
@require_POST
def clear_recent(request: StaffRequest) -> HttpResponse:
    """Take the words one searched for out of what is offered again."""
    finding.clear_recent(finding.Searcher(request.user))
    messages.success(request, "Недавние запросы убраны.")
    return redirect("workplace:knowledge")


class AskForm(TidyForm):
    """A question no material answers, and who is asked."""

    question = forms.CharField(
        label="Что спрашивает человек",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Без фамилий, адресов и телефонов: вопрос увидят сотрудники подразделения.",
        error_messages={"required": proposals.NoQuestion.text},
    )
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label="Кого спросить",
        required=False,
        empty_label="не знаю — решит главный редактор",
        help_text="Подразделение ответит материалом в Базе знаний.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = proposals.units_that_write()  # type: ignore[attr-defined]


@requires("knowledge.read")
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: StaffRequest) -> HttpResponse:
    """Ask the unit that knows, or propose a material to the chief editor: where the Knowledge Base has no answer."""
    words = {"question": typed.words(request.GET.get("q"), materials.QUERY_MAX), "unit": request.GET.get("unit")}
    form = AskForm(request.POST or None, initial=words)
    if request.method == "POST" and form.is_valid():
        unit = form.cleaned_data["unit"]
        try:
            proposals.ask(form.cleaned_data["question"], unit=unit, by=request.user)
        except proposals.NoQuestion as refusal:
            form.add_error("question", str(refusal))
        else:
            messages.success(request, f"Вопрос передан: {unit or 'главный редактор'}. Ответ появится в Базе знаний.")
            return redirect("workplace:knowledge")
    context = {
        "form": form,
        "title": "Спросить подразделение",
        "lead": "Вопрос станет предложением об актуализации: его возьмут в работу и напишут материал.",
        "back": reverse("workplace:knowledge"),
        "back_name": "База знаний",
        "wide": ("question", "unit"),
        "done": "Передать вопрос",
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@require_safe
@requires("knowledge.read")
def section(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what an employee may read in a section, or one `?kind=` of it, then what it shows of others."""
    user = request.user
    one = get_object_or_404(Section.objects.select_related("unit", "function"), pk=pk, live=True)
    kind, rows = _filters(request).kind, materials.materials_of(one, user)
    if kind:
        rows = rows.filter(content_type__app_label="knowledge", content_type__model=kind)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "section": one,
        "page": page,
        "kind": kind,
        "kind_name": materials.kinds().get(kind, ""),
        "trusts": trust.of(page.object_list),
        "linked": materials.linked_from(one, user),
        "may_edit": rights.may_edit(user, one, on=timezone.localdate()),
    }
    return render(request, "workplace/kb/section.html", context)


@require_safe
@requires("knowledge.read")
def material(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one material: what is read first, then all of it, what it stands on, and what is on the site."""
    user, today = request.user, timezone.localdate()
    try:
        read = reading.opened(user, pk)
    except materials.NoSuchMaterial as exc:
        if (gone := archive.archived(pk)) is None:
            return _unpublished(request, pk, exc)
        return render(request, "workplace/kb/archived.html", {"material": gone, "successor": archive.successor(gone)})
    finding.opened(finding.Searcher(user), pk)
    review.look(read.trust.waiting, version=materials.version_of(read.material), by=user)
    context = {
        **vars(read),
        "written_from": _appeal(request, read.written_from),
        "is_schedule": isinstance(read.material, ReceptionSchedule),
        "changes_law": isinstance(read.material, LegalAct) and user.has_power(law.POWER),
        "sees_votes": user.has_any(kb_votes.READERS),
        "behind": public.is_behind(read.material, read.version),
        "may_edit": rights.may_edit(user, read.section, on=today),
        "may_keep": rights.may_keep(user, read.section, on=today),
        "numbers": {},
        "lazy_menu": True,
    }
    has_draft = read.material.has_unpublished_changes
    if has_draft and (context["may_edit"] or rights.may_agree(user, read.section, on=today)):
        context |= {"agreement": agreement.latest_of(read.material), "draft": True}
    return render(request, "workplace/kb/material.html", context)


@requires("knowledge.read")
@require_POST
def read(request: StaffRequest, pk: int) -> HttpResponse:
    """Count that a material was read: its page tells so when it has stayed open."""
    if not materials.for_staff(request.user).filter(pk=pk).exists():
        raise Http404
    readings.note(pk, Audience.STAFF)
    return HttpResponse(status=204)


def _unpublished(request: StaffRequest, pk: int, exc: Exception) -> HttpResponse:
    """Tell those who write or agree what is with a draft; to others there is none."""
    user, today = request.user, timezone.localdate()
    draft = Material.objects.filter(pk=pk, live=False).first()
    keeper = materials.section_of(draft) if draft else None
    if draft is None or keeper is None:
        raise Http404 from exc
    may_edit = rights.may_edit(user, keeper, on=today)
    if not may_edit and not rights.may_agree(user, keeper, on=today):
        raise Http404 from exc
    context = {"material": draft, "section": keeper, "may_edit": may_edit, "agreement": agreement.latest_of(draft)}
    return render(request, "workplace/kb/unpublished.html", context)


def _appeal(request: StaffRequest, reference: str) -> Appeal | None:
    """Return the appeal whose answer a material was written from, for who may see it."""
    pk = signals.appeal_of(reference)
    return access.visible_to(request.user).filter(pk=pk).first() if pk else None
