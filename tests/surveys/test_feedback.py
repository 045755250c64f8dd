"""What people say is taken once, as it was asked, and explained where it cannot be taken."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.db import connection

from otklik.core.models import JournalEntry
from otklik.surveys import defaults, feedback, questions
from otklik.surveys.models import ContactConsent, Questionnaire, Response

TODAY = date(2026, 11, 24)
GOOD = {"answered": "yes", "quality": "satisfied"}


def test_the_two_questions_and_answers_of_the_order_are_word_for_word(db):
    first, second = Questionnaire.objects.get(code="consultation").questions
    assert first["text"] == "Получен ли ответ на Ваш вопрос?"
    assert [words for _, words in first["answers"]] == ["да", "нет"]
    assert second["text"] == "Оцените качество работы консультанта"
    assert [words for _, words in second["answers"]] == ["удовлетворен", "частично удовлетворен", "не удовлетворен"]


def test_a_call_is_asked_about_the_consultant_and_a_letter_about_the_answer(db):
    called = feedback.invite(channel="hotline", on=TODAY)
    wrote = feedback.invite(channel="email", on=TODAY)
    assert called.questionnaire.code == "consultation"
    assert wrote.questionnaire.code == "written"
    assert called.token != wrote.token


def test_loading_twice_keeps_one_edition_and_what_was_changed_in_it(db):
    Questionnaire.objects.filter(code="written").update(title="Наша анкета")
    defaults.load()
    assert Questionnaire.objects.count() == 3
    assert Questionnaire.objects.get(code="written").title == "Наша анкета"


def test_the_newest_edition_in_force_is_asked(db):
    old = Questionnaire.objects.get(code="written")
    Questionnaire.objects.create(
        code="written", edition=2, title="Вторая", questions=old.questions, valid_from=TODAY + timedelta(days=1)
    )
    assert feedback.invite(channel="post", on=TODAY).questionnaire == old
    assert feedback.invite(channel="post", on=TODAY + timedelta(days=1)).questionnaire.edition == 2


def test_three_retries_leave_one_row_and_the_first_answer_counts(db):
    token = feedback.invite(channel="email", on=TODAY).token
    first = feedback.answer(token, GOOD, "спасибо", on=TODAY)
    again = feedback.answer(token, GOOD, "спасибо", on=TODAY)
    other = feedback.answer(token, {"answered": "no", "quality": "unsatisfied"}, "передумал", on=TODAY)
    assert first == again == other
    kept = Response.objects.get()
    assert (kept.answers, kept.comment) == (GOOD, "спасибо")
    assert JournalEntry.objects.filter(action="feedback.answered").count() == 1


def test_the_journal_of_an_opinion_holds_no_words_of_it(db):
    token = feedback.invite(channel="email", on=TODAY).token
    feedback.answer(token, GOOD, "мой телефон 8 913 000-00-00", on=TODAY)
    entry = JournalEntry.objects.get(action="feedback.answered")
    assert "913" not in str(entry.data)
    assert token not in str(entry.data) + entry.chain


@pytest.mark.parametrize(
    "answers",
    [{}, {"answered": "yes"}, {"answered": "maybe", "quality": "satisfied"}, {"answered": "yes", "quality": "да"}],
)
def test_an_unclear_answer_is_refused_and_leaves_no_trace(db, answers):
    token = feedback.invite(channel="email", on=TODAY).token
    with pytest.raises(questions.AnswersUnclear):
        feedback.answer(token, answers, on=TODAY)
    assert not Response.objects.exists()
    assert not JournalEntry.objects.filter(action="feedback.answered").exists()


def test_a_question_that_was_not_asked_is_not_kept(db):
    token = feedback.invite(channel="email", on=TODAY).token
    response = feedback.answer(token, {**GOOD, "role": "admin"}, on=TODAY)
    assert response.answers == GOOD


def test_a_late_answer_is_refused_but_a_repeat_of_an_earlier_one_is_not(db):
    token = feedback.invite(channel="email", on=TODAY).token
    late = TODAY + timedelta(days=feedback.OPEN_DAYS + 1)
    with pytest.raises(feedback.InvitationExpired):
        feedback.answer(token, GOOD, on=late)
    assert not Response.objects.exists()
    kept = feedback.answer(token, GOOD, on=late - timedelta(days=1))
    assert feedback.answer(token, GOOD, on=late) == kept


def test_an_unknown_token_is_refused(db):
    with pytest.raises(feedback.InvitationUnknown):
        feedback.answer("nobody-was-given-this", GOOD)


def test_consent_is_a_record_of_its_own_given_after_an_answer_only_and_once(db):
    token = feedback.invite(channel="email", on=TODAY).token
    with pytest.raises(feedback.InvitationUnknown):
        feedback.allow_contact(token)
    assert not ContactConsent.objects.exists()
    response = feedback.answer(token, GOOD, on=TODAY)
    assert feedback.allow_contact(token) == feedback.allow_contact(token)
    consent = ContactConsent.objects.get()
    assert (consent.response, consent.edition) == (response, feedback.CONSENT_EDITION)


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_leave_one_row():
    token = feedback.invite(channel="email", on=TODAY).token
    start, got, failed = threading.Barrier(4), [], []

    def press():
        try:
            start.wait()
            got.append(feedback.answer(token, GOOD, on=TODAY).pk)
        except Exception as exc:
            failed.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(set(got)) == 1
    assert Response.objects.count() == 1
    assert JournalEntry.objects.filter(action="feedback.answered").count() == 1
