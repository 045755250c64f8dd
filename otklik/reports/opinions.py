"""One analysis of what people say, wherever they said it: by QR, link, paper, telephone (пп. 27.3, 36).

Percentages never stand alone: a `Share` knows of how many, and of fewer than ten it is no percentage at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from otklik.appeals import access
from otklik.appeals.models import Appeal, AppealQuestion, Topic
from otklik.core.hours import midnight
from otklik.core.terms import valid
from otklik.correspondence.models import ChannelCode
from otklik.hotline.models import Consultation
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.surveys.handling import CLOSED
from otklik.surveys.models import OpinionTarget, Response

READ: Final = "surveys.read"
HEADS: Final = "hotline.figures"  # who sees the figures of single consultants
FEWEST: Final = 10  # of fewer a percentage tells more of chance and of single people than of work
CAME_BACK: Final = timedelta(days=7)
Target = OpinionTarget.Figure
Asked = Consultation.Asked
# What a list can be narrowed to → its words and condition; every figure is one of these.
SAID: Final[dict[str, tuple[str, Q]]] = {
    "graded": (
        "оценили качество",
        reduce(or_, (Q(answers__quality=one) for one in ("satisfied", "partial", "unsatisfied"))),
    ),
    "satisfied": ("удовлетворены", Q(answers__quality="satisfied")),
    "partial": ("частично удовлетворены", Q(answers__quality="partial")),
    "unsatisfied": ("не удовлетворены", Q(answers__quality="unsatisfied")),
    "told": ("сказали, получен ли ответ", Q(answers__answered="yes") | Q(answers__answered="no")),
    "yes": ("ответ получен", Q(answers__answered="yes")),
    "no": ("ответ не получен", Q(answers__answered="no")),
    "texts": ("со словами", ~Q(comment="")),
    "closed": ("со словами, разобраны", ~Q(comment="") & CLOSED),
    "waiting": ("со словами, ждут", ~Q(comment="") & ~Q(pk__in=Response.objects.filter(CLOSED).values("pk"))),
    "happy": ("довольны", Q(answers__answered="yes", answers__quality="satisfied")),
    "unhappy": (
        "не получили ответа или недовольны",
        Q(answers__answered="no") | Q(answers__quality="partial") | Q(answers__quality="unsatisfied"),
    ),
    "contact": ("можно связаться", Q(consent__isnull=False)),
    "suspicious": ("подозрительно много с одного адреса", Q(suspicious=True)),
}
COUNTED: Final = ("graded", "satisfied", "partial", "unsatisfied", "told", "yes", "texts", "closed")
# The same for consultations: what became of the two questions, who called again.
TALKS: Final = {
    "all": "консультации",
    "offered": "вопросы предложены",
    "answered": "ответили на вопросы",
    "refused": "отказались отвечать",
    "not_offered": "вопросы не предложены",
    "judged": "с номером, прошло 7 дней",
    "solved": "решено с первого обращения",
    "again": "обратились снова за 7 дней",
}
DIMENSIONS: Final = {
    "source": "Откуда",
    "channel": "Канал",
    "unit": "Подразделение",
    "topic": "Тема",
    "consultant": "Консультант",
}

NOBODY: Final = {"unit": "подразделение не названо", "topic": "без темы", "channel": "канал не указан"}


@dataclass(frozen=True)
class Scope:
    """Whose opinions of which days; what is not said is not narrowed. Unit and topic 0: those without one."""

    first: date
    last: date
    source: str = ""
    channel: str = ""
    unit: int | None = None
    topic: int | None = None
    consultant: int | None = None


@dataclass(frozen=True)
class Share:
    """A part of a whole; CSI has halves, so its part may be one of them."""

    part: float
    of: int

    @property
    def percent(self) -> int | None:
        """Return the percentage; None where there are too few to speak of one."""
        return int(100 * self.part / self.of + 0.5) if self.of >= FEWEST else None

    @property
    def words(self) -> str:
        """Return it as it is read: «82 %», of few a dash; the number stands beside."""
        return f"{self.percent} %" if self.percent is not None else "—"


@dataclass(frozen=True)
class Figures:
    """What a group of opinions comes to."""

    total: int = 0
    graded: int = 0
    satisfied: int = 0
    partial: int = 0
    unsatisfied: int = 0
    told: int = 0
    yes: int = 0
    texts: int = 0
    closed: int = 0

    @property
    def csi(self) -> Share:
        """Return the index: one for each satisfied, a half for each partly, of those who graded."""
        return Share(self.satisfied + self.partial / 2, self.graded)

    @property
    def csat(self) -> Share:
        """Return the share of the satisfied among those who graded."""
        return Share(self.satisfied, self.graded)

    @property
    def answered(self) -> Share:
        """Return the share of those who got their answer, among those who said so or not."""
        return Share(self.yes, self.told)

    @property
    def loop(self) -> Share:
        """Return the share of written words that led to something, or to a reason."""
        return Share(self.closed, self.texts)


@dataclass(frozen=True)
class Talks:
    """What became of the two questions at consultations, and who had to call again."""

    total: int = 0
    answered: int = 0
    refused: int = 0
    not_offered: int = 0
    judged: int = 0
    again: int = 0

    @property
    def coverage(self) -> Share:
        """Return the share of consultations whose questions were answered."""
        return Share(self.answered, self.total)

    @property
    def offered(self) -> Share:
        """Return the share of consultations where the questions were put; a refusal is an offer."""
        return Share(self.answered + self.refused, self.total)

    @property
    def fcr(self) -> Share:
        """Return the share solved at the first contact: no other one of this number on this topic in 7 days."""
        return Share(self.judged - self.again, self.judged)


def seen_by(user: Employee | None) -> QuerySet[Response]:
    """Return the opinions an employee may read, each with whom and what it is about.

    All for who sees all appeals, and where figures are counted for nobody in particular; for a head those of his
    units and what was handed to them; for others those about the appeals they see.
    """
    rows = _about(Response.objects.all())
    if user is None or user.has_power(access.ALL):
        return rows
    seen = Q(invitation__in=access.visible_to(user).filter(invitation__isnull=False).values("invitation"))
    if user.has_power(READ):
        seen |= Q(of_unit__in=units_of(user)) | Q(work__unit__in=units_of(user))
    return rows.filter(seen)


def units_of(user: Employee) -> set[int]:
    """Return the units whose opinions the employee reads, asked once a request."""
    known: set[int] | None = user.__dict__.get("_units_heard")
    if known is None:
        known = staff.units_under(user, timezone.localdate(), power=READ) if user.has_power(READ) else set()
        user.__dict__["_units_heard"] = known
    return known


def opinions(user: Employee | None, scope: Scope, said: str = "") -> QuerySet[Response]:
    """Return the opinions of a scope, narrowed to one kind of what was said.

    What came in a flood from one address stands apart: it is in no list and no figure but its own.
    """
    rows = seen_by(user).filter(suspicious=said == "suspicious")
    rows = rows.filter(at__gte=midnight(scope.first), at__lt=midnight(scope.last, 1))
    wanted = {
        "source": scope.source,
        "invitation__channel": scope.channel,
        "of_unit": scope.unit,
        "of_topic": scope.topic,
        "of_consultant": scope.consultant,
    }
    rows = rows.filter(**_wanted(wanted))
    return rows.filter(SAID[said][1]) if said in SAID else rows


def figures(user: Employee | None, scope: Scope) -> Figures:
    """Return what all opinions of a scope come to, in one query."""
    return Figures(**opinions(user, scope).aggregate(**_counts()))


def by(user: Employee, scope: Scope, dimension: str) -> list[tuple[Any, str, Figures]]:
    """Return (value, words, figures) of each group, the largest first, in two queries."""
    field = {
        "source": "source",
        "channel": "invitation__channel",
        "unit": "of_unit",
        "topic": "of_topic",
        "consultant": "of_consultant",
    }[dimension]
    rows: Any = opinions(user, scope).values(group=F(field)).annotate(**_counts())
    rows = rows.order_by("-total", "group")
    found = [(row.pop("group"), Figures(**row)) for row in rows]
    names = _names(dimension, [value for value, _ in found])
    return [
        (value, names.get(value) or NOBODY.get(dimension, "не указано"), one)
        for value, one in found
        if value or dimension != "consultant"
    ]


def by_month(user: Employee, scope: Scope) -> dict[date, Figures]:
    """Return the figures of each month of a scope, empty ones among them, in one query."""
    rows: Any = opinions(user, scope).values(month=TruncMonth("at")).annotate(**_counts()).order_by("month")
    found = {timezone.localtime(row.pop("month")).date().replace(day=1): row for row in rows}
    months, month = {}, scope.first.replace(day=1)
    while month <= scope.last:
        months[month] = Figures(**found.get(month, {}))
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def consultations(user: Employee | None, scope: Scope, what: str = "all") -> QuerySet[Consultation]:
    """Return the ended consultations of a scope, narrowed to one of `TALKS`; none where opinions elsewhere are asked.

    Coverage and «again» are of talks: of another source or channel there is nothing to count.
    """
    rows = Consultation.objects.filter(opened_at__gte=midnight(scope.first), opened_at__lt=midnight(scope.last, 1))
    rows = rows.filter(closed_at__isnull=False).annotate(
        of_unit=Coalesce("by__unit", "line__unit"), is_judged=_judged(), came_back=_came_back()
    )
    if user is not None and not user.has_power(access.ALL):
        rows = rows.filter(of_unit__in=units_of(user))
    spoken = ("", ChannelCode.HOTLINE, ChannelCode.EKC)
    if scope.source not in ("", Response.Source.PHONE) or scope.channel not in spoken:
        return rows.none()
    if scope.channel:
        rows = rows.filter(line__ours=scope.channel == ChannelCode.HOTLINE)
    wanted = {"of_unit": scope.unit, "topic": scope.topic, "by": scope.consultant}
    return rows.filter(_talk(what), **_wanted(wanted))


def talks(user: Employee | None, scope: Scope) -> Talks:
    """Return what became of the questions at the consultations of a scope, in one query."""
    rows = consultations(user, scope)
    counts = {
        name: Count("pk", filter=_talk(name)) for name in ("answered", "refused", "not_offered", "judged", "again")
    }
    return Talks(**rows.order_by().aggregate(total=Count("pk"), **counts))


def targets(on: date) -> dict[str, OpinionTarget]:
    """Return what each figure ought to be on a day."""
    return {row.figure: row for row in OpinionTarget.objects.filter(valid(on)).order_by("valid_from")}


def _wanted(narrowed: dict[str, Any]) -> dict[str, Any]:
    """Return the conditions of what a scope is narrowed to; 0 asks for rows without a value."""
    asked = {name: value for name, value in narrowed.items() if value not in (None, "")}
    return {name if value else f"{name}__isnull": value or True for name, value in asked.items()}


def _about(rows: QuerySet[Response]) -> QuerySet[Response]:
    """Say of each opinion what it is about: the room above that holds the invitation knows."""
    appeal = Appeal.objects.filter(invitation=OuterRef("invitation"))
    asked_in = Q(invitation=OuterRef("invitation")) | Q(code_invitation=OuterRef("invitation"))
    talk = Consultation.objects.filter(asked_in)
    asked = AppealQuestion.objects.filter(appeal__invitation=OuterRef("invitation")).order_by("pk")
    return rows.annotate(
        of_appeal=Subquery(appeal.values("pk")[:1]),
        of_consultation=Subquery(talk.values("pk")[:1]),
        of_consultant=Subquery(talk.values("by")[:1]),
        of_unit=Coalesce(
            Subquery(appeal.values("unit")[:1]),
            Subquery(talk.values("by__unit")[:1]),
            F("point__unit"),
            F("paper__batch__unit"),
            output_field=BigIntegerField(),
        ),
        of_topic=Coalesce(
            Subquery(asked.values("topic")[:1]), Subquery(talk.values("topic")[:1]), output_field=BigIntegerField()
        ),
    )


def _counts() -> dict[str, Count]:
    return {"total": Count("pk")} | {name: Count("pk", filter=SAID[name][1]) for name in COUNTED}


def _talk(what: str) -> Q:
    return {
        "offered": Q(asked__in=[Asked.ANSWERED, Asked.REFUSED]),
        "answered": Q(asked=Asked.ANSWERED),
        "refused": Q(asked=Asked.REFUSED),
        "not_offered": Q(asked__in=[Asked.NOT_OFFERED, Asked.NOT_YET]),
        "judged": Q(is_judged=True),
        "solved": Q(is_judged=True, came_back=False),
        "again": Q(is_judged=True, came_back=True),
    }.get(what, Q())


def _judged() -> ExpressionWrapper[Q]:
    """Tell whether it can be known: the number was seen, and the week is over."""
    known = ~Q(number_key="") & Q(opened_at__lt=timezone.now() - CAME_BACK)
    return ExpressionWrapper(known, output_field=BooleanField())


def _came_back() -> Exists:
    """Tell whether the same number asked about the same topic again within the week; without a topic is one, too."""
    until = ExpressionWrapper(OuterRef("opened_at") + CAME_BACK, output_field=DateTimeField())
    later = Consultation.objects.annotate(about=Coalesce("topic_id", 0)).filter(
        number_key=OuterRef("number_key"),
        about=Coalesce(OuterRef("topic_id"), 0),
        opened_at__gt=OuterRef("opened_at"),
        opened_at__lte=until,
    )
    return Exists(later)


def _names(dimension: str, values: Iterable[Any]) -> dict[Any, str]:
    known = [value for value in values if value]
    if dimension == "source":
        return dict(Response.Source.choices)
    if dimension == "channel":
        return dict(ChannelCode.choices)
    if dimension == "unit":
        return {row.pk: row.short_name for row in Unit.objects.filter(pk__in=known)}
    if dimension == "topic":
        return {row.pk: f"{row.code} {row.name}" for row in Topic.objects.filter(pk__in=known)}
    return {row.pk: row.short_name for row in Employee.objects.filter(pk__in=known)}
