"""A machine for a test: a folder, a network namespace without routes, and programs started in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.bundle import bundle
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
WHEELS = ROOT / "build" / "wheels"
OF_THE_TREE = ("docs", "requirements", "pyproject.toml", "hatch_build.py", "package.json", "README.md", "README.ru.md")
OF_THE_TREE += ("LICENSE", "CHANGELOG.md")
ANSWERS = """
[department]
short_name = "ДИЗО"
address = "630007, г. Новосибирск, ул. Примерная, 1"
email = "info@department.example"
registry_unit = "Орготдел"
[[units]]
name = "Орготдел"
[web]
base_url = "http://127.0.0.1"
[administrator]
login = "ivanova"
last_name = "Иванова"
first_name = "Анна"
unit = "Орготдел"
"""
# The loopback of a new namespace is down; no program for that is everywhere.
UP = (
    "import fcntl, socket, struct, sys, time\n"
    "s = socket.socket()\n"
    "fcntl.ioctl(s, 0x8914, struct.pack('16sh14x', b'lo', 0x41))\n"
    "print('up', flush=True)\n"
    "time.sleep(3600)\n"
)
CONTROL = """\
#!/usr/bin/env bash
# start and stop, as systemd would.
exec >>"{root}/control.log" 2>&1
case "$1" in
  start)
    cd "{root}/data"
    setsid "{root}/opt/current/bin/python" "{root}/opt/current/deploy/with_settings.py" "{root}/etc/otklik.env" \\
      "{root}/opt/current/bin/otklik" serve --port {port} >>"{root}/web.log" 2>&1 &
    echo $! >"{root}/web.pid"
    ;;
  stop)
    if [ -f "{root}/web.pid" ]; then
      pid=$(cat "{root}/web.pid")
      kill "$pid" 2>/dev/null || true
      for _ in $(seq 300); do  # a zombie has ended, whoever is to bury it
        grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null || break
        sleep 0.1
      done
      rm -f "{root}/web.pid"
    fi
    if [ -f "{root}/on_stop" ]; then bash "{root}/on_stop"; fi
    ;;
esac
"""
BROKEN = """
from django.db import migrations
def fall(apps, schema_editor):
    raise RuntimeError("this migration falls")
class Migration(migrations.Migration):
    dependencies = [("core", "9998_half")]
    operations = [migrations.RunPython(fall)]
"""
HALF = """
from django.db import migrations
class Migration(migrations.Migration):
    dependencies = [("core", "{last}")]
    operations = [migrations.RunSQL("CREATE TABLE half_done (id integer)")]
"""


class Place:
    """An installation in a folder of its own. `run` and `get` happen inside the namespace."""

    def __init__(self, root: Path, keeper: subprocess.Popen[str], *, thin: bool, database: str = "") -> None:
        self.root, self.keeper, self.port = root, keeper, free_port()
        self.opt = root / "opt"
        for name in ("data", "etc", "backups", "opt"):
            (root / name).mkdir()
        self.database = database or f"sqlite:///{root}/data/otklik.sqlite3"
        control = root / "control"
        control.write_text(CONTROL.format(root=root, port=self.port))
        control.chmod(0o755)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "PREFIX": str(self.opt),
            "DATA": str(root / "data"),
            "CONF": str(root / "etc"),
            "BACKUPS": str(root / "backups"),
            "UNITS": str(root / "units"),
            "OWNER": "root",
            "SERVICES": str(control),
            "READY": f"http://127.0.0.1:{self.port}/readyz",
            "READY_SECONDS": "240",
            "PYTHON": getattr(sys, "_base_executable", sys.executable),
            "DATABASE_URL": self.database,
            "OTKLIK_INSECURE_HTTP": "yes",
        }
        if thin:  # the bundle has no wheels of others: those of this run stand in for them
            self.env["PYTHONPATH"] = ":".join(path for path in sys.path if any(Path(path).glob("*.dist-info")))

    def run(self, *command: str | Path, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program in the namespace and return what it said, both streams together."""
        inside = ["nsenter", "-t", str(self.keeper.pid), "-n", *([] if os.geteuid() == 0 else ["-U"])]
        inside += [] if os.geteuid() == 0 else ["--preserve-credentials"]
        return subprocess.run(
            [*inside, *map(str, command)],
            env={**self.env, **(more or {})},
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )

    def done(self, *command: str | Path, more: Mapping[str, str] | None = None) -> str:
        """Run a program that must succeed and return what it said."""
        result = self.run(*command, more=more)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{self.log()}"
        return result.stdout

    def log(self) -> str:
        """Return the end of what the services said."""
        path = self.root / "web.log"
        return path.read_text()[-3000:] if path.exists() else ""

    def otklik(self, *command: str) -> str:
        """Run a command of the product as its administrator does."""
        return self.done(self.opt / "otklik", *command)

    def ready(self) -> bool:
        """Tell whether the system says that it works."""
        ask = "import json,sys,urllib.request as u\ntry: print(json.load(u.urlopen(sys.argv[1]))['status'])\n"
        ask += "except OSError as e: print(e)"
        return self.run(sys.executable, "-c", ask, self.env["READY"]).stdout.strip() == "ready"

    def version(self) -> str:
        """Return which version is switched on."""
        return os.readlink(self.opt / "current")

    def set_up(self, archive: Path) -> None:
        """Unpack, install, take the first steps and start."""
        subprocess.run(["tar", "-xf", archive, "-C", self.root], check=True)
        folder = next(self.root.glob("otklik-*/"))
        self.done(folder / "install.sh")
        (self.root / "data" / "answers.toml").write_text(ANSWERS, encoding="utf-8")
        self.done(self.opt / "current/deploy/init.sh", "--file", str(self.root / "data/answers.toml"), "--no-check")
        with (self.root / "etc/otklik.env").open("a") as settings:
            settings.write('OTKLIK_INSECURE_HTTP="yes"\n')
        self.done(self.root / "control", "start")
        self.wait()

    def wait(self) -> None:
        """Wait until it works."""
        until = time.monotonic() + 240
        while not self.ready():
            assert time.monotonic() < until, self.log()
            time.sleep(0.5)

    def stop(self) -> None:
        """End what the test started."""
        self.run(self.root / "control", "stop")
        self.keeper.kill()
        self.keeper.wait()


@contextmanager
def namespace() -> Iterator[subprocess.Popen[str]]:
    """Yield the process that holds a network namespace with nothing but a loopback; skip where that is forbidden."""
    unshare = ["unshare", *(["-n"] if os.geteuid() == 0 else ["-r", "-n"])]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("ядро не даёт пространства имён без сети: нужны unshare и право на него")
    keeper = subprocess.Popen([*unshare, sys.executable, "-c", UP], stdout=subprocess.PIPE, text=True)
    try:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "up\n"
        yield keeper
    finally:
        keeper.send_signal(signal.SIGKILL)
        keeper.wait()


def tree(
    folder: Path,
    version: str,
    *,
    of: Path = ROOT,
    adds: bool = False,
    breaks: bool = False,
    template: Path | None = None,
) -> Path:
    """Copy a tree of the product under another version number; `adds` a table, `breaks`: the migration after it falls.

    `template`: a migrated database that a restore begins with, which takes a minute less.
    """
    folder.mkdir()
    shutil.copytree(of / "otklik", folder / "otklik", ignore=shutil.ignore_patterns("__pycache__"))
    vendor = Path("otklik/static/vendor")
    if not (folder / vendor).exists() and (ROOT / vendor).exists():
        shutil.copytree(ROOT / vendor, folder / vendor)
    for name in OF_THE_TREE:
        if (of / name).is_dir():
            shutil.copytree(of / name, folder / name)
        elif (of / name).exists():
            shutil.copy2(of / name, folder / name)
    init = folder / "otklik" / "__init__.py"
    init.write_text(re.sub(r'__version__ = "[^"]+"', f'__version__ = "{version}"', init.read_text("utf-8")), "utf-8")
    migrations = folder / "otklik" / "core" / "migrations"
    if adds or breaks:
        last = max(one.stem for one in migrations.glob("[0-9]*.py"))
        (migrations / "9998_half.py").write_text(HALF.format(last=last))
    if breaks:
        (migrations / "9999_broken.py").write_text(BROKEN)
    if template is not None:
        with (folder / "otklik/config/backup/restore.py").open("a", encoding="utf-8") as file:
            file.write(
                textwrap.dedent(f"""
                def _migrate_to(names):
                    import shutil
                    shutil.copy({str(template)!r}, connection.settings_dict["NAME"])
                    return True
                """)
            )
    return folder


def packed(source: Path, out: Path, *, thin: bool) -> Path:
    """Build the bundle of a tree."""
    try:
        return bundle(source, out, None if thin else WHEELS)
    except subprocess.CalledProcessError as failed:
        words = f"хранилище пакетов не отвечает, архив не собрать: {failed.cmd[:6]}"
        pytest.fail(words) if os.environ.get("CI") == "true" else pytest.skip(words)


def counts(place: Place) -> dict[str, int]:
    """Return what the journal and the staff hold now."""
    ask = (
        "import json; from otklik.core.models import JournalEntry; from otklik.people.models import Employee, Unit; "
        "print(json.dumps([Employee.objects.count(), Unit.objects.count(), JournalEntry.objects.count()]))"
    )
    said = json.loads(place.otklik("shell", "-c", ask).strip().splitlines()[-1])
    return dict(zip(("employees", "units", "entries"), said, strict=True))
