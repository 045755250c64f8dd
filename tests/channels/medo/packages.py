"""Packages of other bodies, written by hand for each version; fictional people. Nothing of the adapter is used."""

from __future__ import annotations

import functools
import io
import zipfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

NODE, OTHER_NODE = "DIZO_S~MEDOGU", "GOVERNOR~MEDOGU"
OUR_UID = "11111111-2222-3333-4444-555555555555"
THEIR_UID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
UID = "0a1b2c3d-0000-4000-8000-00000000000%d"
DOCUMENT_UID = "d0c0d0c0-0000-4000-8000-00000000000%d"
SENDER = "Управление по работе с обращениями граждан"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[]>>endobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
VERSIONS = ("2.2", "2.5", "2.6", "2.7", "2.7.1")
ENCODINGS = {"2.2": "windows-1251", "2.5": "windows-1251", "2.6": "windows-1251", "2.7": "windows-1251"}


@functools.cache
def _signer(who: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, who),
            x509.NameAttribute(NameOID.TITLE, "Заместитель начальника управления"),
        ]
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(77).not_valid_before(now).not_valid_after(now + timedelta(days=700))
    return key, built.sign(key, hashes.SHA256())


def signature(content: bytes, who: str = "Выдуманный Пётр Сергеевич") -> bytes:
    """Sign bytes as CMS, detached."""
    key, certificate = _signer(who)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    return builder.sign(serialization.Encoding.DER, options)


@dataclass(frozen=True)
class Sent:
    """A package as its sender means it."""

    version: str = "2.6"
    number: int = 1
    kind: str = "Обращение"
    annotation: str = "О порядке выкупа земельного участка"
    encoding: str = ""
    main: bytes = PDF
    files: tuple[tuple[str, bytes], ...] = ()
    deadline: str = "2026-12-10"
    created: str = "2026-11-24T10:00:00+07:00"
    link: str = ""  # uid of a document this one answers
    recipient: str = NODE
    uid: str = ""

    @property
    def namespace(self) -> str:
        return "urn:IEDMS:MESSAGE" if self.version == "2.7.1" else "http://www.infpres.com/IEDMS"

    @property
    def in_container(self) -> bool:
        return self.version.startswith("2.7")

    @property
    def own_uid(self) -> str:
        return self.uid or UID % self.number

    def xml(self, body: str) -> bytes:
        """Write XML in the encoding of the version, declared."""
        encoding = self.encoding or ENCODINGS.get(self.version, "utf-8")
        return f'<?xml version="1.0" encoding="{encoding}"?>\n{body}'.encode(encoding)


@dataclass
class Made:
    """A package's files; those of the container apart."""

    files: dict[str, bytes]
    inside: dict[str, bytes] = field(default_factory=dict)

    def all(self) -> dict[str, bytes]:
        """Return what lies in the folder."""
        if not self.inside:
            return self.files
        return {**self.files, "document.edc.zip": zipped(self.inside)}

    def write(self, folder: Path) -> Path:
        """Lay the package down."""
        folder.mkdir(parents=True)
        for name, content in self.all().items():
            (folder / name).write_bytes(content)
        return folder


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def envelope(files: list[str], *, recipient: str = NODE, subject: str = "Обращение = срочно") -> bytes:
    lines = ["[ПИСЬМО КП ПС СЗИ]", f"ТЕМА={subject}", "АВТООТПРАВКА=1", "ДАТА=24.11.2026 10:00:00", "НЕЧТО=1", ""]
    lines += ["[АДРЕСАТЫ]", f"0={recipient}", "[ФАЙЛЫ]", *(f"{at}={one}" for at, one in enumerate(files)), "[ТЕКСТ]"]
    return "\r\n".join(lines).encode("cp1251")


def header(sent: Sent, kind: str) -> str:
    return (
        f'<xdms:header xdms:type="{kind}" xdms:uid="{sent.own_uid}" xdms:created="{sent.created}">'
        f'<xdms:source xdms:uid="{THEIR_UID}"><xdms:organization>{SENDER}</xdms:organization></xdms:source>'
        "</xdms:header>"
    )


def communication(sent: Sent, kind: str, body: str) -> bytes:
    return sent.xml(
        f'<xdms:communication xdms:version="{sent.version}" xmlns:xdms="{sent.namespace}">'
        f"{header(sent, kind)}{body}</xdms:communication>"
    )


def made(sent: Sent) -> Made:
    """Make a document's package."""
    return _container(sent) if sent.in_container else _card(sent)


def _card(sent: Sent) -> Made:
    link = (
        f'<xdms:links><xdms:link xdms:uid="{sent.link}"><xdms:linkType>В ответ на</xdms:linkType><xdms:reference>'
        "<xdms:num><xdms:number>1</xdms:number></xdms:num></xdms:reference></xdms:link></xdms:links>"
        if sent.link
        else ""
    )
    signed = sent.version not in ("2.2", "2.5")
    data = (
        '<xdms:signedData xdms:localName="letter.pdf" xdms:type="pdf"><xdms:signerInfo xdms:signature="letter.p7s">'
        "<xdms:digestTime>2026-11-24T10:00:00</xdms:digestTime><xdms:signer><xdms:person>Выдуманный П. С."
        "</xdms:person></xdms:signer></xdms:signerInfo></xdms:signedData>"
        if signed
        else ""
    )
    others = "".join(
        f'<xdms:file xdms:localName="{escape(name)}" xdms:localId="{at}"><xdms:group>Текст приложения</xdms:group>'
        "<xdms:description>План участка</xdms:description></xdms:file>"
        for at, (name, _) in enumerate(sent.files, 1)
    )
    deadline = f"<xdms:deadline>{sent.deadline}</xdms:deadline>" if sent.deadline else ""
    body = (
        f'<xdms:document xdms:uid="{DOCUMENT_UID % sent.number}" xdms:id="4321">'
        f'<xdms:kind xdms:id="7">{sent.kind}</xdms:kind>'
        "<xdms:num><xdms:number>ОГ-12/345</xdms:number><xdms:date>2026-11-23</xdms:date></xdms:num>"
        "<xdms:urgency>Срочно</xdms:urgency>"
        "<xdms:signatories><xdms:signatory><xdms:organization>Правительство</xdms:organization>"
        "<xdms:person>Выдуманный П. С.</xdms:person><xdms:post>Заместитель начальника</xdms:post>"
        "<xdms:signed>2026-11-23</xdms:signed></xdms:signatory></xdms:signatories>"
        "<xdms:addressees><xdms:addressee><xdms:organization>Департамент</xdms:organization></xdms:addressee>"
        "</xdms:addressees><xdms:pages>1</xdms:pages>"
        f"<xdms:annotation>{escape(sent.annotation)}</xdms:annotation>"
        "<xdms:correspondents><xdms:correspondent><xdms:person>Примерова Анна Сергеевна</xdms:person>"
        "<xdms:contactInfo>630000, г. Новосибирск, ул. Выдуманная, д. 1</xdms:contactInfo>"
        f"</xdms:correspondent></xdms:correspondents>{link}"
        f"<xdms:clauses><xdms:clause><xdms:text>Рассмотреть и ответить заявителю</xdms:text>{deadline}"
        "</xdms:clause></xdms:clauses><xdms:files>0</xdms:files></xdms:document>"
        '<xdms:files><xdms:file xdms:localName="letter.pdf" xdms:localId="0" xdms:type="pdf">'
        f"<xdms:group>Текст документа</xdms:group><xdms:pages>1</xdms:pages>{data}</xdms:file>{others}</xdms:files>"
    )
    files = {"document.xml": communication(sent, "Документ", body), "letter.pdf": sent.main, **dict(sent.files)}
    if signed:
        files["letter.p7s"] = signature(sent.main)
    return Made({**files, "envelope.ini": envelope(list(files), recipient=sent.recipient)})


def _stamp(tag: str, name: str) -> str:
    return (
        f'<c:{tag} c:localName="{name}"><c:position><c:page>1</c:page><c:topLeft><c:x>20</c:x><c:y>60</c:y></c:topLeft>'
        f"<c:dimension><c:w>70</c:w><c:h>12</c:h></c:dimension></c:position></c:{tag}>"
    )


def _container(sent: Sent) -> Made:
    space = "urn:IEDMS:CONTAINER" if sent.version == "2.7.1" else "http://minsvyaz.ru/container"
    attachments = "".join(
        f'<c:attachment c:localName="{escape(name)}"><c:order>{at}</c:order></c:attachment>'
        for at, (name, _) in enumerate(sent.files)
    )
    links = (
        f'<c:links><c:link c:uid="{sent.link}"><c:registration><c:number>1</c:number><c:date>2026-11-20</c:date>'
        "</c:registration></c:link></c:links>"
        if sent.link
        else ""
    )
    passport = sent.xml(
        f'<c:container c:uid="{DOCUMENT_UID % sent.number}" c:version="1.0" xmlns:c="{space}"><c:requisites>'
        f'<c:documentKind c:id="DK00000000">{sent.kind}</c:documentKind>'
        f"<c:annotation>{escape(sent.annotation)}</c:annotation>{links}</c:requisites>"
        "<c:authors><c:author><c:organization><c:title>Правительство</c:title></c:organization><c:registration>"
        f"<c:number>ОГ-12/345</c:number><c:date>2026-11-23</c:date>{_stamp('registrationStamp', 'reg.png')}"
        "</c:registration><c:sign><c:person><c:post>Заместитель начальника</c:post><c:name>Выдуманный П. С.</c:name>"
        '</c:person><c:documentSignature c:localName="letter.p7s" c:type="Утверждающая">'
        f"{_stamp('signatureStamp', 'sign.png')}</c:documentSignature></c:sign></c:author></c:authors>"
        "<c:addressees><c:addressee><c:organization><c:title>Департамент</c:title></c:organization></c:addressee>"
        '</c:addressees><c:document c:localName="letter.pdf"><c:pagesQuantity>1</c:pagesQuantity></c:document>'
        f"{f'<c:attachments>{attachments}</c:attachments>' if attachments else ''}</c:container>"
    )
    body = "<xdms:container><xdms:body>document.edc.zip</xdms:body></xdms:container>"
    inside = {"passport.xml": passport, "letter.pdf": sent.main, "letter.p7s": signature(sent.main)}
    inside |= {"reg.png": PNG, "sign.png": PNG, **dict(sent.files)}
    names = ["document.edc.zip", "communication.xml"]
    files = {"communication.xml": communication(sent, "Транспортный контейнер", body)}
    return Made({**files, "envelope.ltr": envelope(names, recipient=sent.recipient)}, inside)


def receipt(sent: Sent, of: str, *, accepted: bool = True, comment: str = "") -> Made:
    """Make a receipt for a message of uid `of`."""
    said = f"<xdms:comment>{comment}</xdms:comment>" if comment else ""
    body = (
        f'<xdms:acknowledgment xdms:uid="{of}"><xdms:time>2026-11-24T10:00:00</xdms:time>'
        f"<xdms:accepted>{'true' if accepted else 'false'}</xdms:accepted>{said}</xdms:acknowledgment>"
    )
    xml = communication(sent, "Квитанция", body)
    return Made({"acknowledgment.xml": xml, "envelope.ini": envelope(["acknowledgment.xml"])})


def notification(sent: Sent, of: str, kind: str, event: str) -> Made:
    """Make a notification about a document of uid `of`; `event` is its XML."""
    body = f'<xdms:notification xdms:type="{kind}" xdms:uid="{of}">{event}</xdms:notification>'
    xml = communication(sent, "Уведомление", body)
    return Made({"notification.xml": xml, "envelope.ini": envelope(["notification.xml"])})


def changed(sent: Sent, **changes: object) -> Sent:
    return replace(sent, **changes)  # type: ignore[arg-type]
