"""Appeals in the search index: put there in the transaction that changes them, found only by who may see them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from otklik.appeals import access
from otklik.appeals.models import Appeal, Approval
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee
from otklik.search import engine as search
from otklik.search import reasons
from otklik.search.snippets import Segment

INDEX = "appeals"
_PORTION: Final = 500  # appeals put in one transaction
EVERYONE = "all"  # the mark that holders of «видеть все обращения» look for


@dataclass(frozen=True)
class Found:
    """An appeal that a query found, with the place in the text, and why it was found, in words."""

    appeal: Appeal
    snippet: tuple[Segment, ...]
    score: float
    why: tuple[str, ...] = ()


def put(appeal: Appeal) -> None:
    """Put the appeal's newest words and readers into the index; call it in the same transaction."""
    texts = appeal.messages.order_by("id").values_list("message__subject", "message__text")
    _put(appeal, texts, _scopes(appeal))


def put_new(appeal: Appeal, message: IncomingMessage) -> None:
    """Put an appeal just made of a message into the index: nobody is assigned or asked yet."""
    _put(appeal, [(message.subject, message.text)], [EVERYONE])


def put_each(appeals: Iterable[tuple[Appeal, IncomingMessage]]) -> None:
    """Put appeals that were brought in, each with its only letter: nobody is asked about them yet."""
    search.put_each(
        INDEX,
        [
            (
                str(appeal.pk),
                f"{appeal.number} {appeal.subject}",
                "\n".join(part for part in (message.subject, message.text) if part),
                [
                    EVERYONE,
                    *([f"unit:{appeal.unit_id}"] if appeal.unit_id else []),
                    *([f"person:{appeal.executor_id}"] if appeal.executor_id else []),
                ],
            )
            for appeal, message in appeals
        ],
    )


def put_all(*, lost_only: bool, say: Callable[[int, int], object] = lambda done, total: None) -> int:
    """Put every appeal into the index, or only those it does not know; return how many."""
    rows = Appeal.objects.order_by("pk")
    if lost_only:
        known = search.known(INDEX)
        lost = [pk for pk in rows.values_list("pk", flat=True) if str(pk) not in known]
    else:
        lost = list(rows.values_list("pk", flat=True))
    for start in range(0, len(lost), _PORTION):
        with transaction.atomic():  # an appeal is put as it is while nobody changes it
            for appeal in rows.select_for_update(of=("self",)).filter(pk__in=lost[start : start + _PORTION]):
                put(appeal)
        say(min(start + _PORTION, len(lost)), len(lost))
    return len(lost)


def _put(appeal: Appeal, texts: Iterable[tuple[str, str]], scopes: Collection[str]) -> None:
    search.put(
        INDEX,
        str(appeal.pk),
        title=f"{appeal.number} {appeal.subject}",
        body="\n".join(part for row in texts for part in row if part),
        scopes=scopes,
    )


def ask(user: Employee, query: str, *, limit: int, typing: bool = False) -> tuple[str, list[Found]]:
    """Return the appeals the user may see that fit a query, best first, and the query as it was understood."""
    if not query:
        return "", []
    found = search.ask(INDEX, query, scopes=_scopes_of(user), limit=limit, typing=typing)
    seen = access.visible_to(user).select_related("regime", "applicant", "unit", "executor")
    appeals = seen.in_bulk([int(hit.key) for hit in found.hits])
    rows = [
        Found(appeals[int(hit.key)], hit.snippet, hit.score, tuple(reasons.spoken(hit.why)))
        for hit in found.hits
        if int(hit.key) in appeals
    ]
    return found.read_as if rows else "", rows


def search_for(user: Employee, query: str, *, limit: int = 20) -> list[Found]:
    """Return only the appeals that `ask` finds."""
    return ask(user, query, limit=limit)[1]


def keys_for(user: Employee, query: str) -> list[int]:
    """Return the ids of appeals that fit a query, as many as the search finds, for a list that shows no places."""
    return [int(key) for key in search.keys(INDEX, query, scopes=_scopes_of(user))]


def scores_for(user: Employee, text: str, *, limit: int) -> list[tuple[int, float]]:
    """Return the ids of appeals open to a user that are nearest to a text, and how near: for comparing, not to show."""
    hits = search.find(INDEX, text, scopes=_scopes_of(user), limit=limit)
    return [(int(hit.key), hit.score) for hit in hits]


def _scopes(appeal: Appeal) -> list[str]:
    approving = Approval.objects.filter(revision__draft__appeal=appeal).order_by().values_list("approver", flat=True)
    people = {appeal.executor_id, *appeal.helpers.values_list("employee", flat=True).union(approving)}
    unit = [f"unit:{appeal.unit_id}"] if appeal.unit_id else []
    return [EVERYONE, *unit, *sorted(f"person:{pk}" for pk in people if pk)]


def _scopes_of(user: Employee) -> list[str]:
    if user.has_power(access.ALL):
        return [EVERYONE]
    people = [f"person:{person.pk}" for person in access.people_behind(user)]
    return [*people, *(f"unit:{pk}" for pk in sorted(access.units_of(user)))]
