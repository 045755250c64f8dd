"""The dictionaries of both axes: a whole classifier from a file, previewed and versioned; needs kept by one unit."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from otklik.appeals import classification, classifier
from otklik.appeals.errors import NotAllowed
from otklik.appeals.models import ClassifierEdition, Need, QuestionKind, Topic
from otklik.core import sheets
from otklik.core.models import JournalEntry

RENT = "0003.0011.0123.0850"
NEW = "0003.0011.0123.0853"
TODAY = timezone.localdate


def whole(**changes: dict[str, str]) -> list[sheets.Row]:
    """Return the classifier as it is, as a file would bring it; `changes` by code, None leaves a code out."""
    rows = {row.cells["code"]: row.cells for row in classifier.read(io.BytesIO(classifier.as_json()), "a.json").rows}
    for code, cells in changes.items():
        rows[code] = {**rows.get(code, {}), "code": code, **cells}
    return [sheets.Row(number, cells) for number, cells in enumerate(rows.values(), 1)]


def loaded(world, rows: list[sheets.Row], version: str = "2026-12-01") -> ClassifierEdition:
    starts_on = TODAY()
    agreed = classifier.fingerprint(classifier.plan(rows, version=version, starts_on=starts_on))
    return classifier.load(
        rows, version=version, starts_on=starts_on, agreed=agreed, name="klassifikator.json", by=world.clerk
    )


@pytest.mark.parametrize("kind", ["json", "csv", "xlsx"])
def test_what_is_handed_out_is_taken_back_and_changes_nothing(world, kind):
    content = {
        "json": classifier.as_json,
        "csv": lambda: b"".join(sheets.csv_lines(classifier.table())),
        "xlsx": lambda: sheets.xlsx(classifier.table(), title="Коды"),
    }[kind]()
    read = classifier.read(io.BytesIO(content), f"a.{kind}")
    lines = classifier.plan(read.rows, version="2025-10-31", starts_on=TODAY())
    assert {line.verdict for line in lines} == {"same"}
    assert len(lines) == Topic.objects.count()


def test_the_public_file_of_the_country_is_read(world):
    given = [
        {"code": "0003.0000.0000.0000", "name": "Экономика", "level": 1, "isLeaf": False, "path": ["Экономика"]},
        {"code": NEW, "name": "Новый вопрос", "isLeaf": True, "classifierVersion": "2026-12-01"},
    ]
    read = classifier.read(io.BytesIO(json.dumps(given, ensure_ascii=False).encode()), "classifier.json")
    assert read.version == "2026-12-01"
    assert [row.cells["code"] for row in read.rows] == ["0003.0000.0000.0000", NEW]


def test_a_new_version_renews_what_it_names_otherwise_ends_what_it_leaves_out_and_keeps_the_rest(world):
    kept = Topic.objects.get(code="0003.0011.0123.0849")
    old = Topic.objects.get(code=RENT)
    Topic.objects.filter(pk=old.pk).update(unit=world.land)
    gone = Topic.objects.get(code="0003.0011.0123.0851")
    rows = [
        row
        for row in whole(**{RENT: {"name": "Аренда земли"}, NEW: {"name": "Новое"}})
        if row.cells["code"] != gone.code
    ]
    done = loaded(world, rows)
    assert (done.added, done.renewed, done.ended) == (1, 1, 1)
    renewed = Topic.objects.get(code=RENT, version="2026-12-01")
    assert (renewed.name, renewed.hints, renewed.unit, renewed.leaf) == ("Аренда земли", old.hints, world.land, True)
    old.refresh_from_db()
    gone.refresh_from_db()
    assert old.valid_to == gone.valid_to == TODAY() - timedelta(days=1)
    assert old.replacement.by == renewed
    assert Topic.objects.get(code=kept.code) == kept
    assert Topic.objects.get(code=NEW).parent_code == "0003.0011.0123.0000"
    assert JournalEntry.objects.filter(action="classifier.loaded").count() == 1
    assert [
        line.verdict
        for line in classifier.plan(rows, version="2026-12-01", starts_on=TODAY())
        if line.verdict != "same"
    ] == []


def test_a_code_that_has_ended_is_refused_and_its_replacement_is_named(world):
    old, need = world.pair()
    yesterday = f"{TODAY() - timedelta(days=1):%d.%m.%Y}"
    loaded(world, whole(**{RENT: {"validTo": "", "valid_to": yesterday, "replaced_by": NEW}, NEW: {"name": "Аренда"}}))
    old.refresh_from_db()
    with pytest.raises(classification.EndedTopic, match=f"Вместо него: «{NEW} Аренда»"):
        classification.classify(world.registered(), [(old, need)], by=world.clerk)
    assert old not in classification.valid_topics()


def test_a_question_with_parts_below_it_is_no_longer_a_leaf(world):
    loaded(world, whole(**{f"{RENT}.0001": {"name": "Подвопрос"}}))
    assert not Topic.objects.get(code=RENT).leaf
    part = Topic.objects.get(code=f"{RENT}.0001")
    assert (part.leaf, part.parent_code) == (True, RENT)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"code": "12", "name": "Тема"}, "группы по четыре цифры"),
        ({"code": NEW, "name": ""}, "нет названия"),
        ({"code": NEW, "name": "я" * 501}, "длиннее 500"),
        ({"code": NEW, "name": "Тема", "valid_from": "вчера"}, "не дата"),
        ({"code": NEW, "name": "Тема", "valid_from": "02.02.2026", "valid_to": "01.02.2026"}, "раньше"),
        ({"code": NEW, "name": "Тема", "valid_to": "01.02.2030", "replaced_by": NEW}, "сам на себя"),
        (
            {"code": NEW, "name": "Тема", "valid_to": "01.02.2030", "replaced_by": "0009.0009.0009.0009"},
            "нет ни в файле",
        ),
        ({"code": NEW, "name": "Тема", "replaced_by": RENT}, "по какой день"),
        ({"code": NEW, "name": "Т", "valid_to": "01.02.2030", "replaced_by": "0003.0000.0000.0000"}, "раздел"),
        ({"code": RENT, "name": "Дважды"}, "уже встретился"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_is_left_aside(world, cells, said):
    rows = [*whole(), sheets.Row(900, cells)]
    lines = classifier.plan(rows, version="2026-12-01", starts_on=TODAY())
    wrong = [line for line in lines if line.verdict == "refuse"]
    assert [line.number for line in wrong] == [900]
    assert said in " ".join(wrong[0].why)
    before = Topic.objects.count()
    loaded(world, rows)
    assert Topic.objects.count() == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b"{", "не JSON"),
        ("a.json", b"\xff\xfe", "не JSON"),
        ("a.json", b"5", "нужен список"),
        ("a.json", b"[]", "кодов в нём нет"),
        ("a.csv", "Название;Что\nа;б".encode(), "нужны столбцы"),
        ("a.xlsx", b"PK", "не прин|поврежд|не таблица"),
        ("a.doc", b"word", "xlsx"),
    ],
)
def test_a_file_that_is_no_classifier_is_refused_in_words(name, content, said):
    with pytest.raises(Exception, match=said):
        classifier.read(io.BytesIO(content), name)


def test_a_plan_that_no_longer_holds_is_shown_again(world):
    rows = whole(**{NEW: {"name": "Новое"}})
    agreed = classifier.fingerprint(classifier.plan(rows, version="v", starts_on=TODAY()))
    Topic.objects.filter(code=RENT).update(name="Иначе")
    with pytest.raises(classifier.PlanChanged):
        classifier.load(rows, version="v", starts_on=TODAY(), agreed=agreed, name="a", by=world.clerk)
    assert not Topic.objects.filter(code=NEW).exists()


def test_only_who_keeps_dictionaries_loads(world):
    with pytest.raises(NotAllowed):
        classifier.load(whole(), version="v", starts_on=TODAY(), agreed="", name="a", by=world.executor)


def test_a_need_is_kept_by_the_unit_that_classifies_and_by_no_other(world):
    given = {
        "name": "Узнать  границы охранной зоны",
        "hints": "охранная зона,  ЗОУИТ; охранная зона",
        "valid_from": TODAY(),
    }
    row = classifier.keep_need(None, given, by=world.clerk)
    assert (row.name, row.hints) == ("Узнать границы охранной зоны", "охранная зона, ЗОУИТ")
    assert row.code == "uznat-granitsy-okhrannoi-zony"
    assert classification.propose("Мой дом попал в ЗОУИТ").needs[0].item == row
    stranger = world.employee("c3", "Чужая", world.land, ["clerk"])
    with pytest.raises(classification.NotRegistryUnit):
        classifier.keep_need(row, given, by=stranger)
    with pytest.raises(classifier.WrongNeed, match="уже есть"):
        classifier.keep_need(None, {**given, "name": "узнать границы ОХРАННОЙ зоны"}, by=world.clerk)
    with pytest.raises(classifier.WrongNeed, match="раньше"):
        classifier.keep_need(row, {**given, "valid_to": TODAY() - timedelta(days=1)}, by=world.clerk)


def test_an_ended_need_is_offered_no_more_and_two_who_change_one_are_told(world):
    row = Need.objects.get(code="auction")
    given = {"name": row.name, "hints": row.hints, "order": row.order, "valid_from": row.valid_from}
    was = classifier.state_of(row)
    classifier.keep_need(row, {**given, "valid_to": TODAY() - timedelta(days=1)}, was=was, by=world.clerk)
    assert row not in classification.valid_needs()
    with pytest.raises(classifier.NeedChanged):
        classifier.keep_need(row, given, was=was, by=world.clerk2)
    kinds = [one.action for one in JournalEntry.objects.filter(action__startswith="classifier.")]
    assert kinds == ["classifier.need_changed"]


def test_reclassification_keeps_who_when_and_from_what_to_what(world):
    appeal = world.registered()
    topic, need = world.pair()
    kind = QuestionKind.objects.get(official="Ж1.2")
    classification.classify(appeal, [(topic, need)], by=world.clerk)
    classification.classify(appeal, [(topic, need)], by=world.clerk)
    assert not appeal.reclassifications.exists(), "what stays the same is no change"
    other = world.pair(need="rent-payments")
    classification.classify(appeal, [other], kinds={(other[0].pk, other[1].pk): kind}, by=world.clerk2)
    [row] = appeal.reclassifications.all()
    assert row.by == world.clerk2
    assert row.was == [{"topic": str(topic), "need": need.name, "kind": ""}]
    assert row.now == [{"topic": str(topic), "need": other[1].name, "kind": str(kind)}]
    classification.classify(appeal, [other], by=world.clerk)
    assert appeal.questions.get().sort.kind == kind, "who says nothing of the kind leaves it"
    classification.classify(appeal, [other], kinds={}, by=world.clerk)
    assert [one.now[0]["kind"] for one in appeal.reclassifications.all()] == ["", str(kind)]


def test_the_kinds_of_the_directory_are_there_and_one_that_has_ended_is_refused(world):
    official = set(QuestionKind.objects.values_list("official", flat=True))
    assert {"П1.4", "П2", "П3.4", "З1.4", "З2.5", "З3.3", "Ж1.6", "Ж2.4", "НО7"} <= official
    assert QuestionKind.objects.filter(parent_code="").count() == 9
    assert classification.propose("Жалоба на бездействие").kinds[0].item.code == "3"
    QuestionKind.objects.filter(code="9").update(valid_to="2025-12-31")
    topic, need = world.pair()
    with pytest.raises(classification.UnfitQuestion):
        classification.classify(
            world.registered(),
            [(topic, need)],
            kinds={(topic.pk, need.pk): QuestionKind.objects.get(code="9")},
            by=world.clerk,
        )
