"""A list of messages from any other body: upload, columns, a look at every row, and only then messages."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from otklik.channels.handover import handed, table
from otklik.channels.handover.table import Asked, Line
from otklik.core import files, masking, sheets
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.core.sheets import XLSX, Row
from otklik.workplace import carried
from otklik.workplace.requests import StaffRequest

SALT: Final = "workplace.list-of-messages"
POWER: Final = "intake.decide"
VERDICTS: Final = {
    "new": "принять",
    "again": "принять ещё раз",
    "repeat": "повтор",
    "refuse": "отказ",
}
SHOWN: Final = 300  # rows on the page; those refused come first
GLIMPSE: Final = 3  # cells of a column shown beside its head
LENGTH: Final = 60  # characters of a cell
SAMPLE: Final = (
    list(table.FIELDS.values()),
    ["15", "24.11.2026", "Примерова Анна Сергеевна", "", "", "", "", "anna@citizen.example", "", "630000, Новосибирск",
     "Аренда участка", "Прошу предоставить сведения об аренде участка."],
)  # fmt: skip


class ListForm(TidyForm):
    """The list, whose it is, and the channel its messages came by."""

    source = forms.CharField(
        label="Кто передал список",
        max_length=200,
        help_text="Например: «Администрация района». Пишите одинаково: так узнаются повторы.",
        error_messages={"required": "Напишите, кто передал список: номера у каждого свои."},
    )
    channel = forms.ChoiceField(
        label="Каким каналом поступили сообщения", choices=[(one.value, one.label) for one in handed.CHANNELS]
    )
    sheet = forms.FileField(
        label="Таблица .xlsx или .csv",
        widget=forms.ClearableFileInput(attrs={"accept": f".csv,.xlsx,{XLSX}"}),
        error_messages={"required": "Выберите файл таблицы.", "empty": "Файл пустой (0 байт). Выберите другой."},
    )


@requires(POWER)
@never_cache
@require_http_methods(["GET", "POST"])
def upload(request: StaffRequest) -> HttpResponse:
    """Take a list, show what each column is taken for and what each row would do; a confirmed one is kept.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    if request.method == "POST" and "read" in request.POST:
        return _looked_at(request)
    form = ListForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            heads, rows = table.read(data["sheet"], data["sheet"].name or "")
        except DomainError as refusal:
            form.add_error("sheet", str(refusal))
        else:
            asked = Asked(data["channel"], data["source"], table.proposed(heads))
            return _page(request, heads, rows, asked)
    status = 422 if request.method == "POST" else 200
    return render(request, "workplace/upload.html", {"form": form}, status=status)


@requires(POWER)
@require_GET
def sample(request: StaffRequest) -> HttpResponse:
    """Hand out a list to fill in."""
    made = sheets.xlsx(SAMPLE, title="Сообщения")
    return files.download(HttpResponse(made, content_type=XLSX), "soobscheniya.xlsx")


def _looked_at(request: StaffRequest) -> HttpResponse:
    """Show the rows by the columns chosen now, or keep them where that is what was agreed to."""
    try:
        rows, kept = carried.opened(request.POST["read"], salt=SALT)
        heads, source, channel = list(kept["heads"]), str(kept["source"]), str(kept["channel"])
    except (signing.BadSignature, KeyError):
        messages.error(request, "Список прочитан больше часа назад или повреждён. Выберите файл ещё раз.")
        return redirect("workplace:intake_upload")
    asked = Asked(channel, source, _chosen(request, len(heads)))
    if "load" not in request.POST:
        return _page(request, heads, rows, asked)
    try:
        done = table.load(rows, asked, agreed=request.POST["load"], by=request.user)
    except table.PlanChanged as refusal:
        return _page(request, heads, rows, asked, refusal)
    except table.BadColumns:
        return _page(request, heads, rows, asked)
    repeats = f" Повторов: {done.repeats}, они не записаны." if done.repeats else ""
    messages.success(request, f"Принято сообщений: {done.new}.{repeats} Через несколько секунд они будут в очереди.")
    return redirect(f"{reverse('workplace:queue')}?view=registration")


def _chosen(request: StaffRequest, count: int) -> dict[int, str]:
    said = {place: request.POST.get(f"column-{place}", "") for place in range(count)}
    return {place: name for place, name in said.items() if name in table.FIELDS}


def _page(
    request: StaffRequest, heads: list[str], rows: list[Row], asked: Asked, refusal: DomainError | None = None
) -> HttpResponse:
    lines: list[Line] = []
    try:
        lines = table.plan(rows, asked)
    except table.BadColumns as wrong:
        refusal = wrong
    count = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
    context = {
        "columns": [
            {
                "name": f"column-{place}",
                "head": head,
                "chosen": asked.columns.get(place, ""),
                "glimpse": _glimpse(rows, place, asked.columns.get(place, "")),
            }
            for place, head in enumerate(heads)
        ],
        "fields": table.FIELDS.items(),
        "asked": asked,
        "channel": dict(ListForm.base_fields["channel"].choices).get(asked.channel, ""),  # type: ignore[attr-defined]
        "lines": [_shown(line) for line in sorted(lines, key=_refused_first)[:SHOWN]],
        "more": max(len(lines) - SHOWN, 0),
        "tally": [(VERDICTS[verdict], number) for verdict, number in count.items() if number],
        "to_do": count["new"] + count["again"],
        "refused": count["refuse"],
        "agreed": table.fingerprint(lines),
        "read": carried.sealed(rows, salt=SALT, heads=heads, source=asked.source, channel=asked.channel),
        "refusal": refusal,
    }
    return render(request, "workplace/upload_plan.html", context, status=422 if refusal else 200)


def _shown(line: Line) -> dict[str, Any]:
    """Return a row for the page; the person's name and contacts are masked as in every list."""
    person = line.content.get("applicant", {})
    name = " ".join(person.get(part, "") for part in ("last_name", "first_name", "patronymic"))
    return {
        "number": line.number,
        "verdict": line.verdict,
        "words": VERDICTS[line.verdict],
        "who": person.get("organisation") or (masking.person(*name.split(" ")[:3]) if name.strip() else ""),
        "text": _short(line.content.get("subject") or masking.words(line.content.get("text", ""))),
        "why": line.why,
        "on": line.received_at,
    }


def _glimpse(rows: list[Row], place: int, name: str) -> list[str]:
    """Return the first cells of a column; of one that tells who somebody is only that it is filled."""
    there = [row.cells.get(str(place), "") for row in rows]
    if name in {"name", *table.PERSON}:
        return [f"заполнено строк: {sum(bool(one) for one in there)}"]
    plain = name in {"number", "date"}
    return [_short(one if plain else masking.words(one)) for one in there if one][:GLIMPSE]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LENGTH else line[:LENGTH] + "…"


def _refused_first(line: Line) -> tuple[bool, int]:
    return line.verdict != "refuse", line.number
