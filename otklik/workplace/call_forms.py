"""What a consultant types beside the notes: where a caller is handed over, what is promised, a message in his words."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final

from django import forms
from django.utils import timezone

from otklik.appeals import classification
from otklik.appeals.models import Need
from otklik.core import calendar
from otklik.core.forms import TidyForm
from otklik.hotline import hours
from otklik.hotline.models import Consultation, Line, Transfer
from otklik.people.applicants import Typed
from otklik.people.models import Employee
from otklik.workplace.classification import TopicField
from otklik.workplace.forms import DayInput

CALLS_BACK_IN: Final = 60  # minutes of the line's time


class ColleagueField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An employee with his unit: two of one name are told apart."""

    def label_from_instance(self, obj: Any) -> str:
        """Return «Иванова А. П. — отдел аренды, 238-00-00»."""
        place = ", ".join(part for part in (str(obj.unit or ""), obj.phone) if part)
        return f"{obj.short_name} — {place}" if place else str(obj.short_name)


class NewCallForm(TidyForm):
    """A call that the exchange has not told of."""

    number = forms.CharField(
        label="Номер звонящего", max_length=40, required=False, help_text="Пусто — номер скрыт.",
        widget=forms.TextInput(
            attrs={
                "inputmode": "tel",
                "autocomplete": "off",
                "data-key": "KeyY",
                "data-key-name": "новый звонок: номер звонящего",
            }
        ),
    )  # fmt: skip
    line = forms.ModelChoiceField(Line.objects.none(), label="Линия", empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        lines = Line.objects.filter(ours=True, valid_from__lte=today).exclude(valid_to__lt=today)
        line = self.fields["line"]
        assert isinstance(line, forms.ModelChoiceField)
        line.queryset = lines


class TransferForm(TidyForm):
    """To whom the caller is handed over, and why."""

    where = forms.ChoiceField(
        label="Куда", choices=[(one.value, one.label) for one in Transfer.Where if one != Transfer.Where.FROM_EKC]
    )
    to = ColleagueField(Employee.objects.none(), label="Кому", required=False, empty_label="Выберите сотрудника")
    to_words = forms.CharField(
        label="Или словами", max_length=200, required=False, help_text="Организация и её телефон, оператор ЕКЦ."
    )
    why = forms.CharField(label="Почему", max_length=300)

    def __init__(self, *args: Any, user: Employee, **kwargs: Any) -> None:
        """Offer every colleague but oneself."""
        super().__init__(*args, **kwargs)
        to = self.fields["to"]
        assert isinstance(to, forms.ModelChoiceField)
        people = Employee.objects.filter(is_active=True).exclude(pk=user.pk)
        to.queryset = people.select_related("unit").order_by("last_name", "first_name", "pk")


class PromiseForm(TidyForm):
    """What the caller was promised, and by when."""

    number = forms.CharField(
        label="Перезвонить по номеру", max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    due_on = forms.DateField(label="День", widget=DayInput())
    due_at = forms.TimeField(label="Не позже", widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}))
    about = forms.CharField(label="О чём", max_length=300)

    def moment(self) -> datetime:
        """Return by when."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["due_on"], self.cleaned_data["due_at"]))

    @classmethod
    def offered(cls, consultation: Consultation) -> dict[str, Any]:
        """Return what to begin with: the number that calls, in an hour of the line's time, about what was asked."""
        schedule = hours.Schedule(consultation.line, calendar.current())
        due = timezone.localtime(schedule.after(timezone.now(), CALLS_BACK_IN))
        lines = consultation.question.splitlines()
        return {
            "number": consultation.number,
            "due_on": due.date(),
            "due_at": time(due.hour, due.minute // 15 * 15),
            "about": lines[0][:300] if lines else "",
        }


class WordsForm(TidyForm):
    """A message in the caller's words: who he is, where to answer, what he asks for."""

    last_name = forms.CharField(label="Фамилия", max_length=150)
    first_name = forms.CharField(label="Имя", max_length=150, required=False)
    patronymic = forms.CharField(label="Отчество", max_length=150, required=False)
    organisation = forms.CharField(label="Организация", max_length=300, required=False)
    phone = forms.CharField(label="Телефон", max_length=40, required=False)
    email = forms.EmailField(label="Электронная почта", required=False)
    address = forms.CharField(label="Почтовый адрес", max_length=500, required=False)
    subject = forms.CharField(label="Кратко, о чём", max_length=300)
    text = forms.CharField(label="Сообщение со слов звонящего", widget=forms.Textarea(attrs={"rows": 5}))

    def clean(self) -> dict[str, Any]:
        """Ask for a way to answer."""
        data = super().clean() or {}
        if not any(data.get(name) for name in ("email", "address", "phone")) and "email" not in self.errors:
            self.add_error("email", "Укажите, куда ответить: почту, адрес или телефон.")
        return data

    def typed(self) -> Typed:
        """Return what was said about the caller."""
        names = ("last_name", "first_name", "patronymic", "organisation", "phone", "email", "address")
        return Typed(**{name: self.cleaned_data[name] for name in names})

    @classmethod
    def offered(cls, consultation: Consultation) -> dict[str, Any]:
        """Return what is known already: the caller's name in its parts, his number, what he asked."""
        last, first, patronymic = ([*consultation.caller.split(), "", "", ""])[:3]
        if consultation.caller and not last.endswith(("ов", "ев", "ин", "ый", "ий", "ова", "ева", "ина", "ая", "ко")):
            last, first, patronymic = "", last, first  # «Мария Петровна»: how to speak to her, no surname
        lines = consultation.question.splitlines()
        return {
            "last_name": last,
            "first_name": first,
            "patronymic": patronymic,
            "phone": consultation.number,
            "subject": lines[0][:300] if lines else "",
            "text": consultation.question,
        }


class AboutForm(TidyForm):
    """What the consultation was about."""

    topic = TopicField(label="Тема", required=False)
    need = forms.ModelChoiceField(
        Need.objects.none(), label="Типовая потребность", required=False, empty_label="Не определена"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        need = self.fields["need"]
        assert isinstance(need, forms.ModelChoiceField)
        need.queryset = classification.valid_needs()
