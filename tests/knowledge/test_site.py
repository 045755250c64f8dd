"""What goes to the site: a second person lets a version out, and every later word stays inside."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.urls import reverse
from wagtail.documents.models import Document

from otklik.core.models import JournalEntry
from otklik.knowledge import archive, materials, public
from otklik.knowledge.models import Attachment, Faq, Mark, Material, PublicVersion
from otklik.people.models import Employee

pytestmark = pytest.mark.django_db
SECRET = "Ненаружу"


@pytest.fixture
def written(garages, author):
    """A public question that its author has written and published for employees; nobody let it out."""
    page = garages.add_child(
        instance=Faq(title="Вопрос", slug="q", mark=Mark.PUBLIC, short_answer="Ответ.", live=False)
    )
    page.save_revision(user=author).publish()
    page.refresh_from_db()
    return page


def rewrite(page: Material, author: Employee, **fields: str) -> Material:
    for name, value in fields.items():
        setattr(page, name, value)
    page.save_revision(user=author).publish()
    page.refresh_from_db()
    return page


def test_published_for_employees_is_not_yet_on_the_site(client, written, reader):
    assert materials.for_staff(reader).filter(pk=written.pk).exists()
    assert client.get(written.url).status_code == 404
    assert materials.find("вопрос") == []


def test_a_second_person_lets_it_out_and_the_journal_knows_who(client, written, chief):
    public.pin(written, revision=written.live_revision_id, by=chief)
    assert "Ответ." in client.get(written.url).content.decode()
    entry = JournalEntry.objects.get(action="material.let_out")
    assert (entry.actor, entry.data["revision"]) == (chief, written.live_revision_id)


def test_its_author_does_not_let_it_out(client, written, author):
    with pytest.raises(public.OwnWork):
        public.pin(written, revision=written.live_revision_id, by=author)
    assert not PublicVersion.objects.exists()
    assert client.get(written.url).status_code == 404


def test_whoever_wrote_any_part_of_what_is_new_does_not_let_it_out(written, author, chief):
    public.pin(written, revision=written.live_revision_id, by=chief)
    rewrite(written, chief, short_answer="Главный редактор дописал.")
    rewrite(written, author, short_answer="Автор поправил запятую.")
    with pytest.raises(public.OwnWork):
        public.pin(written, revision=written.live_revision_id, by=chief)


def test_later_edits_stay_inside_until_they_are_let_out(client, written, author, chief):
    public.pin(written, revision=written.live_revision_id, by=chief)
    rewrite(written, author, title=f"{SECRET} вопрос", short_answer=SECRET)
    shown = client.get(written.url).content.decode()
    assert "Ответ." in shown
    assert SECRET not in shown
    assert materials.find(SECRET) == []
    public.pin(written, revision=written.live_revision_id, by=chief)
    assert SECRET in client.get(written.url).content.decode()


def test_what_changed_while_it_was_looked_at_is_not_let_out(written, author, chief):
    looked_at = written.live_revision_id
    rewrite(written, author, short_answer="Другое.")
    with pytest.raises(public.Changed):
        public.pin(written, revision=looked_at, by=chief)
    assert not PublicVersion.objects.exists()


def test_a_narrower_mark_takes_the_material_off_the_site_at_once(client, written, author, chief):
    public.pin(written, revision=written.live_revision_id, by=chief)
    rewrite(written, author, mark=Mark.INTERNAL)
    assert client.get(written.url).status_code == 404


def test_withdrawn_is_off_the_site_and_employees_still_read_it(client, written, chief, reader):
    public.pin(written, revision=written.live_revision_id, by=chief)
    public.withdraw(written, by=chief)
    assert client.get(written.url).status_code == 404
    assert materials.find("вопрос") == []
    assert materials.for_staff(reader).filter(pk=written.pk).exists()
    with pytest.raises(public.NotForSite):
        public.withdraw(written, by=chief)


@pytest.mark.parametrize(("who", "status"), [("chief", 302), ("author", 422), ("reader", 403)])
def test_the_page_lets_out_for_whom_it_may(client, written, who, status, request):
    client.force_login(request.getfixturevalue(who))
    address = reverse("workplace:knowledge_site", args=[written.pk])
    answer = client.post(address, {"revision": str(written.live_revision_id)})
    assert answer.status_code == status
    assert PublicVersion.objects.exists() is (status == 302)


def test_the_author_of_another_unit_lets_nothing_out(client, written, employee, rent):
    client.force_login(employee("stranger", rent, "kb_author"))
    address = reverse("workplace:knowledge_site", args=[written.pk])
    assert client.get(address).status_code == 404
    assert client.post(address, {"revision": str(written.live_revision_id)}).status_code == 404


def test_the_preview_shows_what_citizens_would_see_and_nothing_more(client, written, author, reader):
    rewrite(written, author, short_answer="Новое.", staff_note=f"<p>{SECRET}</p>")
    client.force_login(reader)
    shown = client.get(reverse("workplace:knowledge_as_citizen", args=[written.pk])).content.decode()
    assert "Новое." in shown
    assert SECRET not in shown


def test_a_file_added_after_the_release_is_not_given_out(client, written, author, chief):
    public.pin(written, revision=written.live_revision_id, by=chief)
    document = Document.objects.create(title="Памятка", file=ContentFile(b"text", name="memo.txt"))
    written.attachments.add(Attachment(document=document))
    rewrite(written, author, short_answer="С файлом.")
    assert client.get(document.url).status_code == 404
    public.pin(written, revision=written.live_revision_id, by=chief)
    assert client.get(document.url).status_code == 200


def test_an_inner_file_of_a_public_material_stays_inside(client, written, author, chief):
    document = Document.objects.create(title=SECRET, file=ContentFile(b"text", name="memo.txt"))
    written.attachments.add(Attachment(document=document, inner=True))
    rewrite(written, author, short_answer="С файлом.")
    public.pin(written, revision=written.live_revision_id, by=chief)
    assert client.get(document.url).status_code == 404
    assert SECRET not in client.get(written.url).content.decode()


def test_an_archived_material_leads_citizens_and_employees_to_its_successor(client, garages, publish, author):
    old, new = publish(garages, "Старый вопрос"), publish(garages, "Новый вопрос")
    archive.archive(old, reason="Закон изменился", replaced_by=new, by=author)
    assert client.get(old.url).headers["Location"] == new.url
    client.force_login(author)
    shown = client.get(reverse("workplace:knowledge_material", args=[old.pk])).content.decode()
    assert "Закон изменился" in shown
    assert "Новый вопрос" in shown


def test_nothing_replaces_itself_in_a_circle(garages, publish, author):
    one, two = publish(garages, "Раз"), publish(garages, "Два")
    with pytest.raises(archive.NoSuccessor):
        archive.archive(one, reason="так", replaced_by=one, by=author)
    archive.archive(one, reason="так", replaced_by=two, by=author)
    with pytest.raises(archive.NoSuccessor):
        archive.archive(two, reason="так", replaced_by=Material.objects.get(pk=one.pk), by=author)
    Material.objects.get(pk=one.pk).specific.save_revision().publish()
    two.refresh_from_db()
    archive.archive(two, reason="так", replaced_by=Material.objects.get(pk=one.pk), by=author)
    assert archive.successor(Material.objects.get(pk=two.pk)) == Material.objects.get(pk=one.pk)


def test_an_archived_material_says_why(garages, publish, author):
    page = publish(garages, "Вопрос")
    with pytest.raises(archive.NoReason):
        archive.archive(page, reason="  ", by=author)
    assert Material.objects.get(pk=page.pk).live


def test_what_was_public_before_stays_on_the_site(garages, publish):
    """The step that the first release's data take on their way here, over a public question of that release."""
    publish(garages, "Вопрос", short_answer="Ответ.", body="<p>Полно.</p>")
    PublicVersion.objects.all().delete()
    step = import_module("otklik.knowledge.migrations.0003_let_out_what_was_public")
    step.let_out(apps, None)
    version = PublicVersion.objects.get()
    assert (version.title, version.brief, version.answer) == ("Вопрос", "Ответ.", "Полно.")
