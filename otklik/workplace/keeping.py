"""An answered appeal for the Knowledge Base: «стоит сохранить», and a material made of the answer without names."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, keeping, permissions
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.knowledge import drafts, rights
from otklik.workplace import queue
from otklik.workplace.requests import StaffRequest


def _kinds() -> list[tuple[str, str]]:
    return [(code, words) for code, words in drafts.kinds() if code in keeping.KINDS]


@requires("appeals.draft")
@require_http_methods(["GET", "HEAD", "POST"])
def keep(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask what is worth keeping; a POST makes it a proposal to the unit."""
    appeal = access.get_for(request.user, pk)
    refusal: DomainError | None = None
    try:
        if request.method == "POST":
            given = request.POST
            keeping.propose(appeal, kind=given.get("kind", ""), words=given.get("words", ""), by=request.user)
            messages.success(request, "Решение отмечено: предложение ушло авторам подразделения.")
            return redirect(queue.card_url(request, pk))
        keeping.check_can_keep(appeal, request.user)
    except keeping.WrongKind as exc:
        refusal = exc
    context = {
        "appeal": appeal,
        "kinds": _kinds(),
        "given": request.POST if refusal else {"kind": "DecisionExample"},
        "may_write": permissions.allows(keeping.check_can_write_material, appeal, request.user),
        "refusal": refusal,
    }
    return render(request, "workplace/keep.html", context, status=refusal.status if refusal else 200)


@requires(rights.AUTHOR, rights.CHIEF)
@require_http_methods(["GET", "HEAD", "POST"])
def material_of_answer(request: StaffRequest, pk: int) -> HttpResponse:
    """Show question and answer beside what would be left of them; a POST writes the draft once all is decided.

    «Найти ещё» looks for the words the author has named, and writes nothing.
    """
    appeal, user, given = access.get_for(request.user, pk), request.user, request.POST
    keeping.check_can_write_material(appeal, user)
    also = [line.strip() for line in given.get("also", "").splitlines() if line.strip()]
    prepared = keeping.prepare(appeal, also=also)
    sections = list(rights.sections_edited_by(user, timezone.localdate()))
    decided = {one.key: said for one in prepared.found if (said := given.get(f"place-{one.key}", ""))}
    refusal: DomainError | None = None
    if request.method == "POST" and "again" not in given:
        chosen = typed.number(given.get("section"))
        try:
            section = next((one for one in sections if one.pk == chosen), None)
            if section is None:
                raise drafts.NotYourSection
            page = keeping.write(
                appeal,
                kind=given.get("kind", ""),
                section=section,
                title=given.get("title", ""),
                decided=decided,
                also=also,
                by=user,
            )
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, "Черновик создан: внутренний, его видят авторы. Проверьте текст и опубликуйте.")
            return redirect("wagtailadmin_pages:edit", page.pk)
    context = {
        "appeal": appeal,
        "prepared": prepared,
        "pieces": prepared.pieces(),
        "found": [(number, one, decided.get(one.key, "")) for number, one in enumerate(prepared.found, 1)],
        "kinds": _kinds(),
        "sections": sections,
        "given": given if request.method == "POST" else {"kind": "Faq", "title": prepared.title},
        "chosen": typed.number(given.get("section")),
        "refusal": refusal,
        "wrong": type(refusal).__name__ if refusal else "",
    }
    return render(request, "workplace/material_of_answer.html", context, status=refusal.status if refusal else 200)
