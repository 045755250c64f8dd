"""The fourteen checks of a package, each with its own answer; and the document read on the way."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from otklik.channels.medo import message, package, schema, versions
from otklik.channels.medo.message import Document, Message
from otklik.channels.medo.package import Broken, Package, Taken
from otklik.core import signatures, sniffing
from otklik.core.signatures import Verdict

log = logging.getLogger("otklik.medo")

State = Literal["ok", "failed", "remark", "unchecked", "none"]
STATES: Final[dict[str, str]] = {
    "ok": "пройдена",
    "failed": "не пройдена",
    "remark": "замечание",
    "unchecked": "не проверено",
    "none": "не относится",
}
NAMES: Final[dict[int, str]] = {
    1: "в каталоге есть конверт и XML сообщения",
    2: "все файлы, названные в конверте, на месте",
    3: "адресат — наш узел",
    4: "XML сообщения соответствует схеме своей версии",
    5: "тип сообщения известен",
    6: "транспортный контейнер — исправный архив",
    7: "в контейнере есть паспорт, он соответствует схеме",
    8: "файл основного документа на месте",
    9: "есть хотя бы одна подпись",
    10: "файлы всех подписей на месте",
    11: "файлы всех штампов на месте",
    12: "каждая подпись проверяет свой документ",
    13: "uid — GUID и раньше не встречался",
    14: "основной документ — PDF",
}
# Without these there is nothing to show a person: the message waits in quarantine.
BLIND: Final = frozenset({1, 4, 5, 6, 7, 13})
MOST_SIGNATURES: Final = 10
NOT_OF_IT: Final = "не относится"


@dataclass(frozen=True)
class Check:
    """One check's answer. `why` in Russian; without personal data: it goes back to the sender in the receipt."""

    number: int
    state: State
    why: str = ""

    def __str__(self) -> str:
        return f"Проверка {self.number} ({NAMES[self.number]}): {self.why or STATES[self.state]}"


@dataclass
class Report:
    """What the checks said of a package, and what was read of it. `inner`: where the document's files lie."""

    checks: list[Check] = field(default_factory=list)
    message: Message | None = None
    document: Document | None = None
    inner: Package | None = None
    verdicts: dict[str, Verdict] = field(default_factory=dict)  # by the signature's file
    unreadable: str = ""

    @property
    def failed(self) -> list[Check]:
        """Return the checks a package has not passed."""
        return [one for one in self.checks if one.state == "failed"]

    def said(self, number: int, state: State, why: str = "") -> None:
        """Write down the answer of one check."""
        self.checks.append(Check(number, state, why))


@contextmanager
def examined(path: Path, *, cards_only: bool = False) -> Iterator[Report]:
    """Examine a kept package; its files can be taken while inside. Raise Broken where it is no archive.

    `cards_only`: read what it says, look neither at its document nor at the signatures (checks 8–12 and 14).
    """
    with package.opened(path) as (outer, taken):
        report = Report()
        _envelope(report, outer, taken)
        _message(report, outer, taken)
        inner: Path | None = None
        try:
            with _container(report, outer) as inner:
                if not cards_only:
                    _document(report, outer)
                report.checks.sort(key=lambda one: one.number)
                yield report
        finally:
            if inner is not None:
                inner.unlink(missing_ok=True)


def _envelope(report: Report, outer: Package, taken: Taken) -> None:
    """Checks 1–3."""
    letter, xml = package.envelope_of(outer), package.message_name(outer)
    missing = [what for what, there in (("конверта", letter), ("XML сообщения", xml)) if not there]
    if outer.too_much:
        missing.append(f"порядка: файлов больше {package.MOST_FILES} или они больше 1 ГБ")
    report.said(1, "failed" if missing else "ok", f"нет {', нет '.join(missing)}" if missing else "")
    if letter is None:
        report.said(2, "unchecked", "нет конверта")
        report.said(3, "unchecked", "нет конверта")
        return
    lost = [name for name in letter.files if not outer.find(name)]
    report.said(2, "failed" if lost else "ok", f"нет файлов: {_names(lost)}" if lost else "")
    if not taken.node:
        report.said(3, "unchecked", "наш адрес не указан в параметрах канала")
    elif any(one.casefold() == taken.node.casefold() for one in letter.recipients):
        report.said(3, "ok")
    else:
        report.said(3, "failed", f"среди адресатов конверта нет {taken.node}")


def _message(report: Report, outer: Package, taken: Taken) -> None:
    """Checks 4, 5 and 13."""
    name = package.message_name(outer)
    if not name:
        for number in (4, 5, 13):
            report.said(number, "unchecked", "нет XML сообщения")
        return
    try:
        root = outer.xml(name)
        report.message = said = message.read(root)
    except Broken as exc:
        report.unreadable = str(exc)
        report.said(4, "failed", str(exc))
        report.said(5, "unchecked", "XML не прочитан")
        report.said(13, "unchecked", "XML не прочитан")
        return
    if said is None:
        report.unreadable = "это не сообщение МЭДО известной версии"
        report.said(4, "failed", report.unreadable)
        report.said(5, "unchecked", "сообщение не прочитано")
        report.said(13, "unchecked", "сообщение не прочитано")
        return
    version = said.version
    found = schema.problems(root, version.table, "Communication", "communication", version.message)
    if said.said_version != version.name:
        found.insert(0, f"версия «{said.said_version}» не известна, прочитано как {version.name}")
    _of_schema(report, 4, found, version)
    known = schema.SIMPLE["header27" if version.container else "header"](said.type)
    report.said(5, "ok" if known else "failed", "" if known else "тип в заголовке не из перечня версии")
    if not schema.is_guid(said.uid):
        report.said(13, "failed", "uid сообщения не GUID")
    elif taken.again:
        report.said(13, "failed", "сообщение с таким uid уже принято, а содержание у этого другое")
    else:
        report.said(13, "ok")


@contextmanager
def _container(report: Report, outer: Package) -> Iterator[Path | None]:
    """Checks 6 and 7; inside, `report.inner` is where the document's files lie."""
    said = report.message
    if said is None or said.type != versions.CONTAINER:
        of_it = said is not None
        for number in (6, 7):
            report.said(number, "none" if of_it else "unchecked", NOT_OF_IT if of_it else "сообщение не прочитано")
        report.document = said.document if said else None
        report.inner = outer
        yield None
        return
    path: Path | None = None
    try:
        if not outer.find(said.body):
            raise Broken("архив контейнера не назван" if not said.body else f"нет файла «{said.body[:100]}»")
        path = outer.extract(said.body)
        archive = zipfile.ZipFile(path)
    except (Broken, zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        if path is not None:
            path.unlink(missing_ok=True)
        report.said(6, "failed", str(exc) if isinstance(exc, Broken) else "это не ZIP или он повреждён")
        report.said(7, "unchecked", "контейнер не открыт")
        yield None
        return
    with archive:
        inner = Package(archive)
        report.inner = inner
        wrong = "имена ведут из каталога или повторяются" if inner.odd else ""
        wrong = f"файлов больше {package.MOST_FILES} или они больше 1 ГБ" if inner.too_much else wrong
        report.said(6, "failed" if wrong else "ok", wrong)
        _passport(report, inner, said)
        yield path


def _passport(report: Report, inner: Package, said: Message) -> None:
    """Check 7."""
    try:
        if not inner.find("passport.xml"):
            raise Broken("нет passport.xml")
        root = inner.xml("passport.xml")
    except Broken as exc:
        report.said(7, "failed", str(exc))
        return
    version = said.version
    if root.tag.rpartition("}")[2] != "container":
        report.said(7, "failed", "passport.xml — не паспорт контейнера")
        return
    report.document = message.read_passport(root)
    found = schema.problems(root, version.passport, "Passport", "container", version.container)
    _of_schema(report, 7, found, version)


def _of_schema(report: Report, number: int, found: Sequence[str], version: versions.Version) -> None:
    if not found:
        report.said(number, "ok", "" if version.confirmed else f"схема версии {version.name} не подтверждена")
        return
    told = "; ".join(found)[:1000]
    if version.confirmed:
        report.said(number, "failed", told)
    else:
        report.said(number, "remark", f"{told} (схема версии {version.name} не подтверждена)")


def _document(report: Report, outer: Package) -> None:
    """Checks 8–12 and 14; `outer`: where the archive of a container and its own signature lie."""
    said, document, inner = report.message, report.document, report.inner
    if said is not None and not said.for_people:
        for number in (8, 9, 10, 11, 12, 14):
            report.said(number, "none", NOT_OF_IT)
        return
    if document is None or inner is None:
        for number in (8, 9, 10, 11, 12, 14):
            report.said(number, "unchecked", "документ не прочитан")
        return
    contained = said is not None and said.type == versions.CONTAINER
    main = inner.find(document.main) if document.main else ""
    why = "основной документ не назван" if not document.main else f"нет файла «{document.main[:100]}»"
    report.said(8, "ok" if main else "failed", "" if main else why)
    if document.signatures:
        report.said(9, "ok")
    elif contained:
        report.said(9, "failed", "в паспорте не названо ни одной подписи")
    else:
        report.said(9, "none", "в этой версии подпись не обязательна")
    signed = [(one, inner) for one in document.signatures]
    if said is not None and said.body_signature:
        signed.append((message.Signed(said.body_signature, said.body), outer))
    _present(report, 10, [(one.file, where) for one, where in signed])
    _present(report, 11, [(name, inner) for name in document.stamps])
    _verify(report, signed)
    _is_pdf(report, main, inner)


def _present(report: Report, number: int, wanted: Sequence[tuple[str, Package]]) -> None:
    if not wanted:
        report.said(number, "none", NOT_OF_IT)
        return
    lost = [name for name, where in wanted if not where.find(name)]
    report.said(number, "failed" if lost else "ok", f"нет файлов: {_names(lost)}" if lost else "")


def _verify(report: Report, signed: Sequence[tuple[message.Signed, Package]]) -> None:
    """Check 12: «ok» only where every signature is good."""
    there = [(one, where) for one, where in signed if where.find(one.file)]
    verdicts = [(one.file, _verdict(one, where)) for one, where in there[:MOST_SIGNATURES]]
    verdicts += [(one.file, Verdict("unchecked", "подписей слишком много")) for one, _ in there[MOST_SIGNATURES:]]
    report.verdicts = dict(verdicts)
    if not verdicts:
        report.said(12, "unchecked" if signed else "none", "файлов подписей нет" if signed else NOT_OF_IT)
        return
    states: tuple[tuple[State, str], ...] = (("failed", "bad"), ("unchecked", "unchecked"), ("ok", "good"))
    for state, of in states:
        if its := [f"{name}: {one.why}" for name, one in verdicts if one.state == of]:
            report.said(12, state, "; ".join(its)[:500])
            return


def _verdict(signed: message.Signed, inner: Package) -> Verdict:
    if not inner.find(signed.signs):
        return Verdict("unchecked", "нет подписанного файла")
    content: Path | None = None
    try:
        raw = inner.read(signed.file, most=signatures.MAX_BYTES)
        content = inner.extract(signed.signs)
        return signatures.verify(raw, content)
    except Broken as exc:
        return Verdict("bad", str(exc))
    except Exception as exc:  # a signature nobody has seen yet must not cost the document
        log.exception("a signature could not be examined")
        return Verdict("unchecked", f"ошибка программы ({type(exc).__name__})")
    finally:
        if content is not None:
            content.unlink(missing_ok=True)


def _is_pdf(report: Report, main: str, inner: Package) -> None:
    """Check 14."""
    if not main:
        report.said(14, "unchecked", "нет основного документа")
        return
    content: Path | None = None
    try:
        content = inner.extract(main)
        is_pdf = sniffing.content_type(content, main) == sniffing.PDF
        report.said(14, "ok" if is_pdf else "failed", "" if is_pdf else "по содержанию это не PDF")
    except Broken as exc:
        report.said(14, "failed", str(exc))
    finally:
        if content is not None:
            content.unlink(missing_ok=True)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"«{name[:80]}»" for name in names[:10])
