"""Mailboxes: what was polled, what stays in them, and a letter too large is told of before it leaves."""

from __future__ import annotations

import pytest
from django.utils import timezone

from otklik.appeals import dispatch
from otklik.channels.mail.models import MailboxState, SendingServer
from otklik.correspondence import delivery
from otklik.correspondence.channel import Parsed
from otklik.correspondence.models import OutgoingMessage
from tests.appeals.conftest import World
from tests.workplace.test_frame import desk, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]


def test_the_page_tells_each_folder_and_what_stays_in_it(world: World, settings) -> None:
    settings.MAILBOXES = ["imaps://info:pa55word@mail.example/INBOX?folder=Junk&idle=yes&auth=xoauth2"]
    box = MailboxState.objects.create(name="info@mail.example/INBOX", polled_at=timezone.now(), seen=7)
    box.left.create(uid="41", reason="too_large", size=300 * 2**20)
    page = desk(world.clerk).get("/desk/mailboxes/").content.decode()
    for words in ("info@mail.example/Junk", "ещё не опрошен", "300", "больше предела", "OAuth2", "сообщает сам"):
        assert words in page
    assert "pa55word" not in page


def test_an_answer_too_large_for_the_server_is_warned_of_before_it_leaves(world: World, settings) -> None:
    appeal = world.signed(world.registered_email())
    page = f"/desk/appeals/{appeal.pk}/dispatch/"
    assert "Письмо займёт" not in desk(world.clerk).get(page).content.decode()
    settings.SMTP_URL = "smtp://mail.example"
    SendingServer.objects.create(host="mail.example", most_bytes=1_000, greeted_at=timezone.now())
    assert "принимает до" in desk(world.clerk).get(page).content.decode()
    SendingServer.objects.all().delete()
    settings.SMTP_MOST_BYTES = 1_000
    assert "обычно принимают" in desk(world.clerk).get(page).content.decode()


def test_reports_of_delivery_stand_beside_the_answer(world: World) -> None:
    appeal = world.signed(world.registered_email())
    message = dispatch.send(appeal, by=world.clerk).message
    OutgoingMessage.objects.update(state="sent", sent_at=timezone.now())
    for action, status, said in (("delayed", "4.4.7", "ждёт"), ("delivered", "2.1.5", "принято")):
        told = Parsed("", bounce_of=message.message_id, bounce_action=action, bounce_status=status, bounce_said=said)
        delivery.reported(told, None)
    page = desk(world.clerk).get(f"/desk/appeals/{appeal.pk}/dispatch/").content.decode()
    assert page.index("задерживается") < page.index("доставлено")
    assert "4.4.7: ждёт" in page.replace("</span>", "")
