"""Backups and drills without a person: when, for how long they are kept, and so that nobody waits for a page.

Each runs in a process of its own, with the least right to processor and disk: a worker only waits for its end.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, Never

from django.conf import settings
from django.utils import timezone

from otklik.config.backup import archive, make
from otklik.core import installation
from otklik.core.models import Backup, BackupDrill

SHARE: Final = 0.5  # of the time a scheduled backup works
NICENESS: Final = 15
UNDER_WAY: Final = 3  # what the command answers where another backup is being made
FILE_MISSING: Final = 2  # made, but a file was missing: its row says so
DRILL_EVERY: Final = timedelta(days=30)


class Failed(Exception):
    """The command ended badly; its last words are for the administrator."""


def make_one() -> None:
    """Make a backup as the settings say; where one is being made already, that one will do."""
    _in_own_process("backup", "--scheduled", well=(0, FILE_MISSING, UNDER_WAY))


def make_by_clock() -> None:
    """Make the backup of the night. A demo stand has nothing to lose."""
    if not installation.is_demo():
        make_one()


def drill() -> None:
    """Hold a drill now."""
    _in_own_process("drill", "--gently")


def drill_if_due() -> bool:
    """Hold the drill of the month; one that failed is held again the next day. Return whether it was time."""
    if not drill_is_due(timezone.now()):
        return False
    drill()
    return True


def drill_is_due(now: datetime) -> bool:
    """Tell whether a backup has to prove itself: there is one, this machine can open it, a month has passed."""
    if installation.is_demo() or not (there := make.ours(settings.BACKUPS)):
        return False
    if there[-1].suffix == ".age" and not settings.BACKUP_IDENTITY:
        return False  # only who has the key can: the health page asks for it
    passed = BackupDrill.objects.exclude(finished_at=None).filter(error="", started_at__gt=now - DRILL_EVERY)
    return not passed.exists()


def verify(made: make.Made) -> bool:
    """Read a fresh archive through, signature included; False where only its owner can open it. Raise Unreadable."""
    if made.row.encrypted:
        return False
    reader = archive.Reader(made.path, made.path.name)
    try:
        reader.check(archive.Pace(SHARE))
        reader.check_signature(settings.SECRET_KEY)
    except archive.Unreadable as wrong:
        Backup.objects.filter(pk=made.row.pk).update(error=str(wrong)[:500])
        raise
    finally:
        reader.close()
    Backup.objects.filter(pk=made.row.pk).update(verified_at=timezone.now())
    return True


def outlived(there: Sequence[Path]) -> list[Path]:
    """Return the archives that no rule keeps: the last of each of so many days, weeks and months is kept."""
    kept: set[Path] = set(there[-1:])
    for period, number in (
        (_day, settings.BACKUP_DAYS),
        (_week, settings.BACKUP_WEEKS),
        (_month, settings.BACKUP_MONTHS),
    ):
        newest = {period(_made_on(path)): path for path in there}  # the order of names is that of time
        kept |= {newest[one] for one in sorted(newest)[-number:] if number > 0}
    return [path for path in there if path not in kept]


def _made_on(path: Path) -> date:
    """Return the day an archive was made on, as clocks here show it: its name tells the time of Greenwich."""
    stamp = path.name.removeprefix("otklik-")[:15]
    return timezone.localdate(datetime.strptime(f"{stamp}+0000", "%Y%m%d-%H%M%S%z"))


def _day(day: date) -> tuple[int, ...]:
    return (day.toordinal(),)


def _week(day: date) -> tuple[int, ...]:
    return tuple(day.isocalendar())[:2]


def _month(day: date) -> tuple[int, ...]:
    return (day.year, day.month)


def be_gentle() -> None:
    """Take the least right to the processor, and clean up when asked to stop, as a failure does."""
    os.nice(NICENESS)
    end_politely()


def end_politely() -> None:
    """Let «stop» be an exception: half-made files and scratch places are removed on the way out."""

    def stop(*_: object) -> Never:
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, stop)


def _in_own_process(*arguments: str, well: Sequence[int] = (0,)) -> None:
    """Run a command of ours; raise Failed with what it said last."""
    idle = ["ionice", "-c", "3"] if shutil.which("ionice") else []
    command = [*idle, sys.executable, "-m", "otklik", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  words of ours
    if done.returncode not in well:
        said = (done.stderr.strip() or done.stdout.strip() or f"код {done.returncode}").splitlines()
        raise Failed(said[-1][:500])


JOBS: Final[dict[str, Callable[[], object]]] = {"backup-now": make_one, "drill-now": drill}
