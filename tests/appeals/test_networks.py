"""A message from a network is answered there: the person alone, or under the comment without personal data."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from otklik.appeals import dispatch, registration, ways
from otklik.correspondence import social
from otklik.correspondence.models import ChannelCode, Connection, ContactPoint, IncomingMessage, MessageFacts, Thread
from otklik.people.applicants import Typed
from otklik.people.models import Department

HOME = "vk.com/id501"
COMMENT = "vk.com/wall-217_45?reply=678"


def commented(world: Any, address: str = COMMENT) -> IncomingMessage:
    message = world.message(channel=ChannelCode.VK, sender_address=HOME, sender_name="Иванова Мария", subject="")
    facts = {
        "applicant": {"last_name": "Иванова", "first_name": "Мария"},
        "answer": {"channel": "vk", "address": address},
        "identified": False,
    }
    MessageFacts.objects.create(message=message, version=1, schema="vk/1", data=facts)
    return IncomingMessage.objects.get(pk=message.pk)


def signed(world: Any, text: str = "Перечень участков опубликован на сайте.", address: str = COMMENT) -> Any:
    message = commented(world, address)
    appeal = registration.register(message, registration.entry_for(message), by=world.clerk)
    drafted = world.drafted
    world.drafted = lambda appeal: drafted(appeal, text)
    return world.signed(appeal)


def test_a_message_from_a_network_is_proposed_to_be_answered_there_outside_the_law(world):
    entry = registration.entry_for(commented(world))
    assert (entry.answer_channel, entry.answer_address, entry.regime.statutory) == ("vk", COMMENT, False)
    assert entry.applicant == Typed(last_name="Иванова", first_name="Мария")
    assert entry.contact_point == ContactPoint.objects.get(code="vk")


def test_an_appeal_under_the_law_is_not_answered_in_a_network(world):
    message = commented(world)
    with pytest.raises(ways.NotInNetwork, match="59-ФЗ"):
        registration.register(message, world.entry(answer_channel="vk", answer_address=HOME), by=world.clerk)


@pytest.mark.parametrize(
    ("channel", "address"),
    [("vk", "anna@citizen.example"), ("vk", "ok.ru/profile/5"), ("ok", HOME), ("ok", "ok.ru/anna")],
)
def test_an_address_of_another_kind_is_refused_with_the_right_shape(channel, address):
    with pytest.raises(ways.WrongAddress, match=r"нужен вид (vk\.com|ok\.ru)"):
        ways.check_address(channel, address)


@pytest.mark.parametrize(
    ("channel", "address", "public"),
    [
        ("vk", "https://vk.com/id501", False),
        ("vk", "https://m.vk.com/wall-217_45", True),
        ("vk", "vk.com/im?sel=c7", True),
        ("ok", "ok.ru/messages/chat:C3ecb9d02a600", False),
        ("ok", "https://ok.ru/profile/580000000501", False),
        ("ok", "ok.ru/group/53400000000217/topic/154?comment=MTY3OA.1", True),
    ],
)
def test_an_address_tells_whether_everybody_reads_there(channel, address, public):
    place = social.place_of(channel, address)
    assert place is not None
    assert place.public is public


def test_earlier_appeals_of_the_same_page_are_offered_to_be_joined(world):
    message = commented(world, HOME)
    thread = Thread.objects.create()
    IncomingMessage.objects.filter(pk=message.pk).update(thread=thread)
    appeal = registration.register(
        IncomingMessage.objects.get(pk=message.pk), registration.entry_for(message), by=world.clerk
    )
    assert registration.open_appeals_of([], HOME) == [appeal]
    assert registration.open_appeals_of([], "vk.com/id502") == []


def test_a_comment_is_answered_without_name_files_and_code(world):
    appeal = signed(world)
    message = dispatch.send(appeal, by=world.clerk).message
    assert (message.channel, message.recipient) == ("vk", COMMENT)
    assert not message.files.exists()
    assert message.text.startswith("Здравствуйте!\n\nПеречень участков опубликован на сайте.")
    assert "Мария" not in message.text
    assert appeal.secret not in message.text
    assert "feedback" not in message.text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Приём: г. Новосибирск, Красный проспект, 18, каб. 214, с 9 до 18.", []),
        ("Приходите на Красный проспект, 18 или звоните: (383) 238-60-02.", []),
        ("Участок 54:35:012345:67, 800 кв. м, приказ № 123 от 12.03.2025, ответ № О-2026-000001.", []),
        ("Вы живёте по адресу ул. Ленина, д. 5, кв. 12.", ["адрес"]),
        ("Звоните Петровой Елене Викторовне: 8 913 555-12-34.", ["имя", "телефон"]),
    ],
)
def test_what_the_department_publishes_of_itself_is_no_personal_data(world, text, kinds):
    Department.objects.update(phone="8 (383) 238-60-02")
    assert social.personal_in(text) == kinds


def test_personal_data_goes_to_the_person_alone(world):
    appeal = signed(world, "Уведомляем, что заявление Петровой Елены Викторовны принято.")
    with pytest.raises(social.SeenByAll, match="имя") as told:
        dispatch.send(appeal, by=world.clerk)
    assert "Петров" not in str(told.value)
    message = dispatch.send(world.again(appeal), by=world.clerk, privately=True).message
    assert (message.channel, message.recipient) == ("vk", HOME)
    assert message.files.count() == 1
    assert "Петровой" in message.text


def test_the_page_warns_before_sending_and_offers_the_private_way(world):
    client = Client()
    client.force_login(world.clerk)
    appeal = signed(world, "Уведомляем, что заявление Петровой Елены Викторовны принято.")
    page = client.get(reverse("workplace:dispatch", args=[appeal.pk])).content.decode()
    assert "увидят все" in page
    assert "персональные данные: имя" in page
    assert "Ответить комментарием" not in page
    client.post(reverse("workplace:send", args=[appeal.pk]), {"privately": "yes"})
    assert dispatch.current().get(answer__appeal=appeal).message.recipient == HOME


def test_what_was_refused_in_a_comment_can_go_as_a_message_of_the_same_network(world):
    Connection.objects.create(channel="vk", on=True, sends=True)
    appeal = signed(world)
    message = dispatch.send(appeal, by=world.clerk).message
    assert message.state == "queued"
    type(message).objects.filter(pk=message.pk).update(state="failed")
    client = Client()
    client.force_login(world.clerk)
    page = client.get(reverse("workplace:dispatch", args=[appeal.pk])).content.decode()
    assert f'value="{HOME}"' in page
    row = dispatch.send_another_way(world.again(appeal), channel="vk", address=HOME, by=world.clerk)
    assert row.message.files.count() == 1
