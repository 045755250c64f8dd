"""What is internal stays inside, at every door; what is for answers has no page outside."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile
from wagtail.documents.models import Document
from wagtail.models import Page, PageViewRestriction

from otklik.knowledge import index, materials
from otklik.knowledge.models import Mark
from otklik.search.models import Entry

pytestmark = pytest.mark.django_db
NOT_PUBLIC = [Mark.INTERNAL, Mark.FOR_ANSWERS]


@pytest.fixture
def hidden(garages, publish):
    publish(garages, "Открытый вопрос о гаражах")
    return {mark: publish(garages, f"Тайноеслово {mark}", mark) for mark in NOT_PUBLIC}


@pytest.mark.parametrize("mark", NOT_PUBLIC)
@pytest.mark.parametrize("who", [None, "reader", "author"])
def test_a_page_that_is_not_public_does_not_exist_at_its_address(client, hidden, mark, who, request):
    if who:
        client.force_login(request.getfixturevalue(who))
    assert client.get(hidden[mark].url).status_code == 404


def test_a_public_page_opens_to_everybody(client, garages, publish):
    page = publish(garages, "Как оформить гараж")
    answer = client.get(page.url)
    assert answer.status_code == 200
    assert "Коротко: Как оформить гараж." in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/kb/", "/kb/garages/", "/kb/?q=тайноеслово", "/kb/?q=тайноеслова", "/?q=тайноеслово"]
)
def test_no_public_page_lists_counts_or_finds_what_is_hidden(client, hidden, path):
    text = client.get(path).content.decode()
    # The word asked for is repeated in the box and the heading; no title, snippet or address may follow.
    assert "Тайноеслово" not in text
    assert all(page.url not in text for page in hidden.values())


def test_public_counts_leave_out_what_is_hidden(client, hidden):
    assert re.search(r"1\s*вопрос\b", client.get("/kb/").content.decode())


@pytest.mark.parametrize("mark", NOT_PUBLIC)
def test_a_section_without_public_materials_is_not_on_the_site(client, leases, publish, mark):
    publish(leases, "Про аренду", mark)
    assert client.get("/kb/leases/").status_code == 404
    assert "Аренда участков" not in client.get("/kb/").content.decode()


def test_public_search_finds_only_public_and_staff_search_finds_all(hidden, reader):
    assert materials.find("тайноеслово") == []
    assert {found.mark for found in materials.find("тайноеслово", user=reader)} == set(NOT_PUBLIC)


def test_one_who_may_not_read_finds_nothing(hidden, employee):
    stranger = employee("stranger")
    assert materials.find("тайноеслово", user=stranger) == []
    assert not materials.for_staff(stranger).exists()


def test_a_mis_spelt_word_is_not_repaired_into_a_hidden_one(hidden):
    assert materials.find("тайноеслоао") == []


@pytest.mark.parametrize("mark", NOT_PUBLIC)
def test_a_material_that_stops_being_public_leaves_the_site_at_once(client, garages, publish, mark):
    page = publish(garages, "Неповторимый вопрос")
    assert materials.find("неповторимый")
    page.mark = mark
    page.save_revision().publish()
    assert materials.find("неповторимый") == []
    assert client.get(page.url).status_code == 404


def test_a_draft_of_a_public_material_shows_nothing_outside(client, garages, publish):
    page = publish(garages, "Вопрос")
    page.short_answer = "Черновойответ"
    page.save_revision()
    assert "Черновойответ" not in client.get(page.url).content.decode()
    assert materials.find("черновойответ") == []


def test_unpublished_moved_and_deleted_materials_follow_in_the_index(garages, leases, publish):
    page = publish(garages, "Неповторимый вопрос")
    page.move(leases, pos="last-child")
    assert [found.section for found in materials.find("неповторимый")] == ["Аренда участков"]
    page.refresh_from_db()
    page.unpublish()
    assert materials.find("неповторимый") == []
    page.save_revision().publish()
    assert materials.find("неповторимый")
    page.delete()
    assert materials.find("неповторимый") == []
    assert not Entry.objects.exists()


def test_a_section_taken_off_the_site_takes_its_materials_with_it(client, garages, publish, reader):
    page = publish(garages, "Неповторимый вопрос")
    garages.unpublish()
    assert materials.find("неповторимый") == []
    assert client.get(page.url).status_code == 404
    assert not materials.for_staff(reader).exists()
    garages.save_revision().publish()
    assert materials.find("неповторимый")


def test_a_page_unpublished_as_a_plain_page_leaves_the_index_too(garages, publish):
    page = publish(garages, "Неповторимый вопрос")
    Page.objects.get(pk=page.pk).unpublish()
    assert materials.find("неповторимый") == []


def test_the_index_built_anew_equals_the_index_kept(garages, hidden):
    before = set(Entry.objects.values_list("index", "key", "scopes", "body"))
    index.rebuild()
    assert set(Entry.objects.values_list("index", "key", "scopes", "body")) == before
    assert len(before) == 4  # three for employees, one of them for citizens too


@pytest.fixture
def document():
    return Document.objects.create(title="Памятка", file=ContentFile(b"text", name="memo.txt"))


def _link(document: Document) -> str:
    return f'<p><a linktype="document" id="{document.pk}">Памятка</a></p>'


@pytest.mark.parametrize("mark", NOT_PUBLIC)
def test_a_document_of_a_hidden_material_is_not_served(client, garages, publish, document, mark, reader):
    publish(garages, "Вопрос", mark, body=_link(document))
    assert client.get(document.url).status_code == 404
    client.force_login(reader)
    assert client.get(document.url).status_code == 200


def test_a_document_of_a_public_material_is_served_until_it_is_taken_off(client, garages, publish, document):
    page = publish(garages, "Вопрос", body=_link(document))
    assert client.get(document.url).status_code == 200
    page.unpublish()
    assert client.get(document.url).status_code == 404


def test_a_document_nobody_published_is_not_served(client, home, document):
    assert client.get(document.url).status_code == 404


def test_the_sitemap_names_public_pages_only(client, hidden, garages):
    text = client.get("/kb/sitemap.xml").content.decode()
    assert text.count("<loc>") == 3  # the home, the section, the one public question
    assert all(page.url not in text for page in hidden.values())


def test_wagtails_own_privacy_is_not_a_second_rule(client, garages, publish, chief):
    page = publish(garages, "Вопрос")
    client.force_login(chief)
    client.post(f"/cms/pages/{page.pk}/privacy/", {"restriction_type": "login"})
    assert not PageViewRestriction.objects.exists()


@pytest.mark.parametrize("path", ["/api/v2/pages/", "/kb/api/v2/pages/", "/cms/api/main/pages/"])
def test_there_is_no_other_way_to_read_pages(client, hidden, path):
    answer = client.get(path)
    assert answer.status_code in (302, 404)
