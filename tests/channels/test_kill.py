"""SIGKILL at every marked point of every channel, in and out: none is lost, none is doubled, the unknown is listed."""

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
from django.utils import timezone

import otklik
from otklik.channels.post import station
from otklik.channels.registry import all_channels
from otklik.correspondence import delivery, inbox
from otklik.correspondence.models import IncomingMessage, OutgoingMessage, SendingRule, Thread
from otklik.people.models import Department
from tests.channels import contract
from tests.channels.contract import Letter
from tests.dying import in_a_process
from tests.sizes import FULL, size

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
ROOT = Path(otklik.__file__).parent
MARKED = re.compile(r"\breach\(\"((?:intake|reading|[a-z]+)\.[a-z_]+)\"\)")
# Every channel keeps, reads and sends by these; its own folder marks the others.
INTAKE, DISPATCH = ROOT / "correspondence/inbox.py", ROOT / "correspondence/delivery.py"
GOES_OUT = re.compile(r"\.(before_send|after_send|before_hand_over|after_hand_over)$")


def marked_in(*paths: Path) -> set[str]:
    """Return every point that is marked in these files."""
    return {point for path in paths for point in MARKED.findall(path.read_text(encoding="utf-8"))}


def of_its_own(case: contract.Case) -> set[str]:
    """Return the points a channel's own folder marks, in and out."""
    folder = Path(sys.modules[type(case).__module__].__file__ or "").parent.name
    return marked_in(*(ROOT / "channels" / folder).rglob("*.py"))


def points(case: contract.Case) -> list[str]:
    """Return every marked point between a message's arrival and its place in the queue."""
    # The shared ones are tried by tests/mail/test_kill.py in every run: of them the one that leaves the most undone.
    shared = marked_in(INTAKE) if FULL else {"intake.after_commit"}
    return sorted(point for point in of_its_own(case) | shared if not GOES_OUT.search(point))


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


def points_of_sending(case: contract.Case) -> list[str]:
    """Return every marked point between a message's turn and what is noted of it."""
    shared = marked_in(DISPATCH) if FULL else {"dispatch.after_lease", "dispatch.after_send"}
    return sorted(shared | {point for point in of_its_own(case) if GOES_OUT.search(point)})


def send_all(case: contract.Case) -> None:
    """Give back what the dead left, and send everything that waits."""
    delivery.return_stuck()
    OutgoingMessage.objects.filter(state="queued").update(not_before=timezone.now())
    channels = all_channels()
    while delivery.send_next({case.code: channels[case.code]}):
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


@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in contract.cases() if one.goes_to])
def test_killed_at_every_point_of_sending_nothing_is_lost_and_a_repeat_bears_the_same_id(
    case: contract.Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otklik.channels.wire.SECONDS", contract.SECONDS)
    # The process before us is dead, and we know it; what it did not finish waits for no morning and no pause.
    monkeypatch.setattr(delivery, "SENDING_LEASE", timedelta(0))
    SendingRule.objects.filter(channel=case.code).delete()
    SendingRule.objects.create(channel=case.code, breaks_after=0)
    Department.objects.update_or_create(defaults={"email": "info@department.example"})
    Client().get("/healthz")
    case.start()
    try:
        case.open(monkeypatch)
        marked = points_of_sending(case)
        portion = size(2, -(-1000 // len(marked)))
        kills = Counter[str]()
        for turn, point in enumerate(marked):
            for number in range(turn * portion, (turn + 1) * portion):
                words = f"№ {number}."
                delivery.queue(
                    thread=Thread.objects.create(),
                    channel=case.code,
                    subject=words,
                    text=words,
                    by=None,
                    **case.goes_to,
                )
            kills[point] += in_a_process(partial(send_all, case), crash_at=f"{point}:{max(1, portion // 2)}")
            assert not in_a_process(partial(send_all, case))
        held = [(_number(words), known) for words, known in case.held()]
    finally:
        case.stop()
    ours = {_number(one.text): one for one in OutgoingMessage.objects.all()}
    arrived, listed = Counter(number for number, _ in held), {_number(one.text) for one in delivery.uncertain()}
    repeated = {number for number, times in arrived.items() if times > 1}
    lost = {number for number, one in ours.items() if one.state == "sent"} - set(arrived)
    other_id = {number for number in repeated if len({known for same, known in held if same == number} - {""}) != 1}
    sys.stdout.write(
        f"\n{case.name}: {len(ours)} sent, {kills.total()} kills, lost {len(lost)}, repeated {len(repeated)}, "
        f"of them with another id {len(other_id)}, of unknown outcome listed {len(listed)}\n"
    )
    assert set(kills.elements()) == set(marked)
    assert (lost, other_id) == (set(), set())
    assert {one.state for one in ours.values()} <= {"sent", "uncertain"}
    assert repeated <= listed  # whoever answers is told that it may have come twice
    assert set(ours) - set(arrived) <= listed


def _number(words: str) -> int:
    found = re.search(r"№ (\d+)", words)
    assert found, words
    return int(found[1])
