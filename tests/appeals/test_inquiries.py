"""«Запрос сведений»: the letter, its control date, the reply, and that the clock of the appeal never stops."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from otklik.appeals import inquiries, registration, story, terms, timeline
from otklik.appeals.models import AppealPause, AppealTerm, Inquiry, InquiryRule
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import IncomingMessage, OutgoingMessage


def sent(world, appeal, **changes):
    given = {
        "rule": InquiryRule.objects.get(),
        "body": "Росреестр",
        "channel": "email",
        "address": "rosreestr@body.example",
        "text": "Просим сообщить, зарегистрировано ли право.",
        **changes,
    }
    return inquiries.send(appeal, by=world.executor, **given)


def reply(world, row, **changes):
    message = world.email(message_id="<reply@body.example>", sender_address=row.address, subject="Ответ", **changes)
    IncomingMessage.objects.filter(pk=message.pk).update(thread=row.thread, match=IncomingMessage.Match.CERTAIN)
    message.refresh_from_db()
    return message


def test_the_term_is_a_row_of_the_law_and_its_date_is_counted_by_the_calendar(world):
    rule = InquiryRule.objects.get()
    assert (rule.days, rule.basis) == (15, "59-ФЗ, ст. 10 ч. 2")
    row = sent(world, world.assigned())
    assert row.due_on >= row.on + timedelta(days=15)
    assert row.why
    assert row.number == f"{row.appeal.number}/ЗС-1"
    assert sent(world, row.appeal).number.endswith("/ЗС-2")


def test_the_letter_goes_in_a_thread_of_its_own_and_tells_nothing_of_the_applicant(world):
    appeal = world.assigned()
    text = inquiries.proposed_text(appeal, InquiryRule.objects.get(), by=world.executor)
    assert "Иванова" not in text
    assert appeal.number in text
    assert "15 дней (59-ФЗ, ст. 10 ч. 2)" in text
    row = sent(world, appeal)
    letter = OutgoingMessage.objects.get(pk=row.message_id)
    assert letter.thread_id != appeal.thread_id
    assert (letter.in_reply_to, letter.references) == ("", [])
    paper = sent(world, appeal, channel="post", address="г. Новосибирск, ул. Державина, 28")
    assert paper.message.state == OutgoingMessage.State.BY_HAND


def test_a_waiting_request_never_stops_the_clock_and_is_a_ground_for_extension_in_words(world):
    appeal = world.assigned()
    before = (appeal.due_on, AppealTerm.objects.count())
    row = sent(world, appeal)
    assert terms.compute(world.again(appeal)) == before[0]
    assert not AppealPause.objects.exists()
    [words] = inquiries.grounds_for_extension(appeal)
    assert row.number in words
    assert "Росреестр" in words
    assert f"{row.due_on:%d.%m.%Y}" in words
    inquiries.link_reply(row, reply(world, row), by=world.executor)
    assert inquiries.grounds_for_extension(appeal) == []
    assert world.again(appeal).due_on == before[0]


def test_a_certain_reply_joins_by_itself_and_is_no_word_of_the_applicant(world):
    appeal = world.assigned()
    row = sent(world, appeal)
    reply(world, row, text="Право зарегистрировано.")
    assert not registration.join_certain(), "it is no reply in the thread of an appeal"
    assert inquiries.join_certain()
    assert not inquiries.join_certain()
    row.refresh_from_db()
    assert row.answered_on is not None
    assert not world.again(appeal).unseen_reply
    assert "Получено ваше дополнение" not in [one.words for one in story.events(world.again(appeal), [])]
    assert "Росреестр" in [one.who for one in timeline.of(world.again(appeal))]
    assert journal.verify_chain(f"appeal:{appeal.pk}") == []


def test_a_message_joined_before_is_marked_as_the_reply_and_the_applicant_wrote_nothing(world):
    appeal = world.assigned()
    row = sent(world, appeal)
    message = world.message(subject=f"На № {row.number}")
    registration.join(message, appeal, by=world.clerk)
    assert world.again(appeal).unseen_reply
    assert [one.pk for one in inquiries.may_be_replies(row, world.clerk)] == [message.pk]
    row = Inquiry.objects.select_related("appeal").get(pk=row.pk)
    inquiries.link_reply(row, message, by=world.clerk)
    assert not world.again(appeal).unseen_reply
    with pytest.raises(inquiries.InquiryChanged):
        inquiries.link_reply(row, message, by=world.clerk)


@pytest.mark.parametrize("which", ["first", "foreign", "early", "withdrawn"])
def test_what_cannot_be_the_reply_is_refused(world, trace, which):
    appeal, other = world.assigned(), world.assigned()
    row = sent(world, appeal)
    message = {
        "first": lambda: appeal.messages.get().message,
        "foreign": lambda: other.messages.get().message,
        "early": lambda: world.message(received_at=timezone.now() - timedelta(days=3)),
        "withdrawn": world.message,
    }[which]()
    if which == "withdrawn":
        inquiries.withdraw(row, "Сведения нашлись", by=world.executor)
    before = trace()
    with pytest.raises(inquiries.NoSuchReply):
        inquiries.link_reply(row, message, by=world.executor)
    assert trace() == before


def test_of_two_one_withdraws_and_a_reminder_goes_once_a_day(world):
    row = sent(world, world.assigned())
    inquiries.remind(row, by=world.executor)
    with pytest.raises(inquiries.InquiryChanged):
        inquiries.remind(row, by=world.clerk)
    other = Inquiry.objects.select_related("appeal", "thread", "message").get(pk=row.pk)
    inquiries.withdraw(row, "Сведения нашлись", by=world.executor)
    with pytest.raises(inquiries.InquiryChanged):
        inquiries.withdraw(other, "Не нужно", by=world.clerk)
    with pytest.raises(inquiries.InquiryChanged):
        inquiries.remind(other, by=world.clerk, on=timezone.localdate() + timedelta(days=1))


@pytest.mark.parametrize(
    "changes",
    [{"body": " "}, {"address": ""}, {"text": ""}, {"text": "Просим сообщить: …"}, {"address": "не адрес"},
     {"channel": "vk"}, {"on": date(2020, 1, 1)}],
)  # fmt: skip
def test_a_bad_request_is_refused_and_leaves_nothing(world, trace, changes):
    appeal = world.assigned()
    before = trace()
    with pytest.raises(DomainError):
        sent(world, appeal, **changes)
    assert trace() == before


def test_who_does_not_work_on_the_answer_asks_nobody(world):
    appeal = world.assigned()
    for who in (world.stranger, world.auditor):
        with pytest.raises(DomainError):
            inquiries.check_can_ask(appeal, who)
