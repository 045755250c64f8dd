"""«Почта учебного стенда»: what the stand would have sent, and a way to send a letter in."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from otklik.channels.mail import intake
from otklik.channels.mail.models import CaughtLetter
from otklik.channels.mail.parse import parse
from otklik.core import files, installation
from otklik.core.access import public
from otklik.correspondence.models import ContactPoint

POINT: Final = "email-info"
PER_PAGE: Final = 30
RAW_MAX: Final = 5 * 1024 * 1024
SHOWN_HEADERS: Final = ("From", "To", "Reply-To", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted")


class LetterForm(forms.Form):
    """A letter to send in: typed, or pasted whole."""

    sender = forms.CharField(label="От кого", max_length=200, required=False, initial="citizen@mail.example")
    subject = forms.CharField(label="Тема", max_length=300, required=False)
    text = forms.CharField(label="Текст", required=False, widget=forms.Textarea(attrs={"rows": 7}))
    raw = forms.CharField(
        label="Или письмо целиком (.eml)",
        required=False,
        max_length=RAW_MAX,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Если поле заполнено, остальные не нужны.",
    )

    def clean_sender(self) -> str:
        """Let in only addresses that belong to nobody."""
        sender = str(self.cleaned_data["sender"]).strip()
        if sender and not self.data.get("raw"):
            validate_email(sender)
            if not sender.endswith(".example"):
                raise forms.ValidationError("На учебном стенде адрес оканчивается на .example, чтобы не задеть живых.")
        return sender

    def clean(self) -> dict[str, Any]:
        """Ask for something to send."""
        typed = self.cleaned_data
        if not typed.get("raw") and not (typed.get("sender") and typed.get("text")) and not self.errors:
            self.add_error("text", "Напишите текст и адрес отправителя или вставьте письмо целиком.")
        return typed


@public
@require_http_methods(["GET", "POST"])
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show the letters caught, and take a new one in."""
    _only_on_a_stand()
    form = LetterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _take_in(request, form)
    page = Paginator(CaughtLetter.objects.order_by("-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form}
    return render(request, "demo/mailbox.html", context, status=422 if form.errors else 200)


@public
@require_http_methods(["GET", "POST"])
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one letter as its reader would see it, and take a reply to it in."""
    _only_on_a_stand()
    caught = get_object_or_404(CaughtLetter.objects.select_related("raw"), pk=pk)
    source = message_from_bytes(files.path_of(caught.raw).read_bytes(), policy=policy.default)
    form = LetterForm(
        request.POST or None, initial={"sender": caught.recipient, "subject": f"Re: {source['Subject'] or ''}"}
    )
    if request.method == "POST" and form.is_valid():
        return _take_in(request, form, answers=source)
    read = parse(files.path_of(caught.raw))
    context = {
        "caught": caught,
        "headers": [(name, str(source[name])) for name in SHOWN_HEADERS if source[name]],
        "text": read.text,
        "files": [(number, one.name) for number, one in enumerate(read.files)],
        "form": form,
    }
    return render(request, "demo/letter.html", context, status=422 if form.errors else 200)


@public
@require_safe
def download(request: HttpRequest, pk: int, number: int | None = None) -> HttpResponseBase:
    """Give the letter whole, or one of its attachments."""
    _only_on_a_stand()
    caught = get_object_or_404(CaughtLetter.objects.select_related("raw"), pk=pk)
    if number is None:
        return files.response(caught.raw, f"письмо-{caught.pk}.eml")
    papers = list(parse(files.path_of(caught.raw)).files)
    if number >= len(papers):
        raise Http404
    return files.response(files.store(papers[number].content, name=papers[number].name), papers[number].name)


def _only_on_a_stand() -> None:
    if not installation.is_demo():
        raise Http404


def _take_in(request: HttpRequest, form: LetterForm, *, answers: Any = None) -> HttpResponse:
    """Hand the letter to the channel's intake; the worker reads it like any other."""
    raw = form.cleaned_data["raw"]
    content = raw.replace("\r\n", "\n").encode() if raw else _composed(request, form, answers).as_bytes()
    accepted = intake.keep(content, point=POINT)
    if accepted.duplicate:
        messages.info(request, "Такое письмо уже приходило: второй раз оно не заводится.")
    else:
        messages.success(request, "Письмо принято. Через несколько секунд делопроизводитель увидит его в очереди.")
    return redirect("demo:mailbox")


def _composed(request: HttpRequest, form: LetterForm, answers: Any) -> EmailMessage:
    typed = form.cleaned_data
    message = EmailMessage()
    message["From"] = typed["sender"]
    message["To"] = str(answers["Reply-To"] or answers["From"]) if answers is not None else _own_address()
    message["Subject"] = " ".join(typed["subject"].split())
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="mail.example")
    if answers is not None:
        message["In-Reply-To"] = str(answers["Message-ID"])
        message["References"] = " ".join(filter(None, [str(answers["References"] or ""), str(answers["Message-ID"])]))
    message.set_content(typed["text"])
    for one in request.FILES.getlist("files"):
        main, _, sub = (one.content_type or "application/octet-stream").partition("/")
        message.add_attachment(one.read(), maintype=main, subtype=sub or "octet-stream", filename=one.name)
    return message


def _own_address() -> str:
    address = ContactPoint.objects.filter(code=POINT).values_list("address", flat=True).first()
    return address or "info@department.example"
