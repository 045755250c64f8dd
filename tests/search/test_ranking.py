"""What a query is understood as, what it finds, and why."""

from __future__ import annotations

import json
import time
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik.search import analysis, confidence, ranking, thesaurus
from otklik.search.asked import LETTER, Words, understand
from otklik.search.index import Document, Index

TEXTS = {
    "lease": ("Аренда земельного участка", "Договор аренды заключают по статье 39.6 Земельного кодекса без торгов."),
    "sublease": ("Субаренда участка", "Согласие на субаренду не требуется, арендодателя уведомляют письменно."),
    "garage": ("Гаражная амнистия", "Заявление подают на каждый гараж до 2031 года. Ёлочный базар сюда не относится."),
    "kiosk": ("Нестационарный торговый объект", "Павильон включают в схему размещения по решению комиссии."),
    "boundary": ("Межевание", "Кадастровый инженер согласует границы участка с соседями, затем готовит план."),
    "expropriation": ("Изъятие для государственных нужд", "Собственнику выплачивают возмещение по оценке."),
}
ARTICLES = files("otklik.knowledge") / "data" / "articles.jsonl"
WORDS = Words(
    thesaurus.read(
        [
            "ларёк, киоск > нестационарный, торговый [0.8]",
            "забрать под дорогу > изъятие, нужда [0.9]",
            "- заранее благодарен",
            "~ бабушка, картошка",
        ]
    )
)


@pytest.fixture(scope="module")
def view():
    index = Index()
    index.write(Document(key, title, body, ["all"]) for key, (title, body) in TEXTS.items())
    return index.view(["all"])


def found(view, query, **options):
    return [one.key for one in ranking.answer(view, query, 10, words=WORDS, **options).ranked]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("арендой участков", "lease"),
        ("ст. 39.6", "lease"),
        ("ЁЛОЧНЫХ базаров", "garage"),
        ("гаражнная амнстия", "garage"),
        ("pfzdktybt j ufhf;t", "garage"),
        ("Ufhf;yfz", "garage"),
        ("суб аренда", "sublease"),
        ("гаражнаяамнистия", "garage"),
        ("ларек", "kiosk"),
        ("под горажом", "garage"),  # «гаражом» stands nowhere
        ("забирают под дорогу", "expropriation"),
        ("под дорогу дом заберут", "expropriation"),
        ("межевой план", "boundary"),  # a word of the same root
    ],
)
def test_what_people_type_finds_what_they_mean(view, query, key):
    assert found(view, query)[:1] == [key]


@pytest.mark.parametrize(
    ("query", "how", "met"),
    [
        ("аренда", "word", "аренда"),
        ("межевой", "root", "межевание"),
        ("амнстия", "slip", "амнистия"),
        ("ufhf;yfz", "layout", "гаражный"),
        ("ларек", "thesaurus", "нестационарный"),
    ],
)
def test_every_find_tells_why(view, query, how, met):
    best = ranking.answer(view, query, 10, words=WORDS).ranked[0]
    assert (how, met) in [(why.how, why.found) for why in best.why]


def test_an_unfinished_word_finds_what_it_may_become(view):
    assert found(view, "нестац", typing=True)[:1] == ["kiosk"]
    best = ranking.answer(view, "нестац", 10, words=WORDS, typing=True).ranked[0]
    assert best.why[0].how == "begun"


@pytest.mark.parametrize(
    ("query", "read_as"),
    [
        ("аренда участка", ""),
        ("гаражнная амнистия", "гаражная амнистия"),
        ("ufhf;", "гараж"),
        ("суб аренда", "субаренда"),
        ("egrn online", ""),
    ],
)
def test_what_was_repaired_is_said(view, query, read_as):
    assert understand(query, view, WORDS).read_as == read_as


def test_a_title_that_was_typed_comes_before_what_the_thesaurus_thinks_of(view):
    words = Words(thesaurus.read(["аренда > изъятие, государственный, нужда [1.0]"]))
    ranked = ranking.answer(view, "Аренда земельного участка", 10, words=words).ranked
    assert ranked[0].key == "lease"


def test_a_letter_is_about_what_it_asks(view):
    story = "Бабушка сажала картошку у межевания и гаража, соседи помогали. " * 6
    letter = f"Здравствуйте! {story} Как включить павильон в схему размещения? Заранее благодарен."
    asked = understand(letter, view, WORDS)
    assert asked.letter
    assert asked.words["павильон"] > asked.words["сосед"] > asked.words["бабушка"]
    assert "благодарный" not in asked.words
    assert found(view, letter)[:1] == ["kiosk"]


def test_the_surer_the_better_it_is_met(view):
    judge = confidence.SHIPPED
    certain = judge.confidence(ranking.answer(view, "аренда земельного участка", 10, words=WORDS).features)
    doubtful = judge.confidence(ranking.answer(view, "расписание автобусов на вокзал", 10, words=WORDS).features)
    assert 0 <= doubtful < judge.threshold <= certain <= 1


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("межевание", True),
        ("МЕЖЕВАНИЯ", True),
        ("vt;tdfybt", True),
        ("межавание", True),
        ("амнистия гаражная", True),
        ("участок", True),
        ("базар", False),  # stands in a text, names none
        ("гаражная пошлина", False),
        ("вертолёт", False),
        ("которые", False),
        ("", False),
    ],
)
def test_a_document_is_named_by_words_that_all_stand_in_its_title(view, query, named):
    assert ranking.answer(view, query, 10, words=WORDS).named is named


def test_a_letter_names_nothing(view):
    assert not ranking.answer(view, "межевание " * 60, 10, words=WORDS).named


def test_nothing_is_sure_where_nothing_is_found(view):
    answer = ranking.answer(view, "вертолёт", 10, words=Words(thesaurus.Thesaurus()))
    assert (answer.ranked, confidence.SHIPPED.confidence(answer.features)) == ([], 0.0)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.booleans())
def test_any_text_is_a_query(view, text, typing):
    assert len(ranking.answer(view, text, 3, words=WORDS, typing=typing).ranked) <= 3


@pytest.mark.parametrize(
    "query",
    [
        "а" * 100_000,
        "участок " * 20_000,
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ" * 4000,
        "'; DROP TABLE x; -- AND OR NOT title:* ^2 ~",
        "<script>alert('участок')</script>",
        "жер телімін жалға алу",
        "how do I lease a plot",
        "😀" * 5000,
        "\x00\x01\x02",
        "аpенда учaстка",  # Latin letters among Russian ones
    ],
    ids=lambda query: query[:12],
)
def test_no_text_is_slow(view, query):
    began = time.process_time()
    ranking.answer(view, query, 10, words=WORDS)
    assert time.process_time() - began < 2


def test_latin_letters_among_russian_ones_are_read_as_they_look(view):
    assert found(view, "аpенда земельного учaстка")[:1] == ["lease"]


def test_who_types_nothing_but_an_empty_phrase_means_it(view):
    words = Words(thesaurus.read(["- комиссия"]))
    asked = [ranking.answer(view, query, 10, words=words).ranked for query in ("комиссия", "комиссия по межеванию")]
    assert [[one.key for one in ranked] for ranked in asked] == [["kiosk"], ["boundary"]]


@pytest.mark.parametrize(
    ("typed", "keys"), [("уведомляющег", {"sublease"}), ("соседн", {"boundary"}), ("абвгдежз", set())]
)
def test_a_word_still_typed_may_have_an_ending_that_stands_nowhere(view, typed, keys):
    assert set(found(view, typed, typing=True)) == keys


def test_every_word_of_a_title_finds_something_by_itself():
    index = Index()
    articles = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()]
    index.fill(Document(str(number), one["title"], one["body"], ["all"]) for number, one in enumerate(articles))
    view, words = index.view(["all"]), Words(thesaurus.shipped())
    titles = {word for one in articles for forms, _, _ in analysis.forms(one["title"]) for word in forms}
    titles = {word for word in titles if analysis.lemma(word) not in analysis.STOPS}
    assert [word for word in sorted(titles) if not ranking.answer(view, word, 3, words=words).ranked] == []


def test_a_word_that_led_people_somewhere_counts_as_if_it_stood_there(view):
    def learnt(lemmas):
        return [("kiosk", lemma, 0.6) for lemma in lemmas if lemma in {"свистулька", "дуда"}]

    [hit] = ranking.answer(view, "свистулька", 10, words=WORDS, learnt=learnt).ranked
    assert (hit.key, [why.how for why in hit.why]) == ("kiosk", ["learned"])
    letter = """Здравствуйте! Продаю на рынке свистулька и дуда, внуки помогают. Договор аренды земельного участка
        кончается, хочу заключить новый договор без торгов. Согласие арендодателя есть. Прошу объяснить порядок."""
    assert len(analysis.words(letter)) > LETTER
    by_words = found(view, letter)
    assert by_words[0] in {"lease", "sublease"}
    # Two words of a long story must not outweigh the question: once they counted as half of the whole letter.
    assert found(view, letter, learnt=learnt)[0] == by_words[0]
