"""«@Участкова» in a note calls a colleague who sees the appeal; anything else keeps the text and says what is wrong."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import access, mentions, notes
from otklik.appeals.models import Note
from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from tests.appeals.conftest import World
from tests.desk import desk

pytestmark = pytest.mark.django_db


def mentioned() -> list[list[int]]:
    return [row.data.get("mentioned", []) for row in JournalEntry.objects.filter(action="appeal.noted").order_by("pk")]


@pytest.mark.parametrize("typed", ["@executor", "@Сидорова", "@сидорова", "@EXECUTOR,", "(@executor).", "@executor!"])
def test_a_login_or_a_surname_means_the_colleague_and_is_shown_as_his_name(world: World, typed: str) -> None:
    appeal = world.assigned()
    note = notes.add(appeal, f"Прошу {typed} посмотреть", by=world.clerk)
    assert "@Сидорова А. П." in note.text
    assert note.mentions == ["@Сидорова А. П."]
    assert mentioned() == [[world.executor.pk]]


def test_an_address_of_mail_is_no_mention_and_a_copied_mention_is_not_doubled(world: World) -> None:
    appeal = world.assigned()
    plain = notes.add(appeal, "Писал с ivan@executor.ru, цена 5 @ 10", by=world.clerk)
    assert (plain.text, plain.mentions) == ("Писал с ivan@executor.ru, цена 5 @ 10", [])
    first = notes.add(appeal, "@executor и @head", by=world.clerk)
    assert notes.add(appeal, first.text, by=world.clerk).text == first.text
    assert mentioned()[1:] == [[world.executor.pk, world.head.pk]] * 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [("@никто", "Не нашли сотрудника"), ("@stranger", "не видит это обращение"), ("@Орлова", "несколько")],
)
def test_a_mention_of_nobody_of_several_or_of_who_may_not_see_keeps_the_text_and_writes_nothing(
    world: World, typed: str, said: str
) -> None:
    world.employee("clerk3", "Орлова", world.registry, ["clerk"])
    appeal = world.assigned()
    text = f"Важные слова для {typed}"
    answer = desk(world.executor).post(reverse("workplace:note", args=[appeal.pk]), {"text": text})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert f">{text}</textarea>" in page
    assert not Note.objects.exists()
    assert mentioned() == []


def test_a_blocked_colleague_is_nobody(world: World) -> None:
    appeal = world.assigned()
    Employee.objects.filter(pk=world.head.pk).update(is_active=False)
    with pytest.raises(mentions.NobodyMeant):
        notes.add(appeal, "@head взгляните", by=world.clerk)


def test_the_card_marks_a_mention_and_escapes_the_rest(world: World) -> None:
    appeal = world.assigned()
    notes.add(appeal, "<b>@executor</b>", by=world.clerk)
    page = desk(world.clerk).get(reverse("workplace:card", args=[appeal.pk])).content.decode()
    assert '&lt;b&gt;<span class="mention">@Сидорова А. П.</span>&lt;/b&gt;' in page


def test_those_offered_are_those_who_see_the_appeal(world: World) -> None:
    appeal = world.asked(world.registered_email())
    world.stands_in(world.stranger, world.executor)
    everyone = [world.fresh(one) for one in Employee.objects.filter(is_active=True)]
    seeing = {one.pk for one in everyone if access.visible_to(one).filter(pk=appeal.pk).exists()}
    assert access.who_see(appeal, timezone.localdate()) == seeing
    assert world.stranger.pk in seeing
    url = reverse("workplace:colleagues", args=[appeal.pk])
    offered = desk(world.head).get(url).json()["colleagues"]
    assert {one["login"] for one in offered} == {one.username for one in everyone if one.pk in seeing}
    assert next(one for one in offered if one["login"] == "executor")["insert"] == "@Сидорова"
    namesake = world.employee("sidorova2", "Сидорова", world.land, ["executor"])
    offered = desk(world.head).get(url).json()["colleagues"]
    assert next(one for one in offered if one["login"] == "executor")["insert"] == "@executor"
    assert namesake.username not in {one["login"] for one in offered}
    assert desk(world.helper).get(url).status_code == 404
