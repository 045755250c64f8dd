"""What an author types at `/cms/`: cleaned, never cut, and told at its field what is wrong with it."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.urls import reverse

from otklik.knowledge import archive
from otklik.knowledge.models import Faq, LegalAct, Material, Reference, ReplyTemplate
from tests.knowledge.test_rights import no_rows, signed_in, typed

pytestmark = pytest.mark.django_db


def block(text: str, kind: str = "unstyled", **more: object) -> dict[str, object]:
    facts = {"key": "a", "text": text, "type": kind, "depth": 0, "inlineStyleRanges": [], "entityRanges": []}
    return facts | more


def rows(name: str, *given: dict[str, object]) -> dict[str, str]:
    """Return what the form sends of new rows beside a page."""
    data = no_rows(name) | {f"{name}-TOTAL_FORMS": str(len(given))}
    for number, row in enumerate(given):
        fields = row | {"id": "", "ORDER": number + 1, "DELETE": ""}
        data |= {f"{name}-{number}-{field}": str(value) for field, value in fields.items()}
    return data


@pytest.fixture
def own(garages, publish):
    return publish(garages, "Вопрос о гараже")


def saved(editor, page, **changes):
    data = typed(page, **changes) | {"action-publish": "1"}
    return signed_in(editor).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), data)


def test_a_hundred_pages_pasted_from_word_are_cleaned_and_whole(chief, own):
    pages = [
        part
        for number in range(100)
        for part in (
            block(f"Глава {number}", "header-three"),
            block(f"Начало {number} <script>alert(1)</script> " + "слово " * 400 + f"конец {number}"),
            block(f"Пункт {number}", "unordered-list-item"),
            block("Рисунок", "atomic", entityRanges=[{"offset": 0, "length": 1, "key": 0}]),
            block("Чужой вид", "mso-title", inlineStyleRanges=[{"offset": 0, "length": 5, "style": "MSO"}]),
            block("Ссылка", entityRanges=[{"offset": 0, "length": 6, "key": 1}]),
        )
    ]
    entities = {
        "0": {"type": "IMAGE", "mutability": "IMMUTABLE", "data": {"src": "http://evil.example/x.png"}},
        "1": {"type": "LINK", "mutability": "MUTABLE", "data": {"url": "javascript:alert(1)"}},
    }
    body = json.dumps({"entityMap": entities, "blocks": pages}, ensure_ascii=False)
    assert saved(chief, own, body=body).status_code == 302
    kept = Faq.objects.get(pk=own.pk).body
    for number in (0, 99):
        assert f"Глава {number}</h3>" in kept
        assert f"конец {number}" in kept
        assert f">Пункт {number}</li>" in kept
    for foreign in ("<script", "evil.example", "javascript:", "MSO", "mso", "style=", "<img", "<embed"):
        assert foreign not in kept, foreign
    shown = signed_in(chief).get(reverse("workplace:knowledge_material", args=[own.pk])).content.decode()
    assert "конец 99" in shown


def test_what_is_larger_than_a_request_may_be_is_told_in_words(author, own, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50_000
    answer = saved(author, own, short_answer="я" * 60_000)
    assert answer.status_code == 413
    said = answer.content.decode()
    assert "Ничего не сохранено" in said
    assert "Вернитесь назад" in said
    page = signed_in(author).get(reverse("wagtailadmin_pages:edit", args=[own.pk])).content.decode()
    assert 'data-most="50000"' in page


def test_a_material_that_leads_to_itself_is_refused_and_two_that_lead_to_each_other_are_not(
    chief, own, publish, garages
):
    other = publish(garages, "Другой вопрос")
    other.references.add(Reference(target=own))
    other.save_revision().publish()
    answer = saved(chief, own, **rows("references", {"target": own.pk, "place": "", "short": ""}), short_answer="Моё")
    assert "ссылается сам на себя" in answer.content.decode()
    assert "Моё" in answer.content.decode()
    twice = rows("references", {"target": other.pk, "place": "п. 1"}, {"target": other.pk, "place": "п. 1"})
    assert "уже есть" in saved(chief, own, **twice).content.decode()
    assert saved(chief, own, **rows("references", {"target": other.pk, "place": ""})).status_code == 302
    assert Material.objects.get(pk=own.pk).references.get().target_id == other.pk


def test_a_section_does_not_link_to_what_it_has(chief, garages, own):
    data = {"title": garages.title, "slug": garages.slug, "intro": "", "search_description": "", "function": ""}
    data |= {"unit": str(garages.unit_id), "action-publish": "1"} | rows("links", {"material": own.pk})
    answer = signed_in(chief).post(reverse("wagtailadmin_pages:edit", args=[garages.pk]), data)
    assert "и так в этом разделе" in answer.content.decode()


def test_replacements_never_go_in_a_circle(chief, garages, own, publish):
    middle, last = publish(garages, "Второй"), publish(garages, "Третий")
    # A circle that came from elsewhere: whoever looks for its end must not look for ever.
    Material.objects.filter(pk=middle.pk).update(replaced_by=last.pk)
    Material.objects.filter(pk=last.pk).update(replaced_by=middle.pk)
    archive.archive(own, reason="Устарел", replaced_by=Material.objects.get(pk=middle.pk), by=chief)
    assert archive.successor(Material.objects.get(pk=own.pk)).pk == middle.pk
    Material.objects.filter(pk=last.pk).update(replaced_by=own.pk)
    with pytest.raises(archive.NoSuccessor, match="заменяет этот материал"):
        archive._check_successor(own, Material.objects.get(pk=last.pk))


def test_an_act_without_its_date_an_unknown_placeholder_and_a_twin_are_told_at_their_fields(author, garages, own):
    client = signed_in(author)
    shared = {"slug": "new", "search_description": "", "mark": "internal", "action-publish": "1"}
    shared |= {"staff_note": typed(own)["staff_note"], **no_rows("references"), **no_rows("attachments")}

    def added(kind: str, **fields: str) -> str:
        url = reverse("wagtailadmin_pages:add", args=["knowledge", kind, garages.pk])
        return client.post(url, shared | fields).content.decode()

    act = {"form": "приказ", "number": "5", "issuer": "Мы", "full_title": "Полное имя акта", "state": "in_force"}
    said = added("legalact", title="Акт", adopted_on="", articles=shared["staff_note"], edition="", link="", **act)
    assert "Требуется заполнить это поле" in said
    assert "Полное имя акта" in said
    said = added("replytemplate", title="Шаблон", mark="for_answers", text="Здравствуйте, {фамилия}!", when="")
    assert "Неизвестные подстановки: {фамилия}" in said
    said = added("faq", title="вопрос о  гараже", short_answer="Ответ", body=shared["staff_note"], synonyms="")
    assert "Такой материал уже есть" in said
    assert not LegalAct.objects.exists()
    assert not ReplyTemplate.objects.exists()
    assert Faq.objects.count() == 1


BROKEN = (
    "Текст без <b>редактора</b>\nвторая строка",
    "",
    "[]",
    '"слово"',
    "5",
    '{"blocks": 5}',
    '{"blocks": [{"text": 5}]}',
)


@pytest.mark.parametrize("body", [*BROKEN, "[" * 100_000])
def test_a_text_that_does_not_come_from_the_editor_is_told_at_its_field_and_nothing_is_lost(author, own, body):
    before = Faq.objects.get(pk=own.pk)
    revisions = before.revisions.count()
    answer = saved(author, own, body=body, short_answer="Набрано только что")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {"body"}
    assert "Текст пришёл не из редактора и не сохранён" in shown
    assert "Набрано только что" in shown
    [content] = re.findall(r'<input type="hidden" name="body" value="([^"]*)"', shown)
    kept = json.loads(html.unescape(content))
    assert "\n".join(one["text"] for one in kept["blocks"])[:50] == body[:50]
    own.refresh_from_db()
    assert (own.body, own.revisions.count()) == (before.body, revisions)


def test_a_new_material_is_not_made_of_such_a_text(author, garages, own):
    address = reverse("wagtailadmin_pages:add", args=["knowledge", "faq", garages.pk])
    answer = signed_in(author).post(address, typed(own, title="Новый вопрос", slug="new", body="не JSON"))
    assert answer.status_code == 200
    assert "Текст пришёл не из редактора и не сохранён" in answer.content.decode()
    assert not Material.objects.filter(slug="new").exists()


def test_what_is_typed_is_in_the_form_before_a_hand_can_save_it(author, own):
    shown = signed_in(author).get(reverse("wagtailadmin_pages:edit", args=[own.pk])).content.decode()
    waits = re.findall(r"stateSaveInterval&quot;: (\d+)", shown)
    assert waits
    assert all(int(ms) <= 50 for ms in waits)
