"""What is shown of a document: the words that were looked for, marked where they stand."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from otklik.search import analysis
from otklik.search.snippets import Marks, snippet

WORDS = ("дом", "домой", "Дому", "59-ФЗ", "ФЗ", "39.6", "(дом)", "дом,", "дом-дом", "купля-продажа", "ё", "İstanbul")
TEXTS = st.lists(st.sampled_from([*WORDS, " ", "\n", "\u00a0", "…", "-", "—", "«"]) | st.text(max_size=5)).map("".join)


@given(TEXTS, st.sets(st.sampled_from(WORDS), min_size=1))
@example("домой дом", {"дом"})
@example("дом-дом дом", {"дом"})
def test_the_words_looked_for_are_those_a_text_has_each_in_its_place(text: str, wanted: set[str]) -> None:
    lemmas = {lemma for word in wanted for lemma in analysis.words(word)}
    told = [token for token in analysis.tokens(text) if not lemmas.isdisjoint(token.words)]
    assert list(Marks(lemmas).tokens(text)) == told


def test_what_was_read_of_one_text_serves_the_next() -> None:
    marks = Marks({"участок"})
    for body in ("Об участке.", "Участок мал, а участок соседа велик."):
        shown = [one.text for one in snippet(body, marks) if one.marked]
        assert [analysis.words(one) for one in shown] == [["участок"]] * len(shown)
        assert len(shown) == body.lower().count("участ")


def test_words_of_a_topic_are_shown_only_where_nothing_that_was_asked_stands() -> None:
    asked, meant = Marks({"гараж"}), Marks({"документ"})
    for body, shown in (("Документ на гараж.", ["гараж"]), ("Нужен документ.", ["документ"]), ("Здесь иное.", [])):
        assert [one.text for one in snippet(body, asked, meant) if one.marked] == shown
