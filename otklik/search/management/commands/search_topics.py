"""`otklik search-topics`: how well the Knowledge Base tells what given texts are about, without a database."""

from __future__ import annotations

import random
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from otklik.search import asked, ranking, votes
from otklik.search.asked import Words
from otklik.search.index import Document, Index
from otklik.search.management.commands.search_rank import LETTER, read_lines

SPLITS: Final = 8
A_CLASS: Final = (5, 10)  # labelled texts of a class that a trained voter would be given; ours needs none


class Command(BaseCommand):
    """Measures macro-F1 of topics over article-disjoint splits, for all texts and for letters."""

    help = "Измерить, как База знаний угадывает тему: macro-F1 по разделам, база данных не нужна."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the two files."""
        parser.add_argument("--articles", type=Path, required=True, help="статьи: id, section, title, body")
        parser.add_argument("--queries", type=Path, required=True, help="тексты: id, kind, text, relevant")
        parser.add_argument(
            "--without-own", action="store_true", help="у каждого текста убрать поставляемую тему его же статьи"
        )

    def handle(self, *, articles: Path, queries: Path, without_own: bool = False, **_: Any) -> None:
        """Print the figures."""
        try:
            known, given = list(read_lines(articles)), list(read_lines(queries))
        except OSError as exc:
            raise CommandError(f"Не читается {exc.filename}: {exc.strerror}.") from exc
        section = {one["id"]: str(one["section"]) for one in known}
        texts = [one for one in given if one.get("relevant")]
        if not texts or not section:
            raise CommandError("В файлах нет ни одного текста с ответом. Проверьте поле relevant.")
        guessed = _guessed(known, texts, section, without_own=without_own)
        true = {one["id"]: section[_answer(one)] for one in texts}
        self.stdout.write(f"{'':24}{'все':>8}{'письма':>8}{'текстов':>9}")
        self._line("все тексты", [texts], true, guessed)
        for number in A_CLASS:
            splits = [list(_kept_apart(texts, section, number, seed)) for seed in range(SPLITS)]
            self._line(f"{number} размеченных на тему", splits, true, guessed)

    def _line(
        self, name: str, splits: Sequence[list[dict[str, Any]]], true: dict[str, str], guessed: dict[str, str]
    ) -> None:
        figures = []
        for wanted in ({one["kind"] for one in splits[0]}, {LETTER}):
            scores = [
                macro_f1([(true[one["id"]], guessed[one["id"]]) for one in split if one["kind"] in wanted])
                for split in splits
            ]
            figures.append(sum(scores) / len(scores))
        self.stdout.write(f"{name:24}{figures[0]:8.3f}{figures[1]:8.3f}{len(splits[0]):9}")


def _answer(text: dict[str, Any]) -> str:
    return str(max(text["relevant"], key=lambda article: text["relevant"][article]))


def _guessed(
    known: list[dict[str, Any]], texts: list[dict[str, Any]], section: dict[str, str], *, without_own: bool
) -> dict[str, str]:
    """Return the section the articles found vote for, text by text."""
    index = Index()
    index.write(Document(one["id"], one["title"], one["body"], ["all"]) for one in known)
    view, words = index.view(["all"]), asked.shipped()
    titles = {one["id"]: one["title"] for one in known}
    guessed = {}
    for one in texts:
        said = Words(words.thesaurus, words.topics.without(titles[_answer(one)])) if without_own else words
        found = ranking.answer(view, one["text"], votes.VOTERS, words=said).ranked
        by_share = zip(votes.shares(hit.score for hit in found), found, strict=True)
        tally = votes.tally((share, {section[hit.key]: 1.0}) for share, hit in by_share)
        guessed[one["id"]] = max(tally, key=lambda name: (tally[name], name), default="")
    return guessed


def _kept_apart(
    texts: list[dict[str, Any]], section: dict[str, str], number: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield the texts of the articles that no labelled text is about; so many texts of each section are labelled."""
    chance = random.Random(seed)  # noqa: S311  a split, no secret
    of_article: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in texts:
        of_article[_answer(one)].append(one)
    labelled: Counter[str] = Counter()
    for article in chance.sample(sorted(of_article), len(of_article)):
        if labelled[section[article]] < number:
            labelled[section[article]] += len(of_article[article])
        else:
            yield from of_article[article]


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean of F1 over the classes there are; `pairs`: the true class and the guessed one."""
    scores = []
    for name in {true for true, _ in pairs}:
        right = sum(true == name == guess for true, guess in pairs)
        wrong = sum((true == name) != (guess == name) for true, guess in pairs)
        scores.append(2 * right / (2 * right + wrong))
    return sum(scores) / len(scores) if scores else 0.0
