"""The scanner's folder: what is written to it is taken once, whole, and never lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from otklik.channels.post import adapter, letter, reading
from otklik.channels.post.adapter import PostChannel
from otklik.channels.post.models import ScanBatch
from otklik.channels.registry import all_readers
from otklik.core.crashpoints import reach
from otklik.correspondence import connections, inbox
from otklik.correspondence.channel import DeliveryError, ParseError, SourceError
from otklik.correspondence.models import Connection, IncomingMessage
from tests.channels.post import scans

pytestmark = pytest.mark.django_db
CHANNEL = PostChannel()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = tmp_path / "scanner"
    there.mkdir()
    connect(there)
    return there


def connect(folder: Path, **more: object) -> None:
    connections.configure(CHANNEL, {"folder": str(folder), **more}, by=None)
    connections.switch(CHANNEL, on=True, reason="", by=None)


def scan(text: str = scans.SECOND) -> bytes:
    return scans.as_pdf(scans.sheet_of(text, dpi=60), dpi=60)


def visit() -> int:
    return connections.visit(CHANNEL)


def error() -> str:
    return Connection.objects.get().error


def test_a_file_is_taken_when_it_has_not_changed_between_two_visits(folder: Path) -> None:
    path = folder / "scan1.pdf"
    path.write_bytes(scan()[:1000])
    assert visit() == 0
    path.write_bytes(scan())
    assert visit() == 0
    assert visit() == 1
    assert not path.exists()
    assert (folder / "принято" / "scan1.pdf").read_bytes() == scan()
    batch = ScanBatch.objects.get()
    assert (batch.source, batch.split, batch.state) == ("folder", "sheets", "waiting")
    assert visit() == 0
    assert error() == ""


def test_a_death_between_keeping_and_moving_costs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(point: str) -> None:
        if point == "post.before_move":
            raise KeyboardInterrupt

    (folder / "scan1.pdf").write_bytes(scan())
    visit()
    monkeypatch.setattr(adapter, "reach", die)
    with pytest.raises(KeyboardInterrupt):
        visit()
    assert (folder / "scan1.pdf").exists()
    monkeypatch.setattr(adapter, "reach", reach)
    assert visit() == 1
    assert ScanBatch.objects.count() == 1
    assert not (folder / "scan1.pdf").exists()


def test_the_scanner_calls_every_file_the_same(folder: Path) -> None:
    for text in (scans.LETTER, scans.SECOND):
        (folder / "scan.pdf").write_bytes(scan(text))
        visit()
        visit()
    assert sorted(one.name for one in (folder / "принято").iterdir()) == ["scan-2.pdf", "scan.pdf"]
    assert ScanBatch.objects.count() == 2


def test_what_is_no_scan_is_told_in_quarantine(folder: Path) -> None:
    (folder / "scan.pdf").write_bytes(b"MZ\x90 a program")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "unfinished.pdf.part").write_bytes(scan())
    (folder / "link.pdf").symlink_to("/etc/passwd")
    (folder / "inner").mkdir()
    visit()
    visit()
    inbox.parse_next(all_readers())
    message = IncomingMessage.objects.get()
    assert (message.state, "не похож на скан" in message.problem) == ("quarantined", True)
    assert sorted(one.name for one in folder.iterdir()) == [
        ".hidden", "inner", "link.pdf", "unfinished.pdf.part", "принято"
    ]  # fmt: skip
    assert not ScanBatch.objects.exists()


def test_settings_go_with_the_batch(folder: Path) -> None:
    connect(folder, blanks=True, sheet="PATCH-2", languages="rus+eng")
    (folder / "a.pdf").write_bytes(scan())
    visit()
    visit()
    batch = ScanBatch.objects.get()
    assert (batch.split, batch.sheet, batch.languages) == ("blanks", "PATCH-2", "rus+eng")


@pytest.mark.parametrize("named", ["/nowhere/at/all", "relative/path"])
def test_a_folder_that_is_away_is_told_and_nothing_is_lost(named: str, tmp_path: Path) -> None:
    connect(Path(named))
    assert visit() == 0
    assert "апк" in error()
    with pytest.raises(SourceError):
        CHANNEL.try_out()
    (tmp_path / "scan.pdf").write_bytes(scan())
    connect(tmp_path)
    Connection.objects.update(not_before=None)
    visit()
    assert visit() == 1
    assert error() == ""


def test_too_big_a_file_stays_and_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter.station, "MOST_BYTES", 1000)
    (folder / "huge.pdf").write_bytes(scan())
    (folder / "z.pdf").write_bytes(b"%PDF-1.4 small")
    visit()
    visit()
    assert "остались файлы (1)" in error()
    assert "huge" not in error()
    assert (folder / "huge.pdf").exists()
    assert not (folder / "z.pdf").exists()


def test_the_test_button_says_what_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "scan.pdf").write_bytes(scan())
    monkeypatch.setattr(reading, "tools", list)
    assert CHANNEL.try_out() == "Папка доступна, файлов ждёт: 1. Распознавание готово."
    monkeypatch.setattr(reading, "tools", lambda: ["ocrmypdf"])
    assert "OCRmyPDF не установлен" in CHANNEL.try_out()
    monkeypatch.setattr(reading, "tools", lambda: ["tesseract", "ocrmypdf"])
    with pytest.raises(SourceError, match="нет Tesseract"):
        CHANNEL.try_out()


def test_a_program_sends_no_paper() -> None:
    with pytest.raises(DeliveryError) as refused:
        CHANNEL.send(None)  # type: ignore[arg-type]
    assert refused.value.permanent


def test_what_another_system_handed_over_as_post_is_read_as_before(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_text('{"text": "Прошу ответить", "subject": "Просьба"}')
    assert CHANNEL.parse(raw).text == "Прошу ответить"
    raw.write_text('{"schema": "post/1", "pages": "all"}')
    with pytest.raises(ParseError, match="повреждена"):
        CHANNEL.parse(raw)


def test_what_was_written_down_is_read_back() -> None:
    said = letter.Scanned(
        batch="a" * 64,
        pages=(2, 3),
        sha256="b" * 64,
        name="п.pdf",
        text="т",
        applicant={"last_name": "И"},
        notes=("н",),
    )
    assert letter.from_bytes(said.to_bytes()) == said
    assert said.external_id == f"scan:{'a' * 32}:2-3"
