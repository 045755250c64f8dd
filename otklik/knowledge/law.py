"""Changes of the law (п. 41): an act amended or repealed reopens the review of all that stands on it, with a term."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from wagtail.models import Page, ReferenceIndex

from otklik.core import calendar, journal
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.core.workdays import Due, Term
from otklik.knowledge import materials, proposals, review, rights
from otklik.knowledge.models import (
    CheckTerm,
    LawChange,
    LawWeek,
    LegalAct,
    Material,
    Proposal,
    Reference,
    ReviewItem,
    Section,
)
from otklik.people import staff
from otklik.people.models import Employee

POWER: Final = "knowledge.law"
# Who enters changes, who answers for what stands on the acts, who looks.
READERS: Final = tuple(dict.fromkeys((POWER, *review.READERS)))
AHEAD: Final = timedelta(days=366)  # an act may be changed from a day to come
LONGEST: Final = 2000
_NUMBER: Final = re.compile(r"(?:№\s*|\b)(\d[\w/.\-–]*)", re.IGNORECASE)
_DATE: Final = re.compile(r"\b\d{1,2}\.\d{1,2}\.\d{4}\b")


class WrongAct(DomainError):
    """It is not said which act has changed."""

    code = "law.wrong_act"
    text = "Назовите акт: вид, дату и номер, например «Приказ от 16.08.2024 № 2725-НПА»."


class WrongDay(DomainError):
    """No day, or one that cannot be."""

    code = "law.wrong_day"
    text = "Укажите, с какого дня изменение: не позже чем через год."


class NoWords(DomainError):
    """Those who check must know what to look for."""

    code = "law.no_words"
    text = "Напишите, что изменилось: это прочтут все, кто проверяет материалы."


class Known(DomainError):
    """The same news, entered already."""

    code = "law.known"
    text = "Это изменение уже внесено: {named}, {day}. Откройте его в списке изменений."
    status = 409


@dataclass(frozen=True)
class News:
    """What has changed: the act of the Knowledge Base, or only its name where there is none."""

    act: LegalAct | None
    named: str
    kind: str
    happened_on: date | None
    what: str


def term(on: date) -> Due:
    """Return by which day what stands on a changed act is to be checked, with the grounds."""
    row = CheckTerm.objects.filter(valid(on)).order_by("-valid_from").first()
    days, basis = (row.days, row.basis) if row else (DAYS, BASIS)
    return Term(days, basis, unit="working", event="Изменение внесено").due(on, calendar.current())


# Loaded into the dictionary at the start (`defaults`), and what holds where its rows have all ended.
DAYS: Final = 10
SINCE: Final = date(2024, 8, 16)
BASIS: Final = "решение департамента (п. 41 Порядка срока не называет)"


def standing_on(act: Material) -> QuerySet[Material]:
    """Return the published materials that name an act among their grounds or lead to it from their text.

    The act itself is among them: its page tells the old edition.
    """
    refers = Reference.objects.filter(page=OuterRef("pk"), target=act.pk)
    pages = ContentType.objects.get_for_model(Page)
    links = ReferenceIndex.objects.filter(
        base_content_type=pages, to_content_type=pages, to_object_id=str(act.pk)
    ).values_list("object_id", flat=True)
    leads = [int(one) for one in links if one.isdigit()]
    return materials.published().filter(Exists(refers) | Q(pk__in=[act.pk, *leads])).order_by("path")


@transaction.atomic
def register(news: News, *, week: LawWeek | None = None, by: Employee) -> LawChange:
    """Write down that an act has changed; what stands on it is to be checked by the units that keep it.

    An act the Knowledge Base does not have becomes a proposal to write about it. `week`: whose duty this is part of;
    without one the week of today, while it is open.
    """
    facts = _checked(news)
    today = timezone.localdate()
    if week is None:
        week = LawWeek.objects.filter(begins_on=today - timedelta(days=today.weekday()), closed_at=None).first()
    try:
        with transaction.atomic():
            change = LawChange.objects.create(**facts, week=week, entered_by=by)
    except IntegrityError as exc:
        raise Known(named=facts["named"], day=f"{facts['happened_on']:%d.%m.%Y}") from exc
    items = _reopen(change, term(today).on) if change.act else []
    journal.record(
        "law.changed",
        chain=f"law:{change.pk}",
        by=by,
        material=change.act_id,
        kind=change.kind,
        on=change.happened_on,
        materials=len(items),
    )
    if change.act is None:
        title = f"Написать о правовом акте: {change.named}"
        signal = proposals.Signal(Proposal.Kind.NO_ACT, named_alike(change.named), str(change), change.entered_at)
        proposals.propose(signal, title=title, material_kind=LegalAct.__name__, unit=None, by=by)
    return change


def _checked(news: News) -> dict[str, Any]:
    named = " ".join((news.act.title if news.act else news.named).split())[:300]
    what = news.what.strip()
    if not named:
        raise WrongAct
    if news.happened_on is None or news.happened_on > timezone.localdate() + AHEAD:
        raise WrongDay
    if not what:
        raise NoWords
    if len(what) > LONGEST:
        raise review.TooLong(number=len(what), most=LONGEST)
    kind = LawChange.Kind(news.kind)
    return {"act": news.act, "named": named, "kind": kind, "happened_on": news.happened_on, "what": what}


def _reopen(change: LawChange, due_on: date) -> list[ReviewItem]:
    keepers = dict(Section.objects.values_list("path", "unit"))
    assert change.act is not None
    why = f"{change}. {change.what}"
    return ReviewItem.objects.bulk_create(
        ReviewItem(
            material=one,
            title=one.title,
            unit_id=keepers[one.path[: -Material.steplen]],
            cause=ReviewItem.Cause.LAW,
            change=change,
            why=why,
            due_on=due_on,
        )
        for one in standing_on(change.act)
    )


# --- which act is meant ----------------------------------------------------------------------------------------------


def named_alike(text: str) -> str:
    """Return the name of an act as it is compared with others."""
    return " ".join(text.casefold().replace("ё", "е").replace("–", "-").split())[:200]


def acts_by_number() -> dict[str, list[LegalAct]]:
    """Return the published acts by their numbers, to find many of them with `meant`."""
    found: dict[str, list[LegalAct]] = {}
    for act in acts():
        found.setdefault(named_alike(act.number), []).append(act)
    return found


def meant(text: str, known: Mapping[str, list[LegalAct]]) -> LegalAct | None:
    """Return the act a text names: by its title, or by number, and date where both tell it. In doubt none."""
    name = named_alike(text)
    dates = {one.zfill(10) for one in _DATE.findall(text)}
    named = {named_alike(one).strip(".,;") for one in _NUMBER.findall(_DATE.sub(" ", text))}
    found = [act for number in named for act in known.get(number, ())]
    found = [act for act in found if not dates or f"{act.adopted_on:%d.%m.%Y}" in dates]
    found = found or [act for acts in known.values() for act in acts if named_alike(act.title) == name]
    return found[0] if len(found) == 1 else None


def acts() -> QuerySet[LegalAct]:
    """Return the acts that may be said to have changed."""
    found: QuerySet[LegalAct] = LegalAct.objects.filter(pk__in=materials.published().values("pk")).order_by("title")
    return found


# --- who sees what ---------------------------------------------------------------------------------------------------


def with_progress(changes: QuerySet[LawChange]) -> QuerySet[LawChange]:
    """Return changes each with its numbers of materials: `total`, `waiting`, `checked`."""
    waits = Q(items__state=ReviewItem.State.WAITING)
    counted = {
        "total": Count("items"),
        "waiting": Count("items", filter=waits),
        "checked": Count("items", filter=~waits & Q(items__isnull=False)),
    }
    found: QuerySet[LawChange] = changes.annotate(**counted).select_related("act", "week", "entered_by")
    return found


def waiting_for(user: Employee) -> QuerySet[ReviewItem]:
    """Return the reviews that a change of the law has opened and the employee is to decide, most urgent first."""
    law = review.items_of(user).filter(cause=ReviewItem.Cause.LAW, state=ReviewItem.State.WAITING)
    return law.select_related("unit", "change", "material").order_by("due_on", "pk")


def whom_to_tell(unit: int, on: date) -> set[int]:
    """Return who hears that materials of a unit are to be checked: its authors and head, else the chief editors."""
    authors, heads = review.keepers(unit, on)
    return authors | heads or set(staff.holders(rights.CHIEF, on=on).values_list("pk", flat=True))


def late(items: Iterable[ReviewItem], on: date) -> int:
    """Return how many of these reviews are past their day."""
    return sum(one.state == ReviewItem.State.WAITING and one.due_on < on for one in items)
