"""Employees out of the department's directory (FreeIPA, ALD Pro, Active Directory): who is in it, who signs in by it.

`read` → rows as of a spreadsheet, which `people.staff_import` judges and keeps; `gone` → whom the directory no longer
knows. It only reads the directory and blocks nobody: whoever left has duties to be handed over first.

The library is ldap3: pure Python, so it travels in the bundle as a wheel. python-ldap and bonsai are compiled against
OpenLDAP and have no wheels for Linux. It is rarely released, as the protocol is; nothing outside this module names it.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from otklik.core.errors import DomainError
from otklik.core.sheets import Row
from otklik.people.models import Employee

if TYPE_CHECKING:
    from ldap3 import Connection

logger = logging.getLogger(__name__)

MOST: Final = 5000  # entries; more is a wrong base or filter
SECONDS: Final = 10
PORTS: Final = {"ldaps": 636, "ldap": 389, "ldap+starttls": 389}
ATTRIBUTES: Final = {
    "username": "uid",
    "last_name": "sn",
    "first_name": "givenName",
    "patronymic": "",
    "post": "title",
    "unit": "ou",
    "email": "mail",
    "phone": "telephoneNumber",
}
_WHOLE_NAME: Final = ("displayName", "cn")
_LOCKS: Final = ("nsAccountLock", "userAccountControl")
_AD_DISABLED: Final = 2


class DirectoryFailed(DomainError):
    """The directory gave nothing: it is not named, not reached, or does not let us in."""

    code = "people.directory_failed"
    text = "Каталог сотрудников не прочитан: {what}"
    status = 503


@dataclass(frozen=True)
class Person:
    """One entry: where it stands, what it says, whether its account is shut there."""

    dn: str
    cells: dict[str, str]
    locked: bool = False


def is_configured() -> bool:
    """Tell whether a directory is named in the settings."""
    return bool(settings.LDAP_URL and settings.LDAP_BASE)


def read() -> list[Row]:
    """Return the employees whom the directory knows and lets in, as rows of a list; raise DirectoryFailed."""
    people = [one for one in _people(settings.LDAP_FILTER) if not one.locked]
    if len(people) > MOST:
        raise DirectoryFailed(what=f"в нём больше {MOST} записей. Уточните OTKLIK_LDAP_BASE или OTKLIK_LDAP_FILTER.")
    people.sort(key=lambda one: (one.cells["last_name"], one.cells["username"]))
    return [Row(number, one.cells) for number, one in enumerate(people, start=1)]


def gone(rows: Iterable[Row]) -> list[Employee]:
    """Return the employees who work here by our list and not by the directory's; guests are of other organisations."""
    known = {row.cells["username"].lower() for row in rows}
    active = Employee.objects.filter(is_active=True).select_related("unit")
    return [one for one in active if one.username.lower() not in known and not one.is_guest]


def lets_in(login: str, password: str) -> bool:
    """Tell whether the directory takes this password of this person; raise DirectoryFailed where it does not answer."""
    if not password:  # a bind without a password succeeds as nobody's
        return False
    from ldap3.utils.conv import escape_filter_chars

    attribute = _attributes()["username"]
    found = list(_people(f"(&{settings.LDAP_FILTER}({attribute}={escape_filter_chars(login)}))"))
    if len(found) != 1 or found[0].locked:
        return False
    try:
        with _connected(found[0].dn, password):
            return True
    except _WrongPassword:
        return False


class DirectoryBackend(ModelBackend):
    """Lets in employees we know whose password the directory takes; it makes nobody, and roles stay ours."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Employee | None:
        """Return the employee; None where the directory refuses or is silent: passwords kept here still let in."""
        if not username or not password:
            return None
        employee = Employee.objects.filter(username__iexact=username, is_active=True).first()
        if employee is None:
            return None
        try:
            return employee if lets_in(employee.username, password) else None
        except DirectoryFailed as silent:
            logger.warning("sign-in by the directory: %s", silent.code)
            return None


class _WrongPassword(DirectoryFailed):
    """The directory answers and does not take the name or the password."""


def _attributes() -> dict[str, str]:
    """Return what each column is called in the directory."""
    names = dict(ATTRIBUTES)
    for pair in settings.LDAP_ATTRIBUTES:
        ours, _, theirs = pair.partition("=")
        if ours.strip() not in names:
            raise DirectoryFailed(
                what=f"OTKLIK_LDAP_ATTRIBUTES: «{ours.strip()}» незнакомо. Бывают: {', '.join(ATTRIBUTES)}."
            )
        names[ours.strip()] = theirs.strip()
    return names


def _people(condition: str) -> Iterator[Person]:
    if not is_configured():
        raise DirectoryFailed(what="он не подключён. Укажите OTKLIK_LDAP_URL и OTKLIK_LDAP_BASE.")
    from ldap3 import SUBTREE
    from ldap3.core.exceptions import LDAPException, LDAPInvalidFilterError, LDAPNoSuchObjectResult

    names = _attributes()
    wanted = [*(name for name in names.values() if name), *_WHOLE_NAME, *_LOCKS]
    try:
        with _connected(settings.LDAP_BIND_DN, settings.LDAP_PASSWORD) as connection:
            entries = connection.extend.standard.paged_search(
                settings.LDAP_BASE, condition, SUBTREE, attributes=wanted, paged_size=500, generator=True
            )
            for number, entry in enumerate(one for one in entries if one["type"] == "searchResEntry"):
                if number > MOST:
                    return
                yield _person(entry["dn"], entry["attributes"], names)
    except LDAPNoSuchObjectResult:
        raise DirectoryFailed(what=f"в нём нет «{settings.LDAP_BASE}». Проверьте OTKLIK_LDAP_BASE.") from None
    except LDAPInvalidFilterError:
        raise DirectoryFailed(what=f"условие «{condition}» не читается. Проверьте OTKLIK_LDAP_FILTER.") from None
    except LDAPException as failed:
        raise DirectoryFailed(what=f"сервер ответил отказом ({type(failed).__name__}).") from failed


def _person(dn: str, said: dict[str, Any], names: dict[str, str]) -> Person:
    lower = {name.lower(): value for name, value in said.items()}

    def text(name: str) -> str:
        value = lower.get(name.lower()) if name else None
        first = next(iter(value), "") if isinstance(value, list) else value
        return " ".join(str(first or "").split()) if not isinstance(first, bytes) else ""

    cells = {ours: text(theirs) for ours, theirs in names.items()}
    if not cells["patronymic"]:
        cells |= _patronymic(cells, text(_WHOLE_NAME[0]) or text(_WHOLE_NAME[1]))
    control = text("userAccountControl")
    locked = text("nsAccountLock").upper() == "TRUE" or (control.isdecimal() and bool(int(control) & _AD_DISABLED))
    return Person(dn, cells, locked)


def _patronymic(cells: dict[str, str], whole: str) -> dict[str, str]:
    """Return first name and patronymic where the directory keeps no patronymic apart: in either name, or nowhere."""
    first = cells["first_name"].split()
    if len(first) == 2:
        return {"first_name": first[0], "patronymic": first[1]}
    words = whole.split()
    if len(words) == 3 and words[:2] == [cells["last_name"], cells["first_name"]]:
        return {"patronymic": words[2]}
    return {}


@contextmanager
def _connected(user: str, password: str) -> Iterator[Connection]:
    """Yield a connection that has proved who it is; certificates are checked."""
    from ldap3 import ANONYMOUS, NONE, SIMPLE, Connection, Server, Tls
    from ldap3.core.exceptions import LDAPException, LDAPInvalidCredentialsResult, LDAPSocketOpenError

    parts = urlsplit(settings.LDAP_URL)
    if parts.scheme not in PORTS or not parts.hostname:
        raise DirectoryFailed(what="адрес OTKLIK_LDAP_URL не читается. Пример: ldaps://ipa.department.ru")
    try:
        tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.LDAP_CA or None)
        server = Server(
            parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            use_ssl=parts.scheme == "ldaps",
            tls=tls,
            get_info=NONE,
            connect_timeout=SECONDS,
        )
        connection = Connection(
            server,
            user=user or None,
            password=password or None,
            authentication=SIMPLE if user else ANONYMOUS,
            read_only=True,
            receive_timeout=SECONDS,
            raise_exceptions=True,
        )
        connection.open()
        if parts.scheme == "ldap+starttls":
            connection.start_tls()
        connection.bind()
    except LDAPInvalidCredentialsResult:
        raise _WrongPassword(
            what="он не принял имя или пароль. Проверьте OTKLIK_LDAP_BIND_DN и OTKLIK_LDAP_PASSWORD."
        ) from None
    except LDAPSocketOpenError as failed:
        why = (
            "сертификат не проверен: укажите OTKLIK_LDAP_CA" if "CERTIFICATE" in str(failed).upper() else "не отвечает"
        )
        raise DirectoryFailed(what=f"сервер {parts.hostname} {why}.") from None
    except (LDAPException, OSError) as failed:
        raise DirectoryFailed(what=f"сервер {parts.hostname} не пустил ({type(failed).__name__}).") from None
    try:
        yield connection
    finally:
        connection.unbind()
