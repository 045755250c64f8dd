"""Many synthetic appeals for measurements, straight into the tables of a scratch database.

Only for figures: rows are made in bulk, so they have no journal, no drafts and no place in the search index.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sized
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import TypeVar

from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals import registration
from otklik.appeals.models import (
    FINISHED,
    Appeal,
    AppealMessage,
    AppealQuestion,
    AppealTerm,
    Need,
    NumberCounter,
    Topic,
)
from otklik.core import calendar, installation, terms
from otklik.core.errors import DomainError
from otklik.core.models import Installation, TermRule
from otklik.correspondence.models import ChannelCode, ContactPoint, IncomingMessage, Thread
from otklik.demo import citizens, load, staff
from otklik.demo.history import BY_CHANNEL
from otklik.demo.stories import PLACES, STORIES
from otklik.people.models import Applicant, Contact, Employee, Unit

Row = TypeVar("Row", bound=models.Model)

BATCH = 2000
MESSAGES = 3  # of each appeal, unless told otherwise
LENGTHS = (300, 1500)  # characters of a message
TEXTS = 400  # different messages: writing each of its own would take longer than storing it
DAYS = 365
S = Appeal.Status
# How many of a thousand appeals of a year are in which state.
STATES = {
    S.CLOSED: 870,
    S.SENT: 40,
    S.DRAFTING: 30,
    S.ASSIGNED: 20,
    S.APPROVAL: 10,
    S.CLASSIFIED: 10,
    S.REGISTERED: 10,
    S.SIGNING: 6,
    S.SIGNED: 4,
}
BY_MAIL = {ChannelCode.EMAIL, ChannelCode.WEBSITE}


class NotScratch(DomainError):
    """Synthetic rows would mix with real ones."""

    code = "seed.not_scratch"
    text = "В этой базе уже есть обращения или она рабочая. Для измерений возьмите новую базу."


def check_scratch() -> None:
    """Raise NotScratch unless the database is empty, or ours without appeals and not a working system."""
    tables = set(connection.introspection.table_names())
    if not tables:
        return
    if not {Appeal._meta.db_table, Installation._meta.db_table} <= tables:
        raise NotScratch
    check_not_working()
    if Appeal.objects.exists():
        raise NotScratch


def check_not_working() -> None:
    """Raise NotScratch in a working system, whatever is in it."""
    if installation.kind() == Installation.Kind.PRODUCTION:
        raise NotScratch


def seed(count: int, *, messages: int = MESSAGES, years: int = 1) -> int:
    """Fill a new database with `count` appeals of so many messages each and return how many rows that took.

    The same count gives the same rows on the same day. Of many years only the last one has appeals that are not closed.
    """
    check_scratch()
    load.load_defaults()
    if not Employee.objects.exists():
        staff.load()
    installation.mark(Installation.Kind.DEMO)
    sower, rows = _Sower(messages, years), 0
    numbers = iter(range(1, count + 1))
    while batch := list(islice(numbers, BATCH)):
        with transaction.atomic():
            rows += sower.sow(batch)
    NumberCounter.objects.update_or_create(year=timezone.localdate().year, defaults={"last": count})
    return rows


def text_of(chance: random.Random) -> str:
    """Return a message of some length: several things one person asks at once."""
    least, most = LENGTHS
    # A cut at the end of a word takes less than one word away.
    length, text = chance.randint(least + 40, most), ""
    while len(text) < length:
        house = f"д. {chance.randint(1, 90)}"
        text += " " + chance.choice(STORIES).text.format(place=chance.choice(PLACES), house=house)
    return text[:length].rsplit(" ", 1)[0].strip()


class _Sower:
    """Holds what every row refers to."""

    def __init__(self, messages: int, years: int) -> None:
        self.messages, self.years = messages, years
        self.chance = random.Random(2725)  # noqa: S311 - figures, not secrets
        self.today = timezone.localdate()
        self.calendar = calendar.current()
        self.defaults = {code: registration.default_for(code, on=self.today) for code in BY_CHANNEL}
        self.points = {point.channel: point for point in ContactPoint.objects.order_by("-order")}
        self.units = list(Unit.objects.exclude(parent=None)) or list(Unit.objects.all())
        self.executors = list(Employee.objects.filter(assignments__role="executor", unit__isnull=False))
        self.clerk = Employee.objects.get(username="clerk")
        self.topics, self.needs = list(Topic.objects.filter(leaf=True)), list(Need.objects.all())
        self.people = citizens.people(self.chance, 500)
        self.texts = [text_of(self.chance) for _ in range(TEXTS)]
        self.rule_of = cache(self._rule_of)
        self.due_of = cache(self._due_of)

    def _rule_of(self, channel: str) -> TermRule:
        return terms.rule_for(self.defaults[channel].regime, TermRule.Step.ANSWER, channel=channel, on=self.today)

    def _due_of(self, channel: str, day: date) -> date:
        return terms.term_of(self.rule_of(channel)).due(day, self.calendar).on

    def sow(self, numbers: list[int]) -> int:
        """Make these appeals with everything that belongs to them; return how many rows."""
        applicants = _made(Applicant, (self._applicant(number) for number in numbers))
        contacts = _made(
            Contact,
            (
                Contact(applicant=one, kind="email", value=_email(number), key=_email(number))
                for number, one in zip(numbers, applicants, strict=True)
            ),
        )
        threads = _made(Thread, (Thread(token=f"s{number:09d}") for number in numbers))
        appeals = _made(Appeal, map(self._appeal, numbers, applicants, threads))
        letters = _made(
            IncomingMessage,
            (letter for number, one in zip(numbers, appeals, strict=True) for letter in self._letters(number, one)),
        )
        # Kept on the day they came: the reconciliation of a day would count all of them on the day of seeding.
        IncomingMessage.objects.filter(pk__in=[one.pk for one in letters]).update(stored_at=F("received_at"))
        joined = _made(
            AppealMessage,
            (
                AppealMessage(appeal=appeals[place // self.messages], message=letter, first=place % self.messages == 0)
                for place, letter in enumerate(letters)
            ),
        )
        questions = _made(AppealQuestion, (self._question(one) for one in appeals if one.status != S.REGISTERED))
        dates = _made(
            AppealTerm,
            (
                AppealTerm(
                    appeal=one,
                    step="answer",
                    rule=self.rule_of(one.channel),
                    start_on=one.registered_on,
                    due_on=self.due_of(one.channel, one.registered_on),
                    why=[],
                )
                for one in appeals
            ),
        )
        made: list[Sized] = [applicants, contacts, threads, appeals, letters, joined, questions, dates]
        return sum(map(len, made))

    def _question(self, appeal: Appeal) -> AppealQuestion:
        return AppealQuestion(
            appeal=appeal,
            topic=self.chance.choice(self.topics),
            need=self.chance.choice(self.needs),
            confirmed_by=self.clerk,
            confirmed_at=timezone.now(),
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
        is_recent = self.years == 1 or self.chance.random() < 1 / self.years
        status = self.chance.choices(list(STATES), list(STATES.values()))[0] if is_recent else S.CLOSED
        channel = self.chance.choices(list(BY_CHANNEL), list(BY_CHANNEL.values()))[0]
        age = self.chance.randrange(0, 25) if status not in FINISHED else self.chance.randrange(20, DAYS * self.years)
        day = self.today - timedelta(days=age)
        default, due = self.defaults[channel], self.due_of(channel, day)
        by_mail = channel in BY_MAIL
        executor = None if status in {S.REGISTERED, S.CLASSIFIED} else self.chance.choice(self.executors)
        return Appeal(
            number=f"О-{day.year}-{number:06d}",
            secret=f"{number:010d}",
            status=status,
            origin=Appeal.Origin.IMPORTED,
            regime=default.regime,
            channel=channel,
            contact_point=self.points[channel],
            written=default.written,
            needs_answer=True,
            received_on=day,
            registered_on=day,
            registered_by=self.clerk,
            subject=STORIES[number % len(STORIES)].subject,
            applicant=applicant,
            thread=thread,
            answer_channel=ChannelCode.EMAIL if by_mail else ChannelCode.POST,
            answer_address=_email(number) if by_mail else applicant.address,
            unit=executor.unit if executor else None,
            executor=executor,
            due_on=due,
            answered_on=min(due, self.today) if status in FINISHED else None,
            closed_on=min(due, self.today) if status == S.CLOSED else None,
        )

    def _letters(self, number: int, appeal: Appeal) -> Iterator[IncomingMessage]:
        is_letter = appeal.channel == ChannelCode.EMAIL
        for place in range(self.messages):
            name = f"<seed-{number}-{place}@mail.example>"
            yield IncomingMessage(
                channel=appeal.channel,
                external_id=name,
                digest=f"{number:060d}{place:04d}",
                contact_point=appeal.contact_point,
                received_at=_morning(appeal.received_on),
                origin_imported=True,
                state=IncomingMessage.State.JOINED if place else IncomingMessage.State.REGISTERED,
                sender_address=appeal.answer_address,
                subject=appeal.subject,
                text=self.chance.choice(self.texts),
                message_id=name if is_letter else "",
                thread_id=appeal.thread_id,
            )


def _made(kind: type[Row], rows: Iterable[Row]) -> list[Row]:
    return kind._default_manager.bulk_create(rows)


def _email(number: int) -> str:
    return f"seed{number}@mail.example"


def _morning(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(9)))
