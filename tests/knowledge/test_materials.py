"""Inserting into an answer, suggesting for a letter, counting use."""

from __future__ import annotations

import time

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from otklik.knowledge import materials, placeholders
from otklik.knowledge.models import Faq, Mark, MaterialUse, ReplyTemplate
from otklik.knowledge.plain import plain_text
from otklik.search.models import Entry

pytestmark = pytest.mark.django_db
FACTS = {"обращение": "Уважаемая Мария Петровна!", "номер": "О-2026-000123", "дата": ""}


def test_a_template_is_inserted_with_its_facts_and_names_what_is_left(garages, publish_template, reader):
    page = publish_template(garages, "Ответ", "{обращение}\nНа № {номер} от {дата} отвечаем. {номер}")
    insert = materials.insert_text(page.pk, FACTS, user=reader)
    assert insert.text == "Уважаемая Мария Петровна!\nНа № О-2026-000123 от {дата} отвечаем. О-2026-000123"
    assert insert.empty == ("дата",)
    assert (insert.title, insert.revision) == ("Ответ", page.live_revision_id)


def test_what_a_fact_says_in_braces_is_not_filled_again(garages, publish_template, reader):
    page = publish_template(garages, "Ответ", "О чём: {тема}")
    insert = materials.insert_text(page.pk, {"тема": "{номер}", "номер": "1"}, user=reader)
    assert insert.text == "О чём: {номер}"
    assert insert.empty == ()


def test_the_revision_inserted_is_the_one_readers_see_not_a_later_draft(garages, publish, reader):
    page = publish(garages, "Вопрос", body="<p>Опубликовано</p>")
    live = page.live_revision_id
    page.body = "<p>Черновик</p>"
    page.save_revision()
    insert = materials.insert_text(page.pk, {}, user=reader)
    assert (insert.text, insert.revision) == ("Опубликовано", live)


@pytest.mark.parametrize("kind", ["faq", "template"])
def test_an_internal_material_is_never_inserted(garages, publish, publish_template, chief, kind):
    if kind == "faq":
        page = publish(garages, "Тайна", Mark.INTERNAL)
    else:
        page = publish_template(garages, "Тайна", "Текст", Mark.INTERNAL)
    with pytest.raises(materials.InternalMaterial, match="внутренний материал нельзя вставить в ответ"):
        materials.insert_text(page.pk, FACTS, user=chief)
    assert not MaterialUse.objects.exists()


def test_what_is_taken_off_or_not_open_to_the_reader_is_not_inserted(garages, publish, reader, employee):
    page = publish(garages, "Вопрос")
    with pytest.raises(materials.NoSuchMaterial):
        materials.insert_text(page.pk, {}, user=employee("stranger"))
    page.unpublish()
    for gone in (page.pk, 10**9):
        with pytest.raises(materials.NoSuchMaterial):
            materials.insert_text(gone, {}, user=reader)
        with pytest.raises(materials.NoSuchMaterial):
            materials.record_use(gone, "inserted", by=reader)
    assert not MaterialUse.objects.exists()


def test_uses_are_counted_with_their_version_and_lead_the_most_asked(garages, publish, reader):
    first, second = publish(garages, "Первый"), publish(garages, "Второй")
    hidden = publish(garages, "Тайна", Mark.INTERNAL)
    for page in (second, second, hidden, hidden, hidden):
        materials.record_use(page.pk, "inserted", reference="appeal:1", by=reader)
    materials.record_use(first.pk, "declined", by=reader)
    used = materials.published().annotate(times=materials.times_used())
    assert dict(used.values_list("pk", "times")) == {first.pk: 0, second.pk: 2, hidden.pk: 3}
    assert [page.pk for page in materials.most_asked()] == [second.pk, first.pk]
    assert set(MaterialUse.objects.filter(page=second.pk).values_list("revision", flat=True)) == {
        second.live_revision_id
    }


def test_a_long_letter_gets_suggestions_at_once_and_in_a_fixed_number_of_queries(
    garages, publish, reader, django_assert_max_num_queries
):
    wanted = publish(garages, "Оформление металлического гаража", body="<p>Ракушка у дома, кооператив.</p>")
    for number in range(20):
        publish(garages, f"Иной вопрос {number}")
    letter = (
        " ".join(f"история{number} семьи и соседей" for number in range(500)) + " стоит металлический гараж-ракушка"
    )
    reader.has_power("knowledge.read")
    with django_assert_max_num_queries(9):
        started = time.perf_counter()
        found = materials.search(letter, user=reader, limit=3).found
    assert found[0].page_id == wanted.pk
    assert time.perf_counter() - started < 2


def test_a_template_with_a_placeholder_nobody_fills_is_refused(garages):
    page = ReplyTemplate(title="Ответ", slug="x", mark=Mark.FOR_ANSWERS, text="{обращение} {кличка}")
    with pytest.raises(ValidationError, match="кличка"):
        page.clean()


def test_a_template_is_not_made_public(garages):
    with pytest.raises(ValidationError, match="на сайте"):
        ReplyTemplate(title="Ответ", slug="x", mark=Mark.PUBLIC, text="Текст").clean()


@pytest.mark.parametrize("short", ["", "   "])
def test_a_question_without_a_short_answer_is_refused(garages, short):
    with pytest.raises(ValidationError) as refused:
        Faq(title="Вопрос", slug="x", short_answer=short, path="x", depth=4).full_clean()
    assert "short_answer" in refused.value.message_dict


@given(text=st.text(), facts=st.dictionaries(st.sampled_from(sorted(placeholders.KNOWN)), st.text()))
def test_filling_leaves_nothing_but_what_it_names(text, facts):
    done = placeholders.fill(text, facts)
    filled, empty = done.text, done.empty
    assert set(empty) <= set(placeholders.names(text))
    assert all(
        f"{{{name}}}" in filled.replace("{ ", "{").replace(" }", "}") for name in empty if name in placeholders.KNOWN
    )
    if not placeholders.names(text):
        assert filled == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Раз.</p><p>Два &amp; три</p>", "Раз.\n\nДва & три"),
        (
            "<p>Нужно:</p><ul><li>паспорт</li><li>заявление</li></ul><p>Всё.</p>",
            "Нужно:\n\n— паспорт\n— заявление\n\nВсё.",
        ),
        ("<ol><li>а</li><li>б</li></ol>", "1. а\n2. б"),
        ('<p>См. <a linktype="page" id="5">раздел</a><br/>ниже</p>', "См. раздел\nниже"),
        ("", ""),
    ],
)
def test_rich_text_becomes_plain_as_a_letter_shows_it(html, text):
    assert plain_text(html) == text


def test_reindex_brings_back_what_was_lost(garages, publish, capsys):
    publish(garages, "Вопрос о гараже")
    Entry.objects.all().delete()
    assert materials.find("гараж") == []
    call_command("reindex")
    assert [found.title for found in materials.find("гараж")] == ["Вопрос о гараже"]
