"""Checks a message against the table of its version: order of elements, attributes with their namespace, values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from otklik.channels.medo import versions
from otklik.channels.medo.versions import Table

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MOST_PROBLEMS: Final = 20
MOST_DEEP: Final = 40
_NILLABLE: Final = frozenset({"annotation", "date", "designation", "files"})
_ATTRIBUTE: Final = re.compile(r"(\w+)([!?])(\w+)")
_CHILD: Final = re.compile(r"(\w+):(\w+)([?+*]?)")
_SPACES: Final = re.compile(r"[\s]+")


def _long(least: int, most: int) -> Callable[[str], bool]:
    return lambda text: least <= len(text) <= most


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda text: _SPACES.sub(" ", text).strip() in values


def _fits(pattern: str) -> Callable[[str], bool]:
    return lambda text: bool(re.fullmatch(pattern, text.strip()))


def is_date(text: str) -> bool:
    """Say whether this is a calendar date, as xsd:date writes it."""
    try:
        date.fromisoformat(re.sub(r"(Z|[+-]\d\d:\d\d)$", "", text.strip()))
    except ValueError:
        return False
    return True


def is_moment(text: str) -> bool:
    """Say whether this is a date with a time, as xsd:dateTime writes it."""
    try:
        datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text.strip()))
    except ValueError:
        return False
    return "T" in text


def is_guid(text: str) -> bool:
    """Say whether this is a GUID, 8-4-4-4-12."""
    return bool(GUID.fullmatch(text.strip()))


SIMPLE: Final[dict[str, Callable[[str], bool]]] = {
    "token": _long(1, 255),
    "any": _long(1, 255),
    "id": _long(1, 127),
    "short": _long(1, 511),
    "line250": _long(0, 250),
    "line255": _long(0, 255),
    "text511": _long(0, 511),
    "text2048": _long(0, 2048),
    "text4000": _long(0, 4000),
    "comment": _long(1, 2047),
    "number": _long(1, 31),
    "fileName": _long(1, 255),
    "guid": is_guid,
    "date": is_date,
    "dateTime": is_moment,
    "boolean": _one_of("true", "false", "1", "0"),
    "count": _fits(r"\+?\d{1,9}"),
    "counts": _fits(r"(\d{1,9}(\s+\d{1,9})*)?"),
    "page": _fits(r"[1-9]\d{0,5}"),
    "mm": _fits(r"\d{1,4}([.,]\d{1,3})?"),
    "hash": _fits(r"([0-9a-fA-F]{2}){32,128}"),
    "header": _one_of(versions.DOCUMENT, versions.NOTIFICATION, versions.RECEIPT),
    "header27": _one_of(versions.DOCUMENT, versions.NOTIFICATION, versions.RECEIPT, versions.CONTAINER),
    "link": _one_of(*versions.LINK_TYPES, ""),  # empty stands for «Связан с»
    "notification": _one_of(*versions.NOTIFICATIONS),
    "refusal": _one_of(*versions.REFUSALS),
    "group": _one_of("Текст документа", "Текст приложения", "Данные"),
    "group22": _one_of("Текст документа", "Текст приложения"),
    "fileType": _one_of("pdf", "tif", "doc", "txt", "xml"),
    "fileType22": _one_of("pdf"),
    "signature": _one_of("Утверждающая", "Визирующая"),
}


@dataclass(frozen=True)
class Type:
    """What an element of one type may hold."""

    attributes: dict[str, tuple[bool, str]]  # name → (required, type)
    text: str  # type of the text; empty where elements stand inside
    order: re.Pattern[str]
    children: dict[str, str]


@lru_cache(maxsize=256)
def _type(line: str) -> Type:
    before, _, content = line.partition("=")
    attributes = {name: (mark == "!", kind) for name, mark, kind in _ATTRIBUTE.findall(before)}
    content = content.strip()
    if content.startswith("="):
        return Type(attributes, content[1:], re.compile(""), {})
    children = {name: kind for name, kind, _ in _CHILD.findall(content)}
    order = _CHILD.sub(lambda found: f"(?:{found[1]}/){found[3]}", content)
    return Type(attributes, "", re.compile(order.replace(" ", "")), children)


def problems(root: Element, table: Table, start: str, name: str, namespace: str) -> list[str]:
    """Return what does not fit, in Russian with the place; values themselves are not repeated."""
    if root.tag != f"{{{namespace}}}{name}":
        return [f"корень — не {name} в пространстве {namespace}"]
    found: list[str] = []
    for problem in _check(root, start, name, _Rules(table, namespace)):
        found.append(problem)
        if len(found) == MOST_PROBLEMS:
            found.append("и другие")
            break
    return found


@dataclass(frozen=True)
class _Rules:
    """A table and the namespace its names stand in."""

    table: Table
    namespace: str


def _check(node: Element, kind: str, place: str, rules: _Rules) -> Iterator[str]:
    if place.count("/") > MOST_DEEP:
        yield f"{place}: вложенность больше {MOST_DEEP}"
        return
    text = "".join(node.itertext()) if not len(node) else ""
    if node.get(f"{{{XSI}}}nil") in ("true", "1"):
        if text.strip() or len(node) or place.rsplit("/", 1)[-1] not in _NILLABLE:
            yield f"{place}: здесь не может быть nil"
        return
    if kind in SIMPLE:
        yield from _simple(node, kind, text, place)
        return
    rule = _type(rules.table[kind])
    yield from _attributes(node, rule, rules.namespace, place)
    if rule.text:
        yield from _simple(node, rule.text, text, place, attributes=False)
        return
    names = [_local(child, rules.namespace) for child in node]
    if not rule.order.fullmatch("".join(f"{one}/" for one in names)):
        yield f"{place}: состав или порядок элементов не тот ({', '.join(names[:12]) or 'пусто'})"
    for child, one in zip(node, names, strict=True):
        if one in rule.children:
            yield from _check(child, rule.children[one], f"{place}/{one}", rules)


def _simple(node: Element, kind: str, text: str, place: str, *, attributes: bool = True) -> Iterator[str]:
    if len(node):
        yield f"{place}: внутри не должно быть элементов"
    elif not SIMPLE[kind](text):
        yield f"{place}: недопустимое значение"
    if attributes and any(not key.startswith(f"{{{XSI}}}") for key in node.attrib):
        yield f"{place}: лишний атрибут"


def _attributes(node: Element, rule: Type, namespace: str, place: str) -> Iterator[str]:
    given: dict[str, str] = {}
    for key, value in node.attrib.items():
        space, _, name = key.rpartition("}")
        if space[1:] == XSI:
            continue
        if space[1:] != namespace:
            yield f"{place}: атрибут {name} без пространства имён"
        elif name not in rule.attributes:
            yield f"{place}: лишний атрибут {name}"
        given[name] = value
    for name, (required, kind) in rule.attributes.items():
        if name not in given:
            if required:
                yield f"{place}: нет атрибута {name}"
        elif not SIMPLE[kind](given[name]):
            yield f"{place}: недопустимое значение атрибута {name}"


def _local(child: Element, namespace: str) -> str:
    prefix = f"{{{namespace}}}"
    return child.tag[len(prefix) :] if child.tag.startswith(prefix) else f"чужой:{child.tag.rpartition('}')[2]}"
