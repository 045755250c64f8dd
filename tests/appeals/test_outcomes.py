"""How matters end: outcomes with what the law wants for each, for every question; a letter closes when all have one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import (
    case_questions,
    classification,
    complained,
    defaults,
    dispatch,
    drafting,
    outcomes,
    registration,
    transitions,
)
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.models import Appeal, AppealQuestion, OutcomeKind, QuestionOutcome
from otklik.appeals.outcomes import Given
from otklik.core import journal
from otklik.correspondence.models import OutgoingMessage

S = Appeal.Status


def kind(code):
    return OutcomeKind.objects.get(code=code)


def arrived(message):
    OutgoingMessage.objects.filter(pk=message.pk).update(state="sent", sent_at=timezone.now())


def answered(world, **changes):
    """Bring an appeal of the same applicant to a sent answer."""
    appeal = world.signed(world.registered(**changes))
    arrived(dispatch.send(appeal, by=world.clerk).message)
    return world.again(appeal)


def test_every_ground_of_the_law_is_shipped_with_article_status_and_what_it_needs(world):
    articles = set(OutcomeKind.objects.values_list("article", flat=True))
    assert {f"ст. 11 ч. {part}" for part in ("1", "2", "3", "4", "4.1", "5", "5.1", "6")} <= articles
    assert {"ст. 8 ч. 3", "ст. 8 ч. 7", "ст. 5", "ст. 13 ч. 3"} <= articles
    told = {one.code: (one.sstu, one.actions_taken) for one in OutcomeKind.objects.all()}
    assert told["supported-done"] == ("Supported", True)
    assert told["supported"] == ("Supported", False)
    assert told["refused"] == ("NotSupported", None)
    assert told["forwarded"] == ("Transferred", None)
    assert told["correspondence-ended"] == ("LeftWithoutAnswer", None)
    assert kind("returned").days == kind("court").days == kind("unreadable").days == 7
    for one in OutcomeKind.objects.filter(needs="letter"):
        assert "Что вам делать дальше" in one.letter


def test_loading_again_adds_nothing_and_changes_no_row_people_made(world):
    OutcomeKind.objects.filter(code="court").update(days=5)
    before = OutcomeKind.objects.count()
    defaults.load()
    assert (OutcomeKind.objects.count(), kind("court").days) == (before, 5)


def test_sending_confirms_the_proposed_outcome_and_the_case_closes(world):
    appeal = answered(world)
    row = QuestionOutcome.objects.get(appeal=appeal)
    assert (row.kind.code, row.proposed, row.by, row.question.topic.code) == (
        "answered", True, world.clerk, "0003.0011.0123.0850",
    )  # fmt: skip
    dispatch.close(appeal, reason="", by=world.clerk)
    assert world.again(appeal).status == S.CLOSED
    assert journal.verify() == []


def test_sending_keeps_the_outcome_somebody_has_given_and_takes_another_proposal(world):
    appeal = world.signed()
    outcomes.record(appeal, kind("refused"), by=world.executor)
    dispatch.send(appeal, by=world.clerk, outcome="explained")
    assert QuestionOutcome.objects.get(appeal=appeal, replaced_at=None).kind.code == "refused"
    other = world.signed()
    dispatch.send(other, by=world.clerk, outcome="explained")
    assert QuestionOutcome.objects.get(appeal=other).kind.code == "explained"


def test_what_sending_proposed_goes_with_the_sending_that_was_taken_back(world):
    appeal = world.signed()
    dispatch.send(appeal, by=world.clerk)
    dispatch.undo(world.again(appeal), by=world.clerk)
    assert not QuestionOutcome.objects.filter(appeal=appeal, replaced_at=None).exists()
    dispatch.send(world.again(appeal), by=world.clerk, outcome="refused")
    assert QuestionOutcome.objects.get(appeal=appeal, replaced_at=None).kind.code == "refused"


def test_a_proposal_that_needs_more_than_a_press_stops_the_sending(world, trace):
    appeal = world.signed()
    before = trace()
    with pytest.raises(outcomes.OutcomeRefused):
        dispatch.send(appeal, by=world.clerk, outcome="correspondence-ended")
    assert trace() == before


def test_a_letter_of_two_questions_closes_only_when_both_have_an_outcome(world):
    appeal = world.drafted()
    topic, need = world.pair("0003.0011.0123.0843", "lease")
    case_questions.split(appeal, topic, need, text="Кто захватил участок?", by=world.clerk)
    first, second = appeal.questions.order_by("pk")
    assert second.confirmed_by == world.clerk
    outcomes.record(appeal, kind("explained"), questions=[first], by=world.executor)
    assert [part.outcome is None for part in outcomes.parts(appeal)] == [False, True]
    with pytest.raises(outcomes.NotCovered, match="земельный надзор"):
        outcomes.check_covered(appeal)
    forwarded = Given(where="Росреестр", number="12-7", dated=timezone.localdate())
    outcomes.record(appeal, kind("forwarded"), forwarded, questions=[second], by=world.executor)
    outcomes.check_covered(appeal)
    assert [part.outcome.kind.code for part in outcomes.parts(appeal)] == ["explained", "forwarded"]


def test_another_outcome_replaces_the_first_and_both_stay(world):
    appeal = world.drafted()
    outcomes.record(appeal, kind("explained"), by=world.executor)
    outcomes.record(appeal, kind("refused"), by=world.executor)
    assert QuestionOutcome.objects.filter(appeal=appeal).count() == 2
    assert outcomes.parts(appeal)[0].outcome.kind.code == "refused"


@pytest.mark.parametrize(
    ("code", "given", "words"),
    [
        ("forwarded", Given(where="Росреестр"), "номер и дату"),
        ("withdrawn", Given(), "напишите в пояснении"),
        ("orally", Given(), "напишите в пояснении"),
        ("correspondence-ended", Given(), "номер и дату решения"),
    ],
)
def test_an_outcome_without_what_the_law_wants_is_refused(world, trace, code, given, words):
    appeal = world.drafted()
    before = trace()
    with pytest.raises(outcomes.OutcomeIncomplete, match=words):
        outcomes.record(appeal, kind(code), given, by=world.executor)
    assert trace() == before


@pytest.mark.parametrize("days", [1, -400])
def test_the_day_of_an_outcome_is_neither_ahead_nor_before_registration(world, days):
    appeal = world.drafted()
    with pytest.raises(WrongDate):
        outcomes.record(
            appeal, kind("explained"), Given(on=timezone.localdate() + timedelta(days=days)), by=world.executor
        )


def test_who_does_not_work_on_the_appeal_gives_no_outcome(world):
    with pytest.raises(NotYours):
        outcomes.record(world.drafted(), kind("explained"), by=world.stranger)


def test_a_withdrawn_appeal_ends_without_a_letter_and_an_answered_one_does_not(world):
    appeal = world.drafted()
    with pytest.raises(outcomes.NotCovered):
        outcomes.close_unanswered(appeal, by=world.clerk)
    outcomes.record(appeal, kind("explained"), by=world.clerk)
    with pytest.raises(outcomes.OutcomeRefused, match="требует письма"):
        outcomes.close_unanswered(appeal, by=world.clerk)
    outcomes.record(appeal, kind("withdrawn"), Given(note="Заявление от 25.11.2026"), by=world.clerk)
    outcomes.close_unanswered(appeal, by=world.clerk)
    appeal = world.again(appeal)
    assert (appeal.status, appeal.close_reason) == (S.CLOSED, "отозвано заявителем")
    dispatch.undo_close(appeal, to=S.DRAFTING, by=world.clerk)
    assert world.again(appeal).needs_answer


def test_correspondence_ends_by_a_decision_of_an_official_after_two_answers_on_the_merits(world):
    first, second = answered(world), answered(world)
    appeal = world.drafted()
    assert outcomes.earlier_answers(appeal) == [second, first]
    decision = {"number": "7-р", "dated": timezone.localdate()}
    given = Given(**decision, decided_by=world.executor, earlier=[first, second])
    with pytest.raises(outcomes.OutcomeIncomplete, match="не вправе"):
        outcomes.record(appeal, kind("correspondence-ended"), given, by=world.executor)
    given = Given(**decision, decided_by=world.signer, earlier=[first])
    with pytest.raises(outcomes.OutcomeIncomplete, match="не меньше 2"):
        outcomes.record(appeal, kind("correspondence-ended"), given, by=world.executor)
    given = Given(**decision, decided_by=world.signer, earlier=[first, second])
    (row,) = outcomes.record(appeal, kind("correspondence-ended"), given, by=world.executor)
    assert set(row.earlier.all()) == {first, second}
    text = outcomes.letter(appeal, row.kind, row)
    assert [words in text for words in ("7-р", first.number, second.number, "{")] == [True, True, True, False]
    later = world.registered()
    assert outcomes.ended_before(later) == [row]
    assert later.status == S.REGISTERED  # compared by a person, dropped by nobody


def test_answers_to_another_applicant_end_no_correspondence(world):
    from otklik.people.applicants import Typed

    first, second = answered(world), answered(world)
    other = world.drafted(world.registered(applicant=Typed(last_name="Петров", first_name="Пётр")))
    given = Given(number="7-р", dated=timezone.localdate(), decided_by=world.signer, earlier=[first, second])
    with pytest.raises(outcomes.OutcomeIncomplete, match="этому же заявителю"):
        outcomes.record(other, kind("correspondence-ended"), given, by=world.executor)


def test_the_letter_of_an_outcome_begins_an_empty_answer_and_replaces_no_text(world):
    appeal = world.assigned()
    text = outcomes.letter(appeal, kind("unreadable"))
    assert appeal.number in text
    assert "часть 4 статьи 11" in text
    assert outcomes.put_letter(appeal, text, by=world.executor)
    assert drafting.draft_of(world.again(appeal)).text == text
    assert not outcomes.put_letter(world.again(appeal), "Другое", by=world.executor)


def test_an_appeal_is_not_forwarded_to_whom_it_complains_of_nor_to_ourselves(world):
    from otklik.people.models import Department

    Department.objects.update(name="Департамент имущества")
    appeal = world.drafted()
    complained.add(appeal, body="Администрация Примерного района", by=world.clerk)
    for where in ("администрация примерного района", "Администрация Примерного района, отдел писем"):
        given = Given(where=where, number="1", dated=timezone.localdate())
        with pytest.raises(complained.BodyIsComplainedOf):
            outcomes.record(appeal, kind("forwarded"), given, by=world.executor)
    given = Given(where="департамент имущества", number="1", dated=timezone.localdate())
    with pytest.raises(outcomes.OutcomeIncomplete, match="самим себе"):
        outcomes.record(appeal, kind("forwarded"), given, by=world.executor)


def test_of_two_outcomes_read_at_once_one_counts(world):
    appeal = world.drafted()
    mine, theirs = world.again(appeal), world.again(appeal)
    outcomes.record(mine, kind("explained"), by=world.clerk)
    with pytest.raises(transitions.ChangedMeanwhile):
        outcomes.record(theirs, kind("refused"), by=world.executor)
    assert QuestionOutcome.objects.get(appeal=appeal).kind.code == "explained"


def test_the_seven_days_are_counted_from_registration(world):
    appeal = world.registered()
    assert outcomes.due_of(appeal, kind("unreadable")) == appeal.registered_on + timedelta(days=7)
    assert outcomes.due_of(appeal, kind("abuse")) == appeal.due_on


def test_questions_are_joined_with_their_words_and_given_to_an_executor(world):
    appeal = world.drafted()
    topic, need = world.pair("0003.0011.0123.0843", "lease")
    second = case_questions.split(appeal, topic, need, text="Кто захватил?", by=world.executor)
    assert (second.confirmed_by, second.proposed_by) == (None, world.executor)
    part = case_questions.describe(second, text="Кто занял участок?", executor=world.helper, by=world.clerk)
    assert part.executor == world.helper
    assert list(appeal.co_executors.all()) == [world.helper]
    first = appeal.questions.order_by("pk").first()
    case_questions.join(first, second, by=world.clerk)
    assert appeal.questions.get() == first
    assert AppealQuestion.objects.get().part.text == "Кто занял участок?"
    with pytest.raises(case_questions.WrongQuestion, match="уже есть"):
        case_questions.split(appeal, first.topic, first.need, by=world.clerk)


def test_an_outcome_of_the_whole_says_nothing_of_a_question_found_since(world):
    appeal = registration.register(world.message(), world.entry(needs_answer=False), by=world.clerk)
    outcomes.record(appeal, kind("orally"), Given(note="На приёме, согласие в карточке"), by=world.clerk)
    case_questions.split(appeal, *world.pair(), by=world.clerk)
    assert [part.outcome for part in outcomes.parts(appeal)] == [None]


def test_a_question_classified_away_takes_its_outcome_along(world):
    appeal = world.drafted()
    outcomes.record(appeal, kind("explained"), by=world.executor)
    classification.classify(appeal, [world.pair("0003.0011.0123.0843", "lease")], by=world.clerk)
    assert [part.outcome for part in outcomes.parts(appeal)] == [None]
