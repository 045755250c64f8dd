"""A list of changed acts, XLSX or DOCX «Реквизиты акта | Дата | Что изменилось»: read, judged, kept as agreed.

`read` → rows, `plan` → what each row would do and why not, `accept` → all good rows in one transaction or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import IO, Final

from django.db import transaction
from django.utils import timezone

from otklik.core import typed
from otklik.core.sheets import Row
from otklik.knowledge import brought, law, weeks
from otklik.knowledge.law import News
from otklik.knowledge.models import LawChange, LawWeek, LegalAct
from otklik.people.models import Employee

MOST: Final = 200
TITLES: Final = {
    "реквизиты акта": "named",
    "акт": "named",
    "дата": "on",
    "дата изменения": "on",
    "что изменилось": "what",
    "изменения": "what",
}
NEEDED: Final = ("реквизиты акта", "дата", "что изменилось")
_REPEALED: Final = ("утратил силу", "утратила силу", "утратило силу", "утратили силу", "отменен", "признан утратив")


@dataclass(frozen=True)
class Line:
    """What a row would do: `why` says why it is left out; without an act it becomes a proposal."""

    number: int
    named: str
    act: LegalAct | None
    kind: str
    on: date | None
    what: str
    why: tuple[str, ...] = ()

    @property
    def news(self) -> News:
        """Return the row as a change to be registered."""
        return News(self.act, self.named, self.kind, self.on, self.what)

    @property
    def kind_words(self) -> str:
        """Return what happened to the act, in words."""
        return LawChange.Kind(self.kind).label


def read(upload: IO[bytes], name: str) -> list[Row]:
    """Return the rows of a list; nothing in the file is run."""
    return brought.rows(upload, name, titles=TITLES, needed=NEEDED, most=MOST)


def plan(rows: Iterable[Row], chosen: Mapping[int, int] | None = None) -> list[Line]:
    """Return what each row would do; `chosen`: row → the act somebody chose for it, 0: none of ours."""
    known, by_number = {act.pk: act for act in law.acts()}, law.acts_by_number()
    entered: set[tuple[str, date | None, str]] = set(LawChange.objects.values_list("named", "happened_on", "kind"))
    lines = []
    for row in rows:
        line = _line(row, known, by_number, chosen or {})
        name = line.act.title if line.act else " ".join(line.named.split())[:300]
        if not line.why and (name, line.on, line.kind) in entered:
            line = replace(line, why=("это изменение уже внесено.",))
        entered.add((name, line.on, line.kind))
        lines.append(line)
    return lines


def _line(
    row: Row, known: Mapping[int, LegalAct], by_number: Mapping[str, list[LegalAct]], chosen: Mapping[int, int]
) -> Line:
    named, what, why = row.cells.get("named", ""), row.cells.get("what", ""), list(row.wrong)
    said = row.cells.get("on", "")
    on = typed.day("-".join(part.zfill(2) for part in reversed(said.removesuffix("г.").strip().split("."))))
    if not named:
        why.append("не назван акт.")
    if on is None:
        why.append(f"дата «{said[:30]}» не прочитана. Нужен вид 31.12.2026.")
    elif on > timezone.localdate() + law.AHEAD:
        why.append(f"дата {said} слишком далеко.")
    if not what:
        why.append("не сказано, что изменилось.")
    if len(what) > law.LONGEST or len(named) > 300:
        why.append(f"слишком длинно: акт — до 300 знаков, что изменилось — до {law.LONGEST}.")
    repealed = any(words in law.named_alike(what) for words in _REPEALED)
    kind = LawChange.Kind.REPEALED if repealed else LawChange.Kind.AMENDED
    act = known.get(chosen[row.number]) if row.number in chosen else law.meant(named, by_number)
    return Line(row.number, named, act, kind, on, what, tuple(why))


@transaction.atomic
def accept(rows: Iterable[Row], chosen: Mapping[int, int], *, week: LawWeek, by: Employee) -> list[LawChange]:
    """Register every good row as a change of the week, all of them or none; rows with errors are left out."""
    weeks.check_open(week)
    return [law.register(line.news, week=week, by=by) for line in plan(rows, chosen) if not line.why]
