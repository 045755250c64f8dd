"""Ninety days of a department's work, made by the ordinary steps, each at its own past moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from hashlib import sha256
from random import Random
from typing import Final

from django.utils import timezone

from otklik.appeals import (
    approval,
    assignment,
    classification,
    dispatch,
    drafting,
    notes,
    outcomes,
    registration,
    signature,
)
from otklik.appeals.models import Appeal, Need, Topic
from otklik.channels.registry import all_readers
from otklik.channels.site import intake
from otklik.channels.site.submission import Submission
from otklik.core import calendar
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived, Reader
from otklik.correspondence.models import ContactPoint, IncomingMessage
from otklik.demo import arrivals, citizens, clock
from otklik.demo.arrivals import Said
from otklik.demo.citizens import Matter
from otklik.knowledge import materials
from otklik.people.applicants import Typed
from otklik.people.models import Employee, Unit
from otklik.surveys import feedback

S = Appeal.Status
DAYS: Final = 90
CHECKED: Final = "Сверено с действующей редакцией, порядок не изменился."
APPEALS: Final = 300
UNREGISTERED: Final = 9
CHANNELS: Final[Mapping[str, Reader]] = all_readers()
# МЭДО has been silent for longer than it is: what it would have brought lately came on paper.
SILENT: Final = timedelta(days=8)

# How the questions of ten cases in a row end.
OUTCOMES: Final = (*["explained"] * 6, outcomes.ANSWERED, "supported-done", "supported", "refused")

# How often people write by which channel.
BY_CHANNEL: Final = {
    "email": 36,
    "website": 22,
    "post": 18,
    "reception": 5,
    "hotline": 4,
    "governor_reception": 4,
    "medo": 3,
    "pos": 3,
    "ekc": 2,
    "vk": 1,
    "ok": 1,
    "telegram": 1,
}
_STEPS: Final = (
    S.REGISTERED,
    S.CLASSIFIED,
    S.ASSIGNED,
    S.DRAFTING,
    S.APPROVAL,
    S.SIGNING,
    S.SIGNED,
    S.SENT,
    S.CLOSED,
)
# Days between one step and the next in an unhurried case.
_PACE: Final = (1, 1, 1, 4, 3, 2, 1, 1, 2)


@dataclass(frozen=True)
class Plan:
    """One case: when it came, by which channel, about what, from whom, how far it has got; `message`: it is here."""

    arrived: datetime
    channel: str
    matter: Matter
    who: Typed
    target: str
    number: int
    message: IncomingMessage | None = None


class Historian:
    """Lives one case after another through, as the department would have."""

    def __init__(self, units: Mapping[str, Unit], people: Mapping[str, Employee], *, now: datetime) -> None:
        self.units, self.people, self.now = units, people, now
        self.chance = Random(2725)  # noqa: S311 - the same history every time, nothing secret
        self.points = {point.channel: point for point in ContactPoint.objects.order_by("-order")}
        self._questions: dict[str, tuple[Topic, Need]] = {}
        self._materials: dict[str, int | None] = {}

    def plans(self, count: int) -> list[Plan]:
        """Return so many cases over the last days, oldest first; the older, the further."""
        chance, crowd = self.chance, citizens.people(self.chance, max(count * 2 // 3, 1))
        moments = sorted(self._moment() for _ in range(count))
        return [
            Plan(
                arrived=arrived,
                channel=self._channel(arrived),
                matter=chance.choice(citizens.MATTERS),
                who=chance.choice(crowd),
                target=self._target((self.now - arrived).days),
                number=number,
            )
            for number, arrived in enumerate(moments)
        ]

    def _channel(self, arrived: datetime) -> str:
        chosen = self.chance.choices(list(BY_CHANNEL), list(BY_CHANNEL.values()))[0]
        return "post" if chosen == "medo" and arrived > self.now - SILENT else chosen

    def _moment(self) -> datetime:
        """Return a moment of the last days, mostly of a working day."""
        while True:
            day = timezone.localdate(self.now) - timedelta(days=self.chance.randint(1, DAYS))
            if calendar.current().is_working(day) or self.chance.random() < 0.15:
                break
        at = time(self.chance.randint(8, 18), self.chance.randint(0, 59))
        return timezone.make_aware(datetime.combine(day, at))

    def _target(self, age: int) -> str:
        """Return the state the case is in today: old ones are mostly closed, a few hang and are overdue."""
        if age > 28:
            weights = [0, 0, 1, 2, 1, 1, 1, 14, 80]
        elif age > 10:
            weights = [0, 1, 8, 22, 9, 7, 3, 25, 25]
        elif age > 3:
            weights = [3, 10, 25, 32, 12, 6, 3, 7, 2]
        else:
            weights = [35, 30, 25, 10, 0, 0, 0, 0, 0]
        return self.chance.choices(_STEPS, weights)[0]

    def live(self, plan: Plan) -> Appeal:
        """Take one case from its arrival to the state it has reached."""
        moments = self._schedule(plan)
        with clock.set_to(plan.arrived):
            message = self.arrive(plan)
        appeal: Appeal | None = None
        steps: dict[str, Callable[[Plan, Appeal], None]] = {
            S.CLASSIFIED: self._classify,
            S.ASSIGNED: self._assign,
            S.DRAFTING: self._draft,
            S.APPROVAL: self._ask,
            S.SIGNING: self._freeze,
            S.SIGNED: self._sign,
            S.SENT: self._send,
            S.CLOSED: self._close,
        }
        for step, moment in moments:
            with clock.set_to(moment):
                if appeal is None:
                    appeal = self._register(plan, message)
                else:
                    steps[step](plan, appeal)
                    # Approval and signature move the appeal through a row of their own.
                    appeal.refresh_from_db(fields=["status", "version"])
        assert appeal is not None
        return appeal

    def _schedule(self, plan: Plan) -> list[tuple[str, datetime]]:
        """Return when each step was done: in working hours, in order, none later than now."""
        moments, at = [], plan.arrived
        for step, pace in zip(_STEPS[: _STEPS.index(plan.target) + 1], _PACE, strict=False):
            at += timedelta(days=self.chance.uniform(0.1, 1.4) * pace, minutes=7)
            at = self._in_working_hours(at)
            moments.append((str(step), at))
        if moments[-1][1] >= self.now:
            # A hurried case: the same steps, closer together.
            whole, room = moments[-1][1] - plan.arrived, self.now - timedelta(minutes=20) - plan.arrived
            moments = [(step, plan.arrived + (at - plan.arrived) * (room / whole)) for step, at in moments]
        return moments

    def _in_working_hours(self, at: datetime) -> datetime:
        local, days = timezone.localtime(at), calendar.current()
        day = local.date()
        while not days.is_working(day):
            day += timedelta(days=1)
        hour = min(max(local.hour, 9), 17) if day == local.date() else 9
        return max(at, timezone.make_aware(datetime.combine(day, time(hour, local.minute))))

    # --- how it came -------------------------------------------------------------------------------------------

    def arrive(self, plan: Plan) -> IncomingMessage:
        """Bring the message in by its channel; return it read and waiting."""
        if plan.message is not None:
            return plan.message
        if (of_channel := arrivals.ARRIVALS.get(plan.channel)) is not None:
            said = Said(plan.number, plan.arrived, plan.who, plan.matter.subject, self.words(plan))
            return self._read(inbox.accept(of_channel(said)).message)
        if plan.channel == "email":
            return self._by_mail(plan)
        if plan.channel == "website":
            return self._by_site(plan)
        who = plan.who
        return inbox.write_down(
            channel=plan.channel,
            contact_point=self.points[plan.channel],
            sender_name=_name(who),
            sender_address=who.address if plan.channel == "post" else who.phone,
            subject=plan.matter.subject,
            text=self.words(plan),
            received_at=plan.arrived,
            by=self.people["clerk"],
            imported=True,
        )

    def _by_mail(self, plan: Plan) -> IncomingMessage:
        letter = letter_of(plan, self.words(plan))
        return self.take_letter(letter, at=plan.arrived)

    def take_letter(self, letter: EmailMessage, *, at: datetime) -> IncomingMessage:
        """Bring in a letter as a mailbox would."""
        raw = letter.as_bytes()
        accepted = inbox.accept(
            Arrived(
                channel="email",
                external_id=str(letter["Message-ID"]),
                digest=sha256(raw).hexdigest(),
                raw=raw,
                received_at=at,
                contact_point="email-info",
                imported=True,
            )
        )
        return self._read(accepted.message)

    def _by_site(self, plan: Plan) -> IncomingMessage:
        who = plan.who
        way = self.chance.choices(["email", "website", "post"], [60, 30, 10])[0]
        sent = Submission(
            form_id=f"demo-{plan.number}",
            kind=who.kind,
            last_name=who.last_name,
            first_name=who.first_name,
            patronymic=who.patronymic,
            organisation=who.organisation,
            answer_by=way,
            email=who.email if way == "email" else "",
            phone="",
            address=who.address if way == "post" else "",
            text=self.words(plan),
        )
        intake.take_in(sent, received_at=plan.arrived)
        message = IncomingMessage.objects.get(channel="website", external_id=sent.form_id)
        return self._read(message)

    def _read(self, message: IncomingMessage) -> IncomingMessage:
        inbox.parse(message, CHANNELS)
        message.refresh_from_db()
        return message

    def words(self, plan: Plan) -> str:
        """Return what a person writes about his matter."""
        opening = citizens.OPENINGS[plan.number % len(citizens.OPENINGS)]
        detail = citizens.DETAILS[plan.number % len(citizens.DETAILS)]
        return f"{opening}{plan.matter.text}{detail}\n\n{_name(plan.who)}"

    # --- what was done -----------------------------------------------------------------------------------------

    def _register(self, plan: Plan, message: IncomingMessage) -> Appeal:
        proposed = registration.entry_for(message)
        entry = replace(
            proposed,
            subject=plan.matter.subject,
            needs_answer=True,
            applicant=plan.who,
            contact_point=proposed.contact_point or self.points[plan.channel],
        )
        # What the law says of the way stays: into ПОС by hand, on paper to who wrote on paper (59-ФЗ, ст. 10 ч. 4).
        if plan.channel not in {"email", "website", "pos"} and plan.message is None:
            way = "post" if plan.number % 3 or plan.channel == "post" else "email"
            entry = replace(
                entry, answer_channel=way, answer_address=plan.who.address if way == "post" else plan.who.email
            )
        return registration.register(message, entry, by=self._clerk(plan), on=timezone.localdate(), imported=True)

    def _classify(self, plan: Plan, appeal: Appeal) -> None:
        classification.classify(
            appeal, [self.question_of(plan.matter)], by=self._clerk(plan), on=timezone.localdate(), imported=True
        )

    def _assign(self, plan: Plan, appeal: Appeal) -> None:
        unit = self.units[plan.matter.unit]
        today = timezone.localdate()
        helpers = [self.people["executor7"]] if plan.number % 11 == 0 and plan.matter.unit != "law" else []
        assignment.assign(
            appeal,
            unit=unit,
            executor=self._executor(plan),
            co_executors=helpers,
            internal_due_on=assignment.propose_internal_date(appeal, on=today),
            by=self._clerk(plan),
            on=today,
            imported=True,
        )
        if plan.number % 9 == 0:
            notes.add(
                appeal, "Похожее обращение было в прошлом квартале, ответ можно взять за основу.", by=self._clerk(plan)
            )

    def _draft(self, plan: Plan, appeal: Appeal) -> None:
        executor, text = self._executor(plan), plan.matter.answer
        if (page := self._material(plan.matter)) is not None and plan.number % 5:
            drafting.insert_material(appeal, page, reason=CHECKED, by=executor)
        drafting.save(
            appeal,
            text=text,
            base_version=drafting.draft_of(appeal).version,
            by=executor,
            at=timezone.now(),
            imported=True,
        )

    def _ask(self, plan: Plan, appeal: Appeal) -> None:
        asked = approval.ask(
            appeal,
            approvers=[self._head(plan)],
            by=self._executor(plan),
            at=timezone.now(),
            imported=True,
        )
        if plan.target != S.APPROVAL:
            approval.approve(asked[0], by=self._head(plan), at=timezone.now(), imported=True)
        elif plan.number % 4 == 0:
            approval.give_back(
                asked[0],
                remark="Добавьте, куда подать заявление.",
                by=self._head(plan),
                at=timezone.now(),
                imported=True,
            )

    def _freeze(self, plan: Plan, appeal: Appeal) -> None:
        signature.freeze(appeal, signer=self._signer(plan, appeal), by=self._executor(plan), imported=True)

    def _sign(self, plan: Plan, appeal: Appeal) -> None:
        answer = signature.frozen_of(appeal)
        assert answer is not None
        if not appeal.regime.statutory:
            signature.approve_by_head(answer, by=answer.signer, at=timezone.now(), imported=True)
            return
        signature.sign_sed(
            answer,
            number=f"{plan.number + 1}-04/38",
            signed_on=timezone.localdate(),
            by=self._clerk(plan),
            at=timezone.now(),
            imported=True,
        )

    def _send(self, plan: Plan, appeal: Appeal) -> None:
        appeal.invitation = feedback.invite(channel=appeal.channel, on=timezone.localdate())
        dispatch.send(appeal, by=self._clerk(plan), on=timezone.localdate(), at=timezone.now(), imported=True)
        outcomes.settle(appeal, code=OUTCOMES[plan.number % len(OUTCOMES)], by=self._clerk(plan))

    def _close(self, plan: Plan, appeal: Appeal) -> None:
        dispatch.close(appeal, reason="", by=self._clerk(plan), on=timezone.localdate(), imported=True)

    # --- afterwards --------------------------------------------------------------------------------------------

    def say(self, appeal: Appeal) -> None:
        """Let a third of those who were answered say what they think of it."""
        if appeal.invitation is None or appeal.answered_on is None or self.chance.random() > 0.34:
            return
        quality = self.chance.choices(["satisfied", "partial", "unsatisfied"], [66, 22, 12])[0]
        answered = "no" if quality == "unsatisfied" and self.chance.random() < 0.6 else "yes"
        days = max((timezone.localdate(self.now) - appeal.answered_on).days - 1, 0)
        said_on = appeal.answered_on + timedelta(days=self.chance.randint(0, min(days, 10)))
        moment = min(timezone.make_aware(datetime.combine(said_on, time(19, 30))), self.now)
        token = appeal.invitation.token
        with clock.set_to(moment):
            feedback.answer(
                token,
                {"answered": answered, "quality": quality, "clear": "yes" if quality == "satisfied" else "partly"},
                self.chance.choice(citizens.COMMENTS),
            )
            if self.chance.random() < 0.2:
                feedback.allow_contact(token)

    def question_of(self, matter: Matter) -> tuple[Topic, Need]:
        """Return topic and need of a matter, as they are proposed."""
        if matter.subject not in self._questions:
            guess = classification.propose(f"{matter.subject} {matter.text}")
            topic = guess.topics[0].item if guess.topics else classification.valid_topics()[0]
            need = guess.needs[0].item if guess.needs else classification.valid_needs()[0]
            self._questions[matter.subject] = (topic, need)
        return self._questions[matter.subject]

    def _material(self, matter: Matter) -> int | None:
        """Return the material that answers best and whose text may go into an answer."""
        if matter.subject not in self._materials:
            letter = f"{matter.subject} {matter.text}"
            answers = materials.search(letter, user=self.people["executor1"]).found
            self._materials[matter.subject] = next((one.page_id for one in answers if one.insertable), None)
        return self._materials[matter.subject]

    def _clerk(self, plan: Plan) -> Employee:
        return self.people["clerk2" if plan.number % 3 == 0 else "clerk"]

    def _executor(self, plan: Plan) -> Employee:
        of_unit = {one.unit_id: one for login, one in self.people.items() if login.startswith("executor")}
        return of_unit[self.units[plan.matter.unit].pk]

    def _head(self, plan: Plan) -> Employee:
        heads = {"land": "head1", "rent": "head2", "auctions": "head2"}
        return self.people[heads.get(plan.matter.unit, "head3")]

    def _signer(self, plan: Plan, appeal: Appeal) -> Employee:
        return self.people["signer"] if appeal.regime.statutory else self._head(plan)


def letter_of(plan: Plan, words: str) -> EmailMessage:
    """Return the letter a citizen wrote."""
    letter = EmailMessage()
    letter["From"] = f"{_name(plan.who)} <{plan.who.email}>"
    letter["To"] = "info@department.example"
    letter["Subject"] = plan.matter.subject
    letter["Message-ID"] = f"<demo-{plan.number}@mail.example>"
    letter["Date"] = timezone.localtime(plan.arrived)
    letter.set_content(words)
    return letter


def reply_to(message_id: str, *, sender: str, text: str, subject: str, number: int, at: datetime) -> EmailMessage:
    """Return a letter that answers one of ours."""
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = "info@department.example"
    letter["Subject"] = subject
    letter["Message-ID"] = f"<demo-reply-{number}@mail.example>"
    letter["In-Reply-To"] = message_id
    letter["References"] = message_id
    letter["Date"] = timezone.localtime(at)
    letter.set_content(text)
    return letter


def _name(who: Typed) -> str:
    person = " ".join(part for part in (who.last_name, who.first_name, who.patronymic) if part)
    return f"{who.organisation}, {person}" if who.organisation else person
