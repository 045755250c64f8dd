"""`/desk/surveys/`: a clerk writes a questionnaire, names its day and hangs a poster; others look."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.people.models import Employee
from otklik.surveys.models import Questionnaire, QuestionnaireDraft, SurveyPoint
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def desk() -> Client:
    return signed_in(World().clerk)


def text_of(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def form(draft: QuestionnaireDraft, do: str, *questions: dict[str, str], **more: str) -> dict[str, str]:
    sent = {"title": "Своя", "version": str(draft.version), "count": str(len(questions)), "do": do}
    for number, one in enumerate(questions, start=1):
        sent |= {f"{name}-{number}": value for name, value in one.items()}
    return sent | more


def test_a_questionnaire_is_written_without_scripts_and_named_a_day(desk: Client) -> None:
    answer = desk.post(reverse("workplace:survey_new"), {"title": "Своя", "like": ""}, follow=True)
    draft = QuestionnaireDraft.objects.get()
    assert "Добавьте хотя бы один вопрос." in text_of(answer)
    address = reverse("workplace:survey_draft", args=[draft.pk])
    desk.post(address, form(draft, "add"))
    draft.refresh_from_db()
    one = {"code": draft.questions[0]["code"], "text": "Удобно?", "kind": "choice", "answers": "да\nнет\n"}
    two = {"code": "", "text": "Почему?", "kind": "text"}
    desk.post(address, form(draft, "up:2", one, two))
    draft.refresh_from_db()
    assert [each["text"] for each in draft.questions] == ["Почему?", "Удобно?"]
    assert draft.questions[1]["answers"] == [["a1", "да"], ["a2", "нет"]]
    shown = text_of(desk.get(reverse("workplace:survey_preview", args=[draft.pk])))
    assert "Удобно?" in shown
    publishing = reverse("workplace:survey_publish", args=[draft.pk])
    assert desk.post(publishing, {"valid_from": "2020-01-01"}).status_code == 422
    answer = desk.post(publishing, {"valid_from": str(timezone.localdate())}, follow=True)
    assert "Редакция 1" in text_of(answer)
    assert Questionnaire.objects.get(title="Своя").edition == 1


def test_what_a_second_writer_typed_stays_on_the_page(desk: Client) -> None:
    desk.post(reverse("workplace:survey_new"), {"title": "Своя"})
    draft = QuestionnaireDraft.objects.get()
    address = reverse("workplace:survey_draft", args=[draft.pk])
    desk.post(address, form(draft, "save", {"code": "", "text": "Первый", "kind": "text"}))
    late = desk.post(address, form(draft, "save", {"code": "", "text": "Опоздавший вопрос", "kind": "text"}))
    assert late.status_code == 409
    assert "Опоздавший вопрос" in late.content.decode()
    assert QuestionnaireDraft.objects.get().questions[0]["text"] == "Первый"


def test_an_edition_of_the_order_asks_for_the_order_that_changes_it(desk: Client) -> None:
    edition = Questionnaire.objects.get(code="consultation")
    assert "п. 27.3" in text_of(desk.get(reverse("workplace:survey", args=[edition.pk])))
    desk.post(reverse("workplace:survey_revise", args=[edition.pk]))
    draft = QuestionnaireDraft.objects.get()
    publishing = reverse("workplace:survey_publish", args=[draft.pk])
    answer = desk.post(publishing, {"valid_from": str(timezone.localdate()), "ground": "  "})
    assert answer.status_code == 422
    assert "номер и дату приказа" in text_of(answer)
    assert QuestionnaireDraft.objects.exists()


def test_a_place_gets_its_address_poster_and_block(desk: Client) -> None:
    page = desk.get(reverse("workplace:survey_point_new")).content.decode()
    assert 'value="14"' in page
    typed = {"name": "Кабинет 114", "code": "14", "questionnaire": "qr", "channel": "reception"}
    answer = desk.post(
        reverse("workplace:survey_point_new"), {**typed, "valid_from": str(timezone.localdate())}, follow=True
    )
    point = SurveyPoint.objects.get(code="14")
    words = text_of(answer)
    assert "/o/14" in words
    assert '<div> <p><a href="' in words  # the block, as text to copy
    for paper in ("a4", "a5"):
        poster = desk.get(reverse("workplace:survey_poster", args=[point.pk, paper]))
        assert poster.content.startswith(b"%PDF")
    assert desk.get(reverse("workplace:survey_qr", args=[point.pk, "pdf"])).content.startswith(b"%PDF")
    assert b"<svg" in desk.get(reverse("workplace:survey_qr", args=[point.pk, "svg"])).content
    assert Client().get("/o/14/").status_code == 200


@pytest.mark.parametrize("code", ["13", "UP", "а б", "x" * 13])
def test_an_address_that_is_taken_or_cannot_be_dictated_is_refused(desk: Client, code: str) -> None:
    typed = {"name": "Кабинет", "code": code, "questionnaire": "qr", "valid_from": str(timezone.localdate())}
    answer = desk.post(reverse("workplace:survey_point_new"), typed)
    assert answer.status_code == 422
    assert "Кабинет" in answer.content.decode()
    assert SurveyPoint.objects.count() == 3


def test_an_address_never_changes_and_a_place_can_be_ended(desk: Client) -> None:
    point = SurveyPoint.objects.get(code="13")
    address = reverse("workplace:survey_point_edit", args=[point.pk])
    typed = {"name": "Приёмная", "code": "99", "questionnaire": "qr", "valid_from": "2024-08-16"}
    assert desk.post(address, {**typed, "valid_to": "2024-08-20"}).status_code == 302
    point.refresh_from_db()
    assert (point.code, str(point.valid_to)) == ("13", "2024-08-20")
    assert "Сейчас здесь не спрашивают" in text_of(desk.get(reverse("workplace:survey_point", args=[point.pk])))


def test_the_list_takes_few_statements_and_shows_opens_and_answers(
    desk: Client, django_assert_max_num_queries: Any
) -> None:
    Client().get("/o/13/")
    desk.get(reverse("workplace:surveys"))  # the session writes its notes
    with django_assert_max_num_queries(12):
        words = text_of(desk.get(reverse("workplace:surveys")))
    assert "Приёмная" in words
    assert "Как мы поработали 1 0" in words


def test_who_only_asks_the_questions_looks_and_does_not_write() -> None:
    world = World()
    consultant = signed_in(world.employee("consultant", "Советова", world.land, ["consultant"]))
    page = consultant.get(reverse("workplace:surveys"))
    assert page.status_code == 200
    assert "Новая анкета" not in page.content.decode()
    assert consultant.get(reverse("workplace:survey_new")).status_code == 403
    executor = signed_in(world.executor)
    assert executor.get(reverse("workplace:surveys")).status_code == 403


def test_the_portal_shows_the_code_a_link_and_the_address_in_words(client: Client, db: None) -> None:
    words = client.get("/").content.decode()
    assert 'src="/o/12/qr.svg"' in words
    assert 'href="/o/12/"' in words
    assert "/o/12</span>" in words
