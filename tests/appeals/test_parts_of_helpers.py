"""Parts of co-executors: asked for by a day, handed in, assembled into the draft once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from otklik.appeals import drafting, parts
from otklik.appeals.errors import NotYours, WrongDate
from otklik.appeals.models import Appeal, HelperPart


def asked(world, appeal, *people, days=2):
    due_on = timezone.localdate() + timedelta(days=days)
    return parts.ask(appeal, people or [world.helper], what="Проверить реестр", due_on=due_on, by=world.executor)


def test_who_is_asked_becomes_a_helper_and_hands_in_text_and_files_which_go_into_the_draft(world):
    appeal = world.drafted(text="Здравствуйте!")
    [part] = asked(world, appeal)
    assert list(world.again(appeal).co_executors.all()) == [world.helper]
    file = SimpleUploadedFile("выписка.txt", "Участок есть".encode())
    parts.hand_in(part, "Участок в реестре есть.", [file], by=world.helper)
    taken = parts.assemble(world.again(appeal), by=world.executor)
    draft = drafting.draft_of(appeal)
    assert draft.text == "Здравствуйте!\n\nУчасток в реестре есть."
    assert [one.name for one in drafting.files_of(draft)] == ["выписка.txt"]
    assert [one.pk for one in taken] == [part.pk]
    with pytest.raises(parts.BadPart, match="Собирать нечего"):
        parts.assemble(world.again(appeal), by=world.executor)


def test_the_first_part_assembled_begins_the_draft(world):
    appeal = world.assigned()
    [part] = asked(world, appeal)
    parts.hand_in(part, "Участок есть.", by=world.helper)
    parts.assemble(world.again(appeal), by=world.executor)
    assert world.again(appeal).status == Appeal.Status.DRAFTING


def test_of_two_who_assemble_one_does_and_no_part_goes_in_twice(world, monkeypatch):
    appeal = world.drafted(text="")
    [part] = asked(world, appeal)
    parts.hand_in(part, "Участок есть.", by=world.helper)
    saved = drafting.save

    def meanwhile(*args, **kwargs):
        monkeypatch.setattr(drafting, "save", saved)
        HelperPart.objects.filter(pk=part.pk).update(taken_at=None, taken_by=None)
        parts.assemble(world.again(appeal), by=world.head)
        return saved(*args, **kwargs)

    monkeypatch.setattr(drafting, "save", meanwhile)
    with pytest.raises(drafting.DraftConflict):
        parts.assemble(world.again(appeal), by=world.executor)


def test_what_was_changed_while_it_is_assembled_is_not_taken_unseen(world, monkeypatch):
    appeal = world.drafted(text="")
    [part] = asked(world, appeal)
    parts.hand_in(part, "Участок есть.", by=world.helper)
    stale = HelperPart.objects.get(pk=part.pk)
    parts.hand_in(part, "Участка нет.", by=world.helper)
    parts.assemble(world.again(appeal), by=world.executor)
    assert "Участка нет." in drafting.draft_of(appeal).text
    with pytest.raises(parts.PartChanged):
        parts.hand_in(stale, "Всё-таки есть.", by=world.helper)


def test_late_parts_are_seen_and_what_was_not_handed_in_is_counted(world):
    appeal = world.assigned()
    [part] = asked(world, appeal)
    today = timezone.localdate()
    assert not parts.is_late(part, today)
    assert parts.is_late(part, today + timedelta(days=3))
    assert list(parts.late(today + timedelta(days=3))) == [part]
    parts.hand_in(part, "Есть.", by=world.helper)
    assert not parts.late(today + timedelta(days=3)).exists()


@pytest.mark.parametrize("who", ["helper", "stranger", "clerk", "auditor"])
def test_only_the_executor_and_the_head_ask_and_assemble(world, trace, who):
    appeal = world.assigned(co_executors=[world.helper])
    before = trace()
    with pytest.raises((NotYours, parts.BadPart, parts.DomainError)):
        parts.ask(appeal, [world.stranger], what="Да", due_on=timezone.localdate(), by=world.fresh(getattr(world, who)))
    assert trace() == before


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("nobody", parts.BadPart),
        ("past", WrongDate),
        ("late", WrongDate),
        ("executor", parts.BadPart),
        ("twice", parts.BadPart),
    ],
)
def test_a_bad_request_for_a_part_is_refused_and_leaves_nothing(world, trace, what, error):
    appeal = world.assigned()
    if what == "twice":
        asked(world, appeal)
    days = {"past": -1, "late": 400}.get(what, 1)
    people = {"nobody": [], "executor": [world.executor]}.get(what, [world.helper])
    before = trace()
    with pytest.raises(error):
        parts.ask(appeal, people, what="Да", due_on=timezone.localdate() + timedelta(days=days), by=world.executor)
    assert trace() == before


def test_another_hands_in_nothing_for_the_asked_one_but_his_deputy_does(world):
    appeal = world.assigned()
    [part] = asked(world, appeal)
    with pytest.raises(NotYours):
        parts.hand_in(part, "Есть", by=world.stranger)
    with pytest.raises(parts.BadPart, match="Напишите текст"):
        parts.hand_in(part, " ", by=world.helper)
    world.stands_in(world.stranger, world.helper)
    parts.hand_in(part, "Есть", by=world.fresh(world.stranger))
    assert part.handed_by == world.stranger


def test_a_request_is_taken_back_only_while_nothing_was_handed_in(world):
    appeal = world.assigned()
    [part] = asked(world, appeal)
    parts.hand_in(part, "Есть", by=world.helper)
    with pytest.raises(parts.PartChanged):
        parts.withdraw(part, by=world.executor)
    [other] = asked(world, world.again(appeal), world.stranger)
    parts.withdraw(other, by=world.executor)
    assert HelperPart.objects.count() == 1
