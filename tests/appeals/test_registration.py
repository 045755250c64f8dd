"""Registration: one transaction, one number, one receipt; what is refused leaves nothing behind."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from otklik.appeals import numbers, registration, terms, timeline, ways
from otklik.appeals.errors import NotAllowed, WrongDate
from otklik.appeals.models import Appeal, NumberCounter, NumberPattern
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry, Regime
from otklik.correspondence import inbox
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from otklik.people.applicants import Typed
from otklik.people.models import Applicant

Kind = OutgoingMessage.Kind


def test_a_registered_letter_has_number_terms_applicant_and_a_journal_line(world):
    message = world.message()
    appeal = registration.register(message, world.entry(), by=world.clerk)
    assert re.fullmatch(r"О-\d{4}-000001", appeal.number)
    assert appeal.messages.get().message == message
    message.refresh_from_db()
    assert message.state == IncomingMessage.State.REGISTERED
    assert {row.step for row in appeal.term_rows.all()} == {"register", "answer"}
    assert appeal.due_on == appeal.term_rows.get(step="answer").due_on
    line = JournalEntry.objects.get(action="appeal.registered", chain=f"appeal:{appeal.pk}")
    assert line.actor == world.clerk
    assert "Иванова" not in str(line.data)


def test_the_next_letter_gets_the_next_number(world):
    first, second = world.registered(), world.registered()
    assert int(second.number[-6:]) == int(first.number[-6:]) + 1


def test_a_sed_number_is_the_only_number_shown_and_leaves_our_counter_alone(world):
    appeal = world.registered(sed_number=" 01-15/ 777 ")
    assert (appeal.number, appeal.number_source) == ("01-15/ 777", "sed")
    assert not NumberCounter.objects.exists()


def test_a_sed_number_belongs_to_one_appeal(world, trace):
    world.registered(sed_number="01-15/777")
    message = world.message()
    before = trace()
    with pytest.raises(numbers.NumberTaken):
        registration.register(message, world.entry(sed_number="01-15/777"), by=world.clerk)
    assert trace() == before


def test_our_number_steps_over_one_that_was_typed_from_sed(world):
    year = timezone.localdate().year
    world.registered(sed_number=f"О-{year}-000001")
    assert world.registered().number == f"О-{year}-000002"


def test_a_message_is_registered_once(world, trace):
    message = world.message()
    stale = IncomingMessage.objects.get(pk=message.pk)
    registration.register(message, world.entry(), by=world.clerk)
    before = trace()
    with pytest.raises(inbox.AlreadyTaken):
        registration.register(stale, world.entry(), by=world.clerk2)
    assert trace() == before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subject": "  "}, "краткое содержание"),
        ({"contact_point": None}, "точка взаимодействия"),
        ({"needs_answer": None}, "нужен ли ответ"),
        ({"answer_address": " "}, "почтовый адрес"),
        ({"answer_channel": "email", "answer_address": ""}, "электронной почты"),
        ({"answer_channel": "hotline", "answer_address": ""}, "телефон"),
    ],
)
def test_what_every_appeal_must_have_is_asked_for(world, trace, changes, named):
    message = world.message()
    before = trace()
    with pytest.raises(registration.EntryIncomplete, match=named):
        registration.register(message, world.entry(**changes), by=world.clerk)
    assert trace() == before


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        ("email", "не адрес"),
        ("email", "Иванова <ivanova@citizen.example>"),
        ("website", "ivanova@"),
        ("hotline", "12"),
    ],
)
@pytest.mark.parametrize("needs_answer", [True, False])
def test_where_nothing_arrives_nothing_is_promised(world, trace, channel, address, needs_answer):
    message = world.message()
    before = trace()
    entry = world.entry(answer_channel=channel, answer_address=address, needs_answer=needs_answer)
    with pytest.raises(ways.WrongAddress):
        registration.register(message, entry, by=world.clerk)
    assert trace() == before


def test_only_who_may_decide_registers(world, trace):
    message = world.message()
    before = trace()
    with pytest.raises(NotAllowed):
        registration.register(message, world.entry(), by=world.executor)
    assert trace() == before


def test_no_date_stands_before_the_event_it_comes_from(world, trace):
    today = timezone.localdate()
    message = world.message()
    before = trace()
    with pytest.raises(WrongDate):
        registration.register(message, world.entry(received_on=today + timedelta(days=1)), by=world.clerk)
    with pytest.raises(WrongDate):
        registration.register(message, world.entry(), by=world.clerk, on=today + timedelta(days=1))
    assert trace() == before


def test_a_certain_applicant_is_found_again_and_a_stranger_is_new(world):
    first, second = world.registered(), world.registered()
    assert first.applicant == second.applicant
    third = world.registered(applicant=Typed(last_name="Петров", first_name="Пётр", address="г. Омск, ул. Новая, 5"))
    assert third.applicant != first.applicant


def test_the_clerk_may_choose_a_known_applicant(world):
    known = world.registered().applicant
    appeal = world.registered(applicant=Typed(last_name="И."), applicant_is=known)
    assert appeal.applicant == known
    assert Applicant.objects.count() == 1


def test_the_term_of_59fz_is_30_days_from_registration_with_its_article(world):
    appeal = registration.register(
        world.message(received_at=timezone.make_aware(timezone.datetime(2026, 4, 1, 10))),
        world.entry(received_on=date(2026, 4, 1)),
        by=world.clerk,
        on=date(2026, 4, 1),
        imported=True,
    )
    assert appeal.due_on == date(2026, 4, 30)  # 01.05.2026 is a holiday: back to the working day before
    registered, answer = terms.why(appeal)
    assert "59-ФЗ, ст. 8" in registered.why[0]["text"]
    assert "59-ФЗ, ст. 12" in answer.why[0]["text"]
    assert answer.why[-1]["date"] == "2026-04-30"


# Receipts


def test_an_email_gets_a_neutral_receipt_with_number_and_code_but_no_secret_in_a_link(world):
    appeal = world.registered_email()
    receipt = OutgoingMessage.objects.get(kind=Kind.RECEIPT)
    assert appeal.number in receipt.text
    assert appeal.secret in receipt.text
    assert receipt.recipient == "ivanova@citizen.example"
    assert receipt.in_reply_to == "<letter@citizen.example>"
    assert receipt.automatic
    assert not re.search(rf"https?://\S*({appeal.secret}|{appeal.number})", receipt.text)


def test_how_to_file_goes_once_to_one_address(world):
    world.registered_email()
    registration.register(world.email(message_id="<second@citizen.example>"), world.email_entry(), by=world.clerk)
    letter = OutgoingMessage.objects.get(kind=Kind.HOW_TO_FILE)
    assert "30 марта 2025" in letter.text
    assert OutgoingMessage.objects.filter(kind=Kind.RECEIPT).count() == 2


def test_how_to_file_promises_an_answer_only_where_one_is_due(world):
    world.registered_email()
    world.registered_email(needs_answer=False, answer_address="other@citizen.example")
    due, not_due = OutgoingMessage.objects.filter(kind=Kind.HOW_TO_FILE).order_by("pk")
    assert "ответим на него" in due.text
    assert "ответим" not in not_due.text
    assert "Мы получили ваше письмо" in not_due.text


def test_how_to_file_does_not_go_to_organisations(world):
    typed = Typed(kind="organisation", organisation="ООО «Пример»", email="office@firm.example")
    world.registered_email(applicant=typed, answer_address="office@firm.example")
    assert not OutgoingMessage.objects.filter(kind=Kind.HOW_TO_FILE).exists()
    assert OutgoingMessage.objects.filter(kind=Kind.RECEIPT).exists()


def test_how_to_file_does_not_go_where_a_person_set_59fz(world):
    world.registered_email(regime=Regime.objects.get(code="59fz"))
    assert not OutgoingMessage.objects.filter(kind=Kind.HOW_TO_FILE).exists()


def test_a_machine_gets_no_automatic_letter(world):
    message = world.email()
    IncomingMessage.objects.filter(pk=message.pk).update(machine=IncomingMessage.Machine.AUTO)
    message.refresh_from_db()
    registration.register(message, world.email_entry(), by=world.clerk)
    assert not OutgoingMessage.objects.exists()


def test_a_letter_by_post_gets_no_automatic_letter(world):
    world.registered()
    assert not OutgoingMessage.objects.exists()


def test_imported_history_keeps_its_dates_and_sends_nothing(world):
    past = timezone.localdate() - timedelta(days=40)
    appeal = registration.register(
        world.email(), world.email_entry(received_on=past), by=world.clerk, on=past, imported=True
    )
    assert (appeal.registered_on, appeal.received_on, appeal.origin) == (past, past, "imported")
    assert not OutgoingMessage.objects.exists()


# Proposals


def test_the_regime_is_proposed_by_the_channel(world):
    assert registration.propose(world.message()).entry.regime.code == "59fz"
    email = registration.propose(world.email())
    assert email.entry.regime.code == "outside_59fz"
    assert "547-ФЗ" in email.regime_why
    assert registration.default_for("website", identified=True).regime.code == "59fz"
    assert registration.default_for("website").regime.code == "outside_59fz"
    assert not registration.default_for("hotline").written


def test_every_channel_has_a_proposal(world):
    for channel in ChannelCode.values:
        assert registration.default_for(channel).why


def test_what_the_form_said_is_proposed(world):
    message = world.message(channel=ChannelCode.WEBSITE, sender_name="", sender_address="")
    said = {"kind": "person", "last_name": "Смирнов", "first_name": "Олег", "patronymic": "", "organisation": ""}
    contacts = {"email": "smirnov@citizen.example", "phone": "", "address": ""}
    answer = {"channel": "email", "address": "smirnov@citizen.example"}
    inbox.add_facts(
        message, schema="site", data={"applicant": {**said, **contacts}, "answer": answer, "identified": False}
    )
    entry = registration.propose(message).entry
    assert (entry.applicant.last_name, entry.answer_address) == ("Смирнов", "smirnov@citizen.example")
    assert entry.contact_point.code == "site-form"


def test_who_has_called_is_called_back(world):
    message = world.message(channel=ChannelCode.HOTLINE, sender_address="")
    inbox.add_facts(message, schema="hand", data={"applicant": {"last_name": "Смирнов", "phone": "8 913 000-00-00"}})
    entry = registration.propose(message).entry
    assert (entry.answer_channel, entry.answer_address) == ("hotline", "8 913 000-00-00")


def test_a_name_is_read_from_the_sender_and_an_organisation_is_recognised(world):
    assert registration.propose(world.email()).entry.applicant.first_name == "Мария"
    firm = registration.propose(world.email(sender_name="ООО «Ромашка»")).entry.applicant
    assert (firm.kind, firm.organisation) == ("organisation", "ООО «Ромашка»")
    assert registration.propose(world.email(sender_name="")).entry.applicant.email == "ivanova@citizen.example"


def test_an_open_appeal_of_the_sender_is_offered(world):
    appeal = world.registered_email()
    proposal = registration.propose(world.email(message_id="<other@citizen.example>"))
    assert proposal.open_appeals == [appeal]
    assert proposal.entry.applicant_is == appeal.applicant
    Appeal.objects.filter(pk=appeal.pk).update(status=Appeal.Status.CLOSED)
    assert registration.propose(world.email(message_id="<more@citizen.example>")).open_appeals == []


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("Re: RE: Fwd: Аренда", "Текст", "Аренда"),
        ("", "Здравствуйте! Прошу   продлить\nаренду.", "Прошу продлить аренду."),
        ("", "Добрый день, уважаемый Иван Иванович! прошу продлить", "Прошу продлить"),
        ("Добрый день! Не согласен с оценкой", "Добрый день! Не согласен с оценкой", "Не согласен с оценкой"),
        ("Уважаемые соседи мешают проезду", "Текст", "Уважаемые соседи мешают проезду"),
        ("", "Добрый день!", "Добрый день!"),
    ],
)
def test_a_short_subject_is_tried(world, subject, text, expected):
    assert registration.short_subject(world.message(subject=subject, text=text)) == expected


def test_proposals_of_topic_and_need_become_unconfirmed_questions(world):
    entry = registration.propose(world.message()).entry
    appeal = registration.register(world.message(), replace(world.entry(), questions=entry.questions), by=world.clerk)
    question = appeal.questions.get()
    assert question.topic.code == "0003.0011.0123.0850"
    assert question.confirmed_by is None


# Joining


def test_a_joined_message_shows_as_an_unseen_reply(world):
    appeal = world.registered_email()
    reply = world.email(message_id="<reply@citizen.example>")
    registration.join(reply, appeal, by=world.clerk)
    appeal = world.again(appeal)
    assert appeal.unseen_reply
    reply.refresh_from_db()
    assert (reply.state, reply.thread) == (IncomingMessage.State.JOINED, appeal.thread)
    registration.seen_reply(appeal, by=world.clerk)
    assert not world.again(appeal).unseen_reply


def test_a_reply_is_marked_read_only_by_those_who_work_on_the_appeal(world, trace):
    appeal = world.assigned(world.registered_email())
    registration.join(world.email(message_id="<reply@citizen.example>"), appeal, by=world.clerk)
    before = trace()
    for reader in (world.auditor, world.signer, world.stranger):
        with pytest.raises(DomainError):
            registration.seen_reply(world.again(appeal), by=reader)
    assert trace() == before
    assert world.again(appeal).unseen_reply
    registration.seen_reply(appeal, by=world.head)
    assert not world.again(appeal).unseen_reply


@pytest.mark.parametrize("machine", ["auto", "bounce", "bulk"])
def test_what_a_machine_wrote_is_no_word_of_the_applicant(world, machine):
    appeal = world.registered_email()
    report = world.email(message_id="<report@citizen.example>")
    IncomingMessage.objects.filter(pk=report.pk).update(machine=machine)
    report.refresh_from_db()
    registration.join(report, appeal, by=world.clerk)
    assert not world.again(appeal).unseen_reply
    [first, joined] = [event for event in timeline.of(appeal) if event.kind == timeline.INCOMING]
    assert first.who == "Заявитель"
    assert joined.who == report.get_machine_display().capitalize()


def test_a_certain_reply_joins_by_itself_and_a_doubtful_one_waits(world):
    appeal = world.registered_email()
    certain, doubtful = world.email(message_id="<a@x.example>"), world.email(message_id="<b@x.example>")
    IncomingMessage.objects.filter(pk=certain.pk).update(match="certain", thread=appeal.thread)
    IncomingMessage.objects.filter(pk=doubtful.pk).update(match="doubtful", candidate_thread=appeal.thread)
    assert registration.join_certain()
    assert not registration.join_certain()
    assert {row.message_id for row in appeal.messages.filter(first=False)} == {certain.pk}
    doubtful.refresh_from_db()
    assert registration.propose(doubtful).same_thread == appeal


def test_a_reply_may_be_registered_as_a_new_appeal_with_its_own_thread(world):
    appeal = world.registered_email()
    reply = world.email(message_id="<reply@citizen.example>")
    IncomingMessage.objects.filter(pk=reply.pk).update(match="certain", thread=appeal.thread)
    reply.refresh_from_db()
    other = registration.register(reply, world.email_entry(), by=world.clerk)
    assert other.thread != appeal.thread
    assert {one.number for one in Appeal.objects.filter(thread__in=[appeal.thread, other.thread])} == {
        appeal.number,
        other.number,
    }


@pytest.mark.once
@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        *((one, True) for one in ("О-{year}-{seq:06d}", "{year}/{seq}", "01-05/{seq:4d}-{year}")),
        *((one, False) for one in ("{seq}", "{year}", "О-{year}", "{year}-{seq:99999d}", "{year}-{seq.real}", "{0}")),
        *((one, False) for one in ("{year.__class__}-{seq}", "{seq:{year}d}", "{year}-{seq", "{year}-{{seq}}", "")),
        ("длинно" * 9 + "{year}-{seq}", False),
    ],
)
def test_a_pattern_that_makes_no_numbers_is_not_kept(pattern: str, taken: bool) -> None:
    row = NumberPattern(pattern=pattern, valid_from=date(2026, 11, 1))
    if taken:
        row.clean()
        return
    with pytest.raises(ValidationError):
        row.clean()
