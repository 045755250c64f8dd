"""Unscheduled updates (п. 41): what readers miss, gathered every night into proposals for those who can write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import finding, materials, votes
from otklik.knowledge.models import Evidence, Material, Proposal, SearchSession, Vote
from otklik.people.models import Employee, Unit
from otklik.search import analysis

LOOKED_BACK: Final = timedelta(days=90)
# Fewer may be a slip of one hand; so many are a habit of readers.
ENOUGH: Final = {Proposal.Kind.NO_RESULT: 3, Proposal.Kind.NO_CLICK: 3, Proposal.Kind.VOTES: 2}
SHOWN: Final = 30  # lines of evidence of one proposal
CHOICE: Final = 100  # materials to choose from, the newest
OPEN: Final = (Proposal.State.NEW, Proposal.State.TAKEN)


class ProposalChanged(DomainError):
    """A colleague was quicker."""

    code = "proposal.changed"
    text = "Предложение уже в состоянии «{now}». Обновите страницу."
    status = 409


class NothingLedTo(DomainError):
    """Done means that there is a material to be shown."""

    code = "proposal.nothing_led_to"
    text = "Выберите материал, который написали или исправили."


class NoReason(DomainError):
    """A proposal is declined with words."""

    code = "proposal.no_reason"
    text = "Напишите, почему предложение отклонено: это увидят те, кто его ждёт."


@dataclass
class Gathered:
    """Signals of one cause."""

    lines: Counter[str] = field(default_factory=Counter)
    last: dict[str, datetime] = field(default_factory=dict)
    pages: Counter[int] = field(default_factory=Counter)

    def add(self, words: str, at: datetime) -> None:
        """Count one signal."""
        self.lines[words] += 1
        self.last[words] = max(at, self.last.get(words, at))


def gather() -> int:
    """Bring the proposals up to what readers did; return how many are new. Again in the same night changes nothing."""
    since = timezone.now() - LOOKED_BACK
    made = 0
    for kind in Proposal.Kind:
        # What was decided is not proposed again for the same signals: only later ones count.
        ended = dict(
            Proposal.objects.filter(kind=kind).values("key").annotate(last=Max("ended_at")).values_list("key", "last")
        )
        for key, found in _signals(kind, since, ended).items():
            if found.lines.total() >= ENOUGH[kind]:
                made += _keep(kind, key, found)
    return made


def _signals(kind: Proposal.Kind, since: datetime, ended: dict[str, datetime | None]) -> dict[str, Gathered]:
    groups: dict[str, Gathered] = {}
    for key, words, at, page in _against(since) if kind == Proposal.Kind.VOTES else _searched(kind, since):
        if key and ((end := ended.get(key)) is None or at > end):
            group = groups.setdefault(key, Gathered())
            group.add(words, at)
            if page is not None:
                group.pages[page] += 1
    return groups


def _searched(kind: Proposal.Kind, since: datetime) -> Iterator[tuple[str, str, datetime, int | None]]:
    """Yield searches that led nowhere; those whose words differ in order and endings only are one cause."""
    over = Q(last_at__lte=timezone.now() - finding.SILENCE, began_at__gte=since)
    rows = SearchSession.objects.filter(over, finding.OUTCOMES[kind.value][1]).exclude(query="")
    for query, at, shown in rows.order_by("pk").values_list("query", "began_at", "shown"):
        yield " ".join(sorted(set(analysis.words(query))))[:200], query, at, shown[0] if shown else None


def _against(since: datetime) -> Iterator[tuple[str, str, datetime, int | None]]:
    for row in Vote.objects.filter(helped=False, at__gte=since).order_by("pk"):
        said = f"{row.get_reason_display()}: {row.note}" if row.note else row.get_reason_display()
        yield str(row.page_id), said[:1000], row.at, row.page_id


@transaction.atomic
def _keep(kind: Proposal.Kind, key: str, found: Gathered) -> bool:
    """Make the proposal of a cause, or renew the evidence of the open one; tell whether it is new."""
    signals = found.lines.total()
    known = Proposal.objects.filter(kind=kind, key=key, state__in=OPEN).first()
    if known is not None and known.signals == signals:
        return False
    row = known or _made(kind, key, found)
    Proposal.objects.filter(pk=row.pk).update(signals=signals)
    row.evidence.all().delete()
    Evidence.objects.bulk_create(
        Evidence(proposal=row, words=words, times=times, last_at=found.last[words])
        for words, times in found.lines.most_common(SHOWN)
    )
    return known is None


def _made(kind: Proposal.Kind, key: str, found: Gathered) -> Proposal:
    material, unit = _about(found.pages)
    words = found.lines.most_common(1)[0][0]
    title = {
        Proposal.Kind.NO_RESULT: f"Написать материал: «{words}»",
        Proposal.Kind.NO_CLICK: f"Дать найти нужное: «{words}»",
        Proposal.Kind.VOTES: f"Исправить материал «{material.title if material else ''}»",
    }[kind]
    row = Proposal.objects.create(kind=kind, key=key, title=title[:300], unit=unit, page=material)
    journal.record("proposal.made", chain=f"proposal:{row.pk}", by=None, kind=kind.value)
    return row


def _about(pages: Counter[int]) -> tuple[Material | None, Unit | None]:
    """Return the material most signals are about, and the unit that keeps it."""
    material = Material.objects.filter(pk=pages.most_common(1)[0][0]).first() if pages else None
    if material is None:
        return None, None
    section = materials.section_of(material)
    return material, section.unit if section else None


def seen_by(employee: Employee, on: date) -> QuerySet[Proposal]:
    """Return the proposals of his units; all, and those of no unit, for who answers for the whole or audits."""
    rows = Proposal.objects.select_related("unit", "handler", "page", "led_to")
    if employee.has_power("knowledge.manage") or employee.has_power("journal.view"):
        return rows
    return rows.filter(unit__in=votes.units_of(employee, on))


def about(material: Material, employee: Employee, on: date) -> QuerySet[Proposal]:
    """Return the proposals an employee sees that led to a material or are about it, the newest first."""
    return seen_by(employee, on).filter(Q(led_to=material.pk) | Q(page=material.pk)).order_by("-made_at", "-pk")


def answers_for(employee: Employee, row: Proposal, on: date) -> bool:
    """Tell whether the proposal is his to take and to end."""
    return employee.has_power("knowledge.manage") or row.unit_id in votes.units_of(employee, on)


def in_order(rows: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Return proposals as work: those with most signals first."""
    return rows.order_by("-signals", "-pk")


@transaction.atomic
def take(row: Proposal, *, by: Employee) -> None:
    """Take a proposal in hand."""
    _move(row, "proposal.taken", [Proposal.State.NEW], Proposal.State.TAKEN, by=by)


@transaction.atomic
def done(row: Proposal, *, led_to: Material | None, by: Employee) -> None:
    """End a proposal with the material it led to."""
    if led_to is None:
        raise NothingLedTo
    _move(row, "proposal.done", OPEN, Proposal.State.DONE, by=by, led_to=led_to, ended_at=timezone.now())


@transaction.atomic
def decline(row: Proposal, *, reason: str, by: Employee) -> None:
    """End a proposal without one, and say why."""
    if not (reason := reason.strip()):
        raise NoReason
    _move(row, "proposal.declined", OPEN, Proposal.State.DECLINED, by=by, reason=reason[:300], ended_at=timezone.now())


def _move(row: Proposal, action: str, was: Iterable[str], to: Proposal.State, *, by: Employee, **facts: Any) -> None:
    if not Proposal.objects.filter(pk=row.pk, state__in=was).update(state=to, handler=by, **facts):
        row.refresh_from_db()
        raise ProposalChanged(now=row.get_state_display())
    led_to = facts.get("led_to")
    journal.record(action, chain=f"proposal:{row.pk}", by=by, material=led_to.pk if led_to else None)


def to_choose() -> QuerySet[Any]:
    """Return the materials a proposal may have led to, the newest first."""
    return materials.published().order_by(F("last_published_at").desc(nulls_last=True), "-pk")[:CHOICE]
