"""The demo department: units, employees with accounts for every role. All names are made up and sound so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from otklik.people.models import Department, Employee, Role, RoleAssignment, Unit

PASSWORD: Final = "uchebny-stend"  # noqa: S105 - of a stand that holds nothing real; shown on its sign-in page
SINCE: Final = date(2024, 8, 16)

# code: index, name, short name. Those marked with the order's words are named there; the others are plausible.
UNITS: Final = {
    "office": (
        "01",
        "Отдел организационной и кадровой работы",
        "Отдел организационной и кадровой работы",
    ),
    "land": (
        "02",
        "Отдел реализации перераспределённых полномочий по распоряжению земельными участками",
        "Отдел распоряжения земельными участками",
    ),
    "law": ("03", "Юридический отдел", "Юридический отдел"),
    "rent": ("04", "Отдел аренды земли и имущества", "Отдел аренды"),
    "property": ("05", "Отдел управления государственным имуществом", "Отдел имущества"),
    "registry": ("06", "Отдел ведения реестра государственного имущества", "Отдел реестра"),
    "auctions": ("07", "Отдел приватизации и торгов", "Отдел приватизации и торгов"),
    "cadastre": ("08", "Отдел кадастровой оценки и землеустройства", "Отдел кадастровой оценки"),
}


@dataclass(frozen=True)
class Account:
    """One employee of the stand."""

    login: str
    role: str
    unit: str | None
    last_name: str
    first_name: str
    patronymic: str
    post: str


ACCOUNTS: Final = (
    Account("clerk", "clerk", "office", "Учётова", "Елена", "Примеровна", "главный специалист"),
    Account("clerk2", "clerk", "office", "Журналова", "Ольга", "Образцовна", "специалист 1 разряда"),
    Account("executor1", "executor", "land", "Участкова", "Мария", "Примеровна", "консультант"),
    Account("executor2", "executor", "rent", "Договоркин", "Павел", "Шаблонович", "главный специалист"),
    Account("executor3", "executor", "property", "Балансов", "Игорь", "Учебнович", "консультант"),
    Account("executor4", "executor", "auctions", "Молоточкова", "Анна", "Образцовна", "ведущий специалист"),
    Account("executor5", "executor", "registry", "Выпискина", "Дарья", "Примеровна", "главный специалист"),
    Account("executor6", "executor", "cadastre", "Межевалов", "Антон", "Шаблонович", "консультант"),
    Account("executor7", "executor", "law", "Статейкин", "Олег", "Учебнович", "консультант-юрист"),
    Account("head1", "head", "land", "Согласуева", "Ирина", "Образцовна", "начальник отдела"),
    Account("head2", "head", "rent", "Визиркин", "Сергей", "Примерович", "начальник отдела"),
    Account("head3", "head", "property", "Планёркин", "Виктор", "Шаблонович", "начальник отдела"),
    Account("signer", "signer", None, "Подписантов", "Андрей", "Образцович", "заместитель руководителя департамента"),
    Account("kbauthor", "kb_author", "land", "Статьянова", "Вера", "Учебновна", "консультант"),
    Account("kbchief", "kb_chief", "office", "Редакторская", "Нина", "Примеровна", "главный специалист"),
    Account("lawyer", "lawyer", "law", "Нормативкина", "Софья", "Примеровна", "главный специалист-юрист"),
    Account("consultant", "consultant", "office", "Трубкина", "Алла", "Образцовна", "специалист-эксперт"),
    Account("consultant2", "consultant", "office", "Внимательных", "Раиса", "Примеровна", "специалист-эксперт"),
    Account("ekc", "ekc_operator", None, "Справочкин", "Глеб", "Учебнович", "оператор контакт-центра"),
    Account("receptionist", "receptionist", "office", "Приёмова", "Юлия", "Шаблоновна", "секретарь приёмной"),
    Account("admin", "admin", "office", "Настройкин", "Кирилл", "Учебнович", "администратор"),
    Account("auditor", "auditor", "law", "Проверялов", "Денис", "Примерович", "консультант"),
)
# A head also stands over units that have none of their own on the stand.
OVERSEES: Final = {"head2": ("auctions",), "head3": ("registry", "cadastre", "law")}

# An executor who writes materials, too: from answers of his own.
WRITES_TOO: Final = "executor1"


def load() -> tuple[dict[str, Unit], dict[str, Employee]]:
    """Return the units by code and the employees by login, made as an administrator would."""
    units = {
        code: Unit.objects.create(index=index, name=name, short_name=short, valid_from=SINCE)
        for code, (index, name, short) in UNITS.items()
    }
    people = {one.login: _employee(one, units) for one in ACCOUNTS}
    for login, codes in OVERSEES.items():
        for code in codes:
            _assign(people[login], "head", units[code])
    _assign(people[WRITES_TOO], "kb_author", None)
    Department.objects.filter(pk=1).update(
        registry_unit=units["office"],
        address="630000, г. Новосибирск, ул. Учебная, д. 1",
        phone="8 (383) 238-60-02, 8 (383) 238-60-62",
        email="info@department.example",
        site="department.example",
        requisites="учебные реквизиты: ОКПО 00000000, ОГРН 0000000000000",
    )
    return units, people


def _employee(one: Account, units: dict[str, Unit]) -> Employee:
    employee = Employee(
        username=one.login,
        last_name=one.last_name,
        first_name=one.first_name,
        patronymic=one.patronymic,
        post=one.post,
        unit=units[one.unit] if one.unit else None,
        email=f"{one.login}@department.example",
        phone="8 (383) 238-60-02",
    )
    employee.password = _password()
    employee.save()
    _assign(employee, one.role, None)
    return employee


def _assign(employee: Employee, role: str, unit: Unit | None) -> None:
    RoleAssignment.objects.create(
        employee=employee,
        role=Role.objects.get(code=role),
        unit=unit,
        valid_from=SINCE,
        basis="учебный стенд",
    )


_hashed: dict[str, str] = {}


def _password() -> str:
    """Return the one password, hashed once: hashing is slow on purpose."""
    from django.contrib.auth.hashers import make_password

    if PASSWORD not in _hashed:
        _hashed[PASSWORD] = make_password(PASSWORD)
    return _hashed[PASSWORD]
