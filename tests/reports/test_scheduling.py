"""Saved reports: relative days, plans by the production calendar, each planned time once, each reader by his rights."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from otklik.core import calendar
from otklik.core.models import JournalEntry, StoredFile
from otklik.correspondence import staff_mail
from otklik.correspondence.models import StaffLetter, StaffLetterFile
from otklik.people.models import Employee, RoleAssignment
from otklik.reports import measures, scheduling
from otklik.reports.models import SavedReport, SentReport, SentTo
from otklik.reports.scheduling import Kind, Period, Plan
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    world = World()
    Employee.objects.filter(pk__in=[world.signer.pk, world.head.pk, world.executor.pk]).update(
        email="someone@department.example"
    )
    return world


def at(day: date, hour: int = 9) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))


def kept(world: World, *people: Employee, since: datetime | None = None, **facts: object) -> SavedReport:
    row = SavedReport(**{"name": "Месяц", "plan": Plan.DAILY, **facts})
    keeper = world.signer if row.kind == Kind.SHEET else world.clerk
    scheduling.keep(row, [world.fresh(one) for one in people or (world.signer,)], by=keeper)
    if since:
        SavedReport.objects.filter(pk=row.pk).update(planned_since=since)
    return SavedReport.objects.get(pk=row.pk)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.YESTERDAY, date(2026, 11, 26), date(2026, 11, 26)),
        (Period.LAST_WEEK, date(2026, 11, 16), date(2026, 11, 22)),
        (Period.LAST_MONTH, date(2026, 10, 1), date(2026, 10, 31)),
        (Period.LAST_QUARTER, date(2026, 7, 1), date(2026, 9, 30)),
        (Period.LAST_YEAR, date(2025, 1, 1), date(2025, 12, 31)),
        (Period.THIS_MONTH, date(2026, 11, 1), date(2026, 11, 27)),
        (Period.THIS_QUARTER, date(2026, 10, 1), date(2026, 11, 27)),
        (Period.THIS_YEAR, date(2026, 1, 1), date(2026, 11, 27)),
    ],
)
def test_relative_days_mean_what_people_mean(period: str, first: date, last: date) -> None:
    assert scheduling.days_of(period, date(2026, 11, 27)) == (first, last)


def test_in_january_the_last_month_quarter_and_year_are_of_the_year_before() -> None:
    on = date(2026, 1, 12)
    assert scheduling.days_of(Period.LAST_MONTH, on) == (date(2025, 12, 1), date(2025, 12, 31))
    assert scheduling.days_of(Period.LAST_QUARTER, on) == (date(2025, 10, 1), date(2025, 12, 31))
    assert scheduling.days_of(Period.LAST_YEAR, on) == (date(2025, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("plan", "now", "planned"),
    [
        (Plan.DAILY, date(2026, 11, 27), date(2026, 11, 27)),
        (Plan.DAILY, date(2026, 11, 29), date(2026, 11, 27)),  # a Sunday
        (Plan.WEEKLY, date(2026, 11, 27), date(2026, 11, 23)),
        (Plan.MONTHLY, date(2026, 11, 27), date(2026, 11, 2)),  # the first is a Sunday
        (Plan.MONTHLY, date(2026, 1, 13), date(2026, 1, 12)),  # after the holidays
    ],
)
def test_a_plan_falls_on_working_mornings(world: World, plan: str, now: date, planned: date) -> None:
    row = kept(world, plan=plan, since=at(date(2025, 1, 1)))
    told = scheduling.planned(row, at(now), calendar.current())
    assert told is not None
    assert timezone.localtime(told) == timezone.make_aware(datetime.combine(planned, time(8, 30)))


def test_before_half_past_eight_it_is_yesterdays(world: World) -> None:
    row = kept(world, since=at(date(2026, 11, 1)))
    told = scheduling.planned(row, at(date(2026, 11, 27), 8), calendar.current())
    assert told is not None
    assert timezone.localdate(told) == date(2026, 11, 26)


def test_what_was_planned_before_the_plan_was_made_is_not_sent(world: World) -> None:
    row = kept(world)
    assert scheduling.planned(row, timezone.now(), calendar.current()) is None
    assert scheduling.send_due() == 0
    assert not SentReport.objects.exists()


def test_a_planned_time_is_sent_once_however_often_it_is_tried(world: World) -> None:
    day = date(2026, 11, 27)
    kept(world, since=at(day - timedelta(days=1)))
    assert [scheduling.send_due(at(day)) for _ in range(3)] == [1, 0, 0]
    assert StaffLetter.objects.count() == SentReport.objects.count() == 1
    sent = SentReport.objects.get()
    assert (sent.first, sent.last) == (date(2026, 10, 1), date(2026, 10, 31))
    assert scheduling.send(sent.report, sent.planned_at) is None
    assert scheduling.send_due(at(date(2026, 11, 30))) == 1


def test_a_letter_has_numbers_and_a_link_and_names_no_citizen(world: World) -> None:
    world.assigned()
    row = kept(world, kind=Kind.FIGURES, period=Period.THIS_MONTH)
    subject, text = scheduling.letter_of(row, world.signer, date(2026, 11, 1), date(2026, 11, 27))
    assert subject == "Отклик: Месяц, 01.11.2026 — 27.11.2026"
    assert f"/desk/reports/{row.pk}/?first=2026-11-01&last=2026-11-27" in text
    for one in scheduling.chosen(row):
        assert one.title in text
    assert "Иванова" not in text


@pytest.mark.parametrize(
    ("kind", "endings"),
    [(Kind.FIGURES, [".pdf", ".xlsx"]), (Kind.OVERVIEW, [".pdf"]), (Kind.EXECUTION, [".pdf"]), (Kind.SHEET, [])],
)
def test_the_report_itself_goes_with_the_letter_unless_it_names_people(
    world: World, kind: str, endings: list[str]
) -> None:
    world.assigned()
    row = kept(world, world.signer, kind=kind, period=Period.LAST_QUARTER)
    assert scheduling.send(row, at(date(2026, 11, 27)))
    letter = StaffLetter.objects.get()
    names = [one.name for one in letter.files.all()]
    assert [f".{one.rpartition('.')[2]}" for one in names] == endings
    assert ("файлом не прилагается" in letter.text) == (not endings)
    carried = staff_mail._to_send(letter, "a@department.example").files
    for name, path, _ in carried:
        content = path.read_bytes()
        assert content.startswith(b"%PDF" if name.endswith("pdf") else b"PK")
        assert "Иванова".encode() not in content


def test_files_go_with_old_letters_and_one_made_for_two_is_made_once(world: World) -> None:
    row = kept(world, world.signer, world.head, kind=Kind.EXECUTION)
    scheduling.send(row, at(date(2026, 11, 27)))
    first, second = StaffLetterFile.objects.all()
    assert first.stored_id == second.stored_id
    StaffLetter.objects.update(state="sent", created_at=timezone.now() - timedelta(days=100))
    assert staff_mail.forget_old()
    assert not StaffLetterFile.objects.exists()
    assert not StoredFile.objects.filter(pk=first.stored_id).exists()


def test_a_report_has_the_figures_named_and_all_where_none_is(world: World) -> None:
    codes = [one.code for one in measures.MEASURES]
    assert [one.code for one in scheduling.chosen(kept(world))] == codes
    assert [one.code for one in scheduling.chosen(kept(world, name="Одно", measures=codes[:1]))] == codes[:1]


def test_each_kind_says_what_it_is_about(world: World) -> None:
    first, last = date(2025, 1, 1), date(2025, 12, 31)
    for kind, words in (
        (Kind.SHEET, "просрочено 0"),
        (Kind.OVERVIEW, "За 2025 год"),
        (Kind.EXECUTION, "без пробелов"),
    ):
        row = kept(world, name=kind, kind=kind, period=Period.LAST_YEAR)
        assert words in scheduling.letter_of(row, world.fresh(world.signer), first, last)[1]


def test_who_may_not_open_it_or_has_no_address_gets_no_letter_and_the_list_says_so(world: World) -> None:
    world.employee("noaddress", "Безадресова", world.hq, ["signer"])
    without = Employee.objects.get(username="noaddress")
    row = kept(world, world.signer, world.head, without, since=at(date(2026, 11, 26)))
    RoleAssignment.objects.filter(employee=world.head).delete()
    assert scheduling.send_due(at(date(2026, 11, 27))) == 1
    told = {one.employee_id: one.why for one in SentTo.objects.all()}
    assert told == {world.signer.pk: "", world.head.pk: "no_right", without.pk: "no_address"}
    assert StaffLetter.objects.count() == 1
    assert row.sent.count() == 1


def test_one_report_that_fails_keeps_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    day = date(2026, 11, 27)
    bad = kept(world, name="Сломан", since=at(day - timedelta(days=1)))
    good = kept(world, name="Хорош", since=at(day - timedelta(days=1)))
    letter_of = scheduling.letter_of

    def broken(report: SavedReport, reader: Employee, first: date, last: date) -> tuple[str, str]:
        if report.pk == bad.pk:
            raise ValueError("broken")
        return letter_of(report, reader, first, last)

    monkeypatch.setattr(scheduling, "letter_of", broken)
    assert scheduling.send_due(at(day)) == 1
    assert [one.report_id for one in SentReport.objects.all()] == [good.pk]


def test_it_is_switched_off_and_removed_with_a_row_in_the_journal(world: World) -> None:
    row = kept(world, since=at(date(2026, 11, 1)))
    assert scheduling.switch_off(row, by=world.clerk)
    assert not scheduling.switch_off(row, by=world.clerk)
    assert scheduling.send_due(at(date(2026, 11, 27))) == 0
    scheduling.remove(row, by=world.clerk)
    assert not scheduling.seen_by(world.clerk).exists()
    kept(world)  # the name is free again
    told = JournalEntry.objects.filter(chain=f"report:{row.pk}").order_by("seq").values_list("action", flat=True)
    assert list(told) == ["report.kept", "report.switched_off", "report.removed"]


def test_what_cannot_be_sent_is_refused_in_words(world: World) -> None:
    with pytest.raises(scheduling.NobodyToSend):
        kept(world, world.executor)
    with pytest.raises(scheduling.WrongPeriod):
        kept(world, kind=Kind.OVERVIEW, period=Period.LAST_MONTH)
    with pytest.raises(scheduling.NotOpen):
        scheduling.keep(SavedReport(name="Сводка", kind=Kind.SHEET), [], by=world.clerk)
    assert not SavedReport.objects.exists()
    kept(world)
    with pytest.raises(scheduling.NameTaken):
        kept(world)


def test_who_may_be_told_can_open_it(world: World) -> None:
    people = scheduling.can_be_told(Kind.FIGURES, timezone.localdate())
    assert {world.clerk, world.head, world.signer, world.auditor} <= set(people)
    assert world.executor not in people
    assert {world.head, world.signer, world.signer2} == set(scheduling.can_be_told(Kind.SHEET, timezone.localdate()))
