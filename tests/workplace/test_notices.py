"""Notices: each event is told to whom it concerns and to nobody else, once, when and how he wants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals import approval, assignment, dispatch, drafting, handover, notes, registration, signature
from otklik.appeals.models import Appeal
from otklik.channels.registry import all_channels
from otklik.core import calendar, journal
from otklik.core.models import ChainHead, Installation, JournalEntry
from otklik.correspondence import delivery, staff_mail
from otklik.correspondence.channel import DeliveryError
from otklik.correspondence.models import OutgoingMessage, StaffLetter
from otklik.people.models import Department, Employee
from otklik.reports import health
from otklik.workplace import notice_mail, notice_pages, notices
from otklik.workplace.models import Attention, Notice
from otklik.workplace.notices import DIGEST, NO_MAIL, ONCE, Way, Wishes
from tests.appeals.conftest import World
from tests.appeals.test_races import at_once
from tests.desk import at, desk

pytestmark = pytest.mark.django_db
Kind = Notice.Kind


@pytest.fixture
def world(db: None) -> World:
    calendar.load([2026, 2027])
    world = World()
    Department.objects.update(email="info@department.example")
    for one in Employee.objects.all():
        Employee.objects.filter(pk=one.pk).update(email=f"{one.username}@department.example")
    return world


def read_all() -> None:
    """Let a worker read the journal to its end."""
    while notices.work_next():
        pass


def forget() -> None:
    """Let what happened until now be old."""
    read_all()
    Notice.objects.all().delete()


def told(**narrow: Any) -> set[tuple[str, str]]:
    """Return who was told of what."""
    read_all()
    rows = Notice.objects.filter(**narrow).values_list("employee__username", "kind")
    return {(login, str(kind)) for login, kind in rows}


def local(*moment: int) -> datetime:
    return timezone.make_aware(datetime(*moment))  # type: ignore[arg-type]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[..., datetime]:
    """Set the clock: `now(2026, 11, 27, 19, 0)` is the Friday evening."""

    def set_to(*moment: int) -> datetime:
        value = local(*moment)
        monkeypatch.setattr(timezone, "now", lambda: value)
        return value

    return set_to


# --- whom it concerns ------------------------------------------------------------------------------------------------


def test_assignment_is_told_to_executor_and_helpers_who_did_not_have_the_appeal(world: World) -> None:
    appeal = world.assigned(co_executors=[world.helper])
    assert told() == {("executor", "assigned"), ("helper", "assigned")}
    forget()
    assignment.assign(
        appeal, unit=world.land, executor=world.executor, co_executors=[world.helper, world.stranger], by=world.clerk
    )
    assert told() == {("stranger", "assigned")}


def test_ones_own_action_is_silent(world: World) -> None:
    appeal = world.asked()
    forget()
    row = approval.decision_of(appeal, world.head)
    assert row is not None
    notices.attend(world.head, appeal, "follows")
    approval.approve(row, by=world.head)
    assert told() == {("executor", "approved")}


def test_what_waits_for_approval_and_signature_is_told_to_who_is_asked(world: World) -> None:
    appeal = world.drafted()
    forget()
    approval.ask(appeal, approvers=[world.head, world.signer2], by=world.executor)
    assert told() == {("head", "approval"), ("signer2", "approval")}
    forget()
    for who in (world.head, world.signer2):
        row = approval.decision_of(appeal, who)
        assert row is not None
        approval.approve(row, by=who)
    forget()
    signature.freeze(world.again(appeal), signer=world.signer, by=world.executor)
    assert told() == {("signer", "signature")}


def test_a_returned_draft_is_told_to_its_executor_and_to_who_asked(world: World) -> None:
    appeal = world.assigned(co_executors=[world.helper])
    drafting.save(appeal, text="Договор продлён.", base_version=0, by=world.helper)
    approval.ask(world.again(appeal), approvers=[world.head], by=world.helper)
    row = approval.decision_of(appeal, world.head)
    assert row is not None
    forget()
    approval.give_back(row, remark="Нет основания", by=world.head)
    assert told() == {("executor", "returned"), ("helper", "returned")}
    assert "основания" not in Notice.objects.first().text  # type: ignore[union-attr]


def test_an_answer_taken_back_from_signature_is_told_to_its_executor(world: World) -> None:
    answer = world.frozen()
    forget()
    signature.withdraw(answer, by=world.signer)
    assert told() == {("executor", "returned")}


def test_what_an_applicant_writes_again_is_told_to_the_executor_and_a_machines_letter_to_nobody(world: World) -> None:
    appeal = world.assigned(world.registered_email())
    forget()
    machine = world.email(message_id="<auto@citizen.example>")
    type(machine).objects.filter(pk=machine.pk).update(machine="auto")
    registration.join(type(machine).objects.get(pk=machine.pk), appeal, by=world.clerk)
    assert told() == set()
    registration.join(world.email(message_id="<again@citizen.example>"), appeal, by=world.clerk)
    assert told() == {("executor", "reply")}


def undelivered(world: World) -> OutgoingMessage:
    """Return an answer that the mail server has refused for good."""
    sent = dispatch.send(world.signed(world.registered_email()), by=world.clerk2).message
    OutgoingMessage.objects.exclude(pk=sent.pk).delete()
    OutgoingMessage.objects.filter(pk=sent.pk).update(not_before=timezone.now())
    forget()

    class Refuses:
        code, repeats_safely = "email", True

        def send(self, item: object) -> str:
            raise DeliveryError("550 нет такого ящика", permanent=True)

    assert delivery.send_next({"email": Refuses()})  # type: ignore[dict-item]
    sent.refresh_from_db()
    assert sent.state == "failed"
    return sent


def test_an_undelivered_answer_is_told_to_its_executor_and_to_the_clerk_who_sent_it(world: World) -> None:
    undelivered(world)
    assert told() == {("executor", "undelivered"), ("clerk2", "undelivered")}
    place = set(Notice.objects.values_list("place", flat=True))
    assert place == {f"out-{OutgoingMessage.objects.get().pk}"}


def test_an_answer_that_will_be_tried_again_is_told_to_nobody(world: World) -> None:
    sent = dispatch.send(world.signed(world.registered_email()), by=world.clerk2).message
    forget()
    with transaction.atomic():
        journal.record("outgoing.unknown", chain=f"outgoing:{sent.pk}", by=None)
    assert told() == set()


def test_handing_over_is_told_to_who_takes(world: World) -> None:
    admin = world.employee("admin", "Настройкина", world.hq, ["admin"])
    world.drafted()
    taker = world.employee("taker", "Новая", world.land, ["executor"])
    forget()
    handover.hand_over(world.executor, to={handover.WORK: taker}, by=admin)
    assert told() == {("taker", "assigned")}


def test_who_follows_hears_of_steps_as_long_as_he_may_see_the_appeal(world: World) -> None:
    appeal = world.drafted()
    notices.attend(world.head, appeal, "follows")
    notices.attend(world.auditor, appeal, "follows")
    notices.attend(world.stranger, appeal, "follows")  # may not see it: following gives no right
    forget()
    drafting.save(world.again(appeal), text="Ещё текст.", base_version=1, by=world.executor)
    assert told() == set()
    notes.add(appeal, "Позвонить", by=world.executor)
    assert told() == {("head", "followed"), ("auditor", "followed")}


def test_who_is_asked_and_follows_is_told_once(world: World) -> None:
    appeal = world.drafted()
    notices.attend(world.head, appeal, "follows")
    forget()
    approval.ask(appeal, approvers=[world.head], by=world.executor)
    assert told() == {("head", "approval")}


def test_a_substitute_hears_in_whose_place_and_only_for_its_days(world: World) -> None:
    world.stands_in(world.helper, world.executor)
    world.assigned()
    assert told() == {("executor", "assigned"), ("helper", "assigned")}
    mine, his = Notice.objects.get(employee=world.executor), Notice.objects.get(employee=world.helper)
    assert (mine.in_place_of, his.in_place_of) == (None, world.executor)
    assert mine.mail_at is None, "letters go to who stands in"
    assert his.mail_at is not None
    page = desk(world.helper).get(at("notices")).content.decode()
    assert "вы замещаете: Сидорова А. П." in page
    world.executor.substituted_by.update(ends_on=timezone.localdate() - timedelta(days=1), starts_on="2026-01-01")
    Notice.objects.all().delete()
    world.assigned(world.registered_email())
    assert told() == {("executor", "assigned")}


def test_a_substitute_who_acts_hears_nothing_of_it(world: World) -> None:
    world.stands_in(world.head, world.executor)
    appeal = world.classified()
    Appeal.objects.filter(pk=appeal.pk).update(unit=world.land)
    assignment.assign(world.again(appeal), unit=world.land, executor=world.executor, by=world.fresh(world.head))
    assert told() == {("executor", "assigned")}


def test_a_blocked_employee_is_told_nothing(world: World) -> None:
    Employee.objects.filter(pk=world.helper.pk).update(is_active=False)
    appeal = world.assigned()
    with transaction.atomic():
        journal.record(
            "appeal.handed_over",
            chain=f"appeal:{appeal.pk}",
            by=world.clerk,
            was=world.executor.pk,
            helper=world.helper.pk,
        )
    assert told(employee=world.helper) == set()


def test_a_muted_appeal_leaves_only_what_waits_for_the_person(world: World) -> None:
    appeal = world.assigned(world.registered_email())
    notices.attend(world.executor, appeal, "muted")
    forget()
    registration.join(world.email(message_id="<again@citizen.example>"), appeal, by=world.clerk)
    assert told() == set()
    notes.add(appeal, "@executor посмотрите", by=world.clerk)
    assert told() == {("executor", "mention")}
    assert Attention.objects.get(employee=world.executor).level == "muted"


# --- terms -----------------------------------------------------------------------------------------------------------


def _noon(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Make it noon of a day where the department is."""
    value = timezone.make_aware(datetime.combine(day, time(12)))
    monkeypatch.setattr(timezone, "now", lambda: value)


def test_a_term_is_told_at_each_stage_once_and_to_whose_step_it_is_and_who_heads_the_unit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monday = date(2026, 11, 23)
    _noon(monkeypatch, monday)
    mine, unassigned, far = world.assigned(), world.classified(world.registered_email()), world.classified()
    waiting = world.asked(world.registered())
    forget()
    rows = Appeal.objects.filter(pk__in=[mine.pk, unassigned.pk, waiting.pk])
    rows.update(due_on=monday + timedelta(days=7))
    Appeal.objects.filter(pk=far.pk).update(due_on=monday + timedelta(days=19))
    expected = {
        (mine.number, "executor"),
        (mine.number, "head"),
        (unassigned.number, "clerk"),
        (waiting.number, "executor"),
        (waiting.number, "head"),
    }
    assert notices.tell_of_terms() == len(expected)
    assert set(Notice.objects.values_list("appeal__number", "employee__username")) == expected
    assert notices.tell_of_terms() == 0
    stages = {4: "осталось дней: 3", 7: "Срок сегодня", 8: "Срок прошёл"}
    for later, words in stages.items():
        _noon(monkeypatch, monday + timedelta(days=later))
        assert notices.tell_of_terms() == len(expected), words
        assert Notice.objects.filter(text__contains=words).count() == len(expected)
        assert notices.tell_of_terms() == 0
    rows.update(status="closed")
    Notice.objects.all().delete()
    assert notices.tell_of_terms() == 0


def test_nobody_is_reminded_of_a_term_at_night_or_on_a_day_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal = world.assigned()
    forget()
    saturday = date(2026, 11, 28)
    Appeal.objects.filter(pk=appeal.pk).update(
        due_on=saturday, registered_on=saturday - timedelta(days=20), received_on=saturday - timedelta(days=20)
    )
    _noon(monkeypatch, saturday)
    assert notices.tell_of_terms() == 0
    night = timezone.make_aware(datetime.combine(saturday + timedelta(days=2), time(3)))
    monkeypatch.setattr(timezone, "now", lambda: night)
    assert notices.tell_of_terms() == 0
    _noon(monkeypatch, saturday + timedelta(days=2))
    assert notices.tell_of_terms() == 2
    assert set(Notice.objects.values_list("text", flat=True)) == {"Срок прошёл 28.11"}


# --- once ------------------------------------------------------------------------------------------------------------


def test_a_rolled_back_change_is_told_to_nobody_and_a_rolled_back_reading_is_done_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    appeal = world.classified()
    forget()
    with transaction.atomic():
        assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
        transaction.set_rollback(True)
    assert told() == set()
    assignment.assign(world.again(appeal), unit=world.land, executor=world.executor, by=world.clerk)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(notices, "_tell", killed)
        with pytest.raises(KeyboardInterrupt):
            notices.work_next()
    assert not Notice.objects.exists()
    assert told() == {("executor", "assigned")}
    assert not notices.work_next()


def test_a_row_that_cannot_be_read_keeps_nobody_else_from_hearing(world: World) -> None:
    appeal = world.classified()
    forget()
    with transaction.atomic():
        journal.record("appeal.approval_asked", chain=f"appeal:{appeal.pk}", by=world.clerk)  # names nobody
    assignment.assign(world.again(appeal), unit=world.land, executor=world.executor, by=world.clerk)
    assert told() == {("executor", "assigned")}


def test_looks_and_chains_nobody_waits_for_are_passed_by(world: World) -> None:
    read_all()
    world.message()
    journal.looked("message.opened", by=world.clerk, message=1)
    unread = [one.chain for one in ChainHead.objects.all() if one.seq > one.read_to]
    assert unread
    assert not [one for one in unread if one.startswith("access:")]
    read_all()
    assert [one for one in ChainHead.objects.all() if one.seq > one.read_to] == []
    assert journal.verify() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_each_event_is_told_once_while_people_go_on_working(transactional_db: None) -> None:
    world = World()
    appeals = [world.classified(world.registered()) for _ in range(6)]
    read_all()
    Notice.objects.all().delete()

    def work() -> None:
        idle = 0
        while idle < 40:
            idle = 0 if notices.work_next() else idle + 1

    def act() -> None:
        for appeal in appeals:
            assignment.assign(
                Appeal.objects.get(pk=appeal.pk),
                unit=world.land,
                executor=Employee.objects.get(pk=world.executor.pk),
                by=Employee.objects.get(pk=world.clerk.pk),
            )
            notes.add(appeal, "@executor взгляните", by=Employee.objects.get(pk=world.clerk.pk))

    assert at_once(work, work, act) == [None] * 3
    read_all()
    found = sorted(Notice.objects.values_list("appeal", "kind"))
    assert found == sorted((appeal.pk, kind) for appeal in appeals for kind in ("assigned", "mention"))
    asked = JournalEntry.objects.filter(action="appeal.noted").count()
    assert asked == len(appeals)


# --- when and how ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ((2026, 11, 25, 11, 0), (2026, 11, 25, 11, 1)),  # a working day
        ((2026, 11, 25, 7, 30), (2026, 11, 25, 9, 0)),
        ((2026, 11, 27, 16, 58), (2026, 11, 27, 16, 59)),
        ((2026, 11, 27, 17, 30), (2026, 11, 30, 9, 0)),  # Friday evening → Monday morning
        ((2026, 11, 28, 12, 0), (2026, 11, 30, 9, 0)),
        ((2026, 11, 3, 16, 30), (2026, 11, 3, 16, 31)),  # shortened by an hour before 4 November
        ((2026, 11, 3, 17, 5), (2026, 11, 5, 9, 0)),  # and the holiday after it
        ((2026, 12, 31, 12, 0), (2027, 1, 11, 9, 0)),  # moved days of January
    ],
)
def test_letters_wait_for_the_next_working_morning(
    db: None, moment: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    calendar.load([2026, 2027])
    assert Wishes().mail_at(ONCE, local(*moment)) == local(*expected)
    assert Wishes(quiet=False).mail_at(ONCE, local(*moment)) == local(*moment) + timedelta(minutes=1)


def test_the_digest_comes_once_a_day_at_its_time(world: World, now: Any) -> None:
    now(2026, 11, 25, 10, 0)
    first, second = world.assigned(), world.assigned(world.registered_email())
    read_all()
    assert set(Notice.objects.values_list("mail_at", flat=True)) == {local(2026, 11, 26, 9, 0)}
    assert not notice_mail.work_next()
    now(2026, 11, 26, 9, 0)
    assert notice_mail.work_next()
    assert not notice_mail.work_next()
    letter = StaffLetter.objects.get()
    assert letter.recipient == "executor@department.example"
    assert letter.subject == "Отклик: 2 уведомления по 2 обращениям"
    assert first.number in letter.text
    assert f"/desk/appeals/{second.pk}/" in letter.text
    for secret in ("Иванова", "Продление", "citizen.example", "Выдуманная"):
        assert secret not in letter.subject + letter.text
    now(2026, 11, 27, 10, 0)
    assert not notice_mail.work_next()


def test_what_was_read_meanwhile_or_may_be_seen_no_more_makes_no_letter(world: World, now: Any) -> None:
    now(2026, 11, 25, 10, 0)
    seen, taken = world.assigned(), world.assigned(world.registered_email())
    read_all()
    notices.mark_read(world.executor, seen.pk)
    other = world.employee("other", "Другая", world.land, ["executor"])
    Appeal.objects.filter(pk=taken.pk).update(executor=other)
    now(2026, 11, 26, 9, 0)
    while notice_mail.work_next():
        pass
    assert not StaffLetter.objects.exists()
    assert not Notice.objects.filter(mail_at__isnull=False).exists()


def test_a_mention_comes_by_mail_at_once_and_names_who_mentioned(world: World, now: Any) -> None:
    moment = now(2026, 11, 25, 11, 0)
    appeal = world.assigned()
    forget()
    notes.add(appeal, "@executor прошу взглянуть", by=world.head)
    read_all()
    now(2026, 11, 25, 11, 1)
    assert notice_mail.work_next()
    letter = StaffLetter.objects.get()
    assert letter.subject == f"№ {appeal.number}: вас упомянули в заметке"
    assert "Кузнецова А. П." in letter.text
    assert "взглянуть" not in letter.text
    assert letter.not_before > moment


def test_a_letter_names_fifty_appeals_and_leads_to_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_mail, "MOST", 1)
    world.assigned()
    world.assigned(world.registered_email())
    read_all()
    subject, text = notice_mail.compose(list(Notice.objects.select_related("appeal", "actor").order_by("appeal")))
    assert "2 уведомления" in subject
    assert text.count("Обращение №") == 1
    assert "И ещё по 1 делу" in text.replace("\u00a0", " ")
    assert at("notices") in text


def test_each_kind_is_told_as_the_person_wants(world: World) -> None:
    ways = {**notices.SHIPPED, Kind.ASSIGNED: Way(False, ONCE), Kind.APPROVED: Way(False, NO_MAIL)}
    notices.wish(world.executor, Wishes(ways, time(14, 30), quiet=False))
    kept = notices.wishes(world.executor)
    assert kept.ways == ways
    assert (kept.digest_at, kept.quiet) == (time(14, 30), False)
    world.approved()
    assert told(employee=world.executor) == {("executor", "assigned")}
    assert notices.unread(world.executor).count() == 0
    assert Notice.objects.get(employee=world.executor).mail_at is not None


def test_the_settings_page_keeps_what_is_chosen_and_refuses_a_time_that_is_none(world: World) -> None:
    client, form = desk(world.executor), {"digest_at": "14:30", "mail-assigned": "once", "shown-mention": "on"}
    assert client.post(at("notice_settings"), form).status_code == 302
    wishes = notices.wishes(world.executor)
    assert wishes.ways[Kind.ASSIGNED] == Way(False, ONCE)
    assert wishes.ways[Kind.MENTION] == Way(True, NO_MAIL)
    assert (wishes.digest_at, wishes.quiet) == (time(14, 30), False)
    answer = client.post(at("notice_settings"), {**form, "digest_at": "25:00", "mail-assigned": "digest"})
    assert answer.status_code == 422
    assert notices.wishes(world.executor).ways[Kind.ASSIGNED] == Way(False, ONCE)
    assert DIGEST in answer.content.decode()


# --- letters ---------------------------------------------------------------------------------------------------------


def letter_for(world: World) -> StaffLetter:
    one = staff_mail.queue(world.fresh(world.executor), subject="№ 1: вас упомянули", text="Ссылка")
    assert one is not None
    return one


def test_a_letter_is_sent_once_to_the_stands_catcher(world: World, demo_stand: Installation) -> None:
    from otklik.channels.mail.models import CaughtLetter

    letter = letter_for(world)
    channel = all_channels()["email"]
    assert staff_mail.send_next(channel)
    assert not staff_mail.send_next(channel)
    caught = CaughtLetter.objects.get()
    assert (caught.recipient, caught.subject) == (letter.recipient, letter.subject)
    letter.refresh_from_db()
    assert letter.state == "sent"


def test_a_refused_letter_is_tried_again_and_one_refused_for_good_is_told_of(world: World) -> None:
    letter = letter_for(world)

    class Channel:
        code, repeats_safely, permanent = "email", True, False

        def send(self, item: object) -> str:
            raise DeliveryError("451 позже", permanent=self.permanent)

    channel = Channel()
    assert staff_mail.send_next(channel)  # type: ignore[arg-type]
    letter.refresh_from_db()
    assert (letter.state, letter.error) == ("queued", "451 позже")
    assert letter.not_before > timezone.now()
    assert not staff_mail.send_next(channel)  # type: ignore[arg-type]
    StaffLetter.objects.update(not_before=timezone.now())
    channel.permanent = True
    assert staff_mail.send_next(channel)  # type: ignore[arg-type]
    letter.refresh_from_db()
    assert letter.state == "failed"
    assert [fact.level for fact in staff_facts()] == [health.WARN]


def staff_facts() -> list[health.Fact]:
    return next(one for one in health.areas() if one.code == "staff_mail").facts


def test_without_an_address_to_send_from_letters_wait_and_the_health_page_says_so(world: World) -> None:
    from otklik.correspondence.models import ContactPoint

    Department.objects.update(email="")
    ContactPoint.objects.update(address="")
    letter_for(world)
    assert not staff_mail.send_next(all_channels()["email"])
    [fact] = staff_facts()
    assert fact.level == health.BAD
    assert "неоткуда" in fact.text
    Department.objects.update(email="info@department.example")
    assert [(fact.text, fact.level) for fact in staff_facts()] == [("в пути: 1", health.GOOD)]


def test_an_employee_without_an_address_gets_no_letter_and_is_told_so(world: World, now: Any) -> None:
    now(2026, 11, 25, 10, 0)
    Employee.objects.update(email="")
    world.assigned()
    read_all()
    now(2026, 11, 26, 9, 0)
    assert notice_mail.work_next()
    assert not StaffLetter.objects.exists()
    assert "не указана почта" in desk(world.executor).get(at("notice_settings")).content.decode()


def test_a_letter_left_by_a_dead_worker_goes_back(world: World) -> None:
    letter = letter_for(world)
    long_ago = timezone.now() - delivery.SENDING_LEASE - timedelta(minutes=1)
    StaffLetter.objects.update(state="sending", leased_by="dead", leased_at=long_ago)
    assert staff_mail.return_stuck() == 1
    letter.refresh_from_db()
    assert letter.state == "queued"


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_writes_the_letter_and_one_sends_it(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    Employee.objects.update(email="one@department.example")
    Department.objects.update(email="info@department.example")
    appeals = [world.assigned(world.registered()) for _ in range(3)]
    read_all()
    Notice.objects.update(mail_at=timezone.now())
    at_once(notice_mail.work_next, notice_mail.work_next, notice_mail.work_next)
    letter = StaffLetter.objects.get()
    assert [appeal.number in letter.text for appeal in appeals] == [True] * 3
    sent: list[str] = []

    class Channel:
        code, repeats_safely = "email", True

        def send(self, item: Any) -> str:
            sent.append(item.message_id)
            return str(item.message_id)

    def send() -> bool:
        return staff_mail.send_next(Channel())  # type: ignore[arg-type]

    at_once(send, send, send)
    assert sent == [letter.message_id]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_events_of_one_appeal_are_one_row_unread_first(world: World) -> None:
    first = world.assigned()
    notes.add(first, "@executor раз", by=world.clerk)
    second = world.assigned(world.registered_email())
    read_all()
    notices.mark_read(world.executor, second.pk)
    page = desk(world.executor).get(at("notices")).content.decode()
    assert page.count('class="row-link"') == 2
    assert page.index(first.number) < page.index(second.number)
    assert "2 новых" in page.replace("\u00a0", " ")
    assert "Иванова" not in page
    assert f"#{Notice.objects.filter(kind='mention').get().place}" in page


def test_opening_the_card_reads_its_notices_and_costs_a_query_only_then(world: World) -> None:
    appeal = world.assigned()
    other = world.assigned(world.registered_email())
    client = desk(world.executor)
    client.get(at("today"))
    client.get(at("card", appeal.pk))
    read_all()

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(at("card", appeal.pk)).status_code == 200
        return len(seen.captured_queries)

    assert queries() - 1 == queries() <= 12
    assert set(notices.unread(world.executor).values_list("appeal", flat=True)) == {other.pk}


def test_the_bell_counts_appeals_and_says_what_came_last(world: World) -> None:
    appeal = world.assigned()
    notes.add(appeal, "@executor раз", by=world.clerk)
    read_all()
    answer = desk(world.executor).get(at("bell")).json()
    assert answer["unread"] == 1
    assert answer["said"] == f"Вас упомянули в заметке, № {appeal.number}"
    assert desk(world.stranger).get(at("bell")).json() == {"unread": 0, "last": 0, "said": ""}


def test_everything_is_read_by_one_press_and_only_ones_own(world: World) -> None:
    world.asked()
    read_all()
    desk(world.executor).post(at("notices_read"))
    assert notices.unread(world.executor).count() == 0
    assert notices.unread(world.head).count() == 1


def test_a_notice_of_an_appeal_one_may_see_no_more_is_not_shown(world: World) -> None:
    appeal = world.assigned()
    read_all()
    other = world.employee("other", "Другая", world.land, ["executor"])
    assignment.assign(appeal, unit=world.land, executor=other, by=world.clerk)
    client = desk(world.executor)
    assert appeal.number not in client.get(at("notices")).content.decode()
    assert client.get(at("bell")).json()["unread"] == 0


def test_one_follows_and_mutes_from_the_card_and_only_what_one_sees(world: World) -> None:
    appeal = world.assigned()
    client = desk(world.auditor)
    assert client.post(at("attention", appeal.pk), {"level": "follows"}).status_code == 302
    assert "Не следить" in client.get(at("card", appeal.pk)).content.decode()
    assert "Следят: Ежова А. П." in client.get(at("context", appeal.pk)).content.decode()
    client.post(at("attention", appeal.pk), {"level": "muted"})
    assert "Снова уведомлять" in client.get(at("context", appeal.pk)).content.decode()
    client.post(at("attention", appeal.pk), {"level": ""})
    assert not Attention.objects.exists()
    assert client.post(at("attention", appeal.pk), {"level": "odd"}).status_code == 404
    assert desk(world.stranger).post(at("attention", appeal.pk), {"level": "follows"}).status_code == 404
    assert not Attention.objects.exists()


def test_the_list_of_notices_costs_the_same_however_many_there_are(world: World) -> None:
    appeal = world.assigned()
    read_all()
    client = desk(world.executor)
    client.get(at("today"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(at("notices")).status_code == 200
        return len(seen.captured_queries)

    few = queries()
    for number in range(8):
        notes.add(appeal, f"@executor {number}", by=world.clerk)
    world.assigned(world.registered_email())
    read_all()
    assert queries() == few <= 16


def test_old_notices_go(world: World) -> None:
    world.assigned()
    world.assigned(world.registered_email())
    read_all()
    first, _ = Notice.objects.order_by("pk")
    Notice.objects.filter(pk=first.pk).update(read_at=timezone.now() - timedelta(days=91))
    assert notices.forget_old() == 1


def test_what_was_written_before_the_upgrade_is_news_for_nobody(world: World) -> None:
    world.assigned()
    migration = import_module("otklik.core.migrations.0007_read_so_far")
    migration.read_so_far(apps, None)
    assert told() == set()
    notes.add(world.assigned(world.registered_email()), "@head взгляните", by=world.clerk)
    assert told(kind="mention") == {("head", "mention")}


def test_every_kind_of_notice_can_be_chosen_so_that_saving_switches_none_off() -> None:
    chosen = [kind for _, kinds in notice_pages.GROUPS for kind in kinds]
    assert sorted(chosen) == sorted(Kind.values)
