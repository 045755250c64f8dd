"""What a change of the thesaurus would change: past queries run with both, and where their materials stand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from django.db.models import Q
from django.utils import timezone

from otklik.knowledge import finding, materials
from otklik.knowledge.lessons import LOOKED_BACK
from otklik.knowledge.models import Material, SearchSession
from otklik.search import analysis, engine
from otklik.search.thesaurus import Thesaurus

MOST_TRIED: Final = 200  # queries run with both thesauri
_LOOKED_AT: Final = 5000  # searches looked through for the words of the entry
PLACES: Final = 10
_SECONDS: Final = 4.0


class Asked(NamedTuple):
    """A query of the past: its words as shown, the material it ended with, how many times; `text`: all of a letter."""

    shown: str
    key: str
    times: int = 1
    text: str = ""


class Moved(NamedTuple):
    """One query and its material: the place before and after, None: not among the first ten."""

    asked: Asked
    key: str
    title: str
    before: int | None
    after: int | None

    @property
    def gains(self) -> bool:
        """Tell whether the material comes nearer to the top."""
        return (self.after or PLACES + 1) < (self.before or PLACES + 1)


class Effect(NamedTuple):
    """What a change of the thesaurus would change: the queries with other places, and how many were tried."""

    moved: list[Moved]
    tried: int

    @property
    def gain(self) -> int:
        """Return how many queries gain."""
        return sum(one.gains for one in self.moved)

    @property
    def lose(self) -> int:
        """Return how many queries lose."""
        return len(self.moved) - self.gain


def asked_with(words: frozenset[str]) -> list[Asked]:
    """Return past searches that have one of these words, the newest first, each once with its material."""
    since = timezone.now() - LOOKED_BACK
    rows = SearchSession.objects.filter(began_at__gte=since).exclude(query="").filter(finding.FOUND | Q(found=0))
    times: Counter[tuple[str, str]] = Counter(
        (query, str(page or ""))
        for query, page in rows.order_by("-pk").values_list("query", "page")[:_LOOKED_AT]
        if not words.isdisjoint(analysis.words(query))
    )
    return [Asked(query, key, number) for (query, key), number in times.items()][:MOST_TRIED]


def of(asked: Iterable[Asked], before: Thesaurus, after: Thesaurus) -> Effect:
    """Run past queries with both thesauri and return where their materials stand.

    Of a query that found nothing: what it would find first.
    """
    moved, tried = [], 0
    until = time.monotonic() + _SECONDS
    for one in asked:
        if time.monotonic() > until:  # an editor waits: what was not tried is not told
            break
        tried += 1
        was, will = (_found(one, thesaurus) for thesaurus in (before, after))
        key = one.key or (will[0] if will and not was else "")
        places = [found.index(key) + 1 if key in found else None for found in (was, will)]
        if places[0] != places[1]:
            moved.append(Moved(one, key, "", places[0], places[1]))
    found = Material.objects.filter(pk__in=[one.key for one in moved]).values_list("pk", "title")
    titles = {str(pk): title for pk, title in found}
    moved = [one._replace(title=titles[one.key]) for one in moved if one.key in titles]
    return Effect(sorted(moved, key=lambda one: (one.gains, -one.asked.times)), tried)


def _found(asked: Asked, thesaurus: Thesaurus) -> list[str]:
    keys = engine.trial(
        materials.INDEX,
        asked.text or asked.shown,
        scopes=[materials.STAFF],
        thesaurus=thesaurus,
        limit=PLACES,
    )
    return list(dict.fromkeys(key.partition("/")[0] for key in keys))  # a file is found for its material
