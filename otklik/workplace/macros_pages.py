"""Macros and lists of points: made on their pages, run and ticked in «Ход рассмотрения»."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, classification, macros, permissions
from otklik.appeals.models import Appeal, Checklist, ChecklistTick, Macro
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.terms import regimes, valid
from otklik.knowledge.models import ReplyTemplate
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.workplace import queue
from otklik.workplace.card import READERS
from otklik.workplace.matter_part import Part, Step
from otklik.workplace.requests import StaffRequest

# Whoever takes steps on a case: others have nothing a macro could do.
MAKERS: Final = ("appeals.classify", "appeals.assign", "appeals.draft", "appeals.note", "appeals.close")
KEEPERS: Final = (macros.SHARES,)
SHOWN: Final = 12


class TemplateField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A template by its key; a number no database holds is no template, where Django would ask for it."""

    def to_python(self, value: Any) -> ReplyTemplate | None:
        """Return the template chosen; refuse what is none."""
        if value and typed.number(str(value)) is None:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        found: ReplyTemplate | None = super().to_python(value)
        return found


class MacroForm(TidyForm):
    """What a macro does, in the order of the work; what is left empty is no step of it."""

    name = forms.CharField(label="Название", max_length=100)
    topic = forms.ModelChoiceField(classification.valid_topics(), label="Тема", required=False)
    need = forms.ModelChoiceField(classification.valid_needs(), label="Потребность", required=False)
    unit = forms.ModelChoiceField(Unit.objects.none(), label="Подразделение", required=False)
    executor = forms.ModelChoiceField(Employee.objects.none(), label="Исполнитель", required=False)
    material = TemplateField(ReplyTemplate.objects.none(), label="Шаблон ответа", required=False)
    text = forms.CharField(label="Заметка", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    reason = forms.CharField(
        label="Закрыть с причиной",
        required=False,
        max_length=300,
        help_text="Пусто — обращение не закрывается.",
    )
    go_next = forms.BooleanField(label="После этого открыть следующее обращение списка", required=False)
    shared = forms.BooleanField(label="Показать всем сотрудникам", required=False)

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        drafters = [one.pk for one in staff.holders("appeals.draft", on=today)]
        for name, rows in (
            ("topic", classification.valid_topics(today)),
            ("need", classification.valid_needs(today)),
            ("unit", Unit.objects.filter(valid(today))),
            ("executor", Employee.objects.filter(pk__in=drafters, is_active=True).select_related("unit")),
            ("material", ReplyTemplate.objects.live().order_by("title")),
        ):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset, field.empty_label = rows, "не делать"
        if not may_share:
            del self.fields["shared"]


class ChecklistForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """A list of points, and for which cases."""

    points = forms.CharField(label="Пункты, каждый с новой строки", widget=forms.Textarea(attrs={"rows": 8}))

    class Meta:
        model = Checklist
        fields = ("name", "topic", "regime", "valid_from", "valid_to")
        widgets = {"valid_from": DATE_INPUT, "valid_to": DATE_INPUT}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows, empty in (
            ("topic", classification.valid_topics(), "любая"),
            ("regime", regimes(timezone.localdate()), "любой"),
        ):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset, field.empty_label = rows, empty


# --- parts of a matter -----------------------------------------------------------------------------------------------


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return the macros this person may run on the case."""
    if not user.has_any(MAKERS):
        return None
    rows = list(macros.usable_by(user)[: SHOWN + 1])
    if not rows:
        return None
    facts = {"appeal": appeal, "rows": [(one, _steps(one)) for one in rows[:SHOWN]], "more": len(rows) > SHOWN}
    steps = (Step("Все макросы", "run_macro", "bolt"),)
    return Part("Макросы", "bolt", "workplace/law/macros_part.html", facts, steps)


def points_part(appeal: Appeal, user: Employee) -> Part | None:
    """Return the lists of points of the case with what is ticked."""
    lists = list(macros.lists_for(appeal))
    if not lists:
        return None
    ticks = {one.point_id: one for one in ChecklistTick.objects.filter(appeal=appeal).select_related("by")}
    shown = [(one, [(point, ticks.get(point.pk)) for point in one.points.all() if not point.dropped]) for one in lists]
    facts = {
        "appeal": appeal,
        "lists": shown,
        "done": sum(tick is not None for _, points in shown for _, tick in points),
        "of": sum(len(points) for _, points in shown),
        "may_tick": permissions.allows(permissions.check_can_work, appeal, user),
    }
    return Part("Контрольный список", "list-check", "workplace/law/points_part.html", facts)


def _steps(macro: Macro) -> str:
    """Return what a macro does in words."""
    names = [macros.STEPS[step["do"]][0] for step in macro.steps if step.get("do") in macros.STEPS]
    return ", ".join([names[0], *(one[0].lower() + one[1:] for one in names[1:])]) if names else "шагов нет"


# --- running ---------------------------------------------------------------------------------------------------------


@requires(*MAKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def run_macro(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the macros for a case; a POST runs one: all its steps, or none and the words of the refusal."""
    appeal, refusal = access.get_for(request.user, pk), None
    rows = macros.usable_by(request.user)
    if request.method == "POST":
        macro = get_object_or_404(rows, pk=typed.number(request.POST.get("macro")))
        try:
            done = macros.run(macro, appeal, by=request.user)
        except DomainError as exc:
            refusal, appeal = exc, access.get_for(request.user, pk)  # what stands in memory was undone
        else:
            messages.success(request, f"Макрос «{macro.name}» выполнен: {'; '.join(done).lower()}.")
            back = queue.came_from(request)
            if macro.go_next and back:
                return redirect(f"{reverse('workplace:neighbour', args=[pk, 'next'])}?{back}")
            return redirect(queue.card_url(request, pk))
    facts = {"appeal": appeal, "rows": [(one, _steps(one)) for one in rows], "refusal": refusal}
    return render(request, "workplace/law/run_macro.html", facts, status=refusal.status if refusal else 200)


@requires(*READERS)
@require_POST
def tick(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep the ticks of a case as they were sent."""
    appeal = access.get_for(request.user, pk)
    permissions.check_can_work(appeal, request.user)
    pressed = [one for sent in request.POST.getlist("point") if (one := typed.number(sent)) is not None]
    macros.tick(appeal, pressed, by=request.user)
    messages.success(request, "Отметки сохранены.")
    return redirect(queue.card_url(request, pk))


# --- making ----------------------------------------------------------------------------------------------------------


@requires(*MAKERS)
@require_GET
def macro_list(request: StaffRequest) -> HttpResponse:
    """Show the macros one may use."""
    rows = [(one, _steps(one), macros.may_change(one, request.user)) for one in macros.usable_by(request.user)]
    return render(request, "workplace/law/macros.html", {"rows": rows, "keeps": request.user.has_power(macros.SHARES)})


@requires(*MAKERS)
@require_http_methods(["GET", "HEAD", "POST"])
def macro(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Make a macro or change one."""
    user = request.user
    row = Macro(owner=user)
    if pk is not None:
        row = get_object_or_404(macros.usable_by(user), pk=pk)
        if not macros.may_change(row, user):
            raise Http404
    initial = {"name": row.name, "shared": row.shared, "go_next": row.go_next, **macros.said_by(row)}
    form = MacroForm(request.POST or None, initial=initial, may_share=user.has_power(macros.SHARES))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        row.name, row.go_next, row.shared = said["name"].strip(), said["go_next"], said.get("shared", row.shared)
        keys = {name: one.pk if hasattr(one, "pk") else one for name, one in said.items()}
        try:
            macros.keep(row, steps=macros.steps_of(keys), by=user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Макрос сохранён: он в «Ходе рассмотрения» каждого обращения.")
            return redirect("workplace:macros")
    context = {
        "form": form,
        "title": row.name if pk is not None else "Новый макрос",
        "lead": "Шаги выполняются сверху вниз. Если хоть один невозможен, не делается ничего.",
        "back": reverse("workplace:macros"),
        "back_name": "Макросы",
        "wide": ("name", "text", "reason", "topic", "material", "go_next", "shared"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)


@requires(*MAKERS)
@require_POST
def macro_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Put a macro away."""
    row = get_object_or_404(macros.usable_by(request.user), pk=pk)
    if not macros.may_change(row, request.user):
        raise Http404
    macros.end(row, by=request.user)
    messages.success(request, f"Макрос «{row.name}» убран.")
    return redirect("workplace:macros")


@requires(*KEEPERS)
@require_GET
def checklists(request: StaffRequest) -> HttpResponse:
    """Show the lists of points."""
    rows = Checklist.objects.select_related("topic", "regime").prefetch_related("points")
    shown = [(one, [point.text for point in one.points.all() if not point.dropped]) for one in rows]
    return render(request, "workplace/law/checklists.html", {"rows": shown, "today": timezone.localdate()})


@requires(*KEEPERS)
@require_http_methods(["GET", "HEAD", "POST"])
def checklist(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Make a list of points or change one."""
    row = get_object_or_404(Checklist, pk=pk) if pk is not None else None
    initial: dict[str, Any] = {"valid_from": timezone.localdate()}
    if row:
        initial = {"points": "\n".join(row.points.filter(dropped=False).values_list("text", flat=True))}
    form = ChecklistForm(request.POST or None, instance=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            macros.keep_list(form.save(commit=False), form.cleaned_data["points"].splitlines(), by=request.user)
        except DomainError as refusal:
            form.add_error("points", str(refusal))
        else:
            messages.success(request, "Контрольный список сохранён.")
            return redirect("workplace:checklists")
    context = {
        "form": form,
        "title": row.name if row else "Новый контрольный список",
        "lead": "Список напоминает, что проверить. Он ничего не запрещает.",
        "back": reverse("workplace:checklists"),
        "back_name": "Контрольные списки",
        "wide": ("name", "topic", "points"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)
