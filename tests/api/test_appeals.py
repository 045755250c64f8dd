"""Appeals by the API: what the owner sees, masked; registered by the rules of the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.api.models import RequestMinute
from otklik.appeals import registration
from otklik.appeals.models import Appeal
from otklik.core import journal
from otklik.core.models import AccessEntry, JournalEntry
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.people.models import RolePower
from tests.api.conftest import Program, handed, made, program
from tests.api.test_entry import problem
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
BY_CLOCK = ("SAVEPOINT", RequestMinute._meta.db_table)


def many(world: World, count: int) -> None:
    first = world.assigned()
    for number in range(count):
        copy = Appeal.objects.get(pk=first.pk)
        copy.pk, copy.number, copy.thread = None, f"Т-{number}", type(first.thread).objects.create()
        copy.save(force_insert=True)


def queries(caller: Program, path: str, **query: Any) -> int:
    """Count the statements of an answer but those that come by the clock: each second a key's requests are told."""
    caller.get(path, **query)  # the day's look has been written
    with CaptureQueriesContext(connection) as seen:
        assert caller.get(path, **query).status_code == 200
    return len([one for one in seen.captured_queries if not any(name in one["sql"] for name in BY_CLOCK)])


def test_a_key_sees_what_its_owner_sees(world: World) -> None:
    mine, other = world.assigned(), world.registered_email()
    expected = {"clerk": 2, "auditor": 2, "signer": 2, "executor": 1, "head": 1, "stranger": 0}
    for who, sees in expected.items():
        caller = program(getattr(world, who))
        shown = caller.get("/appeals").json()["items"]
        assert len(shown) == sees, who
        statuses = [caller.get(f"/appeals/{one.pk}").status_code for one in (mine, other)]
        assert sorted(statuses) == sorted([200] * sees + [404] * (2 - sees)), who
        found = caller.post("/appeals/search", {"q": "аренда участка"}).json()["items"]
        assert {one["appeal"]["id"] for one in found} <= {one["id"] for one in shown}
        assert bool(found) == bool(sees), who


def test_applicants_are_masked_in_lists_cards_and_searches(world: World) -> None:
    appeal = world.assigned()
    caller = program(world.clerk)
    card = caller.get(f"/appeals/{appeal.pk}").json()
    everything = [caller.get("/appeals").json(), card, caller.post("/appeals/search", {"q": appeal.number}).json()]
    assert "Иванова" not in str(everything)
    assert "Выдуманная" not in str(everything)
    assert card["applicant"]["personal"] is False
    assert [one["confirmed"] for one in card["questions"]] == [True]
    assert [one["first"] for one in card["messages"]] == [True]
    assert card["due_on"] == appeal.due_on.isoformat() if appeal.due_on else None


def test_an_applicant_is_shown_with_scope_and_power_and_every_look_names_the_key(world: World) -> None:
    appeal = world.registered()
    key = made(world.clerk, "appeals.read", "applicants.read")
    caller = Program(key.secret)
    for _ in range(2):
        told = caller.get(f"/appeals/{appeal.pk}", personal="true").json()
        assert told["applicant"]["name"] == "Иванова Мария Петровна"
        assert told["answer_address"] == appeal.answer_address
    looks = AccessEntry.objects.filter(action="applicant.revealed")
    assert [one.data["token"] for one in looks] == [key.token.pk] * 2
    assert "Сайт приёмной" in looks[0].data["reason"]
    problem(
        program(world.clerk, "appeals.read").get(f"/appeals/{appeal.pk}", personal="true"), 403, "api.scope_missing"
    )
    problem(program(world.auditor).get(f"/appeals/{appeal.pk}", personal="true"), 403, "api.no_power")
    assert looks.count() == 2


def test_a_list_goes_on_where_it_stopped_while_new_ones_come(world: World) -> None:
    many(world, 5)
    caller, got, cursor = program(world.clerk), [], ""
    while cursor is not None:
        page = caller.get("/appeals", limit=2, **({"cursor": cursor} if cursor else {})).json()
        got += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if len(got) == 2:
            world.registered_email()
    assert len(got) == len(set(got)) == 6
    problem(caller.get("/appeals", cursor="bm90aGluZw"), 404, "api.bad_cursor")


def test_a_list_is_narrowed(world: World) -> None:
    assigned, registered = world.assigned(), world.registered_email()
    today = timezone.localdate()

    def ids(**query: Any) -> set[int]:
        return {one["id"] for one in program(world.clerk).get("/appeals", **query).json()["items"]}

    assert ids(status="registered") == {registered.pk}
    assert ids(unit=world.land.pk) == {assigned.pk}
    assert ids(channel="email") == {registered.pk}
    assert ids(registered_from=today + timedelta(days=1)) == set()
    assert ids(registered_to=today) == {assigned.pk, registered.pk}
    assert ids(due_to=today) == set()
    problem(program(world.clerk).get("/appeals", status="lost"), 422, "api.invalid")


def test_a_message_is_registered_as_the_page_would(world: World) -> None:
    message = handed(world)
    caller = program(world.clerk)
    answer = caller.post("/appeals", {"message": message.pk, "subject": "Номер дома на Выдуманной"})
    assert answer.status_code == 201, answer.content.decode()
    appeal = Appeal.objects.get()
    assert answer.headers["Location"] == f"/api/v1/appeals/{appeal.pk}"
    assert (answer.json()["number"], answer.json()["id"]) == (appeal.number, appeal.pk)
    entry = registration.entry_for(message)
    assert (appeal.regime, appeal.contact_point) == (entry.regime, entry.contact_point)
    assert appeal.registered_by == world.clerk
    assert OutgoingMessage.objects.filter(thread=appeal.thread, kind="receipt").exists()
    assert not appeal.questions.filter(confirmed_by__isnull=False).exists()
    registered = JournalEntry.objects.get(action="appeal.registered")
    assert registered.data["token"]
    shown = caller.get(f"/appeals/{appeal.pk}").json()
    assert {name for name in shown if shown[name] != answer.json()[name]} <= {"messages"}  # microseconds
    looks = AccessEntry.objects.order_by("seq").values_list("action", "data__token")
    token = registered.data["token"]
    assert list(looks) == [("message.opened", token), ("appeal.opened", token)]
    assert journal.verify() == []
    problem(caller.post("/appeals", {"message": message.pk}), 409, "inbox.already_taken")


@pytest.mark.parametrize(
    ("who", "changes", "status", "code"),
    [
        ("auditor", {}, 403, "appeal.not_allowed"),
        ("stranger", {}, 404, "api.not_found"),
        ("clerk", {"regime": "imaginary"}, 422, "appeals.no_such_code"),
        ("clerk", {"contact_point": "email-info"}, 422, "appeals.no_such_code"),
        ("clerk", {"answer": {"channel": "email", "address": "куда-нибудь"}}, 422, "appeal.wrong_address"),
        ("clerk", {"received_on": (timezone.localdate() + timedelta(days=1)).isoformat()}, 422, "appeal.wrong_date"),
    ],
)
def test_a_refused_registration_leaves_no_trace(
    world: World, who: str, changes: dict[str, Any], status: int, code: str
) -> None:
    message = handed(world)
    before = JournalEntry.objects.count()
    problem(program(getattr(world, who)).post("/appeals", {"message": message.pk, **changes}), status, code)
    assert not Appeal.objects.exists()
    assert IncomingMessage.objects.get(pk=message.pk).state == IncomingMessage.State.NEW
    assert JournalEntry.objects.count() - before <= 1  # the key that was made for this


def test_registering_costs_at_most_forty_queries_and_eight_more_where_it_is_answered_by_mail(world: World) -> None:
    caller, by_post = program(world.clerk), {"channel": "post", "address": "630000, г. Новосибирск, ул. Выдуманная, 1"}
    messages = [handed(world, external_id=f"GP-{number}") for number in range(3)]
    caller.post("/appeals", {"message": messages[0].pk})  # the first of the year
    for most, message, changes in ((40, messages[1], {"answer": by_post}), (48, messages[2], {})):
        with CaptureQueriesContext(connection) as seen:
            assert caller.post("/appeals", {"message": message.pk, **changes}).status_code == 201
        assert len([one for one in seen.captured_queries if not any(name in one["sql"] for name in BY_CLOCK)]) <= most


def test_whoever_may_register_but_not_see_the_appeal_is_told_so_and_nothing_is_made(world: World) -> None:
    RolePower.objects.filter(power="appeals.view_all").delete()
    message = handed(world)
    problem(program(world.clerk).post("/appeals", {"message": message.pk}), 404, "api.not_found")
    assert not Appeal.objects.exists()


def test_lists_cost_at_most_ten_queries_however_long_they_are(world: World) -> None:
    world.assigned()
    callers = [program(one) for one in (world.clerk, world.executor, world.head)]
    few = [queries(one, "/appeals", limit=50) for one in callers]
    many(world, 60)
    assert [queries(one, "/appeals", limit=50) for one in callers] == few
    assert max(few) <= 10
    assert max(queries(one, "/messages", limit=50) for one in callers) <= 10


def test_reading_costs_at_most_twelve_queries(world: World) -> None:
    appeal = world.assigned()
    for who in (world.clerk, world.executor):
        caller = program(who)
        assert queries(caller, f"/appeals/{appeal.pk}") <= 12
        assert queries(caller, f"/messages/{appeal.messages.get().message_id}") <= 12
