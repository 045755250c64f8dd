"""The workplace's queues: built-in views with counters and rows, a fixed number of queries whatever their size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from otklik.appeals import access, measured, search_feed, waiting
from otklik.appeals.models import FINISHED, Appeal, AppealQuestion, Approval, CoExecutor, Dispatch, FrozenAnswer
from otklik.core import built, masking
from otklik.core.terms import SOON_DAYS
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.correspondence.text import without_greeting
from otklik.people.models import Applicant, Employee

S = Appeal.Status
State = OutgoingMessage.State
W = TypeVar("W", waiting.Line, waiting.Heap)

PAGE: Final = 50
OPEN: Final = [status for status in S.values if status not in FINISHED]
IN_WORK: Final = [S.ASSIGNED, S.DRAFTING, S.APPROVAL]
BY_TERM: Final = (F("due_on").asc(nulls_last=True), "pk")
ORDERS: Final = {"new": ("-registered_on", "-pk"), "old": ("registered_on", "pk"), "number": ("number", "pk")}
# Asked of the field it would be looked for anew in each of fifty rows.
STATUSES: Final = dict(S.choices)
# All that a row shows of an appeal: a list has fifty, and the rest of four tables would come with each.
_OF_PERSON: Final = ("last_name", "first_name", "patronymic")
_SHOWN: Final = (
    *("number", "subject", "channel", "status", "due_on", "answered_on", "unseen_reply"),
    *("applicant__kind", "applicant__organisation", *(f"applicant__{name}" for name in _OF_PERSON)),
    *("unit__name", "unit__short_name"),
    *("executor__username", *(f"executor__{name}" for name in _OF_PERSON)),
)
UNDELIVERED: Final = [State.FAILED, State.UNCERTAIN, State.BY_HAND]


@dataclass(frozen=True)
class View:
    """A built-in view. `narrow` gives its condition for a user; None: its rows are incoming messages.

    `powers`: the view is shown to holders of one of them; empty: to everybody.
    """

    code: str
    title: str
    narrow: Callable[[Employee], Q] | None
    powers: tuple[str, ...] = ()
    empty: str = "Здесь пусто: всё сделано."


UNDER_WAY: Final = "open"  # of the filter by term: everything that waits for somebody's step


@dataclass(frozen=True)
class Filters:
    """What the address bar narrows a view to, and how it shows it; empty values do not narrow.

    `term`: overdue, today, soon; open: whatever its term. `order`: new, old, number; empty: by term.
    `hide`: pieces of a row, by commas. `came_…`, `ended_…`: days of registration and of the end, both included;
    `mark`, `lane`: as `measured` names them.
    """

    channel: str = ""
    topic: int | None = None
    unit: int | None = None
    term: str = ""
    text: str = ""
    need: int | None = None
    executor: int | None = None
    came_first: date | None = None
    came_last: date | None = None
    ended_first: date | None = None
    ended_last: date | None = None
    mark: str = ""
    lane: str = ""
    order: str = ""
    hide: str = ""
    dense: bool = False
    page: int = 1

    @property
    def narrows(self) -> bool:
        """Tell whether a view has fewer rows with these."""
        return any((self.channel, self.topic, self.unit, self.term, self.text)) or self.counted

    @property
    def counted(self) -> bool:
        """Tell whether a figure asks: for what came or ended on some days, for a need, for what cases are."""
        days = (self.came_first, self.came_last, self.ended_first, self.ended_last)
        return any((*days, self.mark, self.lane, self.need, self.executor))


@dataclass(frozen=True)
class Row:
    """One line of a queue: an appeal, or a message that waits to be registered. Names are masked."""

    kind: str  # "appeal" or "message"
    pk: int
    number: str
    subject: str
    applicant: str
    channel: str  # its code
    state: str
    at: datetime | None = None  # when a message came
    due_on: date | None = None  # to answer an appeal, to register a message
    answered_on: date | None = None
    unit: str = ""
    executor: str = ""
    unseen_reply: bool = False
    quarantined: bool = False
    words: str = ""  # of a message: what it says, or why it cannot be read


@dataclass(frozen=True)
class Page:
    """One page of a view."""

    view: View
    rows: list[Row] = field(default_factory=list)
    number: int = 1
    has_next: bool = False


def _people(user: Employee) -> list[int]:
    return [person.pk for person in access.people_behind(user)]


def _mine(user: Employee) -> Q:
    people = _people(user)
    helped = CoExecutor.objects.filter(appeal=OuterRef("pk"), employee__in=people)
    return Q(status__in=IN_WORK) & (Q(executor__in=people) | Q(Exists(helped)))


def _to_approve(user: Employee) -> Q:
    waiting = Approval.objects.filter(
        revision__draft__appeal=OuterRef("pk"),
        approver__in=_people(user),
        decision=Approval.Decision.WAITING,
        revision__version=F("revision__draft__version"),
    )
    return Q(status=S.APPROVAL) & Q(Exists(waiting))


def _to_sign(user: Employee) -> Q:
    """Give signers what waits for their name, and those who record signatures everything that waits."""
    if user.has_power("appeals.attest"):
        return Q(status=S.SIGNING)
    mine = FrozenAnswer.objects.filter(
        appeal=OuterRef("pk"), signer__in=_people(user), withdrawn_at=None, followed_at=None
    )
    return Q(status=S.SIGNING) & Q(Exists(mine))


def _to_send(_: Employee) -> Q:
    return Q(status=S.SIGNED)


def _due_soon(_: Employee) -> Q:
    return Q(status__in=OPEN, due_on__lte=timezone.localdate() + timedelta(days=SOON_DAYS))


def _undelivered(_: Employee) -> Q:
    """Give what did not arrive; a letter may come back long after its appeal was closed."""
    stuck = Dispatch.objects.filter(
        answer__appeal=OuterRef("pk"), answer__followed_at=None, message__state__in=UNDELIVERED
    )
    return Q(status__in=FINISHED) & Q(Exists(stuck))


VIEWS: Final[dict[str, View]] = {
    view.code: view
    for view in (
        View("mine", "Мои", _mine, ("appeals.draft",), "У вас нет обращений в работе."),
        View("registration", "На регистрацию", None, ("intake.view", "intake.decide"), "Новых сообщений нет."),
        View("classification", "На классификацию", lambda _: Q(status=S.REGISTERED), ("appeals.classify",)),
        View("assignment", "На назначение", lambda _: Q(status=S.CLASSIFIED), ("appeals.assign",)),
        View("approval", "На согласование", _to_approve, ("appeals.approve",), "Согласовывать нечего."),
        View("signing", "На подпись", _to_sign, ("appeals.sign", "appeals.attest", "appeals.approve")),
        View("dispatch", "К отправке", _to_send, ("appeals.dispatch",)),
        # With it the messages that burn, for those who register: see `rows`.
        View("due", "Горят сроки", _due_soon, (), "Ближайшие три дня без срочных ответов."),
        View("replies", "Ответы заявителей", lambda _: Q(unseen_reply=True), (), "Новых писем от заявителей нет."),
        View("undelivered", "Не доставлено", _undelivered, ("appeals.dispatch",), "Все ответы доставлены."),
        View("all", "Все", lambda _: Q(), (), "Обращений пока нет."),
    )
}


def views_for(user: Employee) -> list[View]:
    """Return the views to show to the user."""
    return [view for view in VIEWS.values() if not view.powers or user.has_any(view.powers)]


class Beside(NamedTuple):
    """What a room above counts in the same query: its rows, and which of them are late."""

    rows: QuerySet[Any]
    late: Q


Lists = Callable[[Employee, datetime], Mapping[str, Beside]]  # of an employee at a moment, by name
Named = tuple[str, str, Filters]  # a name, and the view and the filters it stands for


def counters(
    user: Employee, named: Mapping[str, tuple[str, Filters]] = MappingProxyType({}), also: tuple[Lists, ...] = ()
) -> dict[str, int]:
    """Return how many rows each of the user's views has, and each of `named`: name → view and filters.

    `also`: what rooms above have counted in the same query; where there is any, of «name» what is late is «name late».
    «Все» is not counted. Two queries, and one more for each named list of messages that is narrowed by words.
    """
    own = {view.code: (view.code, Filters()) for view in views_for(user) if view.code != "all"}
    shown = tuple((name, *of) for name, of in (own | dict(named)).items())
    sight, now = access.Sight.of(user), timezone.now()
    if any(filters.text for _, _, filters in shown):
        told = list(_numbers(sight, shown, also, now=now))
    else:
        told = _numbers_asked(sight, shown, also, now=now)
    found = {of: number for of, number, _ in told} | {f"{of} late": late for of, _, late in told}
    states = _states(sight, shown)
    views = {
        name: found.get(states.get(name, name), 0) + _waits(user, VIEWS[view], filters) for name, view, filters in shown
    }
    return found | views


def _numbers(
    sight: access.Sight, shown: tuple[Named, ...], also: tuple[Lists, ...], *, now: datetime
) -> QuerySet[Any, tuple[str, int, int]]:
    """Return the question how many rows each of the lists has and how many are late: its name, and both numbers.

    Views that are a state are counted together, under the state's code, the others each through an index of its own: a
    sum of conditions over all appeals would read them all.
    """
    user, states = sight.user, _states(sight, shown)
    visible = access.visible_to(user).order_by()
    asked = {name: _condition(user, VIEWS[view], filters) for name, view, filters in shown if name not in states}
    counts = [_counted(visible.filter(of), Value(name)) for name, of in asked.items() if of is not None]
    if states:
        counts.append(_counted(visible.filter(status__in=set(states.values())), F("status")))
    for lists in also:
        counts += [_counted(rows.order_by(), Value(name), late) for name, (rows, late) in lists(user, now).items()]
    together: Any = counts[0].union(*counts[1:], all=True) if counts else Appeal.objects.none()
    return together  # type: ignore[no-any-return]


_numbers_asked = built.asked(_numbers)


@lru_cache(maxsize=128)
def _states(sight: access.Sight, shown: tuple[Named, ...]) -> dict[str, str]:
    """Return which of the lists ask for a state and for nothing else: name → state."""
    user = sight.user
    plain = [(name, _condition(user, VIEWS[view], filters)) for name, view, filters in shown if not filters.narrows]
    return {name: state for name, condition in plain if condition and (state := _state_alone(condition))}


def _counted(rows: Any, of: Value | F, late: Q | None = None) -> Any:
    """Return the question how many rows there are of what, and how many of them are late."""
    number, number_late = Count("pk"), Count("pk", filter=late) if late else Value(0)
    return rows.annotate(of=of).values("of").annotate(rows=number, late=number_late).values_list("of", "rows", "late")


def rows(user: Employee, view: str, filters: Filters | None = None, *, size: int | None = None) -> Page:
    """Return one page of a view in a fixed number of queries. A view not meant for the user is empty."""
    chosen, filters = VIEWS[view], filters or Filters()
    if chosen not in views_for(user):
        return Page(chosen)
    number, size = max(filters.page, 1), size or PAGE
    start, end = (number - 1) * size, number * size + 1
    lines = _lines(user, chosen, filters)
    if chosen.narrow is None:
        taken = _message_rows(lines[start:end])
        return Page(chosen, taken[:size], number, len(taken) > size)
    # Messages and appeals are both in the order of their terms: no page of both needs more than `end` of either.
    first = 0 if lines else start
    ask = _appeals if filters.text else _appeals_asked  # what is found by words is part of the statement
    taken = [_appeal_row(one) for one in ask(access.Sight.of(user), view, filters, first, end)]
    if lines:
        both = [*taken, *_message_rows(lines[:end])]
        taken = sorted(both, key=lambda row: row.due_on or date.max)[start:end]
    return Page(chosen, taken[:size], number, len(taken) > size)


def _appeals(sight: access.Sight, view: str, filters: Filters, first: int, end: int) -> QuerySet[Appeal]:
    """Return the appeals of a view from one of its rows to another, as rows show them."""
    found = ordered(sight.user, view, filters).select_related("applicant", "unit", "executor")
    return found.only(*_SHOWN)[first:end]


_appeals_asked = built.asked(_appeals)


def appeals_of(user: Employee, view: str, filters: Filters) -> QuerySet[Appeal]:
    """Return every appeal of a view the user has, narrowed by filters, whatever the page; messages are left out."""
    chosen = VIEWS[view]
    condition = _condition(user, chosen, filters) if chosen in views_for(user) else None
    return access.visible_to(user).filter(condition) if condition is not None else Appeal.objects.none()


def ordered(user: Employee, view: str, filters: Filters) -> QuerySet[Appeal]:
    """Return `appeals_of` in the order the list shows them."""
    return appeals_of(user, view, filters).order_by(*_order(view, filters))


def _order(view: str, filters: Filters) -> tuple[Any, ...]:
    """Return what a view is sorted by; «Горят сроки» always by term."""
    chosen = filters.order or ("new" if view == "all" else "")
    if not filters.order and (filters.ended_first or filters.ended_last):
        return measured.NEWEST_ENDED
    return BY_TERM if view == "due" else ORDERS.get(chosen, BY_TERM)


def _lines(user: Employee, view: View, filters: Filters) -> list[waiting.Line]:
    """Return the messages among a view's rows: all that wait, those that burn, or none."""
    found = _narrowed(user, view, filters, waiting.lines)
    if (text := filters.text.strip()) and found:
        told = Q(subject__icontains=text) | Q(text__icontains=text)
        hits = set(waiting.messages().filter(told).values_list("pk", flat=True))
        found = [line for line in found if line.pk in hits]
    return found


def _waits(user: Employee, view: View, filters: Filters) -> int:
    """Return how many messages are among a view's rows; only words have to be looked for in each."""
    if filters.text.strip():
        return len(_lines(user, view, filters))
    return sum(heap.number for heap in _narrowed(user, view, filters, waiting.heaps))


def burning_messages(user: Employee) -> int:
    """Return how many messages have to be registered before the day is over, for who may do it."""
    return _waits(user, VIEWS["due"], Filters())


def applicant_label(applicant: Applicant) -> str:
    """Return a masked name for lists, without a query: initials for people, the name of an organisation."""
    if applicant.organisation and applicant.kind != Applicant.Kind.PERSON:
        return applicant.organisation
    return masking.person(applicant.last_name, applicant.first_name, applicant.patronymic) or "без имени"


def sender_label(message: IncomingMessage) -> str:
    """Return a masked name of who wrote a message, or his masked address."""
    return masking.person(*(message.sender_name.split() or [""])[:3]) or masking.email(message.sender_address)


def _condition(user: Employee, view: View, filters: Filters) -> Q | None:
    """Return which appeals are rows of a view narrowed by filters; None where its rows are messages."""
    if view.narrow is None:
        return None
    found = view.narrow(user)
    if filters.channel:
        found &= Q(channel=filters.channel)
    if filters.topic or filters.need:
        asked = {"topic": filters.topic, "need": filters.need}
        about = {name: value for name, value in asked.items() if value}
        found &= Q(Exists(AppealQuestion.objects.filter(appeal=OuterRef("pk"), **about)))
    if filters.executor:
        found &= Q(executor=filters.executor)
    if filters.counted:
        found &= measured.came(filters.came_first, filters.came_last)
        found &= measured.mark(filters.mark) & measured.lane(filters.lane)
    if filters.ended_first or filters.ended_last:
        found &= measured.ended(filters.ended_first, filters.ended_last)
    if filters.unit:
        found &= Q(unit=filters.unit)
    if filters.term:
        found &= Q(status__in=OPEN)
    if filters.term and filters.term != UNDER_WAY:
        found &= Q(due_on__range=_within(filters.term))
    if text := filters.text.strip():
        by_number = Q(number__icontains=text)
        # Words are looked for only where no number has them: «000123» is a number, not a word.
        numbered = access.visible_to(user).filter(found & by_number)
        found &= by_number | (Q(pk__in=search_feed.keys_for(user, text)) & ~Q(Exists(numbered)))
    return found


def _state_alone(condition: Q) -> str:
    """Return the state where a condition asks for nothing else, or an empty text."""
    match condition.children:
        case [("status", str(state))] if not condition.negated:
            return state
    return ""


def _narrowed(user: Employee, view: View, filters: Filters, read: Callable[[Employee], list[W]]) -> list[W]:
    """Narrow what waits to a view and to filters, except words; a message has no topic and no unit yet."""
    burning = view.code == "due" and user.has_power("intake.decide")
    if not (view.narrow is None or burning) or filters.topic or filters.unit or filters.counted:
        return []
    found = [one for one in read(user) if one.burns or not burning]
    if filters.channel:
        found = [one for one in found if one.channel == filters.channel]
    if filters.term and filters.term != UNDER_WAY:
        first, last = _within(filters.term)
        found = [one for one in found if one.due_on and first <= one.due_on <= last]
    return found


def _within(term: str) -> tuple[date, date]:
    """Return the first and the last day of a term as `Filters` names it."""
    today = timezone.localdate()
    days = {"overdue": (date.min, today - timedelta(days=1)), "today": (today, today)}
    return days.get(term, (today, today + timedelta(days=SOON_DAYS)))


def _appeal_row(appeal: Appeal) -> Row:
    return Row(
        kind="appeal",
        pk=appeal.pk,
        number=appeal.number,
        subject=appeal.subject,
        applicant=applicant_label(appeal.applicant),
        channel=appeal.channel,
        state=STATUSES[appeal.status],
        due_on=appeal.due_on,
        answered_on=appeal.answered_on,
        unit=str(appeal.unit) if appeal.unit else "",
        executor=appeal.executor.short_name if appeal.executor else "",
        unseen_reply=appeal.unseen_reply,
    )


def _message_rows(lines: list[waiting.Line]) -> list[Row]:
    found = IncomingMessage.objects.in_bulk([line.pk for line in lines])
    return [_message_row(found[line.pk], line.due_on) for line in lines if line.pk in found]


def _message_row(message: IncomingMessage, due_on: date | None) -> Row:
    subject = without_greeting(message.subject) or "(без темы)"
    return Row(
        kind="message",
        pk=message.pk,
        number="",
        subject=subject,
        applicant=sender_label(message),
        channel=message.channel,
        state=IncomingMessage.State(message.state).label,
        at=message.received_at,
        due_on=due_on,
        quarantined=message.state == IncomingMessage.State.QUARANTINED,
        words=_more_than(subject, message.text) or message.problem,
    )


def _more_than(subject: str, text: str) -> str:
    """Return what a text says beyond its subject: the site makes subjects of first words, a line says them once."""
    told = " ".join(without_greeting(text[:2000]).split())
    rest = told.removeprefix(subject.removesuffix("…"))
    return told if rest[:1].isalnum() else rest.lstrip(" .,!?…")
