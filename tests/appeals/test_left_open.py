"""A case is not closed while somebody is still asked for something; with a reason all of it is dropped at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import dispatch, forwarding, inquiries, left_open, outcomes, parts, resolutions
from otklik.appeals.models import HelperPart, Inquiry, InquiryRule, OutcomeKind, Resolution
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.workplace import notices
from otklik.workplace.models import Notice


def _busy(world):
    """Leave an appeal «к сведению» with a resolution, a part and a request that wait."""
    appeal = world.assigned()
    today = timezone.localdate()
    resolutions.write(
        world.again(appeal), text="Проверить", to=world.law, author=world.signer, by=world.clerk,
        due_on=today + timedelta(days=3), control=True,
    )  # fmt: skip
    parts.ask(
        world.again(appeal), [world.helper], what="Сведения о договоре", due_on=today + timedelta(days=2),
        by=world.executor,
    )  # fmt: skip
    inquiries.send(
        world.again(appeal), rule=InquiryRule.objects.get(), body="Росреестр", channel="post",
        address="г. Новосибирск, ул. Державина, 28", text="Просим сообщить.", by=world.executor,
    )  # fmt: skip
    appeal = world.again(appeal)
    appeal.needs_answer = False
    appeal.save(update_fields=["needs_answer"])
    return appeal


def test_closing_is_refused_in_words_while_others_are_asked(world, trace):
    appeal = _busy(world)
    before = trace()
    with pytest.raises(left_open.LeftOpen, match=r"резолюция — .*; часть ответа — .*; запрос сведений — Росреестр"):
        dispatch.close(world.again(appeal), reason="к сведению", by=world.clerk)
    assert trace() == before


def test_with_a_reason_all_is_dropped_and_the_case_closes_both_or_neither(world, trace):
    appeal = _busy(world)
    before = trace()
    with pytest.raises(left_open.NoReason):
        dispatch.drop_and_close(world.again(appeal), why_dropped=" ", reason="к сведению", by=world.clerk)
    with pytest.raises(DomainError):  # closing itself is refused: nothing was dropped
        dispatch.drop_and_close(world.again(appeal), why_dropped="не нужно", reason="", by=world.clerk)
    assert trace() == before
    dispatch.drop_and_close(world.again(appeal), why_dropped="заявитель отозвал", reason="к сведению", by=world.clerk)
    assert world.again(appeal).status == "closed"
    assert Resolution.objects.get().remark == "заявитель отозвал"
    assert not HelperPart.objects.exists()
    assert Inquiry.objects.get().withdrawn_why == "заявитель отозвал"
    entry = JournalEntry.objects.get(action="appeal.left_open_dropped")
    assert (entry.data["resolutions"], entry.data["parts"], entry.data["inquiries"]) == (1, 1, 1)


def test_a_case_without_a_letter_is_closed_the_same_way(world):
    appeal = _busy(world)
    kind = OutcomeKind.objects.get(code="withdrawn")
    outcomes.record(world.again(appeal), kind, outcomes.Given(note="Пришло заявление"), by=world.executor)
    with pytest.raises(left_open.LeftOpen):
        outcomes.close_unanswered(world.again(appeal), by=world.clerk)
    outcomes.close_unanswered(world.again(appeal), why_dropped="отозвано", by=world.clerk)
    assert world.again(appeal).status == "closed"


def test_the_control_day_of_a_forwarding_is_told_until_the_results_are_there(world):
    appeal, today = world.registered(), timezone.localdate()
    body = forwarding.Addressed("Мэрия города Новосибирска", "post", "630099, Новосибирск, Красный проспект, 34")
    row = forwarding.forward(appeal, [body], whole=True, signer=world.signer, by=world.clerk, control_on=today)
    notices.tell_of_help()
    notices.tell_of_help()
    told = Notice.objects.filter(employee=world.clerk, source__startswith="forwarding:")
    assert [one.text for one in told] == ["Сведений по пересланному нет: последний день сегодня"]
    with pytest.raises(forwarding.NothingTold):
        forwarding.told(row, on=today, what=" ", by=world.clerk)
    forwarding.told(row, on=today, what="Мусор вывезен", by=world.clerk)
    with pytest.raises(forwarding.NothingTold, match="уже отмечены"):
        forwarding.told(row, on=today, what="Ещё раз", by=world.clerk)
    told.delete()
    notices.tell_of_help()
    assert not told.exists()
