"""Exercises of a stand: each role's is done by its own pages and seen as done, and never by looking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from otklik.appeals import classification
from otklik.appeals.models import AppealMessage, Approval
from otklik.core import installation
from otklik.core.models import Installation, JournalEntry
from otklik.demo import staff
from otklik.hotline import defaults as hotline
from otklik.hotline.models import Consultation, Line
from otklik.knowledge import defaults
from otklik.knowledge.models import Faq, Mark, ReplyTemplate, Section
from otklik.people.models import Employee, Unit
from otklik.reception.models import CardQuestion, ReceptionCard
from otklik.workplace import exercises
from otklik.workplace.models import ExerciseRun
from tests.desk import at, entered
from tests.knowledge.test_rights import typed

pytestmark = pytest.mark.django_db
TEXT = "Здравствуйте!\n\nУчасток под гаражом можно получить бесплатно. Подайте заявление о предоставлении."


@pytest.fixture
def stand(demo_stand: Installation) -> dict[str, Employee]:
    """Give the people of a stand by login; its Knowledge Base has one section of the land unit."""
    units, people = staff.load()
    hotline.load()
    home = defaults.load()
    section = home.add_child(instance=Section(title="Гаражи", slug="garages", unit=units["land"]))
    section.save_revision().publish()
    for page in (
        ReplyTemplate(title="Земля под гаражом", slug="t", mark=Mark.FOR_ANSWERS, text=TEXT, live=False),
        Faq(title="Как оформить гараж", slug="f", mark=Mark.PUBLIC, short_answer="Подайте заявление.", live=False),
    ):
        section.add_child(instance=page).save_revision().publish()
    return {login: Employee.objects.get(pk=one.pk) for login, one in people.items()}


class Pupil:
    """Somebody in his browser, going through one exercise."""

    def __init__(self, employee: Employee, code: str) -> None:
        self.employee, self.code = employee, code
        self.client: Client = entered(employee)
        answer = self.client.post(at("exercise_begin", code))
        assert answer.status_code == 302, answer.content.decode()
        self.run = ExerciseRun.objects.get(employee=employee, exercise=code)
        self.things: dict[str, int] = self.run.things

    def post(self, name: str, *args: object, **given: Any) -> Any:
        """Press a button; a dash of a field's name is typed as `__`."""
        answer = self.client.post(at(name, *args), {key.replace("__", "-"): value for key, value in given.items()})
        assert answer.status_code < 400, answer.content.decode()
        return answer

    def done(self) -> list[bool]:
        return [line.done for line in exercises.progress(self.run).lines]

    def looks(self) -> None:
        """Open every page the steps lead to."""
        for line in exercises.progress(self.run).lines:
            if line.url:
                assert self.client.get(line.url, follow=True).status_code == 200, line.url


def clerk(pupil: Pupil) -> None:
    form = pupil.client.get(at("inbox", pupil.things["letter"])).context["form"]
    shown = {field.name: value for field in form if (value := field.value()) is not None}
    pupil.client.post(at("inbox", pupil.things["letter"]), shown | {"needs_answer": "yes"})
    appeal = AppealMessage.objects.get(message=pupil.things["letter"]).appeal
    if not pupil.done()[1]:
        topic, need = classification.valid_topics()[0], classification.valid_needs()[0]
        pupil.post(
            "classify", appeal.pk, form__TOTAL_FORMS=1, form__INITIAL_FORMS=1, form__0__topic=str(topic),
            form__0__need=need.pk, confirm=1,
        )  # fmt: skip
    executor = Employee.objects.get(username="executor1")
    pupil.post("assign", appeal.pk, unit=executor.unit_id, executor=executor.pk)
    pupil.post("join", pupil.things["reply"], number=appeal.number)
    pupil.post("reject", pupil.things["advert"], reason="Рассылка")


def executor(pupil: Pupil) -> None:
    pk = pupil.things["appeal"]
    pupil.post("draft_insert", pk, ReplyTemplate.objects.get(slug="t").pk, text="", base_version=0)
    version = pupil.client.get(at("draft", pk)).context["draft"].version
    pupil.post("draft", pk, text=TEXT, base_version=version)
    pupil.post("note", pk, text="Прошу взглянуть")
    version = pupil.client.get(at("draft", pk)).context["draft"].version
    head = Employee.objects.get(username="head1")
    pupil.post("draft", pk, text=TEXT, base_version=version, ask=1, approvers=[head.pk])


def head(pupil: Pupil) -> None:
    for name, given in (
        ("faulty", {"beside": 1, "margin": "Куда подать?"}),
        ("faulty", {"give_back": 1, "remark": "Допишите"}),
        ("good", {"approve": 1}),
    ):
        row = Approval.objects.get(revision__draft__appeal=pupil.things[name], decision="waiting")
        words = " ".join(row.revision.text.split()[:3]) if "beside" in given else ""
        pupil.post("approval_decide", row.pk, **given, passage=words)
    colleague = Employee.objects.get(username="executor1")
    pupil.post("resolution_write", pupil.things["fresh"], text="Подготовьте ответ", to_person=colleague.pk)


def signer(pupil: Pupil) -> None:
    for name in ("first", "second"):
        pupil.post("read_letter", pupil.things[name])
    pupil.post("withdraw", pupil.things["second_appeal"])
    pupil.post("note", pupil.things["second_appeal"], text="Срок указан неверно")


def official(pupil: Pupil) -> None:
    card = pupil.things["card"]
    pupil.post("hold_step", card, step="start")
    pupil.post("hold_step", card, step="introduce")
    pupil.post("hold_step", card, step="before", before="no")
    topic, need = classification.valid_topics()[0], classification.valid_needs()[0]
    pupil.post("hold_step", card, step="add", new__text="Когда?", new__topic=str(topic), new__need=need.pk)
    question = CardQuestion.objects.get(card=card)
    pupil.post(
        "hold_step", card, step="outcome", question=question.pk, outcome="oral", answer="В мае", facts_evident="1",
        oral_consent="1",
    )  # fmt: skip
    pupil.post("hold_step", card, step="finish")


def author(pupil: Pupil) -> None:
    draft = Faq.objects.get(pk=pupil.things["draft"])
    sent = typed(draft, short_answer="Спросите в отделе.", **{"action-agree": "1"})
    pupil.client.post(reverse("wagtailadmin_pages:edit", args=[draft.pk]), sent)
    section = Section.objects.get(slug="garages")
    pupil.post("proposal_material", pupil.things["proposal"], kind="Faq", section=section.pk, title="Доверенность")
    pupil.post("knowledge_vote", pupil.things["material"], helped="yes")
    pupil.client.get(at("review_item", pupil.things["review"]))
    pupil.post("review_item", pupil.things["review"], step="confirm")


def consultant(pupil: Pupil) -> None:
    line = Line.objects.get(code=hotline.DEPARTMENT)
    pupil.post("call_desk", number="+7 913 000-00-09", line=line.pk)
    talk = Consultation.objects.get(by=pupil.employee)
    pupil.post("call_keep", talk.pk, question="Аренда", answer="Подать заявление", caller="", version="0")
    closing = {"q__answered": "yes", "q__quality": "satisfied", "topic": "", "need": ""}
    pupil.post("call_close", talk.pk, outcome="answered", **closing)
    pupil.post("missed_step", pupil.things["missed"], step="take")
    pupil.post("missed_step", pupil.things["missed"], step="attempt", result="talked")
    pupil.post("missed_step", pupil.things["missed"], step="settle", outcome="called_back", note="Объяснила")


def receptionist(pupil: Pupil) -> None:
    pupil.post("arrival", pupil.things["visit"], step="open")
    for given in (
        {"step": "document", "document": "passport", "same": "yes"},
        {"step": "inform", "video": "given", "audio": "given"},
        {"step": "ready"},
    ):
        card = ReceptionCard.objects.get(appointment=pupil.things["visit"])
        pupil.post("check_in", card.pk, version=card.version, **given)


def admin(pupil: Pupil) -> None:
    unit = Unit.objects.get(index="02")
    pupil.post("staff_new", last_name="Примерова", first_name="Вера", username="vera", phone="238", unit=unit.pk)
    one = Employee.objects.get(username="vera")
    pupil.post("employee_role", one.pk, role="executor", unit=unit.pk, valid_from=timezone.localdate(), basis="приказ")
    pupil.post("employee_password", one.pk)
    pupil.post("employee_block", one.pk, at_once="1", basis="учебная")


def auditor(pupil: Pupil) -> None:
    pupil.post("journal_verify")
    for name in ("journal_seals", "journal_export"):
        assert pupil.client.get(at(name)).status_code == 200


ROLES: list[tuple[str, str, Callable[[Pupil], None]]] = [
    ("clerk", "clerk", clerk),
    ("executor1", "executor", executor),
    ("head1", "head", head),
    ("signer", "signer", signer),
    ("head2", "official", official),
    ("kbauthor", "kb-author", author),
    ("consultant", "consultant", consultant),
    ("receptionist", "receptionist", receptionist),
    ("admin", "admin", admin),
    ("auditor", "auditor", auditor),
]


def test_there_is_a_way_through_every_exercise() -> None:
    assert {code for _, code, _ in ROLES} == {one.code for one in exercises.EXERCISES}


@pytest.mark.parametrize(("login", "code", "work"), ROLES, ids=[code for _, code, _ in ROLES])
def test_an_exercise_is_done_by_the_roles_own_pages_and_not_by_looking(
    stand: dict[str, Employee], login: str, code: str, work: Callable[[Pupil], None]
) -> None:
    pupil = Pupil(stand[login], code)
    assert not any(pupil.done())
    pupil.looks()
    assert not any(pupil.done()), "looking is not doing"
    panel = pupil.client.get(at("exercise_panel")).content.decode()
    assert "0 из" in panel
    work(pupil)
    assert all(pupil.done()), pupil.done()
    for name, args in (("exercise", [code]), ("exercises", []), ("exercise_panel", [])):
        assert "выполнено" in pupil.client.get(at(name, *args)).content.decode()


def test_it_can_be_begun_anew_with_a_letter_of_its_own(stand: dict[str, Employee]) -> None:
    pupil = Pupil(stand["clerk"], "clerk")
    pupil.post("reject", pupil.things["advert"], reason="Рассылка")
    assert pupil.done().count(True) == 1
    again = Pupil(stand["clerk"], "clerk")
    assert not any(again.done())
    assert again.things["letter"] != pupil.things["letter"]
    assert ExerciseRun.objects.count() == 1


def test_what_a_colleague_did_or_what_was_done_before_does_not_count(stand: dict[str, Employee]) -> None:
    pupil = Pupil(stand["clerk"], "clerk")
    entered(stand["clerk2"]).post(at("reject", pupil.things["advert"]), {"reason": "Рассылка"})
    assert not any(pupil.done())
    pupil.post("reject", pupil.things["reply"], reason="Не то")
    ExerciseRun.objects.update(begun_at=timezone.now() + timedelta(minutes=1))
    pupil.run.refresh_from_db()
    assert not any(pupil.done())


def test_another_exercise_takes_the_panels_place_and_the_panel_can_be_put_away(stand: dict[str, Employee]) -> None:
    first = Pupil(stand["head1"], "head")
    Pupil(stand["head1"], "official")
    panel = first.client.get(at("exercise_panel")).content.decode()
    assert "Провести личный приём" in panel
    assert "Согласовать и поручить" not in panel
    first.post("exercise_leave", "official")
    assert first.client.get(at("exercise_panel")).content == b""
    assert JournalEntry.objects.filter(action="exercise.left", actor=stand["head1"]).count() == 1
    assert "Продолжить" in first.client.get(at("exercises")).content.decode()


def test_the_stand_offers_it_on_today_and_each_role_sees_its_own(stand: dict[str, Employee]) -> None:
    client = entered(stand["auditor"])
    assert at("exercises") in client.get(at("today")).content.decode()
    page = client.get(at("exercises")).content.decode()
    assert "Проверка журналов" in page
    assert "Письмо до исполнителя" not in page
    assert client.get(at("exercise", "clerk")).status_code == 404
    assert client.post(at("exercise_begin", "clerk")).status_code == 404
    assert client.get(at("exercise", "nothing")).status_code == 404


def test_a_working_system_has_no_exercises(production: Installation) -> None:
    staff.load()
    client = entered(Employee.objects.get(username="clerk"))
    for name, args in (("exercises", []), ("exercise", ["clerk"])):
        assert client.get(at(name, *args)).status_code == 404
    assert client.post(at("exercise_begin", "clerk")).status_code == 404
    assert client.get(at("exercise_panel")).content == b""
    assert at("exercises") not in client.get(at("today")).content.decode()
    assert not installation.is_demo()


def test_what_it_needs_and_is_not_there_is_told(stand: dict[str, Employee]) -> None:
    Section.objects.all().delete()
    answer = entered(stand["kbauthor"]).post(at("exercise_begin", "kb-author"))
    assert answer.status_code == 409
    assert "нет разделов Базы знаний" in answer.content.decode()
    assert not ExerciseRun.objects.exists()
    assert not JournalEntry.objects.filter(action="exercise.begun").exists()
