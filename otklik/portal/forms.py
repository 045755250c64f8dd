"""The three steps of «Написать в департамент» and the two fields of «Узнать состояние»."""

from __future__ import annotations

from typing import Any, Final

import phonenumbers
from django import forms

TEXT_MAX: Final = 20_000
KINDS: Final = [
    ("person", "Гражданин"),
    ("entrepreneur", "Индивидуальный предприниматель"),
    ("organisation", "Организация"),
    ("collective", "Группа граждан"),
]
WAYS: Final = [
    ("email", "Письмом на электронную почту"),
    ("post", "Письмом по почте"),
    ("hotline", "По телефону"),
    ("website", "Здесь, на сайте — по номеру и коду"),
]
IN_ACCOUNT: Final = "Здесь, в личном кабинете"


class Step(forms.Form):
    """One screen of the form; fields that do not concern the choice made are not asked for."""

    name: str
    title: str

    def _require(self, field: str, text: str) -> None:
        if not self.cleaned_data.get(field) and field not in self.errors:
            self.add_error(field, text)


class WhoForm(Step):
    """Step 1: who writes."""

    name = "who"
    title = "Кто вы?"

    kind = forms.ChoiceField(
        label="Я пишу как",
        choices=KINDS,
        widget=forms.RadioSelect,
        error_messages={"required": "Выберите, от чьего имени вы пишете."},
    )
    organisation = forms.CharField(label="Название организации или группы", max_length=300, required=False)
    last_name = forms.CharField(label="Фамилия", max_length=150, required=False)
    first_name = forms.CharField(label="Имя", max_length=150, required=False)
    patronymic = forms.CharField(label="Отчество, если есть", max_length=150, required=False)

    def clean(self) -> dict[str, Any]:
        """Ask persons for a name, organisations for a title, groups for somebody to answer to."""
        kind = self.cleaned_data.get("kind")
        if kind == "organisation":
            self._require("organisation", "Напишите название организации.")
        elif kind:
            self._require("last_name", "Напишите фамилию.")
            self._require("first_name", "Напишите имя.")
        if kind in {"person", "entrepreneur"}:
            self.cleaned_data["organisation"] = ""
        return self.cleaned_data


class AnswerForm(Step):
    """Step 2: how to answer."""

    name = "answer"
    title = "Как вам ответить?"

    answer_by = forms.ChoiceField(
        label="Ответ пришлите",
        choices=WAYS,
        widget=forms.RadioSelect,
        error_messages={"required": "Выберите, как вам ответить."},
    )
    email = forms.EmailField(
        label="Адрес электронной почты",
        max_length=254,
        required=False,
        error_messages={"invalid": "Проверьте адрес почты: он должен выглядеть как имя@сайт.ru."},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    address = forms.CharField(
        label="Почтовый адрес с индексом",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
    )
    phone = forms.CharField(
        label="Телефон",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )

    def clean_phone(self) -> str:
        """Return the number as +7…, and refuse what cannot be dialled."""
        typed = str(self.cleaned_data["phone"]).strip()
        if not typed or self.data.get(self.add_prefix("answer_by")) != "hotline":
            return typed
        try:
            number = phonenumbers.parse(typed, "RU")
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            raise forms.ValidationError("Проверьте номер телефона: например, 8 913 123-45-67.")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def clean(self) -> dict[str, Any]:
        """Ask only for the contact the answer needs, and keep no other."""
        way = self.cleaned_data.get("answer_by")
        needed = {
            "email": ("email", "Напишите адрес электронной почты."),
            "post": ("address", "Напишите почтовый адрес, лучше с индексом."),
            "hotline": ("phone", "Напишите номер телефона."),
        }
        if way in needed:
            self._require(*needed[way])
        if way:
            for field, _text in needed.values():
                if needed.get(way, ("",))[0] != field:
                    self.cleaned_data[field] = ""
                    self.errors.pop(field, None)
        return self.cleaned_data


class TextForm(Step):
    """Step 3: what it is about. Files are uploaded beside it, see `portal.uploads`."""

    name = "text"
    title = "Что случилось или что вы хотите узнать?"

    text = forms.CharField(
        label="Ваше сообщение",
        max_length=TEXT_MAX,
        widget=forms.Textarea(attrs={"rows": 10}),
        error_messages={
            "required": "Напишите, о чём ваше сообщение.",
            "max_length": f"Сообщение длиннее {TEXT_MAX} знаков. Сократите его или приложите файлом.",
        },
    )


class StatusForm(forms.Form):
    """A number and a secret code, as a person copied them from paper."""

    number = forms.CharField(
        label="Номер",
        max_length=60,
        help_text="Например, С-2026-000123 или О-2026-000123.",
        error_messages={"required": "Напишите номер."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    code = forms.CharField(
        label="Код",
        max_length=40,
        help_text="Десять букв и цифр, которые вы получили вместе с номером.",
        error_messages={"required": "Напишите код."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
