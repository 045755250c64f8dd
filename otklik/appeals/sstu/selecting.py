"""Which appeals belong to a month, and all that is known of each of them, read in portions of a few queries."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from otklik.appeals import cover, dispatch
from otklik.appeals.cover import Cover
from otklik.appeals.models import (
    Appeal,
    AppealMessage,
    AppealQuestion,
    CaseMerge,
    Dispatch,
    ForwardedCopy,
    Forwarding,
    Kinship,
    QuestionOutcome,
    Signature,
    SstuRule,
    SstuUpload,
    TermExtension,
)
from otklik.core.models import StoredFile

PORTION: Final = 500
Letter = tuple[str, StoredFile]


@dataclass(frozen=True)
class Month:
    """A calendar month by its first day."""

    first: date

    @property
    def last(self) -> date:
        """Return its last day."""
        return self.first.replace(day=calendar.monthrange(self.first.year, self.first.month)[1])

    @property
    def previous(self) -> Month:
        """Return the month before."""
        return of(self.first - timedelta(days=1))

    @property
    def next(self) -> Month:
        """Return the month after."""
        return of(self.last + timedelta(days=1))

    def due_on(self, rule: SstuRule) -> date:
        """Return by which day the month is reported."""
        return self.next.first.replace(day=rule.due_day)


def of(day: date) -> Month:
    """Return the month a day lies in."""
    return Month(day.replace(day=1))


@dataclass
class Facts:
    """What is known of one appeal. `letter`: the answer as it went out, with its name."""

    appeal: Appeal
    questions: list[AppealQuestion] = field(default_factory=list)
    outcomes: dict[int | None, QuestionOutcome] = field(default_factory=dict)
    forwardings: list[Forwarding] = field(default_factory=list)
    copies: dict[int, list[tuple[ForwardedCopy, set[int]]]] = field(default_factory=dict)
    extended_on: date | None = None
    message: int | None = None
    cover: Cover | None = None
    letter: Letter | None = None
    merged_into: str = ""
    upload: SstuUpload | None = None


def appeals_of(month: Month, rule: SstuRule) -> QuerySet[Appeal]:
    """Return the appeals of a month: that came, were registered, changed or ended in it."""
    within = (month.first, month.last)
    changed = [
        QuestionOutcome.objects.filter(on__range=within, replaced_at=None),
        Forwarding.objects.filter(forwarded_on__range=within),
        TermExtension.objects.filter(decided_on__range=within),
    ]
    condition = Q(registered_on__range=within) | Q(answered_on__range=within) | Q(closed_on__range=within)
    # Came in it and was registered later: «не зарегистрировано».
    condition |= Q(received_on__range=within, registered_on__gt=month.last)
    for rows in changed:
        condition |= Q(pk__in=rows.values("appeal"))
    return Appeal.objects.filter(condition, regime__in=rule.regimes).order_by("registered_on", "pk")


def facts_of(appeals: QuerySet[Appeal], month: Month) -> Iterator[Facts]:
    """Yield what is known of each appeal; a portion at a time is in memory."""
    keys = list(appeals.values_list("pk", flat=True))
    for at in range(0, len(keys), PORTION):
        yield from _portion(keys[at : at + PORTION], month)


def _portion(keys: list[int], month: Month) -> list[Facts]:
    people = "applicant__contacts", "applicant__merged_into__contacts"
    rows = Appeal.objects.filter(pk__in=keys).select_related("applicant__merged_into").prefetch_related(*people)
    found = {one.pk: Facts(one) for one in rows}
    for question in AppealQuestion.objects.filter(appeal__in=keys).select_related("topic").order_by("pk"):
        found[question.appeal_id].questions.append(question)
    outcomes = QuestionOutcome.objects.filter(appeal__in=keys, replaced_at=None)
    for outcome in outcomes.select_related("kind", "file"):
        found[outcome.appeal_id].outcomes[outcome.question_id] = outcome
    for extension in TermExtension.objects.filter(appeal__in=keys).values_list("appeal", "decided_on"):
        found[extension[0]].extended_on = extension[1]
    for merged, kept in CaseMerge.objects.filter(merged__in=keys, undone_at=None).values_list("merged", "kept__number"):
        found[merged].merged_into = kept
    for upload in _uploads(keys, month):
        found[upload.appeal_id].upload = upload
    _add_forwardings(found, keys)
    _add_covers(found, keys)
    _add_letters(found, keys)
    return [found[pk] for pk in keys if pk in found]


def _add_forwardings(found: dict[int, Facts], keys: list[int]) -> None:
    for row in Forwarding.objects.filter(appeal__in=keys):
        found[row.appeal_id].forwardings.append(row)
    copies = ForwardedCopy.objects.filter(forwarding__appeal__in=keys).select_related("forwarding")
    for copy in copies.prefetch_related("questions"):
        asked = {one.pk for one in copy.questions.all()}
        found[copy.forwarding.appeal_id].copies.setdefault(copy.forwarding_id, []).append((copy, asked))


def _add_covers(found: dict[int, Facts], keys: list[int]) -> None:
    came = list(AppealMessage.objects.filter(appeal__in=keys, first=True).select_related("message"))
    letters = cover.of_each(one.message for one in came)
    for one in came:
        found[one.appeal_id].message = one.message_id
        found[one.appeal_id].cover = letters.get(one.message_id)


def _add_letters(found: dict[int, Facts], keys: list[int]) -> None:
    """Put the answers in; a copy is answered by the letter to the appeal it is a copy of."""
    copies = Kinship.objects.filter(other__in=keys).exclude(kind=Kinship.Kind.REPEATED)
    mains = dict(copies.values_list("other", "main"))
    letters = dict(_letters({*keys, *mains.values()}))
    for pk, facts in found.items():
        own = letters.get(pk)
        # Of a group each is answered by its own letter; a copy without one is covered by the main one's.
        covered = letters.get(mains[pk]) if own is None and pk in mains and facts.appeal.answered_on else None
        facts.letter = own or covered


def _letters(keys: Iterable[int]) -> Iterator[tuple[int, Letter]]:
    """Yield the appeal and the letter that was sent: as it was frozen, the scan where it was signed on paper."""
    sent = dispatch.current().filter(answer__appeal__in=list(keys))
    rows: dict[int, list[Dispatch]] = defaultdict(list)
    for one in sent.select_related("answer__letter", "answer__signature__file", "answer__appeal").order_by("pk"):
        rows[one.answer.appeal_id].append(one)
    for pk, of_one in rows.items():
        answer = of_one[-1].answer
        signed: Signature | None = getattr(answer, "signature", None)
        scanned = signed is not None and signed.way == Signature.Way.PAPER and signed.file is not None
        stored = signed.file if scanned and signed and signed.file else answer.letter
        yield pk, (f"Ответ {answer.appeal.number}.pdf".replace("/", "-").replace("\\", "-"), stored)


def _uploads(keys: list[int], month: Month) -> QuerySet[SstuUpload]:
    rows = SstuUpload.objects.filter(appeal__in=keys, month=month.first, current=True)
    return rows.select_related("volume", "marked_by")
