"""Make otklik/search/data/topics.json of scripts/topics.jsonl: how people ask about each topic, in their own words.

A line of the source: {"title": of the article about it, "said": [questions, pieces of letters]}.
The texts about the topics are the demonstration articles; questions were imagined by the authors, none was taken from
a set that search is measured with.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from otklik.search import analysis  # noqa: E402

SOURCE = ROOT / "scripts" / "topics.jsonl"
TARGET = ROOT / "otklik" / "search" / "data" / "topics.json"
ARTICLES = ROOT / "otklik" / "knowledge" / "data" / "articles.jsonl"
WRITTEN = 12  # official words of a topic, the most telling
TITLE = 3


def made() -> str:
    """Return the text of the target."""
    lines = [json.loads(line) for line in SOURCE.read_text(encoding="utf-8").splitlines()]
    articles = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    bodies = {one["title"]: one["body"] for one in articles}
    counts = [_counted(line["title"], bodies[line["title"]]) for line in lines]
    met = Counter(word for one in counts for word in one)
    topics = []
    for line, count in zip(lines, counts, strict=True):
        value = {word: times * math.log(1 + len(counts) / met[word]) for word, times in count.items()}
        best = sorted(value, key=lambda word: (-value[word], word))[:WRITTEN]
        written = {word: round(math.sqrt(value[word] / value[best[0]]), 2) for word in best}
        said = Counter(word for text in line["said"] for word in set(analysis.words(text)))
        topics.append({"title": line["title"], "written": written, "said": dict(sorted(said.items()))})
    rows = ",\n".join(json.dumps(topic, ensure_ascii=False) for topic in topics)
    return f"[\n{rows}\n]\n"


def _counted(title: str, body: str) -> Counter[str]:
    count = Counter(analysis.words(body))
    for word in analysis.words(title):
        count[word] += TITLE
    return count


if __name__ == "__main__":
    TARGET.write_text(made(), encoding="utf-8")
