"""Employees out of a real directory: who comes, who changed, who is gone; and its passwords let in whom we know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from django.urls import reverse

from otklik.core.models import JournalEntry
from otklik.people import ldap, staff_import
from otklik.people.models import Employee, Role, RoleAssignment, Unit
from otklik.people.staff_import import Line
from tests.people import slapd
from tests.people.slapd import BASE, PASSWORD, READER, Directory

pytestmark = [pytest.mark.django_db, pytest.mark.slapd]
SIGN_IN = ["django.contrib.auth.backends.ModelBackend", "allauth.account.auth_backends.AuthenticationBackend"]


@pytest.fixture(scope="module")
def server() -> Iterator[Directory]:
    pytest.importorskip("ldap3", reason="ldap3 не установлен: requirements/base.txt")
    with slapd.directory() as running:
        running.add(
            "ivanov", sn="Иванов", givenName="Иван", cn="Иванов Иван Иванович", title="эксперт", ou="Отдел земли"
        )
        running.add(
            "petrova", mail="petrova@department.example", telephoneNumber="238-60-02", password="s3cret-of-hers"
        )
        running.add("closed", locked=True, password="s3cret-of-closed")
        yield running


@pytest.fixture
def named(server: Directory, settings: Any) -> Directory:
    settings.LDAP_URL, settings.LDAP_BASE = server.plain, BASE
    settings.LDAP_BIND_DN, settings.LDAP_PASSWORD = READER, PASSWORD
    return server


@pytest.fixture
def admin(db: None) -> Employee:
    one = Employee.objects.create_user("admin", password="correct horse battery", last_name="Настройкина")
    RoleAssignment.objects.create(employee=one, role=Role.objects.get(code="admin"), valid_from=date(2024, 1, 1))
    return one


def planned() -> dict[str, Line]:
    return {line.login: line for line in staff_import.plan(ldap.read())}


def test_who_is_in_the_directory_comes_with_what_it_says(named, admin):
    unit = Unit.objects.create(name="Отдел земли", short_name="Земля", valid_from=date(2024, 1, 1))
    rows = ldap.read()
    done = staff_import.apply(
        rows, agreed=staff_import.fingerprint(staff_import.plan(rows)), by=admin, basis="каталог LDAP"
    )
    assert sorted(one.username for one in done.created) == ["ivanov", "petrova"], "a closed account does not come"
    ivanov = Employee.objects.get(username="ivanov")
    assert (ivanov.full_name, ivanov.post, ivanov.unit) == ("Иванов Иван Иванович", "эксперт", unit)
    assert not ivanov.has_usable_password()
    petrova = Employee.objects.get(username="petrova")
    assert (petrova.email, petrova.phone, petrova.patronymic) == ("petrova@department.example", "238-60-02", "")
    assert {line.verdict for line in planned().values()} == {"same"}


def test_who_changed_is_told_with_what_was_and_what_will_be(named, admin):
    Employee.objects.create(username="Petrova", last_name="Образцова", first_name="Вера", phone="1")
    line = planned()["Petrova"]
    assert line.verdict == "change"
    assert "фамилия: было «Образцова», станет «Примерова»" in line.what
    assert "рабочий телефон: было «1», станет «238-60-02»" in line.what


def test_an_unknown_unit_is_refused_by_its_name(named):
    assert planned()["ivanov"].verdict == "refuse"
    assert "подразделения «Отдел земли» нет" in " ".join(planned()["ivanov"].why)


def test_who_is_gone_or_closed_there_is_named_and_blocked_by_nobody(named, admin):
    for login in ("left", "closed", "petrova"):
        Employee.objects.create(username=login, last_name=login.title())
    Employee.objects.create(username="blocked", is_active=False)
    assert {one.username for one in ldap.gone(ldap.read())} == {"left", "closed", "admin"}
    assert Employee.objects.get(username="left").is_active


def test_attributes_of_another_directory_are_named_in_the_settings(named, settings):
    settings.LDAP_ATTRIBUTES = ["first_name=cn", "unit="]
    line = planned()["ivanov"]
    assert line.verdict == "create"
    settings.LDAP_ATTRIBUTES = ["surname=sn"]
    with pytest.raises(ldap.DirectoryFailed, match="«surname» незнакомо"):
        ldap.read()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LDAP_PASSWORD", "wrong", "не принял имя или пароль"),
        ("LDAP_BASE", "cn=none,dc=department,dc=example", "нет «cn=none"),
        ("LDAP_FILTER", "(objectClass=person", "условие"),
        ("LDAP_URL", "ldap://127.0.0.1:1", "не отвечает"),
        ("LDAP_URL", "http://127.0.0.1", "не читается"),
        ("LDAP_URL", "", "не подключён"),
    ],
)
def test_what_is_wrong_with_the_connection_is_said_in_words(named, settings, name, value, words):
    setattr(settings, name, value)
    with pytest.raises(ldap.DirectoryFailed, match=words):
        ldap.read()


def test_certificates_are_checked(named, settings):
    settings.LDAP_URL = named.tls
    with pytest.raises(ldap.DirectoryFailed, match="сертификат не проверен"):
        ldap.read()
    settings.LDAP_CA = named.ca
    assert len(ldap.read()) == 2
    settings.LDAP_URL = f"ldap+starttls://localhost:{named.port}"
    assert len(ldap.read()) == 2


def test_a_large_directory_is_read_by_pages(named, settings, monkeypatch):
    for number in range(7):
        named.add(f"many{number}")
    try:
        assert len(ldap.read()) == 9
        monkeypatch.setattr(ldap, "MOST", 5)
        with pytest.raises(ldap.DirectoryFailed, match="больше 5 записей"):
            ldap.read()
    finally:
        for number in range(7):
            named.remove(f"many{number}")


def test_the_command_shows_and_writes_in_an_administrator_s_name(named, admin, settings):
    settings.LDAP_ATTRIBUTES = ["unit="]
    said = StringIO()
    call_command("staff_ldap", stdout=said)
    assert "завести\tivanov" in said.getvalue()
    assert "нет в каталоге\tadmin" in said.getvalue()
    assert not Employee.objects.filter(username="ivanov").exists()
    with pytest.raises(CommandError, match="от чьего имени"):
        call_command("staff_ldap", "--apply")
    call_command("staff_ldap", "--apply", "--by", "admin", stdout=said)
    assert "Заведено: 2" in said.getvalue()
    assert JournalEntry.objects.filter(action="employee.created").count() == 2


def test_the_page_shows_first_and_writes_what_was_agreed(named, admin, settings):
    settings.LDAP_ATTRIBUTES = ["unit="]
    Employee.objects.create(username="left", last_name="Ушедшая", first_name="Нина")
    client = Client()
    client.force_login(admin)
    address = reverse("workplace:staff_directory")
    with override_settings(LDAP_URL=""):
        assert "Каталог не подключён" in client.get(address).content.decode()
    assert "Сверить с каталогом" in client.get(address).content.decode()
    page = client.post(address)
    text = page.content.decode()
    assert "Кто придёт: 2" in text
    assert "Ушедшая Нина" in text
    assert not Employee.objects.filter(username="ivanov").exists()
    read = page.context["read"]
    named.change("petrova", title="советник")
    try:
        assert client.post(address, {"read": read}).status_code == 302
        assert Employee.objects.get(username="petrova").post == "", "what was shown is kept, not what came later"
    finally:
        named.change("petrova", title="—")
    assert client.post(address, {"read": read}).status_code == 409, "what was done already is no longer so"
    with override_settings(LDAP_URL="ldap://127.0.0.1:1"):
        page = client.post(address)
    assert page.status_code == 503
    assert "не отвечает" in page.content.decode()


def entered(login: str, password: str) -> bool:
    client = Client()
    client.post(reverse("account_login"), {"login": login, "password": password})
    return "_auth_user_id" in client.session


def test_the_directory_s_password_lets_in_whom_we_know_and_nobody_else(named, settings):
    Employee.objects.create(username="petrova", last_name="Примерова", first_name="Вера").set_unusable_password()
    Employee.objects.create(username="closed")
    assert not entered("petrova", "s3cret-of-hers"), "off until it is switched on"
    settings.AUTHENTICATION_BACKENDS = [*SIGN_IN, "otklik.people.ldap.DirectoryBackend"]
    assert entered("petrova", "s3cret-of-hers")
    assert entered("Petrova", "s3cret-of-hers")
    for login, password in [
        ("petrova", "wrong"),
        ("petrova", ""),
        ("closed", "s3cret-of-closed"),
        ("ivanov", "s3cret-of-hers"),
        ("*", "s3cret-of-hers"),
    ]:
        assert not entered(login, password), login
    assert JournalEntry.objects.filter(action="signin.entered").count() == 2
    Employee.objects.filter(username="petrova").update(is_active=False)
    assert not entered("petrova", "s3cret-of-hers")


def test_a_silent_directory_shuts_nobody_out_who_has_a_password_here(named, settings, admin):
    settings.AUTHENTICATION_BACKENDS = [*SIGN_IN, "otklik.people.ldap.DirectoryBackend"]
    settings.LDAP_URL = "ldap://127.0.0.1:1"
    assert entered("admin", "correct horse battery")
    assert not entered("admin", "another")
