"""Dictionaries of the law on their pages: outcomes, terms of requests, and what other bodies told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from otklik.appeals import forwarding
from otklik.appeals.models import InquiryRule, OutcomeKind, SedNumber
from otklik.core.models import JournalEntry
from tests.appeals.conftest import World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


@pytest.fixture
def world(db: None) -> World:
    return World()


def _typed(row: OutcomeKind, **changes: object) -> dict[str, object]:
    names = ("name", "article", "sstu", "needs", "least_earlier", "letter", "order", "valid_from")
    given = {name: getattr(row, name) for name in names} | {"letter_due": "on", "days": row.days or ""}
    return given | changes


def test_an_outcome_is_added_corrected_and_ended_and_the_journal_keeps_it(world: World) -> None:
    clerk, row = desk(world.clerk), OutcomeKind.objects.get(code="refused")
    page = clerk.get(at("outcome_kinds")).content.decode()
    assert "переписка прекращена" in page
    assert "рассмотрено, не поддержано" in page
    assert clerk.post(at("outcome_kind", row.pk), _typed(row, article="ст. 10 ч. 1 и 2")).status_code == 302
    row.refresh_from_db()
    assert row.article == "ст. 10 ч. 1 и 2"
    ended = clerk.post(at("outcome_kind", row.pk), _typed(row, valid_to="2000-01-01"))
    assert ended.status_code == 422
    assert "раньше начала" in ended.content.decode()
    new = _typed(row, name="отказано с разъяснением", actions_taken="no", valid_from=TODAY())
    assert clerk.post(at("outcome_kind_new"), new).status_code == 302
    made = OutcomeKind.objects.get(name="отказано с разъяснением")
    assert (made.code[:4], made.actions_taken) == ("own-", False)
    actions = JournalEntry.objects.filter(chain="dictionaries").values_list("action", flat=True)
    assert {"outcomes.kind_added", "outcomes.kind_changed"} <= set(actions)


def test_what_the_system_itself_gives_keeps_what_it_needs(world: World) -> None:
    row = OutcomeKind.objects.get(code="answered")
    refused = desk(world.clerk).post(at("outcome_kind", row.pk), _typed(row, needs="words"))
    assert refused.status_code == 422
    assert "система указывает сама" in refused.content.decode()
    row.refresh_from_db()
    assert row.needs == "answer"


def test_a_term_of_requests_changes_from_a_day_on_and_the_old_one_stays(world: World) -> None:
    clerk, old = desk(world.clerk), InquiryRule.objects.get()
    tomorrow = TODAY() + timedelta(days=1)
    form = clerk.get(at("inquiry_rule_new"), {"name": old.name}).content.decode()
    assert 'value="15"' in form
    typed = {"name": old.name, "days": 10, "unit": old.unit, "roll": old.roll, "basis": "новая редакция"}
    assert clerk.post(at("inquiry_rule_new"), typed | {"valid_from": tomorrow}).status_code == 302
    again = clerk.post(at("inquiry_rule_new"), typed | {"valid_from": tomorrow})
    assert again.status_code == 422
    assert 'value="новая редакция"' in again.content.decode()
    old.refresh_from_db()
    new = InquiryRule.objects.get(days=10)
    assert (old.valid_to, new.valid_from) == (TODAY(), tomorrow)
    assert clerk.post(at("inquiry_rule_end", new.pk), {"last_day": TODAY()}).status_code == 422
    assert clerk.post(at("inquiry_rule_end", new.pk), {"last_day": tomorrow}).status_code == 302
    page = desk(world.executor).get(at("inquiry_rules")).content.decode()
    assert "новая редакция" in page
    assert "Завершить" not in page
    assert desk(world.executor).get(at("inquiry_rule_new")).status_code == 403


def test_what_another_body_told_is_noted_from_the_matter(world: World) -> None:
    clerk, today = desk(world.clerk), TODAY()
    appeal = world.registered()
    body = forwarding.Addressed("Мэрия города Новосибирска", "post", "630099, Новосибирск, Красный проспект, 34")
    row = forwarding.forward(appeal, [body], whole=True, signer=world.signer, by=world.clerk, control_on=today)
    page = clerk.get(at("matter", appeal.pk)).content.decode()
    assert at("forwarding_told", row.pk) in page
    late = clerk.post(at("forwarding_told", row.pk), {"on": today + timedelta(days=1), "what": "Вывезли"})
    assert late.status_code == 422
    assert "Вывезли" in late.content.decode()
    assert clerk.post(at("forwarding_told", row.pk), {"on": today, "what": "Вывезли"}).status_code == 302
    assert "сведения получены" in clerk.get(at("matter", appeal.pk)).content.decode()


def test_the_document_of_a_number_of_sed_is_kept_with_it_and_given_out_to_who_sees_the_case(world: World) -> None:
    clerk, appeal = desk(world.clerk), world.registered()
    paper = SimpleUploadedFile("Письмо.txt", "Письмо из СЭД".encode())
    typed = {"number": "01-23/45", "direction": "in", "on": TODAY(), "file": paper}
    assert clerk.post(at("sed_number", appeal.pk), typed).status_code == 302
    row = SedNumber.objects.get()
    assert row.file_name == "Письмо.txt"
    assert at("sed_file", row.pk) in clerk.get(at("matter", appeal.pk)).content.decode()
    given = clerk.get(at("sed_file", row.pk))
    assert b"".join(given.streaming_content).decode() == "Письмо из СЭД"
    assert desk(world.stranger).get(at("sed_file", row.pk)).status_code in {403, 404}
    empty = clerk.post(
        at("sed_number", appeal.pk), typed | {"number": "46", "file": SimpleUploadedFile("a.exe", b"MZ" * 9)}
    )
    assert empty.status_code == 422
    assert SedNumber.objects.count() == 1
