"""Accounts are made, changed, moved, blocked and opened; roles begin and end; nothing half-done, all journalled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people import accounts, directory, roles, staff, substitution
from otklik.people.accounts import Facts
from otklik.people.models import Employee, Role, RoleAssignment, Substitution, Transfer, Unit

pytestmark = pytest.mark.django_db
LONG_AGO = date(2024, 1, 1)
GOOD = Facts(username="vera", last_name="Примерова", first_name="Вера", post="консультант", email="vera@dep.example")


@pytest.fixture
def land() -> Unit:
    return Unit.objects.create(name="Отдел земли", short_name="Отдел земли", valid_from=LONG_AGO)


@pytest.fixture
def rent() -> Unit:
    return Unit.objects.create(name="Отдел аренды", short_name="Отдел аренды", valid_from=LONG_AGO)


def person(login: str, *codes: str, unit: Unit | None = None) -> Employee:
    made = Employee.objects.create_user(login, password=None, last_name=login.title(), first_name="Анна", unit=unit)
    for code in codes:
        RoleAssignment.objects.create(employee=made, role=Role.objects.get(pk=code), valid_from=LONG_AGO)
    return made


@pytest.fixture
def admin() -> Employee:
    return person("admin", "admin")


def fresh(one: Employee) -> Employee:
    return Employee.objects.get(pk=one.pk)


def told(one: Employee) -> list[str]:
    return list(
        JournalEntry.objects.filter(chain=f"employee:{one.pk}").order_by("seq").values_list("action", flat=True)
    )


def today(days: int = 0) -> date:
    return timezone.localdate() + timedelta(days=days)


# Making and changing


def test_a_new_employee_has_no_password_and_no_powers_until_he_is_given_them(admin: Employee, land: Unit) -> None:
    made = accounts.create(GOOD, unit=land, by=admin)
    assert not made.has_usable_password()
    assert staff.powers_of(made, today()) == frozenset()
    password = accounts.temporary_password(made, by=admin)
    assert fresh(made).check_password(password)
    roles.give(made, Role.objects.get(pk="executor"), valid_from=today(), by=admin)
    assert fresh(made).has_power("appeals.draft")
    assert told(made) == ["employee.created", "people.password_reset", "employee.role_given"]


def test_the_journal_says_which_fields_changed_and_never_their_values(admin: Employee) -> None:
    made = accounts.create(GOOD, unit=None, by=admin)
    accounts.change(made, Facts(**{**vars(GOOD), "last_name": "Образцова"}), version=made.version, by=admin)
    row = JournalEntry.objects.get(action="employee.changed")
    assert (row.actor, row.data) == (admin, {"fields": ["last_name"]})
    assert "Образцова" not in str(list(JournalEntry.objects.values_list("data", flat=True)))
    password = accounts.temporary_password(made, by=admin)
    assert password not in str(list(JournalEntry.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("last_name", "Я" * 300, "слишком длинно: 300 знаков, помещается 150"),
        ("first_name", "", "заполните"),
        ("username", "Петрова", "латинские буквы"),
        ("username", "a b", "латинские буквы"),
        ("username", "ADMIN", "уже есть"),
        ("email", "не адрес", "не похож на настоящий"),
        ("last_name", "<script>", "только буквы"),
        ("post", "=1+1", "лишние знаки"),
        ("first_name", "Ан\x07на", "лишние знаки"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words_and_nobody_is_made(
    admin: Employee, field: str, value: str, words: str
) -> None:
    before = Employee.objects.count(), JournalEntry.objects.count()
    with pytest.raises(accounts.BadFacts) as refusal:
        accounts.create(Facts(**{**vars(GOOD), field: value}), unit=None, by=admin)
    assert list(refusal.value.problems) == [field]
    assert words in refusal.value.problems[field]
    assert (Employee.objects.count(), JournalEntry.objects.count()) == before


def test_of_two_administrators_the_second_is_told_and_nothing_of_his_is_written(admin: Employee) -> None:
    made = accounts.create(GOOD, unit=None, by=admin)
    seen = made.version
    accounts.change(fresh(made), Facts(**{**vars(GOOD), "phone": "111"}), version=seen, by=admin)
    before = JournalEntry.objects.count()
    with pytest.raises(accounts.EmployeeChanged) as conflict:
        accounts.change(fresh(made), Facts(**{**vars(GOOD), "phone": "222"}), version=seen, by=admin)
    assert conflict.value.theirs.phone == "111"
    assert fresh(made).phone == "111"
    assert JournalEntry.objects.count() == before
    accounts.change(fresh(made), Facts(**{**vars(GOOD), "phone": "222"}), version=conflict.value.version, by=admin)
    assert fresh(made).phone == "222"


def test_a_save_that_changes_nothing_leaves_no_line(admin: Employee) -> None:
    made = accounts.create(GOOD, unit=None, by=admin)
    assert accounts.change(made, accounts.facts_of(made), version=made.version, by=admin) == []
    assert told(made) == ["employee.created"]


# Moving


def test_a_move_from_today_is_done_at_once_and_takes_the_role_of_the_own_unit_along(
    admin: Employee, land: Unit, rent: Unit
) -> None:
    head = person("head", "head", unit=land)
    accounts.move(head, rent, starts_on=today(), by=admin)
    assert fresh(head).unit == rent
    assert staff.units_under(fresh(head), today()) == {rent.pk}
    assert told(head) == ["employee.transfer_planned", "employee.transferred"]


def test_a_later_move_waits_for_its_day_and_comes_by_itself_once(admin: Employee, land: Unit, rent: Unit) -> None:
    head = person("head", "head", unit=land)
    row = accounts.move(head, rent, starts_on=today(3), by=admin)
    assert accounts.carry_out_moves() == 0
    assert fresh(head).unit == land
    Transfer.objects.filter(pk=row.pk).update(starts_on=today(-1))  # the system stood still on the day
    assert (accounts.carry_out_moves(), accounts.carry_out_moves()) == (1, 0)
    assert fresh(head).unit == rent


def test_a_coming_move_can_be_taken_back_and_a_second_one_is_refused(admin: Employee, land: Unit, rent: Unit) -> None:
    head = person("head", "head", unit=land)
    row = accounts.move(head, rent, starts_on=today(3), by=admin)
    for unit, day in ((rent, today(5)), (land, today(5)), (rent, today(-1))):
        with pytest.raises(accounts.BadMove):
            accounts.move(head, unit, starts_on=day, by=admin)
    accounts.cancel_move(row, by=admin)
    with pytest.raises(accounts.BadMove):
        accounts.cancel_move(row, by=admin)
    assert not Transfer.objects.exists()
    assert fresh(head).unit == land


# Blocking


def test_a_blocked_employee_may_nothing_and_opened_again_he_needs_a_new_password(admin: Employee) -> None:
    worker = person("worker", "executor")
    password = accounts.temporary_password(worker, by=admin)
    accounts.block(worker, basis="приказ", by=admin)
    assert not fresh(worker).has_power("appeals.draft")
    assert worker not in staff.holders("appeals.draft", on=today())
    with pytest.raises(accounts.BlockRefused):
        accounts.temporary_password(fresh(worker), by=admin)
    accounts.unblock(fresh(worker), by=admin)
    assert fresh(worker).has_power("appeals.draft")
    assert not fresh(worker).check_password(password)
    assert told(worker)[1:] == ["employee.blocked", "people.sessions_ended", "employee.unblocked"]


def test_nobody_blocks_himself_or_twice_or_the_last_administrator(admin: Employee) -> None:
    other, worker = person("other", "admin"), person("worker", "executor")
    with pytest.raises(accounts.BlockRefused):
        accounts.block(admin, by=admin)
    accounts.block(worker, by=admin)
    with pytest.raises(accounts.BlockRefused):
        accounts.block(fresh(worker), by=admin)
    accounts.block(other, by=admin)
    before = JournalEntry.objects.count()
    with pytest.raises(roles.LastAdministrator):
        accounts.block(admin, by=fresh(worker))
    assert fresh(admin).is_active
    assert JournalEntry.objects.count() == before


# Roles


def test_a_role_counts_between_its_days_and_is_never_rewritten_once_begun(admin: Employee) -> None:
    worker, role = person("worker"), Role.objects.get(pk="executor")
    row = roles.give(worker, role, valid_from=today(2), valid_to=today(9), by=admin)
    assert "appeals.draft" not in staff.powers_of(worker, today(1))
    assert "appeals.draft" in staff.powers_of(worker, today(2))
    RoleAssignment.objects.filter(pk=row.pk).update(valid_from=today(-5))
    row.refresh_from_db()
    with pytest.raises(roles.BadRole):
        roles.end(row, last_day=today(-2), by=admin)
    with pytest.raises(roles.BadRole):
        roles.end(row, last_day=today(10), by=admin)
    roles.end(row, last_day=today(-1), by=admin)
    row.refresh_from_db()
    assert (row.valid_from, row.valid_to) == (today(-5), today(-1))
    assert "appeals.draft" not in staff.powers_of(worker, today())
    with pytest.raises(roles.BadRole):
        roles.end(row, last_day=today(), by=admin)


def test_a_role_given_today_by_mistake_is_taken_back_at_once(admin: Employee) -> None:
    worker = person("worker")
    row = roles.give(worker, Role.objects.get(pk="signer"), valid_from=today(), by=admin)
    roles.end(row, last_day=today(-1), by=admin)
    assert staff.powers_of(worker, today()) == frozenset()
    assert told(worker) == ["employee.role_given", "employee.role_ended"]


@pytest.mark.parametrize(("first", "last"), [(-1, None), (5, 4), (0, None), (3, 20)])
def test_a_role_held_already_or_on_wrong_days_is_refused(admin: Employee, first: int, last: int | None) -> None:
    worker = person("worker")
    roles.give(worker, Role.objects.get(pk="executor"), valid_from=today(3), by=admin)
    before = RoleAssignment.objects.count(), JournalEntry.objects.count()
    with pytest.raises(roles.BadRole):
        roles.give(
            worker,
            Role.objects.get(pk="executor"),
            valid_from=today(first),
            valid_to=None if last is None else today(last),
            by=admin,
        )
    assert (RoleAssignment.objects.count(), JournalEntry.objects.count()) == before


def test_the_last_role_of_an_administrator_cannot_be_ended(admin: Employee) -> None:
    row = RoleAssignment.objects.get(employee=admin)
    for last_day in (today(-1), today(30)):
        with pytest.raises(roles.LastAdministrator):
            roles.end(row, last_day=last_day, by=admin)
    row.refresh_from_db()
    assert row.valid_to is None
    person("other", "admin")
    roles.end(row, last_day=today(-1), by=admin)
    assert not fresh(admin).has_power("people.manage")


# Substitution


def test_a_blocked_or_absent_colleague_cannot_stand_in(admin: Employee) -> None:
    head, blocked, away, third = person("head"), person("blocked"), person("away"), person("third")
    accounts.block(blocked, by=admin)
    substitution.substitute(absent=away, deputy=third, starts_on=today(2), ends_on=today(4), by=admin)
    for deputy in (fresh(blocked), away):
        with pytest.raises(substitution.BadSubstitution):
            substitution.substitute(absent=head, deputy=deputy, starts_on=today(), ends_on=today(3), by=admin)
    assert Substitution.objects.count() == 1
    assert substitution.left_uncovered(third, today(4), today(9))[0].absent == away
    assert substitution.left_uncovered(third, today(5), today(9)) == []


def test_a_running_substitution_passes_to_another_deputy_from_today(admin: Employee) -> None:
    head, deputy, third = person("head", "head"), person("deputy"), person("third")
    row = Substitution.objects.create(absent=head, deputy=deputy, starts_on=today(-3), ends_on=today(3))
    substitution.pass_on(row, third, by=admin)
    row.refresh_from_db()
    assert row.ends_on == today(-1)
    assert "appeals.approve" not in staff.powers_of(deputy, today())
    assert "appeals.approve" in staff.powers_of(third, today(3))


# The list


@pytest.fixture
def crowd(land: Unit, rent: Unit) -> Callable[..., list[str]]:
    person("ivanova", "executor", unit=land)
    person("petrov", "head", unit=rent)
    Employee.objects.filter(username="petrov").update(last_name="Петров-Ёлкин", post="Начальник отдела")
    blocked = person("sidorov", unit=land)
    Employee.objects.filter(pk=blocked.pk).update(is_active=False)

    def found(**asked: object) -> list[str]:
        return [one.username for one in directory.find(directory.Asked(**asked), on=today())]  # type: ignore[arg-type]

    return found


def test_employees_are_found_in_any_case_by_name_login_or_post(crowd: Callable[..., list[str]], land: Unit) -> None:
    for text in ("ПЕТРОВ", "ёлкин", "елкин петров", "petr", "НАЧАЛЬНИК"):
        assert crowd(text=text) == ["petrov"], text
    assert crowd(text="никто") == []
    assert crowd(unit=land.pk) == ["ivanova", "sidorov"]
    assert crowd(role="head") == ["petrov"]
    assert crowd(state="blocked") == ["sidorov"]
    assert crowd(state="active", unit=land.pk) == ["ivanova"]
    assert crowd(state="new") == ["ivanova", "petrov"]
