"""The index by itself: what it gives to whom, and what its format stands for."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from otklik.search import index as indexes
from otklik.search.index import Document, Index, is_whole

DOCUMENT = Document(
    "7", "Аренда участка № 54:35:051120:123", "Срок — по статье 39.8, купля-продажа, ёлка.", ["all", "unit:5"]
)


def test_another_way_of_keeping_documents_is_another_format():
    """Where this fails, raise the number in `FORMAT`: machines must not search an index made in the old way."""
    kept = indexes._entry(DOCUMENT).to_dict()
    told = {name: [" ".join(sorted(str(one).split())) for one in values] for name, values in sorted(kept.items())}
    digest = sha256(repr((told, indexes.KEPT_WORDS)).encode()).hexdigest()[:12]
    assert (indexes.FORMAT.partition("/")[0], digest) == ("3", "96633602ded3")


@pytest.mark.parametrize("hidden", [1, 3])
def test_a_word_that_stands_only_in_hidden_documents_is_unknown(hidden: int):
    index = Index()
    index.fill(
        [
            *(Document(f"h{n}", "Вертолёт", "летает", ["staff"]) for n in range(hidden)),
            *(Document(f"o{n}", "Аренда", "участок летает", ["all"]) for n in range(4)),
        ]
    )
    words = ["вертолёт", "вертолет", "аренда", "летать", "самолет"]
    assert index.view(["all"]).frequencies(words) == {"аренда": 4, "летать": 4}
    assert index.view(["staff"]).frequencies(words) == {"вертолет": hidden, "летать": hidden}
    assert index.view(["other"]).frequencies(words) == {}
    assert index.view().frequencies(words) == {"вертолет": hidden, "аренда": 4, "летать": 4 + hidden}
    assert index.view(["all"]).families(["верто", "аренд"]) == {"аренд": 4}


def test_a_word_of_many_documents_is_counted_whoever_asks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(indexes, "_RARE", 3)
    index = Index()
    index.fill(Document(str(n), "Аренда", "", ["all" if n else "staff"]) for n in range(5))
    assert index.view(["all"]).frequencies(["аренда"]) == {"аренда": 5}


def test_forms_of_hidden_documents_only_are_offered_to_nobody_however_many(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(indexes, "_RARE", 3)
    index = Index()
    index.fill(Document(str(n), "Вертолёты", "", ["staff"] if n else ["all"]) for n in range(5))
    index.write([Document("0", "Аренда", "", ["all"])])
    for scope, forms in (("all", []), ("staff", ["вертолеты"])):
        view = index.view([scope])
        assert view.begun("верт", 5) == view.sounding("фртлт", list, 5) == forms


def test_an_index_that_is_not_there_is_not_made_by_a_reader(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        Index(tmp_path / "none", new=False)
    assert not (tmp_path / "none").exists()
    assert not is_whole(tmp_path / "none")
    Index(tmp_path / "some").fill([DOCUMENT])
    assert is_whole(tmp_path / "some")


def test_a_scope_of_all_documents_opens_all_until_one_comes_without_it():
    index = Index()
    index.fill([Document("1", "Аренда", "", ["all"]), Document("2", "Аренда", "", ["all", "unit:5"])])

    def keys(*scopes: str) -> list[str]:
        return sorted(one.key for one in index.view(scopes).best({"аренда": 1.0}, 10))

    assert (keys("all"), keys("unit:5"), keys("other")) == (["1", "2"], ["2"], [])
    index.write([Document("3", "Аренда", "", ["unit:5"])])
    assert (keys("all"), keys("unit:5")) == (["1", "2"], ["2", "3"])
    index.write([Document("1", "Аренда", "", ["unit:5"]), Document("2", "Аренда", "", ["unit:5"])])
    assert (keys("all"), keys("unit:5")) == ([], ["1", "2", "3"])
    index.write([], ["1"])
    assert (keys("all"), keys("unit:5")) == ([], ["2", "3"])


def test_other_words_of_a_root_are_gone_through_where_the_word_itself_gives_too_few(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(indexes, "_ENOUGH", 4)
    index = Index()
    index.fill(
        [
            *(Document(f"w{n}", "Собственник", "", ["all"]) for n in range(5)),
            *(Document(f"r{n}", "Собственность", "", ["all", "few"]) for n in range(2)),
            Document("few", "Собственник", "", ["few"]),
        ]
    )

    def best(scopes: list[str] | None) -> set[str]:
        return {one.key for one in index.view(scopes).best({"собственник": 1.0}, 50)}

    assert best(None) == {"w0", "w1", "w2", "w3", "w4", "few"}, "six documents have the word"
    assert best(["all"]) == {"w0", "w1", "w2", "w3", "w4"}
    assert best(["few"]) == {"few", "r0", "r1"}, "of what is open to him too few have it"


def test_a_common_word_of_little_weight_brings_nothing_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(indexes, "_ENOUGH", 4)
    monkeypatch.setattr(indexes, "_MOST_COMMON", 1)
    index = Index()
    index.fill(
        [
            *(Document(f"a{n}", "Аренда", "", ["all"]) for n in range(4)),
            *(Document(f"l{n}", "Земля", "", ["all"]) for n in range(4)),
            Document("rare", "Сервитут", "", ["all"]),
        ]
    )
    words = {"аренда": 1.0, "земля": 0.5, "сервитут": 0.1}
    assert {one.key for one in index.view(["all"]).best(words, 50)} == {"a0", "a1", "a2", "a3", "rare"}
