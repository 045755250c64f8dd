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
BACK = 60  # commits


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=place.ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _migrations(commit: str) -> set[str]:
    """Return the migrations of a commit, each with the hash of what it says."""
    return {line for line in _git("ls-tree", "-r", commit, "otklik").splitlines() if "/migrations/0" in line}


def _released() -> str:
    """Return the newest commit at least so far back that could have been a release; nothing where there is none here.

    Between releases migrations bear numbers from 101 on and are put in their turn later: nobody has installed those.
    """
    ours = _migrations("HEAD")
    commits = _git("rev-list", "--first-parent", "--skip", str(BACK), "-n", "200", "HEAD").split()
    return next((one for one in commits if _migrations(one) <= ours), "")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """Give the tree of an earlier release."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    if not (commit := _released()):
        pytest.skip("истории выпусков здесь нет: git fetch --unshallow")
    packed = subprocess.run(["git", "archive", commit], cwd=place.ROOT, capture_output=True, check=True)
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


def update(here: Place, archive: Path) -> subprocess.CompletedProcess[str]:
    return here.run(here.opt / "current" / "deploy" / "update.sh", archive)


def works(here: Place, version: str) -> int:
    """Return how many employees there are, once this version works."""
    assert here.version() == version
    assert here.ready()
    return place.counts(here)["employees"]


def test_an_earlier_release_is_updated_and_taken_back(machine: Place, earlier: Path, tmp_path: Path) -> None:
    """Install, update, go back: what people wrote is there each time."""
    archives = {
        "0.9.0": place.packed(place.tree(tmp_path / "old", "0.9.0", of=earlier), tmp_path / "dist", thin=False),
        "1.0.0": place.packed(place.tree(tmp_path / "new", "1.0.0"), tmp_path / "dist", thin=False),
    }
    create_database(machine, archives["0.9.0"], tmp_path)
    machine.set_up(archives["0.9.0"])
    before = works(machine, "0.9.0")
    said = update(machine, archives["1.0.0"])
    assert said.returncode == 0, said.stdout
    assert works(machine, "1.0.0") == before
    machine.done(machine.opt / "current" / "deploy" / "rollback.sh", "--yes")
    assert works(machine, "0.9.0") == before


def test_an_update_that_failed_is_tried_again_when_it_is_mended(machine: Place, tmp_path: Path) -> None:
    """The tables of the failed one are no hindrance to the next."""
    archives = {
        "1.0.0": place.packed(place.tree(tmp_path / "new", "1.0.0"), tmp_path / "dist", thin=False),
        "1.1.0": place.packed(place.tree(tmp_path / "bad", "1.1.0", breaks=True), tmp_path / "dist", thin=False),
        "1.2.0": place.packed(place.tree(tmp_path / "good", "1.2.0", adds=True), tmp_path / "dist", thin=False),
    }
    create_database(machine, archives["1.0.0"], tmp_path)
    machine.set_up(archives["1.0.0"])
    before = works(machine, "1.0.0")
    said = update(machine, archives["1.1.0"])
    assert said.returncode, said.stdout
    assert "this migration falls" in said.stdout, said.stdout
    assert "Работает прежняя версия 1.0.0, данные прежние." in said.stdout
    assert works(machine, "1.0.0") == before
    said = update(machine, archives["1.2.0"])
    assert said.returncode == 0, said.stdout
    assert works(machine, "1.2.0") == before
    machine.done(machine.opt / "current" / "deploy" / "rollback.sh", "--yes")
    assert works(machine, "1.0.0") == before


def create_database(here: Place, archive: Path, folder: Path) -> None:
    """Make the role and the database by the bundle's own script, which may be run again."""
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)
    create = next(folder.glob("otklik-*/deploy/create-database.sh"))
    assert "создана" in here.done(create, more={"ROLE": "department"})
    assert "уже есть" in here.done(create, more={"ROLE": "department"})
