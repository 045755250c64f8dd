"""Classification on two axes (п. 9.1): topic and typical need. Anyone proposes, the registry unit confirms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, TypeAlias

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, proposing, transitions
from otklik.appeals.models import (
    Appeal,
    AppealQuestion,
    Need,
    QuestionKind,
    QuestionSort,
    Reclassification,
    Topic,
)
from otklik.appeals.permissions import check_power
from otklik.appeals.proposing import Guess, Suggested
from otklik.core import built, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.knowledge import materials
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.search import votes

__all__ = ["Guess", "Suggested"]

S = Appeal.Status
Kinds: TypeAlias = Mapping[tuple[int, int], QuestionKind]  # (topic, need) → kind


class NotRegistryUnit(DomainError):
    """Only the unit that п. 9.1 names confirms topics and needs."""

    code = "appeal.not_registry_unit"
    text = (
        "Тему и потребность подтверждает только подразделение «{unit}» (п. 9.1 Порядка). "
        "Предложите их: предложение увидит делопроизводитель."
    )
    status = 403


class NoRegistryUnit(DomainError):
    """The settings name no registry unit yet."""

    code = "appeal.no_registry_unit"
    text = "В сведениях о департаменте не указано подразделение, которое классифицирует обращения. Укажите его."


class NoQuestions(DomainError):
    """Classification needs at least one pair of topic and need."""

    code = "appeal.no_questions"
    text = "Укажите хотя бы один вопрос: тему и типовую потребность."


class RepeatedQuestion(DomainError):
    """The same pair twice would count one question as two."""

    code = "appeal.repeated_question"
    text = "Вопрос «{topic} — {need}» указан дважды. Оставьте один."


class UnfitQuestion(DomainError):
    """A code that is not a leaf, or is not valid on this day."""

    code = "appeal.unfit_question"
    text = "«{name}» нельзя присвоить: это раздел классификатора или код, который не действует. Выберите другой."


class EndedTopic(UnfitQuestion):
    """The code is no longer in the classifier; what stands in for it is told."""

    code = "appeal.ended_topic"
    text = "Код «{name}» прекращён {on}. {instead}"


def valid_topics(on: date | None = None) -> QuerySet[Topic]:
    """Return the topics that may be assigned on a day."""
    return _topics_on(on or timezone.localdate())


def valid_needs(on: date | None = None) -> QuerySet[Need]:
    """Return the needs that may be assigned on a day."""
    return _needs_on(on or timezone.localdate())


def valid_kinds(on: date | None = None) -> QuerySet[QuestionKind]:
    """Return the kinds and subtypes of questions that may be assigned on a day."""
    return _kinds_on(on or timezone.localdate())


@built.once
def _kinds_on(on: date) -> QuerySet[QuestionKind]:
    return QuestionKind.objects.filter(rules.valid(on))


@built.once
def _topics_on(on: date) -> QuerySet[Topic]:
    return Topic.objects.filter(rules.valid(on), leaf=True).select_related("unit")


@built.once
def _needs_on(on: date) -> QuerySet[Need]:
    return Need.objects.filter(rules.valid(on))


def propose(text: str, *, reader: Employee | None = None) -> Guess:
    """Guess what a text is about by hints and by confirmed cases; nothing leaves the machine, nothing is set.

    `reader`: the materials he may read that answer the text vote too.
    """
    words = proposing.words_of(text)
    if not words.said:
        return Guess()
    near = materials.nearest(text, user=reader, limit=votes.VOTERS)[0] if reader else []
    topics = proposing.best(words, list(valid_topics()), "topic", near)
    units = _answered_such(words)
    usual = next((found.item.unit for found in topics if found.item.unit), None)
    return Guess(
        topics,
        needs=proposing.best(words, list(valid_needs()), "need", near),
        unit=usual or next((found.item for found in units), None),
        kinds=proposing.best(words, list(valid_kinds()), "kind"),
        units=units,
    )


def propose_unit(text: str) -> Unit | None:
    """Return the unit that answered such letters; None where nothing tells."""
    return next((found.item for found in _answered_such(proposing.words_of(text))), None)


def _answered_such(words: proposing.Words) -> list[Suggested]:
    return proposing.best_units(words, Unit.objects.filter(rules.valid(timezone.localdate())))


def check_can_propose(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not propose questions for this appeal."""
    check_power(user, "appeals.propose", "предложить тему и потребность")
    _check_open(appeal)


def check_can_classify(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not confirm questions of this appeal."""
    check_power(user, "appeals.classify", "подтвердить тему и потребность")
    _check_open(appeal)
    check_registry(user)


def check_registry(user: Employee) -> None:
    """Raise where the user, and everybody he stands in for, works outside the unit that п. 9.1 names."""
    unit = staff.department().registry_unit
    if unit is None:
        raise NoRegistryUnit
    own = {person.unit_id for person in access.people_behind(user)}
    if unit.pk not in own and own.isdisjoint(staff.below([unit.pk])):
        raise NotRegistryUnit(unit=unit.name)


@transaction.atomic
def propose_questions(
    appeal: Appeal, pairs: Sequence[tuple[Topic, Need]], *, by: Employee, kinds: Kinds | None = None
) -> list[AppealQuestion]:
    """Put questions beside the appeal for the registry unit to confirm; earlier proposals give way."""
    check_can_propose(appeal, by)
    _check_pairs(pairs)
    appeal.questions.filter(confirmed_by__isnull=True).delete()
    rows = [
        AppealQuestion.objects.get_or_create(appeal=appeal, topic=topic, need=need, defaults={"proposed_by": by})[0]
        for topic, need in pairs
    ]
    _sort([row for row in rows if row.confirmed_by_id is None], kinds)
    journal.record("appeal.questions_proposed", chain=f"appeal:{appeal.pk}", by=by, questions=_facts(pairs))
    return rows


@transaction.atomic
def classify(
    appeal: Appeal,
    pairs: Sequence[tuple[Topic, Need]],
    *,
    by: Employee,
    kinds: Kinds | None = None,
    on: date | None = None,
    imported: bool = False,
) -> None:
    """Confirm the questions of an appeal; what was there before gives way. The appeal becomes «классифицировано».

    `kinds`: of which kind a question is, by its pair of keys; without it a question that stays keeps its kind. What
    was confirmed before and is changed is kept as a `Reclassification`.
    """
    if not imported:
        check_can_classify(appeal, by)
    _check_pairs(pairs, on)
    there = {
        (row.topic_id, row.need_id): row
        for row in appeal.questions.select_related("topic", "need", "sort__kind").order_by("id")
    }
    was = [_told(row) for row in there.values() if row.confirmed_by_id]
    wanted = {(topic.pk, need.pk) for topic, need in pairs}
    if gone := [row.pk for pair, row in there.items() if pair not in wanted]:
        appeal.questions.filter(pk__in=gone).delete()
    now = timezone.now()
    rows = []
    for topic, need in pairs:
        row = there.get((topic.pk, need.pk)) or AppealQuestion(appeal=appeal, topic=topic, need=need)
        row.confirmed_by, row.confirmed_at = by, now
        row.save()
        rows.append(row)
    _sort(rows, kinds)
    is_now = [_told(row) for row in rows]
    if was and was != is_now:
        Reclassification.objects.create(appeal=appeal, was=was, now=is_now, by=by)
    to = S.CLASSIFIED if appeal.status == S.REGISTERED else appeal.status
    transitions.move(appeal, to, by=by, action="appeal.classified", facts={"questions": _facts(pairs)})


def _sort(rows: Sequence[AppealQuestion], kinds: Kinds | None) -> None:
    """Keep of which kind the questions are."""
    if kinds is None:
        return
    today = timezone.localdate()
    for row in rows:
        kind = kinds.get((row.topic_id, row.need_id))
        known = getattr(row, "sort", None)
        if kind is None:
            if known is not None:
                known.delete()
                row._state.fields_cache.pop("sort", None)
            continue
        if known is not None and known.kind_id == kind.pk:
            continue
        if not _counts(kind, today):
            raise UnfitQuestion(name=str(kind))
        row.sort = QuestionSort.objects.update_or_create(question=row, defaults={"kind": kind})[0]


def _told(row: AppealQuestion) -> dict[str, str]:
    """Return a question in the words of today: dictionaries may say otherwise tomorrow."""
    sort = getattr(row, "sort", None)
    return {"topic": str(row.topic), "need": row.need.name, "kind": str(sort.kind) if sort else ""}


def needs_classification(appeal: Appeal) -> bool:
    """Tell whether п. 9.1 demands confirmed questions before assignment; `TO_CLASSIFY` is the same as a condition."""
    return appeal.written and appeal.needs_answer


TO_CLASSIFY: Final = Q(written=True, needs_answer=True)


def is_classified(appeal: Appeal) -> bool:
    """Tell whether at least one question is confirmed."""
    return appeal.questions.filter(confirmed_by__isnull=False).exists()


def _check_open(appeal: Appeal) -> None:
    to = S.CLASSIFIED if appeal.status == S.REGISTERED else appeal.status
    transitions.check_can_move(appeal, to)


def _check_pairs(pairs: Sequence[tuple[Topic, Need]], on: date | None = None) -> None:
    if not pairs:
        raise NoQuestions
    seen: set[tuple[int, int]] = set()
    for topic, need in pairs:
        if (topic.pk, need.pk) in seen:
            raise RepeatedQuestion(topic=topic.name, need=need.name)
        seen.add((topic.pk, need.pk))
        if topic.leaf and topic.valid_to and topic.valid_to < (on or timezone.localdate()):
            raise ended(topic)
        if not topic.leaf or not _counts(topic, on):
            raise UnfitQuestion(name=str(topic))
        if not _counts(need, on):
            raise UnfitQuestion(name=str(need))


def ended(topic: Topic) -> EndedTopic:
    """Return the refusal of a topic that has ended: since when, and what to choose instead."""
    seen = {topic.pk}
    now = topic
    while (next_one := getattr(now, "replacement", None)) and next_one.by_id not in seen:
        seen.add(next_one.by_id)
        now = next_one.by
    instead = f"Вместо него: «{now}»." if now.pk != topic.pk else "Замены у него нет: выберите другую тему."
    return EndedTopic(name=str(topic), on=f"{topic.valid_to:%d.%m.%Y}", instead=instead)


def fits(row: Topic | Need) -> bool:
    """Tell whether a topic or a need may be assigned today."""
    return _counts(row, None) and (not isinstance(row, Topic) or row.leaf)


def _counts(row: Topic | Need | QuestionKind, on: date | None) -> bool:
    on = on or timezone.localdate()
    return row.valid_from <= on and (row.valid_to is None or row.valid_to >= on)


def _facts(pairs: Iterable[tuple[Topic, Need]]) -> list[list[str]]:
    return [[topic.code, need.code] for topic, need in pairs]
