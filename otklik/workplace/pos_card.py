"""«ПОС» on the card: the lane, what people say about the case by hand, a decision put off, the answer entered."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from otklik.appeals import access
from otklik.appeals.models import Appeal, PosCase
from otklik.appeals.permissions import allows
from otklik.appeals.pos import cases, term, themes
from otklik.channels.pos import dictionary
from otklik.channels.pos.models import PosTerm
from otklik.core import calendar
from otklik.core import terms as rules
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import TermRule
from otklik.core.workdays import Due
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee
from otklik.workplace import queue
from otklik.workplace.matter_part import Part, Step
from otklik.workplace.pos_lane import MessageFields, WordsInput
from otklik.workplace.requests import StaffRequest

READERS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own")
WORKERS: Final = ("intake.decide", "appeals.draft", "appeals.dispatch")
PEOPLE: Final = 3


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return what the law of ПОС asks of this appeal; what its exports say stands in the pane beside."""
    if not _is_of_pos(appeal):
        return None
    case = cases.kept(appeal)
    may_edit = allows(cases.check_can_edit, appeal, user)
    drafts = may_edit and appeal.status in (Appeal.Status.ASSIGNED, Appeal.Status.DRAFTING)
    facts = {
        "case": case,
        "fast": appeal.regime_id == term.FAST_TRACK,
        "by_law": case.fz59,
        "differs": _differs(appeal, case),
        "moved_there": _moved_there(appeal, case),
        "again": case.again_on is not None and not case.again_settled,
        "templates": themes.templates_for(case.theme, user=user) if drafts else [],
        "to_enter": _waits_to_be_entered(appeal),
        "pk": appeal.pk,
    }
    steps = (Step("Сведения и полоса", "pos_case", "edit"),) if may_edit else ()
    return Part("Работа по ПОС", "bolt", "workplace/pos/part.html", facts, steps, unfolded=True)


def _waits_to_be_entered(appeal: Appeal) -> bool:
    return appeal.status == Appeal.Status.SENT and PosCase.objects.filter(cases.to_enter(), appeal=appeal).exists()


def _is_of_pos(appeal: Appeal) -> bool:
    return appeal.channel == ChannelCode.POS or appeal.regime_id in term.REGIMES


def _own(appeal: Appeal, case: PosCase) -> Due | None:
    rule = rules.rules_for(appeal.regime_id, {TermRule.Step.ANSWER: appeal.received_on}, channel=appeal.channel)
    known = rule.get(TermRule.Step.ANSWER)
    return term.own(case, known).due(appeal.received_on, calendar.current()) if known else None


def _differs(appeal: Appeal, case: PosCase) -> Due | None:
    """Return our own computation where ПОС has planned another day."""
    if case.planned_on is None or appeal.regime_id not in term.REGIMES:
        return None
    counted = _own(appeal, case)
    return counted if counted and counted.on != case.planned_on else None


def _moved_there(appeal: Appeal, case: PosCase) -> str:
    """Say where the cabinet holds the message in another lane than we do."""
    if case.fz59 and appeal.regime_id != term.LAW:
        return "В ПОС заявитель выбрал 59-ФЗ, а режим здесь другой."
    if case.fast_track and appeal.regime_id == term.ORDINARY and not case.left_why:
        return "В ПОС отмечен Фаст-трек, а здесь обычное сообщение."
    if case.fast_track is False and appeal.regime_id == term.FAST_TRACK:
        return "В ПОС Фаст-трека нет, а здесь сообщение в полосе."
    return ""


class CaseForm(MessageFields):
    """What ПОС says of the case, by hand."""

    number = forms.CharField(label="Номер в ПОС", max_length=60, required=False)
    decision = forms.CharField(label="Тип решения", max_length=300, required=False, widget=WordsInput("pos-decision"))
    rating = forms.TypedChoiceField(
        label="Оценка заявителя",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "нет"), *((one, str(one)) for one in range(1, 6))],
    )
    again = forms.BooleanField(label="Сообщение на доработке: заявитель вернул ответ", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, people: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [*(people or {}).items()]
        for place in range(max(PEOPLE, len(known) + 1)):
            role, name = known[place] if place < len(known) else ("", "")
            self.fields[f"role_{place}"] = forms.CharField(
                label=f"Роль {place + 1}", max_length=60, required=False, initial=role, widget=WordsInput("pos-role")
            )
            self.fields[f"who_{place}"] = forms.CharField(
                label=f"Кто, роль {place + 1}", max_length=200, required=False, initial=name
            )
            for one in (f"role_{place}", f"who_{place}"):
                self.fields[one].widget.attrs["class"] = "form-control"

    def said(self) -> dict[str, Any]:
        """Return what was typed, as `cases.edit` takes it."""
        data = dict(self.cleaned_data)
        data.pop("version", None)
        data["fast_track"] = {"yes": True, "no": False}.get(data.get("fast_track", ""))
        pairs = [(name, f"who_{name.removeprefix('role_')}") for name in data if name.startswith("role_")]
        data["people"] = {data[role]: data[who] for role, who in pairs if data[role] and data.get(who)}
        return data


class LeaveForm(TidyForm):
    """Why a case leaves the lane."""

    reason = forms.CharField(
        label="Почему выходит из полосы",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Напишите причину: она останется в карточке и в журнале."},
    )


class PostponeForm(TidyForm):
    """Until when, and why."""

    until = forms.DateField(
        label="Контрольная дата", widget=DATE_INPUT, error_messages={"required": "Укажите контрольную дату."}
    )
    why = forms.CharField(
        label="Причина, которую сообщают заявителю",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Напишите причину."},
    )


@requires(*WORKERS)
@require_http_methods(["GET", "POST"])
def case_page(request: StaffRequest, pk: int) -> HttpResponse:
    """Show everything that can be said and done about a case of ПОС; each press does one thing."""
    appeal = access.get_for(request.user, pk)
    if not _is_of_pos(appeal):
        raise Http404
    case = cases.kept(appeal)
    press = request.POST.get("do", "") if request.method == "POST" else ""
    edit = CaseForm(request.POST if press == "edit" else None, initial=_initial(appeal, case), people=case.people)
    leave = LeaveForm(request.POST if press == "leave" else None, prefix="leave")
    postpone = PostponeForm(request.POST if press == "postpone" else None, prefix="postpone")
    form: forms.Form | None = {"edit": edit, "leave": leave, "postpone": postpone}.get(press)
    status = 200
    if press and (form is None or form.is_valid()):
        try:
            done = _do(press, appeal, form, by=request.user)
        except DomainError as refusal:
            if form is None:
                messages.error(request, str(refusal))
            else:
                form.add_error(None, str(refusal))
            status = refusal.status
        else:
            messages.success(request, done)
            return redirect(queue.card_url(request, pk))
    elif form is not None:
        status = 422
    context = {
        "appeal": appeal,
        "case": case,
        "edit": edit,
        "leave": leave,
        "postpone": postpone,
        "words": edit.words(),
        "roles": [(edit[f"role_{place}"], edit[f"who_{place}"]) for place in range(max(PEOPLE, len(case.people) + 1))],
        "fast": appeal.regime_id == term.FAST_TRACK,
        "movable": appeal.status in cases.MOVABLE,
        "again": case.again_on is not None and not case.again_settled,
        "limit": themes.limit(),
        "may": allows(cases.check_can_edit, appeal, request.user),
    }
    return render(request, "workplace/pos/case.html", context, status=status)


def _do(press: str, appeal: Appeal, form: forms.Form | None, *, by: Employee) -> str:
    if press == "edit":
        assert isinstance(form, CaseForm)
        said = form.said()
        cases.edit(appeal, said, version=form.cleaned_data["version"], by=by)
        told = {(PosTerm.Kind.STAGE, said["stage"]), (PosTerm.Kind.STATUS, said["status"])}
        told |= {(PosTerm.Kind.DECISION, said["decision"])} | {(PosTerm.Kind.ROLE, one) for one in said["people"]}
        dictionary.extend({(kind.value, word) for kind, word in told if word})
        return "Сведения ПОС сохранены. Срок и режим пересчитаны по ним."
    if press == "leave":
        assert form is not None
        cases.leave(appeal, reason=form.cleaned_data["reason"], by=by)
        return "Сообщение выведено из полосы «Фаст-трек». Причина сохранена."
    if press == "postpone":
        assert form is not None
        cases.postpone(appeal, **form.cleaned_data, by=by)
        return "Решение отложено. Полоса напомнит в контрольную дату; срок ответа не изменился."
    if press == "enter_lane":
        cases.enter_lane(appeal, by=by)
        return "Сообщение в полосе «Фаст-трек»: срок пересчитан."
    cases.settle(appeal, by=by)
    return "Снято с контроля полосы."


def _initial(appeal: Appeal, case: PosCase) -> dict[str, Any]:
    theme = case.theme
    return {
        **{name: getattr(theme, name) if theme else "" for name in ("category", "subcategory", "fact")},
        **{name: getattr(case, name) for name in ("number", "planned_on", "fz59", "stage", "status", "decision")},
        "fast_track": {True: "yes", False: "no"}.get(case.fast_track, "") if case.fast_track is not None else "",
        "rating": case.rating or "",
        "again": case.again_on is not None and not case.again_settled,
        "version": case.version,
    }
