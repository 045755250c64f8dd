"""Installed and updated where no registry can be reached; an update that fails leaves what was there before."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import databases, sizes
from tests.deploy import place
from tests.deploy.place import Place

pytestmark = [pytest.mark.once, pytest.mark.proof, pytest.mark.django_db]
# The old database put back once is enough for every day; what led to it is tried in full.
LONG = pytest.mark.skipif(not sizes.FULL, reason="возврат после неудачи: make proof; обновление и возврат — рядом")


@pytest.fixture(scope="module")
def template(request: pytest.FixtureRequest) -> Path:
    """Give the tests' migrated database: migrating takes a minute, and it is asked for three times here."""
    request.getfixturevalue("django_db_setup")
    if request.config.getoption("db") == "postgres":
        pytest.skip("без базы тестов: рассказывается на SQLite")
    return databases.SqliteTemplate("deploy").migrated


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, template: Path) -> dict[str, Path]:
    """Give bundles without the wheels of others: 1.0.0, 1.1.0, and 1.2.0, whose last migration falls."""
    pytest.importorskip("hatchling", reason="hatchling не установлен: requirements/dev.txt")
    folder = tmp_path_factory.mktemp("bundles")
    made = {}
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        source = place.tree(folder / version, version, breaks=version == "1.2.0", template=template)
        made[version] = place.packed(source, folder / "dist", thin=True)
    return made


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, archives: dict[str, Path], template: Path) -> Iterator[Place]:
    """Give a machine without a network on which 1.0.0 works; each test leaves it so."""
    with place.namespace() as keeper:
        here = Place(tmp_path_factory.mktemp("machine"), keeper, thin=True)
        shutil.copy(template, here.root / "data" / "otklik.sqlite3")
        try:
            here.set_up(archives["1.0.0"])
            yield here
        finally:
            here.stop()


@pytest.fixture
def works(machine: Place) -> Iterator[Place]:
    """Give the machine and see that the test left 1.0.0 at work."""
    yield machine
    assert machine.version() == "1.0.0"
    assert machine.ready(), machine.log()
    assert not (machine.opt / "maintenance" / "on").exists()
    assert not (machine.opt / "update.state").exists()


def update(here: Place, archive: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return here.run(here.opt / "current" / "deploy" / "update.sh", archive, more=more)


def test_what_was_installed_works_with_no_way_out_of_the_machine(works):
    assert works.run("python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 80), 1)").returncode
    assert place.counts(works)["employees"] == 1
    units = (works.root / "units" / "otklik-web.service").read_text()
    assert f"ExecStart={works.opt}/current/bin/otklik serve" in units
    common = (works.root / "units" / "otklik-.service.d" / "common.conf").read_text()
    assert f"EnvironmentFile={works.root}/etc/otklik.env" in common


def test_installing_again_changes_nothing_and_another_version_is_sent_to_update(works, archives):
    settings = (works.root / "etc" / "otklik.env").read_text()
    works.done(works.root / "otklik-1.0.0" / "install.sh")
    assert (works.root / "etc" / "otklik.env").read_text() == settings
    subprocess.run(["tar", "-xf", archives["1.1.0"], "-C", works.root], check=True)
    said = works.run(works.root / "otklik-1.1.0" / "install.sh")
    assert said.returncode
    assert "здесь уже работает версия 1.0.0" in said.stdout
    shutil.rmtree(works.root / "otklik-1.1.0")


def test_a_bundle_that_cannot_be_taken_is_refused_in_words(works, archives, tmp_path):
    before = place.counts(works)

    def refused(archive: Path, words: str, **more: str) -> None:
        said = update(works, archive, **more)
        assert said.returncode, said.stdout
        assert words in said.stdout
        assert works.ready()

    refused(archives["1.0.0"], "версия 1.0.0 уже стоит")
    refused(tmp_path / "none.tar", "нет файла")
    shutil.copy(archives["1.1.0"], tmp_path / "half.tar")
    os.truncate(tmp_path / "half.tar", archives["1.1.0"].stat().st_size // 2)
    refused(tmp_path / "half.tar", "не распаковывается")
    (tmp_path / "text.tar").write_text("no archive")
    refused(tmp_path / "text.tar", "не распаковывается")
    shutil.copy(archives["1.1.0"], tmp_path / "sum.tar")
    (tmp_path / "sum.tar.sha256").write_text("0" * 64 + "  sum.tar\n")
    refused(tmp_path / "sum.tar", "сумма не та")
    for name, what, words in [
        ("VERSION", b"0.9.0\n", "она старше установленной 1.0.0"),
        ("PYTHON", b"3.99\n", "архив собран для Python 3.99"),
        ("deploy/install.sh", b"#", "контрольные суммы не сошлись"),
    ]:
        folder = tmp_path / name.replace("/", "-")
        folder.mkdir()
        subprocess.run(["tar", "-xf", archives["1.1.0"], "-C", folder], check=True)
        (folder / "otklik-1.1.0" / name).write_bytes(what)
        if "суммы" not in words:  # a whole bundle, only of something else
            sums = subprocess.run(
                "find . -type f ! -name SHA256SUMS | sed 's#^./##' | xargs -d '\\n' sha256sum > SHA256SUMS",
                shell=True,
                cwd=folder / "otklik-1.1.0",
                check=False,
            )
            assert sums.returncode == 0
        refused(folder / "otklik-1.1.0", words)
    assert place.counts(works) == before


def test_too_little_room_is_said_before_anything_is_stopped(works, archives, tmp_path):
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "df").write_text("#!/bin/sh\necho Avail\necho 1000000\n")
    (fake / "df").chmod(0o755)
    said = update(works, archives["1.1.0"], PATH=f"{fake}:{works.env['PATH']}")
    assert said.returncode
    assert "мало места на диске" in said.stdout
    assert "ничего не изменено" in said.stdout
    assert "останавливаю" not in said.stdout
    assert not (works.opt / "1.1.0").exists()


def test_a_disk_that_fills_up_during_the_backup_brings_the_old_version_back(works, archives):
    """The folder of copies becomes a file: whatever the reason, there is no copy, so nothing is migrated."""
    before = place.counts(works)
    backups = works.root / "backups" / "updates"
    shutil.rmtree(backups, ignore_errors=True)
    full = works.root / "on_stop"
    full.write_text(
        f'mkdir -p "{backups}"; ln -sfn /dev/full "{backups}/full"\nmount -t tmpfs -o size=64k tmpfs "{backups}"\n'
    )
    # The mount is the namespace's own: a machine that may not mount is told so by the script's log, and the test skips.
    if works.run("unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", works.root / "data").returncode:
        full.unlink()
        pytest.skip("ядро не даёт монтировать tmpfs")
    try:
        said = works.run("unshare", "-m", works.opt / "current" / "deploy" / "update.sh", archives["1.1.0"])
    finally:
        full.unlink()
    assert said.returncode, said.stdout
    assert "Копия не сделана" in said.stdout
    assert "Работает прежняя версия 1.0.0, данные прежние." in said.stdout
    assert not (works.opt / "1.1.0").exists()
    assert place.counts(works) == before


@LONG
def test_a_migration_that_falls_brings_back_the_old_version_and_the_old_database(works, archives):
    before = place.counts(works)
    said = update(works, archives["1.2.0"])
    assert said.returncode, said.stdout
    assert "this migration falls" in said.stdout
    assert "База и файлы возвращены из копии" in said.stdout
    assert "Работает прежняя версия 1.0.0, данные прежние." in said.stdout
    assert not (works.opt / "1.2.0").exists()
    assert place.counts(works) == before | {"entries": place.counts(works)["entries"]}
    ask = "from django.db import connection; print('half_done' in connection.introspection.table_names())"
    assert works.otklik("shell", "-c", ask).strip().endswith("False")


def test_an_update_is_made_and_taken_back(works, archives):
    before = place.counts(works)
    said = update(works, archives["1.1.0"])
    assert said.returncode == 0, said.stdout
    assert "Готово: работает Отклик 1.1.0." in said.stdout
    assert works.version() == "1.1.0"
    assert works.ready()
    assert not (works.opt / "maintenance" / "on").exists()
    made = "from otklik.people.models import Employee; Employee.objects.create(username='later')"
    works.otklik("shell", "-c", made)
    said = works.run(works.opt / "current" / "deploy" / "rollback.sh", "--yes")
    assert said.returncode == 0, said.stdout
    assert "Работает версия 1.0.0." in said.stdout
    assert place.counts(works)["employees"] == before["employees"]
    kept = [one.name for one in (works.root / "backups" / "updates").glob("after-1.1.0-*.zip")]
    assert kept, "what was written after the update is in a copy"
    said = works.run(works.opt / "current" / "deploy" / "rollback.sh", "--yes")
    assert "возвращать нечего" in said.stdout


def test_an_update_that_was_killed_is_finished_by_going_back(works, archives):
    """Power went in the middle of the migration: services are down, the note of the update is there."""
    before = place.counts(works)
    killer = works.root / "on_stop"
    killer.write_text("kill -KILL $(ps -o ppid= -p $PPID)\n")
    try:
        said = update(works, archives["1.1.0"])
    finally:
        killer.unlink()
    assert said.returncode, said.stdout
    assert (works.opt / "update.state").exists()
    assert "прервано на середине" in update(works, archives["1.1.0"]).stdout
    works.done(works.opt / "current" / "deploy" / "rollback.sh")
    assert place.counts(works) == before
