"""The folder of the node: half-written packages wait, taken ones leave only after they are kept, nothing is lost."""

from __future__ import annotations

import errno
import shutil

import pytest

from otklik.channels.medo import adapter
from otklik.correspondence import connections, inbox
from otklik.correspondence.channel import SourceError
from otklik.correspondence.models import Connection, IncomingMessage, OutgoingMessage
from tests.channels.medo import other_hand, packages
from tests.channels.medo.packages import OTHER_NODE, UID, Sent, receipt


def messages() -> list[IncomingMessage]:
    return list(IncomingMessage.objects.filter(channel="medo").order_by("pk"))


def test_a_package_is_taken_when_it_has_stood_still_for_a_visit(node):
    folder = node.give(Sent())
    node.visit(1)
    assert not messages()
    node.visit(1)
    assert [one.state for one in messages()] == ["new"]
    assert not folder.exists()
    assert (node.inbox / ".taken" / folder.name / "envelope.ini").exists()


def test_a_package_that_still_grows_or_has_no_envelope_yet_waits(node):
    made = packages.made(Sent())
    letter = made.files.pop("envelope.ini")
    folder = made.write(node.inbox / "half")
    node.visit(3)
    assert not messages()
    (folder / "envelope.ini").write_bytes(letter)
    (folder / "letter.pdf").write_bytes(packages.PDF[:10])
    node.visit(1)
    (folder / "letter.pdf").write_bytes(packages.PDF)
    node.visit(1)
    assert not messages()
    node.visit(1)
    assert [one.state for one in messages()] == ["new"]


def test_a_package_named_in_its_envelope_only_by_half_waits(node):
    made = packages.made(Sent("2.7"))
    body = made.all()["document.edc.zip"]
    made.inside = {}
    folder = made.write(node.inbox / "half")
    node.visit(3)
    assert not messages()
    (folder / "document.edc.zip").write_bytes(body)
    node.visit(2)
    assert [one.state for one in messages()] == ["new"]


def test_a_repeat_is_one_message_and_gets_its_receipt_again(node):
    package = packages.Made(packages.made(Sent("2.7.1")).all())
    for _ in range(3):
        node.take(package)
    [message] = messages()
    assert message.redelivered == 2
    node.send()
    assert len(node.sent()) == 3


def test_the_same_uid_with_other_content_waits_for_a_clerk(node):
    node.take(Sent())
    second = node.take(Sent(annotation="Совсем другое"))
    assert second.state == "quarantined"
    assert "Проверка 13" in second.problem
    assert len(messages()) == 2


def test_a_package_that_cannot_be_moved_stays_and_is_no_second_message(node, monkeypatch):
    node.give(Sent())

    def refuses(*_: object) -> None:
        raise SourceError("Принятый пакет не перенесён.")

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "put_aside", refuses)
        assert "не перенесён" in node.visit()
    assert [one.state for one in messages()] == ["stored"]  # a worker reads it
    Connection.objects.update(not_before=None)
    assert node.visit() == ""
    assert len(messages()) == 1


def test_a_package_that_fails_delays_no_other(node, monkeypatch):
    node.give(Sent(number=1), "a")
    node.give(Sent(number=2), "b")
    bundle = adapter.package.bundle

    def fails(folder, into):
        if folder.name == "a":
            raise OSError(errno.ENOSPC, "disk full")
        return bundle(folder, into)

    with monkeypatch.context() as patch:
        patch.setattr(adapter.package, "bundle", fails)
        assert "Пакетов МЭДО не принято: 1" in node.visit()
    assert [one.external_id for one in messages()] == [UID % 2]
    assert node.visit() == ""
    assert len(messages()) == 2


def test_a_defect_of_ours_in_reading_keeps_no_package_out(node, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(adapter.parse, "mentioned", fails)
    assert node.take(Sent()).state == "new"


def test_nothing_leaves_the_folder_before_it_is_kept(node, monkeypatch):
    folder = node.give(Sent())

    def fails(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(inbox, "accept_each", fails)
    assert node.visit()
    assert folder.exists()
    assert not messages()


@pytest.mark.parametrize("version", packages.VERSIONS)
def test_everything_but_a_receipt_gets_a_receipt_in_the_version_it_came_in(node, version):
    node.take(Sent(version))
    node.take(receipt(Sent(version, number=2), UID % 9))
    node.send()
    [sent] = node.sent()
    assert other_hand.check(sent, version, OTHER_NODE) == "Квитанция"
    assert (UID % 1).encode() in sent["acknowledgment.xml"]
    assert b">true<" in sent["acknowledgment.xml"]


def test_a_receipt_lost_by_a_killed_worker_is_given_at_the_next_visit(node):
    message = node.take(Sent())
    OutgoingMessage.objects.all().delete()
    node.visit(1)
    assert OutgoingMessage.objects.get().thread == message.thread


def test_a_sender_nobody_knows_waits_until_his_address_is_written_down(node):
    node.connect(partners="")
    node.take(Sent())
    node.send()
    row = OutgoingMessage.objects.get()
    assert (row.state, node.sent()) == ("queued", [])
    assert "Неизвестен адрес участника" in row.error
    node.connect(partners="", gate=OTHER_NODE)
    OutgoingMessage.objects.update(not_before=row.created_at)
    node.send()
    assert len(node.sent()) == 1


def test_a_channel_that_is_off_takes_nothing(node):
    node.give(Sent())
    connections.switch(node.channel, False, reason="переезд узла", by=None)
    node.visit(3)
    assert not messages()


def test_the_test_button_tells_what_is_there_and_what_is_wrong(node):
    node.give(Sent())
    assert "Ждут приёма пакетов: 1" in node.channel.try_out()
    node.connect(partners="что-то не то\n")
    with pytest.raises(SourceError, match="не поняты строки 1"):
        node.channel.try_out()
    node.connect(uid="1-2-3")
    with pytest.raises(SourceError, match="не GUID"):
        node.channel.try_out()
    node.connect(node="без шлюза")
    with pytest.raises(SourceError, match="УЗЕЛ~ШЛЮЗ"):
        node.channel.try_out()
    node.connect()
    shutil.rmtree(node.outbox)
    with pytest.raises(SourceError, match="Папки исходящих нет"):
        node.channel.try_out()


@pytest.mark.parametrize("point", ["medo.before_accept", "medo.after_accept", "medo.after_put_aside"])
def test_a_worker_killed_at_any_point_loses_and_doubles_nothing(node, monkeypatch, point):
    class Killed(BaseException):
        """The process ends here."""

    def reach(at: str) -> None:
        if at == point:
            raise Killed

    node.give(Sent())
    node.visit(1)
    with monkeypatch.context() as patch:
        patch.setattr(adapter, "reach", reach)
        with pytest.raises(Killed):
            node.visit(1)
    IncomingMessage.objects.update(parse_started_at=None)  # its lease ends
    node.visit(1)
    from tests.channels.medo.node import read_all

    read_all()
    node.visit(1)
    assert [one.state for one in messages()] == ["new"]
    assert not list(node.inbox.glob("[!.]*"))
    assert OutgoingMessage.objects.filter(channel="medo").count() in (1, 2)  # a repeat has a receipt of its own
