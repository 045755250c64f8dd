"""«Время поиска»: figures that say what they count, and each opens exactly that."""

from __future__ import annotations

import io
import re
import time
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from otklik.core.models import JournalEntry
from otklik.knowledge import compliance, finding
from otklik.knowledge.finding import OUTCOMES, Scope
from otklik.knowledge.models import Audience, Baseline, SearchSession

pytestmark = pytest.mark.django_db
PAGE = "workplace:time_to_find"


def at(day: date, hour: int = 10) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day, hour))


def search(number: int, when: datetime, **facts: Any) -> SearchSession:
    who: dict[str, Any] = {"audience": Audience.STAFF} | facts
    if who["audience"] == Audience.PUBLIC:
        who |= {"reader": f"m{number}"}
    told = {"found": 1, "query": "гараж", "began_at": when, "last_at": when}
    row = SearchSession(**{"key": f"{number:032x}"} | told | who)
    row.save()
    return row


@pytest.fixture
def today() -> date:
    return timezone.localdate()


@pytest.fixture
def some(land, rent, today) -> None:
    """Twelve searches of this month and one of the month before, of employees and citizens, that ended in every way."""
    now = timezone.now() - timedelta(hours=2)
    for number, ms in enumerate((4000, 8000, 9000, 12000, 30000)):
        used = ms + 1000 if number == 0 else None
        search(number, now, unit=land, opened_ms=ms, used_ms=used)
    search(10, now, unit=rent, query="порубочный билет", found=0)
    search(11, now, unit=rent, query="порубочный билет", found=0)
    search(12, now, unit=land, query="сервитут", found=0)
    search(13, now, unit=land, query="сколько ждать", found=3)
    search(14, timezone.now(), unit=land)  # still goes on
    search(15, now, audience=Audience.PUBLIC, query="гараж", opened_ms=3000)
    search(16, now, audience=Audience.PUBLIC, query="вертолёт", found=0)
    search(17, at(today.replace(day=1) - timedelta(days=3)), unit=land, opened_ms=60000)


@pytest.fixture
def desk(chief) -> Client:
    client = Client()
    client.force_login(chief)
    return client


def year(audience: Audience, today: date) -> Scope:
    return Scope(audience, today - timedelta(days=90), today)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=30), st.sampled_from([50, 90]))
def test_a_share_of_searches_lies_within_its_time_and_no_smaller_time_will_do(times, share):
    found = finding.percentile(times, share)
    assert 100 * sum(one <= found for one in times) >= share * len(times)
    assert 100 * sum(one < found for one in times) < share * len(times)


def test_figures_count_what_has_ended_staff_and_citizens_apart(some, today):
    staff = finding.figures(year(Audience.STAFF, today))
    assert (staff.total, staff.found, staff.used, staff.no_result, staff.no_click) == (10, 6, 1, 3, 1)
    assert (staff.share, staff.median, staff.p90) == (60, 9000, 60000)
    citizens = finding.figures(year(Audience.PUBLIC, today))
    assert (citizens.total, citizens.found, citizens.median, citizens.no_result) == (2, 1, 3000, 1)


def test_months_and_units_add_up_to_the_whole(some, today, land, rent):
    scope = year(Audience.STAFF, today)
    months, units = finding.by_month(scope), finding.by_unit(scope)
    assert sum(one.total for one in months.values()) == finding.figures(scope).total
    assert len(months) >= 3
    assert {unit: one.total for unit, one in units.items()} == {land: 8, rent: 2}


def test_a_search_that_goes_on_is_counted_by_nobody(some, today):
    assert not finding.searches(year(Audience.STAFF, today)).filter(key=f"{14:032x}").exists()


def test_every_figure_on_the_page_opens_a_list_of_exactly_so_many(some, desk):
    opened = 0
    for query in ("", "?audience=public"):
        text = desk.get(reverse(PAGE) + query).content.decode()
        base = re.escape(reverse("workplace:searches"))
        for link, words in re.findall(rf'<a href="({base}\?[^"]+)">([^<]*?\d+|\d+)</a>', text):
            number = int(re.search(r"\d+$", words)[0])
            listed = desk.get(link.replace("&amp;", "&"))
            assert listed.context["page"].paginator.count == number, (link, words)
            opened += 1
    assert opened > 20


def test_words_that_led_nowhere_are_counted_together_and_open_their_searches(some, desk):
    page = desk.get(reverse(PAGE))
    lists = {code: [(line["query"], line["times"]) for line, _ in lines] for code, _, lines, _ in page.context["lists"]}
    assert lists == {
        "no_result": [("порубочный билет", 2), ("сервитут", 1)],
        "no_click": [("сколько ждать", 1)],
    }
    for _, _, lines, query in page.context["lists"]:
        assert desk.get(reverse("workplace:searched_words") + f"?{query}").context["lines"] == lines
        for line, asked in lines:
            listed = desk.get(reverse("workplace:searches") + f"?{asked}").context["page"]
            assert [row.query for row in listed] == [line["query"]] * line["times"]


@pytest.mark.parametrize("outcome", list(OUTCOMES))
def test_the_table_handed_out_holds_what_the_list_shows_and_names_nobody(some, desk, outcome, chief):
    address = reverse("workplace:searches") + f"?outcome={outcome}"
    listed = desk.get(address).context["page"].paginator.count
    book = load_workbook(io.BytesIO(desk.get(address + "&format=xlsx").content))
    assert book.active.max_row == listed + 1
    lines = b"".join(desk.get(address + "&format=csv").streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == listed + 1
    assert chief.short_name not in "".join(lines)


def test_the_page_costs_the_same_however_much_was_searched_and_is_quick(some, desk, land):
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(reverse(PAGE)).status_code == 200
        return len(queries)

    cost()
    before = cost()
    now = timezone.now() - timedelta(hours=3)
    same = {"audience": "staff", "unit": land, "began_at": now, "last_at": now}
    rows = [
        SearchSession(key=f"f{n:031x}", query=f"слово {n % 50}", found=n % 3, opened_ms=n if n % 2 else None, **same)
        for n in range(3000)
    ]
    SearchSession.objects.bulk_create(rows)
    started = time.perf_counter()
    assert cost() == before
    assert time.perf_counter() - started < 3
    assert before <= 25


def test_a_baseline_is_entered_with_its_source_and_seen_beside_the_figures(some, desk, chief, reader):
    address = reverse("workplace:finding_baseline")
    typed = {"audience": "staff", "seconds": "0", "measured_on": "2999-01-01", "source": "хронометраж"}
    answer = desk.post(address, typed)
    assert answer.status_code == 422
    assert {"seconds", "measured_on"} == set(answer.context["form"].errors)
    assert not Baseline.objects.exists()
    desk.post(address, typed | {"seconds": "95", "measured_on": "2026-01-15"})
    assert Baseline.objects.get().by == chief
    assert JournalEntry.objects.get(action="finding.baseline_set").data["seconds"] == 95
    text = desk.get(reverse(PAGE)).content.decode()
    assert "1 мин 35 с" in text
    assert "хронометраж" in text
    assert "1 мин 35 с" not in desk.get(reverse(PAGE) + "?audience=public").content.decode()
    stranger = Client()
    stranger.force_login(reader)
    assert [stranger.get(reverse(name)).status_code for name in (PAGE, "workplace:finding_baseline")] == [403, 403]


@pytest.mark.parametrize("query", ["month=2026-13", "month=9999-12", "unit=²", "audience=x", "outcome=zzz", "page=-1"])
def test_odd_addresses_show_the_whole(some, desk, query):
    assert desk.get(reverse(PAGE) + f"?{query}").status_code == 200
    assert desk.get(reverse("workplace:searches") + f"?{query}").status_code == 200


def test_without_searches_the_page_says_what_it_will_show(desk):
    assert "никто не искал" in desk.get(reverse(PAGE)).content.decode()


def test_the_clause_of_the_procedure_has_a_living_figure(some, today):
    promise = next(one for one in compliance.PROMISES if one.code == "R37")
    figure = promise.figure(today)
    assert figure.number == finding.figures(Scope(Audience.STAFF, today - timedelta(days=29), today)).total
    assert "найдено" in figure.text
    assert promise.state == "done"


def test_times_are_said_in_words():
    said = [finding.spoken(ms) for ms in (None, 0, 8400, 60_000, 80_000)]
    assert said == ["—", "0 с", "8 с", "1 мин", "1 мин 20 с"]
