"""What an answered appeal leaves to the Knowledge Base: signals, «стоит сохранить», a draft that names nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import PageLogEntry

from otklik.appeals import approval, dispatch, keeping, registration, signals, signature
from otklik.appeals.errors import NotYours
from otklik.appeals.models import Appeal
from otklik.appeals.transitions import MoveRefused
from otklik.core.models import JournalEntry
from otklik.knowledge import proposals
from otklik.knowledge.models import KnowledgeHome, Material, MaterialUse, Proposal, SearchSession, Section
from otklik.people.models import Employee
from otklik.search import engine
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db
LETTER = "Я, Иванова Мария Петровна, прошу продлить договор аренды участка 54:35:051120:123. Тел. +7 913 123-45-67."
ANSWER = "Уважаемая Мария Петровна!\n\nДоговор аренды участка 54:35:051120:123 продлён. Звоните: 238-60-02."


@pytest.fixture
def section(world: World) -> Section:
    page: Section = KnowledgeHome.objects.get().add_child(instance=Section(title="Земля", slug="l", unit=world.land))
    page.save_revision().publish()
    return page


@pytest.fixture
def author(world: World) -> Employee:
    """An author of the unit who works on answers, too: he sees the appeal."""
    return world.employee("author", "Писарева", world.land, ["kb_author", "head"])


def answered(world: World) -> Appeal:
    message = world.email(text=LETTER, message_id=f"<{Appeal.objects.count()}@citizen.example>")
    appeal = world.drafted(registration.register(message, world.email_entry(), by=world.clerk), text=ANSWER)
    [asked] = approval.ask(appeal, approvers=[world.head], by=world.executor)
    approval.approve(asked, by=world.head)
    answer = signature.freeze(world.again(appeal), signer=world.signer, by=world.executor)
    signature.sign_sed(answer, number="01-23/45", signed_on=timezone.localdate(), by=world.clerk)
    dispatch.send(world.again(appeal), by=world.clerk)
    return world.again(appeal)


def at(person: Employee) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_answers_without_a_material_become_a_proposal_with_the_appeals_for_those_who_see_them(
    world: World, author: Employee, section: Section
) -> None:
    for _ in range(3):
        answered(world)
    assert proposals.gather(signals.unbacked) == 1
    assert proposals.gather(signals.unbacked) == 0
    row = Proposal.objects.get()
    assert (row.kind, row.unit, row.signals) == ("unbacked", world.land, 3)
    number = Appeal.objects.latest("pk").number
    stranger = world.employee("their", "Чужая", world.land, ["kb_author"])
    address = reverse("workplace:proposal", args=[row.pk])
    shown = {one: at(one).get(address).content.decode() for one in (author, stranger)}
    assert [number in shown[one] for one in (author, stranger)] == [True, False]
    assert "обращение, к которому у вас нет доступа" in shown[stranger]
    assert not any("Иванова" in page for page in shown.values())


WELLS = (
    "На нашей улице обвалилась водонапорная башня, кирпичи падают на дорогу. Кто отвечает за башню и когда её снесут?",
    "Водонапорная башня у магазина накренилась. Прошу сообщить, на чьём балансе башня и кто обязан её снести.",
    "Мой огород рядом с аварийной башней. Водонапорную башню снести обещали давно. Чья она? Сидоров Пётр, "
    "8 913 123-45-67",
)


def registered(world: World, text: str) -> Appeal:
    message = world.message(text=text, subject="Вопрос")
    return registration.register(message, world.entry(subject="Вопрос"), by=world.clerk)


def test_letters_about_one_thing_that_no_material_answers_become_a_proposal(
    world: World, author: Employee, section: Section
) -> None:
    appeals = [registered(world, text) for text in WELLS]
    registered(world, "Когда достроят мост через овраг? Автобус делает большой круг, зимой ходим пешком по льду.")
    assert proposals.gather(signals.alike) == 1
    row = Proposal.objects.get()
    assert row.evidence.count() == 3
    assert "башня" in row.title
    # The letters are shown with nothing of people, and only to who may see them.
    Appeal.objects.update(unit=world.land)
    Proposal.objects.update(unit=world.land)
    stranger = world.employee("their", "Чужая", world.land, ["kb_author"])
    address = reverse("workplace:proposal", args=[row.pk])
    seen, unseen = (at(one).get(address).content.decode() for one in (author, stranger))
    assert "кирпичи падают" in seen
    assert "Сидоров" not in seen
    assert "123-45-67" not in seen
    assert "кирпичи" not in unseen
    assert not any(one.number in unseen for one in appeals)


def test_a_searched_for_nothing_stands_beside_the_letters_it_is_about(world: World, section: Section) -> None:
    for text in WELLS:
        registered(world, text)
    hour = timezone.now() - timedelta(hours=2)
    for number, query in enumerate(["снести водонапорную башню", "порубочный билет"]):
        facts = {"audience": "public", "reader": f"m{number}", "began_at": hour, "last_at": hour}
        SearchSession.objects.create(key=f"{number:032x}", query=query, found=0, shown=[], **facts)
    proposals.gather(signals.alike)
    words = Proposal.objects.get().evidence.values_list("words", flat=True)
    assert "искали: снести водонапорную башню" in words
    assert not any("билет" in line for line in words)


def test_a_group_stays_one_proposal_while_letters_come_and_old_ones_go(world: World, section: Section) -> None:
    first, *_ = [registered(world, text) for text in WELLS]
    proposals.gather(signals.alike)
    long_ago = timezone.localdate() - timedelta(days=200)
    Appeal.objects.filter(pk=first.pk).update(registered_on=long_ago, received_on=long_ago)
    registered(world, "Снесите наконец водонапорную башню, чья она и кто за башню отвечает?")
    assert proposals.gather(signals.alike) == 0
    assert Proposal.objects.get().evidence.count() >= 3


def test_letters_that_search_is_sure_to_answer_are_no_proposal(
    world: World, section: Section, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in WELLS:
        registered(world, text)
    monkeypatch.setattr(engine, "ask", lambda *_, **__: engine.Found([], 0.9, True))
    assert proposals.gather(signals.alike) == 0


def test_whoever_worked_on_the_answer_marks_it_worth_keeping_after_it_was_sent(world: World, section: Section) -> None:
    appeal = answered(world)
    with pytest.raises(NotYours):
        keeping.propose(appeal, kind="Faq", by=world.stranger)
    with pytest.raises(MoveRefused):
        keeping.propose(world.assigned(), kind="Faq", by=world.executor)
    assert not Proposal.objects.exists()
    desk = at(world.executor)
    assert "Стоит сохранить" in desk.get(reverse("workplace:card", args=[appeal.pk])).content.decode()
    address = reverse("workplace:keep", args=[appeal.pk])
    assert desk.post(address, {"kind": "Script", "words": "Редкий случай"}).status_code == 422
    desk.post(address, {"kind": "DecisionExample", "words": "Редкий случай, звонить 8 913 123-45-67"})
    row = Proposal.objects.get()
    assert (row.kind, row.unit, row.material_kind) == ("worth", world.land, "DecisionExample")
    assert row.evidence.get().words == "Редкий случай, звонить •••"
    assert JournalEntry.objects.filter(chain=f"appeal:{appeal.pk}", action="appeal.worth_keeping").exists()


def form(appeal: Appeal, section: Section, **changes: str) -> dict[str, Any]:
    places = {f"place-{one.key}": "replace" for one in keeping.prepare(appeal).found}
    return {"kind": "Faq", "section": section.pk, "title": "Как продлить аренду", **places, **changes}


@pytest.mark.parametrize("kind", keeping.KINDS)
def test_an_answer_becomes_an_internal_draft_in_which_nobody_is_named(
    world: World, author: Employee, section: Section, kind: str
) -> None:
    appeal = answered(world)
    desk, address = at(author), reverse("workplace:material_of_answer", args=[appeal.pk])
    page = desk.get(address).content.decode()
    for words in ("Мария Петровна", "[имя]", "[кадастровый номер]", "[телефон]"):
        assert words in page
    made = desk.post(address, form(appeal, section, kind=kind))
    draft = Material.objects.get().specific
    assert made.url == reverse("wagtailadmin_pages:edit", args=[draft.pk])
    assert (draft.live, draft.mark, type(draft).__name__) == (False, "internal", kind)
    said = draft.get_latest_revision().as_object().found_by()
    for known in ("Мари", "Иванов", "051120", "913", "238-60-02"):
        assert known not in said
    assert "продлён" in said
    # Tied both ways: to the appeal for who may see it, from the appeal to the material.
    assert MaterialUse.objects.get().reference == f"appeal:{appeal.pk}"
    assert "Как продлить аренду" in desk.get(reverse("workplace:context", args=[appeal.pk])).content.decode()
    assert PageLogEntry.objects.filter(page=draft.pk).exists()
    assert set(
        JournalEntry.objects.filter(action__endswith="_begun", actor=author).values_list("action", flat=True)
    ) == {"appeal.material_begun"}


def test_before_all_places_are_decided_nothing_is_saved_and_what_was_typed_stays(
    world: World, author: Employee, section: Section
) -> None:
    appeal = answered(world)
    desk, address = at(author), reverse("workplace:material_of_answer", args=[appeal.pk])
    whole = form(appeal, section)
    name = next(key for key in whole if key.startswith("place-"))
    for wrong, says in (
        ({name: ""}, "Решите о каждом найденном месте"),
        ({"section": "0"}, "Выберите раздел"),
        ({"title": "Аренда для Ивановой"}, "В заголовке остались сведения о людях: «Ивановой»"),
        ({"kind": "LegalAct"}, "Выберите вид материала"),
        ({"also": "продлён"}, "Решите о каждом найденном месте"),
    ):
        refused = desk.post(address, {**whole, "title": "Свой заголовок", **wrong})
        assert refused.status_code == 422, wrong
        assert says in refused.content.decode(), wrong
        assert "title" in wrong or "Свой заголовок" in refused.content.decode()
    assert desk.post(address, {**whole, "again": "1", "also": "продлён"}).status_code == 200
    assert not Material.objects.exists()
    kept = {key: "keep" if one.mark == "[телефон]" else "replace" for one in keeping.prepare(appeal).found
            for key in [f"place-{one.key}"]}  # fmt: skip
    desk.post(address, {**whole, **kept})
    assert "238-60-02" in Material.objects.get().specific.get_latest_revision().as_object().body


def test_only_who_sees_the_appeal_and_writes_in_the_section_makes_a_material(
    world: World, author: Employee, section: Section
) -> None:
    appeal = answered(world)
    address = reverse("workplace:material_of_answer", args=[appeal.pk])
    sees_nothing = world.employee("blind", "Незрячева", world.land, ["kb_author"])
    other = world.employee("other", "Другова", world.law, ["kb_author", "clerk"])
    assert [at(one).get(address).status_code for one in (sees_nothing, world.executor, other)] == [404, 403, 200]
    assert at(other).post(address, form(appeal, section)).status_code == 422
    assert not Material.objects.exists()
