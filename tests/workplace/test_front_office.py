"""«Приём сегодня»: the board, check-in by steps, what a rule refuses stays typed; no page gets round a rule."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pypdf import PdfReader

from otklik.core.models import AccessEntry
from otklik.reception import front_office
from otklik.reception.models import Appointment, ConsentText, NoCard, ReceptionCard
from tests.desk import at, entered, told
from tests.reception import people

pytestmark = pytest.mark.django_db

NOW = people.moment(2026, 11, 23, 10, 2)
TEN = people.moment(2026, 11, 23, 10, 0)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    """Let it be Monday, ten in the morning."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def secretary():
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def client(secretary):
    return entered(secretary)


@pytest.fixture
def official():
    return people.official()


@pytest.fixture
def recorded():
    return people.room("Зал с видео", has_video=True)


@pytest.fixture
def booked(official, secretary):
    def made(room, starts_at=TEN, **changes):
        return people.appointment(official, room, starts_at, by=secretary, **changes)

    return made


def body(answer):
    return re.sub(r"<svg.*?</svg>", "", answer.content.decode(), flags=re.DOTALL)


def card():
    return ReceptionCard.objects.select_related("appointment", "room", "official").get()


def does(client, step, **given):
    one = card()
    return client.post(at("check_in", one.pk), {"step": step, "version": one.version, **given})


def test_the_board_shows_who_when_where_and_how_long_he_waits_names_masked(client, booked, recorded):
    booked(recorded, state="arrived", arrived_at=NOW - timedelta(minutes=12), out_of_turn="Удостоверение ветерана")
    booked(recorded, TEN + timedelta(minutes=20), last_name="Петрова")
    said = body(client.get(at("front_office")))
    assert "Ив••• М. П." in said
    assert "ждёт 12 мин" in said
    assert "вне очереди" in said
    assert "Волкова А. П." in said
    assert "Зал с видео" in said
    for secret in ("Иванова", "Петрова", "913", "ветеран"):
        assert secret not in told(said)
    assert said.index("Ждут в приёмной") < said.index("Ещё не пришли")
    part = body(client.get(at("front_board")))
    assert "Ив••• М. П." in part
    assert "<html" not in part
    assert "никто не записан" in body(client.get(at("front_office") + "?on=2026-11-24"))
    assert "Ив•••" in body(client.get(at("front_office") + "?on=чушь")), "odd days show today"


def test_the_tabs_of_the_board_lead_to_days_of_reception(client, official, booked, recorded):
    people.rule(official, recorded, weekday=0)  # Mondays
    booked(recorded, people.moment(2026, 11, 26, 10, 0))  # somebody was to come on a Thursday without hours
    booked(recorded, people.moment(2026, 11, 25, 10, 0), state="cancelled")
    said = body(client.get(at("front_office") + "?on=2026-11-27"))
    assert "?on=2026-11-26" in said
    assert "?on=2026-11-30" in said, "the weekend is passed over"
    said = body(client.get(at("front_office") + "?on=2026-11-26"))
    assert "?on=2026-11-23" in said, "a cancelled appointment brings nobody"


def test_where_nobody_receives_the_tabs_lead_to_working_days(client):
    said = body(client.get(at("front_office") + "?on=2026-11-27"))
    assert "?on=2026-11-26" in said
    assert "?on=2026-11-30" in said


def test_the_board_keeps_within_its_budget_of_questions(client, booked, recorded):
    for minutes in range(0, 400, 20):
        booked(recorded, TEN + timedelta(minutes=minutes))
    people.card(Appointment.objects.order_by("starts_at")[0], state="check_in")
    for name in ("front_office", "front_board"):
        client.get(at(name))
        with CaptureQueriesContext(connection) as asked:
            client.get(at(name))
        assert len(asked) <= 10, [one["sql"] for one in asked]


def test_who_only_books_sees_the_board_and_no_door_in_it(booked, recorded):
    row = booked(recorded)
    consultant = entered(people.employee("talker", "Голосова", "consultant"))
    said = body(consultant.get(at("front_office")))
    assert "Ив••• М. П." in said
    assert at("arrival", row.pk) not in said
    assert at("reception_blanks") not in said
    assert consultant.get(at("arrival", row.pk)).status_code == 403
    assert consultant.post(at("walk_in"), {}).status_code == 403


def test_from_arrival_to_ready_and_every_look_is_in_the_access_log(client, booked, recorded, secretary):
    row = booked(recorded, phone="")
    place = at("arrival", row.pk)
    assert "Иванова Мария Петровна" in body(client.get(place))
    client.post(place, {"step": "arrive"})
    row.refresh_from_db()
    assert row.state == "arrived"
    answer = client.post(place, {"step": "open"})
    assert answer["Location"] == at("check_in", card().pk)
    said = body(client.get(answer["Location"]))
    assert "редакция 1" in said
    assert "Не сверен документ" in said
    assert AccessEntry.objects.filter(action="applicant.revealed", actor=secretary).exists()
    assert does(client, "ready").status_code == 422

    refused = does(client, "document", document="other", same="yes", document_other="", note="Опечатка в имени")
    assert refused.status_code == 422
    assert "Напишите, какой это документ" in body(refused)
    assert 'value="Опечатка в имени"' in body(refused)
    does(client, "document", document="passport", same="yes", document_number="5004 123456")
    assert card().document_number == "", "kept only where it is asked for"
    does(client, "document", document="passport", same="yes", document_number="5004 123456", keep_number="on")
    assert card().document_number == "••• 456"
    address = "630000, г. Новосибирск, ул. Новая, 1"
    does(client, "data", last_name="Иванова", first_name="Мария", patronymic="Петровна", address=address)
    assert card().applicant.address == address
    does(client, "inform", video="given", audio="given")
    assert card().audio == "no_equipment"
    does(client, "ready")
    assert card().state == "ready"
    assert "может начать приём" in body(client.get(at("check_in", card().pk)))
    does(client, "back")
    assert card().state == "check_in"


def test_consent_withdrawn_midway_is_noted_by_the_desk_too_and_the_finished_card_leads_on(client, official, recorded):
    row = people.appointment(official, recorded, TEN, state="received", arrived_at=NOW)
    one = people.card(row, state="open")
    page = at("check_in", one.pk)
    assert "Заявитель отозвал согласие на видео" in body(client.get(page))
    assert does(client, "withdraw", kind="video").status_code == 302
    assert card().state == ReceptionCard.State.PAUSED
    said = body(client.get(page))
    assert "нужно другое" in said
    assert does(client, "withdraw", kind="video").status_code == 409, "twice changes nothing"
    ReceptionCard.objects.update(room=people.room("Без системы"), room_video=False)
    ReceptionCard.objects.update(
        state="finished", introduced_at=NOW, applied_before=False, finished_at=NOW, finished_by=official
    )
    said = body(client.get(page))
    assert at("reception_card", one.pk) in said
    assert "ждал 0 мин" in said


def test_the_cursor_stands_in_the_first_step_that_is_not_done(client, booked, recorded):
    client.post(at("arrival", booked(recorded).pk), {"step": "open"})
    quiet = people.room("Кабинет без видео")

    def cursor() -> str:
        page = body(client.get(at("check_in", card().pk))).split('id="content"')[-1]
        assert page.count(" autofocus") == 1
        return page.split(" autofocus")[0].rsplit("<", 1)[1]

    assert 'id="doc-kind"' in cursor()
    does(client, "document", document="passport", same="yes")
    assert 'name="video" value="given"' in cursor()
    does(client, "inform", video="refused")
    assert "btn-primary" in cursor()
    does(client, "room", room=quiet.pk)
    assert "готов к приёму" in cursor()


def test_a_refusal_of_video_offers_rooms_at_once_and_no_page_gets_round_it(client, booked, recorded):
    client.post(at("arrival", booked(recorded).pk), {"step": "open"})
    quiet, other = people.room("Кабинет без видео"), people.room("Второй с видео", has_video=True)
    does(client, "document", document="passport", same="yes")
    does(client, "inform", video="refused")
    said = body(client.get(at("check_in", card().pk)))
    assert "«запись выключена» его не заменяет" in said
    assert "Кабинет без видео" in said
    assert "Второй с видео" not in said
    refused = does(client, "ready")
    assert refused.status_code == 422
    assert "выберите помещение без системы" in body(refused)
    assert does(client, "room", room=other.pk).status_code == 422
    assert does(client, "room", room="999999").status_code == 422
    assert does(client, "resume").status_code == 403
    does(client, "room", room=quiet.pk)
    assert (card().room, card().room_video) == (quiet, False)
    does(client, "ready")
    assert card().state == "ready"


def test_without_a_free_room_the_next_time_is_given_and_the_turn_kept(client, booked, recorded, official, secretary):
    later = people.room("Позже")
    people.rule(official, recorded)
    people.appointment(people.official("official2", "Зайцева"), later, TEN, by=secretary)
    client.post(at("arrival", booked(recorded).pk), {"step": "open"})
    does(client, "inform", video="refused")
    said = body(client.get(at("check_in", card().pk)))
    assert "Сейчас свободного помещения нет" in said
    assert "Или ближайшее время" in said
    assert does(client, "room", room=later.pk, later="2026-11-23T23:00").status_code == 409
    does(client, "room", room=later.pk, later="2026-11-23T10:20")
    row = card().appointment
    assert (row.room, row.kept_turn, row.starts_at) == (later, TEN, TEN + timedelta(minutes=20))
    assert "очередь сохранена" in body(client.get(at("front_office")))


def test_the_second_secretary_reads_who_meets_him(client, booked, recorded, secretary):
    row = booked(recorded)
    client.post(at("arrival", row.pk), {"step": "open"})
    second = entered(people.employee("desk2", "Вторых", "receptionist"))
    answer = second.post(at("arrival", row.pk), {"step": "open"})
    assert answer.status_code == 409
    assert "Этого посетителя уже принимает Встречаева А. П." in body(answer)
    assert second.get(at("arrival", row.pk))["Location"] == at("check_in", card().pk)
    old = card().version
    does(client, "document", document="passport", same="yes")
    late = second.post(
        at("check_in", card().pk), {"step": "document", "version": old, "document": "passport", "same": "yes"}
    )
    assert late.status_code == 409
    assert "только что изменил другой сотрудник: Встречаева А. П." in body(late)


def test_without_a_document_the_reason_and_the_offer_are_kept_and_lead_on(client, booked, recorded):
    row = booked(recorded)
    refused = client.post(at("arrival", row.pk), {"step": "turn_away", "note": "Забыл дома"})
    assert refused.status_code == 422
    assert 'value="Забыл дома"' in body(refused)
    given = {"step": "turn_away", "why": "no_document", "offered": "written"}
    said = body(client.post(at("arrival", row.pk), given, follow=True))
    assert "Приём не проводится" in said
    assert at("new_appeal") in said
    assert not ReceptionCard.objects.exists()
    other = booked(recorded, TEN + timedelta(minutes=20))
    client.post(at("arrival", other.pk), {"step": "open"})
    does(client, "turn_away", why="not_matching", offered="consultation", note="Чужой паспорт")
    assert card().state == "ended"
    assert NoCard.objects.count() == 2
    assert "Приём не состоялся" in body(client.get(at("check_in", card().pk)))


def test_the_card_page_keeps_within_its_budget_of_questions(client, booked, recorded):
    client.post(at("arrival", booked(recorded).pk), {"step": "open"})
    place = at("check_in", card().pk)
    client.get(place)
    with CaptureQueriesContext(connection) as asked:
        client.get(place)
    reads = [one["sql"] for one in asked if "accessentry" not in one["sql"] and "chainhead" not in one["sql"]]
    reads = [one for one in reads if not one.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    assert len(reads) <= 12, reads


def test_who_holds_the_reception_sees_his_own_cards_only_and_none_of_the_desks_steps(
    client, booked, recorded, official
):
    client.post(at("arrival", booked(recorded).pk), {"step": "open"})
    his = entered(official)
    said = body(his.get(at("check_in", card().pk)))
    assert "Документ сверен" not in said
    assert "Иванова" not in said
    assert does(his, "document", document="passport", same="yes").status_code == 403
    assert entered(people.official("official2", "Зайцева")).get(at("check_in", card().pk)).status_code == 404


def test_who_came_without_an_appointment_is_written_down_from_the_board(client, official, recorded):
    people.rule(official, recorded)
    form = body(client.get(at("walk_in")))
    assert "Волкова А. П. — как освободится" in form
    assert "Волкова А. П. — сегодня в 10:20" in form
    given = {"last_name": "Сидорова", "first_name": "Ольга", "to": f"{official.pk}-1020", "out_of_turn": "Справка МСЭ"}
    assert client.post(at("walk_in"), given | {"last_name": ""}).status_code == 422
    answer = client.post(at("walk_in"), given)
    row = Appointment.objects.get(last_name="Сидорова")
    assert answer["Location"] == at("arrival", row.pk)
    assert (row.state, row.source, row.starts_at) == ("arrived", "walk_in", TEN + timedelta(minutes=20))
    assert client.post(at("walk_in"), given | {"to": "999"}).status_code == 422


def test_a_paper_card_of_yesterday_is_entered_by_its_blank(client, booked, recorded):
    row = booked(recorded, TEN - timedelta(days=1))
    place = at("arrival", row.pk)
    assert client.post(place, {"step": "open"}).status_code == 422
    printed = client.post(at("reception_blanks"), {"count": "2"})
    pages = [page.extract_text() for page in PdfReader(BytesIO(printed.content)).pages]
    assert len(pages) == 2
    assert "Б-2026-0002" in pages[1]
    for words in ("Документ сверен", "Видео", "Аудио", "представился", "Карточка личного приёма"):
        assert words in pages[0]
    assert client.post(at("reception_blanks"), {"count": "0"}).status_code == 422
    again = client.post(at("reception_blanks"), {"count": "1"})
    assert "Б-2026-0003" in PdfReader(BytesIO(again.content)).pages[0].extract_text()
    refused = client.post(place, {"step": "paper", "paper_number": "Б-2026-0009"})
    assert refused.status_code == 422
    assert 'value="Б-2026-0009"' in body(refused)
    client.post(place, {"step": "paper", "paper_number": "Б-2026-0002"})
    assert (card().from_paper, card().paper_number) == (True, "Б-2026-0002")
    assert "с бумаги: бланк Б-2026-0002" in body(client.get(at("check_in", card().pk)))
    assert "Б-2026-0002" in body(client.get(at("reception_blanks")))


def test_the_words_of_recording_have_editions(client, secretary):
    said = body(client.get(at("recording_words")))
    assert "Редакция 1" in said
    given = {"text": "Приём записывается.", "valid_from": "2026-11-24"}
    client.post(at("recording_words"), given)
    assert ConsentText.objects.count() == 2
    late = client.post(at("recording_words"), given | {"valid_from": "2026-11-20"})
    assert late.status_code == 422
    assert "Приём записывается." in body(late)


def test_nobody_but_the_powers_named_comes_in(booked, recorded, client):
    row = booked(recorded)
    client.post(at("arrival", row.pk), {"step": "open"})
    stranger = entered(people.employee("stranger", "Чужакова", "executor"))
    places = [at(name) for name in ("front_office", "front_board", "walk_in", "reception_blanks", "recording_words")]
    for place in [*places, at("arrival", row.pk), at("check_in", card().pk)]:
        assert stranger.get(place).status_code == 403, place
    assert front_office.lacks(card())
