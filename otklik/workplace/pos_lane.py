"""«Полоса Фаст-трек»: what burns first, control dates, the set of templates; facts of ПОС; a message without export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import F, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import queues
from otklik.appeals.models import FINISHED, Need, PosCase, PosTemplate, PosTheme, Topic
from otklik.appeals.pos import cases, term, themes
from otklik.channels.pos import imports
from otklik.channels.pos.adapter import PosChannel
from otklik.channels.pos.models import PosTerm
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.core.models import TermRule
from otklik.core.terms import SOON_DAYS, valid
from otklik.people.models import Employee
from otklik.workplace.call_back import Waiting
from otklik.workplace.requests import StaffRequest

READERS: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own")
SHOWN: Final = 200
SUGGESTED: Final = 300  # words offered under a field
YES_NO: Final = [("", "не сказано"), ("yes", "да"), ("no", "нет")]
PARTS: Final = {
    "": "вся полоса",
    "late": "просрочено",
    "again": "на доработке",
    "postponed": "отложены",
    "enter": "внести",
}


def lists(user: Employee, _: datetime) -> dict[str, queues.Beside]:
    """Return what the lane holds for the employee, and of it what is late: counted with the other lists."""
    if not user.has_any(READERS):
        return {}
    return {"pos_lane": queues.Beside(cases.of_user(user).filter(cases.in_lane()), cases.late())}


def counted(numbers: Mapping[str, int]) -> dict[str, Waiting]:
    """Return what was counted of `lists`, by the name of the page; nothing while the lane is empty."""
    if not numbers.get("pos_lane"):
        return {}
    return {"pos_lane": Waiting(numbers["pos_lane"], numbers.get("pos_lane late", 0))}


# --- the lane --------------------------------------------------------------------------------------------------------


@requires(*READERS)
@require_GET
def lane(request: StaffRequest) -> HttpResponse:
    """Show the lane, terms first, with what each case waits for."""
    part = request.GET.get("part", "")
    part = part if part in PARTS else ""
    mine = cases.of_user(request.user)
    rows = mine.filter(_part(part)).select_related("appeal__applicant", "appeal__executor", "appeal__unit", "theme")
    in_order = rows.order_by(F("appeal__due_on").asc(nulls_last=True), "pk")
    shown = [_line(one) for one in in_order[: SHOWN + 1]]
    context = {
        "lines": shown[:SHOWN],
        "more": len(shown) > SHOWN,
        "part": part,
        "parts": [(code, words, mine.filter(_part(code)).count()) for code, words in PARTS.items()],
        "templates": themes.templates_for(None, user=request.user),
        "decides": request.user.has_power(themes.KEEPS),
        "waiting": themes.waiting().count(),
    }
    return render(request, "workplace/pos/lane.html", context)


def _part(code: str) -> Q:
    given_back = Q(again_on__isnull=False, again_settled=False)
    parts = {"late": cases.late(), "again": given_back, "enter": cases.to_enter()}
    parts["postponed"] = Q(postponed_until__isnull=False)
    return parts.get(code, cases.in_lane())


def _line(case: PosCase) -> dict[str, Any]:
    today = timezone.localdate()
    appeal = case.appeal
    left = (appeal.due_on - today).days if appeal.due_on and appeal.status not in FINISHED else None
    return {
        "case": case,
        "appeal": appeal,
        "fast": appeal.regime_id == term.FAST_TRACK,
        "burns": left is not None and left <= SOON_DAYS,
        "again": case.again_on is not None and not case.again_settled,
        "control": case.postponed_until,
        "control_came": case.postponed_until is not None and case.postponed_until <= today,
    }


# --- a message without an export -------------------------------------------------------------------------------------


class WordsInput(forms.TextInput):
    """A field with the words of the dictionary under it; another word may be typed."""

    def __init__(self, words: str) -> None:
        super().__init__(attrs={"list": words, "autocomplete": "off"})


class MessageFields(TidyForm):
    """The columns of ПОС that people fill in."""

    category = forms.CharField(label="Категория", max_length=300, required=False, widget=WordsInput("pos-category"))
    subcategory = forms.CharField(
        label="Подкатегория", max_length=300, required=False, widget=WordsInput("pos-subcategory")
    )
    fact = forms.CharField(label="Факт", max_length=300, required=False, widget=WordsInput("pos-fact"))
    planned_on = forms.DateField(label="Дата планируемого завершения работ", required=False, widget=DATE_INPUT)
    fast_track = forms.ChoiceField(label="Фаст-трек", required=False, choices=YES_NO)
    fz59 = forms.BooleanField(label="Заявитель выбрал подачу по 59-ФЗ", required=False)
    stage = forms.CharField(label="Стадия", max_length=300, required=False, widget=WordsInput("pos-stage"))
    status = forms.CharField(label="Статус", max_length=300, required=False, widget=WordsInput("pos-status"))

    def words(self) -> dict[str, list[str]]:
        """Return the words offered under the fields: of the exports, of the facts, and those known from the start."""
        levels = PosTheme.objects.values_list("category", "subcategory", "fact")[:SUGGESTED]
        found = {f"pos-{name}": sorted({one[at] for one in levels} - {""}) for at, name in enumerate(_LEVELS)}
        for kind, value in PosTerm.objects.exclude(kind=PosTerm.Kind.THEME).values_list("kind", "value")[:SUGGESTED]:
            found.setdefault(f"pos-{kind}", []).append(value)
        return found


_LEVELS: Final = ("category", "subcategory", "fact")


class NewForm(MessageFields):
    """A message as it stands in the cabinet."""

    number = forms.CharField(
        label="Номер", max_length=60, error_messages={"required": "Укажите номер сообщения в ПОС."}
    )
    received_on = forms.DateField(
        label="Дата поступления", widget=DATE_INPUT, error_messages={"required": "Укажите, когда сообщение поступило."}
    )
    name = forms.CharField(label="ФИО заявителя", max_length=300, required=False)
    text = forms.CharField(
        label="Текст сообщения",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Скопируйте текст сообщения из кабинета ПОС."},
    )

    field_order = ["number", "received_on", "name", "text", *MessageFields.base_fields]

    def clean(self) -> dict[str, Any]:
        """Refuse days that cannot be."""
        data = super().clean() or {}
        came, planned = data.get("received_on"), data.get("planned_on")
        if came and came > timezone.localdate():
            self.add_error("received_on", "Этот день ещё не наступил.")
        if came and planned and planned < came:
            self.add_error("planned_on", "План раньше дня поступления: проверьте обе даты.")
        if data.get("fz59") and data.get("fast_track") == "yes":
            self.add_error("fast_track", "Заявитель выбрал 59-ФЗ: Фаст-трека у такого сообщения не бывает.")
        return data

    def columns(self) -> dict[str, str]:
        """Return what was typed, as an export writes it."""
        data = self.cleaned_data
        day = "{:%d.%m.%Y}".format
        told = {name: data[name] for name in ("number", *_LEVELS, "stage", "status")}
        told |= {"received": day(data["received_on"]), "planned": day(data["planned_on"]) if data["planned_on"] else ""}
        told |= {"fz59": "Да" if data["fz59"] else "Нет", "law": "59-ФЗ" if data["fz59"] else "Обычное сообщение"}
        return told | {"fast_track": {"yes": "Да", "no": "Нет"}.get(data["fast_track"], "")}


@requires(themes.KEEPS)
@require_http_methods(["GET", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Write down a message of ПОС without its export, then register it like any message."""
    form = NewForm(request.POST or None, initial={"received_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            message = imports.write_down(
                form.columns(), text=data["text"], name=data["name"], reader=PosChannel(), by=request.user
            )
        except DomainError as refusal:
            form.add_error("number", str(refusal))
        else:
            messages.success(request, "Сообщение ПОС записано. Проверьте предложенное и зарегистрируйте.")
            return redirect("workplace:inbox", pk=message.pk)
    context = {"form": form, "words": form.words()}
    return render(request, "workplace/pos/new.html", context, status=422 if form.errors else 200)


# --- facts, the limit, templates -------------------------------------------------------------------------------------


class FactForm(TidyForm):
    """What a fact of ПОС means here."""

    fast_track = forms.BooleanField(
        label="Идёт по Фаст-треку",
        required=False,
        help_text="Действует, когда само сообщение об этом молчит: записано вручную или в выгрузке нет столбца.",
    )
    days = forms.IntegerField(
        label="Дней по Фаст-треку",
        min_value=1,
        max_value=60,
        required=False,
        help_text="Пусто — общий срок режима. Дата из самой ПОС идёт первой всегда.",
    )
    unit = forms.ChoiceField(label="Какие дни", choices=TermRule.Unit.choices)
    basis = forms.CharField(label="Откуда срок", max_length=300, required=False)
    topic = forms.ModelChoiceField(Topic.objects.none(), label="Тема у нас", required=False, empty_label="не указана")
    need = forms.ModelChoiceField(
        Need.objects.none(), label="Типовая потребность", required=False, empty_label="не указана"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        for name, rows in (
            ("topic", Topic.objects.filter(valid(today), leaf=True)),
            ("need", Need.objects.filter(valid(today))),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows


class LimitForm(TidyForm):
    """For how long a decision may be put off."""

    days = forms.IntegerField(label="Не больше дней", min_value=1, max_value=1000)
    basis = forms.CharField(label="Основание", max_length=300)


@requires("intake.view", *READERS)
@require_http_methods(["GET", "POST"])
def facts(request: StaffRequest) -> HttpResponse:
    """Show the facts of ПОС, those nobody has matched first, the limit of decisions put off, the set of templates."""
    decides = request.user.has_power(themes.KEEPS)
    now = themes.limit()
    press = request.POST.get("do", "") if request.method == "POST" else ""
    form = LimitForm(request.POST if press == "limit" else None, initial={"days": now.days, "basis": now.basis})
    if press and not decides:
        return _facts(request, form, status=403)
    try:
        if press == "limit" and form.is_valid():
            themes.set_limit(**form.cleaned_data, by=request.user)
            messages.success(request, "Предел изменён с сегодняшнего дня.")
        elif press == "add":
            theme = PosTheme.objects.filter(pk=typed.number(request.POST.get("theme")) or 0).first()
            themes.add_template(typed.number(request.POST.get("material")), theme=theme, by=request.user)
            messages.success(request, "Шаблон добавлен в набор полосы.")
        elif press == "remove":
            row = get_object_or_404(PosTemplate, pk=typed.number(request.POST.get("row")) or 0)
            themes.remove_template(row, by=request.user)
            messages.success(request, "Шаблон убран из набора. Сам материал остался.")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    if press and not form.errors:
        return redirect("workplace:pos_facts")
    return _facts(request, form, status=422 if form.errors else 200)


def _facts(request: StaffRequest, form: LimitForm, *, status: int = 200) -> HttpResponse:
    rows = list(PosTheme.objects.select_related("topic", "need")[: SHOWN * 2])
    chosen = list(PosTemplate.objects.select_related("theme"))
    titles = dict(themes.offered(request.user).values_list("pk", "title"))
    context = {
        "waiting": [row for row in rows if not row.matched],
        "matched": [row for row in rows if row.matched],
        "decides": request.user.has_power(themes.KEEPS),
        "form": form,
        "limit": themes.limit(),
        "chosen": [(row, titles[row.material]) for row in chosen if row.material in titles],
        "offered": list(titles.items()),
        "themes": [(row.pk, str(row)) for row in rows if row.fast_track or row.matched],
    }
    return render(request, "workplace/pos/facts.html", context, status=status)


@requires(themes.KEEPS)
@require_http_methods(["GET", "POST"])
def fact(request: StaffRequest, pk: int) -> HttpResponse:
    """Say what a fact of ПОС means here."""
    row = get_object_or_404(PosTheme, pk=pk)
    known = {name: getattr(row, name) for name in ("fast_track", "days", "unit", "basis", "topic", "need")}
    form = FactForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            themes.match(row, changed=form.cleaned_data, by=request.user)
        except DomainError as refusal:
            form.add_error("basis", str(refusal))
        else:
            messages.success(request, f"Сопоставлено: «{row}». Сроки дел пересчитывают на странице «Сроки».")
            return redirect("workplace:pos_facts")
    context = {
        "form": form,
        "title": str(row),
        "lead": "Что значит этот факт ПОС: тема и потребность у нас, Фаст-трек и его срок.",
        "back": reverse("workplace:pos_facts"),
        "back_name": "Факты ПОС",
        "wide": ("basis", "topic", "need"),
        "done": "Сопоставить",
    }
    return render(request, "workplace/row_form.html", context, status=422 if form.errors else 200)
