"""What VKontakte tells, read without a network: payloads after the structure of dev.vk.com, people invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otklik.channels import envelope
from otklik.channels.vk import api, events
from otklik.channels.vk.parse import parse
from otklik.correspondence.channel import ParseError

PAYLOADS = Path(__file__).parent / "payloads"
GROUP = 217


def payload(name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return said


def event(name: str) -> events.Event:
    found = events.read(payload(name), GROUP)
    assert found is not None
    return found


def read(tmp_path: Path, name: str, files: Any = (), **told: Any) -> Any:
    raw = tmp_path / "raw"
    given = {"sender": {"last_name": "Примерова", "first_name": "Анна"}, **told}
    raw.write_bytes(envelope.packed("vk/1", payload(name), files, group=GROUP, **given))
    return parse(raw)


@pytest.mark.parametrize(
    ("name", "external_id", "answer"),
    [
        ("message_new", "message:501:41", "vk.com/id501"),
        ("message_edit", "message:501:41:edit:b1f0c0ffee03", "vk.com/id501"),
        ("wall_reply_new", "wall:-217_45:678", "vk.com/wall-217_45?reply=678"),
        ("wall_reply_edit", "wall:-217_45:678:edit:b1f0c0ffee06", "vk.com/wall-217_45?reply=678"),
        ("wall_reply_restore", "wall:-217_45:678:restore:b1f0c0ffee08", "vk.com/wall-217_45?reply=678"),
        ("wall_post_new_suggest", "post:-217_46", "vk.com/id501"),
        ("wall_post_new", "post:-217_48", "vk.com/wall-217_48"),
    ],
)
def test_each_event_has_a_name_of_its_own_and_a_place_to_answer_at(name, external_id, answer):
    found = event(name)
    assert (found.external_id, found.answer_address) == (external_id, answer)
    assert found.sender_address == "vk.com/id501"


@pytest.mark.parametrize(
    "name", ["message_reply", "wall_reply_new_ours", "wall_post_new_ours", "group_join", "confirmation"]
)
def test_words_of_our_own_and_events_of_other_kinds_are_no_message_of_a_citizen(name):
    assert events.read(payload(name), GROUP) is None


@pytest.mark.parametrize(
    "change",
    [{"payload": '{"command": "start"}', "text": "Начать"}, {"action": {"type": "chat_invite_user"}, "text": ""}],
)
def test_a_button_pressed_and_news_of_a_chat_are_no_message_of_a_citizen(change):
    said = payload("message_new")
    said["object"]["message"] |= change
    assert events.read(said, GROUP) is None


def test_an_edit_of_our_own_message_is_no_message_of_a_citizen():
    said = payload("message_edit")
    said["object"] |= {"out": 1, "from_id": -GROUP}
    assert events.read(said, GROUP) is None


def test_the_digest_does_not_change_with_addresses_signed_anew_but_with_the_words():
    said = payload("message_new_attachments")
    first = events.read(said, GROUP)
    for one in said["object"]["message"]["attachments"][0]["photo"]["sizes"]:
        one["url"] += "&sign=again"
    again = events.read(said, GROUP)
    said["object"]["message"]["text"] += "!"
    other = events.read(said, GROUP)
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.digest == again.digest != other.digest
    assert first.external_id == other.external_id


def test_the_largest_photo_the_document_and_the_voice_are_fetched_the_rest_is_told_in_words(tmp_path):
    wanted = list(events.wanted(event("message_new_attachments").said))
    assert [one.name for one in wanted] == ["фото 457.jpg", "Схема участка.pdf", "голосовое 672.mp3"]
    assert "z.jpg" in wanted[0].url
    text = read(tmp_path, "message_new_attachments").text
    for told in (
        "Прилагаю", "Видео: Проезд к участку https://vk.com/video-217_673", "[стикер]",
        "Запись: https://vk.com/wall-217_45", "> С 1 декабря меняется порядок приёма.", "Ссылка: Карта https://example.org",
        "распознано ВКонтакте: жду ответа", "В ответ на:\n> Добрый день!", "Переслано:\n> У соседей так же",
        "55.03, 82.92",
    ):  # fmt: skip
        assert told in text


def test_an_attachment_of_a_kind_nobody_knows_is_told_of():
    assert list(events.lines({"attachments": [{"type": "hologram", "hologram": {}}, {}]})) == [
        "[вложение «hologram»: откройте сообщение во ВКонтакте]",
        "[вложение «без вида»: откройте сообщение во ВКонтакте]",
    ]


def test_messages_forwarded_without_end_are_read_to_a_depth():
    said: dict[str, Any] = {"text": "дно"}
    for _ in range(50):
        said = {"text": "уровень", "fwd_messages": [said], "attachments": [{"type": "doc", "doc": {"url": "u"}}]}
    assert len(list(events.wanted(said))) == events.DEEPEST + 1
    assert "переслано ещё" in events.text_of(said)


@pytest.mark.django_db
def test_a_message_says_who_wrote_and_how_to_answer(tmp_path):
    found = read(tmp_path, "message_new", after="<token@dep.example>")
    assert (found.sender_name, found.sender_address) == ("Примерова Анна", "vk.com/id501")
    assert found.facts["applicant"] == {"last_name": "Примерова", "first_name": "Анна"}
    assert found.facts["answer"] == {"channel": "vk", "address": "vk.com/id501"}
    assert (found.message_id, found.in_reply_to) == ("<message.501.41@vk.invalid>", "<token@dep.example>")
    assert str(found.sent_at) == "2026-11-24 03:00:00+00:00"
    assert (found.subject, found.notes) == ("", [])


@pytest.mark.django_db
def test_an_edit_goes_on_with_what_it_edits_and_says_so(tmp_path):
    found = read(tmp_path, "message_edit")
    assert found.in_reply_to == "<message.501.41@vk.invalid>" != found.message_id
    assert found.notes == ["Автор изменил написанное: это новый текст."]


@pytest.mark.django_db
def test_a_comment_in_a_branch_goes_on_with_the_branch_and_warns_that_all_read_the_answer(tmp_path):
    found = read(tmp_path, "wall_reply_new_branch")
    assert list(found.references) == ["<wall.-217_45.678@vk.invalid>", "<wall.-217_45.679@vk.invalid>"]
    assert "увидят все" in found.notes[0]


@pytest.mark.django_db
def test_a_removed_comment_is_news_of_a_machine_from_who_wrote_it(tmp_path):
    found = read(tmp_path, "wall_reply_delete", about={"name": "Примерова Анна", "address": "vk.com/id501"})
    assert (found.machine, found.sender_address) == ("auto", "vk.com/id501")
    assert found.in_reply_to == "<wall.-217_45.678@vk.invalid>"
    assert "удалён" in found.text


@pytest.mark.django_db
def test_a_file_that_could_not_be_had_stands_in_the_message_with_the_reason(tmp_path):
    told = [
        {"name": "../план.pdf", "type": "", "problem": "Вложение не скачано: сервер ответил 404."},
        {"sha256": "0" * 64},
    ]
    found = read(tmp_path, "message_new", told)
    assert [(one.name, one.problem) for one in found.files] == [
        ("план.pdf", "Вложение не скачано: сервер ответил 404."),
        ("вложение 2", "Файла нет в хранилище."),
    ]


def test_what_is_no_event_of_ours_goes_to_quarantine_with_a_reason(tmp_path):
    raw = tmp_path / "raw"
    for content in (
        b"",
        b"{",
        b"[]",
        b'{"update": 1}',
        b'{"schema": "ok/1", "update": {}}',
        b'{"schema": "vk/1", "update": {}}',
    ):
        raw.write_bytes(content)
        with pytest.raises(ParseError, match="откройте оригинал"):
            parse(raw)


def test_each_error_of_the_table_is_in_russian_and_of_a_known_kind():
    for code, (kind, text) in api.ERRORS.items():
        refusal = api.refusal(code)
        assert kind in {"wait", "admin", "final"}
        assert refusal.permanent == (kind == "final")
        assert text in str(refusal)
        assert str(code) in str(refusal)
    assert {api.ERRORS[code][0] for code in (901, 902, 914, 15)} == {"final"}
    assert {api.ERRORS[code][0] for code in (6, 9)} == {"wait"}
    assert {api.ERRORS[code][0] for code in (5, 27, 28)} == {"admin"}
    assert api.refusal(424_242).permanent


@pytest.mark.parametrize(("length", "parts"), [(0, 1), (4000, 1), (4001, 2), (12_000, 3)])
def test_a_long_text_is_cut_and_nothing_of_it_is_lost(length, parts):
    text = ("слово " * 3000)[:length].strip()
    cut = envelope.in_parts(text, 4000)
    assert all(len(one) <= 4000 for one in cut)
    assert len(cut) in {parts, parts + 1}
    assert " ".join(cut).split() == text.split()
    assert envelope.in_parts("я" * 9000, 4000) == ["я" * 4000, "я" * 4000, "я" * 1000]
