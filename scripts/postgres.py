"""A PostgreSQL cluster for an hour, on a Unix socket of its own: for the tests and for measurements."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

# For tests: nothing in the cluster has to survive.
CARELESS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def binaries() -> Path:
    """Give the folder of the newest installed PostgreSQL (Debian keeps it out of PATH)."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    initdb = shutil.which("initdb")
    return versions[-1] if versions else Path(initdb).parent if initdb else Path("/nonexistent")


class Cluster:
    """A cluster in a scratch folder, with the server's own settings but for `options`."""

    def __init__(self, scratch: Path, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self.options = options
        self.data = scratch / "pg"
        self.sockets = scratch / "socket"
        self.process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root: give the cluster to a user without rights.
        self.user = (
            next((name for name in ("postgres", "nobody") if _exists(name)), None) if os.geteuid() == 0 else None
        )

    @property
    def url(self) -> str:
        """Give the address of the database that every new cluster has."""
        return f"postgresql://otklik@/postgres?host={self.sockets}"

    def start(self) -> None:
        """Make the cluster and start it; return when it answers, raise RuntimeError when it does not."""
        for folder in (self.data, self.sockets):
            folder.mkdir(mode=0o755)
            if self.user:
                shutil.chown(folder, self.user)
        self.data.parent.chmod(0o755)
        self.data.chmod(0o700)
        folder = binaries()
        initdb: list[str | Path] = ["-D", self.data, "-U", "otklik", "-A", "trust", "-E", "UTF8"]
        initdb += ["--locale=C.UTF-8", "--no-sync"]
        command = [folder / "initdb", *initdb]
        subprocess.run(command, user=self.user, check=True, stdout=subprocess.DEVNULL, cwd=self.data)  # noqa: S603
        options = {
            "listen_addresses": "",
            "unix_socket_directories": self.sockets,
            "max_connections": "200",
            "log_min_messages": "fatal",
            **self.options,
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(  # noqa: S603
            [folder / "postgres", "-D", self.data, *settings],
            user=self.user,
            cwd=self.data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        ready: list[str | Path] = [folder / "pg_isready", "-q", "-h", self.sockets, "-U", "otklik", "-t", "1"]
        for _ in range(300):
            if subprocess.run(ready, check=False).returncode == 0:  # noqa: S603
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("Временный кластер PostgreSQL не запустился.")

    def stop(self) -> None:
        """Stop it at once."""
        if self.process:
            self.process.send_signal(3)  # SIGQUIT: an immediate shutdown, nothing in it is worth a checkpoint
            self.process.wait(30)


def _exists(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False
