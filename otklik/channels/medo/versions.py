"""The versions of МЭДО messages: namespaces, encodings, and our own schemas as tables.

The tables are written from `IEDMS.xsd` 2.2 and 2.6 (confirmed: the schemas were read) and from what programs of other
bodies write (2.5, 2.7 and 2.7.1: not confirmed, their schemas are not public). What does not fit a schema that is not
confirmed is a remark, not a refusal.

A line of a table: «attributes = content». An attribute is `name!type` (required) or `name?type`; content is `=type`
for text, else child elements `name:Type` in order with `?`, `+`, `*`, groups in brackets and `|`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

INFPRES: Final = "http://www.infpres.com/IEDMS"
MESSAGE_271: Final = "urn:IEDMS:MESSAGE"
CONTAINER_27: Final = "http://minsvyaz.ru/container"
CONTAINER_271: Final = "urn:IEDMS:CONTAINER"

DOCUMENT: Final = "Документ"
NOTIFICATION: Final = "Уведомление"
RECEIPT: Final = "Квитанция"
CONTAINER: Final = "Транспортный контейнер"

LINK_TYPES: Final = ("В ответ на", "Во исполнение", "Документ-основание", "На №", "Ответ", "Связан с")
NOTIFICATIONS: Final[dict[str, str]] = {
    "Зарегистрирован": "documentAccepted",
    "Отказано в регистрации": "documentRefused",
    "Назначен исполнитель": "executorAssigned",
    "Доклад подготовлен": "reportPrepared",
    "Доклад направлен": "reportSent",
    "Исполнение": "courseChanged",
    "Опубликование": "documentPublished",
}
# The closed list of the 2.6 schema; nothing else may stand in «reason».
REFUSALS: Final = (
    "Не подлежит регистрации",
    "Ошибка адресации",
    "Не указан корреспондент",
    "Нет искового заявления",
    "Отсутствует текст",
    "Нет подписи",
    "Приложение отсутствует",
    "Листаж приложения указан ошибочно",
    "Несовпадение реквизитов приложения с приложенными документами",
    "Нет № и даты",
    "Не полная комплектация",
    "Дата документа неразборчива",
    "Исходящий номер документа неразборчив",
    "Отсутствует (не видна) подпись",
    "Перевернуты страницы",
    "Продублированы страницы",
    "В приложении проект нормативного акта",
    "Документ ДСП",
    "Документ и/или приложение отсканированы с оборотом",
    "Документ неверно адресован",
    "Документ получен ранее на бумажном носителе",
    "Документ зарегистрирован ранее, текст взамен разосланного загружен",
    "Количество страниц в тексте документа не соответствует заявленному",
    "Несоответствие переданных реквизитов тексту документа",
    "Отсутствует приложение, указанное в документе",
    "Текст неразборчив",
    "Текст отсутствует",
    "Текст не соответствует регламенту",
)

Table = Mapping[str, str]

_SAID: Final = "region:Value? organization:Value? person:Value? department:Value? post:Value?"
_ANYONE: Final = f"{_SAID} contactInfo:short?"
_PROLOGUE: Final = "time:dateTime foundation:Reference? clause:Clause? correspondent:Addressee?"
_MESSAGE: Final = "document:Document files:Files | notification:Notification | acknowledgment:Acknowledgment"

_26: Final[Table] = {
    "Communication": f"version!token = header:Header ({_MESSAGE}) deliveryIndex:DeliveryIndex?",
    "Header": "type!header uid?guid created?dateTime cookie?any = source:Partner operator:Value? comment:comment?",
    "Partner": "uid!guid = organization:short comment:comment?",
    "Value": "id?id retro?boolean modified?dateTime = =short",
    "Number": "= number:number date:date?",
    "Addressee": f"uid?guid = {_ANYONE} comment:comment?",
    "Addressees": "= addressee:Addressee+",
    "AddresseeList": "id?id = name:line250 contents:Addressees",
    "Signatory": f"= {_ANYONE} signed:date comment:comment?",
    "Signatories": "= signatory:Signatory+",
    "Correspondent": f"= {_ANYONE} num:Number? comment:comment?",
    "Correspondents": "= correspondent:Correspondent*",
    "Reference": f"= {_SAID} num:Number comment:comment?",
    "Document": (
        "uid!guid id?id cookie?any = type:Value? kind:Value? num:Number classification:Value? urgency:Value?"
        " insteadOfDistributed:boolean? specialMark:short? signatories:Signatories addressees:Addressees pages:count"
        " enclosuresPages:count? annotation:text4000 enclosures:Enclosures? correspondents:Correspondents?"
        " links:Links? clauses:Clauses? executor:Addressee? files:counts? comment:comment?"
    ),
    "Enclosures": "= enclosure:Enclosure+",
    "Enclosure": (
        "uid?guid id?id = title:text4000 reference:Reference? pages:count files:counts? enclosures:Enclosures?"
        " comment:comment?"
    ),
    "Links": "= link:Link+",
    "Link": "uid?guid id?id = linkType:link (document:Linked | reference:Reference)",
    "Linked": (
        "= kind:Value? num:Number classification:Value? signatories:Signatories addressees:Addressees pages:count"
        " enclosuresPages:count? annotation:text4000 enclosures:Enclosures? correspondents:Correspondents?"
        " links:Links? clauses:Clauses? comment:comment?"
    ),
    "Clauses": "= clause:Clause+",
    "Clause": (
        "localId?count id?id = designation:line255? text:text4000? deadline:date?"
        " (principal:Addressee | principals:AddresseeList)? parcipants:Participants? comment:comment?"
    ),
    "Participants": "= (parcipant:Addressee | parcipants:AddresseeList)+",
    "Files": "cookie?any = file:File*",
    "File": (
        "localName!fileName localId?count type?fileType cookie?any = group:group description:text511? pages:count?"
        " signedData:SignedData*"
    ),
    "SignedData": "localName?fileName type?fileType cookie?any = signerInfo:SignerInfo+",
    "SignerInfo": "signature!fileName cookie?any = digestTime:dateTime signer:Anyone comment:text2048?",
    "Anyone": f"= {_ANYONE}",
    "DeliveryIndex": "cookie?any = destination:Destination+",
    "Destination": "= destination:Partner files:counts? comment:comment?",
    "Notification": (
        "type!notification uid!guid id?id mid?guid cookie?any = (documentAccepted:Accepted | documentRefused:Refused"
        " | executorAssigned:Assigned | reportPrepared:Prepared | reportSent:Sent | courseChanged:Changed"
        " | documentPublished:Published) comment:comment?"
    ),
    "Accepted": f"= {_PROLOGUE} num:Number",
    "Refused": f"= {_PROLOGUE} reason:refusal",
    "Assigned": f"= {_PROLOGUE} secretary:Addressee manager:Addressee executor:Addressee",
    "Prepared": f"= {_PROLOGUE} signatory:Signatory",
    "Sent": f"= {_PROLOGUE} report:Reference",
    "Changed": f"= {_PROLOGUE} courseText:text4000 reference:Reference?",
    "Published": f"= {_PROLOGUE} num:PublishedNumber publicationPoint:short",
    "PublishedNumber": "= number:number date:dateTime",
    "Acknowledgment": (
        "uid!guid content?short cookie?any = time:dateTime accepted:boolean comment:comment? hashCodes:HashCodes?"
    ),
    "HashCodes": "algorithm?any = item:HashCode+",
    "HashCode": "= name:fileName code:hash",
}
# 2.2: no uid of an addressee, no signatures, no enclosures inside enclosures.
_22: Final[Table] = {
    **_26,
    "Addressee": f"= {_ANYONE} comment:comment?",
    "Enclosure": "uid?guid id?id = title:text4000 reference:Reference? pages:count files:counts? comment:comment?",
    "File": (
        "localName!fileName localId?count type?fileType22 cookie?any = group:group22 description:text511? pages:count?"
    ),
}
_27: Final[Table] = {
    **_26,
    "Communication": (f"version!token = header:Header (container:Container | {_MESSAGE}) deliveryIndex:DeliveryIndex?"),
    "Header": "type!header27 uid?guid created?dateTime cookie?any = source:Partner operator:Value? comment:comment?",
    "Container": "type?token = body:fileName signature:fileName?",
}

_PASSPORT: Final[Table] = {
    "Passport": (
        "uid!guid version!token = requisites:Requisites authors:Authors addressees:Addressees document:Main"
        " attachments:Attachments?"
    ),
    "Requisites": ("= documentKind:Coded documentPlace:Coded? classification:Coded? annotation:text4000 links:Links?"),
    "Coded": "id?id = =text511",
    "Links": "= link:Link+",
    "Link": "uid?guid = organization:Organization? registration:Registered?",
    "Registered": "= number:number date:date",
    "Authors": "= author:Author+",
    "Author": ("= organization:Organization registration:Registration sign:Sign+ executor:Person?"),
    "Organization": "id?id = title:short address:text511? phone:text511? email:text511?",
    "Registration": "= number:number date:date registrationStamp:Stamp",
    "Sign": "= person:Person documentSignature:Signature",
    "Person": "id?id = post:text511? name:short phone:text511? email:text511?",
    "Signature": "localName!fileName type?signature = signatureStamp:Stamp",
    "Stamp": "localName!fileName = position:Position",
    "Position": "= page:page topLeft:TopLeft dimension:Dimension",
    "TopLeft": "= x:mm y:mm",
    "Dimension": "= w:mm h:mm",
    "Addressees": "= addressee:Addressee+",
    "Addressee": "= organization:Organization person:Person?",
    "Main": "localName!fileName = pagesQuantity:count enclosurePagesQuantity:count?",
    "Attachments": "= attachment:Attachment+",
    "Attachment": "localName!fileName = order:count description:text511? signature:AttachmentSignature*",
    "AttachmentSignature": "localName!fileName =",
}


@dataclass(frozen=True)
class Version:
    """One version: how its messages are written. `confirmed`: its schema was read, not only guessed from messages."""

    name: str
    message: str  # namespace
    container: str  # namespace of the passport; empty where files lie beside the message
    encoding: str
    confirmed: bool
    table: Table
    xml_name: str
    container_version: str = "1.0"

    @property
    def passport(self) -> Table:
        """Return the schema of the passport."""
        return _PASSPORT


V22: Final = Version("2.2", INFPRES, "", "windows-1251", True, _22, "document.xml")
V25: Final = Version("2.5", INFPRES, "", "windows-1251", False, _26, "document.xml")
V26: Final = Version("2.6", INFPRES, "", "windows-1251", True, _26, "document.xml")
V27: Final = Version("2.7", INFPRES, CONTAINER_27, "windows-1251", False, _27, "communication.xml")
V271: Final = Version("2.7.1", MESSAGE_271, CONTAINER_271, "utf-8", False, _27, "communication.xml", "1.0")
VERSIONS: Final = {one.name: one for one in (V22, V25, V26, V27, V271)}


def version_of(said: str, namespace: str, *, container: bool) -> Version | None:
    """Return the version a message is written in; where it says a number nobody knows, the nearest by its looks."""
    if (known := VERSIONS.get(said.strip())) and known.message == namespace:
        return known
    if namespace == MESSAGE_271:
        return V271
    if namespace == INFPRES:
        return V27 if container else V26
    return None
