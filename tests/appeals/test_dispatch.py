"""The answer leaves by the applicant's channel, once; a case ends only when nothing waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import approval, dispatch, drafting, queues, registration, signature, steps, transitions, ways
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Appeal, Dispatch
from otklik.core import files
from otklik.correspondence import delivery
from otklik.correspondence.channel import Parsed
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from otklik.surveys.models import Invitation

S = Appeal.Status
State = OutgoingMessage.State


def _sent(world, appeal=None):
    appeal = world.signed(appeal)
    return dispatch.send(appeal, by=world.clerk).message


def test_an_email_answer_continues_the_thread_and_carries_the_letter(world):
    appeal = world.signed(world.registered_email())
    message = dispatch.send(appeal, by=world.clerk).message
    assert (message.channel, message.recipient) == (ChannelCode.EMAIL, "ivanova@citizen.example")
    assert message.in_reply_to == "<letter@citizen.example>"
    assert message.references[-1] == "<letter@citizen.example>"
    assert message.thread == appeal.thread
    assert message.subject == f"Ответ на сообщение № {message.thread.appeal.number}"
    assert "Договор продлён." in message.text
    assert message.files.get().name == f"Ответ {appeal.number}.pdf"
    assert message.not_before > timezone.now()
    appeal = world.again(appeal)
    assert (appeal.status, appeal.answered_on) == (S.SENT, timezone.localdate())


def test_a_second_answer_refers_to_the_letter_it_answers_and_not_to_a_machines(world):
    first = _sent(world, world.registered_email())
    appeal = world.again(first.thread.appeal)
    OutgoingMessage.objects.filter(pk=first.pk).update(state=State.SENT)
    reply = world.email(message_id="<second@citizen.example>", subject="Re: Продление договора аренды")
    chain = ["<letter@citizen.example>", first.message_id]
    IncomingMessage.objects.filter(pk=reply.pk).update(references=chain)
    registration.join(reply, appeal, by=world.clerk)
    away = world.email(message_id="<away@citizen.example>", subject="Меня нет")
    registration.join(away, appeal, by=world.clerk)
    IncomingMessage.objects.filter(pk=away.pk).update(machine="auto")
    registration.seen_reply(appeal, by=world.executor)
    draft = drafting.reopen(world.again(appeal), by=world.executor)
    drafting.save(world.again(appeal), text="Уточняем.", base_version=draft.version, by=world.executor)
    approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)
    approval.approve(approval.decision_of(world.again(appeal), world.head), by=world.head)
    answer = signature.freeze(world.again(appeal), signer=world.signer, by=world.executor)
    signature.sign_sed(answer, number="2", signed_on=timezone.localdate(), by=world.clerk)
    second = dispatch.send(world.again(appeal), by=world.clerk).message
    assert second.in_reply_to == "<second@citizen.example>"
    assert second.references == [*chain, "<second@citizen.example>"]
    assert second.subject == f"Ответ на сообщение № {second.thread.appeal.number}"


def test_a_post_written_small_stands_capital_under_the_letter(world):
    type(world.signer).objects.filter(pk=world.signer.pk).update(post="начальник отдела")
    world.signer.refresh_from_db()
    message = _sent(world, world.registered_email())
    assert "\nНачальник отдела\n" in message.text


def test_the_invitation_to_rate_is_in_the_letter_and_nothing_in_it_names_the_appeal(world):
    appeal = world.signed(world.registered_email())
    message = dispatch.send(appeal, by=world.clerk).message
    token = Invitation.objects.get().token
    assert f"/feedback/{token}/" in message.text
    assert appeal.number not in f"/feedback/{token}/"


def test_a_letter_by_post_waits_for_a_person(world):
    assert _sent(world).state == State.BY_HAND


def test_a_site_message_without_email_is_answered_on_the_status_page(world):
    from otklik.correspondence.models import ContactPoint

    point = ContactPoint.objects.get(code="site-form")
    message = world.message(channel=ChannelCode.WEBSITE)
    entry = world.email_entry(contact_point=point, answer_channel=ChannelCode.WEBSITE, answer_address="")
    appeal = registration.register(message, entry, by=world.clerk)
    assert _sent(world, appeal).channel == ChannelCode.WEBSITE


def test_an_answer_goes_another_way_only_to_where_it_can_arrive(world, trace):
    message = _sent(world, world.registered_email())
    OutgoingMessage.objects.filter(pk=message.pk).update(state=State.FAILED)
    appeal = world.again(message.thread.appeal)
    before = trace()
    for channel, address in (("email", "не адрес"), ("hotline", "12")):
        with pytest.raises(ways.WrongAddress):
            dispatch.send_another_way(appeal, channel=channel, address=address, by=world.clerk)
    assert trace() == before
    assert dispatch.send_another_way(appeal, channel="email", address="a@b.example", by=world.clerk).message.pk


def test_the_ukep_file_or_the_scan_goes_with_the_letter(world):
    answer = world.frozen(world.registered_email())
    scan = files.store(b"%PDF-1.4 scan", name="scan.pdf")
    signature.sign_paper(answer, scan, signed_on=timezone.localdate(), by=world.clerk)
    message = dispatch.send(world.again(answer.appeal), by=world.clerk).message
    assert message.files.get().stored == scan


def test_only_a_signed_answer_is_sent_and_only_by_who_may(world, trace):
    frozen = world.frozen().appeal
    signed = world.signed()
    before = trace()
    with pytest.raises(transitions.MoveRefused):
        dispatch.send(frozen, by=world.clerk)
    with pytest.raises(NotAllowed):
        dispatch.send(signed, by=world.executor)
    assert trace() == before
    assert not OutgoingMessage.objects.filter(kind="answer").exists()


def test_a_button_pressed_twice_says_that_it_is_done_already(world):
    appeal = world.signed()
    dispatch.send(appeal, by=world.clerk)
    with pytest.raises(transitions.AlreadyThere, match="уже в состоянии «ответ отправлен»") as told:
        dispatch.send(world.again(appeal), by=world.clerk2)
    assert "нельзя перейти" not in str(told.value)
    assert OutgoingMessage.objects.filter(kind="answer").count() == 1


def test_nothing_is_sent_when_the_stored_letter_is_not_the_signed_one(world, trace):
    appeal = world.signed()
    path = files.path_of(signature.frozen_of(appeal).letter)
    path.chmod(0o600)
    path.write_bytes(b"%PDF-1.7 another")
    before = trace()
    with pytest.raises(signature.FrozenAnswerChanged):
        dispatch.send(appeal, by=world.clerk)
    assert trace() == before
    assert world.again(appeal).status == S.SIGNED


def test_a_sent_answer_can_be_taken_back_while_it_waits_and_sent_again(world):
    appeal = world.signed(world.registered_email())
    first = dispatch.send(appeal, by=world.clerk).message
    dispatch.undo(world.again(appeal), by=world.clerk)
    first.refresh_from_db()
    appeal = world.again(appeal)
    assert (first.state, appeal.status, appeal.answered_on) == (State.CANCELLED, S.SIGNED, None)
    second = dispatch.send(appeal, by=world.clerk).message
    assert Dispatch.objects.get().message == second
    assert Invitation.objects.count() == 1


def test_a_letter_that_left_cannot_be_taken_back(world, trace):
    appeal = world.signed(world.registered_email())
    message = dispatch.send(appeal, by=world.clerk).message
    OutgoingMessage.objects.filter(pk=message.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    before = trace()
    with pytest.raises(dispatch.NotSent):
        dispatch.undo(world.again(appeal), by=world.clerk)
    assert trace() == before
    assert world.again(appeal).status == S.SENT


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING])
def test_while_the_answer_is_on_its_way_the_appeal_stays_open(world, trace, state):
    message = _sent(world, world.registered_email())
    OutgoingMessage.objects.filter(pk=message.pk).update(state=state)
    before = trace()
    with pytest.raises(dispatch.NotReadyToClose, match="письмо с ответом"):
        dispatch.close(world.again(message.thread.appeal), reason="", by=world.clerk)
    assert trace() == before
    assert world.again(message.thread.appeal).status == S.SENT


def test_an_answer_that_comes_back_after_the_end_is_counted_and_goes_another_way(world):
    message = _sent(world, world.registered_email())
    OutgoingMessage.objects.filter(pk=message.pk).update(state=State.SENT)
    appeal = world.again(message.thread.appeal)
    dispatch.close(appeal, reason="", by=world.clerk)
    delivery.reported(Parsed("", subject="550", bounce_of=message.message_id, bounce_permanent=True), None)
    assert [row.pk for row in queues.rows(world.clerk, "undelivered").rows] == [appeal.pk]
    assert queues.counters(world.clerk)["undelivered"] == 1
    dispatch.send_another_way(world.again(appeal), channel="email", address="other@citizen.example", by=world.clerk)
    assert world.again(appeal).status == S.CLOSED
    assert queues.counters(world.clerk)["undelivered"] == 0
    again = OutgoingMessage.objects.filter(kind="answer").latest("pk")
    assert (again.recipient, again.state) == ("other@citizen.example", State.QUEUED)


def test_of_two_clerks_who_send_a_set_aside_answer_another_way_one_is_told(world, monkeypatch):
    message = _sent(world, world.registered_email())
    OutgoingMessage.objects.filter(pk=message.pk).update(state=State.FAILED)
    delivery.set_aside(OutgoingMessage.objects.get(pk=message.pk), reason="ящика нет", by=world.clerk)
    appeal = world.again(message.thread.appeal)
    queue, quicker = dispatch._queue, {"channel": "email", "address": "a@citizen.example", "by": world.clerk}

    def meanwhile(*args, **kwargs):
        monkeypatch.setattr(dispatch, "_queue", queue)
        dispatch.send_another_way(world.again(appeal), **quicker)
        return queue(*args, **kwargs)

    monkeypatch.setattr(dispatch, "_queue", meanwhile)
    with pytest.raises(transitions.ChangedMeanwhile):
        dispatch.send_another_way(appeal, channel="email", address="b@citizen.example", by=world.clerk2)
    assert not OutgoingMessage.objects.filter(recipient="b@citizen.example").exists()


def test_an_answered_appeal_closes(world):
    appeal = world.again(_sent(world).thread.appeal)
    dispatch.close(appeal, reason="", by=world.clerk)
    assert (appeal.status, appeal.closed_on) == (S.CLOSED, timezone.localdate())


def test_a_closed_appeal_offers_no_sending_though_its_closing_can_be_taken_back(world):
    appeal = world.again(_sent(world).thread.appeal)
    dispatch.close(appeal, reason="", by=world.clerk)
    assert not {"send", "undo"} & steps.available(world.again(appeal), world.clerk)
    with pytest.raises(transitions.MoveRefused):
        dispatch.send(world.again(appeal), by=world.clerk)


@pytest.mark.parametrize("state", [State.FAILED, State.UNCERTAIN])
def test_an_undelivered_answer_or_an_unread_reply_keeps_the_appeal_open(world, trace, state):
    message = _sent(world, world.registered_email())
    OutgoingMessage.objects.filter(pk=message.pk).update(state=state)
    appeal = world.again(message.thread.appeal)
    before = trace()
    with pytest.raises(dispatch.NotReadyToClose, match="не доставлен"):
        dispatch.close(appeal, reason="", by=world.clerk)
    assert trace() == before
    OutgoingMessage.objects.filter(pk=message.pk).update(state=State.SENT)
    registration.join(world.email(message_id="<r@x.example>"), appeal, by=world.clerk)
    with pytest.raises(dispatch.NotReadyToClose, match="написал ещё"):
        dispatch.close(world.again(appeal), reason="", by=world.clerk)


def test_without_an_answer_an_appeal_closes_only_with_a_reason_and_only_if_none_is_due(world, trace):
    due, to_know = world.registered(), world.registered(needs_answer=False)
    before = trace()
    with pytest.raises(dispatch.NotReadyToClose, match="требует ответа"):
        dispatch.close(due, reason="к сведению", by=world.clerk)
    with pytest.raises(dispatch.NotReadyToClose, match="причину"):
        dispatch.close(to_know, reason=" ", by=world.clerk)
    with pytest.raises(NotAllowed):
        dispatch.close(to_know, reason="к сведению", by=world.executor)
    assert trace() == before
    dispatch.close(to_know, reason="к сведению", by=world.clerk)
    assert (to_know.status, to_know.close_reason) == (S.CLOSED, "к сведению")


def test_a_reply_after_the_answer_gets_a_second_answer_and_the_first_stays(world):
    message = _sent(world, world.registered_email())
    appeal = world.again(message.thread.appeal)
    first = signature.frozen_of(appeal)
    registration.join(world.email(message_id="<r@x.example>"), appeal, by=world.clerk)
    registration.seen_reply(appeal, by=world.executor)
    draft = drafting.reopen(world.again(appeal), by=world.executor)
    appeal = world.again(appeal)
    assert (appeal.status, draft.text, appeal.answered_on) == (S.DRAFTING, "", None)
    assert draft.revisions.filter(text="Договор продлён.").exists()
    first.refresh_from_db()
    signature.verify_frozen(first)
    drafting.save(appeal, text="Уточняем.", base_version=draft.version, by=world.executor)
    approval.ask(appeal, approvers=[world.head], by=world.executor)
    approval.approve(approval.decision_of(appeal, world.head), by=world.head)
    answer = signature.freeze(world.again(appeal), signer=world.signer, by=world.executor)
    signature.sign_sed(answer, number="2", signed_on=timezone.localdate(), by=world.clerk)
    second = dispatch.send(world.again(appeal), by=world.clerk).message
    assert second.pk != message.pk
    assert Dispatch.objects.count() == 2


def test_imported_history_is_sent_without_leaving(world):
    appeal = world.signed(world.registered_email())
    past = timezone.localdate() - timedelta(days=3)
    message = dispatch.send(appeal, by=world.clerk, on=past, imported=True).message
    assert (message.state, message.origin_imported) == (State.SENT, True)
    assert world.again(appeal).answered_on == past
