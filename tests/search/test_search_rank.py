"""`otklik search-rank`: the shipped ranking over files, without a database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from otklik.search import asked, dictionary, ranking, topics
from otklik.search.index import Document, Index


def lines(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_articles_are_ranked_without_a_database(tmp_path):
    articles = lines(
        tmp_path / "a.jsonl",
        [{"id": "A1", "title": "Аренда", "body": "договор"}, {"id": "A2", "title": "Гараж", "body": "амнистия"}],
    )
    queries = lines(tmp_path / "q.jsonl", [{"id": "Q1", "text": "гаражи"}, {"id": "Q2", "text": "вертолёт"}])
    call_command("search_rank", articles=articles, queries=queries, out=tmp_path / "r.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["query_id"], row["ranked"]) for row in rows] == [("Q1", ["A2"]), ("Q2", [])]
    assert rows[0]["confidence"] > rows[1]["confidence"] == 0


def test_a_broken_file_is_named_with_its_line(tmp_path):
    articles = tmp_path / "a.jsonl"
    articles.write_text('{"id": "A1", "title": "x", "body": "y"}\nnot json\n', encoding="utf-8")
    queries = lines(tmp_path / "q.jsonl", [])
    with pytest.raises(CommandError, match="строка 2"):
        call_command("search_rank", articles=articles, queries=queries, out=tmp_path / "r.jsonl")
    with pytest.raises(CommandError, match="Не читается"):
        call_command("search_rank", articles=tmp_path / "none", queries=queries, out=tmp_path / "r.jsonl")
    assert not (tmp_path / "r.jsonl").exists()


@pytest.mark.django_db
def test_files_and_database_rank_alike():
    from otklik.knowledge.demo import _data
    from otklik.search import engine

    articles = [json.loads(line) for line in _data("articles.jsonl").splitlines()][:40]
    for article in articles:
        engine.put("t", article["id"], title=article["title"], body=article["body"], scopes=["all"])
    index = Index()
    index.fill(Document(article["id"], article["title"], article["body"], ["all"]) for article in articles)
    for query in ("льготы многодетным", "своботный учасок", "39.15", "аренда", articles[5]["body"]):
        stored = [(hit.key, round(hit.score, 6)) for hit in engine.find("t", query, scopes=["all"])]
        fresh = ranking.answer(
            index.view(), query, 10, words=asked.Words(dictionary.current(), topics.shipped())
        ).ranked
        assert stored == [(hit.key, round(hit.score, 6)) for hit in fresh]
        assert stored
