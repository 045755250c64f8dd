"""«Сотрудники»: an administrator's pages, through the doors he uses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people import accounts
from otklik.people.models import Employee, Role, RoleAssignment, Substitution, Transfer
from tests.appeals.conftest import LONG_AGO, World
from tests.desk import at
from tests.desk import entered as desk
from tests.people.test_staff_import import row, sheet

pytestmark = pytest.mark.django_db
TYPED = {"last_name": "Примерова", "first_name": "Вера", "username": "vera", "phone": "238-60-02"}


@pytest.fixture
def world(db: None) -> World:
    world = World()
    world.admin = world.employee("admin", "Настройкина", world.registry, ["admin"])  # type: ignore[attr-defined]
    return world


@pytest.fixture
def admin(world: World) -> Client:
    return desk(Employee.objects.get(username="admin"))


def said(answer: Any) -> str:
    return str(answer.content.decode())


def given_password(page: str) -> str:
    return page.split('<code class="hash nowrap">')[1].split("<")[0]


def test_a_new_employee_gets_a_password_shown_once_and_signs_in_with_it(world: World, admin: Client) -> None:
    answer = admin.post(at("staff_new"), {**TYPED, "unit": world.land.pk, "role": "executor"})
    password = given_password(said(answer))
    assert "no-store" in answer["Cache-Control"]
    made = Employee.objects.get(username="vera")
    assert (made.unit, made.has_power("appeals.draft"), made.is_superuser) == (world.land, True, False)
    for page in (at("employee", made.pk), at("staff"), at("staff_passwords")):
        assert password not in said(admin.get(page))
    client = Client()
    assert client.post(reverse("account_login"), {"login": "vera", "password": password}).status_code == 302
    assert client.get(at("today")).url == reverse("account_change_password")  # a temporary one opens nothing else


def test_a_form_sent_again_makes_no_second_employee(world: World, admin: Client) -> None:
    admin.post(at("staff_new"), TYPED)
    answer = admin.post(at("staff_new"), TYPED)
    assert answer.status_code == 422
    assert "такое имя для входа уже есть" in said(answer).lower()
    assert Employee.objects.filter(last_name="Примерова").count() == 1


def test_a_name_of_300_letters_is_refused_in_words_and_stays_in_the_form(world: World, admin: Client) -> None:
    answer = admin.post(at("staff_new"), {**TYPED, "last_name": "Я" * 300})
    assert answer.status_code == 422
    assert "300 знаков, помещается 150" in said(answer)
    assert "Я" * 300 in said(answer)
    assert not Employee.objects.filter(username="vera").exists()


def test_of_two_administrators_the_second_keeps_what_he_typed_and_sees_what_differs(
    world: World, admin: Client
) -> None:
    one = accounts.create(accounts.Facts(**TYPED), unit=None, by=None)
    page, form = at("employee_edit", one.pk), {**TYPED, "version": one.version}
    assert admin.post(page, {**form, "phone": "первый"}).status_code == 302
    second = admin.post(page, {**form, "phone": "второй"})
    assert second.status_code == 409
    assert "изменил другой администратор" in said(second)
    assert 'value="второй"' in said(second)
    assert "<td>первый</td>" in said(second)
    one.refresh_from_db()
    assert one.phone == "первый"
    assert admin.post(page, {**form, "phone": "второй", "version": one.version}).status_code == 302
    one.refresh_from_db()
    assert one.phone == "второй"


def test_a_role_is_given_ended_and_a_move_planned_and_taken_back(world: World, admin: Client) -> None:
    one, today = world.stranger, timezone.localdate()
    given = {"role": "head", "unit": world.land.pk, "valid_from": today.isoformat(), "basis": "приказ"}
    assert admin.post(at("employee_role", one.pk), given).status_code == 302
    assert world.fresh(one).has_power("appeals.approve")
    assert "уже есть" in said(admin.post(at("employee_role", one.pk), given))
    row_ = RoleAssignment.objects.get(employee=one, role="head")
    assert admin.post(at("role_end", row_.pk), {"last_day": ""}).status_code == 302
    assert not world.fresh(one).has_power("appeals.approve")
    later = (today + timedelta(days=5)).isoformat()
    assert admin.post(at("employee_move", one.pk), {"unit": world.land.pk, "starts_on": later}).status_code == 302
    assert "ещё не наступил" in said(admin.get(at("employee", one.pk)))
    admin.post(at("transfer_cancel", Transfer.objects.get().pk))
    assert not Transfer.objects.exists()
    page = said(admin.get(at("employee", one.pk)))
    for words in ("Дана роль", "Завершена роль", "Отменён перевод"):
        assert words in page


def test_blocking_shows_what_is_held_and_hands_it_over_in_one_press(world: World, admin: Client) -> None:
    appeal = world.drafted()
    colleague = world.employee("colleague", "Лисицына", world.land, ["executor"])
    page = at("employee_block", world.executor.pk)
    shown = said(admin.get(page))
    assert appeal.number in shown
    assert "с начатым ответом 1" in shown
    refused = admin.post(page, {"basis": "приказ"})
    assert refused.status_code == 422
    assert "Выберите, кому передать" in said(refused)
    refused = admin.post(page, {"everyone": world.helper.pk})
    assert refused.status_code == 422, "who works elsewhere is not offered, and not taken either"
    assert world.fresh(world.executor).is_active
    open_desk = desk(world.executor)
    assert admin.post(page, {"everyone": colleague.pk, "basis": "приказ"}).status_code == 302
    assert world.again(appeal).executor == colleague
    assert open_desk.get(at("today")).status_code == 302  # the next press asks to sign in


def test_blocking_at_once_is_possible_and_the_card_reminds_of_what_is_left(world: World, admin: Client) -> None:
    appeal = world.drafted()
    colleague = world.employee("colleague", "Лисицына", world.land, ["executor"])
    one = world.executor
    assert admin.post(at("employee_block", one.pk), {"at_once": "1"}).status_code == 302
    assert not world.fresh(one).is_active
    assert "остались дела" in said(admin.get(at("employee", one.pk)))
    assert admin.post(at("employee_handover", one.pk), {"everyone": colleague.pk}).status_code == 302
    assert world.again(appeal).executor == colleague
    assert "остались дела" not in said(admin.get(at("employee", one.pk)))


def test_an_unblocked_employee_comes_in_with_a_new_password(world: World, admin: Client) -> None:
    admin.post(at("employee_block", world.stranger.pk), {"at_once": "1"})
    password = given_password(said(admin.post(at("employee_unblock", world.stranger.pk))))
    client = Client()
    assert client.post(reverse("account_login"), {"login": "stranger", "password": password}).status_code == 302


def test_a_spreadsheet_is_tried_confirmed_and_passwords_are_given(world: World, admin: Client) -> None:
    content = sheet(row("vera", unit=str(world.land), roles="исполнитель"), row("плохо"), row("petr", post="=1")).read()
    page = at("staff_import")
    tried = admin.post(page, {"sheet": SimpleUploadedFile("staff.xlsx", content)})
    shown = said(tried)
    assert tried.status_code == 200
    assert "Записать 1" in shown
    assert "ячейка E4: формула" in shown.lower().replace("e4", "E4")
    assert not Employee.objects.filter(username="vera").exists()
    read = shown.split('name="read" value="')[1].split('"')[0]
    assert admin.post(page, {"read": read}).url == at("staff_passwords")
    made = Employee.objects.get(username="vera")
    assert "vera" in said(admin.get(at("staff_passwords")))
    password = given_password(said(admin.post(at("staff_passwords"), {"employee": [made.pk]})))
    assert Employee.objects.get(pk=made.pk).check_password(password)
    assert admin.post(page, {"read": read}).status_code == 409  # the same page confirmed again
    assert admin.post(page, {"read": f"{read}x"}).url == page


def test_a_name_of_300_letters_in_a_spreadsheet_leaves_its_reason_in_sight(world: World, admin: Client) -> None:
    content = sheet(row("vera", last_name="Я" * 300)).read()
    tried = admin.post(at("staff_import"), {"sheet": SimpleUploadedFile("staff.xlsx", content)})
    assert "300 знаков, помещается 150" in said(tried)
    assert "Я" * 61 not in said(tried).split("Подробно")[1]


@pytest.mark.parametrize(
    ("content", "name"), [(b"", "a.xlsx"), (b"login", "a.csv"), (b"MZ...", "a.xlsx"), (b"PK\x03\x04", "a.xlsx")]
)
def test_a_file_that_is_no_spreadsheet_is_refused_beside_the_field(
    world: World, admin: Client, content: bytes, name: str
) -> None:
    answer = admin.post(at("staff_import"), {"sheet": SimpleUploadedFile(name, content)})
    assert answer.status_code == 422
    assert "field-error" in said(answer)


def test_the_list_is_searched_by_post_and_costs_the_same_however_long(world: World, admin: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert admin.get(at("staff")).status_code == 200
        return len(seen.captured_queries)

    few = cost()
    for number in range(60):
        one = Employee(username=f"one{number}", last_name=f"Сотрудник{number}", first_name="И", unit=world.land)
        one.save()
        RoleAssignment.objects.create(employee=one, role_id="executor", unit=world.law, valid_from=LONG_AGO)
    assert cost() == few <= 12
    assert said(admin.get(at("staff"))).count('class="row-link"') == 50
    second = said(admin.post(at("staff"), {"text": "сотрудник", "page": 2}))
    assert second.count('class="row-link"') == 10
    assert 'value="сотрудник"' in second


def test_a_card_costs_a_fixed_number_of_queries(world: World, admin: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            admin.get(at("employee", world.executor.pk))
        return len(seen.captured_queries)

    world.assigned()
    few = cost()
    for _ in range(3):
        world.drafted()
    today = timezone.localdate()
    for number in range(5):
        colleague = world.employee(f"c{number}", "Коллегина", world.law, [])
        Substitution.objects.create(absent=colleague, deputy=world.executor, starts_on=today, ends_on=today)
        RoleAssignment.objects.create(
            employee=world.executor, role_id="clerk", unit=world.law, valid_from=today - timedelta(days=number)
        )
        accounts.temporary_password(world.executor, by=Employee.objects.get(username="admin"))
    assert cost() == few <= 30


def test_who_stands_in_is_told_on_his_home_page_at_no_cost_to_others(world: World) -> None:
    world.stands_in(world.helper, world.head)
    assert "Вы замещаете" in said(desk(world.helper).get(at("today")))
    assert "Кузнецова Анна Петровна" in said(desk(world.helper).get(at("today")))
    assert "Вы замещаете" not in said(desk(world.stranger).get(at("today")))


def test_an_absence_that_leaves_another_uncovered_is_told(world: World) -> None:
    today = timezone.localdate().isoformat()
    world.stands_in(world.helper, world.head)
    answer = desk(world.helper).post(
        at("away"),
        {"absent": world.helper.pk, "deputy": world.stranger.pk, "starts_on": today, "ends_on": today},
        follow=True,
    )
    assert "сам замещает: Кузнецова А. П." in said(answer)


@pytest.mark.parametrize("who", ["clerk", "head", "executor", "signer", "auditor"])
def test_nobody_else_opens_or_changes_an_account(world: World, who: str) -> None:
    client, one = desk(getattr(world, who)), world.stranger
    before = JournalEntry.objects.count(), list(Employee.objects.order_by("pk").values())
    for name in ("employee", "employee_edit", "employee_role", "employee_move", "employee_block", "employee_handover"):
        assert client.get(at(name, one.pk)).status_code == 403
        assert client.post(at(name, one.pk), {**TYPED, "at_once": 1}).status_code in {403, 405}
    for name in ("employee_password", "employee_unblock"):
        assert client.post(at(name, one.pk)).status_code == 403
    now = JournalEntry.objects.count(), list(Employee.objects.order_by("pk").values())
    assert [row["password"] for row in now[1]] == [row["password"] for row in before[1]]
    assert now[0] == before[0]


def test_a_role_of_this_installation_is_a_column_of_its_own_on_the_page_of_rights(world: World, admin: Client) -> None:
    Role.objects.create(code="guest", name="гость отдела", order=5)
    page = said(admin.get(at("rights")))
    assert "Гость отдела" in page
    assert "вести сотрудников" in page.lower()
    assert "/desk/appeals/…/assign/" in page
