"""What answers teach: this letter, that material. The words of letters stay here; search keeps sums of ordinary ones.

A source for `knowledge.lessons.gather`, and letters to try a change of the thesaurus on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from otklik.appeals import access, signals
from otklik.appeals.models import AppealMessage, Citation
from otklik.knowledge.effect import Asked
from otklik.knowledge.lessons import LOOKED_BACK
from otklik.knowledge.models import MaterialUse
from otklik.people.models import Employee
from otklik.search import analysis
from otklik.search.learning import Pair

MOST: Final = 5000  # letters of a night, the newest
TRIED: Final = 50  # letters a change of the thesaurus is tried on
_LOOKED_AT: Final = 500
_LONGEST: Final = 4000  # characters of a letter
_USED, _DECLINED = 0.5, -0.5  # a letter says much beside what it asks


def letters(since: datetime) -> Iterator[Pair]:
    """Yield letters with the materials their answers stand on, and those that did not fit them."""
    used = _with_letters(Citation.objects.filter(at__gte=since))
    for key, text, applicant in used.values_list("material", "letter", "draft__appeal__applicant")[:MOST]:
        yield Pair((text or "")[:_LONGEST], str(key), f"applicant:{applicant}", _USED)
    declined = MaterialUse.objects.filter(action=MaterialUse.Action.DECLINED, at__gte=since)
    turned = list(declined.order_by("-pk").values_list("page", "reference")[:MOST])
    firsts = AppealMessage.objects.filter(first=True, appeal__in=[_appeal(one) for _, one in turned])
    texts = {
        appeal: (text, who) for appeal, text, who in firsts.values_list("appeal", "message__text", "appeal__applicant")
    }
    for page, reference in turned:
        if told := texts.get(_appeal(reference)):
            yield Pair(told[0][:_LONGEST], str(page), f"applicant:{told[1]}", _DECLINED)


def asked_with(words: frozenset[str], user: Employee) -> list[Asked]:
    """Return letters an employee may see that have one of these words, each with a material of its answer."""
    since = timezone.now() - LOOKED_BACK
    seen = Citation.objects.filter(at__gte=since, draft__appeal__in=access.visible_to(user))
    rows = _with_letters(seen).values_list("draft__appeal__number", "material", "letter")[:_LOOKED_AT]
    found = {
        (number, key): Asked(f"письмо {number}", str(key), 1, (text or "")[:_LONGEST])
        for number, key, text in rows
        if not words.isdisjoint(analysis.words((text or "")[:_LONGEST]))
    }
    return list(found.values())[:TRIED]


def _with_letters(rows: QuerySet[Citation]) -> QuerySet[Any]:
    first = AppealMessage.objects.filter(first=True, appeal=OuterRef("draft__appeal"))
    return rows.annotate(letter=Subquery(first.values("message__text")[:1])).order_by("-pk")


def _appeal(reference: str) -> int:
    return signals.appeal_of(reference) or 0
