"""A call nobody answered is a duty to call back until it has an outcome (п. 27.2).

`after(call)` counts anew what a call means for the duties of its number, however often and in whatever order the
exchange tells of it. People take a duty, try to call, and settle it; the system settles it when the caller reached us.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from otklik.core import journal, locks
from otklik.core.errors import DomainError
from otklik.hotline import hours, returns
from otklik.hotline.models import Call, Line, MissedCall, ReturnCall
from otklik.people.models import Employee

KEEPER: Final = "hotline.missed"
HEAD: Final = "hotline.figures"
READERS: Final = (KEEPER, HEAD, "journal.view")
NOTE_MAX: Final = 500
# The hours of all lines while many calls are counted; else they are read for each duty.
_read: Final[ContextVar[Mapping[int, hours.Schedule] | None]] = ContextVar("schedules", default=None)
Outcome = MissedCall.Outcome
State = Call.State
# What people settle a duty with; the last only where the number is withheld, and then nothing else.
BY_HAND: Final = (
    *(Outcome.CALLED_BACK, Outcome.REACHED_US, Outcome.UNREACHABLE, Outcome.DUPLICATE, Outcome.WRONG_NUMBER),
    Outcome.WITHHELD,
)


class AlreadySettled(DomainError):
    """Somebody, or the system, was quicker."""

    code = "missed.settled"
    text = "Запись уже закрыта: {outcome}. Обновите страницу."
    status = 409


class TakenByAnother(DomainError):
    """A colleague calls back already: two calls to one citizen are worse than none."""

    code = "missed.taken"
    text = "Перезванивает {who}. Если коллега не может — пусть вернёт запись в список, или это сделает начальник."
    status = 409


class NotYours(DomainError):
    """Only who took it gives it back, or a head."""

    code = "missed.not_yours"
    text = "Эту запись взял {who}: вернуть её может он сам или начальник."
    status = 403


class NotTaken(DomainError):
    """There is nothing to give back."""

    code = "missed.not_taken"
    text = "Запись никто не брал: она и так в общем списке."
    status = 409


class NoOutcome(DomainError):
    """A duty leaves the list with an outcome only."""

    code = "missed.no_outcome"
    text = "Выберите итог: без него запись остаётся в списке."


class NothingToDial(DomainError):
    """A withheld number cannot be called."""

    code = "missed.withheld"
    text = "Номер скрыт: перезвонить нельзя. Закройте запись итогом «номер скрыт»."


class NumberKnown(DomainError):
    """A number that is known can be called."""

    code = "missed.number_known"
    text = "Номер известен, перезвонить можно. Итог «номер скрыт» — только для скрытых номеров."


class NoTalk(DomainError):
    """Called back means talked to."""

    code = "missed.no_talk"
    text = "Сначала отметьте попытку «поговорили»: без разговора итог «перезвонили» неверен."


class NotHeard(DomainError):
    """A wrong number is heard from whoever answers."""

    code = "missed.not_heard"
    text = "Сначала отметьте попытку «поговорили» или «ответил другой человек»: об ошибке узнают, только дозвонившись."


class TooFewAttempts(DomainError):
    """One unanswered call is no ground to give up."""

    code = "missed.too_few"
    text = "Недоступным признают после {enough} попыток без ответа, сделано {made}. Перезвоните ещё раз позже."


class NoWords(DomainError):
    """What the system cannot see is told in words."""

    code = "missed.no_words"
    text = "Напишите, как это стало известно: например, дозвонился через ЕКЦ или пришёл на приём."


class NoOriginal(DomainError):
    """A repeat is a repeat of something that is called back itself."""

    code = "missed.no_original"
    text = "Укажите номер записи, повтор которой это: другая запись, не закрытая сама как повтор."


class NoSuchResult(DomainError):
    """An attempt has a result."""

    code = "missed.no_result"
    text = "Выберите, что вышло: поговорили, не ответил, занято или ответил другой человек."


# --- what a call means ------------------------------------------------------------------------------------------------


def after(call: Call) -> None:
    """Make, join, correct or settle the duties of this call's number; call it in the transaction of every fold.

    An unanswered call of our line, or of a line nobody knows, makes a duty or joins the open one of its number; one
    that turns out answered leaves it. A later answered call of the number settles it, an outgoing one is an attempt.
    """
    if call.direction == Call.Direction.OUT:
        returns.heard(call)
        return
    _hold([call])
    _after(call)


def after_each(calls: Sequence[Call], schedules: Mapping[int, hours.Schedule]) -> None:
    """Do what `after` does for many calls, in the order given; `schedules`: of all lines, read by the caller.

    Most calls are answered and mean nothing for any duty, most missed ones are the only call of their number: four
    questions for all of them find those out.
    """
    incoming = [one for one in calls if one.direction == Call.Direction.IN]
    _hold(incoming)
    keys = {one.number_key for one in incoming} - {""}
    duties = list(MissedCall.objects.filter(number_key__in=keys).values_list("number_key", "outcome"))
    waited_for = {key for key, outcome in duties if outcome == Outcome.OPEN}
    waited_for |= {one.number_key for one in incoming if one.state == State.MISSED}
    settling = set(MissedCall.objects.filter(reached_by__in=incoming).values_list("reached_by", flat=True))
    alone = _only_calls(incoming, known={key for key, _ in duties}, settling=settling)
    token = _read.set(schedules)
    try:
        _owe_each(alone)
        done = {one.pk for one in alone}
        for call in calls:
            if call.pk in done:
                continue
            if call.direction == Call.Direction.OUT:
                returns.heard(call)
            elif call.state == State.MISSED or call.missed_id or call.number_key in waited_for or call.pk in settling:
                _after(call, settles=call.pk in settling)
    finally:
        _read.reset(token)


def _only_calls(calls: Iterable[Call], *, known: Collection[str], settling: Collection[int]) -> list[Call]:
    """Return the missed calls whose numbers have no other call and no duty (`known`): there is nothing to look for."""
    fresh = [
        one
        for one in calls
        if one.state == State.MISSED
        and one.number_key
        and one.number_key not in known
        and not one.missed_id
        and one.pk not in settling
        and (one.line is None or one.line.ours)
    ]
    rows = Call.objects.filter(number_key__in={one.number_key for one in fresh}) if fresh else Call.objects.none()
    once = {row["number_key"] for row in rows.values("number_key").annotate(number=Count("pk")) if row["number"] == 1}
    return [one for one in fresh if one.number_key in once]


def _owe_each(calls: Sequence[Call]) -> None:
    """Make a duty of each of these calls, nothing asked."""
    rows = MissedCall.objects.bulk_create([_built(call) for call in calls])
    for call, row in zip(calls, rows, strict=True):
        call.missed = row
    Call.objects.bulk_update(calls, ["missed"])
    owed = {f"missed:{one.missed_id}": {"call": one.pk, "outcome": Outcome.OPEN} for one in calls}
    journal.record_each("missed.owed", owed, by=None)


def _hold(calls: Iterable[Call]) -> None:
    """Wait for whoever counts the same numbers: a missed and an answered call may fold at once."""
    if names := [one.number_key or f"uid {one.uid}" for one in calls]:
        locks.hold("missed", names)


def _after(call: Call, *, settles: bool = True) -> None:
    answered = call.state in (State.TALKING, State.ANSWERED)
    if not answered and settles:
        _not_reached(call)
    if call.state == State.MISSED and (call.missed_id or call.line is None or call.line.ours):
        _owe(call)
    elif answered:
        _let_go(call)
        if call.number_key and (call.line is None or call.line.ours):
            _reached(call)


def waiting() -> QuerySet[MissedCall]:
    """Return the duties that wait for a call back, the most urgent first."""
    return MissedCall.objects.filter(outcome=Outcome.OPEN)


def _owe(call: Call) -> None:
    # Asked of the database: while many calls are counted, one may have put another under a duty it does not know of.
    row = MissedCall.objects.select_for_update(of=("self",)).filter(calls=call.pk).first()
    call.missed = row
    if row is not None and (row.line_id, row.number_key, row.number) != (call.line_id, call.number_key, call.number):
        row = _moved(call, row)
    elif row is not None and row.outcome == Outcome.OPEN and call.number_key and (met := _answered_since(call)):
        # Another worker had this call in hand when the one that reached us was counted.
        row = _settled_apart(call, row, met)
    if row is None:
        row = _place(call)
    _put(call, row)
    _count(row)


def _settled_apart(call: Call, row: MissedCall, met: Call) -> MissedCall:
    """Settle by the call that reached us what one call asked for, and leave the duty to the others it has."""
    if not row.calls.exclude(pk=call.pk).exists():
        row.reached_by = met
        _close(row, Outcome.REACHED_US, at=_met_at(met))
        return row
    settled = _new(call, met)
    _put(call, settled)
    _count(row)
    return settled


def _put(call: Call, row: MissedCall | None) -> None:
    if call.missed_id != (row.pk if row else None):
        call.missed = row
        call.save(update_fields=["missed"])


def _hand_over(rows: QuerySet[Call], to: MissedCall) -> None:
    """Put calls under another duty; one that a worker has in hand finds its place itself when it is counted next."""
    free = rows.select_for_update(of=("self",), skip_locked=True).order_by("pk")
    Call.objects.filter(pk__in=[one.pk for one in free]).update(missed=to)


def _of_number(call: Call) -> QuerySet[MissedCall]:
    """Return the duties of this number on this line; none for a number that is withheld or no number."""
    rows = MissedCall.objects.filter(line=call.line, number_key=call.number_key)
    return rows.select_for_update(of=("self",)) if call.number_key else rows.none()


def _place(call: Call) -> MissedCall:
    """Return the duty a call joins: one we have met since it came, the open one, or a new one."""
    gave_up = call.ended_at or call.came_at
    if call.number_key:
        met = _of_number(call).filter(outcome__in=(Outcome.CALLED_BACK, Outcome.REACHED_US), settled_at__gte=gave_up)
        for one in met.order_by("settled_at"):
            talked = one.returns.filter(result=ReturnCall.Result.TALKED, at__gte=gave_up)
            if one.outcome == Outcome.REACHED_US or talked.exists():
                return one
        if (answered := _answered_since(call)) is not None:
            return _new(call, answered)
        if (row := _of_number(call).filter(outcome=Outcome.OPEN).first()) is not None:
            return row
    try:
        with transaction.atomic():
            return _new(call)
    except IntegrityError:  # another worker has made it meanwhile
        return _of_number(call).get(outcome=Outcome.OPEN)


def _answered_since(call: Call) -> Call | None:
    """Return the first call of the same number we answered after this one came."""
    rows = Call.objects.filter(direction=Call.Direction.IN, number_key=call.number_key, came_at__gte=call.came_at)
    ours = rows.filter(Q(line=None) | Q(line__ours=True), state__in=(State.TALKING, State.ANSWERED))
    return ours.exclude(pk=call.pk).order_by("came_at", "pk").first()


def _new(call: Call, answered: Call | None = None) -> MissedCall:
    row = _built(call, answered)
    row.save(force_insert=True)
    journal.record("missed.owed", chain=f"missed:{row.pk}", by=None, call=call.pk, outcome=row.outcome)
    return row


def _built(call: Call, answered: Call | None = None) -> MissedCall:
    return MissedCall(
        line=call.line,
        number=call.number,
        number_key=call.number_key,
        first_at=call.came_at,
        last_at=call.came_at,
        longest_wait=call.waited,
        position=call.position,
        in_hours=call.in_hours,
        due_at=_due(call.line, call.came_at),
        outcome=Outcome.REACHED_US if answered else Outcome.OPEN,
        settled_at=_met_at(answered) if answered else None,
        reached_by=answered,
    )


def _met_at(call: Call) -> datetime:
    return call.answered_at or call.came_at


def _due(line: Line | None, first_at: datetime) -> datetime:
    """Return by when to call back, counted from the first call: whoever rings again waits no longer for it.

    On a line nobody knows the hours and the minutes of our first line hold.
    """
    if line is None:
        line = Line.objects.filter(ours=True).first()
        if line is None:
            return first_at + timedelta(hours=1)
    read = _read.get() or hours.schedules([line])
    return read[line.pk].after(first_at, line.call_back_minutes)


def _count(row: MissedCall) -> None:
    """Count a duty anew from its calls."""
    calls = list(row.calls.order_by("came_at", "pk").values("came_at", "waited", "position", "in_hours"))
    if not calls:
        return
    places = [one["position"] for one in calls if one["position"] is not None]
    facts: dict[str, Any] = {
        "attempts": len(calls),
        "first_at": calls[0]["came_at"],
        "last_at": calls[-1]["came_at"],
        "longest_wait": max(one["waited"] for one in calls),
        "position": places[-1] if places else None,
        "in_hours": any(one["in_hours"] for one in calls),
    }
    changed = {name for name, value in facts.items() if getattr(row, name) != value}
    if not changed:
        return
    if "first_at" in changed:
        row.due_at = _due(row.line, facts["first_at"])
        changed.add("due_at")
    if facts["attempts"] != row.attempts:
        journal.record("missed.recounted", chain=f"missed:{row.pk}", by=None, calls=facts["attempts"])
    for name, value in facts.items():
        setattr(row, name, value)
    row.save(update_fields=sorted(changed))


def _moved(call: Call, row: MissedCall) -> MissedCall | None:
    """Put right a duty whose call was of another number or line than was told first; None: its place is elsewhere."""
    alone = not row.calls.exclude(pk=call.pk).exists()
    taken = _of_number(call).filter(outcome=Outcome.OPEN).exclude(pk=row.pk).first()
    if alone and row.outcome == Outcome.OPEN and taken is None and _answered_since_known(call) is None:
        row.line, row.number, row.number_key = call.line, call.number, call.number_key
        row.due_at = _due(row.line, row.first_at)
        row.save(update_fields=["line", "number", "number_key", "due_at"])
        return row
    place = _place(call)
    _put(call, place)
    _count(row)
    if alone and row.outcome == Outcome.OPEN:
        row.duplicate_of = place
        _close(row, Outcome.DUPLICATE, at=timezone.now(), note="Станция уточнила номер или линию звонка.")
    return place


def _answered_since_known(call: Call) -> Call | None:
    return _answered_since(call) if call.number_key else None


def _let_go(call: Call) -> None:
    """Take a call that was answered after all out of its duty; a duty left without calls is settled by that."""
    if not call.missed_id:
        return
    row = MissedCall.objects.select_for_update().get(pk=call.missed_id)
    _put(call, None)
    if row.calls.exists():
        _count(row)
    elif row.outcome == Outcome.OPEN:
        row.reached_by = call
        note = "Станция позже сообщила, что на этот звонок ответили."
        _close(row, Outcome.REACHED_US, at=_met_at(call), note=note)


def _reached(call: Call) -> None:
    """Settle what waits for a call back to whoever has just reached us; what he missed later keeps waiting."""
    rows = MissedCall.objects.select_for_update(of=("self",)).filter(number_key=call.number_key, outcome=Outcome.OPEN)
    for row in rows.filter(first_at__lte=call.came_at):
        earlier = row.calls.filter(came_at__lte=call.came_at)
        if row.last_at <= call.came_at:
            row.reached_by = call
            _close(row, Outcome.REACHED_US, at=_met_at(call))
        elif (first := earlier.order_by("came_at").first()) is not None:
            settled = _new(first, call)
            _hand_over(earlier, settled)
            _count(settled)
            _count(row)


def _not_reached(call: Call) -> None:
    """Open again what was settled by a call that nobody has answered after all."""
    for row in MissedCall.objects.select_for_update(of=("self",)).filter(reached_by=call):
        if row.outcome != Outcome.REACHED_US or row.settled_by_id:
            continue
        rows = MissedCall.objects.filter(line=row.line, number_key=row.number_key, outcome=Outcome.OPEN)
        other = rows.first() if row.number_key else None
        row.reached_by = None
        if other is not None:
            _hand_over(row.calls.all(), other)
            _count(other)
            row.duplicate_of, row.outcome = other, Outcome.DUPLICATE
            row.save(update_fields=["reached_by", "duplicate_of", "outcome"])
        else:
            row.outcome, row.settled_at, row.note = Outcome.OPEN, None, ""
            row.save(update_fields=["reached_by", "outcome", "settled_at", "note"])
            if not call.missed_id and not row.calls.exists():  # it was the duty of this very call
                _put(call, row)
        journal.record("missed.reopened", chain=f"missed:{row.pk}", by=None, call=call.pk, outcome=row.outcome)


# --- what people do ---------------------------------------------------------------------------------------------------


@transaction.atomic
def take(missed: MissedCall, *, by: Employee) -> MissedCall:
    """Take a duty: one person calls back. Pressed twice, it changes nothing; a colleague's is refused."""
    return _in_hand(missed, by)


@transaction.atomic
def give_back(missed: MissedCall, *, by: Employee) -> MissedCall:
    """Put a duty back into the common list: by who took it, or by a head."""
    row = _open(missed)
    if row.taken_by is None:
        raise NotTaken
    if row.taken_by_id != by.pk and not by.has_power(HEAD):
        raise NotYours(who=row.taken_by.short_name)
    let_go(row, by=by)
    return _open(row)


def in_hand_of(employee: Employee) -> QuerySet[MissedCall]:
    """Return the open duties an employee has taken."""
    return MissedCall.objects.filter(outcome=Outcome.OPEN, taken_by=employee).select_related("line")


@transaction.atomic
def let_go(missed: MissedCall, *, by: Employee) -> None:
    """Put a duty of a leaving employee back into the common list: any consultant can call back."""
    row = _open(missed)
    was = row.taken_by_id
    row.taken_by, row.taken_at = None, None
    row.save(update_fields=["taken_by", "taken_at"])
    journal.record("missed.given_back", chain=f"missed:{row.pk}", by=by, was=was)


@transaction.atomic
def attempt(missed: MissedCall, result: str, *, by: Employee) -> ReturnCall:
    """Keep what came of calling back; the duty is then in the hands of who called."""
    if result not in ReturnCall.Result.values:
        raise NoSuchResult
    row = _in_hand(missed, by)
    if not row.number:
        raise NothingToDial
    return returns.tell(result, by=by, missed=row)


@transaction.atomic
def settle(
    missed: MissedCall, outcome: str, *, note: str = "", duplicate_of: int | None = None, by: Employee
) -> MissedCall:
    """Give a duty its outcome; raise where the attempts or the words it needs are missing."""
    if outcome not in BY_HAND:
        raise NoOutcome
    if outcome == Outcome.DUPLICATE:  # both rows in one order: two people may settle them by each other at once
        pair = MissedCall.objects.select_for_update(of=("self",)).filter(pk__in=(missed.pk, duplicate_of or 0))
        list(pair.order_by("pk"))
    row, note = _in_hand(missed, by), note.strip()[:NOTE_MAX]
    if (outcome == Outcome.WITHHELD) is bool(row.number):
        raise NumberKnown if row.number else NothingToDial
    if outcome == Outcome.DUPLICATE:
        row.duplicate_of = _original(row, duplicate_of)
    elif outcome == Outcome.REACHED_US and not note:
        raise NoWords
    else:
        _asks_for_attempts(row, Outcome(outcome))
    _close(row, Outcome(outcome), at=timezone.now(), note=note, by=by)
    return row


def enough(row: MissedCall) -> int:
    """Return after how many unanswered attempts a person counts as unreachable."""
    line = row.line or Line.objects.filter(ours=True).first()
    return line.attempts_enough if line else 3


def _asks_for_attempts(row: MissedCall, outcome: MissedCall.Outcome) -> None:
    results = ReturnCall.Result
    made = dict(row.returns.order_by().values_list("result").annotate(Count("pk")))
    if outcome == Outcome.CALLED_BACK and not made.get(results.TALKED):
        raise NoTalk
    if outcome == Outcome.WRONG_NUMBER and not (made.get(results.TALKED) or made.get(results.NOT_THE_ONE)):
        raise NotHeard
    unanswered = sum(made.values()) - made.get(results.TALKED, 0)
    if outcome == Outcome.UNREACHABLE and unanswered < enough(row):
        raise TooFewAttempts(enough=enough(row), made=unanswered)


def _original(row: MissedCall, pk: int | None) -> MissedCall:
    """Return what a duty repeats: rows that repeat each other in a ring would all leave the list uncalled."""
    found = MissedCall.objects.filter(pk=pk or 0).exclude(pk=row.pk).first()
    if found is None or found.outcome == Outcome.DUPLICATE:
        raise NoOriginal
    return found


def _open(missed: MissedCall) -> MissedCall:
    """Return the duty as it is now, held until the transaction ends; raise where it is settled."""
    # Nothing is joined: who waited for the row would read the new row with what stood beside the old one.
    row = MissedCall.objects.select_for_update().get(pk=missed.pk)
    if row.outcome != Outcome.OPEN:
        raise AlreadySettled(outcome=row.get_outcome_display())
    return row


def _in_hand(missed: MissedCall, by: Employee) -> MissedCall:
    """Return an open duty that is `by`'s, taken now where it was nobody's."""
    row = _open(missed)
    if row.taken_by is not None and row.taken_by_id != by.pk:
        raise TakenByAnother(who=row.taken_by.short_name)
    if row.taken_by is None:
        row.taken_by, row.taken_at = by, timezone.now()
        row.save(update_fields=["taken_by", "taken_at"])
        journal.record("missed.taken", chain=f"missed:{row.pk}", by=by)
    return row


def _close(
    row: MissedCall, outcome: MissedCall.Outcome, *, at: datetime, note: str = "", by: Employee | None = None
) -> None:
    row.outcome, row.settled_at, row.settled_by = outcome, at, by
    row.note = note or row.note
    row.save(update_fields=["outcome", "settled_at", "settled_by", "note", "duplicate_of", "reached_by"])
    journal.record("missed.settled", chain=f"missed:{row.pk}", by=by, outcome=str(outcome))
