"""Figures of appeals: equal to a slow count over all rows, whatever happens; as long as the lists they open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otklik.appeals import queues
from otklik.appeals.models import (
    Appeal,
    AppealQuestion,
    Citation,
    Draft,
    Kinship,
    Need,
    OutcomeKind,
    PosCase,
    QuestionOutcome,
    TermExtension,
    Topic,
)
from otklik.core import journal
from otklik.core.models import TermRule
from otklik.correspondence.models import ContactPoint, OutgoingMessage, Thread
from otklik.people.models import Applicant
from otklik.reports import kept, measures
from otklik.reports.measures import MEASURES, Slice
from otklik.reports.models import KeptCase, KeptMonth
from otklik.workplace import asked, notices
from tests.appeals.conftest import World

# Each example rolls its rows back itself.
UNDONE = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
FIRST = date(2025, 11, 20)
DAYS = 130
REGIMES = ("59fz", "outside_59fz", "pos", "pos_fast_track")
CHANNELS = ("email", "post", "pos")
OURS = [one for one in MEASURES if one.list_name == "workplace:queue"]

_days = st.integers(0, DAYS)
CASES = st.fixed_dictionaries(
    {
        "came": _days,
        "unit": st.sampled_from([None, 0, 1]),
        "regime": st.sampled_from(REGIMES),
        "channel": st.sampled_from(CHANNELS),
        "due": st.one_of(st.none(), st.integers(0, 40)),
        "answered": st.one_of(st.none(), st.integers(0, 50)),
        "closed": st.one_of(st.none(), st.integers(0, 50)),
        "questions": st.sets(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=3),
        "extended": st.booleans(),
        "outcomes": st.lists(st.sampled_from(list(OutcomeKind.Sstu.values)), max_size=2),
        "replaced": st.booleans(),
        "repeats": st.one_of(st.none(), st.integers(0, 20)),
        "cited": st.booleans(),
        "rating": st.one_of(st.none(), st.integers(1, 5)),
        "written": st.booleans(),
        "needs_answer": st.booleans(),
        "confirmed": st.booleans(),
    }
)
SLICES = st.builds(
    lambda first, length, unit, channel, topic: (first, length, unit, channel, topic),
    _days,
    st.integers(0, DAYS),
    st.sampled_from([None, None, 0, 1]),
    st.sampled_from(["", "", *CHANNELS]),
    st.sampled_from([None, None, 0, 1]),
)


class Department:
    """Cases as rows, made and changed without any door of the product."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.units = [world.land, world.law]
        self.topics = list(Topic.objects.filter(leaf=True).order_by("pk")[:3])
        self.needs = list(Need.objects.order_by("pk")[:2])
        self.kinds: dict[str, OutcomeKind] = {}
        for kind in OutcomeKind.objects.order_by("pk"):
            self.kinds.setdefault(kind.sstu, kind)
        self.point = ContactPoint.objects.get(code="post-office")
        self.rule = TermRule.objects.filter(step=TermRule.Step.EXTEND).earliest("pk")
        self.applicant = Applicant.objects.create(last_name="Иванова", first_name="Мария")
        self.cases: list[Appeal] = []

    def begin(self, cases: list[dict[str, Any]]) -> None:
        """Have these cases and no others, all of them counted."""
        self.cases = []
        for facts in cases:
            self.put(facts)
        kept.work_all()

    def put(self, facts: dict[str, Any], place: int | None = None) -> Appeal:
        """Make a case of some facts, or make an earlier one into it."""
        came = FIRST + timedelta(days=facts["came"])
        on = {
            name: came + timedelta(days=facts[name]) if facts[name] is not None else None
            for name in ("due", "answered", "closed")
        }
        unit = None if facts["unit"] is None else self.units[facts["unit"]]
        values = {
            "regime_id": facts["regime"],
            "channel": facts["channel"],
            "received_on": came,
            "registered_on": came,
            "unit": unit,
            "executor": self.world.executor if unit else None,
            "due_on": on["due"],
            "answered_on": on["answered"],
            "closed_on": on["closed"],
            "written": facts["written"],
            "needs_answer": facts["needs_answer"],
        }
        if place is None:
            case = Appeal(number=f"М-{len(self.cases)}", secret="1", contact_point=self.point, subject="о земле")
            case.thread = Thread.objects.create()
            case.registered_by, case.applicant = self.world.clerk, self.applicant
            case.answer_channel = "post"
            self.cases.append(case)
        else:
            case = self.cases[place]
        for name, value in values.items():
            setattr(case, name, value)
        case.save()
        self._beside(case, facts)
        return case

    def _beside(self, case: Appeal, facts: dict[str, Any]) -> None:
        for rows in (
            QuestionOutcome.objects.filter(appeal=case),
            AppealQuestion.objects.filter(appeal=case),
            TermExtension.objects.filter(appeal=case),
            Kinship.objects.filter(other=case),
            Draft.objects.filter(appeal=case),
            PosCase.objects.filter(appeal=case),
        ):
            rows.delete()
        clerk = self.world.clerk
        confirmed = {"confirmed_by": clerk, "confirmed_at": timezone.now()} if facts["confirmed"] else {}
        asked = [
            AppealQuestion.objects.create(appeal=case, topic=self.topics[topic], need=self.needs[need], **confirmed)
            for topic, need in sorted(facts["questions"])
        ]
        about = [*asked, None]
        replaced = timezone.now() if facts["replaced"] else None
        for question, sstu in zip(about, facts["outcomes"], strict=False):
            QuestionOutcome.objects.create(
                appeal=case, question=question, kind=self.kinds[sstu], on=FIRST, by=clerk, replaced_at=replaced
            )
        if facts["extended"]:
            notice = OutgoingMessage.objects.create(
                thread=case.thread,
                channel="post",
                kind=OutgoingMessage.Kind.NOTICE,
                recipient="адрес",
                text="продлён",
                message_id=f"<{case.pk}-{timezone.now().timestamp()}@x>",
                not_before=timezone.now(),
            )
            TermExtension.objects.create(
                appeal=case,
                rule=self.rule,
                days=5,
                was_due_on=case.registered_on,
                due_on=case.registered_on,
                reason="проверка",
                decided_by=clerk,
                decided_on=case.registered_on,
                notice=notice,
                by=clerk,
            )
        if facts["repeats"] is not None:
            main = self.cases[facts["repeats"] % len(self.cases)]
            if main.pk != case.pk:
                Kinship.objects.create(kind="repeated", main=main, other=case, ground="dissatisfied", by=clerk)
        if facts["cited"]:
            draft = Draft.objects.create(appeal=case)
            Citation.objects.create(draft=draft, material=1, revision=1, title="о", by=clerk, at=timezone.now())
        if facts["rating"] is not None:
            PosCase.objects.create(appeal=case, rating=facts["rating"])


# --- the slow count: plain Python over all rows, nothing of the product but the rows themselves ----------------------


class Slow:
    """All rows of a department, read once, counted one by one."""

    def __init__(self) -> None:
        self.extended = set(TermExtension.objects.values_list("appeal_id", flat=True))
        self.ratings = dict(PosCase.objects.values_list("appeal_id", "rating"))
        self.cited = set(Citation.objects.values_list("draft__appeal_id", flat=True))
        self.asked: dict[int, list[tuple[int, int]]] = {}
        for row in AppealQuestion.objects.all():
            self.asked.setdefault(row.appeal_id, []).append((row.topic_id, row.need_id))
        self.ends: dict[int, set[str]] = {}
        for outcome in QuestionOutcome.objects.select_related("kind"):
            if outcome.replaced_at is None:
                self.ends.setdefault(outcome.appeal_id, set()).add(outcome.kind.sstu)
        self.repeats: set[int] = set()
        for kin in Kinship.objects.select_related("main", "other"):
            if kin.kind == "repeated" and (kin.other.registered_on - kin.main.registered_on).days <= 30:
                self.repeats.add(kin.other_id)
        self.rows = list(Appeal.objects.all())

    def chosen(self, slice_: Slice) -> Iterator[Appeal]:
        for row in self.rows:
            if slice_.unit and row.unit_id != slice_.unit:
                continue
            if slice_.channel and row.channel != slice_.channel:
                continue
            if slice_.topic and slice_.topic not in {topic for topic, _ in self.asked.get(row.pk, [])}:
                continue
            yield row

    def figures(self, slice_: Slice) -> dict[str, tuple[float | None, int, int]]:
        """Return value, part and whole of each measure."""
        came = [row for row in self.chosen(slice_) if slice_.first <= row.registered_on <= slice_.last]
        over = []
        for row in self.chosen(slice_):
            day = row.answered_on or row.closed_on
            if day is not None and slice_.first <= day <= slice_.last:
                over.append((row, day))
        found: dict[str, tuple[float | None, int, int]] = {}

        def number(code: str, n: int) -> None:
            found[code] = (float(n), n, n)

        def part(code: str, n: int, of: int) -> None:
            found[code] = (None if not of else 100 * n / of, n, of)

        answered = [(row, day) for row, day in over if row.answered_on]
        number("came", len(came))
        number("ended", len(over))
        number("answered", len(answered))
        number("late", sum(1 for row, day in over if row.due_on and day > row.due_on))
        for code, regimes in (
            ("in_term", REGIMES),
            ("in_term_law", ("59fz",)),
            ("in_term_pos", ("pos", "pos_fast_track")),
            ("in_term_fast", ("pos_fast_track",)),
        ):
            known = [(row, day) for row, day in over if row.regime_id in regimes and row.due_on]
            part(code, sum(1 for row, day in known if day <= row.due_on), len(known))
        for suffix, regimes in (("", REGIMES), ("_law", ("59fz",)), ("_pos", ("pos", "pos_fast_track"))):
            lasted = sorted((day - row.registered_on).days for row, day in answered if row.regime_id in regimes)
            n = len(lasted)
            found[f"days_median{suffix}"] = (float(lasted[-(-n // 2) - 1]) if n else None, n, n)
            if not suffix:
                found["days_mean"] = (sum(lasted) / n if n else None, n, n)
                found["days_p90"] = (float(lasted[-(-9 * n // 10) - 1]) if n else None, n, n)
        part("extended", sum(1 for row, _ in over if row.pk in self.extended), len(over))
        decided = [row for row, _ in over if self.ends.get(row.pk)]
        for code, sstu in (
            ("supported", "Supported"),
            ("explained", "Explained"),
            ("refused", "NotSupported"),
            ("told", "Answered"),
            ("forwarded", "Transferred"),
            ("left", "LeftWithoutAnswer"),
        ):
            part(f"outcome_{code}", sum(1 for row in decided if sstu in self.ends[row.pk]), len(decided))
        part("repeated", sum(1 for row in came if row.pk in self.repeats), len(came))
        part("cited", sum(1 for row, _ in answered if row.pk in self.cited), len(answered))
        of_pos = [row for row in came if row.regime_id in ("pos", "pos_fast_track")]
        part("fast_share", sum(1 for row in of_pos if row.regime_id == "pos_fast_track"), len(of_pos))
        grades = [
            self.ratings[row.pk]
            for row, _ in over
            if row.regime_id in ("pos", "pos_fast_track") and self.ratings.get(row.pk)
        ]
        found["pos_rating"] = (sum(grades) / len(grades) if grades else None, len(grades), len(grades))
        return found


def _slice(told: tuple[Any, ...], department: Department) -> Slice:
    first, length, unit, channel, topic = told
    begin = FIRST + timedelta(days=first)
    return Slice(
        begin,
        begin + timedelta(days=length),
        unit=None if unit is None else department.units[unit].pk,
        channel=channel,
        topic=None if topic is None else department.topics[topic].pk,
    )


def _compare(department: Department, slices: list[Slice]) -> None:
    slow = Slow()
    for slice_ in slices:
        expected = slow.figures(slice_)
        for one in OURS:
            amount = one.of(slice_)
            value, part, whole = expected[one.code]
            assert (amount.part, amount.whole) == (part, whole), (one.code, slice_)
            assert amount.value == (pytest.approx(value) if value is not None else None), (one.code, slice_)


@pytest.fixture
def department(world: World) -> Department:
    return Department(world)


@settings(max_examples=25, suppress_health_check=UNDONE)
@given(
    cases=st.lists(CASES, min_size=1, max_size=14),
    changes=st.lists(st.tuples(st.integers(0, 13), CASES), max_size=6),
    told=st.lists(SLICES, min_size=1, max_size=3),
)
def test_figures_are_what_a_slow_count_over_all_rows_says_before_and_after_any_change(
    department: Department, cases: list[dict[str, Any]], changes: list[Any], told: list[Any]
) -> None:
    with transaction.atomic():
        department.begin(cases)
        slices = [_slice(one, department) for one in told]
        slices.append(Slice(date(2025, 12, 1), date(2026, 2, 28)))
        _compare(department, slices)
        for place, facts in changes:
            case = department.put(facts, place % len(cases))
            # What was marked as repeated after this case hears of its new day, too.
            kept.touch_each({case.pk, *Kinship.objects.filter(main=case).values_list("other", flat=True)})
        kept.work_all()
        _compare(department, slices)
        again = {row.key: (row.number, row.marks, row.days, row.rated, row.rating) for row in KeptMonth.objects.all()}
        kept.begin_anew()
        kept.work_all()
        assert again == {
            row.key: (row.number, row.marks, row.days, row.rated, row.rating) for row in KeptMonth.objects.all()
        }
        transaction.set_rollback(True)


@settings(max_examples=8, suppress_health_check=UNDONE)
@given(cases=st.lists(CASES, min_size=3, max_size=12), told=SLICES)
def test_the_list_a_figure_opens_is_as_long_as_the_figure(
    department: Department, cases: list[dict[str, Any]], told: tuple[Any, ...]
) -> None:
    with transaction.atomic():
        department.begin(cases)
        for slice_ in (_slice(told, department), Slice(FIRST, FIRST + timedelta(days=200))):
            for line in measures.shown(OURS, slice_, compared=False):
                query = QueryDict(urlsplit(line.address).query)
                view, filters = asked.read(department.world.signer, query)
                listed = queues.appeals_of(department.world.signer, view, filters).count()
                assert listed == line.now.part, (line.measure.code, slice_)
        transaction.set_rollback(True)


@settings(max_examples=10, suppress_health_check=UNDONE)
@given(cases=st.lists(CASES, min_size=1, max_size=12), told=SLICES)
def test_groups_and_pairs_are_what_a_slow_count_says(
    department: Department, cases: list[dict[str, Any]], told: tuple[Any, ...]
) -> None:
    with transaction.atomic():
        department.begin(cases)
        slow = Slow()
        for slice_ in (_slice(told, department), Slice(date(2025, 12, 1), date(2026, 4, 10))):
            came = [row for row in slow.chosen(slice_) if slice_.first <= row.registered_on <= slice_.last]
            units = Counter(row.unit_id or 0 for row in came)
            assert {key: one.count() for key, one in kept.by(slice_, "came", "unit").items()} == units
            channels = Counter(row.channel for row in came)
            assert {key: one.count() for key, one in kept.by(slice_, "came", "channel").items()} == channels
            topics = Counter(topic for row in came for topic in {one for one, _ in slow.asked.get(row.pk, [])})
            if slice_.topic:
                topics = Counter({slice_.topic: topics[slice_.topic]}) if topics[slice_.topic] else Counter()
            assert {key: one.count() for key, one in kept.by(slice_, "came", "topic").items()} == topics
            pairs = Counter(
                (topic, need, row.channel)
                for row in came
                for topic, need in slow.asked.get(row.pk, [])
                if slice_.topic in (None, topic)
            )
            assert Counter({(t, n, c): number for t, n, c, number in kept.pairs(slice_)}) == pairs
        transaction.set_rollback(True)


@settings(max_examples=15, suppress_health_check=UNDONE)
@given(cases=st.lists(CASES, min_size=1, max_size=14), day=st.integers(-40, DAYS + 60))
def test_all_up_to_a_day_is_what_a_slow_count_says(
    department: Department, cases: list[dict[str, Any]], day: int
) -> None:
    with transaction.atomic():
        department.begin(cases)
        last = FIRST + timedelta(days=day)
        sure = set(AppealQuestion.objects.exclude(confirmed_by=None).values_list("appeal_id", flat=True))
        cited = set(Citation.objects.values_list("draft__appeal_id", flat=True))
        came = [row for row in Appeal.objects.all() if row.registered_on <= last]
        asking = [row for row in came if row.written and row.needs_answer]
        ends = [(row, row.answered_on or row.closed_on) for row in Appeal.objects.all()]
        over = [row for row, ended_on in ends if ended_on and ended_on <= last]
        told = kept.until(last)
        assert told["came"].count() == len(came)
        assert told["came"].count("to_classify") == len(asking)
        assert told["came"].count("classified") == sum(row.pk in sure for row in asking)
        assert told["ended"].count() == len(over)
        assert told["ended"].count("answered") == sum(row.answered_on is not None for row in over)
        assert told["ended"].count("cited") == sum(row.answered_on is not None and row.pk in cited for row in over)
        transaction.set_rollback(True)


def test_what_happens_to_a_case_is_heard_from_the_journal(world: World) -> None:
    appeal = world.registered()
    while notices.work_next():
        pass
    kept.work_all()
    assert KeptCase.objects.get(pk=appeal.pk).unit == 0
    Appeal.objects.filter(pk=appeal.pk).update(unit=world.land)
    journal.record("appeal.assigned", chain=f"appeal:{appeal.pk}", by=world.clerk)
    while notices.work_next():
        pass
    kept.work_all()
    assert KeptCase.objects.get(pk=appeal.pk).unit == world.land.pk


def test_what_came_a_moment_ago_is_no_counting_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.condition() == kept.Condition(None, 0)
    world.registered()
    kept.work_all()
    world.registered()
    assert (kept.condition().percent, kept.condition().whole) == (100, True)
    kept.begin_anew()
    assert (kept.condition().percent, kept.condition().whole) == (0, False)
    monkeypatch.setattr(kept, "FILLED_AT_ONCE", 1)
    for _ in range(6):
        world.registered()
    assert kept.work_next()
    assert 0 < kept.condition().percent < 100
    assert not kept.condition().whole


def test_a_question_taken_away_takes_its_topic_away(department: Department) -> None:
    facts = {
        "came": 1, "unit": 0, "regime": "59fz", "channel": "post", "due": 30, "answered": 5, "closed": None,
        "questions": {(0, 0)}, "extended": False, "outcomes": [], "replaced": False, "repeats": None,
        "cited": False, "rating": None, "written": True, "needs_answer": True, "confirmed": False,
    }  # fmt: skip
    case = department.put(facts)
    kept.work_all()
    assert KeptMonth.objects.exclude(topic=0).exists()
    AppealQuestion.objects.filter(appeal=case).delete()
    kept.touch_each({case.pk})
    kept.work_all()
    assert not KeptMonth.objects.exclude(topic=0).exists()
