"""Letters with one text to many who wrote alike: one press for all, each still signed as its own letter."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals import approval, complained, covered, drafting, kinship, packages, signature, signing_groups
from otklik.appeals.models import Appeal, FrozenAnswer, LookBeforeSigning, Signature
from otklik.core import journal
from otklik.core.models import AccessEntry, JournalEntry
from otklik.people.applicants import Typed
from tests.appeals.conftest import World
from tests.appeals.test_signature import _signature_file
from tests.desk import at, desk

S = Appeal.Status
TEXT = "Школу построят в 2027 году."
NAMES = ("Петрова", "Алексеева", "Борисова", "Власова", "Громова")


def mass(world: World, count: int = 3, *, mail: bool = False) -> list[FrozenAnswer]:
    """Leave so many appeals alike of different people, answered by one text, each handed over for signature."""
    appeals = _alike(world, count, mail=mail)
    drafting.save(world.again(appeals[0]), text=TEXT, base_version=0, by=world.executor)
    assert len(covered.spread(world.again(appeals[0]), by=world.executor).done) == count - 1
    return [_freeze(world, one) for one in appeals]


def _alike(world: World, count: int, *, mail: bool) -> list[Appeal]:
    make = world.registered_email if mail else world.registered
    appeals = []
    for number, name in enumerate(NAMES[:count]):
        who = Typed(last_name=name, first_name="Анна", patronymic="Петровна", email=f"a{number}@citizen.example")
        appeals.append(
            world.assigned(make(applicant=who, answer_address=who.email if mail else f"г. Примерск, {name}"))
        )
    for one in appeals[1:]:
        kinship.relate(world.again(one), world.again(appeals[0]), kind="group", by=world.clerk)
    return appeals


def _freeze(world: World, appeal: Appeal) -> FrozenAnswer:
    approval.ask(world.again(appeal), approvers=[world.head], by=world.executor)
    row = approval.decision_of(world.again(appeal), world.head)
    assert row is not None
    approval.approve(row, by=world.head)
    return signature.freeze(world.again(appeal), signer=world.signer, by=world.executor)


def _group(world: World, letters: list[FrozenAnswer]) -> signing_groups.Group:
    found = signing_groups.of(FrozenAnswer.objects.get(pk=letters[0].pk), world.signer)
    assert found is not None
    return found


def test_letters_of_a_group_with_one_text_are_one_and_another_text_stays_apart(world: World) -> None:
    letters, alone = mass(world), world.frozen()
    signature.withdraw(letters[2], by=world.executor)
    other = world.again(letters[2].appeal)
    drafting.save(other, text="Другое.", base_version=drafting.draft_of(other).version, by=world.executor)
    apart = _freeze(world, other)
    found = _group(world, letters)
    assert [one.pk for one in found.letters] == [one.pk for one in letters[:2]]
    assert found.shown == letters[0]
    assert signing_groups.of(alone, world.signer) is None
    assert signing_groups.of(apart, world.signer) is None
    assert signing_groups.left_out(found, world.signer) == {apart.appeal.number: "текст другой: прочитайте отдельно"}


def test_the_list_says_whom_each_goes_to_and_how_it_differs_and_the_looks_are_logged(world: World) -> None:
    letters = mass(world)
    Appeal.objects.filter(pk=letters[1].appeal_id).update(executor=world.helper, answer_channel="email")
    earlier = timezone.now() - timedelta(days=2)
    FrozenAnswer.objects.filter(pk=letters[1].pk).update(frozen_at=earlier)
    before = AccessEntry.objects.count()
    lines = signing_groups.lines(_group(world, letters), world.signer)
    assert [one.name for one in lines] == ["Петрова Анна Петровна", "Алексеева Анна Петровна", "Борисова Анна Петровна"]
    assert [one.address for one in lines] == [f"г. Примерск, {name}" for name in NAMES[:3]]
    assert lines[0].differs == lines[2].differs == []
    assert any("исполнитель" in words for words in lines[1].differs)
    assert any("уйдёт иначе" in words for words in lines[1].differs)
    assert AccessEntry.objects.count() == before + 3
    signing_groups.lines(_group(world, letters), world.signer)
    assert AccessEntry.objects.count() == before + 3
    assert f"на письме дата {timezone.localdate(earlier):%d.%m.%Y}" in lines[1].differs


def test_one_press_reads_all_and_each_look_is_written_down(world: World) -> None:
    letters = mass(world)
    pressed = signing_groups.read_each(_group(world, letters), [one.pk for one in letters], by=world.signer)
    assert len(pressed.done) == 3
    assert packages.seen(letters, world.signer) == {one.pk for one in letters}
    told = JournalEntry.objects.filter(action="appeal.seen_to_sign")
    assert {row.chain for row in told} == {f"appeal:{one.appeal_id}" for one in letters}
    assert {row.data["main"] for row in told} == {letters[0].appeal_id}
    assert len({row.data["digest"] for row in told}) == 3
    clerk = signing_groups.of(letters[0], world.clerk)
    assert clerk is not None
    assert journal.verify() == []


def test_one_archive_of_signatures_signs_three_letters_of_a_group(world: World) -> None:
    letters = mass(world)
    group = _group(world, letters)
    signing_groups.read_each(group, [one.pk for one in letters], by=world.signer)
    with zipfile.ZipFile(io.BytesIO(packages.archive(packages.chosen(world.signer, [one.pk for one in letters])))) as z:
        raws = [z.read(name) for name in z.namelist() if name.endswith(".pdf")]
    assert len(set(raws)) == 3
    taken = packages.take(
        [ContentFile(_signature_file(raw), f"{n}.sig") for n, raw in enumerate(raws)], by=world.signer
    )
    assert all(one.answer for one in taken)
    assert {row.answer.digest for row in Signature.objects.all()} == {one.digest for one in letters}


def test_one_press_writes_numbers_of_sed_and_the_barred_letter_stops_no_other_and_is_named(world: World) -> None:
    letters = mass(world, 4)
    group = _group(world, letters)
    complained.add(world.again(letters[2].appeal), employee=world.signer, by=world.clerk)
    today, numbers = timezone.localdate(), {one.pk: f"77/{one.pk}" for one in letters[:3]}
    pressed = signing_groups.sign_sed_each(group, numbers, signed_on=today, by=world.clerk)
    assert pressed.done == [letters[0].appeal.number, letters[1].appeal.number]
    assert list(pressed.refused) == [letters[2].appeal.number]
    rows = Signature.objects.order_by("pk")
    assert [(row.answer_id, row.sed_number) for row in rows] == [(one.pk, f"77/{one.pk}") for one in letters[:2]]
    assert [world.again(one.appeal).status for one in letters] == [S.SIGNED, S.SIGNED, S.SIGNING, S.SIGNING]
    assert journal.verify() == []


def test_one_press_lets_letters_go_on_the_heads_approval_once_each_has_been_read(world: World) -> None:
    letters = mass(world, mail=True)
    group, keys = _group(world, letters), [one.pk for one in letters]
    unread = signing_groups.approve_each(group, keys, by=world.signer)
    assert (unread.done, len(unread.refused)) == ([], 3)
    signing_groups.read_each(group, keys, by=world.signer)
    signature.withdraw(letters[1], by=world.executor)
    pressed = signing_groups.approve_each(group, keys, by=world.signer)
    assert list(pressed.refused) == [letters[1].appeal.number]
    assert {row.answer_id for row in Signature.objects.filter(way="head")} == {letters[0].pk, letters[2].pk}


def test_a_letter_changed_or_withdrawn_meanwhile_is_named_and_the_rest_is_read(world: World, trace: Any) -> None:
    letters = mass(world)
    group = _group(world, letters)
    signature.withdraw(letters[1], by=world.executor)
    pressed = signing_groups.read_each(group, [one.pk for one in letters], by=world.signer)
    assert list(pressed.refused) == [letters[1].appeal.number]
    assert LookBeforeSigning.objects.count() == 2
    before = trace()
    stranger = signing_groups.read_each(group, [letters[0].pk, letters[2].pk, 10**9], by=world.signer2)
    assert (stranger.done, len(stranger.refused)) == ([], 2)
    assert trace() == before


def test_the_page_shows_a_group_as_one_line_and_the_signer_signs_all_by_one_tick(world: World) -> None:
    signer, letters = desk(world.signer), mass(world)
    listed = signer.get(at("to_sign")).content.decode()
    assert "Группа: 3 письма с одним текстом" in listed.replace("\xa0", " ")
    assert listed.count('name="letters"') == 1
    assert f"/sign-groups/{letters[0].pk}/" in listed
    page = signer.get(at("sign_group", letters[0].pk)).content.decode()
    assert TEXT in page
    assert all(f"{name} Анна Петровна" in page for name in NAMES[:3])
    assert all(one.appeal.number in page for one in letters)
    keys = [one.pk for one in letters]
    read = signer.post(at("sign_group", letters[0].pk), {"letters": keys, "read": 1}, follow=True).content.decode()
    assert "Отмечено прочитанными писем: 3." in read
    given = signer.post(at("sign_package"), {"letters": ",".join(map(str, keys))})
    with zipfile.ZipFile(io.BytesIO(given.content)) as packed:
        assert sum(name.endswith(".pdf") for name in packed.namelist()) == 3
    assert desk(world.signer2).get(at("sign_group", letters[0].pk)).status_code == 404


def test_the_clerk_writes_the_numbers_of_sed_on_the_page_and_a_day_to_come_loses_nothing(world: World) -> None:
    clerk, letters = desk(world.clerk), mass(world)
    numbers = {f"number-{one.pk}": f"77/{one.pk}" for one in letters[:2]}
    wrong = clerk.post(at("sign_group", letters[0].pk), numbers | {"sed": 1, "signed_on": "2099-01-01"})
    assert wrong.status_code == 422
    assert f'value="77/{letters[0].pk}"' in wrong.content.decode()
    nothing = clerk.post(at("sign_group", letters[0].pk), {"sed": 1, "signed_on": timezone.localdate()}, follow=True)
    assert "Впишите номера" in nothing.content.decode()
    done = clerk.post(at("sign_group", letters[0].pk), numbers | {"sed": 1, "signed_on": timezone.localdate()})
    assert Signature.objects.filter(way="sed").count() == 2
    # One letter is left: it is no group any more, and is read by itself.
    assert done.url == at("sign_group", letters[2].pk)
    assert clerk.get(done.url).url == at("read_letter", letters[2].pk)


def test_reading_in_order_leads_to_the_page_of_a_group_and_on(world: World) -> None:
    signer, alone, letters = desk(world.signer), world.frozen(), mass(world)
    assert signer.post(at("read_letter", alone.pk)).url == at("sign_group", letters[0].pk)
    signer.post(at("sign_group", letters[0].pk), {"letters": [one.pk for one in letters], "read": 1})
    assert "Читать по порядку" not in signer.get(at("to_sign")).content.decode()


@pytest.mark.parametrize("count", [2, 5])
def test_the_list_and_a_group_ask_as_much_of_few_letters_as_of_many(world: World, count: int) -> None:
    signer, letters = desk(world.signer), mass(world, count)
    for address in (at("today"), at("to_sign"), at("sign_group", letters[0].pk)):
        signer.get(address)
    for address, most in ((at("to_sign"), 18), (at("sign_group", letters[0].pk), 30)):
        with CaptureQueriesContext(connection) as asked:
            signer.get(address)
        assert len(asked) <= most, (address, [one["sql"][:120] for one in asked])
