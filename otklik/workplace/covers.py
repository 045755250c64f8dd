"""Covering letters: a package of the Governor's public reception taken in, what it says mended, the sender told."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from otklik.appeals import access, cover, ways
from otklik.appeals.cover import Cover
from otklik.channels.governor import cover as governor
from otklik.channels.governor import intake
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import TidyForm
from otklik.correspondence import delivery
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people.models import Applicant
from otklik.workplace.forms import ApplicantForm, DayInput, Scans
from otklik.workplace.requests import StaffRequest

SENDER: Final = "Общественная приёмная Губернатора"
FIRST_YEAR: Final = 2000
TYPED: Final = ("last_name", "first_name", "patronymic", "organisation", "email", "phone", "address")


class CoverForm(TidyForm):
    """What the covering letter says."""

    cover_number = forms.CharField(label="Номер сопроводительного письма", max_length=60)
    cover_date = forms.DateField(label="Дата письма", widget=DayInput())
    control_until = forms.DateField(label="Контрольный срок", widget=DayInput(), required=False)
    sender = forms.CharField(label="Кто направил", max_length=300, initial=SENDER)
    report_to = forms.CharField(
        label="Куда сообщить об ответе",
        max_length=320,
        required=False,
        help_text="Адрес почты — отчёт уйдёт письмом. Пусто — его передаст сотрудник.",
    )

    def clean_cover_date(self) -> date:
        """Refuse a day that has not come yet, or that nobody means."""
        on: date = self.cleaned_data["cover_date"]
        if not date(FIRST_YEAR, 1, 1) <= on <= timezone.localdate():
            raise ValidationError("Проверьте дату письма: она ещё не наступила или слишком давняя.")
        return on

    def clean_report_to(self) -> str:
        """Refuse what no letter reaches."""
        to: str = self.cleaned_data["report_to"]
        if to:
            try:
                validate_email(to)
            except ValidationError:
                raise ValidationError("Это не адрес электронной почты: нужен вид имя@сайт.ru.") from None
        return to

    def clean(self) -> dict[str, Any]:
        """Refuse a control term before the letter itself."""
        data = super().clean() or {}
        on, until = data.get("cover_date"), data.get("control_until")
        if on and until and not on <= until <= on.replace(year=on.year + 5, day=min(on.day, 28)):
            self.add_error("control_until", "Контрольный срок раньше даты письма или слишком далёк. Проверьте год.")
        return data

    def cover(self) -> Cover:
        """Return the covering letter as typed."""
        data = self.cleaned_data
        return Cover(data["cover_number"], data["cover_date"], data["control_until"], data["sender"], data["report_to"])


class PackageForm(CoverForm, ApplicantForm):
    """A package: its files, its covering letter, the applicant."""

    papers = Scans(label="Файлы пакета", required=False, help_text="PDF, DOCX, ZIP и другие, несколько сразу.")
    subject = forms.CharField(label="О чём (кратко)", max_length=300, required=False)
    text = forms.CharField(
        label="Текст обращения",
        widget=forms.Textarea(attrs={"rows": 6}),
        required=False,
        help_text="Можно не вводить, если он есть в файлах.",
    )
    received_on = forms.DateField(label="Дата поступления", widget=DayInput())
    kind = forms.ChoiceField(label="Кто обращается", choices=Applicant.Kind.choices, initial=Applicant.Kind.PERSON)

    def clean_received_on(self) -> date:
        """Refuse a day that has not come yet."""
        on: date = self.cleaned_data["received_on"]
        if not date(FIRST_YEAR, 1, 1) <= on <= timezone.localdate():
            raise ValidationError("Проверьте дату поступления: она ещё не наступила или слишком давняя.")
        return on

    def clean(self) -> dict[str, Any]:
        """Ask for the files or the text: a covering letter alone is no appeal."""
        data = super().clean() or {}
        if not data.get("text", "").strip() and not data.get("papers") and "papers" not in self.errors:
            self.add_error("papers", "Приложите файлы пакета или введите текст обращения.")
        return data

    def received_at(self) -> datetime:
        """Return the moment of arrival: now for today, noon for an earlier day."""
        on = self.cleaned_data["received_on"]
        return timezone.now() if on == timezone.localdate() else timezone.make_aware(datetime.combine(on, time(12)))

    def found(self) -> governor.Cover:
        """Return what is kept of the covering letter and the applicant."""
        data = self.cleaned_data
        person = {name: data[name] for name in TYPED if data[name]}
        applicant = {"kind": data["kind"], **person} if person else {}
        return governor.Cover(
            data["cover_number"], data["cover_date"], data["control_until"], data["sender"], applicant
        )


@requires("intake.decide")
@require_http_methods(["GET", "POST"])
def package(request: StaffRequest) -> HttpResponse:
    """Take in a package and go to its registration; one brought again leads to where it is."""
    if request.method == "POST":
        form = PackageForm(request.POST, request.FILES)
        if form.is_valid():
            data = form.cleaned_data
            accepted = intake.take_in(
                form.found(),
                [(one.name or "файл", one.file) for one in data["papers"]],
                text=data["text"],
                subject=data["subject"],
                sender_address=data["report_to"],
                received_at=form.received_at(),
                by=request.user,
            )
            if accepted.duplicate:
                messages.info(request, "Этот пакет уже принят: вот он. Второй раз ничего не записано.")
            return redirect("workplace:inbox", pk=accepted.message.pk)
        return render(request, "workplace/package.html", {"form": form}, status=422)
    form = PackageForm(initial={"received_on": timezone.localdate(), "sender": SENDER})
    return render(request, "workplace/package.html", {"form": form})


@requires("intake.decide")
@require_http_methods(["GET", "POST"])
def cover_edit(request: StaffRequest, pk: int) -> HttpResponse:
    """Write down what the covering letter of a message says."""
    message = access.get_message(request.user, pk)
    if not cover.may_have(message):
        raise Http404
    there = cover.of(message) or Cover(sender=SENDER)
    known = {
        "cover_number": there.number,
        "cover_date": there.on,
        "control_until": there.control_until,
        "sender": there.sender or SENDER,
        "report_to": there.address,
    }
    form = CoverForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        cover.write(message, form.cover(), by=request.user)
        messages.success(request, "Сведения о сопроводительном письме записаны.")
        return redirect("workplace:inbox", pk=pk)
    status = 422 if form.errors else 200
    return render(request, "workplace/cover_edit.html", {"message": message, "form": form}, status=status)


@requires("appeals.dispatch")
@require_POST
def report(request: StaffRequest, pk: int) -> HttpResponse:
    """Tell the sender of the covering letter how the appeal was answered."""
    appeal = access.get_for(request.user, pk)
    try:
        row = cover.report(appeal, to=request.POST.get("to", ""), by=request.user)
    except (cover.NothingToReport, ways.WrongAddress) as refusal:
        messages.error(request, str(refusal))
    else:
        by_hand = row.state == OutgoingMessage.State.BY_HAND
        done = "подготовлен: передайте его и отметьте день" if by_hand else "поставлен в очередь на отправку"
        messages.success(request, f"Отчёт {done}.")
    return redirect(f"{reverse('workplace:dispatch', args=[pk])}#report")


@requires("appeals.dispatch")
@require_POST
def report_given(request: StaffRequest, pk: int) -> HttpResponse:
    """Write down that a person has handed the report over, today."""
    appeal = access.get_for(request.user, pk)
    row = cover.report_of(appeal)
    if row is None:
        raise Http404
    try:
        delivery.posted(row, on=timezone.localdate(), by=request.user)
        messages.success(request, "Отмечено: отчёт передан.")
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('workplace:dispatch', args=[pk])}#report")


def of_dispatch(request: StaffRequest, appeal: Any) -> dict[str, Any]:
    """Return what the page of sending shows of the report; nothing for appeals that came otherwise."""
    if appeal.channel != ChannelCode.GOVERNOR:
        return {}
    row = cover.report_of(appeal)
    try:
        cover.check_can_report(appeal, request.user)
        why = ""
    except DomainError as refusal:
        why = str(refusal)
    return {"cover": cover.of_appeal(appeal) or Cover(), "report": row, "why_no_report": why}
