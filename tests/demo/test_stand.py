"""A demo stand: made up, loaded once, never over anybody's work, and its mail stays in it."""

from __future__ import annotations

import pytest

from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.models import CaughtLetter
from otklik.core import files, installation
from otklik.core.models import Installation
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.demo import load
from otklik.people.models import Employee


def test_production_and_a_base_somebody_works_in_are_left_alone(db):
    installation.mark(Installation.Kind.PRODUCTION)
    with pytest.raises(load.NotEmpty):
        load.load(count=1)
    assert not Employee.objects.exists()


def test_a_base_with_employees_is_left_alone_and_not_marked(db):
    Employee.objects.create(username="real")
    with pytest.raises(load.NotEmpty):
        load.load(count=1)
    assert installation.kind() is None


def test_the_stand_s_mail_exists_only_on_a_stand(client, db):
    installation.mark(Installation.Kind.PRODUCTION)
    assert client.get("/stand/mail/").status_code == 404
    assert client.post("/stand/mail/", {"sender": "a@b.example", "text": "x"}).status_code == 404
    assert not IncomingMessage.objects.exists()


@pytest.fixture
def stand(db):
    installation.mark(Installation.Kind.DEMO)


def caught():
    raw = (
        b"From: info@department.example\r\nTo: anna@mail.example\r\nReply-To: info+abc@department.example\r\n"
        b"Subject: Answer\r\nMessage-ID: <1@department.example>\r\nReferences: <0@mail.example>\r\n\r\n"
        b"<script>hi</script>"
    )
    return CaughtLetter.objects.create(
        message_id="<1@department.example>", recipient="anna@mail.example", subject="Answer", raw=files.store(raw)
    )


def test_a_letter_can_be_sent_in_and_is_read_like_any_other(client, stand):
    page = client.post("/stand/mail/", {"sender": "anna@mail.example", "subject": "Вопрос", "text": "Где выписка?"})
    assert page.status_code == 302
    message = IncomingMessage.objects.get()
    inbox.parse(message, {"email": MailChannel()})
    message.refresh_from_db()
    assert (message.sender_address, message.subject, message.text.strip()) == (
        "anna@mail.example",
        "Вопрос",
        "Где выписка?",
    )


def test_a_reply_to_a_caught_letter_names_it_in_its_headers(client, stand):
    letter = caught()
    client.post(
        f"/stand/mail/{letter.pk}/", {"sender": "anna@mail.example", "subject": "Re: Answer", "text": "Спасибо"}
    )
    message = IncomingMessage.objects.get()
    inbox.parse(message, {"email": MailChannel()})
    message.refresh_from_db()
    assert message.in_reply_to == "<1@department.example>"
    assert list(message.references) == ["<0@mail.example>", "<1@department.example>"]


def test_a_caught_letter_is_shown_as_text_and_given_whole(client, stand):
    letter = caught()
    words = client.get(f"/stand/mail/{letter.pk}/").content.decode()
    assert "<script>hi" not in words
    assert "info+abc@department.example" in words
    whole = b"".join(client.get(f"/stand/mail/{letter.pk}/letter.eml").streaming_content)
    assert b"Message-ID: <1@department.example>" in whole
    assert client.get(f"/stand/mail/{letter.pk}/file/7/").status_code == 404


@pytest.mark.parametrize("sender", ["ivan@yandex.ru", "нет", ""])
def test_a_living_person_s_address_is_not_taken(client, stand, sender):
    assert client.post("/stand/mail/", {"sender": sender, "text": "x"}).status_code == 422
    assert not IncomingMessage.objects.exists()


def test_a_letter_pasted_twice_is_one_message(client, stand):
    raw = "From: a@b.example\nMessage-ID: <same@b.example>\nSubject: s\n\ntext\n"
    for _ in range(2):
        client.post("/stand/mail/", {"raw": raw})
    assert IncomingMessage.objects.count() == 1
