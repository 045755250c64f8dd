"""SIGKILL at every marked point: nothing lost, nothing doubled, what is unknown is listed."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from otklik.channels.mail.adapter import MailChannel
from otklik.channels.mail.intake import Letter, keep_each
from otklik.correspondence import delivery, inbox
from otklik.correspondence.channel import ToSend
from otklik.correspondence.models import ChannelCode, IncomingMessage, OutgoingMessage
from tests.correspondence.builders import FakeChannel, letter
from tests.dying import in_a_process
from tests.mail import letters
from tests.sizes import size

pytestmark = [pytest.mark.proof, pytest.mark.django_db(transaction=True)]
INTAKE = (
    "intake.before_file", "intake.after_file", "intake.before_commit", "intake.after_commit", "reading.after_parse",
    "reading.after_files", "reading.before_commit", "reading.after_commit",
)  # fmt: skip
DISPATCH = (
    "dispatch.before_turn", "dispatch.before_lease", "dispatch.after_lease", "dispatch.after_send",
    "dispatch.after_result", "dispatch.after_note",
)  # fmt: skip


def bring_in(folder: Path) -> None:
    """Keep every letter of a folder, each marked as seen only after that; then read them all."""
    inbox.AT_ONCE = 2  # many small portions: there is a death in store for each
    inbox.READING_LEASE = timedelta(0)  # the process before us is dead, and we know it
    for portion in inbox.portions(sorted(folder.glob("*.eml")), lambda path: 1):
        kept = keep_each([Letter(path) for path in portion])
        assert None not in kept
        for path in portion:
            path.rename(path.with_suffix(".seen"))
    while inbox.parse_next({ChannelCode.EMAIL: MailChannel()}):
        pass


class Ledger(FakeChannel):
    """A mail server that writes down durably what it was given."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def send(self, item: ToSend) -> str:
        with self.path.open("a") as file:
            file.write(json.dumps([item.subject, item.message_id]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return item.message_id


def send_all(ledger: Path) -> None:
    """Give back what the dead left, and send everything."""
    delivery.SENDING_LEASE = timedelta(0)
    delivery.return_stuck()
    OutgoingMessage.objects.filter(state="queued").update(not_before=timezone.now())
    while delivery.send_next({ChannelCode.EMAIL: Ledger(ledger)}):
        pass


def test_killed_at_every_point_of_intake_nothing_is_lost_or_doubled(tmp_path: Path):
    turns, count, killed = size(1, 10), size(60, 1000), 0
    for turn in range(turns):
        folder = tmp_path / str(turn)
        folder.mkdir()
        for number in range(turn, count, turns):
            raw = letters.letter(message_id=f"<{number}@c.example>", subject=f"№ {number}")
            (folder / f"{number:05}.eml").write_bytes(raw)
        for point in INTAKE:
            killed += in_a_process(lambda: bring_in(folder), crash_at=f"{point}:{turn + 2}")  # noqa: B023
        assert not in_a_process(lambda: bring_in(folder))  # noqa: B023
    subjects = Counter(IncomingMessage.objects.values_list("subject", flat=True))
    states = Counter(IncomingMessage.objects.values_list("state", flat=True))
    lost, doubled = count - len(subjects), subjects.total() - len(subjects)
    sys.stdout.write(f"\nintake: {count} letters, {killed} kills, lost {lost}, doubled {doubled}\n")
    assert killed == len(INTAKE) * turns
    assert (lost, doubled) == (0, 0)
    assert states == {"new": count}


def test_killed_at_every_point_of_dispatch_nothing_is_lost_and_repeats_bear_the_same_id(tmp_path: Path):
    count, killed, path = size(60, 1000), 0, tmp_path / "sent.jsonl"
    for number in range(count):
        letter(subject=str(number))
    for turn in range(size(1, 10)):
        for point in DISPATCH:
            killed += in_a_process(lambda: send_all(path), crash_at=f"{point}:{turn + 2}")
    assert not in_a_process(lambda: send_all(path))
    sent = Counter(tuple(json.loads(line)) for line in path.read_text().splitlines())
    lost = count - len({subject for subject, _ in sent})
    other_id = len(sent) - len({subject for subject, _ in sent})
    repeated = {subject for (subject, _), times in sent.items() if times > 1}
    listed = set(delivery.uncertain().values_list("subject", flat=True))
    sys.stdout.write(
        f"\ndispatch: {count} letters, {killed} kills, lost {lost}, repeated with another id {other_id}, "
        f"repeated with the same {len(repeated)}, of unknown outcome listed {len(listed)}\n"
    )
    assert killed >= len(DISPATCH)
    assert (lost, other_id) == (0, 0)
    assert repeated
    assert repeated <= listed
    assert set(OutgoingMessage.objects.values_list("state", flat=True)) == {"sent"}
