"""Many letters at once: read, packed, signed outside, brought back by digest; on paper by the code on each page."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any

import pypdfium2
import pytest
from asn1crypto import cms
from django.core.files.base import ContentFile
from django.utils import timezone
from pypdf import PdfReader

from otklik.appeals import folder, packages, signature, ukep
from otklik.appeals.errors import NotYours
from otklik.appeals.models import Appeal, FrozenAnswer, Signature
from otklik.core import files
from tests.appeals.conftest import World
from tests.appeals.test_signature import STREEBOG, _signature_file

S = Appeal.Status


def _letter(answer: FrozenAnswer) -> bytes:
    return files.path_of(answer.letter).read_bytes()


def _zip(**parts: bytes) -> ContentFile:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, raw in parts.items():
            packed.writestr(name.replace("_", "."), raw)
    return ContentFile(content.getvalue(), "подписи.zip")


def test_a_signer_takes_only_what_he_has_read_and_a_clerk_all(world: World) -> None:
    first, second = world.frozen(), world.frozen()
    with pytest.raises(packages.NothingChosen, match="Сначала прочитайте"):
        packages.chosen(world.signer, [first.pk, second.pk])
    packages.look(first, by=world.signer)
    packages.look(first, by=world.signer)
    with pytest.raises(packages.NothingChosen, match=second.appeal.number):
        packages.chosen(world.signer, [first.pk, second.pk])
    assert packages.chosen(world.signer, [first.pk]) == [first]
    assert len(packages.chosen(world.clerk, [first.pk, second.pk])) == 2
    with pytest.raises(NotYours):
        packages.look(first, by=world.signer2)
    assert not packages.waiting(world.signer2).exists()


def test_the_package_holds_exactly_the_frozen_bytes(world: World) -> None:
    answers = [world.frozen(), world.frozen()]
    with zipfile.ZipFile(io.BytesIO(packages.archive(answers))) as packed:
        letters = [name for name in packed.namelist() if name.endswith(".pdf")]
        assert [packed.read(name) for name in letters] == [_letter(one) for one in answers]
        listed = packed.read("SHA-256.txt").decode()
    for one in answers:
        assert hashlib.sha256(_letter(one)).hexdigest() in listed


def test_a_letter_changed_on_the_disk_is_not_packed(world: World) -> None:
    answer = world.frozen()
    files.path_of(answer.letter).chmod(0o644)
    files.path_of(answer.letter).write_bytes(b"other")
    with pytest.raises(signature.FrozenAnswerChanged):
        packages.archive([answer])


def test_signatures_come_back_in_an_archive_and_find_their_letters_whatever_their_names(world: World) -> None:
    one, two, other = world.frozen(), world.frozen(), world.frozen()
    signature.sign_sed(other, number="1", signed_on=timezone.localdate(), by=world.clerk)
    upload = _zip(
        a_sig=_signature_file(_letter(two)),
        b_p7s=_signature_file(_letter(one), algorithm=STREEBOG),
        c_sig=_signature_file(_letter(other)),
        d_sig=_signature_file(b"something else"),
        e_sig=b"no signature",
        f_pdf=b"passed over",
    )
    taken = {row.name: row for row in packages.take([upload], by=world.signer)}
    assert taken["a.sig"].answer == two
    assert taken["b.p7s"].answer == one
    assert "Волкова" in taken["a.sig"].holder
    assert f"№ {other.appeal.number} (уже подписано)" in taken["c.sig"].why
    assert "нет среди писем" in taken["d.sig"].why
    assert "не файл электронной подписи" in taken["e.sig"].why
    assert "f.pdf" not in taken
    assert Signature.objects.filter(way="ukep").count() == 2
    assert world.again(one.appeal).status == S.SIGNED


def test_the_same_signatures_twice_change_nothing(world: World, trace: Any) -> None:
    answer = world.frozen()
    upload = ContentFile(_signature_file(_letter(answer)), "1.sig")
    assert packages.take([upload], by=world.signer)[0].answer == answer
    before = trace()
    assert "уже подписано" in packages.take([upload], by=world.signer)[0].why
    assert trace() == before


def test_a_signature_of_another_letter_is_refused_with_which(world: World, trace: Any) -> None:
    answer, other = world.frozen(), world.frozen()
    before = trace()
    with pytest.raises(ukep.BadSignatureFile, match=f"№ {other.appeal.number}"):
        signature.sign_ukep(answer, ContentFile(_signature_file(_letter(other)), "x.sig"), by=world.signer)
    assert trace() == before


def test_a_certificate_of_another_person_or_of_another_time_signs_nothing(world: World, trace: Any) -> None:
    answer = world.frozen()
    raw = _signature_file(_letter(answer))
    type(world.signer).objects.filter(pk=world.signer.pk).update(last_name="Ким")
    before = trace()
    with pytest.raises(ukep.BadSignatureFile, match="другого человека"):
        signature.sign_ukep(FrozenAnswer.objects.get(pk=answer.pk), ContentFile(raw), by=world.fresh(world.signer))
    assert trace() == before
    told = {"valid_from": "2020-01-01T00:00:00", "valid_to": "2021-01-01T00:00:00"}
    today = timezone.localdate()
    with pytest.raises(ukep.BadSignatureFile, match=r"по 01\.01\.2021"):
        ukep.check_time(told, today, today)
    assert cms.ContentInfo.load(raw)["content_type"].native == "signed_data"


def test_a_broken_or_locked_archive_is_told_and_nothing_is_half_done(world: World, trace: Any) -> None:
    answer = world.frozen()
    good = _zip(a_sig=_signature_file(_letter(answer))).read()
    before = trace()
    for content in (good[: len(good) // 2], b"PK\x03\x04" + b"\0" * 50):
        with pytest.raises((files.Refused, packages.BadPackage)):
            packages.take([ContentFile(content, "подписи.zip")], by=world.signer)
    with pytest.raises(packages.NothingChosen):
        packages.take([_zip(a_txt=b"1")], by=world.signer)
    assert trace() == before


def test_the_mark_is_on_a_copy_and_only_when_the_signature_file_is_there(world: World) -> None:
    answer = world.frozen()
    with pytest.raises(signature.NoMark):
        signature.marked(answer)
    signature.sign_ukep(answer, ContentFile(_signature_file(_letter(answer)), "1.sig"), by=world.signer)
    reader = PdfReader(io.BytesIO(signature.marked(answer)))
    words = reader.pages[-1].extract_text()
    assert "ПОДПИСАН ЭЛЕКТРОННОЙ ПОДПИСЬЮ" in words
    assert "Волкова Анна Петровна" in words
    signature.verify_frozen(answer)
    files.path_of(Signature.objects.get().file).unlink()
    with pytest.raises(signature.NoMark):
        signature.marked(answer)
    on_paper = world.frozen()
    scan = files.store(b"%PDF-1.4 scan", name="scan.pdf")
    signature.sign_paper(on_paper, scan, signed_on=timezone.localdate(), by=world.clerk)
    with pytest.raises(signature.NoMark):
        signature.marked(on_paper)


def _scanned(content: bytes, keep: list[int]) -> bytes:
    """Return pages of a print as a scanner gives them: pictures."""
    document = pypdfium2.PdfDocument(content)
    pages = [document[number].render(scale=150 / 72).to_pil().convert("RGB") for number in keep]
    scanned = io.BytesIO()
    pages[0].save(scanned, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return scanned.getvalue()


def test_the_folder_is_printed_in_one_press_and_its_scans_find_their_letters(world: World) -> None:
    answers = [world.frozen(), world.frozen()]
    printed = folder.printed(answers, on=timezone.localdate())
    listed = PdfReader(io.BytesIO(printed)).pages[0].extract_text()
    assert all(one.appeal.number in listed for one in answers)
    found = folder.read(ContentFile(_scanned(printed, [2, 1]), "скан.pdf"))
    assert [one.answer for one in found] == [answers[1], answers[0]]
    assert all(not one.missing and one.pages == 1 for one in found)
    signature.sign_paper(answers[1], found[0].stored, signed_on=timezone.localdate(), by=world.clerk)
    row = Signature.objects.get()
    assert (row.signer, row.recorded_by) == (world.signer, world.clerk)
    again = folder.read(ContentFile(_scanned(printed, [2]), "скан.pdf"))
    assert "уже внесена" in again[0].why
    signature.withdraw(answers[0], by=world.clerk)
    assert "отозвано" in folder.read(ContentFile(_scanned(printed, [1]), "скан.pdf"))[0].why
    blank = folder.read(ContentFile(_scanned(printed, [0]), "скан.pdf"))
    assert (blank[0].answer, "нет кода" in blank[0].why) == (None, True)


def test_what_is_no_scan_is_refused_with_words(world: World) -> None:
    for name, content in (("скан.txt", b"text"), ("скан.pdf", b"%PDF-1.4 broken startxref %%EOF")):
        with pytest.raises((folder.NotAScan, files.Refused)):
            folder.read(ContentFile(content, name))
