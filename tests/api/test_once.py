"""A creation with one Idempotency-Key happens once, whoever repeats it, and two at once are one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.api import once
from otklik.api.models import KeptAnswer
from otklik.appeals.models import Appeal
from otklik.config import jobs
from otklik.core import journal
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import AccessToken, Applicant
from tests.api.conftest import Program, handed, letter, made, program
from tests.api.test_entry import problem
from tests.appeals.conftest import World
from tests.appeals.test_races import at_once


@pytest.mark.django_db
def test_a_repeat_gets_the_first_answer_and_creates_nothing(world: World) -> None:
    message = handed(world)
    caller = program(world.clerk)
    first = caller.post("/appeals", {"message": message.pk}, key="one")
    again = caller.post("/appeals", {"message": message.pk}, key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Appeal.objects.count() == 1


@pytest.mark.django_db
def test_the_same_key_with_another_request_is_refused_in_words(world: World) -> None:
    caller = program(world.clerk)
    caller.post("/messages", letter(), key="one")
    told = problem(caller.post("/messages", letter(text="Другое"), key="one"), 422, "api.other_request")
    assert "новый ключ" in told["detail"]
    problem(caller.post("/appeals", {"message": 1}, key="one"), 422, "api.other_request")
    assert IncomingMessage.objects.count() == 1


@pytest.mark.django_db
def test_keys_of_two_programs_do_not_meet(world: World) -> None:
    for owner in (world.clerk, world.clerk2):
        assert program(owner).post("/messages", letter(), key="one").status_code == 201
    assert IncomingMessage.objects.count() == 2


@pytest.mark.django_db
def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    caller = program(world.clerk)
    problem(caller.post("/messages", letter(contact_point="nowhere"), key="one"), 422, "messages.no_such_point")
    assert not KeptAnswer.objects.exists()
    assert caller.post("/messages", letter(), key="one").status_code == 201


@pytest.mark.django_db
def test_after_a_day_the_key_is_free_and_the_answer_swept(world: World) -> None:
    caller = program(world.clerk)
    caller.post("/messages", letter(), key="one")
    KeptAnswer.objects.update(at=timezone.now() - once.KEPT_FOR - timedelta(minutes=1))
    assert caller.post("/messages", letter(external_id="GP-119"), key="one").status_code == 201
    assert IncomingMessage.objects.count() == 2
    KeptAnswer.objects.update(at=timezone.now() - once.KEPT_FOR - timedelta(minutes=1))
    sweep = next(job for job in jobs.periodic() if job.name == "sweep-api-answers")
    assert sweep.run() == 1
    assert not KeptAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_one_key_create_one_thing_and_both_are_told_it(transactional_db: None) -> None:
    world = World()
    message = handed(world)
    secret = made(world.clerk).secret
    body = {"message": message.pk}
    answers = at_once(*(lambda: Program(secret).post("/appeals", body, key="one") for _ in range(2)))
    assert [one.status_code for one in answers] == [201, 201], answers
    assert answers[0].json() == answers[1].json()
    assert sorted("Idempotency-Replayed" in one.headers for one in answers) == [False, True]
    assert Appeal.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_programs_that_register_at_once_get_numbers_in_a_row_and_leave_whole_journals(
    transactional_db: None,
) -> None:
    world = World()
    messages = [handed(world, external_id=f"GP-{number}") for number in range(6)]
    people = [Program(made(owner).secret) for owner in (world.clerk, world.clerk2)]
    answers = at_once(
        *(lambda n=n, one=one: people[n % 2].post("/appeals", {"message": one.pk}) for n, one in enumerate(messages))
    )
    assert [one.status_code for one in answers] == [201] * 6, answers
    assert sorted(int(one.json()["number"][-6:]) for one in answers) == list(range(1, 7))
    assert Applicant.objects.count() == 1
    assert journal.verify() == []


@pytest.mark.django_db(transaction=True)
def test_two_at_once_with_two_keys_hand_one_message_over(transactional_db: None) -> None:
    secret = made(World().clerk).secret
    answers = at_once(*(lambda n=n: Program(secret).post("/messages", letter(), key=f"k{n}") for n in range(2)))
    assert sorted(one.status_code for one in answers) == [200, 201], answers
    assert len({one.json()["id"] for one in answers}) == 1
    assert IncomingMessage.objects.count() == 1
    assert AccessToken.objects.count() == 1
