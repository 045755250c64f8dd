"""A consultation from the first word to its outcome: by public doors, with their refusals."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import Http404
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import AccessEntry, JournalEntry
from otklik.correspondence.models import MessageFacts
from otklik.hotline import consultations
from otklik.hotline.models import Call, Consultation, ScriptUse, Transfer
from otklik.people.applicants import Typed
from otklik.surveys import defaults as surveys
from otklik.surveys import questions
from otklik.surveys.models import Questionnaire, Response
from tests.hotline.conftest import NUMBER

pytestmark = pytest.mark.django_db

# Order № 2725-НПА, п. 27.3, to the letter.
ORDER = """27.3. После завершения консультации сотрудник департамента должен предложить заявителю ответить на вопросы:
1) «Получен ли ответ на Ваш вопрос?» (ответы: «да» / «нет»);
2) «Оцените качество работы консультанта» (ответы: «удовлетворен» / «частично удовлетворен»/ «не удовлетворен»)."""
SAID = {"answered": "yes", "quality": "partial"}


@pytest.fixture
def talk(line, consultant) -> Consultation:
    return consultations.open_for(None, line=line, number=NUMBER, by=consultant)


def keep(row, by, *, question="Как продлить аренду?", answer="", caller="", version=0):
    return consultations.keep(row, question=question, answer=answer, caller=caller, version=version, by=by)


def read(row, by, *, stage="ending", step="Завершить разговор"):
    return consultations.read_step(row, material=7, revision=70, stage=stage, step=step, by=by)


def test_the_two_questions_stand_in_the_order_word_for_word():
    asked = surveys.CONSULTATION["questions"]
    assert len(asked) == 2
    for number, question in enumerate(asked, start=1):
        answers = " / ".join(f"«{words}»" for _, words in question["answers"])
        said = f"{number}) «{question['text']}» (ответы: {answers})"
        assert said in ORDER.replace("»/ «", "» / «")


def test_one_call_is_one_consultation_whoever_opens_it(comes, consultant, consultant2):
    call = comes(answered_by=consultant)
    row = consultations.open_for(call, by=consultant)
    assert consultations.open_for(call, by=consultant2) == row
    assert (row.number, row.line) == (NUMBER, call.line)
    assert Call.objects.get().consultation == row


def test_a_call_back_after_a_dropped_one_goes_on_with_the_same_consultation(comes, consultant, consultant2):
    first = comes()
    row = consultations.open_for(first, by=consultant)
    row = keep(row, consultant)
    consultations.close(row, "dropped", by=consultant)
    again = consultations.open_for(comes(), by=consultant2)
    assert again == row
    assert (again.outcome, again.by, again.asked) == ("", consultant2, "")
    assert again.calls.count() == 2


def test_a_call_that_ended_without_an_outcome_is_gone_on_with_and_one_that_goes_on_is_not(comes, consultant):
    first = comes()
    row = consultations.open_for(first, by=consultant)
    assert consultations.open_for(comes(), by=consultant) != row  # two telephones of one office
    Consultation.objects.exclude(pk=row.pk).delete()
    Call.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    assert consultations.open_for(comes(), by=consultant) == row


def test_ten_minutes_later_or_from_a_withheld_number_it_is_another_consultation(comes, consultant):
    row = consultations.open_for(comes(), by=consultant)
    consultations.close(row, "dropped", by=consultant)
    Consultation.objects.update(closed_at=timezone.now() - timedelta(minutes=11))
    assert consultations.open_for(comes(), by=consultant) != row
    hidden = consultations.open_for(comes(""), by=consultant)
    consultations.close(hidden, "dropped", by=consultant)
    assert consultations.open_for(comes(""), by=consultant) != hidden


def test_a_call_written_down_by_hand_and_told_of_later_is_one_consultation(comes, talk, consultant):
    assert consultations.open_for(comes("8 913 000 00 01"), by=consultant) == talk


def test_two_callers_at_once_are_two_consultations(comes, consultant):
    one, other = (consultations.open_for(comes(number), by=consultant) for number in (NUMBER, "+7 913 000-00-02"))
    assert list(consultations.open_of(consultant)) == [one, other]


def test_another_tab_overwrites_nothing(talk, consultant):
    keep(talk, consultant, question="Первая вкладка")
    with pytest.raises(consultations.ConsultationConflict) as conflict:
        keep(talk, consultant, question="Вторая вкладка")
    assert conflict.value.theirs.question == "Первая вкладка"
    assert keep(talk, consultant, question="Первая вкладка").version == 1  # the same words are no conflict
    assert keep(talk, consultant, question="Обе", version=1).version == 2


def test_the_journal_holds_none_of_the_callers_words(talk, consultant):
    keep(talk, consultant, question="Тайна Ивановой", caller="Мария Петровна")
    consultations.promise(talk, number=NUMBER, due_at=timezone.now() + timedelta(hours=1), about="тайна", by=consultant)
    told = str(list(JournalEntry.objects.filter(chain=f"consultation:{talk.pk}").values_list("data", flat=True)))
    assert not any(word in told for word in ("айн", "Мария", "913"))
    assert journal.verify_chain(f"consultation:{talk.pk}") == []


def test_a_stranger_writes_nothing_until_the_caller_is_handed_over(talk, consultant, consultant2):
    with pytest.raises(consultations.NotYours):
        keep(talk, consultant2)
    assert not consultations.visible_to(consultant2).exists()
    row = consultations.transfer(talk, where="employee", to=consultant2, why="знает аренду", by=consultant)
    assert keep(talk, consultant2).question
    assert list(consultations.open_of(consultant2)) == [talk]
    consultations.transfer_result(row, "taken", by=consultant2)
    consultations.transfer_result(row, "not_taken", by=consultant)
    assert Transfer.objects.get().result == "taken"


def test_heads_see_all_consultants_their_own_and_others_none(talk, world, consultant, consultant2):
    assert list(consultations.visible_to(world.head)) == [talk]
    assert list(consultations.visible_to(consultant)) == [talk]
    for stranger in (consultant2, world.executor):
        with pytest.raises(Http404):
            consultations.get_for(stranger, talk.pk)
    consultations.get_for(world.head, talk.pk)
    consultations.get_for(world.head, talk.pk)
    assert AccessEntry.objects.filter(action="consultation.seen", actor=world.head).count() == 1
    with pytest.raises(consultations.NotYours):
        keep(talk, world.head)


def test_holding_is_announced_once_and_ends(talk, consultant):
    consultations.hold(talk, seconds=120, by=consultant)
    with pytest.raises(consultations.AlreadyHeld):
        consultations.hold(talk, seconds=60, by=consultant)
    consultations.resume(talk, by=consultant)
    consultations.resume(talk, by=consultant)
    assert talk.holds.get().ended_at
    with pytest.raises(consultations.WaitUnclear):
        consultations.hold(talk, seconds=3600, by=consultant)


def test_a_transfer_names_to_whom_and_why(talk, consultant, consultant2):
    for facts in (
        {"where": "nowhere", "why": "так"},
        {"where": "employee", "why": "так"},
        {"where": "employee", "to": consultant, "why": "так"},
        {"where": "outside", "to_words": " ", "why": "так"},
    ):
        with pytest.raises(consultations.WhereUnclear):
            consultations.transfer(talk, **facts, by=consultant)
    with pytest.raises(consultations.WhyNeeded):
        consultations.transfer(talk, where="employee", to=consultant2, why=" ", by=consultant)
    consultations.transfer(talk, where="ekc", why="не наш вопрос", by=consultant)
    assert consultations.close(talk, "to_ekc", by=consultant).not_offered == "transferred"


@pytest.mark.parametrize(
    "changes", [{"number": "нет"}, {"due_at": timezone.now() - timedelta(hours=1)}, {"about": " "}]
)
def test_a_promise_has_a_number_an_hour_ahead_and_a_matter(talk, consultant, changes):
    facts = {"number": NUMBER, "due_at": timezone.now() + timedelta(hours=1), "about": "срок", **changes}
    with pytest.raises(DomainError):
        consultations.promise(talk, **facts, by=consultant)


def test_words_become_one_message_that_waits_for_the_clerk(talk, consultant):
    typed = Typed(last_name="Иванова", first_name="Мария", phone=NUMBER, email="ivanova@citizen.example")
    message = consultations.write_appeal(talk, typed=typed, subject="Аренда", text="Прошу продлить", by=consultant)
    assert (message.channel, message.state, message.contact_point.channel) == ("hotline", "new", "hotline")
    assert MessageFacts.objects.get(message=message).data["applicant"]["last_name"] == "Иванова"
    with pytest.raises(consultations.AlreadyWritten):
        consultations.write_appeal(talk, typed=typed, subject="Аренда", text="Ещё раз", by=consultant)
    talk.refresh_from_db()
    consultations.ask(talk, refused=True, by=consultant)
    assert consultations.close(talk, "written", by=consultant).outcome == "written"


def test_answers_are_kept_as_an_opinion_by_telephone(talk, consultant):
    row = consultations.ask(talk, answers=SAID, told_of_qr=True, by=consultant)
    response = Response.objects.get()
    assert (response.answers, response.source) == (SAID, "phone")
    assert (row.asked, row.told_of_qr, row.invitation) == ("answered", True, response.invitation)
    again = consultations.ask(row, refused=True, by=consultant)  # what was answered stays answered
    assert again.asked == "answered"
    assert Response.objects.count() == 1


def test_a_refusal_is_no_answer_and_what_was_not_offered_says_why(talk, consultant):
    row = consultations.ask(talk, refused=True, by=consultant)
    assert (row.asked, row.invitation) == ("refused", None)
    with pytest.raises(consultations.OutcomeUnclear):
        consultations.ask(talk, not_offered="other", by=consultant)
    with pytest.raises(consultations.AnswersContradict):
        consultations.ask(talk, not_offered="bored", by=consultant)
    with pytest.raises(consultations.AnswersContradict):
        consultations.ask(talk, answers=SAID, not_offered="hung_up", by=consultant)
    row = consultations.ask(talk, not_offered="other", words="сам спросил", by=consultant)
    assert (row.asked, row.not_offered, row.not_offered_words) == ("not_offered", "other", "сам спросил")
    assert not Response.objects.exists()


def test_who_answers_one_question_and_refuses_the_other_has_answered_that_one(talk, consultant):
    with pytest.raises(questions.AnswersUnclear):
        consultations.ask(talk, answers={"answered": "yes"}, by=consultant)
    row = consultations.ask(talk, answers={"answered": "yes"}, refused=True, by=consultant)
    assert row.asked == "answered"
    assert Response.objects.get(invitation=row.invitation).answers == {"answered": "yes"}


def test_the_edition_in_force_is_asked_and_old_answers_keep_their_words(talk, consultant):
    row = consultations.ask(talk, answers=SAID, by=consultant)
    old = Questionnaire.objects.get(code="consultation")
    new = Questionnaire.objects.create(
        code="consultation", edition=2, title="Новая", questions=old.questions, valid_from=timezone.localdate()
    )
    other = consultations.open_for(None, line=talk.line, number="+7 913 000-00-03", by=consultant)
    assert consultations.ask(other, answers=SAID, by=consultant).invitation.questionnaire == new
    assert row.invitation.questionnaire == old


def test_whoever_got_an_answer_is_asked_before_it_is_closed(talk, consultant):
    with pytest.raises(consultations.QuestionsWaiting):
        consultations.close(talk, "answered", by=consultant)
    consultations.ask(talk, answers=SAID, by=consultant)
    row = consultations.close(talk, "answered", by=consultant)
    assert row.closed_at
    with pytest.raises(consultations.ConsultationOver):
        keep(row, consultant, version=row.version)


@pytest.mark.parametrize(
    "outcome", ["", "excellent", "written", "promised", "transferred", "to_ekc", "ended_by_script"]
)
def test_an_outcome_is_true(talk, consultant, outcome):
    with pytest.raises(consultations.OutcomeUnclear):
        consultations.close(talk, outcome, by=consultant)


def test_an_abusive_call_ends_by_script_with_the_step_it_was_ended_at(talk, consultant):
    read(talk, consultant, stage="conflict", step="Снять напряжение")
    read(talk, consultant)
    read(talk, consultant)
    row = consultations.close(talk, "ended_by_script", by=consultant)
    assert list(ScriptUse.objects.values_list("step", "revision")) == [
        ("Снять напряжение", 70),
        ("Завершить разговор", 70),
    ]
    assert (row.asked, row.not_offered) == ("not_offered", "abusive")


def test_closing_ends_a_hold(talk, consultant):
    consultations.hold(talk, seconds=60, by=consultant)
    consultations.close(talk, "dropped", by=consultant)
    assert talk.holds.get().ended_at


def test_a_slip_of_the_key_is_taken_back_on_the_same_day(talk, consultant, consultant2):
    row = consultations.close(talk, "wrong_number", by=consultant)
    with pytest.raises(consultations.NotYours):
        consultations.take_up(row, by=consultant2)
    again = consultations.take_up(row, by=consultant)
    assert (again.outcome, again.closed_at, again.asked) == ("", None, "")
    consultations.close(again, "dropped", by=consultant)
    Consultation.objects.update(closed_at=timezone.now() - timedelta(days=1))
    with pytest.raises(consultations.TooLate):
        consultations.take_up(row, by=consultant)


def test_closed_consultations_are_found_by_their_words_by_who_may_see_them(talk, world, consultant, consultant2):
    keep(talk, consultant, question="Как оформить гараж?", answer="Подайте заявление")
    consultations.close(talk, "dropped", by=consultant)
    assert consultations.keys_for(consultant, "гаражи") == [talk.pk]
    assert consultations.keys_for(world.head, "оформление гаража") == [talk.pk]
    assert consultations.keys_for(consultant2, "гаражи") == []
    assert consultations.put_all(lost_only=True) == 0
    assert consultations.put_all(lost_only=False) == 1
