"""Who sees what; queues, timeline and search tell everybody no more than access lets him see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import Http404
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals import (
    access,
    approval,
    assignment,
    case_questions,
    dispatch,
    notes,
    parts,
    queues,
    registration,
    resolutions,
    routes,
    search_feed,
    steps,
    timeline,
)
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal
from otklik.appeals.routes import Stop
from otklik.core.errors import DomainError
from otklik.search.models import Entry


def _seen(user):
    return set(access.visible_to(user).values_list("pk", flat=True))


def test_clerks_signers_and_auditors_see_all_others_their_own(world):
    mine, other = world.assigned(), world.registered()
    for one in (world.clerk, world.signer, world.auditor):
        assert _seen(one) == {mine.pk, other.pk}
    assert _seen(world.executor) == {mine.pk}
    assert _seen(world.head) == {mine.pk}
    assert _seen(world.stranger) == set()


def test_helpers_and_those_asked_to_approve_see_the_appeal(world):
    appeal = world.drafted()
    assert _seen(world.helper) == set()
    assignment.assign(appeal, unit=world.land, executor=world.executor, co_executors=[world.helper], by=world.clerk)
    assert _seen(world.helper) == {appeal.pk}
    other_head = world.employee("head2", "Ершова", world.law, ["head"])
    approval.ask(appeal, approvers=[other_head], by=world.executor)
    assert _seen(other_head) == {appeal.pk}


def test_a_deputy_sees_what_the_absent_one_sees(world):
    appeal = world.assigned()
    for absent in (world.executor, world.head, world.clerk):
        deputy = world.employee(f"for-{absent.username}", "Соколова", world.law, ["consultant"])
        assert _seen(deputy) == set()
        world.stands_in(deputy, absent)
        assert _seen(world.fresh(deputy)) == {appeal.pk}


def test_a_head_sees_the_units_below_and_not_above(world):
    sub_head = world.employee("subhead", "Ершова", world.land_sub, ["head"])
    member = world.employee("sub", "Соколова", world.land_sub, ["executor"])
    below = world.assigned(unit=world.land_sub, executor=member)
    above = world.assigned()
    assert _seen(world.head) == {below.pk, above.pk}
    assert _seen(sub_head) == {below.pk}


def test_a_stranger_gets_404(world):
    appeal = world.assigned()
    assert access.get_for(world.executor, appeal.pk) == appeal
    with pytest.raises(Http404):
        access.get_for(world.stranger, appeal.pk)


def test_each_state_is_in_its_queue_and_counters_count_the_rows(world):
    world.message()
    at = {
        "classification": world.registered(),
        "assignment": world.classified(),
        "mine": world.drafted(),
        "approval": world.asked(),
        "signing": world.frozen().appeal,
        "dispatch": world.signed(),
        "undelivered": dispatch.send(world.signed(), by=world.clerk).message.thread.appeal,
    }
    registration.join(world.message(), at["assignment"], by=world.clerk)
    people = {"mine": world.executor, "approval": world.head, "signing": world.signer}
    for view, appeal in at.items():
        user = people.get(view, world.clerk)
        found = [row.pk for row in queues.rows(user, view).rows]
        assert appeal.pk in found, view
        assert queues.counters(user)[view] == len(found), view
    assert [row.pk for row in queues.rows(world.clerk, "replies").rows] == [at["assignment"].pk]
    assert queues.counters(world.clerk)["registration"] == 1
    assert queues.rows(world.clerk, "registration").rows[0].kind == "message"
    assert queues.rows(world.signer2, "signing").rows == []


def test_a_queue_shows_nobody_more_than_he_may_see(world):
    world.assigned()
    for view in queues.VIEWS:
        assert queues.rows(world.stranger, view).rows == []
    assert "registration" not in queues.counters(world.executor)


def test_names_in_queues_are_masked(world):
    world.registered()
    world.message()
    for view in ("all", "registration"):
        assert "Иванова" not in queues.rows(world.clerk, view).rows[0].applicant


def test_filters_narrow(world):
    first, second = world.assigned(), world.registered_email()
    rows = lambda **asked: {row.pk for row in queues.rows(world.clerk, "all", queues.Filters(**asked)).rows}  # noqa: E731
    assert rows() == {first.pk, second.pk}
    assert rows(channel="email") == {second.pk}
    assert rows(unit=world.land.pk) == {first.pk}
    assert rows(topic=world.pair()[0].pk) == {first.pk}
    assert rows(text=first.number) == {first.pk}
    assert rows(text="продлить аренду") == {first.pk, second.pk}
    assert rows(term="overdue") == set()
    Appeal.objects.filter(pk=first.pk).update(due_on=first.registered_on)
    assert rows(term="today") == {first.pk}
    assert rows(page=2) == set()


@pytest.mark.parametrize("count", [2, 9])
def test_queue_counters_and_timeline_cost_the_same_whatever_their_size(world, count):
    for _ in range(count):
        appeal = world.drafted()
        notes.add(appeal, "Звонили", by=world.clerk)
    for who in ("clerk", "executor", "head"):
        user = world.fresh(getattr(world, who))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = queues.rows(user, "all", queues.Filters())
            queues.counters(user)
        assert len(page.rows) == count
        assert len(queries) <= 8, [one["sql"] for one in queries]
    user = world.fresh(world.clerk)
    access.get_for(user, appeal.pk)  # the day's first opening writes the look
    with CaptureQueriesContext(connection) as queries:
        found = access.get_for(user, appeal.pk)
        events = timeline.of(found)
    assert len(events) >= 4
    assert len(queries) <= 9, [one["sql"] for one in queries]


def test_the_timeline_tells_everything_once_in_order_and_in_russian(world):
    appeal = world.signed(world.registered_email())
    notes.add(appeal, "Проверила договор", by=world.executor)
    dispatch.send(appeal, by=world.clerk)
    events = timeline.of(world.again(appeal))
    assert [event.at for event in events] == sorted(event.at for event in events)
    titles = [event.title for event in events]
    for words in (
        "зарегистрировано",
        "назначен исполнитель",
        "согласовано",
        "передано на подпись",
        "Внутренняя заметка",
    ):
        assert titles.count(words) == 1, titles
    assert "подписано: подписано в СЭД" in titles
    kinds = {event.kind for event in events}
    assert kinds == {"incoming", "outgoing", "note", "event"}
    letter = [event for event in events if event.kind == "outgoing"][-1]
    assert (letter.state, letter.state_label) == ("queued", "ждёт отправки")


def test_search_finds_what_the_user_may_see_and_follows_assignment(world):
    appeal = world.classified()
    assert [one.appeal for one in search_feed.search_for(world.clerk, "продлить договор")] == [appeal]
    assert search_feed.search_for(world.executor, "продлить договор") == []
    assignment.assign(appeal, unit=world.land, executor=world.executor, by=world.clerk)
    assert [one.appeal for one in search_feed.search_for(world.executor, "продлить договор")] == [appeal]
    assert [one.appeal for one in search_feed.search_for(world.head, "продлить договор")] == [appeal]
    assert search_feed.search_for(world.stranger, "продлить договор") == []


def test_whoever_an_appeal_is_given_to_finds_it_from_that_moment(world):
    """Approval asked and its next turn, a part, a question, a resolution: search finds what the lists show."""
    lawyer = world.employee("lawyer", "Юрьева", world.law, ["head"])
    drafter = world.employee("drafter", "Чертёжникова", world.law, ["executor"])
    expert = world.employee("expert", "Экспертова", world.law, ["head"])

    def found(user):
        return {one.appeal.pk for one in search_feed.search_for(world.fresh(user), "продлить договор")}

    appeal = world.drafted()
    assert found(lawyer) == found(expert) == found(world.stranger) == set()
    stops = [Stop(1, lawyer), Stop(2, expert)]
    route = routes.keep(
        None, name="Право", regime=None, unit=None, valid_from=timezone.localdate(), valid_to=None, stops=stops,
        by=world.clerk,
    )  # fmt: skip
    (asked,) = approval.ask(appeal, route=route, by=world.executor)
    assert (found(lawyer), found(expert)) == ({appeal.pk}, set())
    approval.approve(asked, by=lawyer)
    assert found(expert) == {appeal.pk}
    parts.ask(appeal, [world.helper], what="Справка", due_on=timezone.localdate(), by=world.executor)
    assert found(world.helper) == {appeal.pk}
    case_questions.describe(appeal.questions.get(), text="Чей участок?", executor=drafter, by=world.executor)
    assert found(drafter) == {appeal.pk}
    registered = world.registered()
    resolutions.write(registered, text="Прошу ответить", to=world.stranger, by=world.signer)
    assert found(world.stranger) == {registered.pk}


def test_putting_all_puts_the_words_and_readers_that_putting_each_would(world, django_assert_max_num_queries):
    appeals = [world.registered(), world.assigned(co_executors=[world.stranger]), world.asked()]
    one_by_one = list(Entry.objects.order_by("key").values_list("key", "title", "body", "scopes"))
    assert search_feed.put_all(lost_only=True) == 0
    Entry.objects.filter(index=search_feed.INDEX).delete()
    with django_assert_max_num_queries(12):
        assert search_feed.put_all(lost_only=True) == len(appeals)
    assert list(Entry.objects.order_by("key").values_list("key", "title", "body", "scopes")) == one_by_one
    assert any(f"person:{world.stranger.pk}" in scopes for *_, scopes in one_by_one)


def test_a_note_needs_words_and_the_power(world, trace):
    appeal = world.assigned()
    before = trace()
    with pytest.raises(notes.EmptyNote):
        notes.add(appeal, "  ", by=world.executor)
    with pytest.raises(NotAllowed):
        notes.add(appeal, "Привет", by=world.auditor)
    assert trace() == before


def test_a_page_offers_exactly_what_would_not_be_refused(world):
    appeal = world.asked()
    assert "decide" in steps.available(appeal, world.head)
    assert "decide" not in steps.available(appeal, world.executor)
    assert steps.available(appeal, world.auditor) == frozenset()
    signed = world.signed()
    assert {"send", "withdraw"} <= steps.available(signed, world.clerk)
    assert "send" not in steps.available(signed, world.executor)


STATES = ["registered", "classified", "assigned", "drafted", "asked", "approved", "frozen", "signed"]


@pytest.mark.parametrize("state", STATES)
def test_every_check_answers_for_everybody_in_every_state(world, state):
    made = getattr(world, state)()
    appeal = made if isinstance(made, Appeal) else made.appeal
    for user in (world.clerk, world.executor, world.head, world.signer, world.auditor, world.stranger):
        for step, check in steps.CHECKS.items():
            try:
                check(appeal, user)
            except DomainError:
                assert not steps.can(step, appeal, user)
            else:
                assert steps.can(step, appeal, user)
