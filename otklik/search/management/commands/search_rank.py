"""`otklik search-rank`: what the shipped search finds among given articles for given queries, without a database."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from otklik.search import analysis, asked, confidence, learning, ranking, vectors
from otklik.search.asked import Words
from otklik.search.encoder import EncoderError, configured, text_of
from otklik.search.index import Document, Index
from otklik.search.ranking import Learnt
from otklik.search.thesaurus import Thesaurus
from otklik.search.topics import Topics

ANSWERS: Final = 2  # the grade of an article that answers a query; a lesser one is only near
LETTER: Final = "letter"  # the kind of a query that one person sends once
PARTS: Final = ("thesaurus", "topics", "own")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError as exc:
                    raise CommandError(f"{path}, строка {number}: это не JSON. Исправьте файл и повторите.") from exc


class Command(BaseCommand):
    """Ranks articles for queries; one JSON line for each query."""

    help = "Ранжировать статьи по запросам: только поставляемые настройки, база данных не нужна."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the three files."""
        parser.add_argument("--articles", type=Path, required=True, help="статьи: id, title, body в каждой строке")
        parser.add_argument("--queries", type=Path, required=True, help="запросы: id, text в каждой строке")
        parser.add_argument("--out", type=Path, required=True, help="куда записать порядок статей")
        parser.add_argument("--encoder", action="store_true", help="и по смыслу: кодировщиком из OTKLIK_ENCODER")
        parser.add_argument("--without", nargs="+", choices=PARTS, default=[], help="без словаря, тем или своей темы")
        parser.add_argument(
            "--learnt", action="store_true", help="и с тем, чему учат остальные запросы; короткие подтвердили двое"
        )
        parser.add_argument("--typed", type=int, default=100, help="сколько процентов знаков запроса уже набрано (100)")
        parser.add_argument("--limit", type=int, default=10, help="сколько статей на запрос")

    def handle(self, *, articles: Path, queries: Path, out: Path, limit: int, **options: Any) -> None:
        """Write the ranking."""
        try:
            documents, queries_asked = list(read_lines(articles)), list(read_lines(queries))
        except OSError as exc:
            raise CommandError(f"Не читается {exc.filename}: {exc.strerror}.") from exc
        index = Index()
        index.write(Document(one["id"], one["title"], one["body"], ()) for one in documents)
        store, judge = index.view(), confidence.SHIPPED
        near = _vectors(documents) if options["encoder"] else None
        typed, words_for = options["typed"], _words(documents, options["without"])
        lessons = _Lessons(documents, queries_asked) if options["learnt"] else None
        with out.open("w", encoding="utf-8") as file:
            for query in queries_asked:
                words, learnt = words_for(query), lessons.but(query) if lessons else None
                text = query["text"][: max(1, round(len(query["text"]) * typed / 100))]
                started = time.perf_counter()
                found = ranking.answer(store, text, limit, words=words, typing=typed < 100, learnt=learnt, vectors=near)
                sure = judge.confidence(found.features)
                line = {
                    "query_id": query["id"],
                    "ranked": [hit.key for hit in found.ranked],
                    "confidence": round(sure, 4),
                    "abstain": sure < judge.threshold and not found.named,
                    "ms": round((time.perf_counter() - started) * 1000, 3),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.stdout.write(f"Запросов: {len(queries_asked)}, статей: {len(documents)}. Записано в {out}.")


def _vectors(documents: list[dict[str, Any]]) -> vectors.Near:
    try:
        maker = configured()
        if maker is None:
            raise EncoderError("Кодировщик выключен. Укажите OTKLIK_ENCODER=package или url.")
        made = maker.encode([text_of(one["title"], one["body"]) for one in documents])
    except EncoderError as wrong:
        raise CommandError(str(wrong)) from wrong
    everybody = [frozenset[str]()] * len(documents)
    return vectors.Near(maker, vectors.Matrix([one["id"] for one in documents], everybody, made))


def _answers(query: Mapping[str, Any]) -> list[str]:
    return [key for key, grade in query.get("relevant", {}).items() if grade >= ANSWERS]


def _words(documents: Sequence[Mapping[str, Any]], without: Collection[str]) -> Callable[[Mapping[str, Any]], Words]:
    """Return the words a query is understood with: the shipped ones but for what they are measured without."""
    shipped = asked.shipped()
    words = Words(
        Thesaurus() if "thesaurus" in without else shipped.thesaurus,
        Topics() if "topics" in without else shipped.topics,
    )
    titles = {one["id"]: one["title"] for one in documents} if "own" in without else {}

    def of(query: Mapping[str, Any]) -> Words:
        topics = words.topics
        for title in filter(None, map(titles.get, _answers(query))):
            topics = topics.without(title)
        return words._replace(topics=topics)

    return of


class _Lessons:
    """What is known to a query had all others been asked before it and answered.

    Two people confirmed each, as they may of a search; a letter comes once.
    """

    def __init__(self, documents: Sequence[Mapping[str, Any]], queries: Sequence[Mapping[str, Any]]) -> None:
        self._titles = {one["id"]: set(analysis.words(one["title"])) for one in documents}
        self._queries, self._story = queries, asked.shipped().thesaurus.story

    def but(self, query: Mapping[str, Any]) -> Learnt:
        """Return what is learnt of all queries but this one."""
        pairs = (
            learning.Pair(other["text"], key, f"{other['id']}:{person}")
            for other in self._queries
            if other is not query
            for key in _answers(other)
            for person in range(1 if other.get("kind") == LETTER else learning.SOURCES)
        )
        learned = learning.weigh(pairs, lambda _: self._titles, self._story)

        def known(lemmas: Sequence[str]) -> list[tuple[str, str, float]]:
            return [(one.key, one.lemma, one.weight) for one in learned if one.lemma in lemmas]

        return known
