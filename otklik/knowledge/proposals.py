"""Unscheduled updates (п. 41): what readers miss and answers lack, gathered every night into proposals.

They go to those who can write it. Rooms above bring what they know as a `Source` of signals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.db.models.signals import post_save
from django.utils import timezone
from wagtail.models import PageLogEntry

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import drafts, finding, materials, rights, votes
from otklik.knowledge.drafts import Draft
from otklik.knowledge.models import Evidence, Material, Proposal, SearchSession, Section, Vote
from otklik.people import personal_data
from otklik.people.models import Employee, Unit
from otklik.search import analysis

LOOKED_BACK: Final = timedelta(days=90)
# Fewer may be a slip of one hand; so many are a habit of readers.
ENOUGH: Final = {
    Proposal.Kind.NO_RESULT: 3,
    Proposal.Kind.NO_CLICK: 3,
    Proposal.Kind.VOTES: 2,
    Proposal.Kind.UNBACKED: 3,
    Proposal.Kind.ALIKE: 3,
}
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


class NoSection(DomainError):
    """Nobody knows where the material is to stand."""

    code = "proposal.no_section"
    text = "Выберите раздел, в котором быть материалу: его подразделение и отвечает за предложение."


class NoUnit(DomainError):
    """A proposal is passed on to somebody else who can do it."""

    code = "proposal.no_unit"
    text = "Выберите другое подразделение, за которым есть разделы."


class NoReason(DomainError):
    """A proposal is declined with words."""

    code = "proposal.no_reason"
    text = "Напишите, почему предложение отклонено: это увидят те, кто его ждёт."


class NoQuestion(DomainError):
    """Nothing is asked."""

    code = "proposal.no_question"
    text = "Напишите вопрос: что спрашивает человек и чего не хватило в Базе знаний."


@dataclass(frozen=True)
class Signal:
    """One signal of a cause: who is above tells of what he knows in the same words.

    `title`: what is to be done, where the kind alone does not say it; `reference`: opaque here; `unit`: who answers.
    """

    kind: Proposal.Kind
    key: str
    words: str
    at: datetime
    page: int | None = None
    unit: int | None = None
    title: str = ""
    reference: str = ""


Source: TypeAlias = Callable[[datetime], Iterable[Signal]]


@dataclass
class Gathered:
    """Signals of one cause; a line is words and a reference."""

    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    last: dict[tuple[str, str], datetime] = field(default_factory=dict)
    pages: Counter[int] = field(default_factory=Counter)
    units: Counter[int] = field(default_factory=Counter)
    title: str = ""

    def add(self, one: Signal) -> None:
        """Count one signal."""
        line = (one.words[:1000], one.reference)
        self.lines[line] += 1
        self.last[line] = max(one.at, self.last.get(line, one.at))
        self.title = self.title or one.title
        if one.page is not None:
            self.pages[one.page] += 1
        if one.unit is not None:
            self.units[one.unit] += 1


def gather(*sources: Source) -> int:
    """Bring the proposals up to what readers did and to what rooms above tell; return how many are new.

    Again in the same night changes nothing.
    """
    since = timezone.now() - LOOKED_BACK
    made = 0
    # What was decided is not proposed again for the same signals: only later ones count.
    ended = {
        (kind, key): last
        for kind, key, last in Proposal.objects.values("kind", "key")
        .annotate(last=Max("ended_at"))
        .values_list("kind", "key", "last")
    }
    groups: dict[tuple[Proposal.Kind, str], Gathered] = {}
    for source in (_no_result, _no_click, _against, *sources):
        for one in source(since):
            if one.key and ((end := ended.get((one.kind, one.key))) is None or one.at > end):
                groups.setdefault((one.kind, one.key), Gathered()).add(one)
    for (kind, key), found in groups.items():
        if found.lines.total() >= ENOUGH[kind]:
            made += _keep(kind, key, found)
    return made


def _no_result(since: datetime) -> Iterator[Signal]:
    return _searched(Proposal.Kind.NO_RESULT, since)


def _no_click(since: datetime) -> Iterator[Signal]:
    return _searched(Proposal.Kind.NO_CLICK, since)


def _searched(kind: Proposal.Kind, since: datetime) -> Iterator[Signal]:
    """Yield searches that led nowhere; those whose words differ in order and endings only are one cause."""
    over = Q(last_at__lte=timezone.now() - finding.SILENCE, began_at__gte=since)
    rows = SearchSession.objects.filter(over, finding.OUTCOMES[kind.value][1]).exclude(query="")
    for query, at, shown in rows.order_by("pk").values_list("query", "began_at", "shown"):
        key = " ".join(sorted(set(analysis.words(query))))[:200]
        yield Signal(kind, key, query, at, page=shown[0] if shown else None)


def _against(since: datetime) -> Iterator[Signal]:
    for row in Vote.objects.filter(helped=False, at__gte=since).order_by("pk"):
        said = f"{row.get_reason_display()}: {row.note}" if row.note else row.get_reason_display()
        yield Signal(Proposal.Kind.VOTES, str(row.page_id), said, row.at, page=row.page_id)


@transaction.atomic
def propose(one: Signal, *, title: str, material_kind: str, unit: Unit | None, by: Employee) -> Proposal:
    """Make a proposal of one person's word at once, or add the word to the open one of the same cause."""
    row = Proposal.objects.filter(kind=one.kind, key=one.key, state__in=OPEN).first()
    if row is None:
        facts = {"title": title[:300], "unit": unit, "material_kind": material_kind}
        row = Proposal.objects.create(kind=one.kind, key=one.key, **facts)
        journal.record("proposal.made", chain=f"proposal:{row.pk}", by=by, kind=one.kind.value)
    line, is_new = row.evidence.get_or_create(
        words=one.words[:1000], reference=one.reference, defaults={"times": 1, "last_at": one.at}
    )
    if not is_new:
        row.evidence.filter(pk=line.pk).update(times=F("times") + 1, last_at=one.at)
    Proposal.objects.filter(pk=row.pk).update(signals=F("signals") + 1)
    row.refresh_from_db()
    return row


def ask(question: str, *, unit: Unit | None, by: Employee) -> Proposal:
    """Pass on a question no material answers to the unit that knows it, without one to the chief editor.

    The same question of another employee strengthens the proposal that is open.
    """
    words = personal_data.hidden(" ".join(question.split())[:5000])[:1000]
    cause = " ".join(sorted(set(analysis.words(words))))
    if not cause:
        raise NoQuestion
    # Of another unit the same words are another question.
    signal = Signal(Proposal.Kind.ASKED, f"{unit.pk if unit else 0} {cause}"[:200], words, timezone.now())
    return propose(signal, title=f"Ответить на вопрос: «{words[:250]}»", material_kind="", unit=unit, by=by)


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
        Evidence(proposal=row, words=line[0], reference=line[1], times=times, last_at=found.last[line])
        for line, times in found.lines.most_common(SHOWN)
    )
    return known is None


def _made(kind: Proposal.Kind, key: str, found: Gathered) -> Proposal:
    material, unit = _about(found.pages)
    words = found.lines.most_common(1)[0][0][0]
    title = (
        found.title
        or {
            Proposal.Kind.NO_RESULT: f"Написать материал: «{words}»",
            Proposal.Kind.NO_CLICK: f"Дать найти нужное: «{words}»",
            Proposal.Kind.VOTES: f"Исправить материал «{material.title if material else ''}»",
        }[kind]
    )
    if unit is None and found.units:
        unit = Unit.objects.filter(pk=found.units.most_common(1)[0][0]).first()
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
    rows = Proposal.objects.select_related("unit", "handler", "page", "led_to", "section")
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
def take(row: Proposal, *, section: Section | None = None, by: Employee) -> None:
    """Take a proposal in hand; the section its material is to stand in decides the unit that answers from now on."""
    section = section or row.section or _section_of(row)
    if section is None or not rights.may_keep(by, section, on=timezone.localdate()):
        raise NoSection
    _move(row, "proposal.taken", [Proposal.State.NEW], Proposal.State.TAKEN, by=by, section=section, unit=section.unit)


def _section_of(row: Proposal) -> Section | None:
    material = Material.objects.filter(pk=row.page_id or 0).first()
    return materials.section_of(material) if material else None


def sections_for(employee: Employee, on: date) -> QuerySet[Section]:
    """Return the sections an employee may take a proposal for."""
    sections: QuerySet[Section] = Section.objects.filter(live=True).select_related("unit").order_by("title")
    return (
        sections if employee.has_power(rights.CHIEF) else sections.filter(unit__in=rights.units_kept_by(employee, on))
    )


@transaction.atomic
def pass_on(row: Proposal, *, unit: Unit | None, by: Employee) -> None:
    """Give a proposal to another unit that keeps sections: it is new there, whoever had it."""
    if unit is None or unit.pk == row.unit_id or not units_to_pass(row).filter(pk=unit.pk).exists():
        raise NoUnit
    facts = {"unit": unit, "section": None, "handler": None}
    _move(row, "proposal.passed_on", OPEN, Proposal.State.NEW, by=by, **facts)


def units_that_write() -> QuerySet[Unit]:
    """Return the units that keep sections: they can be asked for a material."""
    keeping = Section.objects.filter(live=True).values("unit")
    return Unit.objects.filter(pk__in=keeping).order_by("index", "name")


def units_to_pass(row: Proposal) -> QuerySet[Unit]:
    """Return the units a proposal may be given to: those that keep sections, but for the one that has it."""
    return units_that_write().exclude(pk=row.unit_id or 0)


@transaction.atomic
def begin(row: Proposal, draft: Draft, *, by: Employee) -> Material:
    """Write the draft a proposal asks for, in its section: when it is published, the proposal is done."""
    if row.state not in OPEN:
        raise ProposalChanged(now=row.get_state_display())
    page = drafts.write(draft, reference=f"proposal:{row.pk}", by=by)
    facts = {"section": draft.section, "unit": draft.section.unit, "led_to": page}
    _move(row, "proposal.begun", OPEN, Proposal.State.TAKEN, by=by, **facts)
    return page


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
    facts = {"reason": reason[:300], "ended_at": timezone.now(), "led_to": None}
    _move(row, "proposal.declined", OPEN, Proposal.State.DECLINED, by=by, **facts)


def _move(
    row: Proposal, action: str, was: Iterable[str], to: Proposal.State, *, by: Employee | None, **facts: Any
) -> None:
    if not Proposal.objects.filter(pk=row.pk, state__in=was).update(state=to, **{"handler": by, **facts}):
        row.refresh_from_db()
        raise ProposalChanged(now=row.get_state_display())
    told = {"material": facts["led_to"].pk if facts.get("led_to") else None}
    if "unit" in facts:
        told |= {"unit": facts["unit"].pk, "was": row.unit_id}
    journal.record(action, chain=f"proposal:{row.pk}", by=by, **told)
    row.refresh_from_db()


def connect() -> None:
    """Listen to Wagtail's log, which names who did it: the draft a proposal led to, once published, ends it."""
    post_save.connect(_logged, sender=PageLogEntry, dispatch_uid="knowledge.proposals.log")


def _logged(instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if not created or raw or instance.action != "wagtail.publish":
        return
    for row in Proposal.objects.filter(led_to=instance.page_id, state=Proposal.State.TAKEN):
        # Whoever publishes (a head who agrees, the clock) ends it; the work was the handler's.
        facts = {"handler": row.handler or instance.user, "led_to": row.led_to, "ended_at": timezone.now()}
        _move(row, "proposal.done", [Proposal.State.TAKEN], Proposal.State.DONE, by=instance.user, **facts)


def led_to(row: Proposal) -> Material | None:
    """Return the material a proposal led to, or the draft it is about to; None where there is none."""
    found: Material | None = Material.objects.filter(pk=row.led_to_id or 0).first()
    return found


def title_of(row: Proposal) -> str:
    """Return a title for the material a proposal asks for: what stands in its quotation marks."""
    _, opened, words = row.title.partition("«")
    words = words.rpartition("»")[0] if opened else row.title.rpartition(": ")[2]
    return words[:1].upper() + words[1:255]


def to_choose() -> QuerySet[Any]:
    """Return the materials a proposal may have led to, the newest first."""
    return materials.published().order_by(F("last_published_at").desc(nulls_last=True), "-pk")[:CHOICE]
