"""What another system hands over becomes a message that waits for registration, once, and its state can be asked."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import registration
from otklik.appeals.models import Appeal
from otklik.core import files
from otklik.core.models import AccessEntry, JournalEntry
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import AccessToken
from tests.api.conftest import handed, letter, made, program, read_all
from tests.api.test_entry import problem
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db

State = IncomingMessage.State


def test_the_body_is_kept_as_it_came_before_anybody_reads_it(world: World) -> None:
    answer = program(world.clerk).post("/messages", letter())
    assert answer.status_code == 201, answer.content
    message = IncomingMessage.objects.get(pk=answer.json()["id"])
    assert (message.state, message.channel) == (State.STORED, "governor_reception")
    assert message.raw
    assert json.loads(files.path_of(message.raw).read_bytes()) == letter()
    assert answer.headers["Location"] == f"/api/v1/messages/handed/{message.pk}"
    entry = JournalEntry.objects.get(chain=f"message:{message.pk}", action="message.accepted")
    assert entry.actor == world.clerk
    assert entry.data["token"] == AccessToken.objects.get().pk


def test_a_worker_reads_it_and_a_clerk_finds_the_form_filled_in(world: World) -> None:
    message = handed(world, identified=True)
    assert (message.state, message.text, message.subject) == (State.NEW, letter()["text"], "Номер дома")
    assert message.sender_name == "Примерова Анна"
    entry = registration.propose(message).entry
    assert (entry.applicant.last_name, entry.applicant.email) == ("Примерова", "anna@citizen.example")
    assert (entry.answer_channel, entry.answer_address) == ("email", "anna@citizen.example")
    assert message.facts.get().data["identified"] is True
    appeal = registration.register(message, entry, by=world.clerk)
    assert appeal.channel == "governor_reception"


@pytest.mark.parametrize(("identified", "regime"), [(True, "59fz"), (False, "outside_59fz")])
def test_the_department_s_own_form_hands_over_as_its_site(world: World, identified: bool, regime: str) -> None:
    message = handed(world, channel="website", identified=identified)
    assert (message.state, message.channel, message.text) == (State.NEW, "website", letter()["text"])
    assert message.sender_name == "Примерова Анна"
    assert registration.propose(message).entry.regime.pk == regime


def test_nobody_hands_over_what_only_our_own_form_may_say(world: World) -> None:
    for field in ({"schema": "site.submission/1"}, {"citizen": "1"}, {"continues": "abcdefghjk"}):
        assert program(world.clerk).post("/messages", letter(channel="website", **field)).status_code == 422


def test_files_come_with_it_and_a_program_is_refused(world: World) -> None:
    text = base64.b64encode("Заявление".encode()).decode()
    message = handed(world, files=[{"name": "заявление.txt", "content": text}])
    [paper] = message.files.select_related("stored")
    assert files.path_of(paper.stored).read_text() == "Заявление"
    program_file = base64.b64encode(b"MZ" + b"\0" * 200).decode()
    before = IncomingMessage.objects.count()
    bad = letter(external_id="GP-119", files=[{"name": "a.exe", "content": program_file}])
    problem(program(world.clerk).post("/messages", bad), 422, "files.refused")
    assert IncomingMessage.objects.count() == before


def test_a_repeat_is_recognised_by_its_id_whatever_key_brings_it(world: World) -> None:
    first = program(world.clerk).post("/messages", letter())
    again = program(world.clerk).post("/messages", letter())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert IncomingMessage.objects.get().redelivered == 1


def test_the_same_id_with_other_words_or_of_another_system_is_another_message(world: World) -> None:
    caller = program(world.clerk)
    caller.post("/messages", letter())
    caller.post("/messages", letter(text="Другое сообщение"))
    program(world.clerk2).post("/messages", letter())
    assert IncomingMessage.objects.count() == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"received_at": (timezone.now() + timedelta(days=1)).isoformat()}, "messages.later"),
        ({"received_at": "2026-11-24T10:00:00"}, "api.invalid"),
        ({"received_at": "0001-01-01T10:00:00+00:00"}, "api.invalid"),
        ({"contact_point": "post-office"}, "messages.no_such_point"),
        ({"text": "\x00"}, "api.invalid"),
        ({"files": [{"name": "a.txt", "content": "не base64"}]}, "api.invalid"),
        ({"answer": {"channel": "pigeon", "address": "x"}}, "api.invalid"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_trace(world: World, changes: dict[str, Any], code: str) -> None:
    problem(program(world.clerk).post("/messages", letter(**changes)), 422, code)
    assert not IncomingMessage.objects.exists()
    assert not JournalEntry.objects.filter(action="message.accepted").exists()


def test_whoever_handed_it_over_learns_what_became_of_it_and_nobody_else(world: World) -> None:
    caller, stranger = program(world.stranger, "messages.create"), program(world.helper, "messages.create")
    where = caller.post("/messages", letter()).headers["Location"].removeprefix("/api/v1")
    assert caller.get(where).json()["state"] == "stored"
    read_all()
    message = IncomingMessage.objects.get()
    appeal = registration.register(message, registration.entry_for(message), by=world.clerk)
    told = caller.get(where).json()
    assert (told["state"], told["appeal"], told["appeal_status"]) == ("registered", appeal.number, "registered")
    assert "text" not in told
    assert caller.get("/messages/handed", external_id="GP-118").json() == [told]
    problem(stranger.get(where), 404, "api.not_found")
    assert stranger.get("/messages/handed", external_id="GP-118").json() == []


def test_a_rejected_message_says_why(world: World) -> None:
    caller = program(world.clerk)
    where = caller.post("/messages", letter()).headers["Location"].removeprefix("/api/v1")
    read_all()
    inbox.reject(IncomingMessage.objects.get(), reason="Проверка связи", by=world.clerk)
    assert caller.get(where).json()["reject_reason"] == "Проверка связи"


def test_a_list_shows_what_the_owner_sees_with_names_masked(world: World) -> None:
    message = handed(world)
    taken = world.assigned().messages.get().message
    shown = program(world.clerk).get("/messages").json()["items"]
    assert {one["id"] for one in shown} == {message.pk, taken.pk}
    assert "Примерова" not in str(shown)
    assert {one["id"] for one in program(world.executor).get("/messages").json()["items"]} == {taken.pk}
    assert program(world.stranger).get("/messages").json()["items"] == []


def test_a_list_is_narrowed_and_goes_on_where_it_stopped(world: World) -> None:
    made_here = [world.message().pk for _ in range(5)]
    caller = program(world.clerk)
    first = caller.get("/messages", limit=2).json()
    second = caller.get("/messages", limit=2, cursor=first["next"]).json()
    third = caller.get("/messages", limit=2, cursor=second["next"]).json()
    got = [one["id"] for page in (first, second, third) for one in page["items"]]
    assert got == sorted(made_here, reverse=True)
    assert third["next"] is None
    assert caller.get("/messages", channel="ekc").json()["items"] == []
    assert caller.get("/messages", state="rejected").json()["items"] == []
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert caller.get("/messages", received_from=tomorrow).json()["items"] == []
    assert len(caller.get("/messages", received_to=timezone.localdate()).json()["items"]) == 5
    problem(caller.get("/messages", cursor="x"), 404, "api.bad_cursor")


def test_reading_a_message_leaves_a_look_that_names_the_key(world: World) -> None:
    message = world.message()
    key = made(world.clerk, "messages.read")
    caller = type(program(world.clerk))(key.secret)
    told = caller.get(f"/messages/{message.pk}").json()
    assert told["text"] == message.text
    assert "Иванова" not in told["sender"]
    assert "Выдуманная" not in told["sender_address"]
    caller.get(f"/messages/{message.pk}")
    look = AccessEntry.objects.get()
    assert (look.action, look.actor, look.data) == (
        "message.opened",
        world.clerk,
        {"message": message.pk, "token": key.token.pk},
    )


def test_a_look_of_a_program_is_written_though_the_person_has_looked_himself(world: World) -> None:
    from otklik.appeals import access

    message = world.message()
    access.get_message(world.clerk, message.pk)
    program(world.clerk).get(f"/messages/{message.pk}")
    assert [one.data.get("token") is None for one in AccessEntry.objects.order_by("seq")] == [True, False]


def test_who_wrote_is_shown_only_with_scope_and_power_and_each_time_it_is_written_down(world: World) -> None:
    message = world.message()
    address = f"/messages/{message.pk}"
    told = program(world.clerk).get(address, personal="true").json()
    assert (told["sender"], told["sender_address"]) == (message.sender_name, message.sender_address)
    problem(program(world.clerk, "messages.read").get(address, personal="true"), 403, "api.scope_missing")
    problem(program(world.auditor).get(address, personal="true"), 403, "api.no_power")
    program(world.clerk).get(address, personal="true")
    assert AccessEntry.objects.filter(action="message.sender_revealed").count() == 2


def test_a_file_is_given_to_who_may_see_the_message(world: World) -> None:
    content = base64.b64encode("Заявление".encode()).decode()
    message = handed(world, files=[{"name": "a.txt", "content": content}])
    [file] = program(world.clerk).get(f"/messages/{message.pk}").json()["files"]
    got = program(world.clerk).get(file["url"].removeprefix("/api/v1"))
    assert b"".join(got.streaming_content).decode() == "Заявление"
    assert got.headers["Content-Disposition"].startswith("attachment")
    problem(program(world.stranger).get(file["url"].removeprefix("/api/v1")), 404, "api.not_found")


def test_appeals_are_made_by_registration_only(world: World) -> None:
    handed(world)
    assert not Appeal.objects.exists()
