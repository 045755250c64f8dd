"""No file gets into the Knowledge Base unexamined, by whatever door, and none leaves it to be shown or run."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture
from wagtail.documents.models import Document
from wagtail.images.models import Image
from wagtail.models import Collection
from wagtail.users.models import UserProfile

from otklik.knowledge import public
from otklik.knowledge.models import Attachment
from tests.knowledge import hostile
from tests.knowledge.test_rights import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def kept() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def brought(client: Client, door: str, name: str, content: bytes) -> str:
    """Bring a file to one of the three doors; return what the page says."""
    file, root = SimpleUploadedFile(name, content), Collection.get_first_root_node().pk
    if door == "add_multiple":
        data = {"title": "Файл", "collection": root, "files[]": file}
        answer = client.post(reverse("wagtaildocs:add_multiple"), data, headers={"X-Requested-With": "XMLHttpRequest"})
        said = answer.json()
        return str(said.get("error_message", said.get("form")))
    prefix = "document-chooser-upload-" if door == "chooser" else ""
    url = reverse("wagtaildocs_chooser:create" if door == "chooser" else "wagtaildocs:add")
    data = {f"{prefix}title": "Файл", f"{prefix}collection": root, f"{prefix}file": file}
    answer = client.post(url, data)
    return str(answer.json().get("htmlFragment")) if door == "chooser" else answer.content.decode()


@pytest.mark.parametrize("door", ["add", "add_multiple", "chooser"])
def test_every_door_names_what_is_wrong_and_keeps_nothing(author, garages, door):
    client = signed_in(author)
    for what, (name, content, words) in hostile.LIVELY.items():
        assert words in brought(client, door, name, content), what
    assert not Document.objects.exists()
    assert kept() == []
    brought(client, door, "a.docx", hostile.docx(hostile.paragraph("Порядок")))
    assert Document.objects.get().title == "Файл"


def test_a_bomb_and_what_is_too_large_are_refused(author, garages, settings):
    client = signed_in(author)
    assert "слишком велик" in brought(client, "add", "a.docx", hostile.bomb())
    settings.UPLOAD_MAX_BYTES = settings.WAGTAILDOCS_MAX_UPLOAD_SIZE = 1000
    assert "слишком большой" in brought(client, "add", "a.txt", b"x" * 1001)
    assert not Document.objects.exists()


def test_a_file_is_examined_when_it_is_replaced_and_the_former_stays(author, garages):
    client = signed_in(author)
    brought(client, "add", "a.docx", hostile.docx(hostile.paragraph("Порядок")))
    document = Document.objects.get()
    name, content, words = hostile.LIVELY["a macro of Word"]
    data = {"title": "Другое", "collection": document.collection_id, "file": SimpleUploadedFile(name, content)}
    answer = client.post(reverse("wagtaildocs:edit", args=[document.pk]), data).content.decode()
    assert words in answer
    assert "Другое" in answer
    document.refresh_from_db()
    assert (document.title, len(kept())) == ("Файл", 1)


def test_what_citizens_read_is_not_replaced_past_the_second_person(chief, garages, publish):
    faq = publish(garages, "Как оформить гараж")
    document = Document.objects.create(title="Памятка", file=ContentFile(b"one", name="a.txt"))
    faq.attachments.add(Attachment(document=document))
    faq.save_revision().publish()
    faq.refresh_from_db()
    public.let_out(faq)
    client, url = signed_in(chief), reverse("wagtaildocs:edit", args=[document.pk])
    data = {"title": "Памятка", "collection": document.collection_id, "file": SimpleUploadedFile("b.txt", b"two")}
    assert "читают граждане" in client.post(url, data).content.decode()
    assert "читают граждане" in client.post(url, {**data, "title": "Для своих", "file": ""}).content.decode()
    answer = Client().get(document.url)
    assert b"".join(answer.streaming_content) == b"one"
    public.withdraw(faq, by=chief)
    data["file"] = SimpleUploadedFile("b.txt", b"two")
    assert client.post(url, data).status_code == 302


def test_a_file_leaves_to_be_saved_only(author, garages):
    document = Document.objects.create(title="Памятка", file=ContentFile(hostile.pdf("Текст"), name="памятка.pdf"))
    answer = signed_in(author).get(document.url)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert Client().get(document.url).status_code == 404


def test_pictures_come_in_by_no_door(chief, garages):
    held = io.BytesIO()
    Picture.new("RGB", (2, 2)).save(held, "PNG")
    client, root = signed_in(chief), Collection.get_first_root_node().pk
    for url, name in (
        (reverse("wagtailimages:add"), "file"),
        (reverse("wagtailimages:add_multiple"), "files[]"),
        (reverse("wagtailimages_chooser:create"), "image-chooser-upload-file"),
        (reverse("wagtailadmin_account"), "avatar-avatar"),
    ):
        prefix = name.removesuffix("file") if name.startswith("image-") else ""
        picture = SimpleUploadedFile("a.png", held.getvalue(), "image/png")
        data = {f"{prefix}title": "Рисунок", f"{prefix}collection": root, name: picture}
        client.post(url, data, headers={"X-Requested-With": "XMLHttpRequest"})
    assert not Image.objects.exists()
    assert not UserProfile.objects.exclude(avatar="").exists()
    assert kept() == []
    assert 'type="file"' not in client.get(reverse("wagtailadmin_account")).content.decode()
