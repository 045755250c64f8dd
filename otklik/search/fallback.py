"""Searching in the table itself, where there is no index to ask: few candidates, found by the beginnings of words.

Slower and poorer than an index (a word nobody wrote so is hardly found), but always there, always fresh, and bounded
whatever is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Final

from django.db.models import BooleanField, F, Func, Q, Value

from otklik.search import analysis
from otklik.search.entries import open_to
from otklik.search.models import Entry
from otklik.search.store import Candidate, by_times

_NEWEST: Final = 20_000  # entries looked through
_MOST_SCANS: Final = 4  # words looked for while a question is understood; as many again for its answer
_EACH: Final = 40  # candidates by one word
_SHORTEST: Final = 3  # letters
_LONGEST_BODY: Final = 20_000  # characters that are analysed
_BOOLEAN: Final = BooleanField()


class Table:
    """The table as one reader sees it: a `Store`. What it counts it counts among the candidates met so far."""

    def __init__(self, index: str, scopes: Collection[str]) -> None:
        every = Entry.objects.filter(index=index)
        oldest = every.order_by("-pk").values_list("pk", flat=True)[_NEWEST : _NEWEST + 1].first()
        self._entries = every.filter(open_to(scopes), pk__gt=oldest or 0)
        self._size: int | None = None
        self._met: dict[str, analysis.Fields] = {}
        self._asked: set[str] = set()

    def size(self) -> int:
        """Return the number of documents."""
        if self._size is None:
            self._size = self._entries.count()
        return self._size

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """Return in how many candidates each lemma stands; the unknown are left out."""
        self._look_for(words, _MOST_SCANS)
        met = Counter(word for fields in self._met.values() for word in {*fields.title, *fields.body})
        return {word: met[word] for word in words if word in met}

    def families(self, roots: Collection[str]) -> dict[str, int]:
        """Return in how many candidates words of each root stand."""
        met = Counter(
            root
            for fields in self._met.values()
            for root in {analysis.beginning(word) for word in (*fields.title, *fields.body)}
        )
        return {root: met[root] for root in roots if root in met}

    def begun(self, beginning: str, limit: int) -> list[str]:
        """Return the word forms of candidates that begin so, those of most documents first."""
        self._look_for([beginning], _MOST_SCANS)
        met = Counter(form for fields in self._met.values() for form in fields.forms if form.startswith(beginning))
        return [form for form, _ in met.most_common(limit)]

    def sounding(self, sound: str, near: Callable[[list[str]], list[str]], limit: int) -> list[str]:
        """Return the first word forms of candidates that are `near` among those of like `analysis.ends`."""
        beginnings, ending = analysis.ends(sound)
        forms = {form for fields in self._met.values() for form in fields.forms if form.isalpha()}
        sounds = ((form, analysis.sound(form)) for form in forms)
        return near(sorted(form for form, its in sounds if its.startswith(beginnings) or its.endswith(ending)))[:limit]

    def best(self, words: Mapping[str, float], limit: int) -> list[Candidate]:
        """Return the candidates with most of these lemmas, or with words of their roots, by weight."""
        self._look_for(words, 2 * _MOST_SCANS)
        roots = {analysis.beginning(word): weight / 2 for word, weight in words.items()}

        def weight(fields: analysis.Fields) -> float:
            met = {*fields.title, *fields.body}
            its_roots = {analysis.beginning(word) for word in met}
            return sum(words.get(word, 0.0) for word in met) + sum(roots.get(root, 0.0) for root in its_roots)

        ranked = sorted(((weight(fields), key) for key, fields in self._met.items()), key=lambda one: (-one[0], one[1]))
        return [self._candidate(key) for score, key in ranked[:limit] if score > 0]

    def named(self, keys: Collection[str]) -> list[Candidate]:
        """Return the documents of these keys that the reader may see."""
        new = self._entries.filter(key__in=[key for key in keys if key not in self._met])
        for key, title, body in new.values_list("key", "title", "body"):
            self._met[key] = analysis.fields(title, body[:_LONGEST_BODY])
        return [self._candidate(key) for key in keys if key in self._met]

    def _candidate(self, key: str) -> Candidate:
        title, body, _ = self._met[key]
        return Candidate(key, title, by_times(title, body), len(title) + len(body))

    def _look_for(self, words: Collection[str], most: int) -> None:
        """Read the newest documents that have one of these words; the rarest first, as far as their look tells."""
        new = {analysis.beginning(word) for word in words if len(word) >= _SHORTEST} - self._asked
        rarest = sorted(new, key=lambda word: (not any(map(str.isdigit, word)), -len(word), word))
        for word in rarest[: max(most - len(self._asked), 0)]:
            self._asked.add(word)
            rows = self._entries.filter(_has(word)).exclude(key__in=list(self._met)).order_by("-pk")
            for key, title, body in rows.values_list("key", "title", "body")[:_EACH]:
                self._met[key] = analysis.fields(title, body[:_LONGEST_BODY])


def _has(word: str) -> Q:
    """Return the condition that a word stands in an entry. Capitals are spelt out: SQLite knows none but Latin ones."""
    found = Q(pk__in=[])
    for written in (word, word.capitalize(), word.upper()):
        pattern = Value(f"%{written.replace('е', '_').replace('Е', '_')}%")  # ё may stand there
        for field in ("title", "body"):
            found |= Q(Func(F(field), pattern, template="%(expressions)s", arg_joiner=" LIKE ", output_field=_BOOLEAN))
    return found
