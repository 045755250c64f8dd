"""Whoever opens an appeal, a letter or an answer leaves one look a day in the access log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals import access, dispatch
from otklik.appeals.models import Approval
from otklik.core import files, journal
from otklik.core.models import AccessEntry
from otklik.correspondence.models import IncomingFile, IncomingMessage, OutgoingFile, OutgoingMessage, Thread
from tests.appeals.conftest import World
from tests.workplace.test_frame import at, desk, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]


def looks() -> list[tuple[str, str, Any]]:
    """Return who looked at what, oldest first."""
    rows = AccessEntry.objects.select_related("actor").order_by("pk")
    return [(row.actor.username, row.action, row.data.get("appeal") or row.data.get("message")) for row in rows]


def test_a_card_opened_often_is_one_look_a_day_for_each_person_and_each_appeal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.assigned(), world.assigned()
    executor, clerk = desk(world.executor), desk(world.clerk)
    for client, appeal in ((executor, first), (executor, first), (clerk, first), (executor, second), (executor, first)):
        client.get(at("card", appeal.pk))
    seen = [
        ("executor", "appeal.opened", first.pk),
        ("clerk", "appeal.opened", first.pk),
        ("executor", "appeal.opened", second.pk),
    ]
    assert looks() == seen
    tomorrow = timezone.localdate() + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda *_: tomorrow)
    desk(world.executor).get(at("card", first.pk))
    assert looks() == [*seen, ("executor", "appeal.opened", first.pk)]
    assert journal.verify() == []


def test_every_page_and_file_of_an_appeal_is_a_look(world: World) -> None:
    appeal = world.registered_email()
    message = IncomingMessage.objects.get()
    world.drafted(appeal)
    plan = IncomingFile.objects.create(message=message, name="план.txt", stored=files.store("план участка".encode()))
    addresses = [
        at(name, appeal.pk) for name in ("card", "context", "draft", "draft_pdf", "revisions", "sign", "dispatch")
    ]
    addresses += [
        at("original", message.pk),
        at("styled", message.pk),
        at("incoming_file", plan.pk),
    ]
    for number, address in enumerate(addresses):
        user = world.employee(f"reader{number}", "Читалова", world.law, ["auditor"])
        assert desk(user).get(address).status_code in {200, 404}, address  # a letter typed by hand has no original
        assert looks()[-1] == (user.username, "appeal.opened", appeal.pk), address


def test_the_signed_letter_its_files_and_the_text_to_approve_are_looks_too(world: World) -> None:
    appeal = world.asked()
    desk(world.head).get(at("approval_decide", Approval.objects.get().pk))
    assert looks() == [("head", "appeal.opened", appeal.pk)]
    signed = world.signed(world.registered_email())
    dispatch.send(signed, by=world.clerk)
    for name, client in (("letter", desk(world.clerk)), ("package", desk(world.signer))):
        assert client.get(at(name, signed.pk)).status_code == 200
        assert looks()[-1][1:] == ("appeal.opened", signed.pk)
    file = OutgoingFile.objects.filter(message__thread=signed.thread).first()
    assert file is not None
    desk(world.auditor).get(at("outgoing_file", file.pk))
    assert looks()[-1] == ("auditor", "appeal.opened", signed.pk)


def test_what_went_out_outside_any_appeal_opens_to_nobody_and_is_no_look(world: World) -> None:
    dispatch.send(signed := world.signed(), by=world.clerk)
    file = OutgoingFile.objects.filter(message__thread=signed.thread).latest("pk")
    OutgoingMessage.objects.filter(pk=file.message_id).update(thread=Thread.objects.create())
    before = AccessEntry.objects.count()
    for who in (world.clerk, world.auditor, world.executor):
        assert desk(who).get(at("outgoing_file", file.pk)).status_code == 404
    assert AccessEntry.objects.count() == before


def test_a_message_nobody_has_taken_is_looked_at_by_its_own_name(world: World) -> None:
    message = world.message()
    clerk = desk(world.clerk)
    clerk.get(at("inbox", message.pk))
    clerk.get(at("styled", message.pk))
    assert looks() == [("clerk", "message.opened", message.pk)]
    quarantined = world.message(subject="Не читается")
    IncomingMessage.objects.filter(pk=quarantined.pk).update(state="quarantined")
    clerk.get(at("quarantine_fill", quarantined.pk))
    assert looks()[-1] == ("clerk", "message.opened", quarantined.pk)


def test_who_sees_the_intake_only_does_not_read_what_an_appeal_has_taken(world: World) -> None:
    consultant = world.employee("consultant", "Линейная", world.law, ["consultant"])
    message = world.message()
    assert desk(consultant).get(at("inbox", message.pk)).status_code == 200
    world.registered()
    taken = IncomingMessage.objects.exclude(pk=message.pk).get()
    for name in ("inbox", "styled", "original"):
        assert desk(consultant).get(at(name, taken.pk)).status_code == 404
    assert looks() == [("consultant", "message.opened", message.pk)]


def test_lists_are_no_looks_and_a_refused_stranger_leaves_none(world: World) -> None:
    appeal = world.assigned()
    clerk = desk(world.clerk)
    for page in (at("today"), at("queue"), at("queue") + "?view=registration", at("deliveries"), at("quarantine")):
        clerk.get(page)
    desk(world.stranger).get(at("card", appeal.pk))
    assert looks() == []


def test_a_look_costs_three_queries_when_it_is_written_and_none_when_it_is_known(world: World) -> None:
    appeal = world.assigned()
    journal.looked("message.opened", by=world.clerk, message=0)  # the day's chain has begun
    user = world.fresh(world.clerk)
    user.has_power("appeals.view_all")
    with CaptureQueriesContext(connection) as first:
        access.get_for(user, appeal.pk)
    with CaptureQueriesContext(connection) as second:
        access.get_for(user, appeal.pk)
    counted = [len([one for one in seen.captured_queries if "SAVEPOINT" not in one["sql"]]) for seen in (first, second)]
    assert counted == [4, 1]


def test_the_auditor_reads_in_russian_who_opened_which_appeal(world: World) -> None:
    appeal, other = world.assigned(), world.assigned()
    desk(world.executor).get(at("card", appeal.pk))
    desk(world.clerk).get(at("card", other.pk))
    desk(world.executor).post(
        at("reveal", appeal.applicant_id), {"reason": "Связаться с заявителем", "about": f"appeal:{appeal.pk}"}
    )
    auditor = desk(world.auditor)
    page = auditor.get(at("access_log")).content.decode()
    assert '<td title="appeal.opened">Открыто обращение</td>' in page
    assert f'<a href="{at("card", appeal.pk)}">{appeal.number}</a>' in page
    asked = auditor.get(f"{at('access_log')}?number={appeal.number}").content.decode()
    assert asked.count("<td title=") == 2
    assert "Связаться с заявителем" in asked
    assert other.number not in asked
    assert auditor.get(f"{at('access_log')}?number=О-0000-000000").content.decode().count("<td title=") == 0
