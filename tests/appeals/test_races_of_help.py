"""Two people press at once where others help: one succeeds, the other is told, nothing is half-done."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import drafting, inquiries, parts, resolutions, sed
from otklik.appeals.models import (
    AppealMessage,
    HelperPart,
    Inquiry,
    InquiryReply,
    InquiryRule,
    Resolution,
    SedNumber,
    SedRecord,
)
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.appeals.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


def one_won(results: list[Any]) -> None:
    refused = [one for one in results if isinstance(one, Exception)]
    assert len(refused) == len(results) - 1, results
    assert all(isinstance(one, DomainError) for one in refused), results
    assert journal.verify() == []


def test_one_reports_while_another_writes_under_it(world):
    appeal = world.assigned()
    row = resolutions.write(appeal, text="Ответить", to=world.head, by=world.signer).resolution
    closing, above = (Resolution.objects.select_related("appeal", "to_person").get(pk=row.pk) for _ in range(2))
    by, again = world.fresh(world.head), world.again(appeal)
    results = at_once(
        lambda: resolutions.report(closing, "Готово", by=by),
        lambda: resolutions.write(again, text="Сделать", to=world.executor, parent=above, by=world.fresh(world.head)),
    )
    one_won(results)
    row.refresh_from_db()
    assert (row.closed_at is None) == (Resolution.objects.count() == 2)


def test_two_heads_assign_by_resolutions_at_once(world):
    appeal = world.classified()
    other = world.employee("other", "Соколова", world.land, ["executor"])
    copies = [(world.again(appeal), one) for one in (world.executor, other)]
    clerks = [world.fresh(world.clerk), world.fresh(world.clerk2)]
    results = at_once(
        *(
            lambda a=a, to=to, by=by: resolutions.write(a, text="Ответить", to=to, by=by)
            for (a, to), by in zip(copies, clerks, strict=True)
        )
    )
    one_won(results)
    assert Resolution.objects.get().to_person == world.again(appeal).executor


def test_two_ask_one_helper_and_two_assemble_one_part(world):
    appeal = world.drafted(text="")
    today = timezone.localdate()
    people = [world.fresh(world.executor), world.fresh(world.head)]
    copies = [world.again(appeal), world.again(appeal)]
    results = at_once(
        *(
            lambda a=a, by=by: parts.ask(a, [world.helper], what="Проверить", due_on=today, by=by)
            for a, by in zip(copies, people, strict=True)
        )
    )
    one_won(results)
    part = HelperPart.objects.select_related("appeal", "employee").get()
    parts.hand_in(part, "Участок есть.", by=world.fresh(world.helper))
    copies = [world.again(appeal), world.again(appeal)]
    people = [world.fresh(world.executor), world.fresh(world.head)]
    results = at_once(*(lambda a=a, by=by: parts.assemble(a, by=by) for a, by in zip(copies, people, strict=True)))
    one_won(results)
    assert drafting.draft_of(appeal).text.count("Участок есть.") == 1


def test_two_requests_at_once_bear_two_numbers_and_one_reply_is_taken_once(world):
    appeal = world.assigned()
    rule = InquiryRule.objects.get()
    facts = {"rule": rule, "body": "Росреестр", "channel": "email", "address": "a@body.example", "text": "Есть ли?"}
    copies = [(world.again(appeal), world.fresh(by)) for by in (world.executor, world.clerk)]
    results = at_once(*(lambda a=a, by=by: inquiries.send(a, by=by, **facts) for a, by in copies))
    assert all(isinstance(one, Inquiry) for one in results), results
    assert len({one.number for one in results}) == 2
    assert OutgoingMessage.objects.filter(thread__inquiry__isnull=False).count() == 2
    message = world.email(sender_address="a@body.example", message_id="<r@body.example>")
    rows = [Inquiry.objects.select_related("appeal", "thread").get(pk=one.pk) for one in results]
    seen = [IncomingMessage.objects.get(pk=message.pk) for _ in rows]
    people = [world.fresh(world.executor), world.fresh(world.clerk)]
    tried = at_once(
        *(
            lambda r=r, m=m, by=by: inquiries.link_reply(r, m, by=by)
            for r, m, by in zip(rows, seen, people, strict=True)
        )
    )
    one_won(tried)
    assert AppealMessage.objects.filter(message=message).count() == InquiryReply.objects.count() == 1
    assert Inquiry.objects.filter(answered_on__isnull=False).count() == 1


def test_two_clerks_write_one_number_of_sed_at_two_cases_and_two_lists_come_at_once(world):
    cases = [world.registered(), world.registered()]
    today = timezone.localdate()
    people = [world.fresh(world.clerk), world.fresh(world.clerk2)]
    results = at_once(
        *(
            lambda a=a, by=by: sed.enter(a, direction="in", number="1/2", on=today, by=by)
            for a, by in zip(cases, people, strict=True)
        )
    )
    one_won(results)
    assert SedNumber.objects.count() == 1
    given = [sed.Given("out", f"9/{number}", today) for number in range(5)]
    people = [world.fresh(world.clerk), world.fresh(world.clerk2)]
    loaded = at_once(*(lambda by=by: sed.take(given, how="api", by=by) for by in people))
    assert not [one for one in loaded if isinstance(one, Exception)], loaded
    assert SedRecord.objects.count() == 5
