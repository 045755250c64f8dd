"""The text of files is found: by employees in what is attached, by citizens only in what was let out."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from wagtail.documents.models import Document

from otklik.knowledge import file_texts, materials, office, public
from otklik.knowledge.models import Attachment, FileText
from tests.knowledge import hostile
from tests.knowledge.test_rights import signed_in

pytestmark = pytest.mark.django_db
State = FileText.State


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def here(monkeypatch):
    """Read in this process: what a process of its own adds has a test of its own."""

    def read(path, kind):
        try:
            return {"text": office.text_of(path, kind)}
        except office.Unreadable as why:
            return {"why": str(why)}

    from pathlib import Path

    monkeypatch.setattr(file_texts, "read_apart", lambda path, kind: read(Path(path), kind))


def document(name: str, content: bytes, title: str = "Памятка") -> Document:
    return Document.objects.create(title=title, file=ContentFile(content, name=name))


def read_all() -> None:
    while file_texts.read_next():
        pass


def attach(material, row: Document, *, inner: bool = False) -> None:
    material.attachments.add(Attachment(document=row, inner=inner))
    material.save_revision().publish()
    material.refresh_from_db()


def found(query: str, user=None) -> list[tuple[int, str]]:
    return [(one.page_id, one.file) for one in materials.find(query, user=user)]


def test_every_format_gives_its_text(here):
    said = "Перечень бумаг: фарфоровая смета"
    cells = hostile.table(("Бумага", "Фарфоровая|смета"))
    rows = {
        "a.pdf": hostile.pdf(said),
        "a.docx": hostile.docx(hostile.paragraph("Перечень бумаг") + cells),
        "a.xlsx": hostile.xlsx(("Перечень бумаг", 7), ("фарфоровая смета", None)),
        "a.odt": hostile.odt(said),
        "a.ods": hostile.odt(said, kind="spreadsheet"),
        "a.txt": said.encode("cp1251"),
    }
    for name, content in rows.items():
        document(name, content)
    read_all()
    for one in FileText.objects.select_related("document"):
        assert one.state == State.READ, one.document.filename
        text = one.text.lower()
        assert "перечень бумаг" in text, one.document.filename
        assert "фарфоровая" in text, one.document.filename
        assert "смета" in text, one.document.filename


def test_a_scan_says_so_to_the_author_and_a_broken_file_why(here, author, garages, publish):
    faq = publish(garages, "Как оформить гараж")
    attach(faq, document("scan.pdf", hostile.pdf(""), "Скан"))
    attach(faq, document("broken.docx", hostile.packed({"word/other.xml": "x"}), "Битый"))
    swelling = '<!DOCTYPE a [<!ENTITY b "xxxx">]><a>&b;</a>'
    attach(faq, document("swell.odt", hostile.packed({"content.xml": swelling}), "Раздутый"))
    read_all()
    page = signed_in(author).get(reverse("workplace:knowledge_material", args=[faq.pk])).content.decode()
    assert "наверное, это скан" in page
    assert "не прочитан: он повреждён" in page
    assert "описания, которых в документах не бывает" in page
    assert "наверное, это скан" in signed_in(author).get(f"/cms/pages/{faq.pk}/edit/").content.decode()


def test_employees_find_the_material_by_its_file(here, reader, garages, publish):
    faq = publish(garages, "Как оформить гараж")
    attach(faq, document("a.txt", "Приложите фарфоровую смету".encode()))
    assert found("фарфоровая смета", reader) == []
    read_all()
    assert found("фарфоровая смета", reader) == [(faq.pk, "Памятка")]
    assert found("оформить гараж", reader) == [(faq.pk, "")]
    page = signed_in(reader).get(reverse("workplace:knowledge"), {"q": "фарфоровая смета"}).content.decode()
    assert "В файле «Памятка»" in page
    faq.unpublish()
    assert found("фарфоровая смета", reader) == []


def test_citizens_find_it_only_when_it_was_let_out(here, garages, publish):
    faq = publish(garages, "Как оформить гараж")
    attach(faq, document("a.txt", "Приложите фарфоровую смету".encode()))
    attach(faq, document("b.txt", "Тайный регламент".encode(), "Для своих"), inner=True)
    read_all()
    assert found("фарфоровая смета") == []
    public.let_out(faq)
    assert found("фарфоровая смета") == [(faq.pk, "Памятка")]
    assert found("тайный регламент") == []
    public.withdraw(faq, by=None)
    assert found("фарфоровая смета") == []


def test_a_replaced_file_is_read_again_and_a_deleted_one_found_no_more(here, chief, reader, garages, publish):
    faq, row = publish(garages, "Как оформить гараж"), document("a.txt", "Фарфоровая смета".encode())
    attach(faq, row)
    read_all()
    data = {"title": "Памятка", "collection": row.collection_id}
    data["file"] = SimpleUploadedFile("b.txt", "Черепичная опись".encode())
    assert signed_in(chief).post(reverse("wagtaildocs:edit", args=[row.pk]), data).status_code == 302
    assert found("фарфоровая смета", reader) == []
    read_all()
    assert found("черепичная опись", reader) == [(faq.pk, "Памятка")]
    row.delete()
    assert found("черепичная опись", reader) == []


def test_a_file_replaced_while_it_was_read_keeps_waiting(monkeypatch, garages):
    row = document("a.txt", b"one")

    def slow(*_):
        row.file.save("b.txt", ContentFile(b"two"), save=False)
        row._set_document_file_metadata()
        row.save()
        return {"text": "one"}

    monkeypatch.setattr(file_texts, "read_apart", slow)
    assert file_texts.read_next()
    assert (FileText.objects.get().state, FileText.objects.get().text) == (State.WAITING, "")


def test_a_file_that_kills_its_readers_is_left_alone(monkeypatch):
    document("a.txt", b"one")
    FileText.objects.update(tries=file_texts.TRIES)
    monkeypatch.setattr(file_texts, "read_apart", lambda *_: pytest.fail("taken again"))
    assert file_texts.read_next()
    assert FileText.objects.get().state == State.FAILED
    assert not file_texts.read_next()


def test_a_process_of_its_own_reads_and_dies_alone(monkeypatch, tmp_path):
    good, bad = tmp_path / "a.odt", tmp_path / "a.pdf"
    good.write_bytes(hostile.odt("Смета"))
    bad.write_bytes(b"%PDF-1.7 nothing")
    assert "Смета" in file_texts.read_apart(str(good), "odt")["text"]
    assert "повреждён" in file_texts.read_apart(str(bad), "pdf")["why"]
