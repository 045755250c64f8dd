"""What people ask about is recognised by their words together, and looked for by the words of documents."""

from __future__ import annotations

import pytest

from otklik.search import asked, ranking
from otklik.search.index import Document, Index
from otklik.search.thesaurus import Thesaurus
from otklik.search.topics import Topic, Topics
from scripts import topics as made

KIOSK = Topic("Торговый объект", {"нестационарный": 1.0, "объект": 0.5}, {"ларек": 4, "мороженое": 3, "торговать": 2})
DEPOSIT = Topic("Задаток", {"задаток": 1.0, "возврат": 0.6}, {"деньги": 5, "вернуть": 4, "торговать": 1})
TOPICS = Topics([KIOSK, DEPOSIT])


def test_a_topic_is_recognised_by_the_words_of_those_who_ask():
    assert [one.topic for one in TOPICS.meant({"ларек": 1.0, "мороженое": 1.0, "поставить": 1.0})] == [KIOSK]
    assert TOPICS.meant({"деньги": 1.0, "вернуть": 1.0, "торговать": 1.0})[0].topic == DEPOSIT


def test_shares_are_parts_of_one_and_the_best_comes_first():
    meant = TOPICS.meant({"торговать": 1.0, "деньги": 1.0, "ларек": 1.0})
    assert sum(one.share for one in meant) == pytest.approx(1.0)
    assert [one.share for one in meant] == sorted((one.share for one in meant), reverse=True)


def test_the_more_of_its_words_are_said_the_plainer_it_is():
    words = {"ларек": 1.0, "мороженое": 1.0}
    once, more = TOPICS.meant(words)[0], TOPICS.meant({**words, "торговать": 1.0})[0]
    assert more.plainness > once.plainness > 0


def test_nothing_is_meant_by_one_word_nor_by_words_nobody_asks_with():
    assert TOPICS.meant({"ларек": 1.0}) == TOPICS.meant({"вертолет": 1.0, "полет": 1.0}) == []
    assert Topics().meant({"ларек": 1.0, "мороженое": 1.0}) == []


def test_a_document_is_found_that_shares_no_word_with_the_question():
    index = Index()
    index.write([Document("nto", "Нестационарный торговый объект", "Схема размещения", ["all"])])
    words = asked.Words(Thesaurus(), TOPICS)
    [found] = ranking.answer(index.view(["all"]), "мороженое и ларек", 10, words=words).ranked
    assert (found.key, found.why[0].how, found.why[0].asked) == ("nto", "topic", KIOSK.title)


@pytest.mark.once
def test_the_shipped_topics_are_made_of_their_source():
    assert made.TARGET.read_text(encoding="utf-8") == made.made()
    assert len(made.TARGET.read_text(encoding="utf-8").splitlines()) == 122
