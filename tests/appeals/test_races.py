"""Two people press at once: one succeeds, the other is told, nothing is half-done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from otklik.appeals import (
    answer_ways,
    approval,
    assignment,
    bulk,
    dispatch,
    drafting,
    group_steps,
    numbers,
    packages,
    registration,
    routes,
    signature,
)
from otklik.appeals.models import (
    Appeal,
    AppealMessage,
    Approval,
    AwaitedApproval,
    BulkItem,
    BulkRun,
    Dispatch,
    Forwarding,
    FrozenAnswer,
    Signature,
)
from otklik.core import files, journal
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.correspondence.models import IncomingMessage, OutgoingMessage
from otklik.people.models import Applicant, Employee
from tests.appeals.conftest import World
from tests.appeals.test_group_steps import asked
from tests.appeals.test_law_terms import _forwarded as forwarded
from tests.appeals.test_signature import _signature_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions in threads that start together; return what each gave or raised."""
    barrier, results = threading.Barrier(len(actions)), [None] * len(actions)

    def run(place: int, action: Callable[[], Any]) -> None:
        try:
            barrier.wait(timeout=20)
            results[place] = action()
        except Exception as exc:
            results[place] = exc
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def _one_won(results: list[Any]) -> None:
    refused = [one for one in results if isinstance(one, Exception)]
    assert len(refused) == len(results) - 1, results
    assert all(isinstance(one, DomainError) for one in refused), results


def test_two_clerks_register_one_message(world):
    message, entry = world.message(), world.entry()
    clerks = [Employee.objects.get(pk=one.pk) for one in (world.clerk, world.clerk2)]
    copies = [IncomingMessage.objects.get(pk=message.pk) for _ in clerks]
    results = at_once(
        *(lambda c=copy, by=by: registration.register(c, entry, by=by) for copy, by in zip(copies, clerks, strict=True))
    )
    _one_won(results)
    assert Appeal.objects.count() == AppealMessage.objects.count() == Applicant.objects.count() == 1
    assert Appeal.objects.get().number.endswith("000001")
    assert world.registered().number.endswith("000002")
    assert journal.verify() == []


def test_two_clerks_type_one_sed_number(world):
    entry = world.entry(sed_number="01-15/9")
    messages = [world.message(), world.message()]
    results = at_once(*(lambda m=m: registration.register(m, entry, by=world.fresh(world.clerk)) for m in messages))
    _one_won(results)
    assert Appeal.objects.count() == 1
    assert sorted(IncomingMessage.objects.values_list("state", flat=True)) == ["new", "registered"]


def test_two_assigners(world):
    appeal = world.classified()
    other = world.employee("other", "Соколова", world.land, ["executor"])
    tries = [(world.clerk, world.executor), (world.clerk2, other)]
    copies = [(world.again(appeal), world.fresh(by), executor) for by, executor in tries]
    results = at_once(
        *(lambda a=a, by=by, e=e: assignment.assign(a, unit=world.land, executor=e, by=by) for a, by, e in copies)
    )
    _one_won(results)
    winner = tries[0 if not isinstance(results[0], Exception) else 1]
    assert world.again(appeal).executor == winner[1]


def test_two_signers(world):
    answer = world.frozen()
    today = timezone.localdate()
    copies = [FrozenAnswer.objects.select_related("appeal", "signer").get(pk=answer.pk) for _ in range(2)]
    people = [world.fresh(world.clerk), world.fresh(world.clerk2)]
    results = at_once(
        *(
            lambda a=a, by=by, n=n: signature.sign_sed(a, number=str(n), signed_on=today, by=by)
            for n, (a, by) in enumerate(zip(copies, people, strict=True))
        )
    )
    _one_won(results)
    assert Signature.objects.count() == 1
    assert world.again(answer.appeal).status == Appeal.Status.SIGNED


def test_two_writers_save_from_one_version_and_the_loser_keeps_his_text(world):
    appeal = world.drafted()
    copies = [(world.again(appeal), world.fresh(one), text) for one, text in ((world.executor, "а"), (world.head, "б"))]
    results = at_once(*(lambda a=a, by=by, t=t: drafting.save(a, text=t, base_version=1, by=by) for a, by, t in copies))
    _one_won(results)
    conflict = next(one for one in results if isinstance(one, drafting.DraftConflict))
    assert {conflict.mine, conflict.theirs} == {"а", "б"}
    assert drafting.draft_of(appeal).text == conflict.theirs


def test_numbers_have_no_gaps_and_no_doubles_under_threads_some_of_which_roll_back(world):
    today = timezone.localdate()
    taken: list[str] = []

    class Undone(Exception):
        pass

    def take(fail: bool) -> None:
        for turn in range(5):
            try:
                with transaction.atomic():
                    number = numbers.next_number(today)
                    if fail and turn % 2:
                        raise Undone
            except Undone:
                continue
            taken.append(number)

    results = at_once(*(lambda fail=fail: take(fail) for fail in (False, True, False, True)))
    assert results == [None] * 4
    assert len(taken) == 16
    assert sorted(int(number[-6:]) for number in taken) == list(range(1, 17))


def test_two_approvers_of_one_turn_ask_the_next_turn_once(world):
    stops = [routes.Stop(1, world.signer), routes.Stop(1, world.signer2), routes.Stop(2, world.head)]
    today = timezone.localdate()
    facts = {"name": "Земля", "regime": None, "unit": None, "valid_from": today, "valid_to": None}
    route = routes.keep(None, **facts, stops=stops, by=world.clerk)
    appeal = world.drafted()
    approval.ask(appeal, route=route, by=world.executor)
    rows = [(approval.decision_of(world.again(appeal), one), one) for one in (world.signer, world.signer2)]
    results = at_once(*(lambda row=row, by=by: approval.approve(row, by=world.fresh(by)) for row, by in rows))
    assert not [one for one in results if isinstance(one, Exception)], results
    assert Approval.objects.filter(approver=world.head).count() == 1
    assert not AwaitedApproval.objects.exists()


def test_one_decision_made_twice_at_once(world):
    appeal = world.asked()
    copies = [approval.decision_of(world.again(appeal), world.head) for _ in range(2)]
    results = at_once(
        lambda: approval.approve(copies[0], by=world.fresh(world.head)),
        lambda: approval.give_back(copies[1], remark="Нет", by=world.fresh(world.head)),
    )
    _one_won(results)
    assert world.again(appeal).status in (Appeal.Status.APPROVAL, Appeal.Status.DRAFTING)


def test_two_send_one_answer(world):
    appeal = world.signed()
    copies = [(world.again(appeal), world.fresh(by)) for by in (world.clerk, world.clerk2)]
    _one_won(at_once(*(lambda a=a, by=by: dispatch.send(a, by=by) for a, by in copies)))
    assert Dispatch.objects.count() == 1
    assert OutgoingMessage.objects.filter(kind="answer").count() == 1


def test_a_signature_is_brought_while_the_answer_is_withdrawn(world):
    answer = world.frozen()
    copies = [FrozenAnswer.objects.select_related("appeal", "signer").get(pk=answer.pk) for _ in range(2)]
    raw = _signature_file(files.path_of(answer.letter).read_bytes())
    results = at_once(
        lambda: signature.sign_ukep(copies[0], ContentFile(raw, "1.sig"), by=world.fresh(world.signer)),
        lambda: signature.withdraw(copies[1], by=world.fresh(world.clerk)),
    )
    _one_won(results)
    signed = Signature.objects.exists()
    assert world.again(answer.appeal).status == (Appeal.Status.SIGNED if signed else Appeal.Status.DRAFTING)


def test_two_bring_the_same_package_of_signatures(world):
    answers = [world.frozen() for _ in range(3)]
    raws = [_signature_file(files.path_of(one.letter).read_bytes()) for one in answers]
    results = at_once(
        *(
            lambda by=by: packages.take(
                [ContentFile(raw, f"{n}.sig") for n, raw in enumerate(raws)], by=world.fresh(by)
            )
            for by in (world.clerk, world.signer)
        )
    )
    assert not [one for one in results if isinstance(one, Exception)], results
    assert Signature.objects.count() == 3
    assert sum(one.answer is not None for taken in results for one in taken) == 3


def test_the_way_is_changed_while_the_answer_is_frozen(world):
    appeal = world.approved()
    copies = [world.again(appeal), world.again(appeal)]
    results = at_once(
        lambda: signature.freeze(copies[0], signer=world.signer, by=world.fresh(world.executor)),
        lambda: answer_ways.change(copies[1], channel="post", address="630001, Новая", by=world.fresh(world.clerk)),
    )
    _one_won(results)
    assert journal.verify() == []


def test_workers_share_a_run_and_do_each_appeal_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    appeals = [world.classified().pk for _ in range(8)]
    run = bulk.prepare("assign", appeals, by=world.clerk)
    run.items.update(state=BulkItem.State.FITS)
    BulkRun.objects.filter(pk=run.pk).update(
        state=BulkRun.State.RUNNING, params={"executor": world.executor.pk, "unit": world.land.pk}
    )

    def work() -> None:
        while BulkRun.objects.filter(state=BulkRun.State.RUNNING).exists():
            bulk.work_next()

    assert at_once(work, work) == [None, None]
    assert bulk.numbers(run) == {BulkItem.State.DONE: 8}
    lines = JournalEntry.objects.filter(action="appeal.assigned").values_list("chain", flat=True)
    assert sorted(lines) == sorted(f"appeal:{pk}" for pk in appeals)


def test_a_clerk_sends_while_a_bulk_step_sends_the_same_answer(world: World) -> None:
    signed = world.signed()
    run = bulk.at_once(BulkRun.Action.SEND, [signed.pk], {}, by=world.clerk)
    mine, by = world.again(signed), world.fresh(world.clerk2)
    results = at_once(lambda: dispatch.send(mine, by=by), bulk.work_next)
    assert Dispatch.objects.count() == 1
    assert OutgoingMessage.objects.filter(kind="answer").count() == 1
    item = run.items.get()
    assert isinstance(results[0], DomainError) == (item.state == BulkItem.State.DONE), (results, item.why)
    assert journal.verify() == []


def test_one_approves_all_of_a_group_while_another_gives_one_of_it_back(world: World) -> None:
    appeals = asked(world)
    rows = [approval.decision_of(world.again(one), world.head) for one in appeals[:2]]
    others = [one.pk for one in appeals[1:]]
    results = at_once(
        lambda: group_steps.approve_each(rows[0], others, by=world.fresh(world.head)),
        lambda: approval.give_back(rows[1], remark="Ему — о другом.", by=world.fresh(world.head)),
    )
    assert not isinstance(results[0], Exception), results
    back = not isinstance(results[1], Exception)
    assert world.again(appeals[1]).status == (Appeal.Status.DRAFTING if back else Appeal.Status.APPROVAL)
    assert (appeals[1].number in results[0].done) != back
    assert {appeals[0].number, appeals[2].number} <= set(results[0].done)
    assert journal.verify() == []


def test_one_assigns_while_another_forwards(world: World) -> None:
    appeal = world.classified()
    copies = [world.again(appeal), world.again(appeal)]
    results = at_once(
        lambda: assignment.assign(copies[0], unit=world.land, executor=world.executor, by=world.fresh(world.clerk2)),
        lambda: forwarded(world, copies[1]),
    )
    _one_won(results)
    gone = Forwarding.objects.exists()
    assert world.again(appeal).status == (Appeal.Status.CLOSED if gone else Appeal.Status.ASSIGNED)
    assert OutgoingMessage.objects.filter(kind="notice").exists() == gone
