"""What appeals tell the Knowledge Base (п. 41): answers written without a material, letters alike that none fits.

Sources for `knowledge.proposals.gather`: they bring topic and need, never a word of the citizen; the reference opens
the appeal to those who may see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from otklik.appeals.models import FINISHED, Appeal, AppealMessage, AppealQuestion, Citation, FrozenAnswer
from otklik.knowledge import materials
from otklik.knowledge.models import Proposal
from otklik.knowledge.proposals import Signal
from otklik.search import engine, likeness

MOST: Final = 5000  # answers and letters looked at, the newest
FITS: Final = 0.5  # of what a letter asks, how much a material must cover to fit it
_ASKED: Final = 400  # characters of a letter that a material is looked for by
UNKNOWN: Final = "тема не указана"


def reference(appeal: int) -> str:
    """Return how knowledge keeps an appeal: opaque there."""
    return f"appeal:{appeal}"


def appeal_of(reference: str) -> int | None:
    """Return the appeal a reference means; None where it means something else."""
    kind, _, pk = reference.partition(":")
    return int(pk) if kind == "appeal" and pk.isdecimal() else None


def about(appeal: Appeal) -> str:
    """Return what an appeal is about by the classifier: «Аренда участков — продление»."""
    question = AppealQuestion.objects.filter(appeal=appeal).select_related("topic", "need").first()
    return f"{question.topic.name} — {question.need.name}" if question else UNKNOWN


def unbacked(since: datetime) -> Iterator[Signal]:
    """Yield the answers sent without any material, by topic and need."""
    cited = Citation.objects.filter(draft__appeal=OuterRef("pk"))
    answers = FrozenAnswer.objects.filter(appeal=OuterRef("pk"), withdrawn_at=None).order_by("-pk")
    sent = Appeal.objects.filter(status__in=FINISHED, answered_on__gte=timezone.localdate(since))
    rows = _classified(sent.exclude(Exists(cited))).annotate(frozen_at=Subquery(answers.values("frozen_at")[:1]))
    for one in rows.filter(frozen_at__isnull=False, topic__isnull=False).order_by("-pk")[:MOST]:
        words = f"{one.topic_name} — {one.need_name}"
        yield Signal(
            Proposal.Kind.UNBACKED,
            f"{one.topic}:{one.need}",
            words,
            one.frozen_at,
            unit=one.unit_id,
            title=f"Написать материал: «{words}»",
            reference=reference(one.pk),
        )


def alike(since: datetime) -> Iterator[Signal]:
    """Yield letters that ask the same, where no material was used in their answers and none fits."""
    rows = _classified(Appeal.objects.filter(registered_on__gte=timezone.localdate(since)))
    cited = Citation.objects.filter(draft__appeal=OuterRef("pk"))
    found: dict[int, Any] = {one.pk: one for one in rows.annotate(is_cited=Exists(cited)).order_by("-pk")[:MOST]}
    letters = AppealMessage.objects.filter(first=True, appeal__in=found).order_by("appeal")
    texts = dict(letters.values_list("appeal", "message__text"))
    for group in likeness.groups(texts):
        members = [found[pk] for pk in group]
        if any(one.is_cited for one in members) or _fits(texts[group[0]]):
            continue
        met = Counter((one.topic_name, one.need_name) for one in members if one.topic)
        words = " — ".join(met.most_common(1)[0][0]) if met else UNKNOWN
        for one in members:
            yield Signal(
                Proposal.Kind.ALIKE,
                str(min(group)),
                f"{one.topic_name} — {one.need_name}" if one.topic else UNKNOWN,
                one.created_at,
                unit=one.unit_id,
                title=f"Ответить на похожие обращения: «{words}»",
                reference=reference(one.pk),
            )


def _classified(rows: QuerySet[Appeal]) -> QuerySet[Any]:
    """Return appeals each with the topic and need of its first question: `topic`, `need`, `topic_name`, `need_name`."""
    questions = AppealQuestion.objects.filter(appeal=OuterRef("pk")).order_by("pk")
    return rows.annotate(
        topic=Subquery(questions.values("topic")[:1]),
        need=Subquery(questions.values("need")[:1]),
        topic_name=Subquery(questions.values("topic__name")[:1]),
        need_name=Subquery(questions.values("need__name")[:1]),
    )


def _fits(text: str) -> bool:
    """Tell whether the Knowledge Base has something that answers a letter."""
    hits = engine.find(materials.INDEX, text[:_ASKED], scopes=[materials.STAFF], limit=1)
    return bool(hits) and hits[0].share >= FITS
