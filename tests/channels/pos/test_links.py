"""Links to the form of ПОС: what is made is right, and every error of a pasted one is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik.channels.pos import links
from otklik.channels.pos.links import Wanted

OGRN = "1025402451514"  # thirteen digits, the last one in accord with the others


def with_check(twelve: str) -> str:
    return twelve + str(int(twelve) % 11 % 10)


GOOD = with_check(OGRN[:12])


@pytest.mark.parametrize("fz59", [None, True, False])
@pytest.mark.parametrize("source", ["", *links.SOURCES])
def test_a_link_that_was_made_has_no_errors(fz59: bool | None, source: str) -> None:
    marks = {"source": source, "medium": "54", "campaign": GOOD} if source else {}
    wanted = Wanted("224424", fz59, **marks)
    assert links.problems(wanted) == {}
    checked = links.check(links.make(wanted))
    assert (checked.errors, checked.facts[0]) == ([], ("opaId", "224424"))
    assert links.check(links.widget("224424")).errors == []


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("", "Вставьте"),
        ("http://pos.gosuslugi.ru/form/?opaId=1", "https://"),
        ("https://pos-gosuslugi.ru/form/?opaId=1", "Сайт"),
        ("https://pos.gosuslugi.ru.evil.example/form/?opaId=1", "Сайт"),
        ("https://pos.gosuslugi.ru@evil.example/form/?opaId=1", "«@»"),
        ("https://pos.gosuslugi.ru:8443/form/?opaId=1", "Порт"),
        ("https://pos.gosuslugi.ru/lkp/?opaId=1", "Путь"),
        ("https://pos.gosuslugi.ru/form/", "Нет opaId"),
        ("https://pos.gosuslugi.ru/form/?opaId=", "Нет opaId"),
        ("https://pos.gosuslugi.ru/form/?opaId=12a", "целое положительное"),
        ("https://pos.gosuslugi.ru/form/?opaId=-1", "целое положительное"),
        ("https://pos.gosuslugi.ru/form/?opaId=1&opaId=2", "указан 2 раза"),
        ("https://pos.gosuslugi.ru/form/?opaid=1", "прописные"),
        ("https://pos.gosuslugi.ru/form/?opaId=1&fz59=1", "true или false"),
        ("https://pos.gosuslugi.ru/form/?opaId=1&amp;fz59=true", "&amp;"),
        ("https://pos.gosuslugi.ru/form/?opaId=1 &fz59=true", "пробел"),
        ("https://pos.gosuslugi.ru/form/?opaId=1#top", "«#»"),
        ("https://pos.gosuslugi.ru/form/?opaId=1&page=2", "«page» форме неизвестен"),
        (f"https://pos.gosuslugi.ru/form/?opaId=1&utm_source=ok&utm_medium=54&utm_campaign={GOOD}", "utm_source"),
        (f"https://pos.gosuslugi.ru/form/?opaId=1&utm_source=vk&utm_medium=5&utm_campaign={GOOD}", "utm_medium"),
        ("https://pos.gosuslugi.ru/form/?opaId=1&utm_source=vk&utm_medium=7114", "utm_campaign не указан"),
        ("https://pos.gosuslugi.ru/form/?opaId=1&utm_source=vk&utm_medium=11&utm_campaign=123", "13 цифр"),
        (
            "https://pos.gosuslugi.ru/form/?opaId=1&utm_source=vk&utm_medium=11&utm_campaign="
            f"{GOOD[:12]}{(int(GOOD[12]) + 1) % 10}",
            "контрольная",
        ),
        ("https://[", "не читается"),
        ('<script src="https://evil.example/s.js"></script>', "не из ПОС"),
        ('<script>Widget("https://pos.gosuslugi.ru/form", 1)</script>', "Не подключён"),
        (f'<script src="{links.SCRIPT}"></script>', "Нет вызова"),
        (f'<script src="{links.SCRIPT}"></script><script>Widget("https://evil.example/form", x)</script>', "целое"),
    ],
)  # fmt: skip
def test_every_error_is_named(link: str, words: str) -> None:
    assert words in " ".join(links.check(link).errors)


def test_all_errors_are_named_at_once() -> None:
    bad = "http://evil.example/x?opaId=q&fz59=да&utm_source=fb&utm_medium=1&utm_campaign=2&z=1"
    assert len(links.check(bad).errors) == 9


def test_a_link_with_errors_is_not_made_without_telling() -> None:
    assert set(links.problems(Wanted("x", None, "vk", "", "1"))) == {"opa_id", "medium", "campaign"}
    assert set(links.problems(Wanted("", None, "", "54", ""))) == {"opa_id", "source", "campaign"}


@given(st.text(max_size=300))
def test_whatever_is_pasted_is_answered(pasted: str) -> None:
    assert links.check(pasted).errors
    assert links.check(f"https://pos.gosuslugi.ru/form/?{pasted}").what
    assert links.check(f"<script>Widget('{pasted}', {pasted})").what
