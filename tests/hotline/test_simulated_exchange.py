"""A working week of a simulated exchange, with outages, repetition and disorder: our log equals its truth, each call.

The listener is killed and started again, later there are two of them. Short in the suite, 2 000 calls in the proof.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from otklik.hotline.exchange import log_files
from otklik.hotline.models import Call, CallEvent, ExchangeState, Extension, Line
from otklik.people.models import Employee
from tests import databases
from tests.appeals.conftest import LONG_AGO
from tests.servers import free_port
from tests.sizes import size

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
SIMULATOR = Path(__file__).parents[1] / "exchange_simulator.py"
SECRET = "of the exchange, long enough to be one"
FIELDS = ("state", "number", "waited", "talked", "held", "position", "by_robot", "in_hours", "came_at", "line", "agent")


def listener() -> subprocess.Popen[bytes]:
    """Start a listener in a process of its own: none of our connections and locks goes with it, as a fork would."""
    told = {
        "DATABASE_URL": databases.address(),
        "OTKLIK_EXCHANGE_AMI": settings.EXCHANGE_AMI,
        "OTKLIK_EXCHANGE_QUEUE_LOG": settings.EXCHANGE_QUEUE_LOG,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "otklik", "exchange", "--since", "2026-04-01"], env=os.environ | told
    )


def end(listener: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    listener.send_signal(how)
    listener.wait(60)


@pytest.fixture
def exchange(line: Line, consultant: Employee, tmp_path: Path, settings: Any) -> Iterator[Any]:
    """Give what starts the simulator, with the product configured to listen to it."""
    Line.objects.filter(pk=line.pk).update(known_as="support, 2386002")
    Extension.objects.create(employee=consultant, name="103", valid_from=LONG_AGO)
    port = free_port()
    settings.EXCHANGE_AMI = f"ami://otklik:letmein@127.0.0.1:{port}"
    settings.EXCHANGE_QUEUE_LOG = str(tmp_path / "queue_log")
    settings.EXCHANGE_SECRET = SECRET
    started: list[subprocess.Popen[str]] = []

    def start(calls: int, hook: str) -> subprocess.Popen[str]:
        options = {"ami-port": port, "calls": calls, "seed": 20260427, "log": tmp_path / "queue_log", "hook": hook}
        options |= {"secret": SECRET, "truth": tmp_path / "truth.json"}
        command = [sys.executable, str(SIMULATOR), *(f"--{name}={value}" for name, value in options.items())]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait()


def wait_until(what: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it has not come to this"
        time.sleep(0.2)


def ours(call: Call) -> dict[str, Any]:
    told = {name: getattr(call, name) for name in FIELDS if name not in ("came_at", "line", "agent")}
    return told | {"came_at": int(call.came_at.timestamp()), "line": call.line_id is not None, "agent": _agent(call)}


def _agent(call: Call) -> str:
    connected = CallEvent.objects.filter(uid=call.uid, kind="connected", source="queue_log").first()
    return connected.facts["agent"].removeprefix("PJSIP/") if connected else ""


def _differences(wrong: dict[str, Any]) -> str:
    """Say of each call what differs and what was heard of it."""
    lines = []
    for uid, (mine, true) in wrong.items():
        differs = {name: (mine[name], true[name]) for name in FIELDS if mine[name] != true[name]}
        heard = CallEvent.objects.filter(uid=uid).order_by("at").values_list("source", "kind", "at", "facts")
        lines.append(f"{uid}: {differs}; heard {list(heard)}")
    return "\n".join(lines)


def test_our_log_equals_the_truth_call_by_call(exchange: Any, live_server: Any, tmp_path: Path) -> None:
    count = size(80, 2000)
    began = time.monotonic()
    simulator = exchange(count, f"{live_server.url}/api/v1/calls/events")
    first = listener()
    wait_until(lambda: Call.objects.count() > count // 5, 300)
    end(first, signal.SIGKILL)  # what it had heard and not kept is told by the log
    time.sleep(0.5)
    two = [listener(), listener()]
    assert simulator.stdout is not None
    assert simulator.stdout.readline() == "done\n"
    truth = {one.pop("uid"): one for one in json.loads((tmp_path / "truth.json").read_text())}
    heard = -1

    def is_read() -> bool:
        state = ExchangeState.objects.get(way=ExchangeState.Way.QUEUE_LOG)
        place = log_files.Place(state.head, state.position)
        return not any(log_files.pieces(Path(settings.EXCHANGE_QUEUE_LOG), place))

    def is_quiet() -> bool:
        nonlocal heard
        before, heard = heard, CallEvent.objects.count()
        time.sleep(3)
        return before == heard

    wait_until(is_read, 300)
    wait_until(is_quiet, 300)
    for one in two:
        end(one)
    calls = {call.uid: ours(call) for call in Call.objects.all()}
    assert set(calls) == set(truth)
    wrong = {uid: (calls[uid], one) for uid, one in truth.items() if calls[uid] != {name: one[name] for name in FIELDS}}
    assert wrong == {}, _differences(wrong)
    answered = Call.objects.filter(state="answered", answered_by=None)
    assert {_agent(one) for one in answered} == {"102"}  # nobody of ours has this inner number
    tally = Counter(one["state"] for one in truth.values())
    robots = sum(one["by_robot"] for one in truth.values())
    sources = dict(Counter(CallEvent.objects.values_list("source", flat=True)))
    sys.stdout.write(
        f"\n{len(truth)} calls in {time.monotonic() - began:.0f} s: {dict(tally)}, a robot answered {robots},"
        f" events kept: {sources}\n"
    )
