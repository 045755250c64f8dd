"""A file of lines (JSONL, alone or in an archive with files beside it) read without believing it, and what came of it.

No name inside an archive ever becomes a path: what is wanted is asked for by its exact name and checked by its digest.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from otklik.core import sniffing
from otklik.core.errors import DomainError

LINES: Final = "kb.jsonl"
LONGEST_LINE: Final = 32 * 1024 * 1024  # bytes: a material with all its versions
MOST_LINES: Final = 200_000
MOST_TEXT: Final = 512 * 1024 * 1024
LARGEST_FILE: Final = 100 * 1024 * 1024
_SHOWN: Final = 50


class Told(NamedTuple):
    """What was said of one line."""

    line: int
    why: str


@dataclass
class Report:
    """What an import did: how much of what was made, which lines it passed by, which it could not take."""

    made: Counter[str] = field(default_factory=Counter)
    skipped: list[Told] = field(default_factory=list)
    bad: list[Told] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


class Refused(DomainError):
    """The file was not taken, nothing of it is kept; `report` says which lines are wrong."""

    code = "knowledge.import_refused"
    text = "Ничего не загружено: {why}"

    @property
    def report(self) -> Report:
        """Return what was found before it was refused."""
        found = self.facts.get("report")
        return found if isinstance(found, Report) else Report()


class BadLine(Exception):
    """A line that is no record; the text says why."""


@dataclass(frozen=True)
class Source:
    """An opened file: its records by the numbers of their lines, and the files beside it."""

    text: IO[bytes]
    archive: zipfile.ZipFile | None = None

    def records(self) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
        """Yield each line that is not blank as a record, or as what is wrong with it."""
        number = read = 0
        while True:
            line = self._line()
            if not line:
                return
            number, read = number + 1, read + len(line)
            if read > MOST_TEXT or number > MOST_LINES:
                raise Refused(why="файл слишком велик. Разделите его на несколько.")
            if len(line) > LONGEST_LINE:
                yield number, BadLine(f"строка длиннее {LONGEST_LINE // 1024 // 1024} МБ")
                while line and not line.endswith(b"\n"):
                    line = self._line()
                    read += len(line)
                    if read > MOST_TEXT:
                        raise Refused(why="файл слишком велик. Разделите его на несколько.")
                continue
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield number, _record(line)

    def file(self, name: str, *, sha256: str) -> bytes | None:
        """Return the bytes kept under this very name, None where there are none; raise `BadLine` for others' bytes."""
        if self.archive is None:
            return None
        try:
            with self.archive.open(name) as packed:
                content = packed.read(LARGEST_FILE + 1)
        except KeyError:
            return None
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError, EOFError) as broken:
            raise BadLine(f"файл {name} в архиве повреждён") from broken
        if len(content) > LARGEST_FILE:
            raise BadLine(f"файл {name} больше {LARGEST_FILE // 1024 // 1024} МБ")
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BadLine(f"файл {name} в архиве не тот: отпечаток не совпал")
        return content

    def _line(self) -> bytes:
        try:
            return self.text.readline(LONGEST_LINE + 1)
        except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError) as broken:
            raise Refused(why="архив повреждён. Выгрузите его заново.") from broken


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """Open a file of lines, or an archive that holds one."""
    if not path.is_file():
        raise Refused(why=f"файла «{path.name}» нет.")
    with ExitStack() as stack:
        if sniffing.content_type(path) != sniffing.ZIP:
            yield Source(stack.enter_context(path.open("rb")))
            return
        if problem := sniffing.problem(path, path.name):
            raise Refused(why=f"{problem.why}. {problem.do}")
        archive = stack.enter_context(zipfile.ZipFile(path))
        try:
            text = stack.enter_context(archive.open(LINES))
        except KeyError:
            raise Refused(why=f"в архиве нет {LINES}.") from None
        yield Source(text, archive)


def told(what: list[Told]) -> Iterator[str]:
    """Yield lines about lines, no more than a screen or two."""
    for line, why in what[:_SHOWN]:
        yield f"  строка {line}: {why}"
    if len(what) > _SHOWN:
        yield f"  …и ещё {len(what) - _SHOWN}"


def _record(line: bytes) -> dict[str, Any] | BadLine:
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        return BadLine("не в кодировке UTF-8")
    except json.JSONDecodeError as wrong:
        return BadLine(f"не JSON (знак {wrong.pos + 1})")
    except RecursionError:
        return BadLine("слишком много вложенных скобок")
    except ValueError:
        return BadLine("недопустимое число")
    return record if isinstance(record, dict) else BadLine("ждали запись в фигурных скобках")


def _no_number(name: str) -> None:
    raise ValueError(name)
