"""Pages beside the answer's way: quarantine, calendar, terms, journal, substitution."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core import calendar
from otklik.core.models import CalendarDay, JournalEntry, Regime, TermRule
from otklik.correspondence.models import IncomingMessage
from otklik.people.models import Substitution
from tests.appeals.conftest import World
from tests.workplace.test_work_answer import at, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def quarantined(world: World, **changes: Any) -> IncomingMessage:
    row = world.email()
    IncomingMessage.objects.filter(pk=row.pk).update(state="quarantined", problem="Не читается кодировка.", **changes)
    row.refresh_from_db()
    return row


def test_quarantine_says_why_and_a_rejection_needs_a_reason(world: World) -> None:
    row = quarantined(world)
    clerk = desk(world.clerk)
    assert "Не читается кодировка." in clerk.get(at("quarantine")).content.decode()
    assert clerk.post(at("quarantine_reject", row.pk), {"reason": " "}).status_code == 422
    row.refresh_from_db()
    assert row.state == "quarantined"
    assert clerk.post(at("quarantine_reject", row.pk), {"reason": "Рассылка"}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.reject_reason) == ("rejected", "Рассылка")


def test_what_no_program_read_is_typed_in_and_goes_on_to_registration(world: World) -> None:
    row = quarantined(world)
    clerk = desk(world.clerk)
    page = clerk.get(at("quarantine_fill", row.pk)).content.decode()
    assert row.sender_address in page
    answer = clerk.post(at("quarantine_fill", row.pk), {"sender_name": "Иванова", "text": "Просит продлить аренду."})
    assert answer.url == at("inbox", row.pk)
    row.refresh_from_db()
    assert (row.state, row.text) == ("new", "Просит продлить аренду.")


def test_an_auditor_sees_quarantine_and_decides_nothing(world: World) -> None:
    row = quarantined(world)
    auditor = desk(world.auditor)
    assert auditor.get(at("quarantine")).status_code == 200
    assert auditor.post(at("quarantine_reject", row.pk), {"reason": "Рассылка"}).status_code == 403
    row.refresh_from_db()
    assert row.state == "quarantined"


def test_reconciliation_counts_what_came(world: World) -> None:
    world.registered_email()
    quarantined(world, external_id="other")
    page = desk(world.clerk).get(at("reconciliation")).content.decode()
    assert "электронная почта" in page


def test_a_day_is_changed_only_after_the_preview_and_redates_running_appeals(world: World) -> None:
    appeal = world.registered()
    due = world.again(appeal).due_on
    assert due is not None
    clerk = desk(world.clerk)
    wish = {"kind": "off", "source": "Указ Губернатора"}
    page = clerk.post(at("calendar_day", due), wish)
    assert appeal.number in page.content.decode()
    assert world.again(appeal).due_on == due
    assert CalendarDay.objects.get(pk=due).kind != "off"
    assert clerk.post(at("calendar_day", due), {**wish, "confirm": 1}).status_code == 302
    moved = world.again(appeal).due_on
    assert moved is not None
    assert moved < due
    assert JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}", action="appeal.redated").count() == 1


def test_a_day_without_a_ground_stays(world: World) -> None:
    day = date(2026, 12, 15)
    page = desk(world.clerk).post(at("calendar_day", day), {"kind": "off", "source": "", "confirm": 1})
    assert page.status_code == 422
    assert CalendarDay.objects.get(pk=day).kind == "working"


def test_a_new_term_begins_on_its_day_and_the_old_one_stays_for_what_began_before(world: World) -> None:
    old = TermRule.objects.get(regime="59fz", step="answer", channel="")
    starts = timezone.localdate() + timedelta(days=10)
    wish = {"days": 20, "unit": "calendar", "roll": old.roll, "basis": "Новый закон", "valid_from": starts.isoformat()}
    clerk = desk(world.clerk)
    assert clerk.post(at("term", old.pk), wish).status_code == 200
    assert TermRule.objects.filter(regime="59fz", step="answer").count() == 1
    assert clerk.post(at("term", old.pk), {**wish, "confirm": 1}).status_code == 302
    old.refresh_from_db()
    assert old.valid_to == starts - timedelta(days=1)
    assert TermRule.objects.get(regime="59fz", step="answer", valid_from=starts).days == 20


@pytest.mark.parametrize("kind", CalendarDay.Kind.values)
def test_a_day_becomes_of_every_kind_with_its_name_and_ground(world: World, kind: str) -> None:
    day, wish = date(2026, 12, 15), {"kind": kind, "title": "День города", "source": "Указ Губернатора", "confirm": 1}
    assert desk(world.clerk).post(at("calendar_day", day), wish).status_code == 302
    row = CalendarDay.objects.get(pk=day)
    assert (row.kind, row.title, row.source, row.edited_by_hand) == (kind, "День города", "Указ Губернатора", True)


def test_only_a_day_off_is_moved_from_another_day(world: World) -> None:
    clerk, day = desk(world.clerk), date(2026, 12, 15)
    wish = {"kind": "working", "source": "Указ", "moved_from": "2026-12-19", "confirm": 1}
    assert clerk.post(at("calendar_day", day), wish).status_code == 422
    assert CalendarDay.objects.get(pk=day).moved_from is None
    assert clerk.post(at("calendar_day", day), {**wish, "kind": "off"}).status_code == 302
    assert CalendarDay.objects.get(pk=day).moved_from == date(2026, 12, 19)


def test_a_year_is_approved_by_its_decree_and_the_note_can_be_taken_back(world: World) -> None:
    clerk, page = desk(world.clerk), at("calendar_approve", 2028)
    assert clerk.post(page, {"approved": "yes", "source": " ", "confirm": 1}).status_code == 422
    assert not calendar.current().is_approved(2028)
    decree = {"approved": "yes", "source": "Постановление Правительства РФ"}
    assert clerk.post(page, decree).status_code == 200
    assert not calendar.current().is_approved(2028)
    assert clerk.post(page, {**decree, "confirm": 1}).status_code == 302
    assert CalendarDay.objects.filter(date__year=2028).count() == 366
    assert "Год не утверждён" not in clerk.get(at("calendar_year", 2028)).content.decode()
    assert clerk.post(page, {"approved": "no", "confirm": 1}).status_code == 302
    assert "Год не утверждён" in clerk.get(at("calendar_year", 2028)).content.decode()
    told = JournalEntry.objects.filter(chain="calendar", actor=world.clerk).order_by("seq")
    assert list(told.values_list("action", flat=True)) == ["calendar.year_approved", "calendar.year_unapproved"]


def new_term(**changes: Any) -> dict[str, Any]:
    days = {"days": 5, "unit": "working", "roll": "none", "basis": "Приказ № 1", "valid_from": timezone.localdate()}
    return {"step": "answer", "channel": "vk", **days, "valid_to": "", **changes}


def test_a_term_for_a_channel_is_added_and_re_dates_what_runs(world: World) -> None:
    appeal = world.registered_email()
    Appeal.objects.filter(pk=appeal.pk).update(channel="vk")
    due = world.again(appeal).due_on
    clerk, page = desk(world.clerk), at("term_add", "outside_59fz")
    shown = clerk.post(page, new_term()).content.decode()
    assert appeal.number in shown
    assert not TermRule.objects.filter(channel="vk").exists()
    assert world.again(appeal).due_on == due
    assert clerk.post(page, new_term(confirm=1)).status_code == 302
    assert TermRule.objects.get(channel="vk").days == 5
    assert world.again(appeal).due_on < due
    lines = JournalEntry.objects.filter(action__in=("terms.rule_added", "appeal.redated")).values_list(
        "actor", flat=True
    )
    assert list(lines) == [world.clerk.pk] * 2


def test_two_terms_never_hold_for_one_thing_on_one_day(world: World) -> None:
    clerk, page = desk(world.clerk), at("term_add", "outside_59fz")
    clerk.post(page, new_term(confirm=1))
    for changes in ({}, {"valid_from": "2020-01-01"}, {"valid_from": "2020-01-01", "valid_to": timezone.localdate()}):
        answer = clerk.post(page, new_term(confirm=1, days=7, **changes))
        assert answer.status_code == 422
        assert "уже задан" in answer.content.decode()
    assert clerk.post(page, new_term(confirm=1, valid_from="2020-01-01", valid_to="2020-12-31")).status_code == 302
    assert clerk.post(page, new_term(confirm=1, valid_from="2019-01-01", valid_to="2018-12-31")).status_code == 422
    assert sorted(TermRule.objects.filter(channel="vk").values_list("days", flat=True)) == [5, 5]


def test_a_term_ends_on_its_last_day_and_stays_for_what_began_before(world: World) -> None:
    appeal = world.registered()
    due, old = world.again(appeal).due_on, TermRule.objects.get(regime="59fz", step="answer", channel="")
    clerk, wish = desk(world.clerk), {"last_day": timezone.localdate(), "basis": "Закон отменён"}
    too_early = clerk.post(at("term_end", old.pk), {**wish, "last_day": "2001-01-01", "confirm": 1})
    assert too_early.status_code == 422
    assert clerk.post(at("term_end", old.pk), wish).status_code == 200
    old.refresh_from_db()
    assert old.valid_to is None
    assert clerk.post(at("term_end", old.pk), {**wish, "confirm": 1}).status_code == 302
    old.refresh_from_db()
    assert old.valid_to == timezone.localdate()
    assert world.again(appeal).due_on == due
    line = JournalEntry.objects.get(action="terms.rule_ended")
    assert (line.actor, line.data["basis"]) == (world.clerk, "Закон отменён")


def test_a_term_that_running_appeals_need_is_not_ended_behind_them(world: World) -> None:
    world.registered()
    old = TermRule.objects.get(regime="59fz", step="answer", channel="")
    yesterday = timezone.localdate() - timedelta(days=1)
    answer = desk(world.clerk).post(at("term_end", old.pk), {"last_day": yesterday, "basis": "Ошибка", "confirm": 1})
    assert answer.status_code == 422
    assert "не задан срок" in answer.content.decode()
    old.refresh_from_db()
    assert old.valid_to is None
    assert not JournalEntry.objects.filter(action="terms.rule_ended").exists()


def test_a_regime_is_added_and_changed_with_a_line_in_the_journal_and_its_code_stays(world: World) -> None:
    clerk = desk(world.clerk)
    wish = {"name": "Запрос депутата", "code": "deputy", "citizen_word": "запрос", "law": "3-ФЗ", "statutory": "on"}
    wish |= {"valid_from": "2026-01-01", "order": 30}
    assert clerk.post(at("regime_new"), {**wish, "valid_to": "2025-01-01"}).status_code == 422
    assert clerk.post(at("regime_new"), wish).status_code == 302
    changed = {**wish, "code": "other", "pause_basis": "3-ФЗ, ст. 5"}
    assert clerk.post(at("regime", "deputy"), changed).status_code == 302
    assert Regime.objects.get(pk="deputy").pause_basis == "3-ФЗ, ст. 5"
    assert not Regime.objects.filter(pk="other").exists()
    added, edited = JournalEntry.objects.filter(chain="regime:deputy").order_by("seq")
    assert (added.action, edited.action) == ("regime.added", "regime.changed")
    assert edited.data["now"] == {"pause_basis": "3-ФЗ, ст. 5"}
    assert "Сроков нет" in clerk.get(at("terms")).content.decode()


def test_calendar_and_terms_are_read_by_all_and_changed_by_few(world: World) -> None:
    executor = desk(world.executor)
    rule = TermRule.objects.get(regime="59fz", step="answer", channel="")
    assert executor.get(at("calendar")).status_code == 200
    assert executor.get(at("terms")).status_code == 200
    assert executor.get(at("calendar_day", date(2026, 12, 15))).status_code == 403
    for closed in (at("term", rule.pk), at("term_end", rule.pk), at("term_add", "59fz"), at("calendar_approve", 2028)):
        assert executor.get(closed).status_code == 403
    for closed in (at("regime_new"), at("regime", "59fz")):
        assert executor.get(closed).status_code == 403


def test_a_year_without_a_decree_says_so(world: World) -> None:
    assert "Год не утверждён" in desk(world.clerk).get(at("calendar_year", 2028)).content.decode()


def test_the_journal_finds_a_changed_row_of_one_appeal(world: World) -> None:
    appeal = world.registered()
    auditor = desk(world.auditor)
    asked = f"{at('journal')}?number={appeal.number}"
    assert "ничего не изменено" in auditor.get(asked).content.decode()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_journalentry SET action = 'x' WHERE chain = %s AND seq = 1", [f"appeal:{appeal.pk}"]
        )
    assert "нарушена" in auditor.get(asked).content.decode()
    assert desk(world.clerk).get(at("journal")).status_code == 403
    assert auditor.get(at("access_log")).status_code == 200


def test_the_journal_calls_actions_in_russian_and_filters_by_them(world: World) -> None:
    world.registered()
    auditor = desk(world.auditor)
    page = auditor.get(at("journal")).content.decode()
    assert '<td title="appeal.registered">Зарегистрировано</td>' in page
    assert '<option value="appeal.registered">Зарегистрировано</option>' in page
    chosen = auditor.get(f"{at('journal')}?action=appeal.registered").content.decode()
    assert 'title="appeal.registered"' in chosen
    assert 'title="message.' not in chosen


def test_a_deputy_has_the_powers_only_in_the_named_days(world: World) -> None:
    today = timezone.localdate()
    days = {"absent": world.head.pk, "deputy": world.stranger.pk, "starts_on": today, "ends_on": today}
    head = desk(world.head)
    assert head.post(at("away"), days).status_code == 302
    assert world.fresh(world.stranger).has_power("appeals.approve")
    again = head.post(at("away"), {**days, "deputy": world.helper.pk})
    assert again.status_code == 422
    assert Substitution.objects.count() == 1
    assert head.post(at("away_cancel", Substitution.objects.get().pk)).status_code == 302
    assert not world.fresh(world.stranger).has_power("appeals.approve")


def test_nobody_enters_an_absence_for_a_stranger(world: World) -> None:
    today = timezone.localdate()
    days = {"absent": world.signer.pk, "deputy": world.stranger.pk, "starts_on": today, "ends_on": today}
    assert desk(world.stranger).post(at("away"), days).status_code == 422
    assert not Substitution.objects.exists()


def test_deliveries_are_closed_to_those_without_appeals(world: World) -> None:
    assert Appeal.objects.count() == 0
    assert desk(world.executor).get(at("deliveries")).status_code == 403
