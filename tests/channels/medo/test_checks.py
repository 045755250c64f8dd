"""The fourteen checks: each has a package that fails it, is told by its number, and tells the sender."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otklik.channels.medo import checks, package
from otklik.channels.medo.package import Taken
from tests.channels.medo import other_hand, packages
from tests.channels.medo.packages import NODE, OTHER_NODE, OUR_UID, Made, Sent


def _sent(version: str = "2.7") -> Made:
    return packages.made(Sent(version))


def _without(made: Made, *names: str) -> Made:
    for name in names:
        made.files.pop(name, None)
        made.inside.pop(name, None)
    return made


def _replaced(made: Made, name: str, old: str, new: str) -> Made:
    files = made.inside if name in made.inside else made.files
    encoding = "windows-1251"
    assert old.encode(encoding) in files[name]
    files[name] = files[name].replace(old.encode(encoding), new.encode(encoding))
    return made


def _broken_zip() -> Made:
    made = _sent()
    made.files["document.edc.zip"], made.inside = b"PK\x03\x04 not really", {}
    return made


def _other_content() -> Made:
    made = _sent()
    made.inside["letter.pdf"] += b"%changed afterwards"
    return made


def _no_pdf() -> Made:
    return packages.made(Sent("2.7", main=b"Not a PDF, but signed all the same."))


FAILS: dict[int, Callable[[], Made]] = {
    1: lambda: _without(_sent(), "envelope.ltr"),
    2: lambda: _replaced(_sent(), "envelope.ltr", "0=document.edc.zip", "0=document.edc.zip\r\n2=lost.pdf"),
    3: lambda: packages.made(Sent("2.7", recipient=OTHER_NODE)),
    4: lambda: _replaced(_sent("2.6"), "document.xml", "<xdms:pages>1</xdms:pages><xdms:a", "<xdms:a"),
    5: lambda: _replaced(_sent(), "communication.xml", "Транспортный контейнер", "Открытка"),
    6: _broken_zip,
    7: lambda: _without(_sent(), "passport.xml"),
    8: lambda: _without(_sent(), "letter.pdf"),
    9: lambda: _replaced(_sent(), "passport.xml", "documentSignature", "nothing"),
    10: lambda: _without(_sent(), "letter.p7s"),
    11: lambda: _without(_sent(), "reg.png"),
    12: _other_content,
    13: lambda: packages.made(Sent("2.7", uid="не-guid")),
    14: _no_pdf,
}  # fmt: skip


def examine(made: Made, folder: Path, *, again: bool = False) -> dict[int, checks.Check]:
    raw = folder / "raw.zip"
    package.bundle(made.write(folder / "package"), raw)
    package.note(raw, Taken("package", OUR_UID, NODE, again))
    with checks.examined(raw) as report:
        assert [one.number for one in report.checks] == list(range(1, 15))
        return {one.number: one for one in report.checks}


@pytest.mark.parametrize("number", FAILS)
def test_each_check_has_a_package_that_fails_it_with_a_reason(number, tmp_path):
    said = examine(FAILS[number](), tmp_path)
    assert said[number].state == "failed", said
    assert said[number].why
    assert f"Проверка {number} (" in str(said[number])
    alone = {one.number for one in said.values() if one.state == "failed"}
    assert alone == {number}


@pytest.mark.parametrize("version", packages.VERSIONS)
def test_a_sound_package_passes_all_of_them(version, tmp_path):
    assert {one.state for one in examine(packages.made(Sent(version)), tmp_path).values()} <= {"ok", "none"}


def test_a_uid_that_came_before_with_other_content_fails_the_thirteenth(tmp_path):
    assert examine(_sent(), tmp_path, again=True)[13].state == "failed"


def test_what_does_not_fit_a_schema_that_is_not_confirmed_is_a_remark(tmp_path):
    made = _replaced(_sent("2.7"), "passport.xml", "<c:pagesQuantity>1</c:pagesQuantity>", "")
    said = examine(made, tmp_path)
    assert said[7].state == "remark"
    assert "не подтверждена" in said[7].why


@pytest.mark.parametrize(("signs", "failed"), [(True, set()), (False, {12}), (None, {10})])
def test_the_signature_of_the_archive_itself_is_checked_too(tmp_path, signs, failed):
    made = _replaced(_sent(), "communication.xml", "</xdms:body>", "</xdms:body><xdms:signature>a.p7s</xdms:signature>")
    made = Made(made.all())
    if signs is not None:
        made.files["a.p7s"] = packages.signature(made.files["document.edc.zip"] if signs else b"other")
    said = examine(made, tmp_path)
    assert {number for number, one in said.items() if one.state == "failed"} == failed


def test_an_attribute_without_its_namespace_is_not_of_the_schema(tmp_path):
    made = _replaced(_sent("2.6"), "document.xml", "<xdms:document xdms:uid=", "<xdms:document uid=")
    said = examine(made, tmp_path)[4]
    assert said.state == "failed"
    assert "атрибут uid без пространства имён" in said.why


@pytest.mark.parametrize("number", [2, 3, 8, 9, 10, 11, 12, 14])
def test_what_can_be_read_is_shown_with_the_failed_check_and_the_sender_hears_of_it(node, number):
    from otklik.correspondence.models import IncomingMessage

    node.give(FAILS[number]())
    node.visit()
    if number == 2:  # not whole: it waits, and is taken when it has stood still for an hour
        assert not IncomingMessage.objects.exists()
        _let_an_hour_pass()
        node.visit()
    message = IncomingMessage.objects.get()
    assert message.state == "new"
    assert any(note.startswith(f"Проверка {number} (") for note in message.notes)
    _receipt_says(node, f"Проверка {number}:")


@pytest.mark.parametrize("number", [5, 6, 7, 13])
def test_what_cannot_be_read_waits_in_quarantine_with_the_failed_check(node, number):
    from otklik.correspondence.models import IncomingMessage

    node.give(FAILS[number]())
    node.visit()
    message = IncomingMessage.objects.get()
    assert message.state == "quarantined"
    assert f"Проверка {number} (" in message.problem
    if number != 13:  # without a uid nobody can be told
        _receipt_says(node, f"Проверка {number} (")


def _receipt_says(node, words: str) -> None:
    node.send()
    [sent] = node.sent()
    assert other_hand.check(sent, "2.7", OTHER_NODE) == "Квитанция"
    text = sent["acknowledgment.xml"].decode("cp1251")
    assert ">false<" in text
    assert words in text


def _let_an_hour_pass() -> None:
    from otklik.correspondence.models import Connection

    row = Connection.objects.get(channel="medo")
    for name, (mark, since) in row.cursor["seen"].items():
        row.cursor["seen"][name] = [mark, since.replace("2026", "2025")]
    row.save()


def test_a_gost_signature_without_the_module_is_never_called_good(tmp_path, monkeypatch):
    from otklik.core import signatures
    from tests.appeals.test_signature import STREEBOG, _signature_file

    monkeypatch.setattr(signatures, "openssl_with_gost", lambda: "")
    content = tmp_path / "letter.pdf"
    content.write_bytes(b"%PDF-1.4")
    said = signatures.verify(_signature_file(b"%PDF-1.4", algorithm=STREEBOG), content)
    assert (said.state, "не проверена" in said.why) == ("unchecked", True)
    assert signatures.verify(_signature_file(b"other", algorithm=STREEBOG), content).state == "bad"


@pytest.mark.parametrize(
    ("script", "state"),
    [("exit 0", "good"), ("echo 'CMS Verification failure' >&2; exit 4", "bad"), ("exit 1", "unchecked")],
)
def test_a_gost_signature_is_judged_by_openssl_where_it_has_the_module(tmp_path, monkeypatch, script, state):
    from otklik.core import signatures
    from tests.appeals.test_signature import STREEBOG, _signature_file

    program = tmp_path / "openssl"
    program.write_text(f'#!/bin/sh\n[ "$1 $2 $3 $4" = "cms -verify -engine gost" ] || exit 9\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setattr(signatures, "openssl_with_gost", lambda: str(program))
    content = tmp_path / "letter.pdf"
    content.write_bytes(b"%PDF-1.4")
    assert signatures.verify(_signature_file(b"%PDF-1.4", algorithm=STREEBOG), content).state == state


def test_a_forged_signature_value_is_bad_and_rubbish_too(tmp_path):
    from otklik.core import signatures

    content = tmp_path / "letter.pdf"
    content.write_bytes(packages.PDF)
    raw = packages.signature(packages.PDF)
    assert signatures.verify(raw, content).state == "good"
    assert signatures.verify(raw[:-3] + bytes(3), content).state == "bad"
    assert signatures.verify(b"rubbish", content).state == "bad"


def test_a_real_gost_signature_is_good_only_by_the_module(tmp_path, monkeypatch):
    from otklik.core import signatures

    raw = (Path(__file__).parent / "gost.p7s").read_bytes()  # made by OpenSSL with its ГОСТ module over these bytes
    content = tmp_path / "letter.pdf"
    content.write_bytes(b"%PDF-1.4 hello")
    if signatures.openssl_with_gost():
        assert signatures.verify(raw, content).state == "good"
    monkeypatch.setattr(signatures, "openssl_with_gost", lambda: "")
    said = signatures.verify(raw, content)
    assert (said.state, signatures.holder(said.signer)) == ("unchecked", ("Выдуманный Пётр", "Начальник"))
    assert "хеш файла сходится" in said.why
    content.write_bytes(b"%PDF-1.4 other")
    assert signatures.verify(raw, content).state == "bad"
