"""The kinds of material of п. 40: what each must have, who may get it, how it is read and found."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from wagtail.documents.models import Document
from wagtail.models import Page

from otklik.knowledge import coverage, materials, quarters, schedule, votes
from otklik.knowledge.finding import Searcher
from otklik.knowledge.models import (
    KINDS,
    Attachment,
    ContactData,
    DecisionExample,
    Faq,
    Function,
    JobDescription,
    LegalAct,
    Mark,
    Material,
    ReceptionHours,
    ReceptionSchedule,
    Reference,
    ReplyTemplate,
    Script,
    Section,
    SectionLink,
    Service,
)
from otklik.knowledge.models.kinds import same_question
from tests.knowledge.test_rights import no_rows, signed_in

pytestmark = pytest.mark.django_db
ON = date(2025, 1, 15)
STEPS = [
    ("step", {"stage": "greeting", "name": "Привет", "say": "Добрый день!", "hint": "Улыбнитесь", "branches": []}),
    (
        "step",
        {"stage": "answer", "name": "Ответ", "say": "Слушаю.", "branches": [{"heard": "снова", "go_to": "Привет"}]},
    ),
]


def fields_of(kind: type[Material], unit: Any) -> dict[str, Any]:
    """Return what each kind must have."""
    return {
        LegalAct: {"form": "Приказ", "number": "1", "adopted_on": ON, "issuer": "Департамент", "full_title": "Полно"},
        JobDescription: {"post": "консультант", "unit": unit, "approved_on": ON, "duties": "<p>Отвечает.</p>"},
        Faq: {"short_answer": "Коротко."},
        ReplyTemplate: {"text": "{обращение}"},
        DecisionExample: {
            **{"situation": "<p>Было.</p>", "decision": "<p>Решили.</p>", "grounds": "<p>Потому.</p>"},
            **{"decided_by": "начальник", "decided_on": ON, "anonymised": True},
        },
        Service: {"result": "Решение", "documents": "<p>Заявление.</p>", "term": "30 дней", "cost": "бесплатно"},
        ReceptionSchedule: {"who": "Начальник", "place": "каб. 1"},
        ContactData: {"about": "Аренда", "phone": "8 (000) 000-00-00"},
        Script: {"when": "Звонок", "steps": STEPS},
    }[kind]


@pytest.fixture
def every(garages, land):
    """One published material of every kind."""
    made = {}
    for number, kind in enumerate(KINDS):
        page = garages.add_child(
            instance=kind(title=f"Материал {number}", slug=f"k{number}", live=False, **fields_of(kind, land))
        )
        if kind is ReceptionSchedule:
            page.hours.add(ReceptionHours(day=1, starts=time(9), ends=time(12), note="кроме июля"))
        page.save_revision().publish()
        page.refresh_from_db()
        made[kind] = page
    return made


def test_every_kind_is_read_by_employees_and_found_by_its_text(client, every, reader):
    client.force_login(reader)
    for kind, page in every.items():
        shown = client.get(reverse("workplace:knowledge_material", args=[page.pk])).content.decode()
        for part in [*page.facts(), *page.parts()]:
            assert part.heading in shown, kind
        assert page.brief() in shown
        assert str(kind._meta.verbose_name) in shown
        assert page.text_for_answer() or kind in (JobDescription, DecisionExample)


def test_no_kind_costs_more_than_ten_queries_whatever_stands_beside_it(
    client, clock, every, author, django_assert_max_num_queries
):
    act, past = every[LegalAct], timezone.make_aware(datetime(2026, 5, 12))
    Page.objects.update(first_published_at=past)
    quarters.open_quarter(clock(2026, 7, 20))
    client.force_login(author)
    document = Document.objects.create(title="Форма заявления", file=ContentFile(b"x", "form.pdf"))
    for page in every.values():
        Reference.objects.create(page=page, target=act if page != act else every[Faq], place="ст. 1")
        Attachment.objects.create(page=page, document=document)
        materials.record_use(page.pk, "inserted", by=author)
        votes.vote(Searcher(author), page, helped=True)
    for page in every.values():
        address = reverse("workplace:knowledge_material", args=[page.pk])
        client.get(address)  # the first opening in a quarter is noted for the review
        with django_assert_max_num_queries(10):
            shown = client.get(address).content.decode()
        for part in (
            "ст. 1",
            "Форма заявления",
            "1\u00a0раз",
            "пора проверить",
            "Вы ответили: помог",
            "В том же разделе",
        ):
            assert part in shown, (page, part)


def test_hours_and_steps_are_read_and_found(client, every, reader):
    client.force_login(reader)
    assert [one.page_id for one in materials.find("понедельник июля", user=reader)] == [every[ReceptionSchedule].pk]
    schedule = client.get(reverse("workplace:knowledge_material", args=[every[ReceptionSchedule].pk])).content.decode()
    assert "понедельник (кроме июля): 09:00–12:00" in schedule
    script = client.get(reverse("workplace:knowledge_material", args=[every[Script].pk])).content.decode()
    assert "Улыбнитесь" in script
    assert 'href="#step-привет"' in script
    assert "Улыбнитесь" not in every[Script].text_for_answer()


def test_a_kind_never_bears_a_mark_wider_than_its_own(every):
    for kind, page in every.items():
        for mark in set(Mark.values).difference(kind.marks):
            page.mark = mark
            with pytest.raises(ValidationError) as refused:
                page.full_clean()
            assert "mark" in refused.value.message_dict, (kind, mark)


def test_of_no_kind_an_internal_text_goes_into_an_answer_nor_what_is_for_employees(every, reader):
    for kind, page in every.items():
        page.staff_note = "<p>Секрет отдела</p>"
        page.save_revision().publish()
        read = kind.objects.get(pk=page.pk)
        assert "Секрет" in read.found_by(), kind
        assert "Секрет" not in read.text_for_answer(), kind
        assert "Секрет" not in read.found_by(outside=True), kind
        kind.objects.filter(pk=page.pk).update(mark=Mark.INTERNAL)
        with pytest.raises(materials.InternalMaterial):
            materials.insert_text(page.pk, {}, reason="очень нужно", user=reader)


def test_job_descriptions_and_decisions_are_internal_for_ever():
    assert all(kind.marks == (Mark.INTERNAL,) for kind in (JobDescription, DecisionExample))
    assert all(Mark.PUBLIC not in kind.marks for kind in (ReplyTemplate, Script))


def test_what_a_kind_must_have_is_asked_for_at_its_field(every):
    asked = [
        (LegalAct, {"adopted_on": None}, "adopted_on"),
        (DecisionExample, {"anonymised": False}, "anonymised"),
        (Service, {"electronic": True}, "link"),
        (ContactData, {"phone": ""}, "phone"),
    ]
    for kind, wrong, field in asked:
        page = every[kind]
        for name, value in wrong.items():
            setattr(page, name, value)
        with pytest.raises(ValidationError) as refused:
            page.full_clean()
        assert field in refused.value.message_dict


@pytest.mark.parametrize(
    ("steps", "message"),
    [([{"name": "А"}, {"name": "А"}], "Назовите этот иначе"), ([{"name": "А", "go_to": "Б"}], "Такого шага нет")],
)
def test_a_script_that_leads_nowhere_is_refused_at_the_step(steps, message):
    block = Script.steps.field.stream_block
    raw = [
        {
            "type": "step",
            "value": {
                **{"stage": "answer", "name": step["name"], "say": "Так."},
                "branches": [{"heard": "да", "go_to": step["go_to"]}] if "go_to" in step else [],
            },
        }
        for step in steps
    ]
    with pytest.raises(ValidationError) as refused:
        block.clean(block.to_python(raw))
    assert message in str(refused.value.as_json_data())


def test_hours_end_after_they_begin():
    with pytest.raises(ValidationError, match="Конец приёма"):
        ReceptionHours(day=1, starts=time(12), ends=time(9)).clean()


@pytest.mark.parametrize(
    ("one", "other"), [("Как  оформить гараж?", "как оформить гараж"), ("Всё ли верно", "Все ли верно!")]
)
def test_the_same_question_in_other_letters_is_the_same(one, other):
    assert same_question(one) == same_question(other)


def test_an_author_is_told_of_the_same_question_and_loses_nothing(author, garages, publish):
    publish(garages, "Как оформить гараж?")
    rich = '{"entityMap": {}, "blocks": []}'
    typed = {"title": "как оформить  гараж", "slug": "second", "mark": "internal", "short_answer": "Мой ответ"}
    typed |= {"body": rich, "staff_note": rich, "synonyms": "", "search_description": "", "action-publish": "1"}
    url = reverse("wagtailadmin_pages:add", args=["knowledge", "faq", garages.pk])
    answer = signed_in(author).post(url, typed | no_rows("references") | no_rows("attachments"))
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "Такой материал уже есть: «Как оформить гараж?»" in shown
    assert "Мой ответ" in shown
    assert Faq.objects.count() == 1


def test_the_editor_offers_only_the_marks_of_the_kind(chief, every):
    desk = signed_in(chief)
    for kind, page in every.items():
        shown = desk.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
        assert [mark for mark in Mark.values if f'value="{mark}"' in shown] == list(kind.marks)


def test_the_editor_promises_nobody_what_the_mark_keeps_inside(author, garages, publish):
    """Wagtail's own «Видно всем» would be said of an internal material, too."""
    said = {Mark.INTERNAL: "прочтут только сотрудники", Mark.PUBLIC: "выпустит второй человек"}
    for mark, words in said.items():
        page = publish(garages, f"Вопрос {mark}", mark)
        shown = signed_in(author).get(reverse("wagtailadmin_pages:edit", args=[page.pk])).content.decode()
        assert words in shown
        assert "Видно всем" not in shown
        # «Опубликовано» leads to where employees read: an internal material has no page on the site.
        assert f'href="{reverse("workplace:knowledge_material", args=[page.pk])}"' in shown


def test_another_section_shows_a_material_whose_home_and_unit_stay(client, reader, garages, leases, publish):
    page = publish(garages, "Вопрос о гараже")
    leases.links.add(SectionLink(material=page))
    leases.save_revision().publish()
    assert "Вопрос о гараже" in client.get("/kb/leases/").content.decode()
    client.force_login(reader)
    shown = client.get(reverse("workplace:knowledge_section", args=[leases.pk])).content.decode()
    assert "Вопрос о гараже" in shown
    assert "Отдел земли" in shown
    assert materials.section_of(page) == garages


def test_the_map_shows_what_each_function_has_and_lacks(client, every, garages, leases, author, home, land, rent):
    known = Function.objects.create(code="f1", name="Гаражи", valid_from=ON)
    Function.objects.create(code="f2", name="Забытая функция", valid_from=ON)
    Function.objects.create(code="f3", name="Прежняя функция", valid_from=ON, valid_to=ON)
    Section.objects.filter(pk=garages.pk).update(function=known)
    lines = {line.name: line for line in coverage.coverage(timezone.localdate())}
    assert set(lines) == {"Гаражи", "Забытая функция", coverage.GENERAL}
    assert [cell.number for cell in lines["Гаражи"].cells] == [1] * len(KINDS)
    assert lines["Забытая функция"].gaps == len(KINDS)
    assert lines[coverage.GENERAL].sections == (leases,)
    every[Service].unpublish()
    assert lines["Гаражи"].gaps == 0
    assert {line.name: line.gaps for line in coverage.coverage(timezone.localdate())}["Гаражи"] == 1
    client.force_login(author)
    shown = client.get(reverse("workplace:knowledge_coverage")).content.decode()
    assert reverse("wagtailadmin_pages:add", args=["knowledge", "service", garages.pk]) in shown
    # Each number opens its list.
    questions = f"{reverse('workplace:knowledge_section', args=[garages.pk])}?kind=faq"
    assert questions in shown
    listed = client.get(questions)
    assert [one.pk for one in listed.context["page"]] == [every[Faq].pk]
    assert "только вопрос и ответ" in listed.content.decode()
    assert client.get(f"{questions}&kind=nothing").context["page"].paginator.count == len(KINDS) - 1
    assert reverse("wagtailadmin_pages:add", args=["knowledge", "faq", leases.pk]) not in shown


def test_a_link_that_leads_nowhere_is_reported_until_it_is_mended(garages, publish):
    target = publish(garages, "Цель")
    page = publish(garages, "Вопрос", body=f'<p><a linktype="page" id="{target.pk}">туда</a></p>')
    other = publish(garages, "Ещё вопрос")
    other.references.add(Reference(target=target))
    other.save_revision().publish()
    assert coverage.broken_links() == []
    target.unpublish()
    assert {one.material.pk for one in coverage.broken_links()} == {page.pk, other.pk}
    assert {one.what for one in coverage.broken_links()} == {"«Цель» снят с публикации"}
    target.delete()
    assert {one.what for one in coverage.broken_links()} == {"страница удалена"}


def test_links_lead_employees_to_the_desk_and_citizens_to_the_site(client, reader, garages, publish):
    hidden, shown = publish(garages, "Внутри", Mark.INTERNAL), publish(garages, "Снаружи")
    links = "".join(f'<a linktype="page" id="{one.pk}">{one.title}</a>' for one in (hidden, shown))
    page = publish(garages, "Вопрос", body=f"<p>{links}</p>")
    outside = client.get(page.url).content.decode()
    assert f'<a href="{shown.url}">Снаружи</a>' in outside
    assert "<a>Внутри</a>" in outside
    client.force_login(reader)
    inside = client.get(reverse("workplace:knowledge_material", args=[page.pk])).content.decode()
    assert reverse("workplace:knowledge_material", args=[hidden.pk]) in inside


def test_what_is_set_for_a_later_hour_happens_at_that_hour(garages, publish, reader, monkeypatch):
    publish(garages, "Уже опубликован")
    ends = publish(garages, "Кончается")
    coming = garages.add_child(instance=Faq(title="Будущий", slug="coming", short_answer="Скоро.", live=False))
    coming.go_live_at = timezone.now() + timedelta(hours=1)
    coming.save_revision().publish()
    ends.expire_at = timezone.now() + timedelta(hours=1)
    ends.save_revision().publish()
    schedule.carry_out()
    assert {one.title for one in materials.for_staff(reader)} == {"Уже опубликован", "Кончается"}
    later = timezone.now() + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: later)
    schedule.carry_out()
    assert {one.title for one in materials.for_staff(reader)} == {"Уже опубликован", "Будущий"}
    assert [one.title for one in materials.find("скоро", user=reader)] == ["Будущий"]
