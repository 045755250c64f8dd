"""People of another organisation: whoever may only keep records of the ЕКЦ finds nothing else of the workplace open."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.urls import reverse

from otklik.people.models import Employee, RoleAssignment
from otklik.workplace import rights
from tests.appeals.conftest import LONG_AGO
from tests.house.test_doors import by_number, plain

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HIS = {"/desk/", "/desk/ekc/", "/desk/ekc/search/", "/desk/ekc/upload/", "/desk/ekc/upload/sample.xlsx", "/desk/ekc/1/"}


@pytest.fixture
def operator(world, ekc) -> Employee:
    return world.employee("operator", "Откликова", world.hq, ["ekc_operator"])


def signed_in(employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture(autouse=True)
def _refusals_are_not_logged():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def test_every_other_address_of_the_desk_is_closed_to_an_operator(operator):
    client = signed_in(operator)
    addresses = [*plain("desk/"), *(f"/{one}" for one in by_number("desk/"))]
    assert len(addresses) > 150
    got = {one: (client.get(one).status_code, client.post(one).status_code) for one in addresses}
    assert {one: codes for one, codes in got.items() if set(codes) - {403, 405} and one not in HIS} == {}
    assert all(403 in codes for one, codes in got.items() if one not in HIS)


def test_neither_the_editor_of_materials_nor_inner_files_open(operator):
    client = signed_in(operator)
    for address in ("/cms/", "/cms/pages/", "/cms/documents/"):
        answer = client.get(address)
        assert answer.status_code in {302, 403}, address
        assert answer.status_code == 403 or "/desk/" not in answer.headers["Location"]


def test_after_signing_in_an_operator_lands_on_his_page_and_keeps_his_password_himself(operator):
    client = signed_in(operator)
    answer = client.get("/desk/")
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("workplace:ekc"))
    page = client.get(reverse("workplace:ekc")).content.decode()
    assert reverse("workplace:queue") not in page
    assert client.get(reverse("mfa_index")).status_code == 200


def test_an_employee_who_also_keeps_records_of_the_ekc_is_no_guest(operator, world):
    RoleAssignment.objects.create(employee=operator, role_id="executor", valid_from=LONG_AGO)
    assert not world.fresh(operator).is_guest
    assert not world.employee("nobody", "Безролева", world.hq, []).is_guest
    assert signed_in(world.fresh(operator)).get("/desk/").status_code == 200


def test_the_table_of_rights_says_the_same(operator):
    doors = {door.shown: door for door in rights.doors()}
    assert not doors["/desk/calendar/"].opens_for({"hotline.ekc"})
    assert doors["/desk/calendar/"].opens_for({"hotline.ekc", "knowledge.read"})
    assert doors["/desk/calendar/"].opens_for(set())
    assert doors["/desk/ekc/"].opens_for({"hotline.ekc"})
