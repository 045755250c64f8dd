"""What a clerk types: at registration, when writing a message down, when looking for an applicant."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from otklik.appeals import classification, ways
from otklik.appeals.models import Need, QuestionKind, Topic
from otklik.appeals.registration import Entry, Proposal
from otklik.core import files as file_store
from otklik.core import terms
from otklik.core.forms import TidyForm
from otklik.core.models import Regime
from otklik.correspondence.models import ChannelCode, ContactPoint
from otklik.people.applicants import Typed
from otklik.people.models import Applicant

NEW: Final = "new"
# How a message that no channel brings in may have come.
BY_HAND: Final = (ChannelCode.POST, ChannelCode.RECEPTION, ChannelCode.HOTLINE, ChannelCode.EKC, ChannelCode.GOVERNOR)
ANSWERED_BY: Final = (ChannelCode.EMAIL, ChannelCode.POST)


class DayInput(forms.DateInput):
    """A date picker of the browser."""

    input_type = "date"

    def __init__(self, **attrs: Any) -> None:
        super().__init__(format="%Y-%m-%d", attrs=attrs)


class ApplicantForm(TidyForm):
    """Who turns to the department, as typed."""

    kind = forms.ChoiceField(label="Кто обращается", choices=Applicant.Kind.choices, initial=Applicant.Kind.PERSON)
    last_name = forms.CharField(label="Фамилия", max_length=150, required=False)
    first_name = forms.CharField(label="Имя", max_length=150, required=False)
    patronymic = forms.CharField(label="Отчество", max_length=150, required=False)
    organisation = forms.CharField(label="Организация или коллектив", max_length=300, required=False)
    inn = forms.CharField(label="ИНН", max_length=12, required=False)
    email = forms.CharField(label="Электронная почта", max_length=320, required=False)
    phone = forms.CharField(label="Телефон", max_length=40, required=False)
    address = forms.CharField(label="Почтовый адрес", max_length=500, required=False)

    def typed(self) -> Typed:
        """Return what was typed about the applicant."""
        return Typed(**{name: self.cleaned_data[name] for name in ApplicantForm.base_fields})


class EntryForm(ApplicantForm):
    """Everything a clerk confirms at registration; filled in by the proposal."""

    applicant_is = forms.ChoiceField(label="Кто обратился", widget=forms.RadioSelect, required=False)
    subject = forms.CharField(label="Краткое содержание", max_length=300)
    regime = forms.ModelChoiceField(Regime.objects.none(), label="Режим рассмотрения", empty_label="Выберите режим")
    contact_point = forms.ModelChoiceField(
        ContactPoint.objects.none(), label="Точка взаимодействия", empty_label="Выберите точку"
    )
    needs_answer = forms.TypedChoiceField(
        label="Требует ответа по существу",
        choices=[("yes", "да"), ("no", "нет")],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": "Выберите «да» или «нет»."},
    )
    written = forms.BooleanField(label="письменное обращение", required=False)
    topic = forms.ModelChoiceField(
        Topic.objects.none(), label="Тема (классификатор)", required=False, empty_label="Определить позже"
    )
    need = forms.ModelChoiceField(
        Need.objects.none(), label="Типовая потребность", required=False, empty_label="Определить позже"
    )
    question_kind = forms.ModelChoiceField(
        QuestionKind.objects.none(), label="Вид вопроса", required=False, empty_label="Не указан"
    )
    answer_channel = forms.ChoiceField(label="Как ответить")
    answer_address = forms.CharField(label="Куда ответить", max_length=500, required=False)
    received_on = forms.DateField(label="Дата поступления", widget=DayInput())
    sed_number = forms.CharField(
        label="Номер из СЭД", max_length=60, required=False, help_text="Пусто — Отклик даст свой номер."
    )

    def __init__(
        self, *args: Any, on: date, channel: str, asked: str, known: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        """Offer what holds on a day; `asked` is the way in which the applicant wants his answer."""
        super().__init__(*args, **kwargs)
        self._choose("regime", terms.regimes(on))
        points = ContactPoint.objects.filter(terms.valid(on))
        self._choose("contact_point", points.filter(channel=channel) or points)
        self._choose("topic", classification.valid_topics(on))
        self._choose("need", classification.valid_needs(on))
        self._choose("question_kind", classification.valid_kinds(on))
        self._offer("applicant_is", [*known, (NEW, "Новый заявитель: как введено ниже")])
        offered = dict.fromkeys((*ANSWERED_BY, ChannelCode(channel), ChannelCode(asked)))
        self._offer("answer_channel", [(way.value, ways.name(way)) for way in offered])

    def clean(self) -> dict[str, Any]:
        """Ask for both axes or none."""
        data = super().clean() or {}
        if bool(data.get("topic")) != bool(data.get("need")):
            self.add_error(
                "need" if data.get("topic") else "topic", "Тема и потребность указываются вместе. Выберите и это."
            )
        return data

    def entry(self) -> Entry:
        """Return what the registration takes."""
        data = self.cleaned_data
        chosen = data["applicant_is"]
        pair = [(data["topic"], data["need"])] if data["topic"] else []
        return Entry(
            regime=data["regime"],
            contact_point=data["contact_point"],
            subject=data["subject"],
            needs_answer=data["needs_answer"],
            applicant=self.typed(),
            applicant_is=Applicant.objects.get(pk=chosen) if chosen and chosen != NEW else None,
            answer_channel=data["answer_channel"],
            answer_address=data["answer_address"],
            written=data["written"],
            sed_number=data["sed_number"],
            received_on=data["received_on"],
            questions=pair,
        )

    def kinds(self) -> classification.Kinds:
        """Return of which kind the question is, as classification takes it."""
        data = self.cleaned_data
        if not data["topic"] or not data["question_kind"]:
            return {}
        return {(data["topic"].pk, data["need"].pk): data["question_kind"]}

    def lines(self) -> list[tuple[str, str]]:
        """Return what was typed, as label and words: to be copied where it could not be kept."""
        found = []
        for field in self:
            words = {str(code): str(label) for code, label in getattr(field.field, "choices", ())}
            value = field.value()
            if said := "да" if value is True else words.get(str(value), str(value or "").strip()):
                found.append((str(field.label), said))
        return found

    def _choose(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows

    def _offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)


def initial_of(proposal: Proposal) -> Mapping[str, Any]:
    """Return the form's first values: what the registration proposes."""
    entry = proposal.entry
    topic, need = entry.questions[0] if entry.questions else (None, None)
    return {
        **vars(entry.applicant),
        "applicant_is": str(entry.applicant_is.pk) if entry.applicant_is else NEW,
        "subject": entry.subject,
        "regime": entry.regime,
        "contact_point": entry.contact_point,
        "needs_answer": {True: "yes", False: "no"}.get(entry.needs_answer) if entry.needs_answer is not None else None,
        "written": entry.written,
        "topic": topic,
        "need": need,
        "question_kind": proposal.guess.kinds[0].item if proposal.guess.kinds else None,
        "answer_channel": entry.answer_channel,
        "answer_address": entry.answer_address,
        "received_on": entry.received_on,
    }


class ManyFiles(forms.ClearableFileInput):
    """A file input that takes several."""

    allow_multiple_selected = True


class Scans(forms.FileField):
    """Several files, each looked into; a refused one says why and what to do."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[bytes]]:
        """Return the files."""
        uploads: list[UploadedFile[bytes]] = [one for one in (data or []) if one]
        for one in uploads:
            try:
                file_store.check(one, one.name or "")
            except file_store.Refused as exc:
                raise ValidationError(str(exc)) from exc
        return uploads


class WriteDownForm(ApplicantForm):
    """A message that came on paper, in person or by telephone."""

    channel = forms.ChoiceField(
        label="Как поступило", choices=[(code.value, code.label) for code in BY_HAND], widget=forms.RadioSelect
    )
    received_on = forms.DateField(label="Дата поступления", widget=DayInput())
    subject = forms.CharField(label="О чём (кратко)", max_length=300, required=False)
    text = forms.CharField(label="Текст или запись разговора", widget=forms.Textarea(attrs={"rows": 8}), required=False)
    scans = Scans(label="Скан письма и приложения", required=False)
    # One id for each form that was opened: the second press of one form writes nothing down again.
    once = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)

    def clean_received_on(self) -> date:
        """Refuse a day that has not come yet."""
        on: date = self.cleaned_data["received_on"]
        if on > timezone.localdate():
            raise ValidationError("Эта дата ещё не наступила. Укажите день, когда обращение поступило.")
        return on

    def clean(self) -> dict[str, Any]:
        """Ask for a text or a scan: a message of nothing cannot be worked on."""
        data = super().clean() or {}
        if not data.get("text", "").strip() and not data.get("scans") and "scans" not in self.errors:
            self.add_error("text", "Введите текст или приложите скан письма.")
        return data

    def received_at(self) -> datetime:
        """Return the moment of arrival: now for today, noon for an earlier day."""
        on = self.cleaned_data["received_on"]
        return timezone.now() if on == timezone.localdate() else timezone.make_aware(datetime.combine(on, time(12)))


def new_once() -> str:
    """Return a one-time id for a form."""
    return secrets.token_urlsafe(16)


class FindApplicantForm(TidyForm):
    """Some of what is known about an applicant."""

    what = forms.CharField(label="Фамилия, телефон, почта или организация", max_length=200, strip=True)
