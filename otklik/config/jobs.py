"""Everything that happens without a person: steps every worker repeats, and jobs planned by the clock.

Messages in and out are queues of rows: a step takes one row and says whether there was one. A periodic job is a
`Firing` row, unique on job and planned time: any number of schedulers may plan it, one worker takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Max
from django.utils import timezone

from otklik.api import limits as api_limits
from otklik.api import once
from otklik.appeals import (
    answered,
    bulk,
    case_file,
    destruction,
    inquiries,
    learning,
    registration,
    sed,
    signals,
    signature,
)
from otklik.appeals.lessons import letters
from otklik.appeals.pos import cases as pos_cases
from otklik.appeals.sstu import kept as sstu_kept
from otklik.appeals.sstu import uploads as sstu_uploads
from otklik.channels.mail import idle, imap
from otklik.channels.pos import imports as pos_imports
from otklik.channels.post import station
from otklik.channels.registry import all_channels, all_connected, all_readers
from otklik.channels.site import attached, limits
from otklik.channels.webhooks import calls as webhook_calls
from otklik.config import medo_notices
from otklik.config.backup import make
from otklik.config.backup import schedule as backups
from otklik.core import beats, examining, files, journal
from otklik.core.models import Firing, JournalEntry, JournalSeal
from otklik.correspondence import connections, delivery, inbox, staff_mail
from otklik.correspondence.channel import Channel
from otklik.hotline import calls
from otklik.knowledge import file_texts, finding, lessons, materials, proposals, quality, quarters, schedule, weeks
from otklik.moving import carrying, leaving
from otklik.people import accounts, citizens, lockout
from otklik.reception import displaced, recordings, waiting
from otklik.reception import notices as reception_notices
from otklik.reports import kept, scheduling
from otklik.search import encoder, vectors
from otklik.workplace import faults, notice_mail, notices, presence

FIRINGS_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Job:
    """Work done every so often, once a day from a local time on, or when asked. Doing it twice does no harm."""

    name: str
    run: Callable[[], object]
    every: timedelta | None = None
    daily_at: time | None = None

    def slot(self, now: datetime) -> datetime | None:
        """Return the latest planned time that has come, or None when today's has not."""
        if self.every is None and self.daily_at is None:
            return None  # only when somebody asks
        if self.every:
            seconds = self.every.total_seconds()
            return datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
        assert self.daily_at is not None
        planned = timezone.make_aware(datetime.combine(timezone.localdate(now), self.daily_at))
        return planned if planned <= now else None


def in_turn(*steps: Callable[[], bool]) -> Callable[[], bool]:
    """Return one step of several short ones that share a thread and its connection; one that fails stops no other."""

    def step() -> bool:
        done, failed = False, list[Exception]()
        for one in steps:
            try:
                done = one() or done
            except Exception as exc:
                failed.append(exc)
        if failed:
            raise ExceptionGroup("some of the steps failed", failed)
        return done

    return step


def rest(step: str) -> float:
    """Return how many seconds a step rests whose queue is empty: a look costs a statement, and there are thirty steps.

    For what is sent and read aside nobody waits before a screen.
    """
    aside = step.startswith(("send", "webhooks", "staff-mail", "scans", "file-texts"))
    return 3.0 if aside else 1.0


def steps(channels: Mapping[str, Channel]) -> dict[str, Callable[[], bool]]:
    """Return what every worker repeats while there is a row to take."""
    return {
        "read": partial(inbox.parse_next, all_readers()),
        "join": in_turn(registration.join_certain, inquiries.join_certain),
        "desk": in_turn(bulk.work_next, partial(pos_imports.work_next, channels["pos"]), quality.work_next),
        # Long papers, and what somebody waits for with a progress bar.
        "papers": in_turn(case_file.work_next, sstu_uploads.work_next, destruction.work_next),
        "moving": in_turn(carrying.work_next, leaving.work_next),
        "figures": kept.work_next,
        "scans": station.work_next,
        "examine": examining.work_next,
        "file-texts": file_texts.read_next,
        "send": partial(delivery.send_next, channels),
        **{f"webhooks-{number}": webhook_calls.send_next for number in (1, 2)},
        # A step of its own for each channel: one that is slow to answer delays no other.
        **{f"send-{code}": partial(delivery.send_next, {code: one}) for code, one in channels.items()},
        "notices": in_turn(
            notices.work_next, notice_mail.work_next, reception_notices.send_next, faults.Watcher().step
        ),
        "staff-mail": partial(staff_mail.send_next, channels["email"]),
    }


def periodic() -> list[Job]:
    """Return the jobs by the clock. Each mailbox is a job of its own: one that hangs delays no other."""
    mail = all_channels()["email"]
    return [
        *(
            Job(f"mailbox-{number}", partial(imap.poll, url, mail), every=timedelta(seconds=settings.MAIL_SECONDS))
            for number, url in enumerate(settings.MAILBOXES, 1)
        ),
        *(
            Job(f"channel-{code}", partial(connections.visit, channel), every=timedelta(seconds=channel.every))
            for code, channel in all_connected().items()
            if channel.every
        ),
        Job("follow-pos", pos_cases.follow, every=timedelta(minutes=1)),
        Job("medo-notices", medo_notices.tell, every=timedelta(minutes=1)),
        Job("return-stuck-webhooks", webhook_calls.return_stuck, every=timedelta(minutes=1)),
        Job("sweep-webhooks", webhook_calls.forget_old, daily_at=time(3, 48)),
        Job("examine-missed", inbox.ask_of_unexamined, every=timedelta(minutes=10)),
        Job("return-stuck", delivery.return_stuck, every=timedelta(minutes=1)),
        Job("return-stuck-staff-mail", staff_mail.return_stuck, every=timedelta(minutes=1)),
        Job("publish-scheduled", schedule.carry_out, every=timedelta(minutes=1)),
        Job("tell-of-terms", notices.tell_of_terms, every=timedelta(hours=1)),
        Job("open-review-quarter", quarters.open_quarter, daily_at=time(0, 20)),
        Job("tell-of-reviews", notices.tell_of_reviews, daily_at=time(7, 0)),
        Job("open-law-week", weeks.open_weeks, daily_at=time(0, 25)),
        Job("tell-of-law", notices.tell_of_law, daily_at=time(7, 5)),
        Job("tell-of-instructions", notices.tell_of_instructions, daily_at=time(7, 10)),
        Job("tell-of-help", notices.tell_of_help, daily_at=time(7, 15)),
        Job("tell-of-sstu", notices.tell_of_sstu, daily_at=time(7, 20)),
        Job("judge-sstu", sstu_kept.refresh, every=timedelta(minutes=5)),
        Job("sweep-sstu", sstu_uploads.forget_old, daily_at=time(3, 50)),
        Job("sed-folder", sed.take_from_folder, every=timedelta(minutes=5)),
        Job("tell-of-calls", notices.tell_of_calls, every=timedelta(minutes=5)),
        Job("watch-channels", notices.tell_of_channels, every=timedelta(minutes=5)),
        Job("carry-out-transfers", accounts.carry_out_moves, daily_at=time(0, 1)),
        Job("seal-journal", seal_past_days, daily_at=time(0, 10)),
        Job("figures-again", kept.look_again, daily_at=time(2, 20)),
        Job("sweep-files", sweep_files, daily_at=time(3, 0)),
        Job("sweep-form-files", partial(attached.sweep, named=signature.names), daily_at=time(2, 50)),
        Job("sweep-form-attempts", limits.forget_old, every=timedelta(hours=1)),
        Job("sweep-sign-in-attempts", lockout.forget_old, every=timedelta(hours=1)),
        Job("sweep-citizen-sessions", citizens.forget_old, every=timedelta(hours=1)),
        Job("sweep-api-answers", once.forget_old, every=timedelta(hours=1)),
        Job("sweep-api-minutes", api_limits.forget_old, every=timedelta(hours=1)),
        Job("sweep-sessions", SessionStore.clear_expired, daily_at=time(3, 30)),
        # Moving in and out
        Job("forget-journals", carrying.forget_drafts, daily_at=time(4, 40)),
        Job("forget-exports", leaving.forget_old, daily_at=time(4, 45)),
        Job("gather-proposals", partial(proposals.gather, signals.unbacked, signals.alike), daily_at=time(4, 0)),
        *_encoding(),
        Job("learn-of-searches", partial(lessons.gather, letters), daily_at=time(4, 10)),
        Job("measure-search", partial(quality.measure, answered.letters), daily_at=time(2, 20)),
        Job("retrain-confidence", quality.retrain, daily_at=time(2, 40)),
        Job("learn-classification", learning.retrain, daily_at=time(2, 50)),
        Job("sweep-searches", finding.forget_old, daily_at=time(3, 42)),
        Job("sweep-presence", presence.forget_old, daily_at=time(3, 45)),
        Job("sweep-notices", notices.forget_old, daily_at=time(3, 50)),
        Job("sweep-staff-mail", staff_mail.forget_old, daily_at=time(3, 55)),
        Job("remind-of-receptions", reception_notices.remind, daily_at=time(9, 0)),
        Job("offer-free-receptions", waiting.offer_free, every=timedelta(minutes=1)),
        Job("close-endless-calls", calls.close_endless, every=timedelta(hours=1)),
        Job("look-at-appointments", partial(displaced.look, by=None), every=timedelta(minutes=15)),
        Job("remove-recordings", recordings.remove_expired, daily_at=time(3, 35)),
        Job("forget-scan-pages", station.forget_pages, daily_at=time(3, 44)),
        Job("forget-case-files", case_file.forget_old, daily_at=time(3, 46)),
        # Reports
        Job("send-reports", scheduling.send_due, every=timedelta(minutes=5)),
        Job("head-sheets", notices.tell_heads, daily_at=time(8, 30)),
        Job("sweep-firings", forget_old_firings, daily_at=time(3, 40)),
        # Kept safe, paper and outage
        Job("tell-of-control", notices.tell_of_control, daily_at=time(8, 0)),
        Job("sweep-faults", faults.forget_old, daily_at=time(3, 52)),
        *([Job("backup", backups.make_by_clock, daily_at=settings.BACKUP_AT)] if settings.BACKUP_AT else []),
        Job("drill", backups.drill_if_due, daily_at=time(4, 30)),
        *(Job(name, run) for name, run in backups.JOBS.items()),
    ]


def listened_to() -> list[tuple[str, str]]:
    """Return the mailboxes that tell of letters at once: the job that polls each, and its address."""
    boxes = enumerate(settings.MAILBOXES, 1)
    return [(f"mailbox-{number}", url) for number, url in boxes if idle.wanted(url)]


def _encoding() -> list[Job]:
    if not encoder.is_on():
        return []
    make = partial(vectors.make, materials.INDEX, materials.INDEX_OF_SITE)
    return [Job("make-vectors", make, every=timedelta(minutes=1))]


def seal_past_days() -> None:
    """Seal every day up to yesterday that has no seal yet, also after the system stood still."""
    last = JournalSeal.objects.aggregate(last=Max("date"))["last"]
    first = JournalEntry.objects.order_by("at").values_list("at", flat=True).first()
    if last is None and first is None:
        return
    day = last + timedelta(days=1) if last else timezone.localdate(first)
    while day < timezone.localdate():
        journal.seal(day)
        day += timedelta(days=1)


def sweep_files() -> int:
    """Remove files no row names, unless a backup is being made: it still needs what its moment named."""
    examining.finish_destroying()
    return 0 if make.is_running() else files.sweep_orphans()


def forget_old_firings() -> int:
    """Remove rows of past runs and of processes long dead; errors stay as long as successes."""
    beats.forget_dead()
    done = Firing.objects.filter(state__in=[Firing.State.DONE, Firing.State.FAILED])
    return done.filter(planned_at__lt=timezone.now() - FIRINGS_KEPT).delete()[0]
