"""Where a material is used, a template on an appeal, and the share of answers with a material (п. 14.1)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.appeals import drafting
from otklik.appeals.models import Appeal, Citation
from otklik.knowledge import quarters
from otklik.knowledge.models import (
    Faq,
    KnowledgeHome,
    Material,
    Proposal,
    Reference,
    ReplyTemplate,
    ReviewItem,
    Section,
    SectionLink,
)
from otklik.people.models import RoleAssignment
from tests.appeals.conftest import World
from tests.desk import at, desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def section(world: World) -> Section:
    home = KnowledgeHome.objects.get()
    made: Section = home.add_child(instance=Section(title="Аренда", slug="rent", unit=world.land))
    return made


def _published(section: Section, kind: type[Material], title: str, **fields: str) -> Material:
    page = section.add_child(instance=kind(title=title, slug=f"m{Material.objects.count()}", **fields))
    page.save_revision().publish()
    page.refresh_from_db()
    return page


def _faq(section: Section, title: str = "Продление") -> Material:
    return _published(section, Faq, title, mark="for_answers", short_answer="Договор продлевают.")


def test_a_material_shows_every_place_it_is_used_in_a_fixed_number_of_queries(world: World, section: Section) -> None:
    page, client = _faq(section), desk(world.executor)
    mine = world.assigned()
    drafting.insert_material(mine, page.pk, by=world.executor)
    client.get(at("knowledge_uses", page.pk))
    with CaptureQueriesContext(connection) as few:
        client.get(at("knowledge_uses", page.pk))
    for number in range(3):
        other = _faq(section, f"Другой {number}")
        Reference.objects.create(page=other, target=page)
        drafting.insert_material(world.assigned(), page.pk, by=world.executor)
    home = KnowledgeHome.objects.get()
    elsewhere = home.add_child(instance=Section(title="Иное", slug="else", unit=world.law))
    SectionLink.objects.create(section=elsewhere, material=page)
    page.save_revision().publish()
    Appeal.objects.filter(pk=mine.pk).update(executor=world.stranger, unit=world.law)
    with CaptureQueriesContext(connection) as many:
        text = client.get(at("knowledge_uses", page.pk)).content.decode()
    assert len(many) <= len(few) + 1
    assert "Ответы: 4" in text
    assert f"№ {mine.number}" not in text
    assert "Ещё 1" in text
    assert text.count("версия от") == 3
    for shown in ("Другой 0", "Другой 2", "Иное"):
        assert shown in text


def test_who_reviews_a_material_sees_the_appeals_about_the_same_that_he_may_see(world: World, section: Section) -> None:
    appeal = world.assigned()
    _faq(section, appeal.subject)
    Material.objects.update(first_published_at=timezone.now() - timedelta(days=200))
    quarters.open_quarter(timezone.localdate())
    where = at("review_item", ReviewItem.objects.get().pk)
    page = desk(world.head).get(where).content.decode()
    assert "?appeals=1" in page
    assert appeal.number not in page
    assert appeal.number in desk(world.head).get(where, {"appeals": "1"}).content.decode()
    RoleAssignment.objects.create(
        employee=world.stranger, role_id="kb_author", unit=world.land, valid_from=date(2024, 1, 1)
    )
    other = desk(world.stranger).get(where, {"appeals": "1"}).content.decode()
    assert appeal.number not in other
    assert "Похожих нет среди тех, которые вам видны." in other


def test_proposals_are_shown_to_those_who_keep_the_base(world: World, section: Section) -> None:
    page = _faq(section)
    Proposal.objects.create(kind="no_result", key="x", title="Пишут о продлении", unit=world.land, led_to=page)
    shown = {who: desk(who).get(at("knowledge_uses", page.pk)).content.decode() for who in (world.head, world.executor)}
    assert "привело к этому материалу" in shown[world.head]
    assert "Пишут о продлении" not in shown[world.executor]


def test_a_template_is_tried_on_an_appeal_one_may_see(world: World, section: Section) -> None:
    page = _published(
        section,
        ReplyTemplate,
        "Ответ",
        mark="for_answers",
        text="{заявитель:дательный}, № {номер}, {телефон исполнителя}",
    )
    appeal, where = world.assigned(), at("knowledge_on_case", page.pk)
    example = desk(world.executor).get(where).content.decode()
    assert "Ивановой М. П., № О-2026-000123" in example
    real = desk(world.executor).get(where, {"number": appeal.number}).content.decode()
    assert f"№ {appeal.number}" in real
    assert '<mark class="unfilled">{телефон исполнителя}</mark>' in real
    foreign = desk(world.stranger).get(where, {"number": appeal.number})
    assert foreign.status_code == 422
    assert "такого номера нет" in foreign.content.decode()
    assert desk(world.executor).get(at("knowledge_on_case", _faq(section).pk)).status_code == 404


def test_the_share_of_answers_with_a_material_opens_its_lists(
    world: World, section: Section, django_assert_max_num_queries: Any
) -> None:
    page = _faq(section)
    answered = [world.drafted() for _ in range(3)]
    drafting.insert_material(answered[0], page.pk, by=world.executor)
    Appeal.objects.filter(pk__in=[one.pk for one in answered]).update(answered_on="2026-01-15", status="answered")
    Citation.objects.filter(draft__appeal=answered[0]).update(at="2026-01-14T10:00Z")
    head, asked = desk(world.head), {"month": "2026-01", "unit": str(world.land.pk)}
    head.get(at("answers_share"), asked)
    with django_assert_max_num_queries(14):
        text = head.get(at("answers_share"), asked).content.decode()
    assert text.count("33 %") == 2  # of the days, and of their month
    for outcome, there, absent in (("with", answered[0], answered[1]), ("without", answered[1], answered[0])):
        shown = head.get(at("answers_counted"), {**asked, "outcome": outcome}).content.decode()
        assert f"№ {there.number}" in shown
        assert f"№ {absent.number}" not in shown
    assert "другой месяц" in head.get(at("answers_counted"), {"month": "2025-01"}).content.decode()
    assert desk(world.executor).get(at("answers_share")).status_code == 403
