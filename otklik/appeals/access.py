"""Which appeals an employee sees: the one answer for pages, search, queues and exports; and who has opened one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, OuterRef, Q, QuerySet, Value
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from otklik.appeals import complained
from otklik.appeals.models import Appeal, Approval, CoExecutor, Resolution
from otklik.core import built, journal
from otklik.core.hours import midnight
from otklik.correspondence.models import IncomingMessage
from otklik.people import staff
from otklik.people.models import Applicant, Employee, Substitution, Unit

Row = TypeVar("Row", bound=Model)
Also = Callable[[Employee], Mapping[str, Any]]  # name → expression, as a user asks it

ALL, UNIT, OWN = "appeals.view_all", "appeals.view_unit", "appeals.view_own"
INTAKE = "intake.view"


def people_behind(user: Employee) -> frozenset[staff.Person]:
    """Return the employee and everyone he stands in for today: what they see, he sees."""
    return user.standing.people


def stands_for(user: Employee, person: Employee | None) -> bool:
    """Tell whether the user is this person or stands in for him today."""
    return person is not None and any(one.pk == person.pk for one in people_behind(user))


def units_of(user: Employee) -> set[int]:
    """Return ids of the units whose appeals the user sees: those under him and under whom he stands in for."""
    known: set[int] | None = user.__dict__.get("_units_seen")
    if known is None:
        known = staff.units_under(user, timezone.localdate(), power=UNIT) if user.has_power(UNIT) else set()
        user.__dict__["_units_seen"] = known
    return known


@dataclass(frozen=True)
class Sight:
    """All that conditions asked for an employee today depend on: by it statements are kept, see `built.asked`.

    `units` are those of `units_of`; who sees all appeals is asked for none of them, and has none here.
    """

    pk: int
    unit: int | None
    is_active: bool
    token: int | None
    standing: staff.Standing
    units: frozenset[int]
    today: date

    @classmethod
    def of(cls, user: Employee) -> Sight:
        """Return a user's, of this request."""
        units = frozenset[int]() if user.has_power(ALL) else frozenset(units_of(user))
        today = timezone.localdate()
        return cls(user.pk, user.unit_id, user.is_active, user.through_token, user.standing, units, today)

    @property
    def user(self) -> Employee:
        """The employee to make conditions for; nothing more is known of him, so they can depend on nothing more."""
        employee = Employee(pk=self.pk, unit_id=self.unit, is_active=self.is_active)
        employee.through_token, employee._standing = self.token, (midnight(self.today, 1), self.standing)
        employee.__dict__["_units_seen"] = set(self.units)
        return employee


def visible_to(user: Employee) -> QuerySet[Appeal]:
    """Return the appeals the employee may see today; nothing for somebody without a role."""
    if user.has_power(ALL):
        return Appeal.objects.all()
    seen = Q(pk__in=[])
    if units := units_of(user):
        seen |= Q(unit__in=units)
    if user.has_power(OWN) or units:
        people = [person.pk for person in people_behind(user)]
        seen |= Q(executor__in=people)
        seen |= Q(pk__in=CoExecutor.objects.filter(employee__in=people).values("appeal"))
        seen |= Q(pk__in=Approval.objects.filter(approver__in=people).values("revision__draft__appeal"))
        directed = Q(to_person__in=people) | Q(to_unit__in=units)
        seen |= Q(pk__in=Resolution.objects.filter(directed).values("appeal"))
    return Appeal.objects.filter(seen)


def _of_seen(user: Employee, path: str) -> Q:
    """Return the condition «of an appeal the user sees»; who sees them all needs no list of them."""
    return Q(**{f"{path}__isnull": False}) if user.has_power(ALL) else Q(**{f"{path}__in": visible_to(user)})


class Given(NamedTuple):
    """The people and units an appeal is given to by name, whatever their powers."""

    people: set[int]
    units: set[int]

    @classmethod
    def first(cls, appeal: Appeal) -> Given:
        """Return the executor and the unit alone: nobody else is asked of a new appeal."""
        return cls({pk for pk in [appeal.executor_id] if pk}, {pk for pk in [appeal.unit_id] if pk})


def given_to(appeals: Collection[Appeal]) -> dict[int, Given]:
    """Return to whom each of these appeals is given: what `visible_to` asks of a user, asked of appeals; one query."""
    found = {one.pk: Given.first(one) for one in appeals}
    person, unit = Value("person"), Value("unit")
    helping = CoExecutor.objects.filter(appeal__in=found).values_list("appeal", "employee", person)
    approving = Approval.objects.filter(revision__draft__appeal__in=found).order_by()
    directed = Resolution.objects.filter(appeal__in=found).order_by()
    rows = helping.union(
        approving.values_list("revision__draft__appeal", "approver", person),
        directed.filter(to_person__isnull=False).values_list("appeal", "to_person", person),
        directed.filter(to_unit__isnull=False).values_list("appeal", "to_unit", unit),
    )
    for appeal, pk, kind in rows:
        (found[appeal].people if kind == "person" else found[appeal].units).add(pk)
    return found


def who_see(appeal: Appeal, on: date) -> set[int]:
    """Return ids of those who see an appeal, to be offered; whether one of them may, `visible_to` says."""
    given = given_to([appeal])[appeal.pk]
    running = Substitution.objects.filter(absent__in=given.people, starts_on__lte=on, ends_on__gte=on)
    own = given.people | set(running.values_list("deputy", flat=True))
    seeing = set(staff.holders(ALL, on=on).values_list("pk", flat=True))
    for unit in Unit.objects.filter(pk__in=given.units):
        seeing |= set(staff.holders(UNIT, unit=unit, on=on).values_list("pk", flat=True))
    may = staff.holders(OWN, on=on) | staff.holders(UNIT, on=on)
    return seeing | set(may.filter(pk__in=own).values_list("pk", flat=True))


def applicants_of(user: Employee) -> QuerySet[Applicant]:
    """Return whose data the employee may ask for: to those who meet all who write, call and come, everybody.

    To others only whoever has an appeal they see, merged applicants under both their names.
    """
    if user.has_power(ALL) or user.has_power(INTAKE):
        return Applicant.objects.all()
    known = Applicant.objects.filter(pk__in=visible_to(user).values("applicant"))
    kept = known.filter(merged_into__isnull=False).values("merged_into")
    return Applicant.objects.filter(Q(pk__in=known) | Q(pk__in=kept) | Q(merged_into__in=known))


def applicants_seen(user: Employee, among: Collection[int]) -> set[int]:
    """Return those of a few applicants that `applicants_of` has: it is asked of them, not of all appeals."""
    if user.has_power(ALL) or user.has_power(INTAKE):
        return set(among)
    main = dict(Applicant.objects.filter(Q(pk__in=among) | Q(merged_into__in=among)).values_list("pk", "merged_into"))
    names = {pk for row in main.items() for pk in row if pk is not None}
    own = set(visible_to(user).filter(applicant__in=names).values_list("applicant", flat=True))
    own |= {kept for pk, kept in main.items() if pk in own and kept is not None}
    return {pk for pk in among if pk in own or main[pk] in own}


# Whoever is handed an appeal has looked at personal data. These five are the only ways to one, so the look is written
# down here, once per person, appeal and day; what lists show is masked and passes by.


def get_for(user: Employee, pk: int, *also: Also) -> Appeal:
    """Return one appeal with what a card shows beside it, the look logged; 404 where the user may not see it.

    `also`: what rooms above want to know in the same query.
    """
    found: list[Any] = _card(Sight.of(user), *also, pk=pk)
    if not found:
        raise Http404
    [appeal] = found
    _note_look(user, appeal, appeal.pk)
    complained.told(appeal, user, is_so=appeal.complained_of)
    return cast("Appeal", appeal)


@built.asked
def _card(sight: Sight, *also: Also, pk: int) -> QuerySet[Appeal]:
    # No more than a card shows: PostgreSQL plans nine tables for twice as long as six, and longer than it reads them.
    beside, user = ("regime", "applicant", "unit", "executor", "draft"), sight.user
    rows = Appeal.objects.select_related(*beside).annotate(complained_of=complained.barred(user))
    for more in also:
        rows = rows.annotate(**more(user))
    found: QuerySet[Appeal] = _with_look(user, rows.filter(_of_seen(user, "pk"), pk=pk), "pk")
    return found


def look_at_each(user: Employee, keys: Collection[int]) -> None:
    """Log the look at each of these appeals in a list that masks nothing; those he may not see are passed over."""
    looked = journal.looked_today("appeal.opened", by=user, appeal=OuterRef("pk"))
    new = visible_to(user).filter(pk__in=keys).exclude(looked).order_by("pk").values_list("pk", flat=True)
    with journal.together():
        for pk in new:
            journal.looked("appeal.opened", by=user, appeal=pk)


def made(user: Employee, appeal: Appeal) -> Appeal:
    """Return the appeal the user has just made, the look logged; 404 where he may not see it."""
    if not (user.has_power(ALL) or visible_to(user).filter(pk=appeal.pk).exists()):
        raise Http404
    journal.looked("appeal.opened", by=user, appeal=appeal.pk)
    return appeal


def get_of_appeal(user: Employee, queryset: QuerySet[Row], path: str, **wanted: Any) -> Row:
    """Return a row of an appeal the user may see, the look logged, else 404; `path` leads from it to the appeal."""
    seen = _with_look(user, queryset.filter(_of_seen(user, path)), path)
    row: Any = get_object_or_404(seen.annotate(of_appeal=F(path)), **wanted)
    _note_look(user, row, row.of_appeal)
    return cast(Row, row)


def _with_look(user: Employee, rows: Any, path: str) -> Any:
    """Return the rows, each with whether today's log has the look at its appeal already."""
    return rows.annotate(looked=journal.looked_today("appeal.opened", by=user, appeal=OuterRef(path)))


def _note_look(user: Employee, row: Any, appeal: int) -> None:
    """Write the look at an appeal down, unless the row came with one of today."""
    if not row.looked:
        journal.looked("appeal.opened", by=user, appeal=appeal)


def messages_of(user: Employee) -> QuerySet[IncomingMessage]:
    """Return the messages of the appeals the user sees, and those nobody has taken for who sees the intake."""
    allowed = _of_seen(user, "taken__appeal")
    if user.has_power(INTAKE) or user.has_power("intake.decide"):
        allowed |= Q(taken__isnull=True)
    return IncomingMessage.objects.filter(allowed)


def get_message(user: Employee, pk: int) -> IncomingMessage:
    """Return one of `messages_of`, the look logged; 404 where the user may not see it."""
    rows = messages_of(user).select_related("contact_point", "raw", "thread", "taken__appeal")
    message = get_object_or_404(rows, pk=pk)
    taken = getattr(message, "taken", None)
    if taken is None:
        if not journal.has_looked_today("message.opened", by=user, message=message.pk):
            journal.looked("message.opened", by=user, message=message.pk)
    elif not journal.has_looked_today("appeal.opened", by=user, appeal=taken.appeal_id):
        journal.looked("appeal.opened", by=user, appeal=taken.appeal_id)
    return message


def reveal_sender(user: Employee, message: IncomingMessage) -> None:
    """Write down that somebody is shown in full who wrote a message he was handed; refuse without the power."""
    if not user.has_power("applicants.view"):
        raise PermissionDenied
    journal.looked("message.sender_revealed", by=user, message=message.pk)
