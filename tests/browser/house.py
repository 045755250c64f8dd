"""The whole house as real processes: web, worker and scheduler, a real mailbox and a real SMTP server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import databases
from tests.servers import Mailboxes, Sink, dovecot, free_port, smtp_sink

ROOT = Path(__file__).resolve().parents[2]
OTKLIK = [sys.executable, "-m", "otklik"]

BEGIN = """
import django; django.setup()
from otklik.config import prepare
prepare.prepare(); prepare.load_defaults()
"""
# A working system, not a stand: nothing is caught, letters really leave. Staff as on the stand, one section.
SETTLE = """
from otklik.core import installation
from otklik.core.models import Installation
from otklik.correspondence.models import ContactPoint
from otklik.demo import staff
from otklik.knowledge import defaults
from otklik.knowledge.models import Mark, ReplyTemplate, Section
installation.mark(Installation.Kind.PRODUCTION)
units, _ = staff.load()
ContactPoint.objects.filter(code="email-info").update(address="info@department.example")
home = defaults.load()
section = home.add_child(instance=Section(title="Гаражи", slug="garages", unit=units["land"]))
page = section.add_child(instance=ReplyTemplate(title="Земля под гаражом", slug="garage", mark=Mark.FOR_ANSWERS,
    text="{обращение}\\n\\nУчасток под гаражом можно получить бесплатно. Приложите схему расположения.", live=False))
page.save_revision().publish()
"""


@dataclass
class House:
    """A running system, and the mail around it."""

    url: str
    mailboxes: Mailboxes
    smtp: Sink


@contextmanager
def running(base: Path) -> Iterator[House]:
    """Run the house in an empty folder; everything is stopped at the end."""
    with ExitStack() as stack:
        mailboxes, smtp = stack.enter_context(dovecot()), stack.enter_context(smtp_sink())
        own = {
            "OTKLIK_MAILBOXES": mailboxes.url("info"),
            "OTKLIK_MAIL_SECONDS": "1",
            "OTKLIK_SMTP_URL": smtp.url,
            "OTKLIK_UNDO_SECONDS": "2",
        }
        url, env, _ = stack.enter_context(serving(base, SETTLE, **own))
        for command in ("worker", "scheduler"):
            stack.callback(_stop, _start([*OTKLIK, command], env, base))
        yield House(url, mailboxes, smtp)


@contextmanager
def serving(base: Path, settle: str, **own: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Run only the web process over a database that the Python lines of `settle` fill; give what they print, too."""
    port = free_port()
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "otklik.config.settings",
        "OTKLIK_DATA": str(base / "data"),
        "OTKLIK_BASE_URL": f"http://127.0.0.1:{port}",
        "OTKLIK_LOG_LEVEL": "WARNING",
        "OTKLIK_INSECURE_HTTP": "yes",  # no certificate here; a working system asks for one
        **own,
    }
    env.pop("DATABASE_URL", None)
    _copy_migrated(base / "data")
    # With the settings of a product, not of a test: `pytest` must not be imported there.
    fill = [sys.executable, "-c", BEGIN + settle]
    settled = subprocess.run(fill, env=env, cwd=base, check=True, stdout=subprocess.PIPE)
    process = _start([*OTKLIK, "serve", "--port", str(port)], env, base)
    try:
        _answers(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}", env, settled.stdout.decode()
    finally:
        _stop(process)


def _copy_migrated(data: Path) -> None:
    """Begin with the tests' migrated database where there is one: running every migration takes half a minute."""
    data.mkdir(parents=True)
    template = databases.SqliteTemplate("house").migrated
    if template.exists():
        shutil.copy(template, data / "otklik.sqlite3")


def _start(command: list[str], env: dict[str, str], base: Path) -> subprocess.Popen[bytes]:
    log = (base / f"{command[-1] if command[-1].isalpha() else 'serve'}.log").open("wb")
    return subprocess.Popen(command, env=env, cwd=base, stdout=log, stderr=subprocess.STDOUT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(url: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(f"{url} does not answer")
