"""Dictionaries of the law as pages: how a question may end, and how long other bodies have to answer."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import inquiries, outcome_kinds
from otklik.appeals.models import InquiryRule, OutcomeKind
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import TermRule
from otklik.workplace.requests import StaffRequest
from otklik.workplace.routes_pages import EndForm

EDIT: Final = outcome_kinds.KEEP
READERS: Final = (EDIT, "appeals.draft", "appeals.dispatch", "journal.view")
_TAKEN: Final = [("", "не про меры"), ("yes", "меры приняты"), ("no", "меры впереди")]


class KindForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """One way in which a question ends, with what the law wants for it."""

    actions_taken = forms.ChoiceField(label="Меры", choices=_TAKEN, required=False)

    class Meta:
        model = OutcomeKind
        fields = (
            "name",
            "article",
            "sstu",
            "actions_taken",
            "needs",
            "letter_due",
            "days",
            "least_earlier",
            "letter",
            "order",
            "valid_from",
            "valid_to",
        )
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT, "letter": forms.Textarea(attrs={"rows": 8})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["actions_taken"] = {True: "yes", False: "no"}.get(self.instance.actions_taken, "")
        self.fields["letter"].help_text = "Можно вставить: " + ", ".join(f"{{{one}}}" for one in outcome_kinds.PLACES)

    def clean_actions_taken(self) -> bool | None:
        """Return whether measures were taken, are ahead, or none are meant."""
        return {"yes": True, "no": False}.get(self.cleaned_data["actions_taken"])


class InquiryRuleForm(TidyForm):
    """How long another body has to answer, from a day on."""

    name = forms.CharField(label="Кого и о чём спрашивают", max_length=300)
    days = forms.IntegerField(label="Сколько дней", min_value=1, max_value=365)
    unit = forms.ChoiceField(label="Какие дни", choices=TermRule.Unit.choices)
    roll = forms.ChoiceField(label="Если последний день нерабочий", choices=TermRule.Roll.choices)
    basis = forms.CharField(label="Статья", max_length=300)
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)


@requires(*READERS)
@require_GET
def kinds(request: StaffRequest) -> HttpResponse:
    """Show how a question may end: article, status for ССТУ, letter and term of each."""
    facts = {
        "rows": list(OutcomeKind.objects.all()),
        "today": timezone.localdate(),
        "keeps": request.user.has_power(EDIT),
    }
    return render(request, "workplace/law/outcome_kinds.html", facts)


@requires(EDIT)
@require_http_methods(["GET", "POST"])
def kind(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add an outcome or correct one; questions that ended by it keep it."""
    row = get_object_or_404(OutcomeKind, pk=pk) if pk is not None else None
    form = KindForm(request.POST or None, instance=row, initial={} if row else {"valid_from": timezone.localdate()})
    page = {
        "title": row.name if row else "Новый исход",
        "lead": "Правило меняется с даты — завершите эту строку и добавьте новую. Здесь исправляют ошибку.",
        "back": reverse("workplace:outcome_kinds"),
        "back_name": "Исходы",
        "wide": ("name", "letter", "needs"),
    }
    return _kept(
        request,
        form,
        page,
        lambda: outcome_kinds.keep(form.save(commit=False), changed=form.changed_data, by=request.user),
    )


@requires(*READERS)
@require_GET
def inquiry_rules(request: StaffRequest) -> HttpResponse:
    """Show how long other bodies have to answer, those that hold and those that held."""
    facts = {
        "rows": list(InquiryRule.objects.order_by("name", "-valid_from")),
        "today": timezone.localdate(),
        "keeps": request.user.has_power(EDIT),
    }
    return render(request, "workplace/law/inquiry_rules.html", facts)


@requires(EDIT)
@require_http_methods(["GET", "POST"])
def inquiry_rule(request: StaffRequest) -> HttpResponse:
    """Add a term that holds from a day on; one of the same name ends the day before."""
    names = ("name", "days", "unit", "roll", "basis")
    known = InquiryRule.objects.filter(name=request.GET.get("name", "")).order_by("-valid_from").values(*names).first()
    initial = {"valid_from": timezone.localdate(), **(known or {})}
    form = InquiryRuleForm(request.POST or None, initial=initial)
    lead = "Прежний срок с тем же названием закончится накануне; отправленные запросы сохранят свою дату."
    page = _of_inquiries("Срок запроса с даты", lead)
    return _kept(request, form, page, lambda: inquiries.add_rule(**form.cleaned_data, by=request.user))


@requires(EDIT)
@require_http_methods(["GET", "POST"])
def inquiry_rule_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a term of requests hold till a day."""
    row = get_object_or_404(InquiryRule, pk=pk)
    form = EndForm(request.POST or None, initial={"last_day": timezone.localdate()})
    page = _of_inquiries("Завершить срок запроса", str(row))
    return _kept(request, form, page, lambda: inquiries.end_rule(row, **form.cleaned_data, by=request.user))


def _of_inquiries(title: str, lead: str) -> dict[str, Any]:
    back = reverse("workplace:inquiry_rules")
    return {"title": title, "lead": lead, "back": back, "back_name": "Сроки запросов", "wide": ("name", "basis")}


def _kept(request: StaffRequest, form: forms.Form | KindForm, page: dict[str, Any], change: Any) -> HttpResponse:
    """Show the form; a good one is written and leads back, a refused one keeps what was typed."""
    if request.method == "POST" and form.is_valid():
        try:
            change()
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Записано.")
            return redirect(page["back"])
    return render(request, "workplace/row_form.html", {"form": form, **page}, status=422 if form.errors else 200)
