"""The dictionary of lines: hours from a day on, days unlike the rule, a look at what they come to, inner numbers."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.hotline import hours, lines
from otklik.hotline.lines import Hours
from otklik.hotline.models import Extension, LineException, LineHours

pytestmark = pytest.mark.django_db

DAY = Hours(time(10), time(19), time(13), time(14))
WEEK = [*[DAY] * 5, Hours(), Hours()]


def desk(employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def at(name, *args):
    return reverse(f"workplace:{name}", args=args)


def next_working(weekday: int) -> date:
    """Return a day of this weekday a month ahead or later that is like its rule."""
    day = timezone.localdate() + timedelta(days=30)
    from otklik.core import calendar

    while day.weekday() != weekday or calendar.current().day(day).kind != "working":
        day += timedelta(days=1)
    return day


def test_a_new_week_holds_from_its_day_and_the_old_one_till_the_day_before(line, world):
    tuesday = next_working(1)
    lines.set_week(line, WEEK, valid_from=tuesday, basis="Приказ № 1", by=world.clerk)
    schedule = hours.schedules([line])[line.pk]
    told = lines.ahead(schedule, tuesday, 1)[0]
    assert told.words == "10:00–13:00, 14:00–19:00"
    assert lines.week_of(line, tuesday - timedelta(days=7))[1].words == "09:00–18:00"
    assert lines.changes_of(line, timezone.localdate()) == [tuesday]
    entry = JournalEntry.objects.get(action="line.hours_set")
    assert (entry.chain, entry.actor, entry.data["basis"]) == (f"line:{line.pk}", world.clerk, "Приказ № 1")


def test_what_was_planned_later_gives_way_and_nothing_of_the_past_is_rewritten(line, world):
    first, then = next_working(1), next_working(1) + timedelta(days=28)
    lines.set_week(line, WEEK, valid_from=then, basis="Приказ № 1", by=world.clerk)
    lines.set_week(line, [Hours(time(8), time(12))] * 7, valid_from=first, basis="Приказ № 2", by=world.clerk)
    assert lines.week_of(line, then)[0].words == "08:00–12:00"
    assert LineHours.objects.filter(line=line, valid_from=date(2024, 8, 16)).count() == 5
    with pytest.raises(lines.TooEarly):
        lines.set_week(line, WEEK, valid_from=timezone.localdate() - timedelta(days=1), basis="x", by=world.clerk)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (Hours(time(9), None), "и начало, и конец"),
        (Hours(time(18), time(9)), "конец не позже начала"),
        (Hours(time(9), time(18), time(13), None), "перерыва"),
        (Hours(time(9), time(18), time(8), time(10)), "перерыв выходит"),
        (Hours(None, None, time(13), time(14)), "перерыв есть"),
    ],
)
def test_hours_no_clock_can_keep_are_refused_by_name(line, world, typed, why):
    with pytest.raises(lines.BadHours, match=why) as refusal:
        lines.set_week(line, [typed, *WEEK[1:]], valid_from=timezone.localdate(), basis="x", by=world.clerk)
    assert "Понедельник" in str(refusal.value)
    assert LineHours.objects.filter(line=line).count() == 5


def test_an_editor_opens_the_ekc_on_the_working_saturday_and_closes_it_again(ekc, world):
    saturday = date(2027, 2, 20)
    row = lines.except_day(ekc, saturday, Hours(time(9), time(17)), why="Письмо ЕКЦ", by=world.clerk)
    told = lines.ahead(hours.schedules([ekc])[ekc.pk], saturday, 1)[0]
    assert (told.words, told.why) == ("09:00–17:00", "Письмо ЕКЦ")
    lines.drop_exception(row, by=world.clerk)
    lines.drop_exception(row, by=world.clerk)
    assert lines.ahead(hours.schedules([ekc])[ekc.pk], saturday, 1)[0].words == "закрыта"
    assert list(JournalEntry.objects.filter(chain=f"line:{ekc.pk}").values_list("action", flat=True)) == [
        "line.day_set",
        "line.day_unset",
    ]


def test_an_inner_number_means_one_employee_on_a_day(consultant, consultant2, world):
    today = timezone.localdate()
    with pytest.raises(lines.NameTaken):
        lines.give_extension(consultant2, "101", valid_from=today, valid_to=None, by=world.clerk)
    lines.end_extension(consultant.extensions.get(), last_day=today, by=world.clerk)
    row = lines.give_extension(consultant2, "101", valid_from=today + timedelta(days=1), valid_to=None, by=world.clerk)
    assert Extension.objects.filter(name="101").count() == 2
    assert JournalEntry.objects.filter(chain=f"employee:{consultant2.pk}", data__row=row.pk).exists()
    with pytest.raises(lines.WrongDays):
        lines.end_extension(row, last_day=today - timedelta(days=400), by=world.clerk)


def typed_week(**changes):
    sent = {"valid_from": str(next_working(1)), "basis": "Приказ № 1"}
    for day in range(5):
        sent |= {f"opens_{day}": "09:00", f"closes_{day}": "18:00"}
    return sent | changes


def test_a_look_shows_fourteen_days_and_keeps_nothing(line, world):
    client = desk(world.clerk)
    page = client.post(at("line_week", line.pk), typed_week(opens_1="11:00", look="1"))
    words = page.content.decode()
    assert page.status_code == 200
    assert "11:00–18:00" in words
    assert "Ещё не записано" in words
    assert LineHours.objects.filter(line=line).count() == 5
    assert not JournalEntry.objects.filter(action="line.hours_set").exists()
    kept = client.post(at("line_week", line.pk), typed_week(opens_1="11:00"))
    assert kept.status_code == 302
    assert "11:00–18:00" in client.get(at("line", line.pk)).content.decode()


def test_what_is_wrong_is_said_and_what_was_typed_stays(line, world):
    client = desk(world.clerk)
    page = client.post(at("line_week", line.pk), typed_week(opens_2="19:00"))
    assert page.status_code == 422
    assert "Среда: конец не позже начала" in page.content.decode()
    assert 'value="19:00"' in page.content.decode()
    page = client.post(at("line_day", line.pk), {"date": "2027-02-20", "opens": "09:00", "closes": "17:00"})
    assert page.status_code == 422
    assert "без причины день не изменить" in page.content.decode()
    early = client.post(at("line_week", line.pk), typed_week(valid_from="2025-01-09"))
    assert "Новые часы начинаются сегодня или позже" in early.content.decode()


def test_a_day_is_entered_looked_at_and_taken_out_by_pages(ekc, world):
    client = desk(world.clerk)
    sent = {"date": "2027-02-20", "opens": "09:00", "closes": "17:00", "why": "Письмо ЕКЦ"}
    shown = client.post(at("line_day", ekc.pk), {**sent, "look": "1"}).content.decode()
    assert "09:00–17:00" in shown
    assert not LineException.objects.exists()
    client.post(at("line_day", ekc.pk), sent)
    row = LineException.objects.get()
    assert "Письмо ЕКЦ" in client.get(at("line", ekc.pk)).content.decode()
    client.post(at("line_day_remove", row.pk))
    assert not LineException.objects.exists()


def test_a_line_is_added_and_known_to_the_exchange(world, line):
    client = desk(world.clerk)
    sent = {
        "name": "Приёмная", "code": "front", "phones": "238-60-10", "ours": "on", "known_as": "front, 2386010",
        "answer_seconds": "20", "call_back_minutes": "30", "attempts_enough": "2", "valid_from": "2026-01-01",
        "order": "30",
    }  # fmt: skip
    assert client.post(at("line_new"), sent).status_code == 302
    page = client.get(at("lines")).content.decode()
    assert '<a href="tel:+73832386010">8 (383) 238-60-10</a>' in page
    assert JournalEntry.objects.filter(action="line.added").exists()
    bad = client.post(at("line_new"), {**sent, "code": "other", "valid_to": "2025-01-01"})
    assert bad.status_code == 422
    assert "Последний день раньше первого" in bad.content.decode()


def test_inner_numbers_are_kept_on_a_page_and_seen_on_the_card(consultant, world):
    admin = world.employee("admin", "Админова", world.hq, ["admin"])
    client = desk(admin)
    sent = {"employee": world.executor.pk, "name": "105", "valid_from": str(timezone.localdate())}
    assert client.post(at("line_extensions"), sent).status_code == 302
    assert "105" in client.get(at("employee", world.executor.pk)).content.decode()
    taken = client.post(at("line_extensions"), {**sent, "name": "101"})
    assert taken.status_code == 422
    assert "у другого" in taken.content.decode()
    row = Extension.objects.get(name="105")
    assert client.post(at("extension_end", row.pk), {"last_day": str(timezone.localdate())}).status_code == 302


def test_who_works_with_calls_sees_the_hours_and_changes_none(line, consultant, world):
    client = desk(consultant)
    assert client.get(at("line", line.pk)).status_code == 200
    assert client.get(at("line_week", line.pk)).status_code == 403
    assert desk(world.executor).get(at("lines")).status_code == 403
