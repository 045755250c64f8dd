"""Whether a file may go to ССТУ: JSON of one appeal, or a ZIP of many. Knows nothing of how our files are made.

Every file is taken for hostile: sizes are measured while reading, depth before parsing, nothing is unpacked to disk.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any, Final

VOLUME_BYTES: Final = 50_000_000
ATTACHMENT_BYTES: Final = 10_000_000
MOST_FILES: Final = 20_000
MOST_UNPACKED: Final = 500_000_000
MOST_OF_ONE: Final = 70_000_000
MOST_PARTS: Final = 50_000  # brackets and commas of one appeal
DEEPEST: Final = 6
MOST_QUESTIONS: Final = 500
MOST_SAID: Final = 100  # findings of one file: a broken one says the same of every question
CHUNK: Final = 1024 * 1024

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODE: Final = re.compile(r"\d{4}(\.\d{4}){3,4}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_STRUCTURE: Final = re.compile(rb"[\[\]{},]")
_URGENT: Final = re.compile("[АA]26", re.IGNORECASE)
_CENTRAL: Final = b"PK\x01\x02"
_HEAD: Final = b"PK"

FORMATS: Final = ("Electronic", "Other")
FIELDS: Final = (
    "departmentId",
    "isDirect",
    "format",
    "number",
    "createDate",
    "name",
    "address",
    "email",
    "questions",
)
CAPITALISED: Final = {"Name": "name", "Address": "address", "Email": "email", "Questions": "questions"}
MISSPELT: Final = {"NotRecieved": "NotReceived"}
LOCAL: Final = ("ConsiderationExtended", "NotSet")
_REGISTERED: Final = ("incomingDate", "registrationDate")
_RESPONDED: Final = (*_REGISTERED, "responseDate")
_ANSWER: Final = (*_RESPONDED, "attachment")
# status → the fields it must have beside `code` and `status`
STATUSES: Final[dict[str, tuple[str, ...]]] = {
    "NotReceived": (),
    "NotRegistered": ("incomingDate",),
    "InWork": _REGISTERED,
    "InWorkExtended": _REGISTERED,
    "Explained": _ANSWER,
    "Supported": (*_ANSWER, "actionsTaken"),
    "NotSupported": _ANSWER,
    "Answered": _ANSWER,
    "LeftWithoutAnswer": _RESPONDED,
    "Transferred": (*_REGISTERED, "transfer"),
}
MAY_HAVE: Final[dict[str, tuple[str, ...]]] = {"InWork": ("isExtend",), "InWorkExtended": ("isExtend",)}


@dataclass
class Report:
    """What was found: how many appeals were read, errors for which a file is not taken, warnings."""

    appeals: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Tell whether the file may go."""
        return not self.errors


class _Bad(Exception):
    """Why a file as a whole is not read."""


def check(path: Path, *, name: str = "") -> Report:
    """Check a file of JSON or a ZIP; whatever is wrong with it is in the report, nothing is raised."""
    report, name = Report(), name or path.name
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _HEAD
            file.seek(0)
            if packed:
                _check_archive(file, path.stat().st_size, report)
            else:
                _check_name(name, report)
                _check_one(name, _read(file, MOST_OF_ONE), report)
    except _Bad as bad:
        report.errors.append(f"{name}: {bad}")
    except OSError as exc:
        report.errors.append(f"{name}: файл не открывается: {exc.strerror or 'ошибка чтения'}")
    return report


def check_bytes(content: bytes, name: str) -> Report:
    """Check the JSON of one appeal."""
    report = Report()
    _check_name(name, report)
    try:
        _check_one(name, content, report)
    except _Bad as bad:
        report.errors.append(f"{name}: {bad}")
    return report


# --- archives --------------------------------------------------------------------------------------------------------


def _check_archive(file: IO[bytes], size: int, report: Report) -> None:
    if size >= VOLUME_BYTES:
        report.errors.append(f"том {size} байт: нужно меньше {VOLUME_BYTES}. Разделите его на несколько")
    if _occurs(file, _CENTRAL) > MOST_FILES:  # before the list of files is believed
        raise _Bad(f"в архиве больше {MOST_FILES} файлов")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, report)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, EOFError, NotImplementedError):
        raise _Bad("это не архив ZIP или он повреждён") from None


def _check_members(archive: zipfile.ZipFile, report: Report) -> None:
    members = archive.infolist()
    if not members:
        raise _Bad("архив пуст")
    if sum(one.file_size for one in members) > MOST_UNPACKED:
        raise _Bad(f"в распакованном виде больше {MOST_UNPACKED} байт")
    seen, left = set[str](), MOST_UNPACKED
    for member in members:
        name = member.filename
        if name.lower() in seen:
            report.errors.append(f"{_short(name)}: такой файл в архиве уже есть")
            continue
        seen.add(name.lower())
        if not _check_name(name, report):
            continue
        if member.flag_bits & 0x1:
            report.errors.append(f"{_short(name)}: файл под паролем")
            continue
        try:
            with archive.open(member) as file:
                content = _read(file, min(left, MOST_OF_ONE))
        except _Bad as bad:
            raise _Bad(f"{_short(name)}: {bad}") from None
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
            report.errors.append(f"{_short(name)}: файл в архиве повреждён")
            continue
        except Exception as exc:  # each way of packing has an error of its own
            if type(exc).__module__ not in {"zlib", "lzma", "_lzma", "bz2", "_bz2"}:
                raise
            report.errors.append(f"{_short(name)}: файл в архиве повреждён")
            continue
        left -= len(content)
        try:
            _check_one(_short(name), content, report)
        except _Bad as bad:
            report.errors.append(f"{_short(name)}: {bad}")


def _occurs(file: IO[bytes], mark: bytes) -> int:
    """Count where bytes stand in a file, a piece at a time."""
    count, kept = 0, b""
    while piece := file.read(CHUNK):
        count += (kept + piece).count(mark)
        kept = (kept + piece)[-(len(mark) - 1) :]
    return count


def _read(file: IO[bytes], most: int) -> bytes:
    """Read no more than is allowed, whatever the archive says of its size."""
    pieces, size = [], 0
    while piece := file.read(CHUNK):
        size += len(piece)
        if size > most:
            raise _Bad(f"в распакованном виде больше {most} байт")
        pieces.append(piece)
    return b"".join(pieces)


def _check_name(name: str, report: Report) -> bool:
    stem, dot, kind = name.rpartition(".")
    if dot and kind == "json" and _GUID.fullmatch(stem):
        return True
    report.errors.append(f"{_short(name)}: имя должно быть «GUID.json», без папок")
    return False


# --- one appeal ------------------------------------------------------------------------------------------------------


def _check_one(name: str, content: bytes, report: Report) -> None:
    said = _parsed(content)
    report.appeals += 1
    errors, warnings = list[str](), list[str]()
    for is_error, words in _of_request(said):
        (errors if is_error else warnings).append(f"{name}: {words}")
    report.errors += errors[:MOST_SAID]
    report.warnings += warnings[:MOST_SAID]


def _parsed(content: bytes) -> dict[str, Any]:
    if not content.strip():
        raise _Bad("файл пуст")
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _Bad("в начале файла метка порядка байт: сохраните его в UTF-8 без неё")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        raise _Bad("файл не в UTF-8") from None
    _check_structure(content)
    try:
        said = json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
    except _Bad:
        raise
    except (ValueError, RecursionError):
        raise _Bad("это не JSON") from None
    if not isinstance(said, dict):
        raise _Bad("нужен один объект обращения")
    return said


def _check_structure(content: bytes) -> None:
    """Refuse what would grow beyond measure when parsed; what stands inside strings does not count."""
    deep = 0
    for parts, one in enumerate(_STRUCTURE.finditer(_STRING.sub(b"", content)), 1):
        deep += {b"[": 1, b"{": 1, b",": 0}.get(one[0], -1)
        if deep > DEEPEST:
            raise _Bad(f"вложенность больше {DEEPEST}")
        if parts > MOST_PARTS:
            raise _Bad("в файле слишком много полей")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise _Bad("одно поле названо дважды")
    return said


def _no_constant(_: str) -> None:
    raise _Bad("NaN и бесконечность не передаются")


Said = Iterator[tuple[bool, str]]
ERROR, WARNING = True, False


def _of_request(given: dict[str, Any]) -> Said:
    said = dict[str, Any]()
    yield from _of_names(given, said)
    if not _is_guid(said.get("departmentId")):
        yield ERROR, "departmentId: нужен GUID органа"
    if said.get("format") not in FORMATS:
        yield ERROR, f"format: нужно одно из {', '.join(FORMATS)}"
    yield from _of_way(said)
    if not _is_text(said.get("name")):
        yield ERROR, "name: нужно имя заявителя"
    for name in ("address", "email"):
        if said.get(name) is not None and not isinstance(said[name], str):
            yield ERROR, f"{name}: нужна строка"
    yield from _of_questions(said.get("questions"))


def _of_names(given: dict[str, Any], said: dict[str, Any]) -> Said:
    """Put the fields by their right names into `said`."""
    for name, value in given.items():
        known = CAPITALISED.get(name, name)
        if known != name:
            yield WARNING, f"поле «{name}» пишется со строчной: «{known}»"
        if known in said:
            yield ERROR, f"поле «{known}» названо дважды"
            continue
        said[known] = value
        if known not in FIELDS:
            yield WARNING, f"поля «{_short(name)}» ССТУ не знает"
        elif value in (None, "", []):
            may_be_left_out = known in {"address", "email", "createDate"}
            yield WARNING if may_be_left_out else ERROR, f"поле «{known}» пусто: пустые не пишут"


def _of_way(said: dict[str, Any]) -> Said:
    direct = said.get("isDirect")
    if not isinstance(direct, bool):
        yield ERROR, "isDirect: нужно true или false"
    if not _is_text(said.get("number")):
        yield ERROR, "number: нужен номер"
    elif direct is False and _URGENT.match(said["number"].strip()):
        yield WARNING, "номер УРОГ «А26…»: такие обращения файлом не принимались, внесите результат вручную"
    yield from _of_created(said, direct=direct)


def _of_created(said: dict[str, Any], *, direct: Any) -> Said:
    created = said.get("createDate")
    if created in (None, ""):
        if direct is False:
            yield ERROR, "createDate: нужна дата сопроводительного письма"
    elif _day(created) is None:
        yield ERROR, "createDate: дата пишется гггг-мм-дд"


def _of_questions(questions: Any) -> Said:
    if not isinstance(questions, list) or not questions:
        yield ERROR, "questions: нужен хотя бы один вопрос"
        return
    if len(questions) > MOST_QUESTIONS:
        yield ERROR, f"questions: вопросов больше {MOST_QUESTIONS}"
        return
    for number, one in enumerate(questions, 1):
        if isinstance(one, dict):
            for is_error, words in _of_question(one):
                yield is_error, f"вопрос {number}: {words}"
        else:
            yield ERROR, f"вопрос {number}: нужен объект"


def _of_question(said: dict[str, Any]) -> Said:
    code = said.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        yield ERROR, "code: нужен четырёх- или пятиуровневый код классификатора"
    status = said.get("status")
    if isinstance(status, str) and status in MISSPELT:
        yield WARNING, f"статус «{status}» пишется «{MISSPELT[status]}»"
        status = MISSPELT[status]
    if not isinstance(status, str) or status not in STATUSES:
        local = " (это местное значение)" if status in LOCAL else ""
        yield ERROR, f"status: «{_short(str(status))}» ССТУ не знает{local}"
        return
    needed = STATUSES[status]
    for name in needed:
        if said.get(name) in (None, "", {}):
            yield ERROR, f"{name}: обязательно при статусе {status}"
    known = {"code", "status", *needed, *MAY_HAVE.get(status, ())}
    for name in said.keys() - known:
        yield WARNING, f"поле «{_short(name)}» при статусе {status} не передаётся"
    yield from _of_days(said)
    for name in ("actionsTaken", "isExtend"):
        if name in said and not isinstance(said[name], bool):
            yield ERROR, f"{name}: нужно true или false"
    if "attachment" in said:
        yield from _of_attachment(said["attachment"])
    if "transfer" in said:
        yield from _of_transfer(said["transfer"], said)


def _of_days(said: dict[str, Any]) -> Said:
    read = {}
    for name in _RESPONDED:
        if said.get(name) in (None, ""):
            continue
        read[name] = _day(said[name])
        if read[name] is None:
            yield ERROR, f"{name}: дата пишется гггг-мм-дд"
    came, registered, responded = (read.get(name) for name in _RESPONDED)
    if came and registered and registered < came:
        yield ERROR, "registrationDate раньше incomingDate"
    if registered and responded and responded < registered:
        yield ERROR, "responseDate раньше registrationDate"


def _of_attachment(said: Any) -> Said:
    if not isinstance(said, dict):
        yield ERROR, "attachment: нужен объект с name и content"
        return
    if not _is_text(said.get("name")):
        yield ERROR, "attachment: нужно имя файла"
    content = said.get("content")
    if not isinstance(content, str) or not content:
        yield ERROR, "attachment: файл ответа пуст"
        return
    if len(content) >= ATTACHMENT_BYTES:
        yield ERROR, f"attachment: {len(content)} байт base64, нужно меньше {ATTACHMENT_BYTES}"
        return
    try:
        if not base64.b64decode(content.encode("ascii"), validate=True):
            yield ERROR, "attachment: файл ответа пуст"
    except (binascii.Error, ValueError):
        yield ERROR, "attachment: content не base64"


def _of_transfer(said: Any, question: dict[str, Any]) -> Said:
    if not isinstance(said, dict):
        yield ERROR, "transfer: нужен объект"
        return
    if not _is_guid(said.get("departmentId")):
        yield ERROR, "transfer.departmentId: нужен GUID органа, куда направлено"
    if not _is_text(said.get("transferNumber")):
        yield ERROR, "transfer.transferNumber: нужен номер письма"
    on = _day(said.get("transferDate"))
    if on is None:
        yield ERROR, "transfer.transferDate: дата пишется гггг-мм-дд"
    registered = _day(question.get("registrationDate"))
    if on and registered and on < registered:
        yield ERROR, "transferDate раньше registrationDate"


def _is_guid(value: Any) -> bool:
    return isinstance(value, str) and bool(_GUID.fullmatch(value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _short(text: str) -> str:
    """Return a foreign name as it may be printed: no control characters, no endless ones."""
    return "".join(one if one.isprintable() else "?" for one in text)[:80]
