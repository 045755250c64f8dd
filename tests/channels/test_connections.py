"""How a channel is connected: its secrets, its failures, its switch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from otklik.core.models import JournalEntry
from otklik.correspondence import connections
from otklik.correspondence.channel import SourceError
from otklik.correspondence.models import Connection, ConnectionSwitch
from tests.channels.fakes import REFUSES, VALUES, Told, channel, switch_on

pytestmark = pytest.mark.django_db
__all__ = ["channel"]


def row() -> Connection:
    return Connection.objects.get(channel="max")


def test_a_secret_is_kept_encrypted_and_stays_when_its_field_is_left_empty(channel: Told) -> None:
    connections.configure(channel, VALUES, by=None)
    assert VALUES["token"] not in row().secrets
    assert "token" not in row().values
    connections.configure(channel, {"name": "Другое", "token": "", "unknown": "x"}, by=None)
    told = connections.drafted("max")
    assert (told["name"], told["token"], told["unknown"]) == ("Другое", VALUES["token"], "")
    written = str(list(JournalEntry.objects.filter(chain="channel:max").values_list("data", flat=True)))
    assert VALUES["token"] not in written
    assert "token" in written


def test_another_key_of_the_installation_is_told_and_the_secrets_are_typed_anew(channel: Told, settings) -> None:
    switch_on(channel)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-of-fifty-characters-or-more-for-this-very-test"
    assert connections.is_locked(row())
    with pytest.raises(connections.KeyChanged, match="Введите их заново"):
        connections.of("max")
    connections.visit(channel)
    assert "другим ключом" in row().error
    assert Client().post("/hooks/max/").status_code == 503
    settings.SECRET_KEY_FALLBACKS = [old]
    assert connections.needed("max")["token"] == VALUES["token"]
    settings.SECRET_KEY_FALLBACKS = []
    connections.configure(channel, {"name": "Департамент", "token": "new"}, by=None)
    assert connections.needed("max")["token"] == "new"


def test_a_channel_that_fails_again_and_again_is_asked_less_often(channel: Told) -> None:
    switch_on(channel)
    channel.fails = REFUSES
    for failures in (1, 2):
        connections.visit(channel)
        assert (row().failures, row().error) == (failures, str(REFUSES))
        assert row().not_before <= timezone.now()
    connections.visit(channel)
    assert row().not_before > timezone.now() + timedelta(seconds=20)
    connections.visit(channel)
    assert row().failures == 3, "nobody asks before the pause is over"
    Connection.objects.update(failures=40, not_before=None)
    connections.visit(channel)
    assert row().not_before <= timezone.now() + connections.LONGEST_PAUSE
    channel.fails = None
    Connection.objects.update(not_before=None)
    connections.visit(channel)
    assert (row().failures, row().error, row().not_before) == (0, "", None)
    assert row().worked_at


def test_the_source_says_when_to_come_again(channel: Told) -> None:
    switch_on(channel)
    channel.fails = SourceError("Слишком часто.", retry_after=60)
    connections.visit(channel)
    assert row().not_before > timezone.now() + timedelta(seconds=50)


def test_a_defect_of_ours_stops_one_channel_and_tells_no_details(channel: Told) -> None:
    switch_on(channel)
    channel.fails = KeyError(VALUES["token"])
    assert connections.visit(channel) == 0
    assert "KeyError" in row().error
    assert VALUES["token"] not in row().error


def test_switching_on_asks_what_is_missing_and_switching_off_asks_why(channel: Told) -> None:
    with pytest.raises(connections.NotReady, match="«Название сообщества», «Ключ доступа»"):
        connections.switch(channel, True, reason="", by=None)
    switch_on(channel)
    connections.switch(channel, True, reason="", by=None)
    with pytest.raises(connections.ReasonNeeded):
        connections.switch(channel, False, reason="  ", by=None)
    connections.switch(channel, False, reason="Ключ отозван", by=None)
    assert list(ConnectionSwitch.objects.values_list("on", "reason")) == [(False, "Ключ отозван"), (True, "")]
    assert connections.of("max") is None
    assert connections.visit(channel) == 0


def test_a_hook_that_is_off_does_not_exist_and_a_wrong_secret_is_refused(channel: Told) -> None:
    client = Client()
    assert client.post("/hooks/max/").status_code == 404
    assert client.post("/hooks/nobody/").status_code == 404
    switch_on(channel)
    assert client.post("/hooks/max/", headers={"X-Secret": "wrong"}).status_code == 403
    assert client.get("/hooks/max/").status_code == 405
    answer = client.post("/hooks/max/", b"{}", content_type="application/json", headers={"X-Secret": VALUES["token"]})
    assert (answer.status_code, answer.content) == (200, b"heard")
