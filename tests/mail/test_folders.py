"""A mailbox with several folders, letters that stay in it and are told of, and one that tells of letters at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from otklik.channels.mail import idle, imap
from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.models import LeftLetter, MailboxState
from otklik.correspondence.models import IncomingMessage
from tests import servers
from tests.mail import letters

pytestmark = [pytest.mark.dovecot, pytest.mark.django_db]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[servers.Mailboxes]:
    with servers.dovecot() as running:
        yield running


def test_every_folder_is_read_and_one_that_is_not_there_delays_no_other(dovecot, settings):
    dovecot.deliver("folders", letters.letter())
    dovecot.deliver("folders", letters.letter(message_id="<junk@c.example>"), folder="Junk")
    settings.MAILBOXES = [f"{dovecot.url('folders')}&folder=Absent&folder=Junk"]
    list(MailChannel().fetch())
    assert IncomingMessage.objects.count() == 2
    names = imap.names_of(settings.MAILBOXES[0])
    assert [name.rpartition("/")[2] for name in names] == ["INBOX", "Absent", "Junk"]
    states = MailboxState.objects.in_bulk(names)
    assert [bool(states[name].error) for name in names] == [False, True, False]


def test_a_letter_beyond_the_limit_stays_in_its_mailbox_and_is_listed_until_it_is_taken(dovecot, settings):
    settings.MAILBOXES, settings.MAIL_MOST_BYTES = [dovecot.url("limits")], 20_000
    dovecot.deliver("limits", letters.letter(message_id="<large@c.example>", text="б" * 20_000))
    dovecot.deliver("limits", letters.letter())
    list(MailChannel().fetch())
    assert IncomingMessage.objects.get().text == letters.TEXT
    [left] = LeftLetter.objects.all()
    assert (left.uid, left.reason, left.size > 20_000, left.arrived_at is not None) == ("1", "too_large", True, True)
    assert MailboxState.objects.get().error == ""
    settings.MAIL_MOST_BYTES = 10**9
    list(MailChannel().fetch())
    assert IncomingMessage.objects.count() == 2
    assert not LeftLetter.objects.exists()


def test_a_mailbox_that_tells_of_letters_wakes_a_poll_at_once_and_again_where_it_could_not(dovecot):
    woken, stopping, ready = list[float](), threading.Event(), threading.Event()

    def wake() -> bool:
        woken.append(time.monotonic())
        ready.set()
        return len(woken) != 2  # the second time a poll is going on

    def until(count: int) -> float:
        began = time.monotonic()
        while len(woken) < count and time.monotonic() < began + 10:
            time.sleep(0.02)
        assert len(woken) >= count
        return time.monotonic() - began

    thread = threading.Thread(target=idle.watch, args=(f"{dovecot.url('idle')}&idle=yes", wake, stopping))
    thread.start()
    try:
        assert ready.wait(10)  # once at the beginning: for what came while nobody listened
        time.sleep(0.3)
        dovecot.deliver("idle", letters.letter())
        assert until(2) < 5
        until(3)
        time.sleep(1.2)
        assert len(woken) == 3
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_connection_that_is_closed_is_noticed_and_made_again(dovecot, monkeypatch):
    monkeypatch.setattr(idle, "SHORTEST", 0.05)
    woken, stopping, opened = list[int](), threading.Event(), list[object]()
    opening = imap.opened

    def remembered(url: str, folder: str) -> object:
        opened.append(opening(url, folder))
        return opened[-1]

    monkeypatch.setattr(imap, "opened", remembered)
    thread = threading.Thread(
        target=idle.watch, args=(dovecot.url("cut"), lambda: bool(woken.append(1) or True), stopping)
    )
    thread.start()
    try:
        for count in (1, 2):
            began = time.monotonic()
            while len(woken) < count and time.monotonic() < began + 10:
                time.sleep(0.02)
            assert len(opened) == count
            opened[-1].client.sock.shutdown(2)  # type: ignore[attr-defined]
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()
