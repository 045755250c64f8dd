"""«Показатели»: each figure opens its list; page, tables and PDF say the same; a fixed number of queries."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook
from pypdf import PdfReader

from otklik.appeals.models import Appeal
from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.reports import kept, measures, targets
from otklik.reports.models import MeasureTarget
from tests.appeals.conftest import World

URL = "/desk/figures/"
MOST_QUERIES = 12
PERIOD = "first=2026-05-01&last=2026-07-31"

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


def signed_in(user: Employee) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def page() -> Callable[..., str]:
    def get(user: Employee, query: str = PERIOD, url: str = URL) -> str:
        answer = signed_in(user).get(f"{url}?{query}")
        assert answer.status_code == 200, answer.content[:500]
        return answer.content.decode()

    return get


@pytest.fixture
def cases(world: World) -> list[Appeal]:
    """Twelve cases of the land department ended in June, nine of them in term; one more open."""
    found = []
    for number in range(13):
        appeal = world.assigned(world.classified(world.registered()))
        day = date(2026, 6, 1) + timedelta(days=number)
        over = day + timedelta(days=10 if number < 9 else 40)
        done = number < 12
        Appeal.objects.filter(pk=appeal.pk).update(
            received_on=day,
            registered_on=day,
            due_on=day + timedelta(days=30),
            answered_on=min(over, date(2026, 7, 31)) if done else None,
            status="sent" if done else "drafting",
        )
        found.append(appeal)
    kept.touch_each(one.pk for one in found)
    kept.work_all()
    return found


def test_a_figure_shows_its_value_formula_and_the_way_to_its_list(world: World, cases: Any, page: Any) -> None:
    said = page(world.signer)
    assert "75 %" in said
    assert "9 из 12" in said
    assert "закончено не позже срока / закончено" in said
    client = signed_in(world.signer)
    link = next(one for one in re.findall(r'href="([^"]+)"', said) if "mark=in_term" in one and "lane=law" in one)
    listed = client.get(unescape(link)).content.decode()
    assert sum(one.number in listed for one in cases) == 9
    assert "Список показателя: закончено 01.05.2026 — 31.07.2026, в срок, по 59-ФЗ." in listed


def test_the_page_the_tables_and_the_pdf_say_the_same(world: World, cases: Any) -> None:
    client = signed_in(world.signer)
    answer: Any = client.get(f"{URL}?{PERIOD}&format=csv")
    table = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table), delimiter=";" if ";" in table.splitlines()[0] else ","))
    told = {row[0]: row[1] for row in rows if len(row) > 1}
    assert told["В срок: обращения по 59-ФЗ"] == "75 %"
    assert told["Закончено"] == "12"
    book = load_workbook(io.BytesIO(client.get(f"{URL}?{PERIOD}&format=xlsx").content))
    cells = {row[0]: row[1] for row in book.active.iter_rows(values_only=True)}
    assert str(cells["В срок: обращения по 59-ФЗ"]) == "75 %"
    pdf = client.get(f"{URL}?{PERIOD}&format=pdf")
    text = "".join(one.extract_text() for one in PdfReader(io.BytesIO(pdf.content)).pages)
    assert "75" in text
    assert "9 из 12" in text


@pytest.mark.parametrize("section", ["appeals", "topics", "opinions", "line", "knowledge", "reception", "load"])
@pytest.mark.parametrize("query", [PERIOD, "first=2026-05-10&last=2026-07-20"])
def test_every_section_asks_a_fixed_number_of_queries(world: World, cases: Any, section: str, query: str) -> None:
    client = signed_in(world.signer)
    client.get(f"{URL}?{query}&section={section}")
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(f"{URL}?{query}&section={section}")
    assert answer.status_code == 200
    work = [one["sql"] for one in asked if not re.match(r"SAVEPOINT|RELEASE|BEGIN|COMMIT", one["sql"])]
    assert len(work) <= MOST_QUERIES, "\n".join(one[:160] for one in work)


def test_a_small_group_shows_its_count_and_no_share(world: World, cases: Any, page: Any) -> None:
    said = page(world.signer, "first=2026-06-01&last=2026-06-15")
    assert "мало: меньше 10" in said
    assert "100 %" not in said


def test_a_period_of_whole_months_is_compared_with_as_many_before(world: World, cases: Any, page: Any) -> None:
    assert "Сравнение с периодом до: 01.02.2026 — 30.04.2026" in page(world.signer)


def test_a_head_sees_his_own_units_only(world: World, cases: Any, page: Any) -> None:
    said = page(world.head, f"{PERIOD}&unit={world.law.pk}")
    assert world.land.short_name in said
    assert "9 из 12" in said
    assert f'<option value="{world.law.pk}"' not in said


def test_the_load_of_employees_is_for_heads(world: World, cases: Any, page: Any) -> None:
    assert "Нагрузка по сотрудникам" in page(world.head, f"{PERIOD}&section=load")
    assert "Нагрузка по сотрудникам" not in page(world.clerk, f"{PERIOD}&section=load")


def test_a_target_is_set_shown_and_ended(world: World, cases: Any, page: Any) -> None:
    client = signed_in(world.clerk)
    given = {"measure": "in_term_law", "value": "95", "first": "2026-01-01", "last": "", "basis": "приказ"}
    assert client.post(f"{URL}targets/", given).status_code == 302
    row = MeasureTarget.objects.get()
    assert JournalEntry.objects.filter(action="target.set", chain=f"target:{row.pk}").exists()
    assert "не меньше 95 %: не достигнуто" in page(world.signer)
    assert client.post(f"{URL}targets/{row.pk}/end/").status_code == 302
    row.refresh_from_db()
    assert row.valid_to == max(timezone.localdate(), row.valid_from)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"value": "много"}, "не число"),
        ({"value": "120"}, "Доля — от 0 до 100"),
        ({"last": "2025-01-01"}, "Последний день раньше первого"),
        ({"first": ""}, "с какого дня"),
    ],
)
def test_a_wrong_target_is_refused_and_kept_on_the_page(world: World, changes: dict[str, str], words: str) -> None:
    client = signed_in(world.clerk)
    given = {"measure": "in_term_law", "value": "95", "first": "2026-01-01", "last": "", "basis": "дорожная карта"}
    answer = client.post(f"{URL}targets/", given | changes)
    assert answer.status_code == 422
    said = answer.content.decode()
    assert words in said
    assert "дорожная карта" in said


def test_a_new_target_ends_the_one_before_the_day_before(world: World) -> None:
    one = measures.measure("in_term_law")
    first = targets.put(one, Decimal(90), valid_from=date(2026, 1, 1), valid_to=None, basis="", by=world.clerk)
    targets.put(one, Decimal(95), valid_from=date(2026, 7, 1), valid_to=None, basis="", by=world.clerk)
    first.refresh_from_db()
    assert first.valid_to == date(2026, 6, 30)
    with pytest.raises(targets.BadTarget):
        targets.put(one, Decimal(80), valid_from=date(2026, 6, 1), valid_to=None, basis="", by=world.clerk)


def test_while_counting_goes_on_the_page_says_so(world: World, cases: Any, page: Any) -> None:
    kept.begin_anew()
    assert "пересчитываются: готово 0 %" in page(world.signer)
