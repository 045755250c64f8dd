"""«Сделать с несколькими»: choose rows or a whole list, try, see what will and what will not, do, take back."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import bulk, queues
from otklik.appeals.models import BulkItem, BulkRun
from otklik.core import typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.people import staff
from otklik.people.models import Employee
from otklik.workplace import asked, outcomes
from otklik.workplace.requests import StaffRequest

POWERS: Final = ("appeals.assign", "appeals.dispatch", "appeals.close", "appeals.view_own", "intake.decide")
SHOWN: Final = 200  # refusals on one page
MOVING: Final = (BulkRun.State.CHECKING, BulkRun.State.RUNNING, BulkRun.State.UNDOING)


class AssignManyForm(TidyForm):
    """Who answers them all."""

    executor = forms.ModelChoiceField(Employee.objects.none(), label="Исполнитель", empty_label="Выберите исполнителя")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        drafters = staff.holders("appeals.draft", on=timezone.localdate()).filter(unit__isnull=False)
        field: Any = self.fields["executor"]
        field.queryset = drafters.select_related("unit").order_by("unit__name", "last_name")
        field.label_from_instance = lambda one: f"{one.short_name} — {one.unit}"

    def params(self) -> dict[str, Any]:
        """Return what the run is done with."""
        executor = self.cleaned_data["executor"]
        return {"executor": executor.pk, "unit": executor.unit_id}


class SendManyForm(TidyForm):
    """How those questions ended of which nobody has said it yet."""

    outcome = forms.ChoiceField(
        label="Исход вопросов, у которых он не указан",
        help_text="Каждый ответ уйдёт своим способом под своим номером. Отменить можно, пока письмо ещё не ушло.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["outcome"]
        field.choices = [(kind.code, kind.name) for kind in outcomes.plain_kinds()]

    def params(self) -> dict[str, Any]:
        """Return what the run is done with."""
        return {"outcome": self.cleaned_data["outcome"]}


class CloseManyForm(TidyForm):
    """Why they are closed."""

    reason = forms.CharField(
        label="Причина", max_length=300, required=False, help_text="Нужна, если ответа по существу не было."
    )

    def params(self) -> dict[str, Any]:
        """Return what the run is done with."""
        return {"reason": self.cleaned_data["reason"]}


class NothingToAskForm(TidyForm):
    """The step needs nothing more."""

    def params(self) -> dict[str, Any]:
        """Return what the run is done with."""
        return {}


FORMS: Final[dict[str, type[AssignManyForm | SendManyForm | CloseManyForm | NothingToAskForm]]] = {
    BulkRun.Action.ASSIGN: AssignManyForm,
    BulkRun.Action.SEND: SendManyForm,
    BulkRun.Action.CLOSE: CloseManyForm,
    BulkRun.Action.READ: NothingToAskForm,
}


@requires(*POWERS)
@require_POST
def begin(request: StaffRequest) -> HttpResponse:
    """Take the ticked rows, or everything the list's conditions give, for an action."""
    given, user = request.POST, request.user
    if given.get("action") not in dict(bulk.offered_to(user)):
        raise Http404
    view, filters = asked.read(user, QueryDict(given.get("query", "")))
    if given.get("scope") == "all":
        chosen = list(queues.appeals_of(user, view, filters).values_list("pk", flat=True)[: bulk.MOST + 1])
    else:
        chosen = [pk for pk in map(typed.number, given.getlist("appeal")) if pk]
    run = bulk.prepare(given["action"], chosen, by=user, back=asked.write(view, filters))
    return redirect("workplace:bulk_run", run.pk)


@requires(*POWERS)
@require_http_methods(["GET", "POST"])
def run(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one's run and how far it is; a press tries, does, stops or undoes."""
    one = get_object_or_404(BulkRun, pk=pk, owner=request.user)
    if request.method != "POST":
        return _page(request, one, FORMS[one.action](initial=one.params))
    form = FORMS[one.action](request.POST)
    try:
        press = request.POST.get("do")
        if press == "check":
            if not form.is_valid():
                return _page(request, one, form, status=422)
            bulk.check(one, form.params())
        elif press in ("begin", "stop", "undo"):
            {"begin": bulk.begin, "stop": bulk.stop, "undo": bulk.undo}[press](one)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("workplace:bulk_run", one.pk)


@by_itself
@requires(*POWERS)
@require_GET
def progress(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how far one's run is: the page asks every second while it moves."""
    one = get_object_or_404(BulkRun, pk=pk, owner=request.user)
    return _page(request, one, FORMS[one.action](initial=one.params), "workplace/bulk.html#progress")


def _refused(items: QuerySet[BulkItem]) -> dict[str, Any]:
    """Return the first refusals, and each reason once with how many cases have it, the most frequent first."""
    shown = list(items.select_related("appeal").order_by("pk")[:SHOWN])
    for item in shown:
        item.reason = _reason(item.why, item.appeal.number)  # type: ignore[attr-defined]
    reasons = Counter(_reason(*row) for row in items.values_list("why", "appeal__number"))
    return {"refused": shown, "reasons": reasons.most_common()}


def _reason(why: str, number: str) -> str:
    """Return why without the number, which stands beside it, and without the advice that a card gives."""
    said = why.replace(f"Обращение № {number}: ", "").removesuffix(" Обновите карточку.")
    return said[:1].upper() + said[1:]


def _page(
    request: StaffRequest, one: BulkRun, form: forms.Form, template: str = "workplace/bulk.html", status: int = 200
) -> HttpResponse:
    numbers = bulk.numbers(one)
    refused = one.items.filter(state__in=[BulkItem.State.UNFIT, BulkItem.State.REFUSED, BulkItem.State.KEPT])
    total = sum(numbers.values())
    phase = bulk.PHASES.get(one.state)
    return render(
        request,
        template,
        {
            "run": one,
            "form": form,
            "moving": one.state in MOVING,
            "total": total,
            "left": numbers[phase.takes] if phase else 0,
            "passed": total - (numbers[phase.takes] if phase else 0),
            "fits": numbers[BulkItem.State.FITS],
            "done": numbers[BulkItem.State.DONE],
            "undone": numbers[BulkItem.State.UNDONE],
            **({} if one.state in MOVING else _refused(refused)),
            "refused_total": sum(numbers[state] for state in ("unfit", "refused", "kept")),
            "back": f"{reverse('workplace:queue')}?{one.back}",
            "numbers": {},
            "lazy_menu": True,
        },
        status=status,
    )
