"""One analysis for every source: counted by the formulas, never a percentage of few, by what each opinion is about."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.reports import opinions
from otklik.reports.opinions import Figures, Scope, Share
from otklik.surveys import feedback, handling, paper
from otklik.surveys.models import OpinionTarget, Questionnaire, Response, SurveyPoint
from tests.appeals.conftest import LONG_AGO, World

pytestmark = pytest.mark.django_db


def year(**facts) -> Scope:
    today = timezone.localdate()
    return Scope(today - timedelta(days=365), today, **facts)


def test_csi_counts_half_of_the_partly_satisfied_and_only_those_who_graded(world: World, says) -> None:
    for grade, number in (("+", 6), ("~", 3), ("-", 1)):
        for _ in range(number):
            says(grade, "no" if grade == "-" else "yes")
    empty = feedback.invite(channel="hotline", on=timezone.localdate())
    Response.objects.create(invitation=empty, answers={"answered": "no"}, source="paper")  # nothing marked at quality
    found = opinions.figures(world.clerk, year())
    assert (found.total, found.graded, found.told) == (11, 10, 11)
    assert (found.csi.part, found.csi.percent, found.csat.percent) == (7.5, 75, 60)
    assert found.answered.percent == 82


@pytest.mark.parametrize(("part", "of", "words"), [(9, 9, "—"), (10, 10, "100 %"), (0, 0, "—"), (5, 11, "45 %")])
def test_of_fewer_than_ten_there_is_no_percentage(part: int, of: int, words: str) -> None:
    assert Share(part, of).words == words


def test_every_opinion_stands_where_what_it_is_about_stands(world: World, says, talks, consultant) -> None:
    topic, _ = world.pair()
    about_call = says(source="phone")
    talks(said=about_call, topic=topic)
    appeal = world.classified()
    about_appeal = says(source="link", channel="email")
    Appeal.objects.filter(pk=appeal.pk).update(invitation=about_appeal.invitation, unit=world.law)
    point = SurveyPoint.objects.create(
        code="door", name="Дверь", questionnaire="consultation", unit=world.hq, valid_from=LONG_AGO
    )
    says(source="qr", point=point, channel="reception")
    batch = paper.open_batch(
        questionnaire=Questionnaire.objects.get(code="consultation"), point=None, unit=world.land,
        received_on=timezone.localdate(), forms_expected=1, by=world.clerk,
    )  # fmt: skip
    paper.enter(batch, 1, {"answered": "yes", "quality": "satisfied"}, "", by=world.clerk)
    paper.end_entry(batch, forms=1, by=world.clerk)
    paper.count(batch, unchecked="некому", by=world.clerk)

    def told(dimension: str) -> dict:
        return {value: one.total for value, _, one in opinions.by(world.clerk, year(), dimension)}

    assert told("source") == {"phone": 1, "link": 1, "qr": 1, "paper": 1}
    assert told("channel") == {"hotline": 1, "email": 1, "reception": 1, "": 1}
    assert told("unit") == {world.land.pk: 2, world.law.pk: 1, world.hq.pk: 1}
    assert told("topic")[topic.pk] == 2
    assert told("consultant") == {consultant.pk: 1}
    assert opinions.opinions(world.clerk, year(unit=world.hq.pk)).get().source == "qr"
    assert opinions.opinions(world.clerk, year(consultant=consultant.pk)).get() == about_call


def test_each_figure_is_the_length_of_its_list(world: World, says) -> None:
    for grade, got in (("+", "yes"), ("~", "no"), ("-", "no"), ("+", "no")):
        says(grade, got, comment="Слова" if got == "no" else "")
    handling.done(Response.objects.filter(comment="Слова").earliest("pk"), outcome="Исправили", by=world.clerk)
    found = opinions.figures(world.clerk, year())
    for name in opinions.COUNTED:
        assert getattr(found, name) == opinions.opinions(world.clerk, year(), name).count(), name
    assert opinions.opinions(world.clerk, year(), "waiting").count() == 2
    assert opinions.opinions(world.clerk, year(), "unhappy").count() == 3


def test_a_flood_from_one_address_stands_apart_from_every_figure(world: World, says) -> None:
    for grade in "+-":
        says(grade)
    flood = says("-")
    Response.objects.filter(pk=flood.pk).update(suspicious=True)
    assert opinions.figures(world.clerk, year()).total == 2
    assert flood not in opinions.opinions(world.clerk, year(), "unhappy")
    assert [*opinions.opinions(world.clerk, year(), "suspicious")] == [flood]


def test_a_month_without_opinions_stands_in_the_row_of_months(world: World, says) -> None:
    says(days_ago=70)
    months = opinions.by_month(world.clerk, year())
    assert len(months) in (12, 13)
    assert sum(one.total for one in months.values()) == 1
    assert months[timezone.localdate().replace(day=1)] == Figures()


def test_coverage_tells_apart_who_answered_who_refused_and_who_was_not_asked(world: World, says, talks) -> None:
    for _ in range(6):
        talks(said=says(source="phone"))
    for _ in range(3):
        talks(asked="refused")
    talks(asked="not_offered", not_offered="hung_up")
    talks(outcome="", closed_at=None)  # goes on
    found = opinions.talks(world.clerk, year())
    assert (found.total, found.answered, found.refused, found.not_offered) == (10, 6, 3, 1)
    assert (found.coverage.percent, found.offered.percent) == (60, 90)
    for name in ("answered", "refused", "not_offered", "offered"):
        number = found.offered.part if name == "offered" else getattr(found, name)
        assert opinions.consultations(world.clerk, year(), name).count() == number
    assert opinions.talks(world.clerk, year(source="paper")).total == 0


def test_who_called_again_on_the_same_topic_within_a_week_was_not_helped_at_once(world: World, talks) -> None:
    topic, _ = world.pair()
    talks(number="+7 913 000-00-01", topic=topic, days_ago=20)
    talks(number="8 (913) 000-00-01", topic=topic, days_ago=14)  # again
    talks(number="+7 913 000-00-02", topic=topic, days_ago=20)
    talks(number="+7 913 000-00-02", topic=None, days_ago=19)  # about something else
    talks(number="+7 913 000-00-03", topic=topic, days_ago=30)
    talks(number="+7 913 000-00-03", topic=topic, days_ago=22.9)  # eight days later
    talks(number="", topic=topic)  # withheld
    talks(number="+7 913 000-00-04", days_ago=2)  # the week is not over
    found = opinions.talks(world.clerk, year())
    assert (found.judged, found.again) == (6, 1)


def test_a_head_reads_the_opinions_of_his_units_and_those_handed_to_them(world: World, says, talks) -> None:
    talks(said=says(source="phone"))
    foreign = says(source="qr")
    assert opinions.opinions(world.head, year()).count() == 1
    handling.hand_over(foreign, unit=world.head.unit, task="Разобраться", by=world.clerk)
    assert opinions.opinions(world.fresh(world.head), year()).count() == 2
    assert opinions.opinions(world.executor, year()).count() == 0
    assert opinions.talks(world.head, year()).total == 1


def test_a_target_counts_from_its_day(world: World) -> None:
    for percent, since in ((70, date(2025, 1, 1)), (80, date(2026, 1, 1))):
        OpinionTarget.objects.create(figure="csi", percent=percent, valid_from=since)
    assert opinions.targets(date(2025, 6, 1))["csi"].percent == 70
    assert opinions.targets(date(2026, 6, 1))["csi"].percent == 80
    assert opinions.targets(date(2024, 6, 1)) == {}


def test_the_analysis_asks_the_same_number_of_questions_whatever_was_said(
    world: World, says, talks, django_assert_num_queries
) -> None:
    def all_of_it() -> None:
        opinions.figures(world.clerk, year())
        opinions.by_month(world.clerk, year())
        opinions.talks(world.clerk, year())
        for dimension in opinions.DIMENSIONS:
            opinions.by(world.clerk, year(), dimension)

    world.clerk.has_power(opinions.READ)
    topic, _ = world.pair()
    for _ in range(3):
        talks(said=says(), topic=topic)
    with django_assert_num_queries(11):
        all_of_it()
