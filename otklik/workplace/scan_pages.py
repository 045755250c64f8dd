"""Scans at the desk: a file from the scanner, its letters parted and checked, registered one after another by Enter."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, registration
from otklik.appeals.models import Appeal
from otklik.channels.post import proposals, reading, separator, stamp, station
from otklik.channels.post.models import ScanBatch, ScanLetter, ScanPage
from otklik.core import files, journal, typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.people import access as people_access
from otklik.people import staff
from otklik.workplace import intake
from otklik.workplace.forms import EntryForm, initial_of
from otklik.workplace.requests import StaffRequest

POWER: Final = "intake.decide"
PER_PAGE: Final = 30
MOVING: Final = (ScanBatch.State.WAITING, ScanBatch.State.READING, ScanBatch.State.ACCEPTING)
# What a press under a page says: its kind, and whether a letter begins with it.
PRESSES: Final = {
    "start": (ScanPage.Kind.LETTER, True),
    "join": (ScanPage.Kind.LETTER, False),
    "out": (ScanPage.Kind.BLANK, False),
}


class ScanForm(TidyForm):
    """A file from the scanner."""

    scan = forms.FileField(label="Файл со сканера (PDF, TIFF, JPEG, PNG)", allow_empty_file=True)
    split = forms.ChoiceField(label="Что разделяет письма", choices=ScanBatch.Split.choices)
    received_on = forms.DateField(
        label="Дата поступления писем", widget=DATE_INPUT, help_text="По штампу приёма: от неё идут сроки."
    )

    def clean_received_on(self) -> Any:
        """Refuse a day that has not come yet."""
        on = self.cleaned_data["received_on"]
        if on > timezone.localdate():
            raise ValidationError("Эта дата ещё не наступила. Укажите день, когда письма поступили.")
        return on


class ScanEntryForm(EntryForm):
    """What a clerk confirms at registration, and what the envelope says."""

    envelope_on = forms.DateField(label="Дата на почтовом штемпеле", widget=DATE_INPUT, required=False)
    register_number = forms.CharField(label="Номер в реестре почты", max_length=40, required=False)
    track = forms.CharField(label="Почтовый идентификатор (ШПИ)", max_length=30, required=False)

    def clean_envelope_on(self) -> Any:
        """Refuse a postmark of tomorrow."""
        on = self.cleaned_data["envelope_on"]
        if on and on > timezone.localdate():
            raise ValidationError("Эта дата ещё не наступила. Проверьте штемпель.")
        return on

    def clean_track(self) -> str:
        """Refuse a number with a wrong digit."""
        said = "".join(str(self.cleaned_data["track"]).split()).replace("-", "").upper()
        if said and not proposals.is_track(said):
            raise ValidationError("Не похоже на почтовый идентификатор: проверьте цифры на конверте, их 14.")
        return said

    def envelope(self) -> dict[str, Any]:
        """Return what was typed about the envelope."""
        return {name: self.cleaned_data[name] for name in ("envelope_on", "register_number", "track")}


@requires(POWER)
@require_http_methods(["GET", "POST"])
def scans(request: StaffRequest) -> HttpResponse:
    """List the scanner's files; a POST brings one in."""
    form = ScanForm(
        request.POST or None,
        request.FILES or None,
        initial={"split": ScanBatch.Split.SHEETS, "received_on": timezone.localdate()},
    )
    if request.method == "POST" and form.is_valid():
        upload, data = form.cleaned_data["scan"], form.cleaned_data
        more = {"split": data["split"], "received_on": data["received_on"], "by": request.user}
        try:
            taken = station.take_in(upload, upload.name or "скан", source=ScanBatch.Source.UPLOAD, **more)
        except DomainError as refusal:
            form.add_error("scan", str(refusal))
        else:
            if not taken.new:
                messages.info(request, "Этот файл уже принят раньше: вот его письма.")
            return redirect("workplace:scan_batch", taken.batch.pk)
    page = Paginator(station.batches(), PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "lacking": reading.tools()}
    return render(request, "workplace/scans/scans.html", context, status=422 if form.errors else 200)


@requires(POWER)
@require_GET
def scan_separator(request: StaffRequest) -> HttpResponse:
    """Hand out the separator sheet to be printed."""
    answer = HttpResponse(separator.sheet(), content_type="application/pdf")
    return files.download(answer, "list-razdelitel.pdf")


@requires(POWER)
@require_http_methods(["GET", "POST"])
def scan_batch(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the pages of a file as letters; a POST moves a border between two of them."""
    batch = _batch(pk)
    if request.method == "POST":
        number, press = typed.number(request.POST.get("number")), PRESSES.get(request.POST.get("do", ""))
        if number is None or press is None:
            raise Http404
        station.change_page(batch, number, kind=press[0], starts=press[1], by=request.user)
        return redirect(f"{reverse('workplace:scan_batch', args=[pk])}#page-{number}")
    _looked(request, batch)
    return render(request, "workplace/scans/batch.html", _shown(batch))


@by_itself
@requires(POWER)
@require_GET
def scan_progress(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how far a file has been read; once it has, the whole page comes anew."""
    batch = _batch(pk)
    if batch.state not in MOVING:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(request, "workplace/scans/_progress.html", {"batch": batch, "progress": station.progress(batch)})


@requires(POWER)
@require_POST
def scan_accept(request: StaffRequest, pk: int) -> HttpResponse:
    """Say that the letters are parted rightly: they become messages."""
    batch = _batch(pk)
    try:
        station.accept(batch, by=request.user)
    except DomainError as refusal:
        return render(request, "workplace/scans/batch.html", _shown(batch) | {"refusal": refusal}, status=422)
    return redirect("workplace:scan_batch", pk)


@requires(POWER)
@require_GET
def scan_picture(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Give the picture of one page."""
    page = get_object_or_404(ScanPage.objects.select_related("picture", "batch"), pk=pk)
    if page.picture is None:
        raise Http404
    _looked(request, page.batch)
    return files.response(page.picture, f"stranica-{page.number}.jpg")


@requires(POWER)
@require_http_methods(["GET", "POST"])
def scan_register(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the next letter beside its form; a POST registers it and goes on to the next."""
    batch = _batch(pk)
    row = _letter_of(batch, request)
    if row is None:
        waits = batch.state in MOVING or _letters(batch).filter(message__state=IncomingMessage.State.STORED).exists()
        said = "Письма ещё принимаются: подождите несколько секунд." if waits else "Писем без решения больше нет."
        messages.info(request, said)
        return redirect("workplace:scan_batch", pk)
    message = access.get_message(request.user, row.message_id)
    if message.state not in inbox.UNDECIDED:
        messages.info(request, "Об этом письме уже решили.")
        return redirect("workplace:scan_register", pk)
    proposal = registration.propose(message)
    known = [
        (str(one.applicant.pk), f"{people_access.masked_name(one.applicant)} — {one.why}")
        for one in proposal.candidates[:8]
    ]
    options: dict[str, Any] = {
        "on": timezone.localdate(),
        "channel": message.channel,
        "asked": proposal.entry.answer_channel,
        "known": known,
    }
    if request.method == "POST":
        form = ScanEntryForm(request.POST, **options)
        if appeal := _registered(request, message, row, form):
            messages.success(request, f"Зарегистрировано: № {appeal.number}.")
            return redirect(f"{reverse('workplace:scan_register', args=[pk])}?after={row.first}")
    else:
        envelope = {"envelope_on": row.envelope_on, "register_number": row.register_number, "track": row.track}
        form = ScanEntryForm(initial={**initial_of(proposal), **envelope}, **options)
    all_of = list(_letters(batch).values_list("pk", "message__state"))
    context = {
        "batch": batch,
        "row": row,
        "message": message,
        "form": form,
        "proposal": proposal,
        "place": [letter for letter, _ in all_of].index(row.pk) + 1,
        "total": len(all_of),
        "left": sum(state in inbox.UNDECIDED for _, state in all_of),
        "pages": _pages_of(row),
    }
    return render(request, "workplace/scans/register.html", context, status=422 if form.is_bound else 200)


@requires(POWER)
@require_GET
def scan_copy(request: StaffRequest, pk: int) -> HttpResponse:
    """Hand out a registered letter with the stamp on its first page."""
    row, appeal = _stamped(request, pk)
    content = stamp.stamped(row.pdf, appeal.number, appeal.registered_on, staff.department().short_name)
    return files.download(HttpResponse(content, content_type="application/pdf"), f"{appeal.number}.pdf")


@requires(POWER)
@require_GET
def scan_label(request: StaffRequest, pk: int) -> HttpResponse:
    """Hand out the label with the incoming number of a registered letter."""
    _, appeal = _stamped(request, pk)
    content = stamp.label(appeal.number, appeal.registered_on, staff.department().short_name)
    return files.download(HttpResponse(content, content_type="application/pdf"), f"{appeal.number}-nakleyka.pdf")


@transaction.atomic
def _written(request: StaffRequest, message: IncomingMessage, row: ScanLetter, form: ScanEntryForm) -> Appeal | None:
    appeal = intake.registered(request, message, form)
    if appeal is not None:
        station.describe(row, **form.envelope(), by=request.user)
    return appeal


def _registered(request: StaffRequest, message: IncomingMessage, row: ScanLetter, form: ScanEntryForm) -> Appeal | None:
    try:
        return _written(request, message, row, form)
    except inbox.AlreadyTaken as refusal:
        form.add_error(None, str(refusal))
        return None


def _batch(pk: int) -> ScanBatch:
    return get_object_or_404(ScanBatch.objects.select_related("added_by", "original"), pk=pk)


def _letters(batch: ScanBatch) -> QuerySet[ScanLetter]:
    return batch.letters.order_by("first")


def _letter_of(batch: ScanBatch, request: StaffRequest) -> ScanLetter | None:
    """Return the letter asked for, else the next undecided one after the last, else the first there is."""
    rows = _letters(batch).select_related("batch", "pdf")
    if (asked := typed.number(request.POST.get("letter") or request.GET.get("letter"))) is not None:
        return get_object_or_404(rows, pk=asked)
    open_ones = rows.filter(message__state__in=inbox.UNDECIDED)
    after = typed.number(request.GET.get("after")) or 0
    return open_ones.filter(first__gt=min(after, reading.MOST_PAGES)).first() or open_ones.first()


def _pages_of(row: ScanLetter) -> list[ScanPage]:
    pages = ScanPage.objects.filter(batch=row.batch_id, number__gte=row.first, number__lte=row.last)
    return list(pages.filter(kind=ScanPage.Kind.LETTER).defer("text").order_by("number"))


def _stamped(request: StaffRequest, pk: int) -> tuple[ScanLetter, Appeal]:
    row = get_object_or_404(ScanLetter.objects.select_related("pdf"), pk=pk)
    message = access.get_message(request.user, row.message_id)
    taken = getattr(message, "taken", None)
    if taken is None or message.state != IncomingMessage.State.REGISTERED:
        raise Http404
    return row, taken.appeal


def _looked(request: StaffRequest, batch: ScanBatch) -> None:
    if not journal.has_looked_today("scan.opened", by=request.user, batch=batch.pk):
        journal.looked("scan.opened", by=request.user, batch=batch.pk)


def _shown(batch: ScanBatch) -> dict[str, Any]:
    """Return a file as its page shows it: the letters it makes now, or those it has become."""
    pages = list(batch.pages.defer("text", "codes").order_by("number"))
    letters = list(_letters(batch).select_related("message", "message__taken__appeal"))
    return {
        "batch": batch,
        "moving": batch.state in MOVING,
        "progress": station.Progress(sum(page.state != ScanPage.State.WAITING for page in pages), batch.pages_total),
        "checking": batch.state == ScanBatch.State.CHECK,
        "pages": _in_letters(pages),
        "number_of_letters": len(station.parts(pages)),
        "letters": letters,
        "left": sum(one.message.state in inbox.UNDECIDED for one in letters),
    }


def _in_letters(pages: list[ScanPage]) -> list[tuple[ScanPage, int]]:
    """Return each page with the number of the letter it belongs to, 0 where it is in none."""
    of = {page.pk: place for place, letter in enumerate(station.parts(pages), 1) for page in letter}
    return [(page, of.get(page.pk, 0)) for page in pages]
