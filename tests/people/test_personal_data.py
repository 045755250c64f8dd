"""How much of what tells of people is found, on sentences written before the rules; what is nobody's stays."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik.people import personal_data
from otklik.people.personal_data import Span

MARKED = re.compile(r"\[\[(\w+):(.+?)\]\]")
INSIDE = 0.7  # of a found place's letters, how many must be marked for it to be right


class Sentence(NamedTuple):
    hard: bool
    text: str
    marked: list[Span]


def sentences() -> Iterator[Sentence]:
    for line in (Path(__file__).parent / "personal_sentences.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        written = line.removeprefix("* ")
        text, at, marked = "", 0, []
        for match in MARKED.finditer(written):
            text += written[at : match.start()]
            marked.append(Span(len(text), len(text) + len(match[2]), match[1]))
            text, at = text + match[2], match.end()
        yield Sentence(line != written, text + written[at:], marked)


def letters(text: str, spans: list[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end) if text[at].isalnum()}


class Score:
    """A marked place is found when every letter of it is; a found one is right when it is marked, mostly."""

    def __init__(self) -> None:
        self.marked, self.met, self.found, self.right = (Counter[str]() for _ in range(4))

    def add(self, text: str, marked: list[Span], found: list[Span]) -> None:
        for one in marked:
            self.marked[one.kind] += 1
            same = [other for other in found if other.kind == one.kind]
            self.met[one.kind] += letters(text, [one]) <= letters(text, same)
        for one in found:
            self.found[one.kind] += 1
            own = letters(text, [one])
            same = [other for other in marked if other.kind == one.kind]
            self.right[one.kind] += len(own & letters(text, same)) >= INSIDE * len(own)

    @property
    def recall(self) -> float:
        return self.met.total() / self.marked.total()

    @property
    def precision(self) -> float:
        return self.right.total() / self.found.total()


def measured(*, hard_only: bool = False) -> Score:
    score = Score()
    for one in sentences():
        if one.hard or not hard_only:
            score.add(one.text, one.marked, personal_data.found(one.text))
    return score


def test_the_sentences_are_enough_and_half_of_them_hard() -> None:
    known = list(sentences())
    assert len(known) >= 120
    assert sum(one.hard for one in known) >= len(known) / 2


def test_nearly_all_that_tells_of_people_is_found_and_little_else() -> None:
    score = measured()
    assert score.recall >= 0.95
    assert score.precision >= 0.95
    hard = measured(hard_only=True)
    assert hard.recall >= 0.93
    assert hard.precision >= 0.93
    for kind, number in score.marked.items():
        assert score.met[kind] / number >= 0.9, kind


@pytest.mark.proof
@pytest.mark.once
def test_proof_of_recall_and_precision() -> None:
    began = time.perf_counter()
    score = measured()
    spent = (time.perf_counter() - began) / sum(1 for _ in sentences())
    lines = [f"{'kind':10}{'marked':>8}{'recall':>8}{'found':>8}{'precision':>11}"]
    for kind, number in sorted(score.marked.items()):
        recall, precision = score.met[kind] / number, score.right[kind] / (score.found[kind] or 1)
        lines.append(f"{kind:10}{number:8}{recall:8.2f}{score.found[kind]:8}{precision:11.2f}")
    lines.append(
        f"{'all':10}{score.marked.total():8}{score.recall:8.3f}{score.found.total():8}{score.precision:11.3f}"
        f"   {spent * 1000:.2f} ms a sentence"
    )
    print("", *lines, sep="\n")  # noqa: T201  the table of the proof
    assert score.recall >= 0.97
    assert score.precision >= 0.98


@pytest.mark.parametrize(
    "text",
    [
        "Согласно ст. 39.20 Земельного кодекса РФ и п. 2 приказа от 16.08.2024 № 2725-НПА",
        "Участок 54:35:051120:123 площадью 1200 кв. м стоит 1 250 000 рублей",
        "Дело № А45-12345/2023, договор от 01.02.2019 № 45-2019, обращение 2025-000123",
        "ИНН 5406214567, КПП 540601001, ОГРН 1025402451234, БИК 045004001",
        "Департамент имущества и земельных отношений Новосибирской области",
        "",
        "\x00\ufffd 😀 " * 50,
    ],
)
def test_law_numbers_of_plots_and_cases_are_nobodys(text: str) -> None:
    assert personal_data.found(text) == []


def test_what_is_hidden_leaves_the_rest_readable() -> None:
    text = "гараж иванов 8 913 123-45-67 ivanov@mail.ru"
    assert personal_data.hidden(text) == "гараж ••• ••• •••"


def test_in_doubt_more_is_found_for_who_goes_through_it() -> None:
    text = "Роза на улице Садовой"
    assert personal_data.found(text) == []
    assert [text[one.start : one.end] for one in personal_data.found(text, doubtful=True)] == ["Роза", "улице Садовой"]


@given(st.text(alphabet="ИвановПётр .,-«»0123456789@улд№\n", max_size=80))
def test_places_are_in_order_and_never_overlap(text: str) -> None:
    found = personal_data.found(text)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(0 <= one.start < one.end <= len(text) for one in found)


@pytest.mark.parametrize("text", ["1" * 20_000, "ул. " * 5_000, "А. " * 5_000, "Иванов " * 3_000, "г. Ы, " * 3_000])
def test_no_text_makes_it_slow(text: str) -> None:
    began = time.process_time()
    personal_data.found(text)
    assert time.process_time() - began < 5
