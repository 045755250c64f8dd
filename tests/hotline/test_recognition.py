"""Nothing of a case is told before the caller is recognised; what was tried is kept, and guessing has an end."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core.models import AccessEntry, JournalEntry
from otklik.hotline import consultations, recognition
from otklik.hotline.models import Consultation, Line, Recognition
from otklik.hotline.recognition import Fact
from otklik.people import applicants
from otklik.people.applicants import Typed, phone_key
from otklik.people.models import Contact, Employee
from tests.appeals.conftest import World
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db
PERSON = {"last_name": "Алёшина", "first_name": "Мария", "patronymic": "Петровна"}
ADDRESS = "630000, г. Новосибирск, ул. Выдуманная, д. 1, кв. 7"


@pytest.fixture
def appeal(world: World) -> Appeal:
    typed = Typed(**PERSON, phone=NUMBER, address=ADDRESS, email="maria@citizen.example")
    return world.registered(applicant=typed, answer_address=ADDRESS, subject="Тайное содержание")


@pytest.fixture
def consultation(line: Line, consultant: Employee) -> Consultation:
    return Consultation.objects.create(
        line=line, by=consultant, opened_at=timezone.now(), number=NUMBER, number_key=phone_key(NUMBER)
    )


def test_an_open_case_is_only_a_locked_line_until_its_caller_is_recognised(
    appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    caller = recognition.caller_of(consultation, by=consultant)
    assert [one.appeal for one in caller.locked] == [appeal.pk]
    assert caller.told == []
    shown = str(caller.applicants[0][1])
    assert "Алёшина" not in shown


def test_number_and_code_open_the_case_with_its_term_and_last_step(
    appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    row = recognition.by_number(consultation, f"№ {appeal.number} ", appeal.secret.lower(), by=consultant)
    assert row.succeeded
    assert row.matched == ["code"]
    caller = recognition.caller_of(consultation, by=consultant)
    assert caller.locked == []
    told = caller.told[0]
    assert (told.number, told.due_on) == (appeal.number, appeal.due_on)
    assert "59-ФЗ" in told.why
    assert told.last.words == "Зарегистрировано"
    assert "Тайное содержание" not in str(told)
    consultation.refresh_from_db()
    assert (consultation.appeal, consultation.applicant) == (appeal, appeal.applicant)
    assert AccessEntry.objects.filter(action="appeal.told", data__appeal=appeal.pk).count() == 1
    recognition.caller_of(consultation, by=consultant)
    assert AccessEntry.objects.filter(action="appeal.told").count() == 1


def test_a_caller_from_another_telephone_is_recognised_by_his_code(
    appeal: Appeal, line: Line, consultant: Employee
) -> None:
    hidden = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
    caller = recognition.caller_of(hidden, by=consultant)
    assert (caller.locked, caller.applicants, caller.calls, caller.consultations) == ([], [], [], [])
    assert recognition.by_number(hidden, appeal.number, appeal.secret, by=consultant).succeeded
    assert [one.number for one in recognition.caller_of(hidden, by=consultant).told] == [appeal.number]


@pytest.mark.parametrize(
    "said",
    [
        {Fact.SURNAME: "алешина", Fact.ADDRESS: "улица выдуманная 1 квартира 7"},
        {Fact.SURNAME: "Алёшина Мария Петровна", Fact.EMAIL: " MARIA@citizen.example"},
        {Fact.ADDRESS: "Новосибирск, Выдуманная, дом 1, кв 7", Fact.EMAIL: "maria@citizen.example"},
        {Fact.SURNAME: "АЛЕШИНА", Fact.APPEAL: "today"},
        {Fact.SURNAME: "Алёшина", Fact.APPEAL: "number"},
        {Fact.SURNAME: "Алёшина", Fact.ADDRESS: "другая улица, 5", Fact.EMAIL: "maria@citizen.example"},
    ],
)
def test_two_facts_that_agree_are_enough_and_slips_of_speech_are_forgiven(
    said: dict[str, str], appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    spoken = {"today": f"{appeal.received_on:%d.%m.%Y}", "number": appeal.number}
    named = {name: spoken.get(words, words) for name, words in said.items()}
    [row] = recognition.by_told(consultation, named, by=consultant)
    assert row.succeeded
    assert len(row.matched) == 2
    assert "Алёшина" not in str(row.matched)


@pytest.mark.parametrize(
    "said",
    [
        {Fact.SURNAME: "Алёшина", Fact.ADDRESS: "Новосибирск, Выдуманная, 2"},
        {Fact.SURNAME: "Алёшина", Fact.ADDRESS: "Выдуманная, 1"},
        {Fact.SURNAME: "Алёшина", Fact.ADDRESS: "Новосибирск"},
        {Fact.SURNAME: "Мария", Fact.EMAIL: "maria@citizen.example"},
        {Fact.SURNAME: "А", Fact.EMAIL: "maria@citizen.example"},
        {Fact.SURNAME: "Алёшина", Fact.EMAIL: "@"},
        {Fact.SURNAME: "Алёшина", Fact.APPEAL: "01.01.2020"},
        {Fact.SURNAME: "Алёшина", Fact.APPEAL: "99.99.9999"},
    ],
)
def test_what_does_not_agree_opens_nothing_and_is_kept(
    said: dict[str, str], appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    [row] = recognition.by_told(consultation, said, by=consultant)
    assert not row.succeeded
    assert (row.appeal, row.by) == (appeal, consultant)
    assert recognition.caller_of(consultation, by=consultant).told == []
    tried = AccessEntry.objects.get(action="consultation.caller_not_recognised")
    assert tried.data["appeal"] == appeal.pk
    assert all(words not in str(tried.data) for words in said.values())
    assert JournalEntry.objects.filter(action="consultation.caller_not_recognised").count() == 1


def test_facts_are_tried_on_every_case_of_the_telephone_and_one_attempt_is_one_row(
    world: World, appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    second = world.registered(applicant=Typed(**PERSON, phone=NUMBER, address=ADDRESS))
    wrong = {Fact.SURNAME: "Иванова", Fact.ADDRESS: ADDRESS}
    assert [one.appeal for one in recognition.by_told(consultation, wrong, by=consultant)] == [None]
    right = recognition.by_told(consultation, {Fact.SURNAME: "Алёшина", Fact.ADDRESS: ADDRESS}, by=consultant)
    assert {one.appeal for one in right} == {appeal, second}
    assert len(recognition.caller_of(consultation, by=consultant).told) == 2
    consultation.refresh_from_db()
    assert consultation.appeal is None


def test_less_than_two_facts_are_no_attempt(appeal: Appeal, consultation: Consultation, consultant: Employee) -> None:
    for said in ({}, {Fact.SURNAME: "Алёшина"}, {Fact.SURNAME: "Алёшина", Fact.EMAIL: "  "}):
        with pytest.raises(recognition.TooLittleNamed):
            recognition.by_told(consultation, said, by=consultant)
    with pytest.raises(recognition.NothingNamed):
        recognition.by_number(consultation, appeal.number, " ", by=consultant)
    assert not Recognition.objects.exists()


def test_guessing_ends_with_the_consultation_and_with_the_case(
    appeal: Appeal, consultation: Consultation, line: Line, consultant: Employee
) -> None:
    for _ in range(recognition.MOST_FAILED):
        assert not recognition.by_number(consultation, appeal.number, "НЕВЕРНО", by=consultant).succeeded
    assert recognition.caller_of(consultation, by=consultant).attempts_left == 0
    with pytest.raises(recognition.TooManyAttempts):
        recognition.by_number(consultation, appeal.number, appeal.secret, by=consultant)
    for _ in range(2):
        other = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
        for _ in range(recognition.MOST_FAILED):
            if Recognition.objects.filter(appeal=appeal).count() < recognition.MOST_FAILED_OF_CASE:
                recognition.by_number(other, appeal.number, "НЕВЕРНО", by=consultant)
    last = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
    with pytest.raises(recognition.TooManyAttempts):
        recognition.by_number(last, appeal.number, appeal.secret, by=consultant)
    unknown = recognition.by_number(last, "С-2020-999999", "ЧТО-ТО", by=consultant)
    assert (unknown.succeeded, unknown.appeal) == (False, None)


def test_when_the_conversation_is_over_everything_is_locked_again(
    appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    recognition.by_number(consultation, appeal.number, appeal.secret, by=consultant)
    Consultation.objects.filter(pk=consultation.pk).update(outcome="answered", closed_at=timezone.now())
    consultation.refresh_from_db()
    caller = recognition.caller_of(consultation, by=consultant)
    assert (caller.told, len(caller.locked)) == ([], 1)
    with pytest.raises(consultations.ConsultationOver):
        recognition.by_number(consultation, appeal.number, appeal.secret, by=consultant)


def test_recognised_once_is_recognised_in_that_consultation_alone(
    appeal: Appeal, consultation: Consultation, line: Line, consultant: Employee
) -> None:
    recognition.by_number(consultation, appeal.number, appeal.secret, by=consultant)
    key = phone_key(NUMBER)
    again = Consultation.objects.create(
        line=line, by=consultant, opened_at=timezone.now(), number=NUMBER, number_key=key
    )
    caller = recognition.caller_of(again, by=consultant)
    assert (caller.told, len(caller.locked), len(caller.consultations)) == ([], 1, 1)


def test_who_does_not_consult_gets_nothing_through_any_door(
    world: World, appeal: Appeal, consultation: Consultation, consultant2: Employee
) -> None:
    operator = world.employee("ekc", "Сто", world.hq, ["ekc_operator"])
    facts = {Fact.SURNAME: "Алёшина", Fact.ADDRESS: ADDRESS}
    for who in (operator, world.clerk, world.auditor):
        doors: list[Any] = [
            lambda one=who: recognition.caller_of(consultation, by=one),
            lambda one=who: recognition.by_number(consultation, appeal.number, appeal.secret, by=one),
            lambda one=who: recognition.by_told(consultation, facts, by=one),
        ]
        for door in doors:
            with pytest.raises(PermissionDenied):
                door()
    with pytest.raises(consultations.NotYours):
        recognition.by_number(consultation, appeal.number, appeal.secret, by=consultant2)
    recognition.by_number(consultation, appeal.number, appeal.secret, by=consultation.by)
    assert recognition.caller_of(consultation, by=consultant2).told == []


def test_cases_of_an_applicant_joined_to_another_are_his_and_closed_ones_are_not_counted(
    world: World, appeal: Appeal, consultation: Consultation, consultant: Employee
) -> None:
    twin = world.registered(applicant=Typed(last_name="Алешина", first_name="М", address="Томск, Иная, 5"))
    applicants.merge(appeal.applicant, twin.applicant, by=world.clerk)
    Appeal.objects.filter(pk=appeal.pk).update(status="sent")
    assert [one.appeal for one in recognition.caller_of(consultation, by=consultant).locked] == [twin.pk]
    said = {Fact.SURNAME: "Алёшина", Fact.EMAIL: "maria@citizen.example"}
    assert [one.succeeded for one in recognition.by_told(consultation, said, by=consultant)] == [True]


def test_who_calls_is_told_in_a_fixed_number_of_queries(
    world: World, appeal: Appeal, consultation: Consultation, line: Line, consultant: Employee, comes: Any
) -> None:
    who = Employee.objects.get(pk=consultant.pk)
    recognition.caller_of(consultation, by=who)
    with CaptureQueriesContext(connection) as few:
        recognition.caller_of(consultation, by=who)
    key = phone_key(NUMBER)
    for number in range(4):
        comes()
        Consultation.objects.create(
            line=line,
            by=consultant,
            opened_at=timezone.now(),
            number=NUMBER,
            number_key=key,
            outcome="answered",
            closed_at=timezone.now(),
        )
        other = world.registered(applicant=Typed(last_name=f"Другой{number}", first_name="Ян", phone=NUMBER))
        assert Contact.objects.filter(applicant=other.applicant, key=key).exists()
    with CaptureQueriesContext(connection) as many:
        recognition.caller_of(consultation, by=who)
    assert len(many) <= len(few) + 1
    assert len(many) <= 9
