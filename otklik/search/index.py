"""An index of documents: tantivy on disk, or in memory where no folder is given. Knows nothing of tables and readers.

Words are analysed here and nowhere in tantivy: it splits at spaces only. One process writes (tantivy holds a lock on
the folder), any number read; what was committed is seen after `reload`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import tantivy

from otklik.search import analysis
from otklik.search.store import Candidate, by_times

# Raise it whenever documents are analysed or kept otherwise: every machine then builds its indexes anew.
FORMAT: Final = f"3/{version('tantivy')}"
KEPT_WORDS: Final = 1000  # of a body, for ranking anew; the index itself knows them all
_HEAP: Final = 30_000_000  # bytes tantivy may gather before it writes; 15 MB a thread is its least
_ENOUGH: Final = 300  # documents a reader can expect with a word: that it stands somewhere is no secret from him
_MOST_COMMON: Final = 30  # heaviest words; of the others those that stand in documents enough are not looked for
_ROOT_WEIGHT: Final = 0.4  # a word of the same root against the word itself
_MOST_FORMS: Final = 1000  # looked at for one misspelt word, from either side
_RARE: Final = 50  # documents: such a word may be of hidden ones only
_REVERSED: Final = "<"


class Document(NamedTuple):
    """What is to be found, and by whom: readers who hold one of `scopes`."""

    key: str
    title: str
    body: str
    scopes: Collection[str]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("key", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("scopes", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("roots", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("forms", tokenizer_name="whitespace", index_option="basic")
    builder.add_text_field("sounds", tokenizer_name="whitespace", index_option="basic")
    builder.add_bytes_field("kept", stored=True, indexed=False)  # as a text it would be one huge word of the index
    builder.add_unsigned_field("length", stored=True)
    return builder.build()


_SCHEMA: Final = _schema()


class Index:
    """Documents that can be found by their words."""

    def __init__(self, folder: Path | None = None, *, new: bool = True) -> None:
        if folder is not None and new:
            folder.mkdir(parents=True, exist_ok=True)
        elif folder is not None and not (folder / "meta.json").exists():
            raise FileNotFoundError(folder)
        self._index = tantivy.Index(_SCHEMA, path=str(folder) if folder else None)
        self._index.config_reader("manual")  # a watcher would hold a lock of the folder against us
        self._writer: Any = None
        self._opens_all: dict[str, bool] = {}
        self._shares: dict[frozenset[str], float] = {}  # open to readers of these scopes

    def write(self, put: Iterable[Document], drop: Collection[str] = ()) -> None:
        """Take documents in, in place of what was known by their keys, forget others: one commit."""
        writer = self._opened()
        for key in drop:
            writer.delete_documents_by_term("key", key)
        for document in put:
            writer.delete_documents_by_term("key", document.key)
            writer.add_document(_entry(document))
        writer.commit()
        self.reload()

    def fill(self, documents: Iterable[Document]) -> None:
        """Take documents into an empty index, each key once: one commit."""
        writer = self._opened()
        for document in documents:
            writer.add_document(_entry(document))
        writer.commit()
        self.reload()

    def _opened(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)
        return self._writer

    def close(self) -> None:
        """Write no more; what works behind the scenes is ended."""
        if self._writer is not None:
            self._writer.wait_merging_threads()
            self._writer = None

    def reload(self) -> None:
        """See what was committed since."""
        self._index.reload()
        self._opens_all.clear()
        self._shares.clear()

    def view(self, scopes: Collection[str] | None = None) -> View:
        """Return the index as one reader sees it; None: as its keeper does."""
        searcher = self._index.searcher()
        if scopes is not None and any(self._is_on_all(scope, searcher) for scope in scopes):
            scopes = None  # to ask every document whether it is open costs as much as the search itself
        return View(searcher, scopes, 1.0 if scopes is None else self._share_of(frozenset(scopes), searcher))

    def _is_on_all(self, scope: str, searcher: tantivy.Searcher) -> bool:
        """Tell whether every document has this scope; looked at once a commit."""
        if scope not in self._opens_all:
            every = searcher.num_docs
            on_all = searcher.doc_freq("scopes", scope) >= every  # it counts documents already dropped, too
            self._opens_all[scope] = on_all and _count(searcher, _any_of([scope])) == every
        return self._opens_all[scope]

    def _share_of(self, scopes: frozenset[str], searcher: tantivy.Searcher) -> float:
        """Return what part of the documents is open to a reader; counted once a commit."""
        if scopes not in self._shares:
            self._shares[scopes] = _count(searcher, _any_of(scopes)) / max(searcher.num_docs, 1)
        return self._shares[scopes]


def is_whole(folder: Path) -> bool:
    """Tell whether an index can be opened and every file of it still is what was written (tantivy never looks)."""
    try:
        segments = json.loads((folder / "meta.json").read_bytes())["segments"]
        names = {one["segment_id"].replace("-", "") for one in segments}
        sums = [_is_as_written(path) for path in folder.iterdir() if path.stem.partition(".")[0] in names]
        return len(sums) >= len(names) and all(sums) and Index(folder, new=False).view().size() >= 0
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _is_as_written(path: Path) -> bool:
    """Tell whether a file has the sum that its last bytes say: content, a line of JSON, its length, a magic number."""
    content = memoryview(path.read_bytes())
    at = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    return at >= 0 and bool(json.loads(bytes(content[at:-8]))["crc"] == zlib.crc32(content[:at]))


class View:
    """One index as one reader sees it, at one moment: a `Store`."""

    def __init__(self, searcher: tantivy.Searcher, scopes: Collection[str] | None, share: float = 1.0) -> None:
        self._searcher, self._share = searcher, share
        self._scopes = None if scopes is None else _any_of(scopes)

    def size(self) -> int:
        """Return the number of documents."""
        return int(self._searcher.num_docs)

    def frequencies(self, words: Collection[str]) -> dict[str, int]:
        """Return in how many documents each known lemma stands."""
        return {word: met for word in words if word and (met := self._met("words", word))}

    def families(self, roots: Collection[str]) -> dict[str, int]:
        """Return in how many documents words of each root stand."""
        return {root: met for root in roots if root and (met := self._met("roots", root))}

    def _met(self, field: str, word: str) -> int:
        """Return in how many documents a word stands; what is rare is counted among those open to the reader.

        A word of hidden documents only must be unknown: what is made of an unknown word can be seen. Of a word that
        everybody writes the number says nothing.
        """
        met = int(self._searcher.doc_freq(field, word))
        return self._open(field, word) if 0 < met <= _RARE else met

    def _open(self, field: str, word: str) -> int:
        """Return in how many documents open to the reader a word stands; of one to be expected in many, in how many."""
        if self._scopes is None or self._is_common(field, word):
            return int(self._searcher.doc_freq(field, word))
        asked = [(tantivy.Occur.Must, _term(field, word, 1.0)), (tantivy.Occur.Must, self._scopes)]
        return _count(self._searcher, tantivy.Query.boolean_query(asked))

    def _is_common(self, field: str, word: str) -> bool:
        """Tell whether the reader can expect documents enough with a word."""
        return bool(self._searcher.doc_freq(field, word) * self._share >= _ENOUGH)

    def begun(self, beginning: str, limit: int) -> list[str]:
        """Return the word forms that begin so, those of most documents first."""
        begun = self._searcher.terms_with_prefix("forms", beginning, limit=_MOST_FORMS)
        return self._first_open((form for form, _ in begun), limit)

    def sounding(self, sound: str, near: Callable[[list[str]], list[str]], limit: int) -> list[str]:
        """Return the first word forms that are `near` among those of like `analysis.ends`."""
        beginnings, ending = analysis.ends(sound)
        found: dict[str, None] = {}
        for start in (*beginnings, _REVERSED + ending[::-1]):
            for token, _ in self._searcher.terms_with_prefix("sounds", start, limit=_MOST_FORMS):
                found[token.rpartition("|")[2]] = None
        return self._first_open(near(list(found)), limit)

    def _first_open(self, forms: Iterable[str], limit: int) -> list[str]:
        return list(islice((form for form in forms if self._open("forms", form)), limit))

    def best(self, words: Mapping[str, float], limit: int) -> list[Candidate]:
        """Return the documents with most of these lemmas, or with words of their roots; the heaviest lemma comes first.

        Where a word itself stands in documents enough, those that have only another of its root are not gone through:
        they would be ranked behind. Nor are those that have only such a word of little weight.
        """
        parts, roots = [], dict[str, float]()
        for place, (word, weight) in enumerate(words.items()):
            is_common = self._is_common("words", word)
            if not is_common or place < _MOST_COMMON:
                parts.append(_term("words", word, weight))
            if not is_common:
                root = analysis.beginning(word)
                roots[root] = max(roots.get(root, 0.0), weight * _ROOT_WEIGHT)
        parts += [_term("roots", root, weight) for root, weight in roots.items()]
        if not parts:
            return []
        return self._found(tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in parts]), limit)

    def named(self, keys: Collection[str]) -> list[Candidate]:
        """Return the documents of these keys that the reader may see."""
        return self._found(tantivy.Query.term_set_query(_SCHEMA, "key", sorted(keys)), len(keys)) if keys else []

    def _found(self, query: tantivy.Query, limit: int) -> list[Candidate]:
        if self._scopes is not None:
            open_only = tantivy.Query.const_score_query(self._scopes, 0.0)
            query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Must, open_only)])
        return [_candidate(self._searcher.doc(at)) for _, at in self._searcher.search(query, limit, count=False).hits]


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    found: Any = searcher.search(query, 1, count=True)
    return int(found.count)


def _any_of(scopes: Collection[str]) -> tantivy.Query:
    open_to = [tantivy.Query.term_query(_SCHEMA, "scopes", scope, index_option="basic") for scope in sorted(scopes)]
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in open_to])


def _term(field: str, word: str, weight: float) -> tantivy.Query:
    return tantivy.Query.boost_query(tantivy.Query.term_query(_SCHEMA, field, word, index_option="freq"), weight)


def _entry(document: Document) -> tantivy.Document:
    title, body, forms = analysis.fields(document.title, document.body)
    words = [*title, *title, *body]
    spelt = [form for form in forms if form.isalpha()]
    sounds = [(analysis.sound(form), form) for form in spelt]
    return tantivy.Document(
        key=document.key,
        scopes=" ".join(document.scopes),
        words=" ".join(words),
        roots=" ".join(map(analysis.beginning, words)),
        forms=" ".join(forms),
        sounds=" ".join(f"{s}|{form} {_REVERSED}{s[::-1]}|{form}" for s, form in sounds),
        kept=_kept(title, body[:KEPT_WORDS]).encode(),
        length=len(title) + len(body),
    )


def _kept(title: Collection[str], body: Collection[str]) -> str:
    """Return words as a candidate needs them: those of the title, then a line of all that stand so many times."""
    return "\n".join([" ".join(title), *(f"{times} {' '.join(words)}" for times, words in by_times(title, body))])


def _candidate(found: tantivy.Document) -> Candidate:
    stored: dict[str, list[Any]] = found.to_dict()
    title, *lines = stored["kept"][0].decode().split("\n")
    words = [(int(times), words.split(" ")) for times, _, words in (line.partition(" ") for line in lines)]
    return Candidate(stored["key"][0], title.split(), words, stored["length"][0])
