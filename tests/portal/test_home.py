"""The portal's home: lines by the production calendar, found answers, a fixed number of queries."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from otklik.core.models import CalendarDay
from otklik.hotline import hours
from otklik.people.models import Department

NSK = ZoneInfo("Asia/Novosibirsk")


def said(*when):
    return {one.line.name: (one.is_open, one.words) for one in hours.openings(datetime(*when, tzinfo=NSK))}


def test_on_a_working_tuesday_both_lines_are_open_till_six(db):
    assert set(said(2026, 11, 24, 12, 0).values()) == {(True, "открыта до 18:00")}


def test_on_friday_both_close_an_hour_earlier_and_open_again_on_monday(db):
    assert set(said(2026, 11, 27, 16, 59).values()) == {(True, "открыта до 17:00")}
    assert set(said(2026, 11, 27, 17, 0).values()) == {(False, "закрыта, откроется 30.11 в 09:00")}


def test_in_the_new_year_holidays_the_next_working_day_is_named(db):
    first = CalendarDay.objects.filter(date__gt=date(2026, 12, 31), kind="working").earliest("date").date
    assert first == date(2027, 1, 11)
    assert set(said(2027, 1, 2, 12, 0).values()) == {(False, "закрыта, откроется 11.01 в 09:00")}


def test_before_a_holiday_the_department_closes_earlier_and_the_contact_centre_keeps_its_hours(db):
    lines = said(2026, 4, 30, 17, 30)
    assert lines["Консультационная линия департамента"][0] is False
    assert lines["Единый контакт-центр"] == (True, "открыта до 18:00")


def test_early_in_the_morning_the_line_opens_today(db):
    assert set(said(2026, 11, 24, 7, 0).values()) == {(False, "закрыта, откроется сегодня в 09:00")}


def test_without_a_calendar_the_week_decides(db):
    assert said(2026, 11, 24, 12, 0)["Консультационная линия департамента"][0]
    assert not said(2026, 11, 22, 12, 0)["Консультационная линия департамента"][0]


def test_the_home_page_asks_the_database_a_fixed_number_of_questions(client, db, django_assert_max_num_queries):
    with django_assert_max_num_queries(11):
        page = client.get("/")
    words = page.content.decode()
    assert "Что вас интересует?" in words
    assert "238-60-02" in words
    assert "110" in words
    assert "Департамент имущества" in words


@pytest.mark.parametrize("query", ["участок", "<script>alert(1)</script>", "'; drop table", "\x00", "ы" * 500, "%_"])
def test_any_question_gets_a_page_and_never_markup_back(client, db, query):
    page = client.get("/", {"q": query})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_a_telephone_can_be_pressed_and_dialled_from_anywhere(client, db):
    page = client.get("/").content.decode()
    assert '<a href="tel:+73832386002">8 (383) 238-60-02</a>' in page
    assert '<a href="tel:110">110</a>' in page
    for path in ("/status/", "/how-to-file/"):
        assert 'href="tel:+73832386062"' in client.get(path).content.decode()


def test_numbers_of_the_footer_are_the_ones_the_administrator_wrote(client, db):
    Department.objects.filter(pk=1).update(phone="8 (383) 111-22-33")
    assert '<a href="tel:+73831112233">8 (383) 111-22-33</a>' in client.get("/write/").content.decode()
