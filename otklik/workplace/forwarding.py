"""«Переадресация» beside the card: to whom, which questions, by which day, and the letters that are made."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from otklik.appeals import access, complained, extension, forwarding, steps
from otklik.appeals.models import Appeal, AppealQuestion, Forwarding
from otklik.core.access import requires
from otklik.core.errors import DomainError, why_not
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.typed import number
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee
from otklik.workplace import queue
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

WHOLE, IN_PART = "whole", "part"


class ForwardForm(TidyForm):
    """What goes on, who signs, and when an answer is expected."""

    how = forms.ChoiceField(
        label="Что пересылаем",
        choices=[(WHOLE, "целиком: работа здесь закончится"), (IN_PART, "частью: на остальное отвечаем мы")],
        widget=forms.RadioSelect,
        initial=WHOLE,
    )
    complained = forms.CharField(
        label="На кого жалуются",
        max_length=300,
        required=False,
        help_text="Через запятую: туда обращение не уйдёт (59-ФЗ, ст. 8 ч. 6).",
    )
    signer = forms.ModelChoiceField(Employee.objects.none(), label="Кто подписал письмо", empty_label="Выберите")
    control_on = forms.DateField(
        label="Ждём сведений о результатах до", required=False, widget=DATE_INPUT, help_text="Пусто — без контроля."
    )
    late_why = forms.CharField(label="Почему позже срока", max_length=300, required=False)

    def __init__(self, *args: Any, user: Employee, late: bool, **kwargs: Any) -> None:
        """Offer who may sign; why it is late is asked for only where it is."""
        super().__init__(*args, **kwargs)
        people = extension.officials()
        field = self.fields["signer"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Employee.objects.filter(pk__in=[one.pk for one in people])
        if any(one.pk == user.pk for one in people):
            field.initial = user.pk
        if not late:
            del self.fields["late_why"]

    def whom(self) -> list[str]:
        """Return whom the applicant complains of, as typed."""
        return [one.strip() for one in self.cleaned_data["complained"].split(",") if one.strip()]


class QuestionsField(forms.ModelMultipleChoiceField[AppealQuestion]):
    """Questions of an appeal, each called by its topic."""

    def label_from_instance(self, obj: Any) -> str:
        """Return the topic's name."""
        return str(obj.topic.name)


class BodyForm(TidyForm):
    """One body, and what of the appeal it gets."""

    body = forms.CharField(label="Куда", max_length=300, widget=forms.TextInput(attrs={"data-wanted": ""}))
    channel = forms.ChoiceField(
        label="Как отправить", choices=[(one.value, ChannelCode(one).label) for one in forwarding.WAYS]
    )
    address = forms.CharField(
        label="Адрес",
        max_length=500,
        help_text="Почтовый, электронный или адрес МЭДО.",
        widget=forms.TextInput(attrs={"data-wanted": ""}),
    )
    questions = QuestionsField(
        AppealQuestion.objects.none(), label="Вопросы", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, asked: list[AppealQuestion], **kwargs: Any) -> None:
        """Offer the questions of the appeal where it has several."""
        super().__init__(*args, **kwargs)
        if len(asked) < 2:
            del self.fields["questions"]
            return
        field = self.fields["questions"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = AppealQuestion.objects.filter(pk__in=[one.pk for one in asked]).select_related("topic")


Bodies: Final = forms.formset_factory(
    BodyForm, extra=0, max_num=forwarding.MOST_BODIES, absolute_max=forwarding.MOST_BODIES + 10, validate_max=True
)


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return what was sent on and by which day it may be; None where the regime knows no forwarding."""
    sent = forwarding.of(appeal) if is_there(appeal, "forwardings") else []
    may = steps.can("forward", appeal, user)
    due = forwarding.due_of(appeal) if appeal.closed_on is None else None
    unknown = may and due is None and appeal.closed_on is None
    if not sent and not unknown and (due is None or not may):
        return None
    step = (Step("Переслать по принадлежности", "forward", "send"),) if may and due else ()
    late = due is not None and due.on < timezone.localdate()
    facts = {
        "sent": sent,
        "due": due if may else None,
        "late": late,
        "unknown": unknown,
        "appeal": appeal,
        "may_note": user.has_power(forwarding.POWER),
    }
    return Part("Переадресация", "send", "workplace/law/forward_part.html", facts, step, count=len(sent))


@requires(forwarding.POWER)
@require_http_methods(["GET", "POST"])
def forward(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the form; a POST sends the appeal on and makes the letters. A refusal keeps what was typed."""
    appeal = access.get_for(request.user, pk)
    due = forwarding.due_of(appeal)
    late = due is not None and due.on < timezone.localdate()
    asked = list(AppealQuestion.objects.filter(appeal=appeal).select_related("topic"))
    known = {"complained": ", ".join(complained.names(appeal))}
    if request.method != "POST" or "more" in request.POST:
        form = ForwardForm(initial={**known, **_typed(request)}, user=request.user, late=late)
        bodies = Bodies(initial=_bodies(request), form_kwargs={"asked": asked})
        return _page(request, appeal, form, bodies, due=due, late=late)
    form = ForwardForm(request.POST, user=request.user, late=late)
    bodies = Bodies(_without_empty(request), form_kwargs={"asked": asked})
    if not (form.is_valid() and bodies.is_valid()):
        return _page(request, appeal, form, bodies, due=due, late=late, status=422)
    data = form.cleaned_data
    try:
        row = forwarding.forward(
            appeal,
            [_addressed(one.cleaned_data) for one in bodies],
            whole=data["how"] == WHOLE,
            signer=data["signer"],
            by=request.user,
            complained=form.whom(),
            control_on=data["control_on"],
            late_why=data.get("late_why", ""),
        )
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(request, appeal, form, bodies, due=due, late=late, status=refusal.status)
    end = " Обращение закрыто." if row.whole else ""
    messages.success(request, f"Переслано: писем — {len(bodies)}, заявителю готово уведомление.{end}")
    return redirect(queue.card_url(request, pk))


class ToldForm(TidyForm):
    """What another body has told of the results."""

    on = forms.DateField(label="Когда получены", widget=DATE_INPUT)
    what = forms.CharField(label="Что сообщили", max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


@requires(forwarding.POWER)
@require_http_methods(["GET", "POST"])
def told(request: StaffRequest, pk: int) -> HttpResponse:
    """Note what another body has told: nobody is reminded of its day any more."""
    row = access.get_of_appeal(request.user, Forwarding.objects.select_related("appeal"), "appeal", pk=pk)
    form = ToldForm(request.POST or None, initial={"on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            forwarding.told(row, **form.cleaned_data, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Отмечено: сведения получены.")
            return redirect(queue.card_url(request, row.appeal_id))
    facts = {
        "form": form,
        "title": "Сведения о результатах",
        "lead": f"По обращению № {row.appeal.number}, пересланному {row.forwarded_on:%d.%m.%Y}.",
        "back": reverse("workplace:card", args=[row.appeal_id]),
        "back_name": f"Обращение № {row.appeal.number}",
        "wide": ("what",),
    }
    return render(request, "workplace/row_form.html", facts, status=422 if form.errors else 200)


def _page(
    request: StaffRequest, appeal: Appeal, form: ForwardForm, bodies: Any, *, due: Any, late: bool, status: int = 200
) -> HttpResponse:
    rule = forwarding.rule_of(appeal)
    facts = {"appeal": appeal, "form": form, "bodies": bodies, "due": due, "late": late}
    facts["basis"] = rule.basis if rule else ""
    return render(
        request, "workplace/law/forward.html", {**facts, "why_not": _why_not(appeal, request.user, due)}, status=status
    )


def _why_not(appeal: Appeal, user: Employee, due: object) -> str:
    if refused := why_not(forwarding.check_can_forward, appeal, user):
        return refused
    return "" if due else f"Режим «{appeal.regime.name}» переадресации не знает: срока для неё нет в справочнике."


def _addressed(data: dict[str, Any]) -> forwarding.Addressed:
    return forwarding.Addressed(data["body"], data["channel"], data["address"], tuple(data.get("questions") or ()))


def _typed(request: HttpRequest) -> dict[str, str]:
    """Return what was typed before one more body was asked for."""
    names = ("how", "complained", "signer", "control_on", "late_why")
    return {name: request.POST[name] for name in names if request.POST.get(name)}


def _bodies(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the bodies typed so far and an empty one more."""
    count = min(number(request.POST.get("form-TOTAL_FORMS")) or 0, forwarding.MOST_BODIES - 1)
    known = [
        {name: request.POST.get(f"form-{place}-{name}", "") for name in ("body", "channel", "address")}
        | {"questions": request.POST.getlist(f"form-{place}-questions")}
        for place in range(count)
    ]
    return [*known, {}]


def _without_empty(request: HttpRequest) -> QueryDict:
    """Return the typed bodies without those nobody filled in: an empty row asks for nothing."""
    count = min(number(request.POST.get("form-TOTAL_FORMS")) or 0, forwarding.MOST_BODIES + 10)
    names = ("body", "channel", "address")
    filled = [
        place for place in range(count) if any(request.POST.get(f"form-{place}-{name}") for name in ("body", "address"))
    ] or [0]
    data = request.POST.copy()
    for new, old in enumerate(filled):
        values = {name: request.POST.get(f"form-{old}-{name}", "") for name in names}
        for name, value in values.items():
            data[f"form-{new}-{name}"] = value
        data.setlist(f"form-{new}-questions", request.POST.getlist(f"form-{old}-questions"))
    data["form-TOTAL_FORMS"] = str(len(filled))
    data.setdefault("form-INITIAL_FORMS", "0")
    return data
