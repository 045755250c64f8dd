"""Letters with the materials their answers stand on: confirmed pairs for `knowledge.confirmed`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef
from django.utils import timezone

from otklik.appeals import signals
from otklik.appeals.models import FINISHED, Appeal, AppealMessage, Citation
from otklik.knowledge.confirmed import Asked, Pair
from otklik.knowledge.models import MaterialUse

MOST: Final = 2000  # appeals looked at, the newest


def letters(since: datetime) -> Iterator[Pair]:
    """Yield the first letters of answered appeals with what their answers cite.

    Without a citation a letter says something only where materials were offered and turned down: nothing fitted it.
    """
    cited = Exists(Citation.objects.filter(draft__appeal=OuterRef("pk")))
    rows = Appeal.objects.filter(status__in=FINISHED, answered_on__gte=timezone.localdate(since)).annotate(cited=cited)
    appeals = dict(rows.order_by("-pk").values_list("pk", "cited")[:MOST])
    used: dict[int, set[int]] = defaultdict(set)
    for appeal, material in Citation.objects.filter(draft__appeal__in=appeals).values_list("draft__appeal", "material"):
        used[appeal].add(material)
    named = {signals.reference(pk): pk for pk, is_cited in appeals.items() if not is_cited}
    declined = MaterialUse.objects.filter(action=MaterialUse.Action.DECLINED, reference__in=named, at__gte=since)
    turned_down = {named[reference] for reference in declined.values_list("reference", flat=True)}
    told = used.keys() | turned_down
    texts = AppealMessage.objects.filter(first=True, appeal__in=told).order_by("-appeal")
    for appeal, text, at in texts.values_list("appeal", "message__text", "message__received_at"):
        if text.strip():
            yield Pair(Asked.LETTER, text, frozenset(used[appeal]), at, signals.reference(appeal))
