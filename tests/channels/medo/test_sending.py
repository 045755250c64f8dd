"""Answers go out in the version the sender speaks; what we write we read, and a second reader accepts it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from otklik.channels.medo import checks, package
from otklik.channels.medo.adapter import MedoChannel, uid_of
from otklik.channels.medo.package import Taken
from otklik.correspondence import delivery
from otklik.correspondence.channel import DeliveryError, ToSend
from otklik.correspondence.models import OutgoingMessage
from tests.channels.medo import other_hand, packages
from tests.channels.medo.packages import NODE, OTHER_NODE, OUR_UID, PDF, THEIR_UID, VERSIONS, Sent

SUBJECT = "Ответ на обращение № О-2026-000123"


def answer(message, *, signed: bool = True) -> OutgoingMessage:
    files: list[tuple[str, bytes]] = [("Ответ О-2026-000123.pdf", PDF)]
    if signed:
        files.append(("Ответ О-2026-000123.pdf.sig", packages.signature(PDF)))
    files += [("План участка.docx", b"PK\x03\x04 plan"), ("Схема.pdf", PDF + b"%scheme")]
    return delivery.queue(
        thread=message.thread,
        channel="medo",
        kind=OutgoingMessage.Kind.ANSWER,
        recipient=THEIR_UID,
        subject=SUBJECT,
        text="Сообщаем.",
        files=files,
        by=None,
    )


def sent_answer(node) -> dict[str, bytes]:
    node.send()
    [found] = [one for one in node.sent() if "acknowledgment.xml" not in one]
    return found


def read_back(files: dict[str, bytes], folder: Path) -> checks.Report:
    there = folder / "back"
    there.mkdir()
    for name, content in files.items():
        (there / name).write_bytes(content)
    raw = folder / "back.zip"
    package.bundle(there, raw)
    package.note(raw, Taken("back", THEIR_UID, OTHER_NODE))
    with checks.examined(raw) as report:
        return report


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_goes_in_the_version_of_the_sender_and_both_readers_accept_it(node, tmp_path, version):
    message = node.take(Sent(version))
    row = answer(message)
    files = sent_answer(node)
    kind = "Транспортный контейнер" if version.startswith("2.7") else "Документ"
    assert other_hand.check(files, version, OTHER_NODE) == kind
    report = read_back(files, tmp_path)
    assert {one.state for one in report.checks} <= {"ok", "none"}, [str(one) for one in report.checks]
    assert report.message is not None
    assert report.document is not None
    assert report.message.uid == uid_of(row.message_id)
    assert report.message.sender_uid == OUR_UID
    assert report.message.destinations == (THEIR_UID,)
    assert str(report.document.num).startswith("№ О-2026-000123 от ")
    assert report.document.annotation == SUBJECT
    assert [(one.uid, one.num.number) for one in report.document.links] == [(packages.DOCUMENT_UID % 1, "ОГ-12/345")]
    assert [one.name for one in report.document.papers] == [
        "Otvet_O-2026-000123.pdf",
        "Plan_uchastka.docx",
        "Skhema.pdf",
    ]
    if version != "2.2":
        assert [one.state for one in report.verdicts.values()] == ["good"]
        assert report.document.authors[0].person == "Выдуманный Пётр Сергеевич"


def test_a_version_written_in_the_list_of_participants_goes_before_the_senders_own(node):
    node.connect(partners=f"{THEIR_UID}; {OTHER_NODE}; Правительство; 2.7.1")
    answer(node.take(Sent("2.6")))
    assert other_hand.check(sent_answer(node), "2.7.1", OTHER_NODE) == "Транспортный контейнер"


def test_an_answer_without_an_electronic_signature_does_not_go_in_a_container(node):
    row = answer(node.take(Sent("2.7")), signed=False)
    node.send()
    row.refresh_from_db()
    assert row.state == "failed"
    assert "не подписан электронной подписью" in row.error


def test_up_to_2_6_a_scan_goes_without_an_electronic_signature(node):
    answer(node.take(Sent("2.6")), signed=False)
    assert other_hand.check(sent_answer(node), "2.6", OTHER_NODE) == "Документ"


def to_send(files: list[tuple[str, Path, str]], *, recipient: str = THEIR_UID) -> ToSend:
    return ToSend(
        kind="answer",
        message_id="<abc.0123456789abcdef0123456789abcdef@department.example>",
        token="no-thread",
        sender="",
        sender_name="",
        recipient=recipient,
        recipient_name="Правительство",
        subject="",
        text="",
        files=files,
    )


@pytest.fixture
def letter(tmp_path) -> list[tuple[str, Path, str]]:
    path = tmp_path / "letter.pdf"
    path.write_bytes(PDF)
    return [("письмо.pdf", path, "application/pdf")]


def test_sent_twice_under_one_id_it_is_one_package(node, letter):
    channel = MedoChannel()
    assert channel.send(to_send(letter)) == channel.send(to_send(letter)) == "01234567-89ab-cdef-0123-456789abcdef"
    assert len(node.sent()) == 1


def test_a_package_is_whole_or_not_there(node, letter, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("otklik.channels.medo.exchange.os.fsync", full)
        with pytest.raises(DeliveryError, match="не записан"):
            MedoChannel().send(to_send(letter))
    assert not list(node.outbox.iterdir())
    MedoChannel().send(to_send(letter))
    assert len(node.sent()) == 1


def test_what_a_killed_worker_left_half_written_does_not_hinder(node, letter):
    half = node.outbox / ".01234567-89ab-cdef-0123-456789abcdef.tmp"
    half.mkdir()
    (half / "rest").write_bytes(b"x")
    MedoChannel().send(to_send(letter))
    assert [path.name for path in node.outbox.iterdir()] == ["01234567-89ab-cdef-0123-456789abcdef"]


def test_a_receiver_is_a_guid_of_the_list_or_a_node_of_it(node, letter):
    MedoChannel().send(to_send(letter, recipient=OTHER_NODE.lower()))
    for other in ("не адрес", NODE, "99999999-2222-3333-4444-555555555555"):
        with pytest.raises(DeliveryError):
            MedoChannel().send(to_send(letter, recipient=other))


def test_without_a_pdf_there_is_nothing_to_send(node, tmp_path):
    with pytest.raises(DeliveryError, match="только PDF"):
        MedoChannel().send(to_send([]))


def test_the_channel_switched_off_lets_answers_wait(node, letter):
    from otklik.correspondence import connections

    connections.switch(node.channel, False, reason="ремонт", by=None)
    with pytest.raises(DeliveryError, match="выключен"):
        MedoChannel().send(to_send(letter))


def test_a_worker_killed_after_handing_over_sends_the_same_package_again(node, monkeypatch):
    from otklik.channels.medo import adapter

    class Killed(BaseException):
        """The process ends here."""

    def reach(at: str) -> None:
        if at == "medo.after_hand_over":
            raise Killed

    row = answer(node.take(Sent("2.6")))
    OutgoingMessage.objects.exclude(pk=row.pk).delete()
    with monkeypatch.context() as patch:
        patch.setattr(adapter, "reach", reach)
        with pytest.raises(Killed):
            node.send()
    assert len(node.sent()) == 1
    OutgoingMessage.objects.update(leased_at=timezone.now() - delivery.SENDING_LEASE * 2)
    assert delivery.return_stuck() == 1
    OutgoingMessage.objects.update(not_before=timezone.now())
    node.send()
    row.refresh_from_db()
    assert (row.state, len(node.sent())) == ("sent", 1)
