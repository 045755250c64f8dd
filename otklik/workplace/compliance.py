"""«Соответствие Порядку»: the Procedure clause by clause as it held on a day, what the product does, live figures."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import resolve, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.core import procedure as rules
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import ProcedureClause, ProcedureEdition
from otklik.people.models import Employee
from otklik.reports import compliance
from otklik.reports.compliance import READERS, Kept, Row
from otklik.workplace.requests import StaffRequest

EDIT: Final = "dictionaries.edit"
# Pages a clause of the department's own may lead to: address → what it is called.
LISTS: Final[dict[str, str]] = {
    "workplace:queue": "Обращения",
    "workplace:deliveries": "Недоставленное",
    "workplace:quarantine": "Карантин",
    "workplace:feedback": "Отзывы",
    "workplace:knowledge": "База знаний",
    "workplace:votes": "Отзывы о материалах",
    "workplace:proposals": "Предложения об актуализации",
    "workplace:time_to_find": "Время поиска",
    "workplace:search_quality": "Качество поиска",
    "workplace:reconciliation": "Сверка приёма",
    "workplace:calendar": "Календарь",
    "workplace:terms": "Режимы и сроки",
    "workplace:retention": "Сроки хранения",
    "workplace:journal": "Журнал изменений",
    "workplace:access_log": "Журнал доступа",
}
STATES: Final = {
    "done": ("Сделано", "good", "circle-check"),
    "partly": ("Частично", "warn", "progress-check"),
    "planned": ("Ещё не сделано", "none", "circle-dashed"),
    "own": ("Исполняет департамент", "press", "user-check"),
    "open": ("Не сказано, как исполняется", "bad", "help-circle"),
    "ended": ("Утратил силу", "none", "ban"),
}


@dataclass(frozen=True)
class Link:
    """Where a figure's list is, for who may open it."""

    url: str
    words: str


class EditionForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """An order and the day it holds from; its clauses follow that day."""

    class Meta:
        model = ProcedureEdition
        fields = ("number", "signed_on", "valid_from", "title", "unsure")
        widgets = {"signed_on": DATE_INPUT, "valid_from": DATE_INPUT}


class ClauseForm(TidyForm, forms.ModelForm):  # type: ignore[type-arg]
    """A wording of a clause, and how it is fulfilled where the product does not say so itself."""

    listed_at = forms.ChoiceField(
        label="Где видно исполнение", choices=[("", "—"), *LISTS.items()], required=False, help_text="Список в Отклике."
    )
    responsible = forms.CharField(
        label="Вручную, ответственный", max_length=200, required=False, help_text="Должность или подразделение."
    )

    class Meta:
        model = ProcedureClause
        fields = ("number", "since", "until", "text", "fulfilled", "listed_at", "responsible")
        widgets = {"text": forms.Textarea(attrs={"rows": 8}), "fulfilled": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        """Ask how a living clause is fulfilled and where that is seen, unless the product fulfils it."""
        given: dict[str, Any] = super().clean() or {}
        number = str(given.get("number", "")).strip()
        if given.get("until") or number in compliance.promised():
            return given
        if not given.get("fulfilled"):
            self.add_error("fulfilled", "Опишите, как пункт исполняется: сама система о нём ничего не знает.")
        if not given.get("listed_at") and not given.get("responsible"):
            self.add_error("responsible", "Выберите список, где видно исполнение, или назовите ответственного.")
        return given


@requires(*READERS)
@require_GET
def procedure(request: StaffRequest) -> HttpResponse:
    """Show what was in force on a day (`?on=`), what is done about it, and the figures of that day."""
    today = timezone.localdate()
    on = typed.day(request.GET.get("on")) or today
    rows = compliance.rows(on)
    tally = compliance.tally(rows)
    context = {
        "on": on,
        "today": today,
        "groups": _groups([_shown(row, request.user, on) for row in rows]),
        "tally": [(tally[state], *STATES[state]) for state in STATES if tally[state]],
        "editions": ProcedureEdition.objects.all(),
        "can_edit": request.user.has_power(EDIT),
    }
    return render(request, "workplace/compliance.html", context)


def _groups(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the clauses ten numbers together, to be folded: each group says how it stands."""
    groups: list[dict[str, Any]] = []
    for _, members in groupby(rows, key=lambda row: _number(row) // 10):
        those = list(members)
        first, last = _number(those[0]), _number(those[-1])
        states = Counter((row["words"], row["level"], row["icon"]) for row in those)
        groups.append({
            "title": f"Пункты {first}–{last}" if last != first else f"Пункт {first}",
            "rows": those,
            "tally": [(number, *state) for state, number in states.items()],
            "open": not groups,
        })  # fmt: skip
    return groups


def _number(row: dict[str, Any]) -> int:
    found = re.match(r"\d+", row["clause"].number)
    return int(found.group()) if found else 0


def _shown(row: Row, user: Employee, on: date) -> dict[str, Any]:
    clause = row.wording.clause
    words, level, icon = STATES[row.state]
    own = clause.listed_at in LISTS and may_open(user, clause.listed_at)
    return {
        "clause": clause,
        "ended": row.wording.ended,
        "replaced": row.wording.replaced,
        "words": "Заменён новой редакцией" if row.wording.replaced else words,
        "level": level,
        "icon": icon,
        "kept": [(one, *STATES[one.promise.state], _link(one, user, on)) for one in row.kept],
        "link": Link(reverse(clause.listed_at), LISTS[clause.listed_at]) if own else None,
    }


def _link(one: Kept, user: Employee, on: date) -> Link | None:
    """Return the list a figure counts: of today's rows, unless the list itself takes a day."""
    promise = one.promise
    if one.figure is None or one.figure.number is None or not promise.list_name:
        return None
    if not may_open(user, promise.list_name) or (on != timezone.localdate() and "{on}" not in promise.query):
        return None
    query = promise.query.format(on=on.isoformat())
    return Link(f"{reverse(promise.list_name)}{f'?{query}' if query else ''}", promise.list_words)


def may_open(user: Employee, name: str) -> bool:
    """Tell whether the employee may enter a page; the page's own mark says who may."""
    powers = getattr(resolve(reverse(name)).func, "access", ())
    return powers == ("employee",) or user.has_any(powers)


@requires(EDIT)
@require_http_methods(["GET", "POST"])
def edition(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add an edition of the Procedure, or correct what is said of one."""
    row = get_object_or_404(ProcedureEdition, pk=pk) if pk is not None else None
    initial = {} if row else {"valid_from": timezone.localdate()}
    form = EditionForm(request.POST or None, instance=row, initial=initial)
    lead = "Пункты этой редакции действуют с её дня: изменится день — изменится и то, что действовало в прошлом."
    if request.method == "POST" and form.is_valid():
        try:
            rules.keep_edition(form.save(commit=False), changed=form.changed_data, by=request.user)
        except DomainError as refusal:
            form.add_error("valid_from", str(refusal))
        else:
            messages.success(request, "Редакция записана.")
            return redirect("workplace:compliance")
    return _form(request, form, "Редакция Порядка" if row else "Новая редакция Порядка", lead)


@requires(EDIT)
@require_http_methods(["GET", "POST"])
def clause(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a clause of the Procedure, or correct its text and how it is fulfilled."""
    row = get_object_or_404(ProcedureClause, pk=pk) if pk is not None else None
    initial = {} if row else {"since": ProcedureEdition.objects.first()}
    form = ClauseForm(request.POST or None, instance=row, initial=initial)
    lead = "Новая формулировка — новая строка: у прежней укажите редакцию, которая её заменила. Здесь правят опечатки."
    if request.method == "POST" and form.is_valid():
        try:
            rules.keep_clause(form.save(commit=False), changed=form.changed_data, by=request.user)
        except DomainError as refusal:
            form.add_error("number", str(refusal))
        else:
            messages.success(request, f"Пункт {form.instance.number} записан.")
            return redirect("workplace:compliance")
    return _form(request, form, f"Пункт {row.number}" if row else "Новый пункт Порядка", lead)


def _form(request: StaffRequest, form: forms.Form | forms.ModelForm[Any], title: str, lead: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "lead": lead,
        "back": reverse("workplace:compliance"),
        "back_name": "Соответствие Порядку",
        "wide": ("text", "fulfilled", "title"),
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)
