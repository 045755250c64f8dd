"""From a package in the folder to the answer in the other: by the doors a clerk and an executor go through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from otklik.appeals import dispatch, registration, signature
from otklik.config import medo_notices
from otklik.core import files
from otklik.correspondence.models import OutgoingMessage
from tests.appeals.conftest import world  # noqa: F401 — a fixture
from tests.channels.medo import other_hand, packages
from tests.channels.medo.packages import OTHER_NODE, SENDER, THEIR_UID, Sent
from tests.desk import at, desk


@pytest.mark.parametrize("version", ["2.6", "2.7", "2.7.1"])
def test_a_package_becomes_a_case_and_its_signed_answer_a_package(world, node, version):  # noqa: F811
    message = node.take(Sent(version, kind="Обращение" if version == "2.6" else "Письмо"))
    entry = registration.propose(message).entry
    assert entry.regime.code == "59fz"
    assert entry.contact_point is not None
    if version == "2.6":
        assert (entry.applicant.last_name, entry.answer_channel) == ("Примерова", "post")
    else:
        assert (entry.applicant.organisation, entry.answer_channel) == (SENDER, "medo")
    entry = replace(entry, needs_answer=True, answer_channel="medo", answer_address=THEIR_UID)
    appeal = registration.register(message, entry, by=world.clerk)
    answer = world.frozen(appeal)
    letter = files.path_of(answer.letter).read_bytes()
    signature.sign_ukep(
        answer, ContentFile(packages.signature(letter, "Волкова Анна Петровна"), "letter.sig"), by=world.signer
    )
    row = dispatch.send(world.again(appeal), by=world.clerk).message
    OutgoingMessage.objects.filter(pk=row.pk).update(not_before=timezone.now())
    medo_notices.tell()
    node.send()
    medo_notices.tell()
    node.send()
    row.refresh_from_db()
    assert (row.state, row.error) == ("sent", "")
    kinds = [other_hand.check(one, version, OTHER_NODE) for one in node.sent()]
    carrier = "Транспортный контейнер" if version.startswith("2.7") else "Документ"
    assert sorted(kinds) == sorted(["Квитанция", carrier, *["Уведомление"] * 4])


@pytest.mark.parametrize("version", ["2.6", "2.7"])
def test_a_clerk_sees_what_the_card_says_who_signed_and_every_check(world, node, version):  # noqa: F811
    message = node.take(Sent(version))
    page = desk(world.clerk).get(at("inbox", message.pk)).content.decode()
    assert f"Пакет МЭДО {version}" in page
    assert "№ ОГ-12/345 от" in page
    assert ("срок 10.12.2026" in page) is (version == "2.6")
    assert "Проверки пакета: все пройдены" in page
    assert page.count('<tr><td class="facts-cell">') == 14
    assert "14. основной документ — PDF" in page
    assert ("не подтверждена" in page) is (version == "2.7")
    assert "верна</span>" in page
