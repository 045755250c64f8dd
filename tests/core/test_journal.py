"""The journals: nothing is changed, removed or cut off without being found."""

from contextlib import suppress
from datetime import timedelta
from io import StringIO
from threading import Barrier, Thread

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.models import AccessEntry, ChainHead, JournalEntry, JournalSeal
from otklik.people.models import Employee


def run_sql(sql, *parameters):
    """Do what somebody with the database's password would do."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def texts():
    return [problem.text for problem in journal.verify()]


@pytest.fixture(autouse=True)
def nothing_written_yet(db):
    """Begin with an empty journal: loading the dictionaries has written lines of its own."""
    for model in (JournalEntry, ChainHead):
        run_sql(f"delete from {model._meta.db_table}")


@pytest.fixture
def three(db):
    return [journal.record("appeal.moved", chain="appeal:1", by=None, step=step) for step in (1, 2, 3)]


def test_rows_follow_each_other_in_their_own_chain(db):
    clerk, absent = Employee.objects.create_user("clerk"), Employee.objects.create_user("absent")
    first = journal.record("appeal.registered", chain="appeal:1", by=clerk, on_behalf_of=absent, number="О-1")
    other = journal.record("appeal.registered", chain="appeal:2", by=None)
    second = journal.record("appeal.assigned", chain="appeal:1", by=clerk)
    assert (first.seq, second.seq, other.seq) == (1, 2, 1)
    assert second.prev_hash == first.hash
    assert other.prev_hash == ""
    assert (first.actor, first.on_behalf_of, first.data) == (clerk, absent, {"number": "О-1"})
    assert journal.verify() == []


def test_dates_and_nested_data_survive_the_way_through_the_database(db):
    journal.record(
        "x", chain="c", by=None, day=timezone.localdate(), at=timezone.now(), deep={"б": [1, None, "ё", True, 2.5]}
    )
    assert journal.verify() == []


def test_a_rolled_back_change_leaves_no_row_and_no_gap(three):
    with transaction.atomic():
        journal.record("appeal.moved", chain="appeal:1", by=None)
        transaction.set_rollback(True)
    assert journal.record("appeal.moved", chain="appeal:1", by=None).seq == 4
    assert journal.verify() == []


def test_rows_written_together_follow_each_other_as_they_came_and_none_is_left_of_what_failed(db):
    clerk = Employee.objects.create_user("clerk")
    journal.record("appeal.registered", chain="appeal:1", by=clerk)
    with journal.together():
        journal.looked("appeal.opened", by=clerk, appeal=1)
        journal.record("appeal.moved", chain="appeal:1", by=clerk, step=1)
        with suppress(ZeroDivisionError), journal.together():
            journal.record("appeal.moved", chain="appeal:2", by=clerk)
            raise ZeroDivisionError
        with journal.together():
            journal.record("appeal.moved", chain="appeal:1", by=clerk, step=2)
        assert (JournalEntry.objects.count(), AccessEntry.objects.count()) == (1, 0)
    rows = JournalEntry.objects.order_by("pk").values_list("chain", "seq", "action", "data")
    assert list(rows[1:]) == [("appeal:1", seq, "appeal.moved", {"step": seq - 1}) for seq in (2, 3)]
    assert AccessEntry.objects.get().data == {"appeal": 1}
    assert journal.record("appeal.moved", chain="appeal:1", by=clerk).seq == 4
    assert journal.verify() == []


def test_looks_are_chained_by_day_apart_from_changes(db):
    clerk = Employee.objects.create_user("clerk")
    look = journal.looked("applicant.revealed", by=clerk, applicant=7, reason="звонок")
    assert look.chain == f"access:{timezone.localdate():%Y-%m-%d}"
    assert AccessEntry.objects.get().actor == clerk
    assert not JournalEntry.objects.exists()
    assert journal.verify() == []


def test_a_row_refuses_to_be_changed_or_removed(three):
    row = three[1]
    row.action = "другое"
    for forbidden in (
        row.save,
        row.delete,
        lambda: JournalEntry.objects.filter(pk=row.pk).update(action="другое"),
        JournalEntry.objects.all().delete,
    ):
        with pytest.raises(TypeError):
            forbidden()
    assert JournalEntry.objects.count() == 3
    assert journal.verify() == []


@pytest.mark.parametrize(
    ("column", "value"),
    [("action", "подмена"), ("data", '{"step": 9}'), ("at", "2020-01-01 00:00:00+00:00"), ("prev_hash", "0" * 64)],
)
def test_a_changed_row_is_found(three, column, value):
    run_sql(f"update core_journalentry set {column} = %s where id = %s", value, three[1].pk)
    assert "содержание изменено" in texts()


def test_a_row_changed_together_with_its_hash_is_found(three):
    row = JournalEntry.objects.get(pk=three[1].pk)
    row.action = "подмена"
    run_sql(
        "update core_journalentry set action = %s, hash = %s where id = %s", row.action, journal.digest(row), row.pk
    )
    assert texts() == ["не продолжает предыдущую строку"]


def test_a_removed_row_is_found(three):
    run_sql("delete from core_journalentry where id = %s", three[1].pk)
    assert texts() == ["строка пропала"]


def test_a_tail_cut_off_is_found_by_the_head(three):
    run_sql("delete from core_journalentry where id = %s", three[2].pk)
    assert texts() == ["строки нет, а цепочка о ней помнит"]


def test_a_tail_cut_off_together_with_the_head_is_found_by_the_seal_of_the_day(three):
    journal.seal(timezone.localdate())
    run_sql("delete from core_journalentry where id = %s", three[2].pk)
    run_sql("update core_chainhead set seq = 2, last_hash = %s", three[1].hash)
    assert texts() == ["строка была в печати дня, теперь её нет"]


def test_a_chain_removed_whole_is_found_by_the_seal(three):
    journal.seal(timezone.localdate())
    run_sql("delete from core_journalentry")
    run_sql("delete from core_chainhead")
    assert texts() == ["строка была в печати дня, теперь её нет"]


def test_a_seal_changed_or_removed_is_found(three):
    today = timezone.localdate()
    journal.seal(today - timedelta(days=1))
    journal.seal(today)
    assert journal.verify() == []
    run_sql("update core_journalseal set signature = %s where date = %s", "0" * 64, today)
    assert texts() == ["подпись не сходится"]
    JournalSeal.objects.filter(date=today - timedelta(days=1)).delete()
    assert "предыдущая печать пропала или заменена" in texts()


def test_a_seal_lives_on_when_the_secret_key_is_changed_with_the_old_one_kept(three, settings):
    journal.seal(timezone.localdate())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-secret-key-" + "y" * 40
    assert texts() == ["подпись не сходится"]
    settings.SECRET_KEY_FALLBACKS = [old]
    assert journal.verify() == []


def test_sealing_a_day_twice_keeps_the_first_seal(three):
    first = journal.seal(timezone.localdate())
    journal.record("appeal.moved", chain="appeal:1", by=None)
    assert journal.seal(timezone.localdate()).heads == first.heads
    assert first.heads == {"appeal:1": [3, three[2].hash]}
    assert journal.verify() == []


def test_the_command_says_whether_the_journal_is_whole(three):
    out, err = StringIO(), StringIO()
    call_command("journal", "verify", stdout=out)
    assert "Журнал цел" in out.getvalue()
    run_sql("delete from core_journalentry where id = %s", three[1].pk)
    with pytest.raises(SystemExit) as end:
        call_command("journal", "verify", stderr=err)
    assert end.value.code == 1
    assert "appeal:1" in err.getvalue()


@pytest.mark.django_db(transaction=True)
def test_eight_writers_to_one_chain_leave_no_gap():
    start, failures = Barrier(8), []

    def write():
        try:
            start.wait()
            for _ in range(5):
                journal.record("race", chain="appeal:1", by=None)
        except Exception as exc:
            failures.append(exc)
        finally:
            connection.close()

    threads = [Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(JournalEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 41))
    assert ChainHead.objects.get(chain="appeal:1").seq == 40
    assert journal.verify() == []
