"""«Сводка руководителя»: one page of what burns, who is overloaded, what people say, as its reader may see it.

Every figure is a condition: its list is the same condition once more, so both agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from textwrap import shorten
from typing import Any, Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, journals, queues
from otklik.appeals.models import Appeal, AppealQuestion
from otklik.appeals.pos import cases
from otklik.core import calendar
from otklik.core.hours import midnight
from otklik.core.templatetags.otklik import count
from otklik.hotline import missed
from otklik.people.models import Employee
from otklik.reception.models import Appointment
from otklik.reports import opinions

POWER: Final = "appeals.approve"  # heads of units and who signs
TITLE: Final = "Сводка руководителя"
# What counts as too much: half as many again as the middle of the unit, and at least three more.
TIMES, MORE = 1.5, 3
# A topic grows where the week has at least three, and twice as many as a week of the four before.
FEWEST, GROWTH, WEEKS_BEFORE = 3, 2, 4
SHOWN: Final = 8
WEEK: Final = timedelta(days=7)
BURNING: Final = {"overdue": "просрочено", "today": "срок сегодня", "next": "срок в следующий рабочий день"}


@dataclass(frozen=True)
class UnitBurns:
    """What burns in one unit; `unit` None: assigned to none yet."""

    unit: int | None
    name: str
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Loaded:
    """An executor with more open cases than the middle of his unit bears."""

    executor: int
    name: str
    unit: str
    number: int
    middle: float

    @property
    def usual(self) -> str:
        """Return the unit's median as it is read: «4», «4,5»."""
        return f"{self.middle:g}".replace(".", ",")


@dataclass(frozen=True)
class Grows:
    """A topic of which more was written this week than usual."""

    topic: int
    name: str
    number: int
    before: int  # in the four weeks before

    @property
    def usual(self) -> str:
        """Return how many a week had before: «1,5»."""
        return f"{self.before / WEEKS_BEFORE:.1f}".rstrip("0").rstrip(".").replace(".", ",")


@dataclass(frozen=True)
class Sheet:
    """All of the page. `said_from`: opinions are those from this day to yesterday, so a Monday has the days off too."""

    on: date
    next_day: date
    said_from: date
    burning: Mapping[str, int]
    units: tuple[UnitBurns, ...]
    loaded: tuple[Loaded, ...]
    executors: int
    grows: tuple[Grows, ...]
    said: opinions.Figures
    unhappy: int
    missed: int
    missed_late: int
    receptions: int
    lane: int
    lane_late: int

    @property
    def yesterday(self) -> date:
        """Return the last day of opinions."""
        return self.on - timedelta(days=1)

    @property
    def words(self) -> str:
        """Return the sheet in one line, for a notice: numbers only."""
        said = [f"просрочено {self.burning['overdue']}", f"срок сегодня {self.burning['today']}"]
        more = (("перегружены", len(self.loaded)), ("недовольны", self.unhappy), ("не перезвонили", self.missed))
        said += [f"{name} {number}" for name, number in more if number]
        return f"{TITLE}: {', '.join(said)}"


def sheet(user: Employee, on: date) -> Sheet:
    """Count everything for one reader in a fixed number of queries; of the day it is asked on."""
    days = calendar.current()
    following, before = days.next_working(on), days.previous_working(on)
    units = _units(user, on, following)
    loaded, executors = _loaded(user)
    said = opinions.Scope(before, on - timedelta(days=1))
    calls = missed.waiting().aggregate(all=Count("pk"), late=Count("pk", filter=Q(due_at__lt=timezone.now())))
    lane = cases.of_user(user).aggregate(
        all=Count("pk", filter=cases.in_lane(on)), late=Count("pk", filter=cases.late(on))
    )
    return Sheet(
        on=on,
        next_day=following,
        said_from=before,
        burning={code: sum(one.numbers[code] for one in units) for code in BURNING},
        units=units,
        loaded=loaded,
        executors=executors,
        grows=_grows(user, on),
        said=opinions.figures(user, said),
        unhappy=opinions.opinions(user, said, "unhappy").count(),
        missed=calls["all"],
        missed_late=calls["late"],
        receptions=receptions(user, on).count(),
        lane=lane["all"],
        lane_late=lane["late"],
    )


def _burns(on: date, following: date) -> Mapping[str, Q]:
    going = Q(status__in=queues.OPEN)
    return {
        "overdue": going & Q(due_on__lt=on),
        "today": going & Q(due_on=on),
        "next": going & Q(due_on__gt=on, due_on__lte=following),
    }


def _units(user: Employee, on: date, following: date) -> tuple[UnitBurns, ...]:
    counts = {code: Count("pk", filter=condition) for code, condition in _burns(on, following).items()}
    going = access.visible_to(user).filter(status__in=queues.OPEN, due_on__lte=following).order_by()
    rows: Any = going.values("unit", "unit__short_name").annotate(**counts)
    found = (
        UnitBurns(row["unit"], row["unit__short_name"] or "Исполнитель не назначен", {one: row[one] for one in BURNING})
        for row in rows
    )
    return tuple(sorted(found, key=lambda one: (-one.numbers["overdue"], -one.numbers["today"], one.name)))


def _loaded(user: Employee) -> tuple[tuple[Loaded, ...], int]:
    """Return who has too much, most first, and among how many executors."""
    going = access.visible_to(user).filter(status__in=queues.OPEN, executor__isnull=False).order_by()
    rows = going.values("executor").annotate(number=Count("pk"))
    numbers = {row["executor"]: row["number"] for row in rows}
    people = Employee.objects.select_related("unit").in_bulk(numbers)
    of_unit: dict[int | None, list[int]] = defaultdict(list)
    for pk, number in numbers.items():
        of_unit[people[pk].unit_id].append(number)
    found = []
    for pk, number in numbers.items():
        one = people[pk]
        middle = float(median(of_unit[one.unit_id]))
        if number >= TIMES * middle and number >= middle + MORE:
            found.append(Loaded(pk, one.short_name, str(one.unit or ""), number, middle))
    return tuple(sorted(found, key=lambda one: (-one.number, one.name))), len(numbers)


def _grows(user: Employee, on: date) -> tuple[Grows, ...]:
    """Return the topics of which the week has more than usual, those that grew most first."""
    since = on - WEEK
    asked = AppealQuestion.objects.filter(
        appeal__in=access.visible_to(user).filter(registered_on__gt=since - WEEKS_BEFORE * WEEK, registered_on__lte=on)
    )
    rows = asked.order_by().values("topic", "topic__name").annotate(
        number=Count("appeal", distinct=True, filter=Q(appeal__registered_on__gt=since)),
        before=Count("appeal", distinct=True, filter=Q(appeal__registered_on__lte=since)),
    )  # fmt: skip
    found = [
        Grows(row["topic"], row["topic__name"], row["number"], row["before"])
        for row in rows.filter(number__gte=FEWEST)
        if row["number"] * WEEKS_BEFORE >= GROWTH * row["before"]
    ]
    return tuple(sorted(found, key=lambda one: (one.before / WEEKS_BEFORE - one.number, one.name))[:SHOWN])


def receptions(user: Employee, on: date) -> QuerySet[Appointment]:
    """Return the appointments of a day: all for who sees the figures of reception, otherwise one's own."""
    rows = Appointment.objects.filter(starts_at__gte=midnight(on), starts_at__lt=midnight(on, 1))
    rows = rows.exclude(state=Appointment.State.CANCELLED)
    return rows if user.has_power("reception.figures") else rows.filter(official=user)


def listed(user: Employee, figure: str, on: date, *, of: int | None = None) -> QuerySet[Appeal]:
    """Return the very appeals a figure counts, by term; `of`: the unit (0: none), the executor or the topic."""
    rows = access.visible_to(user)
    following = calendar.current().next_working(on)
    if figure == "executor":
        rows = rows.filter(status__in=queues.OPEN, executor=of)
    elif figure == "topic":
        asked = AppealQuestion.objects.filter(appeal=OuterRef("pk"), topic=of)
        rows = rows.filter(Exists(asked), registered_on__gt=on - WEEK, registered_on__lte=on)
    else:
        rows = rows.filter(_burns(on, following)[figure if figure in BURNING else "overdue"])
        if of is not None:
            rows = rows.filter(unit=of) if of else rows.filter(unit=None)
    order = F("due_on").asc(nulls_last=True)
    return rows.select_related("applicant", "unit", "executor").order_by(order, "pk")


def printed(found: Sheet) -> bytes:
    """Return the sheet as a page of A4."""
    burns = [[one.name, *(str(one.numbers[code]) for code in BURNING)] for one in found.units[:SHOWN]]
    if rest := found.units[SHOWN:]:
        numbers = (str(sum(one.numbers[code] for one in rest)) for code in BURNING)
        burns.append([f"И ещё {count(len(rest), 'подразделение,подразделения,подразделений')}", *numbers])
    burns.append(["Всего", *(str(found.burning[code]) for code in BURNING)])
    following = f"{found.next_day:%d.%m}"
    sections = [
        journals.section(
            "Что горит",
            columns=(("Подразделение", 3), ("Просрочено", 1), ("Сегодня", 1), (f"До {following}", 1)),
            table=burns,
        ),
        journals.section(
            "Кто перегружен",
            columns=(("Исполнитель", 3), ("Подразделение", 3), ("В работе", 1), ("Обычно", 1)),
            table=[[one.name, one.unit, str(one.number), one.usual] for one in found.loaded[:SHOWN]]
            or [["Никто не перегружен", "", "", ""]],
        ),
        journals.section(
            f"Что говорят люди с {found.said_from:%d.%m} по {found.yesterday:%d.%m}",
            said_of(found),
        ),
        journals.section(
            "О чём стали писать чаще",
            columns=(("Тема", 5), ("За неделю", 1), ("Обычно в неделю", 1)),
            table=[[shorten(one.name, 110, placeholder="…"), str(one.number), one.usual] for one in found.grows]
            or [["Ни по одной теме писем не стало вдвое больше", "", ""]],
        ),
        journals.section("Сегодня", today_of(found)),
    ]
    return journals.sheet(TITLE, sections, lead=f"На {found.on:%d.%m.%Y}. Числа — по делам, которые вам видны.")


def said_of(found: Sheet) -> list[tuple[str, str]]:
    """Return what opinions come to, name and words."""
    return [
        ("Отзывов", str(found.said.total)),
        ("Оценили качество", f"{found.said.graded}, не удовлетворены: {found.said.unsatisfied}"),
        ("Без ответа или недовольны", str(found.unhappy)),
        ("Со словами", str(found.said.texts)),
    ]


def today_of(found: Sheet) -> list[tuple[str, str]]:
    """Return what else waits today, name and words."""
    return [
        ("Не перезвонили", f"{count(found.missed, 'звонок,звонка,звонков')}{_late(found.missed_late)}"),
        ("Личный приём", count(found.receptions, "запись,записи,записей")),
        ("Полоса «Фаст-трек»", f"{count(found.lane, 'сообщение,сообщения,сообщений')}{_late(found.lane_late)}"),
    ]


def _late(number: int) -> str:
    return f", просрочено: {number}" if number else ""
