"""The clerk's screen of messages that nobody could read."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access
from otklik.core import files
from otklik.core.access import requires
from otklik.core.forms import TidyForm
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.workplace.requests import StaffRequest


class FillInForm(TidyForm):
    """What a clerk reads in the original with his own eyes."""

    sender_name = forms.CharField(label="От кого", max_length=300, required=False)
    sender_address = forms.CharField(label="Адрес отправителя", max_length=320, required=False)
    subject = forms.CharField(label="Тема", max_length=500, required=False)
    text = forms.CharField(
        label="Текст",
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text="Перепишите из оригинала главное. Сам оригинал останется при обращении.",
        error_messages={"required": "Напишите, о чём сообщение."},
    )


@requires("intake.view")
@require_GET
def quarantine(request: StaffRequest) -> HttpResponse:
    """List the messages in quarantine with what hinders each."""
    rows = IncomingMessage.objects.filter(state=IncomingMessage.State.QUARANTINED)
    context = {
        "rows": rows.select_related("contact_point", "raw").order_by("received_at")[:200],
        "total": rows.count(),
        "can_decide": request.user.has_power("intake.decide"),
    }
    return render(request, "workplace/quarantine.html", context)


@requires("intake.view")
@require_GET
def original(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Give the message as it came, byte for byte; the look is logged."""
    row = _quarantined(pk)
    if row.raw is None:
        raise Http404
    inbox.opened_original(row, by=request.user)
    return files.response(row.raw, row.original_name)


@requires("intake.decide")
@require_POST
def retry(request: StaffRequest, pk: int) -> HttpResponse:
    """Put the message back in line to be read again."""
    inbox.retry(_quarantined(pk), by=request.user)
    messages.success(request, "Сообщение снова в очереди на разбор. Если не получится, оно вернётся сюда.")
    return redirect("workplace:quarantine")


@requires("intake.decide")
@require_http_methods(["GET", "POST"])
def fill_in(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a clerk type in what no program could read, with whatever is known put in already."""
    row = access.get_message(request.user, _quarantined(pk).pk)
    known = {name: getattr(row, name) for name in FillInForm.base_fields}
    form = FillInForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        inbox.fill_in(row, **form.cleaned_data, by=request.user)
        return redirect("workplace:inbox", pk=pk)
    status = 422 if form.errors else 200
    return render(request, "workplace/quarantine_fill.html", {"row": row, "form": form}, status=status)


@requires("intake.decide")
@require_POST
def reject(request: StaffRequest, pk: int) -> HttpResponse:
    """Reject the message with a reason; the original stays."""
    inbox.reject(_quarantined(pk), reason=request.POST.get("reason", ""), by=request.user)
    messages.success(request, "Сообщение отклонено. Оригинал сохранён.")
    return redirect("workplace:quarantine")


def _quarantined(pk: int) -> IncomingMessage:
    return get_object_or_404(IncomingMessage, pk=pk, state=IncomingMessage.State.QUARANTINED)
