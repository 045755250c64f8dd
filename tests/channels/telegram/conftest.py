"""A bot of the fake, connected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels.telegram.case import connect
from tests.fakes import web


@pytest.fixture(scope="module")
def running() -> Iterator[web.Running]:
    with web.running("tests.fakes.telegram") as fake:
        yield fake


@pytest.fixture
def fake(db: None, running: web.Running, monkeypatch: pytest.MonkeyPatch) -> web.Running:
    monkeypatch.setattr("otklik.channels.wire.SECONDS", (0.3, 0.3))
    connect(running)
    return running
