"""`make bench`: the speed table on a PostgreSQL cluster made for it, or where OTKLIK_BENCH_DATABASE_URL says."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import postgres

BENCH = [sys.executable, "-m", "otklik", "bench"]
# What an installation of a department gives its PostgreSQL (docs/production.md); the rest as PostgreSQL comes.
OPTIONS = {"shared_buffers": "512MB", "work_mem": "16MB"}


def main() -> int:
    """Measure; return the exit code of the measurement."""
    command = [*BENCH, *sys.argv[1:]]
    if os.environ.get("OTKLIK_BENCH_DATABASE_URL") or not (postgres.binaries() / "initdb").exists():
        return subprocess.run(command, check=False).returncode  # noqa: S603
    with tempfile.TemporaryDirectory(prefix="otklik-bench-", dir="/tmp") as scratch:
        cluster = postgres.Cluster(Path(scratch), OPTIONS)
        try:
            cluster.start()
            env = {**os.environ, "OTKLIK_BENCH_DATABASE_URL": cluster.url}
            return subprocess.run(command, env=env, check=False).returncode  # noqa: S603
        finally:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
