"""One archive carries everything, says what it is made of, and is not believed when a byte of it has changed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from scripts.bundle import bundle
from tests.deploy import place

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tarfile.TarFile:
    pytest.importorskip("hatchling", reason="hatchling не установлен: requirements/dev.txt")
    return tarfile.open(bundle(place.ROOT, tmp_path_factory.mktemp("dist"), None))


def read(archive: tarfile.TarFile, name: str) -> str:
    found = archive.extractfile(f"{archive.getnames()[0].split('/')[0]}/{name}")
    assert found is not None
    return found.read().decode()


def test_every_file_has_its_sum_and_scripts_can_be_run(archive):
    top = archive.getnames()[0].split("/")[0]
    inside = {name.removeprefix(f"{top}/") for name in archive.getnames()}
    assert {line.split("  ", 1)[1] for line in read(archive, "SHA256SUMS").splitlines()} == inside - {"SHA256SUMS"}
    assert {"install.sh", "deploy/update.sh", "deploy/rollback.sh", "deploy/nginx/otklik.conf", "PYTHON"} <= inside
    assert {"docs/install-offline.md", "docs/production.md", "licences/README.md"} <= inside
    for member in archive.getmembers():
        assert bool(member.mode & 0o111) == member.name.endswith(".sh"), member.name


def test_our_wheel_is_named_by_its_hash(archive):
    said = read(archive, "requirements.txt")
    assert said.startswith(f"otklik=={read(archive, 'VERSION').strip()} --hash=sha256:")


def test_licences_name_what_the_pages_are_made_with(archive):
    said = read(archive, "licences/README.md")
    for name in ("otklik", "htmx.org", "@tabler/core", "@fontsource/golos-text"):
        assert f"| {name}" in said
    assert "| None" not in said


def test_the_same_tree_makes_the_same_bytes(archive, tmp_path):
    again = bundle(place.ROOT, tmp_path, None)
    assert again.read_bytes() == Path(str(archive.name)).read_bytes()


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('A="se\\$cret \\"x\\" \\\\"', 'se$cret "x" \\'),
        ("A=two words ", "two words"),
        ("A='one $two'", "one $two"),
        ("A=imaps://a%40b:c@d/INBOX?point=e&idle=yes", "imaps://a%40b:c@d/INBOX?point=e&idle=yes"),
        ("# A=no", None),
    ],
)
def test_settings_are_read_as_systemd_reads_them(tmp_path, line, value):
    (tmp_path / "env").write_text(line + "\n", encoding="utf-8")
    show = "import os; print(os.environ.get('A'))"
    script = place.ROOT / "deploy" / "with_settings.py"
    command = [sys.executable, script, tmp_path / "env", sys.executable, "-c", show]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{value}\n"


def test_units_are_what_systemd_understands(tmp_path):
    tool = place.shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("нет systemd-analyze: sudo apt-get install systemd")
    units = tmp_path / "units"
    place.shutil.copytree(place.ROOT / "deploy" / "systemd", units)
    for unit in units.rglob("*.*"):
        if unit.is_file():  # the program is not installed here
            unit.write_text(unit.read_text().replace("/opt/otklik/current/bin/otklik", sys.executable))
    names = sorted(one.name for one in units.iterdir() if one.is_file())
    names = [name.replace("@.", "@2.") for name in names]
    command = [tool, "verify", "--man=no", *names]
    done = subprocess.run(
        command,
        env={"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "otklik" in line]
    assert ours == [], ours
