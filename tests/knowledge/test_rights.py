"""Authors edit what their unit keeps, by today's roles, at every door of `/cms/`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from otklik.core import journal
from otklik.core.models import JournalEntry
from otklik.knowledge import rights
from otklik.knowledge.models import Faq, Section
from otklik.people.models import Employee, RoleAssignment, Substitution

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(garages, publish):
    return publish(garages, "Вопрос о гараже")


@pytest.fixture
def foreign(leases, publish):
    return publish(leases, "Вопрос об аренде")


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(Employee.objects.get(pk=employee.pk))
    return client


def typed(page: Faq, **changes: str) -> dict[str, str]:
    """Return what the editor's form sends."""
    fields = {
        "title": page.title,
        "slug": page.slug,
        "search_description": "",
        "mark": page.mark,
        "short_answer": page.short_answer,
        "body": '{"entityMap": {}, "blocks": []}',
        "synonyms": "",
        "staff_note": '{"entityMap": {}, "blocks": []}',
    }
    return fields | no_rows("references") | no_rows("attachments") | changes


def no_rows(name: str) -> dict[str, str]:
    """Return what the form sends of a list without rows."""
    return {f"{name}-{part}": "0" for part in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}


def edits(employee: Employee, page: Page) -> bool:
    """Tell whether a saved change of the employee reaches the draft of the page."""
    page = Page.objects.get(pk=page.pk).specific
    mark = f"{timezone.now().timestamp()}"
    client = signed_in(employee)
    shown = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200
    client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), typed(page, short_answer=f"Изменено {mark}"))
    changed = mark in latest(page).short_answer
    assert shown == changed, "the page offers what is refused, or refuses what it offers"
    return changed


def latest(page: Page) -> Faq:
    """Return the page as its authors see it."""
    return Page.objects.get(pk=page.pk).get_latest_revision_as_object()


def publishes(employee: Employee, page: Page) -> bool:
    """Tell whether employees read what the employee tried to publish himself."""
    data = typed(Page.objects.get(pk=page.pk).specific, short_answer="Сразу всем", **{"action-publish": "1"})
    signed_in(employee).post(reverse("wagtailadmin_pages:edit", args=[page.pk]), data)
    return Faq.objects.get(pk=page.pk).short_answer == "Сразу всем"


def test_an_author_edits_materials_of_the_own_unit_only(author, own, foreign):
    assert edits(author, own)
    assert not edits(author, foreign)


def test_the_chief_edits_and_publishes_everything(chief, own, foreign):
    assert edits(chief, own)
    assert edits(chief, foreign)
    assert publishes(chief, foreign)


def test_an_author_publishes_nothing_at_any_door(author, own, garages):
    """Not in the editor, not by heap, not as a copy or an alias; nor does he take off what is published."""
    before = Page.objects.get(pk=own.pk)
    assert not publishes(author, own)
    client = signed_in(author)
    draft = garages.add_child(instance=Faq(title="Черновик", slug="draft", short_answer="Нет.", live=False))
    draft.save_revision()
    bulk = "wagtail_bulk_action"
    client.post(reverse(bulk, args=["wagtailcore", "page", "publish"]) + f"?id={draft.pk}")
    client.post(reverse(bulk, args=["wagtailcore", "page", "unpublish"]) + f"?id={own.pk}")
    client.post(reverse("wagtailadmin_pages:unpublish", args=[own.pk]))
    client.post(reverse("wagtailadmin_pages:delete", args=[own.pk]))
    made = {"new_title": "Ещё", "new_slug": "copy", "new_parent_page": str(garages.pk)}
    client.post(reverse("wagtailadmin_pages:copy", args=[own.pk]), made | {"publish_copies": "on"})
    client.post(reverse("wagtailadmin_pages:copy", args=[own.pk]), made | {"new_slug": "alias", "alias": "on"})
    created = typed(Faq(title="Новый", slug="new", short_answer="Да."), **{"action-publish": "1"})
    client.post(reverse("wagtailadmin_pages:add", args=["knowledge", "faq", garages.pk]), created)
    assert Page.objects.filter(slug="new", live=False).exists()
    assert list(garages.get_children().live().values_list("pk", "live_revision")) == [(own.pk, before.live_revision_id)]


@pytest.mark.parametrize("role", ["executor", "clerk", "head", "signer", "consultant", "receptionist", "auditor"])
def test_other_roles_edit_nothing(employee, land, own, role):
    assert not edits(employee("other", land, role), own)


def test_one_without_any_editing_role_is_told_so_at_the_door(reader, own):
    assert signed_in(reader).get("/cms/").status_code == 403


def test_a_visitor_is_sent_to_the_one_sign_in_page(client, own):
    for path in ("/cms/", "/cms/login/", f"/cms/pages/{own.pk}/edit/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("role", ["clerk", "admin", "kb_author", "kb_chief"])
def test_dictionaries_staff_lists_and_authoring_open_the_door(employee, land, own, role):
    assert signed_in(employee("one", land, role)).get("/cms/").status_code == 200


def test_a_role_that_ended_yesterday_edits_nothing_today(employee, land, own, yesterday):
    assert not edits(employee("former", land, "kb_author", until=yesterday), own)


def test_a_role_that_ends_while_signed_in_stops_at_the_next_request(author, own, yesterday):
    client = signed_in(author)
    assert client.get(reverse("wagtailadmin_pages:edit", args=[own.pk])).status_code == 200
    RoleAssignment.objects.filter(employee=author).update(valid_to=yesterday)
    data = typed(own, short_answer="Поздно", **{"action-publish": "1"})
    assert client.post(reverse("wagtailadmin_pages:edit", args=[own.pk]), data).status_code == 403
    assert Faq.objects.get(pk=own.pk).short_answer != "Поздно"
    assert not own.revisions.filter(content__short_answer="Поздно").exists()


def test_a_deputy_edits_only_on_the_days_of_substitution(author, reader, own):
    today = timezone.localdate()
    row = Substitution.objects.create(absent=author, deputy=reader, starts_on=today, ends_on=today)
    assert edits(reader, own)
    Substitution.objects.filter(pk=row.pk).update(
        starts_on=today - timedelta(days=5), ends_on=today - timedelta(days=1)
    )
    assert not edits(reader, own)


def test_a_role_narrowed_to_another_unit_edits_there(employee, land, rent, own, foreign):
    person = employee("guest", land)
    RoleAssignment.objects.create(employee=person, role_id="kb_author", unit=rent, valid_from="2024-01-01")
    assert edits(person, foreign)
    assert not edits(person, own)


def test_a_section_given_to_another_unit_changes_its_authors(author, employee, rent, garages, own):
    tenant = employee("tenant", rent, "kb_author")
    garages.unit = rent
    garages.save_revision().publish()
    assert not edits(author, own)
    assert edits(tenant, own)


def test_a_group_entered_by_hand_gives_nothing(reader, own):
    reader.groups.add(*Group.objects.all())
    assert not edits(reader, own)
    assert not reader.groups.exists()


def test_an_author_cannot_give_a_section_to_a_unit_or_take_one(author, garages, land, rent):
    url = reverse("wagtailadmin_pages:edit", args=[garages.pk])
    data = {"title": "Новое название", "slug": garages.slug, "intro": "", "search_description": ""} | no_rows("links")
    signed_in(author).post(url, data | {"unit": str(rent.pk), "action-publish": "1"})
    garages.refresh_from_db()
    draft = garages.get_latest_revision_as_object()
    assert (garages.unit, draft.title, draft.unit) == (land, "Новое название", land)


def test_explorer_and_search_lead_an_author_to_own_sections_only(author, own, foreign, garages, leases, home):
    client = signed_in(author)
    explored = client.get(reverse("wagtailadmin_explore_root"), follow=True).content.decode()
    assert "Гаражная амнистия" in explored
    assert "Аренда участков" not in explored
    assert client.get(reverse("wagtailadmin_explore", args=[leases.pk])).status_code in (302, 403)
    found = client.get(reverse("wagtailadmin_pages:search"), {"q": "Вопрос"}).content.decode()
    assert reverse("wagtailadmin_pages:edit", args=[foreign.pk]) not in found


def test_an_author_cannot_add_move_delete_unpublish_copy_or_restore_elsewhere(author, own, foreign, leases, garages):
    client = signed_in(author)
    before = list(Page.objects.order_by("pk").values_list("pk", "path", "live", "latest_revision"))
    pages = "wagtailadmin_pages"
    revision = foreign.latest_revision_id
    tries = [
        reverse(f"{pages}:add", args=["knowledge", "faq", leases.pk]),
        reverse(f"{pages}:move_confirm", args=[own.pk, leases.pk]),
        reverse(f"{pages}:move_confirm", args=[foreign.pk, garages.pk]),
        reverse(f"{pages}:delete", args=[foreign.pk]),
        reverse(f"{pages}:unpublish", args=[foreign.pk]),
        reverse(f"{pages}:revisions_revert", args=[foreign.pk, revision]),
        reverse(f"{pages}:convert_alias", args=[foreign.pk]),
        reverse("wagtail_bulk_action", args=["wagtailcore", "page", "delete"]) + f"?id={foreign.pk}",
        reverse("wagtail_bulk_action", args=["wagtailcore", "page", "unpublish"]) + f"?id={foreign.pk}",
    ]
    for url in tries:
        client.post(url, typed(own, **{"action-publish": "1"}))
    copied = {"new_title": "Копия", "new_slug": "copy", "new_parent_page": str(leases.pk), "publish_copies": "on"}
    client.post(reverse(f"{pages}:copy", args=[own.pk]), copied)
    assert list(Page.objects.order_by("pk").values_list("pk", "path", "live", "latest_revision")) == before


def test_an_author_moves_drafts_between_own_sections_what_is_published_the_chief_moves(author, chief, own, home, land):
    other = home.add_child(instance=Section(title="Ещё", slug="more", unit=land))
    draft = own.get_parent().add_child(instance=Faq(title="Черновик", slug="draft", short_answer="Нет.", live=False))
    for page in (own, draft):
        signed_in(author).post(reverse("wagtailadmin_pages:move_confirm", args=[page.pk, other.pk]))
    assert [Page.objects.get(pk=one.pk).get_parent().slug for one in (own, draft)] == ["garages", "more"]
    signed_in(chief).post(reverse("wagtailadmin_pages:move_confirm", args=[own.pk, other.pk]))
    assert Page.objects.get(pk=own.pk).get_parent().pk == other.pk


def test_only_those_who_keep_dictionaries_edit_functions(author, chief, employee, land, own):
    url = reverse("wagtailsnippets_knowledge_function:add")
    assert signed_in(author).get(url).status_code in (302, 403)
    assert signed_in(chief).get(url).status_code == 200
    assert signed_in(employee("admin", land, "admin")).get(url).status_code == 200


def test_preparing_the_groups_again_changes_nothing(home, own):
    groups = {group.pk: set(group.permissions.values_list("pk", flat=True)) for group in Group.objects.all()}
    rights.prepare(home)
    assert {group.pk: set(group.permissions.values_list("pk", flat=True)) for group in Group.objects.all()} == groups
    assert any(groups.values())


def test_every_change_of_an_author_is_a_row_of_the_journal(author, own):
    before = JournalEntry.objects.count()
    assert edits(author, own)
    rows = JournalEntry.objects.filter(chain=f"material:{own.pk}", actor=author)
    assert "wagtail.edit" in set(rows.values_list("action", flat=True))
    assert JournalEntry.objects.count() > before
    assert "Изменено" not in str(list(rows.values_list("data", flat=True)))
    assert journal.verify() == []
