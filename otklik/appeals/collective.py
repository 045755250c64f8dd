"""Collective appeals: two people or more, or a meeting; the list of those who signed, and who is written to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Final

from django.db import transaction

from otklik.appeals import transitions
from otklik.appeals.models import Appeal, Collective, Signatory
from otklik.appeals.permissions import check_can_work
from otklik.core import journal, masking, sheets
from otklik.core.errors import DomainError
from otklik.people.applicants import plain
from otklik.people.models import Employee

MOST: Final = 20_000
MAX_BYTES: Final = 8 * 1024 * 1024
_LIMITS: Final = sheets.Limits(packed=MAX_BYTES, unpacked=64 * 1024 * 1024)
_LONGEST_NAME, _LONGEST_ADDRESS = 200, 300
_LETTERS: Final = re.compile(r"[A-Za-zА-Яа-яЁё]{2,}")
_HEADS: Final = {
    "фио": "name",
    "ф и о": "name",
    "фамилия имя отчество": "name",
    "подписавший": "name",
    "адрес": "address",
    "фамилия": "last",
    "имя": "first",
    "отчество": "middle",
}


class WrongList(DomainError):
    """The list of signatories cannot be taken as it is."""

    code = "collective.wrong_list"
    text = "{what}"


@dataclass(frozen=True)
class Signed:
    """One who signed, as the list has it; `line` says where."""

    line: int
    name: str
    address: str = ""


def pasted(text: str) -> list[Signed]:
    """Return those who signed from a pasted list: one a line, the address after a semicolon or a tab."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        name, _, address = (line.replace("\t", ";", 1) if "\t" in line else line).partition(";")
        name = re.sub(r"^\s*\d+[.)]\s*", "", name)
        if name.strip() or address.strip():
            found.append(Signed(number, _tidy(name), _tidy(address)))
        if len(found) > MOST:
            break
    return found


def from_sheet(upload: IO[bytes], name: str) -> list[Signed]:
    """Return those who signed from a spreadsheet: «ФИО» or its three parts, «Адрес»; else two columns."""
    rows = sheets.read(upload, name, most_rows=MOST, csv_too=True, limits=_LIMITS)
    if not rows:
        raise WrongList(what="В таблице ничего нет. Заполните столбцы «ФИО» и «Адрес».")
    heads = {place: _HEADS[key] for place, cell in enumerate(rows[0][1]) if (key := plain(cell.text)) in _HEADS}
    columns = heads or {0: "name", 1: "address"}
    found = []
    for number, cells in rows[1:] if heads else rows:
        row = sheets.under(columns, number, cells)
        if row.wrong:
            raise WrongList(what=f"Строка {number}: {row.wrong[0]}")
        whole = row.cells.get("name") or " ".join(row.cells.get(part, "") for part in ("last", "first", "middle"))
        if whole.strip() or row.cells.get("address", "").strip():
            found.append(Signed(number, _tidy(whole), _tidy(row.cells.get("address", ""))))
    return found


def check_can_change(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not write down who signed."""
    check_can_work(appeal, user)
    if appeal.status == Appeal.Status.CLOSED:
        raise WrongList(what=f"Обращение № {appeal.number} закрыто: список подписавших больше не меняют.")


@transaction.atomic
def keep(
    appeal: Appeal, signed: Sequence[Signed], *, meeting: bool = False, representative: int = 1, by: Employee
) -> Collective:
    """Make an appeal collective, or replace its list: all of it or nothing. `representative`: which of them, from one.

    Two people at least, or the resolution of a meeting, which one may sign.
    """
    check_can_change(appeal, by)
    _check(signed, meeting=meeting, representative=representative)
    transitions.hold(appeal)
    row, made = Collective.objects.get_or_create(appeal=appeal, defaults={"by": by})
    row.meeting, row.signed, row.by = meeting, len(signed), by
    row.save(update_fields=["meeting", "signed", "by"])
    if not made:
        row.signatories.all().delete()
    Signatory.objects.bulk_create(
        (
            Signatory(
                collective=row,
                position=place,
                name=one.name,
                address=one.address,
                representative=place == representative,
            )
            for place, one in enumerate(signed, start=1)
        ),
        batch_size=1000,
    )
    journal.record(
        "appeal.collective_kept", chain=f"appeal:{appeal.pk}", by=by, signed=len(signed), meeting=meeting, new=made
    )
    return row


@transaction.atomic
def drop(appeal: Appeal, *, by: Employee) -> None:
    """Take back that an appeal is collective; its list is destroyed, the journal keeps how many had signed."""
    check_can_change(appeal, by)
    row = Collective.objects.filter(appeal=appeal).first()
    if row is None:
        raise WrongList(what="Обращение не отмечено коллективным. Обновите страницу.")
    signed = row.signed
    row.delete()
    journal.record("appeal.collective_dropped", chain=f"appeal:{appeal.pk}", by=by, signed=signed)


def of(appeal: Appeal) -> Collective | None:
    """Return the mark of a collective appeal; None where one person wrote."""
    return Collective.objects.filter(appeal=appeal).first()


def masked(rows: Iterable[Signatory]) -> list[tuple[int, str, str, bool]]:
    """Return signatories as lists show them: place, masked name, town, whether he is the representative."""
    return [(one.position, _masked(one.name), masking.address(one.address), one.representative) for one in rows]


def as_pasted(appeal: Appeal) -> str:
    """Return the list as it can be pasted again, whole: for who corrects it."""
    rows = Signatory.objects.filter(collective__appeal=appeal).order_by("position").values_list("name", "address")
    return "\n".join(f"{name}; {address}" if address else name for name, address in rows)


def _masked(name: str) -> str:
    words = name.split()
    return masking.person(*words[:3]) if words else ""


def _tidy(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


def _check(signed: Sequence[Signed], *, meeting: bool, representative: int) -> None:
    if len(signed) > MOST:
        raise WrongList(what=f"В списке больше {MOST} подписей. Разделите его на части или приложите списком к письму.")
    if len(signed) < (1 if meeting else 2):
        raise WrongList(
            what="Коллективное — от двух человек и больше: впишите всех, кто подписал, каждого с новой строки. "
            "Если это резолюция собрания, отметьте это."
        )
    seen: dict[tuple[str, str], int] = {}
    for one in signed:
        if not _LETTERS.search(one.name):
            raise WrongList(what=f"Строка {one.line}: нет фамилии. Впишите её или удалите строку.")
        if len(one.name) > _LONGEST_NAME or len(one.address) > _LONGEST_ADDRESS:
            raise WrongList(
                what=f"Строка {one.line}: длиннее {_LONGEST_NAME} знаков имя или {_LONGEST_ADDRESS} — адрес."
            )
        key = (plain(one.name), plain(one.address))
        if key in seen:
            raise WrongList(what=f"Строки {seen[key]} и {one.line} одинаковы. Оставьте одну или допишите адрес.")
        seen[key] = one.line
    if not 1 <= representative <= len(signed):
        raise WrongList(what=f"Представитель — это номер в списке, от 1 до {len(signed)}.")
