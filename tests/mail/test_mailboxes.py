"""A real Dovecot: kept first, flagged afterwards, once however often and wherever it is delivered."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator

import pytest
from django.db import OperationalError

from otklik.channels.mail import imap, intake
from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.models import MailboxState
from otklik.correspondence.models import IncomingMessage
from tests import servers
from tests.mail import letters

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[servers.Mailboxes]:
    with servers.dovecot() as running:
        yield running


@pytest.fixture
def boxes(dovecot: servers.Mailboxes, settings, request) -> servers.Mailboxes:
    users = [f"{request.node.name[:40]}-{one}" for one in ("info", "head")]
    settings.MAILBOXES = [dovecot.url(user) for user in users]
    dovecot.users = users
    return dovecot


def poll() -> None:
    assert list(MailChannel().fetch())
    assert set(MailboxState.objects.values_list("error", flat=True)) == {""}


def test_a_letter_becomes_a_message_and_is_flagged_only_then(boxes, monkeypatch):
    boxes.deliver(boxes.users[0], letters.letter())
    with monkeypatch.context() as broken:

        def fails(*args, **kwargs):
            raise OperationalError("disk full")

        broken.setattr(intake.inbox, "accept_each", fails)
        list(MailChannel().fetch())
    assert not IncomingMessage.objects.exists()
    assert b"OtklikStored" not in b"".join(boxes.flags(boxes.users[0]))
    assert MailboxState.objects.exclude(error="").count() == 1
    poll()
    message = IncomingMessage.objects.get()
    assert (message.state, message.text, message.sender_address) == ("new", letters.TEXT, "anna@citizen.example")
    assert b"OtklikStored" in b"".join(boxes.flags(boxes.users[0]))


def test_one_letter_three_times_and_in_two_mailboxes_is_one_message(boxes):
    for _ in range(3):
        boxes.deliver(boxes.users[0], b"Received: by mx\r\n" + letters.letter())
    boxes.deliver(boxes.users[1], b"Delivered-To: head@d.example\r\n" + letters.letter())
    poll()
    message = IncomingMessage.objects.get()
    assert message.redelivered == 3
    poll()
    message.refresh_from_db()
    assert message.redelivered == 3


def test_a_backlog_is_drained_oldest_first_and_one_bad_letter_delays_nothing(boxes, monkeypatch):
    for number in range(20):
        boxes.deliver(boxes.users[0], letters.letter(message_id=f"<{number}@c.example>", subject=str(number)))
    keep = intake.inbox.accept_each

    def fails_once(arrivals, **how):
        if any(one.external_id == "<3@c.example>" for one in arrivals):
            raise OSError("no space")
        return keep(arrivals, **how)

    with monkeypatch.context() as broken:
        broken.setattr(intake.inbox, "accept_each", fails_once)
        list(MailChannel().fetch())
    order = IncomingMessage.objects.order_by("pk").values_list("subject", flat=True)
    assert list(order) == [str(number) for number in range(20) if number != 3]
    poll()
    assert IncomingMessage.objects.count() == 20


def test_a_mailbox_that_is_away_delays_no_other(boxes, settings):
    boxes.deliver(boxes.users[0], letters.letter())
    settings.MAILBOXES = [f"imap://a:b@127.0.0.1:{servers.free_port()}/INBOX", *settings.MAILBOXES]
    list(MailChannel().fetch())
    assert IncomingMessage.objects.count() == 1
    assert MailboxState.objects.exclude(error="").count() == 1


def test_a_letter_that_breaks_the_connection_delays_no_other(boxes, monkeypatch):
    for number in range(6):
        boxes.deliver(boxes.users[0], letters.letter(message_id=f"<{number}@c.example>", subject=str(number)))
    download = imap._download

    def breaks(box, uid, path):
        if uid == "3":
            box.client.shutdown()
        return download(box, uid, path)

    with monkeypatch.context() as broken:
        broken.setattr(imap, "_download", breaks)
        list(MailChannel().fetch())
    order = IncomingMessage.objects.order_by("pk").values_list("subject", flat=True)
    assert list(order) == ["0", "1", "3", "4", "5"]
    assert MailboxState.objects.exclude(error="").count() == 1
    poll()
    assert IncomingMessage.objects.count() == 6


def test_a_letter_the_server_refuses_to_give_out_is_neither_cut_off_nor_forgotten(boxes, monkeypatch):
    monkeypatch.setattr(imap, "PIECE", 1000)
    for number, text in enumerate(("a", "b" * 5000, "c")):
        boxes.deliver(
            boxes.users[0], letters.letter(message_id=f"<{number}@c.example>", subject=str(number), text=text)
        )
    uid = imaplib.IMAP4.uid

    def refuses(self, command, *args):
        if command == "FETCH" and args[0] == "2" and "[]<0." not in args[1]:
            return "NO", [b"internal error"]
        return uid(self, command, *args)

    with monkeypatch.context() as broken:
        broken.setattr(imaplib.IMAP4, "uid", refuses)
        list(MailChannel().fetch())
    assert list(IncomingMessage.objects.order_by("pk").values_list("subject", flat=True)) == ["0", "2"]
    assert MailboxState.objects.exclude(error="").count() == 1
    poll()
    assert IncomingMessage.objects.get(subject="1").text == "b" * 5000


def test_a_letter_whose_size_is_a_whole_number_of_pieces_is_whole(boxes, monkeypatch):
    whole = letters.letter()
    monkeypatch.setattr(imap, "PIECE", len(whole) // 2 if len(whole) % 2 == 0 else len(whole))
    boxes.deliver(boxes.users[0], whole)
    poll()
    assert IncomingMessage.objects.get().text == letters.TEXT
