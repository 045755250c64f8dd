"""What the administrator sees first, and long pages that are folded."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone

from otklik.appeals import bulk
from otklik.knowledge.models import LawWeek, ReviewDuty, ReviewItem
from otklik.reports import health
from otklik.workplace import call_back, menu
from tests.appeals.conftest import World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_an_administrator_begins_with_the_state_of_the_system_and_no_empty_terms(world: World) -> None:
    admin = desk(world.employee("boss", "Админова", world.hq, ["admin"]))
    home = admin.get(at("today")).content.decode()
    assert at("system_summary") in home
    assert "Горят сроки" not in home
    assert "Ждёт вас" not in home
    assert "Срочного нет" not in home
    said = admin.get(at("system_summary")).content.decode()
    for area in health.areas():
        assert area.title in said
    assert said.count("в порядке") + said.count("обратите внимание") + said.count("нужно вмешаться") >= len(
        health.areas()
    )


def test_reviews_and_weeks_of_the_law_wait_at_home(world: World) -> None:
    lawyer = world.employee("law", "Нормативкина", world.land, ["lawyer"])
    author = world.employee("author", "Статьянова", world.land, ["kb_author"])
    late, ahead = timezone.localdate() - timedelta(days=1), timezone.localdate() + timedelta(days=30)
    LawWeek.objects.create(begins_on=late - timedelta(days=4), due_on=late)
    duty = ReviewDuty.objects.create(unit=world.land, year=2026, quarter=4, opened_on=late, due_on=ahead)
    ReviewItem.objects.create(title="Вопрос", unit=world.land, duty=duty, due_on=ahead)
    home = desk(lawyer).get(at("today")).content.decode()
    assert "Ответить за неделю об изменениях законодательства" in home
    assert "1 горит" in home
    assert "Горят сроки" not in home, "appeals are not her work"
    home = desk(author).get(at("today")).content.decode()
    assert "Проверить материалы за квартал" in home
    assert "горит" not in home
    client = desk(author)
    with CaptureQueriesContext(connection) as asked:
        client.get(at("today"))
    assert len(asked) <= 12


def folded(client: Client, path: str) -> dict[str, bool]:
    """Return the headings of the menu on a page, and whether what is under them is folded away."""
    said = client.get(at("menu"), {"at": path}).content.decode()
    found = re.findall(r'<details class="side-group"[^>]*?( open)?><summary>.*?<span>([^<]+)</span>', said)
    return {title: not is_open for is_open, title in found}


def test_the_menu_folds_away_what_is_not_ones_daily_work_and_remembers_what_one_opened(world: World) -> None:
    clerk = desk(world.employee("menu1", "Менюшкина", world.hq, ["clerk"]))
    assert folded(clerk, at("today"))["Каналы"], "a clerk begins with a short menu"
    assert not folded(clerk, at("reconciliation"))["Каналы"], "one sees where one is"
    clerk.cookies["menu_channels"] = "open"
    assert not folded(clerk, at("today"))["Каналы"]
    clerk.cookies["menu_channels"] = "closed"
    assert folded(clerk, at("today"))["Каналы"]
    consultant = desk(world.employee("menu2", "Звонкова", world.hq, ["consultant"]))
    assert not folded(consultant, at("today"))["Консультации"], "it is her work"


def test_a_folded_heading_says_how_much_below_it_cannot_wait(world: World) -> None:
    consultant = world.employee("menu3", "Срочнова", world.hq, ["consultant"])
    waiting = {"missed": call_back.Waiting(number=5, late=2)}

    def heading(**folds: str) -> menu.Shown:
        groups = menu.groups_for(consultant, path="", view="", numbers={}, named=[], calls=waiting, folds=folds)
        return next(group for group in groups if group.title == "Консультации")

    assert (heading().is_open, heading(menu_line="closed").is_open) == (True, False)
    assert heading(menu_line="closed").hot == 2, "three of the five have time"


def test_a_card_lights_up_its_section_in_the_menu(world: World) -> None:
    lawyer = world.employee("law", "Нормативкина", world.land, ["lawyer"])
    menu = desk(lawyer).get(at("menu"), {"at": "/desk/law/7/"}).content.decode()
    assert f'href="{at("law")}" aria-current="true"' in menu
    assert menu.count("aria-current") == 1


def test_others_begin_with_their_work_and_may_not_ask_for_the_system(world: World) -> None:
    clerk = desk(world.clerk)
    assert at("system_summary") not in clerk.get(at("today")).content.decode()
    assert clerk.get(at("system_summary")).status_code == 403


def test_sizes_are_written_with_a_comma() -> None:
    assert health._megabytes(int(11.3 * 2**20)) == "11,3 МБ"
    assert health._megabytes(3 * 2**30 // 2) == "1,5 ГБ"


def test_what_a_run_asks_by_itself_is_no_action_of_a_person(world: World) -> None:
    run = bulk.prepare("assign", [world.classified().pk], by=world.clerk)
    assert resolve(at("bulk_progress", run.pk)).func.by_itself  # type: ignore[attr-defined]
    assert not getattr(resolve(at("bulk_run", run.pk)).func, "by_itself", False)
    answer = desk(world.clerk).get(at("bulk_progress", run.pk))
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    assert desk(world.clerk2).get(at("bulk_progress", run.pk)).status_code == 404


@pytest.mark.parametrize("name", ["rights", "compliance"])
def test_long_pages_are_folded_and_hold_everything(world: World, name: str) -> None:
    page = desk(world.auditor).get(at(name)).content.decode()
    main = page.split("<main")[1]
    assert main.count("<details") >= 4
    assert main.count('<details class="panel"') - main.count(" open>") >= 2


def test_who_signs_finds_letters_to_sign_by_one_line_of_the_menu_with_its_number(world: World) -> None:
    world.frozen()
    page = desk(world.signer).get(at("queue") + "?view=mine").content.decode()
    [side] = re.findall(r'<nav aria-label="Разделы">(.*?)</nav>', page, re.DOTALL)
    assert side.count("На подпись") == 1
    assert re.search(r'На подпись</span><span class="count">1<', side)
