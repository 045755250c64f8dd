"""A log that is put aside at the very moment it is looked for: no line of it is passed by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otklik.hotline.exchange import log_files
from otklik.hotline.exchange.log_files import Place

FIRST, SECOND, THIRD = (f"{at}|{at}.1|support|NONE|ENTERQUEUE||+79130000001|1\n".encode() for at in (100, 200, 300))


def put_aside(path: Path, begun: bytes = b"") -> None:
    """Put the log aside as `logrotate` does, and begin it anew."""
    for number in (2, 1):
        if (older := path.with_name(f"{path.name}.{number}")).exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))
    path.write_bytes(begun)


def after_looks(monkeypatch: pytest.MonkeyPatch, number: int, step: Callable[[], None]) -> None:
    """Do the step once, when the first lines of so many files have been looked at."""
    look, left = log_files._known, [number]

    def looked(path: Path) -> log_files._File | None:
        known = look(path)
        left[0] -= 1
        if left[0] == 0:
            step()
        return known

    monkeypatch.setattr(log_files, "_known", looked)


def read(path: Path, place: Place) -> tuple[list[bytes], Place]:
    """Look five times, as the listener does for ever; return the lines that were read and where reading stopped."""
    lines: list[bytes] = []
    for _ in range(5):
        for after, piece in log_files.pieces(path, place):
            place, lines = after, lines + piece.splitlines(keepends=True)
    return lines, place


@pytest.mark.parametrize("looks", range(1, 9))
def test_a_log_put_aside_between_looking_and_reading_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    path = tmp_path / "queue_log"
    path.write_bytes(FIRST + FIRST)
    lines, place = read(path, Place("", 0))
    assert lines == [FIRST, FIRST]
    put_aside(path, SECOND * 5)  # longer than the place where reading stopped in the first
    path.with_name("queue_log.1").write_bytes(FIRST + FIRST + FIRST)
    after_looks(monkeypatch, looks, lambda: put_aside(path, THIRD))
    lines, place = read(path, place)
    assert [line for line in lines if line == FIRST] == [FIRST]
    assert lines.count(SECOND) == 5
    if path.read_bytes() == THIRD:
        assert lines.count(THIRD) == 1


def test_what_is_read_is_never_taken_from_the_middle_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue_log"
    path.write_bytes(FIRST + FIRST)
    _, place = read(path, Place("", 0))
    after_looks(monkeypatch, 1, lambda: put_aside(path, SECOND * 5))
    lines, _ = read(path, place)
    assert lines == [SECOND] * 5
