"""An answer goes only by a way the law allows for that form of the appeal; the refusal names the article."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import answer_ways, defaults, dispatch, drafting, ways
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import AnswerRule, Appeal, ForeignMailRule
from otklik.core.models import JournalEntry, Regime
from otklik.correspondence.models import ContactPoint, OutgoingMessage
from tests.appeals.conftest import World

MAIL = {"answer_channel": "email", "answer_address": "ivanova@citizen.ru"}
POST = {"answer_channel": "post", "answer_address": "630000, г. Новосибирск, ул. Выдуманная, д. 1"}


def _electronic(world: World, **changes: str) -> Appeal:
    facts = {"regime": Regime.objects.get(code="59fz"), "contact_point": ContactPoint.objects.get(code="site-form")}
    from otklik.appeals import registration

    message = world.message(channel="website", sender_address="ivanova@citizen.ru")
    return registration.register(message, world.email_entry(**facts, **MAIL | changes), by=world.clerk)


def test_a_paper_appeal_is_answered_by_post_and_mail_is_refused_with_the_article(world: World) -> None:
    appeal = world.signed()
    Appeal.objects.filter(pk=appeal.pk).update(**MAIL)
    with pytest.raises(answer_ways.WayRefused, match=r"ст\. 10 ч\. 4.*основной: почта"):
        dispatch.send(world.again(appeal), by=world.clerk)
    assert not OutgoingMessage.objects.filter(kind="answer").exists()
    Appeal.objects.filter(pk=appeal.pk).update(**POST)
    assert dispatch.send(world.again(appeal), by=world.clerk).message.channel == "post"


def test_an_electronic_appeal_goes_by_mail_and_on_paper_only_after_it_did_not_arrive(world: World) -> None:
    appeal = world.signed(_electronic(world))
    message = dispatch.send(appeal, by=world.clerk).message
    appeal = world.again(appeal)
    with pytest.raises(answer_ways.WayRefused, match="не доставлено"):
        dispatch.send_another_way(appeal, channel="post", address=POST["answer_address"], by=world.clerk)
    OutgoingMessage.objects.filter(pk=message.pk).update(state="failed")
    row = dispatch.send_another_way(appeal, channel="post", address=POST["answer_address"], by=world.clerk)
    assert row.message.channel == "post"


def test_regimes_and_forms_without_rules_are_answered_as_the_applicant_asks(world: World) -> None:
    today = timezone.localdate()
    assert answer_ways.rules_of(world.registered_email(), today) == []
    answer_ways.check(world.registered_email(), "post", "Новосибирск", on=today)


def test_a_rule_counts_from_its_day_and_ends_the_one_before(world: World) -> None:
    today, law = timezone.localdate(), Regime.objects.get(code="59fz")
    with pytest.raises(NotAllowed):
        answer_ways.add(
            regime=law, form="paper", channel="email", standing="main", basis="x", valid_from=today, by=world.executor
        )
    row = answer_ways.add(
        regime=law,
        form="paper",
        channel="email",
        standing="main",
        basis="Новый закон",
        valid_from=today,
        by=world.clerk,
    )
    appeal = world.registered()
    answer_ways.check(appeal, "email", "a@b.ru", on=today)
    with pytest.raises(answer_ways.WayRefused):
        answer_ways.check(appeal, "email", "a@b.ru", on=today - timedelta(days=1))
    with pytest.raises(answer_ways.WrongRule, match="раньше начала"):
        answer_ways.end(row, last_day=today - timedelta(days=1), by=world.clerk)
    answer_ways.end(row, last_day=today, by=world.clerk)
    assert JournalEntry.objects.filter(action__startswith="ways.").count() == 2
    before = AnswerRule.objects.count()
    defaults.load()
    assert AnswerRule.objects.count() == before


@pytest.mark.parametrize(
    ("address", "ours"),
    [("a@mail.ru", True), ("a@почта.рф", True), ("a@gmail.com", False), ("a@b.xn--p1ai", True), ("a@ru.com", False)],
)
def test_what_a_russian_domain_is(address: str, ours: bool) -> None:
    assert answer_ways.is_russian(address) is ours


def test_foreign_mail_is_warned_of_by_default_then_forbidden_then_not_asked_by_dated_rules(world: World) -> None:
    today, appeal = timezone.localdate(), world.registered_email()
    rule = answer_ways.foreign("email", "a@gmail.com", on=today)
    assert rule is not None
    assert rule.mode == ForeignMailRule.Mode.WARN
    answer_ways.check(appeal, "email", "a@gmail.com", on=today)
    answer_ways.keep_foreign(mode="forbid", basis="Приказ № 1", valid_from=today, by=world.clerk)
    with pytest.raises(answer_ways.ForeignAddress, match="Приказ № 1"):
        answer_ways.check(appeal, "email", "a@gmail.com", on=today)
    answer_ways.check(appeal, "email", "a@gmail.com", on=today - timedelta(days=1))
    answer_ways.keep_foreign(mode="off", basis="Отменён", valid_from=today + timedelta(days=1), by=world.clerk)
    answer_ways.check(appeal, "email", "a@gmail.com", on=today + timedelta(days=1))
    with pytest.raises(answer_ways.WrongRule, match="уже есть"):
        answer_ways.keep_foreign(mode="off", basis="Ещё", valid_from=today, by=world.clerk)


def test_mail_is_a_copy_of_an_answer_on_paper_and_closes_nothing(world: World) -> None:
    appeal = world.signed()
    with pytest.raises(Exception, match="копия"):
        dispatch.send_copy(appeal, channel="email", address="a@b.ru", by=world.clerk)
    answer = dispatch.send(appeal, by=world.clerk).message
    appeal = world.again(appeal)
    copy = dispatch.send_copy(appeal, channel="email", address="a@b.ru", by=world.clerk)
    assert (copy.message.channel, copy.message.files.count()) == ("email", 1)
    assert (world.again(appeal).status, dispatch.current().get().message) == ("sent", answer)
    with pytest.raises(answer_ways.WayRefused):
        dispatch.send_copy(appeal, channel="hotline", address="8 913 123-45-67", by=world.clerk)
    outside = world.again(dispatch.send(world.signed(world.registered_email()), by=world.clerk).answer.appeal)
    with pytest.raises(ways.WrongAddress):
        dispatch.send_copy(outside, channel="post", address="Новосибирск", by=world.clerk)


def test_the_way_is_changed_before_freezing_by_the_law_and_never_after(world: World) -> None:
    appeal = world.drafted()
    with pytest.raises(answer_ways.WayRefused):
        answer_ways.change(appeal, channel="email", address="a@b.ru", by=world.executor)
    answer_ways.change(appeal, channel="post", address="630001, Новосибирск, Новая, 2", by=world.executor)
    assert world.again(appeal).answer_address == "630001, Новосибирск, Новая, 2"
    assert "Новая" not in str(JournalEntry.objects.get(action="appeal.way_changed").data)
    drafting.save(world.again(appeal), text="Договор продлён.", base_version=1, by=world.executor)
    frozen = world.frozen().appeal
    with pytest.raises(Exception, match="отзовите"):
        answer_ways.change(world.again(frozen), channel="post", address="Другой", by=world.executor)
