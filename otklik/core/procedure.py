"""The Procedure («Порядок взаимодействия с клиентом»): its editions, its clauses, and which of them held on a day.

A clause holds from the day of the edition that brought it until the day of the one that ended it: the day is said
once, with the edition, and every clause follows it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import ProcedureClause, ProcedureEdition

if TYPE_CHECKING:
    from otklik.people.models import Employee

CHAIN: Final = "procedure"
_TEXTS: Final = ("text", "fulfilled", "title")  # long: the journal bears their digest


class EndsBeforeItBegins(DomainError):
    """An edition would end a clause before the other one brings it."""

    code = "procedure.ends_before_it_begins"
    text = "Пункт {number} утратил бы силу раньше, чем начал действовать. Исправьте дату или выберите другую редакцию."


class ClauseKnown(DomainError):
    """The edition has this clause already."""

    code = "procedure.clause_known"
    text = "Пункт {number} в этой редакции уже есть. Откройте его и исправьте там."


@dataclass(frozen=True)
class Wording:
    """A wording of a clause as it stood on a day."""

    clause: ProcedureClause
    ended: bool  # by then repealed or replaced
    replaced: bool = False  # another wording of the same clause had come in its place


def on(day: date) -> list[Wording]:
    """Return every wording that had begun by this day, in the order of the Procedure; ended ones after living ones."""
    begun = ProcedureClause.objects.select_related("since", "until").filter(since__valid_from__lte=day)
    ended = {clause.pk: clause.until is not None and clause.until.valid_from <= day for clause in begun}
    living = {clause.number for clause in begun if not ended[clause.pk]}
    rows = [Wording(clause, ended[clause.pk], ended[clause.pk] and clause.number in living) for clause in begun]
    return sorted(rows, key=lambda row: (_place(row.clause.number), row.ended, row.clause.pk))


def _place(number: str) -> tuple[list[int], str]:
    """Return where a clause stands: «9.1» before «10.1», «24, подп. 2.1» between 24 and 25."""
    return [int(part[:9]) for part in re.findall(r"\d+", number)] or [10**9], number


@transaction.atomic
def keep_edition(edition: ProcedureEdition, *, changed: Iterable[str], by: Employee) -> None:
    """Save an edition and write down what changed; refuse a day that would end a clause before it begins."""
    is_new = edition._state.adding
    edition.save()
    wrong = ProcedureClause.objects.filter(until__valid_from__lt=F("since__valid_from"))
    if clause := wrong.order_by("pk").first():
        raise EndsBeforeItBegins(number=clause.number)
    journal.record(
        "procedure.edition_added" if is_new else "procedure.edition_changed",
        chain=CHAIN,
        by=by,
        edition=edition.pk,
        now=_said(edition, changed),
    )


@transaction.atomic
def keep_clause(clause: ProcedureClause, *, changed: Iterable[str], by: Employee) -> None:
    """Save a wording of a clause and write down what changed."""
    is_new = clause._state.adding
    if clause.until and clause.until.valid_from < clause.since.valid_from:
        raise EndsBeforeItBegins(number=clause.number)
    try:
        with transaction.atomic():
            clause.save()
    except IntegrityError as exc:
        raise ClauseKnown(number=clause.number) from exc
    journal.record(
        "procedure.clause_added" if is_new else "procedure.clause_changed",
        chain=CHAIN,
        by=by,
        clause=clause.pk,
        now=_said(clause, changed),
    )


def _said(row: ProcedureEdition | ProcedureClause, changed: Iterable[str]) -> dict[str, Any]:
    """Return what the journal says of a row: short values, digests of texts, keys of rows."""
    now: dict[str, Any] = {}
    for name in sorted(changed):
        field = row._meta.get_field(name)
        value = getattr(row, getattr(field, "attname", name))
        now[name] = hashlib.sha256(value.encode()).hexdigest() if name in _TEXTS else value
    return now


@transaction.atomic
def load() -> None:
    """Add the shipped editions and clauses that are not there yet; what a person changed stays."""
    shipped = json.loads(files("otklik.core").joinpath("data/procedure.json").read_text(encoding="utf-8"))
    known = set(ProcedureEdition.objects.exclude(code=None).values_list("code", flat=True))
    ProcedureEdition.objects.bulk_create(
        ProcedureEdition(**facts) for facts in shipped["editions"] if facts["code"] not in known
    )
    editions = {edition.code: edition for edition in ProcedureEdition.objects.exclude(code=None)}
    known = set(ProcedureClause.objects.exclude(code=None).values_list("code", flat=True))
    added = [
        ProcedureClause(**facts | {"since": editions[facts["since"]], "until": editions.get(facts["until"])})
        for facts in shipped["clauses"]
        if facts["code"] not in known
    ]
    if added:
        ProcedureClause.objects.bulk_create(added, ignore_conflicts=True)
        journal.record("procedure.loaded", chain=CHAIN, by=None, rows=len(added))
