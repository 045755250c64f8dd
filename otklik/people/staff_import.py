"""Employees from a spreadsheet (XLSX): read without running anything in it, judged row by row, then kept all at once.

`read` → rows, `plan` → what each row would do and why not, `apply` → all good rows in one transaction or none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import date
from io import BytesIO
from typing import IO, Any, Final

from django.db import transaction
from django.utils import timezone

from otklik.core import sheets, typed
from otklik.core.errors import DomainError
from otklik.core.sheets import BadSheet, Cell, Row
from otklik.core.terms import valid
from otklik.people import accounts, roles
from otklik.people.accounts import LABELS, Facts
from otklik.people.applicants import plain
from otklik.people.models import Employee, Role, RoleAssignment, Unit

MAX_ROWS: Final = 1000
COLUMNS: Final = {
    "username": "Имя для входа",
    "last_name": "Фамилия",
    "first_name": "Имя",
    "patronymic": "Отчество",
    "post": "Должность",
    "unit": "Подразделение",
    "email": "Электронная почта",
    "phone": "Телефон",
    "roles": "Роли",
    "since": "С какого дня",
}
_NEEDED: Final = ("username", "last_name", "first_name")
_ALSO: Final = {"логин": "username", "с даты": "since", "почта": "email", "e mail": "email", "рабочий телефон": "phone"}
_TITLES: Final = {plain(title): name for name, title in COLUMNS.items()} | _ALSO
EXAMPLES: Final = (
    {
        "username": "petrova",
        "last_name": "Примерова",
        "first_name": "Елена",
        "patronymic": "Образцовна",
        "post": "главный специалист",
        "email": "petrova@department.example",
        "phone": "238-60-02",
        "roles": "исполнитель",
    },
    {
        "username": "smirnov",
        "last_name": "Шаблонов",
        "first_name": "Игорь",
        "post": "начальник отдела",
        "roles": "начальник подразделения; исполнитель",
    },
)


class PlanChanged(DomainError):
    """Between the dry run and the confirmation somebody changed the staff."""

    code = "people.import_changed"
    text = (
        "Пока вы смотрели, сотрудники или роли изменились: часть строк сделала бы теперь другое. Ничего не записано. "
        "Посмотрите таблицу ещё раз и подтвердите."
    )
    status = 409


@dataclass(frozen=True)
class Line:
    """What a row would do: `verdict` is create, change, same or refuse; `what` says it, `why` says why not."""

    number: int
    verdict: str
    login: str
    name: str
    what: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Wish:
    """A judged row: the facts, unit and roles that it asks for."""

    row: Row
    known: Employee | None
    facts: Facts
    unit: Unit | None
    roles: tuple[Role, ...]
    since: date
    why: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Done:
    """What an import did."""

    created: list[Employee]
    changed: int


def sample() -> bytes:
    """Return a spreadsheet to fill in: the columns with two examples, and a sheet of the units and roles there are."""
    from openpyxl import Workbook  # asked for rarely, heavy to load
    from openpyxl.styles import Font

    book = Workbook()
    sheet = book.active
    sheet.title = "Сотрудники"
    sheet.append(list(COLUMNS.values()))
    for row in EXAMPLES:
        sheet.append([row.get(name, "") for name in COLUMNS])
    known = book.create_sheet("Подразделения и роли")
    known.append(["Подразделения", "Роли"])
    units = [str(one) for one in Unit.objects.filter(valid(timezone.localdate()))]
    names = [one.name for one in Role.objects.all()]
    for number in range(max(len(units), len(names))):
        known.append([units[number] if number < len(units) else "", names[number] if number < len(names) else ""])
    for one in (sheet, known):
        for column in one.columns:
            one.column_dimensions[column[0].column_letter].width = 28
            for cell in column:
                cell.data_type, cell.font = "s", Font(bold=cell.row == 1)
    written = BytesIO()
    book.save(written)
    return written.getvalue()


def read(upload: IO[bytes], name: str) -> list[Row]:
    """Return the rows of the first sheet. Nothing in the file is run: a formula is refused by its address."""
    return list(_rows(sheets.read(upload, name, most_rows=MAX_ROWS)))


def _rows(found: Sequence[tuple[int, Sequence[Cell]]]) -> Iterator[Row]:
    if not found:
        raise BadSheet(what="таблица пустая. Возьмите образец и заполните его.")
    columns = _columns(found[0][1])
    for number, row in found[1:]:
        read = sheets.under(columns, number, row)
        cells = {name: " ".join(text.split()) for name, text in read.cells.items()}
        if any(cells.values()) or read.wrong:
            yield replace(read, cells=cells)


def _columns(titles: Sequence[Cell]) -> dict[int, str]:
    """Return which column stands where, in any order."""
    found: dict[int, str] = {}
    for place, cell in enumerate(titles):
        title = plain(cell.text)
        if not title:
            continue
        if (name := _TITLES.get(title)) is None:
            raise BadSheet(what=f"столбец «{cell.text[:60]}» незнаком. Возьмите столбцы из образца.")
        if name in found.values():
            raise BadSheet(what=f"столбец «{COLUMNS[name]}» встречается дважды. Оставьте один.")
        found[place] = name
    if missing := [COLUMNS[name] for name in _NEEDED if name not in found.values()]:
        raise BadSheet(what=f"в первой строке нет столбцов: {', '.join(missing)}. Возьмите столбцы из образца.")
    return found


def plan(rows: Iterable[Row]) -> list[Line]:
    """Return what each row would do today; nothing is changed."""
    return [_line(wish) for wish in _wishes(rows)]


def fingerprint(lines: Iterable[Line]) -> str:
    """Return what two equal plans share."""
    return hashlib.sha256(repr([astuple(line) for line in lines]).encode()).hexdigest()


@transaction.atomic
def apply(rows: Sequence[Row], *, agreed: str, by: Employee, basis: str = "импорт из таблицы") -> Done:
    """Do what the dry run showed: every good row in one transaction, or none where one of them fails.

    Rows refused in the dry run are left out. `agreed` is the dry run's fingerprint: where the staff has changed
    since, so that a row would do something else, nothing is done. `basis`: what roles and transfers name as theirs.
    """
    roles.hold()
    wishes = list(_wishes(rows))
    lines = [_line(wish) for wish in wishes]
    if fingerprint(lines) != agreed:
        raise PlanChanged
    created, changed = [], 0
    for wish, line in zip(wishes, lines, strict=True):
        if line.verdict == "create":
            created.append(_create(wish, by, basis))
        elif line.verdict == "change":
            _change(wish, by, basis)
            changed += 1
    return Done(created, changed)


def _create(wish: _Wish, by: Employee, basis: str) -> Employee:
    employee = accounts.create(wish.facts, unit=wish.unit, by=by)
    for role in wish.roles:
        roles.give(employee, role, valid_from=wish.since, basis=basis, by=by)
    return employee


def _change(wish: _Wish, by: Employee, basis: str) -> None:
    employee = wish.known
    assert employee is not None
    accounts.change(employee, wish.facts, version=employee.version, by=by)
    if wish.unit and wish.unit.pk != employee.unit_id:
        accounts.move(employee, wish.unit, starts_on=wish.since, basis=basis, by=by)
    for role in wish.roles:
        roles.give(employee, role, valid_from=wish.since, basis=basis, by=by)


def _wishes(rows: Iterable[Row]) -> Iterator[_Wish]:
    """Judge rows in their order; an address of a login met twice is refused the second time."""
    rows, today = list(rows), timezone.localdate()
    wanted = {row.cells.get("username", "").lower() for row in rows}
    known = {
        one.username.lower(): one
        for one in Employee.objects.select_related("unit").prefetch_related("assignments__role", "transfers")
        if one.username.lower() in wanted
    }
    units = _by_names(Unit.objects.filter(valid(today)), "short_name", "name")
    by_role = _by_names(Role.objects.all(), "name", "code")
    met: dict[str, int] = {}
    for row in rows:
        login = row.cells.get("username", "").lower()
        wish = _judge(row, known.get(login), units, by_role, today)
        if login and login in met:
            wish = replace(wish, why=(*wish.why, f"имя для входа уже встретилось в строке {met[login]}."))
        met.setdefault(login, row.number)
        yield wish


def _by_names(rows: Iterable[Any], *names: str) -> dict[str, Any]:
    return {plain(str(getattr(row, name))): row for row in rows for name in reversed(names)}


def _judge(row: Row, known: Employee | None, units: dict[str, Unit], by_role: dict[str, Role], today: date) -> _Wish:
    cells, why = row.cells, list(row.wrong)
    facts = accounts.facts_of(known) if known else Facts()
    typed_facts = {name: cells[name] for name in LABELS if cells.get(name)}
    if known:  # an empty cell leaves what is known, and the login stays as it is written there
        typed_facts.pop("username", None)
    facts = replace(facts, **typed_facts)
    if not row.wrong:
        why += [f"{LABELS[name]}: {words}" for name, words in accounts.problems(facts, known).items()]
    since = _day(cells.get("since", ""), today, why)
    unit = known.unit if known else None
    if name := cells.get("unit", ""):
        if (unit := units.get(plain(name))) is None:
            why.append(f"подразделения «{name[:60]}» нет среди действующих.")
        elif known and unit.pk != known.unit_id and any(not one.done for one in known.transfers.all()):
            why.append("перевод в другое подразделение уже назначен. Отмените его в карточке.")
    if known and not known.is_active:
        why.append("учётная запись заблокирована. Разблокируйте её и повторите.")
    wanted = _roles(cells.get("roles", ""), by_role, why)
    return _Wish(row, known, facts, unit, tuple(_missing(wanted, known, since)), since, tuple(why))


def _day(text: str, today: date, why: list[str]) -> date:
    if not text:
        return today
    day = typed.day("-".join(reversed(text.split(".")))) if re.fullmatch(r"\d{2}\.\d{2}\.\d{4}", text) else None
    if day is None:
        why.append(f"дата «{text[:30]}» не прочитана. Нужен вид 31.12.2026.")
    elif day < today:
        why.append(f"дата {text} уже прошла: роль и перевод начинаются сегодня или позже.")
    return day or today


def _roles(text: str, by_role: dict[str, Role], why: list[str]) -> list[Role]:
    found = []
    for name in (part.strip() for part in re.split(r"[;,]", text)):
        if name and (role := by_role.get(plain(name))) is None:
            why.append(f"роли «{name[:60]}» нет. Названия ролей — на втором листе образца.")
        elif name and role not in found:
            found.append(role)
    return [role for role in found if role]


def _missing(wanted: list[Role], known: Employee | None, since: date) -> Iterator[Role]:
    """Yield the roles not held from that day on; what is held stays, an import takes nothing away."""
    held: list[RoleAssignment] = list(known.assignments.all()) if known else []
    lasting = {row.role_id for row in held if row.unit_id is None and (row.valid_to is None or row.valid_to >= since)}
    yield from (role for role in wanted if role.pk not in lasting)


def _line(wish: _Wish) -> Line:
    facts, known = wish.facts, wish.known
    login = facts.username or wish.row.cells.get("username", "")
    name = " ".join(part for part in (facts.last_name, facts.first_name, facts.patronymic) if part)
    if wish.why:
        return Line(wish.row.number, "refuse", login, name, why=wish.why)
    what = [f"роль «{role}» с {wish.since:%d.%m.%Y}" for role in wish.roles]
    if known is None:
        place = [f"подразделение «{wish.unit}»"] if wish.unit else ["без подразделения"]
        return Line(wish.row.number, "create", login, name, (*place, *what))
    now = asdict(accounts.facts_of(known))
    changed = [
        f"{LABELS[one].lower()}: было «{now[one] or '—'}», станет «{getattr(facts, one)}»"
        for one in accounts.differing(accounts.facts_of(known), facts)
    ]
    if wish.unit and wish.unit.pk != known.unit_id:
        changed.append(f"перевод в «{wish.unit}» с {wish.since:%d.%m.%Y}")
    whole = (*changed, *what)
    return Line(wish.row.number, "change" if whole else "same", login, name, whole)
