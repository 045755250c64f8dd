"""Saved reports and their sending: once for each planned time, each recipient by what he may see that day.

A letter carries numbers, a link and the report as files; the head's sheet names people and is opened in Отклик only.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import access
from otklik.core import calendar, files, journal
from otklik.core.errors import DomainError, is_outage
from otklik.core.models import StoredFile
from otklik.core.workdays import WorkCalendar
from otklik.correspondence import staff_mail
from otklik.people import staff
from otklik.people.models import Employee
from otklik.reports import compliance, execution, head_sheet, measures, overview, papers
from otklik.reports.measures import Line, Measure, Slice
from otklik.reports.models import SavedReport, SentReport, SentTo
from otklik.reports.overview import Period as Years

log = logging.getLogger("otklik.reports")

Kind, Period, Plan = SavedReport.Kind, SavedReport.Period, SavedReport.Plan
KEEPERS: Final = (head_sheet.POWER, "dictionaries.edit")  # who saves reports and sends them
SENT_AT: Final = time(8, 30)
LOOKED_BACK: Final = 32  # days: a plan of a month that a stopped machine has missed is still carried out
# Who may open a report of each kind.
READERS: Final[Mapping[str, tuple[str, ...]]] = {
    Kind.FIGURES: (access.ALL, access.UNIT),  # as the page «Показатели»
    Kind.SHEET: (head_sheet.POWER,),
    Kind.OVERVIEW: compliance.READERS,
    Kind.EXECUTION: compliance.READERS,
}
# Who opens any of them: the list of reports is theirs.
OPENERS: Final = tuple(dict.fromkeys(power for powers in READERS.values() for power in powers))
# An overview is of a year or a quarter, no other days are published.
OF_OVERVIEWS: Final = (Period.LAST_QUARTER, Period.LAST_YEAR, Period.THIS_QUARTER, Period.THIS_YEAR)


class NameTaken(DomainError):
    """The employee has another report under this name."""

    code = "reports.name_taken"
    text = "У вас уже есть отчёт «{name}». Назовите этот иначе."


class NobodyToSend(DomainError):
    """A plan without anybody who could open the report."""

    code = "reports.nobody"
    text = "Отметьте, кому присылать: хотя бы одного сотрудника, которому этот отчёт открыт."


class NotOpen(DomainError):
    """A report of a kind its owner may not open himself."""

    code = "reports.not_open"
    text = "Этот отчёт вам не открыт. Выберите другой вид или попросите администратора дать вам право."


class WrongPeriod(DomainError):
    """An overview of days that are neither a year nor a quarter."""

    code = "reports.period"
    text = "Обзор обращений составляется за квартал или за год. Выберите такой период."


# --- what a report is -------------------------------------------------------------------------------------------------


def days_of(period: str, on: date) -> tuple[date, date]:
    """Return the first and the last day a relative period means on a day; none to come."""
    yesterday, month = on - timedelta(days=1), on.replace(day=1)
    quarter, year = overview.quarter_of(on), Years(on.year)
    monday = on - timedelta(days=on.weekday())
    month_before = month - timedelta(days=1)
    quarter_before = overview.quarter_of(quarter.first - timedelta(days=1))
    return {
        Period.YESTERDAY: (yesterday, yesterday),
        Period.LAST_WEEK: (monday - timedelta(days=7), monday - timedelta(days=1)),
        Period.LAST_MONTH: (month_before.replace(day=1), month_before),
        Period.LAST_QUARTER: (quarter_before.first, quarter_before.last),
        Period.LAST_YEAR: (year.before.first, year.before.last),
        Period.THIS_MONTH: (month, on),
        Period.THIS_QUARTER: (quarter.first, on),
        Period.THIS_YEAR: (year.first, on),
    }[Period(period)]


def chosen(report: SavedReport) -> list[Measure]:
    """Return the figures of a report: those named, all where none is."""
    named = set(report.measures)
    return [one for one in measures.MEASURES if not named or one.code in named]


def slice_of(report: SavedReport, first: date, last: date) -> Slice:
    """Return what a report of figures looks at."""
    return Slice(first, last, report.unit_id, report.channel, report.topic_id)


def figures(report: SavedReport, first: date, last: date) -> list[Line]:
    """Return the figures of a report over days, compared with the days before."""
    return measures.shown(chosen(report), slice_of(report, first, last), compared=True)


def address(report: SavedReport, first: date, last: date) -> str:
    """Return where the report of these very days is opened."""
    days = urlencode({"first": first.isoformat(), "last": last.isoformat()})
    if report.kind == Kind.SHEET:
        return reverse("workplace:head_sheet")
    if report.kind == Kind.EXECUTION:
        return f"{reverse('workplace:execution')}?{days}"
    if report.kind == Kind.OVERVIEW:
        quarter = "" if report.period in (Period.LAST_YEAR, Period.THIS_YEAR) else overview.quarter_of(first).quarter
        return f"{reverse('workplace:overview')}?{urlencode({'year': first.year, 'quarter': quarter})}"
    return f"{reverse('workplace:report', args=[report.pk])}?{days}"


def may_open(employee: Employee, report: SavedReport) -> bool:
    """Tell whether a report of this kind is open to the employee today."""
    return employee.is_active and employee.has_any(READERS[report.kind])


def seen_by(user: Employee) -> QuerySet[SavedReport]:
    """Return the reports an employee has saved or is sent."""
    mine = Q(owner=user) | Q(pk__in=SavedReport.people.through.objects.filter(employee=user).values("savedreport"))
    return SavedReport.objects.filter(mine, removed_at=None).select_related("owner", "unit", "topic")


def can_be_told(kind: str, on: date) -> QuerySet[Employee]:
    """Return whom a report of this kind may be sent to."""
    people = Employee.objects.none()
    for power in READERS[kind]:
        people |= staff.holders(power, on=on)
    return people.distinct().order_by("last_name", "first_name", "pk")


# --- keeping ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def keep(report: SavedReport, people: Collection[Employee], *, by: Employee) -> SavedReport:
    """Save a report with whom it goes to; from now on its plan holds. Refuse what could not be sent."""
    if report.kind == Kind.OVERVIEW and report.period not in OF_OVERVIEWS:
        raise WrongPeriod
    if not may_open(by, report):
        raise NotOpen
    known = SavedReport.objects.filter(pk=report.pk).first() if report.pk else None
    if known is None:
        report.owner = by
    if report.plan and not any(may_open(one, report) for one in people):
        raise NobodyToSend
    if not report.plan:
        report.planned_since = None
    elif known is None or known.plan != report.plan:
        report.planned_since = timezone.now()
    try:
        with transaction.atomic():
            report.save()
    except IntegrityError as exc:
        raise NameTaken(name=report.name) from exc
    report.people.set(people)
    told: dict[str, Any] = {"kind": report.kind, "period": report.period, "plan": report.plan}
    told["people"] = sorted(one.pk for one in people)
    journal.record("report.kept", chain=f"report:{report.pk}", by=by, **told)
    return report


@transaction.atomic
def switch_off(report: SavedReport, *, by: Employee) -> bool:
    """Stop sending a report; return False where it was not sent. What was sent stays known."""
    rows = SavedReport.objects.filter(pk=report.pk).exclude(plan=Plan.NEVER)
    if not rows.update(plan=Plan.NEVER, planned_since=None):
        return False
    journal.record("report.switched_off", chain=f"report:{report.pk}", by=by)
    return True


@transaction.atomic
def remove(report: SavedReport, *, by: Employee) -> None:
    """Take a report out of the list; it is sent no more."""
    rows = SavedReport.objects.filter(pk=report.pk, removed_at=None)
    if rows.update(removed_at=timezone.now(), plan=Plan.NEVER, planned_since=None):
        journal.record("report.removed", chain=f"report:{report.pk}", by=by)


# --- sending ----------------------------------------------------------------------------------------------------------


def planned(report: SavedReport, now: datetime, days: WorkCalendar) -> datetime | None:
    """Return the latest planned time that has come since the plan holds; None where none has."""
    if report.planned_since is None:
        return None
    today = timezone.localdate(now)
    for back in range(LOOKED_BACK):
        day = today - timedelta(days=back)
        at = timezone.make_aware(datetime.combine(day, SENT_AT))
        if at < report.planned_since:
            return None
        if at <= now and _falls(report.plan, day, days):
            return at
    return None


def _falls(plan: str, day: date, days: WorkCalendar) -> bool:
    """Tell whether a plan falls on a day: a working one, for a week or a month the first of it."""
    if not days.is_working(day):
        return False
    before = days.previous_working(day)
    if plan == Plan.WEEKLY:
        return before < day - timedelta(days=day.weekday())
    return plan == Plan.DAILY or (before.year, before.month) != (day.year, day.month)


def send_due(now: datetime | None = None) -> int:
    """Send every report whose time has come; return how many went out. One that fails keeps no other."""
    now, days, sent = now or timezone.now(), calendar.current(), 0
    waiting = SavedReport.objects.filter(removed_at=None).exclude(plan=Plan.NEVER)
    for report in waiting.select_related("owner").order_by("pk"):
        at = planned(report, now, days)
        if at is None or SentReport.objects.filter(report=report, planned_at=at).exists():
            continue
        try:
            sent += send(report, at) is not None
        except Exception as exc:
            if is_outage(exc):
                raise
            log.exception("report %s was not sent", report.pk)
    return sent


@transaction.atomic
def send(report: SavedReport, planned_at: datetime, *, by: Employee | None = None) -> SentReport | None:
    """Write the letters of one planned time; None where it was done already, whoever did it. `by=None`: the plan."""
    first, last = days_of(report.period, timezone.localdate(planned_at))
    facts = {"first": first, "last": last}
    sent, new = SentReport.objects.get_or_create(report=report, planned_at=planned_at, defaults=facts)
    if not new:
        return None
    made = _papers(report, first, last)
    for employee in report.people.order_by("pk"):
        why, letter = SentTo.Why.WRITTEN, None
        if not may_open(employee, report):
            why = SentTo.Why.NO_RIGHT
        else:
            subject, text = letter_of(report, employee, first, last)
            letter = staff_mail.queue(employee, subject=subject, text=text, papers=made)
            why = why if letter else SentTo.Why.NO_ADDRESS
        SentTo.objects.create(sent=sent, employee=employee, letter=letter, why=why)
    journal.record("report.sent", chain=f"report:{report.pk}", by=by)
    return sent


def _papers(report: SavedReport, first: date, last: date) -> list[tuple[str, StoredFile]]:
    """Return the files that go with every letter of one planned time, made once for all who may open the report."""
    lines = figures(report, first, last) if report.kind == Kind.FIGURES else []
    made = papers.of(report, lines, first, last)
    return [(name, files.store(content, name=name)) for name, content in made]


def letter_of(report: SavedReport, reader: Employee, first: date, last: date) -> tuple[str, str]:
    """Return subject and text of the letter to one reader: numbers and a link, nothing of people."""
    days = f"{first:%d.%m.%Y}" if first == last else f"{first:%d.%m.%Y} — {last:%d.%m.%Y}"
    if report.kind == Kind.SHEET:
        days = f"{timezone.localdate():%d.%m.%Y}"
    facts = {
        "name": report.name,
        "kind": report.get_kind_display(),
        "days": days,
        "lines": _lines(report, reader, first, last),
        "url": settings.BASE_URL + address(report, first, last),
        "attached": report.kind != Kind.SHEET,
        "list_url": settings.BASE_URL + reverse("workplace:reports"),
        "owner": report.owner.short_name,
    }
    text = render_to_string("reports/letter.txt", facts).strip() + "\n"
    return f"Отклик: {report.name}, {days}", text


def _lines(report: SavedReport, reader: Employee, first: date, last: date) -> list[str]:
    if report.kind == Kind.SHEET:
        return [head_sheet.sheet(reader, timezone.localdate()).words]
    if report.kind == Kind.OVERVIEW:
        return list(overview.overview(papers.period_of(report, first)).paragraphs)
    if report.kind == Kind.EXECUTION:
        found = execution.certificate(first, last)
        gaps = [f"п. {number}: {gap}" for number, gap in found.gaps]
        return [f"Пунктов: {len(found.clauses)}, без пробелов: {found.kept}", *gaps]
    return [
        f"{one.measure.title}: {one.words} (раньше {one.before_words}), из {one.now.whole}"
        for one in figures(report, first, last)
    ]
