"""The disk is full, the database has stopped, at every channel: nothing is lost, the source is not told, words are."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError

from otklik.core import files
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from tests.channels import contract
from tests.channels.contract import Letter
from tests.channels.test_kill import is_brought

pytestmark = pytest.mark.django_db
LETTERS = [Letter(number, text=f"{contract.TEXT} № {number}.") for number in (1, 2, 3)]


def _no_room(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def _no_database(*_: Any, **__: Any) -> Any:
    raise OperationalError("server closed the connection unexpectedly")


# Where the disk and the database fail a message that comes, and a word of what is said of it.
FAULTS: dict[str, tuple[Any, tuple[str, ...], Callable[..., Any], str]] = {
    "disk": (files, ("store", "store_each"), _no_room, "место"),
    "database": (inbox, ("_write",), _no_database, "База данных"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in contract.cases()])
def test_nothing_is_lost_and_the_next_visit_takes_all(
    case: contract.Case, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otklik.channels.wire.SECONDS", contract.SECONDS)
    where, names, fail, word = FAULTS[fault]
    case.start()
    try:
        case.open(monkeypatch)
        if not is_brought(case):
            case.put(*LETTERS)
        with pytest.MonkeyPatch.context() as broken:
            for name in names:
                broken.setattr(where, name, fail)
            if is_brought(case):
                # Whoever brings it hears no «принято»: it is theirs still, and comes again.
                with suppress(Exception):
                    case.deliver(*LETTERS)
            else:
                try:
                    said = case.visit()
                except OperationalError:  # of a step in the background: the worker tries it again and says so
                    said = word
                # A mailbox keeps the others' letters and says how many of its own it could not keep.
                assert word in said or case.name == "mail", said
                assert said
                assert "Ошибка программы" not in said
        assert not IncomingMessage.objects.exists()
        if is_brought(case):
            case.deliver(*LETTERS)
        else:
            case.pause_is_over()
            assert case.visit() == ""
        while inbox.parse_next({case.code: case.reader()}):
            pass
    finally:
        case.stop()
    there = IncomingMessage.objects.filter(channel=case.code)
    assert [one.state for one in there] == ["new"] * len(LETTERS)
    assert sum(any(letter.text in one.text for one in there) for letter in LETTERS) == len(LETTERS)
