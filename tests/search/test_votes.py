"""Documents found vote for a class: the nearer, the more; and the measure of how well they guess."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from otklik.search import votes
from otklik.search.management.commands import search_topics


def test_what_answers_best_has_most_to_say_and_all_together_is_one() -> None:
    shares = votes.shares([10.0, 9.0, 2.0])
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert votes.shares([]) == []
    assert votes.shares([0.0]) == [0.0]


def test_a_voter_parts_his_share_among_what_he_is_for() -> None:
    tally = votes.tally([(0.6, {"аренда": 2, "выкуп": 1}), (0.4, {"выкуп": 5}), (0.1, {})])
    assert tally == {"аренда": pytest.approx(0.4), "выкуп": pytest.approx(0.6)}


def test_macro_f1_counts_every_class_alike() -> None:
    assert search_topics.macro_f1([("a", "a"), ("a", "a"), ("b", "a")]) == pytest.approx((0.8 + 0) / 2)
    assert search_topics.macro_f1([]) == 0


def test_topics_of_given_texts_are_guessed_without_a_database(tmp_path: Path) -> None:
    articles, queries, out = tmp_path / "a.jsonl", tmp_path / "q.jsonl", StringIO()
    rows = [
        {"id": "A1", "section": "S1", "title": "Аренда участка", "body": "Договор аренды продлевают по заявлению."},
        {"id": "A2", "section": "S2", "title": "Гаражная амнистия", "body": "Гараж оформляют бесплатно."},
    ]
    asked = [
        {"id": "Q1", "kind": "exact", "text": "продлить аренду участка", "relevant": {"A1": 2}},
        {"id": "Q2", "kind": "letter", "text": "Как оформить гараж отца?", "relevant": {"A2": 2}},
        {"id": "Q3", "kind": "none", "text": "вертолёт", "relevant": {}},
    ]
    articles.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    queries.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in asked), encoding="utf-8")
    call_command("search_topics", articles=articles, queries=queries, stdout=out)
    first = out.getvalue().splitlines()[1]
    assert first.split()[-3:] == ["1.000", "1.000", "2"]
    with pytest.raises(CommandError, match="Не читается"):
        call_command("search_topics", articles=articles, queries=tmp_path / "none")


@pytest.mark.proof
@pytest.mark.once
@pytest.mark.skipif("OTKLIK_SEARCH_EVAL" not in os.environ, reason="OTKLIK_SEARCH_EVAL names no folder of a test set")
def test_proof_of_topics() -> None:
    folder = Path(os.environ["OTKLIK_SEARCH_EVAL"])
    files = {"articles": folder / "articles.jsonl", "queries": folder / "queries-dev.jsonl"}
    for without_own, least in ((False, (0.85, 0.62)), (True, (0.78, 0.62))):
        out = StringIO()
        call_command("search_topics", **files, without_own=without_own, stdout=out)
        print("", "the own topic taken away" if without_own else "as shipped", out.getvalue(), sep="\n")  # noqa: T201
        every, letters, _ = out.getvalue().splitlines()[1].split()[-3:]
        assert float(every) >= least[0]
        assert float(letters) >= least[1]
