"""Guessing passwords: few attempts, the same answer for every login, a line for each failure."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people import lockout
from otklik.people.models import SignInAttempt
from tests.people.conftest import Hire, is_in, try_in, written

FIVE = range(lockout.MOST["login"])


def later(**ago: int) -> None:
    """Move every attempt into the past instead of waiting."""
    for attempt in SignInAttempt.objects.all():
        SignInAttempt.objects.filter(pk=attempt.pk).update(at=attempt.at - timedelta(**ago))


def test_after_five_failures_the_right_password_waits_too_and_says_how_long(hire: Hire) -> None:
    worker = hire("worker")
    for _ in FIVE:  # every attempt from another browser: the count is kept in the database, not in a process
        assert "не подошли" in try_in(Client(), "worker", "wrong").content.decode()
    later(minutes=4)
    client = Client()
    shown = try_in(client, "Worker").content.decode()
    assert "подождите 11 мин" in shown
    assert 'value="Worker"' in shown
    assert not is_in(client)
    later(minutes=12)
    assert try_in(client, "worker").status_code == 302
    assert is_in(client)
    assert written(worker) == [*["signin.failed"] * 5, "signin.locked", "signin.entered"]


def test_refused_attempts_do_not_make_the_lockout_longer(hire: Hire) -> None:
    hire("worker")
    for _ in FIVE:
        try_in(Client(), "worker", "wrong")
    later(minutes=10)
    try_in(Client(), "worker", "wrong")
    later(minutes=6)
    assert try_in(Client(), "worker").status_code == 302


def test_a_login_nobody_has_is_locked_like_any_other_and_is_not_written_down(hire: Hire) -> None:
    hire("worker")
    said = {login: [] for login in ("worker", "my-secret-typed-by-mistake")}
    for login, answers in said.items():
        for _ in range(6):
            answers.append(try_in(Client(), login, "wrong").content.decode().count("подождите"))
    assert said["worker"] == said["my-secret-typed-by-mistake"] == [0, 0, 0, 0, 0, 1]
    assert written(None) == [*["signin.failed"] * 5, "signin.locked"]
    kept = json.dumps(list(JournalEntry.objects.values_list("data", flat=True)))
    kept += "".join(SignInAttempt.objects.values_list("who", flat=True))
    assert "secret" not in kept


def test_getting_in_forgets_the_failures_before(hire: Hire) -> None:
    hire("worker")
    for _ in range(2):
        for _ in range(4):
            try_in(Client(), "worker", "wrong")
        assert try_in(Client(), "worker").status_code == 302


def test_a_blocked_employee_who_knows_his_password_is_counted_as_a_stranger(hire: Hire) -> None:
    worker = hire("worker", is_active=False)
    for _ in range(6):
        shown = try_in(Client(), "worker").content.decode()
    assert "подождите" in shown
    assert written(worker) == [*["signin.failed"] * 5, "signin.locked"]


@pytest.mark.django_db
def test_many_logins_from_one_address_are_stopped_and_other_addresses_are_not() -> None:
    for number in range(lockout.MOST["address"]):
        lockout.begin(login=f"guess-{number}", address="203.0.113.9")
    with pytest.raises(lockout.LockedOut):
        lockout.begin(login="another", address="203.0.113.9")
    lockout.begin(login="another", address="203.0.113.10")
    assert SignInAttempt.objects.count() == 2 * lockout.MOST["address"] + 2


@pytest.mark.django_db
def test_old_attempts_are_swept() -> None:
    lockout.begin(login="worker")
    assert lockout.forget_old() == 0
    SignInAttempt.objects.update(at=timezone.now() - lockout.KEPT_FOR - timedelta(minutes=1))
    assert lockout.forget_old() == 1
