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


TWO = [
    {"id": "A1", "title": "Аренда земли", "body": "договор"},
    {"id": "A2", "title": "Размещение торговых объектов", "body": "схема"},
]
ASKED = [
    {"id": "Q1", "kind": "short", "text": "деревянная свистулька", "relevant": {"A2": 2, "A1": 1}},
    {"id": "Q2", "kind": "short", "text": "расписные свистульки", "relevant": {"A2": 2}},
    {"id": "Q3", "kind": "short", "text": "ларёк", "relevant": {"A2": 2}},
]


def ranked(tmp_path: Path, queries: list[dict], **options: object) -> dict[str, list[str]]:
    out = tmp_path / "r.jsonl"
    asked_of = lines(tmp_path / "q.jsonl", queries)
    call_command("search_rank", articles=lines(tmp_path / "a.jsonl", TWO), queries=asked_of, out=out, **options)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return {row["query_id"]: row["ranked"][:1] for row in rows}


def test_a_query_is_told_what_all_others_teach_and_never_its_own_answer(tmp_path):
    assert ranked(tmp_path, ASKED, without=["topics"]) == {"Q1": [], "Q2": [], "Q3": ["A2"]}
    assert ranked(tmp_path, ASKED, without=["topics"], learnt=True) == {"Q1": ["A2"], "Q2": ["A2"], "Q3": ["A2"]}
    assert ranked(tmp_path, ASKED[:1], without=["topics"], learnt=True) == {"Q1": []}
    letters = [{**one, "kind": "letter"} for one in ASKED[:2]]
    assert ranked(tmp_path, letters, without=["topics"], learnt=True) == {"Q1": [], "Q2": []}  # one person each


def test_it_is_measured_without_thesaurus_and_without_the_topic_of_the_very_answer(tmp_path, monkeypatch):
    topic = topics.Topic(TWO[0]["title"], {"договор": 1.0}, {"надел": 5, "дача": 5})
    other = topics.Topic("Иное", {"схема": 1.0}, {"лодка": 5, "пруд": 5})
    monkeypatch.setattr(topics, "shipped", lambda: topics.Topics([topic, other]))
    query = {"id": "Q1", "text": "надел дача", "relevant": {"A1": 2}}
    assert ranked(tmp_path, [ASKED[2]], without=["thesaurus"]) == {"Q3": []}
    assert ranked(tmp_path, [query], without=["thesaurus"]) == {"Q1": ["A1"]}
    for without in ("topics", "own"):
        assert ranked(tmp_path, [query], without=["thesaurus", without]) == {"Q1": []}
    near = {**query, "relevant": {"A2": 2, "A1": 1}}
    assert ranked(tmp_path, [near], without=["thesaurus", "own"]) == {"Q1": ["A1"]}


def test_a_query_is_measured_while_it_is_typed(tmp_path):
    query = {"id": "Q1", "text": "размещение"}
    assert ranked(tmp_path, [query], without=["thesaurus", "topics"], typed=50) == {"Q1": ["A2"]}  # «разме»
    assert ranked(tmp_path, [{**query, "text": "аэродром"}], without=["topics"], typed=50) == {"Q1": []}


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
