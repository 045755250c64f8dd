"""Units and roles kept at `/cms/` by whoever holds the power; every change is journalled."""

from datetime import timedelta

import pytest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from otklik.people.models import Employee, Role, RoleAssignment, RolePower

PASSWORD = "Correct-horse-77"


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
def admin(db, enter):
    return enter(employee("admin", "admin"))


def test_employees_and_who_holds_which_role_are_not_kept_here(admin):
    """They have pages of the workplace, one place only; what stands here lets nobody in."""
    worker = employee("worker", "executor")
    fields = {"last_name": "Другая", "username": "other", "is_superuser": "on", "is_active": "on", "post": "другая"}
    for address in (
        reverse("wagtailusers_users:index"),
        reverse("wagtailusers_users:add"),
        reverse("wagtailusers_users:edit", args=[worker.pk]),
        reverse("wagtailusers_users:delete", args=[worker.pk]),
    ):
        for answer in (admin.get(address), admin.post(address, fields)):
            assert answer.status_code == 403 or answer["Location"].startswith(reverse("wagtailadmin_home")), address
    before = worker.post
    worker.refresh_from_db()
    assert (worker.post, Employee.objects.count()) == (before, 2)
    for name in ("assignments", "substitutions"):
        with pytest.raises(NoReverseMatch):
            reverse(f"{name}:index")


def test_powers_that_would_leave_nobody_to_keep_employees_stay(admin):
    answer = admin.post(
        reverse("roles:edit", args=["admin"]), {"code": "admin", "name": "администратор", "order": 90, "given": []}
    )
    assert answer.status_code == 422
    assert "никто не сможет вести сотрудников" in answer.content.decode()
    assert employee("second", "admin").has_power("people.manage")
    assert Role.objects.get(pk="admin").powers.filter(power="people.manage", valid_to=None).exists()


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
def test_without_the_power_nobody_opens_or_changes_roles(db, enter, role):
    client = enter(employee("other", role))
    for name in ("roles", "units"):
        assert client.get(reverse(f"{name}:index")).status_code in {302, 403}
    before = set(RolePower.objects.values_list("role", "power"))
    client.post(reverse("roles:edit", args=["executor"]), {"code": "executor", "name": "x", "order": 1, "given": []})
    assert set(RolePower.objects.filter(valid_to=None).values_list("role", "power")) == before


def test_rows_of_dictionaries_are_ended_not_deleted(admin):
    admin.post(reverse("roles:delete", args=["executor"]))
    assert Role.objects.filter(pk="executor").exists()


@pytest.mark.parametrize(
    "name",
    [
        "units",
        "roles",
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
