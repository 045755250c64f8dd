"""What an administrator does to an account, and what its owner does with his sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people import lockout, resets
from otklik.people.models import Employee
from tests.people.conftest import PASSWORD, Hire, factors, is_in, signed_in, telephone, try_in, written

NEW = "Another-horse-88"


@pytest.fixture
def admin(hire: Hire) -> Employee:
    return hire("admin", "people.manage")


def change(client: Client, old: str, new: str = NEW) -> int:
    typed = {"oldpassword": old, "password1": new, "password2": new}
    return client.post(reverse("account_change_password"), typed).status_code


def test_a_temporary_password_opens_only_the_page_where_it_is_changed(hire: Hire, admin: Employee) -> None:
    worker = hire("worker", "knowledge.read")
    before = signed_in(worker)
    password = resets.reset_password(worker, by=admin)
    assert not is_in(before), "whoever knew the old password is out"
    client = Client()
    assert try_in(client, "worker", PASSWORD).status_code == 200
    assert try_in(client, "worker", password).status_code == 302
    for page in ("/desk/", "/desk/appeals/"):
        assert client.get(page).url == reverse("account_change_password"), page
    assert client.post("/desk/away/").status_code == 403
    assert client.get(reverse("account_change_password")).status_code == 200
    assert change(client, password, "worker") == 200, "the rules of passwords hold"
    assert change(client, password) == 302
    assert client.get("/desk/").status_code == 200
    assert try_in(Client(), "worker", password).status_code == 200
    assert try_in(Client(), "worker", NEW).status_code == 302
    assert "people.password_reset" in written(worker)
    assert "signin.password_changed" in written(worker)
    kept = str(list(JournalEntry.objects.values_list("data", flat=True)))
    assert password not in kept


def test_a_temporary_password_does_not_last(hire: Hire, admin: Employee) -> None:
    worker = hire("worker")
    password = resets.reset_password(worker, by=admin)
    Employee.objects.filter(pk=worker.pk).update(temporary_until=timezone.now() - timedelta(minutes=1))
    client = Client()
    assert "больше не действует" in try_in(client, "worker", password).content.decode()
    assert not is_in(client)
    assert "больше не действует" not in try_in(client, "worker", "wrong").content.decode()


def test_a_reset_opens_what_failures_had_closed(hire: Hire, admin: Employee) -> None:
    worker = hire("worker")
    for _ in range(lockout.MOST["login"]):
        try_in(Client(), "worker", "wrong")
    assert try_in(Client(), "worker", resets.reset_password(worker, by=admin)).status_code == 302


def test_a_lost_telephone_is_forgotten_and_the_password_lets_in_again(hire: Hire, admin: Employee) -> None:
    worker = hire("worker")
    telephone(worker)
    resets.reset_factors(worker, by=admin)
    assert factors(worker) == []
    assert is_in(signed_in(worker))
    assert written(worker)[0] == "people.factors_reset"
    assert JournalEntry.objects.get(action="people.factors_reset").actor == admin


def test_ended_sessions_stay_ended_even_when_a_block_is_lifted(hire: Hire, admin: Employee) -> None:
    worker = hire("worker")
    telephone_client, office, bystander = signed_in(worker), signed_in(worker), signed_in(hire("other"))
    Employee.objects.filter(pk=worker.pk).update(is_active=False)
    assert not is_in(office), "a block shuts at once, before anything is ended"
    resets.end_sessions(worker, by=admin)
    Employee.objects.filter(pk=worker.pk).update(is_active=True)
    assert not is_in(office)
    assert not is_in(telephone_client)
    assert is_in(bystander)
    assert is_in(signed_in(worker))


@pytest.mark.parametrize("action", [resets.reset_password, resets.reset_factors])
def test_only_an_administrator_resets_and_nobody_himself(hire: Hire, admin: Employee, action: object) -> None:
    worker, colleague = hire("worker"), hire("colleague")
    telephone(worker)
    telephone(admin)
    client, count = signed_in_half(worker), JournalEntry.objects.count()
    for employee, by in ((worker, colleague), (worker, worker), (admin, admin)):
        with pytest.raises(resets.NotYours):
            action(employee, by=by)
    with pytest.raises(resets.NotYours):
        resets.end_sessions(worker, by=colleague)
    assert JournalEntry.objects.count() == count
    assert factors(worker) == factors(admin) == ["recovery_codes", "totp"]
    assert try_in(client, "worker").status_code == 302


def signed_in_half(employee: Employee) -> Client:
    client = Client()
    try_in(client, employee.username)
    return client


def test_one_session_is_ended_and_then_all(hire: Hire) -> None:
    worker = hire("worker")
    here, there = signed_in(worker), signed_in(worker)
    stranger = signed_in(hire("other"))
    page = here.get(reverse("mfa_index")).content.decode()
    assert page.count("Завершить") == 1
    number = int(page.split("/accounts/security/sessions/")[1].split("/")[0])
    assert stranger.post(reverse("end_session", args=[number])).status_code == 404
    assert is_in(there)
    here.post(reverse("end_session", args=[number]))
    assert (is_in(here), is_in(there)) == (True, False)
    there = signed_in(worker)
    assert here.post(reverse("end_everywhere")).url == reverse("account_login")
    assert (is_in(here), is_in(there), is_in(stranger)) == (False, False, True)
    assert written(worker)[-1] == "people.sessions_ended"


def test_a_new_password_of_ones_own_ends_the_other_sessions(hire: Hire) -> None:
    worker = hire("worker")
    here, there = signed_in(worker), signed_in(worker)
    assert change(here, "wrong") == 200
    assert is_in(there)
    assert change(here, PASSWORD) == 302
    assert (is_in(here), is_in(there)) == (True, False)


def test_temporary_passwords_meet_the_rules_and_do_not_repeat(hire: Hire, admin: Employee) -> None:
    from django.contrib.auth.password_validation import validate_password

    worker = hire("worker")
    given = {resets.reset_password(worker, by=admin) for _ in range(5)}
    assert len(given) == 5
    for password in given:
        try:
            validate_password(password, worker)
        except ValidationError as wrong:
            pytest.fail(str(wrong))
