"""«Классификатор тем», «Типовые потребности», «Качество предложений», kinds at registration, the part of the matter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from otklik.appeals import assignment, bulk, classification, classifier, learning, proposing
from otklik.appeals.models import Appeal, BulkItem, ClassifierEdition, Need, QuestionKind, Topic
from tests.appeals import letters_made as made
from tests.appeals.conftest import World
from tests.appeals.test_learning import examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def clerk(world: World) -> Client:
    return signed_in(world.clerk)


def signed_in(employee: object) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return client


def test_the_classifier_is_found_by_a_word_and_handed_out(clerk: Client) -> None:
    shown = clerk.get("/desk/classifier/?q=Аренд").content.decode()
    assert "Арендные отношения в области землепользования" in shown
    assert "Земли лесного фонда" not in shown
    for kind in ("json", "csv", "xlsx"):
        answer = clerk.get(f"/desk/classifier/?format={kind}")
        assert answer.status_code == 200
        assert f".{kind}" in answer["Content-Disposition"]


def test_a_file_is_previewed_then_loaded(clerk: Client) -> None:
    text = "Код;Название;Действует по\n0003.0011.0123.0853;Новый вопрос;\n12;Кривой;\n"
    form = {"sheet": SimpleUploadedFile("k.csv", text.encode()), "version": "2026-12", "starts_on": "2026-12-01"}
    page = clerk.post("/desk/classifier/import/", form)
    shown = page.content.decode()
    assert "Прекратится" in shown
    assert "группы по четыре цифры" in shown
    assert not Topic.objects.filter(code="0003.0011.0123.0853").exists()
    sealed = page.context["read"]
    assert clerk.post("/desk/classifier/import/", {"read": sealed}).status_code == 302
    assert ClassifierEdition.objects.get().added == 1
    assert "2026-12" in clerk.get("/desk/classifier/").content.decode()
    again = clerk.post("/desk/classifier/import/", {"read": sealed})
    assert again.status_code == 409, "the plan no longer holds"
    assert clerk.post("/desk/classifier/import/", {"read": "x"}, follow=True).redirect_chain


def test_a_bad_file_and_a_missing_version_are_refused_in_words(clerk: Client) -> None:
    bad = clerk.post(
        "/desk/classifier/import/", {"sheet": SimpleUploadedFile("k.json", b"{"), "starts_on": "2026-12-01"}
    )
    assert bad.status_code == 422
    assert "не JSON" in bad.content.decode()
    nameless = SimpleUploadedFile("k.json", b'[{"code":"0003.0011.0123.0853","name":"A"}]')
    answer = clerk.post("/desk/classifier/import/", {"sheet": nameless, "starts_on": "2026-12-01"})
    assert "введите её" in answer.content.decode()


def test_a_code_is_ended_and_where_somebody_types_it_its_replacement_is_told(world: World, clerk: Client) -> None:
    row = Topic.objects.get(code="0003.0011.0123.0850")
    form = {"hints": "аренда", "unit": "", "valid_to": "2026-01-31", "replaced_by": "0003.0011.0123.0849"}
    assert clerk.post(f"/desk/classifier/{row.pk}/", {**form, "valid_to": ""}).status_code == 422
    assert clerk.post(f"/desk/classifier/{row.pk}/", form).status_code == 302
    appeal = world.registered()
    sent = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 0, "form-0-topic": row.code, "confirm": 1}
    answer = clerk.post(f"/desk/appeals/{appeal.pk}/classify/", {**sent, "form-0-need": Need.objects.first().pk})  # type: ignore[union-attr]
    assert answer.status_code == 422
    assert "Вместо него: «0003.0011.0123.0849" in answer.content.decode()
    assert signed_in(world.executor).post(f"/desk/classifier/{row.pk}/", form).status_code == 404


def test_needs_are_listed_added_changed_and_ended_by_the_registry_unit(world: World, clerk: Client) -> None:
    assert "Новая потребность" in clerk.get("/desk/needs/").content.decode()
    form = {"name": "Узнать о шуме", "hints": "шум", "order": 5, "valid_from": "2026-01-01", "valid_to": "", "was": ""}
    assert clerk.post("/desk/needs/new/", form).status_code == 302
    row = Need.objects.get(name="Узнать о шуме")
    was = clerk.get(f"/desk/needs/{row.pk}/").context["was"]
    stale = {**form, "valid_to": "2026-02-01", "was": "0000"}
    assert clerk.post(f"/desk/needs/{row.pk}/", stale).status_code == 409
    assert clerk.post(f"/desk/needs/{row.pk}/", {**stale, "was": was}).status_code == 302
    assert "прекращена" in clerk.get("/desk/needs/?q=шуме").content.decode()
    stranger = signed_in(world.employee("c3", "Чужая", world.land, ["clerk"]))
    answer = stranger.post("/desk/needs/new/", {**form, "name": "Другая"})
    assert answer.status_code == 403
    assert "Отдел организационной и кадровой работы" in answer.content.decode()
    assert not Need.objects.filter(name="Другая").exists()


def test_the_page_of_quality_says_what_was_learned_and_how_well(clerk: Client) -> None:
    assert "ещё ничему не выучились" in clerk.get("/desk/proposal-quality/").content.decode()
    learning.retrain(lambda: examples(made.letters(12, seen=True, seed=1)))
    proposing.forget()
    shown = clerk.get("/desk/proposal-quality/").content.decode()
    assert "В работе версия 1" in shown
    assert "Подтверждено обращений класса" in shown


def test_the_kind_is_proposed_and_kept_with_the_question(world: World, clerk: Client) -> None:
    appeal = world.registered_email()
    page = clerk.get(f"/desk/appeals/{appeal.pk}/classify/").content.decode()
    assert "Вид вопроса" in page
    topic, need = world.pair()
    kind = QuestionKind.objects.get(code="3")
    sent = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 0, "form-0-topic": topic.code, "form-0-need": need.pk}
    assert (
        clerk.post(f"/desk/appeals/{appeal.pk}/classify/", {**sent, "form-0-kind": kind.pk, "confirm": 1}).status_code
        == 302
    )
    assert appeal.questions.get().sort.kind == kind
    other = world.pair(need="status")[1]
    clerk.post(f"/desk/appeals/{appeal.pk}/classify/", {**sent, "form-0-need": other.pk, "confirm": 1})
    part = clerk.get(f"/desk/appeals/{appeal.pk}/matter/").content.decode()
    assert "Классификация" in part
    assert "Как меняли: 1" in part
    assert "было: 0003.0011.0123.0850" in part


def test_one_press_registers_and_classifies_a_letter_the_proposal_reads(world: World, clerk: Client) -> None:
    row = world.message(text="Жалоба на бездействие: прошу продлить договор аренды земельного участка.")
    page = clerk.get(f"/desk/inbox/{row.pk}/")
    shown = page.content.decode()
    assert "data-enter" in shown
    assert "по словам:" in shown
    first = page.context["form"].initial
    form = {name: getattr(value, "pk", value) for name, value in first.items() if value not in (None, "", False)}
    form["received_on"] = f"{timezone.localdate()}"
    answer = clerk.post(f"/desk/inbox/{row.pk}/", form)
    assert answer.status_code == 302
    appeal = Appeal.objects.get()
    assert appeal.status == Appeal.Status.CLASSIFIED
    assert appeal.questions.get().sort.kind.code == "3"


def test_nothing_written_is_assigned_unclassified_by_any_door(world: World, clerk: Client) -> None:
    appeal = world.registered()
    facts = {"unit": world.land, "executor": world.executor}
    with pytest.raises(assignment.NotClassified):
        assignment.assign(appeal, by=world.clerk, **facts)
    with pytest.raises(assignment.NotClassified):
        assignment.assign(appeal, by=world.clerk, imported=True, **facts)
    page = clerk.post(f"/desk/appeals/{appeal.pk}/assign/", {"unit": world.land.pk, "executor": world.executor.pk})
    assert page.status_code == 422
    run = bulk.prepare("assign", [appeal.pk], by=world.clerk)
    bulk.check(run, {"unit": world.land.pk, "executor": world.executor.pk})
    while bulk.work_next():
        pass
    item = run.items.get()
    assert item.state == BulkItem.State.UNFIT
    assert "сначала подтвердите тему" in item.why
    appeal.refresh_from_db()
    assert appeal.status == Appeal.Status.REGISTERED
    classification.propose_questions(appeal, [world.pair()], by=world.executor)
    with pytest.raises(assignment.NotClassified):
        assignment.assign(appeal, by=world.clerk, **facts)


def test_an_ended_need_cannot_be_given_to_a_question(world: World) -> None:
    topic, need = world.pair()
    given = {"name": need.name, "hints": "", "valid_from": need.valid_from}
    classifier.keep_need(need, {**given, "valid_to": timezone.localdate() - timedelta(days=1)}, by=world.clerk)
    with pytest.raises(classification.UnfitQuestion):
        classification.classify(world.registered(), [(topic, Need.objects.get(pk=need.pk))], by=world.clerk)
