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

from otklik.core import errors, files, sniffing
from otklik.core.models import StoredFile
from otklik.core.storage import StorageSilent
from otklik.reports import health
from tests.servers import free_port

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


@pytest.fixture(params=["folder", "bucket"])
def anywhere(request):
    """Tell the rule twice: of the local folder and of a bucket."""
    return request.getfixturevalue("bucket") if request.param == "bucket" else files.storage()


def on_disk(root):
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.exists() else []


@pytest.mark.django_db
def test_equal_content_is_kept_once_whichever_way_it_comes(anywhere, tmp_path):
    path = tmp_path / "letter"
    path.write_bytes(b"hello")
    stored = {files.store(b"hello").pk, files.store(io.BytesIO(b"hello")).pk, files.store(path).pk}
    assert len(stored) == 1
    assert len(anywhere.listed()) == 1
    kept = StoredFile.objects.get()
    assert files.path_of(kept).read_bytes() == b"hello"
    assert (kept.size, kept.sha256[:8]) == (5, "2cf24dba")
    with files.open_file(kept) as opened:
        assert opened.read() == b"hello"


@pytest.mark.django_db
def test_a_file_lost_from_its_place_is_healed_by_storing_it_again(anywhere):
    stored = files.store(b"hello")
    files.path_of(stored)
    anywhere.delete(stored.path)
    with pytest.raises(FileNotFoundError):
        files.open_file(stored)
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
def test_two_who_store_the_same_at_once_share_one_file_and_row(anywhere):
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
    assert len(anywhere.listed()) == 1


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
def test_a_file_goes_out_as_a_download_that_no_browser_runs(anywhere):
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


@pytest.mark.django_db
def test_a_big_file_passes_piece_by_piece_there_and_back(anywhere, tmp_path):
    megabyte, local = 1024 * 1024, not hasattr(anywhere, "bucket")
    number = 50 if local else 12  # the bucket's server keeps all it is sent in this very process
    big = tmp_path / "big"
    with big.open("wb") as file:
        for one in range(number):
            file.write(bytes([one]) * megabyte)
    tracemalloc.start()
    stored = files.store(big)
    with files.open_file(stored) as file:
        assert {len(chunk) for chunk in file.chunks(megabyte)} == {megabyte}
        file.seek(10 * megabyte - 1)
        assert file.read(2) == bytes([9, 10])
    assert files.path_of(stored).stat().st_size == number * megabyte
    assert not local or tracemalloc.get_traced_memory()[1] < 20 * megabyte
    tracemalloc.stop()


@pytest.mark.django_db
@pytest.mark.parametrize("act", [lambda stored: files.store(b"new"), files.open_file, files.path_of])
def test_a_bucket_that_does_not_answer_is_an_outage_that_leaves_nothing(bucket, settings, root, caplog, act):
    stored = files.store(b"hello")
    settings.S3_URL = f"s3://files/department?endpoint=http://127.0.0.1:{free_port()}"
    del files.storage().__dict__["bucket"]
    with pytest.raises(StorageSilent) as silent:
        act(stored)
    assert errors.is_outage(silent.value), "pages answer 503, letters stay in the mailbox"
    assert StoredFile.objects.count() == 1
    assert on_disk(root) == []
    assert "of-ours" not in f"{silent.value}{silent.value.__cause__}{caplog.text}"
    assert "не отвечает" in str(list(health._bucket()))


@pytest.mark.django_db
def test_a_bucket_we_may_not_enter_is_named_by_the_health_page(bucket, settings):
    assert [fact.level for fact in health._bucket()] == [health.GOOD]
    settings.S3_URL = settings.S3_URL.replace("//files/", "//nobodys/")
    del files.storage().__dict__["bucket"]
    assert [fact.level for fact in health._bucket()] == [health.BAD]


@pytest.mark.django_db
def test_a_local_copy_of_an_object_is_made_once_checked_and_goes_when_nobody_uses_it(bucket, root):
    stored = files.store(b"hello")
    assert on_disk(root) == [], "what is stored needs no copy"
    assert files.path_of(stored).read_bytes() == b"hello"
    bucket.bucket.put(stored.path, b"other")
    assert files.path_of(stored).read_bytes() == b"hello", "the copy is used"
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(files.path_of(stored), (yesterday, yesterday))
    assert files.sweep_orphans() == 0
    assert on_disk(root) == []
    with pytest.raises(OSError, match="not what its name says"):
        files.path_of(stored)
    assert on_disk(root) == []
    assert files.put_back(stored.path, [b"hello"]) is False, "it was there, and damaged"
    assert files.path_of(stored).read_bytes() == b"hello"


@pytest.mark.django_db
def test_an_orphan_of_the_bucket_waits_aside_and_comes_back_to_who_stores_it_again(bucket):
    kept, orphan = files.store(b"kept"), files.store(b"orphan")
    StoredFile.objects.filter(pk=orphan.pk).delete()
    assert files.sweep_orphans() == 0, "young ones stay"
    assert files.sweep_orphans(older_than=-60) == 1
    assert bucket.listed() == [kept.path]
    again = StoredFile.objects.create(
        sha256=orphan.sha256, size=6, path=orphan.path, content_type="text/plain"
    )  # by somebody who found it there a moment before
    with files.open_file(again) as file:
        assert file.read() == b"orphan"
    StoredFile.objects.filter(pk=again.pk).delete()
    for _ in range(3):
        files.sweep_orphans(older_than=-60)
    assert [name for name, _ in bucket._objects()] == [kept.path]
    with files.open_file(kept) as file:
        assert file.read() == b"kept"
