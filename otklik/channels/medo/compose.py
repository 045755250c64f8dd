"""Messages of ours: receipts, notifications and answers, each in the version its receiver speaks."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from django.utils import timezone
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from otklik.channels.medo import envelope, versions
from otklik.channels.medo.exchange import Exchange, Partner
from otklik.channels.medo.message import Numbered, Someone
from otklik.channels.medo.versions import Version
from otklik.core import signatures, typeset
from otklik.correspondence.channel import DeliveryError
from otklik.correspondence.text import clean, fit

STAMP: Final = Path(__file__).with_name("stamp.typ")
NOTIFICATION_FILE, RECEIPT_FILE = "notification.xml", "acknowledgment.xml"
BODY: Final = "document.edc.zip"
# Millimetres of an A4 page from its upper left corner: x, y, width, height.
_REGISTRATION: Final = (20, 60, 70, 12)
_SIGNATURE: Final = (100, 250, 80, 25)
_SMALL: Final = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya".replace("_", "").split(" "),
        strict=True,
    )
)
_LETTERS: Final = {**_SMALL, **{sign.upper(): latin.capitalize() for sign, latin in _SMALL.items()}}


@dataclass(frozen=True)
class Event:
    """What happened to a case, as a notification says it; what its kind does not ask for stays empty."""

    type: str  # of `versions.NOTIFICATIONS`
    at: datetime
    num: Numbered = field(default_factory=Numbered)  # of a registration or of a report
    reason: str = ""  # of `versions.REFUSALS`
    secretary: Someone = field(default_factory=Someone)
    manager: Someone = field(default_factory=Someone)
    executor: Someone = field(default_factory=Someone)
    signatory: Someone = field(default_factory=Someone)
    course: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Original:
    """The document of theirs that a message of ours is about."""

    uid: str
    id: str = ""
    message_uid: str = ""
    num: Numbered = field(default_factory=Numbered)


@dataclass(frozen=True)
class Answer:
    """A signed answer to go out. `files`: name and place; the first PDF is the answer itself."""

    uid: str
    num: Numbered
    annotation: str
    files: Sequence[tuple[str, Path]]
    to: Original | None = None
    kind: str = "Письмо"


class _Writer:
    """Writes elements and attributes of one namespace, both qualified."""

    def __init__(self, namespace: str, prefix: str) -> None:
        self.namespace, self.prefix = namespace, prefix

    def add(self, parent: ET.Element | None, name: str, text: str = "", **attributes: str) -> ET.Element:
        named = {f"{{{self.namespace}}}{key}": clean(value) for key, value in attributes.items() if value}
        tag = f"{{{self.namespace}}}{name}"
        node = ET.Element(tag, named) if parent is None else ET.SubElement(parent, tag, named)
        if text:
            node.text = clean(text)
        return node

    def to_bytes(self, root: ET.Element, encoding: str) -> bytes:
        ET.register_namespace(self.prefix, self.namespace)
        content: bytes = ET.tostring(root, encoding=encoding, xml_declaration=True)
        return content


def receipt(us: Exchange, version: Version, *, uid: str, of: str, accepted: bool, comment: str, at: datetime) -> bytes:
    """Return `acknowledgment.xml` for a message of uid `of`."""
    xml, root = _begin(us, version, uid, versions.RECEIPT, at)
    node = xml.add(root, "acknowledgment", uid=of)
    xml.add(node, "time", _moment(at))
    xml.add(node, "accepted", "true" if accepted else "false")
    if comment:
        xml.add(node, "comment", _cut(comment, 2047))
    return xml.to_bytes(root, version.encoding)


def notification(us: Exchange, version: Version, event: Event, of: Original, *, uid: str) -> bytes:
    """Return `notification.xml` about a document of theirs."""
    xml, root = _begin(us, version, uid, versions.NOTIFICATION, event.at)
    node = xml.add(root, "notification", type=event.type, uid=of.uid, id=of.id, mid=of.message_uid)
    kind = versions.NOTIFICATIONS[event.type]
    inner = xml.add(node, kind)
    xml.add(inner, "time", _moment(event.at))
    if of.num.number:
        _number(xml, xml.add(inner, "foundation"), of.num)
    if kind == "documentAccepted":
        _number(xml, inner, event.num)
    elif kind == "documentRefused":
        xml.add(inner, "reason", event.reason)
    elif kind == "executorAssigned":
        old = version.name == "2.2"
        for name, one in (("secretary", event.secretary), ("manager", event.manager), ("executor", event.executor)):
            _someone(xml, xml.add(inner, name, uid="" if old else us.uid), one, us)
    elif kind == "reportPrepared":
        signatory = xml.add(inner, "signatory")
        _someone(xml, signatory, event.signatory, us)
        xml.add(signatory, "signed", _day(event.at))
    elif kind == "reportSent":
        report = xml.add(inner, "report")
        xml.add(report, "organization", fit(us.organization, 511))
        _number(xml, report, event.num)
    else:
        xml.add(inner, "courseText", _cut(event.course, 4000))
    if event.comment:
        xml.add(node, "comment", _cut(event.comment, 2047))
    return xml.to_bytes(root, version.encoding)


def packed(
    us: Exchange, partner: Partner, files: Mapping[str, bytes | Path], *, subject: str, at: datetime
) -> dict[str, bytes | Path]:
    """Return a package's files with the envelope that names them; the envelope is written last."""
    letter = envelope.write(subject=subject, recipients=[partner.node], files=list(files), at=at)
    return {**files, "envelope.ini": letter}


def answer(
    us: Exchange, partner: Partner, version: Version, said: Answer, *, at: datetime, work: Path
) -> dict[str, bytes | Path]:
    """Return the files of an answer: beside its card up to 2.6, in a container with a passport from 2.7 on.

    `work` is a folder in which the container is put together.
    """
    job = _Job(us, partner, version, said, _Papers.of(said.files), at)
    return _container(job, work) if version.container else _card(job)


@dataclass(frozen=True)
class _Papers:
    """An answer's files under the names they go by: Latin letters, the signature `.p7s`."""

    main: tuple[str, Path]
    signature: tuple[str, Path] | None
    attachments: list[tuple[str, Path]]

    @classmethod
    def of(cls, files: Sequence[tuple[str, Path]]) -> _Papers:
        main = next((one for one in files if one[0].lower().endswith(".pdf")), None)
        if main is None:
            raise DeliveryError("У ответа нет файла PDF: по МЭДО отправляется только PDF.", permanent=True)
        sign = next((one for one in files if one[0].lower().endswith((".sig", ".p7s"))), None)
        used: set[str] = {envelope.NAMES[0], BODY, "passport.xml", "document.xml", "communication.xml"}
        main_name = _latin(main[0], used)
        signature = (_latin(f"{main[0]}.p7s", used), sign[1]) if sign else None
        rest = [(_latin(name, used), place) for name, place in files if (name, place) not in (main, sign)]
        return cls((main_name, main[1]), signature, rest)

    @cached_property
    def pages(self) -> int:
        """Return how many pages the answer has; one where its file does not say."""
        try:
            return len(PdfReader(self.main[1]).pages)
        except (PyPdfError, OSError, ValueError, KeyError, RecursionError):
            return 1

    @cached_property
    def certificate(self) -> dict[str, str]:
        """Return what the signature's certificate says, empty without one."""
        if self.signature is None:
            return {}
        try:
            signed = signatures.load(self.signature[1].read_bytes())
            infos = list(signed["signer_infos"])
            return signatures.signer_of(signed, infos[0]) if infos else {}
        except (ValueError, OSError):
            return {}


@dataclass(frozen=True)
class _Job:
    """Everything an answer is put together from."""

    us: Exchange
    partner: Partner
    version: Version
    said: Answer
    papers: _Papers
    at: datetime

    @property
    def old(self) -> bool:
        """Say whether the receiver speaks 2.2: no signatures, no uids of addressees."""
        return self.version.name == "2.2"

    @property
    def types(self) -> tuple[str, ...]:
        """Return the kinds of files that the version knows by name."""
        return ("pdf",) if self.old else ("pdf", "tif", "doc", "txt", "xml")

    @cached_property
    def who(self) -> Someone:
        """Return who signed, by the certificate; else only our organisation."""
        name, post = signatures.holder(self.papers.certificate)
        return Someone(self.us.organization, name, post=post)


def _card(job: _Job) -> dict[str, bytes | Path]:
    """Return a message ≤ 2.6: the card as XML, the files beside it."""
    xml, root = _begin(job.us, job.version, job.said.uid, versions.DOCUMENT, job.at)
    document = xml.add(root, "document", uid=job.said.uid)
    xml.add(document, "kind", job.said.kind)
    _number(xml, document, job.said.num)
    signatory = xml.add(xml.add(document, "signatories"), "signatory")
    _someone(xml, signatory, job.who, job.us)
    xml.add(signatory, "signed", _day(job.at))
    addressee = xml.add(xml.add(document, "addressees"), "addressee", uid="" if job.old else job.partner.uid)
    xml.add(addressee, "organization", fit(job.partner.organization, 511))
    xml.add(document, "pages", str(job.papers.pages))
    xml.add(document, "annotation", _cut(job.said.annotation, 4000))
    if job.said.to is not None and job.said.to.num.number:
        link = xml.add(xml.add(document, "links"), "link", uid=job.said.to.uid)
        xml.add(link, "linkType", "В ответ на")
        reference = xml.add(link, "reference")
        xml.add(reference, "organization", fit(job.partner.organization, 511))
        _number(xml, reference, job.said.to.num)
    xml.add(document, "files", "0")
    files = xml.add(root, "files")
    for number, (name, _) in enumerate((job.papers.main, *job.papers.attachments)):
        _file(xml, files, job, number, name)
    _deliver(xml, root, job.partner)
    beside: dict[str, bytes | Path] = dict((job.papers.main, *job.papers.attachments))
    if job.papers.signature:
        beside[job.papers.signature[0]] = job.papers.signature[1]
    return {job.version.xml_name: xml.to_bytes(root, job.version.encoding), **beside}


def _container(job: _Job, work: Path) -> dict[str, bytes | Path]:
    """Return a message from 2.7 on: a container with a passport, the files inside."""
    papers = job.papers
    if papers.signature is None:
        raise DeliveryError(
            f"Ответ не подписан электронной подписью, а в МЭДО {job.version.name} она обязательна. "
            "Подпишите ответ УКЭП или отправьте его другим способом.",
            permanent=True,
        )
    xml, root = _begin(job.us, job.version, job.said.uid, versions.CONTAINER, job.at)
    xml.add(xml.add(root, "container", type="Документ в электронном виде"), "body", BODY)
    _deliver(xml, root, job.partner)
    body = work / BODY
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("passport.xml", _passport(job, papers.signature[0]))
        for name, place in (papers.main, papers.signature, *papers.attachments):
            archive.write(place, name)
        archive.writestr("registration.png", _stamp(_REGISTRATION, [str(job.said.num)]))
        archive.writestr("signature.png", _stamp(_SIGNATURE, _signature_lines(job.who, papers.certificate)))
    return {job.version.xml_name: xml.to_bytes(root, job.version.encoding), BODY: body}


def _passport(job: _Job, signature_name: str) -> bytes:
    xml, said, to = _Writer(job.version.container, "c"), job.said, job.said.to
    root = xml.add(None, "container", uid=said.uid, version=job.version.container_version)
    requisites = xml.add(root, "requisites")
    xml.add(requisites, "documentKind", said.kind, id="DK00000000")
    xml.add(requisites, "classification", "Обычная информация", id="DC00000000")
    xml.add(requisites, "annotation", _cut(said.annotation, 4000))
    if to is not None and to.num.number and to.num.on:
        link = xml.add(xml.add(requisites, "links"), "link", uid=to.uid)
        xml.add(xml.add(link, "organization"), "title", fit(job.partner.organization, 511))
        _numbered(xml, xml.add(link, "registration"), to.num)
    author = xml.add(xml.add(root, "authors"), "author")
    xml.add(xml.add(author, "organization"), "title", fit(job.us.organization, 511))
    registration = xml.add(author, "registration")
    _numbered(xml, registration, said.num)
    _position(xml, xml.add(registration, "registrationStamp", localName="registration.png"), 1, _REGISTRATION)
    sign = xml.add(author, "sign")
    person = xml.add(sign, "person")
    xml.add(person, "post", job.who.post or "Не указана")
    xml.add(person, "name", job.who.person or job.us.organization)
    signature = xml.add(sign, "documentSignature", localName=signature_name, type="Утверждающая")
    _position(xml, xml.add(signature, "signatureStamp", localName="signature.png"), job.papers.pages, _SIGNATURE)
    addressee = xml.add(xml.add(root, "addressees"), "addressee")
    xml.add(xml.add(addressee, "organization"), "title", fit(job.partner.organization, 511))
    document = xml.add(root, "document", localName=job.papers.main[0])
    xml.add(document, "pagesQuantity", str(job.papers.pages))
    if job.papers.attachments:
        attachments = xml.add(root, "attachments")
        for order, (name, _) in enumerate(job.papers.attachments):
            xml.add(xml.add(attachments, "attachment", localName=name), "order", str(order))
    return xml.to_bytes(root, job.version.encoding)


def _begin(us: Exchange, version: Version, uid: str, kind: str, at: datetime) -> tuple[_Writer, ET.Element]:
    xml = _Writer(version.message, "xdms")
    root = xml.add(None, "communication", version=version.name)
    header = xml.add(root, "header", type=kind, uid=uid, created=_moment(at))
    xml.add(xml.add(header, "source", uid=us.uid), "organization", fit(us.organization, 511))
    return xml, root


def _deliver(xml: _Writer, root: ET.Element, partner: Partner) -> None:
    outer = xml.add(xml.add(root, "deliveryIndex"), "destination")
    inner = xml.add(outer, "destination", uid=partner.uid)
    xml.add(inner, "organization", fit(partner.organization, 511))


def _file(xml: _Writer, parent: ET.Element, job: _Job, number: int, name: str) -> None:
    suffix = name.rpartition(".")[2].lower()
    node = xml.add(parent, "file", localName=name, localId=str(number), type=suffix if suffix in job.types else "")
    xml.add(node, "group", "Текст документа" if number == 0 else "Текст приложения")
    if number:
        return
    xml.add(node, "pages", str(job.papers.pages))
    if job.papers.signature and not job.old:
        data = xml.add(node, "signedData", localName=name, type="pdf")
        info = xml.add(data, "signerInfo", signature=job.papers.signature[0])
        xml.add(info, "digestTime", _moment(job.at))
        _someone(xml, xml.add(info, "signer"), job.who, job.us)


def _someone(xml: _Writer, node: ET.Element, one: Someone, us: Exchange) -> None:
    for name, value in (
        ("organization", one.organization or us.organization),
        ("person", one.person),
        ("department", one.department),
        ("post", one.post),
    ):
        if value:
            xml.add(node, name, fit(value, 511))


def _number(xml: _Writer, parent: ET.Element, num: Numbered) -> None:
    _numbered(xml, xml.add(parent, "num"), num)


def _numbered(xml: _Writer, node: ET.Element, num: Numbered) -> None:
    xml.add(node, "number", fit(num.number, 31) or "б/н")
    if num.on:
        xml.add(node, "date", num.on.isoformat())


def _position(xml: _Writer, node: ET.Element, page: int, place: tuple[int, int, int, int]) -> None:
    position = xml.add(node, "position")
    xml.add(position, "page", str(page))
    corner, size = xml.add(position, "topLeft"), xml.add(position, "dimension")
    for parent, names in ((corner, ("x", "y")), (size, ("w", "h"))):
        for name, value in zip(names, place[:2] if parent is corner else place[2:], strict=True):
            xml.add(parent, name, str(value))


def _stamp(place: tuple[int, int, int, int], lines: Sequence[str]) -> bytes:
    return typeset.png(STAMP, {"stamp": {"width": place[2], "height": place[3], "lines": list(lines)}})


def _signature_lines(who: Someone, certificate: Mapping[str, str]) -> list[str]:
    lines = ["Документ подписан электронной подписью"]
    if certificate:
        lines.append(f"Сертификат {certificate['serial'].upper()}")
        lines.append(f"Владелец {who.person or who.organization}")
        since, until = (date.fromisoformat(certificate[name][:10]) for name in ("valid_from", "valid_to"))
        lines.append(f"Действителен с {since:%d.%m.%Y} по {until:%d.%m.%Y}")
    return lines


def _latin(name: str, used: set[str]) -> str:
    """Return a file name in Latin letters that nobody has yet: many receivers cannot unpack another."""
    stem, dot, suffix = "".join(_LETTERS.get(sign, sign) for sign in name).rpartition(".")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", stem if dot else suffix).strip("._")[:100] or "file"
    suffix = re.sub(r"[^A-Za-z0-9]+", "", suffix)[:10] if dot else ""
    made, turn = f"{stem}.{suffix}" if suffix else stem, 1
    while made.lower() in used:
        turn += 1
        made = f"{stem}_{turn}.{suffix}" if suffix else f"{stem}_{turn}"
    used.add(made.lower())
    return made


def _cut(text: str, most: int) -> str:
    bare = clean(text).strip()
    return bare if len(bare) <= most else bare[: most - 1] + "…"


def _moment(at: datetime) -> str:
    return timezone.localtime(at).isoformat(timespec="seconds")


def _day(at: datetime) -> str:
    return timezone.localtime(at).date().isoformat()
