"""What an update says, read as a pure function of what Telegram gave."""

from __future__ import annotations

import pytest

from otklik.channels.telegram import parse
from tests.channels.telegram.case import payload


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text", "Здравствуйте! Как узнать кадастровую стоимость участка?"),
        ("link", "Смотрите здесь\nСсылка: https://dep.example/uchastok?id=7"),
        ("photo", "Вот мой забор"),
        ("voice", "(голосовое сообщение, 12 с)"),
        ("video_note", "(видеосообщение, 8 с)"),
        ("contact", "Контакт: Анна +79130000000"),
        ("location", "Точка на карте: 55.030204, 82.92043"),
        ("sticker", "(стикер 👍)"),
        ("document", "Заявление"),
        ("animation", "(сообщение без текста)"),
    ],
)
def test_a_message_is_told_in_words(name, text):
    read = parse.read([payload(name)])
    assert read.text == text
    assert (read.sender_name, read.sender_address) == ("Примерова Анна", "telegram:700100200")
    assert read.facts["answer"] == {"channel": "telegram", "address": "telegram:700100200"}
    assert read.facts["applicant"] == {"last_name": "Примерова", "first_name": "Анна"}
    assert read.machine == ""


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("text", []),
        ("photo", [("AgACphoto-x", "Фото.jpg", "image/jpeg")]),
        ("document", [("BQACdoc", "Заявление.pdf", "application/pdf")]),
        ("voice", [("AwACvoice", "Голосовое сообщение.ogg", "audio/ogg")]),
        ("video_note", [("DQACnote", "Видеосообщение.mp4", "")]),
        ("video", [("BAACvid", "Видео.mp4", "video/mp4")]),
        ("animation", [("CgACanim", "kot.mp4", "video/mp4")]),
        ("sticker", []),
    ],
)
def test_files_are_asked_for_by_their_number_a_photo_in_its_largest_size(name, files):
    wanted = parse.sort(payload(name), groups=False).wanted
    assert [(one.of, one.name, one.kind) for one in wanted] == files
    assert not any(one.problem for one in wanted)


def test_a_file_over_the_limit_of_bots_is_not_asked_for_and_the_limit_is_said():
    [one] = parse.sort(payload("too_big"), groups=False).wanted
    assert "больше 20 МБ" in one.problem


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("group", "сообщение в группе"),
        ("service", "сообщение в группе"),
        ("channel_post", "событие «channel_post»"),
        ("my_chat_member", "событие «my_chat_member»"),
        ("live_location", "движение точки на карте"),
    ],
)
def test_what_is_no_message_is_ignored_with_the_reason(name, why):
    assert (parse.sort(payload(name), groups=False).what, parse.sort(payload(name), groups=False).why) == (
        "ignored",
        why,
    )


def test_a_group_is_listened_to_where_that_is_allowed_but_not_to_its_own_events():
    asked = parse.sort(payload("group"), groups=True)
    assert (asked.what, asked.chat) == ("message", "")  # no automatic answer where all read
    assert parse.sort(payload("service"), groups=True).why == "служебное сообщение"
    read = parse.read([payload("group")])
    assert read.facts["answer"]["address"] == "telegram:-1001555000111"
    assert read.sender_address == "telegram:700100200"
    assert "ответ там увидят все" in " ".join(read.notes)


def test_an_edit_is_a_message_of_its_own_that_refers_to_the_first():
    first, edit = payload("text"), payload("edited")
    assert parse.sort(edit, groups=False).external_id == "700100200:1:edit:1795489500"
    assert parse.read([edit]).in_reply_to == parse.read([first]).message_id
    assert parse.read([edit]).message_id != parse.read([first]).message_id
    assert "изменил" in parse.read([edit]).notes[0]


def test_parts_of_an_album_bear_one_id_so_they_find_one_another_in_any_order():
    parts = [payload(f"album_{number}") for number in (1, 2, 3)]
    assert len({parse.read([one]).message_id for one in parts}) == 1
    assert len({parse.sort(one, groups=False).album for one in parts}) == 1
    assert len({parse.sort(one, groups=False).external_id for one in parts}) == 3
    whole = parse.read(parts)
    assert (whole.text, whole.notes) == ("Три снимка межи", ["Альбом: частей 3."])


def test_a_reply_to_our_message_bears_the_mark_of_its_conversation():
    assert parse.read([payload("reply")]).recipients == ["telegram+abcdefgh23@telegram.invalid"]


def test_who_is_a_program_and_what_is_not_his_own_is_said():
    assert parse.read([payload("bot")]).machine == "auto"
    assert parse.sort(payload("bot"), groups=False).chat == ""
    assert "Переслано от другого отправителя." in parse.read([payload("forwarded")]).notes


def test_a_command_to_begin_is_no_message():
    begun = parse.sort(payload("start"), groups=False)
    assert (begun.what, begun.chat) == ("start", "telegram:700100200")
