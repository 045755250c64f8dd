"""Storage: what has expired, what is held, acts of destruction; everything about one person; letters without names."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, destruction, publication, storage
from otklik.appeals.models import Appeal, DestructionAct, DestructionItem
from otklik.core import files, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people.models import Employee
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

KEEPERS: Final = (storage.KEEPER,)
LOOKERS: Final = (storage.KEEPER, "journal.view", "appeals.sign")
PER_PAGE: Final = 100


class HoldForm(TidyForm):
    """Why a case must not be destroyed, and until when."""

    reason = forms.CharField(label="Почему нельзя уничтожать", max_length=300)
    until = forms.DateField(
        label="До какого дня", required=False, widget=DATE_INPUT, help_text="Пусто — пока запрет не снимут."
    )


def part(appeal: Appeal, user: Employee) -> Part:
    """Return what can be printed of the case, how long it is kept and whether it is held."""
    rule = storage.rule_of(appeal) if appeal.closed_on else None
    years = rule.years if rule else None
    steps = [
        Step("Карточка в PDF", "registration_card", "printer"),
        Step("Дело целиком", "whole_case", "file-text"),
        Step("Тексты без имён", "masked_letter", "eye-off"),
    ]
    if user.has_power("appeals.dispatch") and user.has_power("applicants.view"):
        steps.append(Step("Конверт", "envelope", "mail"))
    if user.has_power(storage.KEEPER):
        steps.append(Step("Запрет уничтожения", "hold_case", "lock"))
    facts = {
        "rule": rule,
        "expires": storage.expires_on(appeal.closed_on, years) if appeal.closed_on and years else None,
        "hold": storage.hold_of(appeal) if is_there(appeal, "holds") else None,
        "closed": appeal.closed_on,
    }
    # Five of them are too many for a heading: the template shows them below it.
    return Part("Дело", "archive", "workplace/law/storage_part.html", {**facts, "appeal": appeal, "links": steps})


@requires(*KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def hold_case(request: StaffRequest, pk: int) -> HttpResponse:
    """Forbid that a case is destroyed, or lift it."""
    appeal = access.get_for(request.user, pk)
    lifts = request.POST.get("do") == "lift"
    form = HoldForm(request.POST if request.method == "POST" and not lifts else None)
    if request.method == "POST":
        try:
            if lifts:
                storage.lift(appeal, by=request.user)
                messages.success(request, "Запрет уничтожения снят.")
                return redirect("workplace:card", pk)
            if form.is_valid():
                said = form.cleaned_data
                storage.hold(appeal, reason=said["reason"], until=said["until"], by=request.user)
                messages.success(request, "Записано: дело не будет уничтожено.")
                return redirect("workplace:card", pk)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
    context = {"appeal": appeal, "form": form, "hold": storage.hold_of(appeal)}
    return render(request, "workplace/law/hold.html", context, status=422 if form.errors else 200)


@requires(*LOOKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def storage_desk(request: StaffRequest) -> HttpResponse:
    """Show what has expired, what is held and the acts; a POST draws up an act."""
    refusal = None
    if request.method == "POST":
        try:
            act = destruction.draw(request.POST.get("kind", ""), by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, "Акт составлен. Проверьте список и передайте согласующему.")
            return redirect("workplace:storage_act", act.pk)
    today = timezone.localdate()
    kinds = []
    for code in (storage.ON_MERITS, storage.OPERATIONAL):
        rule, found = storage.expired(code, today)
        if rule:
            kinds.append((code, rule, found.count()))
    context = {
        "kinds": kinds,
        "holds": storage.held(today).select_related("appeal", "by")[:PER_PAGE],
        "acts": DestructionAct.objects.select_related("drawn_by", "agreed_by")[:PER_PAGE],
        "may_draw": request.user.has_power(storage.KEEPER),
        "refusal": refusal,
        "today": today,
    }
    return render(request, "workplace/law/storage.html", context, status=refusal.status if refusal else 200)


@requires(*LOOKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def storage_act(request: StaffRequest, pk: int) -> HttpResponse:
    """Show an act with its cases; a POST agrees to it, drops it, or leaves a case out."""
    acts = DestructionAct.objects.select_related("rule", "drawn_by", "agreed_by", "document")
    act, user, given, refusal = get_object_or_404(acts, pk=pk), request.user, request.POST, None
    if request.method == "POST":
        try:
            said = _decide(act, given, user)
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, said)
            return redirect("workplace:storage_act", pk)
    items = act.items.select_related("appeal").order_by("pk")
    drawn = act.state == DestructionAct.State.DRAWN
    context = {
        "act": act,
        "page": Paginator(items, PER_PAGE).get_page(request.GET.get("page")),
        "counts": {
            "all": items.count(),
            "done": items.filter(state=DestructionItem.State.DONE).count(),
            "kept": items.filter(state=DestructionItem.State.KEPT).count(),
        },
        "may_agree": drawn and user.pk != act.drawn_by_id and user.has_any(destruction.AGREES),
        "may_change": drawn and user.has_power(storage.KEEPER),
        "own": drawn and user.pk == act.drawn_by_id,
        "given": given,
        "refusal": refusal,
    }
    return render(request, "workplace/law/act.html", context, status=refusal.status if refusal else 200)


def _decide(act: DestructionAct, given: Any, user: Employee) -> str:
    """Do what was pressed on an act and return what to say."""
    match given.get("do"):
        case "agree":
            destruction.agree(act, commission=given.get("commission", ""), by=user)
            return "Акт согласован: дела уничтожаются по одному, итог появится здесь."
        case "drop":
            destruction.drop(act, why=given.get("why", ""), by=user)
            return "Акт отменён: все дела остаются на хранении."
        case "leave":
            item = get_object_or_404(act.items, pk=typed.number(given.get("item")))
            destruction.leave_out(item, why=given.get("why", ""), by=user)
            return "Дело исключено из акта и остаётся на хранении."
    raise destruction.ActRefused(why="Выберите, что сделать с актом.")


@requires(*LOOKERS)
@require_GET
def storage_act_pdf(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out an act: the kept file once it is carried out, before that the list as it stands."""
    act = get_object_or_404(DestructionAct.objects.select_related("document", "drawn_by", "agreed_by"), pk=pk)
    if act.document:
        return files.response(act.document, f"akt-{act.pk}.pdf")
    content = destruction.document(act)
    return files.download(HttpResponse(content, content_type="application/pdf"), f"akt-{act.pk}-proekt.pdf")


@requires("applicants.view")
@require_POST
def applicant_export(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Hand out everything about one applicant; who took it and why is written down."""
    one = get_object_or_404(access.applicants_of(request.user).select_related("merged_into"), pk=pk)
    try:
        content = storage.export(one, reason=request.POST.get("reason", ""), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("workplace:applicant", pk)
    return files.download(FileResponse(content, content_type="application/zip"), f"zayavitel-{one.pk}.zip")


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def masked_letter(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the letters of a case without people, to be copied. What is typed goes by POST: it may be a name."""
    appeal, given = access.get_for(request.user, pk), request.POST
    also = _lines(given.get("also", ""))
    kept = _lines(given.get("kept", ""))
    texts = publication.texts(appeal, also=also, kept=kept, by=request.user)
    context = {"appeal": appeal, "texts": texts, "also": "\n".join(also), "kept": "\n".join(kept)}
    response = render(request, "workplace/law/masked.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _lines(text: str) -> list[str]:
    return [line.strip()[:200] for line in text.splitlines() if line.strip()][:30]
