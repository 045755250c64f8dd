"""The page «Соответствие Порядку», the forms behind it, and the periods of retention."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.core.models import JournalEntry, ProcedureClause, ProcedureEdition, RetentionRule
from otklik.people.models import Employee
from otklik.reports import kept
from tests.appeals.conftest import World
from tests.workplace.test_frame import at, desk, queries, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]


@pytest.fixture
def admin(world: World) -> Employee:
    return world.employee("admin", "Админова", world.hq, ["admin"])


def shown(who: Employee, on: str = "") -> str:
    answer = desk(who).get(at("compliance"), {"on": on} if on else {})
    assert answer.status_code == 200
    return str(answer.content.decode())


def article(page: str, number: str) -> str:
    """Return the part of the page about the living clause."""
    return next(one for one in page.split("<article")[1:] if f"<h2>п. {number}</h2>" in one)


def test_who_may_look_and_who_may_not(world: World, admin: Employee) -> None:
    for who in (admin, world.auditor, world.clerk, world.head, world.signer):
        assert "Соответствие Порядку" in shown(who)
        assert at("compliance") in desk(who).get(at("today")).content.decode()
    for name in ("compliance", "retention"):
        assert desk(world.executor).get(at(name)).status_code == 403


def test_only_the_keeper_of_dictionaries_may_edit(world: World) -> None:
    edition, clause = ProcedureEdition.objects.latest("pk"), ProcedureClause.objects.latest("pk")
    rule = RetentionRule.objects.latest("pk")
    before = JournalEntry.objects.count()
    strangers = [desk(world.auditor), desk(world.head)]
    for address in (at("edition", edition.pk), at("edition_new"), at("clause", clause.pk), at("clause_new"),
                    at("retention_rule", rule.pk), at("retention_new")):  # fmt: skip
        for client in strangers:
            assert client.get(address).status_code == 403
            assert client.post(address, {"number": "1"}).status_code == 403
    assert "Править" not in shown(world.auditor)
    assert JournalEntry.objects.count() == before


def test_a_clause_shows_its_text_what_is_done_the_figure_and_its_list(world: World) -> None:
    world.registered()
    kept.work_all()
    about = article(shown(world.clerk), "9.1")
    assert "классифицируются отделом организационной и кадровой работы" in about
    assert "Сделано" in about
    assert "Классифицировано 0 из 1 письменных" in about
    assert f'href="{at("queue")}?view=classification"' in about
    lane = article(shown(world.clerk), "10.1")
    assert "В полосе «Фаст-трек» в работе: 0" in lane
    assert f'href="{at("pos_lane")}"' in lane


def test_a_list_is_offered_to_who_may_open_it(world: World, admin: Employee) -> None:
    assert f'href="{at("reconciliation")}?last={timezone.localdate()}"' in article(shown(world.auditor), "3.1")
    assert "href" not in article(shown(world.head), "3.1")
    for who in (admin, world.auditor, world.head):
        for link in re.findall(r'<a href="(/desk/[^"]+)"', shown(who).split('<div class="stack clauses">', 1)[1]):
            assert desk(who).get(link.replace("&amp;", "&")).status_code == 200, (who, link)


def test_repealed_text_is_struck_out_and_a_past_day_shows_it_in_force(world: World) -> None:
    now = shown(world.auditor)
    assert "<h2><del>п. 1, абз. 4</del></h2>" in now
    assert "Утратил силу" in now
    assert "Ещё не действует" not in now
    past = shown(world.auditor, "2025-12-01")
    assert "<h2>п. 1, абз. 4</h2>" in past
    assert "<del>" not in past
    assert "<h2>п. 9.1</h2>" not in past
    assert "Ещё не действует: с 01.01.2026" in past
    assert "Порядок показан таким, каким он действовал 01.12.2025" in past
    assert "<h2>п. 9.1</h2>" in shown(world.auditor, "2026-01-15")
    assert "ещё не действовал" in shown(world.auditor, "2020-01-01")


def test_a_day_to_come_is_told_as_one(world: World) -> None:
    page = shown(world.auditor, str(timezone.localdate() + timedelta(days=400)))
    assert "каким он будет действовать" in page
    assert "ещё не наступил" in page


def test_a_past_figure_that_nobody_knows_is_not_made_up_and_leads_to_no_list(world: World) -> None:
    about = article(shown(world.auditor, "2026-01-15"), "38")
    assert "На эту дату не посчитать" in about
    assert "href" not in about


def test_what_is_not_confirmed_is_said(world: World, admin: Employee) -> None:
    page = shown(world.auditor)
    assert "номер не указан" in page
    assert page.count("Не подтверждено.") == 2
    edition = ProcedureEdition.objects.get(code="amendment")
    typed = {"number": "77-НПА", "signed_on": "2025-12-20", "valid_from": "2025-12-25", "title": edition.title}
    assert desk(admin).post(at("edition", edition.pk), typed).status_code == 302
    page = shown(world.auditor)
    assert "От 20.12.2025, № 77-НПА" in page
    assert page.count("Не подтверждено.") == 1
    assert JournalEntry.objects.filter(action="procedure.edition_changed", actor=admin).count() == 1


def own(**changes: Any) -> dict[str, Any]:
    base = ProcedureEdition.objects.get(code="base").pk
    return {"number": "5", "since": base, "text": "Сообщения принимаются.", "fulfilled": "Ведём журнал.", **changes}


def test_the_department_adds_a_clause_with_a_list_or_with_somebody_responsible(world: World, admin: Employee) -> None:
    keeper = desk(admin)
    assert keeper.post(at("clause_new"), own(listed_at="workplace:calendar")).status_code == 302
    assert keeper.post(at("clause_new"), own(number="6", responsible="Отдел кадров")).status_code == 302
    page = shown(admin)
    assert f'<a href="{at("calendar")}">Календарь</a>' in article(page, "5")
    assert "Вручную, ответственный: Отдел кадров" in article(page, "6")
    assert "Исполняет департамент" in article(page, "6")
    assert "<h2>п. 5</h2>" in shown(admin, "2025-12-01")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"fulfilled": ""}, "Опишите, как пункт исполняется"),
        ({}, "или назовите ответственного"),
        ({"listed_at": "https://elsewhere.example/"}, "Выберите корректный вариант"),
        ({"number": "", "responsible": "Отдел"}, "Требуется заполнить это поле"),
        ({"number": "28", "responsible": "Отдел"}, "в этой редакции уже есть"),
    ],
)
def test_a_clause_that_says_too_little_is_refused_and_keeps_what_was_typed(
    admin: Employee, typed: dict[str, str], words: str
) -> None:
    before = ProcedureClause.objects.count(), JournalEntry.objects.count()
    answer = desk(admin).post(at("clause_new"), own(**typed))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "Сообщения принимаются." in answer.content.decode()
    assert (ProcedureClause.objects.count(), JournalEntry.objects.count()) == before


def test_an_edition_that_would_end_a_clause_too_early_is_refused(admin: Employee) -> None:
    edition = ProcedureEdition.objects.get(code="amendment")
    typed = {"number": "Х", "valid_from": "2024-01-01", "title": "Изменения"}
    answer = desk(admin).post(at("edition", edition.pk), typed)
    assert answer.status_code == 422
    assert "утратил бы силу раньше, чем начал действовать" in answer.content.decode()
    edition.refresh_from_db()
    assert edition.number == ""


def test_the_page_costs_a_fixed_number_of_queries(world: World) -> None:
    client = desk(world.auditor)
    few = queries(client, at("compliance"))
    for _ in range(3):
        world.assigned()
    base = ProcedureEdition.objects.get(code="base")
    for number in range(20):
        ProcedureClause.objects.create(number=f"70.{number}", since=base, text="Текст", fulfilled="Вручную")
    assert queries(client, at("compliance")) == few <= 42


def test_periods_of_retention_are_shown_with_their_doubts_and_that_nothing_is_removed_yet(
    world: World, admin: Employee
) -> None:
    page = desk(world.auditor).get(at("retention")).content.decode()
    assert "Само ничего не удаляется" in page
    assert "5\u00a0лет ЭПК" in page
    assert page.count("Не подтверждено.") == RetentionRule.objects.count()
    typed = {
        "kind": "Обращения по существу и переписка по ним",
        "years": 10,
        "basis": "приказ",
        "valid_from": "2026-02-01",
    }
    assert desk(admin).post(at("retention_new"), typed).status_code == 302
    page = desk(world.auditor).get(at("retention")).content.decode()
    assert desk(admin).post(at("retention_new"), typed).status_code == 422
    assert "10\u00a0лет" in page
    assert "прежний срок" in page
    assert JournalEntry.objects.get(action="retention.rule_added").data["now"]["years"] == 10


@pytest.mark.parametrize("typed", [{"years": "0"}, {"years": "-5"}, {"years": "1" * 30}, {"valid_from": "9999-12-31"}])
def test_a_period_nobody_can_mean_is_refused(admin: Employee, typed: dict[str, str]) -> None:
    form = {"kind": "Записи", "years": "5", "basis": "приказ", "valid_from": "2026-02-01", **typed}
    before = RetentionRule.objects.count()
    assert desk(admin).post(at("retention_new"), form).status_code == 422
    assert RetentionRule.objects.count() == before
