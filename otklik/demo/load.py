"""`otklik load-demo`: a department that feels alive, loaded into an empty database, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals import defaults as appeals_defaults
from otklik.appeals import notes, registration
from otklik.appeals.models import Appeal, Dispatch, SstuRule
from otklik.core import calendar, installation
from otklik.core import defaults as core_defaults
from otklik.core.errors import DomainError
from otklik.core.models import ChainHead, Installation, JournalEntry
from otklik.correspondence import defaults as correspondence_defaults
from otklik.correspondence import inbox
from otklik.correspondence.channel import Arrived
from otklik.correspondence.models import ContactPoint, IncomingMessage
from otklik.demo import agreements, calls, channels, citizens, clock, readers, receptions, reviews, staff, updates
from otklik.demo.history import APPEALS, CHANNELS, UNREGISTERED, Historian, Plan, reply_to
from otklik.knowledge import demo as knowledge_demo
from otklik.people import defaults as people_defaults
from otklik.people.models import Employee
from otklik.surveys import defaults as surveys_defaults
from otklik.workplace import notices
from otklik.workplace.models import Notice

NEWS: Final = timedelta(days=2)
MENTIONS: Final = {
    "executor1": "заявитель звонил, просит ответить до пятницы. Получится?",
    "executor2": "приложите к ответу расчёт арендной платы, пожалуйста.",
}


class NotEmpty(DomainError):
    """Somebody works here already: made-up cases would mix with real ones."""

    code = "demo.not_empty"
    text = "В этой базе уже есть сотрудники или обращения. Демонстрационные данные загружают только в новую базу."


DEPARTMENT: Final = "00000000-0000-4000-8000-000000000000"  # nobody's identifier in ССТУ


def load(*, count: int = APPEALS, now: datetime | None = None) -> bool:
    """Fill an empty database and mark it as a demo stand; return False where that was done before."""
    if installation.is_demo():
        return False
    if installation.kind() == Installation.Kind.PRODUCTION or Employee.objects.exists() or Appeal.objects.exists():
        raise NotEmpty
    with transaction.atomic(), calendar.asked_once():
        installation.mark(Installation.Kind.DEMO)
        _load(count, now or timezone.now())
    return True


def load_defaults() -> None:
    """Load the starting dictionaries of every room the history needs."""
    for room in (core_defaults, people_defaults, correspondence_defaults, appeals_defaults, surveys_defaults):
        room.load()


def _load(count: int, now: datetime) -> None:
    load_defaults()
    units, people = staff.load()
    knowledge_demo.load(units)
    reviews.load(people, now=now)
    ContactPoint.objects.filter(code="email-info").update(address="info@department.example")
    SstuRule.objects.create(
        department_id=DEPARTMENT, basis="вымышленный: учебный стенд", valid_from=timezone.localdate(now)
    )
    historian = Historian(units, people, now=now)
    plans = historian.plans(count)
    appeals = [historian.live(plan) for plan in plans]
    for appeal in appeals:
        historian.say(appeal)
    calls.load(historian, [plan.who for plan in plans], whole=count >= APPEALS)
    if count >= APPEALS:
        receptions.load(historian)
        _still_waiting(historian, plans)
        _replies(historian, appeals)
        appeals += channels.load(historian)
    readers.load(people, historian.now)
    agreements.load(people, now=historian.now)
    updates.load(people, appeals, now=historian.now)
    _tell(historian, appeals)


def _still_waiting(historian: Historian, plans: list[Plan]) -> None:
    """Leave letters nobody has registered yet, and one that cannot be read."""
    crowd = citizens.people(historian.chance, 400)[-UNREGISTERED:]
    for ago, who in enumerate(crowd, start=1):
        plan = replace(
            historian.chance.choice(plans),
            arrived=historian.now - timedelta(minutes=37 * ago),
            channel="website" if ago % 3 == 0 else "email",
            who=who,
            number=10_000 + ago,
        )
        with clock.set_to(plan.arrived):
            historian.arrive(plan)
    broken = b'{"schema": "site.submission/0", "text": "'
    at = historian.now - timedelta(hours=2)
    with clock.set_to(at):
        arrived = Arrived(
            channel="website",
            external_id="demo-broken",
            digest="0" * 64,
            raw=broken,
            received_at=at,
            contact_point="site-form",
            imported=True,
        )
        inbox.parse(inbox.accept(arrived).message, CHANNELS)


def _replies(historian: Historian, appeals: list[Appeal]) -> None:
    """Let some people write again: most in their thread, two so that a clerk has to decide."""
    by_mail = Dispatch.objects.filter(
        answer__appeal__in=[appeal.pk for appeal in appeals if appeal.channel == "email"],
        message__channel="email",
        at__gte=historian.now - timedelta(days=30),
    ).select_related("message", "answer__appeal")
    for number, sent in enumerate(by_mail.order_by("-at")[:7]):
        at = min(sent.at + timedelta(hours=20), historian.now - timedelta(minutes=11 * (number + 1)))
        stranger = number < 2
        letter = reply_to(
            sent.message.message_id,
            sender="relative@mail.example" if stranger else sent.message.recipient,
            text="Спасибо за ответ. Подскажите, сколько ждать решения после подачи заявления?",
            subject="Вопрос по вашему письму" if stranger else f"Re: {sent.message.subject}",
            number=number,
            at=at,
        )
        with clock.set_to(at):
            message = historian.take_letter(letter, at=at)
            if message.match == IncomingMessage.Match.CERTAIN and message.state == IncomingMessage.State.NEW:
                registration.join(message, sent.answer.appeal, by=None)


def _tell(historian: Historian, appeals: list[Appeal]) -> None:
    """Let the bells be alive: the last days are told, what is older has been read, letters go for what comes now."""
    since, people = historian.now - NEWS, historian.people
    open_ones = [one for one in appeals if one.status == Appeal.Status.DRAFTING]
    for login, words in MENTIONS.items():
        mine = next((one for one in reversed(open_ones) if one.executor == people[login]), None)
        if mine is not None:
            notices.attend(people["head1"], mine, "follows")
            with clock.set_to(historian.now - timedelta(minutes=25)):
                notes.add(mine, f"@{login} {words}", by=people["clerk"])
    recent = JournalEntry.objects.filter(at__gte=since).values("chain")
    ChainHead.objects.exclude(chain__in=recent).update(read_to=F("seq"))
    while notices.work_next():
        pass
    notices.tell_of_terms(at_work_only=False)
    notices.tell_of_reviews()
    notices.tell_of_law()
    Notice.objects.filter(at__lt=since).update(read_at=F("at"))
    Notice.objects.exclude(kind=Notice.Kind.MENTION).update(mail_at=None)
