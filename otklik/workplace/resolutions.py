"""«Резолюции»: writing one, reporting on it, taking it off control, and the list of what is under control."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import access, resolutions
from otklik.appeals.models import FINISHED, Appeal, Resolution
from otklik.appeals.permissions import allows
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.terms import valid
from otklik.core.typed import number
from otklik.people.models import Employee, Unit
from otklik.workplace import queue
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
DEEPEST: Final = 4  # how far a resolution is set in


class ResolutionForm(TidyForm):
    """What to do, who does it and by when; a clerk says whose resolution it is."""

    author = forms.ModelChoiceField(
        Employee.objects.none(),
        label="Чья резолюция",
        required=False,
        empty_label="Моя",
        help_text="Если внесена с бумаги.",
    )
    text = forms.CharField(
        label="Что сделать", widget=forms.Textarea(attrs={"rows": 3}), max_length=4000,
        error_messages={"required": "Напишите, что сделать."},
    )  # fmt: skip
    to_person = forms.ModelChoiceField(
        Employee.objects.none(), label="Кому", required=False, empty_label="Выберите сотрудника"
    )
    to_unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label="Или подразделению",
        required=False,
        empty_label="Выберите подразделение",
        help_text="Выберите одно из двух: сотрудника или подразделение.",
    )
    due_on = forms.DateField(label="Срок", required=False, widget=DATE_INPUT)
    control = forms.BooleanField(label="Взять на контроль: отчёт проверит автор", required=False)

    def __init__(self, *args: Any, user: Employee, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        people: Any = self.fields["to_person"]
        people.queryset = Employee.objects.filter(is_active=True, unit__isnull=False).select_related("unit")
        people.label_from_instance = lambda one: f"{one.short_name} — {one.unit}"
        units: Any = self.fields["to_unit"]
        units.queryset = Unit.objects.filter(valid(today))
        if resolutions.may_enter_for_others(user):
            who: Any = self.fields["author"]
            who.queryset = resolutions.authors(today)
        else:
            del self.fields["author"]

    def clean(self) -> dict[str, Any]:
        """Ask for one addressee, neither none nor two."""
        cleaned = super().clean() or {}
        person, unit = cleaned.get("to_person"), cleaned.get("to_unit")
        if bool(person) == bool(unit) and not self.errors:
            raise forms.ValidationError("Выберите, кому резолюция: одного сотрудника или одно подразделение.")
        return cleaned


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return «Резолюции» of an appeal: the chain with what this person may do with each."""
    rows: list[Any] = resolutions.of(appeal) if is_there(appeal, "resolutions") else []
    may_begin = allows(resolutions.check_can_begin, appeal, user)
    if not rows and not may_begin:
        return None
    for row in rows:
        row.appeal = appeal
        row.deep = min(row.level, DEEPEST)
        is_open = row.closed_at is None
        row.can_report = is_open and row.done_at is None and not row.open_below and resolutions.is_for(row, user)
        row.can_control = is_open and row.done_at is not None and resolutions.controls(row, user)
        row.can_continue = appeal.status not in FINISHED and _may(resolutions.check_can_continue, row, user)
    steps = (Step("Написать резолюцию", "resolution_write", "edit"),) if may_begin else ()
    facts = {"rows": rows, "appeal": appeal, "today": timezone.localdate()}
    return Part("Резолюции", "writing", "workplace/law/resolutions_part.html", facts, steps, len(rows))


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask for a resolution, then write it; `under`: the one it carries out."""
    appeal = access.get_for(request.user, pk)
    wanted = number(request.POST.get("under") or request.GET.get("under"))
    above = Resolution.objects.filter(appeal=appeal, pk=wanted or 0).select_related("to_person", "to_unit").first()
    if above is not None:
        above.appeal = appeal
    initial = {"due_on": above.due_on if above else appeal.internal_due_on}
    form = ResolutionForm(request.POST if request.method == "POST" else None, initial=initial, user=request.user)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            data = form.cleaned_data
            try:
                made = resolutions.write(
                    appeal,
                    text=data["text"],
                    to=data["to_person"] or data["to_unit"],
                    author=data.get("author"),
                    parent=above,
                    due_on=data["due_on"],
                    control=data["control"],
                    by=request.user,
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
                return _write_page(request, appeal, form, above, refusal.status)
            _say(request, made)
            return redirect(queue.card_url(request, pk))
        status = 422
    return _write_page(request, appeal, form, above, status)


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def resolution(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one resolution; a POST reports, takes off control or gives back."""
    rows = Resolution.objects.select_related("appeal", "parent", *resolutions.BESIDE)
    row = access.get_of_appeal(request.user, rows, "appeal", pk=pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        step, words = request.POST.get("step"), request.POST.get("words", "")
        try:
            if step == "accept":
                resolutions.accept(row, by=request.user)
            elif step == "back":
                resolutions.give_back(row, words, by=request.user)
            else:
                resolutions.report(row, words, by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            said = {"accept": "Резолюция снята с контроля.", "back": "Резолюция возвращена с замечанием."}
            messages.success(request, said.get(step or "", "Отчёт записан."))
            return redirect(queue.card_url(request, row.appeal_id))
    facts = {
        "row": row,
        "appeal": row.appeal,
        "below": list(row.children.select_related("to_person", "to_unit").order_by("pk")),
        "can_report": row.closed_at is None and row.done_at is None and resolutions.is_for(row, request.user),
        "can_control": row.closed_at is None and row.done_at is not None and resolutions.controls(row, request.user),
        "can_continue": _may(resolutions.check_can_continue, row, request.user),
        "typed": request.POST.get("words", "") if refusal else "",
        "refusal": refusal,
    }
    return render(request, "workplace/law/resolution.html", facts, status=refusal.status if refusal else 200)


@requires(*READERS)
@require_safe
def control(request: StaffRequest) -> HttpResponse:
    """Show the control list: what is open, one's own, given by oneself, overdue, and what waits to be taken off."""
    user, today = request.user, timezone.localdate()
    people = [one.pk for one in access.people_behind(user)]
    states = {
        "mine": ("мне", resolutions.OPEN & resolutions.for_whom(user)),
        "given": ("мои резолюции", resolutions.OPEN & (Q(author__in=people) | Q(entered_by=user))),
        "control": ("на контроле", resolutions.OPEN & Q(control=True)),
        "reported": ("ждут снятия", resolutions.OPEN & Q(done_at__isnull=False)),
        "late": ("просрочены", resolutions.OPEN & Q(done_at=None, due_on__lt=today)),
        "closed": ("закрытые", ~resolutions.OPEN),
    }
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in states else "mine"
    rows = resolutions.seen_by(user)
    numbers = rows.order_by().aggregate(**{code: Count("pk", filter=one) for code, (_, one) in states.items()})
    order = ("-closed_at", "-pk") if chosen == "closed" else ("due_on", "pk")
    page = Paginator(rows.filter(states[chosen][1]).order_by(*order), PER_PAGE).get_page(request.GET.get("page"))
    facts = {
        "page": page,
        "tabs": [(code, words, numbers[code]) for code, (words, _) in states.items()],
        "chosen": chosen,
        "query": f"state={chosen}&",
        "today": today,
    }
    return render(request, "workplace/law/control.html", facts)


def _write_page(
    request: StaffRequest, appeal: Appeal, form: ResolutionForm, above: Resolution | None, status: int
) -> HttpResponse:
    if above is None:
        refused = why_not(resolutions.check_can_begin, appeal, request.user)
    else:
        refused = why_not(resolutions.check_can_continue, above, request.user)
    facts = {"appeal": appeal, "form": form, "above": above, "why_not": refused}
    return render(request, "workplace/law/resolution_write.html", facts, status=status)


def _say(request: StaffRequest, made: resolutions.Written) -> None:
    to = made.resolution.addressee
    if made.assigned:
        messages.success(request, f"Резолюция записана, исполнитель назначен: {to}.")
    elif made.why_not:
        messages.success(request, f"Резолюция записана: {to}. Исполнителем не назначен: {made.why_not}.")
    else:
        messages.success(request, f"Резолюция записана: {to}.")


def _may(check: Any, row: Resolution, user: Employee) -> bool:
    try:
        check(row, user)
    except DomainError:
        return False
    return True
