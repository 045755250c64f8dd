"""Where a text names people: the applicant in every case, others by their shape; what is law and dates stays."""

from __future__ import annotations

from itertools import pairwise

import pytest

from otklik.people import anonymise
from otklik.people.models import Applicant

WHO = Applicant(
    last_name="Выдумкина", first_name="Мария", patronymic="Петровна", address="г. Новосибирск, ул. Примерная, д. 5"
)
FIRM = Applicant(kind="organisation", organisation="ООО «Ромашка»")


def masked(text: str, applicant: Applicant = WHO, **also: object) -> str:
    return anonymise.replaced(text, anonymise.places(text, applicant, **also))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Уважаемая Мария Петровна!", "Уважаемая [имя]!"),
        ("Дать Выдумкиной М. П. ответ", "Дать [имя] ответ"),
        ("вместе с Марией Выдумкиной", "вместе с [имя]"),
        ("сосед Иванов Пётр Сергеевич против", "сосед [имя] против"),
        ("подпись: И. И. Сидоров", "подпись: [имя]"),
        ("живу: г. Новосибирск, ул. Примерная, д. 5", "живу: [адрес]"),
        ("участок в СНТ «Берёзка» у реки", "участок в [адрес] у реки"),
        ("пишите на maria@citizen.example или +7 913 123-45-67.", "пишите на [почта] или [телефон]."),
        ("участок 54:35:051120:123", "участок [кадастровый номер]"),
        ("паспорт 5004 123456", "паспорт [номер]"),
        ("01.02.1960 года рождения", "[дата рождения]"),
    ],
)
def test_what_tells_of_a_person_is_found_in_every_case(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Согласно ст. 39.20 Земельного кодекса РФ и п. 2 приказа от 16.08.2024 № 2725-НПА",
        "Ответ дают за 15 дней по закону 59-ФЗ.",
        "Земельный участок можно выкупить. Подайте заявление в департамент.",
    ],
)
def test_law_dates_and_plain_words_are_nobodys_data(text: str) -> None:
    assert masked(text) == text


def test_an_organisation_is_found_however_it_is_quoted_and_added_words_are_found_too() -> None:
    assert masked("Заявитель ООО Ромашка просит", FIRM) == "Заявитель [организация] просит"
    assert masked("дело Синей бороды", also=["синей бороды"]) == "дело [скрыто]"


def test_what_is_kept_stays_and_places_never_overlap() -> None:
    text = "Выдумкина М. П., г. Новосибирск, ул. Примерная, д. 5, тел. +7 913 123-45-67"
    found = anonymise.places(text, WHO)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert [text[one.start : one.end] for one in found] == [one.text for one in found]
    assert "+7 913 123-45-67" in anonymise.replaced(text, found, kept={"+7 913 123-45-67"})
