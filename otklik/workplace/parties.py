"""Who stands in a matter besides the applicant: whom it complains of, and those who signed a collective appeal."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import Exists, OuterRef, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, collective, complained, late
from otklik.appeals.models import Appeal, CaseMerge, Collective, Complained, Kinship, Signatory
from otklik.appeals.permissions import allows
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import TidyForm
from otklik.core.terms import valid
from otklik.people.models import Employee, Unit
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

SHOWN: Final = 200


class Person(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An employee with his unit."""

    def label_from_instance(self, obj: Any) -> str:
        """Return «Петрова Е. В. — отдел аренды»."""
        return f"{obj.short_name} — {obj.unit}" if obj.unit else str(obj.short_name)


class ComplainedForm(TidyForm):
    """Whom the appeal complains of: one of the three."""

    employee = Person(Employee.objects.none(), label="Сотрудник", required=False, empty_label="—")
    unit = forms.ModelChoiceField(Unit.objects.none(), label="Подразделение целиком", required=False, empty_label="—")
    body = forms.CharField(
        label="Другой орган или лицо",
        required=False,
        max_length=300,
        help_text="Переслать ему обращение система не даст (ст. 8 ч. 6 59-ФЗ).",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows: dict[str, Any] = {
            "employee": Employee.objects.filter(is_active=True).select_related("unit"),
            "unit": Unit.objects.filter(valid(timezone.localdate())),
        }
        for name, found in rows.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = found


class SignedForm(TidyForm):
    """The list of those who signed: pasted, or as a spreadsheet."""

    text = forms.CharField(
        label="Кто подписал",
        required=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="Каждый с новой строки: фамилия, имя, отчество; потом точка с запятой и адрес.",
    )
    file = forms.FileField(
        label="Или таблица",
        required=False,
        help_text="XLSX или CSV: столбцы «ФИО» и «Адрес». Список из таблицы заменит набранный.",
    )
    representative = forms.IntegerField(
        label="Представитель — какой по счёту в списке",
        min_value=1,
        max_value=collective.MOST,
        initial=1,
        help_text="Ответ получает он; если заявители не указали иного — первый подписавший.",
    )
    meeting = forms.BooleanField(label="Это резолюция собрания", required=False)


@requires(*complained.DECIDE)
@require_http_methods(["GET", "POST"])
def complained_of(request: StaffRequest, pk: int) -> HttpResponse:
    """Show whom the appeal complains of; a POST names one more or takes a mistake back."""
    appeal = access.get_for(request.user, pk)
    if request.method != "POST":
        return _complained(request, appeal, ComplainedForm())
    if "remove" in request.POST:
        rows = Complained.objects.filter(appeal=appeal).select_related("employee", "unit")
        row = get_object_or_404(rows, pk=typed.number(request.POST.get("remove")) or 0)
        row.appeal = appeal
        complained.remove(row, by=request.user)
        messages.success(request, "Запись убрана.")
        return redirect("workplace:complained", pk=pk)
    form = ComplainedForm(request.POST)
    if not form.is_valid():
        return _complained(request, appeal, form, status=422)
    try:
        row = complained.add(appeal, **form.cleaned_data, by=request.user)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _complained(request, appeal, form, status=refusal.status)
    messages.success(request, f"Указано: {row}. К ответу он больше не допущен.")
    if complained.must_leave(appeal):
        messages.warning(request, "Исполнитель — тот, на кого жалуются. Назначьте другого: проект ему закрыт.")
    return redirect("workplace:complained", pk=pk)


@requires("intake.decide", "appeals.draft")
@require_http_methods(["GET", "POST"])
def signed(request: StaffRequest, pk: int) -> HttpResponse:
    """Show who signed a collective appeal, masked; a POST keeps the list or takes the mark back."""
    appeal = access.get_for(request.user, pk)
    row = collective.of(appeal)
    if request.method != "POST":
        first = row.signatories.filter(representative=True).first() if row else None
        initial = {"representative": first.position if first else 1, "meeting": row.meeting if row else False}
        return _signed(request, appeal, row, SignedForm(initial=initial))
    if "drop" in request.POST:
        collective.drop(appeal, by=request.user)
        messages.success(request, "Отметка «коллективное» снята, список удалён.")
        return redirect("workplace:collective", pk=pk)
    form = SignedForm(request.POST, request.FILES)
    if not form.is_valid():
        return _signed(request, appeal, row, form, status=422)
    given = form.cleaned_data
    try:
        people = collective.from_sheet(given["file"], given["file"].name) if given["file"] else None
        people = collective.pasted(given["text"]) if people is None else people
        kept = collective.keep(
            appeal, people, meeting=given["meeting"], representative=given["representative"], by=request.user
        )
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _signed(request, appeal, row, form, status=refusal.status)
    messages.success(request, f"Обращение № {appeal.number} — коллективное, подписей: {kept.signed}.")
    return redirect("workplace:collective", pk=pk)


def on_card(_: Employee) -> dict[str, Exists | Subquery]:
    """Return what the head of a card tells, asked in the query that fetches its appeal."""
    here = OuterRef("pk")
    kin = Kinship.objects.filter(other=here).order_by("pk").values("kind")[:1]
    return {
        "complains": Exists(Complained.objects.filter(appeal=here)),
        "is_collective": Exists(Collective.objects.filter(appeal=here)),
        "kin_kind": Subquery(kin),
        "was_merged": Exists(CaseMerge.objects.filter(merged=here, undone_at=None)),
        "entered_late": late.of_appeal(),
    }


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return whom the matter complains of and how many signed it."""
    rows = complained.of(appeal) if is_there(appeal, "complained") else []
    row = collective.of(appeal) if is_there(appeal, "collective") else None
    steps = []
    if allows(complained.check_can_change, appeal, user):
        steps.append(Step("На кого жалуются", "complained", "user-off"))
    if allows(collective.check_can_change, appeal, user):
        steps.append(Step("Кто подписал", "collective", "users"))
    if not (rows or row or steps):
        return None
    head = row.signatories.filter(representative=True).first() if row else None
    facts = {
        "complained": rows,
        "collective": row,
        "representative": collective.masked([head])[0][1] if head else "",
    }
    return Part("Стороны", "users", "workplace/law/part_parties.html", facts, tuple(steps), len(rows) + bool(row))


def _complained(request: StaffRequest, appeal: Appeal, form: ComplainedForm, *, status: int = 200) -> HttpResponse:
    context = {
        "appeal": appeal,
        "form": form,
        "rows": complained.of(appeal),
        "must_leave": complained.must_leave(appeal),
        "why_not": why_not(complained.check_can_change, appeal, request.user),
    }
    return render(request, "workplace/law/complained.html", context, status=status)


def _signed(
    request: StaffRequest, appeal: Appeal, row: Collective | None, form: SignedForm, *, status: int = 200
) -> HttpResponse:
    people = Signatory.objects.filter(collective=row)[:SHOWN] if row else []
    context = {
        "appeal": appeal,
        "form": form,
        "collective": row,
        "people": collective.masked(people),
        "shown": SHOWN,
        "why_not": why_not(collective.check_can_change, appeal, request.user),
    }
    return render(request, "workplace/law/collective.html", context, status=status)
