"""«Согласование материалов»: what authors have sent, one version beside what employees read, and the decision."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import agreement as domain
from otklik.knowledge import materials, remarks, rights
from otklik.knowledge.models import Agreement, Section
from otklik.workplace import notices
from otklik.workplace.compare import Change, changes
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
STATES: Final = {
    Agreement.State.WAITING: "ждут",
    Agreement.State.RETURNED: "возвращены",
    Agreement.State.AGREED: "согласованы",
}


@requires(*domain.READERS)
@require_safe
def agreements(request: StaffRequest) -> HttpResponse:
    """Show what was sent of the sections one agrees or writes: what waits, the longest waiting first."""
    user, today = request.user, timezone.localdate()
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in STATES else Agreement.State.WAITING
    rows = domain.seen_by(user, today).filter(state=chosen)
    rows = rows.order_by("asked_at", "pk") if chosen == Agreement.State.WAITING else rows.order_by("-decided_at", "-pk")
    rows = rows.select_related("page__content_type", "revision", "asked_by", "decided_by")
    page = Paginator(rows.defer("revision__content"), PER_PAGE).get_page(request.GET.get("page"))
    units = None if user.has_power(rights.CHIEF) else rights.units_agreed_by(user, today)
    context = {
        "page": page,
        "tabs": [(code.value, words) for code, words in STATES.items()],
        "chosen": str(chosen),
        "decides": {row.pk for row in page if units is None or row.of_unit in units},
    }
    return render(request, "workplace/kb/agreements.html", context)


@requires(*domain.READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one version beside what employees read; a POST decides, comments on a passage, or takes it back."""
    row = _row(request, pk)
    if request.method != "POST":
        notices.mark_read(request.user, path=reverse("workplace:agreement", args=[pk]))
        return _page(request, row)
    try:
        said, to = _act(request, row)
    except DomainError as refusal:
        return _page(request, row, refusal)
    messages.success(request, said)
    return redirect(to)


def _act(request: StaffRequest, row: Agreement) -> tuple[str, str]:
    given, by, listed = request.POST, request.user, reverse("workplace:agreements")
    title, step = row.revision.object_str, given.get("step", "")
    if step == "agree":
        domain.agree(row, by=by)
        starts = row.revision.as_object().go_live_at
        later = starts is not None and starts > timezone.now()
        if later:
            return f"«{title}»: согласовано. Сотрудники увидят {timezone.localtime(starts):%d.%m.%Y в %H:%M}.", listed
        return f"«{title}»: согласовано, сотрудники читают эту версию.", listed
    if step == "return":
        domain.give_back(row, remark=given.get("remark", ""), by=by)
        return f"«{title}»: возвращён, автор получит ваши слова.", listed
    if step == "comment":
        words = {name: given.get(name, "") for name in ("field", "passage", "text")}
        remarks.leave(row, by=by, **words)
        return "Замечание записано: автор увидит его в редакторе.", f"{request.path}#remarks"
    if step == "withdraw" and _may_edit(request, row):
        domain.withdraw(row, by=by)
        return f"«{title}» отозван с согласования, черновик остался.", reverse("workplace:agreement", args=[row.pk])
    raise Http404


def _page(request: StaffRequest, row: Agreement, refusal: DomainError | None = None) -> HttpResponse:
    user, today = request.user, timezone.localdate()
    version: Any = row.revision.as_object()
    section = domain.section_of(row.page)
    waits = Agreement.objects.filter(pk=row.pk, state=Agreement.State.WAITING).exists()
    context = {
        "row": row,
        "version": version,
        "is_section": isinstance(version, Section),
        "section": section,
        "waits": waits,
        "decides": waits and section is not None and rights.may_agree(user, section, on=today),
        "may_edit": section is not None and rights.may_edit(user, section, on=today),
        "changes": _changes(row, version),
        "newer": row.page.latest_revision_id != row.revision_id and waits,
        "remarks": remarks.of_page(version),
        "fields": remarks.fields_of(version),
        "most": domain.REMARK_MAX,
        "given": request.POST if refusal else {},
        "refusal": refusal,
        "wrong": type(refusal).__name__ if refusal else "",
    }
    return render(request, "workplace/kb/agreement.html", context, status=refusal.status if refusal else 200)


def _changes(row: Agreement, version: Any) -> list[Change]:
    """Return how the version differs from what employees read; nothing where they read none, or it is this one."""
    if not row.page.live or row.page.live_revision_id == row.revision_id:
        return []
    return changes(as_text(row.page.specific), as_text(version))


def as_text(page: Any) -> str:
    """Return all an author writes of a page as one text to compare."""
    lines = [page.title]
    if isinstance(page, Section):
        lines += [page.intro, *(str(link.material) for link in page.links.all())]
        return "\n".join(filter(None, lines))
    lines += [f"Кому доступен: {page.get_mark_display()}", page.brief()]
    for part in (*page.facts(), *page.parts(), *page.inner_parts()):
        lines += [part.heading, part.text]
    lines += [page.also_found_by()]
    lines += [f"Основание: {one.target} {one.place}".strip() for one in page.references.all() if one.target]
    lines += [f"Файл: {one.document}{' (сотрудникам)' if one.inner else ''}" for one in page.attachments.all()]
    for words, at in (("Опубликовать", page.go_live_at), ("Снять с публикации", page.expire_at)):
        lines += [f"{words}: {timezone.localtime(at):%d.%m.%Y %H:%M}"] if at else []
    return "\n".join(filter(None, lines))


def _row(request: StaffRequest, pk: int) -> Any:
    """Return what was sent, of the user's sections; a stranger learns nothing."""
    rows: QuerySet[Any] = domain.seen_by(request.user, timezone.localdate()).filter(pk=pk)
    row = rows.select_related("page", "revision", "asked_by", "decided_by").first()
    if row is None:
        raise materials.NoSuchMaterial
    return row


def _may_edit(request: StaffRequest, row: Agreement) -> bool:
    section = domain.section_of(row.page)
    return section is not None and rights.may_edit(request.user, section, on=timezone.localdate())
