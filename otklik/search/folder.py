"""The folder a machine keeps its indexes in: which are whole, how far they are, who writes them, what is asked of him.

`state.json` is replaced as a whole after every commit: a reader who sees another file sees it by one `stat`. Everything
here can be lost: it is made again from the entries.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from otklik.core.storage import sync_folder
from otklik.search.changes import Position
from otklik.search.index import FORMAT

_STATE, _LOCK, _PROGRESS, _ASKED = "state.json", "lock", "progress.json", "asked-"

Mark = tuple[int, int, int]


class Busy(Exception):
    """Another process keeps this folder's indexes: `str()` says which."""


@dataclass
class State:
    """What the folder holds: the folder of each whole index, and the position all of them have come to."""

    position: Position
    folders: dict[str, str] = field(default_factory=dict)
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    host: str = field(default_factory=socket.gethostname)
    format: str = FORMAT
    generation: int = 0


class Folder:
    """A folder with indexes. Reading asks for no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._held: Any = None

    # What is there

    def mark(self) -> Mark | None:
        """Return what changes with every commit; None where there is no index."""
        try:
            stat = os.stat(self.root / _STATE)
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def state(self) -> State | None:
        """Return what the folder holds; None where that is nothing that this version of the program can read."""
        try:
            told = json.loads((self.root / _STATE).read_bytes())
            floor, seen = told.pop("position")
            state = State(Position(int(floor), {int(pk): int(number) for pk, number in seen}), **told)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return state if state.format == FORMAT else None

    def keep(self, state: State) -> None:
        """Replace what is said of the folder; only who holds it may."""
        state.generation += 1
        told = asdict(state) | {"position": [state.position.floor, list(state.position.seen.items())]}
        self._replace(_STATE, told)

    def path(self, folder: str) -> Path:
        """Return where an index lies."""
        return self.root / folder

    def sweep(self, kept: Mapping[str, str]) -> None:
        """Remove what is no longer an index; who still reads it keeps it open."""
        for one in self.root.iterdir():
            if one.is_dir() and one.name not in kept.values():
                shutil.rmtree(one, ignore_errors=True)

    def size(self) -> int:
        """Return how many bytes the indexes take."""
        found = 0
        for path in self.root.rglob("*"):
            with suppress(OSError):
                found += path.stat().st_size
        return found

    # Who writes

    def hold(self) -> None:
        """Become the one who writes here; raises Busy where another is."""
        self.root.mkdir(parents=True, exist_ok=True)
        held = (self.root / _LOCK).open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.seek(0)
            pid = held.read().strip()
            held.close()
            raise Busy(f"Указатель поиска в папке {self.root} уже ведёт другой процесс (PID {pid or '?'}).") from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        self._held = held

    def is_held(self) -> bool:
        """Tell whether the lock we took is still the one of this folder: the folder may have been removed."""
        try:
            return self._held is not None and os.path.samestat(
                os.fstat(self._held.fileno()), os.stat(self.root / _LOCK)
            )
        except OSError:
            return False

    def release(self) -> None:
        """Let others write."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def is_kept(self) -> bool:
        """Tell whether any process writes here now."""
        try:
            with (self.root / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    # What is asked of him, and what he tells

    def ask(self, name: str, *, anew: bool) -> None:
        """Ask the writer to look after an index: `anew` builds it whatever it is, otherwise where it is broken."""
        path, draft = self.root / f"{_ASKED}{name}", self.root / f"draft-{secrets.token_hex(4)}"
        with suppress(OSError):
            if anew or not path.exists():  # to build it anew is more
                draft.write_text("anew" if anew else "broken")
                draft.replace(path)

    def asked(self) -> dict[str, bool]:
        """Return what was asked for: index and whether it shall be built whatever it is."""
        found = {}
        for path in self.root.glob(f"{_ASKED}*"):
            with suppress(OSError):
                found[path.name.removeprefix(_ASKED)] = path.read_text() == "anew"
        return found

    def done(self, name: str) -> None:
        """Say that what was asked of an index has been done."""
        (self.root / f"{_ASKED}{name}").unlink(missing_ok=True)

    def tell(self, name: str, done: int, total: int) -> None:
        """Tell how far the building of an index has come."""
        self._replace(_PROGRESS, {"index": name, "done": done, "total": total, "at": time.time()})

    def told(self) -> tuple[str, int, int] | None:
        """Return which index is being built, how many entries are in it and how many there will be."""
        try:
            told = json.loads((self.root / _PROGRESS).read_bytes())
            return told["index"], told["done"], told["total"]
        except (OSError, ValueError, KeyError):
            return None

    def finished(self) -> None:
        """Nothing is being built."""
        (self.root / _PROGRESS).unlink(missing_ok=True)

    def _replace(self, name: str, told: object) -> None:
        draft = self.root / f"{name}.draft"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.root / name)
        sync_folder(self.root)
