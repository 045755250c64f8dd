"""Резолюции: who directs, who is assigned by it, and that nothing closes above what is open."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import access, resolutions
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.models import Appeal, Resolution
from otklik.core import journal


def written(world, appeal, to, by, **more):
    return resolutions.write(appeal, text="Рассмотреть и ответить", to=to, by=by, **more).resolution


def test_a_chain_goes_from_head_to_deputy_to_unit_to_executor_who_is_assigned_by_it(world):
    appeal = world.classified()
    first = written(world, appeal, world.signer2, world.signer, control=True)
    second = written(world, appeal, world.land, world.signer2, parent=first)
    assert world.again(appeal).unit == world.land, "the unit's head finds it in his list"
    appeal = world.again(appeal)
    made = resolutions.write(appeal, text="Подготовить ответ", to=world.executor, parent=second, by=world.head)
    appeal = world.again(appeal)
    assert made.assigned
    assert (appeal.executor, appeal.status) == (world.executor, Appeal.Status.ASSIGNED)
    assert [(row.addressee, row.level) for row in resolutions.of(appeal)] == [
        ("Зайцева А. П.", 0),
        (str(world.land), 1),
        ("Сидорова А. П.", 2),
    ]
    assert journal.verify_chain(f"appeal:{appeal.pk}") == []


def test_a_resolution_to_somebody_he_may_not_assign_is_written_and_says_why(world):
    appeal = world.registered()
    made = resolutions.write(appeal, text="Прошу ответить", to=world.executor, by=world.signer)
    assert not made.assigned
    assert made.why_not == "назначить его вы сейчас не можете"
    assert world.again(appeal).executor is None


def test_to_whom_it_is_written_he_sees_the_appeal_and_nobody_else(world):
    appeal = world.registered()
    for who in (world.executor, world.head, world.stranger):
        assert not access.visible_to(who).filter(pk=appeal.pk).exists()
    written(world, appeal, world.executor, world.signer)
    assert access.visible_to(world.fresh(world.executor)).filter(pk=appeal.pk).exists()
    assert world.executor.pk in access.who_see(appeal, timezone.localdate())
    written(world, world.again(appeal), world.land, world.signer)
    assert access.visible_to(world.fresh(world.head)).filter(pk=appeal.pk).exists()
    assert not access.visible_to(world.fresh(world.stranger)).filter(pk=appeal.pk).exists()


def test_the_one_above_closes_only_after_those_below(world):
    appeal = world.assigned()
    above = written(world, appeal, world.head, world.signer, control=True)
    below = written(world, world.again(appeal), world.executor, world.head, parent=above)
    above.refresh_from_db()
    with pytest.raises(resolutions.StillOpenBelow, match="Сидорова"):
        resolutions.report(above, "Готово", by=world.head)
    resolutions.report(below, "Ответ подготовлен", by=world.executor)
    assert below.closed_at is not None, "without control a report closes it"
    resolutions.report(above, "Готово", by=world.head)
    assert above.closed_at is None, "under control its author looks first"
    resolutions.give_back(above, "Приложите расчёт", by=world.signer)
    assert above.remark == "Приложите расчёт"
    resolutions.report(above, "Приложен", by=world.head)
    resolutions.accept(above, by=world.signer)
    assert Resolution.objects.get(pk=above.pk).closed_by == world.signer


def test_of_two_one_writes_under_it_or_closes_it_never_both(world):
    appeal = world.assigned()
    row = written(world, appeal, world.head, world.signer)
    seen, other = Resolution.objects.get(pk=row.pk), Resolution.objects.get(pk=row.pk)
    written(world, world.again(appeal), world.executor, world.head, parent=other)
    Resolution.objects.filter(parent=row).update(closed_at=timezone.now())  # not even where it is done already
    with pytest.raises(resolutions.ResolutionChanged):
        resolutions.report(seen, "Готово", by=world.head)
    fresh = Resolution.objects.get(pk=row.pk)
    late = Resolution.objects.get(pk=row.pk)
    resolutions.report(fresh, "Готово", by=world.head)
    with pytest.raises(resolutions.ResolutionChanged):
        written(world, world.again(appeal), world.executor, world.head, parent=late)
    assert Resolution.objects.filter(parent=row).count() == 1


@pytest.mark.parametrize("who", ["executor", "stranger", "auditor"])
def test_who_directs_nobody_writes_no_resolution(world, trace, who):
    appeal = world.assigned()
    before = trace()
    with pytest.raises(NotYours):
        written(world, appeal, world.helper, getattr(world, who))
    assert trace() == before


def test_a_clerk_enters_what_an_official_wrote_on_paper_and_others_do_not(world):
    appeal = world.classified()
    made = resolutions.write(appeal, text="К исполнению", to=world.head, author=world.signer, by=world.clerk)
    assert (made.resolution.author, made.resolution.entered_by) == (world.signer, world.clerk)
    with pytest.raises(resolutions.BadResolution, match="делопроизводитель"):
        resolutions.write(world.assigned(), text="К исполнению", to=world.executor, author=world.signer, by=world.head)


def test_who_stands_in_reports_for_the_absent_one(world):
    appeal = world.assigned()
    row = written(world, appeal, world.executor, world.signer)
    world.stands_in(world.helper, world.executor)
    resolutions.report(row, "Сделано", by=world.fresh(world.helper))
    assert row.done_by == world.helper


@pytest.mark.parametrize(("days", "words"), [(-1, "уже прошёл"), (400, "позже срока ответа")])
def test_a_term_is_neither_past_nor_after_the_answer_nor_after_the_one_above(world, trace, days, words):
    appeal = world.assigned()
    today = timezone.localdate()
    before = trace()
    with pytest.raises(WrongDate, match=words):
        written(world, appeal, world.head, world.signer, due_on=today + timedelta(days=days))
    assert trace() == before
    above = written(world, appeal, world.head, world.signer, due_on=today + timedelta(days=3))
    with pytest.raises(WrongDate, match="которую она исполняет"):
        written(world, world.again(appeal), world.executor, world.head, parent=above, due_on=today + timedelta(days=4))


@pytest.mark.parametrize(
    ("what", "words"), [("empty", "что сделать"), ("himself", "себе"), ("gone", "заблокирован"), ("foreign", "другому")]
)
def test_a_bad_resolution_is_refused_and_leaves_nothing(world, trace, what, words):
    appeal = world.assigned()
    other = written(world, world.assigned(), world.signer2, world.signer)
    world.helper.is_active = False
    world.helper.save()
    given = {
        "empty": {"text": " ", "to": world.head},
        "himself": {"text": "Да", "to": world.signer},
        "gone": {"text": "Да", "to": world.helper},
        "foreign": {"text": "Да", "to": world.head, "parent": other},
    }[what]
    before = trace()
    with pytest.raises(resolutions.BadResolution, match=words):
        resolutions.write(appeal, by=world.signer, **given)
    assert trace() == before
