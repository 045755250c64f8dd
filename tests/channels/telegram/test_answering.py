"""From a message in Telegram to its answer there: registered, answered, sent as far as the channel allows."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import dispatch, registration
from otklik.appeals.models import Appeal
from otklik.channels.registry import all_channels, all_connected
from otklik.correspondence import connections, delivery
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.channels.telegram.case import connect, payload

ADDRESS = "telegram:700100200"
OPEN = "Перечень участков опубликован на сайте."
PERSONAL = "Заявление Петровой Елены Викторовны принято."


@pytest.fixture
def world(db: None) -> World:
    return World()


def signed(fake: Any, world: World, text: str) -> Appeal:
    """Let a message come, be registered as the page proposes, and its answer be signed."""
    fake.tell(updates=[payload("text")])
    connections.visit(all_connected()["telegram"])
    OutgoingMessage.objects.all().delete()  # the explanation is another test's
    [message] = IncomingMessage.objects.filter(channel="telegram")
    appeal = registration.register(message, registration.entry_for(message), by=world.clerk)
    drafted = world.drafted
    world.drafted = lambda appeal=None, _="": drafted(appeal, text)  # type: ignore[method-assign]
    return world.signed(appeal)


def leave() -> None:
    """Let the worker send what has waited for its moment to be taken back."""
    OutgoingMessage.objects.update(not_before=timezone.now())
    while delivery.send_next(all_channels()):
        pass


def test_an_answer_leaves_without_name_and_files_and_asks_the_two_questions(fake, world):
    appeal = signed(fake, world, OPEN)
    message = dispatch.send(appeal, by=world.clerk).message
    assert (message.channel, message.recipient, message.state) == ("telegram", ADDRESS, "queued")
    assert not message.files.exists()
    leave()
    letter, question = fake.told()["sent"]
    assert letter["text"].startswith(f"Здравствуйте!\n\n{OPEN}")
    assert letter["reply_parameters"]["message_id"] == 1
    assert "Примеров" not in letter["text"]
    assert appeal.secret not in letter["text"]
    assert question["text"] == "Получен ли ответ на Ваш вопрос?"
    message.refresh_from_db()
    assert message.state == "sent"


def test_an_answer_that_tells_of_people_is_not_delivered_and_goes_another_way(fake, world):
    appeal = signed(fake, world, PERSONAL)
    client = Client()
    client.force_login(world.clerk)
    page = client.get(reverse("workplace:dispatch", args=[appeal.pk])).content.decode()
    assert "персональные данные: имя" in page
    assert "другим способом" in page
    message = dispatch.send(appeal, by=world.clerk).message
    leave()
    message.refresh_from_db()
    assert message.state == "failed"
    assert "41-ФЗ" in message.error
    assert fake.told()["sent"] == []
    row = dispatch.send_another_way(
        world.again(appeal), channel="post", address="630000, Новосибирск, а/я 1", by=world.clerk
    )
    assert row.message.files.count() == 1


def test_where_it_is_allowed_the_whole_letter_goes(fake, world):
    connect(fake, personal=True)
    appeal = signed(fake, world, PERSONAL)
    dispatch.send(appeal, by=world.clerk)
    leave()
    letter, paper, question = fake.told()["sent"]
    assert "Петровой" in letter["text"]
    assert paper["file"]["size"] > 1000
    assert "reply_markup" in question


def test_a_later_message_of_the_person_joins_the_case(fake, world):
    appeal = signed(fake, world, OPEN)
    fake.tell(updates=[payload("contact")])
    connections.visit(all_connected()["telegram"])
    assert registration.join_certain()
    assert world.again(appeal).unseen_reply


def test_the_way_it_came_is_offered_at_registration(fake, world):
    fake.tell(updates=[payload("text")])
    connections.visit(all_connected()["telegram"])
    [message] = IncomingMessage.objects.filter(channel="telegram")
    client = Client()
    client.force_login(world.clerk)
    page = client.get(reverse("workplace:inbox", args=[message.pk])).content.decode()
    assert '<option value="telegram" selected>Telegram</option>' in page
    assert f'value="{ADDRESS}"' in page
