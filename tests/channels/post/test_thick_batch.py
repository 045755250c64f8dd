"""A batch of three hundred pages is read in the background, and the page of appeals is as quick as before meanwhile."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client

from otklik.channels.post.models import ScanBatch, ScanLetter, ScanPage
from otklik.correspondence.models import IncomingMessage
from tests import components
from tests.appeals.conftest import World
from tests.channels.post import scans
from tests.channels.post.conftest import bring, work
from tests.sizes import size

PAGES_OF_A_PORTION = 6
LETTERS_OF_A_PORTION = 2
EVERY = 0.5  # seconds between two looks at the page
TOLD_EVERY = 100  # looks: a long proof says how far it is
MOST_MB = 60  # that the station takes beside what the process it was forked from had
PAGE = "/desk/appeals/"


def looks(client: Client, seconds: float) -> float:
    """Open the page of appeals, in so many seconds from now; return how long it took, in ms."""
    time.sleep(seconds)
    began = time.perf_counter()
    assert client.get(PAGE).status_code == 200
    return (time.perf_counter() - began) * 1000


def station_in_a_process(told: Path) -> int:
    """Let the station work in a process of its own until nothing waits; it leaves its peak of memory behind."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            before = _memory()
            work()
            pages = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            told.write_text(f"{before:.0f} {_memory():.0f} {pages:.0f}")
            code = 0
        finally:
            os._exit(code)
    return child


def _memory(process: int | str = "self") -> float:
    """Return the most memory a process has had, in MB; of one that has just ended nothing is known."""
    status = Path(f"/proc/{process}/status").read_text()
    if "VmHWM:" not in status:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_three_hundred_pages_are_read_while_the_page_of_appeals_is_as_quick_as_before(tmp_path: Path) -> None:
    components.TESSERACT.require()
    portions = size(1, 50)
    world, client = World(), Client()
    client.force_login(world.clerk)
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from {scans.__name__} import thick; sys.stdout.buffer.write(thick({portions}))",
        ],
        check=True,
        capture_output=True,
    ).stdout
    batch, length = bring(made, "пачка.pdf").batch, len(made) / 1_000_000
    del made
    looks(client, 0)
    before = [looks(client, EVERY / 5) for _ in range(20)]

    began = time.monotonic()
    child, meanwhile, ended = station_in_a_process(tmp_path / "told"), [looks(client, 0)], (0, 0)
    while not ended[0]:
        meanwhile.append(looks(client, EVERY))
        if not len(meanwhile) % TOLD_EVERY:
            done = batch.pages.exclude(state=ScanPage.State.WAITING).count()
            tell(f"{done} pages in {time.monotonic() - began:.0f} s, the station's process {_memory(child):.0f} MB, ")
            tell(f"{PAGE} {_quantiles(before)} before, {_quantiles(meanwhile)} meanwhile\n")
        ended = os.waitpid(child, os.WNOHANG)
    took = time.monotonic() - began

    assert os.waitstatus_to_exitcode(ended[1]) == 0
    batch.refresh_from_db()
    assert (batch.state, batch.pages_total) == (ScanBatch.State.DONE, portions * PAGES_OF_A_PORTION)
    assert not batch.pages.exclude(state=ScanPage.State.READ).exists()
    assert ScanLetter.objects.count() == portions * LETTERS_OF_A_PORTION
    assert set(IncomingMessage.objects.values_list("state", flat=True)) == {"new"}
    assert not IncomingMessage.objects.exclude(text__contains="земельн").exclude(text__contains="забор").exists()
    at_first, most, of_pages = map(int, (tmp_path / "told").read_text().split())
    assert most - at_first < MOST_MB
    each = took / batch.pages_total
    tell(f"scans: {batch.pages_total} pages ({length:.1f} MB) in {took:.0f} s, {each:.2f} s a page\n")
    tell(f"memory: the station's process {at_first} → {most} MB, the largest of a page {of_pages} MB\n")
    tell(f"{PAGE}: {_quantiles(before)} before, {_quantiles(meanwhile)} meanwhile ({len(meanwhile)} looks)\n")


def tell(words: str) -> None:
    """Say a figure of the proof at once."""
    sys.stdout.write(words)
    sys.stdout.flush()


def _quantiles(times: list[float]) -> str:
    return f"p50 {statistics.median(times):.0f} p95 {statistics.quantiles(times, n=20)[-1]:.0f} ms"
