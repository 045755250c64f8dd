"""Files: stored once and whole, judged by content, given out harmless."""

import errno
import io
import os
import time
import tracemalloc
import zipfile
from threading import Barrier, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from otklik.core import files, sniffing
from otklik.core.models import StoredFile

PDF = b"%PDF-1.7\n1 0 obj <<>> endobj\ntrailer <<>>\nstartxref\n9\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 40


def archive(*parts, locked=False):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name, content in parts:
            made.writestr(zipfile.ZipInfo(name), content)  # a fixed time: two collections of the tests must agree
    content = held.getvalue()
    if locked:  # the flag of encryption, in the local header and in the directory
        content = bytearray(content)
        content[6] |= 1
        content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


DOCX = archive(("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<w:document/>"))
ODT = archive(("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "<office/>"))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.fixture(autouse=True)
def root(settings, tmp_path):
    settings.FILES_ROOT = tmp_path / "files"
    return settings.FILES_ROOT


def on_disk(root):
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.exists() else []


@pytest.mark.django_db
def test_equal_content_is_kept_once_whichever_way_it_comes(root, tmp_path):
    path = tmp_path / "letter"
    path.write_bytes(b"hello")
    stored = {files.store(b"hello").pk, files.store(io.BytesIO(b"hello")).pk, files.store(path).pk}
    assert len(stored) == 1
    assert len(on_disk(root)) == 1
    kept = StoredFile.objects.get()
    assert files.path_of(kept).read_bytes() == b"hello"
    assert (kept.size, kept.sha256[:8]) == (5, "2cf24dba")
    with files.open_file(kept) as opened:
        assert opened.read() == b"hello"


@pytest.mark.django_db
def test_a_file_lost_from_the_disk_is_healed_by_storing_it_again(root):
    stored = files.store(b"hello")
    files.path_of(stored).unlink()
    assert files.store(b"hello") == stored
    assert files.path_of(stored).read_bytes() == b"hello"


@pytest.mark.django_db
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_neither_a_row_nor_a_piece_of_a_file(root, monkeypatch, call):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        files.store(b"x" * 3_000_000)
    assert not StoredFile.objects.exists()
    assert on_disk(root) == []


@pytest.mark.django_db
def test_the_file_is_synced_before_it_gets_its_name_and_the_name_before_the_row(monkeypatch):
    steps, sync, move = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append("sync"), sync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("rename"), move(a, b)))
    create = StoredFile.objects.bulk_create
    monkeypatch.setattr(
        type(StoredFile.objects), "bulk_create", lambda self, *a, **kw: (steps.append("row"), create(*a, **kw))[1]
    )
    files.store(b"hello")
    assert steps[0] == "sync"
    assert steps[1] == "rename"
    assert steps[-1] == "row"
    assert set(steps[2:-1]) == {"sync"}


@pytest.mark.django_db(transaction=True)
def test_two_who_store_the_same_at_once_share_one_file_and_row(root):
    start, got, failures = Barrier(6), [], []

    def write():
        try:
            start.wait()
            got.append(files.store(b"same content").pk)
        except Exception as exc:
            failures.append(exc)
        finally:
            connection.close()

    threads = [Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(got)) == 1
    assert len(on_disk(root)) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (ODT, "application/vnd.oasis.opendocument.text"),
        (archive(("a.txt", "текст")), "application/zip"),
        ("Здравствуйте".encode(), "text/plain"),
        ("Здравствуйте".encode("cp1251"), "text/plain"),
        (b"<!DOCTYPE html><html>", "text/html"),
        (b"{\\rtf1 x}", "application/rtf"),
        (OLE + "WordDocument\0".encode("utf-16-le"), "application/msword"),
        (b"MZ\x90\0", "application/x-executable"),
        (b"\0\1\2\3", "application/octet-stream"),
        (b"", "text/plain"),
    ],
)
def test_the_type_is_taken_from_the_content(content, kind):
    assert files.store(content, name="как-угодно.exe").content_type == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("скан.pdf", PDF),
        ("фото.JPG", JPEG),
        ("письмо.docx", DOCX),
        ("письмо.odt", ODT),
        ("письмо.doc", DOCX),
        ("записка.txt", "текст".encode("cp1251")),
        ("всё.zip", archive(("a.txt", "текст"))),
        ("без расширения", PNG),
        ("странное.xyz", b"\0\1\2"),
    ],
)
def test_an_ordinary_file_is_taken(name, content):
    files.check(content, name)
    files.check(SimpleUploadedFile(name, content), name)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("пусто.pdf", b"", "пустой"),
        ("игра.pdf", b"MZ\x90\0" + b"\0" * 100, "программа"),
        ("скрипт.txt", b"#!/bin/sh\nrm -rf /", "программа"),
        ("макрос.vbs", b"MsgBox 1", "программа"),
        ("скан.pdf", PNG, "не соответствует расширению .pdf"),
        ("фото.jpg", PDF, "не соответствует расширению .jpg"),
        ("письмо.docx", b"PK\x03\x04 broken", "повреждён"),
        ("всё.zip", archive(("a.txt", "текст"))[:-30], "повреждён"),
        ("тайна.zip", archive(("a.txt", "текст"), locked=True), "паролем"),
        ("вирус.zip", archive(("a.exe", "MZ")), "внутри архива программа"),
        ("обрыв.pdf", PDF[:20], "обрывается"),
        ("тайна.pdf", PDF.replace(b"trailer <<>>", b"trailer <</Encrypt 5 0 R>>"), "паролем"),
        ("тайна.docx", OLE + "EncryptedPackage\0".encode("utf-16-le"), "паролем"),
    ],
)
def test_a_useless_or_dangerous_file_is_refused_with_a_reason_and_a_way_out(name, content, why, root):
    with pytest.raises(files.Refused) as refusal:
        files.check(SimpleUploadedFile(name, content), name)
    assert why in str(refusal.value)
    assert name in str(refusal.value)
    assert on_disk(root) == []


def crowd(number):
    """Return an archive of many nameless nothings: its list is all there is to it."""
    return archive(*((f"{at:07}", "") for at in range(number)))


def test_an_archive_that_names_more_than_we_read_is_refused_unopened(monkeypatch):
    crowded, fake = crowd(40_000), b"PK\x05\x06" + b"\0" * 18
    monkeypatch.setattr(sniffing.zipfile, "ZipFile", lambda *_: pytest.fail("opened"))
    for content in (crowded, crowded + fake):
        with pytest.raises(files.Refused, match="слишком много файлов"):
            files.check(content, "всё.zip")


@pytest.mark.parametrize("content", [crowd(10_000), archive(("a.zip", crowd(10)))])
def test_an_archive_of_thousands_of_files_is_taken(content):
    files.check(content, "всё.zip")


@pytest.mark.django_db
def test_the_type_of_a_document_is_read_without_unpacking_what_swells():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", b"x" * 60_000_000)
    tracemalloc.start()
    assert files.store(held.getvalue()).content_type == "application/zip"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000, "60 MB lie in 60 KB"


def test_a_too_large_file_is_refused_before_it_is_read(settings):
    upload = SimpleUploadedFile("большой.pdf", PDF)
    upload.size, upload.file = settings.UPLOAD_MAX_BYTES + 1, None  # nothing to read from
    with pytest.raises(files.Refused, match="больше 20 МБ"):
        files.check(upload, upload.name)


def test_a_checked_upload_can_still_be_stored_whole(db):
    upload = SimpleUploadedFile("скан.pdf", PDF)
    files.check(upload, upload.name)
    assert files.path_of(files.store(upload)).read_bytes() == PDF


@pytest.mark.django_db
def test_a_file_goes_out_as_a_download_that_no_browser_runs():
    stored = files.store(b"<html><script>alert(1)</script>")
    answer = files.response(stored, "../../Отчёт\u202egpj.html\r\nX-Evil: 1")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "X-Evil" not in answer.headers
    assert "/" not in files.safe_name("../../etc/passwd")
    assert "\u202e" not in files.safe_name("a\u202eb.txt")
    assert files.safe_name("") == "файл"
    answer.close()


@pytest.mark.django_db
def test_only_old_files_without_rows_are_swept(root):
    kept = files.path_of(files.store(b"kept"))
    orphan = root / "aa" / "bb" / "aabb"
    young = root / "aa" / "bb" / "aabbcc"
    leftover = root / ".tmp" / "tmpx"
    for path in (orphan, young, leftover):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    yesterday = time.time() - 2 * 24 * 3600
    for path in (kept, orphan, leftover):
        os.utime(path, (yesterday, yesterday))
    assert files.sweep_orphans() == 2
    assert on_disk(root) == sorted([kept, young])
