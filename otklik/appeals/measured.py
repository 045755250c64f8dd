"""What figures count of appeals, each as a condition: the queue filters by it, so a list is as long as its figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from otklik.appeals.classification import TO_CLASSIFY
from otklik.appeals.defaults import LAW, POS
from otklik.appeals.models import (
    FINISHED,
    AppealQuestion,
    Citation,
    Kinship,
    OutcomeKind,
    PosCase,
    QuestionOutcome,
    TermExtension,
)
from otklik.appeals.models.spine import ENDED

FAST: Final = "pos_fast_track"
# Which regimes a figure tells apart: of the law, of ПОС with its quick lane, that lane alone.
LANES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "law": ("по 59-ФЗ", (LAW,)),
    "pos": ("ПОС", (POS, FAST)),
    "fast": ("ПОС, Фаст-трек", (FAST,)),
}
Sstu = OutcomeKind.Sstu
NEWEST_ENDED: Final = (ENDED.desc(), "-pk")  # the order of the index


class DaysBetween(Func):
    """Whole days from the second date to the first: the two databases count them each in its own way."""

    output_field = IntegerField()
    template = "(%(expressions)s)"
    arg_joiner = " - "

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Return it for SQLite."""
        return self.as_sql(
            compiler,
            connection,
            template="CAST(julianday(%(expressions)s) AS INTEGER)",
            arg_joiner=") - julianday(",
            **extra,
        )


@dataclass(frozen=True)
class Mark:
    """Something an appeal either is or is not, in words and as a condition."""

    words: str
    of: Callable[[], Q]


def ended(first: date | None, last: date | None) -> Q:
    """Return the condition «its answer left, or it was closed without one, on these days»; both are included."""
    found = Q(answered_on__isnull=False) | Q(closed_on__isnull=False)
    if first:
        found = Q(GreaterThanOrEqual(ENDED, first))
    if last:
        found &= Q(LessThanOrEqual(ENDED, last))
    return found


def came(first: date | None, last: date | None) -> Q:
    """Return the condition «registered on these days»; both are included."""
    found = Q()
    if first:
        found &= Q(registered_on__gte=first)
    if last:
        found &= Q(registered_on__lte=last)
    return found


def repeated_days() -> int:
    """Return within how many days after the earlier appeal one marked as repeated counts as such."""
    return int(settings.REPEATED_DAYS)


def _ends(*kinds: str) -> Q:
    rows = QuestionOutcome.objects.filter(appeal=OuterRef("pk"), replaced_at=None)
    return Q(Exists(rows.filter(kind__sstu__in=kinds) if kinds else rows))


def _repeated() -> Q:
    rows = Kinship.objects.filter(other=OuterRef("pk"), kind=Kinship.Kind.REPEATED)
    soon = LessThanOrEqual(DaysBetween("other__registered_on", "main__registered_on"), repeated_days())
    return Q(Exists(rows.filter(soon)))


def _cited() -> Q:
    return Q(answered_on__isnull=False) & Q(Exists(Citation.objects.filter(draft__appeal=OuterRef("pk"))))


def _classified() -> Q:
    confirmed = AppealQuestion.objects.filter(appeal=OuterRef("pk"), confirmed_by__isnull=False)
    return TO_CLASSIFY & Q(Exists(confirmed))


def _in_term() -> Q:
    return Q(due_on__isnull=False) & Q(LessThanOrEqual(ENDED, F("due_on")))


def _late() -> Q:
    return Q(due_on__isnull=False) & ~Q(LessThanOrEqual(ENDED, F("due_on"))) & ended(None, None)


MARKS: Final[dict[str, Mark]] = {
    "with_term": Mark("срок известен", lambda: Q(due_on__isnull=False)),
    "answered": Mark("ответ отправлен", lambda: Q(answered_on__isnull=False)),
    "in_term": Mark("в срок", _in_term),
    "late": Mark("позже срока", _late),
    "extended": Mark("срок продлён", lambda: Q(Exists(TermExtension.objects.filter(appeal=OuterRef("pk"))))),
    "repeated": Mark("повторные", _repeated),
    "decided": Mark("исход внесён", _ends),
    "supported": Mark("поддержано", lambda: _ends(Sstu.SUPPORTED)),
    "explained": Mark("разъяснено", lambda: _ends(Sstu.EXPLAINED)),
    "refused": Mark("не поддержано", lambda: _ends(Sstu.NOT_SUPPORTED)),
    "told": Mark("дан ответ автору", lambda: _ends(Sstu.ANSWERED)),
    "forwarded": Mark("направлено по компетенции", lambda: _ends(Sstu.TRANSFERRED)),
    "left": Mark("оставлено без ответа", lambda: _ends(Sstu.LEFT)),
    "cited": Mark("в ответе есть материал Базы знаний", _cited),
    "rated": Mark(
        "оценено в ПОС",
        lambda: Q(Exists(PosCase.objects.filter(appeal=OuterRef("pk"), rating__isnull=False))),
    ),
    "to_classify": Mark("письменные, требуют ответа по существу", lambda: TO_CLASSIFY),
    "classified": Mark("классифицировано", _classified),
}


# What lists ask of a case besides: it changes by itself, so no figure keeps it.
LISTED: Final[dict[str, Mark]] = MARKS | {
    "open": Mark("в работе", lambda: ~Q(status__in=FINISHED)),
}


def lane(code: str) -> Q:
    """Return the condition «of the regimes of a lane»; of one nobody knows, no condition."""
    return Q(regime__in=LANES[code][1]) if code in LANES else Q()


def mark(code: str) -> Q:
    """Return the condition of a mark; of one nobody knows, no condition."""
    return LISTED[code].of() if code in LISTED else Q()
