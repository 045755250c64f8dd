"""How people speak, and how documents are written: one way, with a weight."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik.search import thesaurus
from otklik.search.thesaurus import NotARule, Rule


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("надел > участок, землю [0.6]", [Rule((("надел",),), {"участок": 0.6, "земля": 0.6})]),
        ("надел > участок", [Rule((("надел",),), {"участок": thesaurus.DEFAULT})]),
        ("надел > участок 0.9, земля", [Rule((("надел",),), {"участок": 0.9, "земля": thesaurus.DEFAULT})]),
        (
            "дачный домик, дача > садовый [0,5]",
            [Rule((("дачный", "домик"), ("дача",)), {"садовый": 0.5})],
        ),
        ("- заранее благодарен", [Rule((("заранее", "благодарный"),))]),
        ("~ бабушка, зима", [Rule((("бабушка",), ("зима",)), story=True)]),
        ("", []),
        ("# просто заметка", []),
        ("- здравствуйте", []),
    ],
)
def test_a_line_says_one_thing(line, expected):
    assert thesaurus.rules(line) == expected


def test_an_abbreviation_is_read_both_ways():
    there, back = thesaurus.rules("СНТ = садовое товарищество")
    assert (there.said, set(there.written)) == ((("снт",),), {"садовый", "товарищество"})
    assert (back.said, set(back.written)) == ((("садовый", "товарищество"),), {"снт"})


@pytest.mark.parametrize(
    "line", ["надел", "надел >", "> участок", "надел > участок [0]", "надел > участок [1.5]", "и > в"]
)
def test_a_line_that_says_nothing_is_refused_with_words(line):
    with pytest.raises(NotARule) as refused:
        thesaurus.rules(line)
    assert str(refused.value)


@given(st.text(max_size=200))
def test_any_line_is_read_or_refused(line):
    with suppress(NotARule):
        thesaurus.rules(line)


def test_what_is_said_in_many_lines_says_less_of_each():
    once = thesaurus.read(["надел > участок [0.8]"])
    often = thesaurus.read(["надел > участок [0.8]", "надел > земля [0.8]", "надел > сад [0.8]", "надел > поле [0.8]"])
    assert once.words["надел"] == {"участок": 0.8}
    assert often.words["надел"] == dict.fromkeys(("участок", "земля", "сад", "поле"), 0.4)


def test_nothing_stands_for_itself():
    assert thesaurus.read(["аренда, съём > аренда, договор"]).words["аренда"] == {"договор": thesaurus.DEFAULT}


def test_a_word_that_stands_for_itself_only_is_no_empty_phrase():
    assert list(thesaurus.read(["кадастр, кадастровый > кадастровый"]).met(["кадастровый"])) == []
    assert list(thesaurus.shipped().met(["кадастровый"])) == []


def test_words_of_a_phrase_may_change_places_but_stay_near():
    words = thesaurus.read(["забрать под дорогу > изъятие"])
    [met] = words.met(["дорога", "хотеть", "забрать"])
    assert (sorted(met.at), met.written) == ([0, 2], {"изъятие": thesaurus.DEFAULT})
    assert not list(words.met(["дорога", *["слово"] * 20, "забрать"]))


def test_a_word_said_in_phrases_only_stands_for_a_part_of_them():
    words = thesaurus.read(["забрать под дорогу > изъятие [1.0]", "забрать > выкуп [0.4]"])
    assert words.words["забрать"] == {"выкуп": 0.4}
    assert 0 < words.words["дорога"]["изъятие"] < 1.0


def test_a_phrase_that_says_nothing_writes_nothing():
    [met] = thesaurus.read(["- не знаю куда обратиться"]).met(["знать", "куда", "обратиться"])
    assert met.written == {}


def test_the_shipped_thesaurus_is_whole():
    for number, line in enumerate(thesaurus.shipped_lines(), 1):
        try:
            thesaurus.rules(line)
        except NotARule as refused:
            pytest.fail(f"строка {number}: {line}: {refused}")
    assert len(thesaurus.shipped().words) >= 800
