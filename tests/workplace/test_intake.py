"""What waits to be decided about, on its pages: the way of the answer, the term, two clerks at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core import installation
from otklik.core.models import Installation
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.workplace.test_frame import at, desk, entry_form, queries

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


def test_of_two_clerks_the_second_is_refused_by_name_and_what_he_typed_can_be_copied(world: World) -> None:
    message = world.message()
    first, second = desk(world.clerk), desk(world.clerk2)
    first.post(at("inbox", message.pk), entry_form(world))
    appeal = Appeal.objects.get()
    for typed in (entry_form(world, subject="Мой предмет"), entry_form(world, subject="Мой предмет", regime="")):
        answer = second.post(at("inbox", message.pk), typed)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Ваше действие не выполнено" in page
        assert world.clerk.short_name in page
        assert appeal.number in page
        told = answer.context["typed"]
        assert ("Краткое содержание", "Мой предмет") in told
        assert ("Как ответить", "почта") in told
        assert "<dd>Мой предмет</dd>" in page
    assert Appeal.objects.get() == appeal


def test_a_rejection_that_comes_second_is_refused_and_keeps_its_reason_in_sight(world: World) -> None:
    message = world.message()
    desk(world.clerk).post(at("inbox", message.pk), entry_form(world))
    answer = desk(world.clerk2).post(at("reject", message.pk), {"reason": "Рассылка магазина"})
    assert answer.status_code == 422
    assert "<dd>Рассылка магазина</dd>" in answer.content.decode()
    message.refresh_from_db()
    assert message.state == IncomingMessage.State.REGISTERED


def test_one_form_pressed_twice_writes_one_message_and_another_letter_is_another_message(world: World) -> None:
    client = desk(world.clerk)
    once = client.get(at("new_appeal")).context["form"]["once"].value()
    today = timezone.localdate().isoformat()
    told = {"once": once, "channel": "post", "received_on": today, "text": "Прошу ответить.", "kind": "person"}
    pages = [client.post(at("new_appeal"), told | {"last_name": "Тестова"}).url for _ in range(2)]
    message = IncomingMessage.objects.get()
    assert pages == [at("inbox", message.pk)] * 2
    # Somebody who goes back in the browser and types the next letter into the same form does not lose it.
    for changes in ({"last_name": "Другова"}, {"last_name": "Тестова", "text": "Другое письмо."}):
        client.post(at("new_appeal"), told | changes)
    assert IncomingMessage.objects.count() == 3


def arrived(world: World, days: int, **changes: Any) -> IncomingMessage:
    return world.message(received_at=timezone.now() - timedelta(days=days), **changes)


def test_what_waits_shows_by_which_day_to_register_it_and_why(world: World) -> None:
    message = arrived(world, 30)
    clerk = desk(world.clerk)
    for url in (at("queue") + "?view=registration", at("queue") + "?view=due", at("today"), at("inbox", message.pk)):
        page = clerk.get(url).content.decode()
        assert "зарегистрировать до" in page, url
        assert "просрочен" in page, url
    assert "1 горит" in clerk.get(at("today")).content.decode()
    assert "59-ФЗ, ст. 8" in clerk.get(at("inbox", message.pk)).content.decode()
    registered = clerk.post(at("inbox", message.pk), entry_form(world))
    assert "зарегистрировать до" not in clerk.get(at("inbox", message.pk)).content.decode()
    assert registered.status_code == 302


def test_the_way_through_what_burns_does_not_take_an_appeal_for_a_message(world: World) -> None:
    first, second = arrived(world, 31), arrived(world, 30)
    appeal = world.registered()
    Appeal.objects.filter(pk=appeal.pk).update(due_on=timezone.localdate())
    clerk = desk(world.clerk)
    page = clerk.get(at("inbox", first.pk) + "?view=due").content.decode()
    assert at("neighbour", first.pk, "next") + "?view=due&amp;kind=message" in page
    following = clerk.get(at("neighbour", first.pk, "next") + "?view=due&kind=message").url
    assert following == at("inbox", second.pk) + "?view=due"
    assert clerk.get(at("neighbour", second.pk, "next") + "?view=due&kind=message").url.startswith(
        at("card", appeal.pk)
    )
    assert clerk.get(at("neighbour", appeal.pk, "previous") + "?view=due").url == following


def test_after_a_letter_is_registered_the_list_does_not_take_its_appeal_for_another_letter(world: World) -> None:
    first, last = arrived(world, 2), arrived(world, 1)
    clerk = desk(world.clerk)
    page = clerk.get(at("inbox", last.pk)).content.decode()
    assert at("neighbour", last.pk, "next") + "?view=registration&amp;kind=message" in page
    of_appeal = at("neighbour", last.pk, "next") + "?view=registration"  # an appeal that has the last letter's number
    assert clerk.get(of_appeal).url == at("inbox", first.pk) + "?view=registration"
    assert clerk.get(f"{of_appeal}&kind=message").url == at("queue") + "?view=registration"


@pytest.mark.parametrize("who", ["clerk", "auditor"])
def test_the_terms_of_what_waits_cost_the_same_however_much_waits(world: World, who: str) -> None:
    world.assigned()
    installation.mark(Installation.Kind.DEMO)  # what the installation is for is asked once per session
    urls = [at("today"), *(at("queue") + f"?view={view}" for view in ("all", "registration", "due"))]
    client = desk(getattr(world, who))
    arrived(world, 30)
    few = [queries(client, url) for url in urls]
    for days in range(12):
        arrived(world, days)
        arrived(world, days, channel=ChannelCode.EMAIL, sender_address="a@citizen.example")
    assert [queries(client, url) for url in urls] == few
    assert few[0] <= 12
    assert max(few[1:]) <= 10


def test_who_sees_the_intake_only_opens_no_message_of_an_appeal(world: World) -> None:
    waits, taken = world.message(), world.registered().messages.get().message
    consultant = desk(world.employee("consultant", "Лебедева", world.registry, ["consultant"]))
    assert consultant.get(at("inbox", waits.pk)).status_code == 200
    assert consultant.get(at("inbox", taken.pk)).status_code == 404
    assert consultant.post(at("inbox", waits.pk), entry_form(world)).status_code == 403
