"""A group of Odnoklassniki from its call to our answer, against a fake in a process of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otklik.channels import envelope
from otklik.channels.ok import api, events
from otklik.channels.ok.adapter import OkChannel
from otklik.channels.ok.parse import parse
from otklik.correspondence import connections, inbox
from otklik.correspondence.channel import DeliveryError, DeliveryUnknown, ParseError, SourceError
from otklik.correspondence.models import Connection, IncomingMessage
from tests.channels.networks import letter
from tests.channels.ok.case import CHAT, GROUP, PERSON, call, connect, update
from tests.fakes import other_side

pytestmark = pytest.mark.django_db
PAYLOADS = Path(__file__).parent / "payloads"
HOME = f"ok.ru/messages/{CHAT}"
COMMENT = f"ok.ru/group/{GROUP}/topic/154000000000045?comment=MTY3OA.1"
APPLICATION = {"app_key": "CAPPKEY", "app_secret": "CAPPSECRET", "admin_token": "admin-t0ken"}


@pytest.fixture(scope="module")
def running() -> Iterator[other_side.Fake]:
    fake = other_side.start("ok")
    yield fake
    other_side.stop(fake)


@pytest.fixture
def fake(running: other_side.Fake, monkeypatch: pytest.MonkeyPatch) -> other_side.Fake:
    monkeypatch.setattr("otklik.channels.wire.SECONDS", (0.3, 0.3))
    monkeypatch.setattr(OkChannel, "patience", 0)
    running.told(reset=True)
    running.told(token="group-t0ken", app_secret="CAPPSECRET", admin_token="admin-t0ken")
    connect(running.url, token="group-t0ken")
    return running


def payload(name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return said


def read(tmp_path: Path, name: str) -> Any:
    raw = tmp_path / "raw"
    raw.write_bytes(envelope.packed("ok/1", payload(name), [], group=GROUP, after=""))
    return parse(raw)


def read_all() -> list[IncomingMessage]:
    while inbox.parse_next({"ok": OkChannel()}):
        pass
    return list(IncomingMessage.objects.order_by("pk"))


def with_application(fake: other_side.Fake) -> None:
    values = dict(Connection.objects.get(channel="ok").values)
    connections.configure(OkChannel(), {**values, **APPLICATION}, by=None)


# --- read -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["message_created", "without_type"])
def test_a_message_says_who_wrote_and_how_to_answer(tmp_path, name):
    found = read(tmp_path, name)
    assert (found.sender_name, found.sender_address) == ("Анна Примерова", f"ok.ru/profile/{PERSON}")
    assert found.facts["applicant"] == {"last_name": "Примерова", "first_name": "Анна"}
    assert found.facts["answer"] == {"channel": "ok", "address": HOME}
    assert found.message_id == "<mid.C3ecb9d02a600.15cea67d78d2059@ok.invalid>"
    assert str(found.sent_at) == "2026-11-24 03:00:00+00:00"


def test_attachments_are_files_links_or_words(tmp_path):
    said = payload("message_created_attachments")["message"]
    assert [one.name for one in events.wanted(said)] == ["фото 1.jpg", "схема.pdf"]
    text = read(tmp_path, "message_created_attachments").text
    for told in ("Вот они", "Ссылка: https://example.org/karta", "[стикер]", "Видео: https://ok.ru/video/1"):
        assert told in text


def test_a_comment_is_answered_under_its_topic_where_everybody_reads(tmp_path):
    found = read(tmp_path, "comment")
    assert found.facts["answer"] == {"channel": "ok", "address": COMMENT}
    assert "увидят все" in found.notes[0]


@pytest.mark.parametrize("name", ["chat_system", "ours"])
def test_news_of_the_chat_and_our_own_words_are_no_message_of_a_citizen(name):
    assert events.read(payload(name), GROUP) is None


def test_what_is_no_call_of_theirs_goes_to_quarantine_with_a_reason(tmp_path):
    raw = tmp_path / "raw"
    for content in (b"", b"[]", b'{"schema": "vk/1", "update": {}}', b'{"schema": "ok/1", "update": {"message": 1}}'):
        raw.write_bytes(content)
        with pytest.raises(ParseError, match="откройте оригинал"):
            parse(raw)


def test_each_error_of_the_table_is_in_russian_and_of_a_known_kind():
    for code, (kind, text) in api.ERRORS.items():
        refusal = api.refusal(code)
        assert kind in {"wait", "admin", "final"}
        assert refusal.permanent == (kind == "final")
        assert text in str(refusal)


# --- in ---------------------------------------------------------------------------------------------------------------


def test_who_does_not_know_the_key_is_refused(fake):
    assert call(payload("message_created"), key="wrong").status_code == 403
    assert call(payload("message_created"), key="").status_code == 403
    assert not IncomingMessage.objects.exists()


def test_what_cannot_be_read_is_kept_once_for_a_clerk(fake):
    for _ in range(3):
        assert call(b"\xff\x00[").status_code == 200
    [row] = read_all()
    assert (row.state, row.redelivered) == ("quarantined", 2)
    assert "откройте оригинал" in row.problem


def test_a_repeat_is_counted_and_fetches_nothing_again(fake):
    said = update(1, attachments=[{"type": "FILE", "payload": {"name": "план.pdf", "url": fake.lay("1", b"%PDF")}}])
    assert call(said).status_code == 200
    with fake.trouble("5xx", on="/files/"):
        assert call(said).status_code == 200
    [row] = read_all()
    [paper] = row.files.select_related("stored")
    assert (row.redelivered, paper.problem, paper.stored.size) == (1, "", 4)


def test_a_dropped_subscription_is_renewed_and_what_was_missed_meanwhile_comes_once(fake):
    connections.remember("ok", seen_to=1)
    call(update(1))
    said = [update(number) for number in range(1, 4)]
    fake.told(messages=said, chats=[{"chat_id": CHAT, "lastEventTime": said[-1]["timestamp"]}])
    connections.visit(OkChannel())
    connections.visit(OkChannel())
    [hook] = fake.holds("subscriptions")
    assert "/hooks/ok/?key=" in hook
    rows = read_all()
    assert [row.external_id[-1] for row in rows] == ["1", "2", "3"]
    assert len({row.thread_id for row in rows}) == 1


def test_comments_come_by_asking_where_the_keys_of_an_application_are_written_down(fake):
    one = payload("comment")["comment"]
    ours = {**one, "id": "ours", "author_type": "GROUP"}
    fake.told(topics=["154000000000045"], comments={"154000000000045": [one, ours]})
    connections.visit(OkChannel())
    assert not IncomingMessage.objects.exists()
    with_application(fake)
    connections.remember("ok", comments_from=1)
    connections.visit(OkChannel())
    connections.visit(OkChannel())
    [row] = read_all()
    assert (row.external_id, row.text) == ("comment:154000000000045:MTY3OA.1", one["text"])
    assert Connection.objects.get(channel="ok").error == ""


def test_comments_older_than_the_connection_stay_where_they_are(fake):
    one = payload("comment")["comment"]
    fake.told(topics=["154000000000045"], comments={"154000000000045": [one]})
    with_application(fake)
    connections.visit(OkChannel())
    assert not IncomingMessage.objects.exists()
    fake.told(comments={"154000000000045": [one, {**one, "id": "new", "date_ms": int(time.time() * 1000) + 5000}]})
    connections.visit(OkChannel())
    assert [row.external_id for row in read_all()] == ["comment:154000000000045:new"]


# --- out --------------------------------------------------------------------------------------------------------------


def test_an_answer_with_its_paper_goes_into_the_chat(fake, tmp_path):
    paper = tmp_path / "Ответ.pdf"
    paper.write_bytes(b"%PDF-1.7")
    OkChannel().send(letter(HOME, "слово " * 1000, files=[("Ответ.pdf", paper, "application/pdf")]))
    first, second = fake.holds("sent")
    assert first["recipient"] == {"chat_id": CHAT}
    assert first["message"]["attachments"] == [{"type": "FILE", "payload": {"token": "file-0"}}]
    assert "attachments" not in second["message"]
    assert fake.holds("uploads") == ["Ответ.pdf"]


def test_an_answer_to_a_person_goes_by_his_number(fake):
    OkChannel().send(letter(f"ok.ru/profile/{PERSON}"))
    [sent] = fake.holds("sent")
    assert sent["recipient"] == {"user_id": f"user:{PERSON}"}


def test_nothing_is_repeated_by_itself_once_a_part_has_gone(fake, monkeypatch):
    assert not OkChannel.repeats_safely
    sent = 0
    hand_over = api.hand_over

    def second_is_refused(*given: Any) -> Any:
        nonlocal sent
        sent += 1
        if sent == 2:
            raise api.refusal(8)
        return hand_over(*given)

    monkeypatch.setattr(api, "hand_over", second_is_refused)
    with pytest.raises(DeliveryUnknown, match="первые части"):
        OkChannel().send(letter(HOME, "слово " * 1000))
    assert len(fake.holds("sent")) == 1


@pytest.mark.parametrize(
    ("code", "permanent", "words"),
    [(10, True, "не разрешил"), (8, False, "реже"), (102, False, "Ключ"), (7, False, "блок")],
)
def test_a_refusal_is_told_in_words_with_who_can_help(fake, code, permanent, words):
    fake.told(refuse={f"/graph/me/messages/{CHAT}": code})
    with pytest.raises(DeliveryError, match=words) as told:
        OkChannel().send(letter(HOME))
    assert told.value.permanent == permanent
    on_the_page = Connection.objects.get(channel="ok").error
    assert (words in on_the_page) == (code == 102)
    assert "t0ken" not in str(told.value) + on_the_page


def test_a_comment_is_answered_in_the_name_of_the_group_and_never_with_personal_data(fake):
    with pytest.raises(DeliveryError, match="ключи приложения"):
        OkChannel().send(letter(COMMENT, "Здравствуйте! Перечень на сайте."))
    with_application(fake)
    OkChannel().send(letter(COMMENT, "Здравствуйте! Перечень на сайте."))
    with pytest.raises(DeliveryError, match="персональные данные: имя") as told:
        OkChannel().send(letter(COMMENT, "Уважаемая Анна Сергеевна Примерова! Перечень на сайте."))
    assert told.value.permanent
    [added] = fake.holds("added")
    assert (added["entityId"], added["reply_to_comment_id"], added["as_admin"]) == (
        "154000000000045",
        "MTY3OA.1",
        "true",
    )


def test_the_test_button_says_which_group_it_is_and_what_is_wrong(fake):
    assert "«Департамент»" in OkChannel().try_out()
    fake.told(group="999")
    with pytest.raises(SourceError, match="другой группой"):
        OkChannel().try_out()
    fake.told(token="other")
    with pytest.raises(SourceError, match="Ключ доступа группы не действует"):
        OkChannel().try_out()
