"""Questions from a table: every line is judged before anything is written, then all good ones become drafts."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from wagtail.models import Page

from otklik.core.models import JournalEntry
from otklik.knowledge import materials, question_table
from otklik.knowledge.models import Faq
from otklik.knowledge.question_table import Choice
from tests.knowledge import hostile
from tests.knowledge.hostile import docx, paragraph, table
from tests.knowledge.test_rights import signed_in

pytestmark = pytest.mark.django_db
URL = "workplace:questions_import"
BOOK = (
    ("№", "Вопрос", "Краткий ответ", "Полный ответ", "Синонимы", "Раздел"),
    (1, "Где взять схему?", "У кадастрового инженера.", "Первый абзац.\nВторой абзац.", "план\nчертёж", ""),
    (2, "Вопрос о гараже?", "Ответ.", "", "", ""),
    (3, "где взять  схему", "Ответ.", "", "", ""),
    (4, "", "Ответ без вопроса.", "", "", ""),
    (5, "Чужой раздел?", "Ответ.", "", "", "Аренда участков"),
    (6, "Слишком длинный?", "о" * 2001, "", "", ""),
    (7, "Формула?", "=1+1", "", "", ""),
    (8, "Свой раздел?", "Ответ.", "", "", "гаражная амнистия"),
)


@pytest.fixture
def own(garages, leases, publish):
    return publish(garages, "Вопрос о гараже")


def brought(client, content: bytes, name: str, section) -> str:
    data = {"sheet": SimpleUploadedFile(name, content), "section": section.pk, "mark": "internal"}
    return client.post(reverse(URL), data).content.decode()


def agreed(client, page: str):
    [read] = re.findall(r'name="read" value="([^"]+)"', page)
    return client.post(reverse(URL), {"read": read}, follow=True)


def test_a_table_is_shown_line_by_line_and_loaded_only_when_agreed(author, garages, own):
    client, pages = signed_in(author), Page.objects.count()
    shown = brought(client, hostile.xlsx(*BOOK), "a.xlsx", garages)
    for words in (
        "Загрузить 2\xa0вопроса",
        "Такой вопрос уже есть: «Вопрос о гараже»",
        "Этот вопрос уже встретился в строке 2",
        "Вопроса нет: впишите его",
        "Раздела «Аренда участков» нет среди тех, что вы ведёте",
        "Краткий ответ длиннее 2000 знаков",
        "Ячейка C8: формула",
    ):
        assert words in shown, words
    assert Page.objects.count() == pages
    agreed(client, shown)
    first, second = Faq.objects.filter(live=False).order_by("path")
    assert (first.title, first.short_answer) == ("Где взять схему?", "У кадастрового инженера.")
    assert (first.body, first.synonyms) == ("<p>Первый абзац.</p><p>Второй абзац.</p>", "план\nчертёж")
    assert (second.title, second.get_parent().pk) == ("Свой раздел?", garages.pk)
    assert (first.owner, first.latest_revision.user) == (author, author)
    assert not materials.published().filter(pk__in=[first.pk, second.pk]).exists()
    [row] = JournalEntry.objects.filter(action="knowledge.questions_loaded")
    assert (row.actor, row.data["rows"]) == (author, 2)
    assert "Загружать нечего" in brought(client, hostile.xlsx(BOOK[0], BOOK[1], BOOK[8]), "a.xlsx", garages)


def test_what_changed_between_preview_and_agreement_is_shown_again(author, garages, own, publish):
    client = signed_in(author)
    shown = brought(client, hostile.xlsx(BOOK[0], BOOK[1]), "a.xlsx", garages)
    publish(garages, "Где взять схему?")
    answer = agreed(client, shown)
    assert answer.status_code == 409
    assert "Пока вы смотрели" in answer.content.decode()
    assert Faq.objects.filter(live=False).count() == 0
    assert client.post(reverse(URL), {"read": "odd"}, follow=True).status_code == 200


def test_a_document_gives_its_tables_and_its_spoken_questions(author, garages):
    body = (
        paragraph("Памятка отдела")
        + table(("Вопрос", "Ответ"), ("Кому дают участок?", "Гражданам. Бесплатно.|По закону."), ("Пустой?", ""))
        + table(("Без", "названий"), ("а", "б"))
        + paragraph("Вопрос 1: Сколько ждать?")
        + paragraph("Ответ: Двадцать дней.")
        + paragraph("Рабочих.")
        + paragraph("ВОПРОС. Где подать?")
        + paragraph("Краткий ответ: В МФЦ.")
    )
    rows = question_table.read(SimpleUploadedFile("a.docx", docx(body)), "a.docx")
    lines = question_table.plan(rows, Choice(garages.pk), by=author)
    assert [(line.question, line.answer, line.verdict) for line in lines] == [
        ("Кому дают участок?", "Гражданам. Бесплатно.", "add"),
        ("Пустой?", "", "refuse"),
        ("", "", "refuse"),
        ("Сколько ждать?", "Двадцать дней.", "add"),
        ("Где подать?", "В МФЦ.", "add"),
    ]
    assert "столбцов «Вопрос» и «Ответ»" in lines[2].why[0]


def test_a_file_that_is_no_such_table_says_what_to_do_and_keeps_what_was_chosen(author, garages):
    client = signed_in(author)
    for content, name, words in (
        (hostile.xlsx(("Имя", "Почта"), ("а", "б")), "a.xlsx", "нет столбцов «Вопрос» и «Ответ»"),
        (docx(paragraph("Просто текст")), "a.docx", "вопросов в нём нет"),
        (b"Word", "a.doc", "с расширением .xlsx"),
        (hostile.LIVELY["a macro of Word"][1], "a.docx", "макросы"),
        (hostile.packed({"[Content_Types].xml": "", "word/document.xml": "<a"}), "a.docx", "повреждён"),
    ):
        said = brought(client, content, name, garages)
        assert words in said, name
        assert f'value="{garages.pk}" selected' in said
    assert not Faq.objects.exists()


def test_an_author_loads_into_own_sections_only_and_the_chief_anywhere(author, chief, reader, garages, leases):
    content = hostile.xlsx(BOOK[0], BOOK[1])
    assert "Выберите раздел из списка" in brought(signed_in(author), content, "a.xlsx", leases)
    assert "Загрузить 1\xa0вопрос" in brought(signed_in(chief), content, "a.xlsx", leases)
    assert signed_in(reader).get(reverse(URL)).status_code == 403
    rows = question_table.read(SimpleUploadedFile("a.xlsx", content), "a.xlsx")
    lines = question_table.plan(rows, Choice(leases.pk), by=author)
    assert lines[0].why == ("раздел не выбран или вы его больше не ведёте",)
    sample = question_table.read(SimpleUploadedFile("a.xlsx", question_table.sample()), "a.xlsx")
    assert [line.verdict for line in question_table.plan(sample, Choice(garages.pk), by=author)] == ["add"]
