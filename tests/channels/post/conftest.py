"""A scan station without a scanner: files are put where it looks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from otklik.channels.post import reading, station
from otklik.channels.post.models import ScanBatch
from otklik.channels.registry import all_readers
from otklik.correspondence import inbox
from tests.channels.post import scans

Bring = Callable[..., ScanBatch]
PAGES = {
    "first": (scans.LETTER, []),
    "second": (scans.SECOND, ["80083740712514"]),
}


def bring(content: bytes, name: str = "scan.pdf", *, split: str = "sheets", by: Any = None) -> station.TakenIn:
    """Bring a file as the page does."""
    spool: Any = io.BytesIO(content)
    spool.size = len(content)
    today = timezone.localdate()
    return station.take_in(spool, name, source="upload", split=split, received_on=today, by=by)


def work() -> None:
    """Do everything that waits, in the background and in the inbox."""
    while station.work_next():
        pass
    while inbox.parse_next(all_readers()):
        pass


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read pages in this process and by heart: whatever is written is the next text of a list, no recognition."""
    texts = iter([scans.LETTER, "Приложение: копия договора.", scans.SECOND, "Схема участка.", "Пятая страница."] * 40)

    def apart(path: Path, folder: Path | None = None, page: Any = None) -> dict[str, Any]:
        try:
            if page is None:
                return {"pages": reading.count(path)}
            assert folder is not None
            return reading.read(path, folder, page.number, sheet=page.batch.sheet)
        except reading.Unreadable as exc:
            return {"why": str(exc)}

    def recognised(page: Any, folder: Path, languages: str) -> dict[str, Any]:
        return {"text": next(texts).strip(), "turned": False, "note": ""}

    monkeypatch.setattr(station, "_apart", apart)
    monkeypatch.setattr(reading, "_recognised", recognised)
