"""Figures of personal reception (пп. 28, 35.1–35.3): each is a condition, so what it counts is what its list shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from django.db.models import Avg, Count, F, Q, QuerySet
from django.utils import timezone

from otklik.appeals.models import Topic
from otklik.core.hours import midnight
from otklik.people.models import Employee
from otklik.reception.models import Appointment, CardQuestion, ReceptionCard
from otklik.reports.line import Lasted

READERS: Final = ("reception.figures",)
DAYS: Final = 90
State, Outcome = Appointment.State, CardQuestion.Outcome
Rows: TypeAlias = QuerySet[Any, Any]
Numbers: TypeAlias = Mapping[str, int]


@dataclass(frozen=True)
class Scope:
    """Days of reception, both included, local time; of one official, one topic where these are given."""

    first: date
    last: date
    official: int | None = None
    topic: int | None = None


def scope_of(first: date | None, last: date | None, **narrowed: int | None) -> Scope:
    """Return the days asked for: the last ninety where none are, in their order whichever comes first."""
    last = last or timezone.localdate()
    first = first or last - timedelta(days=DAYS - 1)
    return Scope(min(first, last), max(first, last), **narrowed)


@dataclass(frozen=True)
class Figure:
    """What is counted: in words, of which rows, under which condition."""

    words: str
    model: type[Appointment | CardQuestion]
    rows: Q


def _figures(today: date) -> dict[str, Figure]:
    written = Q(outcome=Outcome.WRITTEN)
    answered = Q(appeal__answered_on__isnull=False)
    in_term = answered & Q(appeal__answered_on__lte=F("appeal__due_on"))
    waits = written & Q(appeal__answered_on=None)
    return {
        "booked": Figure("записаны на приём", Appointment, ~Q(state=State.CANCELLED)),
        "cancelled": Figure("запись отменена", Appointment, Q(state=State.CANCELLED)),
        "came": Figure("пришли", Appointment, Q(arrived_at__isnull=False)),
        "no_show": Figure("не пришли", Appointment, Q(state=State.NO_SHOW)),
        "no_card": Figure("пришли, приём не проводился", Appointment, Q(state=State.NO_CARD)),
        "received": Figure("приняты", Appointment, Q(state=State.DONE)),
        "moved": Figure("запись переносили", Appointment, Q(moves__gt=0)),
        "out_of_turn": Figure("с правом вне очереди", Appointment, ~Q(out_of_turn="")),
        "oral": Figure("дан устный ответ", CardQuestion, Q(outcome=Outcome.ORAL)),
        "written": Figure("обещан письменный ответ", CardQuestion, written),
        "in_term": Figure("письменный ответ дан в срок", CardQuestion, written & in_term),
        "late": Figure("письменный ответ дан позже срока", CardQuestion, written & answered & ~in_term),
        "waiting": Figure("письменный ответ готовится", CardQuestion, waits & ~Q(appeal__due_on__lt=today)),
        "overdue": Figure("письменный ответ просрочен", CardQuestion, waits & Q(appeal__due_on__lt=today)),
        "explained": Figure("разъяснено, куда обратиться", CardQuestion, Q(outcome=Outcome.EXPLAINED)),
        "refused": Figure("отказано: ответ уже давался", CardQuestion, Q(outcome=Outcome.REFUSED)),
    }


FIGURES: Final = tuple(_figures(date.min))


@dataclass(frozen=True)
class Report:
    """Every figure of `FIGURES`, of all and apart; `waited` and `lasted`: seconds on average, None of nobody."""

    total: Numbers
    officials: list[tuple[Employee, Numbers]]
    topics: list[tuple[Topic | None, Numbers]]
    waited: int | None
    lasted: int | None


def report(scope: Scope) -> Report:
    """Count everything at once: seven questions, whatever the days."""
    officials = _by("official", scope)
    topics = _by("topic", scope)
    people = Employee.objects.in_bulk([one for one in officials if one is not None])
    named = Topic.objects.in_bulk([one for one in topics if one is not None])
    waited, lasted = times(scope)
    return Report(
        total={name: sum(one[name] for one in officials.values()) for name in FIGURES},
        officials=sorted(
            ((people[pk], told) for pk, told in officials.items() if pk is not None), key=lambda one: one[0].last_name
        ),
        topics=sorted(
            ((named.get(pk) if pk is not None else None, told) for pk, told in topics.items()),
            key=lambda one: (one[0] is None, -one[1]["booked"], one[0].name if one[0] else ""),
        ),
        waited=waited,
        lasted=lasted,
    )


def totals(scope: Scope) -> dict[str, int]:
    """Return every figure of `FIGURES` of all, in two queries."""
    apart = _by("official", scope).values()
    return {name: sum(one[name] for one in apart) for name in FIGURES}


def times(scope: Scope) -> tuple[int | None, int | None]:
    """Return how long people waited and how long they were received, seconds on average; None of nobody."""
    found = _cards(scope).aggregate(
        waited=Avg(Lasted("started_at", "appointment__arrived_at")), lasted=Avg(Lasted("finished_at", "started_at"))
    )
    waited, lasted = found["waited"], found["lasted"]
    return None if waited is None else round(waited), None if lasted is None else round(lasted)


def listed(name: str, scope: Scope) -> Rows:
    """Return the very appointments or questions a figure counts, the newest first."""
    one = _figures(timezone.localdate())[name]
    if one.model is Appointment:
        return _appointments(scope).filter(one.rows).select_related("official", "room", "topic").order_by("-starts_at")
    beside = ("card__official", "card__applicant", "topic", "appeal")
    return _questions(scope).filter(one.rows).select_related(*beside).order_by("-card__started_at", "position")


def words_of(name: str) -> str:
    """Return what a figure counts."""
    return _figures(date.min)[name].words


def _by(what: str, scope: Scope) -> dict[int | None, dict[str, int]]:
    figures = _figures(timezone.localdate())
    of_question = f"card__{what}" if what == "official" else what
    found: dict[int | None, dict[str, int]] = {}
    for rows, key, model in (
        (_appointments(scope), what, Appointment),
        (_questions(scope), of_question, CardQuestion),
    ):
        counted = {
            name: Count("pk", filter=one.rows, distinct=True) for name, one in figures.items() if one.model is model
        }
        for told in rows.order_by().values(key).annotate(**counted):
            at = found.setdefault(told.pop(key), dict.fromkeys(FIGURES, 0))
            at |= told
    return found


def _appointments(scope: Scope) -> QuerySet[Appointment]:
    rows = Appointment.objects.filter(_within("starts_at", scope))
    rows = rows.filter(official=scope.official) if scope.official is not None else rows
    return rows.filter(topic=scope.topic) if scope.topic is not None else rows


def _questions(scope: Scope) -> QuerySet[CardQuestion]:
    rows = CardQuestion.objects.filter(_within("card__started_at", scope))
    rows = rows.filter(card__official=scope.official) if scope.official is not None else rows
    return rows.filter(topic=scope.topic) if scope.topic is not None else rows


def _cards(scope: Scope) -> QuerySet[ReceptionCard]:
    rows = ReceptionCard.objects.filter(_within("started_at", scope))
    rows = rows.filter(official=scope.official) if scope.official is not None else rows
    return rows.filter(questions__topic=scope.topic).distinct() if scope.topic is not None else rows


def _within(moment: str, scope: Scope) -> Q:
    after = midnight(scope.last, 1)
    return Q(**{f"{moment}__gte": midnight(scope.first), f"{moment}__lt": after})
