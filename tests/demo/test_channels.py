"""Channels of a stand are alive: each brings messages in its own bytes, with troubles people meet; nothing leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from otklik.appeals.models import PosCase
from otklik.channels.post.models import ScanBatch
from otklik.channels.registry import all_connected, all_readers
from otklik.core import files, journal
from otklik.correspondence import reconciliation
from otklik.correspondence.channel import DeliveryError, ToSend
from otklik.correspondence.models import Connection, IncomingMessage, Outage, OutgoingMessage
from otklik.demo import channels, load, staff
from otklik.demo.history import Historian
from otklik.people.models import Employee, Unit
from otklik.reports import channels as reports
from tests import databases


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker, worker_id, tmp_path_factory):
    """Load a dozen appeals and all channels once; the next module begins empty again."""
    with django_db_blocker.unblock():
        kept = tmp_path_factory.mktemp("demo")
        with override_settings(FILES_ROOT=kept / "files", MEDIA_ROOT=kept / "media"):
            load.load(count=12)
            units = {code: Unit.objects.get(index=index) for code, (index, *_) in staff.UNITS.items()}
            people = {one.username: one for one in Employee.objects.all()}
            appeals = channels.load(Historian(units, people, now=timezone.now()))
        yield kept, appeals
        databases.template(worker_id).restore()


@pytest.fixture
def stand(loaded, db, settings):
    settings.FILES_ROOT = loaded[0] / "files"
    return loaded


def test_what_came_is_kept_as_its_channel_gave_it_and_reads_the_same_again(stand):
    came = IncomingMessage.objects.exclude(raw=None).exclude(state="quarantined")
    assert set(came.values_list("channel", flat=True)) >= {
        *("vk", "ok", "telegram", "medo", "pos", "governor_reception", "reception")
    }
    readers = all_readers()
    read = [one for one in came.exclude(channel="email") if not any("вручную" in note for note in one.notes)]
    for message in read:
        assert readers[message.channel].parse(files.path_of(message.raw)).text == message.text
    assert not IncomingMessage.objects.filter(state="stored").exists()
    assert journal.verify() == []


def test_every_channel_says_how_it_is_and_one_is_silent_for_too_long(stand):
    states = {one.code: one for one in reports.states()}
    assert {code for code, one in states.items() if one.state == reports.FAILING} == set()
    assert states["medo"].state == reports.SILENT
    for code in ("vk", "ok", "telegram"):
        assert (states[code].state, "наружу ничего не уходит" in states[code].note) == (reports.OFF, True)
    mended, silent = Outage.objects.get(channel="telegram"), Outage.objects.get(channel="medo")
    assert mended.ended_at is not None
    assert silent.ended_at is None


def test_what_can_leave_goes_to_a_folder_of_the_stand_only(stand):
    on = Connection.objects.filter(on=True, sends=True)
    assert list(on.values_list("channel", flat=True)) == ["medo"]
    assert str(stand[0]) in on.get().values["outbox"]
    receipts = OutgoingMessage.objects.filter(channel="medo")
    assert set(receipts.values_list("state", flat=True)) == {"sent"}
    assert len(list((stand[0] / "exchange" / "medo-out").iterdir())) == receipts.count() >= 1


@pytest.mark.parametrize("code", ["vk", "ok", "telegram", "max"])
def test_a_network_switched_on_here_sends_nothing_either(stand, code):
    item = ToSend("answer", "<1@department.example>", "abc", "", "", "vk.com/id1", "", "", "Ответ")
    with pytest.raises(DeliveryError, match="Учебный стенд"):
        all_connected()[code].send(item)


def test_exports_of_pos_brought_rows_of_the_fast_track_and_later_words_of_them(stand):
    of_exports = PosCase.objects.filter(number__startswith="3274")
    assert of_exports.filter(appeal__regime="pos_fast_track").count() >= 4
    assert of_exports.filter(fz59=True).exists()
    assert of_exports.filter(again_on__isnull=False).count() == 1
    assert of_exports.filter(rating=5).count() == 1
    waiting = IncomingMessage.objects.filter(channel="pos", state="new")
    assert waiting.count() == len(range(len(channels.POS_STEPS), 18))


def test_unreadable_messages_of_two_channels_wait_with_their_reasons(stand):
    rows = IncomingMessage.objects.filter(state="quarantined")
    assert set(rows.values_list("channel", flat=True)) == {"post", "vk"}
    assert all(row.problem.endswith(("оригинал.", "оригиналу.")) for row in rows)


def test_one_difference_explains_itself_and_one_asks_for_a_look(stand):
    today = timezone.localdate()
    odd = [row for row in reconciliation.tally(today, days=14) if row.odd]
    assert {row.channel for row in odd} == {"ok", "post"}
    why = {row.channel: reconciliation.differences(row.channel, row.day)[0] for row in odd}
    assert (why["ok"].do, "полуночи" in why["ok"].why) == ("", True)
    assert "восстановите" in why["post"].do
    assert all(today - row.day < timedelta(days=14) for row in odd)


def test_a_pack_of_scans_waits_for_the_station_of_the_stand(stand):
    batch = ScanBatch.objects.get()
    assert (batch.state, batch.name) == ("waiting", "skan-0001.pdf")
    assert files.path_of(batch.original).read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("login", ["clerk", "admin"])
def test_the_pages_of_channels_open_on_the_stand(stand, login):
    client = Client()
    client.force_login(Employee.objects.get(username=login))
    pages = {
        "clerk": ("/desk/reconciliation/", "/desk/quarantine/", "/desk/scans/", "/desk/pos/", "/desk/appeals/"),
        "admin": ("/desk/channels/", "/desk/channels/medo/", "/desk/channels/vk/", "/desk/channels/pos/"),
    }
    for page in pages[login]:
        assert client.get(page).status_code == 200, page
