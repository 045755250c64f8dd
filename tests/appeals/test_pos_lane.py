"""The lane of ПОС: terms, lanes, what exports and people say, decisions put off, answers carried into ПОС."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import dispatch, drafting, registration, terms
from otklik.appeals.models import Appeal, Note, PosCase, PosLimit, PosTheme
from otklik.appeals.pos import cases, themes
from otklik.core import calendar, journal
from otklik.core.models import JournalEntry
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from tests.appeals.conftest import World
from tests.channels.pos.exports import ANSWERED, ROW, loaded, table

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def day(on: date) -> str:
    return f"{on:%d.%m.%Y}"


def export(world: World, **said: Any) -> IncomingMessage:
    """Bring an export of one message that came today, planned for nothing, not of the fast track."""
    row = {
        "Дата поступления": day(TODAY()),
        "Дата планируемого завершения работ": "-",
        "Фаст-трек": "Нет",
        **{title.replace("_", " "): value for title, value in said.items()},
    }
    loaded(table([row]), by=world.clerk)
    return IncomingMessage.objects.get(external_id=str(row.get("Номер", ROW["Номер"])))


FAST = {"Фаст-трек": "Да"}
PLAN = "Дата планируемого завершения работ"
BY_LAW = {"Заявитель выбрал подачу по 59-ФЗ": "Да"}


def appeal_of(world: World, message: IncomingMessage, **changes: Any) -> Appeal:
    entry = registration.entry_for(message)
    appeal = registration.register(message, registration.replace(entry, **changes), by=world.clerk)
    return world.again(appeal)


def fast(world: World, **said: Any) -> Appeal:
    return appeal_of(world, export(world, **FAST, **said))


def entered(world: World, appeal: Appeal) -> Appeal:
    """Bring an appeal to «ответ внесён в ПОС»."""
    appeal = world.signed(appeal)
    dispatch.send(appeal, by=world.clerk)
    cases.enter_answer(world.again(appeal), on=TODAY(), by=world.clerk)
    return world.again(appeal)


# --- terms -----------------------------------------------------------------------------------------------------------


def test_the_plan_of_pos_goes_before_the_days_of_the_fact_and_those_before_ten_days(world: World) -> None:
    first = fast(world)
    assert first.regime_id == "pos_fast_track"
    assert first.due_on == calendar_back(TODAY() + timedelta(days=10))
    theme = PosTheme.objects.get()
    themes.match(theme, changed={"days": 3, "unit": "working", "basis": "письмо координатора"}, by=world.clerk)
    second = fast(world, Номер=2)
    expected = TODAY()
    for _ in range(3):
        expected = calendar.current().next_working(expected)
    assert second.due_on == expected
    plan = expected + timedelta(days=1)
    third = fast(world, **{"Номер": 3, PLAN: day(plan)})
    assert third.due_on == plan
    told = " ".join(line["text"] for line in terms.why(third)[-1].why)
    assert f"идёт первым: {day(plan)}; собственный расчёт — {day(expected)}" in told
    assert "письмо координатора" in told


def calendar_back(on: date) -> date:
    days = calendar.current()
    return on if days.is_working(on) else days.previous_working(on)


def test_an_ordinary_message_has_thirty_days_from_its_arrival_and_a_plan_goes_first(world: World) -> None:
    ordinary = appeal_of(world, export(world))
    assert (ordinary.regime_id, ordinary.due_on) == ("pos", calendar_back(TODAY() + timedelta(days=30)))
    planned = appeal_of(world, export(world, **{"Номер": 2, PLAN: day(TODAY() + timedelta(days=20))}))
    assert planned.due_on == TODAY() + timedelta(days=20)


def test_a_plan_that_has_passed_before_registration_is_due_at_once(world: World) -> None:
    came = TODAY() - timedelta(days=30)
    appeal = fast(world, **{"Дата поступления": day(came), PLAN: day(came + timedelta(days=10))})
    assert appeal.due_on == appeal.registered_on
    assert "отвечать сразу" in terms.why(appeal)[-1].why[-1]["text"]


def test_no_regime_of_pos_can_be_paused(world: World) -> None:
    appeal = fast(world)
    with pytest.raises(terms.PauseRefused):
        terms.pause(appeal, starts_on=TODAY(), by=world.clerk)


def test_the_term_of_the_fast_track_equals_an_independent_computation(world: World) -> None:
    """Plans, facts and calendars by chance; the other side counts day by day on its own."""
    chance, days = random.Random(59), calendar.current()
    message = export(world, **FAST)
    appeal = appeal_of(world, message)
    rule = terms.rules.rule_for(appeal.regime, "answer", channel="pos", on=appeal.received_on)
    theme = PosTheme.objects.get()
    for _ in range(400):
        came = date(2026, 1, 1) + timedelta(days=chance.randrange(700))
        registered = came + timedelta(days=chance.randrange(6))
        theme.days = chance.choice([None, 1, 2, 3, 5, 10, 15])
        theme.unit, theme.basis = chance.choice(["calendar", "working"]), "письмо"
        plan = chance.choice([None, came + timedelta(days=chance.randrange(1, 40))])
        appeal.received_on, appeal.registered_on = came, registered
        appeal.pos_case = PosCase(appeal=appeal, theme=theme, planned_on=plan)
        due = cases.term.due(appeal, rule, days)
        assert due is not None
        assert due.on == slow(came, registered, theme, plan, days), (came, registered, theme.days, theme.unit, plan)


def slow(came: date, registered: date, theme: PosTheme, plan: date | None, days: Any) -> date:
    if plan is not None:
        return max(plan, registered)
    if theme.days is not None and theme.unit == "working":
        last = came
        left = theme.days
        while left:
            last = last + timedelta(days=1)
            left -= days.is_working(last)
        return max(last, registered)
    whole = [came + timedelta(days=number) for number in range(1, (theme.days or 10) + 1)]
    working = [one for one in whole if days.is_working(one)]
    if days.is_working(whole[-1]):
        return max(whole[-1], registered)
    last = working[-1] if working else days.next_working(whole[-1])
    return max(last, registered)


# --- regimes ---------------------------------------------------------------------------------------------------------


def test_who_chose_59fz_is_answered_by_the_law_and_no_lane_holds_him(world: World) -> None:
    message = export(world, **FAST, **BY_LAW)
    proposal = registration.propose(message)
    assert proposal.entry.regime.code == "59fz"
    assert "59-ФЗ" in proposal.regime_why
    lane = terms.rules.regimes(TODAY()).get(code="pos_fast_track")
    with pytest.raises(cases.BarredByLaw):
        appeal_of(world, message, regime=lane)
    appeal = appeal_of(world, message)
    assert appeal.due_on == calendar_back(TODAY() + timedelta(days=30))
    with pytest.raises(cases.BarredByLaw):
        cases.enter_lane(appeal, by=world.clerk)


def test_a_choice_of_59fz_seen_later_moves_the_case_and_its_term(world: World) -> None:
    appeal = fast(world, **{PLAN: day(TODAY() + timedelta(days=4))})
    export(world, **FAST, **BY_LAW)
    assert cases.follow() == 1
    appeal = world.again(appeal)
    assert (appeal.regime_id, appeal.due_on) == ("59fz", calendar_back(TODAY() + timedelta(days=30)))
    assert JournalEntry.objects.filter(action="pos.lane_changed", chain=f"appeal:{appeal.pk}").exists()
    assert not cases.follow()


def test_a_fact_of_the_lane_is_enough_where_the_export_is_silent(world: World) -> None:
    export(world, Номер=7)
    theme = themes.theme_of({"category": "Земля", "subcategory": "Межевание", "fact": "Границы"})
    assert theme is not None
    assert theme in themes.waiting()
    topic, need = world.pair()
    themes.match(theme, changed={"fast_track": True, "topic": topic, "need": need}, by=world.clerk)
    said = {"Категория": "Земля", "Подкатегория": "Межевание", "Факт": "Границы", "Фаст-трек": "-"}
    appeal = appeal_of(world, export(world, **{"Номер": 8, **said}))
    assert appeal.regime_id == "pos_fast_track"
    assert [(one.topic, one.need) for one in appeal.questions.all()] == [(topic, need)]
    assert not themes.waiting().filter(pk=theme.pk)


def test_days_of_a_fact_need_their_source(world: World) -> None:
    theme = themes.theme_of({"fact": "Границы"})
    assert theme is not None
    with pytest.raises(themes.ThemeIncomplete, match="откуда этот срок"):
        themes.match(theme, changed={"days": 3, "basis": " "}, by=world.clerk)


# --- exports and hands -----------------------------------------------------------------------------------------------


def test_what_was_typed_stays_until_an_export_says_something_else(world: World) -> None:
    appeal = fast(world)
    said: dict[str, Any] = {"category": "Земля и имущество", "subcategory": "Аренда участка", "fact": "Аренда участка"}
    plan = TODAY() + timedelta(days=6)
    cases.edit(
        appeal, {**said, "planned_on": plan, "fast_track": True, "rating": 2, "decision": "Решено"}, by=world.clerk
    )
    assert world.again(appeal).due_on == plan
    export(world, **FAST, **{"Статус": "Ждёт звонка"})
    cases.follow()
    case = PosCase.objects.get(appeal=appeal)
    assert (case.rating, case.planned_on, case.status) == (2, plan, "Ждёт звонка")
    export(world, **FAST, **{PLAN: day(TODAY() + timedelta(days=8)), "Оценка ответа заявителем": "4"})
    cases.follow()
    case.refresh_from_db()
    assert case.rating == 4
    assert world.again(appeal).due_on == TODAY() + timedelta(days=8)


def test_of_two_who_edit_the_second_is_told(world: World) -> None:
    appeal = fast(world)
    version = cases.kept(appeal).version
    cases.edit(appeal, {"fact": "Границы", "fast_track": True}, version=version, by=world.clerk)
    with pytest.raises(cases.ChangedMeanwhile):
        cases.edit(world.again(appeal), {"fact": "Забор", "fast_track": True}, version=version, by=world.clerk)


def test_leaving_the_lane_needs_a_reason_and_the_reason_stays(world: World) -> None:
    appeal = fast(world)
    with pytest.raises(cases.LaneRefused, match="напишите"):
        cases.leave(appeal, reason="  ", by=world.clerk)
    cases.leave(appeal, reason="нужен выезд на участок", by=world.clerk)
    appeal = world.again(appeal)
    assert (appeal.regime_id, appeal.due_on) == ("pos", calendar_back(TODAY() + timedelta(days=30)))
    assert Note.objects.get(appeal=appeal).text.endswith("нужен выезд на участок")
    export(world, **FAST, **{"Статус": "Ждёт звонка"})  # the export still says «Фаст-трек»
    cases.follow()
    assert world.again(appeal).regime_id == "pos"
    cases.enter_lane(world.again(appeal), by=world.clerk)
    assert world.again(appeal).regime_id == "pos_fast_track"
    assert not journal.verify()


def test_a_message_given_back_is_seen_by_who_works_on_it(world: World) -> None:
    appeal = entered(world, fast(world))
    export(
        world,
        **FAST,
        **ANSWERED,
        **{"Оценка ответа заявителем": "1", "Повторное рассмотрение": "Сообщение на доработке"},
    )
    cases.follow()
    appeal = world.again(appeal)
    assert appeal.unseen_reply
    assert cases.of_user(world.clerk).filter(cases.in_lane()).get().appeal_id == appeal.pk
    drafting.reopen(appeal, by=world.executor)
    cases.settle(world.again(appeal), by=world.executor)
    case = PosCase.objects.get(appeal=appeal)
    assert (case.rating, case.again_settled) == (1, True)


def test_a_decision_put_off_has_a_control_date_and_moves_no_term(world: World) -> None:
    appeal = fast(world)
    due = appeal.due_on
    with pytest.raises(cases.PostponeRefused, match="позже сегодняшнего"):
        cases.postpone(appeal, until=TODAY(), why="сезон", by=world.clerk)
    with pytest.raises(cases.PostponeRefused, match="не дальше"):
        cases.postpone(appeal, until=TODAY() + timedelta(days=181), why="сезон", by=world.clerk)
    themes.set_limit(days=365, basis="приказ № 1", by=world.clerk)
    assert PosLimit.objects.count() == 2
    cases.postpone(appeal, until=TODAY() + timedelta(days=181), why="работы весной", by=world.clerk)
    assert world.again(appeal).due_on == due
    lane = cases.of_user(world.clerk)
    with pytest.raises(cases.LaneRefused, match="решение отложено до"):
        dispatch.close(entered(world, world.again(appeal)), reason="", by=world.clerk)
    PosCase.objects.update(postponed_on=TODAY() - timedelta(days=9), postponed_until=TODAY() - timedelta(days=1))
    assert lane.filter(cases.late()).exists()
    cases.settle(world.again(appeal), by=world.clerk)
    assert not lane.filter(cases.late()).exists()


# --- the answer ------------------------------------------------------------------------------------------------------


def test_an_ordinary_message_is_closed_only_by_an_answer_carried_into_pos(world: World) -> None:
    appeal = appeal_of(world, export(world), needs_answer=False)
    with pytest.raises(dispatch.NotReadyToClose, match="Ответ внесён в ПОС"):
        dispatch.close(appeal, reason="к сведению", by=world.clerk)
    with pytest.raises(cases.NotToEnter):
        cases.enter_answer(appeal, on=TODAY(), by=world.clerk)
    appeal = world.signed(appeal)
    dispatch.send(appeal, by=world.clerk)
    appeal = world.again(appeal)
    with pytest.raises(dispatch.NotReadyToClose, match="Ответ внесён в ПОС"):
        dispatch.close(appeal, reason="", by=world.clerk)
    for wrong in (TODAY() + timedelta(days=1), TODAY() - timedelta(days=1)):
        with pytest.raises(cases.WrongDate):
            cases.enter_answer(appeal, on=wrong, by=world.clerk)
    case = cases.enter_answer(appeal, on=TODAY(), by=world.clerk)
    assert (case.entered_on, case.entered_by) == (TODAY(), world.clerk)
    with pytest.raises(cases.NotToEnter, match="уже отмечен"):
        cases.enter_answer(appeal, on=TODAY(), by=world.clerk)
    dispatch.close(world.again(appeal), reason="", by=world.clerk)


def test_no_answer_to_an_ordinary_message_leaves_by_mail(world: World) -> None:
    message = export(world, **FAST)
    with pytest.raises(cases.AnswerInPos, match="личном кабинете ПОС"):
        appeal_of(world, message, answer_channel="email", answer_address="ivanova@citizen.example")
    appeal = world.signed(appeal_of(world, message))
    Appeal.objects.update(answer_channel="email", answer_address="ivanova@citizen.example")
    with pytest.raises(cases.AnswerInPos):
        dispatch.send(world.again(appeal), by=world.clerk)
    Appeal.objects.update(answer_channel="pos", answer_address="ПОС № 1")
    dispatch.send(world.again(appeal), by=world.clerk)
    letter = OutgoingMessage.objects.get(kind="answer")
    OutgoingMessage.objects.filter(pk=letter.pk).update(state=OutgoingMessage.State.FAILED)
    with pytest.raises(cases.AnswerInPos):
        dispatch.send_another_way(world.again(appeal), channel="email", address="a@citizen.example", by=world.clerk)


def test_the_law_lets_an_answer_to_59fz_leave_by_mail(world: World) -> None:
    message = export(world, **BY_LAW)
    appeal = appeal_of(world, message, answer_channel="email", answer_address="ivanova@citizen.example")
    assert appeal.regime_id == "59fz"


def test_a_case_registered_before_there_were_lanes_gets_one(world: World) -> None:
    appeal = fast(world)
    PosCase.objects.all().delete()
    assert cases.follow() == 1
    assert PosCase.objects.get(appeal=appeal).fast_track is True


def test_people_without_the_power_change_nothing(world: World) -> None:
    appeal = fast(world)
    for step in (
        lambda: cases.leave(appeal, reason="так", by=world.stranger),
        lambda: cases.edit(appeal, {}, by=world.stranger),
        lambda: cases.postpone(appeal, until=TODAY() + timedelta(days=3), why="так", by=world.auditor),
        lambda: cases.enter_answer(appeal, on=TODAY(), by=world.executor),
        lambda: themes.set_limit(days=3, basis="так", by=world.executor),
    ):
        with pytest.raises(Exception, match=r"право|может только"):
            step()
    letter = world.registered()
    with pytest.raises(cases.NotOfPos):
        cases.edit(letter, {}, by=world.clerk)
