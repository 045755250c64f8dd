"""What searches teach: these words, that material. Search learns of it, and proposes entries for its thesaurus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from django.db.models import Q
from django.utils import timezone

from otklik.knowledge import finding, materials
from otklik.knowledge.models import SearchSession, Vote
from otklik.search import learning, wording
from otklik.search.learning import Pair
from otklik.search.wording import Unanswered

LOOKED_BACK: Final = timedelta(days=180)
MOST: Final = 20_000  # searches of a night, the newest
_USED, _OPENED, _AGAINST = 1.0, 0.5, -1.0

Source: TypeAlias = Callable[[datetime], Iterable[Pair]]


def searches(since: datetime) -> Iterator[Pair]:
    """Yield searches that ended with a material: one that was used counts more, one without an answer against it."""
    said = Vote.objects.filter(helped=False, reason=Vote.Reason.NO_ANSWER, at__gte=since)
    against = {(_source(by, reader), page) for by, reader, page in said.values_list("by", "reader", "page")}
    rows = SearchSession.objects.filter(finding.FOUND, began_at__gte=since, page__isnull=False).exclude(query="")
    facts = rows.order_by("-pk").values_list("query", "by", "reader", "page", "used_ms")
    for query, by, reader, page, used in facts[:MOST]:
        source = _source(by, reader)
        counts = _AGAINST if (source, page) in against else _USED if used is not None else _OPENED
        yield Pair(query, str(page), source, counts)


def unanswered(since: datetime) -> Iterator[Unanswered]:
    """Yield searches that are over and found nothing."""
    over = Q(last_at__lte=timezone.now() - finding.SILENCE, began_at__gte=since)
    rows = SearchSession.objects.filter(over, finding.OUTCOMES["no_result"][1]).exclude(query="")
    for query, by, reader in rows.order_by("-pk").values_list("query", "by", "reader")[:MOST]:
        yield Unanswered(query, _source(by, reader))


def _source(by: int | None, reader: str) -> str:
    return reader or f"employee:{by}"


def gather(*sources: Source) -> int:
    """Let search learn of what was confirmed, here and in rooms above, and propose entries for the thesaurus.

    Returns how many proposals are new. Again in the same night changes nothing.
    """
    since = timezone.now() - LOOKED_BACK
    searched = list(searches(since))
    pairs = [*searched, *(pair for source in sources for pair in source(since))]
    learning.learn(materials.INDEX, pairs)
    # The site's reader gains by what employees' searches taught, as far as the material is on the site at all.
    on_site = {str(pk) for pk in materials.for_public().values_list("pk", flat=True)}
    learning.learn(materials.INDEX_OF_SITE, [pair for pair in pairs if pair.key in on_site])
    return wording.propose(materials.INDEX, searched, unanswered(since), scopes=[materials.STAFF])
