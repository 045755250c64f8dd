"""What a new working system has to be told before people can work in it: read, checked as a whole, written at once.

What a database cannot keep (addresses with passwords of mailboxes, the name of the site) goes into an environment file
for the services.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from otklik.appeals.models import NumberPattern, wrong_pattern
from otklik.config import prepare
from otklik.core import calendar, installation, journal, sheets
from otklik.core.errors import DomainError
from otklik.core.models import CalendarYear, Installation
from otklik.correspondence.models import ContactPoint
from otklik.knowledge import defaults as knowledge
from otklik.people import resets, staff_import
from otklik.people.models import Department, Employee, Role, RoleAssignment, Unit

ADMIN: Final = "admin"
SCHEMES: Final = {"imap", "imaps", "imap+starttls"}
SMTP_SCHEMES: Final = {"smtp", "smtps", "smtp+starttls"}
REQUISITES: Final = {
    "name": "полное название департамента",
    "name_genitive": "название в родительном падеже",
    "short_name": "краткое название",
    "address": "почтовый адрес",
    "phone": "телефон",
    "email": "электронная почта",
    "site": "сайт",
    "requisites": "ОКПО, ОГРН, ИНН/КПП",
}
PERSON: Final = {
    "login": "имя для входа",
    "last_name": "фамилия",
    "first_name": "имя",
    "patronymic": "отчество",
    "post": "должность",
    "unit": "подразделение",
}
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,30}")


class NotReady(DomainError):
    """The answers or the database do not allow to begin; nothing has been written."""

    code = "init.not_ready"
    text = "Настройка не выполнена, ничего не записано:\n{problems}"

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems="\n".join(f"  — {one}" for one in problems))


@dataclass
class Answers:
    """What was answered; what is empty is left as it is in the database."""

    department: dict[str, str] = field(default_factory=dict)
    registry_unit: str = ""
    units: list[dict[str, str]] = field(default_factory=list)
    pattern: str = ""
    years: list[int] = field(default_factory=list)
    base_url: str = ""
    mailboxes: list[str] = field(default_factory=list)
    smtp_url: str = ""
    administrator: dict[str, str] = field(default_factory=dict)
    password: str = ""
    staff: Path | None = None  # a spreadsheet of employees


@dataclass(frozen=True)
class Done:
    """What was written. `password`: a made one, shown once; empty where it was typed or nobody was entered.

    `employees`: how many came from the spreadsheet.
    """

    login: str
    password: str
    employees: int = 0


def read(path: Path) -> Answers:
    """Return the answers of a TOML file; refuse one that does not say what it should."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise NotReady([f"файл «{path}» не открывается: {exc.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise NotReady([f"файл «{path}» не читается: {exc}"]) from None
    problems = list(_odd(told))
    if problems:
        raise NotReady(problems)
    department, administrator = dict(told.get("department", {})), dict(told.get("administrator", {}))
    return Answers(
        department={name: value for name, value in department.items() if name != "registry_unit"},
        registry_unit=department.get("registry_unit", ""),
        units=[dict(one) for one in told.get("units", [])],
        pattern=told.get("numbering", {}).get("pattern", ""),
        years=told.get("calendar", {}).get("years", []),
        base_url=told.get("web", {}).get("base_url", ""),
        mailboxes=told.get("mail", {}).get("mailboxes", []),
        smtp_url=told.get("mail", {}).get("smtp", ""),
        password=administrator.pop("password", ""),
        administrator=administrator,
        staff=path.parent / told["staff"]["file"] if told.get("staff", {}).get("file") else None,
    )


_SHAPE: Final[dict[str, dict[str, type]]] = {
    "department": dict.fromkeys([*REQUISITES, "registry_unit"], str),
    "numbering": {"pattern": str},
    "calendar": {"years": list},
    "web": {"base_url": str},
    "mail": {"mailboxes": list, "smtp": str},
    "administrator": dict.fromkeys([*PERSON, "password"], str),
    "staff": {"file": str},
}
_UNIT: Final = dict.fromkeys(("name", "short_name", "index", "parent"), str)


def _odd(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the file says and we do not know: a slip of the hand is not passed over."""
    for name, content in told.items():
        if name == "units":
            if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
                yield "units: подразделения пишут как [[units]], каждое отдельно"
                continue
            for number, one in enumerate(content, start=1):
                yield from _odd_fields(f"units № {number}", one, _UNIT)
        elif name not in _SHAPE:
            yield f"раздел [{name}] неизвестен; есть: {', '.join([*_SHAPE, 'units'])}"
        elif not isinstance(content, dict):
            yield f"{name}: это раздел, его пишут как [{name}]"
        else:
            yield from _odd_fields(name, content, _SHAPE[name])


def _odd_fields(name: str, content: Mapping[str, Any], shape: Mapping[str, type]) -> Iterator[str]:
    for key, value in content.items():
        if key not in shape:
            yield f"{name}.{key}: нет такого поля; есть: {', '.join(shape)}"
        elif not isinstance(value, shape[key]):
            yield f"{name}.{key}: нужен {'список' if shape[key] is list else 'текст в кавычках'}"
        elif isinstance(value, list) and not all(isinstance(one, int if key == "years" else str) for one in value):
            yield f"{name}.{key}: в списке не то, что нужно"


# What is missing in the database


def begin() -> None:
    """Make the database ready; refuse one that already serves as a demo stand."""
    prepare.prepare()
    prepare.load_defaults()
    if installation.is_demo():
        raise NotReady(["эта база — учебный стенд, рабочей она не станет. Укажите другие OTKLIK_DATA и DATABASE_URL"])


def missing() -> set[str]:
    """Return what nobody has told yet: parts of `Answers` by name."""
    row = Department.objects.get(pk=1)
    lacking = {name for name in REQUISITES if not getattr(row, name)}
    if not Unit.objects.exists():
        lacking.add("units")
    if row.registry_unit_id is None:
        lacking.add("registry_unit")
    if not administrators():
        lacking.add("administrator")
    return lacking


def administrators() -> list[Employee]:
    """Return who can enter employees already."""
    today = timezone.localdate()
    known = Employee.objects.filter(is_active=True, assignments__role=ADMIN, assignments__valid_from__lte=today)
    return list(known.distinct())


def unit_names() -> list[str]:
    """Return the units there are."""
    return list(Unit.objects.values_list("name", flat=True))


def lacking(answers: Answers) -> list[str]:
    """Return what is neither in the database nor among the answers, and cannot be done without."""
    absent = missing()
    found = []
    if "address" in absent and not answers.department.get("address"):
        found.append("department.address: не указан почтовый адрес департамента")
    if "units" in absent and not answers.units:
        found.append("units: не указано ни одного подразделения")
    if "registry_unit" in absent and not answers.registry_unit:
        found.append("department.registry_unit: не указано, какое подразделение регистрирует обращения")
    if "administrator" in absent and not answers.administrator:
        found.append("administrator: не указан первый администратор")
    return found


# Checks of single answers, for the wizard and for the file alike


def check_email(text: str) -> str:
    """Say what is wrong with an address of e-mail; empty where nothing is."""
    try:
        validate_email(text)
    except ValidationError:
        return f"«{text}» — не адрес электронной почты"
    return ""


def check_year(text: str) -> str:
    """Say what is wrong with a year of the calendar."""
    return "" if text.isdecimal() and 2024 <= int(text) <= 2100 else f"«{text}» — не год календаря"


def check_base_url(text: str) -> str:
    """Say what is wrong with the address of the site."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        return f"«{text}»: нужен адрес вида https://otklik.example.ru"
    if parts.scheme == "http" and not settings.INSECURE_HTTP:
        return f"«{text}»: рабочей системе нужен https://. Для закрытой сети без сертификата: OTKLIK_INSECURE_HTTP=yes"
    return ""


def check_mailbox(text: str) -> str:
    """Say what is wrong with the address of a mailbox."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or not parts.hostname or not parts.username or " " in text:
        return f"«{without_password(text)}»: нужен адрес вида imaps://имя:пароль@сервер:993/INBOX"
    return ""


def check_smtp(text: str) -> str:
    """Say what is wrong with the address of the mail server for sending."""
    parts = urlsplit(text)
    if parts.scheme not in SMTP_SCHEMES or not parts.hostname:
        return f"«{without_password(text)}»: нужен адрес вида smtps://имя:пароль@сервер:465"
    return ""


def check_login(text: str) -> str:
    """Say what is wrong with a login."""
    if not _LOGIN.fullmatch(text):
        return f"«{text}»: имя для входа — латинские буквы, цифры, точка и дефис, от 2 до 31 знака"
    return f"сотрудник с именем «{text}» уже есть" if Employee.objects.filter(username=text).exists() else ""


def check_password(text: str, person: Mapping[str, str]) -> str:
    """Say what is wrong with a password."""
    try:
        validate_password(text, Employee(**{name: person.get(name, "") for name in ("last_name", "first_name")}))
    except ValidationError as exc:
        return f"пароль: {' '.join(exc.messages)}"
    return ""


def without_password(url: str) -> str:
    """Return the address as it may be shown."""
    return re.sub(r"(?<=:)[^:@/]+(?=@)", "•••", url)


def problems(answers: Answers) -> list[str]:
    """Return everything wrong with the answers, in words."""
    return [one for one in _problems(answers) if one]


def _problems(answers: Answers) -> Iterator[str]:
    yield from lacking(answers)
    for name, value in answers.department.items():
        limit = getattr(Department._meta.get_field(name), "max_length", 300)
        yield f"department.{name}: длиннее {limit} знаков" if len(value) > limit else ""
    if email := answers.department.get("email"):
        yield check_email(email)
    yield from _unit_problems(answers)
    if answers.pattern:
        yield wrong_pattern(answers.pattern)
    yield from (check_year(str(year)) for year in answers.years)
    if answers.base_url:
        yield check_base_url(answers.base_url)
    yield from map(check_mailbox, answers.mailboxes)
    if answers.smtp_url:
        yield check_smtp(answers.smtp_url)
    if answers.administrator and "administrator" in missing():
        yield from _person_problems(answers)


def _unit_problems(answers: Answers) -> Iterator[str]:
    known = set(Unit.objects.values_list("name", flat=True))
    told = [one.get("name", "").strip() for one in answers.units]
    for number, (one, name) in enumerate(zip(answers.units, told, strict=True), start=1):
        if not name:
            yield f"units № {number}: нет названия"
        elif told.count(name) > 1:
            yield f"units: «{name}» указано дважды"
        elif len(name) > 300 or len(one.get("short_name", "")) > 100 or len(one.get("index", "")) > 10:
            yield f"units: «{name[:60]}…»: название до 300 знаков, краткое до 100, индекс до 10"
        if (parent := one.get("parent")) and parent not in known | set(told[: number - 1]):
            yield f"units: «{name}» входит в «{parent}», а такого подразделения выше по списку нет"
    if answers.registry_unit and answers.registry_unit not in known | set(told):
        yield f"department.registry_unit: подразделения «{answers.registry_unit}» нет в списке"
    unit = answers.administrator.get("unit")
    if unit and unit not in known | set(told):
        yield f"administrator.unit: подразделения «{unit}» нет в списке"


def _person_problems(answers: Answers) -> Iterator[str]:
    person = answers.administrator
    yield check_login(person.get("login", ""))
    yield from (f"administrator.{name}: не указано" for name in ("last_name", "first_name") if not person.get(name))
    yield from (
        f"administrator.{name}: длиннее 150 знаков"
        for name in PERSON
        if name != "post" and len(person.get(name, "")) > 150
    )
    if answers.password:
        yield check_password(answers.password, person)


# Writing


@transaction.atomic
def write(answers: Answers) -> Done:
    """Write everything at once and make this a working system; refuse answers that are not whole."""
    if found := problems(answers):
        raise NotReady(found)
    installation.mark(Installation.Kind.PRODUCTION)
    units = _write_units(answers)
    _write_department(answers, units)
    if answers.pattern and answers.pattern != _pattern():
        NumberPattern.objects.update_or_create(valid_from=timezone.localdate(), defaults={"pattern": answers.pattern})
        journal.record("system.set_up", chain="system", by=None, what="numbering", pattern=answers.pattern)
    calendar.load(year for year in answers.years if not CalendarYear.objects.filter(year=year).exists())
    entered = _write_administrator(answers, units)
    return replace(entered, employees=_write_staff(answers.staff)) if answers.staff else entered


def _write_staff(sheet: Path) -> int:
    """Take in the employees of a spreadsheet, return how many; for one wrong row nothing at all is written."""
    try:
        with sheet.open("rb") as file:
            rows = staff_import.read(file, sheet.name)
    except OSError as exc:
        raise NotReady([f"staff.file: «{sheet}» не открывается: {exc.strerror}"]) from None
    except sheets.BadSheet as refusal:
        raise NotReady([f"staff.file: {refusal}"]) from None
    lines = staff_import.plan(rows)
    refused = [f"staff.file, строка {one.number}: {' '.join(one.why)}" for one in lines if one.verdict == "refuse"]
    if refused:
        raise NotReady(refused)
    [by, *_] = administrators()
    return len(staff_import.apply(rows, agreed=staff_import.fingerprint(lines), by=by).created)


def _pattern() -> str | None:
    newest = NumberPattern.objects.filter(valid_from__lte=timezone.localdate()).order_by("-valid_from").first()
    return newest.pattern if newest else None


def _write_units(answers: Answers) -> dict[str, Unit]:
    units = {one.name: one for one in Unit.objects.all()}
    today = timezone.localdate()
    for one in answers.units:
        name = one["name"].strip()
        if name in units:
            continue
        short = one.get("short_name", "").strip() or name[:100]
        parent = units[one["parent"]] if one.get("parent") else None
        units[name] = Unit.objects.create(
            name=name, short_name=short, index=one.get("index", ""), parent=parent, valid_from=today
        )
        journal.record("system.set_up", chain="system", by=None, what="unit", unit=units[name].pk)
    return units


def _write_department(answers: Answers, units: Mapping[str, Unit]) -> None:
    changed: dict[str, Any] = {name: value.strip() for name, value in answers.department.items() if value.strip()}
    if answers.registry_unit:
        changed["registry_unit"] = units[answers.registry_unit]
        knowledge.plant_general(units[answers.registry_unit])
    if not changed:
        return
    Department.objects.filter(pk=1).update(**changed)
    if changed.get("email"):
        ContactPoint.objects.filter(code="email-info", address="").update(address=changed["email"])
    journal.record("system.set_up", chain="system", by=None, what="department", fields=sorted(changed))


def _write_administrator(answers: Answers, units: Mapping[str, Unit]) -> Done:
    if not answers.administrator or "administrator" not in missing():
        return Done("", "")
    person = dict(answers.administrator)
    login, unit = person.pop("login"), units.get(person.pop("unit", ""))
    made = "" if answers.password else secrets.token_urlsafe(12)
    employee = Employee.objects.create_user(
        login,
        password=answers.password or made,
        unit=unit,
        temporary_until=timezone.now() + resets.TEMPORARY_FOR if made else None,
        **person,
    )
    RoleAssignment.objects.create(
        employee=employee,
        role=Role.objects.get(code=ADMIN),
        valid_from=timezone.localdate(),
        basis="первый администратор (otklik init)",
    )
    journal.record("system.set_up", chain="system", by=None, what="administrator", employee=employee.pk)
    return Done(login, made)


def write_environment(path: Path, answers: Answers) -> list[str]:
    """Add to the services' environment file what it does not say yet; return the names that were added."""
    host = urlsplit(answers.base_url).hostname
    wanted = {
        "OTKLIK_DATA": str(settings.DATA),
        "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
        "OTKLIK_BASE_URL": answers.base_url,
        "OTKLIK_ALLOWED_HOSTS": f"{host},127.0.0.1,localhost" if host else "",
        "OTKLIK_TRUSTED_PROXIES": "127.0.0.1" if answers.base_url.startswith("https://") else "",
        "OTKLIK_INSECURE_HTTP": "yes" if answers.base_url.startswith("http://") else "",
        "OTKLIK_TIME_ZONE": settings.TIME_ZONE,
        "OTKLIK_MAILBOXES": " ".join(answers.mailboxes),
        "OTKLIK_SMTP_URL": answers.smtp_url,
    }
    was = (
        path.read_text(encoding="utf-8") if path.exists() else "# Настройки служб Отклика; пароли внутри, права 0600.\n"
    )
    said = {line.split("=", 1)[0].strip() for line in was.splitlines() if "=" in line and not line.startswith("#")}
    new = {name: value for name, value in wanted.items() if value and name not in said}
    if new:
        _replace(path, was.rstrip("\n") + "\n" + "".join(f"{name}={_quoted(value)}\n" for name, value in new.items()))
    return list(new)


def _quoted(value: str) -> str:
    """Return the value as systemd and a shell both read it."""
    return '"' + re.sub(r'([\\"$`])', r"\\\1", value) + '"'


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    with open(part, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
