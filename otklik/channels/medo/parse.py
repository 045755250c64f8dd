"""A kept package becomes a message for people: text, files, facts `medo/1` with the fourteen checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

from django.utils import timezone

from otklik.channels.medo import checks, message, package, schema, versions
from otklik.channels.medo.checks import BLIND, Report
from otklik.channels.medo.message import Document, Message, Someone
from otklik.channels.medo.package import Broken, Package, Taken
from otklik.correspondence.channel import Parsed, ParsedFile, ParseError
from otklik.correspondence.models import ChannelCode, IncomingMessage
from otklik.correspondence.text import fit

SCHEMA: Final = "medo/1"
UNREADABLE: Final = "Пакет МЭДО не прочитан. "
CITIZENS: Final = "обращение"  # the kind of a citizen's appeal, by which routers know it
_TYPES: Final = {"pdf": "application/pdf", "tif": "image/tiff", "txt": "text/plain", "xml": "text/xml"}


def parse(raw: Path) -> Parsed:
    """Read a kept package; raise ParseError with every check it has not passed where there is nothing to show."""
    try:
        with package.opened(raw) as (outer, taken):
            sent_at = _sent_at(outer)
        with checks.examined(raw) as report:
            _refuse_blind(report)
            assert report.message is not None  # otherwise check 1 or 4 has failed
            return _parsed(report, report.message, taken, sent_at)
    except Broken as exc:
        raise ParseError(f"{UNREADABLE}Оригинал — {exc}.") from exc


def _refuse_blind(report: Report) -> None:
    stopped = [one for one in report.failed if one.number in BLIND and _blinds(report, one.number)]
    if stopped or report.message is None:
        raise ParseError(UNREADABLE + ". ".join(str(one) for one in report.failed or report.checks[:1]) + ".")


def _blinds(report: Report, number: int) -> bool:
    """Say whether this failure leaves nothing to show; a schema's small fault or a missing envelope does not."""
    if number in (1, 4):
        return report.message is None
    if number in (6, 7):
        return report.document is None
    return True


def _parsed(report: Report, said: Message, taken: Taken, sent_at: datetime | None) -> Parsed:
    document = report.document or Document()
    notice = said.notice
    ours = next((taken.ours[uid] for uid in _mentioned(report) if uid in taken.ours), "")
    files = () if notice else tuple(_files(report, document))
    notes = [str(one) for one in report.checks if one.state in ("failed", "remark")]
    notes += [str(one) for one in report.checks if one.number == 12 and one.state == "unchecked"]
    if not notice and is_citizens(document) and not document.correspondents:
        notes.append("Кто обращается, в карточке документа не указано: впишите заявителя из самого документа.")
    return Parsed(
        text=notice.says if notice else _text(document, said),
        subject=fit(_subject(said, document), 500),
        sender_name=said.sender.organization,
        sender_address=said.sender_uid,
        sent_at=sent_at,
        message_id=f"<{document.uid or said.uid}@medo.invalid>",
        in_reply_to=ours,
        # Itself among them: the same document sent again in another message joins its conversation.
        references=[f"<{uid}@medo.invalid>" for uid in _referred(document, taken)],
        machine=IncomingMessage.Machine.AUTO if notice else "",
        bounce_of=ours if notice else "",
        bounce_permanent=bool(notice and not notice.accepted),
        notes=notes,
        files=files,
        facts=_facts(report, said, document),
        facts_schema=SCHEMA,
    )


def _referred(document: Document, taken: Taken) -> list[str]:
    linked = [one.uid for one in document.links]
    return [uid for uid in (*linked, document.uid) if uid and uid not in taken.ours]


def _mentioned(report: Report) -> list[str]:
    said = report.message
    assert said is not None
    if said.notice:
        return [uid for uid in (said.notice.uid, said.notice.mid) if uid]
    return [one.uid for one in (report.document or Document()).links if one.uid]


def mentioned(path: Path) -> list[str]:
    """Return the uids that a package just bundled speaks of: ours may be among them."""
    with suppress(Broken), checks.examined(path, cards_only=True) as report:
        return _mentioned(report) if report.message else []
    return []


def header_of(path: Path) -> Message | None:
    """Return what a package's message says, None where nothing can be read of it."""
    with suppress(Broken), package.opened(path) as (outer, _):
        if name := package.message_name(outer):
            return message.read(outer.xml(name))
    return None


def _sent_at(outer: Package) -> datetime | None:
    with suppress(Broken):
        if name := package.message_name(outer):
            root: Element = outer.xml(name)
            said = package.attribute(message.child(root, "header"), "created")
            if said and schema.is_moment(said):
                at = datetime.fromisoformat(said)
                at = at if at.tzinfo else timezone.make_aware(at)
                return at if 1900 < at.year < 2200 else None  # another year no database bears in every zone
    return None


def _subject(said: Message, document: Document) -> str:
    if said.notice:
        return f"{said.type}: {said.notice.type}" if said.notice.type != said.type else said.type
    head = " ".join(part for part in (document.kind or said.type, str(document.num)) if part)
    return f"{head}. {document.annotation}" if document.annotation else head


def _text(document: Document, said: Message) -> str:
    """Return the card of a document in words: it is what a clerk reads before the file itself."""
    lines = [
        f"{document.kind or 'Документ'} {document.num}".strip(),
        f"От кого: {said.sender.organization}",
        *(f"Подписал: {one}" for one in document.authors if str(one)),
        *(f"Корреспондент: {_whole(one)}" for one in document.correspondents if _whole(one)),
        *(f"Кому: {one}" for one in document.addressees if str(one)),
        f"Срочность: {document.urgency}" if document.urgency else "",
        f"Гриф: {document.classification}" if document.classification else "",
        f"Содержание: {document.annotation}" if document.annotation else "",
        *(_clause(one) for one in document.clauses),
        *(f"{one.kind}: {one.num} {one.organization}".strip() for one in document.links),
        *(f"Приложение: {one.description or one.name}" for one in document.papers if not one.main),
        f"Примечание: {document.comment}" if document.comment else "",
    ]
    return "\n".join(line for line in lines if line)


def _whole(one: Someone) -> str:
    return ", ".join(part for part in (str(one), one.contact) if part)


def _clause(one: message.Clause) -> str:
    term = f"срок {one.deadline:%d.%m.%Y}" if one.deadline else ""
    return "Пункт: " + ", ".join(part for part in (one.text, term) if part) if one.text or term else ""


def day(said: str) -> date | None:
    """Return a date of the facts."""
    return date.fromisoformat(said) if said and schema.is_date(said) else None


def _iso(on: date | None) -> str:
    return on.isoformat() if on else ""


def control_term(document: Document) -> date | None:
    """Return the earliest term that the sender set, None where it set none."""
    return min((one.deadline for one in document.clauses if one.deadline), default=None)


def _facts(report: Report, said: Message, document: Document) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "uid": said.uid,
        "version": said.version.name,
        "version_confirmed": said.version.confirmed,
        "type": said.type,
        "sender": said.sender.organization,
        "sender_uid": said.sender_uid,
        "checks": [{"number": one.number, "state": one.state, "why": one.why} for one in report.checks],
    }
    if said.notice:
        return {**facts, "notice": {"type": said.notice.type, "of": said.notice.uid, "accepted": said.notice.accepted}}
    facts |= {
        "document": {
            "uid": document.uid,
            "id": document.id,
            "number": document.num.number,
            "date": _iso(document.num.on),
            "kind": document.kind,
            "classification": document.classification,
            "pages": document.pages,
        },
        # The names every channel with covering letters uses; dates as ISO, empty where there is none.
        "cover_number": document.num.number,
        "cover_date": _iso(document.num.on),
        "control_until": _iso(control_term(document)),
        "urgency": document.urgency,
        "signatures": [
            {"file": name, "state": one.state, "why": one.why, "signer": one.signer}
            for name, one in report.verdicts.items()
        ],
        "citizens_appeal": is_citizens(document),
        "applicant": _applicant(document, said),
    }
    return {**facts, "answer": _answer(facts["applicant"], said)}


def _answer(applicant: dict[str, str], said: Message) -> dict[str, str]:
    """Return where the answer is proposed to go: to the citizen himself where his address is known, else back.

    The sender hears of it either way: «Доклад направлен».
    """
    if applicant.get("email"):
        return {"channel": ChannelCode.EMAIL.value, "address": applicant["email"]}
    if applicant.get("address"):
        return {"channel": ChannelCode.POST.value, "address": applicant["address"]}
    return {"channel": ChannelCode.MEDO.value, "address": said.sender_uid}


def is_citizens(document: Document) -> bool:
    """Say whether this is a citizen's appeal that a body has sent on."""
    return document.kind.strip().casefold().startswith(CITIZENS)


def _applicant(document: Document, said: Message) -> dict[str, str]:
    """Return who the case is about: the citizen the letter goes with, else the body that wrote it."""
    citizen = next((one for one in document.correspondents if one.person or one.organization), None)
    if citizen is None and is_citizens(document):
        return {"kind": "person"}  # who he is stands in the document only
    if citizen is None:
        return {"kind": "organisation", "organisation": said.sender.organization}
    contact = {"email" if "@" in citizen.contact and " " not in citizen.contact else "address": citizen.contact}
    contact = contact if citizen.contact else {}
    if not citizen.person:
        return {"kind": "organisation", "organisation": citizen.organization, **contact}
    words = [*citizen.person.split(maxsplit=2), "", "", ""][:3]
    return {"kind": "person", "last_name": words[0], "first_name": words[1], "patronymic": words[2], **contact}


def _files(report: Report, document: Document) -> Iterator[ParsedFile]:
    """Yield the document's files and their signatures; what cannot be taken comes with the reason."""
    inner = report.inner
    if inner is None:
        return
    wanted = [(one.name, one.description) for one in document.papers]
    wanted += [(one.file, f"подпись к «{one.signs}»") for one in document.signatures]
    made: list[Path] = []
    seen: set[str] = set()
    try:
        for name, _ in wanted:
            found = inner.find(name)
            if (found or name) in seen:
                continue
            seen.add(found or name)
            if not found:
                odd = not package.is_plain(name)
                problem = "имя ведёт из каталога: файл не взят" if odd else "файла нет в пакете"
                yield ParsedFile(name[:200], "", b"", problem=problem)
                continue
            try:
                made.append(inner.extract(found, prefix="otklik-part-"))
            except Broken as exc:
                yield ParsedFile(found, "", b"", problem=f"{exc}: файл не взят")
                continue
            kind = _TYPES.get(found.rpartition(".")[2].lower(), "")
            yield ParsedFile(found, kind, made[-1], temporary=True)
        for name in inner.odd[:20] if report.message and report.message.type == versions.CONTAINER else ():
            yield ParsedFile(name[:200], "", b"", problem="имя ведёт из каталога или повторяется: файл не взят")
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
