"""SIGKILL at every marked point of the scan station: no letter lost, none doubled, no file left behind unread."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from otklik.channels.post import station
from otklik.channels.post.adapter import PostChannel
from otklik.channels.post.models import ScanBatch, ScanLetter
from otklik.correspondence import connections, inbox
from otklik.correspondence.models import IncomingMessage
from tests.channels.post.conftest import work
from tests.channels.post.test_station import six_pages
from tests.dying import in_a_process

POINTS = (
    *("post.after_file", "post.before_move", "post.before_page_files", "post.after_page_files:2"),
    *("post.before_letter", "intake.after_file", "intake.before_commit", "post.after_letter", "post.before_letter"),
)


@pytest.mark.django_db(transaction=True)
def test_killed_at_every_point_each_letter_comes_once(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "SILENT", timedelta(0))  # the process before us is dead, and we know it
    monkeypatch.setattr(station, "TRIES", 99)
    monkeypatch.setattr(inbox, "READING_LEASE", timedelta(0))
    channel, folder = PostChannel(), tmp_path / "scanner"
    folder.mkdir()
    connections.configure(channel, {"folder": str(folder)}, by=None)
    connections.switch(channel, on=True, reason="", by=None)
    (folder / "scan.pdf").write_bytes(six_pages())
    list(channel.fetch())

    def day() -> None:
        list(channel.fetch())
        work()

    assert [in_a_process(day, crash_at=point) for point in POINTS] == [True] * len(POINTS)
    assert not in_a_process(day)
    assert [one.name for one in folder.iterdir()] == ["принято"]
    assert ScanBatch.objects.get().state == "done"
    assert list(ScanLetter.objects.values_list("first", "last")) == [(1, 2), (4, 6)]
    assert list(IncomingMessage.objects.values_list("state", flat=True)) == ["new", "new"]
    assert set(IncomingMessage.objects.values_list("redelivered", flat=True)) == {0}
