"""Rules of the answer's way as pages: routes of approval, ways an answer may go, foreign addresses."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import access, answer_ways, routes, ways
from otklik.appeals.models import AnswerRule, Appeal, ApprovalRoute, AwaitedApproval, ForeignMailRule, MarginRemark
from otklik.appeals.permissions import allows
from otklik.core import terms
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import Regime
from otklik.correspondence.models import ChannelCode
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

READERS: Final = (routes.KEEP, "appeals.approve", "appeals.draft", "journal.view")
WRITERS: Final = ("appeals.draft", "intake.decide")


class RouteForm(TidyForm):
    """A route: for what it is offered and since when."""

    name = forms.CharField(label="Название", max_length=150)
    regime = forms.ModelChoiceField(Regime.objects.none(), label="Режим", required=False, empty_label="все режимы")
    unit = forms.ModelChoiceField(
        Unit.objects.none(), label="Подразделение исполнителя", required=False, empty_label="все подразделения"
    )
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)
    valid_to = forms.DateField(label="Действует по", widget=DATE_INPUT, required=False, help_text="Пусто — бессрочно.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        _choose(self, "regime", terms.regimes(today))
        _choose(self, "unit", Unit.objects.filter(terms.valid(today)).order_by("name"))


class StopForm(TidyForm):
    """One step of a route; a step without a turn is none."""

    turn = forms.IntegerField(label="Очередь", min_value=1, max_value=9, required=False)
    employee = forms.ModelChoiceField(Employee.objects.none(), label="Сотрудник", required=False, empty_label="—")
    unit = forms.ModelChoiceField(
        Unit.objects.none(),
        label="Или кто согласует в подразделении",
        required=False,
        empty_label="подразделение исполнителя",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        _choose(self, "employee", staff.holders(routes.APPROVE, on=today).order_by("last_name"))
        _choose(self, "unit", Unit.objects.filter(terms.valid(today)).order_by("name"))


class WayRuleForm(TidyForm):
    """By which way an answer of a regime may go."""

    regime = forms.ModelChoiceField(Regime.objects.none(), label="Режим", empty_label="Выберите режим")
    form = forms.ChoiceField(label="Форма обращения", choices=AnswerRule.Form.choices)
    channel = forms.ChoiceField(label="Способ ответа", choices=[(code.value, ways.name(code)) for code in ChannelCode])
    standing = forms.ChoiceField(label="Как допускается", choices=AnswerRule.Standing.choices)
    basis = forms.CharField(label="Основание", max_length=300, help_text="Статья закона или пункт приказа.")
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "regime", terms.regimes(timezone.localdate()))


class ForeignMailForm(TidyForm):
    """What is done with addresses outside the Russian domains from a day on."""

    mode = forms.ChoiceField(label="Адрес вне российской зоны", choices=ForeignMailRule.Mode.choices)
    basis = forms.CharField(label="Основание", max_length=300)
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)


class EndForm(TidyForm):
    """The last day of a rule."""

    last_day = forms.DateField(label="Последний день действия", widget=DATE_INPUT)


class WayForm(TidyForm):
    """How and where the answer goes."""

    channel = forms.ChoiceField(label="Как ответить")
    address = forms.CharField(label="Куда ответить", max_length=500, required=False)

    def __init__(self, *args: Any, appeal: Appeal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["channel"]
        offered = dict.fromkeys([*answer_ways.offered(appeal, on=timezone.localdate()), appeal.answer_channel])
        field.choices = [(code, ways.name(code)) for code in offered]


@requires(*READERS)
@require_GET
def approval_routes(request: StaffRequest) -> HttpResponse:
    """Show the routes in force and to come, each with its turns."""
    facts = {
        "rows": list(routes.listed(timezone.localdate())),
        "keeps": request.user.has_power(routes.KEEP),
    }
    return render(request, "workplace/approval_routes.html", facts)


@requires(routes.KEEP)
@require_http_methods(["GET", "POST"])
def route(request: StaffRequest, pk: int = 0) -> HttpResponse:
    """Add a route or change it; what is on its way stays with the people it was handed to."""
    row = get_object_or_404(ApprovalRoute.objects.prefetch_related("stops"), pk=pk) if pk else None
    fields = ("name", "regime", "unit", "valid_from", "valid_to")
    initial = {name: getattr(row, name) for name in fields} if row else {"valid_from": timezone.localdate()}
    form = RouteForm(request.POST or None, initial=initial)
    known = list(row.stops.all()) if row else []
    stops = [
        StopForm(
            request.POST or None,
            prefix=f"stop-{place}",
            initial={"turn": known[place].turn, "employee": known[place].employee_id, "unit": known[place].unit_id}
            if place < len(known)
            else {"turn": 1 if place == 0 and not row else None},
        )
        for place in range(routes.MOST_STOPS)
    ]
    status = 200
    if request.method == "POST":
        status = 422
        good = [one.is_valid() for one in (form, *stops)]  # each is asked: all that is wrong is told at once
        if all(good):
            typed = [one.cleaned_data for one in stops if one.cleaned_data.get("turn")]
            typed.sort(key=lambda one: one["turn"])
            try:
                routes.keep(row, **form.cleaned_data, stops=[routes.Stop(**one) for one in typed], by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "Маршрут записан: его предложат при передаче на согласование.")
                return redirect("workplace:approval_routes")
    return render(request, "workplace/approval_route.html", {"form": form, "stops": stops, "row": row}, status=status)


@requires(routes.KEEP)
@require_http_methods(["GET", "POST"])
def route_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a route be offered till a day."""
    row = get_object_or_404(ApprovalRoute, pk=pk)
    form = EndForm(request.POST or None, initial={"last_day": timezone.localdate()})
    page = _page(f"Завершить: {row.name}", "С следующего дня маршрут не предлагают.", "approval_routes", "Маршруты")
    return _kept(request, form, page, lambda: routes.end(row, **form.cleaned_data, by=request.user))


@requires(*READERS)
@require_GET
def answer_rules(request: StaffRequest) -> HttpResponse:
    """Show by which ways answers go, with the articles, and what is done with foreign mail."""
    rows = AnswerRule.objects.select_related("regime").order_by("regime__order", "form", "standing", "channel")
    facts = {
        "rows": [(row, ways.name(row.channel)) for row in rows],
        "foreign": list(ForeignMailRule.objects.all()[:20]),
        "keeps": request.user.has_power(answer_ways.KEEP),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/answer_rules.html", facts)


@requires(answer_ways.KEEP)
@require_http_methods(["GET", "POST"])
def answer_rule(request: StaffRequest) -> HttpResponse:
    """Add a rule of ways that holds from a day on."""
    form = WayRuleForm(request.POST or None, initial={"valid_from": timezone.localdate()})
    lead = "Пока для режима и формы есть правила, ответ уходит только названными в них способами."
    page = _page("Новое правило способа ответа", lead, "answer_rules", "Способы ответа")
    return _kept(request, form, page, lambda: answer_ways.add(**form.cleaned_data, by=request.user))


@requires(answer_ways.KEEP)
@require_http_methods(["GET", "POST"])
def answer_rule_end(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a rule of ways hold till a day."""
    row = get_object_or_404(AnswerRule, pk=pk)
    form = EndForm(request.POST or None, initial={"last_day": timezone.localdate()})
    page = _page("Завершить правило способа ответа", str(row), "answer_rules", "Способы ответа")
    return _kept(request, form, page, lambda: answer_ways.end(row, **form.cleaned_data, by=request.user))


@requires(answer_ways.KEEP)
@require_http_methods(["GET", "POST"])
def foreign_mail(request: StaffRequest) -> HttpResponse:
    """Say what is done with foreign addresses from a day on."""
    form = ForeignMailForm(request.POST or None, initial={"valid_from": timezone.localdate()})
    lead = "«Предупреждать» — исполнитель увидит совет; «не отправлять» — письмо туда не уйдёт."
    page = _page("Адреса вне российской доменной зоны", lead, "answer_rules", "Способы ответа")
    return _kept(request, form, page, lambda: answer_ways.keep_foreign(**form.cleaned_data, by=request.user))


@requires(*WRITERS)
@require_http_methods(["GET", "POST"])
def answer_way(request: StaffRequest, pk: int) -> HttpResponse:
    """Say anew how and where the answer to an appeal goes."""
    appeal = access.get_for(request.user, pk)
    try:
        answer_ways.check_can_change(appeal, request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("workplace:card", pk=pk)
    now = {"channel": appeal.answer_channel, "address": appeal.answer_address}
    form = WayForm(request.POST or None, appeal=appeal, initial=now)
    rules = answer_ways.rules_of(appeal, timezone.localdate())
    allowed = "; ".join(f"{ways.name(row.channel)} — {row.get_standing_display()} ({row.basis})" for row in rules)
    page = {
        "title": f"Способ ответа: № {appeal.number}",
        "lead": f"Допускается: {allowed}." if allowed else "Закон не называет способа: ответьте, как просит заявитель.",
        "back": reverse("workplace:card", args=[pk]),
        "back_name": f"Обращение № {appeal.number}",
        "wide": ("address",),
    }
    return _kept(request, form, page, lambda: answer_ways.change(appeal, **form.cleaned_data, by=request.user))


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return what «Ход рассмотрения» says of the answer: how it goes, whose approval comes, remarks not met."""
    if not appeal.needs_answer:
        return None
    rules = answer_ways.rules_of(appeal, timezone.localdate())
    named = next((row for row in rules if row.channel == appeal.answer_channel), None)
    awaited = AwaitedApproval.objects.filter(
        revision__draft__appeal=appeal, revision__version=F("revision__draft__version")
    )
    later = list(awaited.select_related("approver")) if is_there(appeal, "awaited") else []
    open_ = MarginRemark.objects.filter(revision__draft__appeal=appeal, done_at=None)
    remarks = open_.count() if is_there(appeal, "remarks") else 0
    facts = {
        "way": appeal.answer_way,
        "rule": named,
        "rules": rules,
        "later": later,
        "remarks": remarks,
    }
    steps = []
    if allows(answer_ways.check_can_change, appeal, user):
        steps.append(Step("Сменить способ ответа", "answer_way", "send"))
    return Part("Ответ", "mail", "workplace/_answer_part.html", facts, tuple(steps), remarks)


def _page(title: str, lead: str, back: str, back_name: str) -> dict[str, Any]:
    return {
        "title": title,
        "lead": lead,
        "back": reverse(f"workplace:{back}"),
        "back_name": back_name,
        "wide": ("basis", "name"),
    }


def _kept(request: StaffRequest, form: forms.Form, page: dict[str, Any], change: Any) -> HttpResponse:
    """Show the form; a good one is written and leads back, a refused one keeps what was typed."""
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                change()
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "Записано.")
                return redirect(page["back"])
    return render(request, "workplace/row_form.html", {"form": form, **page}, status=status)


def _choose(form: forms.Form, name: str, rows: Any) -> None:
    field: Any = form.fields[name]
    field.queryset = rows
