"""Macros do all their steps or none; lists of points remind and stop nobody."""

from __future__ import annotations

import pytest
from django.utils import timezone

from otklik.appeals import macros
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import Checklist, ChecklistTick, Macro, Note
from otklik.core.models import JournalEntry
from otklik.knowledge.models import KnowledgeHome, Mark, ReplyTemplate, Section
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


def made(world: World, **said: object) -> Macro:
    """Give a macro of the clerk's."""
    return macros.keep(Macro(name="Аренда", owner=world.clerk), steps=macros.steps_of(said), by=world.clerk)


def whole(world: World) -> dict[str, object]:
    topic, need = world.pair()
    return {"topic": topic.pk, "need": need.pk, "unit": world.land.pk, "executor": world.executor.pk, "text": "Срочно"}


def test_a_macro_takes_every_step_through_its_own_function(world):
    appeal = world.registered()
    macro = made(world, **whole(world))
    done = macros.run(macro, appeal, by=world.clerk)
    assert done == ["Подтвердить тему и потребность", "Назначить исполнителя", "Добавить заметку"]
    appeal = world.again(appeal)
    assert (appeal.status, appeal.executor, appeal.notes.get().text) == ("assigned", world.executor, "Срочно")
    actions = list(JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}").values_list("action", flat=True))
    assert actions[-4:] == ["appeal.classified", "appeal.assigned", "appeal.noted", "appeal.macro_run"]


def test_the_first_refusal_stops_a_macro_and_nothing_of_it_stays(world):
    appeal = world.registered()
    macro = made(world, **whole(world), reason="к сведению")
    before = JournalEntry.objects.count()
    with pytest.raises(macros.MacroStopped, match=r"«Закрыть обращение».*Ничего из макроса не сделано"):
        macros.run(macro, appeal, by=world.clerk)
    appeal = world.again(appeal)
    assert (appeal.status, appeal.executor, appeal.questions.count(), Note.objects.count()) == (
        "registered", None, 0, 0,
    )  # fmt: skip
    assert JournalEntry.objects.count() == before


def test_a_macro_gives_nobody_a_power_he_has_not(world):
    appeal, macro = world.registered(), made(world, **whole(world))
    with pytest.raises(macros.MacroStopped, match="Подтвердить тему"):
        macros.run(macro, appeal, by=world.executor)


def test_a_template_is_put_after_the_text_that_is_there_and_its_use_is_recorded(world):
    home = KnowledgeHome.objects.get().add_child(instance=Section(title="Земля", slug="l", unit=world.land))
    page = home.add_child(instance=ReplyTemplate(title="Отказ", slug="o", mark=Mark.FOR_ANSWERS, text="По № {номер}."))
    page.save_revision().publish()
    appeal = world.drafted()
    macro = macros.keep(
        Macro(name="Шаблон", owner=world.executor), steps=macros.steps_of({"material": page.pk}), by=world.executor
    )
    macros.run(macro, appeal, by=world.executor)
    draft = world.again(appeal).draft
    assert draft.text.startswith("Договор продлён.\n\n")
    assert draft.citations.get().material == page.pk


@pytest.mark.parametrize("said", [{"topic": 1}, {"need": 1}, {"unit": 1}, {"executor": 1}])
def test_half_a_step_is_refused_with_what_is_missing(said):
    with pytest.raises(macros.HalfStep, match="Укажите"):
        macros.steps_of(said)


def test_a_macro_without_steps_or_with_a_name_taken_is_refused(world):
    with pytest.raises(macros.NothingToDo):
        macros.steps_of({"text": "  "})
    made(world, text="Раз")
    with pytest.raises(macros.NameTaken):
        made(world, text="Два")


def test_a_step_whose_row_is_gone_says_so(world):
    macro = made(world, **whole(world) | {"executor": 10**9})
    with pytest.raises(macros.MacroStopped, match="Поправьте макрос"):
        macros.run(macro, world.registered(), by=world.clerk)


def test_own_macros_are_seen_by_their_owner_and_shared_by_all(world):
    macro = made(world, text="Раз")
    assert not macros.usable_by(world.executor).exists()
    macro.shared = True
    macros.keep(macro, steps=macro.steps, by=world.clerk)
    assert macros.usable_by(world.executor).get() == macro
    assert not macros.may_change(macro, world.executor)
    with pytest.raises(NotAllowed):
        macros.keep(Macro(name="Всем", owner=world.executor, shared=True), steps=macro.steps, by=world.executor)
    macros.end(macro, by=world.clerk)
    assert not macros.usable_by(world.clerk).exists()


def listed(world: World, *points: str, **for_whom: object) -> Checklist:
    row = Checklist(name="Аренда", valid_from=timezone.localdate(), **for_whom)
    return macros.keep_list(row, points, by=world.clerk)


def test_a_list_is_offered_for_its_topic_and_regime_only(world):
    topic, _ = world.pair()
    row = listed(world, "Проверить ЕГРН", topic=topic)
    appeal = world.registered()
    assert not macros.lists_for(appeal).exists()
    assert macros.lists_for(world.classified(appeal)).get() == row
    other = listed(world, "Срок 7 дней", regime_id="outside_59fz")
    assert other not in macros.lists_for(appeal)


def test_ticks_keep_who_pressed_first_and_points_dropped_later_stay_where_they_were_ticked(world):
    row = listed(world, "Проверить ЕГРН", "Позвонить")
    appeal = world.registered()
    one, two = row.points.all()
    macros.tick(appeal, [one.pk, 10**9], by=world.clerk)
    macros.tick(appeal, [one.pk, two.pk], by=world.clerk2)
    assert dict(ChecklistTick.objects.values_list("point", "by")) == {one.pk: world.clerk.pk, two.pk: world.clerk2.pk}
    macros.tick(appeal, [one.pk], by=world.clerk)
    assert ChecklistTick.objects.get().point == one
    macros.keep_list(row, ["Позвонить"], by=world.clerk)
    assert ChecklistTick.objects.get().point == one
    with pytest.raises(macros.HalfStep, match="пункт"):
        macros.keep_list(row, [" "], by=world.clerk)
