"""Entries the product proposes for the thesaurus: words by which readers ask and no document speaks.

Searches that ended with a document tell what was meant; of those that ended with nothing only the word is known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple

from django.db import transaction
from django.utils import timezone

from otklik.core import journal
from otklik.search import analysis, dictionary, engine
from otklik.search.learning import SOURCES, Pair
from otklik.search.models import Entry, EntryProposal
from otklik.search.telling import masked, ordinary

TELLING: Final = 3  # words of a title that are proposed
SHOWN: Final = 10  # searches behind a proposal
SEARCHES_KEPT: Final = timedelta(days=400)  # with a decided proposal, as words of searches are everywhere
_COMMON: Final = 0.2  # a word of so large a part of the documents tells none from another


class Unanswered(NamedTuple):
    """A search that ended with nothing, and whose it is: opaque."""

    text: str
    source: str


class _Document(NamedTuple):
    title: str
    words: frozenset[str]


@dataclass
class _Asked:
    searches: Counter[str] = field(default_factory=Counter)
    sources: set[str] = field(default_factory=set)

    def add(self, text: str, source: str) -> None:
        self.searches[masked(text[:200])] += 1
        self.sources.add(source)


@transaction.atomic
def propose(index: str, pairs: Iterable[Pair], unanswered: Iterable[Unanswered], *, scopes: Collection[str]) -> int:
    """Bring the proposals up to what was searched; return how many are new. What was decided is not asked again.

    `scopes`: whose documents tell which words are known. The searches behind an entry are kept masked.
    """
    decided = EntryProposal.objects.filter(ended_at__lt=timezone.now() - SEARCHES_KEPT)
    decided.exclude(examples=[]).update(examples=[])
    asked, written_as = dict[tuple[str, str], _Asked](), dict[str, str]()
    ended = [pair for pair in pairs if pair.counts > 0]
    documents = _documents(index, {pair.key for pair in ended})
    for pair in ended:
        if pair.key not in documents:
            continue
        words = ordinary(pair.text)
        written_as |= words
        for word in words.keys() - documents[pair.key].words:
            asked.setdefault((word, pair.key), _Asked()).add(pair.text, pair.source)
    nowhere: dict[str, _Asked] = defaultdict(_Asked)
    for one in unanswered:
        words = ordinary(one.text)
        written_as |= words
        for word in words:
            nowhere[word].add(one.text, one.source)
    met = engine.frequencies(index, nowhere.keys(), scopes=scopes)
    asked |= {(word, ""): one for word, one in nowhere.items() if word not in met}
    enough = {cause: one for cause, one in asked.items() if len(one.sources) >= SOURCES}
    return _keep(index, enough, documents, written_as, scopes)


def _documents(index: str, keys: Collection[str]) -> dict[str, _Document]:
    """Return the documents that can still be found: their titles, and all words they are found by."""
    found, every = dict[str, _Document](), sorted(keys)
    for start in range(0, len(every), 500):
        rows = Entry.objects.filter(index=index, key__in=every[start : start + 500])
        for key, title, body in rows.values_list("key", "title", "body"):
            found[key] = _Document(title, frozenset(analysis.words(title)) | frozenset(analysis.words(body)))
    return found


def _keep(
    index: str,
    asked: Mapping[tuple[str, str], _Asked],
    documents: Mapping[str, _Document],
    written_as: Mapping[str, str],
    scopes: Collection[str],
) -> int:
    thesaurus, made = dictionary.current(), 0
    known = {(row.said, row.material): row for row in EntryProposal.objects.all()}
    titles = {key: ordinary(documents[key].title) for _, key in asked if key}
    met = engine.frequencies(index, {word for words in titles.values() for word in words}, scopes=scopes)
    total = max(Entry.objects.filter(index=index).count(), 1)
    rows, still = list[EntryProposal](), set[tuple[str, str]]()
    for (word, key), one in asked.items():
        # What the thesaurus knows is entered already; of a word that ended elsewhere, only what leads there.
        if word in thesaurus.story or (
            thesaurus.words.get(word) if not key else _leads(thesaurus.words, word, key, titles)
        ):
            continue
        telling = sorted(titles.get(key, ()), key=lambda title_word: (met.get(title_word, 0), title_word))
        rare = [told for told in telling if met.get(told, 0) <= max(_COMMON * total, 3)][:TELLING]
        telling = rare or telling[:1]
        if key and not telling:
            continue
        facts = {
            "written": ", ".join(titles[key][told] for told in telling) if key else "",
            "title": documents[key].title[:500] if key else "",
            "times": one.searches.total(),
            "sources": len(one.sources),
            "examples": [list(line) for line in one.searches.most_common(SHOWN)],
        }
        still.add((written_as[word], key))
        row = known.get((written_as[word], key))
        if row is None:
            rows.append(EntryProposal(said=written_as[word], material=key, **facts))
        elif row.state == EntryProposal.State.NEW and row.times != facts["times"]:
            EntryProposal.objects.filter(pk=row.pk, state=EntryProposal.State.NEW).update(**facts)
    # What an editor has entered by himself meanwhile, or nobody searches any more, waits for nobody.
    past = [row.pk for cause, row in known.items() if row.state == EntryProposal.State.NEW and cause not in still]
    EntryProposal.objects.filter(pk__in=past, state=EntryProposal.State.NEW).delete()
    if rows:
        EntryProposal.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
        made = len(rows)
        journal.record("thesaurus.proposed", chain=dictionary.CHAIN, by=None, new=made)
    return made


def _leads(
    words: Mapping[str, Mapping[str, float]], said: str, key: str, titles: Mapping[str, Mapping[str, str]]
) -> bool:
    """Tell whether the thesaurus leads from a word to the title of a document already."""
    return not titles[key].keys().isdisjoint(words.get(said, {}))
