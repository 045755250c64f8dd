"""A second reading of the format, from the reference of the field alone: what we write must pass here, too.

Nothing of `otklik.channels.medo` is imported, and it is told otherwise than there: element by element, in words of
Python, with the standard parser.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

SPACES = {
    "2.2": "http://www.infpres.com/IEDMS",
    "2.5": "http://www.infpres.com/IEDMS",
    "2.6": "http://www.infpres.com/IEDMS",
    "2.7": "http://www.infpres.com/IEDMS",
    "2.7.1": "urn:IEDMS:MESSAGE",
}
PASSPORT_SPACES = {"2.7": "http://minsvyaz.ru/container", "2.7.1": "urn:IEDMS:CONTAINER"}
REFUSED_BECAUSE = 28  # how many reasons the list has
NOTICES = {
    "Зарегистрирован": ("documentAccepted", ["num"]),
    "Отказано в регистрации": ("documentRefused", ["reason"]),
    "Назначен исполнитель": ("executorAssigned", ["secretary", "manager", "executor"]),
    "Доклад подготовлен": ("reportPrepared", ["signatory"]),
    "Доклад направлен": ("reportSent", ["report"]),
    "Исполнение": ("courseChanged", ["courseText"]),
}
PERSON = ["region", "organization", "person", "department", "post", "contactInfo"]
CARD = [
    "type",
    "kind",
    "num",
    "classification",
    "urgency",
    "insteadOfDistributed",
    "specialMark",
    "signatories",
    "addressees",
    "pages",
    "enclosuresPages",
    "annotation",
    "enclosures",
    "correspondents",
    "links",
    "clauses",
    "executor",
    "files",
    "comment",
]
CARD_MUST = {"num", "signatories", "addressees", "pages", "annotation"}


class Wrong(AssertionError):
    """The package is not what the reference says."""


def must(true: object, why: str) -> None:
    if not true:
        raise Wrong(why)


class Reader:
    """Elements of one namespace; every attribute must stand in it, too."""

    def __init__(self, root: ElementTree.Element, space: str) -> None:
        self.space = space
        for node in root.iter():
            must(node.tag.startswith("{" + space + "}"), f"чужое пространство: {node.tag}")
            for name in node.attrib:
                must(name.startswith("{" + space + "}"), f"атрибут без пространства: {name}")

    def name(self, node: ElementTree.Element) -> str:
        return node.tag.rsplit("}", 1)[1]

    def attr(self, node: ElementTree.Element, name: str, *, asked: bool = True) -> str:
        value = node.get("{" + self.space + "}" + name)
        must(value or not asked, f"{self.name(node)}: нет @{name}")
        return value or ""

    def kids(self, node: ElementTree.Element, allowed: list[str], needed: set[str]) -> dict[str, Any]:
        """Check names, their order and that what is needed is there; return the children by name."""
        names = [self.name(one) for one in node]
        must(set(names) <= set(allowed), f"{self.name(node)}: лишнее {set(names) - set(allowed)}")
        must(needed <= set(names), f"{self.name(node)}: нет {needed - set(names)}")
        must([allowed.index(one) for one in names] == sorted(allowed.index(one) for one in names), "порядок")
        return {self.name(one): one for one in node}

    def guid(self, value: str) -> None:
        must(re.match(r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$", value), value)

    def line(self, node: ElementTree.Element, least: int, most: int) -> str:
        text = node.text or ""
        must(not len(node) and least <= len(text) <= most, f"{self.name(node)}: длина {len(text)}")
        return text

    def number(self, node: ElementTree.Element) -> None:
        kids = self.kids(node, ["number", "date", "registrationStamp"], {"number"})
        self.line(kids["number"], 1, 31)
        if "date" in kids:
            date.fromisoformat(kids["date"].text)

    def person(self, node: ElementTree.Element, more: list[str], needed: set[str]) -> None:
        kids = self.kids(node, [*PERSON, *more], needed)
        for one in PERSON:
            if one in kids:
                self.line(kids[one], 1, 511)


def check(files: dict[str, bytes], version: str, node: str) -> str:
    """Check a whole package of ours; return the type of its message."""
    names = [one for one in files if one.lower() in ("envelope.ini", "envelope.ltr")]
    must(len(names) == 1, "конверт")
    _envelope(files[names[0]].decode("cp1251"), files, node)
    known = {"document.xml", "communication.xml", "notification.xml", "acknowledgment.xml", "passport.xml"}
    [xml] = known & set(files)
    must(not files[xml].startswith(b"\xef\xbb\xbf"), "BOM")
    declared = files[xml].split(b"?>")[0].lower()
    must((b"utf-8" in declared) if version == "2.7.1" else (b"windows-1251" in declared), "кодировка")
    root = ElementTree.fromstring(files[xml])
    read = Reader(root, SPACES[version])
    must(read.name(root) == "communication" and read.attr(root, "version") == version, "корень")
    kinds = {
        "Документ": ["document", "files"],
        "Уведомление": ["notification"],
        "Квитанция": ["acknowledgment"],
        "Транспортный контейнер": ["container"],
    }
    head = root[0]
    kind = read.attr(head, "type")
    must(kind in kinds and (kind != "Транспортный контейнер" or version in PASSPORT_SPACES), "тип")
    kids = read.kids(root, ["header", *kinds[kind], "deliveryIndex"], {"header", *kinds[kind]})
    read.guid(read.attr(head, "uid"))
    datetime.fromisoformat(read.attr(head, "created"))
    _partner(read, read.kids(head, ["source", "operator", "comment"], {"source"})["source"])
    if "deliveryIndex" in kids:
        for one in kids["deliveryIndex"]:
            _partner(read, read.kids(one, ["destination", "files", "comment"], {"destination"})["destination"])
    if kind == "Документ":
        _document(read, kids["document"], version)
        _files(read, kids["files"], version, files)
    elif kind == "Уведомление":
        _notification(read, kids["notification"])
    elif kind == "Квитанция":
        _receipt(read, kids["acknowledgment"])
    else:
        _container(read, kids["container"], version, files)
    return kind


def _envelope(text: str, files: dict[str, bytes], node: str) -> None:
    must(text.startswith("[ПИСЬМО КП ПС СЗИ]"), "секция письма")
    must(re.search(r"^ДАТА=\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d\r?$", text, re.M), "дата конверта")
    must(f"[АДРЕСАТЫ]\r\n0={node}\r\n" in text, "адресат")
    listed = re.findall(r"^\d+=(.+?)\r?$", text.split("[ФАЙЛЫ]")[1], re.M)
    others = {name for name in files if not name.lower().startswith("envelope.")}
    must(set(listed) == others, f"файлы конверта: {listed}")


def _partner(read: Reader, node: ElementTree.Element) -> None:
    read.guid(read.attr(node, "uid"))
    read.line(read.kids(node, ["organization", "comment"], {"organization"})["organization"], 1, 511)


def _document(read: Reader, node: ElementTree.Element, version: str) -> None:
    read.guid(read.attr(node, "uid"))
    kids = read.kids(node, CARD, CARD_MUST)
    read.number(kids["num"])
    for one in kids["signatories"]:
        read.person(one, ["signed", "comment"], {"signed"})
    for one in kids["addressees"]:
        read.person(one, ["comment"], set())
        must(version != "2.2" or not one.attrib, "в 2.2 у адресата нет uid")
    must(int(kids["pages"].text) >= 0, "листы")
    must(len(kids["annotation"].text or "") <= 4000, "аннотация")
    for link in kids.get("links", ()):
        its = read.kids(link, ["linkType", "reference"], {"linkType", "reference"})
        must(its["linkType"].text in ("В ответ на", "Ответ", "На №", "Связан с"), "вид связи")
        read.number(read.kids(its["reference"], [*PERSON, "num", "comment"], {"num"})["num"])


def _files(read: Reader, node: ElementTree.Element, version: str, files: dict[str, bytes]) -> None:
    groups = []
    for one in node:
        must(read.name(one) == "file", "file")
        must(read.attr(one, "localName") in files, "файла нет")
        kids = read.kids(one, ["group", "description", "pages", "signedData"], {"group"})
        groups.append(kids["group"].text)
        kind = read.attr(one, "type", asked=False)
        must(kind in (("", "pdf") if version == "2.2" else ("", "pdf", "tif", "doc", "txt", "xml")), "тип файла")
        if "signedData" in kids:
            must(version != "2.2", "в 2.2 нет signedData")
            for info in kids["signedData"]:
                must(read.attr(info, "signature") in files, "подписи нет")
                datetime.fromisoformat(
                    read.kids(info, ["digestTime", "signer"], {"digestTime", "signer"})["digestTime"].text
                )
    must(groups.count("Текст документа") == 1, "текст документа")


def _notification(read: Reader, node: ElementTree.Element) -> None:
    kind = read.attr(node, "type")
    read.guid(read.attr(node, "uid"))
    if mid := read.attr(node, "mid", asked=False):
        read.guid(mid)
    must(kind in NOTICES, kind)
    element, own = NOTICES[kind]
    kids = read.kids(node, [element, "comment"], {element})
    inner = read.kids(kids[element], ["time", "foundation", "clause", "correspondent", *own], {"time", *own})
    datetime.fromisoformat(inner["time"].text)
    for name in own:
        if name == "num":
            read.number(inner["num"])
        elif name in ("secretary", "manager", "executor"):
            read.person(inner[name], ["comment"], set())
        elif name == "signatory":
            read.person(inner[name], ["signed", "comment"], {"signed"})
        elif name == "report":
            read.number(read.kids(inner[name], [*PERSON[:5], "num", "comment"], {"num"})["num"])
        elif name == "courseText":
            must(0 < len(inner[name].text) <= 4000, "ход исполнения")
        else:
            must(0 < len(inner[name].text) <= 127, "причина")


def _receipt(read: Reader, node: ElementTree.Element) -> None:
    read.guid(read.attr(node, "uid"))
    kids = read.kids(node, ["time", "accepted", "comment", "hashCodes"], {"time", "accepted"})
    datetime.fromisoformat(kids["time"].text)
    must(kids["accepted"].text in ("true", "false"), "accepted")
    if "comment" in kids:
        read.line(kids["comment"], 1, 2047)


def _container(read: Reader, node: ElementTree.Element, version: str, files: dict[str, bytes]) -> None:
    kids = read.kids(node, ["body", "signature"], {"body"})
    with zipfile.ZipFile(io.BytesIO(files[kids["body"].text])) as archive:
        must(archive.testzip() is None, "архив")
        inside = {name: archive.read(name) for name in archive.namelist()}
    must(all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in inside), f"имена латиницей: {list(inside)}")
    root = ElementTree.fromstring(inside["passport.xml"])
    its = Reader(root, PASSPORT_SPACES[version])
    its.guid(its.attr(root, "uid"))
    its.attr(root, "version")
    whole = its.kids(
        root,
        ["requisites", "authors", "addressees", "document", "attachments"],
        {"requisites", "authors", "addressees", "document"},
    )
    order = ["documentKind", "documentPlace", "classification", "annotation", "links"]
    its.kids(whole["requisites"], order, {"documentKind", "annotation"})
    for author in whole["authors"]:
        parts = its.kids(
            author, ["organization", "registration", "sign", "executor"], {"organization", "registration", "sign"}
        )
        its.number(parts["registration"])
        registration = its.kids(
            parts["registration"], ["number", "date", "registrationStamp"], {"number", "date", "registrationStamp"}
        )
        _place(its, registration["registrationStamp"], inside)
        sign = its.kids(parts["sign"], ["person", "documentSignature"], {"person", "documentSignature"})
        its.kids(sign["person"], ["post", "name", "phone", "email"], {"post", "name"})
        signature = sign["documentSignature"]
        must(its.attr(signature, "localName").endswith(".p7s"), "подпись")
        must(its.attr(signature, "localName") in inside, "подписи нет")
        must(its.attr(signature, "type") in ("Утверждающая", "Визирующая"), "вид подписи")
        _place(its, signature[0], inside)
    document = whole["document"]
    must(inside[its.attr(document, "localName")].startswith(b"%PDF-"), "PDF")
    must(
        int(its.kids(document, ["pagesQuantity", "enclosurePagesQuantity"], {"pagesQuantity"})["pagesQuantity"].text)
        > 0,
        "л.",
    )
    for at, one in enumerate(whole.get("attachments", ())):
        must(its.attr(one, "localName") in inside, "приложения нет")
        must(int(its.kids(one, ["order", "description", "signature"], {"order"})["order"].text) == at, "порядок")


def _place(its: Reader, stamp: ElementTree.Element, inside: dict[str, bytes]) -> None:
    must(inside[its.attr(stamp, "localName")].startswith(b"\x89PNG"), "штамп — PNG")
    position = its.kids(stamp[0], ["page", "topLeft", "dimension"], {"page", "topLeft", "dimension"})
    must(int(position["page"].text) >= 1, "страница с 1")
    x, y = (float(one.text) for one in position["topLeft"])
    w, h = (float(one.text) for one in position["dimension"])
    must(x >= 0 and x + w <= 210 and y >= 0 and y + h <= 297, "штамп на листе A4")
