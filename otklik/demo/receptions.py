"""Ninety days of personal reception: every step by its ordinary door, at its own past moment.

Rooms and authorities first, then who came and what he was told, then those who are still to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from itertools import cycle
from typing import Any, Final

from django.utils import timezone

from otklik.demo import citizens, clock
from otklik.demo.history import DAYS, Historian
from otklik.people.applicants import Typed
from otklik.people.models import Employee
from otklik.reception import (
    appointments,
    authority,
    finder,
    finishing,
    front_office,
    holding,
    instructions,
    outcomes,
    rooms,
    schedule,
    waiting,
)
from otklik.reception.models import Appointment, NoCard, ReceptionCard, ReceptionRule, Room, RoomCheck, Source
from otklik.reception.schedule import Slot

SHARE: Final = 0.34  # of the times of a past day that somebody came at
BOOKED_AHEAD: Final = timedelta(days=4)
# Name, how to come, seats, video, audio; days until one of its checks lapses.
ROOMS: Final = (
    ("Кабинет 102", "1 этаж, вход со двора, пандус", 1, False, False, 500),
    ("Кабинет 210", "2 этаж, лифт", 1, True, True, 300),
    ("Переговорная 305", "3 этаж", 2, False, True, 21),
)
# Whose, room, day of the week, weeks of the month, from, to, minutes a person.
RULES: Final = (
    ("signer", 1, 0, (ReceptionRule.Week.FIRST, ReceptionRule.Week.THIRD), time(10), time(13), 30),
    ("head1", 0, 1, (ReceptionRule.Week.EVERY,), time(14), time(17), 20),
    ("head2", 1, 3, (ReceptionRule.Week.EVERY,), time(10), time(12), 20),
)
_WAYS: Final = (Source.PHONE, Source.PHONE, Source.IN_PERSON, Source.PHONE)
_ENDINGS: Final = ("oral", "written", "explain", "oral", "no_show", "written", "oral", "no_document", "explain")
_WHERE: Final = "Писал в администрацию района, ответили, что вопрос решает департамент."
_ELSEWHERE: Final = "Вопрос решает администрация района: подать заявление можно через МФЦ или на её сайте."


def load(historian: Historian) -> None:
    """Let a year's beginning be: rooms and rules; then the past days; then those ahead."""
    people, begun = historian.people, historian.now - timedelta(days=DAYS)
    desk = people["receptionist"]
    with clock.set_to(begun - timedelta(days=20)):
        places = [fitted_room(facts, by=desk) for facts in ROOMS]
        _powers(people, places, by=desk)
    crowd = cycle([one for one in citizens.people(historian.chance, 300)[150:] if one.kind == "person"])
    endings = cycle(_ENDINGS)
    today = timezone.localdate(historian.now)
    for slot in schedule.slots(timezone.localdate(begun), today):
        if historian.chance.random() < SHARE and slot.ends_at + timedelta(hours=1) < historian.now:
            _lived(historian, slot, next(crowd), next(endings), desk)
    _ahead(historian, crowd, desk)


def fitted_room(facts: tuple[str, str, int, bool, bool, int], *, by: Employee) -> Room:
    """Add a room with the checks of п. 35.1: name, how to come, seats, video, audio, days until a check lapses."""
    name, place, seats, video, audio, days = facts
    today = timezone.localdate()
    room = Room(name=name, place=place, seats=seats, has_video=video, has_audio=audio, valid_from=today)
    rooms.keep(room, changed={"name": name}, by=by)
    for code in RoomCheck.Property.values:
        lapses = days + DAYS + 20 if code == RoomCheck.Property.FIRE_SAFETY else 700
        passed = not (code == RoomCheck.Property.ACCESSIBLE and name == "Переговорная 305")
        rooms.check(
            room, code, passed=passed, checked_on=today, valid_until=today + timedelta(days=lapses),
            basis="Акт осмотра помещений № 3", by=by,
        )  # fmt: skip
    return room


def _powers(people: Mapping[str, Employee], places: list[Room], *, by: Employee) -> None:
    today = timezone.localdate()
    for login, place, weekday, weeks, opens, closes, minutes in RULES:
        if not authority.of(people[login], today):
            authority.give(people[login], basis=f"Приказ № 41-{login[-1]}п от 12.01.2026", valid_from=today, by=by)
        for week in weeks:
            rule = ReceptionRule(
                official=people[login], room=places[place], weekday=weekday, week=week, opens=opens, closes=closes,
                slot_minutes=minutes, valid_from=today,
            )  # fmt: skip
            schedule.keep_rule(rule, by=by)


def _person(who: Typed, matter: str) -> dict[str, Any]:
    named = {"last_name": who.last_name, "first_name": who.first_name, "patronymic": who.patronymic}
    return {**named, "phone": who.phone, "matter": matter}


def _lived(historian: Historian, slot: Slot, who: Typed, ending: str, desk: Employee) -> None:
    """Let one person be booked, come or not, and be received."""
    matter = historian.chance.choice(citizens.matters())
    source = historian.chance.choice(_WAYS)
    with clock.set_to(_at_work(slot.starts_at - BOOKED_AHEAD)):
        row = appointments.book(slot, _person(who, matter.subject), source=source, by=desk)
        for notice in row.notices.filter(told_at=None):
            notice.told_at, notice.told_by, notice.result = timezone.now(), desk, "сообщено"
            notice.save(update_fields=["told_at", "told_by", "result"])
    if ending == "no_show":
        with clock.set_to(slot.ends_at + timedelta(minutes=5)):
            appointments.no_show(row, by=desk)
        return
    with clock.set_to(slot.starts_at - timedelta(minutes=historian.chance.randint(2, 20))):
        appointments.arrive(row, by=desk)
    if ending == "no_document":
        with clock.set_to(slot.starts_at - timedelta(minutes=1)):
            front_office.turn_away(row, why=NoCard.Why.NO_DOCUMENT, offered=NoCard.Offered.NEW_TIME, by=desk)
        return
    with clock.set_to(slot.starts_at - timedelta(minutes=1)):
        card = _ready(row, who, by=desk)
    with clock.set_to(slot.starts_at + timedelta(minutes=historian.chance.randint(0, 6))):
        _received(card, matter, who, ending, historian)


def _ready(row: Appointment, who: Typed, *, by: Employee) -> ReceptionCard:
    card = front_office.open_card(row, by=by)
    front_office.fill_in(card, who, by=by)
    front_office.check_document(card, document="passport", matches=True, by=by)
    front_office.inform(card, video="given" if card.room_video else "", audio="given" if card.room_audio else "", by=by)
    front_office.ready(card, by=by)
    return card


def _received(card: ReceptionCard, matter: citizens.Matter, who: Typed, ending: str, historian: Historian) -> None:
    official = card.official
    holding.start(card, by=official)
    holding.introduce(card, by=official)
    before = historian.chance.random() < 0.3
    holding.applied_before(card, before, where=_WHERE if before else "", by=official)
    topic, need = historian.question_of(matter)
    question = holding.add_question(card, matter.subject, topic=topic, need=need, by=official)
    if ending == "oral":
        answer = " ".join(matter.answer.replace(citizens.CLOSING, "").split())
        outcomes.oral(question, answer=answer, facts_evident=True, consent=True, by=official)
    elif ending == "written":
        outcomes.written(question, way="post", address=who.address, by=official)
        if historian.chance.random() < 0.5:
            instructions.instruct(
                card, f"Проверить сведения: {matter.subject.lower()}", executor=historian.people["executor1"],
                due_on=timezone.localdate() + timedelta(days=10), by=official,
            )  # fmt: skip
    else:
        outcomes.explain(question, answer=_ELSEWHERE, by=official)
    with clock.set_to(timezone.now() + timedelta(minutes=historian.chance.randint(6, 17))):
        finishing.finish(card, by=official)


def _ahead(historian: Historian, crowd: Any, desk: Employee) -> None:
    """Book some of the coming days; let others wait for a time, and one for a decision."""
    today = timezone.localdate(historian.now)
    with clock.set_to(historian.now):
        for number, slot in enumerate(finder.free(today, today + timedelta(days=21), limit=60)):
            if number % 3 == 0:
                matter = historian.chance.choice(citizens.matters())
                facts = _person(next(crowd), matter.subject)
                if number % 9 == 0:
                    facts["out_of_turn"] = "ветеран труда"
                appointments.book(slot, facts, source=Source.PHONE, by=desk)
        for number in range(4):
            facts = _person(next(crowd), historian.chance.choice(citizens.matters()).subject)
            waiting.ask(facts, source=Source.PORTAL if number < 2 else Source.PHONE, by=desk, at_once=number > 1)


def _at_work(moment: datetime) -> datetime:
    """Return that day at eleven, when the telephones are answered."""
    day: date = timezone.localdate(moment)
    return timezone.make_aware(datetime.combine(day, time(11)))
