"""Backups without a person: one at a time, kept by rules, read through, and tried by a restore that proves itself."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from otklik.config import firing, jobs
from otklik.config.backup import archive, drill, make, restore, schedule, tables
from otklik.core import files, installation, journal
from otklik.core.models import Backup, BackupDrill, Firing, Installation, JournalEntry, StoredFile, WorkerBeat
from otklik.people.models import Employee
from otklik.reports import health
from tests.appeals.conftest import World
from tests.config import quick_restore

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(transactional_db: None, settings: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of backups of a working system with a few rows, files and a sealed day."""
    settings.DATA, settings.BACKUPS = data_dir, data_dir / "copies"
    monkeypatch.setattr(schedule, "be_gentle", lambda: None)
    quick_restore.REALLY[:] = [restore.migrate_to]
    monkeypatch.setattr(restore, "migrate_to", quick_restore.migrate_from_template)
    installation.mark(Installation.Kind.PRODUCTION)
    for number in range(3):
        files.store(f"письмо № {number} ☎".encode() * 1000, name="letter.txt")
    Employee.objects.create(username="somebody")
    journal.record("system.backup_asked", chain="system", by=None)
    journal.seal(timezone.localdate())
    return data_dir / "copies"


def newest(folder: Path) -> Path:
    return make.ours(folder)[-1]


def left_over(data: Path) -> list[str]:
    """Return what a drill has left: folders beside the data, schemas in the database."""
    found = [path.name for path in data.iterdir() if path.name.startswith(("drill-", "restore-"))]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'otklik_restore%'")
            found += [name for (name,) in cursor.fetchall()]
    else:
        name = Path(connection.settings_dict["NAME"])
        found += [path.name for path in name.parent.glob(f"{name.name}.restore-*")]
    return found


def drill_fact() -> health.Fact:
    return next(one for one in health.backup_facts() if one.title == "Учение по восстановлению")


def test_the_backup_of_the_night_is_read_through_and_a_drill_proves_it(folder: Path, settings: Any) -> None:
    call_command("backup", scheduled=True)
    row = Backup.objects.get()
    assert row.verified_at is not None
    assert row.error == ""
    before = {table.name: tables.content(table) for table in tables.every(tables.applied())}
    call_command("drill", gently=True)
    held = BackupDrill.objects.get()
    assert held.passed
    assert (held.name, held.rows, held.files) == (row.name, row.rows, StoredFile.objects.count())
    assert (held.entries, held.seals) == (JournalEntry.objects.exclude(action__in=NEWER).count(), 1)
    assert held.tables == len(before)
    assert held.seconds is not None
    assert left_over(settings.DATA) == []
    after = {table.name: tables.content(table) for table in tables.every(tables.applied())}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"core_backupdrill", "core_journalentry", "core_chainhead"}
    assert JournalEntry.objects.filter(action="system.drilled", data__passed=True).count() == 1
    assert journal.verify() == []
    assert drill_fact().level == health.GOOD
    assert "всё сошлось" in drill_fact().text


NEWER = ("system.backed_up", "system.drilled")


def test_a_backup_cut_in_half_fails_the_drill_in_words_and_the_health_page_is_red(folder: Path, settings: Any) -> None:
    call_command("backup", scheduled=True)
    path = newest(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CommandError, match="файл обрывается или испорчен"):
        call_command("drill")
    held = BackupDrill.objects.get()
    assert not held.passed
    assert "Возьмите другую копию" in held.error
    assert drill_fact().level == health.BAD
    assert "Сделайте новую копию" in drill_fact().do
    assert left_over(settings.DATA) == []
    with pytest.raises(restore.archive.Unreadable, match="файл обрывается или испорчен"):
        restore.restore(path)


def test_a_file_that_was_missing_at_the_backup_fails_the_drill(folder: Path) -> None:
    stored = StoredFile.objects.order_by("pk").first()
    assert stored is not None
    files.path_of(stored).unlink()
    with pytest.raises(SystemExit) as ended:
        call_command("backup", scheduled=True)
    assert ended.value.code == schedule.FILE_MISSING
    row = drill.hold()
    assert "файлов нет: 1, не тех: 0" in row.error
    assert stored.path in row.error


def test_a_journal_changed_behind_our_back_fails_the_drill(folder: Path) -> None:
    entry = JournalEntry.objects.order_by("pk").first()
    assert entry is not None
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE core_journalentry DISABLE TRIGGER USER")
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'core_journalentry'"
            )
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("UPDATE core_journalentry SET action = 'system.restored' WHERE id = %s", [entry.pk])
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE core_journalentry ENABLE TRIGGER USER")
        else:
            for _, sql in triggers:
                cursor.execute(sql)
    call_command("backup", scheduled=True)
    row = drill.hold()
    assert "журнал:" in row.error
    assert not row.passed


def test_an_encrypted_archive_is_tried_with_its_key_only(folder: Path, settings: Any, tmp_path: Path) -> None:
    key = tmp_path / "identity.txt"
    settings.BACKUP_RECIPIENTS = [archive.new_identity(key)]
    call_command("backup", scheduled=True)
    assert Backup.objects.get().verified_at is None
    assert not schedule.drill_is_due(timezone.now())
    assert "--identity" in drill_fact().do
    assert drill_fact().level == health.WARN
    assert "зашифрован" in drill.hold().error
    call_command("drill", identity=key)
    assert drill_fact().level == health.GOOD
    settings.BACKUP_IDENTITY = str(key)
    BackupDrill.objects.all().delete()
    assert schedule.drill_is_due(timezone.now())


def test_without_a_backup_there_is_nothing_to_try(folder: Path) -> None:
    with pytest.raises(CommandError, match="нет ни одной копии"):
        call_command("drill")
    assert not BackupDrill.objects.exists(), "no drill has failed"
    assert not schedule.drill_is_due(timezone.now())


def test_two_backups_are_not_made_at_once_and_a_dead_one_stops_nobody(folder: Path, settings: Any) -> None:
    with (settings.DATA / "backup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="Копия уже делается") as refused:
            call_command("backup", scheduled=True)
    assert refused.value.returncode == schedule.UNDER_WAY
    assert not Backup.objects.exists()
    import socket

    dead = Backup.objects.create(host=socket.gethostname()[:100], name="otklik-20260101-000000.zip")
    folder.mkdir()
    (folder / "otklik-20260101-000000.zip.part").write_bytes(b"half")
    call_command("backup", scheduled=True)
    dead.refresh_from_db()
    assert "остановили" in dead.error
    assert [path.suffix for path in folder.iterdir()] == [".zip"]


def _named(*days: date) -> list[Path]:
    return [Path(f"otklik-{day:%Y%m%d}-120000.zip") for day in sorted(days)]


def test_the_last_of_each_day_week_and_month_is_kept(settings: Any) -> None:
    settings.BACKUP_DAYS, settings.BACKUP_WEEKS, settings.BACKUP_MONTHS = 7, 4, 12
    last = date(2026, 11, 27)  # a Friday
    there = _named(*(last - timedelta(days=number) for number in range(500)))
    kept = [datetime.strptime(one.name[7:15], "%Y%m%d").date() for one in there if one not in schedule.outlived(there)]
    assert kept[-7:] == [last - timedelta(days=number) for number in reversed(range(7))]
    sundays = [date(2026, 11, 22), date(2026, 11, 15), date(2026, 11, 8)]
    assert set(sundays) <= set(kept)
    ends = {date(2026, month, 28 if month == 2 else 30 if month in {4, 6, 9} else 31) for month in range(1, 11)}
    assert ends | {date(2025, 12, 31)} <= set(kept)
    assert len(kept) == 7 + 2 + 11  # two of the Sundays are older than the week, one month is this one
    settings.BACKUP_DAYS = settings.BACKUP_WEEKS = settings.BACKUP_MONTHS = 0
    assert len(schedule.outlived(there)) == len(there) - 1


def test_old_copies_go_only_after_a_new_one_was_found_good(
    folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUP_DAYS, settings.BACKUP_WEEKS, settings.BACKUP_MONTHS = 1, 0, 0
    folder.mkdir()
    old = folder / "otklik-20200101-000000.zip"
    old.write_bytes(b"old")
    Backup.objects.create(host="host", name=old.name, finished_at=timezone.now() - timedelta(days=9))

    def broken(self: archive.Reader, pace: object = None) -> None:
        raise archive.Unreadable(name="x", why="файл обрывается или испорчен", do="Возьмите другую копию.")

    with monkeypatch.context() as patch:
        patch.setattr(archive.Reader, "check", broken)
        with pytest.raises(CommandError, match="обрывается"):
            call_command("backup", scheduled=True)
    assert old.exists()
    assert "обрывается" in Backup.objects.latest("pk").error
    time.sleep(1.1)  # names tell seconds
    call_command("backup", scheduled=True)
    assert not old.exists()
    assert Backup.objects.get(name=old.name).removed_at is not None


def test_a_job_runs_the_command_in_a_process_of_its_own_and_says_its_last_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, answers.pop(0), "", "строка\nCommandError: нет места\n")

    monkeypatch.setattr(subprocess, "run", run)
    answers = [0, schedule.FILE_MISSING, schedule.UNDER_WAY, 1]
    for _ in range(3):
        schedule.make_one()
    with pytest.raises(schedule.Failed, match="нет места"):
        schedule.make_one()
    assert asked[0][-3:] == ["otklik", "backup", "--scheduled"]
    assert sys.executable in asked[0]


def test_the_command_runs_as_the_worker_starts_it(tmp_path: Path) -> None:
    env = {**os.environ, "OTKLIK_DATA": str(tmp_path), "OTKLIK_LOG_LEVEL": "ERROR"}
    env |= {"DATABASE_URL": f"sqlite:///{tmp_path / 'no' / 'where.sqlite3'}", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "otklik", "drill", "--help"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "--identity" in said.stdout


def test_the_drill_is_held_once_a_month_and_again_the_next_day_where_it_failed(folder: Path) -> None:
    call_command("backup", scheduled=True)
    now = timezone.now()
    assert schedule.drill_is_due(now)
    held = BackupDrill.objects.create(host="host", name="x", finished_at=now, error="не сошлось")
    assert schedule.drill_is_due(now)
    BackupDrill.objects.filter(pk=held.pk).update(error="")
    assert not schedule.drill_is_due(now)
    assert schedule.drill_is_due(now + timedelta(days=31))


def test_the_clock_plans_the_backup_at_its_time_and_what_is_asked_for_only_when_asked(settings: Any) -> None:
    by_name = {one.name: one for one in jobs.periodic()}
    night = by_name["backup"]
    assert night.daily_at == settings.BACKUP_AT
    asked = by_name["backup-now"]
    assert asked.slot(timezone.now()) is None
    assert firing.plan(asked, timezone.now())
    assert not Firing.objects.exists()
    settings.BACKUP_AT = None
    assert "backup" not in {one.name for one in jobs.periodic()}


def test_a_demo_stand_makes_none_by_the_clock(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    installation.mark(Installation.Kind.DEMO)
    monkeypatch.setattr(schedule, "make_one", lambda: pytest.fail("made"))
    schedule.make_by_clock()
    assert not schedule.drill_is_due(timezone.now())


def test_a_rest_is_in_proportion_to_the_work() -> None:
    pace, began = archive.Pace(0.5), time.monotonic()
    worked = 0.0
    while worked < 0.3:
        since = time.monotonic()
        while time.monotonic() - since < 0.06:
            pass
        worked += time.monotonic() - since
        pace.keep()
    assert time.monotonic() - began > 1.8 * worked
    archive.Pace().keep()  # no rest where none is asked for


# --- the page ---------------------------------------------------------------------------------------------------------


def signed_in(employee: Employee) -> Client:
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_page_lists_copies_and_drills_and_a_press_lets_a_worker_do_it(folder: Path) -> None:
    Installation.objects.all().delete()  # in a working system an administrator has a second factor
    world = World()
    admin = signed_in(world.employee("admin", "Админова", world.hq, ["admin"]))
    empty = admin.get("/desk/backups/").content.decode()
    assert "Копий ещё нет" in empty
    assert 'disabled aria-describedby="no-copy"' in empty
    refused = admin.post("/desk/backups/drill/", follow=True).content.decode()
    assert "Проверять нечего: копии ещё нет" in refused
    assert not Firing.objects.exists()
    call_command("backup", scheduled=True)
    BackupDrill.objects.create(host="host", name=Backup.objects.get().name, finished_at=timezone.now())
    page = admin.get("/desk/backups/").content.decode()
    assert Backup.objects.get().name in page
    assert "восстановление возможно" in page
    for address, job in (("make", "backup-now"), ("drill", "drill-now")):
        answer = admin.post(f"/desk/backups/{address}/", follow=True).content.decode()
        assert Firing.objects.filter(job=job, state=Firing.State.PLANNED).count() == 1
        assert "ни один обработчик не работает" in answer.lower()
        again = admin.post(f"/desk/backups/{address}/", follow=True).content.decode()
        assert Firing.objects.filter(job=job).count() == 1
        assert "уже" in again
    now = timezone.now()
    WorkerBeat.objects.create(process="h:1", host="h", version="1", kind="worker", started_at=now, beat_at=now)
    assert "ни один обработчик" not in admin.get("/desk/backups/").content.decode().lower()
    assert (
        JournalEntry.objects.filter(
            action__in=["system.backup_asked", "system.drill_asked"], actor__isnull=False
        ).count()
        == 2
    )
    executor = signed_in(world.employee("plain", "Простова", world.hq, ["executor"]))
    assert executor.get("/desk/backups/").status_code == 403
    assert executor.post("/desk/backups/make/").status_code == 403


def test_a_changed_part_of_an_archive_is_found_by_the_drill(folder: Path) -> None:
    call_command("backup", scheduled=True)
    path = newest(folder)
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    name = next(one for one in parts if one.startswith("tables/people_employee"))
    parts[name] = parts[name].replace(b"somebody", b"anybody!")
    with zipfile.ZipFile(path, "w") as target:
        for one, content in parts.items():
            target.writestr(one, content)
    assert json.loads(parts[archive.MANIFEST])["format"] == archive.FORMAT
    assert "изменена" in drill.hold().error
