"""Senders hear what becomes of their documents, from the rows the steps of a case leave, each once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import registration, signature
from otklik.channels.medo import versions
from otklik.config import medo_notices
from otklik.correspondence import delivery, inbox
from otklik.correspondence.models import ContactPoint, OutgoingMessage
from tests.appeals.conftest import world  # noqa: F401 — a fixture
from tests.channels.medo import other_hand, packages
from tests.channels.medo.packages import DOCUMENT_UID, OTHER_NODE, THEIR_UID, UID, Sent, notification


def registered(world, node, version: str = "2.6"):  # noqa: F811
    message = node.take(Sent(version))
    entry = world.entry(
        contact_point=ContactPoint.objects.get(code="medo"), answer_channel="medo", answer_address=THEIR_UID
    )
    return registration.register(message, entry, by=world.clerk)


def told(node, version: str = "2.6") -> list[str]:
    """Let the job and the delivery work; return the notifications that left, all checked by the other hand."""
    medo_notices.tell()
    node.send()
    found = []
    for files in node.sent():
        other_hand.check(files, version, OTHER_NODE)
        if xml := files.get("notification.xml"):
            found.append(xml.decode("utf-8" if version == "2.7.1" else "cp1251"))
    node.forget_sent()
    return found


@pytest.mark.parametrize("version", packages.VERSIONS)
def test_a_registered_document_is_told_with_its_number_once(world, node, version):  # noqa: F811
    appeal = registered(world, node, version)
    [xml] = told(node, version)
    assert 'type="Зарегистрирован"' in xml
    assert f":number>{appeal.number}<" in xml
    assert f'uid="{DOCUMENT_UID % 1}"' in xml
    assert f'mid="{UID % 1}"' in xml
    assert told(node, version) == []


def test_each_step_of_a_case_is_told_in_its_turn(world, node):  # noqa: F811
    appeal = registered(world, node)
    world.frozen(appeal)
    kinds = [one.split('notification xdms:type="')[1].split('"')[0] for one in told(node)]
    assert sorted(kinds) == ["Доклад подготовлен", "Зарегистрирован", "Назначен исполнитель"]
    appeal = world.again(appeal)
    _pause(appeal, world)
    [xml] = told(node)
    assert 'type="Исполнение"' in xml
    assert "приостановлен" in xml
    answer = signature.frozen_of(appeal)
    signature.sign_sed(answer, number="7", signed_on=timezone.localdate(), by=world.clerk)
    row = delivery.queue(
        thread=appeal.thread,
        channel="post",
        kind=OutgoingMessage.Kind.ANSWER,
        recipient="630000",
        text="ответ",
        by=world.clerk,
    )
    delivery.posted(row, on=timezone.localdate(), by=world.clerk)
    [xml] = told(node)
    assert 'type="Доклад направлен"' in xml
    assert appeal.number in xml


def _pause(appeal, world) -> None:  # noqa: F811
    from otklik.core import journal

    said = {"starts_on": timezone.localdate().isoformat(), "pause": 1}
    journal.record("appeal.paused", chain=f"appeal:{appeal.pk}", by=world.clerk, **said)


def test_a_rejected_document_is_refused_with_a_reason_of_the_closed_list(world, node):  # noqa: F811
    message = node.take(Sent())
    inbox.reject(message, reason="Нет подписи на последнем листе", by=world.clerk)
    [xml] = told(node)
    assert 'type="Отказано в регистрации"' in xml
    assert ":reason>Нет подписи<" in xml
    assert "на последнем листе" in xml


def test_a_reason_is_named_by_the_clerks_words_else_it_is_not_to_be_registered():
    assert medo_notices.refusal("ошибка адресации: это в мэрию") == "Ошибка адресации"
    assert medo_notices.refusal("Текст не соответствует регламенту") == "Текст не соответствует регламенту"
    assert medo_notices.refusal("рассылка") == versions.REFUSALS[0]
    assert len(versions.REFUSALS) == other_hand.REFUSED_BECAUSE == len(set(versions.REFUSALS))


def test_what_was_before_the_channel_was_connected_and_what_came_otherwise_is_not_told(world, tmp_path):  # noqa: F811
    from tests.channels.medo.node import Node

    world.assigned()
    node = Node(tmp_path / "node")
    assert told(node) == []
    world.assigned()  # came by post
    assert told(node) == []


def test_a_document_joined_to_a_case_is_told_its_number_too(world, node):  # noqa: F811
    appeal = world.registered()
    message = node.take(Sent("2.7"))
    registration.join(message, appeal, by=world.clerk)
    [xml] = told(node, "2.7")
    assert f":number>{appeal.number}<" in xml


def test_nothing_is_queued_while_the_channel_is_off(world, node):  # noqa: F811
    from otklik.correspondence import connections

    registered(world, node)
    connections.switch(node.channel, False, reason="ремонт", by=None)
    assert medo_notices.tell() == 0
    connections.switch(node.channel, True, reason="", by=None)
    assert len(told(node)) == 1


def test_their_refusal_of_our_answer_reaches_its_row(node):
    from otklik.channels.medo.adapter import uid_of

    first = node.take(Sent())
    row = delivery.queue(
        thread=first.thread, channel="medo", kind="answer", recipient=THEIR_UID, subject="Ответ", text="т", by=None
    )
    OutgoingMessage.objects.filter(pk=row.pk).update(state="sent", sent_at=timezone.now() - timedelta(hours=1))
    event = (
        "<xdms:documentRefused><xdms:time>2026-11-24T10:00:00</xdms:time>"
        "<xdms:reason>Нет подписи</xdms:reason></xdms:documentRefused>"
    )
    said = node.take(notification(Sent(number=4), uid_of(row.message_id), "Отказано в регистрации", event))
    assert "Нет подписи" in said.text
    assert said.machine == "auto"
    row.refresh_from_db()
    assert row.state == "failed"
