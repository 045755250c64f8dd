"""A community of VKontakte from its event to our answer, against a fake in a process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.channels.vk.adapter import VkChannel
from otklik.correspondence import connections, delivery, inbox
from otklik.correspondence.channel import DeliveryError, DeliveryUnknown, SourceError
from otklik.correspondence.models import Connection, IncomingMessage, OutgoingMessage, Thread
from tests.channels.networks import letter
from tests.channels.vk.case import GROUP, PERSON, call, connect, event, message
from tests.channels.vk.test_events import payload
from tests.fakes import other_side

pytestmark = pytest.mark.django_db
HOME = f"vk.com/id{PERSON}"
COMMENT = "vk.com/wall-217_45?reply=678"


@pytest.fixture(scope="module")
def running() -> Iterator[other_side.Fake]:
    fake = other_side.start("vk")
    yield fake
    other_side.stop(fake)


@pytest.fixture
def fake(running: other_side.Fake, monkeypatch: pytest.MonkeyPatch) -> other_side.Fake:
    monkeypatch.setattr("otklik.channels.wire.SECONDS", (0.3, 0.3))
    running.told(reset=True)
    running.told(token="t0ken-of-the-community")
    connect(running.url)
    connections.configure(VkChannel(), {**_values(), "token": "t0ken-of-the-community"}, by=None)
    return running


def _values() -> dict[str, Any]:
    return dict(Connection.objects.get(channel="vk").values)


def read_all() -> list[IncomingMessage]:
    while inbox.parse_next({"vk": VkChannel()}):
        pass
    return list(IncomingMessage.objects.order_by("pk"))


def comes(name: str, **changes: Any) -> None:
    said = payload(name)
    said["object"] |= changes
    assert call(said).content == b"ok"


# --- in ---------------------------------------------------------------------------------------------------------------


def test_the_address_is_confirmed_with_the_string_of_the_community(fake):
    assert call(payload("confirmation")).content == b"a1b2c3"
    assert call({"type": "confirmation", "group_id": 999}).status_code == 403


@pytest.mark.parametrize(
    "change", [{"secret": "wrong"}, {"secret": None}, {"secret": ["x"]}, {"group_id": 218}, {"group_id": "217"}]
)
def test_who_does_not_know_the_secret_or_is_another_community_is_refused(fake, change):
    assert call({**payload("message_new"), **change}).status_code == 403
    assert call(b"\xff{").status_code == 403
    assert call(b"[" * 100_000).status_code == 403
    assert not IncomingMessage.objects.exists()


def test_a_channel_that_is_off_does_not_exist_for_strangers(fake):
    connections.switch(VkChannel(), False, reason="проверка", by=None)
    assert call(payload("message_new")).status_code == 404


def test_a_message_is_kept_with_its_name_and_without_the_secret_before_it_is_called_got(fake):
    comes("message_new")
    [row] = read_all()
    assert (row.sender_name, row.sender_address, row.state) == ("Примерова Анна", HOME, "new")
    assert row.contact_point is None or row.contact_point.code == "vk"
    from otklik.core import files

    assert row.raw
    assert b"dlinnyj-sekret" not in files.path_of(row.raw).read_bytes()


def test_when_it_cannot_be_kept_vk_is_not_told_ok_and_sends_again(fake, monkeypatch):
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "disk full")

    with monkeypatch.context() as broken:
        broken.setattr("otklik.core.files.store_each", full)
        client = Client(raise_request_exception=False)
        body = json.dumps(payload("message_new"))
        answer = client.post("/hooks/vk/", body, content_type="application/json")
        assert answer.status_code >= 500
    comes("message_new")
    comes("message_new")
    [row] = read_all()
    assert row.redelivered == 1


def test_a_repeat_with_another_event_id_is_the_same_message(fake):
    comes("message_new")
    assert call({**payload("message_new"), "event_id": "other"}).content == b"ok"
    assert len(read_all()) == 1


def test_a_person_without_a_name_is_a_message_all_the_same(fake):
    with fake.trouble("5xx", on="users.get"):
        comes("message_new")
    [row] = read_all()
    assert (row.sender_name, row.sender_address) == ("", HOME)


def test_who_has_written_before_is_not_asked_for_again(fake):
    comes("message_new")
    read_all()
    call(event("message_new", {"message": message(42, "И ещё вопрос")}))
    assert [row.sender_name for row in read_all()] == ["Примерова Анна"] * 2
    assert [one["method"] for one in fake.holds("asked")] == ["users.get"]


def test_what_takes_too_long_to_fetch_costs_the_message_its_files_only(fake, monkeypatch):
    monkeypatch.setattr("otklik.channels.envelope.LONGEST", -1.0)
    attached = [{"type": "doc", "doc": {"id": 1, "title": "план.pdf", "url": fake.lay("plan", b"%PDF-1.7")}}]
    call(event("message_new", {"message": message(1, attachments=attached)}))
    [row] = read_all()
    assert [paper.problem for paper in row.files.all()] == [
        "Вложения скачивались слишком долго: откройте это в самой сети."
    ]


def test_attachments_are_fetched_from_the_networks_own_hosts_only(fake):
    mine = fake.lay("plan", b"%PDF-1.7")
    attached = [
        {"type": "doc", "doc": {"id": 1, "owner_id": 5, "title": "план.pdf", "ext": "pdf", "url": url}}
        for url in (
            mine,
            mine.replace("/files/", "/files/moved/"),
            "http://169.254.169.254/latest",
            "https://vk.com.evil.example/x",
        )
    ]
    assert call(event("message_new", {"message": message(1, attachments=attached)})).content == b"ok"
    [row] = read_all()
    papers = list(row.files.select_related("stored"))
    assert [paper.stored.size for paper in papers] == [8, 8, 0, 0]
    assert all("чужой сервер" in paper.problem for paper in papers[2:])


def test_edits_stand_in_the_conversation_of_what_they_edit_in_any_order(fake):
    comes("message_edit")
    comes("message_new")
    rows = read_all()
    assert len({row.thread_id for row in rows}) == 1
    assert {row.external_id for row in rows} == {"message:501:41", "message:501:41:edit:b1f0c0ffee03"}


def test_a_comment_removed_and_restored_is_told_in_its_conversation(fake):
    comes("wall_reply_new")
    read_all()
    comes("wall_reply_delete")
    comes("wall_reply_restore")
    rows = read_all()
    assert [row.machine for row in rows] == ["", "auto", "auto"]
    assert {row.thread_id for row in rows} == {rows[0].thread_id}
    assert {row.match for row in rows[1:]} == {"certain"}


def test_a_restored_comment_that_never_came_is_the_comment_and_a_removed_one_is_nothing(fake):
    comes("wall_reply_delete")
    assert not IncomingMessage.objects.exists()
    comes("wall_reply_restore")
    comes("wall_reply_new")
    [row] = read_all()
    assert (row.external_id, row.machine, row.redelivered) == ("wall:-217_45:678", "", 1)


def test_what_is_written_within_days_goes_on_with_the_dialogue_later_it_is_new(fake):
    comes("message_new")
    call(event("message_new", {"message": message(42, "И ещё вопрос")}))
    IncomingMessage.objects.update(received_at=timezone.now() - timedelta(days=10))
    call(event("message_new", {"message": message(43, "Прошло десять дней")}))
    first, second, third = read_all()
    assert first.thread_id == second.thread_id != third.thread_id


def test_a_reply_to_our_answer_goes_on_with_it_however_old_it_is(fake):
    thread = Thread.objects.create()
    ours = delivery.queue(thread=thread, channel="vk", kind="answer", recipient=HOME, text="Ответ", by=None)
    OutgoingMessage.objects.filter(pk=ours.pk).update(state="sent", sent_at=timezone.now() - timedelta(days=60))
    quoted = {"reply_message": {"conversation_message_id": 40, "from_id": -GROUP, "text": "Ответ"}}
    call(event("message_new", {"message": message(44, "Спасибо!", **quoted)}))
    [row] = read_all()
    assert (row.thread_id, row.match) == (thread.pk, "certain")


def test_what_no_event_has_told_of_is_found_in_the_dialogues_once(fake):
    connections.remember("vk", seen_to=1)
    comes("message_new")
    said = payload("message_new")["object"]["message"]
    edited = {**said, "text": "Изменено, пока сервер не работал"}  # its edit comes as an event of its own
    fake.told(messages=[edited, message(42, "Пропущено"), message(43, "Наше", from_id=-GROUP, out=1)])
    connections.visit(VkChannel())
    connections.visit(VkChannel())
    assert [row.text for row in read_all()] == [said["text"], "Пропущено"]
    assert Connection.objects.get(channel="vk").error == ""


def test_what_was_written_before_the_channel_was_connected_stays_where_it_is(fake):
    fake.told(messages=[message(1)])
    connections.visit(VkChannel())
    assert not IncomingMessage.objects.exists()


# --- out --------------------------------------------------------------------------------------------------------------


def test_an_answer_goes_into_the_dialogue_once_however_often_it_is_handed_over(fake):
    item = letter(HOME, message_id="<a@dep.example>")
    VkChannel().send(item)
    VkChannel().send(item)
    with fake.trouble("cut", on="messages.send"), pytest.raises(DeliveryUnknown):
        VkChannel().send(letter(HOME, "Другой ответ", message_id="<b@dep.example>"))
    VkChannel().send(letter(HOME, "Другой ответ", message_id="<b@dep.example>"))
    assert [one["text"] for one in fake.holds("sent")] == ["Сообщаем: сведения готовы.", "Другой ответ"]
    assert len({one["random_id"] for one in fake.holds("sent")}) == 2
    assert [one["method"] for one in fake.holds("asked")].count("messages.send") == 2
    fake.told(forgets=True)  # and where the dialogue does not show it, VKontakte knows the number
    VkChannel().send(item)
    assert len(fake.holds("sent")) == 2


def test_a_long_answer_with_papers_goes_in_parts_and_a_broken_one_is_taken_up_where_it_broke(fake, tmp_path):
    paper = tmp_path / "Ответ.pdf"
    paper.write_bytes(b"%PDF-1.7")
    item = letter(
        HOME, "слово " * 1500, files=[("Ответ.pdf", paper, "application/pdf")], message_id="<long@dep.example>"
    )
    fake.told(refuse={"docs.save": 105})
    with pytest.raises(DeliveryError) as told:
        VkChannel().send(item)
    assert not told.value.permanent
    fake.told(refuse={})
    VkChannel().send(item)
    sent = fake.holds("sent")
    assert [bool(one["attachment"]) for one in sent] == [False, False, True]
    assert fake.holds("documents") == ["Ответ.pdf"]
    assert " ".join(one["text"] for one in sent).split() == ["слово"] * 1500


@pytest.mark.parametrize(
    ("code", "permanent", "words"),
    [
        (901, True, "не разрешил"),
        (902, True, "приватности"),
        (914, True, "длинное"),
        (9, False, "реже"),
        (5, False, "Ключ"),
        (15, True, "запрещён"),
    ],
)
def test_a_refusal_is_told_in_words_with_who_can_help(fake, code, permanent, words):
    fake.told(refuse={"messages.send": code})
    with pytest.raises(DeliveryError, match=words) as told:
        VkChannel().send(letter(HOME))
    assert told.value.permanent == permanent
    on_the_page = Connection.objects.get(channel="vk").error
    assert (words in on_the_page) == (code == 5)
    assert "t0ken" not in str(told.value) + on_the_page


def test_a_comment_is_answered_under_it_in_the_name_of_the_community_once(fake):
    item = letter(COMMENT, "Здравствуйте! Заявление подаётся через портал.", message_id="<c@dep.example>")
    VkChannel().send(item)
    VkChannel().send(item)
    [comment] = fake.holds("comments")
    assert (comment["owner_id"], comment["post_id"], comment["reply_to_comment"]) == ("-217", "45", "678")
    assert comment["from_group"] == str(GROUP)


def test_a_comment_with_personal_data_never_leaves_and_says_what_was_found_not_its_words(fake, tmp_path):
    with pytest.raises(DeliveryError, match="имя, телефон") as told:
        VkChannel().send(letter(COMMENT, "Уважаемая Анна Сергеевна Примерова, ваш телефон 8 913 555-12-34 принят."))
    assert told.value.permanent
    assert "Примерова" not in str(told.value)
    paper = tmp_path / "а.pdf"
    paper.write_bytes(b"%PDF")
    with pytest.raises(DeliveryError, match="файлы не прикладываются"):
        VkChannel().send(letter(COMMENT, "Ответ готов.", files=[("а.pdf", paper, "application/pdf")]))
    with pytest.raises(DeliveryError, match="имя"):
        VkChannel().send(letter("vk.com/im?sel=c1", "Уважаемая Анна Сергеевна Примерова, ответ готов."))
    assert not fake.holds("comments")
    assert not fake.holds("sent")


def test_what_the_department_publishes_of_itself_may_stand_in_a_comment(fake):
    from otklik.people.models import Department

    Department.objects.update_or_create(
        defaults={
            "name": "Департамент",
            "short_name": "Департамент",
            "phone": "8 (383) 222-11-00",
            "email": "info@dep.example",
        }
    )
    VkChannel().send(letter(COMMENT, "Позвоните нам: +7 383 222-11-00 или напишите на info@dep.example."))
    assert len(fake.holds("comments")) == 1


@pytest.mark.parametrize(
    "address", ["", "anna@citizen.example", "vk.com/anna", "https://evil.example/vk.com/id5", "vk.com/id0"]
)
def test_what_is_no_address_of_the_network_is_refused_for_good(fake, address):
    with pytest.raises(DeliveryError, match=r"vk\.com/id123") as told:
        VkChannel().send(letter(address))
    assert told.value.permanent


def test_the_test_button_says_which_community_it_is_and_what_is_wrong(fake):
    assert "«Департамент»" in VkChannel().try_out()
    fake.told(rights=["docs"])
    with pytest.raises(SourceError, match="сообщения сообщества"):
        VkChannel().try_out()
    fake.told(group=999)
    with pytest.raises(SourceError, match="номер"):
        VkChannel().try_out()
    connections.configure(VkChannel(), {**_values(), "token": "other-t0ken"}, by=None)
    with pytest.raises(SourceError, match="Ключ доступа сообщества не действует") as told:
        VkChannel().try_out()
    assert "t0ken" not in str(told.value)


# --- killed between two writes ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("point", ["vk.after_fetch", "vk.after_accept"])
def test_the_points_a_kill_test_may_name_are_reached(fake, monkeypatch, point):
    reached: list[str] = []
    monkeypatch.setattr("otklik.channels.vk.adapter.reach", reached.append)
    comes("message_new")
    assert point in reached


def test_nothing_is_left_in_the_folder_of_what_was_fetched(fake):
    mine = fake.lay("plan", b"%PDF-1.7")
    attached = [{"type": "doc", "doc": {"id": 1, "title": "план.pdf", "url": mine}}]
    call(event("message_new", {"message": message(1, attachments=attached)}))
    assert not list(Path("/tmp").glob("otklik-attached-*"))
