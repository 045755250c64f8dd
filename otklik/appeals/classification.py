"""Classification on two axes (п. 9.1): topic and typical need. Anyone proposes, the registry unit confirms."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, transitions
from otklik.appeals.models import Appeal, AppealQuestion, Need, Topic
from otklik.appeals.permissions import check_power
from otklik.core import built, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.knowledge import materials
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.search import analysis, votes

S = Appeal.Status
HINT_WEIGHT = 3.0  # a phrase chosen by people says more than a word of an official title
VOTE_WEIGHT = 3.0  # all materials found of one mind say as much as one phrase chosen by people
LEAST_VOTE = 0.2
LEAST_HEARD = 0.5
MOST_WORDS = 8
TOP = 3


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


@dataclass(frozen=True)
class Suggested:
    """A topic or a need that fits a text, with the words of it that say so and the materials that vote for it."""

    item: Any  # Topic or Need
    score: float
    words: list[str]
    materials: list[str] = field(default_factory=list)  # titles


@dataclass(frozen=True)
class Guess:
    """What a text seems to be about: best first, three of each at most; `unit` usually answers the best topic."""

    topics: list[Suggested] = field(default_factory=list)
    needs: list[Suggested] = field(default_factory=list)
    unit: Unit | None = None


def valid_topics(on: date | None = None) -> QuerySet[Topic]:
    """Return the topics that may be assigned on a day."""
    return _topics_on(on or timezone.localdate())


def valid_needs(on: date | None = None) -> QuerySet[Need]:
    """Return the needs that may be assigned on a day."""
    return _needs_on(on or timezone.localdate())


@built.once
def _topics_on(on: date) -> QuerySet[Topic]:
    return Topic.objects.filter(rules.valid(on), leaf=True).select_related("unit")


@built.once
def _needs_on(on: date) -> QuerySet[Need]:
    return Need.objects.filter(rules.valid(on))


def propose(text: str, *, reader: Employee | None = None) -> Guess:
    """Guess topics and needs by the words of their hints and names; nothing leaves the machine, nothing is set.

    `reader`: the materials he may read that answer the text vote too.
    """
    words = _words(text)
    near = materials.nearest(text, user=reader, limit=votes.VOTERS)[0] if reader else []
    topics = _best(words, valid_topics(), _Votes(near, "topic"))
    needs = _best(words, valid_needs(), _Votes(near, "need"))
    return Guess(topics, needs, next((found.item.unit for found in topics if found.item.unit), None))


def check_can_propose(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not propose questions for this appeal."""
    check_power(user, "appeals.propose", "предложить тему и потребность")
    _check_open(appeal)


def check_can_classify(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not confirm questions of this appeal."""
    check_power(user, "appeals.classify", "подтвердить тему и потребность")
    _check_open(appeal)
    unit = staff.department().registry_unit
    if unit is None:
        raise NoRegistryUnit
    own = {person.unit_id for person in access.people_behind(user)}
    if unit.pk not in own and own.isdisjoint(staff.below([unit.pk])):
        raise NotRegistryUnit(unit=unit.name)


@transaction.atomic
def propose_questions(appeal: Appeal, pairs: Sequence[tuple[Topic, Need]], *, by: Employee) -> list[AppealQuestion]:
    """Put questions beside the appeal for the registry unit to confirm; earlier proposals give way."""
    check_can_propose(appeal, by)
    _check_pairs(pairs)
    appeal.questions.filter(confirmed_by__isnull=True).delete()
    rows = [
        AppealQuestion.objects.get_or_create(appeal=appeal, topic=topic, need=need, defaults={"proposed_by": by})[0]
        for topic, need in pairs
    ]
    journal.record("appeal.questions_proposed", chain=f"appeal:{appeal.pk}", by=by, questions=_facts(pairs))
    return rows


@transaction.atomic
def classify(
    appeal: Appeal,
    pairs: Sequence[tuple[Topic, Need]],
    *,
    by: Employee,
    on: date | None = None,
    imported: bool = False,
) -> None:
    """Confirm the questions of an appeal; what was there before gives way. The appeal becomes «классифицировано»."""
    if not imported:
        check_can_classify(appeal, by)
    _check_pairs(pairs, on)
    keep = Q(pk__in=[])
    for topic, need in pairs:
        keep |= Q(topic=topic, need=need)
    appeal.questions.exclude(keep).delete()
    now = timezone.now()
    for topic, need in pairs:
        AppealQuestion.objects.update_or_create(
            appeal=appeal, topic=topic, need=need, defaults={"confirmed_by": by, "confirmed_at": now}
        )
    to = S.CLASSIFIED if appeal.status == S.REGISTERED else appeal.status
    transitions.move(appeal, to, by=by, action="appeal.classified", facts={"questions": _facts(pairs)})


def needs_classification(appeal: Appeal) -> bool:
    """Tell whether п. 9.1 demands confirmed questions before assignment."""
    return appeal.written and appeal.needs_answer


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
        if not topic.leaf or not _counts(topic, on):
            raise UnfitQuestion(name=str(topic))
        if not _counts(need, on):
            raise UnfitQuestion(name=str(need))


def fits(row: Topic | Need) -> bool:
    """Tell whether a topic or a need may be assigned today."""
    return _counts(row, None) and (not isinstance(row, Topic) or row.leaf)


def _counts(row: Topic | Need, on: date | None) -> bool:
    on = on or timezone.localdate()
    return row.valid_from <= on and (row.valid_to is None or row.valid_to >= on)


def _facts(pairs: Iterable[tuple[Topic, Need]]) -> list[list[str]]:
    return [[topic.code, need.code] for topic, need in pairs]


def _words(text: str) -> dict[str, str]:
    """Return stem → the word as the text has it, for the first 20 000 characters."""
    found: dict[str, str] = {}
    for token in analysis.tokens(text[:20_000]):
        for stem in token.words:
            found.setdefault(stem, text[token.start : token.end])
    return found


class _Votes:
    """What the materials found say of one axis: of which topic the appeals were that they went into."""

    def __init__(self, near: Sequence[materials.Near], axis: str) -> None:
        self._near = near
        self._learned: dict[int, Counter[int]] = defaultdict(Counter)
        if not near:
            return
        confirmed = AppealQuestion.objects.filter(confirmed_by__isnull=False).order_by()
        used = confirmed.filter(appeal__draft__citations__material__in=[one.page_id for one in near])
        pairs = used.values_list("appeal__draft__citations__material", axis)
        counted = pairs.annotate(times=Count("appeal", distinct=True))
        for page, item, times in counted:
            self._learned[page][item] = times

    def of(self, hinted: Callable[[str], Iterable[Suggested]]) -> dict[int, tuple[float, list[materials.Near]]]:
        """Return item → its part of the votes and who voted; `hinted`: what the words of a title say of it.

        A material that has not gone into an answer yet votes by its title and its section.
        """
        shares = votes.shares(one.score for one in self._near)
        cast: list[tuple[float, dict[int, float]]] = []
        for share, one in zip(shares, self._near, strict=True):
            learned: Mapping[int, float] = self._learned.get(one.page_id, {})
            by_title = list(hinted(f"{one.title}. {one.section}"))[:1] if not learned else []
            cast.append((share, dict(learned) or {found.item.pk: 1.0 for found in by_title}))
        tally = votes.tally(cast)
        # Who knows no item keeps silent; one weak voice among the silent is not all of them.
        heard = max(sum(tally.values()), LEAST_HEARD)
        return {
            pk: (part / heard, [one for one, (_, items) in zip(self._near, cast, strict=True) if pk in items])
            for pk, part in tally.items()
        }


def _best(words: Mapping[str, str], rows: Iterable[Topic | Need], near: _Votes) -> list[Suggested]:
    kept = [(row, _stems_of(row.hints.split(",")), _stems_of([row.name])) for row in rows]
    by_words = _by_words(words, kept)
    voted = near.of(lambda title: _by_words(_words(title), kept))
    found = {one.item.pk: one for one in by_words}
    for row, _, _ in kept:
        part, voters = voted.get(row.pk, (0.0, []))
        if part < LEAST_VOTE:
            continue
        known = found.get(row.pk) or Suggested(row, 0.0, [])
        said = [word for one in voters for word in one.words]
        found[row.pk] = replace(
            known,
            score=round(known.score + VOTE_WEIGHT * part, 2),
            words=list(dict.fromkeys([*known.words, *said]))[:MOST_WORDS],
            materials=[one.title for one in voters][:TOP],
        )
    return sorted(found.values(), key=lambda item: -item.score)[:TOP]


_Kept: TypeAlias = Sequence[tuple[Any, Sequence[tuple[str, ...]], Sequence[tuple[str, ...]]]]


def _by_words(words: Mapping[str, str], kept: _Kept) -> list[Suggested]:
    """Return what the words of a text say, best first."""
    common = Counter(stem for _, _, names in kept for phrase in names for stem in set(phrase))
    found = []
    for row, hints, names in kept:
        score, because = 0.0, []
        for phrase in hints:
            if phrase and all(stem in words for stem in phrase):
                score += HINT_WEIGHT * len(phrase)
                because.append(" ".join(words[stem] for stem in phrase))
        for stem in {stem for phrase in names for stem in phrase}:
            if stem in words and len(stem) > 3:
                score += 1 / common[stem]
                because.append(words[stem])
        # One word that many titles share proves nothing.
        if score >= 1:
            found.append(Suggested(row, round(score, 2), list(dict.fromkeys(because))))
    return sorted(found, key=lambda item: -item.score)


def _stems_of(phrases: Iterable[str]) -> list[tuple[str, ...]]:
    return [_stems(phrase) for phrase in phrases]


@lru_cache(maxsize=4096)
def _stems(phrase: str) -> tuple[str, ...]:
    """Return a phrase's stems: the dictionaries are the same for every letter, so each is taken apart once."""
    return tuple(analysis.words(phrase))
