"""How every appeal of a month stands, kept: judged anew only where the journal says that something has happened to it.

Whatever changes an appeal, its applicant, its covering letter or the case that answers it grows a chain of the journal
in the same transaction. A judgement remembers how long these chains were before it looked; a longer one makes it
worth nothing. What is entered for everybody (the rule, bodies, kinds of outcomes, the classifier) is its `basis`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from otklik.appeals.models import (
    Appeal,
    AppealMessage,
    Kinship,
    OutcomeKind,
    SstuBody,
    SstuJudgement,
    SstuUpload,
    SstuWatch,
)
from otklik.appeals.sstu import checking, dictionary, selecting
from otklik.appeals.sstu.selecting import Month
from otklik.core.models import ChainHead
from otklik.people.models import Applicant

KEPT_DAYS: Final = 400  # an older month that somebody opens is judged again
Judged = tuple[str, list[str]]  # how it stands by itself, its statuses


@dataclass(frozen=True)
class Standing:
    """The appeals of a month in their order, each with the list it stands in, a code of `checking.STATES`."""

    states: Mapping[int, str]

    def counted(self) -> Counter[str]:
        """Return how many stand in each list."""
        return Counter(self.states.values())

    def of(self, state: str) -> list[int]:
        """Return the appeals of one list, of all lists where none is named."""
        return [pk for pk, one in self.states.items() if not state or one == state]


def standing(month: Month, appeals: QuerySet[Appeal] | None = None) -> Standing:
    """Return how the appeals of a month stand now, or those of them that are among `appeals`."""
    rows = selecting.appeals_of(month, dictionary.rule())
    keys = list((rows if appeals is None else rows.filter(pk__in=appeals.values("pk"))).values_list("pk", flat=True))
    judged = _judged(month, keys)
    uploads = SstuUpload.objects.filter(month=month.first, current=True)
    attempts = {pk: (state, said) for pk, state, said in uploads.values_list("appeal", "state", "statuses")}
    return Standing({pk: checking.state_of(*judged[pk], *attempts.get(pk, ("", []))) for pk in keys})


def refresh() -> None:
    """Judge what has changed in this month and the one before, so that nobody waits for it; forget old months."""
    month = selecting.of(timezone.localdate())
    for one in (month.previous, month):
        standing(one)
    SstuJudgement.objects.filter(month__lt=month.first - timedelta(days=KEPT_DAYS)).delete()


def _judged(month: Month, keys: Sequence[int]) -> dict[int, Judged]:
    """Return the judgement of every appeal named: the kept one where nothing has happened since."""
    basis = _basis()
    rows = SstuJudgement.objects.filter(month=month.first, basis=basis)
    known: dict[int, Judged] = {pk: (own, said) for pk, own, said in rows.values_list("appeal", "own", "statuses")}
    # A chain may begin after the judgement: it was 0 long then.
    longer = ChainHead.objects.filter(chain=OuterRef("chain"), seq__gt=OuterRef("seq"))
    watched = SstuWatch.objects.filter(Exists(longer), judgement__month=month.first)
    changed = set(watched.values_list("judgement__appeal", flat=True))
    wanted = [pk for pk in keys if pk not in known or pk in changed]
    for at in range(0, len(wanted), selecting.PORTION):
        known |= _judge(month, wanted[at : at + selecting.PORTION], basis)
    return known


def _judge(month: Month, keys: Sequence[int], basis: str) -> dict[int, Judged]:
    """Judge appeals and keep it. The chains are read before the appeals: what happens meanwhile makes them longer."""
    chains = _chains(keys)
    heads = ChainHead.objects.filter(chain__in={one for its in chains.values() for one in its})
    lengths = dict(heads.values_list("chain", "seq"))
    lines = checking.lines_of(month, Appeal.objects.filter(pk__in=keys))
    judged = {one.appeal.pk: (one.own, one.request.statuses) for one in lines}
    # An appeal that has just got another applicant or relative is told truly now and judged again the next time.
    same = _chains(keys)
    sure = sorted(pk for pk in judged if chains.get(pk) == same.get(pk))
    with transaction.atomic():
        SstuJudgement.objects.bulk_create(
            (
                SstuJudgement(appeal_id=pk, month=month.first, basis=basis, own=judged[pk][0], statuses=judged[pk][1])
                for pk in sure
            ),
            update_conflicts=True,
            unique_fields=["appeal", "month"],
            update_fields=["basis", "own", "statuses"],
        )
        kept = SstuJudgement.objects.filter(month=month.first, appeal__in=sure).values_list("appeal", "pk")
        rows = dict(kept)
        SstuWatch.objects.filter(judgement__in=rows.values()).delete()
        SstuWatch.objects.bulk_create(
            SstuWatch(judgement_id=row, chain=chain, seq=lengths.get(chain, 0))
            for pk, row in rows.items()
            for chain in sorted(chains[pk])
        )
    return judged


def _chains(keys: Iterable[int]) -> dict[int, set[str]]:
    """Return the chains that tell of each appeal: its own, of its applicant, first message, and the case above it."""
    found = defaultdict[int, set[str]](set)
    applicants = dict(Appeal.objects.filter(pk__in=keys).values_list("pk", "applicant"))
    merged: dict[int, int | None] = {}
    wave = set(applicants.values())
    while wave:
        step = dict(Applicant.objects.filter(pk__in=wave).values_list("pk", "merged_into"))
        merged |= step
        wave = {one for one in step.values() if one is not None} - set(merged)
    for pk, applicant in applicants.items():
        found[pk].add(f"appeal:{pk}")
        one: int | None = applicant
        while one is not None:
            found[pk].add(f"applicant:{one}")
            one = merged.get(one)
    for pk, message in AppealMessage.objects.filter(appeal__in=keys, first=True).values_list("appeal", "message"):
        found[pk].add(f"message:{message}")
    for pk, main in Kinship.objects.filter(other__in=keys).values_list("other", "main"):
        found[pk].add(f"appeal:{main}")
    return dict(found)


def _basis() -> str:
    """Return the digest of what is entered for every appeal alike."""
    rule, aside = dictionary.rule(), ("id", "at", "by", "basis", "valid_from")
    said = (
        [getattr(rule, field.attname) for field in rule._meta.concrete_fields if field.name not in aside],
        list(SstuBody.objects.filter(valid_to=None).values_list("pk", "name", "other_names", "department_id")),
        list(OutcomeKind.objects.order_by("pk").values_list("pk", "sstu", "needs", "letter_due", "actions_taken")),
        list(ChainHead.objects.filter(chain="dictionaries").values_list("seq", flat=True)),
    )
    return hashlib.sha256(json.dumps(said, cls=DjangoJSONEncoder).encode()).hexdigest()
