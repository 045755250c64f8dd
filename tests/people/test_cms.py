"""Staff and roles kept in the browser by whoever holds the power; every change is journalled."""

from datetime import date, timedelta

import pytest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from otklik.core import defaults as core_defaults
from otklik.core.models import JournalEntry
from otklik.knowledge import defaults as knowledge_defaults
from otklik.people import defaults
from otklik.people.models import Employee, Role, RoleAssignment, RolePower, Substitution

PASSWORD = "Correct-horse-77"


@pytest.fixture
def house(db):
    core_defaults.load()
    defaults.load()
    knowledge_defaults.load()


def employee(login, role=None):
    made = Employee.objects.create_user(login, password=PASSWORD, last_name=login.title(), first_name="Анна")
    if role:
        RoleAssignment.objects.create(employee=made, role_id=role, valid_from=timezone.localdate() - timedelta(days=1))
    return made


@pytest.fixture
def enter(client):
    def go(who):
        client.force_login(who)
        return client

    return go


@pytest.fixture
def admin(house, enter):
    return enter(employee("admin", "admin"))


def test_an_administrator_creates_an_employee_who_can_sign_in(admin, client):
    fields = {"last_name": "Примерова", "first_name": "Вера", "username": "vera", "is_active": "on"}
    answer = admin.post(reverse("wagtailusers_users:add"), {**fields, "new_password": PASSWORD})
    assert answer.status_code == 302
    made = Employee.objects.get(username="vera")
    assert made.check_password(PASSWORD)
    assert not made.is_superuser
    entry = JournalEntry.objects.filter(chain="people").latest("seq")
    assert (entry.action, entry.actor.username, entry.data["id"]) == ("employee.added", "admin", str(made.pk))
    assert "Примерова" not in str(entry.data)
    assert PASSWORD not in str(entry.data)


def test_a_weak_or_missing_password_is_refused_and_nobody_is_made(admin):
    for password in ("", "12345"):
        fields = {"last_name": "Примерова", "username": "vera", "is_active": "on", "new_password": password}
        answer = admin.post(reverse("wagtailusers_users:add"), fields)
        assert answer.status_code == 200
    assert not Employee.objects.filter(username="vera").exists()
    assert not JournalEntry.objects.filter(action="employee.added").exists()


def test_a_form_cannot_make_a_superuser(admin):
    fields = {"last_name": "Примерова", "username": "vera", "is_active": "on", "new_password": PASSWORD}
    admin.post(reverse("wagtailusers_users:add"), {**fields, "is_superuser": "on", "is_staff": "on"})
    made = Employee.objects.get(username="vera")
    assert not made.is_superuser
    assert not made.is_staff


def test_a_blocked_employee_is_out_at_once_and_his_password_stays(admin, client):
    worker = employee("worker", "executor")
    fields = {"last_name": "Worker", "username": "worker", "new_password": ""}
    assert admin.post(reverse("wagtailusers_users:edit", args=[worker.pk]), fields).status_code == 302
    worker.refresh_from_db()
    assert not worker.is_active
    assert worker.check_password(PASSWORD)
    assert not worker.has_power("appeals.draft")


def test_a_role_and_a_substitution_are_given_in_the_browser(admin):
    worker, head = employee("worker"), employee("head", "head")
    today = timezone.localdate()
    given = {"employee": worker.pk, "role": "executor", "valid_from": today.isoformat()}
    assert admin.post(reverse("assignments:add"), given).status_code == 302
    dates = {"starts_on": today.isoformat(), "ends_on": today.isoformat(), "basis": "приказ"}
    assert (
        admin.post(reverse("substitutions:add"), {"absent": head.pk, "deputy": worker.pk, **dates}).status_code == 302
    )
    worker = Employee.objects.get(pk=worker.pk)
    assert worker.has_power("appeals.draft")
    assert worker.has_power("appeals.approve")
    assert JournalEntry.objects.filter(action__in=["roleassignment.added", "substitution.added"]).count() == 2


def test_powers_of_a_role_change_from_today_and_the_past_stays_in_the_table(admin):
    before = set(RolePower.objects.filter(role="consultant").values_list("power", flat=True))
    answer = admin.post(
        reverse("roles:edit", args=["consultant"]),
        {"code": "consultant", "name": "консультант", "order": 70, "given": ["knowledge.read", "appeals.note"]},
    )
    assert answer.status_code == 302
    worker = employee("worker", "consultant")
    assert worker.has_power("appeals.note")
    assert not worker.has_power("intake.view")
    ended = RolePower.objects.get(role="consultant", power="intake.view")
    assert ended.valid_to == timezone.localdate() - timedelta(days=1)
    assert before <= set(RolePower.objects.filter(role="consultant").values_list("power", flat=True))


def test_the_code_of_a_known_role_cannot_be_changed(admin):
    before = set(Role.objects.values_list("pk", flat=True))
    admin.post(reverse("roles:edit", args=["executor"]), {"code": "boss", "name": "главный", "order": 20, "given": []})
    assert set(Role.objects.values_list("pk", flat=True)) == before
    assert Role.objects.get(pk="executor").name == "главный"


@pytest.mark.parametrize("role", ["clerk", "executor", "head", "signer", "kb_chief", "auditor"])
def test_without_the_power_nobody_opens_or_changes_staff(house, enter, role):
    client = enter(employee("other", role))
    worker = employee("worker")
    for name in ("wagtailusers_users", "roles", "assignments", "substitutions", "units"):
        assert client.get(reverse(f"{name}:index")).status_code in {302, 403}
    fields = {"last_name": "Worker", "username": "worker", "new_password": "Another-horse-88", "is_active": "on"}
    client.post(reverse("wagtailusers_users:edit", args=[worker.pk]), fields)
    client.post(reverse("assignments:add"), {"employee": worker.pk, "role": "admin", "valid_from": str(date.today())})
    worker.refresh_from_db()
    assert worker.check_password(PASSWORD)
    assert not RoleAssignment.objects.filter(employee=worker).exists()


def test_rows_of_dictionaries_are_ended_not_deleted(admin):
    worker, head = employee("worker"), employee("head", "head")
    today = timezone.localdate()
    row = Substitution.objects.create(absent=head, deputy=worker, starts_on=today, ends_on=today)
    for address in (
        reverse("substitutions:delete", args=[row.pk]),
        reverse("wagtailusers_users:delete", args=[worker.pk]),
        reverse("roles:delete", args=["executor"]),
    ):
        admin.post(address)
    assert Substitution.objects.filter(pk=row.pk).exists()
    assert Employee.objects.filter(pk=worker.pk).exists()
    assert Role.objects.filter(pk="executor").exists()


@pytest.mark.parametrize(
    "name",
    [
        "wagtailusers_users",
        "units",
        "roles",
        "assignments",
        "substitutions",
        "department",
    ],
)
def test_every_dictionary_opens_for_the_administrator(admin, name):
    employee("worker", "executor")
    assert admin.get(reverse(f"{name}:index")).status_code == 200
    if name != "department":
        assert admin.get(reverse(f"{name}:add")).status_code == 200


def test_what_re_dates_running_appeals_is_not_edited_here():
    """Calendar, regimes and terms have pages of the workplace, with a preview; `/cms/` does not know them."""
    for name in ("calendar_days", "calendar_years", "regimes", "terms"):
        with pytest.raises(NoReverseMatch):
            reverse(f"{name}:index")
