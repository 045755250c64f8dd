"""The whole way on PostgreSQL with every wheel and no network: an earlier release installed, updated, taken back."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import postgres
from tests import components, sizes
from tests.deploy import place
from tests.deploy.place import Place

pytestmark = [
    pytest.mark.once,
    pytest.mark.proof,
    pytest.mark.skipif(not sizes.FULL, reason="весь путь со всеми пакетами: make proof; короткий — test_update.py"),
]
EARLIER = "HEAD~60"


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """Give the tree of an earlier release."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    packed = subprocess.run(["git", "archive", EARLIER], cwd=place.ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"истории до {EARLIER} здесь нет: git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Place]:
    """Give a machine without a network and with a PostgreSQL of its own, reached by its socket."""
    components.POSTGRES.require()
    # Not below pytest's own folder: the server's user may not go through it.
    scratch = Path(tempfile.mkdtemp(prefix="otklik-release-", dir="/tmp"))
    cluster = postgres.Cluster(scratch, postgres.CARELESS)
    with place.namespace() as keeper:
        cluster.start()
        root = tmp_path / "machine"
        root.mkdir()
        url = f"postgresql://department@/otklik?host={cluster.sockets}"
        here = Place(root, keeper, thin=False, database=url)
        here.env["PSQL"] = f"{postgres.binaries()}/psql -h {cluster.sockets} -U otklik -d postgres"
        try:
            yield here
        finally:
            here.stop()
            cluster.stop()
            shutil.rmtree(scratch, ignore_errors=True)


def test_an_earlier_release_is_updated_and_taken_back(machine: Place, earlier: Path, tmp_path: Path) -> None:
    """Install, fail with a migration that falls, update, go back: what people wrote is there each time."""
    archives = {
        "0.9.0": place.packed(place.tree(tmp_path / "old", "0.9.0", of=earlier), tmp_path / "dist", thin=False),
        "1.0.0": place.packed(place.tree(tmp_path / "new", "1.0.0"), tmp_path / "dist", thin=False),
        "1.1.0": place.packed(place.tree(tmp_path / "bad", "1.1.0", breaks=True), tmp_path / "dist", thin=False),
    }
    subprocess.run(["tar", "-xf", archives["0.9.0"], "-C", tmp_path], check=True)
    create = tmp_path / "otklik-0.9.0" / "deploy" / "create-database.sh"
    name = {"ROLE": "department"}
    assert "создана" in machine.done(create, more=name)
    assert "уже есть" in machine.done(create, more=name)
    machine.set_up(archives["0.9.0"])
    before = place.counts(machine)

    def update(version: str) -> subprocess.CompletedProcess[str]:
        return machine.run(machine.opt / "current" / "deploy" / "update.sh", archives[version])

    said = update("1.1.0")
    assert said.returncode, said.stdout
    assert "this migration falls" in said.stdout
    assert "Работает прежняя версия 0.9.0, данные прежние." in said.stdout
    assert machine.ready()
    assert place.counts(machine)["employees"] == before["employees"]

    said = update("1.0.0")
    assert said.returncode == 0, said.stdout
    assert machine.version() == "1.0.0"
    assert machine.ready()
    assert place.counts(machine)["employees"] == before["employees"]

    machine.done(machine.opt / "current" / "deploy" / "rollback.sh", "--yes")
    assert machine.version() == "0.9.0"
    assert machine.ready()
    assert place.counts(machine)["employees"] == before["employees"]
