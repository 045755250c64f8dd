"""`make test`: lint, types, the whole suite on SQLite and on PostgreSQL; one closing line for all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
ALONE: list[str] = [sys.executable, "-m", "pytest", "-q"]
PYTEST: list[str] = [*ALONE, "-n", "3", "--dist", "worksteal", "--durations=60"]
LINT: dict[str, list[str | Path]] = {
    "ruff": [BIN / "ruff", "check", "--quiet", "."],
    "ruff format": [BIN / "ruff", "format", "--check", "--quiet", "."],
    "import-linter": [BIN / "lint-imports", "--no-cache"],
    "djlint": [BIN / "djlint", "otklik", "--lint", "--quiet"],
    "mypy": [BIN / "mypy", "otklik", "scripts"],
}
# The databases every test begins with: migrating takes one core for most of a minute, and each suite would wait for it.
DATABASES: dict[str, list[str | Path]] = {
    f"{name}, the migrated database": [*ALONE, f"--db={db}", "tests/house/test_databases.py", "-k", "asked_for"]
    for name, db in {"SQLite": "sqlite", "PostgreSQL": "postgres"}.items()
}
SUITES: dict[str, list[str]] = {
    # Numbers and words no column holds are asked where the database refuses them.
    "SQLite": [*PYTEST, "--db=sqlite", "-m", "not strict"],
    # What does not touch the database, and stories in a browser, have been told once already.
    "PostgreSQL": [*PYTEST, "--db=postgres", "-m", "not once and not browser"],
}


def main() -> int:
    """Run every part even when an earlier one failed; return 0 only when all are green."""
    started = time.monotonic()
    counted: Counter[str] = Counter()
    named: list[str] = []
    only_lint = "--lint-only" in sys.argv
    tools = LINT if only_lint else LINT | DATABASES
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted.update(pool.map(_tool, *zip(*tools.items(), strict=True)))
    if not only_lint:
        for name, command in SUITES.items():
            suite, bad_ones = _suite(name, command)
            counted += suite
            named += [f"{name}: {one}" for one in bad_ones]
    bad = counted["failed"] + counted["error"]
    order = ("passed", "failed", "error", "skipped")
    figures = ", ".join(f"{counted[kind]} {kind}" for kind in order if counted[kind] or kind in ("passed", "failed"))
    print("\n", *named, sep="\n")  # noqa: T201 - whoever sees only the end of a long log sees what failed
    print(f"\n{figures} in {time.monotonic() - started:.0f}s")  # noqa: T201
    return bool(bad)


def _tool(name: str, command: list[str | Path]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    said = f"\n{done.stdout}{done.stderr}" if done.returncode else ""
    print(f"{name}: {'FAILED' if done.returncode else 'ok'}{said}", flush=True)  # noqa: T201
    return "failed" if done.returncode else "passed"


def _suite(name: str, command: list[str]) -> tuple[Counter[str], list[str]]:
    print(f"\n== {name}", flush=True)  # noqa: T201
    closing = ""
    named = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        for line in running.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if re.match("(FAILED|ERROR) ", line):
                named.append(line.rstrip()[:500])
            closing = line if re.search(r" in [\d.]+s", line) else closing
    found = re.findall(r"(\d+) (passed|failed|error|skipped)", closing)
    counted = Counter({kind: int(number) for number, kind in found})
    if running.returncode and not counted["failed"] + counted["error"]:
        counted["error"] += 1  # it did not get as far as a closing line
    return counted, named


if __name__ == "__main__":
    sys.exit(main())
