"""Employees from a spreadsheet: a dry run, then all good rows or none; nothing in a file is ever run."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from otklik.core import files, sheets
from otklik.core.models import JournalEntry
from otklik.core.sheets import BadSheet
from otklik.people import accounts, staff, staff_import
from otklik.people.models import Employee, Role, RoleAssignment, Transfer, Unit
from otklik.people.staff_import import COLUMNS, Line

pytestmark = pytest.mark.django_db
TITLES = list(COLUMNS.values())


@pytest.fixture(autouse=True)
def house(db: None) -> None:
    for name in ("Отдел земли", "Отдел аренды"):
        Unit.objects.create(name=name, short_name=name, valid_from=date(2024, 1, 1))


@pytest.fixture
def admin() -> Employee:
    return Employee.objects.create_user("admin", password=None, last_name="Настройкина", first_name="Анна")


def sheet(*rows: list[Any], titles: list[str] = TITLES) -> BytesIO:
    book = Workbook()
    for row in (titles, *rows):
        book.active.append(row)
    written = BytesIO()
    book.save(written)
    written.seek(0)
    return written


def row(login: str, **cells: Any) -> list[Any]:
    known = {"username": login, "last_name": "Примерова", "first_name": "Вера", **cells}
    return [known.get(name) for name in COLUMNS]


def plan(*rows: list[Any], titles: list[str] = TITLES) -> list[Line]:
    return staff_import.plan(staff_import.read(sheet(*rows, titles=titles), "staff.xlsx"))


def load(*rows: list[Any], by: Employee) -> staff_import.Done:
    read = staff_import.read(sheet(*rows), "staff.xlsx")
    return staff_import.apply(read, agreed=staff_import.fingerprint(staff_import.plan(read)), by=by)


def test_the_sample_is_read_and_its_examples_can_be_kept(admin: Employee) -> None:
    read = staff_import.read(BytesIO(staff_import.sample()), "sotrudniki.xlsx")
    lines = staff_import.plan(read)
    assert [line.verdict for line in lines] == ["create", "create"]
    book = load_workbook(BytesIO(staff_import.sample()))
    assert [cell.value for cell in book.worksheets[1]["A"]][1:3] == ["Отдел аренды", "Отдел земли"]


def test_a_dry_run_says_what_each_row_would_do_and_changes_nothing(admin: Employee) -> None:
    known = accounts.create(accounts.Facts("petrova", "Петрова", "Елена"), unit=None, by=admin)
    before = Employee.objects.count(), JournalEntry.objects.count()
    lines = plan(
        row("new", unit="отдел земли", roles="исполнитель; начальник подразделения"),
        row("PETROVA", last_name="Петрова", first_name="Елена", phone="238-60-02"),
        row("petrova", last_name="Петрова", first_name="Елена"),
        row("bad", unit="Отдел чудес", roles="волшебник"),
        row("плохо", last_name="Я" * 300),
    )
    assert [(line.number, line.verdict) for line in lines] == [
        (2, "create"),
        (3, "change"),
        (4, "refuse"),
        (5, "refuse"),
        (6, "refuse"),
    ]
    assert "роль «исполнитель»" in lines[0].what[1]
    assert "рабочий телефон: было «—», станет «238-60-02»" in lines[1].what
    assert "в строке 3" in lines[2].why[0]
    assert ["чудес" in lines[3].why[0], "волшебник" in lines[3].why[1]] == [True, True]
    assert "300 знаков" in " ".join(lines[4].why)
    assert (Employee.objects.count(), JournalEntry.objects.count()) == before
    assert known.username == "petrova"


def test_good_rows_are_kept_and_refused_ones_left_out(admin: Employee) -> None:
    done = load(row("new", unit="Отдел земли", roles="executor"), row("bad", roles="волшебник"), by=admin)
    assert [one.username for one in done.created] == ["new"]
    made = Employee.objects.get(username="new")
    assert "appeals.draft" in staff.powers_of(made, timezone.localdate())
    assert not made.has_usable_password()
    assert not Employee.objects.filter(username="bad").exists()


def test_a_second_import_of_the_same_sheet_changes_nothing(admin: Employee) -> None:
    rows = [row("new", unit="Отдел земли", roles="исполнитель", post="консультант")]
    load(*rows, by=admin)
    before = JournalEntry.objects.count()
    done = load(*rows, by=admin)
    assert (done.created, done.changed, JournalEntry.objects.count()) == ([], 0, before)


def test_an_empty_cell_leaves_what_is_known_and_roles_are_only_added(admin: Employee) -> None:
    load(row("new", unit="Отдел земли", roles="исполнитель", post="консультант"), by=admin)
    load(row("new", roles="начальник подразделения", unit="Отдел аренды"), by=admin)
    made = Employee.objects.get(username="new")
    assert (made.post, str(made.unit)) == ("консультант", "Отдел аренды")
    assert set(RoleAssignment.objects.filter(employee=made).values_list("role", flat=True)) == {"executor", "head"}


def test_a_later_day_begins_role_and_move_then(admin: Employee) -> None:
    later = timezone.localdate() + timedelta(days=10)
    load(row("new", unit="Отдел земли"), by=admin)
    load(
        row("new", unit="Отдел аренды", roles="executor", since=datetime(later.year, later.month, later.day)), by=admin
    )
    assert RoleAssignment.objects.get().valid_from == Transfer.objects.get(done=False).starts_on == later
    assert str(Employee.objects.get(username="new").unit) == "Отдел земли"
    [line] = plan(row("new", unit="Отдел аренды"))
    assert (line.verdict, "уже назначен" in line.why[0]) == ("refuse", True)


@pytest.mark.parametrize(
    ("since", "why"), [("01.01.2020", "уже прошла"), ("завтра", "не прочитана"), ("31.02.2027", "не прочитана")]
)
def test_a_day_past_or_unreadable_is_refused(since: str, why: str) -> None:
    [line] = plan(row("new", since=since))
    assert why in line.why[0]


def test_a_formula_is_named_by_its_address_and_never_reckoned(admin: Employee) -> None:
    rows = [row("new", post='=HYPERLINK("http://evil.example","x")'), row("=1+1"), row("good")]
    lines = plan(*rows)
    assert [line.verdict for line in lines] == ["refuse", "refuse", "create"]
    assert "ячейка E2: формула" in lines[0].why[0]
    assert "ячейка A3: формула" in lines[1].why[0]
    assert [one.username for one in load(*rows, by=admin).created] == ["good"]


def test_a_failure_in_one_row_undoes_all(admin: Employee, monkeypatch: pytest.MonkeyPatch) -> None:
    read = staff_import.read(sheet(row("first"), row("second")), "staff.xlsx")
    agreed = staff_import.fingerprint(staff_import.plan(read))
    create = accounts.create

    def fails(facts: accounts.Facts, **given: Any) -> Employee:
        if facts.username == "second":
            raise accounts.BadFacts({"username": "занято"})
        return create(facts, **given)

    monkeypatch.setattr(accounts, "create", fails)
    before = Employee.objects.count(), JournalEntry.objects.count()
    with pytest.raises(accounts.BadFacts):
        staff_import.apply(read, agreed=agreed, by=admin)
    assert (Employee.objects.count(), JournalEntry.objects.count()) == before


def test_staff_changed_after_the_dry_run_is_told_and_nothing_is_kept(admin: Employee) -> None:
    read = staff_import.read(sheet(row("first"), row("second")), "staff.xlsx")
    agreed = staff_import.fingerprint(staff_import.plan(read))
    accounts.create(accounts.Facts("first", "Другая", "Инна"), unit=None, by=admin)
    before = Employee.objects.count(), JournalEntry.objects.count()
    with pytest.raises(staff_import.PlanChanged):
        staff_import.apply(read, agreed=agreed, by=admin)
    assert (Employee.objects.count(), JournalEntry.objects.count()) == before


def test_a_blocked_employee_is_not_changed(admin: Employee) -> None:
    made = accounts.create(accounts.Facts("petrova", "Петрова", "Елена"), unit=None, by=admin)
    Employee.objects.filter(pk=made.pk).update(is_active=False)
    [line] = plan(row("petrova", phone="1"))
    assert "заблокирована" in line.why[0]


def test_columns_may_stand_in_any_order_and_unknown_ones_are_named() -> None:
    read = staff_import.read(sheet(["Вера", "vera", "Примерова"], titles=["имя", "ЛОГИН", "Фамилия"]), "a.xlsx")
    assert read[0].cells == {"first_name": "Вера", "username": "vera", "last_name": "Примерова"}
    for titles, why in (
        (["Имя для входа", "Фамилия"], "нет столбцов: Имя"),
        (["Имя для входа", "Фамилия", "Имя", "Оклад"], "«Оклад» незнаком"),
        (["Имя для входа", "Логин", "Фамилия", "Имя"], "встречается дважды"),
    ):
        with pytest.raises(BadSheet, match=why):
            staff_import.read(sheet(["a", "b", "c", "d"], titles=titles), "a.xlsx")


def packed(parts: dict[str, bytes]) -> BytesIO:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    made.seek(0)
    return made


def unpacked(book: BytesIO) -> dict[str, bytes]:
    with zipfile.ZipFile(book) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    parts = unpacked(sheet(row("a")))
    parts["xl/sharedStrings.xml"] = b"<sst>" + b"<si><t>a</t></si>" * 2_000_000 + b"</sst>"
    with pytest.raises(BadSheet, match="слишком велик"):
        staff_import.read(packed(parts), "bomb.xlsx")


def test_entities_that_swell_are_refused() -> None:
    parts = unpacked(sheet(row("a")))
    lol = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"):
        swollen = {**parts, name: lol + parts[name]}
        with pytest.raises(BadSheet):
            staff_import.read(packed(swollen), "lol.xlsx")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "empty.xlsx"),
        (b"login;name", "staff.xlsx"),
        (b"login;name", "staff.csv"),
        (b"MZ\x90\x00 program", "staff.xlsx"),
        (b"PK\x03\x04 broken", "staff.xlsx"),
        (b"%PDF-1.4 ...", "staff.xlsx"),
        (b"x" * (sheets.MAX_BYTES + 1), "staff.xlsx"),
    ],
)
def test_what_is_no_spreadsheet_is_refused_in_words(content: bytes, name: str) -> None:
    with pytest.raises((BadSheet, files.Refused)):
        staff_import.read(BytesIO(content), name)


def test_macros_a_wrong_book_inside_and_too_many_rows_are_refused() -> None:
    parts = unpacked(sheet(row("a")))
    with pytest.raises(BadSheet, match="макросы"):
        staff_import.read(packed({**parts, "xl/vbaProject.bin": b"x"}), "a.xlsx")
    with pytest.raises(BadSheet):
        staff_import.read(packed({**parts, "xl/worksheets/sheet1.xml": b"<worksheet><broken"}), "a.xlsx")
    with pytest.raises(BadSheet, match="больше 1000 строк"):
        staff_import.read(sheet(*(row(f"user{number}") for number in range(1001))), "a.xlsx")


@pytest.mark.parametrize(("last", "cell", "rows"), [("1048576", "", 1), ("50000", "<v>7</v>", 2), ("9" * 9, "", None)])
def test_a_row_far_below_is_read_and_one_beyond_any_sheet_refused(last: str, cell: str, rows: int | None) -> None:
    parts = unpacked(sheet(row("a")))
    more = f'<row r="{last}"><c r="A{last}">{cell}</c></row></sheetData>'.encode()
    far = parts["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", more)
    book = packed({**parts, "xl/worksheets/sheet1.xml": far})
    if rows is None:
        with pytest.raises(BadSheet):
            staff_import.read(book, "a.xlsx")
    else:
        assert len(staff_import.read(book, "a.xlsx")) == rows


def test_roles_are_known_by_name_and_by_code() -> None:
    assert Role.objects.filter(pk="clerk").exists()
    [line] = plan(row("new", roles="clerk, делопроизводитель; АУДИТОР (только чтение)"))
    assert [what.split("»")[0] for what in line.what[1:]] == [
        "роль «делопроизводитель",
        "роль «аудитор (только чтение)",
    ]
