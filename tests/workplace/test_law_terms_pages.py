"""Pages of terms by the law: a regime with its rules, extension, control term, forwarding."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals.models import ControlTerm, Forwarding, TermExtension
from otklik.core import calendar
from otklik.core.models import JournalEntry, Regime, TermRule
from otklik.correspondence.models import OutgoingMessage
from tests.appeals.conftest import World
from tests.desk import MATTER, at, desk, entered

pytestmark = pytest.mark.django_db
EVENT = date(2026, 11, 24)


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(on: date) -> None:
        value = timezone.make_aware(datetime.combine(on, time(12)))
        monkeypatch.setattr(timezone, "now", lambda: value)

    make(EVENT)
    return make


def test_a_regime_shows_its_rules_counted_from_today_and_what_is_not_allowed(world: World, day: Any) -> None:
    page = desk(world.executor).get(at("regime_rules", "information_request")).content.decode()
    assert "8-ФЗ, ст. 18 ч. 6" in page
    assert "в течение 7 дн. со дня регистрации" in page
    assert "Срок не приостанавливается" in page
    assert "Изменить с даты" not in page
    pos = desk(world.clerk).get(at("regime_rules", "pos")).content.decode()
    assert "Продление не предусмотрено" in pos
    prosecutor = desk(world.clerk).get(at("regime_rules", "prosecutor_request")).content.decode()
    assert "Переадресация не предусмотрена" in prosecutor
    assert "Изменить с даты" in pos


def test_a_changed_rule_is_a_new_version_from_a_day_and_the_page_shows_both(world: World, day: Any) -> None:
    old, clerk = TermRule.objects.get(regime="59fz", step="extend"), desk(world.clerk)
    typed = {
        "days": 20,
        "unit": "calendar",
        "roll": "previous_working",
        "valid_from": "2027-01-01",
        "basis": "Новая ст.",
    }
    typed |= {"notice_within": 10, "notice_form": "письмом"}
    assert "Сроки обращений не изменятся" in clerk.post(at("term", old.pk), typed).content.decode()
    assert clerk.post(at("term", old.pk), {**typed, "confirm": "1"}).status_code == 302
    new = TermRule.objects.get(regime="59fz", step="extend", valid_from="2027-01-01")
    assert (new.days, new.notice_within, new.notice_form) == (20, 10, "письмом")
    assert TermRule.objects.get(pk=old.pk).days == 30
    page = clerk.get(at("regime_rules", "59fz")).content.decode()
    assert "Начнёт действовать" in page
    assert "изменён срок" in page


def test_a_changed_regime_keeps_what_it_said_before(world: World) -> None:
    row = Regime.objects.get(code="pos")
    typed = {
        "name": row.name,
        "citizen_word": "сообщение",
        "law": "Регламент ПОС области",
        "head_may_approve_dispatch": "on",
        "valid_from": "2006-11-02",
        "order": 30,
    }
    assert desk(world.clerk).post(at("regime", "pos"), typed).status_code == 302
    page = desk(world.clerk).get(at("regime_rules", "pos")).content.decode()
    assert "первая редакция" in page
    assert "Регламент ПОС области" in page
    assert "Правила ПОС" in page


def test_the_parts_of_a_matter_offer_what_may_be_done_in_few_queries(
    world: World, day: Any, django_assert_max_num_queries: Any
) -> None:
    appeal = world.assigned()
    client = entered(world.clerk)
    client.get(at("matter", appeal.pk))
    with django_assert_max_num_queries(MATTER):
        page = client.get(at("matter", appeal.pk)).content.decode()
    assert at("extend", appeal.pk) in page
    assert at("forward", appeal.pk) in page
    assert "Переслать можно до" in page
    reader = desk(world.executor).get(at("matter", appeal.pk)).content.decode()
    assert at("extend", appeal.pk) not in reader
    assert "Продлить можно один раз" in reader


def test_the_clerk_extends_a_term_on_the_page_and_a_late_one_reads_the_article(world: World, day: Any) -> None:
    appeal, clerk = world.assigned(), desk(world.clerk)
    assert "новый срок — <strong>22" in clerk.get(at("extend", appeal.pk)).content.decode()
    wrong = clerk.post(at("extend", appeal.pk), {"days": 31, "reason": "Ждём", "decided_by": world.signer.pk})
    assert wrong.status_code == 422
    assert "Ждём" in wrong.content.decode()
    typed = {"days": 30, "reason": "Ждём сведений", "decided_by": world.signer.pk}
    assert clerk.post(at("extend", appeal.pk), typed).status_code == 302
    assert TermExtension.objects.get().due_on == date(2027, 1, 22)
    context = clerk.get(at("context", appeal.pk)).content.decode()
    assert "Первоначальный срок, отсюда идёт срок (59-ФЗ, ст. 12 ч. 2)" in context
    other = world.assigned()
    day(EVENT + timedelta(days=40))
    clerk = desk(world.clerk)  # the session of November has ended
    page = clerk.get(at("extend", other.pk)).content.decode()
    assert "59-ФЗ, ст. 12 ч. 2" in page
    assert "disabled" in page
    late = clerk.post(at("extend", other.pk), typed).content.decode()
    assert "истёк" in late
    assert TermExtension.objects.count() == 1


def test_a_control_term_is_set_and_lifted_on_the_page(world: World, day: Any) -> None:
    appeal, clerk = world.assigned(), desk(world.clerk)
    typed = {"until": "2026-12-10", "body": "Прокуратура области", "basis": "№ 7"}
    assert clerk.post(at("control", appeal.pk), {**typed, "until": "1999-01-01"}).status_code == 422
    assert clerk.post(at("control", appeal.pk), typed).status_code == 302
    assert world.again(appeal).due_on == date(2026, 12, 10)
    assert "Прокуратура области" in clerk.get(at("matter", appeal.pk)).content.decode()
    assert clerk.post(at("control", appeal.pk), {"lift": "1", "reason": ""}).status_code >= 400
    assert clerk.post(at("control", appeal.pk), {"lift": "1", "reason": "снято"}).status_code == 302
    assert ControlTerm.objects.get().lifted_why == "снято"
    assert world.again(appeal).due_on == date(2026, 12, 24)


def test_the_clerk_forwards_to_two_bodies_on_the_page(world: World, day: Any) -> None:
    appeal, clerk = world.classified(), desk(world.clerk)
    head = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "0", "how": "whole", "signer": world.signer.pk}
    first = {"form-0-body": "Росреестр", "form-0-channel": "post", "form-0-address": "ул. Державина, 28"}
    second = {"form-1-body": "Мэрия", "form-1-channel": "email", "form-1-address": "mayor@city.example"}
    more = clerk.post(at("forward", appeal.pk), {**head, **first, "more": "1"}).content.decode()
    assert "Орган 3" in more
    assert "ул. Державина, 28" in more
    refused = clerk.post(at("forward", appeal.pk), {**head, **first, **second, "complained": "на мэрию"})
    assert "ст. 8 ч. 6" in refused.content.decode()
    assert "ул. Державина, 28" in refused.content.decode()
    assert not Forwarding.objects.exists()
    assert clerk.post(at("forward", appeal.pk), {**head, **first, **second}).status_code == 302
    assert world.again(appeal).status == "closed"
    assert OutgoingMessage.objects.filter(kind="notice").count() == 3
    page = clerk.get(at("matter", appeal.pk)).content.decode()
    assert "Росреестр" in page
    assert "Целиком" in page
    assert JournalEntry.objects.filter(action="appeal.forwarded").count() == 1


def test_the_page_of_registration_shows_the_proposed_regime_with_its_reason(world: World) -> None:
    message = world.message(text="Прошу предоставить информацию о торгах.")
    page = desk(world.clerk).get(at("inbox", message.pk)).content.decode()
    assert "В тексте просят информацию о деятельности органа: 8-ФЗ, ст. 18." in page
    assert "Может быть: Обращение по 59-ФЗ" in page


def test_a_day_off_added_on_the_calendars_page_previews_and_moves_running_terms(world: World, day: Any) -> None:
    appeal = world.assigned()
    calendar.set_day(date(2026, 12, 24), "holiday", source="постановление", by=world.clerk)
    old = TermRule.objects.get(regime="59fz", step="answer")
    typed = {"days": 30, "unit": "calendar", "roll": "previous_working", "valid_from": "2027-01-01", "basis": "ст."}
    page = desk(world.clerk).post(at("term", old.pk), typed).content.decode()
    assert appeal.number in page
    assert world.again(appeal).due_on == date(2026, 12, 24)


def test_the_clerk_changes_the_regime_on_the_page_with_a_reason(world: World, day: Any) -> None:
    appeal, clerk = world.assigned(), desk(world.clerk)
    assert clerk.post(at("change_regime", appeal.pk), {"regime": "outside_59fz"}).status_code == 422
    typed = {"regime": "outside_59fz", "reason": "это сообщение"}
    assert clerk.post(at("change_regime", appeal.pk), typed).status_code == 302
    assert world.again(appeal).due_on == date(2026, 12, 8)
    assert "Сообщение вне 59-ФЗ" in clerk.get(at("card", appeal.pk)).content.decode()


def test_a_term_is_paused_and_resumed_on_a_page_only_where_the_regime_names_an_article(world: World, day: Any) -> None:
    appeal, clerk = world.assigned(), desk(world.clerk)
    said = clerk.get(at("pause", appeal.pk)).content.decode()
    assert "не приостанавливается: в справочнике нет статьи" in said
    refused = clerk.post(at("pause", appeal.pk), {"on": EVENT.isoformat()})
    assert refused.status_code == 422
    assert not appeal.pauses.exists()
    matter = clerk.get(at("matter", appeal.pk)).content.decode()
    assert "Срок не останавливается: статьи, которая это позволяет" in matter
    assert "Приостановить срок" not in matter

    Regime.objects.filter(pk=appeal.regime_id).update(pause_basis="регламент, п. 21")
    matter = clerk.get(at("matter", appeal.pk)).content.decode()
    assert at("pause", appeal.pk) in matter
    early = clerk.post(at("pause", appeal.pk), {"on": (EVENT - timedelta(days=90)).isoformat()})
    assert "не раньше регистрации" in early.content.decode()
    assert clerk.post(at("pause", appeal.pk), {"on": EVENT.isoformat()}).status_code == 302
    day(EVENT + timedelta(days=6))
    page = clerk.get(at("pause", appeal.pk)).content.decode()
    assert "Возобновить срок" in page
    was = world.again(appeal).due_on
    told = clerk.post(at("pause", appeal.pk), {"on": (EVENT + timedelta(days=5)).isoformat()}, follow=True)
    becomes = world.again(appeal).due_on
    assert was
    assert becomes
    assert becomes > was
    assert f"Ответить нужно до {becomes:%d.%m.%Y}" in told.content.decode()
    told_of = set(JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}").values_list("action", flat=True))
    assert told_of >= {"appeal.paused", "appeal.resumed"}
    assert desk(world.executor).get(at("pause", appeal.pk)).status_code == 403
