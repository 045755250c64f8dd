"""Messages of made-up people as the other side of each channel would give them: bytes the adapters read themselves."""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from django.utils import timezone

from otklik.channels import envelope
from otklik.channels.governor import package as governor_package
from otklik.channels.governor.cover import Cover
from otklik.channels.medo import package as medo_package
from otklik.channels.medo.package import Taken
from otklik.channels.ok import events as ok_events
from otklik.channels.telegram import parse as telegram
from otklik.channels.vk import events as vk_events
from otklik.core import typeset
from otklik.correspondence.channel import Arrived
from otklik.people.applicants import Typed

SOURCE: Final = Path(__file__).with_name("paper.typ")
VK_GROUP: Final = 100_000_217
OK_GROUP: Final = 50_000_217
# Of the exchange by МЭДО: who we are and who writes to us. Nobody has these names.
OUR_NODE: Final = "DIZO_DEMO~MEDODEMO"
OUR_UID: Final = "00000000-0000-4000-8000-0000000000d1"
THEIR_NODE: Final = "RECEPTION_DEMO~MEDODEMO"
THEIR_UID: Final = "00000000-0000-4000-8000-0000000000a1"
THEM: Final = "Управление по работе с обращениями граждан (учебное)"
_SPACE: Final = uuid.UUID(int=2725)


@dataclass(frozen=True)
class Said:
    """What somebody wrote: `number` is his message's own for ever."""

    number: int
    at: datetime
    who: Typed
    subject: str
    text: str

    @property
    def name(self) -> str:
        """Return who wrote, as papers name him."""
        return " ".join(part for part in (self.who.last_name, self.who.first_name, self.who.patronymic) if part)


def paper(*, head: Sequence[str], body: str, signed: str, on: date, title: str = "") -> bytes:
    """Return a letter on paper as a PDF with its words in it."""
    told = {"head": list(head), "title": title, "body": body.split("\n\n"), "signed": signed}
    return typeset.pdf(SOURCE, {"letter": told}, on=on)


def vk(said: Said) -> Arrived:
    """Return a message in the community's dialogue as the Callback API tells of it."""
    person, turn = 900_000_000 + said.number, 1
    message = {
        "id": 70_000 + said.number,
        "conversation_message_id": turn,
        "peer_id": person,
        "from_id": person,
        "out": 0,
        "date": int(said.at.timestamp()),
        "text": said.text,
        "attachments": [],
        "fwd_messages": [],
    }
    return _of_vk(said, "message_new", {"message": message})


def vk_comment(said: Said) -> Arrived:
    """Return a comment on the community's wall: everybody reads it."""
    person = 900_000_000 + said.number
    comment = {
        "id": 300 + said.number,
        "from_id": person,
        "date": int(said.at.timestamp()),
        "text": said.text,
        "owner_id": -VK_GROUP,
        "post_id": 41,
        "post_owner_id": -VK_GROUP,
    }
    return _of_vk(said, "wall_reply_new", comment)


def _of_vk(said: Said, kind: str, content: Mapping[str, Any]) -> Arrived:
    mark = f"demo-{said.number}"
    update = {"group_id": VK_GROUP, "type": kind, "event_id": mark, "v": "5.199", "object": content}
    event = vk_events.read(update, VK_GROUP)
    assert event is not None
    sender = {"last_name": said.who.last_name, "first_name": said.who.first_name}
    raw = envelope.packed(vk_events.SCHEMA, update, [], group=VK_GROUP, sender=sender, about={}, after="")
    return Arrived("vk", event.external_id, event.digest, raw, said.at, "vk", imported=True)


def ok(said: Said) -> Arrived:
    """Return a message to the group as Odnoklassniki tell of it."""
    chat, name = f"chat:C{said.number:08x}", f"{said.who.first_name} {said.who.last_name}"
    update = {
        "webhookType": ok_events.CREATED,
        "sender": {"user_id": f"user:{580_900_000_000 + said.number}", "name": name},
        "recipient": {"chat_id": chat},
        "message": {"text": said.text, "seq": said.number, "mid": f"mid:{chat[5:]}.{said.number:012x}"},
        "timestamp": int(said.at.timestamp() * 1000),
    }  # fmt: skip
    event = ok_events.read(update, OK_GROUP)
    assert event is not None
    raw = envelope.packed(ok_events.SCHEMA, update, [], group=OK_GROUP, after="")
    return Arrived("ok", event.external_id, event.digest, raw, said.at, "ok", imported=True)


def of_telegram(said: Said) -> Arrived:
    """Return a message to the bot as getUpdates gives it."""
    person = {"id": 700_900_000 + said.number, "first_name": said.who.first_name, "last_name": said.who.last_name}
    message = {
        "message_id": said.number,
        "from": {**person, "is_bot": False, "language_code": "ru"},
        "chat": {**person, "type": "private"},
        "date": int(said.at.timestamp()),
        "text": said.text,
    }
    update = {"update_id": 90_000_000 + said.number, "message": message}
    one = telegram.sort(update, groups=False)
    raw = envelope.packed("telegram/1", update, [], more=[], after="")
    return Arrived("telegram", one.external_id, envelope.digest(one.content), raw, said.at, "telegram", imported=True)


def governor(said: Said) -> Arrived:
    """Return a package of the Governor's public reception: its covering letter and the appeal, both on paper."""
    who, day = said.who, timezone.localdate(said.at)
    found = Cover(
        number=f"А26-{said.number:04d}",
        on=day - timedelta(days=1),
        control_until=day + timedelta(days=20),
        sender="Общественная приёмная Губернатора (учебная)",
        applicant={
            **{"last_name": who.last_name, "first_name": who.first_name, "patronymic": who.patronymic},
            **{"email": who.email, "address": who.address},
        },
    )
    cover = paper(
        head=["В департамент имущества", "и земельных отношений (учебный)"],
        title=f"Сопроводительное письмо № {found.number} от {found.on:%d.%m.%Y}",
        body="Направляем обращение, поступившее на сайт Общественной приёмной. Просим рассмотреть его по существу "
        f"и ответить заявителю. О результатах просим сообщить до {found.control_until:%d.%m.%Y}.",
        signed="Приёмная (учебный пример)",
        on=day,
    )
    told = {"facts": found.facts(), "text": said.text, "subject": said.subject, "sender_address": "op@nso.example"}
    papers = [("сопроводительное письмо.pdf", io.BytesIO(cover)), ("обращение.pdf", io.BytesIO(_appeal(said)))]
    with tempfile.TemporaryDirectory(prefix="otklik-demo-") as folder:
        path = Path(folder) / "package.zip"
        digest = governor_package.write(told, papers, path)
        raw = path.read_bytes()
    named = f"package:{found.number}:{found.on.isoformat() if found.on else ''}"
    return Arrived("governor_reception", named, digest, raw, said.at, "governor", imported=True)


def medo(said: Said) -> Arrived:
    """Return a package of МЭДО 2.5 in windows-1251: envelope, card, the appeal as a PDF."""
    card = _communication(said, _card(said))
    return _package(said, {"document.xml": card.encode("cp1251"), "letter.pdf": _appeal(said)})


def medo_broken(said: Said) -> Arrived:
    """Return a package whose card was cut off on its way."""
    card = _communication(said, _card(said)).encode("cp1251")
    return _package(said, {"document.xml": card[: len(card) // 2], "letter.pdf": _appeal(said)})


def _appeal(said: Said) -> bytes:
    head = ["В департамент имущества", "и земельных отношений (учебный)", f"от: {said.name}", said.who.address]
    return paper(head=head, title="Обращение", body=said.text, signed=said.name, on=timezone.localdate(said.at))


def _package(said: Said, files: Mapping[str, bytes]) -> Arrived:
    uid = str(uuid.uuid5(_SPACE, f"message:{said.number}"))
    lines = ["[ПИСЬМО КП ПС СЗИ]", f"ТЕМА={said.subject}", f"ДАТА={timezone.localtime(said.at):%d.%m.%Y %H:%M:%S}", ""]
    lines += ["[АДРЕСАТЫ]", f"0={OUR_NODE}", "[ФАЙЛЫ]", *(f"{at}={name}" for at, name in enumerate(files))]
    with tempfile.TemporaryDirectory(prefix="otklik-demo-") as folder:
        package, raw = Path(folder) / f"in-{said.number}", Path(folder) / "package.zip"
        package.mkdir()
        (package / "envelope.ini").write_bytes("\r\n".join(lines).encode("cp1251", "replace"))
        for name, content in files.items():
            (package / name).write_bytes(content)
        digest = medo_package.bundle(package, raw)
        medo_package.note(raw, Taken(folder=package.name, uid=OUR_UID, node=OUR_NODE))
        return Arrived("medo", uid, digest, raw.read_bytes(), said.at, "medo", imported=True)


def _communication(said: Said, body: str) -> str:
    uid, created = uuid.uuid5(_SPACE, f"message:{said.number}"), timezone.localtime(said.at).isoformat("T", "seconds")
    return (
        '<?xml version="1.0" encoding="windows-1251"?>\n'
        '<xdms:communication xdms:version="2.5" xmlns:xdms="http://www.infpres.com/IEDMS">'
        f'<xdms:header xdms:type="Документ" xdms:uid="{uid}" xdms:created="{created}">'
        f'<xdms:source xdms:uid="{THEIR_UID}"><xdms:organization>{THEM}</xdms:organization></xdms:source>'
        f"</xdms:header>{body}</xdms:communication>"
    )


def _card(said: Said) -> str:
    day, due = timezone.localdate(said.at), timezone.localdate(said.at) + timedelta(days=15)
    number = f"<xdms:num><xdms:number>ОГ-{said.number:03d}</xdms:number><xdms:date>{day}</xdms:date></xdms:num>"
    return (
        f'<xdms:document xdms:uid="{uuid.uuid5(_SPACE, f"document:{said.number}")}" xdms:id="{said.number}">'
        f'<xdms:kind xdms:id="7">Обращение</xdms:kind>{number}'
        f"<xdms:signatories><xdms:signatory><xdms:organization>{THEM}</xdms:organization>"
        "<xdms:person>Выдуманный П. С.</xdms:person><xdms:post>Заместитель начальника</xdms:post>"
        f"<xdms:signed>{day}</xdms:signed></xdms:signatory></xdms:signatories>"
        "<xdms:addressees><xdms:addressee><xdms:organization>Департамент</xdms:organization></xdms:addressee>"
        f"</xdms:addressees><xdms:pages>1</xdms:pages><xdms:annotation>{escape(said.subject)}</xdms:annotation>"
        f"<xdms:correspondents><xdms:correspondent><xdms:person>{escape(said.name)}</xdms:person>"
        f"<xdms:contactInfo>{escape(said.who.address)}</xdms:contactInfo></xdms:correspondent></xdms:correspondents>"
        "<xdms:clauses><xdms:clause><xdms:text>Рассмотреть и ответить заявителю</xdms:text>"
        f"<xdms:deadline>{due}</xdms:deadline></xdms:clause></xdms:clauses><xdms:files>0</xdms:files></xdms:document>"
        '<xdms:files><xdms:file xdms:localName="letter.pdf" xdms:localId="0" xdms:type="pdf">'
        "<xdms:group>Текст документа</xdms:group><xdms:pages>1</xdms:pages></xdms:file></xdms:files>"
    )


# How what people write comes, by channel; e-mail and the site have writers of their own.
ARRIVALS: Final[Mapping[str, Callable[[Said], Arrived]]] = {
    "vk": vk,
    "ok": ok,
    "telegram": of_telegram,
    "governor_reception": governor,
    "medo": medo,
}
