"""ПОС at the desk: exports with a preview, words to be matched, differences, the panel on cards, links, the widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access
from otklik.appeals.models import AppealMessage
from otklik.channels.pos import columns, dictionary, imports, links, parse, standing
from otklik.channels.pos.links import Wanted
from otklik.channels.pos.models import PosImport, PosMessage, PosTerm
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.models import JournalEntry
from otklik.core.pages import safe_back
from otklik.core.sheets import XLSX
from otklik.correspondence.models import ChannelCode, Connection, IncomingMessage, OutgoingMessage
from otklik.workplace.requests import StaffRequest

READERS: Final = ("intake.view",)
DECIDES: Final = "intake.decide"
MARKS: Final = (DECIDES, "appeals.note")
CARD: Final = ("appeals.view_all", "appeals.view_unit", "appeals.view_own")
SHOWN: Final = 200
# What is asked of a message first; everything else is one press away.
MAIN: Final = ("number", "epgu", "stage", "status", "planned", "overdue", "fast_track", "law", "decision", "rating")
IMPORTS: Final = 20


class UploadForm(TidyForm):
    """The export."""

    sheet = forms.FileField(
        label="Выгрузка .xlsx",
        widget=forms.ClearableFileInput(attrs={"accept": f".xlsx,{XLSX}"}),
        error_messages={"required": "Выберите файл выгрузки.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


class LinkForm(TidyForm):
    """What a link to the form is made of."""

    opa_id = forms.CharField(
        label="opaId",
        max_length=40,
        required=False,
        help_text="Номер организации в ПОС. Есть в любой её ссылке на форму.",
    )
    fz59 = forms.ChoiceField(
        label="Вид подачи",
        required=False,
        choices=[("", "выбирает заявитель"), ("true", "обращение по 59-ФЗ"), ("false", "обычное сообщение")],
    )
    source = forms.ChoiceField(
        label="utm_source", required=False, choices=[("", "без меток"), *((one, one) for one in links.SOURCES)]
    )
    medium = forms.CharField(
        label="utm_medium",
        max_length=40,
        required=False,
        help_text=f"Двузначный код или {', '.join(links.LONG_MEDIUMS)}.",
    )
    campaign = forms.CharField(label="utm_campaign", max_length=40, required=False, help_text="ОГРН: 13 цифр.")

    def clean(self) -> dict[str, Any]:
        """Name everything that is wrong with the link."""
        data = super().clean() or {}
        for name, words in links.problems(self.wanted()).items():
            self.add_error(name, words)
        return data

    def wanted(self) -> Wanted:
        """Return what was typed."""
        said = {name: str(self.cleaned_data.get(name) or "").strip() for name in LinkForm.base_fields}
        fz59 = {"true": True, "false": False}.get(said.pop("fz59"))
        return Wanted(fz59=fz59, **said)


class CheckForm(TidyForm):
    """A link or the code of a widget, pasted."""

    pasted = forms.CharField(
        label="Ссылка или код виджета",
        max_length=links.MOST,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        error_messages={"required": "Вставьте ссылку или код виджета."},
    )


# --- exports ---------------------------------------------------------------------------------------------------------


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def home(request: StaffRequest) -> HttpResponse:
    """Show the exports that came, what waits for a person; take an export and show what it would do."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and not request.user.has_power(DECIDES):
        return _home(request, form, status=403)
    if request.method == "POST" and form.is_valid():
        sheet = form.cleaned_data["sheet"]
        try:
            run = imports.upload(sheet, sheet.name or "", by=request.user)
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
        else:
            return redirect("workplace:pos_import", run.pk)
    return _home(request, form, status=422 if form.errors else 200)


def _home(request: StaffRequest, form: UploadForm, *, status: int) -> HttpResponse:
    shown = PosImport.objects.select_related("by")
    context = {
        "form": form,
        "runs": list(shown[:IMPORTS]),
        "words": dictionary.waiting().count(),
        "differences": standing.contradicted().count() + standing.answered_there().count(),
        "decides": request.user.has_power(DECIDES),
        "most": columns.MOST_ROWS,
    }
    return render(request, "workplace/pos/home.html", context, status=status)


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def import_page(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what an export would do, how far it is, or what it did; a press writes it or leaves it."""
    run = get_object_or_404(PosImport.objects.select_related("by", "rows"), pk=pk)
    if request.method != "POST":
        return _import(request, run)
    if not request.user.has_power(DECIDES):
        return _import(request, run, status=403)
    try:
        if request.POST.get("do") == "write":
            imports.begin(run, by=request.user)
        elif request.POST.get("do") == "drop":
            imports.drop(run, by=request.user)
            messages.success(request, "Выгрузка не записана. Загрузить её снова можно в любое время.")
            return redirect("workplace:pos")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect("workplace:pos_import", run.pk)


@by_itself
@requires(*READERS)
@require_GET
def progress(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how far an export is: the page asks every second while it is written."""
    return _import(request, get_object_or_404(PosImport.objects.select_related("by"), pk=pk), part="#progress")


def _import(request: StaffRequest, run: PosImport, *, part: str = "", status: int = 200) -> HttpResponse:
    is_read = run.state == PosImport.State.READ
    context = {
        "run": run,
        "preview": imports.preview(run) if is_read and not part else None,
        "moving": run.state == PosImport.State.WRITING,
        "left_out": [one for one in run.problems if not one["taken"]][:SHOWN],
        "doubts": [one for one in run.problems if one["taken"]][:SHOWN],
        "shown": imports.SHOWN,
        "kinds": dict(PosTerm.Kind.choices),
        "decides": request.user.has_power(DECIDES),
        "numbers": {},
        "lazy_menu": True,
    }
    return render(request, f"workplace/pos/import.html{part}", context, status=status)


# --- words and differences -------------------------------------------------------------------------------------------


@requires(*READERS)
@require_GET
def terms(request: StaffRequest) -> HttpResponse:
    """Show the words of ПОС, those nobody has said the meaning of first."""
    rows = PosTerm.objects.select_related("matched_by").order_by("matched", "kind", "value")[: SHOWN * 2]
    shown = [(row, [(one.value, one.label) for one in dictionary.MEANINGS[row.kind]]) for row in rows]
    context = {
        "waiting": [one for one in shown if not one[0].matched],
        "matched": [one for one in shown if one[0].matched],
        "decides": request.user.has_power(DECIDES),
    }
    return render(request, "workplace/pos/terms.html", context)


@requires(DECIDES)
@require_POST
def term(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep what a word of ПОС means."""
    row = get_object_or_404(PosTerm, pk=pk)
    try:
        dictionary.match(row, request.POST.get("meaning", ""), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"Сопоставлено: «{row.value[:80]}».")
    return redirect("workplace:pos_terms")


@requires(*READERS)
@require_GET
def differences(request: StaffRequest) -> HttpResponse:
    """List answers that the exports do not confirm, and those that ПОС knows and we do not."""
    context = {
        "contradicted": _of_appeals(request, standing.contradicted()),
        "answered_there": _of_appeals(request, standing.answered_there()),
    }
    return render(request, "workplace/pos/differences.html", context)


def _of_appeals(request: StaffRequest, rows: QuerySet[PosMessage]) -> list[PosMessage]:
    seen = rows.filter(message__taken__appeal__in=access.visible_to(request.user))
    return list(seen.select_related("message__taken__appeal").order_by("-seen_at", "number")[:SHOWN])


# --- on the message and on the card ----------------------------------------------------------------------------------


@requires(*CARD, *READERS)
@require_GET
def of_message(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what ПОС says of a message."""
    message = access.get_message(request.user, pk)
    return _panel(request, [message], back=reverse("workplace:inbox", args=[pk]), title="Сообщение")


@requires(*CARD)
@require_GET
def of_appeal(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what ПОС says of the messages of an appeal."""
    letters = AppealMessage.objects.filter(appeal=access.get_for(request.user, pk), message__channel=ChannelCode.POS)
    found = [one.message for one in letters.select_related("message").order_by("pk")]
    return _panel(request, found, back=reverse("workplace:card", args=[pk]), title="Обращение")


def _panel(request: StaffRequest, found: Iterable[IncomingMessage], *, back: str, title: str) -> HttpResponse:
    may_mark = request.user.has_any(MARKS)
    told = [one for one in map(_told, found) if one["row"]]
    context = {"told": told, "back": back, "title": title, "may_mark": may_mark}
    return render(request, "workplace/pos/panel.html#pane" if request.htmx else "workplace/pos/panel.html", context)


def _told(message: IncomingMessage) -> dict[str, Any]:
    versions = list(message.facts.filter(schema=parse.SCHEMA).order_by("version"))
    data: Mapping[str, Any] = versions[-1].data if versions else {"fields": {}, "extra": {}}
    row = PosMessage.objects.filter(message=message).select_related("marked_by", "seen_in").first()
    answer = standing.posted(message)
    return {
        "message": message,
        "row": row,
        "main": [(columns.TITLES[code], data["fields"].get(code, "")) for code in MAIN],
        "rest": [(title, data["fields"].get(code, "")) for code, title in columns.TITLES.items() if code not in MAIN],
        "extra": [(name, said) for name, said in data["extra"].items() if said and name not in parse.TEXTS],
        "answer": answer,
        "answered_by": _who_posted(answer) if answer else "",
        "standing": standing.of(row, answer) if row else None,
        "history": [
            (after.at, list(imports.changes_between(before.data, after.data))) for before, after in pairwise(versions)
        ][::-1],
    }


def _who_posted(answer: OutgoingMessage) -> str:
    lines = JournalEntry.objects.filter(chain=f"outgoing:{answer.pk}", action="outgoing.posted")
    line: Any = lines.select_related("actor").order_by("-seq").first()
    return line.actor.short_name if line and line.actor else ""


@requires(*MARKS)
@require_POST
def mark(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep what somebody has noted about a message of ПОС."""
    message = access.get_message(request.user, pk)
    try:
        imports.mark(message, request.POST.get("mark", ""), by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Пометка сохранена. Следующие выгрузки её не изменят.")
    return redirect(safe_back(request, reverse("workplace:inbox", args=[pk])))


# --- links -----------------------------------------------------------------------------------------------------------


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def link_page(request: StaffRequest) -> HttpResponse:
    """Make a link to the form of ПОС and the code of its widget; check a pasted one. Nothing is kept."""
    press = request.POST.get("do")
    form = LinkForm(request.POST) if press == "make" else LinkForm(initial=_known())
    check = CheckForm(request.POST) if press == "check" else CheckForm()
    context: dict[str, Any] = {"form": form, "check": check}
    if form.is_bound and form.is_valid():
        wanted = form.wanted()
        context |= {"link": links.make(wanted), "widget": links.widget(wanted.opa_id)}
    if check.is_bound and check.is_valid():
        context["checked"] = links.check(check.cleaned_data["pasted"])
    return render(request, "workplace/pos/links.html", context, status=422 if form.errors or check.errors else 200)


def _known() -> dict[str, Any]:
    """Return what is written down on the page of the channel."""
    row = Connection.objects.filter(channel=ChannelCode.POS).first()
    values = row.values if row else {}
    return {
        "opa_id": values.get("opa_id", ""),
        "campaign": values.get("ogrn", ""),
        "medium": values.get("place_code", ""),
    }
