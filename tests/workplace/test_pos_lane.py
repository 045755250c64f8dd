"""The lane of ПОС at the desk: a message without export, its lane, its mark, the answer entered, the dictionaries."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import dispatch
from otklik.appeals.models import PosCase, PosTemplate, PosTheme
from otklik.appeals.pos import cases, themes
from otklik.channels.pos.models import PosTerm
from otklik.correspondence.models import IncomingMessage
from otklik.knowledge.models import KnowledgeHome, ReplyTemplate, Section
from tests.appeals.conftest import World
from tests.appeals.test_pos_lane import PLAN, appeal_of, day, export, fast
from tests.channels.pos.exports import loaded, table
from tests.desk import MATTER, at, desk, entered

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


@pytest.fixture
def world() -> World:
    return World()


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def typed(**changes: Any) -> dict[str, Any]:
    """Give a message as somebody copies it out of the cabinet."""
    return {
        "number": "555001",
        "received_on": TODAY().isoformat(),
        "name": "Иванова Мария Петровна",
        "text": "Прошу убрать забор с участка.",
        "category": "Земля и имущество",
        "subcategory": "Аренда участка",
        "fact": "Забор на участке",
        "planned_on": "",
        "fast_track": "yes",
        "stage": "Исполнение",
        "status": "Ждёт звонка",
        **changes,
    }


def test_a_message_is_written_down_without_an_export_and_one_that_comes_later_completes_it(world: World) -> None:
    clerk = desk(world.clerk)
    answer = clerk.post(at("pos_new"), typed())
    message = IncomingMessage.objects.get(external_id="555001")
    assert answer["Location"] == at("inbox", message.pk)
    assert message.sender_name == "Иванова Мария Петровна"
    assert PosTerm.objects.get(value="Ждёт звонка").matched is False
    shown = text(clerk.get(at("inbox", message.pk)))
    assert "В ПОС у сообщения отмечен Фаст-трек" in shown
    appeal = appeal_of(world, message)
    assert (appeal.regime_id, appeal.answer_channel, appeal.answer_address) == ("pos_fast_track", "pos", "ПОС № 555001")
    assert str(PosCase.objects.get().theme) == "Земля и имущество / Аренда участка / Забор на участке"
    loaded(table([{"Номер": 555001, PLAN: day(TODAY() + timedelta(days=3))}]), by=world.clerk)
    cases.follow()
    assert IncomingMessage.objects.filter(channel="pos").count() == 1
    assert world.again(appeal).due_on == TODAY() + timedelta(days=3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"number": ""}, "Укажите номер сообщения"),
        ({"number": "№ 5"}, "не похоже на номер"),
        ({"text": " "}, "Скопируйте текст"),
        ({"received_on": "2099-01-01"}, "ещё не наступил"),
        ({"planned_on": "2020-01-01"}, "План раньше дня поступления"),
        ({"fz59": "on"}, "Фаст-трека у такого сообщения не бывает"),
    ],
)
def test_a_message_typed_wrong_is_refused_and_what_was_typed_stays(
    world: World, wrong: dict[str, str], words: str
) -> None:
    answer = desk(world.clerk).post(at("pos_new"), typed(**wrong))
    assert answer.status_code == 422
    assert words in text(answer)
    assert "Забор на участке" in text(answer)
    assert not IncomingMessage.objects.exists()


def test_one_number_is_written_down_once(world: World) -> None:
    clerk = desk(world.clerk)
    clerk.post(at("pos_new"), typed())
    answer = clerk.post(at("pos_new"), typed())
    assert answer.status_code == 422
    assert "уже есть" in text(answer)


def test_the_lane_stands_in_the_menu_with_its_counter_and_burns_first(world: World) -> None:
    later = fast(world, **{PLAN: day(TODAY() + timedelta(days=9))})
    sooner = fast(world, **{"Номер": 2, PLAN: day(TODAY() + timedelta(days=2))})
    export(world, **{"Номер": 3})
    clerk = entered(world.clerk)
    page = text(clerk.get(at("pos_lane")))
    assert page.index(sooner.number) < page.index(later.number)
    assert page.count("Фаст-трек</span>") == 2
    assert re.search(r"Полоса «Фаст-трек».{0,400}>2<", text(clerk.get(at("menu"))))
    assert re.search(r"Полоса «Фаст-трек».{0,400}>2<", text(clerk.get(at("knowledge"))))
    assert "Полоса «Фаст-трек»" in text(clerk.get(at("today")))
    assert later.number not in text(desk(world.stranger).get(at("pos_lane")))
    for part in ("late", "again", "postponed", "enter", "odd"):
        assert clerk.get(at("pos_lane"), {"part": part}).status_code == 200


def test_the_lane_and_the_part_of_the_card_ask_a_fixed_number_of_queries(
    world: World, django_assert_max_num_queries: Any
) -> None:
    appeals = [fast(world, Номер=number) for number in range(2, 7)]
    clerk = entered(world.clerk)
    clerk.get(at("card", appeals[0].pk))
    with django_assert_max_num_queries(16):
        clerk.get(at("pos_lane"))
    with django_assert_max_num_queries(MATTER):
        clerk.get(at("matter", appeals[0].pk))
    with django_assert_max_num_queries(12):
        clerk.get(at("card", appeals[0].pk))
    with django_assert_max_num_queries(10):
        clerk.get(at("queue"))


def test_the_case_is_kept_put_off_and_taken_out_of_its_lane_on_one_page(world: World) -> None:
    appeal = fast(world)
    clerk = desk(world.clerk)
    page = at("pos_case", appeal.pk)
    shown = text(clerk.get(page))
    assert "Вывести из полосы" in shown
    plan = TODAY() + timedelta(days=4)
    said = {"do": "edit", "version": "1", "fact": "Границы", "planned_on": plan.isoformat(), "fast_track": "yes"}
    said |= {"rating": "2", "role_0": "куратор", "who_0": "Куратов Иван", "decision": "Решено наполовину"}
    assert clerk.post(page, said).status_code == 302
    case = PosCase.objects.get()
    assert (case.rating, case.people["куратор"], str(case.theme)) == (2, "Куратов Иван", "Границы")
    assert world.again(appeal).due_on == plan
    assert not PosTerm.objects.get(value="Решено наполовину").matched
    late = clerk.post(page, {**said, "fact": "Забор"})
    assert late.status_code == 409
    assert "только что изменил" in text(late)
    assert "Забор" in text(late)
    assert "Напишите причину" in text(clerk.post(page, {"do": "leave", "leave-reason": ""}))
    far = (TODAY() + timedelta(days=900)).isoformat()
    refused = text(clerk.post(page, {"do": "postpone", "postpone-until": far, "postpone-why": "сезон"}))
    assert "Отложить можно не дальше" in refused
    assert "сезон" in refused
    soon = (TODAY() + timedelta(days=9)).isoformat()
    clerk.post(page, {"do": "postpone", "postpone-until": soon, "postpone-why": "сезон"})
    clerk.post(page, {"do": "leave", "leave-reason": "нужен выезд"})
    matter = text(clerk.get(at("matter", appeal.pk)))
    for words in ("обычное сообщение", "нужен выезд", "отложено до", "оценка 2 из 5"):
        assert words in matter
    clerk.post(page, {"do": "settle"})
    clerk.post(page, {"do": "enter_lane"})
    assert world.again(appeal).regime_id == "pos_fast_track"
    assert PosCase.objects.get().postponed_until is None
    assert "Выведено из полосы «Фаст-трек»: нужен выезд" in text(clerk.get(at("card", appeal.pk)))


def test_the_part_says_where_pos_and_we_count_otherwise(world: World) -> None:
    appeal = fast(world, **{PLAN: day(TODAY() + timedelta(days=4))})
    shown = text(desk(world.clerk).get(at("matter", appeal.pk)))
    assert "наш расчёт" in shown
    assert "Действует срок ПОС" in shown
    assert "новый, требует сопоставления" in shown


def test_the_answer_is_marked_as_entered_with_who_and_when_and_wrong_days_are_refused(world: World) -> None:
    appeal = world.signed(fast(world))
    clerk = desk(world.clerk)
    clerk.post(at("send", appeal.pk))
    assert "Внести и отметить" in text(clerk.get(at("matter", appeal.pk)))
    ahead = (TODAY() + timedelta(days=1)).isoformat()
    refused = clerk.post(at("posted", appeal.pk), {"posted-on": ahead})
    assert refused.status_code == 422
    assert "ещё не наступил" in text(refused)
    clerk.post(at("posted", appeal.pk), {"posted-on": TODAY().isoformat()})
    assert f"Ответ внесён в ПОС {TODAY().day}" in text(clerk.get(at("matter", appeal.pk)))
    case = PosCase.objects.get()
    assert (case.entered_on, case.entered_by) == (TODAY(), world.clerk)
    dispatch.close(world.again(appeal), reason="", by=world.clerk)


def _template(world: World) -> ReplyTemplate:
    home = KnowledgeHome.objects.get()
    section = home.add_child(instance=Section(title="Аренда", slug="lease", unit=world.land))
    page = ReplyTemplate(title="Забор уберут", slug="fence", mark="for_answers", text="Забор уберут.", live=False)
    section.add_child(instance=page)
    page.save_revision().publish()
    page.refresh_from_db()
    return page


def test_facts_are_matched_and_the_set_of_templates_is_kept_on_their_page(world: World) -> None:
    template = _template(world)
    appeal = world.assigned(fast(world))
    clerk = desk(world.clerk)
    theme = PosTheme.objects.get()
    assert "требуют сопоставления" in text(clerk.get(at("pos_facts")))
    refused = clerk.post(at("pos_fact", theme.pk), {"fast_track": "on", "days": "3", "unit": "working"})
    assert refused.status_code == 422
    assert "откуда этот срок" in text(refused)
    topic, need = world.pair()
    said = {"fast_track": "on", "days": "3", "unit": "working", "basis": "письмо", "topic": topic.pk, "need": need.pk}
    clerk.post(at("pos_fact", theme.pk), said)
    theme.refresh_from_db()
    assert (theme.days, theme.matched, theme.topic_id) == (3, True, topic.pk)
    clerk.post(at("pos_facts"), {"do": "add", "material": template.pk, "theme": theme.pk})
    clerk.post(at("pos_facts"), {"do": "add", "material": template.pk, "theme": theme.pk})
    assert PosTemplate.objects.count() == 1
    assert template.title in text(desk(world.executor).get(at("matter", appeal.pk)))
    assert clerk.post(at("pos_facts"), {"do": "limit", "days": "0", "basis": ""}).status_code == 422
    clerk.post(at("pos_facts"), {"do": "limit", "days": "30", "basis": "приказ"})
    assert themes.limit().days == 30
    clerk.post(at("pos_facts"), {"do": "remove", "row": PosTemplate.objects.get().pk})
    assert not PosTemplate.objects.exists()
    assert desk(world.executor).post(at("pos_facts"), {"do": "limit", "days": "9", "basis": "так"}).status_code == 403


def test_who_does_not_work_on_the_case_changes_nothing_on_its_page(world: World) -> None:
    appeal = world.assigned(fast(world))
    reader = desk(world.auditor)
    assert reader.get(at("pos_case", appeal.pk)).status_code == 403
    signer = desk(world.signer)
    assert signer.post(at("pos_case", appeal.pk), {"do": "enter_lane"}).status_code in (403, 404)
    letter = world.registered()
    assert desk(world.clerk).get(at("pos_case", letter.pk)).status_code == 404
