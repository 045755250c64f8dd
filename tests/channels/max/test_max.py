"""MAX gives, we keep once; what leaves by it is checked; what it refuses is told in plain words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals import registration
from otklik.channels import two_questions
from otklik.channels.max import parse
from otklik.channels.max.adapter import MaxChannel
from otklik.channels.registry import all_connected
from otklik.correspondence import connections
from otklik.correspondence.channel import DeliveryError, SourceError
from otklik.correspondence.models import Connection, IncomingMessage, OutgoingMessage
from otklik.surveys import feedback
from otklik.surveys.models import Response
from tests.channels import contract
from tests.channels.max.case import HOOK, USER, connect, payload, to_send
from tests.dying import in_a_process

AUDIO = "Аудиозапись.mp3"


def visit() -> str:
    connections.visit(all_connected()["max"])
    return Connection.objects.get(channel="max").error


def rows():
    return list(IncomingMessage.objects.filter(channel="max").order_by("pk"))


def give(fake, *names):
    fake.tell(updates=[payload(name) for name in names])


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "files"),
    [
        ("text", "Здравствуйте! Как узнать кадастровую стоимость участка?", []),
        ("image", "Вот мой забор", [("https://i.oneme.ru/i?r=photo", "Фото.jpg")]),
        ("file", "Заявление", [("https://fu.oneme.ru/file?sig=doc", "Заявление.pdf")]),
        ("video", "(сообщение без текста)", [("video:vidTOKEN", "Видео.mp4")]),
        ("audio", "Расшифровка мессенджера: когда починят дорогу", [("https://vu.okcdn.ru/audio?id=2", AUDIO)]),
        ("contact", "Контакт: Анна Примерова 79130000000", []),
        ("location", "Точка на карте: 55.030204, 82.92043", []),
        ("forward", "Переслано:\nОбъявление администрации", [("https://i.oneme.ru/i?r=fwd", "Фото.jpg")]),
    ],
)  # fmt: skip
def test_a_message_is_told_in_words_and_its_files_are_named(name, text, files):
    read, sorted_one = parse.read([payload(name)]), parse.sort(payload(name), groups=False)
    assert read.text == text
    assert (read.sender_name, read.sender_address) == ("Примерова Анна", f"max:{USER}")
    assert read.facts["answer"] == {"channel": "max", "address": f"max:{USER}"}
    assert [(one.of, one.name) for one in sorted_one.wanted] == files


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("group", "сообщение в группе"),
        ("channel", "запись в канале"),
        ("bot", "сообщение бота"),
        ("bot_stopped", "событие «bot_stopped»"),
    ],
)
def test_what_is_no_message_is_ignored_with_the_reason(name, why):
    assert parse.sort(payload(name), groups=False).why == why


def test_an_edit_and_a_reply_find_their_conversation():
    first, edit = payload("text"), payload("edited")
    assert parse.read([edit]).in_reply_to == parse.read([first]).message_id
    assert parse.sort(edit, groups=False).external_id == "66000111:mid.0000000000000001:edit:1795489500000"
    assert parse.read([payload("reply")]).recipients == ["max+abcdefgh23@max.invalid"]


def test_addresses_of_files_and_activity_of_people_change_and_the_message_is_the_same():
    again = payload("image")
    again["message"]["body"]["attachments"][0]["payload"]["url"] += "&sig=2"
    again["message"]["sender"]["last_activity_time"] += 5000
    assert parse.sort(again, groups=False).content == parse.sort(payload("image"), groups=False).content


# --- taking in -------------------------------------------------------------------------------------------------------


def test_messages_come_with_their_files_and_are_confirmed_at_the_next_visit(fake):
    letter = payload("file")
    letter["message"]["body"]["attachments"][0]["payload"]["url"] = f"{fake.url}/file/doc"
    fake.tell(updates=[payload("text"), letter, payload("video")], files={"doc": "%PDF-1.7", "vidTOKEN-720": "film"})
    assert visit() == ""
    assert [one.state for one in rows()] == ["new"] * 3
    assert [[paper.stored.size for paper in one.files.all()] for one in rows()] == [[], [8], [4]]
    assert fake.told()["left"] == 3
    assert visit() == ""
    assert (fake.told()["left"], len(rows())) == (0, 3)


def test_a_file_that_lies_elsewhere_is_not_fetched_and_the_message_comes(fake):
    letter = payload("image")
    letter["message"]["body"]["attachments"][0]["payload"]["url"] = "https://evil.example/x"
    fake.tell(updates=[letter])
    visit()
    [paper] = rows()[0].files.all()
    assert "чужой сервер" in paper.problem
    assert rows()[0].text == "Вот мой забор"


def test_a_removed_message_is_told_of_in_its_conversation_where_we_have_it(fake):
    give(fake, "removed")
    visit()
    assert rows() == []
    assert Connection.objects.get().cursor["ignored"] == {"удалено то, чего у нас нет": 1}
    give(fake, "text", "edited")
    visit()
    give(fake, "removed")
    visit()
    assert [one.machine for one in rows()] == ["", "", "auto"]
    assert len({one.thread_id for one in rows()}) == 1


def test_whoever_begins_is_told_how_to_file_lawfully_once(fake):
    give(fake, "bot_started", "bot_started", "text", "image")
    visit()
    told = OutgoingMessage.objects.filter(kind="how_to_file")
    assert told.count() == 1
    assert told.get().recipient == f"max:{USER}"


def test_a_call_is_believed_by_its_secret_only(fake):
    connect(fake, webhook=True)
    for secret, status in (("", 403), (HOOK[:-1], 403), (HOOK, 200), (HOOK, 200)):
        answer = Client().post(
            "/hooks/max/", json.dumps(payload("text")), "application/json", headers={"X-Max-Bot-Api-Secret": secret}
        )
        assert answer.status_code == status
    assert [one.state for one in rows()] == ["new"]


def test_a_subscription_max_has_forgotten_is_made_anew(fake, settings):
    settings.BASE_URL = "https://otklik.dep.example"
    connect(fake, webhook=True)
    assert visit() == ""
    assert (fake.told()["hooks"], fake.told()["secret"]) == (["https://otklik.dep.example/hooks/max/"], HOOK)
    fake.tell(hooks=[])
    Connection.objects.update(cursor={"hook": {**Connection.objects.get().cursor["hook"], "at": 0}})
    assert visit() == ""
    assert fake.told()["hooks"] == ["https://otklik.dep.example/hooks/max/"]


def test_while_we_ask_our_own_subscription_is_ended_and_another_one_is_told_of(fake, settings):
    settings.BASE_URL = "https://otklik.dep.example"
    fake.tell(hooks=["https://otklik.dep.example/hooks/max/"])
    assert visit() == ""
    assert fake.told()["hooks"] == []
    connect(fake)
    Connection.objects.update(cursor={})
    fake.tell(hooks=["https://other.example/hook"])
    assert "другой получатель" in visit()


def test_the_test_button_says_who_the_bot_is(fake):
    assert "@dep_example_bot" in MaxChannel().try_out()
    fake.tell(token="other")
    with pytest.raises(SourceError, match="токен неверен") as told:
        MaxChannel().try_out()
    assert contract.SECRET not in str(told.value)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["max.after_fetch", "max.after_files", "max.after_keep", "intake.before_commit"])
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_doubled(fake, point):
    give(fake, "text", "contact", "location")
    assert in_a_process(lambda: list(MaxChannel().fetch()) and None, crash_at=point)
    visit()
    visit()
    assert (len(rows()), fake.told()["left"]) == (3, 0)


# --- sending ---------------------------------------------------------------------------------------------------------


def send(text="Ответ подготовлен.", **fields):
    return MaxChannel().send(to_send("<1@dep.example>", text, **fields))


def test_an_answer_goes_as_a_reply_to_what_was_written(fake):
    assert send(in_reply_to="<max.mid.0001@max.invalid>") == "mid.sent-1"
    [sent] = fake.told()["sent"]
    assert sent["to"] == {"user_id": str(USER)}
    assert sent["link"] == {"type": "reply", "mid": "mid.0001"}


def test_personal_data_and_files_leave_only_where_that_is_allowed(fake, tmp_path: Path):
    paper = tmp_path / "answer.pdf"
    paper.write_bytes(b"%PDF-1.7 answer")
    files = [("Ответ 12.pdf", paper, "application/pdf")]
    with pytest.raises(DeliveryError, match="персональные данные"):
        send("Уважаемая Анна Сергеевна Примерова!")
    send(files=files)
    assert "Файлы к ответу (1) в MAX не передаются" in fake.told()["sent"][0]["text"]
    connect(fake, personal=True)
    fake.tell(not_ready=1)
    with pytest.raises(DeliveryError) as told:
        send("Уважаемая Анна Сергеевна Примерова!", files=files)
    assert (told.value.permanent, told.value.retry_after) == (False, 15)
    send("Уважаемая Анна Сергеевна Примерова!", files=files)  # the text is not sent again
    assert [bool(one["text"]) for one in fake.told()["sent"]] == [True, False]


def test_who_stopped_the_bot_is_answered_by_another_way(fake):
    fake.tell(stopped=[USER])
    with pytest.raises(DeliveryError, match="остановил бота") as told:
        send()
    assert told.value.permanent
    with pytest.raises(DeliveryError, match="сам ему написал"):
        send(recipient="anna@citizen.example")


def test_the_two_questions_are_asked_and_kept_once(fake):
    invitation = feedback.invite(channel="hotline", on=timezone.localdate())
    send(f"Ответ дан. http://otklik.example/feedback/{invitation.token}/", kind="answer")
    [asked] = [one["attachments"][0] for one in fake.told()["sent"] if one["attachments"]]
    assert [row[0]["text"] for row in asked["payload"]["buttons"]] == ["да", "нет"]
    for picks in ("0", "0.2", "0.1"):
        pressed = payload("callback")
        pressed["callback"]["payload"] = f"2q|{invitation.token}|{picks}"
        fake.tell(updates=[pressed])
        assert visit() == ""
    assert Response.objects.get().answers == {"answered": "yes", "quality": "unsatisfied"}
    shown = [one["answered"]["message"]["text"] for one in fake.told()["asked"] if "answered" in one]
    assert shown == ["Оцените качество работы консультанта", two_questions.THANKS, two_questions.THANKS]


def test_a_message_is_registered_outside_the_law_and_answered_where_it_came_from(fake):
    give(fake, "text")
    visit()
    entry = registration.propose(rows()[0]).entry
    assert (entry.answer_channel, entry.answer_address) == ("max", f"max:{USER}")
    assert not entry.regime.statutory
    assert entry.contact_point.code == "max"
