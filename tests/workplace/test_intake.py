"""What waits to be decided about, on its pages: the way of the answer, the term, two clerks at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.workplace.test_frame import at, desk, entry_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


PERSON = {"kind": "person", "last_name": "Смирнов", "first_name": "Олег", "patronymic": "", "organisation": ""}
PHONE = "+79130000000"


def asked_to_call(world: World) -> IncomingMessage:
    message = world.message(channel=ChannelCode.WEBSITE, sender_name="Смирнов Олег", sender_address="")
    contacts = {"email": "", "phone": PHONE, "address": ""}
    facts = {"applicant": {**PERSON, **contacts}, "answer": {"channel": "hotline", "address": PHONE}}
    inbox.add_facts(message, schema="site", data=facts)
    return message


def as_proposed(client: Client, url: str) -> dict[str, Any]:
    """Return the form's values as the page shows them: what one press sends."""
    form = client.get(url).context["form"]
    return {field.name: value for field in form if (value := field.value()) is not None} | {"needs_answer": "yes"}


def test_who_asked_to_be_called_is_called_and_the_appeal_ends(world: World) -> None:
    message = asked_to_call(world)
    clerk = desk(world.clerk)
    page = clerk.get(at("inbox", message.pk)).content.decode()
    assert '<option value="hotline" selected>по телефону</option>' in page
    clerk.post(at("inbox", message.pk), as_proposed(clerk, at("inbox", message.pk)))
    appeal = Appeal.objects.get()
    assert (appeal.answer_channel, appeal.answer_address) == ("hotline", PHONE)
    world.signed(appeal)
    clerk.post(at("send", appeal.pk))
    page = clerk.get(at("dispatch", appeal.pk)).content.decode()
    assert "Отметить звонок" in page
    assert "трек-номер" not in page
    assert PHONE not in page
    done = clerk.post(at("posted", appeal.pk), {"posted-on": timezone.localdate().isoformat()}, follow=True)
    assert "ответ сообщён по телефону" in done.content.decode()
    assert OutgoingMessage.objects.get(kind="answer").state == OutgoingMessage.State.SENT
    clerk.post(at("close", appeal.pk), {"reason": "ответ сообщён"})
    assert world.again(appeal).status == Appeal.Status.CLOSED


def test_a_wrong_address_is_named_beside_its_field_and_what_was_typed_stays(world: World) -> None:
    message = world.message()
    typed = entry_form(world, answer_channel="email", answer_address="не адрес", subject="Предмет-8")
    answer = desk(world.clerk).post(at("inbox", message.pk), typed)
    assert answer.status_code == 422
    assert "не адрес электронной почты" in answer.context["form"].errors["answer_address"][0]
    assert "Предмет-8" in answer.content.decode()
    appeal = world.signed()
    clerk = desk(world.clerk)
    clerk.post(at("send", appeal.pk))
    answer = clerk.post(at("another_way", appeal.pk), {"way-channel": "email", "way-address": "тоже не адрес"})
    assert answer.status_code == 422
    assert "тоже не адрес" in answer.content.decode()


def test_a_sender_without_a_name_is_called_by_his_address(world: World) -> None:
    message = world.email(sender_name="", sender_address="stranger@citizen.example")
    page = desk(world.clerk).get(at("inbox", message.pk)).content.decode()
    assert "<strong>stranger@citizen.example</strong>" in page
    assert "Отправитель не указан" not in page
