"""How long finding takes: one row for one search, from the first key to the material it ended with.

Search as one types asks many times; the row is one and is renewed. The moment of the first key comes from the browser
(`static/js/finding.js`) as a key of its own making and the milliseconds since; without scripts a search begins with its
first sending. Which material a search ended with is known without marks in addresses: the row remembers what it showed.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import wraps
from hashlib import sha256
from math import ceil
from typing import Any, Final, ParamSpec, TypeVar

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Count, F, Max, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from otklik.core import journal, masking
from otklik.core.hours import midnight
from otklik.knowledge.models import Audience, Baseline, SearchSession
from otklik.people import personal_data
from otklik.people.models import Employee, Unit

log = logging.getLogger("otklik.finding")

# A search nobody touches for so long is over.
SILENCE: Final = timedelta(minutes=30)
TEXT_KEPT: Final = timedelta(days=400)
QUERY_MAX: Final = 200
# Searches one reader may have under way at once: the newest that showed the material is the one that found it.
TABS: Final = 10
# New searches on the site within a minute, of everybody together: beyond that a program searches, and fills our table.
MOST_A_MINUTE: Final = 120
COOKIE: Final = f"{settings.COOKIE_PREFIX}reader"
TOLD: Final = "search"  # the cookie a script leaves when a form without htmx is sent
_KEY: Final = re.compile(r"[0-9a-f]{32}")
_MS: Final = re.compile(r"[0-9]{1,9}")

Params = ParamSpec("Params")
Result = TypeVar("Result")

FOUND: Final = Q(opened_ms__isnull=False)
OUTCOMES: Final[dict[str, tuple[str, Q]]] = {
    "found": ("материал найден", FOUND),
    "used": ("материал применён", Q(used_ms__isnull=False)),
    "no_result": ("ничего не нашлось", Q(opened_ms=None, found=0)),
    "no_click": ("нашлось, но не открыли", Q(opened_ms=None, found__gt=0)),
}


@dataclass(frozen=True)
class Searcher:
    """Who searches: an employee, or a citizen known only by a random mark of his browser."""

    employee: Employee | None = None
    mark: str = ""

    def rows(self) -> QuerySet[SearchSession]:
        """Return his searches."""
        if self.employee is not None:
            return SearchSession.objects.filter(audience=Audience.STAFF, by=self.employee)
        return SearchSession.objects.filter(audience=Audience.PUBLIC, reader=self.mark)

    def begun(self) -> dict[str, Any]:
        """Return what a new search says of him."""
        if self.employee is not None:
            return {"audience": Audience.STAFF, "by": self.employee, "unit_id": self.employee.unit_id}
        return {"audience": Audience.PUBLIC, "reader": self.mark}


@dataclass(frozen=True)
class Told:
    """What the browser says of a search: its key, and milliseconds since the first letter. Believed within reason."""

    key: str = ""
    elapsed: timedelta = timedelta()


def told_by(request: HttpRequest) -> Told:
    """Return what came with a request: in a header from htmx, in a short-lived cookie from a form that was sent."""
    key, _, ms = (request.headers.get("X-Search") or request.COOKIES.get(TOLD, "")).partition(".")
    if not _KEY.fullmatch(key):
        return Told()
    elapsed = timedelta(milliseconds=int(ms)) if _MS.fullmatch(ms) else timedelta()
    return Told(key, elapsed if elapsed <= SILENCE else timedelta())


def citizen(request: HttpRequest) -> Searcher:
    """Return the citizen by the mark of his browser; a browser without one gets it with the answer (`keep_mark`)."""
    value = str(request.COOKIES.get(COOKIE) or getattr(request, "new_reader", ""))
    if not _KEY.fullmatch(value):
        value = request.new_reader = secrets.token_hex(16)  # type: ignore[attr-defined]
    return Searcher(mark=hmac.new(f"reader:{settings.SECRET_KEY}".encode(), value.encode(), sha256).hexdigest())


def known_citizen(request: HttpRequest) -> Searcher | None:
    """Return the citizen whose browser bears a mark already."""
    return citizen(request) if _KEY.fullmatch(request.COOKIES.get(COOKIE, "")) else None


def keep_mark(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser its mark for as long as it stays open: a random number, tied to nothing."""
    if value := getattr(request, "new_reader", ""):
        response.set_cookie(COOKIE, value, httponly=True, samesite="Lax", secure=request.is_secure())


def never_in_the_way(step: Callable[Params, Result]) -> Callable[Params, Result | None]:
    """Let a reader have his page even where nothing can be written now."""

    @wraps(step)
    def unfailing(*args: Params.args, **kwargs: Params.kwargs) -> Result | None:
        try:
            return step(*args, **kwargs)
        except OperationalError:
            log.warning("a search is not measured: no database", exc_info=True)
            return None

    return unfailing


@never_in_the_way
def typed(who: Searcher, query: str, shown: Sequence[int], told: Told = Told()) -> str:
    """Note that these words found these materials; return the key of the search while it goes on."""
    now = timezone.now()
    words = personal_data.hidden(query[: 5 * QUERY_MAX]).lower()[:QUERY_MAX].strip()
    if not (key := told.key or _key_without_scripts(who, words, now)):
        return ""
    seen = {"query": words, "found": len(shown), "shown": list(shown), "last_at": now}
    going = who.rows().filter(key=key, opened_ms=None, last_at__gt=now - SILENCE)
    if going.update(searches=F("searches") + 1, **seen):
        return key
    if who.employee is None and _too_many(now):
        return ""
    row = SearchSession(key=key, began_at=now - told.elapsed, **seen, **who.begun())
    # A key that is known already belongs to a search that has ended: what comes late changes nothing in it.
    SearchSession.objects.bulk_create([row], ignore_conflicts=True)
    return key


def _key_without_scripts(who: Searcher, words: str, now: datetime) -> str:
    """Return the search that goes on, or a new one; none where the same list is only looked at again."""
    last = who.rows().filter(last_at__gt=now - SILENCE).order_by("-last_at").first()
    if last is None or (last.opened_ms is not None and last.query != words):
        return secrets.token_hex(16)
    return last.key if last.opened_ms is None else ""


def _too_many(now: datetime) -> bool:
    begun = SearchSession.objects.filter(audience=Audience.PUBLIC, began_at__gt=now - timedelta(minutes=1))
    return begun.count() >= MOST_A_MINUTE


@never_in_the_way
def opened(who: Searcher, page_id: int) -> None:
    """Note that a search ended with this material; who goes back and opens another has found the other one."""
    row = _that_showed(who, page_id)
    if row is not None and row.used_ms is None and row.page_id != page_id:
        _end(row, page_id, opened_ms=_since(row))


def used(who: Searcher, page_id: int) -> None:
    """Note that the material found went into an answer, or helped."""
    row = _that_showed(who, page_id)
    if row is not None and row.used_ms is None:
        ms = _since(row)
        # Inserted straight from the list: found and used at once.
        _end(row, page_id, opened_ms=row.opened_ms if row.page_id == page_id else ms, used_ms=ms)


def _that_showed(who: Searcher, page_id: int) -> SearchSession | None:
    """Return his newest search that showed the material."""
    recent = who.rows().filter(last_at__gt=timezone.now() - SILENCE).order_by("-last_at")[:TABS]
    return next((row for row in recent if page_id in row.shown), None)


def _end(row: SearchSession, page_id: int, **times: int | None) -> None:
    rank = row.shown.index(page_id) + 1
    SearchSession.objects.filter(pk=row.pk, used_ms=None).update(
        page=page_id, rank=rank, last_at=timezone.now(), **times
    )


def _since(row: SearchSession) -> int:
    # A clock set back must not make a time below what was already noted.
    passed = int((timezone.now() - row.began_at) / timedelta(milliseconds=1))
    return max(passed, row.opened_ms or 0)


def recent(who: Searcher, *, limit: int) -> list[str]:
    """Return the words he searched for last, each once, the newest first: his own and nobody else's.

    Words of which something personal was hidden are not offered: they would not find again what they found.
    """
    rows = who.rows().filter(cleared=False, found__gt=0).exclude(query="").exclude(query__contains=masking.HIDDEN)
    asked = rows.order_by("-last_at").values_list("query", flat=True)[: 5 * limit]
    return list(dict.fromkeys(asked))[:limit]


def clear_recent(who: Searcher) -> int:
    """Take his words out of what is offered to him again; the figures count the searches as before."""
    return who.rows().filter(cleared=False).update(cleared=True)


def forget_old() -> int:
    """Forget the words of searches long past, and whose they were; the times stay for the figures."""
    old = SearchSession.objects.filter(began_at__lt=timezone.now() - TEXT_KEPT, audience=Audience.STAFF)
    forgotten = old.exclude(query="", by=None).update(query="", shown=[], by=None)
    past = SearchSession.objects.filter(began_at__lt=timezone.now() - TEXT_KEPT, audience=Audience.PUBLIC)
    return forgotten + past.exclude(query="").update(query="", shown=[], reader="-")


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scope:
    """Whose searches of which days are looked at; `unit` narrows those of employees."""

    audience: Audience
    first: date
    last: date
    unit: int | None = None


@dataclass
class Figures:
    """Searches that have ended, counted. Times are in milliseconds; None where nothing was found."""

    total: int = 0
    used: int = 0
    no_result: int = 0
    no_click: int = 0
    times: list[int] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Return how many ended with a material."""
        return len(self.times)

    @property
    def share(self) -> int | None:
        """Return the share of those in per cent."""
        return round(100 * self.found / self.total) if self.total else None

    @property
    def median(self) -> int | None:
        """Return the time within which half of the materials were found."""
        return percentile(self.times, 50)

    @property
    def p90(self) -> int | None:
        """Return the time within which nine of ten were found."""
        return percentile(self.times, 90)


def percentile(times: Sequence[int], share: int) -> int | None:
    """Return the smallest of the times within which that share of them lies."""
    return sorted(times)[ceil(len(times) * share / 100) - 1] if times else None


def spoken(ms: int | None) -> str:
    """Return a time as people say it: «8 с», «1 мин 20 с»; a dash where there is none."""
    if ms is None:
        return "—"
    minutes, seconds = divmod(round(ms / 1000), 60)
    shown = f"{minutes} мин" if minutes else ""
    return f"{shown} {seconds} с".strip() if seconds or not minutes else shown


def ending(row: SearchSession) -> str:
    """Return how a search ended, in words."""
    if row.opened_ms is None:
        return OUTCOMES["no_click" if row.found else "no_result"][0]
    return OUTCOMES["found" if row.used_ms is None else "used"][0]


def searches(scope: Scope, outcome: str = "") -> QuerySet[SearchSession]:
    """Return the searches that have ended, of one outcome or of all: what every figure counts."""
    rows = _ended(scope.first, scope.last).filter(audience=scope.audience)
    if scope.unit is not None:
        rows = rows.filter(unit=scope.unit)
    return rows.filter(OUTCOMES[outcome][1]) if outcome else rows


def _ended(first: date, last: date) -> QuerySet[SearchSession]:
    over = FOUND | Q(last_at__lte=timezone.now() - SILENCE)
    return SearchSession.objects.filter(over, began_at__gte=midnight(first), began_at__lt=midnight(last, 1))


def without_result(first: date, last: date) -> dict[Audience, tuple[int, int]]:
    """Return for each audience that searched the share that found nothing, in per cent, and of how many searches."""
    empty = Count("pk", filter=OUTCOMES["no_result"][1])
    rows = _ended(first, last).order_by().values("audience").annotate(all=Count("pk"), empty=empty)
    found = {row["audience"]: (round(100 * row["empty"] / row["all"]), row["all"]) for row in rows}
    return {audience: found[audience] for audience in Audience if audience in found}


def figures(scope: Scope) -> Figures:
    """Return the figures of a scope."""
    return _by(scope, lambda at, unit: None).get(None, Figures())


def by_month(scope: Scope) -> dict[date, Figures]:
    """Return the figures of each month of the scope, those without a search included."""
    found = _by(scope, lambda at, unit: at.replace(day=1))
    month, months = scope.first.replace(day=1), {}
    while month <= scope.last:
        months[month] = found.get(month, Figures())
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def by_unit(scope: Scope) -> dict[Unit, Figures]:
    """Return the figures of each unit that searched."""
    found = _by(scope, lambda at, unit: unit)
    units = Unit.objects.filter(pk__in=[pk for pk in found if pk])
    return {unit: found[unit.pk] for unit in units.order_by("short_name")}


def words(scope: Scope, outcome: str) -> QuerySet[Any]:
    """Return the words of searches with this outcome, the most frequent first: `query`, `times`, `last`."""
    asked = searches(scope, outcome).exclude(query="").order_by()
    return asked.values("query").annotate(times=Count("pk"), last=Max("began_at")).order_by("-times", "query")


def _by(scope: Scope, key: Callable[[date, int | None], Any]) -> dict[Any, Figures]:
    groups: dict[Any, Figures] = {}
    rows: Iterable[tuple[datetime, int | None, int | None, int | None, int]]
    rows = searches(scope).values_list("began_at", "unit", "opened_ms", "used_ms", "found")
    for began_at, unit, opened_ms, used_ms, found in rows:
        one = groups.setdefault(key(timezone.localdate(began_at), unit), Figures())
        one.total += 1
        if opened_ms is not None:
            one.times.append(opened_ms)
            one.used += used_ms is not None
        elif found:
            one.no_click += 1
        else:
            one.no_result += 1
    return groups


def baseline(audience: Audience) -> Baseline | None:
    """Return what finding took before, as last entered."""
    return Baseline.objects.filter(audience=audience).select_related("by").order_by("-pk").first()


@transaction.atomic
def set_baseline(row: Baseline, *, by: Employee) -> None:
    """Keep a value entered by hand; what was entered before stays in the table."""
    row.by = by
    row.save()
    journal.record(
        "finding.baseline_set",
        chain="finding:baseline",
        by=by,
        kind=row.audience,
        seconds=row.seconds,
        on=row.measured_on,
        source=row.source,
    )
