"""«Помогло / не помогло»: what readers say of a material, and what its unit does about it until it is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Length, Substr

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import finding, materials, rights
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import Material, PublicVersion, Section, Vote
from otklik.people import personal_data, staff
from otklik.people.models import Employee

# Heads answer for their units, whoever writes the materials.
HEAD: Final = "appeals.approve"
NOTE_MAX: Final = 1000
OUTCOME_MAX: Final = 300


class AlreadyVoted(DomainError):
    """One reader, one version, one vote."""

    code = "vote.already"
    text = "Вы уже оценили этот материал. Оценить снова можно будет, когда его изменят."
    status = 409


class ReasonMissing(DomainError):
    """A vote against says why: without it nobody knows what to mend."""

    code = "vote.reason_missing"
    text = "Выберите, что не так: по этому авторы поймут, что исправить."


class OutcomeMissing(DomainError):
    """A vote against is closed with words."""

    code = "vote.outcome_missing"
    text = "Напишите, что сделано: исправлен материал, написан новый или почему менять нечего."


class VoteChanged(DomainError):
    """A colleague was quicker."""

    code = "vote.changed"
    text = "Отзыв уже в состоянии «{now}». Обновите страницу."
    status = 409


@transaction.atomic
def vote(who: Searcher, material: Material, *, helped: bool, reason: str = "", note: str = "") -> Vote:
    """Keep what a reader says of the version he sees; of a citizen's words numbers and addresses are not kept."""
    if not helped and reason not in Vote.Reason.values:
        raise ReasonMissing
    note = note.strip()[:NOTE_MAX]
    row = Vote(
        page_id=material.pk,
        revision=_version(who, material),
        helped=helped,
        reason="" if helped else reason,
        note="" if helped else (note if who.employee else personal_data.hidden(note)[:NOTE_MAX]),
        by=who.employee,
        reader=who.mark,
        state=Vote.State.CLOSED if helped else Vote.State.NEW,
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as exc:
        raise AlreadyVoted from exc
    if helped:
        finding.used(who, material.pk)
    chain = f"material:{material.pk}"
    journal.record("material.voted", chain=chain, by=who.employee, vote=row.pk, useful=helped, reason=row.reason)
    return row


def _version(who: Searcher, material: Material) -> int:
    """Return the version the reader sees: of a citizen, the one on the site."""
    if who.employee is None:
        version: PublicVersion | None = getattr(material, "public_version", None)  # known where a page of the site asks
        return version.revision_id if version else 0
    return materials.version_of(material)


@dataclass(frozen=True)
class Said:
    """What readers have said of a material; `mine`: what this one has said of the version he sees, None: nothing."""

    helped: int
    against: int
    mine: bool | None


def said(who: Searcher, material: Material) -> Said:
    """Return what was said of a material, in one query."""
    mine = Q(revision=_version(who, material)) & (Q(by=who.employee) if who.employee else Q(reader=who.mark))
    counted = Vote.objects.filter(page=material.pk).aggregate(
        good=Count("pk", filter=Q(helped=True)),
        against=Count("pk", filter=Q(helped=False)),
        yes=Count("pk", filter=mine & Q(helped=True)),
        no=Count("pk", filter=mine & Q(helped=False)),
    )
    own = bool(counted["yes"]) if counted["yes"] or counted["no"] else None
    return Said(counted["good"], counted["against"], own)


@cache
def _numbers() -> dict[str, Subquery]:
    votes = Vote.objects.filter(page=OuterRef("pk"))
    numbers = {helped: materials.number(votes.filter(helped=helped)) for helped in (True, False)}
    return {"of_helped": numbers[True], "of_against": numbers[False]}


def with_said(rows: QuerySet[Material], by: Employee) -> QuerySet[Any]:
    """Return materials, each with the same of an employee, to be read by `said_of`; it costs no query of its own."""
    votes = Vote.objects.filter(page=OuterRef("pk"))
    version = Coalesce(OuterRef("live_revision"), OuterRef("latest_revision"), 0)
    told: QuerySet[Any] = rows.annotate(
        of_mine=Subquery(votes.filter(by=by, revision=version).values("helped")), **_numbers()
    )
    return told


def said_of(row: Any) -> Said:
    """Return what was said of a material of `with_said`."""
    return Said(row.of_helped, row.of_against, row.of_mine)


def with_place(rows: QuerySet[Vote]) -> QuerySet[Any]:
    """Return votes, each with the section of its material and the unit that keeps it: `of_section`, `of_unit`."""
    parent = Substr(OuterRef("page__path"), 1, Length(OuterRef("page__path")) - Material.steplen)
    section = Section.objects.filter(path=parent)
    return rows.annotate(of_section=Subquery(section.values("title")), of_unit=Subquery(section.values("unit")))


def against(employee: Employee, on: date) -> QuerySet[Any]:
    """Return the votes against that an employee sees: of his units; of all for who answers for the whole or audits."""
    rows = with_place(Vote.objects.filter(helped=False)).select_related("page", "by", "handler")
    if employee.has_power("knowledge.manage") or employee.has_power("journal.view"):
        return rows
    return rows.filter(of_unit__in=units_of(employee, on))


def in_order(rows: QuerySet[Vote]) -> QuerySet[Vote]:
    """Return votes as work: new ones, then those in hand, then the closed; newest first."""
    state = Vote.State
    place = Case(When(state=state.NEW, then=0), When(state=state.TAKEN, then=1), default=2)
    return rows.order_by(place, "-at", "-pk")


def units_of(employee: Employee, on: date) -> set[int]:
    """Return the units for whose materials an employee answers: as an author, or as a head."""
    return rights.units_edited_by(employee, on) | staff.units_under(employee, on, power=HEAD)


def decidable(employee: Employee, on: date) -> QuerySet[Any]:
    """Return the votes against that are his to answer: of materials he edits, or of the units he heads."""
    rows = with_place(Vote.objects.filter(helped=False))
    return rows if employee.has_power("knowledge.manage") else rows.filter(of_unit__in=units_of(employee, on))


@transaction.atomic
def take(row: Vote, *, by: Employee) -> None:
    """Take a vote in hand."""
    _move(row, "vote.taken", {Vote.State.NEW}, Vote.State.TAKEN, by=by)


@transaction.atomic
def close(row: Vote, *, outcome: str, by: Employee) -> None:
    """Close a vote with what has been done about it."""
    if not (outcome := outcome.strip()):
        raise OutcomeMissing
    waiting = {Vote.State.NEW, Vote.State.TAKEN}
    _move(row, "vote.closed", waiting, Vote.State.CLOSED, by=by, outcome=outcome[:OUTCOME_MAX])


def _move(row: Vote, action: str, was: set[Vote.State], to: Vote.State, *, by: Employee, **facts: str) -> None:
    if not Vote.objects.filter(pk=row.pk, helped=False, state__in=was).update(state=to, handler=by, **facts):
        row.refresh_from_db()
        raise VoteChanged(now=row.get_state_display())
    journal.record(action, chain=f"material:{row.page_id}", by=by, vote=row.pk)


def whom_to_tell(material: Material, on: date) -> set[int]:
    """Return who hears of a vote against: those who write the materials of the unit, and who heads it."""
    section = materials.section_of(material)
    if section is None:
        return set()
    given = staff.assigned(rights.AUTHOR, on) | staff.assigned(HEAD, on)
    here = given.annotate(place=Coalesce("unit", "employee__unit")).filter(place=section.unit_id)
    found = set(here.filter(employee__is_active=True).values_list("employee", flat=True))
    # A unit without authors and without a head: those who answer for the whole Knowledge Base must not miss it.
    return found or set(staff.holders("knowledge.manage", on=on).values_list("pk", flat=True))
