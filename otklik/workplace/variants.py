"""The page of an answer's variants: read side by side, compared with the text in work, taken or put away."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import access, drafting
from otklik.appeals import variants as kept
from otklik.appeals.models import Appeal, DraftVariant
from otklik.appeals.permissions import allows
from otklik.core import files, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.workplace import queue
from otklik.workplace.compare import changes
from otklik.workplace.drafting import WRITERS, as_letter, in_conflict, in_word, opened
from otklik.workplace.requests import StaffRequest


@requires(*WRITERS)
@require_http_methods(["GET", "HEAD", "POST"])
def variants(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the text in work and its variants; a POST does what the pressed button says."""
    appeal = opened(request, pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            return _pressed(request, appeal)
        except drafting.DraftConflict as conflict:
            return in_conflict(request, appeal, conflict)
        except DomainError as exc:
            refusal = exc
    current, there = drafting.draft_of(appeal), kept.of(appeal)
    compared = next((one for one in there if str(one.pk) == request.GET.get("with")), None)
    context = {
        "appeal": appeal,
        "draft": current,
        "variants": there,
        "compared": compared,
        "changes": changes(current.text, compared.revision.text) if compared else [],
        "can_write": allows(drafting.check_can_draft, appeal, request.user),
        "typed": request.POST.get("name", ""),
        "refusal": refusal,
    }
    return render(request, "workplace/variants.html", context, status=refusal.status if refusal else 200)


def _pressed(request: StaffRequest, appeal: Appeal) -> HttpResponse:
    name = request.POST.get("name", "")
    if "take" in request.POST:
        row = _one(appeal, typed.number(request.POST["take"]))
        base_version = typed.number(request.POST.get("base_version")) or 0
        kept.take(appeal, row, base_version=base_version, by=request.user)
        messages.success(request, f"В работе текст «{row.name}». Прежний текст сохранён среди редакций.")
        return redirect(queue.step_url(request, "draft", appeal.pk))
    if "put_away" in request.POST:
        row = _one(appeal, typed.number(request.POST["put_away"]))
        kept.put_away(appeal, row, by=request.user)
        messages.success(request, f"Вариант «{row.name}» убран. Его текст остался среди редакций.")
    elif (upload := request.FILES.get("document")) is not None:
        row = kept.bring(appeal, upload, name, by=request.user)
        messages.success(request, f"Вариант «{row.name}» добавлен. Текст в работе не изменился.")
    elif "bring" in request.POST:
        messages.warning(request, "Сначала выберите документ, затем нажмите «Добавить вариант».")
    else:
        row = kept.keep_current(appeal, name, by=request.user)
        messages.success(request, f"Текст отложен: «{row.name}».")
    return redirect(queue.step_url(request, "variants", appeal.pk))


@requires(*WRITERS)
@require_GET
def document(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out the document a variant was brought in; one typed here, as a DOCX to be edited and brought back."""
    _, row = _readable(request, pk)
    return files.response(row.file, row.file_name) if row.file else in_word(row.revision.text, row.name)


@requires(*WRITERS)
@require_GET
def letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a variant as the PDF it would be today."""
    appeal, row = _readable(request, pk)
    return as_letter(request, appeal, row.revision.text)


def _readable(request: StaffRequest, pk: int) -> tuple[Appeal, DraftVariant]:
    """Return a variant and its appeal, whose draft the user may read."""
    found = access.get_of_appeal(request.user, DraftVariant.objects.all(), "revision__draft__appeal", pk=pk)
    appeal = opened(request, found.revision.draft.appeal_id)
    return appeal, _one(appeal, pk)


def _one(appeal: Appeal, pk: int | None) -> DraftVariant:
    """Return a variant of this appeal that was not put away, or answer «not found»."""
    row = next((one for one in kept.of(appeal) if one.pk == pk), None)
    if row is None:
        raise Http404
    return row
