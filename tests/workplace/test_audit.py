"""The auditor's pages over both journals: filters, tables to take away, and a check in plain words."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from openpyxl import load_workbook

from otklik.core import journal
from otklik.core.models import AccessEntry, JournalEntry
from otklik.people import substitution
from tests.appeals.conftest import World
from tests.workplace.test_frame import at, desk, world

pytestmark = pytest.mark.django_db
__all__ = ["world"]

EXPORTS = [("journal", "journal_export"), ("access_log", "access_export")]


def run_sql(sql: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def table(answer: Any) -> list[list[str]]:
    """Return the rows of an exported table, whichever kind it is."""
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    content = answer.getvalue()
    if answer["Content-Type"].startswith("text/csv"):
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    sheet = load_workbook(io.BytesIO(content)).active
    return [[str(cell.value if cell.value is not None else "") for cell in row] for row in sheet.iter_rows()]


def lived(world: World) -> Any:
    """Return an appeal at which several people looked and worked."""
    appeal = world.asked(world.registered_email())
    desk(world.executor).get(at("card", appeal.pk))
    about = {"reason": "Иванова просила позвонить", "about": f"appeal:{appeal.pk}"}
    desk(world.executor).post(at("reveal", appeal.applicant_id), about)
    return appeal


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(("page", "export"), EXPORTS)
def test_the_table_carries_what_the_filter_shows_and_leaves_a_look(
    world: World, page: str, export: str, kind: str
) -> None:
    appeal = lived(world)
    world.registered()
    auditor = desk(world.auditor)
    filters = f"?number={appeal.number}&first={timezone.localdate()}"
    on_page = auditor.get(at(page) + filters).content.decode().count("<td title=")
    rows = table(auditor.get(f"{at(export)}{filters}&format={kind}"))
    assert rows[0][:4] == ["Когда", "Кто", "За кого", "Что"]
    assert len(rows) - 1 == on_page > 0
    look = AccessEntry.objects.latest("pk")
    assert (look.action, look.actor, look.data["rows"]) == ("journal.exported", world.auditor, on_page)
    assert look.data["asked"] == {"first": f"{timezone.localdate()}", "appeal": str(appeal.pk)}
    assert journal.verify() == []


def test_the_table_names_nobody_but_employees(world: World) -> None:
    lived(world)
    for _, export in EXPORTS:
        said = json.dumps(table(desk(world.auditor).get(f"{at(export)}?format=csv")), ensure_ascii=False)
        assert "Сидорова А. П." in said
        for personal in ("Иванов", "ivanova", "Выдуманн", "просила позвонить", "продлить договор"):
            assert personal not in said


def test_no_cell_is_a_formula(world: World) -> None:
    journal.record("appeal.moved", chain="=2+2", by=None, note="=cmd|' /C calc'!A0")
    for kind in ("csv", "xlsx"):
        cells = [
            cell for row in table(desk(world.auditor).get(f"{at('journal_export')}?format={kind}")) for cell in row
        ]
        assert "'=2+2" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_more_than_a_table_carries_is_refused_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.registered()
    monkeypatch.setattr("otklik.workplace.journal.MOST_EXPORTED", 1)
    looks = AccessEntry.objects.count()
    answer = desk(world.auditor).get(at("journal_export"))
    assert answer.status_code == 422
    assert "Сузьте период" in answer.content.decode()
    assert AccessEntry.objects.count() == looks


def test_a_row_leads_to_the_card_only_who_may_open_it(world: World) -> None:
    appeal = lived(world)
    administrator = world.employee("admin", "Настройкина", world.hq, ["admin"])
    for who, opens in ((world.auditor, True), (administrator, False)):
        page = desk(who).get(at("access_log")).content.decode()
        assert appeal.number in page
        assert (f'href="{at("card", appeal.pk)}"' in page) is opens
        assert desk(who).get(at("card", appeal.pk)).status_code == (200 if opens else 403)


def test_facts_are_read_in_russian(world: World) -> None:
    appeal = lived(world)
    page = desk(world.auditor).get(at("journal") + f"?number={appeal.number}").content.decode()
    assert 'title="was">было:</span> назначено' in page
    assert f"обращение {appeal.pk}, запись 1" in page
    assert "None" not in page


def test_only_auditors_take_anything_away_or_check(world: World) -> None:
    for name in ("journal_export", "access_export", "journal_seals"):
        assert desk(world.clerk).get(at(name)).status_code == 403
    assert desk(world.clerk).post(at("journal_verify")).status_code == 403
    assert not AccessEntry.objects.exists()


def test_rows_about_an_applicant_are_those_of_his_card_and_of_his_appeals(world: World) -> None:
    appeal = lived(world)
    other = world.registered()
    asked = f"?applicant={appeal.applicant_id}"
    changes = table(desk(world.auditor).get(f"{at('journal_export')}{asked}"))[1:]
    assert {row[5] for row in changes} == {f"appeal:{appeal.pk}", f"applicant:{appeal.applicant_id}"}
    looks = table(desk(world.auditor).get(f"{at('access_export')}{asked}"))[1:]
    assert [row[4] for row in looks] == ["applicant.revealed", "appeal.opened"]
    assert f"appeal:{other.pk}" not in str(changes)
    assert desk(world.auditor).get(f"{at('journal')}?applicant=999999").content.decode().count("<td title=") == 0


def test_rows_about_an_employee_are_those_that_name_him(world: World) -> None:
    world.asked()
    today = timezone.localdate()
    substitution.substitute(absent=world.signer, deputy=world.head, starts_on=today, ends_on=today, by=world.signer)
    codes = {row[4] for row in table(desk(world.auditor).get(f"{at('journal_export')}?about={world.head.pk}"))[1:]}
    assert codes == {"appeal.approval_asked", "people.substituted"}
    codes = {row[4] for row in table(desk(world.auditor).get(f"{at('journal_export')}?about={world.executor.pk}"))[1:]}
    assert codes == {"appeal.assigned"}


def checked(world: World) -> str:
    answer = desk(world.auditor).post(at("journal_verify"))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_check_of_whole_journals_says_so_and_leaves_a_look(world: World) -> None:
    lived(world)
    page = checked(world)
    assert "Журналы целы." in page
    assert "Ни один день ещё не опечатан" in page
    assert AccessEntry.objects.latest("pk").data["problems"] == 0
    journal.seal(timezone.localdate())
    assert f"Строки до {timezone.localdate():%d.%m.%Y} включительно закреплены" in checked(world)


@pytest.mark.parametrize("table_name", ["core_journalentry", "core_accessentry"])
def test_a_check_names_the_row_that_was_changed_removed_or_cut_off(world: World, table_name: str) -> None:
    appeal = lived(world)
    day = f"access:{timezone.localdate()}"
    chain, where = (
        (f"appeal:{appeal.pk}", f"обращение № {appeal.number}")
        if table_name == "core_journalentry"
        else (day, f"доступ за {timezone.localdate()}")
    )
    kind = JournalEntry if table_name == "core_journalentry" else AccessEntry
    for step in range(4):
        if kind is AccessEntry:
            journal.looked("appeal.opened", by=world.auditor, appeal=step)
    last = kind.objects.filter(chain=chain).latest("seq").seq
    run_sql(f"update {table_name} set action = 'x' where chain = %s and seq = 1", chain)
    run_sql(f"delete from {table_name} where chain = %s and seq = 3", chain)
    run_sql(f"delete from {table_name} where chain = %s and seq = %s", chain, last)
    # What the check itself writes goes on from the head: cut off is what stood before it.
    page = " ".join(checked(world).split())
    assert "Журналы изменены в обход системы" in page
    for seq, text in ((1, "Содержание изменено"), (3, "Строка пропала"), (last, "Строки нет, а цепочка о ней помнит")):
        assert f"{where}" in page
        assert f'<td class="nowrap">№ {seq}</td><td>{text}</td>' in page


def test_the_seals_are_handed_out_without_names_and_the_handing_out_is_a_look(world: World) -> None:
    lived(world)
    journal.seal(timezone.localdate())
    answer = desk(world.auditor).get(at("journal_seals"))
    [line] = answer.content.decode().splitlines()
    assert json.loads(line)["date"] == f"{timezone.localdate()}"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert AccessEntry.objects.latest("pk").action == "journal.seals_taken"


def test_the_access_log_of_a_day_with_a_wrong_row_stays_readable(world: World) -> None:
    appeal = lived(world)
    run_sql("update core_accessentry set data = %s", json.dumps({"about": "appeal:x", "appeal": None}))
    assert desk(world.auditor).get(at("access_log")).status_code == 200
    assert desk(world.auditor).get(f"{at('access_log')}?number={appeal.number}").status_code == 200
