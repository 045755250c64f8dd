"""The front office (п. 35.2): no rule is got round by function, by a direct save, by a bulk update."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.people.applicants import Typed
from otklik.people.models import Applicant, Employee
from otklik.reception import consent_texts, front_office, holding, moves, numbers
from otklik.reception.models import Appointment, Authority, CardCounter, NoCard, ReceptionCard, SlotCell
from tests.reception import people
from tests.reception.test_schedule_pages import signed_in, text

pytestmark = pytest.mark.django_db

S = ReceptionCard.State
LATER = 2 * 365


def soon(minutes=0):
    """Give a moment of today on a border of five minutes, as slots begin."""
    now = timezone.now()
    return now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0) + timedelta(minutes=minutes)


@pytest.fixture(autouse=True)
def noon(monkeypatch):
    """Let it be Monday, ten in the morning: no test runs into midnight, and Monday's rules hold."""
    at = people.moment(2026, 11, 23, 10, 2)
    monkeypatch.setattr(timezone, "now", lambda: at)
    return at


@pytest.fixture
def secretary():
    return people.employee("desk", "Встречаева", "receptionist")


@pytest.fixture
def official():
    return people.official()


@pytest.fixture
def recorded():
    return people.room("Зал с видео", has_video=True, has_audio=True)


@pytest.fixture
def quiet():
    return people.room("Кабинет без видео")


@pytest.fixture
def booked(official, secretary):
    def made(room, starts_at=None, **changes):
        return people.appointment(official, room, starts_at or soon(), by=secretary, **changes)

    return made


@pytest.fixture
def opened(booked, secretary):
    def made(room, **changes):
        return front_office.open_card(booked(room, **changes), by=secretary)

    return made


def document(card, by, **changes):
    front_office.check_document(card, **{"document": "passport", "matches": True, "by": by, **changes})


def agreed(card, by, *, video="given", audio="given"):
    front_office.inform(card, video=video, audio=audio, by=by)


@pytest.fixture
def complete(opened, secretary):
    def made(room):
        card = opened(room)
        document(card, secretary)
        agreed(card, secretary)
        return card

    return made


# --- coming in --------------------------------------------------------------------------------------------------------


def test_who_comes_gets_a_card_with_number_room_and_authority(booked, recorded, secretary, official):
    row = booked(recorded)
    card = front_office.open_card(row, by=secretary)
    assert (card.number, card.state, card.official, card.room) == ("ЛП-2026-0001", S.CHECK_IN, official, recorded)
    assert card.authority.official == official
    assert (card.room_video, card.room_audio, card.video, card.audio) == (True, True, "", "")
    assert len(card.room_why) == 5
    assert row.state == "arrived"
    assert row.arrived_at is not None
    assert row.applicant == card.applicant
    assert front_office.open_card(booked(recorded, soon(20)), by=secretary).number == "ЛП-2026-0002"


def test_a_rollback_gives_the_number_back_and_years_are_counted_apart(secretary):
    with transaction.atomic():
        assert numbers.next_number(people.moment(2026, 12, 31, 23).date()) == "ЛП-2026-0001"
        transaction.set_rollback(True)
    assert numbers.next_number(people.moment(2026, 12, 31, 23).date()) == "ЛП-2026-0001"
    assert numbers.next_number(people.moment(2027, 1, 1, 0).date()) == "ЛП-2027-0001"


def test_a_second_secretary_is_told_by_name_who_meets_him(booked, quiet, secretary):
    row = booked(quiet)
    front_office.open_card(row, by=secretary)
    other = people.employee("desk2", "Вторых", "receptionist")
    with pytest.raises(front_office.AlreadyCheckedIn, match="Встречаева"):
        front_office.open_card(row, by=other)
    assert ReceptionCard.objects.count() == 1


@pytest.mark.parametrize("state", ["cancelled", "no_show", "no_card", "done", "received"])
def test_an_appointment_that_has_ended_gets_no_card(booked, quiet, secretary, state):
    row = booked(quiet, state=state)
    with pytest.raises(front_office.NotComing):
        front_office.open_card(row, by=secretary)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_card_is_of_the_day_of_the_reception(booked, quiet, secretary, days):
    with pytest.raises(front_office.NotToday):
        front_office.open_card(booked(quiet, soon(days * 24 * 60)), by=secretary)
    assert not ReceptionCard.objects.exists()


def test_the_day_is_the_local_one_at_midnight(booked, quiet, secretary, monkeypatch):
    row = booked(quiet, people.moment(2026, 12, 31, 23, 40))
    monkeypatch.setattr(timezone, "now", lambda: people.moment(2026, 12, 31, 23, 59))
    assert front_office.open_card(row, by=secretary).number == "ЛП-2026-0001"
    late = booked(quiet, people.moment(2026, 12, 31, 23, 0))
    monkeypatch.setattr(timezone, "now", lambda: people.moment(2027, 1, 1, 0, 1))
    with pytest.raises(front_office.NotToday):
        front_office.open_card(late, by=secretary)


def test_without_an_authority_of_the_day_there_is_no_card(booked, quiet, secretary):
    Authority.objects.update(valid_to=people.moment(2026, 11, 22).date())
    with pytest.raises(front_office.NotAuthorised, match="перепоручать"):
        front_office.open_card(booked(quiet), by=secretary)


def test_only_the_desk_meets(complete, booked, quiet, official):
    card = complete(quiet)
    steps = [
        lambda: front_office.open_card(booked(quiet, soon(40)), by=official),
        lambda: document(card, official),
        lambda: agreed(card, official),
        lambda: front_office.fill_in(card, Typed(last_name="Иванова", first_name="Мария"), by=official),
        lambda: front_office.ready(card, by=official),
        lambda: front_office.back(card, by=official),
        lambda: front_office.end(card, why="Ушёл", by=official),
        lambda: front_office.turn_away(card.appointment, why="no_document", offered="written", by=official),
        lambda: front_office.change_room(card, quiet, by=people.employee("other", "Чужакова", "executor")),
    ]
    before = JournalEntry.objects.count()
    for step in steps:
        with pytest.raises(PermissionDenied):
            step()
    assert JournalEntry.objects.filter(chain__startswith="reception").count() <= before


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_is_noted_by_whom_and_when_and_its_number_hidden(opened, quiet, secretary, noon):
    card = opened(quiet)
    document(card, secretary, number="50 04 123456")
    card = ReceptionCard.objects.get()
    assert (card.document, card.document_matches, card.document_by, card.document_at) == (
        "passport", True, secretary, noon,
    )  # fmt: skip
    assert card.document_number == "••• 456"
    document(card, secretary)
    assert ReceptionCard.objects.get().document_number == "", "kept only where it is asked for"
    assert front_office.hidden("123") == ""
    entry = JournalEntry.objects.filter(action="reception.document_checked").latest("seq")
    assert "456" not in str(entry.data)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"document": ""}, front_office.NoSuchDocument),
        ({"document": "driving"}, front_office.NoSuchDocument),
        ({"document": "other"}, front_office.DocumentUnnamed),
        ({"matches": None}, front_office.NotCompared),
        ({"matches": False}, front_office.DifferencesUnnamed),
    ],
)
def test_half_a_comparison_is_refused(opened, quiet, secretary, given, refusal):
    card = opened(quiet)
    with pytest.raises(refusal):
        document(card, secretary, **given)
    assert ReceptionCard.objects.get().document_at is None


def test_differences_send_a_ready_card_back(complete, quiet, secretary):
    card = complete(quiet)
    front_office.ready(card, by=secretary)
    document(card, secretary, matches=False, note="Другая фамилия")
    assert ReceptionCard.objects.get().state == S.CHECK_IN
    with pytest.raises(front_office.NotReady, match="данные документа не совпали"):
        front_office.ready(card, by=secretary)


def test_missing_data_are_filled_in_and_what_is_known_stays(opened, quiet, secretary):
    known = Applicant.objects.create(last_name="Иванова", first_name="Мария", name_key="иванова мария")
    card = opened(quiet, applicant=known)
    document(card, secretary)
    typed = Typed(
        last_name="Иванова", first_name="Мария", patronymic="Петровна", address="г. Новосибирск, ул. Новая, 1"
    )
    front_office.fill_in(card, typed, by=secretary)
    known.refresh_from_db()
    assert (known.patronymic, known.address) == ("Петровна", "г. Новосибирск, ул. Новая, 1")
    assert known.name_key == "иванова мария петровна"
    assert ReceptionCard.objects.get().document_matches
    front_office.fill_in(card, Typed(last_name="Иванова", first_name="Мария", address="Другой"), by=secretary)
    known.refresh_from_db()
    assert known.address == "г. Новосибирск, ул. Новая, 1"


def test_another_name_is_another_person_and_the_document_is_compared_again(complete, quiet, secretary):
    card = complete(quiet)
    was = card.applicant_id
    front_office.ready(card, by=secretary)
    front_office.fill_in(card, Typed(last_name="Иванкова", first_name="Мария"), by=secretary)
    card = ReceptionCard.objects.get()
    assert card.applicant_id != was
    assert (card.state, card.document_matches, card.document_at) == (S.CHECK_IN, None, None)
    assert card.appointment.last_name == "Иванкова"
    with pytest.raises(front_office.NoName):
        front_office.fill_in(card, Typed(last_name="Иванкова"), by=secretary)


# --- recording and the room -------------------------------------------------------------------------------------------


def test_consents_are_kept_apart_with_the_version_of_the_text(opened, recorded, secretary):
    card = opened(recorded)
    for given, what in (({"video": ""}, "видеозапись"), ({"audio": "maybe"}, "аудиозапись")):
        with pytest.raises(front_office.NotAsked, match=what):
            agreed(card, secretary, **given)
    agreed(card, secretary, video="given", audio="refused")
    card = ReceptionCard.objects.get()
    assert (card.video, card.audio, card.consent_text) == ("given", "refused", "1")
    assert card.informed_at is not None
    today = timezone.localdate()
    consent_texts.replace("Новые слова", valid_from=today, today=today, by=secretary)
    agreed(card, secretary)
    assert ReceptionCard.objects.get().consent_text == "2"


def test_a_new_edition_ends_the_one_before_and_the_past_is_not_rewritten(secretary):
    today = timezone.localdate()
    first = consent_texts.current(today)
    consent_texts.replace("Новые слова", valid_from=today + timedelta(days=3), today=today, by=secretary)
    assert consent_texts.current(today) == first
    assert consent_texts.current(today + timedelta(days=3)).version == "2"
    for day in (today, today + timedelta(days=3), today - timedelta(days=LATER)):
        with pytest.raises(consent_texts.DayTaken):
            consent_texts.replace("Ещё", valid_from=day, today=today, by=secretary)
    with pytest.raises(consent_texts.NoText):
        consent_texts.replace("  ", valid_from=today + timedelta(days=9), today=today, by=secretary)


def test_in_a_room_without_equipment_the_step_closes_itself(opened, quiet, secretary):
    card = opened(quiet)
    assert (card.video, card.audio) == ("no_equipment", "no_equipment")
    assert card.informed_at is not None
    document(card, secretary)
    front_office.ready(card, by=secretary)
    assert ReceptionCard.objects.get().state == S.READY


def test_each_missing_mark_is_named(opened, recorded, secretary):
    card = opened(recorded)
    with pytest.raises(front_office.NotReady) as refused:
        front_office.ready(card, by=secretary)
    for mark in ("не сверен документ", "не сообщено о видео", "согласие на видеозапись", "согласие на аудиозапись"):
        assert mark in str(refused.value)
    assert ReceptionCard.objects.get().state == S.CHECK_IN


def test_who_refuses_video_is_not_ready_until_another_room_is_chosen(opened, recorded, quiet, secretary):
    card = opened(recorded)
    document(card, secretary)
    agreed(card, secretary, video="refused")
    with pytest.raises(front_office.NotReady, match="выберите помещение без системы"):
        front_office.ready(card, by=secretary)
    with pytest.raises(moves.RoomHasVideo):
        moves.move(card, S.READY, by=secretary)
    offer = front_office.offer_rooms(card)
    assert [one.room for one in offer.rooms] == [quiet]
    assert len(offer.rooms[0].why) == 5
    front_office.change_room(card, quiet, by=secretary)
    card = ReceptionCard.objects.get()
    assert (card.room, card.room_video, card.video) == (quiet, False, "refused")
    assert card.appointment.room == quiet
    resources = set(SlotCell.objects.values_list("resource", flat=True))
    assert resources == {f"official:{card.official_id}", f"room:{quiet.pk}:1"}
    front_office.ready(card, by=secretary)
    with pytest.raises(moves.RoomHasVideo):
        front_office.change_room(card, recorded, by=secretary)


def test_a_refusal_sends_a_ready_card_back(complete, recorded, secretary):
    card = complete(recorded)
    front_office.ready(card, by=secretary)
    agreed(card, secretary, video="refused")
    assert ReceptionCard.objects.get().state == S.CHECK_IN


def test_a_room_with_a_system_asks_again_what_was_closed_by_itself(complete, quiet, recorded, secretary):
    card = complete(quiet)
    front_office.ready(card, by=secretary)
    front_office.change_room(card, recorded, by=secretary)
    card = ReceptionCard.objects.get()
    assert (card.state, card.video, card.audio) == (S.CHECK_IN, "", "")
    with pytest.raises(front_office.NotReady, match="согласие на видеозапись"):
        front_office.ready(card, by=secretary)


def test_a_room_that_is_taken_or_barred_is_neither_offered_nor_given(opened, recorded, quiet, secretary, official):
    unfit = people.room("Неисправный", without=["fire_safety"])
    people.appointment(people.official("official2", "Зайцева"), quiet, soon(), by=secretary)
    card = opened(recorded)
    agreed(card, secretary, video="refused")
    offer = front_office.offer_rooms(card)
    assert offer.rooms == []
    with pytest.raises(front_office.RoomTaken, match=quiet.name):
        front_office.change_room(card, quiet, by=secretary)
    with pytest.raises(front_office.RoomBarred, match="пожарная безопасность"):
        front_office.change_room(card, unfit, by=secretary)
    card.refresh_from_db()
    assert card.room == recorded
    assert SlotCell.objects.filter(appointment=card.appointment, resource__startswith=f"room:{recorded.pk}").exists()


def test_a_free_seat_of_a_room_for_several_is_taken(opened, recorded, secretary):
    hall = people.room("Зал", seats=2)
    people.appointment(people.official("official2", "Зайцева"), hall, soon(), by=secretary)
    card = opened(recorded)
    front_office.change_room(card, hall, by=secretary)
    assert Appointment.objects.get(pk=card.appointment_id).seat == 2


def test_who_needs_access_is_led_to_an_accessible_room_only(opened, recorded, secretary):
    stairs = people.room("Второй этаж", without=["accessible"])
    card = opened(recorded, needs_access=True)
    agreed(card, secretary, video="refused")
    assert stairs not in [one.room for one in front_office.offer_rooms(card).rooms]
    with pytest.raises(front_office.RoomBarred, match="доступность"):
        front_office.change_room(card, stairs, by=secretary)


def test_without_a_free_room_the_next_time_is_offered_and_the_turn_is_kept(
    opened, booked, recorded, official, secretary
):
    room = people.room("Позже")
    people.rule(official, recorded)
    other = people.official("official2", "Зайцева")
    people.appointment(other, room, soon(), by=secretary, minutes=40)
    card = opened(recorded)
    began = card.appointment.starts_at
    document(card, secretary)
    agreed(card, secretary, video="refused")
    offer = front_office.offer_rooms(card)
    assert offer.rooms == []
    at = [timezone.localtime(one.slot.starts_at).strftime("%d %H:%M") for one in offer.later]
    assert at == ["23 10:40", "23 11:00", "23 11:20", "23 11:40"]
    front_office.change_room(card, offer.later[0].room, slot=offer.later[0].slot, by=secretary)
    row = Appointment.objects.get(pk=card.appointment_id)
    assert (row.room, row.kept_turn, row.state) == (room, began, "arrived")
    assert row.starts_at == people.moment(2026, 11, 23, 10, 40)
    held = SlotCell.objects.filter(appointment=row)
    assert held.count() == 8
    assert min(held.values_list("cell", flat=True)) == row.starts_at
    front_office.ready(card, by=secretary)
    later = booked(recorded, people.moment(2026, 11, 23, 10, 20))
    assert [one.pk for one in front_office.board(timezone.localdate())][:2] == [
        row.pk,
        other.appointments.get().pk,
    ] or [one.pk for one in front_office.board(timezone.localdate())].index(row.pk) < [
        one.pk for one in front_office.board(timezone.localdate())
    ].index(later.pk)


def test_moved_to_another_day_he_shows_his_document_again(opened, recorded, official, secretary):
    people.room("Позже")
    people.rule(official, recorded, weekday=1)
    card = opened(recorded)
    document(card, secretary)
    agreed(card, secretary, video="refused")
    later = front_office.offer_rooms(card).later[0]
    front_office.change_room(card, later.room, slot=later.slot, by=secretary)
    row = Appointment.objects.get()
    assert (row.state, row.arrived_at, row.kept_turn) == ("booked", None, soon())
    assert ReceptionCard.objects.get().document_at is None
    with pytest.raises(front_office.NotReady, match=r"приём назначен на 24\.11\.2026"):
        front_office.ready(card, by=secretary)


def test_a_time_somebody_took_meanwhile_changes_nothing(opened, recorded, official, secretary):
    people.room("Позже")
    people.rule(official, recorded)
    card = opened(recorded)
    agreed(card, secretary, video="refused")
    later = front_office.offer_rooms(card).later[0]
    people.appointment(official, people.room(), later.slot.starts_at, by=secretary)
    before = list(SlotCell.objects.order_by("pk").values_list("pk", flat=True))
    with pytest.raises(front_office.TimeTaken):
        front_office.change_room(card, later.room, slot=later.slot, by=secretary)
    assert list(SlotCell.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert Appointment.objects.get(pk=card.appointment_id).kept_turn is None


def test_a_paused_reception_goes_on_in_another_room_by_its_official(complete, recorded, quiet, secretary, official):
    card = complete(recorded)
    front_office.ready(card, by=secretary)
    moves.move(card, S.OPEN, by=official, started_at=timezone.now())
    moves.move(card, S.PAUSED, by=official, video="withdrawn")
    with pytest.raises(moves.RoomHasVideo):
        holding.resume(card, by=official)
    with pytest.raises(moves.RoomHasVideo):
        moves.move(card, S.OPEN, by=official)
    with pytest.raises(moves.RoomHasVideo):
        front_office.change_room(card, recorded, by=official)
    assert [one.room for one in front_office.offer_rooms(card).rooms] == [quiet]
    front_office.change_room(card, quiet, by=official)
    with pytest.raises(holding.MayNotHold):
        holding.resume(card, by=secretary)
    holding.resume(card, by=official)
    assert ReceptionCard.objects.get().state == S.OPEN


def test_midway_nobody_is_led_to_where_he_would_be_recorded_untold(complete, secretary, official):
    card = complete(people.room(has_video=True))
    audio = people.room("С аудио", has_audio=True)
    front_office.ready(card, by=secretary)
    moves.move(card, S.OPEN, by=official, started_at=timezone.now())
    moves.move(card, S.PAUSED, by=official, video="withdrawn")
    assert front_office.offer_rooms(card).rooms == []
    with pytest.raises(front_office.AudioUntold):
        front_office.change_room(card, audio, by=official)


def test_a_room_barred_since_the_card_was_opened_is_no_room(complete, quiet, secretary):
    card = complete(quiet)
    quiet.checks.filter(property="sanitary").update(valid_until=people.moment(2026, 11, 22).date())
    with pytest.raises(front_office.NotReady, match="санитарно"):
        front_office.ready(card, by=secretary)


def test_video_put_into_the_room_meanwhile_is_seen(complete, quiet, secretary):
    card = complete(quiet)
    quiet.has_video = True
    quiet.save()
    card = ReceptionCard.objects.get()
    with pytest.raises(front_office.NotReady, match="оборудование помещения изменилось"):
        front_office.ready(card, by=secretary)


# --- past the functions -----------------------------------------------------------------------------------------------

BROKEN = [
    {"document_matches": None},
    {"document_matches": False},
    {"document_at": None},
    {"document": ""},
    {"document_by": None},
    {"document": "other", "document_other": ""},
    {"informed_at": None},
    {"video": ""},
    {"audio": ""},
    {"consent_text": ""},
    {"video": "refused"},
    {"video": "withdrawn"},
    {"video": "no_equipment"},
    {"audio": "no_equipment"},
]


@pytest.mark.parametrize("state", ["ready", "open", "finished"])
@pytest.mark.parametrize("broken", BROKEN)
def test_the_table_itself_refuses_what_the_order_forbids(complete, recorded, secretary, broken, state):
    card = complete(recorded)
    done = {"introduced_at": timezone.now(), "applied_before": False, "started_at": timezone.now()}
    done |= {"finished_at": timezone.now(), "finished_by": card.official}
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceptionCard.objects.filter(pk=card.pk).update(**{**done, "state": state, **broken})
    card = ReceptionCard.objects.get()
    for name, value in {**done, "state": state, **broken}.items():
        setattr(card, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        card.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        ReceptionCard.objects.bulk_update([card], ["state", *done, *broken])
    ReceptionCard.objects.filter(pk=card.pk).update(**{**done, "state": state})  # whole, it passes


def test_two_cards_of_one_appointment_and_of_one_blank_are_refused_by_the_table(complete, opened, quiet, recorded):
    card = complete(quiet)
    card.pk, card.number = None, "ЛП-2026-0099"
    with pytest.raises(IntegrityError), transaction.atomic():
        card.save(force_insert=True)
    opened(recorded, starts_at=soon(40))
    for broken in ({"from_paper": True}, {"paper_number": "Б-2026-0001"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ReceptionCard.objects.update(**broken)


# --- not received -----------------------------------------------------------------------------------------------------


def test_without_a_document_there_is_no_card_but_an_offer_and_its_reason(booked, quiet, secretary):
    row = booked(quiet)
    for given in ({"why": "", "offered": "written"}, {"why": "no_document", "offered": "nothing"}):
        with pytest.raises(front_office.NoGround):
            front_office.turn_away(row, **given, by=secretary)
    front_office.turn_away(row, why="no_document", offered="written", note="Забыл дома", by=secretary)
    refusal = NoCard.objects.get()
    assert (refusal.why, refusal.offered, refusal.by, refusal.note) == (
        "no_document", "written", secretary, "Забыл дома",
    )  # fmt: skip
    assert (row.state, row.ended_why) == ("no_card", "нет документа, удостоверяющего личность")
    assert not ReceptionCard.objects.exists()
    assert not row.cells.exists()
    with pytest.raises(front_office.NotComing):
        front_office.turn_away(row, why="no_document", offered="written", by=secretary)
    with pytest.raises(front_office.NotComing):
        front_office.open_card(row, by=secretary)


def test_with_a_document_that_does_not_match_the_card_ends(opened, quiet, secretary):
    card = opened(quiet)
    document(card, secretary, matches=False, note="Чужой паспорт")
    front_office.turn_away(card.appointment, why="not_matching", offered="new_time", by=secretary)
    card = ReceptionCard.objects.get()
    assert (card.state, card.ended_why) == (S.ENDED, "документ не совпадает с карточкой")
    assert card.appointment.state == "no_card"


def test_who_left_is_noted_with_the_reason(complete, quiet, secretary, official):
    card = complete(quiet)
    with pytest.raises(moves.EndedWithoutReason):
        front_office.end(card, why="  ", by=secretary)
    front_office.ready(card, by=secretary)
    moves.move(card, S.OPEN, by=official, started_at=timezone.now())
    with pytest.raises(PermissionDenied):
        front_office.end(card, why="Ушёл", by=secretary)
    front_office.end(card, why="Прервал приём", by=official)
    assert ReceptionCard.objects.get().ended_why == "Прервал приём"


@pytest.mark.parametrize("state", ["open", "paused", "finished", "ended"])
def test_once_begun_or_over_the_front_office_changes_nothing(booked, quiet, secretary, state):
    card = people.card(booked(quiet), by=secretary, state=state)
    for step in (
        lambda: document(card, secretary),
        lambda: agreed(card, secretary),
        lambda: front_office.fill_in(card, Typed(last_name="Иванова", first_name="Мария"), by=secretary),
    ):
        with pytest.raises(front_office.TooLate):
            step()
    assert ReceptionCard.objects.get().version == 1


# --- paper ------------------------------------------------------------------------------------------------------------


def test_a_card_written_on_paper_is_entered_later_by_its_blank_once(booked, quiet, secretary):
    yesterday = soon(-24 * 60)
    row = booked(quiet, yesterday)
    for number in ("Б-2026-0001", "0001", "Б-2026-0000"):
        with pytest.raises(numbers.NoSuchBlank):
            front_office.open_card(row, by=secretary, paper_number=number)
    assert numbers.next_blanks(2, timezone.localdate()) == ["Б-2026-0001", "Б-2026-0002"]
    assert CardCounter.objects.get(kind="blank").last == 2
    card = front_office.open_card(row, by=secretary, paper_number=" б-2026-2 ")
    assert (card.from_paper, card.paper_number) == (True, "Б-2026-0002")
    assert row.arrived_at == yesterday
    document(card, secretary)
    front_office.ready(card, by=secretary)
    other = booked(quiet, soon(-48 * 60))
    with pytest.raises(front_office.BlankUsed, match=card.number):
        front_office.open_card(other, by=secretary, paper_number="Б-2026-0002")
    with pytest.raises(front_office.PaperOfTomorrow):
        front_office.open_card(booked(quiet, soon(24 * 60)), by=secretary, paper_number="Б-2026-0001")


# --- the board --------------------------------------------------------------------------------------------------------


def test_the_order_is_out_of_turn_then_time_then_arrival(booked, quiet, official):
    people.rule(official, quiet)
    rows = {
        "last": booked(quiet, soon(60), state="arrived", arrived_at=soon(-30)),
        "first": booked(quiet, soon(80), state="arrived", arrived_at=soon(), out_of_turn="Ветеран: удостоверение"),
        "walked": booked(quiet, soon(100), state="arrived", arrived_at=soon(-5), source="walk_in"),
        "booked": booked(quiet, soon(20)),
        "kept": booked(quiet, soon(40), kept_turn=soon(-60)),
    }
    booked(quiet, soon(120), state="cancelled")
    booked(quiet, soon(24 * 60))
    order = [row.pk for row in front_office.board(timezone.localdate())]
    assert order == [rows[name].pk for name in ("first", "kept", "walked", "booked", "last")]
    assert front_office.waited(rows["last"], timezone.now()) == timedelta(minutes=32)
    assert front_office.waited(rows["booked"], timezone.now()) is None


def test_the_board_asks_once_however_many_come(booked, quiet, secretary):
    people.card(booked(quiet), by=secretary)
    for minutes in range(20, 200, 20):
        booked(quiet, soon(minutes))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for row in front_office.board(timezone.localdate()):
            front_office.waited(row, timezone.now())
            assert row.official.short_name
            assert row.room.name
    assert len(asked) == 1


def test_a_deputy_has_no_authority_of_his(booked, quiet, secretary):
    deputy = people.employee("deputy", "Заменова", "signer")
    row = booked(quiet)
    Appointment.objects.filter(pk=row.pk).update(official=Employee.objects.get(pk=deputy.pk))
    row.refresh_from_db()
    with pytest.raises(front_office.NotAuthorised):
        front_office.open_card(row, by=secretary)


# --- who comes without an appointment ---------------------------------------------------------------------------------


def test_only_who_still_receives_today_is_offered_to_a_walk_in(official, quiet, secretary):
    people.rule(official, quiet, weekday=0)
    people.rule(people.official("other", "Вторникова"), people.room("Кабинет вторника"), weekday=1)
    page = text(signed_in(secretary).get("/desk/front/walk-in/"))
    assert "Волкова" in page
    assert "Вторникова" not in page


def test_where_nobody_receives_a_walk_in_is_led_to_another_day_with_what_was_typed(official, quiet, secretary):
    people.rule(official, quiet, weekday=1)
    desk = signed_in(secretary)
    assert "Сегодня приёма нет или он уже закончился" in text(desk.get("/desk/front/walk-in/"))
    sent = {"source": "in_person", "last_name": "Сидорова", "first_name": "Мария", "matter": "Гараж", "find": "1"}
    page = text(desk.post("/desk/appointments/new/", sent))
    assert 'value="Сидорова"' in page
    assert "Гараж" in page
