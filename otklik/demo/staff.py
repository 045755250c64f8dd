"""The demo department: units, employees with an account for every role. Nobody here can be taken for a real person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.hashers import make_password

from otklik.people.models import Department, Employee, RoleAssignment, Unit

PASSWORD = "uchebny-stend"  # noqa: S105 - shown on the sign-in page of a demo stand, useless elsewhere
SINCE = date(2024, 1, 1)

UNITS = {
    "head": ("Руководство департамента", "Руководство", ""),
    "registry": ("Отдел организационной и кадровой работы", "Отдел организационной работы", "01"),
    "land": (
        "Отдел реализации перераспределённых полномочий по распоряжению земельными участками",
        "Отдел распоряжения землёй",
        "02",
    ),
    "rent": ("Отдел аренды земельных участков", "Отдел аренды земли", "03"),
    "property": ("Отдел управления государственным имуществом", "Отдел имущества", "04"),
    "auctions": ("Отдел торгов и приватизации", "Отдел торгов", "05"),
    "cadastre": ("Отдел кадастровой оценки и учёта", "Отдел кадастра", "06"),
    "law": ("Юридический отдел", "Юридический отдел", "07"),
}


@dataclass(frozen=True)
class Person:
    """One account of the stand."""

    login: str
    last: str
    first: str
    patronymic: str
    post: str
    unit: str
    roles: tuple[str, ...]


PEOPLE = [
    Person("clerk", "Примерова", "Елена", "Викторовна", "консультант", "registry", ("clerk",)),
    Person("clerk2", "Учебникова", "Ольга", "Игоревна", "главный специалист", "registry", ("clerk",)),
    Person("head0", "Стендова", "Галина", "Петровна", "начальник отдела", "registry", ("clerk", "head")),
    Person("executor1", "Макетов", "Илья", "Сергеевич", "консультант", "land", ("executor",)),
    Person("executor2", "Черновикова", "Анна", "Павловна", "главный специалист", "rent", ("executor",)),
    Person("executor3", "Образцов", "Денис", "Олегович", "консультант", "property", ("executor",)),
    Person("executor4", "Шаблонова", "Юлия", "Андреевна", "ведущий специалист", "auctions", ("executor",)),
    Person("executor5", "Проектов", "Максим", "Юрьевич", "консультант", "cadastre", ("executor",)),
    Person("executor6", "Сноскина", "Вера", "Львовна", "консультант", "law", ("executor",)),
    Person("head1", "Эталонов", "Сергей", "Николаевич", "начальник отдела", "land", ("head", "kb_author")),
    Person("head2", "Ситуацина", "Марина", "Фёдоровна", "начальник отдела", "rent", ("head",)),
    Person("head3", "Показателев", "Борис", "Ильич", "начальник отдела", "property", ("head",)),
    Person("head4", "Торгашова-Учебная", "Инна", "Львовна", "начальник отдела", "auctions", ("head",)),
    Person("head5", "Межевиков", "Глеб", "Романович", "начальник отдела", "cadastre", ("head",)),
    Person("head6", "Параграфова", "Нина", "Юрьевна", "начальник отдела", "law", ("head",)),
    Person("signer", "Вымышленов", "Аркадий", "Петрович", "заместитель руководителя департамента", "head", ("signer",)),
    Person("signer2", "Сказкин", "Роман", "Ильич", "руководитель департамента", "head", ("signer",)),
    Person("kbauthor", "Абзацева", "Дарья", "Олеговна", "консультант", "land", ("kb_author",)),
    Person("kbchief", "Рубрикина", "Лидия", "Марковна", "консультант", "registry", ("kb_chief",)),
    Person("consultant", "Телефонова", "Софья", "Денисовна", "специалист", "registry", ("consultant",)),
    Person("receptionist", "Приёмная", "Алла", "Егоровна", "секретарь", "registry", ("receptionist",)),
    Person("admin", "Настройкин", "Павел", "Антонович", "администратор системы", "registry", ("admin",)),
    Person("auditor", "Проверкина", "Тамара", "Борисовна", "аудитор", "law", ("auditor",)),
]


def load() -> tuple[dict[str, Unit], dict[str, Employee]]:
    """Make the department; return its units by code and its employees by login."""
    units: dict[str, Unit] = {}
    for code, (name, short, index) in UNITS.items():
        parent = units.get("head")
        units[code], _ = Unit.objects.get_or_create(
            name=name, defaults={"short_name": short, "index": index, "parent": parent, "valid_from": SINCE}
        )
    Department.objects.update_or_create(
        pk=1,
        defaults={
            "name": "Департамент имущества и земельных отношений Примерной области",
            "name_genitive": "Департамента имущества и земельных отношений Примерной области",
            "short_name": "Департамент имущества и земли (учебный)",
            "address": "000000, г. Примерск, Учебный проспект, д. 1",
            "phone": "238-60-02, 238-60-62",
            "email": "info@department.example",
            "site": "department.example",
            "requisites": "ОКПО 00000000, ОГРН 0000000000000, ИНН/КПП 0000000000/000000000",
            "registry_unit": units["registry"],
        },
    )
    password = make_password(PASSWORD)  # one hash for all: hashing takes most of the loading time
    people = {one.login: _employee(one, units, password) for one in PEOPLE}
    return units, people


def _employee(one: Person, units: dict[str, Unit], password: str) -> Employee:
    employee, made = Employee.objects.get_or_create(
        username=one.login,
        defaults={
            "last_name": one.last,
            "first_name": one.first,
            "patronymic": one.patronymic,
            "post": one.post,
            "unit": units[one.unit],
            "email": f"{one.login}@department.example",
            "phone": "238-60-00",
            "password": password,
        },
    )
    if made:
        RoleAssignment.objects.bulk_create(
            [
                RoleAssignment(employee=employee, role_id=code, valid_from=SINCE, basis="учебный стенд")
                for code in one.roles
            ]
        )
    return employee
