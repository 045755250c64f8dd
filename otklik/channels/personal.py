"""Where no personal data may go: what a text to be sent tells of people, but for what the department says of itself."""

from __future__ import annotations

import re
from typing import Final

from otklik.correspondence.channel import DeliveryError
from otklik.correspondence.models import ContactPoint
from otklik.people import personal_data, staff
from otklik.people.models import Employee
from otklik.people.personal_data import Span

WORDS: Final = {
    "name": "имя",
    "address": "адрес",
    "phone": "телефон",
    "email": "адрес электронной почты",
    "document": "номер документа",
    "snils": "СНИЛС",
    "inn": "ИНН",
    "born": "дата рождения",
    "account": "номер счёта или карты",
    "car": "номер автомобиля",
}


def kinds(text: str) -> list[str]:
    """Return in words what kinds of personal data a text holds, each once.

    The department's own telephones and addresses, and the name of an employee as he signs, are nobody's secret.
    """
    found = personal_data.found(text)
    ours = _ours() if found else ""
    return list(dict.fromkeys(WORDS[one.kind] for one in found if not _is_ours(text, one, ours)))


def check(text: str, *, where: str, why: str) -> None:
    """Raise DeliveryError for good where a text may not go out: kinds are named, values are not."""
    if found := kinds(text):
        raise DeliveryError(
            f"{where} не отправлено: в тексте есть персональные данные ({', '.join(found)}), {why}. "
            "Уберите их или ответьте другим способом.",
            permanent=True,
        )


def _ours() -> str:
    department = staff.department()
    points = ContactPoint.objects.exclude(address="").values_list("address", flat=True)
    return "\n".join([department.phone, department.email, department.address, department.site, *points])


def _is_ours(text: str, span: Span, ours: str) -> bool:
    said = text[span.start : span.end]
    if span.kind == "phone":
        digits = re.sub(r"\D", "", said)[-10:]
        return any(digits in re.sub(r"\D", "", line) for line in re.split(r"[\n,;]", ours)) and len(digits) >= 6
    if span.kind in {"email", "address"}:
        return _plain(said) in _plain(ours)
    return span.kind == "name" and _is_employee(said)


def _is_employee(said: str) -> bool:
    """Tell whether a name is written as an employee signs: with initials or whole, never the surname alone."""
    rows = Employee.objects.filter(last_name__in=re.findall(r"[А-ЯЁ][А-ЯЁа-яё-]+", said))
    return any(
        _plain(said)
        in {
            _plain(f"{one.last_name}{one.first_name[:1]}{one.patronymic[:1]}"),
            _plain(f"{one.first_name[:1]}{one.patronymic[:1]}{one.last_name}"),
            _plain(f"{one.last_name}{one.first_name}{one.patronymic}"),
            _plain(f"{one.first_name}{one.patronymic}{one.last_name}"),
        }
        for one in rows
        if one.first_name
    )


def _plain(text: str) -> str:
    return re.sub(r"[\s.,]+", "", text).casefold().replace("ё", "е")
