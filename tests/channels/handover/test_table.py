"""A list of any other body becomes messages: columns guessed, rows judged, repeats known, nothing kept unseen."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from otklik.appeals import registration
from otklik.channels.handover import table
from otklik.channels.handover.table import Asked
from otklik.channels.registry import all_readers
from otklik.core.errors import DomainError
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from tests.appeals.conftest import World
from tests.workplace.test_frame import desk, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]
PLACE = "/desk/intake/upload/"
HEAD = "№ п/п;Дата;ФИО заявителя;E-mail;Тема обращения;Содержание;Примечание"
ROWS = (
    "15;24.11.2026;Примерова Анна Сергеевна;anna@citizen.example;Аренда;Прошу предоставить сведения об аренде.;x",
    "16;24.11.2026 09:15;Образцов Пётр;;Выкуп;Как выкупить участок?;",
)


def listed(*rows: str, head: str = HEAD, charset: str = "utf-8") -> SimpleUploadedFile:
    return SimpleUploadedFile("список.csv", "\r\n".join((head, *rows)).encode(charset))


def planned(*rows: str, head: str = HEAD, **said: Any) -> list[table.Line]:
    heads, found = table.read(listed(*rows, head=head), "список.csv")
    return table.plan(found, Asked(**{"channel": "ekc", "source": "Район", "columns": table.proposed(heads), **said}))


def test_columns_are_known_by_their_heads_each_once() -> None:
    assert table.proposed(HEAD.split(";")) == {
        0: "number", 1: "date", 2: "name", 3: "email", 4: "subject", 5: "text",
    }  # fmt: skip
    assert table.proposed(["Текст", "Содержание", "??"]) == {0: "text"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1;24.11.2026;Кто;;Тема;;", "нет текста"),
        ("1;24.13.2026;Кто;;Тема;Текст;", "нужен вид 24.11.2026"),
        ("1;24.11.2999;Кто;;Тема;Текст;", "не позже сегодняшнего дня"),
        ("1;вчера;Кто;;Тема;Текст;", "нужен вид 24.11.2026"),
        ("1;24.11.2026;Кто;не почта;Тема;Текст;", "имя@сайт.ru"),
        (f"{'9' * 121};24.11.2026;Кто;;Тема;Текст;", "номер длиннее"),
        (f"1;24.11.2026;Кто;;{'т' * 301};Текст;", "тема: длиннее 300"),
    ],
)
def test_a_row_that_cannot_be_a_message_says_why(row: str, words: str) -> None:
    [line] = planned(row)
    assert line.verdict == "refuse"
    assert words in " ".join(line.why)


def test_one_number_twice_in_a_list_is_a_repeat_or_a_slip() -> None:
    lines = planned(ROWS[0], ROWS[0], ROWS[0].replace("Прошу", "Требую"), ROWS[1])
    assert [line.verdict for line in lines] == ["new", "repeat", "refuse", "new"]
    assert "строке 2" in lines[2].why[0]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"columns": {0: "number"}}, "столбец с текстом"),
        ({"columns": {0: "text", 1: "text"}}, "у двух столбцов"),
        ({"channel": "email"}, "каким каналом"),
        ({"source": " "}, "кто передал"),
    ],
)
def test_columns_that_give_no_messages_are_refused_in_words(said: dict[str, Any], words: str) -> None:
    with pytest.raises(table.BadColumns, match=words):
        planned(ROWS[0], **said)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.csv"),
        (b"only heads", "a.csv"),
        (bytes(range(256)) * 8, "a.csv"),
        (b"PK\x03\x04" + bytes(100), "a.xlsx"),
        (b"%PDF-1.4", "a.pdf"),
    ],
)
def test_what_is_no_list_is_told_so(content: bytes, name: str) -> None:
    with pytest.raises(DomainError):
        table.read(io.BytesIO(content), name)


def test_a_list_of_excel_is_read_and_its_formulas_are_named() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Номер", "Текст"])
    book.active.append([7, "Прошу ответить"])
    book.active.append([8, "=1+1"])
    spool = io.BytesIO()
    book.save(spool)
    heads, rows = table.read(io.BytesIO(spool.getvalue()), "список.xlsx")
    lines = table.plan(rows, Asked("ekc", "Район", table.proposed(heads)))
    assert [line.verdict for line in lines] == ["new", "refuse"]
    assert "формула" in " ".join(lines[1].why)


# --- the page --------------------------------------------------------------------------------------------------------


def page_of(world: World, upload: SimpleUploadedFile, **said: str) -> Any:
    return desk(world.clerk).post(PLACE, {"source": "Администрация района", "channel": "ekc", "sheet": upload, **said})


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page[:3000]
    return found[1]


def load(world: World, page: str, **columns: str) -> Any:
    picked = re.findall(r'name="(column-\d+)"(?:(?!</select>).)*?value="(\w+)" selected', page, re.DOTALL)
    chosen = {**dict(picked), **columns}
    sent = {"read": hidden(page, "read"), "load": hidden(page, "load"), **chosen}
    return desk(world.clerk).post(PLACE, sent)


@pytest.mark.parametrize("charset", ["utf-8", "cp1251"])
def test_a_list_becomes_messages_once_however_often_it_is_brought(world: World, charset: str) -> None:
    page = page_of(world, listed(*ROWS, charset=charset)).content.decode()
    assert not IncomingMessage.objects.exists()
    assert re.search(r"Принять 2\s+сообщения", page)
    assert "Пр••• А. С." in page
    assert "anna@citizen.example" not in page
    load(world, page)
    while inbox.parse_next(all_readers()):
        pass
    first, second = IncomingMessage.objects.order_by("pk")
    assert (first.channel, first.state, first.subject, first.sender_address) == (
        "ekc", "new", "Аренда", "anna@citizen.example",
    )  # fmt: skip
    assert f"{timezone.localtime(second.received_at):%d.%m.%Y %H:%M}" == "24.11.2026 09:15"
    assert first.facts.get().data["source"] == "Администрация района"
    entry = registration.entry_for(first)
    assert (entry.applicant.last_name, entry.applicant.patronymic) == ("Примерова", "Сергеевна")
    again = page_of(world, listed(*ROWS, ROWS[1].replace("16;", "17;"))).content.decode()
    assert re.search(r"Принять 1\s+сообщение", again)
    assert "Уже принято раньше" in again
    load(world, again)
    assert IncomingMessage.objects.count() == 3
    assert 'name="load"' not in page_of(world, listed(*ROWS)).content.decode()


def test_the_same_number_of_another_source_or_with_other_words_is_another_message(world: World) -> None:
    load(world, page_of(world, listed(ROWS[0])).content.decode())
    other = page_of(world, listed(ROWS[0]), source="Другой район").content.decode()
    assert "Уже принято" not in other
    changed = page_of(world, listed(ROWS[0].replace("Прошу", "Дополняю: прошу"))).content.decode()
    assert "будет ещё одно сообщение" in changed
    load(world, changed)
    assert IncomingMessage.objects.count() == 2
    assert 'name="load"' not in page_of(world, listed(ROWS[0].replace("Прошу", "Дополняю: прошу"))).content.decode()


def test_what_is_kept_is_what_was_shown(world: World) -> None:
    page = page_of(world, listed(*ROWS)).content.decode()
    answer = load(world, page, **{"column-4": "text", "column-5": ""})
    assert answer.status_code == 422
    assert "То, что получится, изменилось" in answer.content.decode()
    assert not IncomingMessage.objects.exists()
    load(world, answer.content.decode())
    while inbox.parse_next(all_readers()):
        pass
    assert IncomingMessage.objects.order_by("pk").first().text == "Аренда"  # type: ignore[union-attr]


def test_a_page_of_another_hand_or_another_hour_keeps_nothing(world: World) -> None:
    answer = desk(world.clerk).post(PLACE, {"read": "made:up", "load": "x"}, follow=True)
    assert "Выберите файл ещё раз" in answer.content.decode()
    for bad in ({"source": ""}, {"channel": "email"}):
        assert page_of(world, listed(*ROWS), **bad).status_code == 422
    assert page_of(world, listed()).status_code == 422
    assert not IncomingMessage.objects.exists()


def test_the_sample_is_a_list_itself(world: World) -> None:
    sample = desk(world.clerk).get(f"{PLACE}sample/").content
    heads, rows = table.read(io.BytesIO(sample), "образец.xlsx")
    assert len(table.proposed(heads)) == len(table.FIELDS)
    [line] = table.plan(rows, Asked("post", "x", table.proposed(heads)))
    assert line.verdict == "new"
