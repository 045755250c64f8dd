"""п. 35.3: what was promised at a personal reception is signed by who held it: no deputy, no head, no bulk, no API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.api import spec
from otklik.appeals import bulk, dispatch, fixed, handover, releasing, signature
from otklik.appeals.errors import NotAllowed, NotYours
from otklik.appeals.models import Appeal, BulkItem, BulkRun, FixedSigner, FrozenAnswer, Signature
from otklik.core.models import JournalEntry, Regime
from otklik.people.models import Employee, RoleAssignment, Substitution
from tests.appeals.test_signature import _letter, _signature_file

S = Appeal.Status
Ground = FixedSigner.Ground


@pytest.fixture
def promised(world) -> Appeal:
    """Return an approved case whose answer only `world.signer` may sign."""
    appeal = world.approved()
    fixed.fix(appeal, world.signer, why="вёл личный приём 01.12.2026, карточка ЛП-1", by=world.signer)
    return appeal


@pytest.fixture
def waiting(world, promised) -> FrozenAnswer:
    return signature.freeze(promised, signer=world.signer, by=world.executor)


def away(world, *, days: int, from_day: int = 0) -> None:
    """Let the signer be away, another standing in for him."""
    today = timezone.localdate()
    Substitution.objects.create(
        absent=world.signer,
        deputy=world.signer2,
        starts_on=today + timedelta(days=from_day),
        ends_on=today + timedelta(days=days),
    )


def powers_end(world) -> None:
    RoleAssignment.objects.filter(employee=world.signer).update(valid_to=timezone.localdate() - timedelta(days=1))


# Nobody else


def test_nobody_else_is_offered_or_taken_as_the_signer(world, promised):
    assert signature.signers(promised) == [world.signer]
    for other in (world.signer2, world.head):
        with pytest.raises(fixed.SignerIsFixed, match="только"):
            signature.freeze(promised, signer=other, by=world.executor)
        with pytest.raises(fixed.SignerIsFixed):
            signature.check_signer(promised, other, timezone.localdate())
    assert not FrozenAnswer.objects.exists()


def test_history_brought_in_does_not_get_round_it(world, promised):
    with pytest.raises(fixed.SignerIsFixed):
        signature.freeze(promised, signer=world.signer2, by=world.executor, imported=True)


def test_his_deputy_and_the_head_may_not_sign_for_him(world, waiting):
    away(world, days=0)
    deputy = world.fresh(world.signer2)
    appeal = waiting.appeal
    with pytest.raises(NotYours):
        signature.check_can_sign(appeal, deputy)
    with pytest.raises(NotYours):
        signature.sign_ukep(waiting, ContentFile(_signature_file(_letter(waiting))), by=deputy)
    for other in (deputy, world.head):
        with pytest.raises(NotAllowed):
            signature.sign_paper(waiting, ContentFile(b"scan"), signed_on=timezone.localdate(), by=other)
        with pytest.raises(NotAllowed):
            signature.sign_sed(waiting, number="77", signed_on=timezone.localdate(), by=other)
    assert not Signature.objects.exists()


def test_the_very_official_signs(world, waiting):
    row = signature.sign_ukep(waiting, ContentFile(_signature_file(_letter(waiting))), by=world.signer)
    assert (row.signer, row.bound_signer) == (world.signer, world.signer)


def test_a_signature_file_of_another_person_is_refused(world, waiting):
    Employee.objects.filter(pk=world.signer.pk).update(last_name="Иная")
    answer = FrozenAnswer.objects.get()
    with pytest.raises(signature.ukep.BadSignatureFile, match="другой человек"):
        signature.sign_ukep(answer, ContentFile(_signature_file(_letter(answer))), by=world.fresh(world.signer))


def test_no_approval_of_a_head_replaces_his_signature(world, waiting):
    Regime.objects.filter(pk=waiting.appeal.regime_id).update(head_may_approve_dispatch=True)
    answer = FrozenAnswer.objects.get()
    for imported in (False, True):
        with pytest.raises(signature.SignatureWayRefused):
            signature.approve_by_head(answer, by=world.signer, imported=imported)


def test_it_does_not_pass_to_another_with_the_work_of_who_leaves(world, waiting):
    assert waiting.pk not in {one.pk for one in handover.held_by(world.signer).answers}
    letter = signature.prepare_letter(waiting, world.signer2, on=timezone.localdate())
    with pytest.raises(fixed.SignerIsFixed):
        signature.pass_on(waiting, signer=world.signer2, letter=letter, by=world.clerk)


def test_no_bulk_step_signs_and_a_bulk_dispatch_of_anothers_signature_is_refused(world, waiting):
    known = {BulkRun.Action.ASSIGN, BulkRun.Action.SEND, BulkRun.Action.CLOSE, BulkRun.Action.READ}
    assert set(bulk.ACTIONS) == known
    signature.sign_ukep(waiting, ContentFile(_signature_file(_letter(waiting))), by=world.signer)
    # Somebody has changed the rows past our doors: the letter does not go out.
    Signature.objects.update(bound_signer=None)
    FrozenAnswer.objects.update(bound_signer=None)
    FrozenAnswer.objects.update(signer=world.signer2)
    with pytest.raises(fixed.SignerIsFixed):
        dispatch.send(Appeal.objects.get(pk=waiting.appeal_id), by=world.clerk)
    run = bulk.at_once(BulkRun.Action.SEND, [waiting.appeal_id], {}, by=world.clerk)
    while bulk.work_next():
        pass
    assert run.items.get().state == BulkItem.State.REFUSED


def test_the_api_has_no_door_that_signs():
    paths = spec.description()["paths"]
    doors = [f"{verb} {path}" for path, verbs in paths.items() for verb in verbs if verb != "get"]
    assert doors
    assert not [one for one in doors if "sign" in one or "freez" in one]


def test_the_table_holds_it_too(world, waiting):
    with pytest.raises(IntegrityError), transaction.atomic():
        FrozenAnswer.objects.filter(pk=waiting.pk).update(signer=world.signer2)
    signature.sign_ukep(waiting, ContentFile(_signature_file(_letter(waiting))), by=world.signer)
    for bad in ({"signer": world.signer2}, {"way": "head"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Signature.objects.update(**bad)


def test_the_page_offers_only_him_and_refuses_another(world, promised):
    client = Client()
    client.force_login(world.executor)
    page = client.get(reverse("workplace:sign", args=[promised.pk])).content.decode()
    assert world.signer.full_name in page
    assert world.signer2.full_name not in page
    client.post(reverse("workplace:freeze", args=[promised.pk]), {"signer": world.signer2.pk})
    assert not FrozenAnswer.objects.exists()


# Released only on its grounds


def test_nobody_releases_him_without_the_power_or_without_a_ground(world, promised):
    with pytest.raises(NotAllowed):
        releasing.release(promised, to=world.signer2, ground=Ground.ABSENT, note="Приказ", by=world.head)
    for ground in (*Ground.values, "", "так удобнее"):
        with pytest.raises(releasing.ReleaseRefused, match="подписывает сам"):
            releasing.release(promised, to=world.signer2, ground=ground, note="Приказ", by=world.signer2)
    assert FixedSigner.objects.get().released_to is None


def test_an_absence_that_ends_before_the_term_or_has_not_begun_is_no_ground(world, promised):
    assert promised.due_on > timezone.localdate() + timedelta(days=3)
    away(world, days=3)
    row = FixedSigner.objects.get()
    assert releasing.grounds(promised, row, on=timezone.localdate()) == []
    Substitution.objects.all().delete()
    away(world, days=90, from_day=2)
    assert releasing.grounds(promised, row, on=timezone.localdate()) == []


def test_an_absence_beyond_the_term_lets_the_head_decide_with_a_ground_in_the_journal(world, promised):
    away(world, days=90)
    head = world.fresh(world.signer2)
    with pytest.raises(releasing.ReleaseRefused, match="подтверждается"):
        releasing.release(promised, to=head, ground=Ground.ABSENT, note=" ", by=head)
    with pytest.raises(releasing.ReleaseRefused, match="не может подписать"):
        releasing.release(promised, to=world.stranger, ground=Ground.ABSENT, note="Приказ № 5", by=head)
    row = releasing.release(promised, to=head, ground=Ground.ABSENT, note="Приказ № 5", by=head)
    assert row.now == head
    entry = JournalEntry.objects.get(action="appeal.signer_released")
    assert (entry.data["was_signer"], entry.data["signer"]) == (world.signer.pk, head.pk)
    appeal = Appeal.objects.get(pk=promised.pk)
    assert signature.signers(appeal) == [head]
    with pytest.raises(fixed.SignerIsFixed):
        signature.freeze(appeal, signer=world.signer, by=world.executor)


def test_powers_that_ended_are_a_ground_and_what_waits_is_frozen_anew(world, waiting):
    powers_end(world)
    appeal = Appeal.objects.get(pk=waiting.appeal_id)
    assert signature.signers(appeal) == []
    with pytest.raises(fixed.FixedSignerUnfit):
        signature.sign_ukep(waiting, ContentFile(_signature_file(_letter(waiting))), by=world.fresh(world.signer))
    releasing.release(appeal, to=world.signer2, ground=Ground.POWERS_ENDED, note="Приказ № 6", by=world.signer2)
    answer = FrozenAnswer.objects.get(withdrawn_at=None)
    assert (answer.signer, answer.bound_signer) == (world.signer2, world.signer2)
    assert FrozenAnswer.objects.filter(withdrawn_at__isnull=False).get().signer == world.signer


def test_a_reception_authority_that_ended_is_a_ground_told_from_above(world, promised):
    yesterday = timezone.localdate() - timedelta(days=1)
    releasing.release(
        promised,
        to=world.signer2,
        ground=Ground.POWERS_ENDED,
        note="Приказ № 7",
        by=world.signer2,
        receives_until=yesterday,
    )
    assert FixedSigner.objects.get().receives_until == yesterday


def test_what_is_signed_already_is_not_released(world, waiting):
    signature.sign_ukep(waiting, ContentFile(_signature_file(_letter(waiting))), by=world.signer)
    powers_end(world)
    with pytest.raises(releasing.ReleaseRefused, match="уже подписан"):
        releasing.release(waiting.appeal, to=world.signer2, ground=Ground.POWERS_ENDED, note="Приказ", by=world.signer2)


def test_a_release_without_a_ground_cannot_be_written(world, promised):
    for bad in (
        {"released_to": world.signer2},
        {"released_to": world.signer, "released_by": world.signer, "released_at": timezone.now(), "ground": "absent"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            FixedSigner.objects.update(**bad)


def test_where_nobody_is_fixed_the_signer_is_chosen_as_before(world):
    appeal = world.approved()
    assert {one.pk for one in signature.signers(appeal)} >= {world.signer.pk, world.signer2.pk}
    with pytest.raises(releasing.ReleaseRefused, match="как обычно"):
        releasing.check_can_decide(appeal, world.signer2)
