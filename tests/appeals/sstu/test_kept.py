"""The kept standing of a month is the fresh one whatever happens, and only what has changed is judged anew."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otklik.appeals import (
    case_questions,
    classification,
    cover,
    extension,
    forwarding,
    kinship,
    merging,
    outcome_kinds,
    outcomes,
)
from otklik.appeals.models import AppealMessage, OutcomeKind, SstuBody, SstuJudgement, SstuWatch, Topic
from otklik.appeals.outcomes import Given
from otklik.appeals.sstu import checking, dictionary, kept, uploads
from otklik.appeals.sstu.selecting import Month
from otklik.core import journal
from otklik.people import applicants
from otklik.people.applicants import Typed
from tests.appeals.sstu.conftest import OTHERS, World
from tests.appeals.sstu.test_month import BODY, kind


def fresh(month: Month) -> dict[int, str]:
    return {line.appeal.pk: line.state for line in checking.lines_of(month)}


def alike(world: World) -> dict[int, str]:
    """Return how the month stands, kept and fresh alike; the month before, too."""
    for month in (world.month, world.month.previous):
        assert kept.standing(month).states == fresh(month)
    judged = SstuJudgement.objects.filter(month=world.month.first)
    told = {pk: (own, said) for pk, own, said in judged.values_list("appeal", "own", "statuses")}
    for line in checking.lines_of(world.month):
        assert told[line.appeal.pk] == (line.own, line.request.statuses)
    return fresh(world.month)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of appeals that the kept standing judges anew from now on."""
    seen, real = list[int](), kept._judge

    def spy(month: Month, keys: Any, basis: str) -> Any:
        seen.extend(keys)
        return real(month, keys, basis)

    monkeypatch.setattr(kept, "_judge", spy)
    return seen


def test_the_kept_standing_is_the_fresh_one_after_each_step_of_an_appeal(world: World) -> None:
    appeal = world.registered()
    assert alike(world)[appeal.pk] == "mend"
    world.classified(appeal)
    assert alike(world)[appeal.pk] == "ready"
    topic = Topic.objects.filter(leaf=True).exclude(code="0003.0011.0123.0850").earliest("pk")
    world.assigned(world.again(appeal))
    classification.classify(world.again(appeal), [(topic, world.pair()[1])], by=world.clerk)
    alike(world)
    world.stands_in(world.clerk, world.auditor)
    extension.extend(world.again(appeal), days=10, reason="Ждём", decided_by=world.signer, by=world.clerk)
    alike(world)
    outcomes.record(world.again(appeal), kind("orally"), Given(note="на приёме"), by=world.clerk)
    assert alike(world)[appeal.pk] == "mend"
    outcomes.record(world.again(appeal), kind("explained"), by=world.clerk)
    assert alike(world)[appeal.pk] == "ready"
    case_questions.split(world.again(appeal), *world.pair(), text="Второй вопрос", by=world.clerk)
    alike(world)


def test_an_answer_that_leaves_and_one_that_covers_a_copy_are_seen(world: World) -> None:
    copy, main = world.assigned(), world.assigned()
    alike(world)
    kinship.relate(copy, main, kind="duplicate", by=world.clerk)
    alike(world)
    world.sent(world.again(main))
    alike(world)


def test_what_became_of_the_files_is_seen(world: World) -> None:
    appeal = world.assigned()
    assert alike(world)[appeal.pk] == "ready"
    world.formed()
    assert alike(world)[appeal.pk] == "formed"
    uploads.mark_refused(world.month, [appeal.pk], reason="нет", by=world.clerk)
    assert alike(world)[appeal.pk] == "refused"
    world.formed(appeal.pk)
    uploads.mark_sent(world.month, [appeal.pk], by=world.clerk)
    assert alike(world)[appeal.pk] == "mended"
    outcomes.record(appeal, kind("anonymous"), Given(note="нет адреса"), by=world.clerk)
    outcomes.close_unanswered(world.again(appeal), by=world.clerk)
    assert alike(world)[appeal.pk] == "changed"
    uploads.enter_by_hand(world.month, [appeal.pk], by=world.clerk)
    assert alike(world)[appeal.pk] in ("sent", "mended")


def test_a_forwarding_its_body_and_a_covering_letter_are_seen(world: World) -> None:
    sent_on, ordered = world.assigned(), world.classified(world.from_elsewhere("medo"))
    assert alike(world)[ordered.pk] == "mend"
    message = AppealMessage.objects.get(appeal=ordered, first=True).message
    cover.write(message, cover.Cover(number="12-ОГ", on=date(2026, 11, 1)), by=world.clerk)
    assert alike(world)[ordered.pk] == "ready"
    cover.write(message, cover.Cover(number="А26-00-1", on=date(2026, 11, 1)), by=world.clerk)
    assert alike(world)[ordered.pk] == "hand"
    addressed = forwarding.Addressed(BODY, "email", "mintrans@nso.example")
    forwarding.forward(sent_on, [addressed], whole=True, signer=world.signer, by=world.clerk)
    assert alike(world)[sent_on.pk] == "mend"
    body = dictionary.keep_body(SstuBody(name=BODY, department_id=OTHERS), by=world.clerk)
    assert alike(world)[sent_on.pk] == "ready"
    dictionary.end_body(body, by=world.clerk)
    assert alike(world)[sent_on.pk] == "mend"


@pytest.mark.parametrize(
    "changed", [{"urog_prefix": ""}, {"department_id": ""}, {"extended": "mark"}, {"regimes": ["59fz", "outside_59fz"]}]
)
def test_a_changed_rule_is_seen_at_once(world: World, changed: dict[str, Any]) -> None:
    world.classified(world.from_elsewhere("governor_reception", cover_number="А26-1", cover_date="2026-11-01"))
    world.classified(world.registered_email())
    extended = world.assigned()
    world.stands_in(world.clerk, world.auditor)
    extension.extend(extended, days=10, reason="Ждём", decided_by=world.signer, by=world.clerk)
    before = alike(world)
    world.keep(**changed)
    after = alike(world)
    assert after != before or changed == {"extended": "mark"}


def test_a_changed_kind_of_outcome_and_a_loaded_classifier_are_seen(world: World, judged: list[int]) -> None:
    appeal = world.assigned()
    outcomes.record(appeal, kind("explained"), by=world.clerk)
    alike(world)
    row = OutcomeKind.objects.get(code="explained")
    row.letter_due = False
    outcome_kinds.keep(row, changed=["letter_due"], by=world.employee("keeper", "Хранителева", world.hq, ["admin"]))
    judged.clear()
    alike(world)
    assert appeal.pk in judged
    judged.clear()
    journal.record("classifier.loaded", chain="dictionaries", by=world.clerk, version="2")
    alike(world)
    assert appeal.pk in judged


def test_two_appeals_made_one_and_parted_again_are_seen(world: World) -> None:
    one, other = world.classified(), world.classified()
    alike(world)
    row = merging.merge(one, other, by=world.clerk)
    assert alike(world)[one.pk] == "aside"
    merging.undo(row, by=world.clerk)
    assert alike(world)[one.pk] == "ready"


def test_a_name_that_came_later_by_the_card_or_by_one_merged_into_is_seen(world: World, judged: list[int]) -> None:
    appeal = world.classified()
    alike(world)
    judged.clear()
    applicants.complete(appeal.applicant, Typed(last_name="Иванова", email="new@citizen.example"), by=world.clerk)
    alike(world)
    assert set(judged) == {appeal.pk}
    named = applicants.create(Typed(last_name="Петрова", first_name="Анна"), by=world.clerk)
    judged.clear()
    merge = applicants.merge(named, appeal.applicant, by=world.clerk)
    alike(world)
    assert set(judged) == {appeal.pk}
    # The one merged into is merged on: whoever stands above is watched, too.
    third = applicants.create(Typed(last_name="Сидорова", first_name="Ольга"), by=world.clerk)
    again = applicants.merge(third, named, by=world.clerk)
    judged.clear()
    alike(world)
    assert set(judged) == {appeal.pk}
    applicants.undo_merge(again, by=world.clerk)
    applicants.undo_merge(merge, by=world.clerk)
    judged.clear()
    alike(world)
    assert set(judged) == {appeal.pk}


def test_only_what_has_changed_is_judged_again(world: World, judged: list[int]) -> None:
    first, second = world.assigned(), world.assigned()
    kept.standing(world.month)
    assert judged == [first.pk, second.pk]
    judged.clear()
    kept.standing(world.month)
    assert judged == []
    outcomes.record(second, kind("explained"), by=world.clerk)
    kept.standing(world.month)
    assert judged == [second.pk]


def test_what_happens_while_an_appeal_is_judged_is_seen_the_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    appeal = world.assigned()
    real = checking.lines_of

    def slow(*args: Any) -> Any:
        lines = list(real(*args))
        monkeypatch.setattr(checking, "lines_of", real)
        outcomes.record(appeal, kind("orally"), Given(note="на приёме"), by=world.clerk)
        return lines

    monkeypatch.setattr(checking, "lines_of", slow)
    assert kept.standing(world.month).states == {appeal.pk: "ready"}
    assert alike(world) == {appeal.pk: "mend"}


def test_the_page_takes_as_many_statements_for_many_appeals_as_for_few(world: World) -> None:
    client = Client()
    client.force_login(world.clerk, backend="django.contrib.auth.backends.ModelBackend")
    address = f"/desk/sstu/{world.month.first}/"

    def statements() -> int:
        assert client.get(address).status_code == 200  # what has changed is judged
        with CaptureQueriesContext(connection) as asked:
            text = client.get(address).content.decode()
        assert "Сформировать готовые" in text
        return len(asked)

    for _ in range(2):
        world.assigned()
    few = statements()
    for _ in range(6):
        world.assigned()
    assert statements() <= few


def test_the_job_judges_beforehand_and_forgets_months_long_past(world: World, judged: list[int]) -> None:
    appeal = world.assigned()
    old = world.month.first - timedelta(days=500)
    row = SstuJudgement.objects.create(appeal=appeal, month=old.replace(day=1), basis="", own="ready")
    SstuWatch.objects.create(judgement=row, chain=f"appeal:{appeal.pk}", seq=1)
    kept.refresh()
    assert not SstuJudgement.objects.filter(month__lt=world.month.previous.first).exists()
    judged.clear()
    assert kept.standing(world.month).counted() == {"ready": 1}
    assert judged == []
