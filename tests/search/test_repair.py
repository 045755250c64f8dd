"""Slips of the hand: whatever one letter of a word is wrong, missing, added or swapped, the word is found."""

from __future__ import annotations

from hypothesis import assume, example, given
from hypothesis import strategies as st

from otklik.search import analysis, repair
from otklik.search.index import Document, Index
from otklik.search.thesaurus import Thesaurus

LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
WORDS = ["договор", "участок", "аукцион", "гараж", "сервитут", "постановление", "выкуп", "яблоня", "межевание"]
INDEX = Index()
INDEX.fill([Document("1", " ".join(WORDS), "", ["all"])])
OPEN, HIDDEN, NOBODY = INDEX.view(["all"]), INDEX.view(["staff"]), Thesaurus()


@st.composite
def slipped(draw, words):
    """Yield a word with one slip made in it, and the word."""
    word = draw(words)
    at = draw(st.integers(0, len(word) - 1))
    letter = draw(st.sampled_from(LETTERS))
    swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
    wrong = [word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :], swapped]
    return draw(st.sampled_from(wrong)), word


@given(slipped(st.text(LETTERS, min_size=4, max_size=14)))
@example(("учатска", "участка"))  # both ends of the consonants changed
@example(("амниития", "амнистия"))
def test_a_word_one_slip_away_begins_or_ends_alike(slip):
    typed, meant = (analysis.sound(word) for word in slip)
    assume(len(typed) > 1)
    beginnings, ending = analysis.ends(typed)
    assert meant.startswith(beginnings) or meant.endswith(ending)


@given(slipped(st.sampled_from(WORDS)))
def test_one_slip_is_undone(slip):
    typed, meant = slip
    assume(len(typed) >= 4 and typed not in WORDS)
    assert meant in [one.form for one in repair.nearest(typed, OPEN, NOBODY)]
    assert repair.nearest(typed, HIDDEN, NOBODY) == []  # who may not see the document is not told its words


def test_what_the_thesaurus_knows_is_meant_too():
    assert repair.nearest("киокс", OPEN, NOBODY) == []
    known = Thesaurus({"киоск": {"торговый": 1.0}})
    assert [one.form for one in repair.nearest("киокс", OPEN, known)] == ["киоск"]
