"""A backup is everything, made while people work; a restore is everything again, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from wagtail.documents import get_document_model

from otklik.appeals import dispatch
from otklik.appeals.models import Appeal
from otklik.config import jobs
from otklik.config.backup import archive, make, restore, tables
from otklik.core import files, installation, journal
from otklik.core.bucket import BucketStorage
from otklik.core.models import Backup, CalendarYear, Installation, JournalEntry, StoredFile
from otklik.people.models import Employee
from tests import sizes
from tests.appeals.conftest import World
from tests.config import picture
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(transactional_db: None, settings: Any, data_dir: Path) -> World:
    """A department that has answered a letter, with files of every kind, and rows that were removed again."""
    settings.DATA = data_dir
    installation.mark(Installation.Kind.PRODUCTION)
    world = World()
    dispatch.send(world.signed(world.registered_email()), by=world.clerk)
    world.asked()
    for number in range(3):
        files.store(f"письмо № {number} ☎".encode() * 1000, name="letter.txt")
    get_document_model().objects.create(title="Порядок", file=ContentFile(b"%PDF-1.4 order", name="order.pdf"))
    Employee.objects.create(username="gone").delete()
    journal.seal(timezone.localdate())
    return world


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a place for an archive that is made once for all who only read it."""
    return tmp_path_factory.mktemp("archive") / "copy.zip"


@pytest.fixture
def copy(once: Path, transactional_db: None, settings: Any, data_dir: Path) -> Path:
    """Give an archive of a working system that is not this one: this one is almost empty."""
    settings.DATA = data_dir
    installation.mark(Installation.Kind.PRODUCTION)
    if not once.exists():
        files.store(b"letter", name="letter.txt")
        Employee.objects.create(username="somebody")
        make.make(once)
    return Path(shutil.copy(once, data_dir / "copy.zip"))


def otklik(*arguments: object, data: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run a command in another installation, where settings are not those of a test."""
    env = {**os.environ, "OTKLIK_DATA": str(data), "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    env |= {"DJANGO_SETTINGS_MODULE": "otklik.config.settings", "OTKLIK_LOG_LEVEL": "ERROR"}
    env |= {"OTKLIK_TEST_SCRATCH": str(data.parent)}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=env, cwd=data.parent, capture_output=True, text=True, check=False)


@pytest.fixture
def new_url(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Give the address of an empty database of the kind under test, or of a SQLite file."""
    made: list[str] = []

    def url(name: str, kind: str = connection.vendor) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.sqlite3"
        database = f"{connection.settings_dict['NAME']}_{name}"
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {database}")
            cursor.execute(f"CREATE DATABASE {database}")
        made.append(database)
        return f"postgresql://otklik@/{database}?host={connection.settings_dict['OPTIONS']['host']}"

    yield url
    for database in made:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {database} WITH (FORCE)")


def older(path: Path) -> Path:
    """Return the archive as the version before would have made it: without the tables of the API."""
    migration, part = ["api", "0001_initial"], "tables/django_migrations.jsonl"

    def unmake(parts: dict[str, bytes]) -> None:
        told = json.loads(parts[archive.MANIFEST])
        told["migrations"].remove(migration)
        rows = [line for line in parts[part].splitlines(keepends=True) if json.loads(line)[1:3] != migration]
        parts[part], tally = b"".join(rows), tables.Tally()
        for row in rows:
            tally.add(row)
        told["tables"]["django_migrations"] |= {"rows": tally.content.rows, "digest": tally.content.digest}
        told["parts"][part] = {"size": len(parts[part]), "sha256": hashlib.sha256(parts[part]).hexdigest()}
        for names in (told["tables"], told["parts"], parts):
            for name in [one for one in names if one.removeprefix("tables/").startswith("api_")]:
                del names[name]
        parts[archive.MANIFEST] = json.dumps(told).encode()
        parts[archive.SIGNATURE] = archive._signature(parts[archive.MANIFEST]).encode()

    return rewritten(path, unmake)


def check_equal(told: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert told["problems"] == []
    assert told["files"] == wanted["files"]
    assert set(told["rows"]) == set(wanted["rows"])
    for label, rows in wanted["rows"].items():
        if label.split(".")[1] not in picture.WRITTEN:
            assert told["rows"][label] == rows, label
    # The journal goes on where it ended: the backup's own row, made after its moment, is not in it; the restore's is.
    before = {row for row in wanted["rows"]["core.JournalEntry"] if "system.backed_up" not in row}
    added = set(told["rows"]["core.JournalEntry"]) - before
    assert before <= set(told["rows"]["core.JournalEntry"])
    assert ["system.restored" in row for row in added] == [True]


@pytest.mark.proof
def test_everything_is_restored_elsewhere_and_once_more_in_the_other_kind_of_database(
    world: World, data_dir: Path, new_url: Callable[..., str], tmp_path: Path
) -> None:
    copy, key = data_dir / "copy.zip", data_dir / "key.json"
    call_command("backup", str(copy), keys=key)
    wanted = picture.picture()
    assert wanted["problems"] == []
    assert {name.split("/")[0] for name in wanted["files"]} == {"files", "media"}
    with zipfile.ZipFile(copy) as content:
        assert not any("secret" in name or "key" in name for name in content.namelist())

    first, url = tmp_path / "first" / "data", new_url("first", "sqlite")
    first.parent.mkdir()
    really = "otklik" if sizes.FULL else "tests.config.quick_restore"
    # On the way, an archive of the version before; brought up to this one, the other kind of database adds rows.
    source = older(copy) if sizes.FULL and connection.vendor == "sqlite" else copy
    done = otklik("-m", really, "restore", source, "--keys", key, data=first, url=url)
    assert done.returncode == 0, done.stderr
    told = json.loads(otklik("-m", "tests.config.picture", data=first, url=url).stdout)
    check_equal(told, wanted)
    assert not list(first.glob("restore-*"))

    if connection.vendor == "postgresql":  # and back: from SQLite into PostgreSQL
        again, second, url2 = tmp_path / "again.zip", tmp_path / "second" / "data", new_url("second")
        second.parent.mkdir()
        done = otklik("-m", "otklik", "backup", again, data=first, url=url)
        assert done.returncode == 0, done.stderr
        done = otklik("-m", really, "restore", again, "--keys", key, data=second, url=url2)
        assert done.returncode == 0, done.stderr
        last = json.loads(otklik("-m", "tests.config.picture", data=second, url=url2).stdout)
        assert last["problems"] == []
        for label, rows in told["rows"].items():
            if label.split(".")[1] not in picture.WRITTEN:
                assert last["rows"][label] == rows, label
        assert last["files"] == wanted["files"]
        url, first = url2, second

    # The next employee does not get the number of one who is gone.
    ask = "import django; django.setup(); from otklik.people.models import Employee as E; print(E.objects.create().pk)"
    newest = int(otklik("-c", ask, data=first, url=url).stdout)
    assert newest == Employee.objects.create(username="next").pk


def test_what_a_failed_update_left_in_the_database_is_put_aside_with_the_rest(
    copy: Path, new_url: Callable[..., str], tmp_path: Path
) -> None:
    """Else the update tried again would stumble over its own tables."""
    data, url = tmp_path / "there" / "data", new_url("there")
    data.parent.mkdir()
    back = ("-m", "tests.config.quick_restore", "restore", copy, "--other-key")
    assert otklik(*back, data=data, url=url).returncode == 0
    leave = "CREATE TABLE later_version (id integer PRIMARY KEY, by_id integer REFERENCES people_employee (id))"
    run = "import django; django.setup(); from django.db import connection as c; "
    left = otklik("-c", f"{run}c.cursor().execute({leave!r})", data=data, url=url)
    assert left.returncode == 0, left.stderr
    again = otklik(*back, "--replace", data=data, url=url)
    assert again.returncode == 0, again.stderr
    assert "прежняя база" in again.stdout
    there = otklik("-c", f"{run}print(c.introspection.table_names())", data=data, url=url).stdout
    assert "people_employee" in there
    assert "later_version" not in there


def test_a_backup_is_one_moment_and_nobody_waits_for_it(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes into a table that is read last, and it goes through at once and stays out of the archive."""
    every, wrote = tables.every, threading.Event()

    def write() -> None:
        with transaction.atomic():
            files.store(b"too late", name="late.txt")
            JournalEntry.objects.bulk_create([])
            CalendarYear.objects.create(year=2099)
        connection.close()
        wrote.set()

    def meanwhile(names: Any) -> Any:
        threading.Thread(target=write).start()
        assert wrote.wait(5), "the writer had to wait for the backup"
        return every(names)

    monkeypatch.setattr(tables, "every", meanwhile)
    before = StoredFile.objects.count()
    done = make.make(data_dir / "copy.zip")
    monkeypatch.undo()
    with archive.opened(done.path, identity=None, scratch=data_dir) as reader:
        reader.check()
        assert reader.manifest.tables["core_storedfile"]["rows"] == before == len(reader.manifest.names("files"))
        years = list(reader.lines("tables/core_calendaryear.jsonl"))
    assert not any(b"2099" in line for line in years)
    assert CalendarYear.objects.filter(year=2099).exists()


def test_while_a_backup_is_made_no_file_is_swept(copy: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = files.storage().path("aa/bb/orphan")
    Path(orphan).parent.mkdir(parents=True)
    Path(orphan).write_bytes(b"x")
    os.utime(orphan, (0, 0))
    applied = tables.applied

    def sweep() -> Any:
        assert jobs.sweep_files() == 0
        return applied()

    monkeypatch.setattr(tables, "applied", sweep)
    make.make(data_dir / "other.zip")
    monkeypatch.undo()
    assert Path(orphan).exists()
    assert jobs.sweep_files() == 1


def test_a_missing_and_a_damaged_file_are_named_and_stop_nothing(world: World, data_dir: Path) -> None:
    gone, damaged = StoredFile.objects.order_by("pk")[:2]
    files.path_of(gone).unlink()
    files.path_of(damaged).write_bytes(b"not what it was")
    with pytest.raises(SystemExit) as exit_:
        call_command("backup", str(data_dir / "copy.zip"))
    assert exit_.value.code == 2
    row = Backup.objects.latest("pk")
    assert (row.missing, row.error) == (2, "")
    with archive.opened(data_dir / "copy.zip", identity=None, scratch=data_dir) as reader:
        assert sorted(reader.manifest.missing) == sorted(f"files/{one.path}" for one in (gone, damaged))


def test_files_go_out_of_a_bucket_and_back_into_one(bucket: BucketStorage, world: World, data_dir: Path) -> None:
    kept = {row.path: files.open_file(row).read() for row in StoredFile.objects.all()}
    assert len(kept) > 3, "a whole letter's way, and none of it on this disk"
    assert make.make(data_dir / "copy.zip").missing == []
    for name in bucket.listed():
        bucket.delete(name)
    with archive.opened(data_dir / "copy.zip", identity=None, scratch=data_dir) as reader, ExitStack() as stack:
        restore._put_files(reader, restore.Restored(reader.manifest), stack).pop_all()
    assert {row.path: files.open_file(row).read() for row in StoredFile.objects.all()} == kept


def test_a_backup_without_its_bucket_is_none(
    bucket: BucketStorage, world: World, data_dir: Path, settings: Any
) -> None:
    settings.S3_URL = f"s3://files/department?endpoint=http://127.0.0.1:{free_port()}"
    del bucket.__dict__["bucket"]
    with pytest.raises(CommandError, match="does not answer"):
        call_command("backup", str(data_dir / "copies"))
    assert list((data_dir / "copies").iterdir()) == []


def test_a_backup_that_fails_leaves_no_file_and_says_so(
    copy: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.Writer, "close", full)
    with pytest.raises(CommandError, match="Копия не сделана: No space"):
        call_command("backup", str(data_dir / "copies"))
    assert list((data_dir / "copies").iterdir()) == []
    row = Backup.objects.latest("pk")
    assert (row.finished_at, "No space" in row.error) == (None, True)
    assert not make.is_running()


def test_only_our_oldest_archives_are_removed(copy: Path, data_dir: Path) -> None:
    folder = data_dir / "copies"
    folder.mkdir()
    for name in (
        "otklik-20200101-000000.zip",
        "otklik-20210101-000000.zip.age",
        "otklik-20220101-000000.zip",
        "my.zip",
    ):
        (folder / name).write_bytes(b"")
    call_command("backup", str(folder), keep=2)
    left = sorted(path.name for path in folder.iterdir())
    assert left[0] == "my.zip"
    assert left[1] == "otklik-20220101-000000.zip"
    assert len(left) == 3


# What is refused


def state(data: Path) -> dict[str, Any]:
    """Return everything a refused restore must leave as it was."""
    folder = sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file())
    return picture.picture() | {"folder": folder}


def refused(path: Path, words: str, **options: Any) -> None:
    """Ask for a restore that is refused in these words and leaves everything as it was."""
    from django.conf import settings

    before = state(settings.DATA)
    with pytest.raises(CommandError, match=words):
        call_command("restore", str(path), **options)
    assert state(settings.DATA) == before


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write the archive anew with changed parts."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    change(parts)
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(target, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return target


def test_an_archive_cut_off_anywhere_is_refused(copy: Path) -> None:
    whole = copy.read_bytes()
    for share in (0.1, 0.5, 0.99):
        cut = copy.with_name("cut.zip")
        cut.write_bytes(whole[: int(len(whole) * share)])
        refused(cut, "обрывается или испорчен", replace=True)


def test_a_flipped_byte_is_found(copy: Path) -> None:
    with zipfile.ZipFile(copy) as content:
        entry = content.getinfo("tables/django_content_type.jsonl")
    raw = bytearray(copy.read_bytes())
    raw[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0xFF
    flipped = copy.with_name("flipped.zip")
    flipped.write_bytes(raw)
    refused(flipped, "не читается|изменена", replace=True)


def test_a_part_changed_added_or_taken_away_is_found(copy: Path) -> None:
    part = "tables/people_employee.jsonl"
    refused(rewritten(copy, lambda parts: parts.update({part: parts[part] + b"[]"})), "изменена", replace=True)
    refused(rewritten(copy, lambda parts: parts.pop(part) and None), "состав не сходится", replace=True)
    for odd in ("media/../../etc/passwd", "files/../x", "other.txt"):
        refused(rewritten(copy, lambda parts, odd=odd: parts.update({odd: b""})), "состав не сходится", replace=True)


def test_a_manifest_changed_with_its_parts_is_found_by_its_signature(copy: Path) -> None:
    def lie(parts: dict[str, bytes]) -> None:
        told = json.loads(parts[archive.MANIFEST])
        told["made_at"] = "2020-01-01T00:00:00+00:00"
        parts[archive.MANIFEST] = json.dumps(told).encode()

    refused(rewritten(copy, lie), "подпись не сходится", replace=True)


def test_a_foreign_file_is_refused(copy: Path, data_dir: Path) -> None:
    foreign, text = data_dir / "foreign.zip", data_dir / "notes.txt"
    with zipfile.ZipFile(foreign, "w") as content:
        content.writestr("hello.txt", "hello")
    text.write_text("это не архив")
    refused(foreign, "это не резервная копия Отклика")
    refused(text, "обрывается или испорчен")
    refused(data_dir / "absent.zip", "не открывается")


def test_an_archive_of_a_newer_version_is_refused(copy: Path) -> None:
    def newer(parts: dict[str, bytes]) -> None:
        told = json.loads(parts[archive.MANIFEST])
        told["migrations"].append(["appeals", "0999_from_the_future"])
        told["version"] = "9.0"
        parts[archive.MANIFEST] = json.dumps(told).encode()

    refused(rewritten(copy, newer), "версией 9.0, которая новее этой", replace=True)


def test_an_encrypted_archive_needs_its_own_key(copy: Path, data_dir: Path) -> None:
    ours, other = data_dir / "ours.txt", data_dir / "other.txt"
    recipient = archive.new_identity(ours)
    archive.new_identity(other)
    assert oct(ours.stat().st_mode)[-3:] == "600"
    copy = data_dir / "closed.zip.age"
    call_command("backup", str(copy), recipient=[recipient])
    raw = copy.read_bytes()
    assert raw.startswith(b"age-encryption.org/v1")
    assert b"manifest.json" not in raw
    refused(copy, "он зашифрован", replace=True)
    refused(copy, "не расшифровывается этим ключом", identity=other, replace=True)
    refused(copy, "нет ключа расшифровки", identity=copy, replace=True)
    copy.write_bytes(raw[:-100])
    refused(copy, "не расшифровывается", identity=ours, replace=True)
    copy.write_bytes(raw)
    with archive.opened(copy, identity=ours, scratch=data_dir) as reader:
        reader.check()


def test_an_archive_sealed_with_another_key_is_not_restored_silently(copy: Path, settings: Any) -> None:
    settings.SECRET_KEY = "another key" * 5
    refused(copy, "сделана с другим секретным ключом", replace=True)


def test_a_database_people_work_in_is_not_overwritten(copy: Path) -> None:
    refused(copy, "в этой базе уже работают")


def test_a_demo_archive_does_not_replace_a_working_system(copy: Path, data_dir: Path) -> None:
    Installation.objects.update(kind=Installation.Kind.DEMO)
    demo = make.make(data_dir / "demo.zip").path
    Installation.objects.update(kind=Installation.Kind.PRODUCTION)
    refused(demo, "эта база — рабочая система", replace=True)


def test_what_fails_at_the_last_step_is_put_back(
    copy: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (data_dir / "secret.key").write_text("the old key")
    media = data_dir / "media"
    media.mkdir()
    (media / "old.pdf").write_bytes(b"%PDF")
    monkeypatch.setattr(restore, "_load", lambda *_: None)
    monkeypatch.setattr(restore, "_busy", lambda: "")
    place = type(restore.scratch_place())
    switched = []

    def fail(*_: object) -> str:
        switched.append(sorted(path.name for path in data_dir.iterdir()))
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(place, "put", fail)
    before = state(settings.DATA)
    with pytest.raises(OSError, match="Input/output"):
        restore.restore(copy, replace=True)
    assert any("media.before" in name for name in switched[0])
    assert any("secret.key.before" in name for name in switched[0])
    assert state(settings.DATA) == before
    assert (data_dir / "secret.key").read_text() == "the old key"


def test_a_database_somebody_has_open_is_not_replaced(copy: Path) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        Appeal.objects.exists()
        held.set()
        free.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        refused(copy, "базу открыли другие процессы|подключены другие процессы: 1", replace=True)
    finally:
        free.set()
        thread.join()


def test_every_table_of_the_database_is_carried_over_or_left_out_by_name(db: None) -> None:
    carried = {table.name for table in tables.every(tables.applied())}
    there = set(connection.introspection.table_names())
    left = {name for name in there - carried if not name.startswith(f"{tables.DERIVED}_")}
    assert left <= set(tables.LEFT_OUT)
    assert carried <= there
