"""Channels are tried as by day: at night messengers wake nobody, and what would leave waits for the morning."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otklik.correspondence.pace.is_quiet", lambda *_: False)
