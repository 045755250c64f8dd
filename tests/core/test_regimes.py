"""Every regime by a table counted by hand, and by a slow count of another make; midnight, a holiday added later."""

from __future__ import annotations

import random
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from otklik.core import calendar, defaults
from otklik.core import terms as rules
from otklik.core.calendar import shipped_calendar
from otklik.core.models import Regime, RegimeEdition, TermRule
from otklik.core.workdays import Day, WorkCalendar
from otklik.people.models import Employee
from tests import sizes

CALENDAR = shipped_calendar()
FIRST, LAST = date(2024, 1, 1), date(2027, 9, 1)

# regime, step, day of the event, last day. Counted by hand on the calendars of 2026 and 2027.
TABLE = [
    # domain.md 2.4: thirty calendar days, a day off goes back
    ("59fz", "answer", "2026-04-01", "2026-04-30"),
    ("59fz", "answer", "2026-04-10", "2026-05-08"),
    ("59fz", "answer", "2026-12-03", "2026-12-30"),
    ("59fz", "answer", "2026-12-08", "2026-12-30"),
    ("59fz", "answer", "2027-01-11", "2027-02-10"),
    ("59fz", "register", "2026-12-31", "2027-01-11"),
    ("59fz", "register", "2026-11-24", "2026-11-27"),
    ("59fz", "forward", "2026-11-24", "2026-12-01"),
    ("59fz", "forward", "2026-12-28", "2026-12-30"),
    ("59fz", "extend", "2026-04-30", "2026-05-29"),  # from the end of the first term; 30.05 is a Saturday
    ("information_request", "register", "2026-11-24", "2026-11-27"),
    ("information_request", "forward", "2026-11-24", "2026-12-01"),
    ("information_request", "answer", "2026-04-10", "2026-05-08"),
    ("information_request", "extend", "2026-05-08", "2026-05-22"),  # 23.05 is a Saturday
    ("pos", "answer", "2026-12-03", "2026-12-30"),
    ("pos_fast_track", "answer", "2026-01-06", "2026-01-16"),  # as in the export: ten calendar days
    ("pos_fast_track", "answer", "2026-11-24", "2026-12-04"),
    ("outside_59fz", "register", "2026-11-27", "2026-11-30"),
    ("outside_59fz", "answer", "2026-11-24", "2026-12-08"),
    ("service_request", "answer", "2026-11-24", "2026-12-08"),
    ("service_complaint", "register", "2026-11-27", "2026-11-30"),
    ("service_complaint", "answer", "2026-11-24", "2026-12-15"),
    ("service_complaint_short", "answer", "2026-11-24", "2026-12-01"),
    ("personal_data", "answer", "2026-12-21", "2027-01-13"),  # 31.12.2026 is a day off by decree
    ("personal_data", "extend", "2026-12-08", "2026-12-15"),
    ("lawyer_request", "answer", "2026-11-24", "2026-12-24"),
    ("lawyer_request", "extend", "2026-12-24", "2027-01-22"),  # 23.01 is a Saturday
    ("deputy_request", "answer", "2026-11-24", "2026-12-24"),
    ("prosecutor_request", "answer", "2026-11-24", "2026-12-04"),
]


def shipped(regime: str, step: str) -> TermRule:
    """Return the shipped rule for all channels."""
    found = defaults.rule(regime, step)
    assert found is not None, (regime, step)
    return found


@pytest.mark.parametrize(("regime", "step", "event", "last"), TABLE)
def test_every_regime_by_the_table(regime: str, step: str, event: str, last: str) -> None:
    due = rules.term_of(shipped(regime, step)).due(date.fromisoformat(event), CALENDAR)
    assert due.on.isoformat() == last
    assert shipped(regime, step).basis in due.why[0]["text"]


def test_the_table_has_every_rule_we_ship() -> None:
    of_table = {(regime, step) for regime, step, *_ in TABLE}
    internal = {(row.regime_id, row.step) for row in defaults.TERMS if "внутренний норматив" in row.basis}
    of_procedure = {("service_request", "register"), ("service_complaint_short", "register")}
    assert {(row.regime_id, row.step) for row in defaults.TERMS} - of_table <= internal | of_procedure


def slow(rule: TermRule, start: date, calendar: WorkCalendar, days: int) -> date:
    """Count another way: a list of all dates ahead, struck through by what the rule does not count."""
    ahead = [start + timedelta(n) for n in range(1, 500)]
    works = [day for day in ahead if calendar.day(day).kind in ("working", "shortened")]
    last = (works if rule.unit == "working" else ahead)[days - 1]
    if last not in works:
        if rule.roll == "previous_working":
            last = max((day for day in works if day < last), default=min(day for day in works if day > last))
        elif rule.roll == "next_working":
            last = min(day for day in works if day > last)
    return max(last, works[0]) if rule.step == "register" else last


@pytest.mark.proof
@pytest.mark.once
def test_a_hundred_thousand_random_cases_of_all_regimes_agree_with_the_slow_count() -> None:
    """Random case: a rule we ship, a day, a calendar changed by people, and where the regime has it an extension."""
    chance, count = random.Random(59), sizes.size(600, 100_000)
    answers = [row for row in defaults.TERMS if row.step != "extend"]
    extended = 0
    for _ in range(count):
        rule = chance.choice(answers)
        start = FIRST + timedelta(chance.randrange((LAST - FIRST).days))
        changed = {
            start + timedelta(chance.randrange(1, 90)): Day(chance.choice(("off", "working", "holiday", "shortened")))
            for _ in range(chance.randrange(8))
        }
        days = _Over(changed)
        due = rules.term_of(rule).due(start, days).on
        assert due == slow(rule, start, days, rule.days), (rule, start, changed)
        more = defaults.rule(rule.regime_id, "extend")
        if rule.step == "answer" and more is not None:
            some = chance.randint(1, more.days)
            longer = rules.term_of(more, days=some).due(due, days).on
            assert longer == slow(more, due, days, some), (more, due, some, changed)
            extended += 1
    sys.stdout.write(f"\nregimes: {count} random cases, {extended} extended, differences 0\n")


class _Over(WorkCalendar):
    """The shipped calendar with some days changed, without copying four years of it."""

    def __init__(self, changed: dict[date, Day]) -> None:
        super().__init__(CALENDAR.days)
        object.__setattr__(self, "_changed", changed)

    def day(self, on: date) -> Day:
        changed: dict[date, Day] = self._changed  # type: ignore[attr-defined]
        return changed.get(on) or super().day(on)


@pytest.mark.parametrize("regime", ["59fz", "information_request", "pos", "pos_fast_track"])
def test_the_law_of_this_regime_names_no_pause(regime: str) -> None:
    assert next(row for row in defaults.REGIMES if row.code == regime).pause_basis == ""


@pytest.mark.parametrize("row", defaults.REGIMES, ids=lambda row: row.code)
def test_a_regime_says_its_law_and_can_be_answered(row: Regime) -> None:
    assert row.law
    assert shipped(row.code, "register").days
    assert shipped(row.code, "answer").basis


@pytest.mark.parametrize(
    ("utc", "day"), [("2026-11-24T16:59:59", date(2026, 11, 24)), ("2026-11-24T17:00:00", date(2026, 11, 25))]
)
def test_the_day_of_a_message_changes_at_midnight_of_the_department(utc: str, day: date) -> None:
    assert timezone.localdate(datetime.fromisoformat(utc).replace(tzinfo=UTC)) == day


@pytest.mark.django_db
def test_a_holiday_added_later_moves_a_date_and_its_grounds() -> None:
    person = Employee.objects.create(username="keeper")
    rule, start = rules.rule_for("59fz", "answer", on=date(2026, 4, 1)), date(2026, 4, 1)
    assert rules.term_of(rule).due(start, calendar.current()).on == date(2026, 4, 30)
    calendar.set_day(date(2026, 4, 30), "holiday", source="постановление", by=person)
    due = rules.term_of(rule).due(start, calendar.current())
    assert due.on == date(2026, 4, 29)
    assert "нерабочий" in due.why[-1]["text"]


@pytest.mark.django_db
def test_loading_gives_an_older_installation_the_new_steps_and_changes_no_row_people_made() -> None:
    TermRule.objects.filter(regime="59fz", step__in=["forward", "extend"]).delete()
    TermRule.objects.filter(regime="information_request", step="extend").update(days=10)
    TermRule.objects.filter(regime="59fz", step="answer").update(days=20)
    defaults.load()
    assert set(TermRule.objects.filter(regime="59fz").values_list("step", flat=True)) == {
        "register",
        "forward",
        "answer",
        "extend",
    }
    assert rules.rule_for("information_request", "extend", on=date(2026, 4, 1)).days == 10
    assert rules.rule_for("59fz", "answer", on=date(2026, 4, 1)).days == 20
    count = TermRule.objects.count()
    defaults.load()
    assert TermRule.objects.count() == count


@pytest.mark.django_db
def test_what_a_regime_said_before_stays_as_an_edition() -> None:
    person = Employee.objects.create(username="keeper")
    row = Regime.objects.get(code="pos")
    row.law = "Регламент области"
    rules.keep_regime(row, changed={"law": row.law}, by=person)
    first, second = RegimeEdition.objects.filter(regime=row).order_by("id")
    assert first.facts["law"].startswith("Правила ПОС")
    assert (second.facts["law"], second.by, second.valid_from) == ("Регламент области", person, timezone.localdate())
    assert Regime.objects.get(code="pos").law == "Регламент области"


@pytest.mark.django_db
def test_rules_read_once_choose_as_they_do_one_by_one() -> None:
    TermRule.objects.create(regime_id="59fz", step="answer", days=20, basis="новый", valid_from="2027-01-01")
    TermRule.objects.create(
        regime_id="59fz", step="answer", channel="post", days=25, basis="почта", valid_from="2027-02-01"
    )
    known = rules.Rules("answer")
    for code in Regime.objects.values_list("code", flat=True):
        for channel in ("", "post", "email", "hotline"):
            for on in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 2, 1)):
                alone = rules.rules_for(code, {"answer": on}, channel=channel).get("answer")
                assert known.find(code, "answer", channel=channel, on=on) == alone
