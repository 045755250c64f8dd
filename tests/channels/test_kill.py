"""SIGKILL at every marked point of every channel while messages come in: none is lost, none is doubled."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from django.test import Client

import otklik
from otklik.channels.post import station
from otklik.correspondence import inbox
from otklik.correspondence.models import IncomingMessage
from tests.channels import contract
from tests.channels.contract import Letter
from tests.dying import in_a_process
from tests.sizes import FULL, size

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
ROOT = Path(otklik.__file__).parent
MARKED = re.compile(r"\breach\(\"((?:intake|reading|[a-z]+)\.[a-z_]+)\"\)")
# Every channel keeps and reads by these; its own folder marks the others. What goes out has a kill test of its own.
SHARED = ("correspondence/inbox.py",)
GOES_OUT = re.compile(r"\.(before_send|after_send|before_hand_over|after_hand_over)$")


def points(case: contract.Case) -> list[str]:
    """Return every marked point between a message's arrival and its place in the queue."""
    folder = Path(sys.modules[type(case).__module__].__file__ or "").parent.name
    paths = [*(ROOT / one for one in SHARED), *(ROOT / "channels" / folder).rglob("*.py")]
    found = {point for path in paths for point in MARKED.findall(path.read_text(encoding="utf-8"))}
    # The shared ones are tried by tests/mail/test_kill.py in every run: of them the one that leaves the most undone.
    some = {point for point in found if not point.startswith(("intake.", "reading."))} | {"intake.after_commit"}
    return sorted(point for point in (found if FULL else some) if not GOES_OUT.search(point))


def is_brought(case: contract.Case) -> bool:
    """Tell whether the other side brings its messages, again where it heard nothing; else they lie at the source."""
    return type(case).deliver is not contract.Case.deliver


def come(case: contract.Case, letters: Sequence[Letter]) -> None:
    """Let letters come and be read."""
    if is_brought(case):
        case.deliver(*letters)
    else:
        assert case.visit() == ""
    while inbox.parse_next({case.code: case.reader()}):
        pass


@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in contract.cases()])
def test_killed_at_every_point_each_message_is_there_once(case: contract.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otklik.channels.wire.SECONDS", contract.SECONDS)
    # The process before us is dead, and we know it.
    monkeypatch.setattr(inbox, "READING_LEASE", timedelta(0))
    monkeypatch.setattr(station, "SILENT", timedelta(0))
    monkeypatch.setattr(station, "TRIES", 99)
    Client().get("/healthz")  # addresses are read here once, not in each of the processes
    case.start()
    try:
        case.open(monkeypatch)
        marked = points(case)
        # A page of a scan is read for a second.
        portion = size(1, -(-(100 if case.code == "post" else 1000) // (2 * len(marked))))
        sent, kills = 0, Counter[str]()
        # At the first message that comes there, then in the middle of many: some points are passed once for all.
        for point, turn in product(marked, {1, max(1, portion // 2)}):
            letters = [Letter(sent + one, text=f"{contract.TEXT} № {sent + one}.") for one in range(1, portion + 1)]
            sent += portion
            if not is_brought(case):
                case.put(*letters)
            if in_a_process(partial(come, case, letters), crash_at=f"{point}:{turn}"):
                kills[point] += 1
                assert not in_a_process(partial(come, case, letters))
    finally:
        case.stop()
    there = Counter(IncomingMessage.objects.values_list("external_id", flat=True))
    lost, doubled = sent - len(there), there.total() - len(there)
    sys.stdout.write(f"\n{case.name}: {sent} messages, {kills.total()} kills, lost {lost}, doubled {doubled}\n")
    assert (lost, doubled) == (0, 0)
    assert set(IncomingMessage.objects.values_list("state", flat=True)) == {"new"}
    assert set(kills) == set(marked)
