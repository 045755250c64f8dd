"""Many synthetic appeals for measurements, straight into the tables of a scratch database.

Only for figures: rows are made in bulk, so they have no journal, no drafts and no place in the search index.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone

from otklik.appeals.models import Appeal, AppealMessage, AppealQuestion, AppealTerm, Need, NumberCounter, Topic
from otklik.core import calendar, installation, terms
from otklik.core.errors import DomainError
from otklik.core.models import Installation, Regime, TermRule
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage, Thread
from otklik.demo import citizens, load, staff
from otklik.demo.stories import PLACES, STORIES
from otklik.people.models import Applicant, Contact, Employee, Unit

BATCH = 2000
MESSAGES = 3  # of each appeal
DAYS = 700
S = Appeal.Status
STATES = [S.CLOSED] * 88 + [S.SENT] * 4 + [S.DRAFTING] * 3 + [S.ASSIGNED] * 2 + [S.CLASSIFIED, S.REGISTERED, S.SIGNING]
ANSWERED = {S.CLOSED, S.SENT}


class NotScratch(DomainError):
    """Synthetic rows would mix with real ones."""

    code = "seed.not_scratch"
    text = "В этой базе уже есть обращения или она рабочая. Для измерений возьмите новую базу."


def seed(count: int) -> None:
    """Fill a new database with `count` appeals of three messages each; the same count gives the same rows."""
    if installation.kind() == Installation.Kind.PRODUCTION or Appeal.objects.exists():
        raise NotScratch
    load.load_defaults()
    if not Employee.objects.exists():
        staff.load()
    installation.mark(Installation.Kind.DEMO)
    sower = _Sower()
    numbers = iter(range(1, count + 1))
    while batch := list(islice(numbers, BATCH)):
        with transaction.atomic():
            sower.sow(batch)
    NumberCounter.objects.update_or_create(year=timezone.localdate().year, defaults={"last": count})


class _Sower:
    """Holds what every row refers to."""

    def __init__(self) -> None:
        self.chance = random.Random(2725)  # noqa: S311 - figures, not secrets
        self.today = timezone.localdate()
        self.calendar = calendar.current()
        self.regime = Regime.objects.get(pk="outside_59fz")
        self.rule = terms.rule_for("outside_59fz", TermRule.Step.ANSWER, channel="email", on=self.today)
        self.point = ContactPoint.objects.get(code="email-info")
        self.units = list(Unit.objects.exclude(parent=None)) or list(Unit.objects.all())
        self.executors = list(Employee.objects.filter(assignments__role="executor", unit__isnull=False))
        self.clerk = Employee.objects.get(username="clerk")
        self.topics, self.needs = list(Topic.objects.filter(leaf=True)), list(Need.objects.all())
        self.people = citizens.people(self.chance, 500)

    def sow(self, numbers: list[int]) -> None:
        applicants = Applicant.objects.bulk_create([self._applicant(number) for number in numbers])
        Contact.objects.bulk_create(
            Contact(applicant=one, kind="email", value=_email(number), key=_email(number))
            for number, one in zip(numbers, applicants, strict=True)
        )
        threads = Thread.objects.bulk_create([Thread(token=f"s{number:09d}") for number in numbers])
        pairs = zip(numbers, applicants, threads, strict=True)
        appeals = Appeal.objects.bulk_create([self._appeal(*one) for one in pairs])
        letters = IncomingMessage.objects.bulk_create(
            letter for number, appeal in zip(numbers, appeals, strict=True) for letter in self._letters(number, appeal)
        )
        AppealMessage.objects.bulk_create(
            AppealMessage(appeal=appeals[place // MESSAGES], message=letter, first=place % MESSAGES == 0)
            for place, letter in enumerate(letters)
        )
        AppealQuestion.objects.bulk_create(
            AppealQuestion(
                appeal=one,
                topic=self.chance.choice(self.topics),
                need=self.chance.choice(self.needs),
                confirmed_by=self.clerk,
                confirmed_at=timezone.now(),
            )
            for one in appeals
            if one.status != S.REGISTERED
        )
        AppealTerm.objects.bulk_create(
            AppealTerm(appeal=one, step="answer", rule=self.rule, start_on=one.registered_on, due_on=due, why=[])
            for one in appeals
            if (due := one.due_on)
        )

    def _applicant(self, number: int) -> Applicant:
        typed = self.people[number % len(self.people)]
        return Applicant(
            kind=typed.kind,
            last_name=typed.last_name,
            first_name=typed.first_name,
            patronymic=typed.patronymic,
            organisation=typed.organisation,
            address=typed.address,
            name_key=typed.name_key,
        )

    def _appeal(self, number: int, applicant: Applicant, thread: Thread) -> Appeal:
        status = self.chance.choice(STATES)
        age = self.chance.randrange(0, 25) if status not in ANSWERED else self.chance.randrange(20, DAYS)
        day = self.today - timedelta(days=age)
        due = terms.term_of(self.rule).due(day, self.calendar).on
        executor = None if status in {S.REGISTERED, S.CLASSIFIED} else self.chance.choice(self.executors)
        return Appeal(
            number=f"О-{day.year}-{number:06d}",
            secret=f"{number:010d}",
            status=status,
            origin=Appeal.Origin.IMPORTED,
            regime=self.regime,
            channel=ChannelCode.EMAIL,
            contact_point=self.point,
            needs_answer=True,
            received_on=day,
            registered_on=day,
            registered_by=self.clerk,
            subject=STORIES[number % len(STORIES)].subject,
            applicant=applicant,
            thread=thread,
            answer_channel=ChannelCode.EMAIL,
            answer_address=_email(number),
            unit=executor.unit if executor else None,
            executor=executor,
            due_on=due,
            answered_on=min(due, self.today) if status in ANSWERED else None,
            closed_on=min(due, self.today) if status == S.CLOSED else None,
        )

    def _letters(self, number: int, appeal: Appeal) -> Iterator[IncomingMessage]:
        for place in range(MESSAGES):
            story = STORIES[(number + place) % len(STORIES)]
            text = story.text.format(place=self.chance.choice(PLACES), house=f"д. {number % 90 + 1}")
            yield IncomingMessage(
                channel=ChannelCode.EMAIL,
                external_id=f"<seed-{number}-{place}@mail.example>",
                digest=f"{number:060d}{place:04d}",
                contact_point=self.point,
                received_at=_morning(appeal.received_on),
                origin_imported=True,
                state=IncomingMessage.State.JOINED if place else IncomingMessage.State.REGISTERED,
                sender_address=_email(number),
                subject=story.subject,
                text=" ".join([text] * self.chance.randrange(1, 5))[:1500],
                message_id=f"<seed-{number}-{place}@mail.example>",
                thread_id=appeal.thread_id,
            )


def _email(number: int) -> str:
    return f"seed{number}@mail.example"


def _morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(9)))
