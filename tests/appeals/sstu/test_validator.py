"""The validator knows nothing of the generator: files are written here by hand, as others write them."""

from __future__ import annotations

import ast
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from otklik.appeals.sstu import validator

GUID = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
NAME = f"{GUID}.json"
OTHER = "11111111-2222-3333-4444-555555555555.json"
CAME, REGISTERED, ANSWERED = "2026-11-02", "2026-11-03", "2026-11-20"
ATTACHED = {"name": "Ответ.pdf", "content": "JVBERi0="}
DATES = {"incomingDate": CAME, "registrationDate": REGISTERED}
RESPONDED = {**DATES, "responseDate": ANSWERED}
ENDED = {**RESPONDED, "attachment": ATTACHED}
SENT_ON = {"departmentId": GUID, "transferDate": "2026-11-05", "transferNumber": "12-34"}
STATUSES: dict[str, dict[str, Any]] = {
    "NotReceived": {},
    "NotRegistered": {"incomingDate": CAME},
    "InWork": DATES,
    "InWorkExtended": DATES,
    "Explained": ENDED,
    "Supported": {**ENDED, "actionsTaken": True},
    "NotSupported": ENDED,
    "Answered": ENDED,
    "LeftWithoutAnswer": RESPONDED,
    "Transferred": {**DATES, "transfer": SENT_ON},
}


def question(status: str = "Explained", **changes: Any) -> dict[str, Any]:
    said = {"code": "0003.0011.0123.0850", "status": status, **STATUSES[status], **changes}
    return {name: value for name, value in said.items() if value != "-"}


def request(*questions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    said = {
        "departmentId": GUID, "isDirect": True, "format": "Other", "number": "О-2026-1", "name": "Иванова Мария",
        "questions": list(questions) or [question()], **changes,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value != "-"}


def checked(said: Any, name: str = NAME) -> validator.Report:
    return validator.check_bytes(said if isinstance(said, bytes) else json.dumps(said).encode(), name)


def archive(tmp_path: Path, *items: tuple[str, bytes], name: str = "tom.zip") -> Path:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as one:
        for inside, content in items:
            one.writestr(inside, content)
    return path


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_passes_with_its_fields(status: str) -> None:
    report = checked(request(question(status)))
    assert (report.appeals, report.errors, report.warnings) == (1, [], [])


@pytest.mark.parametrize(
    ("status", "missing"),
    [(status, name) for status, fields in validator.STATUSES.items() for name in fields],
)
def test_each_status_is_refused_without_a_field_it_needs(status: str, missing: str) -> None:
    assert any(missing in words for words in checked(request(question(status, **{missing: "-"}))).errors)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (request(departmentId="нет"), "departmentId"),
        (request(departmentId="-"), "departmentId"),
        (request(isDirect="true"), "isDirect"),
        (request(format="Paper"), "format"),
        (request(number=""), "number"),
        (request(number="-"), "number"),
        (request(name=" "), "name"),
        (request(isDirect=False), "createDate"),
        (request(createDate="03.11.2026"), "createDate"),
        (request(createDate="2026-02-30"), "createDate"),
        (request(email=7), "email"),
        (request(questions=[]), "хотя бы один вопрос"),
        (request(questions="нет"), "хотя бы один вопрос"),
        (request(questions=["нет"]), "нужен объект"),
        (request(*[question()] * 501), "больше 500"),
        (request(question(code="0850")), "code"),
        (request(question(code="0003.0011.0123.0850.0001.0002")), "code"),
        (request(question("InWork") | {"status": "ConsiderationExtended"}), "местное"),
        (request(question("InWork") | {"status": "Done"}), "status"),
        (request(question("InWork") | {"status": ["InWork"]}), "status"),
        (request(question(registrationDate="2026-11-01")), "registrationDate раньше"),
        (request(question(responseDate="2026-11-02")), "responseDate раньше"),
        (request(question(responseDate="20.11.2026")), "responseDate: дата"),
        (request(question(attachment="файл")), "attachment: нужен объект"),
        (request(question(attachment={"name": "", "content": "JVBE"})), "имя файла"),
        (request(question(attachment={"name": "a", "content": ""})), "пуст"),
        (request(question(attachment={"name": "a", "content": "не base64"})), "не base64"),
        (request(question(attachment={"name": "a", "content": "A" * 10_000_000})), "меньше 10000000"),
        (request(question("Supported", actionsTaken="да")), "actionsTaken: нужно"),
        (request(question("Transferred", transfer=[1])), "transfer: нужен объект"),
        (request(question("Transferred", transfer={**SENT_ON, "departmentId": "x"})), "transfer.departmentId"),
        (request(question("Transferred", transfer={**SENT_ON, "transferNumber": ""})), "transferNumber"),
        (request(question("Transferred", transfer={**SENT_ON, "transferDate": "5.11"})), "transferDate: дата"),
        (request(question("Transferred", transfer={**SENT_ON, "transferDate": "2026-11-01"})), "transferDate раньше"),
        (b"", "пуст"),
        (b"\xef\xbb\xbf{}", "метка порядка"),
        ("{}".encode("utf-16"), "метка порядка"),
        ("«имя»".encode("cp1251"), "UTF-8"),
        (b"{", "не JSON"),
        (b"[]", "нужен один объект"),
        (b'{"a": NaN}', "NaN"),
        (b'{"number": 1, "number": 2}', "дважды"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "вложенность"),
        (b"[" * 5_000_000, "вложенность"),
        (b'{"a": [' + b"0," * 60_000 + b"0]}", "слишком много"),
        (b"9" * 5000, "не JSON"),
    ],
)
def test_each_refusal_says_what_is_wrong(said: Any, words: str) -> None:
    report = checked(said)
    assert any(words in one for one in report.errors), report.errors


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (request(question("NotReceived") | {"status": "NotRecieved"}), "NotReceived"),
        (request(name="-", Name="Иванова"), "«name»"),
        (request(questions="-", Questions=[question()]), "«questions»"),
        (request(address=""), "address"),
        (request(phone="1"), "не знает"),
        (request(question("InWork", responseDate=ANSWERED)), "не передаётся"),
        (request(isDirect=False, number="А26-00-000000001", createDate=CAME), "УРОГ"),
    ],
)
def test_what_other_programs_get_wrong_is_a_warning_only(said: Any, words: str) -> None:
    report = checked(said)
    assert report.passed, report.errors
    assert any(words in one for one in report.warnings)


def test_the_name_of_a_file_is_a_guid_without_folders() -> None:
    for name in ("1.json", f"../{NAME}", f"{GUID}.txt", f"{GUID}"):
        assert any("GUID.json" in one for one in checked(request(), name).errors), name


def test_an_archive_is_read_file_by_file(tmp_path: Path) -> None:
    good = json.dumps(request()).encode()
    path = archive(tmp_path, (NAME, good), (OTHER, json.dumps(request(name="")).encode()), ("a/b.txt", b"1"))
    report = validator.check(path)
    assert report.appeals == 2
    assert {one.split(":")[0] for one in report.errors} == {OTHER, "a/b.txt"}


def test_one_file_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    good = json.dumps(request()).encode()
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path, (NAME, good), (NAME, good))
    assert any("уже есть" in one for one in validator.check(path).errors)


def test_a_bomb_is_stopped_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "MOST_OF_ONE", 1_000_000)
    path = archive(tmp_path, (NAME, b" " * 5_000_000))
    assert any("в распакованном виде" in one for one in validator.check(path).errors)


def test_a_bomb_that_lies_of_its_size_is_stopped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "MOST_OF_ONE", 1_000_000)
    path = archive(tmp_path, (NAME, b" " * 5_000_000))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<I", 5_000_000), struct.pack("<I", 50)))
    assert validator.check(path).errors


def test_many_files_together_are_no_way_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validator, "MOST_UNPACKED", 10_000)
    path = archive(tmp_path, (NAME, b" " * 9_000), (OTHER, b" " * 9_000))
    assert any("распакованном" in one for one in validator.check(path).errors)


def test_an_archive_of_too_many_files_is_refused_before_its_list_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validator, "MOST_FILES", 1)
    path = archive(tmp_path, (NAME, b"{}"), (OTHER, b"{}"))
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert any("файлов" in one for one in validator.check(path).errors)


def test_a_volume_of_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path, (NAME, json.dumps(request()).encode()))
    monkeypatch.setattr(validator, "VOLUME_BYTES", path.stat().st_size)
    assert any("нужно меньше" in one for one in validator.check(path).errors)
    monkeypatch.setattr(validator, "VOLUME_BYTES", path.stat().st_size + 1)
    assert validator.check(path).passed


@pytest.mark.parametrize("cut", [3, 30, 120, 200])
def test_a_cut_archive_is_told_not_stumbled_over(tmp_path: Path, cut: int) -> None:
    path = archive(tmp_path, (NAME, json.dumps(request()).encode()))
    path.write_bytes(path.read_bytes()[:cut])
    assert validator.check(path).errors


def test_damaged_locked_and_empty_archives_are_told(tmp_path: Path) -> None:
    content = json.dumps(request()).encode()
    good = archive(tmp_path, (NAME, content)).read_bytes()
    start = good.index(b".json") + 5
    damaged, locked = bytearray(good), bytearray(good)
    damaged[start + 20 : start + 60] = b"\x00" * 40
    locked[6] |= 1
    locked[good.index(b"PK\x01\x02") + 8] |= 1
    for content in (bytes(damaged), bytes(locked)):
        path = tmp_path / "bad.zip"
        path.write_bytes(content)
        assert validator.check(path).errors
    assert any("пуст" in one for one in validator.check(archive(tmp_path)).errors)


def test_any_flipped_byte_ends_in_a_report(tmp_path: Path) -> None:
    good = archive(tmp_path, (NAME, json.dumps(request()).encode())).read_bytes()
    path = tmp_path / "flipped.zip"
    for at in range(0, len(good), 3):
        for value in (0, 255):
            path.write_bytes(good[:at] + bytes([value]) + good[at + 1 :])
            validator.check(path)


def test_the_command_ends_with_an_error_where_a_file_is_bad(tmp_path: Path) -> None:
    path, out = tmp_path / NAME, io.StringIO()
    path.write_text(json.dumps(request(phone="1")))
    call_command("sstu_check", str(path), stdout=out)
    assert "годен; обращений: 1" in out.getvalue()
    assert "предупреждение" in out.getvalue()
    path.write_text("{")
    with pytest.raises(CommandError, match="Не годных файлов: 1"):
        call_command("sstu_check", str(path), stdout=out)
    with pytest.raises(CommandError):
        call_command("sstu_check", str(tmp_path / "nowhere.zip"), stdout=out)


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(validator.__file__).read_text())
    modules = [one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    modules += [name.name for one in ast.walk(tree) if isinstance(one, ast.Import) for name in one.names]
    assert not [one for one in modules if one.startswith(("otklik", "django"))]
