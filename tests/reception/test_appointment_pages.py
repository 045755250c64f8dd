"""Appointments at the desk and by the citizen's link: pages, requests, the waiting list, letters and calls."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from otklik.channels.site import limits
from otklik.channels.site.models import FormAttempt
from otklik.config import jobs
from otklik.core import journal
from otklik.core.models import AccessEntry, JournalEntry
from otklik.correspondence.models import OutgoingMessage
from otklik.reception import appointments, finder, links, notices, waiting
from otklik.reception.models import Appointment, AppointmentNotice, AppointmentRequest, SlotCell
from otklik.workplace import appointments as pages
from tests.appeals.conftest import World
from tests.desk import at, desk
from tests.reception import people

pytestmark = pytest.mark.django_db

IVANOVA = {"last_name": "Иванова", "first_name": "Мария", "phone": "+7 913 000-00-01"}
MAIL = {"last_name": "Сазонов", "first_name": "Пётр", "email": "sazonov@example.org", "notify": "email"}


@pytest.fixture
def secretary(db):
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def official(db):
    return people.official()


@pytest.fixture
def hours(official):
    room = people.room("Кабинет 214")
    for weekday in range(5):
        people.rule(official, room, weekday=weekday)
    return room


@pytest.fixture
def working(monkeypatch):
    monkeypatch.setattr(pages, "at_work", lambda now=None: True)


def free(number=0, **asked):
    today = timezone.localdate() + timedelta(days=1)
    return finder.free(today, today + timedelta(days=30), **asked)[number]


def booked(secretary, person=IVANOVA, number=0, **more):
    return appointments.book(free(number), person, source=more.pop("source", "phone"), by=secretary, **more)


def letters():
    while notices.send_next():
        pass
    return list(OutgoingMessage.objects.order_by("pk"))


# --- the desk ---------------------------------------------------------------------------------------------------------


def form(slot, **more):
    return {"source": "phone", **IVANOVA, "slot": appointments.named(slot), **more}


def test_a_time_is_found_and_booked_on_one_page(secretary, hours, working):
    client = desk(secretary)
    page = client.get(at("appointment_new")).content.decode()
    assert appointments.named(free()) in page
    answer = client.post(at("appointment_new"), form(free()), follow=True)
    row = Appointment.objects.get()
    assert answer.redirect_chain[0][0] == at("appointment", row.pk)
    assert links.token_of(row) in answer.content.decode()
    again = client.get(at("appointment", row.pk)).content.decode()
    assert links.token_of(row) not in again, "the link is shown once"
    assert 'href="tel:+7 913 000-00-01"' in again


def test_the_page_names_the_telephones_of_the_procedure_and_each_dials(secretary, working):
    page = desk(secretary).get(at("appointment_new")).content.decode()
    for digits in ("73832386002", "73832386062"):
        assert f'href="tel:+{digits}"' in page


def test_without_a_source_nothing_is_kept_and_what_was_typed_stays(secretary, hours, working):
    answer = desk(secretary).post(at("appointment_new"), form(free(), source=""))
    assert answer.status_code == 422
    assert "Укажите, откуда запись" in answer.content.decode()
    assert 'value="Иванова"' in answer.content.decode()
    assert not Appointment.objects.exists()


def test_outside_working_hours_the_page_says_so_and_asks_why(secretary, hours, monkeypatch):
    monkeypatch.setattr(pages, "at_work", lambda now=None: False)
    client = desk(secretary)
    assert "не рабочее время" in client.get(at("appointment_new")).content.decode()
    answer = client.post(at("appointment_new"), form(free()))
    assert answer.status_code == 422
    assert "Напишите, почему записываете" in answer.content.decode()
    client.post(at("appointment_new"), form(free(), outside_hours_why="Человек дозвонился дежурному"))
    assert Appointment.objects.get().outside_hours_why == "Человек дозвонился дежурному"


def test_working_hours_are_those_of_the_production_calendar():
    friday = timezone.make_aware(datetime(2026, 11, 27, 16, 59))
    assert pages.at_work(friday)
    assert not pages.at_work(friday + timedelta(minutes=1))
    assert not pages.at_work(timezone.make_aware(datetime(2027, 1, 4, 12, 0)))


def test_a_time_taken_meanwhile_is_refused_with_other_times(secretary, hours, working):
    slot = free()
    booked(secretary)
    answer = desk(secretary).post(at("appointment_new"), form(slot))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "только что заняли" in page
    assert "Свободно рядом" in page
    assert 'value="Иванова"' in page


def test_an_appointment_from_a_letter_names_it(secretary, hours, working):
    world = World()
    appeal = world.registered()
    client = desk(secretary)
    answer = client.post(at("appointment_new"), form(free(), source="written"))
    assert "укажите номер обращения" in answer.content.decode()
    answer = client.post(at("appointment_new"), form(free(), source="written", letter="О-1999-000001"))
    assert "О-1999-000001" in answer.content.decode()
    client.post(at("appointment_new"), form(free(), source="written", letter=f" {appeal.number} "))
    row = Appointment.objects.get()
    assert (row.appeal, row.applicant) == (appeal, appeal.applicant)


def test_names_and_numbers_are_masked_in_lists_and_looks_are_written_down(secretary, hours):
    row = booked(secretary)
    client = desk(secretary)
    page = client.get(at("appointments")).content.decode()
    assert "Ив••• М." in page
    assert "Иванова" not in page
    found = client.post(at("appointments"), {"what": "Иванова"})
    assert "Ив••• М." in found.content.decode()
    assert "Никого не нашлось" in client.post(at("appointments"), {"what": "Сидоров"}).content.decode()
    client.get(at("appointment", row.pk))
    client.get(at("appointment", row.pk))
    looks = AccessEntry.objects.filter(action="appointment.person_revealed")
    assert looks.count() == 1


def test_an_appointment_is_moved_and_cancelled_on_its_page(secretary, hours):
    row, client = booked(secretary), desk(secretary)
    refused = client.post(at("appointment_move", row.pk), {"slot": appointments.named(free(2)), "why": ""})
    assert refused.status_code == 422
    target = free(2)
    client.post(at("appointment_move", row.pk), {"slot": appointments.named(target), "why": "Просит позже"})
    row.refresh_from_db()
    assert row.starts_at == target.starts_at
    page = client.get(at("appointment", row.pk)).content.decode()
    assert "Просит позже" in page
    refused = client.post(at("appointment_step", row.pk), {"step": "cancel", "why": " "})
    assert "Напишите почему" in refused.content.decode()
    client.post(at("appointment_step", row.pk), {"step": "cancel", "why": "Заболел", "asked": "1"})
    row.refresh_from_db()
    assert (row.state, SlotCell.objects.count()) == ("cancelled", 0)


def test_the_desk_opens_in_few_questions(secretary, hours, working, django_assert_max_num_queries):
    for number in range(5):
        row = booked(secretary, number=number)
    client = desk(secretary)
    client.get(at("today"))
    with django_assert_max_num_queries(10):
        client.get(at("appointments"))
    client.get(at("appointment", row.pk))
    with django_assert_max_num_queries(12):
        client.get(at("appointment", row.pk))
    with django_assert_max_num_queries(10):
        client.get(at("visit_notices"))
    with django_assert_max_num_queries(10):
        client.get(at("visit_requests"))


# --- requests and the waiting list ------------------------------------------------------------------------------------


def test_a_request_of_the_portal_becomes_an_appointment_and_its_link_opens_it(secretary, hours):
    client = Client()
    answer = client.post(
        "/reception/ask/",
        {**IVANOVA, "notify": "phone", "matter": "Аренда земли", "wanted_from": "2026-01-01", "wanted_to": ""},
    )
    assert answer.status_code == 302
    row = AppointmentRequest.objects.get()
    assert not Appointment.objects.exists(), "a request is no booking"
    link = re.search(r"/reception/([a-z0-9]{26})/", client.get("/reception/asked/").content.decode())
    assert link
    assert "ждёт решения" in client.get(link[0]).content.decode().lower()
    page = desk(secretary).get(at("visit_request", row.pk)).content.decode()
    slot = re.search(r'name="slot" value="([^"]+)"', page)
    desk(secretary).post(at("visit_request_step", row.pk), {"step": "book", "slot": slot[1]})
    made = Appointment.objects.get()
    assert (made.request, made.source, made.made_by) == (row, "portal", secretary)
    assert "Ваша запись на личный приём" in client.get(link[0]).content.decode()
    assert AppointmentNotice.objects.get(appointment=made, kind="booked").way == "phone"


def test_a_request_is_declined_with_a_reason_only_and_once(secretary, hours):
    row = waiting.ask(MAIL, source="portal")
    client = desk(secretary)
    assert client.post(at("visit_request_step", row.pk), {"step": "decline", "reason": ""}).status_code == 422
    client.post(at("visit_request_step", row.pk), {"step": "decline", "reason": "Вопрос не наш: обратитесь в мэрию"})
    [letter] = letters()
    assert "обратитесь в мэрию" in letter.text
    assert client.post(at("visit_request_step", row.pk), {"step": "wait"}).status_code == 409


def test_who_waits_is_offered_what_a_cancelled_appointment_frees(secretary, official):
    room = people.room()
    day = people.next_weekday(0)
    people.rule(official, room, opens=time(10), closes=time(10, 20), valid_from=day, valid_to=day)
    row = booked(secretary)
    first = waiting.ask(MAIL, source="phone", by=secretary, at_once=True)
    second = waiting.ask(MAIL | {"last_name": "Второй"}, source="phone", by=secretary, at_once=True)
    assert waiting.offer_free() == 0
    appointments.cancel(row, by=secretary, why="Заболела", asked=True)
    assert waiting.offer_free() == 1
    assert waiting.offer_free() == 0, "a time is offered to one person at a time"
    assert waiting.offers_of(second).count() == 0
    assert "Освободилось время" in [letter.subject for letter in letters()][-1]
    offer = waiting.offers_of(first).get()
    client = Client()
    client.post(f"/reception/{links.token_of(first)}/", {"offer": offer.pk})
    made = Appointment.objects.get(request=first)
    assert (made.starts_at, made.made_by) == (row.starts_at, secretary)
    answer = Client().post(f"/reception/{links.token_of(second)}/", {"offer": offer.pk})
    assert "уже заняли" in answer.content.decode()


def test_somebody_is_put_on_the_list_at_the_desk(secretary, hours):
    client = desk(secretary)
    facts = {"source": "phone", **IVANOVA, "wanted_from": "2026-12-10", "wanted_to": "2026-12-01"}
    assert "раньше" in client.post(at("visit_wait"), facts).content.decode()
    client.post(at("visit_wait"), facts | {"wanted_to": "2026-12-20"})
    assert AppointmentRequest.objects.get().state == "waiting"
    assert journal.verify() == []


# --- letters and calls ------------------------------------------------------------------------------------------------


def test_letters_say_the_time_and_the_same_link_again_and_their_subjects_name_nobody(secretary, hours):
    row = booked(secretary, MAIL)
    later = free(3)
    appointments.move(row, later, by=secretary, why="Совещание")
    sent = letters()
    row.refresh_from_db()
    assert [letter.subject for letter in sent] == ["Время личного приёма изменено"], "only what is still true"
    assert f"{timezone.localtime(later.starts_at):%d.%m.%Y}" in sent[0].text
    assert links.token_of(row) in sent[0].text
    appointments.cancel(row, by=secretary, why="Командировка")
    assert "Командировка" in letters()[-1].text
    subjects = " ".join(letter.subject for letter in letters())
    assert "Сазонов" not in subjects
    assert len({letter.thread_id for letter in letters()}) == 1


def test_a_day_before_a_reminder_comes_once(secretary, hours):
    mail, phone = booked(secretary, MAIL), booked(secretary, IVANOVA, 1)
    Appointment.objects.update(made_at=timezone.now() - timedelta(days=20))
    before = mail.starts_at - timedelta(days=1)
    assert notices.remind(before - timedelta(days=7)) == 0
    made = notices.remind(before) + notices.remind(before)
    kinds = set(AppointmentNotice.objects.filter(kind="reminder").values_list("appointment", "way"))
    assert (mail.pk, "email") in kinds
    assert made == len(kinds)
    assert phone.starts_at > before


def test_by_telephone_monday_is_told_on_friday(secretary, official):
    room = people.room()
    people.rule(official, room)
    monday = date(2026, 12, 7)
    slot = finder.free(monday, monday)[0]
    row = appointments.book(slot, IVANOVA, source="phone", by=secretary)
    Appointment.objects.update(made_at=timezone.make_aware(datetime(2026, 11, 20)))
    assert notices.remind(timezone.make_aware(datetime(2026, 12, 3, 9))) == 0
    assert notices.remind(timezone.make_aware(datetime(2026, 12, 4, 9))) == 1
    assert notices.remind(timezone.make_aware(datetime(2026, 12, 6, 9))) == 0
    assert AppointmentNotice.objects.get(kind="reminder").appointment == row


def test_whom_to_call_stays_on_the_list_until_he_is_told(secretary, hours):
    row = booked(secretary)
    appointments.move(row, free(2), by=secretary, why="Совещание")
    client = desk(secretary)
    page = client.get(at("visit_notices")).content.decode()
    assert "+7 ••• 01" in page
    assert "000-00-01" not in page
    notice = notices.to_call().get()
    assert 'href="tel:+7 913 000-00-01"' in client.get(at("visit_notice", notice.pk)).content.decode()
    assert client.post(at("visit_notice", notice.pk), {"result": ""}).status_code == 422
    client.post(at("visit_notice", notice.pk), {"result": "no_answer"})
    assert notices.to_call().count() == 1
    client.post(at("visit_notice", notice.pk), {"result": "told", "note": "придёт"})
    assert notices.to_call().count() == 0
    assert client.post(at("visit_notice", notice.pk), {"result": "told"}).status_code == 409
    assert JournalEntry.objects.filter(action="appointment.told").count() == 2


def test_a_letter_that_did_not_arrive_becomes_a_call(secretary, hours):
    booked(secretary, MAIL | {"phone": "+7 913 000-00-02"})
    [letter] = letters()
    assert notices.to_call().count() == 0
    OutgoingMessage.objects.filter(pk=letter.pk).update(state="failed")
    assert notices.to_call().count() == 1


def test_workers_remind_and_offer():
    names = {job.name for job in jobs.periodic()}
    assert {"remind-of-receptions", "offer-free-receptions"} <= names


# --- the link ---------------------------------------------------------------------------------------------------------


def test_by_the_link_a_citizen_looks_confirms_moves_and_cancels(secretary, hours):
    row = booked(secretary, MAIL)
    client, place = Client(), f"/reception/{links.token_of(row)}/"
    page = client.get(place).content.decode()
    assert "Сазонов" not in page, "who finds the link learns no name"
    assert "sazonov@" not in page
    client.post(place, {"step": "confirm"})
    row.refresh_from_db()
    assert row.confirmed_at
    assert "Выберите другое время" in client.get(place + "?move=1").content.decode()
    target = free(3)
    client.post(place, {"step": "move", "slot": appointments.named(target)})
    row.refresh_from_db()
    assert (row.starts_at, row.cells.count()) == (target.starts_at, 8)
    assert row.moved.get().by is None
    client.post(place, {"step": "cancel"})
    row.refresh_from_db()
    assert (row.state, row.cells.count()) == ("cancelled", 0)
    assert "отменена" in client.get(place).content.decode().lower()
    assert journal.verify() == []


def test_by_the_link_nobody_goes_to_another_official_or_a_taken_time(secretary, hours):
    row = booked(secretary, MAIL)
    other = people.official("other", "Другая")
    people.rule(other, people.room(), weekday=2)
    place = f"/reception/{links.token_of(row)}/"
    theirs = free(official=other)
    for slot in ("1.2.3", appointments.named(theirs)):
        answer = Client().post(place, {"step": "move", "slot": slot})
        assert answer.status_code == 409
    row.refresh_from_db()
    assert row.moves == 0


def test_a_wrong_link_finds_nothing_and_cannot_be_tried_for_long(secretary, hours):
    row = booked(secretary, MAIL)
    most, _ = limits.ALLOWED[FormAttempt.Form.VISIT]
    client = Client()
    right = links.token_of(row)
    codes = [client.get(f"/reception/{right[:-1]}{number % 2}/").status_code for number in range(most)]
    assert set(codes) == {404}, "a link that is nearly right looks like any other"
    assert client.get(f"/reception/{'2' * 26}/").status_code == 429
    assert client.get(f"/reception/{right}/").status_code == 200


def test_a_link_dies_a_month_after_the_reception(secretary, hours):
    row = booked(secretary, MAIL)
    past = timezone.now() - timedelta(days=31)
    Appointment.objects.filter(pk=row.pk).update(starts_at=past - timedelta(minutes=20), ends_at=past, state="done")
    assert Client().get(f"/reception/{links.token_of(row)}/").status_code == 404


def test_an_unclear_request_keeps_what_was_typed(hours):
    answer = Client().post("/reception/ask/", {**IVANOVA, "phone": "", "notify": "phone", "matter": "Аренда"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Напишите номер телефона" in page
    assert 'value="Иванова"' in page
    assert not AppointmentRequest.objects.exists()
