"""Resolutions: head → deputy → unit → executor, each with text, term and control; what is under one closes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from otklik.appeals import access, assignment, search_feed
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.models import FINISHED, Appeal, Resolution
from otklik.appeals.permissions import allows
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee, Unit

# Whose own resolutions begin a chain; a clerk enters one that was written on paper.
OFFICIALS: Final = ("appeals.sign", "appeals.assign")
OPEN: Final = Q(closed_at=None)


class BadResolution(DomainError):
    """Something is missing or does not fit."""

    code = "appeal.bad_resolution"
    text = "Резолюция не записана: {what}"


class ResolutionChanged(DomainError):
    """Somebody was quicker."""

    code = "appeal.resolution_changed"
    text = "Эту резолюцию только что изменил другой сотрудник или под ней написали новую. Обновите страницу."


class StillOpenBelow(DomainError):
    """What was written under it goes on."""

    code = "appeal.resolution_open_below"
    text = "Сначала закройте резолюции, данные во исполнение этой: {names}."


@dataclass(frozen=True)
class Written:
    """A resolution just written; `assigned`: its person is the executor now; `why_not`: why he is not, in words."""

    resolution: Resolution
    assigned: bool = False
    why_not: str = ""


def check_can_begin(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not begin a chain of resolutions: officials who direct, and who enters for them."""
    if appeal.status in FINISHED:
        raise BadResolution(what="работа по обращению закончена.")
    if user.has_power("appeals.sign"):
        return
    if not user.has_power("appeals.assign") or not (
        user.has_power(access.ALL) or appeal.unit_id in access.units_of(user)
    ):
        raise NotYours(number=appeal.number, what="написать резолюцию", who="руководитель, начальник подразделения")


def may_enter_for_others(user: Employee) -> bool:
    """Tell whether the user enters resolutions that officials wrote on paper."""
    return user.has_power("intake.decide") and user.has_power("appeals.assign")


def authors(on: date | None = None) -> QuerySet[Employee]:
    """Return whose resolutions may be entered: those who sign, and heads."""
    on = on or timezone.localdate()
    people = {*staff.holders("appeals.sign", on=on), *staff.holders(access.UNIT, on=on)}
    return Employee.objects.filter(pk__in=[one.pk for one in people], is_active=True).order_by("last_name", "pk")


def is_for(row: Resolution, user: Employee) -> bool:
    """Tell whether the resolution is to the user, to whom he stands in for, or to a unit under one of them."""
    if row.to_unit_id is not None:
        return row.to_unit_id in access.units_of(user)
    return access.stands_for(user, row.to_person)


def is_of(row: Resolution, user: Employee) -> bool:
    """Tell whether the user wrote the resolution, or stands in for who did."""
    return access.stands_for(user, row.author) or row.entered_by_id == user.pk


def check_can_continue(row: Resolution, user: Employee) -> None:
    """Raise where the user may not write under this resolution: only to whom it is, while it is open."""
    if row.closed_at is not None:
        raise BadResolution(what="та, во исполнение которой вы пишете, уже закрыта.")
    if not is_for(row, user) and not (may_enter_for_others(user) and row.to_person_id is not None):
        raise NotYours(
            number=row.appeal.number,
            what="написать резолюцию во исполнение этой",
            who=f"тот, кому она: {row.addressee}",
        )


def write(
    appeal: Appeal,
    *,
    text: str,
    to: Employee | Unit,
    by: Employee,
    parent: Resolution | None = None,
    author: Employee | None = None,
    due_on: date | None = None,
    control: bool = False,
) -> Written:
    """Write a resolution, and assign its person where the one who writes may do so now.

    `author`: whose it is where a clerk enters it from paper. Nobody can write under what is being closed.
    """
    author = author or by
    _check(text, to, author=author, by=by)
    _check_place(appeal, parent, by)
    _check_due(appeal, parent, due_on)
    person, unit = (to, None) if isinstance(to, Employee) else (None, to)
    with transaction.atomic():
        if parent is not None:
            _change(parent, by=by)
        row = Resolution.objects.create(
            appeal=appeal,
            parent=parent,
            author=author,
            entered_by=by,
            to_person=person,
            to_unit=unit,
            text=text.strip(),
            due_on=due_on,
            control=control,
        )
        journal.record(
            "appeal.resolution_written",
            chain=f"appeal:{appeal.pk}",
            by=by,
            on_behalf_of=author if author.pk != by.pk else None,
            resolution=row.pk,
            asked_of=person.pk if person else None,
            unit=unit.pk if unit else None,
            due_on=due_on.isoformat() if due_on else None,
        )
        written = Written(row)
        if person is not None:
            why_not = _why_not_assigned(appeal, person, by)
            if not why_not:
                _assign(appeal, person, due_on, by)
            written = Written(row, assigned=not why_not, why_not=why_not)
        if unit is not None:
            _name_unit(appeal, unit, by)
        if not written.assigned:  # assigning has put it
            search_feed.put(appeal)
    return written


def report(row: Resolution, words: str, *, by: Employee) -> None:
    """Say what was done; without control that closes it, under control its author looks."""
    if not is_for(row, by):
        raise NotYours(number=row.appeal.number, what="отчитаться по резолюции", who=f"тот, кому она: {row.addressee}")
    if not words.strip():
        raise BadResolution(what="напишите, что сделано.")
    if row.done_at is not None or row.closed_at is not None:
        raise ResolutionChanged
    _check_nothing_open_below(row)
    now = timezone.now()
    closed = {} if row.control else {"closed_at": now, "closed_by": by}
    with transaction.atomic():
        _change(row, by=by, report=words.strip(), done_at=now, done_by=by, remark="", **closed)
        _record("appeal.resolution_done", row, by)


def accept(row: Resolution, *, by: Employee) -> None:
    """Take a reported resolution off control: its author, or who enters for him."""
    _check_controls(row, by)
    if row.done_at is None:
        raise BadResolution(what="отчёта ещё нет: снимать с контроля нечего.")
    _check_nothing_open_below(row)
    with transaction.atomic():
        _change(row, by=by, closed_at=timezone.now(), closed_by=by)
        _record("appeal.resolution_accepted", row, by)


def give_back(row: Resolution, remark: str, *, by: Employee) -> None:
    """Give a reported resolution back with a remark; the day stays."""
    _check_controls(row, by)
    if row.done_at is None:
        raise BadResolution(what="отчёта ещё нет: возвращать нечего.")
    if not remark.strip():
        raise BadResolution(what="напишите, что нужно доделать.")
    with transaction.atomic():
        _change(row, by=by, done_at=None, done_by=None, remark=remark.strip()[:500])
        _record("appeal.resolution_returned", row, by)


def of(appeal: Appeal) -> list[Resolution]:
    """Return the resolutions of an appeal, each right after the one it carries out, with its `level` in the chain."""
    rows = list(_beside(Resolution.objects.filter(appeal=appeal)))
    under: dict[int | None, list[Resolution]] = {}
    for row in rows:
        under.setdefault(row.parent_id, []).append(row)
    found: list[Resolution] = []

    def put(parent: int | None, level: int) -> None:
        for row in under.get(parent, ()):
            row.__dict__["level"] = level
            found.append(row)
            put(row.pk, level + 1)

    put(None, 0)
    return found


def seen_by(user: Employee) -> QuerySet[Resolution]:
    """Return the resolutions of the appeals the user sees, with what a list shows."""
    rows = _beside(Resolution.objects.all()).select_related("appeal", *BESIDE)
    return rows if user.has_power(access.ALL) else rows.filter(appeal__in=access.visible_to(user))


def for_whom(user: Employee) -> Q:
    """Return the condition «to this person, or to a unit of his»."""
    people = [one.pk for one in access.people_behind(user)]
    return Q(to_person__in=people) | Q(to_unit__in=access.units_of(user))


def under_control() -> Q:
    """Return the condition of the control list: open, and either under control or with a term."""
    return OPEN & (Q(control=True) | Q(due_on__isnull=False))


BESIDE: Final = ("author", "entered_by", "to_person", "to_unit", "done_by", "closed_by")


def _beside(rows: QuerySet[Resolution]) -> QuerySet[Resolution]:
    below = Resolution.objects.filter(OPEN, parent=OuterRef("pk"))
    return rows.select_related(*BESIDE).annotate(open_below=Exists(below))


def _check_place(appeal: Appeal, parent: Resolution | None, by: Employee) -> None:
    if parent is None:
        check_can_begin(appeal, by)
        return
    if parent.appeal_id != appeal.pk:
        raise BadResolution(what="та, во исполнение которой вы пишете, относится к другому обращению.")
    check_can_continue(parent, by)
    if appeal.status in FINISHED:
        raise BadResolution(what="работа по обращению закончена.")


def _check(text: str, to: Employee | Unit, *, author: Employee, by: Employee) -> None:
    if author.pk != by.pk and not (may_enter_for_others(by) or access.stands_for(by, author)):
        raise BadResolution(what="за другого резолюцию вносит делопроизводитель или заместитель.")
    if not text.strip():
        raise BadResolution(what="напишите, что сделать.")
    if isinstance(to, Employee):
        if to.pk == author.pk:
            raise BadResolution(what="себе резолюцию не пишут. Выберите другого сотрудника или подразделение.")
        if not to.is_active:
            raise BadResolution(what=f"{to.short_name} заблокирован. Выберите другого.")
    elif to.valid_to is not None and to.valid_to < timezone.localdate():
        raise BadResolution(what=f"подразделения «{to}» больше нет. Выберите другое.")


def _check_due(appeal: Appeal, parent: Resolution | None, due_on: date | None) -> None:
    if due_on is None:
        return
    today = timezone.localdate()
    if due_on < today:
        raise WrongDate(what="Срок резолюции уже прошёл.")
    # What is overdue already is still directed: then only the past is shut.
    if appeal.due_on and due_on > max(appeal.due_on, today):
        raise WrongDate(what=f"Срок резолюции позже срока ответа ({appeal.due_on:%d.%m.%Y}).")
    if parent is not None and parent.due_on and due_on > max(parent.due_on, today):
        raise WrongDate(what=f"Срок позже срока резолюции, которую она исполняет ({parent.due_on:%d.%m.%Y}).")


def _why_not_assigned(appeal: Appeal, person: Employee, by: Employee) -> str:
    """Return why writing to a person does not assign him, empty where it does."""
    if appeal.executor_id == person.pk:
        return "он уже исполнитель"
    if person.unit is None or "appeals.draft" not in staff.powers_of(person, timezone.localdate()):
        return "он не готовит ответы"
    if not allows(assignment.check_can_assign, appeal, by):
        return "назначить его вы сейчас не можете"
    if not by.has_power(access.ALL) and person.unit_id not in access.units_of(by):
        return "он из другого подразделения: назначит делопроизводитель"
    return ""


def _assign(appeal: Appeal, person: Employee, due_on: date | None, by: Employee) -> None:
    assert person.unit is not None  # `_why_not_assigned` has asked
    helpers = [row.employee for row in appeal.helpers.select_related("employee") if row.employee_id != person.pk]
    assignment.assign(
        appeal,
        unit=person.unit,
        executor=person,
        co_executors=helpers,
        internal_due_on=due_on or assignment.propose_internal_date(appeal),
        by=by,
    )


def _name_unit(appeal: Appeal, unit: Unit, by: Employee) -> None:
    """Put an appeal nobody answers yet into the list of the unit it was directed to."""
    if appeal.executor_id is not None or appeal.unit_id == unit.pk:
        return
    free = Appeal.objects.filter(pk=appeal.pk, version=appeal.version, executor=None)
    if not free.update(unit=unit, version=F("version") + 1):
        raise ResolutionChanged
    appeal.unit, appeal.version = unit, appeal.version + 1
    journal.record("appeal.unit_named", chain=f"appeal:{appeal.pk}", by=by, unit=unit.pk)


def _check_nothing_open_below(row: Resolution) -> None:
    below = Resolution.objects.filter(OPEN, parent=row).select_related("to_person", "to_unit")
    if names := ", ".join(one.addressee for one in below):
        raise StillOpenBelow(names=names)


def controls(row: Resolution, user: Employee) -> bool:
    """Tell whether the user takes it off control: its author, who stands in for him, or a clerk it is not for."""
    return is_of(row, user) or (may_enter_for_others(user) and not is_for(row, user))


def _check_controls(row: Resolution, by: Employee) -> None:
    if not controls(row, by):
        raise NotYours(
            number=row.appeal.number, what="снять резолюцию с контроля", who=f"автор: {row.author.short_name}"
        )


def _change(row: Resolution, *, by: Employee, **changes: object) -> None:
    """Change an open resolution as it was read; where somebody was quicker, nothing is done."""
    seen = Resolution.objects.filter(OPEN, pk=row.pk, version=row.version)
    if not seen.update(version=F("version") + 1, **changes):
        raise ResolutionChanged
    row.version += 1
    for name, value in changes.items():
        setattr(row, name, value)


def _record(action: str, row: Resolution, by: Employee) -> None:
    journal.record(action, chain=f"appeal:{row.appeal_id}", by=by, resolution=row.pk)
