"""Appeals like a letter, among those somebody may see: what it repeats, and what is about the same, with the reasons.

The index is asked three times: what the letter is about, which letters share its words, which share the words of the
materials that answer it. Only what it finds is compared, by rare words and by runs of words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from otklik.appeals import access, search_feed
from otklik.appeals.models import Appeal, AppealMessage
from otklik.knowledge import materials
from otklik.people import personal_data
from otklik.people.models import Employee
from otklik.search import analysis, likeness

RECENT: Final = timedelta(days=365)  # how far back look-alikes are worth a look; our own choice
# From there on it is shown: five to eight of ten were about the same on development letters, repeats all.
LIKE: Final = 0.9
_BY_WORDS, _BY_MATERIALS = 15, 30  # candidates
_MATERIALS: Final = 2
_WORDS_COUNT: Final = 3.0  # the likeness of words is a small number
_LOOKED_AT: Final = 4000  # characters
_REASONS: Final = 5
_ITSELF: Final = 0


@dataclass(frozen=True)
class Alike:
    """An appeal like a letter. `words` of the letter and `materials` are what both share.

    `repeats`: one says what the other has said; `same`: they are of one applicant.
    """

    appeal: Appeal
    repeats: bool
    same: bool
    words: tuple[str, ...]
    materials: tuple[str, ...]


def to_letter(text: str, *, user: Employee, of: Appeal | None = None, limit: int = 5) -> list[Alike]:
    """Return the appeals of the last year like a letter that the user may see. `of`: the appeal it began.

    Repeats come first, those of the same applicant before all.
    """
    # A name makes no two letters alike, and is no reason to be shown: only what is left of this one can be shared.
    text = personal_data.replaced(text[:_LOOKED_AT], lambda _: " ").strip()
    if not text:
        return []
    by_words = search_feed.keys_for(user, text)[:_BY_WORDS]
    near, sure = materials.nearest(text, user=user, limit=_MATERIALS)
    about = [one.title for one in near] if sure else []
    by_materials = dict(search_feed.scores_for(user, ". ".join(about), limit=_BY_MATERIALS)) if about else {}
    known = _recent(user, {*by_words, *by_materials} - {of.pk if of else None})
    letters = {pk: f"{one.subject}\n{one.text}"[:_LOOKED_AT] for pk, one in known.items() if one.text}
    texts = likeness.Texts({_ITSELF: text, **letters})
    most = max(by_materials.values(), default=0.0) or 1.0
    found: list[tuple[float, Alike]] = []
    for pk, letter in letters.items():
        repeated = texts.repeated(_ITSELF, pk)
        value = by_materials.get(pk, 0.0) / most + _WORDS_COUNT * texts.likeness(_ITSELF, pk)
        if repeated >= likeness.REPEATED or value >= LIKE:
            words = _as_written(text, texts.shared(_ITSELF, pk, _REASONS))
            shared = _met(about, letter) if pk in by_materials else ()
            same = of is not None and _applicant(known[pk]) == _applicant(of)
            one = Alike(known[pk], repeated >= likeness.REPEATED, same, words, shared)
            found.append((repeated + value if one.repeats else value, one))
    found.sort(key=lambda scored: (-scored[1].repeats, -scored[1].same, -scored[0], -scored[1].appeal.pk))
    return [one for _, one in found[:limit]]


def _recent(user: Employee, found: Iterable[int]) -> dict[int, Any]:
    """Return the appeals of the last year among those found that the user may see, each with `text` of its letter."""
    since = timezone.localdate() - RECENT
    letter = AppealMessage.objects.filter(appeal=OuterRef("pk"), first=True).values("message__text")[:1]
    rows = access.visible_to(user).filter(registered_on__gte=since).select_related("applicant")
    return rows.annotate(text=Subquery(letter)).in_bulk(list(found))


def _applicant(appeal: Appeal) -> int:
    """Return the applicant of an appeal, under his main name where he was merged."""
    return appeal.applicant.merged_into_id or appeal.applicant_id


def _as_written(text: str, lemmas: Iterable[str]) -> tuple[str, ...]:
    """Return lemmas as the letter writes them."""
    written: dict[str, str] = {}
    for token in analysis.tokens(text):
        for word in token.words:
            written.setdefault(word, text[token.start : token.end].lower())
    # A year or a count is no reason; a long number is the best one.
    telling = (lemma for lemma in lemmas if not lemma.isdigit() or len(lemma) > 4)
    return tuple(dict.fromkeys(written.get(lemma, lemma) for lemma in telling))


def _met(titles: Iterable[str], letter: str) -> tuple[str, ...]:
    """Return the titles of materials with which a letter shares two words at least."""
    words = set(analysis.words(letter))
    return tuple(title for title in titles if len(words & set(analysis.words(title))) >= min(2, len(title.split())))
