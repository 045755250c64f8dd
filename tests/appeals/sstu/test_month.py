"""What a month says of its appeals: statuses from outcomes kept at closing, the check list, nothing retyped."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from otklik.appeals import approval, dispatch, drafting, extension, forwarding, merging, outcomes, signature
from otklik.appeals.models import (
    Appeal,
    AppealQuestion,
    OutcomeKind,
    QuestionOutcome,
    SstuBody,
    Topic,
)
from otklik.appeals.outcomes import Given
from otklik.appeals.sstu import checking, dictionary, selecting, validator
from otklik.core import files
from otklik.core.models import StoredFile
from tests.appeals.sstu.conftest import OTHERS, OURS, TEXT, World

BODY = "Министерство транспорта"
TODAY = timezone.localdate


def kind(code: str) -> OutcomeKind:
    return OutcomeKind.objects.get(code=code)


def accepted(world: World, appeal: Appeal) -> dict[str, Any]:
    """Return the only question of an appeal; what is said of it passes the validator."""
    said = world.said(appeal)
    report = validator.check_bytes(json.dumps(said).encode(), f"{OURS}.json")
    assert (report.errors, report.warnings) == ([], [])
    [question] = said["questions"]
    return dict(question)


def codes(world: World, appeal: Appeal) -> list[str]:
    return [one.code for one in world.line(appeal).problems]


# --- statuses --------------------------------------------------------------------------------------------------------


def test_what_came_but_was_registered_in_the_next_month_is_not_registered(world: World) -> None:
    appeal = world.classified()
    last = world.month.previous
    Appeal.objects.filter(pk=appeal.pk).update(received_on=last.last)
    assert appeal.pk in selecting.appeals_of(last, dictionary.rule()).values_list("pk", flat=True)
    [question] = world.said(world.again(appeal), last)["questions"]
    assert question == {
        "code": "0003.0011.0123.0850", "status": "NotRegistered", "incomingDate": last.last.isoformat(),
    }  # fmt: skip


def test_what_nobody_has_answered_is_in_work(world: World) -> None:
    question = accepted(world, world.assigned())
    assert (question["status"], "isExtend" in question) == ("InWork", False)


def test_an_extended_one_says_so_by_its_status_or_by_a_mark(world: World) -> None:
    appeal = world.assigned()
    world.stands_in(world.clerk, world.auditor)
    extension.extend(appeal, days=10, reason="Ждём ответа", decided_by=world.signer, by=world.clerk)
    assert accepted(world, appeal)["status"] == "InWorkExtended"
    world.keep(extended="mark")
    question = accepted(world, appeal)
    assert (question["status"], question["isExtend"]) == ("InWork", True)


@pytest.mark.parametrize(
    ("code", "status", "taken"),
    [
        ("answered", "Answered", None),
        ("explained", "Explained", None),
        ("supported-done", "Supported", True),
        ("supported", "Supported", False),
        ("refused", "NotSupported", None),
        ("published", "Answered", None),
        ("abuse", "LeftWithoutAnswer", None),
    ],
)
def test_the_outcome_kept_at_closing_gives_the_status(world: World, code: str, status: str, taken: bool | None) -> None:
    appeal = world.assigned()
    outcomes.record(appeal, kind(code), Given(note="https://dizo.example/"), by=world.clerk)
    assert accepted(world, world.again(appeal))["status"] == "InWork", "the letter has not left"
    drafting.save(appeal, text="Ответ по существу.", base_version=0, by=world.executor)
    question = accepted(world, _sent(world, appeal))
    assert (question["status"], question.get("actionsTaken")) == (status, taken)
    assert question["responseDate"] == TODAY().isoformat()
    if status == "LeftWithoutAnswer":
        assert "attachment" not in question
    else:
        assert base64.b64decode(question["attachment"]["content"]) == TEXT


def _sent(world: World, appeal: Appeal) -> Appeal:
    approval.ask(appeal, approvers=[world.head], by=world.executor)
    row = approval.decision_of(appeal, world.head)
    assert row is not None
    approval.approve(row, by=world.head)
    answer = signature.freeze(world.again(appeal), signer=world.signer, by=world.executor)
    signature.sign_sed(answer, number="01-23/45", signed_on=TODAY(), by=world.clerk)
    dispatch.send(world.again(appeal), by=world.clerk)
    return world.again(appeal)


def test_sending_without_a_named_outcome_is_answered_with_the_frozen_letter(world: World) -> None:
    appeal = world.sent()
    [question] = world.line(appeal).request.questions
    assert question.status == "Answered"
    assert question.letter is not None
    assert question.letter[1] == appeal.frozen.get().letter


def test_left_unanswered_needs_no_file(world: World) -> None:
    appeal = world.assigned()
    outcomes.record(appeal, kind("anonymous"), Given(note="нет адреса"), by=world.clerk)
    outcomes.close_unanswered(appeal, by=world.clerk)
    question = accepted(world, world.again(appeal))
    assert (question["status"], question["responseDate"]) == ("LeftWithoutAnswer", TODAY().isoformat())


def test_an_oral_answer_is_proved_by_the_document_of_its_outcome(world: World) -> None:
    appeal = world.assigned()
    outcomes.record(appeal, kind("orally"), Given(note="на приёме"), by=world.clerk)
    assert codes(world, appeal) == ["letter"]
    paper = files.store(b"%PDF-1.7 card", name="a.pdf")
    outcomes.record(appeal, kind("orally"), Given(note="на приёме", file=paper), by=world.clerk)
    assert accepted(world, appeal)["status"] == "Answered"


def test_a_whole_forwarding_is_transferred_with_the_letter_it_went_by(world: World) -> None:
    appeal = world.assigned()
    body = forwarding.Addressed(BODY, "email", "mintrans@nso.example")
    forwarding.forward(appeal, [body], whole=True, signer=world.signer, by=world.clerk)
    appeal = world.again(appeal)
    [problem] = world.line(appeal).problems
    assert (problem.code, problem.place, problem.about) == ("body", "bodies", BODY)
    dictionary.keep_body(SstuBody(name="Минтранс", other_names=BODY.upper(), department_id=OTHERS), by=world.clerk)
    assert accepted(world, appeal)["transfer"] == {
        "departmentId": OTHERS, "transferDate": TODAY().isoformat(), "transferNumber": appeal.number,
    }  # fmt: skip


def test_an_outcome_of_transfer_says_where_and_by_which_letter(world: World) -> None:
    appeal = world.assigned()
    dictionary.keep_body(SstuBody(name=BODY, department_id=OTHERS), by=world.clerk)
    given = Given(where=BODY, number="7-ОГ", dated=TODAY())
    outcomes.record(appeal, kind("forwarded"), given, by=world.clerk)
    assert accepted(world, appeal)["transfer"]["transferNumber"] == "7-ОГ"


def test_a_question_sent_to_two_bodies_stands_twice_and_the_rest_is_answered_here(world: World) -> None:
    appeal = world.assigned()
    other = Topic.objects.filter(leaf=True).exclude(code="0003.0011.0123.0850").earliest("pk")
    ours = AppealQuestion.objects.get(appeal=appeal)
    theirs = AppealQuestion.objects.create(appeal=appeal, topic=other, need=ours.need, confirmed_at=timezone.now())
    bodies = [
        forwarding.Addressed(name, "email", f"a{number}@nso.example", [theirs])
        for number, name in enumerate((BODY, "Управление лесного хозяйства"))
    ]
    forwarding.forward(appeal, bodies, whole=False, signer=world.signer, by=world.clerk)
    statuses = world.line(world.again(appeal)).request.statuses
    assert statuses == ["InWork", "Transferred", "Transferred"]


def test_what_happens_after_the_month_is_not_said_in_it(world: World) -> None:
    appeal = world.sent()
    month = world.month
    Appeal.objects.filter(pk=appeal.pk).update(answered_on=month.next.first)
    QuestionOutcome.objects.filter(appeal=appeal).update(on=month.next.first)
    assert world.line(world.again(appeal)).request.statuses == ["InWork"]


# --- the way it came -------------------------------------------------------------------------------------------------


def test_what_the_applicant_sent_himself_is_direct_under_our_number(world: World) -> None:
    appeal = world.classified()
    said = world.said(appeal)
    assert {name: said.get(name) for name in ("departmentId", "isDirect", "format", "number", "createDate")} == {
        "departmentId": OURS, "isDirect": True, "format": "Other", "number": appeal.number, "createDate": None,
    }  # fmt: skip
    assert said["name"] == "Иванова Мария Петровна"
    assert "email" not in said


@pytest.mark.parametrize(("channel", "form"), [("medo", "Electronic"), ("governor_reception", "Other")])
def test_what_a_body_sent_bears_the_number_and_day_of_its_letter(world: World, channel: str, form: str) -> None:
    appeal = world.classified(world.from_elsewhere(channel, cover_number="12-ОГ", cover_date="2026-11-01"))
    said = world.said(appeal)
    assert (said["isDirect"], said["format"], said["number"], said["createDate"]) == (
        False, form, "12-ОГ", "2026-11-01",
    )  # fmt: skip


def test_a_letter_of_a_body_without_its_number_is_mended_on_the_covering_letter(world: World) -> None:
    appeal = world.classified(world.from_elsewhere("medo"))
    assert [(one.code, one.place) for one in world.line(appeal).problems] == [
        ("cover", "cover"), ("cover_date", "cover"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["А26-00-000000012", "A26-00-000000012"])
def test_a_number_of_urog_is_entered_by_hand(world: World, number: str) -> None:
    appeal = world.classified(world.from_elsewhere("governor_reception", cover_number=number, cover_date="2026-11-01"))
    assert world.line(appeal).state == "hand"
    world.keep(urog_prefix="")
    assert world.line(appeal).state == "ready"


# --- the check list --------------------------------------------------------------------------------------------------


def test_a_case_closed_without_an_outcome_has_no_status(world: World) -> None:
    appeal = world.sent()
    QuestionOutcome.objects.filter(appeal=appeal).delete()
    [problem] = world.line(appeal).problems
    assert (problem.code, problem.place) == ("status", "outcomes")


def test_a_question_nobody_has_confirmed_or_none_at_all_has_no_code(world: World) -> None:
    appeal = world.classified()
    AppealQuestion.objects.update(confirmed_at=None)
    assert codes(world, appeal) == ["code"]
    AppealQuestion.objects.all().delete()
    assert codes(world, appeal) == ["code"]


def test_a_code_of_four_figures_is_no_code(world: World) -> None:
    appeal = world.classified()
    Topic.objects.filter(pk=appeal.questions.get().topic_id).update(code="0850")
    assert codes(world, appeal) == ["code"]


def test_an_applicant_without_a_name_is_mended_or_called_as_the_rule_says(world: World) -> None:
    appeal = world.classified()
    names = dict.fromkeys(("last_name", "first_name", "patronymic", "organisation"), "")
    type(appeal.applicant).objects.update(**names)
    appeal = world.again(appeal)
    assert codes(world, appeal) == ["name"]
    world.keep(nameless="Аноним")
    assert world.said(appeal)["name"] == "Аноним"


@pytest.mark.parametrize(("size", "problems"), [(7_499_997, []), (7_499_999, ["size"]), (0, ["letter"])])
def test_an_attachment_of_the_limit_is_told(world: World, size: int, problems: list[str]) -> None:
    appeal = world.sent()
    StoredFile.objects.filter(pk=appeal.frozen.get().letter_id).update(size=size)
    assert codes(world, appeal) == problems


def test_dates_out_of_order_are_told(world: World) -> None:
    appeal = world.sent()
    before = appeal.registered_on - timedelta(days=1)
    Appeal.objects.filter(pk=appeal.pk).update(answered_on=before)
    QuestionOutcome.objects.filter(appeal=appeal).update(on=before)
    if before.month == appeal.registered_on.month:
        assert codes(world, world.again(appeal)) == ["dates"]


def test_without_our_own_identifier_nothing_can_be_formed(world: World) -> None:
    appeal = world.classified()
    world.keep(department_id="")
    assert codes(world, appeal) == ["department"]


def test_a_case_taken_in_by_another_is_put_aside(world: World) -> None:
    one, other = world.classified(), world.classified()
    merging.merge(one, other, by=world.clerk)
    line = world.line(world.again(one))
    assert (line.state, line.merged_into) == ("aside", other.number)


def test_only_the_regimes_of_the_rule_are_reported(world: World) -> None:
    outside = world.classified(world.registered_email())
    inside = world.classified()
    known = lambda: set(selecting.appeals_of(world.month, dictionary.rule()).values_list("pk", flat=True))  # noqa: E731
    assert known() == {inside.pk}
    world.keep(regimes=["59fz", "outside_59fz"])
    assert known() == {inside.pk, outside.pk}


def test_a_month_holds_what_was_registered_changed_or_ended_in_it(world: World) -> None:
    long_ago = date(2026, 1, 12)
    quiet, changed, ended = (world.classified() for _ in range(3))
    outcomes.record(changed, kind("explained"), by=world.clerk)
    Appeal.objects.update(received_on=long_ago, registered_on=long_ago)
    Appeal.objects.filter(pk=ended.pk).update(closed_on=TODAY())
    found = set(selecting.appeals_of(world.month, dictionary.rule()).values_list("pk", flat=True))
    assert found == {changed.pk, ended.pk}
    january = set(selecting.appeals_of(selecting.of(long_ago), dictionary.rule()).values_list("pk", flat=True))
    assert january == {quiet.pk, changed.pk, ended.pk}


def test_a_portion_is_read_by_the_same_queries_however_many_it_holds(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        world.classified()
    with django_assert_max_num_queries(22):
        assert len(list(checking.lines_of(world.month))) == 4


# --- the dictionary --------------------------------------------------------------------------------------------------


def test_an_identifier_that_cannot_be_one_is_refused(world: World) -> None:
    for typed in ("", "123", "6f9619ff-8b86-d011-b42d-00cf4fc964zz"):
        with pytest.raises(dictionary.BadIdentifier):
            dictionary.keep_body(SstuBody(name=BODY, department_id=typed), by=world.clerk)
    assert dictionary.identifier("{6F9619FF-8B86-D011-B42D-00CF4FC964FF} ") == OURS


def test_two_bodies_by_one_name_are_refused(world: World) -> None:
    dictionary.keep_body(SstuBody(name=BODY, department_id=OTHERS), by=world.clerk)
    with pytest.raises(dictionary.SameName):
        dictionary.keep_body(SstuBody(name="Минтранс", other_names=BODY, department_id=OURS), by=world.clerk)
