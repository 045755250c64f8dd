"""`otklik search-rank`: what the shipped search finds among given articles for given queries, without a database."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from otklik.search import asked, confidence, ranking, vectors
from otklik.search.encoder import EncoderError, configured, text_of
from otklik.search.index import Document, Index


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
        parser.add_argument("--limit", type=int, default=10, help="сколько статей на запрос")

    def handle(self, *, articles: Path, queries: Path, out: Path, limit: int, encoder: bool = False, **_: Any) -> None:
        """Write the ranking."""
        try:
            documents, queries_asked = list(read_lines(articles)), list(read_lines(queries))
        except OSError as exc:
            raise CommandError(f"Не читается {exc.filename}: {exc.strerror}.") from exc
        index = Index()
        index.write(Document(one["id"], one["title"], one["body"], ()) for one in documents)
        store, words, judge = index.view(), asked.shipped(), confidence.SHIPPED
        near = _vectors(documents) if encoder else None
        with out.open("w", encoding="utf-8") as file:
            for query in queries_asked:
                started = time.perf_counter()
                found = ranking.answer(store, query["text"], limit, words=words, vectors=near)
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
