"""Telegram gives, we keep: once, whatever is repeated, cut or edited; and only then Telegram may forget."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals import registration
from otklik.channels.registry import all_channels, all_connected
from otklik.channels.telegram.adapter import TelegramChannel
from otklik.correspondence import connections, delivery
from otklik.correspondence.channel import SourceError
from otklik.correspondence.models import Connection, IncomingMessage, OutgoingMessage
from tests.channels import contract
from tests.channels.telegram.case import HOOK, connect, payload, to_send
from tests.dying import in_a_process

FILES = {
    "AgACphoto-x": "photo",
    "AgACalbum-1": "one",
    "AgACalbum-2": "two",
    "AgACalbum-3": "three",
    "BQACdoc": "%PDF-1.7 letter",
}
ALBUM = ("album_1", "album_2", "album_3")


def visit() -> str:
    """Ask Telegram as a worker does; return what went wrong."""
    connections.visit(all_connected()["telegram"])
    return Connection.objects.get(channel="telegram").error


def give(fake, *names):
    fake.tell(updates=[payload(name) for name in names], files=FILES)


def rows():
    return list(IncomingMessage.objects.filter(channel="telegram").order_by("pk"))


def call(update, secret=HOOK):
    return Client().post(
        "/hooks/telegram/",
        update if isinstance(update, bytes) else json.dumps(update),
        "application/json",
        headers={"X-Telegram-Bot-Api-Secret-Token": secret},
    )


def test_a_message_comes_with_its_file_and_is_confirmed_at_the_next_visit(fake):
    give(fake, "text", "document")
    assert visit() == ""
    assert [one.state for one in rows()] == ["new", "new"]
    [paper] = rows()[1].files.all()
    assert (paper.name, paper.problem, paper.stored.size) == ("Заявление.pdf", "", len(FILES["BQACdoc"]))
    assert rows()[0].contact_point.code == "telegram"
    assert fake.told()["left"] == 2  # kept here, not yet forgotten there
    assert visit() == ""
    assert fake.told()["left"] == 0
    assert len(rows()) == 2


def test_telegram_is_asked_only_for_what_we_take(fake):
    visit()
    assert fake.told()["asked"][0]["allowed_updates"] == ["message", "edited_message", "callback_query"]


def test_an_album_is_one_message_with_all_its_files(fake):
    give(fake, "text", *ALBUM, "document")
    visit()
    assert [one.text for one in rows()][1] == "Три снимка межи"
    assert [paper.stored.size for paper in rows()[1].files.all()] == [3, 3, 5]


def test_an_album_at_the_end_waits_one_visit_for_its_last_parts(fake):
    give(fake, "text", *ALBUM[:2])
    visit()
    assert len(rows()) == 1
    give(fake, ALBUM[2])
    visit()
    assert [one.files.count() for one in rows()] == [0, 3]
    visit()
    assert (len(rows()), fake.told()["left"]) == (2, 0)


def test_parts_of_an_album_that_came_apart_are_one_conversation(fake):
    connect(fake, webhook=True)
    fake.tell(files=FILES)
    for name in ("album_2", "album_1", "album_3"):
        assert call(payload(name)).status_code == 200
    assert len({one.thread_id for one in rows()}) == 1
    assert [one.match for one in rows()] == ["none", "certain", "certain"]


def test_an_edit_joins_the_conversation_of_what_it_edits(fake):
    give(fake, "edited", "text")
    visit()
    assert len(rows()) == 2
    assert len({one.thread_id for one in rows()}) == 1


def test_what_is_written_soon_after_goes_on_with_what_was_said_last(fake):
    give(fake, "text", "contact")
    visit()
    give(fake, "location")
    visit()
    assert len({one.thread_id for one in rows()}) == 1
    IncomingMessage.objects.update(received_at=timezone.now() - timedelta(days=4))
    give(fake, "sticker")
    visit()
    assert rows()[-1].match == "none"


def test_the_explanation_is_nothing_to_go_on_with(fake):
    give(fake, "start")
    visit()
    assert delivery.send_next(all_channels())
    give(fake, "video")
    visit()
    assert rows()[0].match == "none"


def test_a_reply_to_our_answer_joins_its_conversation(fake):
    give(fake, "text")
    visit()
    [asked] = rows()
    reply = payload("reply")
    reply["message"]["reply_to_message"]["text"] = f"Ответ. [#{asked.thread.token}]"
    fake.tell(updates=[reply])
    visit()
    assert (rows()[1].match, rows()[1].thread_id) == ("certain", asked.thread_id)


def test_whoever_writes_first_is_told_once_how_to_file_lawfully(fake):
    give(fake, "text", "photo", "bot")
    visit()
    [told] = OutgoingMessage.objects.filter(kind="how_to_file")
    assert (told.recipient, told.state, told.automatic) == ("telegram:700100200", "queued", True)
    assert "59-ФЗ" in told.text
    assert told.thread == rows()[0].thread
    assert delivery.send_next(all_channels())
    assert "59-ФЗ" in fake.told()["sent"][0]["text"]


def test_the_command_to_begin_is_answered_once_a_day_and_is_no_message(fake):
    again = payload("start")
    again["update_id"] += 1
    again["message"]["message_id"] += 1
    fake.tell(updates=[payload("start"), again])
    visit()
    assert rows() == []
    assert OutgoingMessage.objects.filter(kind="how_to_file").count() == 1
    again["update_id"] += 1
    again["message"]["date"] += 24 * 60 * 60
    fake.tell(updates=[again])
    visit()
    assert OutgoingMessage.objects.filter(kind="how_to_file").count() == 2


def test_the_administrator_may_explain_in_his_own_words(fake):
    connect(fake, explanation="Обращения принимаем через Госуслуги.")
    give(fake, "start")
    visit()
    assert OutgoingMessage.objects.get().text == "Обращения принимаем через Госуслуги."


def test_what_is_no_message_is_counted_by_reason_and_shown_at_the_test_button(fake):
    give(fake, "group", "channel_post", "live_location", "my_chat_member")
    visit()
    assert rows() == []
    said = all_connected()["telegram"].try_out()
    assert "@dep_example_bot" in said
    assert "сообщение в группе: 1." in said
    assert "движение точки на карте: 1." in said
    assert contract.SECRET not in said


@pytest.mark.parametrize(("days", "asked"), [(1, True), (7, False)])
def test_numbers_of_updates_are_believed_for_less_than_a_week(fake, days, asked):
    give(fake, "text")
    visit()
    row = Connection.objects.get(channel="telegram")
    row.cursor["at"] = int((timezone.now() - timedelta(days=days)).timestamp())
    row.save()
    visit()
    assert ("offset" in fake.told()["asked"][-1]) is asked
    assert len(rows()) == 1


def test_another_receiver_of_the_bot_is_told_of_in_plain_words(fake):
    fake.tell(webhook={"url": "https://other.example/hook"})
    assert "один получатель" in visit()


def test_a_webhook_is_set_with_its_secret_and_what_telegram_complains_of_is_shown(fake, settings):
    settings.BASE_URL = "https://otklik.dep.example"
    connect(fake, webhook=True)
    assert visit() == ""
    assert fake.told()["webhook"]["url"] == "https://otklik.dep.example/hooks/telegram/"
    assert fake.told()["webhook"]["secret"] == HOOK
    calls = len(fake.told()["calls"])
    assert visit() == ""
    assert len(fake.told()["calls"]) == calls  # looked at a moment ago
    Connection.objects.update(cursor={"hook": {**Connection.objects.get().cursor["hook"], "at": 0}})
    now = int(timezone.now().timestamp())
    complaint = {"pending_update_count": 3, "last_error_date": now, "last_error_message": "SSL error"}
    fake.tell(webhook={"url": "https://otklik.dep.example/hooks/telegram/", **complaint})
    assert "не может доставить" in visit()
    assert "SSL error" in visit()


def test_a_webhook_needs_https_and_a_secret_of_our_own(fake, settings):
    settings.BASE_URL = "http://otklik.dep.example"
    connect(fake, webhook=True)
    assert "https" in visit()
    settings.BASE_URL = "https://otklik.dep.example"
    connect(fake, webhook=True, secret="short")
    assert "от 16 знаков" in visit()
    with pytest.raises(SourceError, match="от 16 знаков"):
        all_connected()["telegram"].try_out()


def test_calls_are_refused_while_messages_are_asked_for(fake):
    assert call(payload("text")).status_code == 403
    assert rows() == []


def test_a_call_of_noise_goes_to_quarantine_and_is_answered(fake):
    connect(fake, webhook=True)
    assert call(b"\x00\xff{").status_code == 200
    assert [one.state for one in rows()] == ["quarantined"]
    assert "откройте оригинал" in rows()[0].problem


def test_a_file_in_a_local_server_is_told_of_and_the_message_comes(fake):
    fake.tell(updates=[payload("photo")])  # the file is unknown there
    visit()
    [paper] = rows()[0].files.all()
    assert "wrong file_id" in paper.problem
    assert rows()[0].state == "new"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "point",
    [
        "telegram.after_fetch", "telegram.after_files", "telegram.after_keep", "intake.before_file",
        "intake.before_commit", "intake.after_commit", "reading.after_parse", "reading.before_commit",
        "reading.after_commit",
    ],
)  # fmt: skip
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_doubled(fake, point):
    give(fake, "text", *ALBUM, "document")
    assert in_a_process(visit_unwatched, crash_at=point)
    visit()
    visit()
    assert len(rows()) == 3
    assert fake.told()["left"] == 0
    IncomingMessage.objects.update(parse_started_at=None)
    from otklik.channels.registry import all_readers
    from otklik.correspondence import inbox

    while inbox.parse_next(all_readers()):
        pass
    assert [(one.state, one.files.count()) for one in rows()] == [("new", 0), ("new", 3), ("new", 1)]


def visit_unwatched():
    list(TelegramChannel().fetch())


def test_switched_off_it_neither_asks_nor_sends_nor_listens(fake):
    connections.switch(TelegramChannel(), on=False, reason="проверка", by=None)
    give(fake, "text")
    assert list(TelegramChannel().fetch()) == []
    assert call(payload("text")).status_code == 404
    with pytest.raises(Exception, match="выключен"):
        TelegramChannel().send(to_send("<1@dep.example>", "Здравствуйте!"))
    assert fake.told()["calls"] == []


def test_a_message_is_registered_outside_the_law_and_answered_where_it_came_from(fake):
    give(fake, "text")
    visit()
    entry = registration.propose(rows()[0]).entry
    assert (entry.answer_channel, entry.answer_address) == ("telegram", "telegram:700100200")
    assert (entry.applicant.last_name, entry.applicant.first_name) == ("Примерова", "Анна")
    assert not entry.regime.statutory
