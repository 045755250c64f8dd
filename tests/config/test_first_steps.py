"""From an empty folder to a working system: told once, checked as a whole, written at once, safe to tell again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from otklik.appeals.models import NumberPattern
from otklik.config import first_steps
from otklik.core import installation
from otklik.core.models import CalendarYear, Installation, JournalEntry
from otklik.correspondence.models import ContactPoint
from otklik.knowledge.models import Section
from otklik.people.models import Department, Employee, RoleAssignment, Unit
from tests.browser import house
from tests.servers import free_port, smtp_sink

pytestmark = pytest.mark.django_db

SHEET = ("Имя для входа", "Фамилия", "Имя", "Подразделение", "Роли")
GOOD = """
[department]
short_name = "ДИЗО"
address = "630007, г. Новосибирск, ул. Примерная, 1"
email = "info@department.example"
registry_unit = "Орготдел"
[[units]]
name = "Орготдел"
index = "01"
[[units]]
name = "Сектор писем"
parent = "Орготдел"
[numbering]
pattern = "{year}/{seq}"
[calendar]
years = [2028]
[web]
base_url = "https://otklik.example"
[mail]
mailboxes = ["imaps://info%40department.example:se$cret\\\\@mail.example/INBOX?point=email-info"]
smtp = "smtps://info:secret@mail.example"
[administrator]
login = "ivanova"
last_name = "Иванова"
first_name = "Анна"
unit = "Орготдел"
"""


@pytest.fixture(autouse=True)
def prepared(settings: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' database is migrated already; static files are not asked for here."""
    settings.DATA = data_dir
    monkeypatch.setattr("otklik.config.prepare.prepare", lambda: None)


def init(folder: Path, text: str = GOOD, **options: Any) -> None:
    file = folder / "answers.toml"
    file.write_text(text, encoding="utf-8")
    call_command("init", file=file, env=folder / "otklik.env", **{"no_check": True, **options})


def written() -> list[Any]:
    return [
        installation.kind(),
        *(list(one.objects.order_by("pk").values()) for one in (Employee, Unit, RoleAssignment, NumberPattern)),
        list(JournalEntry.objects.filter(action="system.set_up").values()),
        Department.objects.values("address", "email", "registry_unit").first(),
    ]


def test_everything_told_is_written_and_the_system_is_a_working_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init(tmp_path)
    assert installation.kind() == Installation.Kind.PRODUCTION
    row = Department.objects.get()
    assert (row.short_name, row.registry_unit and row.registry_unit.name) == ("ДИЗО", "Орготдел")
    assert row.name.startswith("Департамент имущества"), "what was not told stays as it was loaded"
    sector = Unit.objects.get(name="Сектор писем")
    assert sector.parent
    assert sector.parent.index == "01"
    assert Section.objects.get(function=None).unit == row.registry_unit, "what belongs to no function has a keeper"
    assert NumberPattern.objects.latest("valid_from").pattern == "{year}/{seq}"
    assert CalendarYear.objects.filter(year=2028).exists()
    assert ContactPoint.objects.get(code="email-info").address == "info@department.example"
    admin = Employee.objects.get()
    assert admin.has_power("people.manage")
    assert not admin.is_superuser
    [password] = re.findall(r"одноразовый пароль: (\S+)", capsys.readouterr().out)
    assert admin.check_password(password)
    assert len(password) >= 14
    assert {entry.data["what"] for entry in JournalEntry.objects.filter(action="system.set_up")} == {
        *("department", "numbering", "unit", "administrator")
    }


def test_the_environment_file_is_for_the_services_only(tmp_path: Path) -> None:
    init(tmp_path)
    env = tmp_path / "otklik.env"
    assert oct(env.stat().st_mode)[-3:] == "600"
    shell = ["sh", "-c", f'set -a; . {env}; printf "%s\\n" "$OTKLIK_MAILBOXES" "$OTKLIK_ALLOWED_HOSTS"']
    mailboxes, hosts = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.splitlines()
    assert mailboxes == r"imaps://info%40department.example:se$cret\@mail.example/INBOX?point=email-info"
    assert hosts == "otklik.example,127.0.0.1,localhost"
    assert "one-time" not in env.read_text()
    assert "SECRET_KEY" not in env.read_text()


def test_told_again_it_changes_nothing_and_keeps_what_was_edited(tmp_path: Path) -> None:
    init(tmp_path)
    env = tmp_path / "otklik.env"
    env.write_text(env.read_text().replace("https://otklik.example", "https://edited.example"))
    before = written()
    init(tmp_path)
    after = written()
    assert after[:4] == before[:4]
    assert "https://edited.example" in env.read_text()
    assert env.read_text().count("OTKLIK_SMTP_URL") == 1


def bad(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


BAD: list[tuple[str, str]] = [
    ("[department", "не читается"),
    ("[departament]\nname = 'x'", r"раздел \[departament\] неизвестен"),
    (bad(('index = "01"', "index = 1")), r"units № 1.index: нужен текст в кавычках"),
    (bad(("short_name", "shortname")), "department.shortname: нет такого поля"),
    (bad(("info@department.example", "не адрес")), "не адрес электронной почты"),
    (bad(('registry_unit = "Орготдел"', 'registry_unit = "Иной"')), "подразделения «Иной» нет в списке"),
    (bad(('parent = "Орготдел"', 'parent = "Иной"')), "входит в «Иной»"),
    (bad(("Сектор писем", "Орготдел"), ('parent = "Орготдел"', "")), "указано дважды"),
    (bad(("{year}/{seq}", "{seq}")), "нужны и {year}, и {seq}"),
    (bad(("{year}/{seq}", "{year}-{number}")), "могут стоять только"),
    (bad(("2028", "1917")), "не год календаря"),
    (bad(("https://otklik.example", "http://otklik.example")), "нужен https://"),
    (bad(("imaps://", "pop3://")), "нужен адрес вида imaps"),
    (bad(("smtps://", "https://")), "нужен адрес вида smtps"),
    (bad(('"ivanova"', '"Иванова А."')), "имя для входа — латинские"),
    (bad(('"ivanova"', '"ivanova"\npassword = "12345"')), "пароль:"),
    (bad(('last_name = "Иванова"', "")), "administrator.last_name: не указано"),
    (bad(("630007, г. Новосибирск, ул. Примерная, 1", "")), "не указан почтовый адрес"),
    (bad(("ДИЗО", "Д" * 101)), "department.short_name: длиннее 100"),
    ("[web]\nbase_url = 'https://a.example'", "не указан первый администратор"),
]


def test_a_bad_answer_is_told_in_words_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_steps.begin()
    monkeypatch.setattr("otklik.config.prepare.load_defaults", lambda: None)  # once is enough here
    before = written()
    for text, words in BAD:
        with pytest.raises(CommandError, match=re.escape(words) if "\\" not in words else words) as refusal:
            init(tmp_path, text)
        assert "secret" not in str(refusal.value)
        assert written() == before, words
        assert not (tmp_path / "otklik.env").exists()


def test_all_that_is_bad_is_told_at_once(tmp_path: Path) -> None:
    text = bad(("info@department.example", "x"), ("{year}/{seq}", "{seq}"), ("https://otklik.example", "otklik"))
    with pytest.raises(CommandError) as refusal:
        init(tmp_path, text)
    assert str(refusal.value).count("  — ") >= 3


def test_mail_that_does_not_answer_is_told_before_anything_is_written(tmp_path: Path) -> None:
    port = free_port()
    changes = (
        ("mail.example/INBOX", f"127.0.0.1:{port}/INBOX"),
        ("smtps://info:secret@mail.example", f"smtp://127.0.0.1:{port}"),
    )
    with pytest.raises(CommandError) as refusal:
        init(tmp_path, bad(*changes), no_check=False)
    assert "не открывается" in str(refusal.value)
    assert "не принимает нас" in str(refusal.value)
    assert "cret" not in str(refusal.value)
    assert not Employee.objects.exists()
    with smtp_sink() as sink:
        init(tmp_path, bad((*changes[1][:1], sink.url), ('mailboxes = ["imaps', 'mailboxes = []\n#"')), no_check=False)
        assert sink.letters == []
    assert Employee.objects.count() == 1


def test_a_demo_stand_is_refused(tmp_path: Path, demo_stand: Installation) -> None:
    with pytest.raises(CommandError, match="учебный стенд"):
        init(tmp_path)
    assert not Employee.objects.exists()


def test_the_wizard_asks_until_it_is_right_and_then_only_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(
        [
            *("", "630007, Новосибирск", "", "oops", "info@d.example", "", ""),  # requisites that were not loaded
            *("Орготдел", "", "", "7", "1"),  # units and which of them registers
            *("{seq}", ""),  # pattern: refused, then as proposed
            *("http://a.example", "https://a.example", "", ""),  # address, mailbox, server
            *("Админ", "admin", "Иванова", "Анна", "", ""),
            *("нет.xlsx", ""),  # a spreadsheet: refused, then none
        ]
    )
    passwords = iter(["123", "Kedr-i-sosna-42", "другой", "Kedr-i-sosna-42", "Kedr-i-sosna-42"])
    asked: list[str] = []

    def say(title: str) -> str:
        asked.append(title)
        return next(answers)

    monkeypatch.setattr("builtins.input", say)
    monkeypatch.setattr("getpass.getpass", lambda _: next(passwords))
    call_command("init", env=tmp_path / "otklik.env", no_check=True)
    assert list(answers) == list(passwords) == []
    admin = Employee.objects.get()
    assert admin.check_password("Kedr-i-sosna-42")
    assert "Kedr" not in capsys.readouterr().out + (tmp_path / "otklik.env").read_text()

    asked.clear()
    answers = iter([""] * 20)
    call_command("init", env=tmp_path / "otklik.env", no_check=True)
    assert not any("Подразделение" in one or "имя для входа" in one or "почтовый адрес" in one for one in asked)


def test_an_interrupted_wizard_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first_steps.begin()
    before = written()

    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupt)
    with pytest.raises(CommandError, match="ничего не записано"):
        call_command("init", env=tmp_path / "otklik.env")
    assert written() == before


@pytest.mark.once
def test_from_an_empty_folder_to_signing_in(tmp_path: Path) -> None:
    """Unattended, then the services as they would start, then the door."""
    port, data = free_port(), tmp_path / "data"
    house._copy_migrated(data)
    text = bad(("https://otklik.example", f"http://127.0.0.1:{port}"), ('mailboxes = ["imaps', 'mailboxes = []\n#"'))
    (tmp_path / "answers.toml").write_text(text)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("OTKLIK_", "DATABASE_URL"))}
    env |= {"PYTHONPATH": str(house.ROOT), "DJANGO_SETTINGS_MODULE": "otklik.config.settings"}
    first = {**env, "OTKLIK_DATA": str(data), "OTKLIK_INSECURE_HTTP": "yes"}
    command = [sys.executable, "-m", "otklik", "init", "--file", "answers.toml", "--no-check"]
    done = subprocess.run(command, env=first, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [password] = re.findall(r"одноразовый пароль: (\S+)", done.stdout)

    told = (tmp_path / "otklik.env").read_text()
    services = {**env, **dict(re.findall(r'^(\w+)="(.*)"$', told, re.M))}
    web = house._start([*house.OTKLIK, "serve", "--port", str(port)], services, tmp_path)
    try:
        house._answers(f"http://127.0.0.1:{port}/healthz")
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar := CookieJar()))
        url = f"http://127.0.0.1:{port}/accounts/login/"
        opener.open(url).read()
        token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
        form = {"login": "ivanova", "password": password, "csrfmiddlewaretoken": token}
        answer = opener.open(urllib.request.Request(url, urlencode(form).encode(), {"Referer": url}))
        page = answer.read().decode()
        assert answer.url.startswith(f"http://127.0.0.1:{port}/"), answer.url
        assert "Войти" not in page
        assert any(cookie.name == "sessionid" for cookie in jar)
        figures = opener.open(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert 'otklik_requests_total{method="POST",status="302",view="account_login"} 1.0' in figures
    finally:
        house._stop(web)
    unsafe = {**services, "OTKLIK_INSECURE_HTTP": "no"}
    begun = time.monotonic()
    refused = subprocess.run(
        [*house.OTKLIK, "serve", "--port", str(port)], env=unsafe, capture_output=True, text=True, check=False
    )
    assert refused.returncode
    assert "OTKLIK_INSECURE_HTTP" in refused.stderr
    assert time.monotonic() - begun < 60


def sheet(folder: Path, *rows: tuple[str, ...]) -> str:
    """Write a spreadsheet of employees beside the answers, and return the answers that name it."""
    book = Workbook()
    for row in (SHEET, *rows):
        book.active.append(row)
    book.save(folder / "staff.xlsx")
    return GOOD + '[staff]\nfile = "staff.xlsx"\n'


def test_employees_of_a_spreadsheet_come_in_with_their_units_and_roles(tmp_path: Path) -> None:
    init(tmp_path, sheet(tmp_path, ("petrova", "Петрова", "Елена", "Сектор писем", "исполнитель")))
    made = Employee.objects.get(username="petrova")
    assert str(made.unit) == "Сектор писем"
    assert [one.role.name for one in RoleAssignment.objects.filter(employee=made)] == ["исполнитель"]
    assert not made.has_usable_password()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("petrova", "Петрова", "Елена", "Нет такого", ""), "строка 3"),
        (("=1+1", "Петрова", "Елена", "", ""), "ячейка A3"),
    ],
)
def test_one_wrong_row_of_a_spreadsheet_and_nothing_is_written(tmp_path: Path, row: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        init(tmp_path, sheet(tmp_path, ("sidorov", "Сидоров", "Иван", "Орготдел", ""), row))
    assert not Employee.objects.exists()
    assert installation.kind() is None


def test_a_made_password_has_to_be_changed_at_the_first_sign_in(tmp_path: Path) -> None:
    init(tmp_path)
    assert Employee.objects.get(username="ivanova").temporary_until is not None
