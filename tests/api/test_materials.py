"""The Knowledge Base by the API: what is internal never reaches a key for public materials."""

from __future__ import annotations

import pytest

from otklik.knowledge import public
from otklik.knowledge.models import Faq, KnowledgeHome, Mark, Section
from tests.api.conftest import program
from tests.api.test_entry import problem
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(world: World) -> dict[str, Faq]:
    section = KnowledgeHome.objects.get().add_child(instance=Section(title="Гаражи", slug="garages", unit=world.land))
    section.save_revision().publish()
    made = {}
    for mark in (Mark.PUBLIC, Mark.FOR_ANSWERS, Mark.INTERNAL):
        faq = Faq(title=f"Гараж: {mark.label}", slug=mark, mark=mark, live=False)
        faq.short_answer, faq.body = "Подайте заявление.", "<p>Участок под <b>гаражом</b> можно получить.</p>"
        section.add_child(instance=faq).save_revision().publish()
        faq.refresh_from_db()
        if mark == Mark.PUBLIC:
            public.let_out(faq)
        made[str(mark)] = faq
    return made


@pytest.mark.parametrize(
    ("scope", "sees"),
    [("materials.public", {"public"}), ("materials.read", {"public", "for_answers", "internal"})],
)
def test_a_key_reads_no_more_than_its_scope(world: World, pages: dict[str, Faq], scope: str, sees: set[str]) -> None:
    caller = program(world.executor, scope)
    assert {one["mark"] for one in caller.get("/materials").json()["items"]} == sees
    answer = caller.post("/materials/search", {"q": "гараж"}).json()
    assert {one["mark"] for one in answer["items"]} == sees
    assert all(one["why"] for one in answer["items"])
    assert 0 <= answer["confidence"] <= 1
    assert isinstance(answer["sure"], bool)
    assert answer["read_as"] == ""
    for mark, page in pages.items():
        answer = caller.get(f"/materials/{page.pk}")
        assert answer.status_code == (200 if mark in sees else 404)


def test_a_material_is_plain_text_and_only_a_public_one_has_an_address(world: World, pages: dict[str, Faq]) -> None:
    caller = program(world.executor)
    told = caller.get(f"/materials/{pages['public'].pk}").json()
    assert told["text"] == "Участок под гаражом можно получить."
    assert (told["section"], told["kind"]) == ("Гаражи", "вопрос и ответ")
    assert told["url"].endswith("/garages/public/")
    assert caller.get(f"/materials/{pages['internal'].pk}").json()["url"] is None


def test_an_owner_who_may_not_read_the_knowledge_base_reads_nothing_more_by_a_key(
    world: World, pages: dict[str, Faq]
) -> None:
    newcomer = world.employee("newcomer", "Новиков", world.hq, [])
    for answer in (
        program(newcomer, "materials.read").get("/materials"),
        program(newcomer, "materials.read").post("/materials/search", {"q": "гараж"}),
    ):
        problem(answer, 403, "materials.no_power")
    assert len(program(newcomer, "materials.public").get("/materials").json()["items"]) == 1


def test_a_list_goes_on_where_it_stopped(world: World, pages: dict[str, Faq]) -> None:
    caller = program(world.executor)
    first = caller.get("/materials", limit=2).json()
    second = caller.get("/materials", limit=2, cursor=first["next"]).json()
    ids = [one["id"] for page in (first, second) for one in page["items"]]
    assert len(set(ids)) == 3
    assert second["next"] is None
