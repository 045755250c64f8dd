"""SIGKILL while VKontakte and Odnoklassniki call: the message is there once, with its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from otklik.channels.ok.adapter import OkChannel
from otklik.channels.vk.adapter import VkChannel
from otklik.correspondence import inbox
from otklik.correspondence.channel import Called
from otklik.correspondence.models import IncomingMessage
from tests.channels.ok import case as ok
from tests.channels.vk import case as vk
from tests.dying import in_a_process
from tests.sizes import size

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
INTAKE = ("{}.after_fetch", "intake.after_file", "intake.before_commit", "intake.after_commit", "{}.after_accept")
CHANNELS = {"vk": VkChannel(), "ok": OkChannel()}


@pytest.fixture(params=["vk", "ok"])
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    found = {"vk": vk.CASE, "ok": ok.CASE}[request.param]
    found.start()
    found.open(monkeypatch)
    yield found
    found.stop()


def called(code: str, number: int, address: str) -> Called:
    """Return a call with a file in it."""
    if code == "vk":
        paper = {"type": "doc", "doc": {"id": number, "title": "план.pdf", "url": address}}
        said = vk.event("message_new", {"message": vk.message(number, attachments=[paper])}, mark=f"event-{number}")
        return Called(json.dumps(said).encode(), {})
    paper = {"type": "FILE", "payload": {"name": "план.pdf", "url": address}}
    return Called(json.dumps(ok.update(number, attachments=[paper])).encode(), {}, {"key": ok.KEY})


def test_the_other_side_calls_until_it_hears_ok_and_each_message_is_there_once(case):
    address, killed = case.fake.lay("plan", b"%PDF-1.7"), 0
    points = [point.format(case.code) for point in INTAKE]
    count = size(len(points), 100)
    for number in range(1, count + 1):
        call = called(case.code, number, address)
        killed += in_a_process(lambda: CHANNELS[case.code].hear(call), crash_at=points[number % len(points)])  # noqa: B023
        assert not in_a_process(lambda: CHANNELS[case.code].hear(call))  # noqa: B023
    while inbox.parse_next({case.code: CHANNELS[case.code]}):
        pass
    assert killed == count
    rows = IncomingMessage.objects.filter(channel=case.code)
    assert rows.count() == len({row.external_id for row in rows}) == count
    assert {(row.state, row.files.get().stored.size) for row in rows} == {("new", 8)}
