"""What a message says, whichever version it is written in. Reading is lenient: the schema's say is a check apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from xml.etree.ElementTree import Element

from otklik.channels.medo import schema, versions
from otklik.channels.medo.package import attribute
from otklik.channels.medo.versions import Version
from otklik.correspondence.text import clean


@dataclass(frozen=True)
class Someone:
    """A body or a person named in a message."""

    organization: str = ""
    person: str = ""
    department: str = ""
    post: str = ""
    contact: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.organization, self.department, self.post, self.person) if part)


@dataclass(frozen=True)
class Numbered:
    """A document's number and day."""

    number: str = ""
    on: date | None = None

    def __str__(self) -> str:
        day = f" от {self.on:%d.%m.%Y}" if self.on else ""
        return f"№ {self.number}{day}" if self.number else day.strip()


@dataclass(frozen=True)
class Clause:
    """A point of an order, with its term."""

    text: str = ""
    deadline: date | None = None


@dataclass(frozen=True)
class Linked:
    """A document that this one answers, carries out or goes with."""

    kind: str = ""
    uid: str = ""
    num: Numbered = field(default_factory=Numbered)
    organization: str = ""


@dataclass(frozen=True)
class Signed:
    """A signature: its file, and the file it signs (by name)."""

    file: str
    signs: str
    who: str = ""


@dataclass(frozen=True)
class Paper:
    """A file of the document. `main`: the text itself, else an attachment."""

    name: str
    main: bool = False
    description: str = ""


@dataclass(frozen=True)
class Document:
    """A document as its card says: of a message ≤ 2.6 or of a container's passport."""

    uid: str = ""
    id: str = ""
    kind: str = ""
    num: Numbered = field(default_factory=Numbered)
    classification: str = ""
    urgency: str = ""
    annotation: str = ""
    comment: str = ""
    pages: str = ""
    authors: Sequence[Someone] = ()
    addressees: Sequence[Someone] = ()
    addressee_uids: Sequence[str] = ()
    correspondents: Sequence[Someone] = ()
    clauses: Sequence[Clause] = ()
    links: Sequence[Linked] = ()
    papers: Sequence[Paper] = ()
    signatures: Sequence[Signed] = ()
    stamps: Sequence[str] = ()

    @property
    def main(self) -> str:
        """Return the name of the main file; empty where none is named."""
        return next((one.name for one in self.papers if one.main), "")


@dataclass(frozen=True)
class Notice:
    """A notification or a receipt: of which document or message, and what it says in words."""

    type: str = ""
    uid: str = ""
    mid: str = ""
    says: str = ""
    accepted: bool = True


@dataclass(frozen=True)
class Message:
    """A message read: its header and what it carries."""

    version: Version
    said_version: str
    type: str
    uid: str
    sender: Someone
    sender_uid: str
    document: Document | None = None
    notice: Notice | None = None
    body: str = ""  # name of the container's archive
    body_signature: str = ""  # name of the file that signs the archive
    destinations: Sequence[str] = ()  # uids of the delivery index

    @property
    def for_people(self) -> bool:
        """Say whether a person has to decide about it: neither a receipt nor a notification."""
        return self.type not in (versions.NOTIFICATION, versions.RECEIPT)


def read(root: Element) -> Message | None:
    """Read a message; None where this is no message of МЭДО."""
    namespace, _, name = root.tag[1:].rpartition("}") if root.tag.startswith("{") else ("", "", root.tag)
    version = versions.version_of(attribute(root, "version"), namespace, container=child(root, "container") is not None)
    header = child(root, "header")
    if version is None or name != "communication" or header is None:
        return None
    source = child(header, "source")
    return Message(
        version=version,
        said_version=attribute(root, "version")[:20],
        type=attribute(header, "type"),
        uid=attribute(header, "uid").lower(),
        sender=Someone(organization=text(source, "organization")),
        sender_uid=attribute(source, "uid").lower(),
        document=_document(root),
        notice=_notice(root),
        body=text(child(root, "container"), "body"),
        body_signature=text(child(root, "container"), "signature"),
        destinations=tuple(
            attribute(child(one, "destination"), "uid").lower()
            for one in children(child(root, "deliveryIndex"), "destination")
        ),
    )


def read_passport(root: Element) -> Document:
    """Read the passport of a transport container."""
    requisites = child(root, "requisites")
    authors = children(child(root, "authors"), "author")
    first = authors[0] if authors else None
    main = attribute(child(root, "document"), "localName")
    signatures = [
        Signed(attribute(child(sign, "documentSignature"), "localName"), main, text(child(sign, "person"), "name"))
        for author in authors
        for sign in children(author, "sign")
    ]
    papers = [Paper(main, main=True)] if main else []
    for one in children(child(root, "attachments"), "attachment"):
        name = attribute(one, "localName")
        papers.append(Paper(name, description=text(one, "description")))
        signatures += [Signed(attribute(its, "localName"), name) for its in children(one, "signature")]
    return Document(
        uid=attribute(root, "uid").lower(),
        kind=text(requisites, "documentKind"),
        num=_number(child(first, "registration")),
        classification=text(requisites, "classification") or attribute(child(requisites, "classification"), "id"),
        annotation=text(requisites, "annotation"),
        pages=text(child(root, "document"), "pagesQuantity"),
        authors=[_passport_author(one) for one in authors],
        addressees=[_passport_someone(one) for one in children(child(root, "addressees"), "addressee")],
        links=[_passport_link(one) for one in children(child(requisites, "links"), "link")],
        papers=papers,
        signatures=[one for one in signatures if one.file],
        stamps=[
            name
            for node in root.iter()
            if isinstance(node.tag, str) and node.tag.rpartition("}")[2] in ("registrationStamp", "signatureStamp")
            if (name := attribute(node, "localName"))
        ],
    )


def child(node: Element | None, name: str) -> Element | None:
    """Return the first child of this local name."""
    return next(iter(children(node, name)), None)


def children(node: Element | None, name: str) -> list[Element]:
    """Return the children of this local name."""
    if node is None:
        return []
    return [one for one in node if isinstance(one.tag, str) and one.tag.rpartition("}")[2] == name]


def text(node: Element | None, name: str) -> str:
    """Return the text of a child, clean; empty where there is none."""
    found = child(node, name)
    return "" if found is None else clean("".join(found.itertext())).strip()


def _document(root: Element) -> Document | None:
    node = child(root, "document")
    if node is None:
        return None
    clauses = children(child(node, "clauses"), "clause")
    papers, signatures = _files(child(root, "files"))
    addressees = children(child(node, "addressees"), "addressee")
    return Document(
        uid=attribute(node, "uid").lower(),
        id=attribute(node, "id"),
        kind=text(node, "kind") or text(node, "type"),
        num=_number(child(node, "num")),
        classification=text(node, "classification"),
        urgency=text(node, "urgency"),
        annotation=text(node, "annotation"),
        comment=text(node, "comment"),
        pages=text(node, "pages"),
        authors=[_someone(one) for one in children(child(node, "signatories"), "signatory")],
        addressees=[_someone(one) for one in addressees],
        addressee_uids=[uid for one in addressees if (uid := attribute(one, "uid").lower())],
        correspondents=[_someone(one) for one in children(child(node, "correspondents"), "correspondent")],
        clauses=[Clause(text(one, "text"), _day(text(one, "deadline"))) for one in clauses],
        links=[_link(one) for one in children(child(node, "links"), "link")],
        papers=papers,
        signatures=signatures,
    )


def _files(node: Element | None) -> tuple[list[Paper], list[Signed]]:
    papers: list[Paper] = []
    signatures: list[Signed] = []
    groups = [text(one, "group") for one in children(node, "file")]
    main = groups.index("Текст документа") if "Текст документа" in groups else -1
    for number, one in enumerate(children(node, "file")):
        name = attribute(one, "localName")
        if not name:
            continue
        papers.append(Paper(name, number == main, text(one, "description")))
        for data in children(one, "signedData"):
            signs = attribute(data, "localName") or name
            signatures += [
                Signed(attribute(info, "signature"), signs, text(child(info, "signer"), "person"))
                for info in children(data, "signerInfo")
            ]
    return papers, [one for one in signatures if one.file]


def _notice(root: Element) -> Notice | None:
    if (node := child(root, "acknowledgment")) is not None:
        accepted = text(node, "accepted") in ("true", "1")
        says = "Получено" if accepted else "Не принято"
        said = text(node, "comment")
        return Notice(versions.RECEIPT, attribute(node, "uid").lower(), "", f"{says}. {said}".strip(), accepted)
    if (node := child(root, "notification")) is None:
        return None
    kind = attribute(node, "type")
    event = child(node, versions.NOTIFICATIONS.get(kind, ""))
    refused = child(node, "documentRefused")
    parts = [
        kind,
        str(_number(child(event, "num"))),
        text(event, "reason"),
        text(event, "courseText"),
        _said_of(event, "executor"),
        _said_of(event, "signatory"),
        str(_number(child(child(event, "report"), "num"))),
        text(node, "comment"),
    ]
    return Notice(
        kind,
        attribute(node, "uid").lower(),
        attribute(node, "mid").lower(),
        ". ".join(part for part in parts if part),
        refused is None,
    )


def _said_of(event: Element | None, name: str) -> str:
    found = child(event, name)
    return "" if found is None else str(_someone(found))


def _someone(node: Element) -> Someone:
    return Someone(
        organization=text(node, "organization"),
        person=text(node, "person"),
        department=text(node, "department"),
        post=text(node, "post"),
        contact=text(node, "contactInfo"),
    )


def _passport_someone(node: Element) -> Someone:
    organization, person = child(node, "organization"), child(node, "person")
    return Someone(
        organization=text(organization, "title"),
        person=text(person, "name"),
        post=text(person, "post"),
        contact=text(organization, "address"),
    )


def _passport_author(node: Element) -> Someone:
    sign = child(node, "sign")
    person = child(sign, "person")
    return Someone(text(child(node, "organization"), "title"), text(person, "name"), post=text(person, "post"))


def _link(node: Element) -> Linked:
    inner = child(node, "document")
    if inner is None:
        inner = child(node, "reference")
    return Linked(
        text(node, "linkType") or "Связан с",
        attribute(node, "uid").lower(),
        _number(child(inner, "num")),
        text(inner, "organization"),
    )


def _passport_link(node: Element) -> Linked:
    return Linked(
        "Связан с",
        attribute(node, "uid").lower(),
        _number(child(node, "registration")),
        text(child(node, "organization"), "title"),
    )


def _number(node: Element | None) -> Numbered:
    return Numbered(text(node, "number"), _day(text(node, "date")))


def _day(said: str) -> date | None:
    return date.fromisoformat(said[:10]) if said and schema.is_date(said) else None
