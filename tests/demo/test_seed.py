"""Synthetic appeals for measurements are whole, and never mix with real ones."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from otklik.appeals.models import Appeal, AppealMessage
from otklik.core.models import Installation
from otklik.correspondence.models import IncomingMessage
from otklik.demo import bench, seed, seed_receptions
from otklik.people.models import Employee
from otklik.reception import finder
from otklik.reception.models import Appointment, SlotCell

pytestmark = pytest.mark.django_db


def test_every_seeded_appeal_has_its_letters_its_term_and_an_allowed_order_of_dates():
    seed.seed(40)
    appeals = list(Appeal.objects.prefetch_related("messages__message", "term_rows", "questions"))
    assert len(appeals) == 40
    for appeal in appeals:
        assert [one.first for one in appeal.messages.all()].count(True) == 1
        assert appeal.messages.count() == seed.MESSAGES
        assert all(one.message.thread_id == appeal.thread_id for one in appeal.messages.all())
        assert appeal.term_rows.get().due_on == appeal.due_on
        assert appeal.received_on <= appeal.registered_on <= appeal.due_on
        assert bool(appeal.answered_on) == (appeal.status in {"sent", "closed"})
    assert not IncomingMessage.objects.exclude(stored_at=F("received_at")).exists()


def test_seeded_appeals_are_of_many_channels_regimes_and_states_and_of_the_length_people_write():
    seed.seed(300)
    for field, least in (("channel", 6), ("regime", 2), ("status", 5)):
        assert Appeal.objects.values(field).distinct().count() >= least, field
    lengths = [len(text) for text in IncomingMessage.objects.values_list("text", flat=True)]
    assert seed.LENGTHS[0] <= min(lengths) < 500 < 1300 < max(lengths) <= seed.LENGTHS[1]


def test_the_same_count_gives_the_same_rows():
    def seeded():
        with transaction.atomic():
            seed.seed(30)
            rows = Appeal.objects.order_by("number").values_list(
                "number", "channel", "status", "due_on", "answer_address"
            )
            found = list(rows)
            transaction.set_rollback(True)
        return found

    assert seeded() == seeded() != []


def test_every_state_of_a_seeded_appeal_has_a_card_that_opens(client):
    seed.seed(300)
    client.force_login(Employee.objects.get(username="clerk"))
    for status in seed.STATES:
        appeal = Appeal.objects.filter(status=status).first()
        if appeal is not None:
            assert client.get(f"/desk/appeals/{appeal.pk}/").status_code == 200, status


def test_a_database_of_another_program_is_refused_before_anything_is_changed(monkeypatch):
    monkeypatch.setattr(connection.introspection, "table_names", lambda: ["customers"])
    with pytest.raises(seed.NotScratch):
        seed.check_scratch()
    monkeypatch.setattr(connection.introspection, "table_names", list)
    seed.check_scratch()


def test_the_speed_table_leaves_a_database_in_use_as_it_is(tmp_path, monkeypatch):
    path = tmp_path / "theirs.sqlite3"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE customers (name TEXT)")
    before = path.read_bytes()
    monkeypatch.setenv("OTKLIK_BENCH_DATABASE_URL", f"sqlite:///{path}")
    with pytest.raises(bench.NotScratch, match="рабочая"):
        bench.run(10, tmp_path / "bench.json")
    with closing(sqlite3.connect(path)) as theirs:
        assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]
    assert len(path.read_bytes()) == len(before)


def test_a_database_in_use_is_not_seeded():
    seed.seed(2)
    with pytest.raises(seed.NotScratch):
        seed.seed(2)
    assert Appeal.objects.count() == 2


def test_a_working_system_is_not_seeded():
    Installation.objects.create(pk=1, kind=Installation.Kind.PRODUCTION)
    with pytest.raises(seed.NotScratch):
        seed.seed(2)
    assert not AppealMessage.objects.exists()


def test_a_year_of_receptions_is_booked_and_no_booked_time_is_found_free():
    seed.seed(1)
    assert seed_receptions.plant(40) == 40
    rows = Appointment.objects.all()
    assert SlotCell.objects.count() == 2 * sum((one.ends_at - one.starts_at).seconds // 300 for one in rows)
    today = timezone.localdate()
    free = {(one.official_id, one.starts_at) for one in finder.free(today, today + timedelta(days=7), limit=10_000)}
    taken = set(rows.values_list("official", "starts_at"))
    assert free
    assert not free & taken
    assert seed_receptions.search(40).booked == 40
