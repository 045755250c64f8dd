"""The wheel carries the whole product."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="hatchling не установлен: requirements/dev.txt")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_every_file_of_the_package_is_inside(wheel: zipfile.ZipFile) -> None:
    """Code, templates, migrations, data, styles, and the assets when they are here."""
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "otklik").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert {"otklik/config/settings.py", "otklik/core/migrations/0001_initial.py"} <= ours
    for kind in (".html", ".typ", ".jsonl", ".css", ".js"):
        assert [path for path in ours if path.endswith(kind)], kind
    assert sorted(ours - set(wheel.namelist())) == []


def test_nothing_else_is_inside(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].partition("-")[0] for name in wheel.namelist()} == {"otklik"}
    assert [name for name in wheel.namelist() if name.endswith((".pyc", ".sqlite3", ".key"))] == []


def test_its_metadata_name_the_dependencies_and_the_command(wheel: zipfile.ZipFile) -> None:
    read = {name.rsplit("/", 1)[1]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    wanted = [
        re.split(r"[^\w.-]", line.strip().lower())[0]
        for line in (ROOT / "requirements" / "base.in").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    needed = [
        line.split(": ", 1)[1].lower() for line in read["METADATA"].splitlines() if line.startswith("Requires-Dist")
    ]
    assert len(wanted) > 8
    assert [name for name in wanted if not any(one.startswith(name) for one in needed)] == []
    extras = {line.split(": ", 1)[1] for line in read["METADATA"].splitlines() if line.startswith("Provides-Extra")}
    assert extras == {"encoder", "embeddings"}
    assert "otklik = otklik.config.cli:main" in read["entry_points.txt"]
