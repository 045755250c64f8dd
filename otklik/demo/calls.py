"""Ninety days of the consultation line: calls as the exchange tells of them, missed ones, consultations, opinions.

What the exchange says goes in by the ordinary door and is counted by it; whom to call back is settled by people at
their own past moments. Consultations are rows: fifteen hundred of them by keystrokes would take longer than the days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from django.db.models import Model
from django.utils import timezone

from otklik.correspondence.models import IncomingMessage
from otklik.demo import citizens, clock, staff
from otklik.demo.history import DAYS, Historian
from otklik.hotline import calls, consultations, defaults, hours, missed
from otklik.hotline.exchange.events import Event, Kind, Source
from otklik.hotline.models import (
    Call,
    Consultation,
    Extension,
    Hold,
    Line,
    MissedCall,
    Promise,
    ReturnCall,
    ScriptUse,
    Transfer,
)
from otklik.knowledge import materials
from otklik.knowledge.models import MaterialUse, Script
from otklik.people.applicants import Typed, phone_key
from otklik.people.models import Employee
from otklik.surveys import feedback
from otklik.surveys.models import Invitation, Response, SurveyPoint

QUEUE: Final = "consult"
EXTENSIONS: Final = {"consultant": "101", "consultant2": "102"}
# How many call on a working day, Monday first; how many of twenty at each hour from nine, with a dip at lunch.
A_DAY: Final = (30, 25, 24, 24, 18)
SHAPE: Final = (9, 16, 18, 13, 7, 12, 14, 10, 6)
SHORT: Final = 8  # days of a small history
_OUTCOMES: Final = {"answered": 82, "promised": 5, "transferred": 5, "to_ekc": 3, "wrong_number": 3, "dropped": 2}
_SILENT: Final = {"transferred": "transferred", "to_ekc": "transferred", "dropped": "dropped", "wrong_number": "other"}
_LONGEST_DUTY: Final = timedelta(days=2)  # what has waited longer has been settled
_WHY: Final = ("Вопрос другого отдела", "Нужны сведения по договору", "Просит соединить с исполнителем")
_ABOUT: Final = ("Уточнить размер платы", "Узнать, готов ли ответ", "Прочитать порядок подачи заявления")


@dataclass
class _Rung:
    """One call as it is to be told, and who called."""

    uid: str
    at: datetime
    who: Typed
    waited: int
    talked: int = 0  # 0: nobody answered
    agent: str = ""
    held: int = 0
    hidden: bool = False
    robot: bool = False
    position: int = 1
    again: bool = False  # dropped and called back: the consultation of the call before it

    def told(self) -> Iterator[Event]:
        """Yield what the exchange would say of it."""
        number = "anonymous" if self.hidden else self.who.phone
        begun = {"queue": QUEUE, "dialled": "2386002"} | ({} if self.hidden else {"number": number})
        yield Event(Source.QUEUE_LOG, self.uid, Kind.ENTERED, self.at, begun)
        if self.robot:
            yield Event(Source.QUEUE_LOG, self.uid, Kind.ROBOT, self.at + timedelta(seconds=1), {"agent": "robot"})
        left = self.at + timedelta(seconds=self.waited)
        if not self.talked:
            yield Event(
                Source.QUEUE_LOG, self.uid, Kind.ABANDONED, left, {"waited": self.waited, "position": self.position}
            )
            return
        facts = {"agent": f"PJSIP/{self.agent}", "waited": self.waited}
        yield Event(Source.QUEUE_LOG, self.uid, Kind.CONNECTED, left, facts)
        if self.held:
            held = left + timedelta(seconds=25)
            yield Event(Source.QUEUE_LOG, self.uid, Kind.HELD, held)
            yield Event(Source.QUEUE_LOG, self.uid, Kind.RESUMED, held + timedelta(seconds=self.held))
        over = left + timedelta(seconds=self.talked)
        yield Event(Source.QUEUE_LOG, self.uid, Kind.COMPLETED, over, {"talked": self.talked, "by": "caller"})


@dataclass
class _Rows:
    """Rows of consultations until they are written, each with its moment where its own column would say «now»."""

    consultations: list[Consultation] = field(default_factory=list)
    calls: dict[str, Consultation] = field(default_factory=dict)  # by uid
    dated: list[tuple[Model, str, datetime]] = field(default_factory=list)
    uses: list[tuple[Consultation, int, str, datetime]] = field(default_factory=list)
    kept: list[Model] = field(default_factory=list)


class _Operator:
    """Lives the line through, day after day."""

    def __init__(self, historian: Historian, crowd: Collection[Typed], days: int) -> None:
        self.historian, self.people, self.now = historian, historian.people, historian.now
        self.crowd, self.days = list(crowd), days
        self.chance = Random(110)  # noqa: S311 - the same calls every time, nothing secret
        self.line = Line.objects.get(code=defaults.DEPARTMENT)
        self.ekc = Line.objects.get(code=defaults.EKC)
        self.open = hours.schedules([self.line, self.ekc])
        self.consultants = [self.people[login] for login in EXTENSIONS]
        self.script = Script.objects.live().order_by("pk").first()
        self.rows = _Rows()
        asked = feedback.in_force("consultation", on=timezone.localdate(self.now))
        assert asked is not None
        self._consultation_asked = asked.pk

    # --- calls -------------------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Take the calls of every day in their order, and let people settle what was missed."""
        today = timezone.localdate(self.now)
        for ago in range(self.days, -1, -1):
            day = today - timedelta(days=ago)
            rung = sorted(self._of_day(day), key=lambda one: one.at)
            rung = [one for one in rung if one.at + timedelta(seconds=one.waited + one.talked + 90) < self.now]
            if not rung:
                continue
            last = rung[-1]
            with clock.set_to(min(last.at + timedelta(seconds=last.waited + last.talked + 60), self.now)):
                calls.take([event for one in rung for event in one.told()])
            self._call_back()
            self._talk(rung)
            self._in_ekc(day)
        self._write()

    def _of_day(self, day: date) -> Iterator[_Rung]:
        parts = self.open[self.line.pk].intervals(day)
        count = iter(range(1, 1000))
        if parts:
            for _ in range(round(A_DAY[min(day.weekday(), 4)] * self.chance.uniform(0.8, 1.2))):
                hour = self.chance.choices(range(9, 9 + len(SHAPE)), SHAPE)[0]
                at = parts[0].starts.replace(hour=hour) + timedelta(seconds=self.chance.randint(0, 3599))
                if any(part.starts <= at < part.ends for part in parts):
                    yield from self._ring(day, at, count)
        for _ in range(self.chance.randint(0, 3)):  # before and after hours, and on days off: a robot answers
            hour = self.chance.choice([8, 18, 19, 20] if parts else [10, 12, 15])
            at = timezone.make_aware(datetime(day.year, day.month, day.day, hour, self.chance.randint(0, 59)))
            if not any(part.starts <= at < part.ends for part in parts):
                uid = f"demo-{day:%Y%m%d}-{next(count):03}"
                yield _Rung(uid, at, self.chance.choice(self.crowd), self.chance.randint(8, 25), robot=True)

    def _ring(self, day: date, at: datetime, count: Iterator[int]) -> Iterator[_Rung]:
        """Yield a call; where it is missed or dropped, perhaps the one that comes after it."""
        chance, who = self.chance, self.chance.choice(self.crowd)
        busy = at.hour in (10, 11)

        def uid() -> str:
            return f"demo-{day:%Y%m%d}-{next(count):03}"

        if chance.random() < (0.14 if busy else 0.06):
            waited = chance.randint(25, 190)
            hidden = chance.random() < 0.07
            yield _Rung(uid(), at, who, waited, hidden=hidden, position=chance.randint(1, 4))
            ended = chance.random()
            after = at + timedelta(seconds=waited + chance.randint(60, 1500))
            if hidden or ended > 0.45:
                return
            yield self._answered(uid(), after, who) if ended < 0.3 else _Rung(uid(), after, who, chance.randint(20, 90))
            return
        one = self._answered(uid(), at, who)
        yield one
        if chance.random() < 0.015:  # the connection breaks, and he calls again
            one.talked = chance.randint(20, 50)
            one.held = 0
            again = self._answered(uid(), at + timedelta(seconds=one.waited + one.talked + 90), who)
            again.agent, again.again = one.agent, True
            yield again

    def _answered(self, uid: str, at: datetime, who: Typed) -> _Rung:
        chance = self.chance
        waited = min(round(chance.expovariate(1 / 14)) + 3, 240)
        talked = min(round(chance.lognormvariate(5.2, 0.55)), 900)
        held = chance.randint(30, 170) if chance.random() < 0.22 else 0
        agent = chance.choices(list(EXTENSIONS.values()), [6, 5])[0]
        return _Rung(uid, at, who, waited, talked + held + 30 if held else talked, agent, held)

    # --- missed ------------------------------------------------------------------------------------------------------

    def _call_back(self) -> None:
        """Let people call back whom they can by now; of the last days some still wait, one longer than it may."""
        for row in missed.waiting().select_related("line").order_by("first_at"):
            late = self.chance.random() < 0.12
            minutes = self.chance.randint(70, 200) if late else self.chance.randint(4, 42)
            at = self.open[self.line.pk].after(row.last_at, minutes)
            fresh = self.now - row.last_at < _LONGEST_DUTY
            if at >= self.now or (fresh and row.pk % 2 == 0):
                continue
            by = self.people["clerk2"] if row.pk % 5 == 0 else self.chance.choice(self.consultants)
            with clock.set_to(at):
                self._settle(row, at, by)

    def _settle(self, row: MissedCall, at: datetime, by: Employee) -> None:
        if not row.number:
            missed.settle(row, MissedCall.Outcome.WITHHELD, by=by)
            return
        missed.take(row, by=by)
        ended = self.chance.random()
        if ended < 0.78:
            missed.attempt(row, ReturnCall.Result.TALKED, by=by)
            missed.settle(row, MissedCall.Outcome.CALLED_BACK, by=by)
        elif ended < 0.83:
            missed.attempt(row, ReturnCall.Result.NOT_THE_ONE, by=by)
            missed.settle(row, MissedCall.Outcome.WRONG_NUMBER, by=by)
        else:
            for number in range(missed.enough(row)):
                moment = at + timedelta(minutes=50 * number)
                if moment >= self.now:
                    return  # tried, and not yet often enough
                with clock.set_to(moment):
                    missed.attempt(row, ReturnCall.Result.NO_ANSWER, by=by)
            with clock.set_to(moment):
                missed.settle(row, MissedCall.Outcome.UNREACHABLE, by=by)

    # --- consultations -----------------------------------------------------------------------------------------------

    def _talk(self, rung: Iterable[_Rung]) -> None:
        before: Consultation | None = None
        for one in rung:
            if not one.talked:
                continue
            if one.again and before is not None:
                before.outcome = Consultation.Outcome.ANSWERED
                before.closed_at = one.at + timedelta(seconds=one.waited + one.talked + 20)
                self.rows.calls[one.uid] = before
                continue
            before = self._consultation(one)
            self.rows.calls[one.uid] = before

    def _consultation(self, one: _Rung) -> Consultation:
        chance = self.chance
        by = self.consultants[list(EXTENSIONS.values()).index(one.agent)]
        began = one.at + timedelta(seconds=one.waited)
        over = began + timedelta(seconds=one.talked)
        matter = chance.choice(citizens.MATTERS)
        topic, need = self.historian.question_of(matter)
        abusive = chance.random() < 0.012
        outcome = "ended_by_script" if abusive else chance.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
        row = Consultation(
            line=self.line,
            by=by,
            opened_at=began,
            closed_at=over + timedelta(seconds=chance.randint(8, 60)),
            number=one.who.phone,
            number_key=phone_key(one.who.phone),
            caller=f"{one.who.first_name} {one.who.patronymic}",
            outcome=outcome,
        )
        if outcome not in ("wrong_number", "dropped"):
            row.question, row.answer = _first_of(matter.text), _first_of(matter.answer)
            row.topic, row.need = topic, need
        self.rows.consultations.append(row)
        self._ask(row, over, abusive=abusive)
        self._read(row, began, over, abusive=abusive)
        if one.held:
            self._hold(row, began + timedelta(seconds=25), one.held)
        if outcome == "answered" and chance.random() < 0.75 and (page := self.historian._material(matter)):
            self.rows.uses.append((row, page, "opened", began + timedelta(seconds=30)))
            self.rows.uses.append((row, page, "read", began + timedelta(seconds=40)))
        if outcome in ("transferred", "to_ekc"):
            self._hand_over(row, over)
        elif outcome == "promised":
            self._promise(row, over)
        return row

    def _ask(self, row: Consultation, at: datetime, *, abusive: bool = False) -> None:
        """Ask the two questions, or say why not: «удовлетворен» more often than not, refusals apart."""
        chance = self.chance
        reason = "abusive" if abusive else _SILENT.get(row.outcome, "hung_up" if chance.random() < 0.09 else "")
        if reason:
            row.asked, row.not_offered = Consultation.Asked.NOT_OFFERED, reason
            row.not_offered_words = "ошибся номером" if reason == "other" else ""
            return
        row.told_of_qr = chance.random() < 0.85
        if chance.random() < 0.16:
            row.asked = Consultation.Asked.REFUSED
            return
        row.asked = Consultation.Asked.ANSWERED
        row.invitation = self._said(at, row.line)

    def _said(self, at: datetime, line: Line) -> Invitation:
        quality = self.chance.choices(["satisfied", "partial", "unsatisfied"], [78, 15, 7])[0]
        got = "no" if quality == "unsatisfied" or (quality == "partial" and self.chance.random() < 0.3) else "yes"
        return self._opinion(at, {"answered": got, "quality": quality}, "hotline" if line.ours else "ekc", "phone")

    def _opinion(
        self,
        at: datetime,
        answers: Mapping[str, Any],
        channel: str,
        source: str,
        *,
        questionnaire_id: int | None = None,
        point: SurveyPoint | None = None,
    ) -> Invitation:
        day = timezone.localdate(at)
        asked = questionnaire_id or self._consultation_asked
        invitation = Invitation(questionnaire_id=asked, channel=channel, expires_on=day + timedelta(days=60))
        response = Response(invitation=invitation, answers=dict(answers), source=source, point=point)
        self.rows.dated += [(invitation, "created_at", at), (response, "at", at)]
        return invitation

    def _read(self, row: Consultation, began: datetime, over: datetime, *, abusive: bool) -> None:
        if self.script is None:
            return
        names: dict[str, list[str]] = {}
        for step in self.script.steps:
            names.setdefault(step.value["stage"], []).append(step.value["name"])
        read = ["greeting"] if self.chance.random() < 0.94 else []
        if abusive:
            read += ["conflict", "ending"]
        elif row.asked != Consultation.Asked.NOT_OFFERED and self.chance.random() < 0.88:
            read += ["question", "farewell"]
        for place, stage in enumerate(read, start=1):
            use = ScriptUse(
                consultation=row,
                material=self.script.pk,
                revision=materials.version_of(self.script),
                stage=stage,
                step=names[stage][-1] if stage == "farewell" else names[stage][0],
            )
            self.rows.dated.append((use, "at", began + (over - began) * place / (len(read) + 1)))

    def _hold(self, row: Consultation, at: datetime, seconds: int) -> None:
        announced = next(one for one in (60, 120, 180) if one >= seconds - 15)
        self.rows.kept.append(
            Hold(consultation=row, began_at=at, announced=announced, ended_at=at + timedelta(seconds=seconds))
        )

    def _hand_over(self, row: Consultation, at: datetime) -> None:
        result = self.chance.choices(["taken", "not_taken", "told_number"], [78, 12, 10])[0]
        where = "ekc" if row.outcome == "to_ekc" else self.chance.choices(["employee", "outside"], [80, 20])[0]
        to = self.people[self.chance.choice(("executor1", "executor2", "executor3"))] if where == "employee" else None
        words = "Управление Росреестра" if where == "outside" else ""
        why = "Справка не о нашем деле" if where == "ekc" else self.chance.choice(_WHY)
        transfer = Transfer(consultation=row, where=where, to=to, to_words=words, why=why, result=result)
        self.rows.dated.append((transfer, "at", at - timedelta(seconds=20)))

    def _promise(self, row: Consultation, at: datetime) -> None:
        due = self.open[self.line.pk].after(at, self.chance.choice([60, 120, 240]))
        kept = at + (due - at) * self.chance.uniform(0.3, 1.2)
        assert row.by is not None
        promise = Promise(consultation=row, by=row.by, number=row.number, due_at=due, about=self.chance.choice(_ABOUT))
        self.rows.kept.append(promise)
        if kept < self.now - timedelta(hours=3):
            promise.outcome, promise.settled_at = Promise.Outcome.KEPT, kept
            self.rows.kept.append(ReturnCall(promise=promise, at=kept, by=row.by, result=ReturnCall.Result.TALKED))

    def _in_ekc(self, day: date) -> None:
        """Let the ЕКЦ have given a few consultations, as its operators tell of them."""
        parts = self.open[self.ekc.pk].intervals(day)
        for number in range(self.chance.randint(4, 8) if parts else 0):
            at = parts[0].starts + (parts[0].ends - parts[0].starts) * self.chance.uniform(0.02, 0.95)
            over = at + timedelta(seconds=self.chance.randint(60, 420))
            if over >= self.now:
                continue
            matter = self.chance.choice(citizens.MATTERS)
            topic, need = self.historian.question_of(matter)
            row = Consultation(
                line=self.ekc, by=self.people["ekc"] if number == 0 else None,
                operator=self.people["ekc"].short_name if number == 0 else f"Оператор {self.chance.randint(2, 6)}",
                external_id=f"110-{day:%Y%m%d}-{number + 1:03}", opened_at=at, closed_at=over, topic=topic, need=need,
                question=_first_of(matter.text), answer=_first_of(matter.answer),
                outcome="transferred" if self.chance.random() < 0.1 else "answered",
            )  # fmt: skip
            self._ask(row, over)
            self.rows.consultations.append(row)

    def _at_points(self) -> None:
        """Let people have answered by QR code, where people are asked: more open the page than answer."""
        today = timezone.localdate(self.now)
        for point in SurveyPoint.objects.order_by("pk"):
            asked = feedback.in_force(point.questionnaire, on=today)
            if asked is None:
                continue
            for ago in range(self.days, 0, -1):
                day = self.open[self.line.pk].intervals(today - timedelta(days=ago))
                for _ in range(self.chance.choice([0, 0, 1, 1, 2]) if day else 0):
                    at = day[0].starts + timedelta(minutes=self.chance.randint(5, 600))
                    said = {one["code"]: self._answer(one) for one in asked.questions}
                    said = {code: words for code, words in said.items() if words}
                    self._opinion(at, said, point.channel, "qr", questionnaire_id=asked.pk, point=point)
                    point.opened += self.chance.choice([1, 1, 2, 3])
            point.save(update_fields=["opened"])

    def _answer(self, question: Mapping[str, Any]) -> Any:
        kind, code = question["kind"], question["code"]
        if kind == "scale":
            return self.chance.choices(["5", "4", "3", "2"], [60, 25, 10, 5])[0]
        if kind == "text":
            return self.chance.choice(citizens.COMMENTS)
        if kind == "yes_no":
            return "no" if code == "again" and self.chance.random() < 0.8 else "yes"
        known = [one for one, _ in question["answers"]]
        said = self.chance.choices(known, [6, 2, *([1] * (len(known) - 2))])[0]
        return [said] if kind == "several" else said

    # --- writing -----------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write the rows, and give each the moment that is its own."""
        rows = self.rows
        self._written_down()
        self._at_points()
        self._dated(Invitation)
        self._dated(Response)
        for one in rows.consultations:
            one.invitation = one.invitation  # its key is known now
        Consultation.objects.bulk_create(rows.consultations)
        known = {call.uid: call for call in Call.objects.filter(uid__in=rows.calls)}
        for uid, consultation in rows.calls.items():
            known[uid].consultation = consultation
        Call.objects.bulk_update(known.values(), ["consultation"], batch_size=500)
        self._dated(ScriptUse)
        self._dated(Transfer)
        for kept in (Hold, Promise, ReturnCall):
            mine: list[Any] = [one for one in rows.kept if isinstance(one, kept)]
            kept._default_manager.bulk_create(mine)
        uses = [
            (MaterialUse(page_id=page, action=action, reference=f"consultation:{row.pk}", by=row.by), at)
            for row, page, action, at in rows.uses
        ]
        rows.dated += [(use, "at", at) for use, at in uses]
        self._dated(MaterialUse)
        consultations.put_all(lost_only=False)

    def _dated(self, model: type[Model]) -> None:
        """Write rows whose column says «now» by itself, then say when it was."""
        mine = [one for one in self.rows.dated if isinstance(one[0], model)]
        for row, _, _ in mine:
            for field_ in row._meta.fields:  # what it refers to was written meanwhile
                if field_.is_relation and (other := row.__dict__["_state"].fields_cache.get(field_.name)) is not None:
                    setattr(row, field_.name, other)
        model._default_manager.bulk_create([row for row, _, _ in mine])
        for row, name, at in mine:
            setattr(row, name, at)
        if mine:
            model._default_manager.bulk_update([row for row, _, _ in mine], [mine[0][1]], batch_size=500)

    def _written_down(self) -> None:
        """Let the messages taken down on the line be of the consultations nearest to them."""
        free = [row for row in self.rows.consultations if row.line == self.line and row.outcome == "answered"]
        taken = IncomingMessage.objects.filter(channel="hotline").order_by("received_at")
        for message in taken:
            near = min(free, key=lambda row: abs(row.opened_at - message.received_at), default=None)
            if near is not None and abs(near.opened_at - message.received_at) < timedelta(hours=4):
                free.remove(near)
                near.outcome, near.message = Consultation.Outcome.WRITTEN, message


def prepare(people: Mapping[str, Employee]) -> None:
    """Give the line the unit that keeps its log, the names by which the exchange knows it, and the inner numbers."""
    defaults.load()
    Line.objects.filter(code=defaults.DEPARTMENT).update(
        known_as=f"{QUEUE}, 2386002, 2386062", unit=people["clerk"].unit
    )
    Extension.objects.bulk_create(
        Extension(employee=people[login], name=name, valid_from=staff.SINCE) for login, name in EXTENSIONS.items()
    )


def load(historian: Historian, crowd: Collection[Typed], *, whole: bool) -> None:
    """Let the line have been answered for ninety days, or for a few where the history is small."""
    prepare(historian.people)
    _Operator(historian, crowd, DAYS if whole else SHORT).live()


def _first_of(text: str) -> str:
    """Return the first sentences of a text, as one notes them while talking."""
    whole = " ".join(text.split())
    end = whole.find(". ", 60)
    return whole if end < 0 else whole[: end + 1]
