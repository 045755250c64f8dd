"""The one door of search over materials: filters lose nothing, doubt is told, questions without an answer go on."""

from __future__ import annotations

import pytest
from django.urls import reverse

from otklik.core.models import JournalEntry
from otklik.knowledge import finding, materials, proposals, trust
from otklik.knowledge.materials import Filters
from otklik.knowledge.models import Mark, Proposal
from otklik.search.engine import Found as EngineFound
from otklik.search.engine import Hit
from otklik.search.reasons import spoken
from otklik.search.weighing import Why
from tests.desk import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(garages, leases, publish, publish_template):
    """Thirty materials of one section say the word better than the one of the other; one is a template."""
    for number in range(30):
        publish(garages, f"Гараж, гараж и гараж {number}", body="<p>Гараж гараж гараж.</p>")
    other = publish(leases, "Аренда участка", Mark.FOR_ANSWERS, body="<p>Иногда и под гараж.</p>")
    template = publish_template(garages, "Ответ", "Про гараж ответим письмом.")
    return other, template


def test_a_filter_never_loses_what_lies_beyond_the_cut(many, reader, leases, rent):
    other, template = many
    assert other.pk not in materials.search("гараж", user=reader, limit=5).pages
    for filters, expected in (
        (Filters(section=leases.pk), {other.pk}),
        (Filters(unit=rent.pk), {other.pk}),
        (Filters(kind="replytemplate"), {template.pk}),
        (Filters(mark=Mark.FOR_ANSWERS), {other.pk, template.pk}),
        (Filters(section=leases.pk, unit=rent.pk, kind="faq", mark=Mark.FOR_ANSWERS), {other.pk}),
    ):
        assert set(materials.search("гараж", user=reader, limit=5, filters=filters).pages) == expected, filters


def test_filters_that_contradict_each_other_find_nothing(many, reader, leases, land):
    assert materials.search("гараж", user=reader, filters=Filters(section=leases.pk, unit=land.pk)).found == []


def test_a_moved_material_is_found_in_its_new_section_only(many, reader, garages, leases):
    other, _ = many
    other.move(garages, "last-child")
    assert materials.search("иногда", user=reader, filters=Filters(section=leases.pk)).found == []
    assert materials.search("иногда", user=reader, filters=Filters(section=garages.pk)).pages == [other.pk]


def test_what_waits_for_its_check_is_told_from_what_does_not(garages, reader, publish, item, clock):
    stale = item.material_id
    fresh = publish(garages, "Как оформить гараж иначе")
    clock(2027, 1, 20)  # long past the day of the check
    assert trust.of(materials.for_staff(reader))[stale].is_stale
    assert materials.search("гараж", user=reader, filters=Filters(fresh="stale")).pages == [stale]
    assert materials.search("гараж", user=reader, filters=Filters(fresh="fresh")).pages == [fresh.pk]


def test_several_questions_are_answered_at_the_cost_of_one_reading(garages, leases, reader, publish):
    garage, lease = publish(garages, "Оформить гараж"), publish(leases, "Продлить аренду")
    asked = ["гараж", "аренда", ""]
    assert [one.pages for one in materials.search_each(asked, user=reader)] == [[garage.pk], [lease.pk], []]


def _answers(monkeypatch, pages, *, sure, confidence=0.9):
    hits = [Hit(str(page.pk), page.title, (), 1.0, 0.5, ()) for page in pages]
    found = EngineFound(hits, confidence, sure, "гараж")
    monkeypatch.setattr(materials.engine, "ask_each", lambda *args, **options: [found])


def test_where_nothing_is_sure_the_nearest_three_are_shown_and_the_rest_is_folded(
    garages, reader, publish, monkeypatch
):
    pages = [publish(garages, f"Вопрос {number}") for number in range(5)]
    _answers(monkeypatch, pages, sure=False, confidence=0.2)
    found = materials.search("что-нибудь", user=reader)
    assert [one.page_id for one in found.first] == [page.pk for page in pages[:3]]
    assert [one.page_id for one in found.rest] == [page.pk for page in pages[3:]]
    text = desk(reader).get(reverse("workplace:knowledge"), {"q": "что-нибудь"}).content.decode()
    assert "Уверенного ответа нет" in text
    assert "Остальное, что нашлось: 2" in text
    assert f"{reverse('workplace:knowledge_ask')}?q=" in text


def test_one_word_that_a_material_is_called_by_needs_no_question_to_be_sure(garages, reader, publish):
    page = publish(garages, "Сервитут для проезда к участку")
    publish(garages, "Как оформить гараж")
    called = materials.search("сервитут", user=reader)
    assert (called.pages[0], called.sure) == (page.pk, True)
    assert (
        "Уверенного ответа нет"
        not in desk(reader).get(reverse("workplace:knowledge"), {"q": "сервитут"}).content.decode()
    )
    assert not materials.search("пенсия", user=reader).sure


def test_sureness_of_what_may_not_be_shown_is_not_given_to_the_next(garages, reader, publish, monkeypatch):
    first, second = publish(garages, "Первый"), publish(garages, "Второй")
    _answers(monkeypatch, [first, second], sure=True)
    assert materials.search("вопрос", user=reader).sure
    first.unpublish()
    found = materials.search("вопрос", user=reader)
    assert (found.pages, found.sure, found.confidence) == ([second.pk], False, 0.0)


def test_typing_begins_with_the_third_letter(client, reader, garages, publish):
    publish(garages, "Как оформить гараж")
    client.force_login(reader)
    typing = {"HX-Request": "true", "HX-Trigger-Name": "q"}
    part = client.get(reverse("workplace:knowledge"), {"q": "га"}, headers=typing).content.decode()
    assert "Как оформить гараж" not in part
    assert "Функции департамента" in part
    assert "ничего не нашлось" not in part
    assert (
        "Как оформить гараж"
        in client.get(reverse("workplace:knowledge"), {"q": "гара"}, headers=typing).content.decode()
    )


def test_reasons_are_told_in_words_and_what_was_learned_shows_nobodys_words():
    why = [
        Why("гарож", "гараж", "slip"),
        Why("ufhf;", "гараж", "layout"),
        Why("ларёк", "нестационарный торговый объект", "thesaurus"),
        Why("участок", "участок", "word"),
        Why("аренда", "аренда", "word"),
        Why("аренда", "арендатор", "thesaurus"),  # who sees his own word asks for no dictionary
        Why("участок аренда", "договор", "thesaurus"),
        Why("Земля под гаражом", "гараж", "topic"),
        Why("Земля под гаражом", "участок", "topic"),
        Why("Иванов из Бердска", "Иванов из Бердска", "learned"),
        Why("", "", "meaning"),
    ]
    assert list(spoken(why)) == [
        "другая раскладка: «ufhf;» → «гараж»",
        "исправлена опечатка: «гарож» → «гараж»",
        "по словарю: «ларёк» → «нестационарный торговый объект»",
        "похоже на вопрос «Земля под гаражом»",
        "по словам «участок», «аренда»",
        "по прежним ответам на такие вопросы",
        "близко по смыслу",
    ]


# --- the ways on -----------------------------------------------------------------------------------------------------


def test_a_question_without_an_answer_goes_to_the_unit_that_was_asked(reader, author, garages, land, rent):
    client = desk(reader)
    form = client.get(reverse("workplace:knowledge_ask"), {"q": "как поставить улей"}).content.decode()
    assert "как поставить улей" in form
    client.post(
        reverse("workplace:knowledge_ask"),
        {"question": "Как поставить улей у дороги? +7 913 123-45-67", "unit": land.pk},
    )
    row = Proposal.objects.get()
    assert (row.kind, row.unit, row.signals) == (Proposal.Kind.ASKED, land, 1)
    assert "913" not in row.title + row.evidence.get().words
    assert JournalEntry.objects.filter(action="proposal.made", chain=f"proposal:{row.pk}").exists()
    proposals.ask("у дороги как поставить улей +7 913 123-45-67", unit=land, by=author)
    row.refresh_from_db()
    assert row.signals == 2  # the same question of a colleague
    proposals.ask("Как поставить улей у дороги? +7 913 123-45-67", unit=None, by=author)
    assert Proposal.objects.count() == 2  # the chief editor has not heard of it yet


@pytest.mark.parametrize("empty", ["", "  ", "?!", "и в на"])
def test_an_empty_question_is_refused_in_words_and_what_was_typed_stays(reader, garages, empty):
    answer = desk(reader).post(reverse("workplace:knowledge_ask"), {"question": empty, "unit": ""})
    assert answer.status_code == 422
    assert proposals.NoQuestion.text in answer.content.decode()
    assert not Proposal.objects.exists()


# --- choosers --------------------------------------------------------------------------------------------------------


def test_an_author_chooses_a_page_by_a_misspelt_word(author, garages, publish):
    page = publish(garages, "Приватизация жилья")
    url = reverse("wagtailadmin_choose_page_search")
    text = desk(author).get(url, {"q": "приватезация"}).content.decode()
    assert page.title in text
    assert "Гаражная амнистия" in desk(author).get(url, {"q": "амнистия"}).content.decode()  # a section, by its name


# --- figures ---------------------------------------------------------------------------------------------------------


def test_the_page_of_figures_tells_of_answers_offered_while_people_write(chief, garages):
    text = desk(chief).get(reverse("workplace:time_to_find"), {"audience": "public"}).content.decode()
    assert "Подсказки пишущим" in text
    assert "Подсказки пишущим" not in desk(chief).get(reverse("workplace:time_to_find")).content.decode()


def test_recent_words_are_each_offered_once_the_newest_first(reader, garages, publish):
    publish(garages, "Гараж и аренда")
    who = finding.Searcher(reader)
    for number, words in enumerate(("гараж", "аренда", "гараж")):
        finding.typed(who, words, [1], finding.Told(f"{number:032x}"))
    assert finding.recent(who, limit=5) == ["гараж", "аренда"]
    assert finding.clear_recent(who) == 3
    assert finding.recent(who, limit=5) == []
