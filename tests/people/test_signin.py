"""Signing in: those who may come in; those who may not learn nothing."""

import re

import pytest
from django.urls import reverse

from otklik.people.models import Employee

PASSWORD = "Correct-horse-77"


@pytest.fixture
def worker(db):
    return Employee.objects.create_user("worker", password=PASSWORD, last_name="Примерова")


def try_in(client, login, password):
    return client.post(reverse("account_login"), {"login": login, "password": password})


def seen(answer, login):
    """What a stranger can compare: the answer without what he typed and without one-time marks."""
    text = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", answer.content.decode())
    return answer.status_code, answer.headers.get("Location"), text.replace(login, "")


def test_an_employee_comes_in_with_login_and_password(client, worker):
    assert try_in(client, "worker", PASSWORD).status_code == 302
    assert client.session["_auth_user_id"] == str(worker.pk)


def test_a_failed_attempt_does_not_tell_whether_there_is_such_a_login(client, worker):
    answers = {login: try_in(client, login, "wrong-password") for login in ("worker", "nobody")}
    assert seen(answers["worker"], "worker") == seen(answers["nobody"], "nobody")
    assert "_auth_user_id" not in client.session


def test_a_blocked_employee_sees_what_a_stranger_sees(client, worker):
    Employee.objects.filter(pk=worker.pk).update(is_active=False)
    assert seen(try_in(client, "worker", PASSWORD), "worker") == seen(try_in(client, "nobody", PASSWORD), "nobody")
    assert "_auth_user_id" not in client.session


def test_a_block_or_a_new_password_ends_an_open_session(client, worker):
    page = reverse("account_logout")
    client.force_login(worker)
    assert client.get(page).wsgi_request.user.is_authenticated
    worker.set_password("Another-horse-88")
    worker.save()
    assert not client.get(page).wsgi_request.user.is_authenticated
    client.force_login(worker)
    Employee.objects.filter(pk=worker.pk).update(is_active=False)
    assert not client.get(page).wsgi_request.user.is_authenticated
