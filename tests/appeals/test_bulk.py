"""One step over many appeals: the trial tells the truth, one refusal stops no other, all of it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from otklik.appeals import assignment, bulk, dispatch
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, BulkItem, BulkRun
from otklik.core.models import JournalEntry
from tests.appeals.conftest import World
from tests.desk import desk

pytestmark = pytest.mark.django_db

Run, Item = BulkRun.State, BulkItem.State


@pytest.fixture
def world(db: None) -> World:
    return World()


def work() -> None:
    while bulk.work_next():
        pass


def tried(world: World, action: str, appeals: list[Appeal], **params: Any) -> BulkRun:
    run = bulk.prepare(action, [one.pk for one in appeals], by=world.clerk)
    bulk.check(run, params)
    work()
    run.refresh_from_db()
    return run


def done(world: World, action: str, appeals: list[Appeal], **params: Any) -> BulkRun:
    run = tried(world, action, appeals, **params)
    bulk.begin(run)
    work()
    run.refresh_from_db()
    return run


def to_land(world: World) -> dict[str, int]:
    return {"executor": world.executor.pk, "unit": world.land.pk}


def state(appeal: Appeal) -> tuple[Any, ...]:
    row = Appeal.objects.get(pk=appeal.pk)
    helpers = sorted(row.helpers.values_list("employee", flat=True))
    return row.status, row.unit_id, row.executor_id, row.internal_due_on, row.closed_on, row.unseen_reply, helpers


def test_a_trial_changes_nothing_and_tells_which_will_be_refused_and_why(world: World) -> None:
    fit, unfit = world.classified(), world.registered()
    before, journal = [state(fit), state(unfit)], JournalEntry.objects.count()
    run = tried(world, "assign", [fit, unfit], **to_land(world))
    assert run.state == Run.CHECKED
    assert [state(fit), state(unfit)] == before
    assert JournalEntry.objects.count() == journal
    items = {item.appeal_id: item for item in run.items.all()}
    assert items[fit.pk].state == Item.FITS
    assert items[unfit.pk].state == Item.UNFIT
    assert "подтвердите тему" in items[unfit.pk].why


def test_what_the_trial_promised_is_done_and_each_appeal_has_its_own_journal_line(world: World) -> None:
    appeals = [world.classified() for _ in range(3)]
    run = done(world, "assign", [*appeals, world.registered()], **to_land(world))
    assert run.state == Run.DONE
    assert bulk.numbers(run) == {Item.DONE: 3, Item.UNFIT: 1}
    for appeal in appeals:
        assert Appeal.objects.get(pk=appeal.pk).executor == world.executor
        last = JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}").latest("seq")
        assert (last.action, last.actor) == ("appeal.assigned", world.clerk)


def test_what_changed_between_trial_and_work_is_refused_then_and_the_others_are_done(world: World) -> None:
    first, second = world.classified(), world.classified()
    run = tried(world, "assign", [first, second], **to_land(world))
    Appeal.objects.filter(pk=first.pk).update(status=Appeal.Status.SIGNED)
    bulk.begin(run)
    work()
    assert bulk.numbers(run) == {Item.REFUSED: 1, Item.DONE: 1}
    assert Appeal.objects.get(pk=second.pk).executor == world.executor


def assigned_anew(world: World) -> Appeal:
    return world.assigned()


def never_assigned(world: World) -> Appeal:
    return world.classified()


@pytest.mark.parametrize("make", [assigned_anew, never_assigned])
def test_undoing_puts_every_assignment_back_as_it_was(world: World, make: Callable[[World], Appeal]) -> None:
    appeal = make(world)
    before = state(appeal)
    run = done(world, "assign", [appeal], executor=world.helper.pk, unit=world.law.pk)
    assert state(appeal) != before
    bulk.undo(run)
    work()
    run.refresh_from_db()
    assert run.state == Run.UNDONE
    assert state(appeal) == before


def test_undoing_a_closing_and_a_reading_puts_them_back(world: World) -> None:
    sent = dispatch.send(world.signed(), by=world.clerk).answer.appeal
    dispatch.Dispatch.objects.get().message.__class__.objects.update(state="sent")
    Appeal.objects.filter(pk=sent.pk).update(unseen_reply=True)
    for action in ("read", "close"):
        before = state(sent)
        run = done(world, action, [sent])
        assert bulk.numbers(run) == {Item.DONE: 1}, list(run.items.values_list("why", flat=True))
        assert state(sent) != before
        if action == "close":
            bulk.undo(run)
            work()
            assert state(sent) == before
    run = BulkRun.objects.get(action="read")
    bulk.undo(run)
    work()
    assert "уже работали" in run.items.get().why  # closed and opened again since


def test_an_appeal_somebody_went_on_with_is_not_undone(world: World) -> None:
    touched, quiet = world.classified(), world.classified()
    run = done(world, "assign", [touched, quiet], **to_land(world))
    assignment.assign(world.again(touched), unit=world.law, executor=world.helper, by=world.clerk)
    bulk.undo(run)
    work()
    assert bulk.numbers(run) == {Item.KEPT: 1, Item.UNDONE: 1}
    assert Appeal.objects.get(pk=touched.pk).executor == world.helper


def test_a_run_can_be_stopped_and_what_was_done_undone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    appeals = [world.classified(), world.classified()]
    run = tried(world, "assign", appeals, **to_land(world))
    bulk.begin(run)
    bulk.work_next()
    bulk.stop(run)
    work()
    assert bulk.numbers(run) == {Item.DONE: 1, Item.FITS: 1}
    bulk.undo(run)
    work()
    assert bulk.numbers(run) == {Item.UNDONE: 1, Item.FITS: 1}


def test_a_defect_of_ours_at_one_appeal_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = world.classified(), world.classified()
    run = tried(world, "assign", [broken, sound], **to_land(world))
    real = assignment.assign

    def assign(appeal: Appeal, **given: Any) -> None:
        if appeal.pk == broken.pk:
            raise ZeroDivisionError
        real(appeal, **given)

    monkeypatch.setattr(assignment, "assign", assign)
    bulk.begin(run)
    work()
    assert bulk.numbers(run) == {Item.REFUSED: 1, Item.DONE: 1}
    assert "ошибки системы" in run.items.get(state=Item.REFUSED).why
    assert Appeal.objects.get(pk=broken.pk).executor is None


def killed(*_: Any, **__: Any) -> None:
    raise SystemExit


def test_a_killed_worker_leaves_its_appeal_to_the_next_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    appeal = world.classified()
    run = tried(world, "assign", [appeal], **to_land(world))
    bulk.begin(run)
    with monkeypatch.context() as patch:
        patch.setattr(assignment, "assign", killed)
        with pytest.raises(SystemExit), transaction.atomic():
            bulk.work_next()
    assert bulk.numbers(run) == {Item.FITS: 1}
    work()
    assert bulk.numbers(run) == {Item.DONE: 1}


def test_a_step_over_one_more_appeal_asks_little_more(world: World) -> None:
    """What a portion shares is asked once: the journal's chains, the index, who is assigned."""
    asked: dict[tuple[str, int], int] = {}
    for many in (2, 12):
        run = bulk.prepare("assign", [world.classified().pk for _ in range(many)], by=world.clerk)
        bulk.check(run, to_land(world))
        for step in ("tried", "done"):
            with CaptureQueriesContext(connection) as queries:
                bulk.work_next()
            asked[step, many] = len(queries)
            work()
            if step == "tried":
                bulk.begin(BulkRun.objects.get(pk=run.pk))
        assert bulk.numbers(run) == {Item.DONE: many}
    each = {step: (asked[step, 12] - asked[step, 2]) / 10 for step in ("tried", "done")}
    assert each["tried"] <= 10, each
    assert each["done"] <= 9, each


def test_two_presses_begin_once(world: World) -> None:
    run = tried(world, "assign", [world.classified()], **to_land(world))
    again = BulkRun.objects.get(pk=run.pk)
    bulk.begin(run)
    with pytest.raises(bulk.NotNow):
        bulk.begin(again)
    assert JournalEntry.objects.filter(action="bulk.begun").count() == 1


def test_nobody_takes_what_he_may_not_see_or_do(world: World) -> None:
    mine, other = world.assigned(), world.registered()
    run = bulk.prepare("read", [mine.pk, other.pk], by=world.executor)
    assert list(run.items.values_list("appeal", flat=True)) == [mine.pk]
    with pytest.raises(NotAllowed):
        bulk.prepare("close", [mine.pk], by=world.executor)
    with pytest.raises(bulk.NothingChosen):
        bulk.prepare("read", [other.pk], by=world.executor)
    assert BulkRun.objects.count() == 1


def test_an_appeal_given_to_others_meanwhile_is_refused_in_words_and_the_rest_are_done(world: World) -> None:
    kept, given_away = world.assigned(), world.assigned()
    Appeal.objects.update(unseen_reply=True)
    run = bulk.prepare("read", [kept.pk, given_away.pk], by=world.executor)
    run.items.update(state=Item.FITS)
    BulkRun.objects.update(state=Run.RUNNING)
    assignment.assign(given_away, unit=world.land, executor=world.head, by=world.clerk)
    work()
    assert "больше не видно" in run.items.get(appeal=given_away, state=Item.REFUSED).why
    assert run.items.get(appeal=kept).state == Item.DONE
    assert Appeal.objects.get(pk=given_away.pk).unseen_reply


# ---------- On the page ----------


def test_a_clerk_assigns_a_whole_list_sees_the_refusals_and_takes_it_back(world: World) -> None:
    appeals = [world.classified() for _ in range(3)]
    refused, alike = world.registered(), world.registered()
    client = desk(world.clerk)
    queue = client.get(reverse("workplace:queue") + "?view=all").content.decode()
    assert queue.count("row-tick") == 5
    given = {"action": "assign", "scope": "all", "query": "view=all"}
    page = client.post(reverse("workplace:bulk_begin"), given).url
    assert client.post(page, {"do": "check"}).status_code == 422
    client.post(page, {"do": "check", "executor": world.executor.pk})
    assert "hx-get" in client.get(page).content.decode()
    work()
    shown = client.get(page).content.decode()
    assert "Получится: 3 из 5" in shown
    assert refused.number in shown
    assert alike.number in shown
    assert "<strong>2</strong>" in shown, "a reason many have is told once with their number"
    assert "Обновите карточку" not in shown
    client.post(page, {"do": "begin"})
    work()
    assert "Сделано: 3 из 5" in client.get(page).content.decode()
    assert {Appeal.objects.get(pk=one.pk).executor for one in appeals} == {world.executor}
    client.post(page, {"do": "undo"})
    work()
    assert "Отменено: 3" in client.get(page).content.decode()
    assert {Appeal.objects.get(pk=one.pk).executor for one in appeals} == {None}


def test_ticked_rows_alone_are_taken_and_nothing_ticked_is_said_in_words(world: World) -> None:
    first, _ = world.classified(), world.classified()
    client = desk(world.clerk)
    given = {"action": "assign", "scope": "chosen", "query": "view=all"}
    refusal = client.post(reverse("workplace:bulk_begin"), given)
    assert refusal.status_code == 422
    assert "Отметьте строки" in refusal.content.decode()
    client.post(reverse("workplace:bulk_begin"), given | {"appeal": [first.pk]})
    assert list(BulkItem.objects.values_list("appeal", flat=True)) == [first.pk]


def test_a_run_is_its_owners_alone(world: World) -> None:
    run = bulk.prepare("assign", [world.classified().pk], by=world.clerk)
    url = reverse("workplace:bulk_run", args=[run.pk])
    assert desk(world.clerk2).get(url).status_code == 404
    assert desk(world.clerk2).post(url, {"do": "check", "executor": world.executor.pk}).status_code == 404
    assert desk(world.auditor).get(url).status_code in (403, 404)
    run.refresh_from_db()
    assert run.state == Run.NEW
