"""Appeals in the search index: put there in the transaction that changes them, found only by who may see them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias

from django.db import transaction

from otklik.appeals import access
from otklik.appeals.models import Appeal, AppealMessage
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Employee
from otklik.search import engine as search
from otklik.search import reasons
from otklik.search.snippets import Segment

INDEX = "appeals"
_PORTION: Final = 500  # appeals put in one transaction
EVERYONE = "all"  # the mark that holders of «видеть все обращения» look for
Document: TypeAlias = tuple[str, str, str, list[str]]  # key, title, words, marks of who may see it


@dataclass(frozen=True)
class Found:
    """An appeal that a query found, with the place in the text, and why it was found, in words."""

    appeal: Appeal
    snippet: tuple[Segment, ...]
    score: float
    why: tuple[str, ...] = ()


class _Waiting(threading.local):
    """The appeals that are put at the end of this thread's `together()`."""

    appeals: dict[int, Appeal] | None = None


_waiting = _Waiting()


@contextmanager
def together() -> Iterator[None]:
    """Put what is put inside all at once at the end, in a transaction; inside another one, at the end of that.

    What fails inside and is caught there must have been a `together()` too, in a savepoint: its appeals are not put.
    """
    outer, appeals = _waiting.appeals, dict[int, Appeal]()
    with transaction.atomic(savepoint=False):  # a savepoint is the caller's matter: `journal.together()` has one
        _waiting.appeals = appeals
        try:
            yield
        finally:
            _waiting.appeals = outer
        if outer is not None:
            outer |= appeals
        elif appeals:
            search.put_each(INDEX, _documents(list(appeals.values())))


def put(appeal: Appeal) -> None:
    """Put the appeal's newest words and readers into the index; call it in the same transaction."""
    if _waiting.appeals is not None:
        _waiting.appeals[appeal.pk] = appeal
        return
    key, title, body, scopes = _documents([appeal])[0]
    search.put(INDEX, key, title=title, body=body, scopes=scopes)


def put_new(appeal: Appeal, message: IncomingMessage) -> None:
    """Put an appeal just made of a message into the index."""
    put_each([(appeal, message)])


def put_each(appeals: Iterable[tuple[Appeal, IncomingMessage]]) -> None:
    """Put appeals just made, each with its only letter: only whom they are assigned to is asked about them yet."""
    search.put_each(
        INDEX,
        [_document(one, [(letter.subject, letter.text)], access.Given.first(one)) for one, letter in appeals],
    )


def put_all(*, lost_only: bool, say: Callable[[int, int], object] = lambda done, total: None) -> int:
    """Put every appeal into the index, or only those it does not know; return how many."""
    rows = Appeal.objects.order_by("pk")
    known = search.known(INDEX) if lost_only else set()
    lost = [pk for pk in rows.values_list("pk", flat=True) if str(pk) not in known]
    for start in range(0, len(lost), _PORTION):
        with transaction.atomic():  # an appeal is put as it is while nobody changes it
            portion = rows.select_for_update(of=("self",)).filter(pk__in=lost[start : start + _PORTION])
            search.put_each(INDEX, _documents(list(portion)))
        say(min(start + _PORTION, len(lost)), len(lost))
    return len(lost)


def _documents(appeals: Sequence[Appeal]) -> list[Document]:
    """Return what is to be found of these appeals; as many queries for one as for hundreds."""
    texts: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    letters = AppealMessage.objects.filter(appeal__in=appeals).order_by("id")
    for pk, subject, text in letters.values_list("appeal", "message__subject", "message__text"):
        texts[pk].append((subject, text))
    given = access.given_to(appeals)
    return [_document(one, texts[one.pk], given[one.pk]) for one in appeals]


def _document(appeal: Appeal, texts: Iterable[tuple[str, str]], given: access.Given) -> Document:
    """Return the appeal's key, title, words, and the marks of its readers."""
    marks = [EVERYONE, *(f"unit:{pk}" for pk in given.units), *(f"person:{pk}" for pk in given.people)]
    return str(appeal.pk), f"{appeal.number} {appeal.subject}", "\n".join(filter(None, chain(*texts))), marks


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


def _scopes_of(user: Employee) -> list[str]:
    if user.has_power(access.ALL):
        return [EVERYONE]
    people = [f"person:{person.pk}" for person in access.people_behind(user)]
    return [*people, *(f"unit:{pk}" for pk in sorted(access.units_of(user)))]
