"""Numbers of СЭД: typed, scanned, loaded; unique, searched, compared."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from otklik.appeals import case_search, sed, signature
from otklik.appeals.models import SedNumber, SedRecord
from otklik.core import sheets
from otklik.core.errors import DomainError

TODAY = timezone.localdate()


def brought(*rows):
    table = [list(sed.COLUMNS.values()), *rows]
    return sed.read(io.BytesIO(sheets.xlsx(table, title="СЭД")), "sed.xlsx")


def test_a_number_is_found_however_it_was_typed(world):
    appeal = world.registered()
    sed.enter(appeal, direction="in", number="А26-12/3", on=TODAY, by=world.clerk)
    for typed in ("А26-12/3", "a26–12/3", "№ А26-12/3", " A 26-12 / 3 "):
        assert [row.appeal_id for row in sed.found(world.clerk, typed)] == [appeal.pk], typed
    assert sed.found(world.stranger, "А26-12/3") == [], "of an appeal he does not see"
    [group] = case_search.find(world.clerk, "А26-12/3", limit=5).groups[:1]
    assert [one.appeal.pk for one in group.rows] == [appeal.pk]


def test_a_scanner_types_number_and_date_into_one_field(world):
    row = sed.enter(
        world.registered(), direction="in", number=f"01-23/45 от {TODAY:%d.%m.%Y}", how="scanned", by=world.clerk
    )
    assert (row.number, row.on) == ("01-23/45", TODAY)
    assert sed.read_scanned("01-23/45;24.11.2026") == ("01-23/45", date(2026, 11, 24))
    assert sed.read_scanned("01-23/45") == ("01-23/45", None)


@given(text=st.text(max_size=200))
@settings(max_examples=200)
def test_whatever_was_scanned_is_read_without_a_defect(text):
    number, _ = sed.read_scanned(text)
    assert len(number) <= 60
    assert len(sed.key_of(text)) <= 60
    assert sed.key_of(sed.key_of(text)) == sed.key_of(text) or "№" in text


def test_a_number_is_one_appeals_in_its_year_and_the_same_press_twice_is_once(world):
    one, other = world.registered(), world.registered()
    first = sed.enter(one, direction="in", number="1/2", on=TODAY, by=world.clerk)
    assert sed.enter(one, direction="in", number="1/2", on=TODAY, by=world.clerk) == first
    with pytest.raises(sed.NumberTaken, match=one.number):
        sed.enter(other, direction="in", number="1/2", on=TODAY, by=world.clerk)
    sed.enter(other, direction="out", number="1/2", on=TODAY, by=world.clerk)
    assert SedNumber.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [{"number": ""}, {"number": "без цифр"}, {"on": None}, {"on": TODAY + timedelta(days=1)}, {"direction": "x"},
     {"direction": "out", "on": date(2020, 1, 1)}],
)  # fmt: skip
def test_a_bad_number_is_refused_and_leaves_nothing(world, trace, changes):
    appeal = world.registered()
    before = trace()
    with pytest.raises(DomainError):
        sed.enter(appeal, by=world.clerk, **{"direction": "in", "number": "1/2", "on": TODAY, **changes})
    assert trace() == before


def test_who_does_not_register_or_attest_writes_no_numbers(world):
    for who in (world.executor, world.auditor, world.stranger):
        with pytest.raises(DomainError):
            sed.enter(world.assigned(), direction="in", number="1/2", on=TODAY, by=who)


def test_a_case_registered_by_a_number_of_sed_and_an_answer_signed_there_bear_them(world):
    appeal = world.registered(sed_number="77-1/26")
    answer = world.frozen(appeal)
    signature.sign_sed(answer, number="01-23/45", signed_on=TODAY, by=world.clerk)
    assert {(row.direction, row.number) for row in sed.of(appeal)} == {("in", "77-1/26"), ("out", "01-23/45")}


def test_a_list_shows_what_it_will_do_and_loaded_twice_changes_nothing(world):
    appeal = world.registered()
    rows = brought(
        ["входящий", "10/1", f"{TODAY:%d.%m.%Y}", appeal.number],
        ["исходящий", "10/2", f"{TODAY:%d.%m.%Y}", ""],
        ["исходящий", "10/2", f"{TODAY:%d.%m.%Y}", ""],
        ["куда-то", "", "вчера", ""],
        ["входящий", "10/3", f"{TODAY:%d.%m.%Y}", "О-1999-000001"],
    )
    lines = sed.plan(rows)
    assert [line.verdict for line in lines] == ["link", "new", "refuse", "refuse", "refuse"]
    sed.load(rows, how="sheet", by=world.clerk, agreed=sed.fingerprint(lines))
    assert SedRecord.objects.count() == 2
    assert [row.number for row in sed.of(appeal)] == ["10/1"]
    assert [line.verdict for line in sed.plan(rows)][:2] == ["same", "same"]
    with pytest.raises(sed.PlanChanged):
        sed.load(rows, how="sheet", by=world.clerk, agreed=sed.fingerprint(lines))
    sed.load(rows, how="sheet", by=world.clerk)
    assert (SedRecord.objects.count(), SedNumber.objects.count()) == (2, 1)


def test_where_sed_and_we_differ_is_told_from_both_sides(world):
    both, moved, ours = world.registered(), world.registered(), world.registered()
    day = TODAY - timedelta(days=2)
    for appeal, number, on in ((both, "1", TODAY), (moved, "2", TODAY), (ours, "3", TODAY)):
        sed.enter(appeal, direction="in", number=number, on=on, by=world.clerk)
    bare = world.registered()
    rows = [("in", "1", TODAY), ("in", "2", day), ("in", "4", TODAY)]
    sed.take([sed.Given(*row) for row in rows], how="api", by=world.clerk)
    assert [row.appeal for row in sed.only_here(world.clerk)] == [ours]
    assert [row.number for row in sed.only_there()] == ["4"]
    assert [(row.appeal, row.there_on) for row in sed.other_dates(world.clerk)] == [(moved, day)]
    assert list(sed.without_number(world.clerk)) == [bare]
    assert not sed.only_here(world.stranger).exists()


def test_lists_in_the_folder_are_loaded_and_put_away_and_a_bad_one_says_why(world, tmp_path, settings):
    settings.SED_FOLDER = str(tmp_path)
    table = [list(sed.COLUMNS.values()), ["входящий", "5/1", f"{TODAY:%d.%m.%Y}", ""], ["входящий", "", "", ""]]
    (tmp_path / "a.xlsx").write_bytes(sheets.xlsx(table, title="СЭД"))
    (tmp_path / "b.csv").write_text("Что-то;Другое\n1;2\n", encoding="utf-8")
    assert sed.take_from_folder() == 1
    assert SedRecord.objects.get().number == "5/1"
    [told] = (tmp_path / "отклонено").glob("*.txt")
    assert "нет столбцов" in told.read_text(encoding="utf-8")
    [told] = (tmp_path / "принято").glob("*.txt")
    assert "строка 3" in told.read_text(encoding="utf-8")
    assert sed.take_from_folder() == 0
    settings.SED_FOLDER = ""
    assert sed.take_from_folder() == 0
