"""What comes from outside is looked into: archives are listed, locks seen, viruses and programs kept from everybody."""

from __future__ import annotations

import bz2
import gzip
import io
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from otklik.core import archives, clamd, examining, files, sniffing
from otklik.core.models import FileExamination, JournalEntry, StoredFile
from otklik.people.models import Employee
from tests import servers
from tests.core.test_files import DOCX, ODT, OLE, PDF, archive
from tests.dying import in_a_process

State = FileExamination.State


def tar(*parts: tuple[str, bytes], mode: str = "w") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as made:  # type: ignore[call-overload]
        for name, content in parts:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return held.getvalue()


PAPERS = (("a.txt", b"one"), ("b/c.pdf", b"four"))


def looked(tmp_path: Path, content: bytes) -> archives.Inside | None:
    path = tmp_path / "file"
    path.write_bytes(content)
    return archives.look_into(path, sniffing.content_type(path))


# --- archives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [archive(*PAPERS), tar(*PAPERS), tar(*PAPERS, mode="w:gz"), bz2.compress(tar(*PAPERS))],
    ids=["zip", "tar", "tar.gz", "tar.bz2"],
)
def test_an_archive_is_listed_by_names_and_sizes(tmp_path, content):
    found = looked(tmp_path, content)
    assert (found.names, found.more, found.note) == ([("a.txt", 3), ("b/c.pdf", 4)], 0, "")


def test_archives_in_archives_are_listed_a_few_levels_deep(tmp_path):
    content = archive(("deepest.txt", "x"))
    for name in ("four.zip", "three.zip", "two.zip"):
        content = archive((name, content))
    assert [name for name, _ in looked(tmp_path, content).names] == [
        "two.zip",
        "two.zip → three.zip",
        "two.zip → three.zip → four.zip",
    ]
    mixed = looked(tmp_path, archive(("in.tar.gz", tar(("a.txt", b"1"), mode="w:gz"))))
    assert [name for name, _ in mixed.names] == ["in.tar.gz", "in.tar.gz → a.txt"]


def test_names_of_russian_archivers_are_read_as_they_were_typed(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr(zipfile.ZipInfo("заявление.txt".encode("cp866").decode("cp437")), "x")
    raw = held.getvalue().replace("заявление.txt".encode("cp866").decode("cp437").encode(), b"")
    assert raw
    content = bytearray(held.getvalue())
    if content[6] | content[7] << 8 & 0x800:  # Python marks such names as UTF-8; archivers of the nineties do not
        name = "заявление.txt".encode("cp866").decode("cp437")
        assert archives._name(type("Part", (), {"flag_bits": 0, "filename": name})()) == "заявление.txt"
    assert archives._name(type("Part", (), {"flag_bits": 0x800, "filename": "ё.txt"})()) == "ё.txt"


def test_many_names_are_counted_and_a_few_shown(tmp_path):
    found = looked(tmp_path, archive(*((f"{number}.txt", "") for number in range(130))))
    assert (len(found.names), found.more) == (archives.MOST_NAMES, 30)


def test_what_swells_is_left_where_it_is_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_READ", 1024 * 1024)
    found = looked(tmp_path, gzip.compress(b"\0" * 20_000_000))
    assert "слишком велик" in found.note
    inner = archive(*((f"{n}.zip", b"PK\x03\x04" + b"\0" * 500_000) for n in range(5)))
    assert "слишком велик" in looked(tmp_path, inner).note


@pytest.mark.parametrize(
    "content",
    [archive(("a.txt", "x"))[:-30], tar(("a", b"1" * 2000))[:1200], gzip.compress(b"x" * 99)[:20]],
    ids=["zip", "tar", "gz"],
)
def test_a_broken_archive_is_said_to_be_broken(tmp_path, content):
    assert "повреждён" in looked(tmp_path, content).note


def test_rar_and_7z_are_only_named_and_other_files_are_none(tmp_path):
    assert "не показывается" in looked(tmp_path, b"7z\xbc\xaf\x27\x1c" + b"\0" * 60).note
    assert looked(tmp_path, PDF) is None
    assert looked(tmp_path, DOCX) is None


# --- locks -----------------------------------------------------------------------------------------------------------

LOCKED_PDF = PDF.replace(b"trailer <<>>", b"trailer << /Encrypt 5 0 R >>") + b"\n" * 70_000
LOCKED_OLE = OLE + "EncryptedPackage\0".encode("utf-16-le")
LOCKED_ODT = archive(
    ("mimetype", "application/vnd.oasis.opendocument.text"), ("META-INF/manifest.xml", "<manifest:encryption-data/>")
)


@pytest.mark.parametrize(
    ("content", "locked"),
    [
        (archive(("a.txt", "x"), locked=True), True),
        (LOCKED_PDF, True),
        (LOCKED_OLE, True),
        (LOCKED_ODT, True),
        (archive(("a.txt", "x")), False),
        (PDF, False),
        (PDF.replace(b"<<>>", b"<</Title (about /Encryption)>>"), False),
        (OLE, False),
        (DOCX, False),
        (ODT, False),
        (b"text", False),
    ],
)
def test_a_password_is_seen_without_knowing_it(tmp_path, content, locked):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sniffing.is_locked(path, sniffing.content_type(path)) is locked


# --- the examination -------------------------------------------------------------------------------------------------


@pytest.fixture
def administrator(db: None) -> Employee:
    return Employee.objects.create(username="administrator")


def came(content: bytes, name: str = "") -> FileExamination:
    """Let a file come from outside."""
    stored = files.store(content, name=name)
    examining.ask([stored])
    return FileExamination.objects.get(stored=stored)


def look() -> None:
    while FileExamination.objects.exclude(not_before=None).exclude(state=State.UNCHECKED).exists():
        FileExamination.objects.exclude(not_before=None).update(not_before=timezone.now())
        if not examining.work_next():
            return


def now(row: FileExamination) -> FileExamination:
    row.refresh_from_db()
    return row


@pytest.mark.django_db
def test_without_an_antivirus_files_are_listed_marked_and_given_out():
    packed, closed = came(archive(("a.txt", "x"))), came(LOCKED_PDF)
    look()
    assert (now(packed).state, packed.inside) == (State.UNCHECKED, [["a.txt", 1]])
    assert (now(closed).state, closed.locked) == (State.UNCHECKED, True)
    assert files.response(packed.stored, "a.zip").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"MZ\x90\0", archive(("счёт.exe", "x"))])
def test_a_program_is_kept_aside_even_so(content):
    row = came(content)
    look()
    assert now(row).state == State.BLOCKED
    with pytest.raises(files.KeptAside, match="программа"):
        files.response(row.stored, "a.zip")
    assert JournalEntry.objects.filter(chain=f"file:{row.stored_id}").get().action == "file.kept_aside"


@pytest.fixture(scope="module")
def daemon() -> Iterator[str]:
    with servers.clamd() as address:
        yield address


@pytest.mark.clamd
@pytest.mark.django_db
def test_a_real_antivirus_lets_clean_files_through_and_keeps_infected_ones_aside(settings, daemon, administrator):
    settings.CLAMD = daemon
    assert clamd.version(daemon).startswith("ClamAV")
    clean, infected = came(b"hello"), came(archive(("a.txt", servers.VIRUS)))
    huge = came(b"x" * 3_000_000)
    with pytest.raises(files.NotYet):
        files.response(clean.stored, "a.txt")
    look()
    assert now(clean).state == State.CLEAN
    assert files.response(clean.stored, "a.txt").status_code == 200
    assert (now(infected).state, "Otklik.Test" in infected.found) == (State.INFECTED, True)
    with pytest.raises(files.KeptAside, match=r"Otklik\.Test"):
        files.response(infected.stored, "a.zip")
    assert (now(huge).state, huge.not_before) == (State.FAILED, None)
    assert files.response(huge.stored, "a.txt").status_code == 200, "given out with a warning"
    assert [row.pk for row in examining.aside()] == [infected.pk]


@pytest.mark.clamd
@pytest.mark.django_db
def test_files_that_came_before_the_antivirus_are_looked_into_once_there_is_one(settings, daemon):
    row = came(servers.VIRUS)
    look()
    assert now(row).state == State.UNCHECKED
    settings.CLAMD = daemon
    assert examining.work_next()
    assert now(row).state == State.INFECTED


@pytest.mark.django_db
def test_while_the_antivirus_is_silent_files_wait_and_then_are_given_out_with_a_warning(settings, tmp_path):
    settings.CLAMD = f"unix:{tmp_path}/nobody"
    row = came(b"hello")
    for _ in examining.PAUSES:
        FileExamination.objects.update(not_before=timezone.now())
        assert examining.work_next()
        assert now(row).state == State.WAITING
        assert row.not_before > timezone.now()
    FileExamination.objects.update(not_before=timezone.now())
    examining.work_next()
    assert now(row).state == State.FAILED
    assert "не отвечает" in row.found
    assert files.response(row.stored, "a.txt").status_code == 200
    for _ in range(9):  # for days: it is tried again every hour, and never given up
        FileExamination.objects.update(not_before=timezone.now())
        assert examining.work_next()
    assert now(row).state == State.FAILED
    assert row.not_before is not None


def answering(answer: bytes) -> str:
    """Listen as an antivirus that says this, whatever it is asked."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        session, _ = server.accept()
        session.recv(64)
        session.sendall(answer)
        session.close()
        server.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("answer", [b"", b"\0", b"stream: Can't allocate memory ERROR\0", b"\xff" * 9000])
def test_an_answer_that_says_nothing_is_no_clean_bill(tmp_path, answer):
    (tmp_path / "file").write_bytes(b"hello")
    with pytest.raises(clamd.Silent):
        clamd.scan(answering(answer), tmp_path / "file")


@pytest.mark.django_db
def test_an_administrator_lets_out_or_destroys_with_a_reason_once(administrator):
    let_out, gone = came(b"MZ\x90\0 1"), came(b"MZ\x90\0 2")
    look()
    with pytest.raises(examining.ReasonNeeded):
        examining.release(let_out, reason=" ", by=administrator)
    examining.release(let_out, reason="Проверено вручную", by=administrator)
    examining.destroy(gone, reason="Вирус", by=administrator)
    assert files.response(let_out.stored, "a.exe").status_code == 200
    with pytest.raises(files.KeptAside, match="удалён"):
        files.response(gone.stored, "a.exe")
    assert not files.storage().exists(gone.stored.path)
    with pytest.raises(examining.Decided):
        examining.release(gone, reason="Передумали", by=administrator)
    actions = JournalEntry.objects.exclude(action="file.kept_aside").values_list("action", flat=True)
    assert set(actions) >= {"file.released", "file.destroyed"}


@pytest.mark.django_db
def test_what_was_destroyed_and_comes_again_is_looked_into_again(administrator):
    row = came(b"MZ\x90\0")
    look()
    examining.destroy(row, reason="Вирус", by=administrator)
    again = came(b"MZ\x90\0")
    assert (again.pk, again.state) == (row.pk, State.WAITING)
    look()
    assert now(row).state == State.BLOCKED
    assert StoredFile.objects.count() == 1


POINTS = ("examining.after_lease", "examining.before_scan", "examining.after_result")


@pytest.mark.proof
@pytest.mark.django_db(transaction=True)
def test_killed_at_every_point_each_file_is_looked_into_and_said_of_once():
    programs = [came(b"MZ" + bytes([number])) for number in range(4)]
    harmless = [came(f"text {number}".encode()) for number in range(4)]

    def work() -> None:
        FileExamination.objects.exclude(not_before=None).update(not_before=timezone.now())  # the dead are dead
        while FileExamination.objects.filter(state=State.WAITING).exists():
            examining.work_next()

    killed = sum(in_a_process(work, crash_at=f"{point}:2") for point in POINTS)
    assert killed == len(POINTS)
    assert not in_a_process(work)
    assert {now(row).state for row in programs} == {State.BLOCKED}
    assert {now(row).state for row in harmless} == {State.UNCHECKED}
    assert JournalEntry.objects.filter(action="file.kept_aside").count() == len(programs)


@pytest.mark.django_db
def test_a_file_that_ends_its_worker_is_not_looked_into_for_ever():
    row = came(b"hello")
    for _ in range(20):  # each time taken, and never a result
        FileExamination.objects.exclude(not_before=None).update(not_before=timezone.now(), attempts=9)
    assert examining.work_next()
    assert now(row).state == State.FAILED
    assert not examining.work_next()
