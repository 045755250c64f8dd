"""Pages of reports: the head's sheet and its lists, the overview, the paper on the Procedure, saved reports."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core import calendar
from otklik.correspondence.models import StaffLetter
from otklik.people.models import Employee
from otklik.reports.models import SavedReport, SentReport
from otklik.workplace import notices
from otklik.workplace.models import Notice
from tests.appeals.conftest import World
from tests.desk import at, desk
from tests.workplace.test_frame import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def overdue(world: World) -> Appeal:
    appeal = world.assigned()
    on = timezone.localdate() - timedelta(days=2)
    Appeal.objects.filter(pk=appeal.pk).update(due_on=on, registered_on=on, received_on=on)
    return appeal


def test_heads_and_signers_open_the_sheet_from_today_and_others_do_not(world: World) -> None:
    for who in (world.head, world.signer):
        assert at("head_sheet") in shown(desk(who), at("today"))
        assert "Что горит" in shown(desk(who), at("head_sheet"))
    for who in (world.clerk, world.executor, world.auditor):
        assert at("head_sheet") not in shown(desk(who), at("today"))
        for name in ("head_sheet", "head_list"):
            assert desk(who).get(at(name)).status_code == 403


def test_every_figure_of_the_sheet_opens_a_page_its_reader_may_enter(world: World) -> None:
    appeal = overdue(world)
    for number in range(4):
        world.assigned(executor=world.executor)
        world.employee(f"one{number}", "Иных", world.land, ["executor"])
    for who in (world.head, world.signer):
        client = desk(who)
        page = shown(client, at("head_sheet"))
        links = {one.replace("&amp;", "&") for one in re.findall(r'href="(/desk/[^"]*\?[^"]*)"', page)}
        links |= set(re.findall(r'class="step-link" href="([^"]+)"', page.split("</h1>")[1]))
        assert len(links) >= 8
        for link in links:
            assert client.get(link.replace("&amp;", "&")).status_code == 200, link
    assert appeal.number in shown(desk(world.signer), f"{at('head_list')}?figure=overdue")
    names = shown(desk(world.signer), f"{at('head_list')}?figure=overdue&of={world.land.pk}")
    assert "Иванова" not in names
    assert appeal.number in names


def test_the_sheet_is_handed_out_as_pdf(world: World) -> None:
    answer = desk(world.signer).get(at("head_sheet"), {"format": "pdf"})
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")


def test_the_sheet_costs_the_same_however_much_burns(world: World) -> None:
    overdue(world)
    client = desk(world.signer)
    client.get(at("today"))
    few = queries(client, at("head_sheet"))
    for _ in range(3):
        overdue(world)
    assert queries(client, at("head_sheet")) == few <= 20


def test_a_head_is_told_once_on_a_working_morning_and_by_mail_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue(world)
    working = calendar.current().is_working(timezone.localdate())
    monkeypatch.setattr(type(calendar.current()), "is_working", lambda *_: True)
    assert notices.tell_heads() == 3
    assert notices.tell_heads() == 0
    row = Notice.objects.get(kind=Notice.Kind.HEAD_SHEET, employee=world.head)
    assert row.text == "Сводка руководителя: просрочено 1, срок сегодня 0"
    assert row.path == at("head_sheet")
    assert row.mail_at is not None
    assert row.mail_at <= timezone.now()
    monkeypatch.setattr(type(calendar.current()), "is_working", lambda *_: False)
    Notice.objects.all().delete()
    assert notices.tell_heads() == 0
    assert working in (True, False)


def test_who_does_not_want_the_sheet_hears_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(calendar.current()), "is_working", lambda *_: True)
    ways = {**notices.SHIPPED, Notice.Kind.HEAD_SHEET: notices.Way(shown=False, mail=notices.NO_MAIL)}
    notices.wish(world.head, notices.Wishes(ways))
    notices.tell_heads()
    assert not Notice.objects.filter(employee=world.head).exists()
    assert Notice.objects.filter(employee=world.signer).exists()


def test_the_overview_is_shown_and_handed_out(world: World) -> None:
    world.assigned()
    client = desk(world.clerk)
    page = shown(client, at("overview"))
    assert "Персональных данных не найдено" in page
    year = timezone.localdate().year
    for query, kind in (({"format": "pdf"}, "application/pdf"), ({"format": "html"}, "text/html; charset=utf-8")):
        answer = client.get(at("overview"), {"year": year, **query})
        assert answer["Content-Type"] == kind
        assert "attachment" in answer["Content-Disposition"]
    assert "Период ещё не закончился" in shown(client, f"{at('overview')}?year={year}")
    for odd in ("0", "9999", "99999999999", "x"):
        assert client.get(at("overview"), {"year": odd, "quarter": odd}).status_code == 200
    assert desk(world.executor).get(at("overview")).status_code == 403


def test_the_compliance_page_leads_to_the_paper_of_a_period(world: World) -> None:
    client = desk(world.auditor)
    assert at("execution") in shown(client, at("compliance"))
    page = shown(client, f"{at('execution')}?first=2026-10-01&last=2026-10-31")
    assert "Было на 30.09.2026" in page
    assert "Пробелов нет" in page
    answer = client.get(at("execution"), {"first": "2026-10-01", "last": "2026-10-31", "format": "pdf"})
    assert answer.content.startswith(b"%PDF")
    tomorrow = timezone.localdate() + timedelta(days=9)
    assert shown(client, f"{at('execution')}?first={tomorrow}&last={tomorrow}")
    assert desk(world.executor).get(at("execution")).status_code == 403


def form(world: World, **changes: Any) -> dict[str, Any]:
    facts = {"name": "Месяц", "kind": "figures", "period": "last_month", "plan": "monthly"}
    return {**facts, "people": [world.signer.pk], **changes}


def test_a_report_is_saved_opened_sent_switched_off_and_removed(world: World) -> None:
    Employee.objects.filter(pk=world.signer.pk).update(email="signer@department.example")
    client = desk(world.clerk)
    assert client.post(at("report_new"), form(world)).status_code == 302
    row = SavedReport.objects.get()
    assert row.planned_since is not None
    page = shown(client, at("report", row.pk))
    for kind in ("csv", "xlsx", "pdf"):
        answer = client.get(at("report", row.pk), {"format": kind})
        assert answer.status_code == 200
        assert "attachment" in answer["Content-Disposition"]
    assert "Из скольких" in page
    for _ in range(2):  # pressed twice
        client.post(at("report_step", row.pk), {"do": "send"})
    assert SentReport.objects.count() in (1, 2)  # a minute may have passed between
    assert StaffLetter.objects.count() == SentReport.objects.count()
    assert "Волкова А. П." in shown(client, at("reports"))
    assert "Месяц" in shown(desk(world.signer), at("reports"))
    assert shown(desk(world.signer), at("report", row.pk))
    client.post(at("report_step", row.pk), {"do": "off"})
    assert "не присылается" in shown(client, at("reports"))
    client.post(at("report_step", row.pk), {"do": "remove"})
    assert client.get(at("report", row.pk)).status_code == 404
    assert client.get(at("report_edit", row.pk)).status_code == 404


def test_a_report_of_another_is_neither_seen_nor_changed(world: World) -> None:
    desk(world.clerk).post(at("report_new"), form(world, people=[]) | {"plan": ""})
    row = SavedReport.objects.get()
    assert desk(world.clerk2).get(at("report", row.pk)).status_code == 404
    assert desk(world.clerk2).post(at("report_edit", row.pk), form(world)).status_code == 404
    assert desk(world.signer).post(at("report_step", row.pk), {"do": "remove"}).status_code == 404
    assert desk(world.auditor).get(at("report_new")).status_code == 403
    assert SavedReport.objects.get().removed_at is None


def test_what_was_typed_stays_when_it_is_refused(world: World) -> None:
    client = desk(world.clerk)
    answer = client.post(at("report_new"), form(world, people=[]))
    assert answer.status_code == 422
    assert "Отметьте, кому присылать" in answer.content.decode()
    assert 'value="Месяц"' in answer.content.decode()
    answer = client.post(at("report_new"), form(world, kind="overview"))
    assert answer.status_code == 422
    assert "за квартал или за год" in answer.content.decode()
    client.post(at("report_new"), form(world))
    assert "уже есть отчёт" in client.post(at("report_new"), form(world)).content.decode()
    assert SavedReport.objects.count() == 1


def test_changing_whom_it_goes_to_keeps_the_plan_and_changing_the_plan_begins_it_anew(world: World) -> None:
    client = desk(world.clerk)
    client.post(at("report_new"), form(world))
    row = SavedReport.objects.get()
    long_ago = timezone.make_aware(datetime.combine(timezone.localdate() - timedelta(days=40), time(9)))
    SavedReport.objects.update(planned_since=long_ago)
    client.post(at("report_edit", row.pk), form(world, people=[world.head.pk]))
    row.refresh_from_db()
    assert [one.pk for one in row.people.all()] == [world.head.pk]
    assert row.planned_since == long_ago
    client.post(at("report_edit", row.pk), form(world, plan="daily"))
    row.refresh_from_db()
    assert row.planned_since is not None
    assert row.planned_since > long_ago
