"""«Резервные копии»: what there is, whether it is good, when it proved itself; one made, one tried at a press."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from otklik.core import beats, installation, journal
from otklik.core.access import requires
from otklik.core.models import Backup, BackupDrill, Firing, WorkerBeat
from otklik.people.models import Employee
from otklik.reports import health
from otklik.workplace import system
from otklik.workplace.requests import StaffRequest

SHOWN: Final = 60
MANAGE: Final = "people.manage"
JOBS: Final = ("backup", "backup-now", "drill", "drill-now")
UNFINISHED: Final = (Firing.State.PLANNED, Firing.State.RUNNING)


@requires(*system.POWERS)
@require_GET
def backups(request: StaffRequest) -> HttpResponse:
    """List backups and drills, what is going on now, and what the settings say."""
    rows = list(Backup.objects.all()[:SHOWN])
    proved = {one.name: one for one in reversed(BackupDrill.objects.filter(name__in=[row.name for row in rows]))}
    running = {row.job: row for row in Firing.objects.filter(state__in=UNFINISHED, job__in=JOBS)}
    facts: dict[str, Any] = {
        "rows": [(row, proved.get(row.name)) for row in rows],
        "drills": BackupDrill.objects.all()[:20],
        "has_copy": _copies().exists(),
        "making": running.get("backup-now") or running.get("backup"),
        "trying": running.get("drill-now") or running.get("drill"),
        "has_worker": beats.living().filter(kind=WorkerBeat.Kind.WORKER).exists(),
        "may_ask": request.user.has_power(MANAGE),
        "next_at": None if installation.is_demo() else _next(settings.BACKUP_AT),
        "is_demo_stand": installation.is_demo(),
        "days": settings.BACKUP_DAYS,
        "weeks": settings.BACKUP_WEEKS,
        "months": settings.BACKUP_MONTHS,
        "encrypted": bool(settings.BACKUP_RECIPIENTS),
        "same_disk": _same_disk(),
        "facts": health.backup_facts(),
    }
    return render(request, "workplace/safe/backups.html", facts)


def _copies() -> QuerySet[Backup]:
    """Return the copies that are made and, as far as is known, still there."""
    return Backup.objects.filter(error="", finished_at__isnull=False, removed_at=None)


def _next(at: time | None) -> datetime | None:
    """Return when the next backup by the clock begins; None where there is none."""
    if at is None:
        return None
    today = timezone.localdate()
    planned = timezone.make_aware(datetime.combine(today, at))
    return planned if planned > timezone.now() else timezone.make_aware(datetime.combine(today + timedelta(days=1), at))


def _same_disk() -> bool:
    folder = settings.BACKUPS
    return folder.is_dir() and settings.DATA.is_dir() and folder.stat().st_dev == settings.DATA.stat().st_dev


@requires(MANAGE)
@require_POST
def backup_now(request: StaffRequest) -> HttpResponse:
    """Let a worker make a backup."""
    if _ask("backup-now", by=request.user):
        messages.success(request, "Копия делается. Работать можно как обычно; обновите страницу через несколько минут.")
    else:
        messages.info(request, "Копия уже делается: вторая не нужна.")
    return redirect("workplace:backups")


@requires(MANAGE)
@require_POST
def drill_now(request: StaffRequest) -> HttpResponse:
    """Let a worker try the newest backup; without one say what to do first."""
    if not _copies().exists():
        messages.error(
            request, "Проверять нечего: копии ещё нет. Сначала нажмите «Сделать сейчас» и дождитесь, пока она появится."
        )
    elif _ask("drill-now", by=request.user):
        messages.success(request, "Учение идёт. Рабочие данные не затрагиваются; итог появится на этой странице.")
    else:
        messages.info(request, "Учение уже идёт: дождитесь его итога.")
    return redirect("workplace:backups")


@transaction.atomic
def _ask(job: str, *, by: Employee) -> bool:
    """Plan a job of a worker for now; return False where it waits or runs already."""
    if Firing.objects.filter(state__in=UNFINISHED, job__in=(job, job.removesuffix("-now"))).exists():
        return False
    Firing.objects.create(job=job, planned_at=timezone.now())
    if job == "backup-now":
        journal.record("system.backup_asked", chain="system", by=by)
    else:
        journal.record("system.drill_asked", chain="system", by=by)
    return True
