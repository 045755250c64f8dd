"""Paper questionnaires at the desk: a key an answer, nothing lost, the check in another's hands."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from otklik.surveys import paper
from otklik.surveys.models import PaperBatch, PaperForm, Questionnaire, Response
from tests.appeals.conftest import World
from tests.desk import at, desk
from tests.surveys.conftest import pile as pile

pytestmark = pytest.mark.django_db
GOOD = {"q-answered": "yes", "q-quality": "satisfied", "comment": ""}
HTMX = {"HTTP_HX_REQUEST": "true"}
PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\nstartxref\n9\n%%EOF\n"


@pytest.fixture
def world(db: None) -> World:
    return World()


def test_a_batch_goes_from_the_table_to_the_count_in_two_hands(world: World) -> None:
    one, other = desk(world.clerk), desk(world.clerk2)
    edition = Questionnaire.objects.get(code="consultation")
    facts = {"questionnaire": edition.pk, "unit": world.land.pk, "received_on": "2026-11-24", "forms_expected": 2}
    opened = one.post(at("paper"), facts)
    batch = PaperBatch.objects.get()
    assert opened["Location"] == at("paper_batch", batch.pk)
    page = one.get(opened["Location"]).content.decode()
    assert "Получен ли ответ на Ваш вопрос?" in page
    assert "<kbd>3</kbd>не удовлетворен" in page
    next_one = one.post(opened["Location"], {"number": 1, **GOOD}, **HTMX).content.decode()
    assert "Анкета № 1 записана" in next_one
    assert 'value="2"' in next_one
    assert "Введено столько анкет" not in next_one
    assert one.post(opened["Location"], {"number": 2, **GOOD, "comment": "Спасибо"}).status_code == 302
    assert "Введено столько анкет, сколько в пачке: 2" in one.get(opened["Location"]).content.decode()
    one.post(at("paper_end", batch.pk), {"forms": 2})
    assert "Передайте пачку другому" in one.get(opened["Location"]).content.decode()
    again = other.get(at("paper_check", batch.pk)).content.decode()
    assert " checked" not in again.split('id="paper-form"')[1].split("</form>")[0], "the first reading is not shown"
    number = PaperForm.objects.get(sampled=True).number
    wrong = {"number": number, "q-answered": "no", "q-quality": "satisfied"}
    done = other.post(at("paper_check", batch.pk), wrong, **HTMX)
    assert done["HX-Redirect"] == at("paper_batch", batch.pk)
    assert "прочитана по-разному" in other.get(at("paper_batch", batch.pk)).content.decode()
    other.post(at("paper_settle", batch.pk), {"number": number, "q-answered": "first"})
    other.post(at("paper_count", batch.pk))
    assert Response.objects.filter(source="paper", answers__answered="yes").count() == 2
    refused = other.post(at("paper_count", batch.pk))
    assert refused.status_code == 422
    assert "состоянии «учтена»" in refused.content.decode()
    assert Response.objects.count() == 2


def test_a_refused_form_comes_back_as_it_was_typed(world: World, pile) -> None:
    batch = pile()
    typed = {"number": 1, "q-answered": "yes", "comment": "Долго ждали"}
    answer = desk(world.clerk).post(at("paper_batch", batch.pk), typed, **HTMX)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Нет ответа на вопрос «Оцените качество" in page
    assert "Долго ждали" in page
    assert 'value="yes" data-press="1" checked' in page


def test_questions_are_typed_in_the_order_of_the_paper_the_one_with_several_boxes_in_its_place(
    world: World, pile
) -> None:
    batch = pile(1, questionnaire=Questionnaire.objects.get(code="qr"))
    client = desk(world.clerk)
    asked = [(one["code"], one["kind"]) for one in batch.questionnaire.questions]
    typed = {f"q-{code}": "13" if kind == "several" else paper.NONE for code, kind in asked}
    said = client.get(at("paper_batch", batch.pk)).content.decode()
    places = [said.index(f'name="q-{code}"') for code, _ in asked]
    assert places == sorted(places)
    [many] = [f"q-{code}" for code, kind in asked if kind == "several"]
    for key, mark in (("0", paper.NONE), ("-", paper.UNCLEAR), ("13", "1 3")):
        answer = client.post(at("paper_batch", batch.pk), typed | {many: key, "number": "1", "again": "1"})
        assert answer.status_code in (200, 302), answer.content.decode()
        assert batch.forms.get().answers[many.removeprefix("q-")] == mark
        kept = "1 3" if key == "13" else key
        assert f'value="{kept}" data-many' in client.get(at("paper_batch", batch.pk) + "?number=1").content.decode()


def test_what_is_being_typed_is_kept_and_undone(world: World, pile) -> None:
    batch, client = pile(), desk(world.clerk)
    assert client.post(at("paper_keep", batch.pk), {"number": 1, "q-answered": "no"}).status_code == 204
    assert 'value="no" data-press="2" checked' in client.get(at("paper_batch", batch.pk)).content.decode()
    client.post(at("paper_batch", batch.pk), {"number": 1, **GOOD})
    back = client.post(at("paper_undo", batch.pk), **HTMX).content.decode()
    assert "снова открыта" in back
    assert 'value="yes" data-press="1" checked' in back


def test_a_typed_form_is_corrected_by_its_number(world: World, pile) -> None:
    batch, client = pile(), desk(world.clerk)
    client.post(at("paper_batch", batch.pk), {"number": 1, **GOOD})
    page = client.get(at("paper_batch", batch.pk) + "?number=1").content.decode()
    assert 'name="again" value="1"' in page
    client.post(at("paper_batch", batch.pk), {"number": 1, "again": "1", **GOOD, "q-answered": "no"})
    assert PaperForm.objects.get().answers["answered"] == "no"


def test_blanks_and_the_scan_are_given_out_as_files_and_a_program_is_no_scan(world: World, pile) -> None:
    batch, client = pile(2), desk(world.clerk)
    for address in (at("paper_blank", batch.questionnaire_id), at("paper_blanks", batch.pk)):
        answer = client.get(address)
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer.content.startswith(b"%PDF")
    assert client.get(at("paper_scan", batch.pk)).status_code == 404
    bad = client.post(at("paper_scan", batch.pk), {"scan": SimpleUploadedFile("scan.pdf", b"MZ\x90\x00program")})
    assert bad.status_code == 422
    assert "не принят" in bad.content.decode()
    client.post(at("paper_scan", batch.pk), {"scan": SimpleUploadedFile("scan.pdf", PDF)})
    kept = client.get(at("paper_scan", batch.pk))
    assert BytesIO(b"".join(kept.streaming_content)).read() == PDF


def test_the_list_of_batches_asks_a_fixed_number_of_questions(
    world: World, pile, django_assert_max_num_queries
) -> None:
    for _ in range(4):
        paper.enter(pile(), 1, {"answered": "yes", "quality": "partial"}, "", by=world.clerk)
    client = desk(world.clerk)
    client.get(at("paper"))
    with django_assert_max_num_queries(16):
        client.get(at("paper"))
    with django_assert_max_num_queries(18):
        client.get(at("paper_batch", PaperBatch.objects.latest("pk").pk))
