"""What a document meets is what the formula of BM25F says, told here slowly, word by word."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from otklik.search import analysis
from otklik.search.asked import Group
from otklik.search.index import Document, Index
from otklik.search.store import TITLE, Candidate, by_times
from otklik.search.weighing import LENGTH_PART, ROOT, SATURATION, Lexicon, Sought

WORDS = [  # two families of three, one of two, one of one, and words too short to have kin
    *("собственник", "собственность", "собственный", "аренда", "арендный", "арендатор", "межевание", "межевой"),
    *("сервитут", "земля", "дом", "39.6"),
]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=8)
WEIGHTS = st.dictionaries(st.sampled_from(WORDS), st.floats(0.01, 2.0), max_size=6)
INDEX = Index()
INDEX.fill(Document(str(at), word, " ".join(WORDS[: at + 1]), ["all"]) for at, word in enumerate(WORDS))
STORE = INDEX.view(["all"])


def rare(met: int) -> float:
    return math.log(1 + (STORE.size() - met + 0.5) / (met + 0.5))


def slowly(weights: dict[str, float], counts: Counter[str], length: int) -> float:
    norm = SATURATION * (1 - LENGTH_PART + LENGTH_PART * length / 100)
    value = 0.0
    for word, weight in weights.items():
        root, times, part = analysis.beginning(word), counts[word], 0.0
        if times:
            part = rare(STORE.frequencies([word]).get(word, 0))
        elif len(word) > analysis.PREFIX:
            times = sum(counts[other] for other in counts if analysis.beginning(other) == root)
            part = ROOT * rare(STORE.families([root]).get(root, 0))
        value += weight * part * (SATURATION + 1) * times / (times + norm)
    return value


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), st.lists(WEIGHTS, min_size=3, max_size=3))
def test_each_group_of_words_is_met_by_the_words_and_by_others_of_their_roots(texts, groups):
    asked = [Group(weights, dict.fromkeys(weights, ("word", "спрошено"))) for weights in groups]
    documents = [
        Candidate(str(at), title, by_times(title, body), len(title) + len(body))
        for at, (title, body) in enumerate(texts)
    ]
    met = Sought(asked, Lexicon(STORE, {word for group in groups for word in group})).met(documents)
    assert [one.found for one in met] == documents
    for one, (title, body) in zip(met, texts, strict=True):
        counts = Counter(title * TITLE + body)
        expected = [slowly(weights, counts, len(title) + len(body)) for weights in groups]
        assert all(math.isclose(*pair, abs_tol=1e-9) for pair in zip(one.values, expected, strict=True))
        stands = {why.found for why in one.why((1.0, 1.0, 1.0), was_led=False)}
        assert stands <= counts.keys()
        assert bool(stands) == any(expected)


def test_a_word_that_stands_is_not_met_once_more_by_its_kin():
    group = Group({"аренда": 1.0}, {"аренда": ("word", "аренда")})
    sought = Sought([group], Lexicon(STORE, ["аренда"]))
    itself, beside, kin = sought.met(
        Candidate(key, [], by_times([], words), 2)
        for key, words in (("1", ["аренда", "дом"]), ("2", ["аренда", "арендный"]), ("3", ["дом", "арендный"]))
    )
    assert itself.values == beside.values > kin.values > [0.0]
    assert [one.why((1.0,), was_led=False)[0].how for one in (itself, beside, kin)] == ["word", "word", "root"]
