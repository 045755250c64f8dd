"""What is answered while talking: a line to read of every kind, nothing internal aloud, and what was used is kept."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.hotline import consultations, reading_aloud
from otklik.hotline.models import Consultation, Line
from otklik.hotline.reading_aloud import FOR_LETTERS, NOT_ALOUD, SCRIPT, How
from otklik.knowledge import finding, materials, public
from otklik.knowledge.models import (
    ContactData,
    DecisionExample,
    Faq,
    KnowledgeHome,
    Material,
    MaterialUse,
    ReceptionHours,
    ReceptionSchedule,
    ReplyTemplate,
    Script,
    SearchSession,
    Section,
    Service,
)
from otklik.people.models import Employee
from tests.appeals.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def section(world: World) -> Section:
    made: Section = KnowledgeHome.objects.get().add_child(
        instance=Section(title="Гаражи", slug="garages", unit=world.land)
    )
    made.save_revision().publish()
    return made


def write(section: Section, kind: type[Material], title: str, **fields: Any) -> Any:
    page: Any = kind(title=title, slug=f"m{Material.objects.count()}", live=False, **fields)
    section.add_child(instance=page)
    page.save_revision().publish()
    page.refresh_from_db()
    return page


@pytest.fixture
def base(section: Section) -> dict[str, Any]:
    """One material of every kind a call is answered with, all about garages."""
    schedule = ReceptionSchedule(
        title="Приём о гаражах", slug="reception", mark="public", who="Отдел земель", place="каб. 5", live=False
    )
    schedule.hours = [ReceptionHours(day=2, starts=time(10), ends=time(12))]
    section.add_child(instance=schedule)
    schedule.save_revision().publish()
    return {
        "faq": write(section, Faq, "Как оформить гараж", mark="public", short_answer="Подайте заявление в МФЦ."),
        "template": write(section, ReplyTemplate, "Ответ о гараже", mark="for_answers", text="Сообщаем о гараже."),
        "example": write(
            section,
            DecisionExample,
            "Пример: гараж",
            mark="internal",
            situation="<p>Гараж секретикус.</p>",
            decision="<p>Отказ.</p>",
            grounds="<p>ЗК.</p>",
            decided_by="начальник",
            decided_on=date(2026, 1, 1),
            anonymised=True,
        ),
        "service": write(
            section,
            Service,
            "Услуга: земля под гаражом",
            mark="public",
            result="Договор аренды",
            documents="<p>Паспорт.</p>",
            term="20 рабочих дней",
        ),
        "contact": write(
            section, ContactData, "Отдел гаражей", mark="public", about="Гаражи", phone="238-60-02", hours="пн–пт"
        ),
        "script": write(section, Script, "Звонят о гараже", mark="for_answers", when="Спрашивают о гараже", steps=[]),
        "inner": write(section, Faq, "Гараж: для своих", mark="internal", short_answer="Гараж секретикус."),
        "schedule": Material.objects.get(pk=schedule.pk),
    }


@pytest.fixture
def consultation(line: Line, consultant: Employee) -> Consultation:
    return Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())


def test_of_a_template_only_what_needs_no_appeal_is_read(base: dict[str, Any]) -> None:
    text = "{обращение}\n\nВаше обращение № {номер} рассмотрено. К уплате [сумма]. Плату считают за год.\n{исполнитель}"
    ReplyTemplate.objects.filter(pk=base["template"].pk).update(text=text)
    template = Material.objects.get(pk=base["template"].pk)
    assert reading_aloud.line_to_read(template).text == "Плату считают за год."
    ReplyTemplate.objects.filter(pk=template.pk).update(text="Ответ на № {номер}")
    assert reading_aloud.line_to_read(template).text == "Ответ на № …", "nothing is left: the place is shown"


def test_each_kind_has_its_short_line_and_internal_ones_have_none(base: dict[str, Any], consultant: Employee) -> None:
    found = reading_aloud.search("гараж", user=consultant)
    lines = {row.found.page_id: row.line for row in found.rows}
    of = {name: lines[page.pk] for name, page in base.items()}
    assert of["faq"].text == "Подайте заявление в МФЦ."
    assert (of["template"].text, of["template"].note) == ("Сообщаем о гараже.", FOR_LETTERS)
    assert of["service"].text == "Договор аренды. Срок: 20 рабочих дней. Стоимость: бесплатно."
    assert of["schedule"].text == "Отдел земель. вторник: 10:00–12:00. каб. 5."
    assert of["contact"].text == "Телефон: 238-60-02. пн–пт. Гаражи."
    assert of["script"].note == SCRIPT
    for name in ("example", "inner"):
        assert (of[name].text, of[name].note, of[name].aloud) == ("", NOT_ALOUD, False)
    assert reading_aloud.line_to_read(base["faq"]) == of["faq"]


def test_a_kind_narrows_the_search(base: dict[str, Any], consultant: Employee) -> None:
    assert list(reading_aloud.kinds()) == [
        "faq", "replytemplate", "decisionexample", "service", "receptionschedule", "contactdata", "script",
    ]  # fmt: skip
    found = reading_aloud.search("гараж", user=consultant, kind="service")
    assert [row.found.page_id for row in found.rows] == [base["service"].pk]


def test_operators_of_the_ekc_read_only_what_is_on_the_site_and_as_it_was_let_out(base: dict[str, Any]) -> None:
    for name in ("faq", "service", "schedule"):
        public.let_out(base[name].specific)
    newer = Faq.objects.get(pk=base["faq"].pk)
    newer.short_answer = "Ещё не выпущенный гараж."
    newer.save_revision().publish()
    found = reading_aloud.search("гараж", typing=True)
    assert {row.found.page_id for row in found.rows} == {base[name].pk for name in ("faq", "service", "schedule")}
    lines = {row.found.page_id: row.line.text for row in found.rows}
    assert lines[base["faq"].pk] == "Подайте заявление в МФЦ."
    assert "20 рабочих дней" in lines[base["service"].pk]
    assert "вторник: 10:00–12:00" in lines[base["schedule"].pk]
    assert reading_aloud.search("секретикус").rows == []


def test_who_may_not_read_finds_nothing(base: dict[str, Any], world: World) -> None:
    operator = world.employee("ekc", "Сто", world.hq, ["ekc_operator"])
    assert reading_aloud.search("гараж", user=operator).rows == []


def test_the_search_takes_a_fixed_number_of_queries(base: dict[str, Any], consultant: Employee) -> None:
    who = Employee.objects.get(pk=consultant.pk)
    reading_aloud.search("гараж", user=who)
    with CaptureQueriesContext(connection) as one_kind:
        reading_aloud.search("гараж", user=who, typing=True, kind="service")
    with CaptureQueriesContext(connection) as every_kind:
        reading_aloud.search("гараж", user=who, typing=True)
    assert len(every_kind) <= len(one_kind) + 1  # the hours of schedules


def test_what_was_read_and_used_is_kept_with_its_version_once(
    base: dict[str, Any], consultation: Consultation, consultant: Employee
) -> None:
    page = base["faq"]
    finding.typed(finding.Searcher(consultant), "гараж", [page.pk])
    beside = reading_aloud.opened(consultation, page.pk, by=consultant)
    assert (beside.line.text, beside.done) == ("Подайте заявление в МФЦ.", frozenset())
    for how in (How.READ, How.READ, How.USED):
        reading_aloud.used(consultation, page.pk, how, by=consultant)
    rows = MaterialUse.objects.filter(reference=f"consultation:{consultation.pk}")
    assert sorted(rows.values_list("action", "revision")) == [
        ("opened", page.live_revision_id), ("read", page.live_revision_id), ("told", page.live_revision_id),
    ]  # fmt: skip
    assert reading_aloud.opened(consultation, page.pk, by=consultant).done == {"opened", "read", "used"}
    [used] = reading_aloud.used_in(consultation)
    assert (used.page_id, used.how) == (page.pk, ["открыто", "прочитано вслух", "использовано"])
    assert JournalEntry.objects.filter(action="consultation.material_used").count() == 2
    search = SearchSession.objects.get()
    assert (search.page_id, search.used_ms is not None) == (page.pk, True)


def test_what_is_internal_is_never_noted_as_read_aloud(
    base: dict[str, Any], consultation: Consultation, consultant: Employee
) -> None:
    with pytest.raises(reading_aloud.NotForCallers):
        reading_aloud.used(consultation, base["inner"].pk, How.READ, by=consultant)
    reading_aloud.used(consultation, base["inner"].pk, How.USED, by=consultant)
    with pytest.raises(reading_aloud.UnknownUse):
        reading_aloud.used(consultation, base["faq"].pk, "sung", by=consultant)


def test_what_did_not_fit_stays_away_from_this_consultation(
    base: dict[str, Any], consultation: Consultation, line: Line, consultant: Employee
) -> None:
    page = base["faq"]
    reading_aloud.used(consultation, page.pk, How.DECLINED, by=consultant)
    here = reading_aloud.search("оформить гараж", user=consultant, consultation=consultation)
    assert page.pk not in here.results.pages
    other = Consultation.objects.create(line=line, by=consultant, opened_at=timezone.now())
    assert page.pk in reading_aloud.search("оформить гараж", user=consultant, consultation=other).results.pages


def test_only_who_is_on_the_line_notes_what_was_used(
    base: dict[str, Any], consultation: Consultation, consultant: Employee, consultant2: Employee, world: World
) -> None:
    page = base["faq"].pk
    with pytest.raises(consultations.NotYours):
        reading_aloud.used(consultation, page, How.USED, by=consultant2)
    with pytest.raises(materials.NoSuchMaterial):
        reading_aloud.opened(consultation, 10**9, by=consultant)
    Consultation.objects.filter(pk=consultation.pk).update(outcome="answered", closed_at=timezone.now())
    consultation.refresh_from_db()
    with pytest.raises(consultations.ConsultationOver):
        reading_aloud.used(consultation, page, How.USED, by=consultant)
    reading_aloud.opened(consultation, page, by=consultant)
    assert not MaterialUse.objects.exists()


def test_topic_and_need_are_proposed_by_what_was_noted_searched_and_opened(
    base: dict[str, Any], section: Section, consultation: Consultation, consultant: Employee
) -> None:
    assert reading_aloud.proposed(consultation) == ([], [])
    rent = write(section, Faq, "Продление аренды земельного участка", mark="public", short_answer="Продлевают.")
    finding.typed(finding.Searcher(consultant), "аренда земельного участка", [rent.pk])
    topics, needs = reading_aloud.proposed(consultation)
    assert needs[0].item.code == "lease"
    assert "аренда" in needs[0].words
    reading_aloud.opened(consultation, rent.pk, by=consultant)
    assert reading_aloud.proposed(consultation)[1][0].materials
    SearchSession.objects.all().delete()
    MaterialUse.objects.all().delete()
    consultation.question = "Как продлить аренду земельного участка?"
    assert reading_aloud.proposed(consultation)[1][0].item.code == "lease"
    assert all(one.words for one in topics)


def test_searches_before_the_call_and_of_others_say_nothing_of_it(
    consultation: Consultation, consultant2: Employee, consultant: Employee
) -> None:
    finding.typed(finding.Searcher(consultant2), "аренда земельного участка", [])
    finding.typed(finding.Searcher(consultant), "аренда земельного участка", [])
    SearchSession.objects.filter(by=consultant).update(last_at=timezone.now() - timedelta(hours=1))
    assert reading_aloud.proposed(consultation) == ([], [])
