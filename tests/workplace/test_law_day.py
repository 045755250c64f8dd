"""The pages of prints, macros and storage: who opens them, what they show, what a refusal keeps."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals import macros, storage
from otklik.appeals.models import Checklist, DestructionAct, DestructionItem, Macro
from otklik.core import retention
from otklik.core.models import AccessEntry
from tests.appeals.conftest import World
from tests.appeals.test_law_storage import closed
from tests.desk import MATTER, at, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def clerk(world: World) -> Client:
    return desk(world.clerk)


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_the_list_leads_to_its_prints_with_its_own_filters(world, clerk):
    appeal = world.assigned()
    page = words(clerk.get(at("queue"), {"view": "all", "unit": world.land.pk}))
    assert f"/desk/prints/?view=all&amp;unit={world.land.pk}" in page
    shown = words(clerk.get(at("prints"), {"view": "all", "unit": world.land.pk}))
    assert "1 обращение" in shown.replace("\xa0", " ")
    assert "подразделение: Отдел земельных отношений" in shown
    assert appeal.number not in shown
    for code in ("registration", "classification", "control"):
        for way, kind in (("pdf", "application/pdf"), ("xlsx", "spreadsheet")):
            answer = clerk.get(at("journal_of_list", code, way), {"view": "all"})
            assert kind in answer["Content-Type"]
    answer = clerk.get(at("envelopes_of_list"), {"view": "all", "size": "c4"})
    assert answer["Content-Type"] == "application/pdf"


def test_what_cannot_be_printed_comes_back_with_words(world, clerk):
    answer = clerk.get(at("journal_of_list", "registration", "pdf"), {"view": "registration"}, follow=True)
    assert "Откройте список обращений" in words(answer)
    answer = clerk.get(at("envelopes_of_list"), {"view": "all", "size": "dl"}, follow=True)
    assert "Печатать нечего" in words(answer)


def test_paper_of_one_case_is_taken_from_its_matter(world, clerk):
    appeal = world.assigned()
    matter = words(clerk.get(at("matter", appeal.pk)))
    for name in ("registration_card", "envelope"):
        assert at(name, appeal.pk) in matter
        assert clerk.get(at(name, appeal.pk))["Content-Type"] == "application/pdf"
    clerk.post(at("whole_case", appeal.pk))
    row = appeal.case_files.get()
    assert at("whole_case_file", appeal.pk, row.pk) in words(clerk.get(at("whole_case", appeal.pk)))
    assert clerk.get(at("whole_case_file", appeal.pk, row.pk)).status_code == 200
    assert desk(world.clerk2).get(at("whole_case_file", appeal.pk, row.pk)).status_code == 404
    assert desk(world.stranger).get(at("registration_card", appeal.pk)).status_code == 404


def test_a_macro_is_made_on_its_page_and_run_from_the_matter(world, clerk):
    appeal, (topic, need) = world.registered(), world.pair()
    refused = clerk.post(at("macro_new"), {"name": "Аренда", "topic": topic.pk})
    assert refused.status_code == 422
    assert "и тему, и потребность" in words(refused)
    assert 'value="Аренда"' in words(refused)
    assert clerk.post(at("macro_new"), {"name": "Аренда", "material": "1" * 30}).status_code == 422
    assert clerk.post(at("macro_new"), {"name": "Аренда", "topic": topic.pk, "need": need.pk}).status_code == 302
    macro = Macro.objects.get()
    assert "Аренда" in words(clerk.get(at("macros")))
    assert 'value="Аренда"' in words(clerk.get(at("macro", macro.pk)))
    assert "Подтвердить тему" in words(clerk.get(at("matter", appeal.pk)))
    assert clerk.post(at("run_macro", appeal.pk), {"macro": macro.pk}).status_code == 302
    assert world.again(appeal).status == "classified"
    assert desk(world.executor).get(at("macro", macro.pk)).status_code == 404
    clerk.post(at("macro_end", macro.pk))
    assert "Макросов пока нет" in words(clerk.get(at("run_macro", appeal.pk)))


def test_a_macro_that_was_stopped_says_where_and_one_that_goes_on_opens_the_next(world, clerk):
    appeal = world.registered()
    steps = macros.steps_of({"reason": "к сведению"})
    macro = macros.keep(Macro(name="Закрыть", owner=world.clerk), steps=steps, by=world.clerk)
    answer = clerk.post(at("run_macro", appeal.pk), {"macro": macro.pk})
    assert answer.status_code == 422
    assert "остановлен на шаге" in words(answer)
    note = macros.steps_of({"text": "Проверено"})
    macro = macros.keep(Macro(name="Дальше", owner=world.clerk, go_next=True), steps=note, by=world.clerk)
    answer = clerk.post(at("run_macro", appeal.pk) + "?view=all", {"macro": macro.pk})
    assert answer["Location"].startswith(at("neighbour", appeal.pk, "next"))


def test_a_list_of_points_is_kept_on_its_page_and_ticked_in_the_matter(world, clerk):
    today = timezone.localdate()
    said = {"name": "Аренда", "points": "Проверить ЕГРН\nПозвонить", "valid_from": today}
    assert clerk.post(at("checklist_new"), said).status_code == 302
    row = Checklist.objects.get()
    assert "Позвонить" in words(clerk.get(at("checklist", row.pk)))
    assert "2 пункта" in words(clerk.get(at("checklists"))).replace("\xa0", " ")
    appeal = world.registered()
    assert "Отмечено 0 из 2" in words(clerk.get(at("matter", appeal.pk)))
    clerk.post(at("tick", appeal.pk), {"point": [row.points.all()[0].pk]})
    assert "Отмечено 1 из 2" in words(clerk.get(at("matter", appeal.pk)))
    assert desk(world.auditor).post(at("tick", appeal.pk), {"point": []}).status_code == 403


def test_a_hold_is_put_and_lifted_on_the_page_of_the_case(world, clerk):
    appeal = world.registered()
    refused = clerk.post(at("hold_case", appeal.pk), {"reason": "Суд", "until": "2020-01-01"})
    assert refused.status_code == 422
    assert 'value="Суд"' in words(refused)
    clerk.post(at("hold_case", appeal.pk), {"reason": "Дело в суде", "until": ""})
    assert "Дело в суде" in words(clerk.get(at("matter", appeal.pk)))
    assert "Дело в суде" in words(clerk.get(at("storage")))
    clerk.post(at("hold_case", appeal.pk), {"do": "lift"})
    assert storage.hold_of(appeal) is None


def test_an_act_goes_from_one_person_to_another_by_pages(world, clerk):
    retention.load()
    appeal = closed(world)
    assert clerk.post(at("storage"), {"kind": "appeals-operational"}).status_code == 422
    clerk.post(at("storage"), {"kind": "appeals"})
    act = DestructionAct.objects.get()
    page = words(clerk.get(at("storage_act", act.pk)))
    assert appeal.number in page
    assert "Акт согласует другой человек" in page
    assert clerk.post(at("storage_act", act.pk), {"do": "agree", "commission": "№ 3"}).status_code == 422
    assert clerk.get(at("storage_act_pdf", act.pk))["Content-Type"] == "application/pdf"
    signer = desk(world.signer)
    assert "Согласовать уничтожение" in words(signer.get(at("storage_act", act.pk)))
    refused = signer.post(at("storage_act", act.pk), {"do": "agree", "commission": ""})
    assert "протокола" in words(refused)
    assert signer.post(at("storage_act", act.pk), {"do": "agree", "commission": "№ 3"}).status_code == 302
    act.refresh_from_db()
    assert act.state == DestructionAct.State.AGREED
    answer = clerk.post(
        at("storage_act", act.pk), {"do": "leave", "item": DestructionItem.objects.get().pk, "why": "х"}
    )
    assert "уже согласован" in words(answer)


def test_an_applicant_is_handed_his_data_and_the_auditor_sees_who_looked(world, clerk):
    appeal = world.registered()
    who = appeal.applicant_id
    answer = clerk.post(at("applicant_export", who), {"reason": ""}, follow=True)
    assert "Укажите, зачем" in words(answer)
    answer = clerk.post(at("applicant_export", who), {"reason": "запрос"})
    assert answer["Content-Type"] == "application/zip"
    assert AccessEntry.objects.filter(action="applicant.exported", data__applicant=who).exists()
    assert "Кто смотрел" not in words(clerk.get(at("applicant", who)))
    assert "Выгружены все данные заявителя" in words(desk(world.auditor).get(at("access_log"), {"applicant": who}))


def test_letters_without_names_are_shown_to_be_copied(world, clerk):
    appeal = world.registered()
    page = words(clerk.get(at("masked_letter", appeal.pk)))
    assert "data-copy=" in page
    page = words(clerk.post(at("masked_letter", appeal.pk), {"also": "земельного участка"}))
    assert "<mark>[скрыто]</mark>" in page


def test_the_matter_asks_few_questions(world, clerk, django_assert_max_num_queries):
    appeal = world.assigned()
    macros.keep(Macro(name="М", owner=world.clerk), steps=macros.steps_of({"text": "Да"}), by=world.clerk)
    row = Checklist(name="С", valid_from=timezone.localdate())
    macros.keep_list(row, ["Раз", "Два"], by=world.clerk)
    clerk.get(at("card", appeal.pk))
    with django_assert_max_num_queries(MATTER):
        clerk.get(at("matter", appeal.pk), headers={"hx-request": "true"})


def test_the_palette_over_a_card_offers_its_macros_and_elsewhere_none(world, clerk):
    appeal = world.registered()
    macros.keep(Macro(name="К сведению", owner=world.clerk), steps=macros.steps_of({"text": "Да"}), by=world.clerk)
    htmx = {"hx-request": "true", "hx-current-url": f"http://testserver/desk/appeals/{appeal.pk}/?view=all"}
    shown = words(clerk.post(at("palette"), {"q": "макр"}, headers=htmx))
    assert at("run_macro", appeal.pk) in shown
    assert "К сведению" not in words(clerk.post(at("palette"), {"q": "макр"}, headers={"hx-request": "true"}))
