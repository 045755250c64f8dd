"""Which passwords nobody may choose."""

from __future__ import annotations

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from otklik.people.models import Employee

pytestmark = pytest.mark.once

WORKER = Employee(username="zemlina", last_name="Землина", first_name="Вера")


@pytest.mark.parametrize(
    "password",
    [
        *("qwertyuiop", "1qaz2wsx3edc", "password123", "йцукенгшщз", "ЙЦУКЕНГШЩЗ", "ьфтсруыеук"),  # manchester
        *("Otklik2026!", "отклик-2026-отклик", "Jnrkbr2026", "Пароль123456", "ДИЗО_Новосибирск_2026"),
        *("Департамент!1", "aaaaaaaaaaaa", "Привет-Привет-1", "ноябрь2026года", "Zemlina-zemlina", "1234567890123"),
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, WORKER)


@pytest.mark.parametrize(
    "password",
    ["кошка ест синий трактор", "Correct-horse-77", "пять жёлтых отписок", "f" + "x7-Kq2" * 12, "abcd-efgh-kmnp-qrst"],
)
def test_long_phrases_of_any_signs_are_taken(password: str) -> None:
    validate_password(password, WORKER)
