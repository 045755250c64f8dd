"""What appeals tell the Knowledge Base (п. 41): answers written without a material, letters alike that none fits.

Sources for `knowledge.proposals.gather`: they bring topic and need, or words that most letters of a group have, never
what one citizen says of himself; the reference opens the appeal to those who may see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from otklik.appeals.models import FINISHED, Appeal, AppealMessage, AppealQuestion, Citation, FrozenAnswer
from otklik.knowledge import finding, materials
from otklik.knowledge.models import Evidence, Proposal, SearchSession
from otklik.knowledge.proposals import Signal
from otklik.people import personal_data
from otklik.search import analysis, likeness

MOST: Final = 5000  # answers and letters looked at, the newest
MOST_OF_GROUP: Final = 50  # letters of one proposal: a larger heap is of several matters
SHOWN: Final = 2000  # characters of a letter
TELLING: Final = 12  # words that most letters of a group have
NAMED: Final = 3  # of them in a title
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
    """Yield letters about one thing that no material answers, with the searches that ended with nothing about it.

    A group in which somebody has used a material is answered, whatever search thinks of it.
    """
    rows = _classified(Appeal.objects.filter(registered_on__gte=timezone.localdate(since)))
    cited = Citation.objects.filter(draft__appeal=OuterRef("pk"))
    found: dict[int, Any] = {one.pk: one for one in rows.annotate(is_cited=Exists(cited)).order_by("-pk")[:MOST]}
    letters = {pk: text for pk, text in _letters(found, personal_data.hidden) if not _answered(text)}
    texts = likeness.Texts(letters)
    groups = [group for group in texts.groups(most=MOST_OF_GROUP) if not any(found[pk].is_cited for pk in group)]
    searches = list(_searches_without_an_answer(since)) if groups else []
    keys = _keys_of(groups)
    for group, key in zip(groups, keys, strict=True):
        members = [found[pk] for pk in group]
        common = texts.common(group, TELLING)
        met = Counter((one.topic_name, one.need_name) for one in members if one.topic)
        words = " — ".join(met.most_common(1)[0][0]) if met else ", ".join(common[:NAMED]) or UNKNOWN
        title = f"Ответить на похожие обращения: «{words}»"
        for one in members:
            said = f"{one.topic_name} — {one.need_name}" if one.topic else UNKNOWN
            yield Signal(
                Proposal.Kind.ALIKE,
                key,
                said,
                one.created_at,
                unit=one.unit_id,
                title=title,
                reference=reference(one.pk),
            )
        for query, at in searches:
            if _about_the_same(query, common):
                yield Signal(Proposal.Kind.ALIKE, key, f"искали: {query}", at, title=title)


def letters_of(appeals: Collection[int]) -> dict[int, str]:
    """Return the letters appeals began with as a list shows them: with nothing of people."""
    return {pk: text for pk, text in _letters(appeals, personal_data.hidden) if text}


def _letters(appeals: Collection[int], cleaned: Callable[[str], str]) -> Iterator[tuple[int, str]]:
    rows = AppealMessage.objects.filter(first=True, appeal__in=appeals).order_by("appeal")
    for pk, subject, text in rows.values_list("appeal", "message__subject", "message__text"):
        yield pk, cleaned(f"{subject}\n{text}".strip()[:SHOWN])


def _answered(letter: str) -> bool:
    """Tell whether search is sure of a material for a letter."""
    return materials.nearest(letter, user=None, limit=1)[1]


def _searches_without_an_answer(since: datetime) -> Iterator[tuple[str, datetime]]:
    over = Q(last_at__lte=timezone.now() - finding.SILENCE, began_at__gte=since)
    rows = SearchSession.objects.filter(over, finding.OUTCOMES["no_result"][1]).exclude(query="")
    yield from rows.order_by("-pk").values_list("query", "began_at")[:MOST]


def _about_the_same(query: str, common: Collection[str]) -> bool:
    """Tell whether two words of a search at least, and most of them, are what the letters have in common."""
    words = set(analysis.words(query))
    met = len(words & set(common))
    return met >= 2 and 3 * met >= 2 * len(words)


def _keys_of(groups: Sequence[Sequence[int]]) -> list[str]:
    """Return the key of each group: that of the proposal its letters already stand in, else of its first letter.

    Letters come and old ones go, the proposal stays the same one.
    """
    named = {reference(pk): pk for group in groups for pk in group}
    lines = Evidence.objects.filter(proposal__kind=Proposal.Kind.ALIKE, reference__in=named)
    known = {named[one]: key for one, key in lines.order_by("pk").values_list("reference", "proposal__key")}
    keys: list[str] = []
    for group in groups:
        met = Counter(key for pk in group if (key := known.get(pk)) is not None and key not in keys)
        keys.append(met.most_common(1)[0][0] if met else str(min(group)))
    return keys


def _classified(rows: QuerySet[Appeal]) -> QuerySet[Any]:
    """Return appeals each with the topic and need of its first question: `topic`, `need`, `topic_name`, `need_name`."""
    questions = AppealQuestion.objects.filter(appeal=OuterRef("pk")).order_by("pk")
    return rows.annotate(
        topic=Subquery(questions.values("topic")[:1]),
        need=Subquery(questions.values("need")[:1]),
        topic_name=Subquery(questions.values("topic__name")[:1]),
        need_name=Subquery(questions.values("need__name")[:1]),
    )
