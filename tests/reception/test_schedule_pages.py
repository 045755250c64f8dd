"""Pages of the schedule, officials and rooms: what is seen, what a change asks first, who may; portal and calendar."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from otklik.knowledge import public
from otklik.knowledge.models import KnowledgeHome, ReceptionHours, ReceptionSchedule, Section
from otklik.people.models import Employee
from otklik.reception import defaults, feeds
from otklik.reception.models import (
    Appointment,
    Authority,
    CalendarFeed,
    ReceptionException,
    ReceptionPhone,
    ReceptionRule,
    Room,
    RoomCheck,
)
from tests.reception import people
from tests.reception.people import next_weekday

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def signed_in(one: Employee) -> Client:
    client = Client()
    client.force_login(one, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def official() -> Employee:
    return people.official()


@pytest.fixture
def room(official: Employee) -> Room:
    return people.room("Кабинет 214")


@pytest.fixture
def desk(official: Employee) -> Client:
    return signed_in(people.employee("desk", "Встречаева", "receptionist"))


@pytest.fixture
def consultant() -> Client:
    return signed_in(people.employee("consultant", "Голосова", "consultant"))


def text(answer) -> str:
    return answer.content.decode()


def rule_form(room: Room, **changes) -> dict[str, object]:
    return {
        "weekday": 0, "week": 0, "opens": "10:00", "closes": "12:00", "break_from": "", "break_to": "",
        "slot_minutes": 20, "pause_minutes": 0, "room": room.pk, "valid_from": f"{TODAY}", "valid_to": "", **changes,
    }  # fmt: skip


def test_from_an_order_to_hours_the_whole_way_by_the_pages(desk):
    newcomer = people.employee("newcomer", "Новикова")
    form = {"official": newcomer.pk, "basis": "Приказ № 7", "valid_from": f"{TODAY}", "powers": "Аренда"}
    assert desk.post("/desk/reception/authority/", form).status_code == 302
    place = {"name": "Кабинет 5", "place": "2 этаж", "seats": 1, "valid_from": f"{TODAY}", "order": 10}
    assert desk.post("/desk/reception-rooms/new/", place).status_code == 302
    room = Room.objects.get(name="Кабинет 5")
    assert "нельзя" in text(desk.get("/desk/reception-rooms/"))
    for code in RoomCheck.Property.values:
        check = {
            "property": code, "passed": "yes", "checked_on": f"{TODAY}", "basis": "Акт № 3",
            "valid_until": f"{TODAY + timedelta(days=90)}",
        }  # fmt: skip
        assert desk.post(f"/desk/reception-rooms/{room.pk}/check/", check).status_code == 302
    answer = desk.post(f"/desk/reception-officials/{newcomer.pk}/hours/", rule_form(room), follow=True)
    assert "Понедельник, 10:00–12:00" in text(answer)
    assert ReceptionRule.objects.get().official == newcomer
    month = next_weekday(0).strftime("%Y-%m")
    for view in ("", "&view=list"):
        shown = text(desk.get(f"/desk/reception/schedule/?month={month}{view}"))
        assert "Новикова А. П." in shown
        assert "10:00–12:00" in shown.replace('<span class="visually-hidden">–</span><br>', "–")


def test_a_refusal_keeps_what_was_typed_and_says_what_to_do(desk, official, room):
    typed = rule_form(room, closes="09:00", slot_minutes=25)
    answer = desk.post(f"/desk/reception-officials/{official.pk}/hours/", typed)
    assert answer.status_code == 422
    assert "Конец приёма не позже начала" in text(answer)
    assert 'value="25"' in text(answer)
    assert not ReceptionRule.objects.exists()


def test_a_change_that_displaces_is_shown_first_and_made_when_seen(desk, official, room):
    people.rule(official, room)
    row = people.appointment(official, room)
    url, form = f"/desk/reception-officials/{official.pk}/cancel/", {"date": f"{next_weekday(0)}", "why": "Отпуск"}
    asked = desk.post(url, form)
    assert asked.status_code == 422
    assert "Ничего ещё не изменено" in text(asked)
    assert "Ив••• М. П." in text(asked)
    assert "Иванова" not in text(asked)
    assert not ReceptionException.objects.exists()
    assert desk.post(url, {**form, "seen": "1"}).status_code == 302
    row.refresh_from_db()
    assert "Отпуск" in row.to_move
    for page in ("/desk/reception/schedule/", f"/desk/reception-officials/{official.pk}/", "/desk/reception-rooms/"):
        assert "Надо перенести: 1" in text(desk.get(page)), page


@pytest.mark.parametrize(
    "place",
    ["hours", "day", "cancel", "move"],
)
def test_forms_of_an_official_open_and_ask_for_what_is_missing(desk, official, place):
    url = f"/desk/reception-officials/{official.pk}/{place}/"
    assert desk.get(url).status_code == 200
    assert desk.post(url, {"why": ""}).status_code == 422


def test_a_day_is_set_moved_and_given_back(desk, official, room):
    people.rule(official, room)
    monday = next_weekday(0)
    url = f"/desk/reception-officials/{official.pk}"
    day = {**rule_form(room, opens="15:00", closes="16:00"), "date": f"{monday}", "why": "Коллегия"}
    assert desk.post(f"{url}/day/", day).status_code == 302
    to = monday + timedelta(days=2)
    assert desk.post(f"{url}/move/", {"date": f"{monday}", "to": f"{to}", "why": "Выезд"}).status_code == 302
    assert ReceptionException.objects.get(date=to).opens == time(15)
    row = ReceptionException.objects.get(date=monday)
    assert desk.get(f"/desk/reception-days/{row.pk}/remove/").status_code == 200
    assert desk.post(f"/desk/reception-days/{row.pk}/remove/").status_code == 302
    assert not ReceptionException.objects.filter(date=monday).exists()


def test_hours_are_changed_and_ended_by_the_pages(desk, official, room):
    rule = people.rule(official, room)
    answer = desk.post(f"/desk/reception-rules/{rule.pk}/", rule_form(room, closes="13:00"))
    assert answer.status_code == 302
    fresh = ReceptionRule.objects.get(closes=time(13))
    assert desk.post(f"/desk/reception-rules/{fresh.pk}/end/", {"last_day": f"{TODAY}"}).status_code == 302
    power = Authority.objects.get(official=official)
    ending = {"last_day": f"{TODAY}", "why": "Перевод"}
    assert desk.post(f"/desk/reception-authorities/{power.pk}/end/", ending).status_code == 302
    assert "Перевод" in text(desk.get(f"/desk/reception-officials/{official.pk}/"))


def test_who_books_reads_and_changes_nothing(consultant, official, room):
    rule = people.rule(official, room)
    for page in ("reception/schedule/", f"reception-officials/{official.pk}/", f"reception-rooms/{room.pk}/"):
        answer = consultant.get(f"/desk/{page}")
        assert answer.status_code == 200
        assert "Внести" not in text(answer)
    assert consultant.post(f"/desk/reception-rules/{rule.pk}/end/", {"last_day": f"{TODAY}"}).status_code == 403
    assert consultant.post(f"/desk/reception-officials/{official.pk}/calendar/").status_code == 403
    rule.refresh_from_db()
    assert rule.valid_to is None


def test_who_has_nothing_to_do_with_reception_sees_none_of_it(official):
    stranger = signed_in(people.employee("stranger", "Чужакова", "executor"))
    assert stranger.get("/desk/reception/schedule/").status_code == 403


def test_a_lapse_that_comes_is_told_on_the_rooms_page(desk):
    room = people.room("Кабинет 9", without=["sanitary"])
    soon = TODAY + timedelta(days=5)
    others = set(RoomCheck.Property.values) - {"sanitary"}
    people.checked(room, without=others, checked_on=TODAY, valid_until=soon)
    assert "истекает" in text(desk.get("/desk/reception-rooms/"))
    assert "5 дней" in text(desk.get(f"/desk/reception-rooms/{room.pk}/")).replace("\xa0", " ")


def test_the_month_takes_a_fixed_number_of_queries(desk, django_assert_max_num_queries):
    for number in range(6):
        one = people.official(f"o{number}", "Волкова")
        place = people.room()
        people.rule(one, place)
        people.appointment(one, place)
    with django_assert_max_num_queries(24):
        assert desk.get("/desk/reception/schedule/").status_code == 200


def test_the_telephones_of_the_order_are_there_and_editable(desk, client):
    defaults.load()
    defaults.load()
    assert list(ReceptionPhone.objects.values_list("number", flat=True)) == list(defaults.PHONES)
    row = ReceptionPhone.objects.latest("pk")
    form = {"number": "8 (383) 238-00-00", "note": "", "valid_from": f"{TODAY}", "valid_to": "", "order": 20}
    assert desk.post(f"/desk/reception-phones/{row.pk}/", {**form, "number": "приёмная"}).status_code == 422
    assert desk.post(f"/desk/reception-phones/{row.pk}/", form).status_code == 302
    page = text(client.get("/reception/"))
    assert 'href="tel:+73832386002"' in page
    assert 'href="tel:+73832380000"' in page


def test_the_portal_shows_what_holds_and_what_is_cancelled(client, desk, official, room):
    people.rule(official, room)
    monday = next_weekday(0)
    page = text(client.get("/reception/"))
    assert "Понедельник, 10:00–12:00 — Кабинет 214, 1 этаж" in page
    assert 'href="/reception/ask/"' in page, "from here one asks in writing (п. 28)"
    desk.post(f"/desk/reception-officials/{official.pk}/cancel/", {"date": f"{monday}", "why": "Отпуск"})
    assert "приёма нет.</strong> Отпуск" in text(client.get("/reception/"))
    Authority.objects.update(valid_to=TODAY - timedelta(days=1))
    assert "Волкова" not in text(client.get("/reception/")), "without an order nobody is announced"


def test_the_call_screen_fetches_the_schedule_in_place(consultant, official, room):
    people.rule(official, room)
    assert "/desk/reception/hours/" in text(consultant.get("/desk/call/"))
    part = text(consultant.get("/desk/reception/hours/", headers={"HX-Request": "true"}))
    assert "Понедельник, 10:00–12:00" in part
    assert "<html" not in part
    assert "<html" in text(consultant.get("/desk/reception/hours/"))


def test_the_calendar_bears_times_rooms_and_initials_only(client, official, room):
    people.rule(official, room)
    row = people.appointment(official, room, matter="Аренда участка")
    gone = people.appointment(
        official, room, row.starts_at + timedelta(minutes=40), state=Appointment.State.CANCELLED, last_name="Петров"
    )
    owner = signed_in(official)
    answer = owner.post(f"/desk/reception-officials/{official.pk}/calendar/")
    address = text(answer).split('<code class="text-break">')[1].split("</code>")[0]
    assert CalendarFeed.objects.get().token_hash not in address
    told = client.get(address)
    assert (told.status_code, told["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    for private in ("Иванова", "Мария", "913", "Аренда", "Петров"):
        assert private not in text(told)
    events = {str(one["uid"]).split("@")[0]: one for one in Calendar.from_ical(told.content).walk("VEVENT")}
    mine = events[f"appointment-{row.pk}"]
    assert (mine["summary"], mine["location"], mine["status"]) == ("Приём: И. М. П.", "Кабинет 214", "CONFIRMED")
    assert mine["dtstart"].dt == row.starts_at
    assert events[f"appointment-{gone.pk}"]["status"] == "CANCELLED"
    assert [one for one in events if one.startswith("hours-")]


def test_a_new_address_closes_the_old_one_and_no_other_address_is_there(client, official):
    old = feeds.make(official, by=official)
    new = feeds.make(official, by=official)
    assert client.get(f"/reception/calendar/{new}/").status_code == 200
    for token in (old, new[:-1], "x" * 3000, CalendarFeed.objects.get().token_hash):
        assert client.get(f"/reception/calendar/{token}/").status_code == 404
    Employee.objects.filter(pk=official.pk).update(is_active=False)
    assert client.get(f"/reception/calendar/{new}/").status_code == 404
    Employee.objects.filter(pk=official.pk).update(is_active=True)
    signed_in(official).post(f"/desk/reception-officials/{official.pk}/calendar/", {"end": "1"})
    assert client.get(f"/reception/calendar/{new}/").status_code == 404


def test_materials_about_the_schedule_show_what_holds_now(consultant, official, room):
    section = KnowledgeHome.objects.get().add_child(
        instance=Section(title="Приём", slug="reception", unit=people.unit())
    )
    people.rule(official, room, weekday=3, opens=time(14), closes=time(16))
    page = ReceptionSchedule(
        title="Личный приём", slug="receives", mark="public", who="Руководитель", place="Кабинет 1"
    )
    page.hours = [ReceptionHours(day=1, starts=time(9), ends=time(10))]
    section.add_child(instance=page).save_revision().publish()
    page.refresh_from_db()
    version = public.let_out(page)
    inside = text(consultant.get(f"/desk/kb/{page.pk}/"))
    outside = text(Client().get(version.url))
    assert 'hx-get="/desk/reception/hours/"' in inside, "read when the material stands: its page keeps to its queries"
    fetched = text(consultant.get("/desk/reception/hours/", headers={"HX-Request": "true"}))
    for shown in (fetched, outside):
        assert "Четверг, 14:00–16:00 — Кабинет 214" in shown
    for shown in (inside, outside):
        assert "верны эти" in shown
