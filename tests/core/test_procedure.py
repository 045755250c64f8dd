"""The Procedure as rows: what was in force on a day follows from the days of its editions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from otklik.core import procedure, retention
from otklik.core.models import JournalEntry, ProcedureClause, ProcedureEdition, RetentionRule
from otklik.people.models import Employee

pytestmark = pytest.mark.django_db
BEFORE, AFTER = date(2025, 12, 1), date(2026, 1, 15)


@pytest.fixture
def keeper(db: None) -> Employee:
    procedure.load()
    retention.load()
    return Employee.objects.create_user("keeper")


def numbers(day: date, *, ended: bool = False) -> list[str]:
    return [row.clause.number for row in procedure.on(day) if row.ended == ended]


def amendment() -> ProcedureEdition:
    return ProcedureEdition.objects.get(code="amendment")


def test_the_shipped_set_carries_the_orders_own_words(keeper: Employee) -> None:
    texts = dict(ProcedureClause.objects.filter(since=amendment()).values_list("number", "text"))
    assert len(texts) == 20
    assert texts["9.1"].startswith("Письменные обращения, поступающие в департамент через любую точку взаимодействия")
    assert "238-60-02, 238-60-62" in texts["28"]
    assert texts["3.1"].count("\n") == 11
    assert "не реже 1 раза в квартал" in texts["41"]
    assert all(texts.values())


def test_loading_again_changes_nothing_and_keeps_what_a_person_edited(keeper: Employee) -> None:
    edition = amendment()
    edition.number, edition.unsure = "77-НПА", ""
    procedure.keep_edition(edition, changed=["number", "unsure"], by=keeper)
    rule = RetentionRule.objects.get(code="appeals")
    rule.years = 10
    retention.keep(rule, changed=["years"], by=keeper)
    before = JournalEntry.objects.count(), ProcedureClause.objects.count(), RetentionRule.objects.count()
    procedure.load()
    retention.load()
    after = JournalEntry.objects.count(), ProcedureClause.objects.count(), RetentionRule.objects.count()
    assert before == after
    assert amendment().number == "77-НПА"
    assert RetentionRule.objects.get(code="appeals").years == 10


def test_a_day_shows_what_was_in_force_then_and_what_had_been_repealed(keeper: Employee) -> None:
    assert numbers(BEFORE) == ["1, абз. 4", "28", "36"]
    assert numbers(BEFORE, ended=True) == []
    assert numbers(AFTER)[:4] == ["2", "3.1", "9.1", "10.1"]
    assert numbers(AFTER)[-1] == "41"
    assert numbers(AFTER, ended=True) == ["1, абз. 4", "28", "36"]
    assert [row.clause.number for row in procedure.on(AFTER) if row.replaced] == ["28", "36"]
    assert procedure.on(date(2024, 1, 1)) == []


def test_clauses_follow_the_day_of_their_edition(keeper: Employee) -> None:
    edition = amendment()
    edition.valid_from = date(2026, 2, 1)
    procedure.keep_edition(edition, changed=["valid_from"], by=keeper)
    assert numbers(AFTER) == ["1, абз. 4", "28", "36"]
    assert numbers(date(2026, 2, 1))[0] == "2"
    row = JournalEntry.objects.get(action="procedure.edition_changed")
    assert (row.actor, row.data) == (keeper, {"edition": edition.pk, "now": {"valid_from": "2026-02-01"}})


def test_an_edition_that_would_end_a_clause_before_it_begins_is_refused_and_leaves_no_trace(keeper: Employee) -> None:
    edition, before = amendment(), JournalEntry.objects.count()
    edition.valid_from = date(2024, 1, 1)
    with pytest.raises(procedure.EndsBeforeItBegins, match="Пункт 1, абз"):
        procedure.keep_edition(edition, changed=["valid_from"], by=keeper)
    assert amendment().valid_from == date(2026, 1, 1)
    assert JournalEntry.objects.count() == before


def clause(**facts: Any) -> ProcedureClause:
    base = ProcedureEdition.objects.get(code="base")
    return ProcedureClause(**{"number": "5", "since": base, "text": "Текст пункта", "fulfilled": "Журналом", **facts})


def test_a_clause_of_the_departments_own_is_kept_and_its_text_stays_out_of_the_journal(keeper: Employee) -> None:
    procedure.keep_clause(clause(), changed=["number", "text", "since"], by=keeper)
    assert "5" in numbers(BEFORE)
    said = JournalEntry.objects.get(action="procedure.clause_added").data
    assert said["now"]["number"] == "5"
    assert len(said["now"]["text"]) == 64
    assert "Текст пункта" not in str(said)


def test_a_clause_is_in_an_edition_once(keeper: Employee) -> None:
    procedure.keep_clause(clause(), changed=["number"], by=keeper)
    with pytest.raises(procedure.ClauseKnown, match="Пункт 5"):
        procedure.keep_clause(clause(), changed=["number"], by=keeper)
    assert ProcedureClause.objects.filter(number="5").count() == 1
    old = ProcedureEdition.objects.get(code="base")
    with pytest.raises(procedure.EndsBeforeItBegins):
        procedure.keep_clause(clause(number="6", since=amendment(), until=old), changed=["number"], by=keeper)


def test_a_period_of_retention_counts_from_its_day(keeper: Employee) -> None:
    rule = RetentionRule.objects.get(code="appeals")
    later = RetentionRule(kind=rule.kind, years=10, basis="приказ", valid_from=AFTER)
    retention.keep(later, changed=["kind", "years"], by=keeper)
    assert retention.current(BEFORE)[rule.kind].years == 5
    assert retention.current(AFTER)[rule.kind].years == 10
    with pytest.raises(retention.RuleKnown, match=rule.kind):
        retention.keep(RetentionRule(kind=rule.kind, years=1, basis="-", valid_from=AFTER), changed=[], by=keeper)
    assert JournalEntry.objects.filter(action="retention.rule_added").count() == 1


def test_what_no_source_confirms_is_marked(keeper: Employee) -> None:
    assert not RetentionRule.objects.filter(unsure="").exists()
    assert "не сверен" in RetentionRule.objects.get(code="appeals").unsure
    assert "условный" in amendment().unsure
