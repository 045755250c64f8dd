"""A page as a file for another Knowledge Base bears it: no number of this database, every link by a key; and back.

A page's content is what `serializable_data()` gives: fields and rows beside it. On the way out numbers become keys, on
the way in keys become numbers: the walk is the same. Only what comes in is checked, and distrusted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from html import escape, unescape
from typing import Any, Final

import nh3
from django.core.exceptions import ValidationError
from django.db.models import (
    BooleanField,
    CharField,
    DateField,
    Field,
    ForeignKey,
    IntegerField,
    Model,
    TextField,
    TimeField,
    UniqueConstraint,
)
from modelcluster.fields import ParentalKey
from modelcluster.models import get_all_child_relations
from wagtail import blocks
from wagtail.documents.models import Document
from wagtail.fields import RichTextField, StreamField
from wagtail.models import COMMENTS_RELATION_NAME, Page

Content = dict[str, Any]
HOME: Final = "/"  # the key of the root page
NOWHERE: Final = ""  # the key of what a link leads to no more
NO_ROW: Final = 0  # and its number: Wagtail cannot bear an empty one
# What a database makes anew for every page, and what stands in the line beside the content.
_MADE_ANEW: Final = frozenset(
    {"id", "path", "depth", "numchild", "url_path", "content_type", "locale", "translation_key", "alias_of"}
    | {"latest_revision", "live_revision", "scheduled_revision"}
)
# The tags and attributes that the features of `RICH_TEXT` make.
_TAGS: Final = frozenset({"p", "br", "hr", "h3", "h4", "b", "i", "ol", "ul", "li", "a"})
_KEY_OF_BLOCK: Final = {"data-block-key"}
_ATTRIBUTES: Final = {"a": {"href", "id", "linktype"}} | dict.fromkeys(("p", "hr", "h3", "h4", "li"), _KEY_OF_BLOCK)
_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
_TAG: Final = re.compile(r'</?[a-z0-9]+(?: [a-z-]+="[^"<>]*")*\s*/?>')
_LINK: Final = re.compile(r"<a\b[^<>]*>")
_KIND_OF_LINK: Final = re.compile(r'\blinktype="(page|document)"')
_ID: Final = re.compile(r'\bid="([^"]*)"')
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_LINKED: Final[dict[str, type[Model]]] = {"page": Page, "document": Document}


class Unfit(Exception):
    """A content cannot be taken; the text says why, in words for whoever brought it."""


class Keys:
    """What everything is called on the other side: a row's number → its key (`outward`), or the way back."""

    def __init__(self, of: Mapping[type[Model], Mapping[Any, Any]], *, outward: bool = False) -> None:
        self.of, self.outward = of, outward

    def get(self, model: type[Model], known: Any) -> Any:
        """Return what a row is called there, or None."""
        return self.of.get(_family(model), {}).get(known)


class Asked(Keys):
    """Finds nothing and remembers what it was asked for: (model, key)."""

    def __init__(self) -> None:
        super().__init__({})
        self.all: set[tuple[type[Model], Any]] = set()

    def get(self, model: type[Model], known: Any) -> None:
        """Remember the question."""
        self.all.add((_family(model), known))


def fields_of(model: type[Model]) -> dict[str, Field[Any, Any]]:
    """Return the fields that travel."""
    return {
        field.name: field
        for field in model._meta.concrete_fields
        if field.name not in _MADE_ANEW and not field.primary_key and not isinstance(field, ParentalKey)
    }


def rows_of(model: type[Model]) -> dict[str, type[Model]]:
    """Return the rows beside a page that travel with it: how they are called, and what they are."""
    relations = get_all_child_relations(model) if issubclass(model, Page) else []
    named = {relation.get_accessor_name(): relation.related_model for relation in relations}
    named.pop(COMMENTS_RELATION_NAME, None)
    return named


def plain(raw: Mapping[str, Any]) -> Content:
    """Return what `serializable_data()` gave as JSON bears it; moments to the microsecond."""

    def said(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime | date | time) else str(value)

    content: Content = json.loads(json.dumps(raw, default=said))
    return content


def translated(model: type[Model], content: Mapping[str, Any], keys: Keys) -> Content:
    """Return the content with everything it leads to called as on the other side.

    A row beside the page that cannot do without what it leads to goes when that is gone, as in Wagtail.
    """
    fields = fields_of(model)
    there = {name: _value(fields[name], value, keys) for name, value in content.items() if name in fields}
    for name, kind in rows_of(model).items():
        rows = (translated(kind, row, keys) for row in content.get(name, ()))
        there[name] = [row for row in rows if not _lost(kind, row)]
    return there


def html_translated(html: str, keys: Keys) -> str:
    """Return rich text whose links to pages and files are called as on the other side."""

    def link(found: re.Match[str]) -> str:
        tag = found[0]
        kind, known = _KIND_OF_LINK.search(tag), _ID.search(tag)
        if not kind or not known:
            return tag
        asked: Any = unescape(known[1])
        if keys.outward:
            asked = int(asked) if _NUMBER.fullmatch(asked) else None
        # A link that leads nowhere stays a link: an author sees it and mends it.
        there = keys.get(_LINKED[kind[1]], asked) or (NOWHERE if keys.outward else NO_ROW)
        return f"{tag[: known.start(1)]}{escape(str(there))}{tag[known.end(1) :]}"

    return _LINK.sub(link, html)


def clean_html(html: str) -> str:
    """Return only what an author could have made in the editor; what is so already stays to the letter."""
    clean = nh3.clean(html, tags=set(_TAGS), attributes=_ATTRIBUTES, url_schemes=set(_SCHEMES), link_rel=None)
    return html if "<" not in _TAG.sub("", html) and _pieces(html) == _pieces(clean) else clean


def checked(model: type[Model], content: object) -> Content:
    """Return a content that came in: known fields of the right types, rich text cleaned; or raise `Unfit`."""
    if not isinstance(content, dict):
        raise Unfit("ждали набор полей в фигурных скобках")
    fields, rows = fields_of(model), rows_of(model)
    if unknown := sorted(set(content) - set(fields) - set(rows)):
        raise Unfit(f"неизвестные поля: {', '.join(unknown)[:200]}")
    fit = {name: _checked_value(field, content[name]) for name, field in fields.items() if name in content}
    for name, kind in rows.items():
        given = content.get(name, [])
        if not isinstance(given, list):
            raise Unfit(f"{name}: ждали список")
        fit[name] = [checked(kind, row) for row in given]
        _check_once(kind, fit[name], name)
    return fit


def check_whole(page: Page) -> None:
    """Raise `Unfit` where a page that readers see breaks a rule of its kind; links by keys are not asked."""
    links = [name for name, field in fields_of(type(page)).items() if isinstance(field, ForeignKey)]
    try:
        page.full_clean(exclude=[*_MADE_ANEW, *links])
        for name, kind in rows_of(type(page)).items():
            for row in getattr(page, name).all():
                row.full_clean(exclude=[one.name for one in kind._meta.fields if isinstance(one, ForeignKey)])
        for name, field in fields_of(type(page)).items():
            if isinstance(field, StreamField):
                field.stream_block.clean(getattr(page, name))
    except ValidationError as wrong:
        raise Unfit(_told(wrong)) from wrong


def check_nothing_missing(page: Page, content: Mapping[str, Any]) -> None:
    """Raise `Unfit` where a page, though a draft, lacks what the table cannot do without."""
    for name, field in fields_of(type(page)).items():
        value = content.get(name) if isinstance(field, ForeignKey) else getattr(page, name)
        if not field.null and value is None:
            raise Unfit(f"{name}: не заполнено")


def numbered(content: Mapping[str, Any], pk: int | None) -> Content:
    """Return a content as `from_serializable_data()` takes it: the page under its number, rows beside it new."""
    rows = {name: [{"pk": None, **row} for row in value] for name, value in content.items() if _is_rows(value)}
    return {**content, **rows, "pk": pk}


def put_in_place(page: Page, draft: Page) -> None:
    """Give a page built of its content the place in the tree that was made for it."""
    for field in type(page)._meta.concrete_fields:
        if field.name in _MADE_ANEW:
            setattr(page, field.attname, getattr(draft, field.attname))
    page._state.adding = False


def check_text(value: object) -> None:
    """Raise `Unfit` where a text anywhere inside holds what no database keeps."""
    for text in _texts(value):
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise Unfit("в тексте недопустимый знак")


def _family(model: type[Model]) -> type[Model]:
    return Page if issubclass(model, Page) else model


def _value(field: Field[Any, Any], value: Any, keys: Keys) -> Any:
    if value is None:
        return None
    if isinstance(field, ForeignKey):
        return keys.get(field.remote_field.model, value)
    if isinstance(field, RichTextField):
        return html_translated(value, keys)
    if isinstance(field, StreamField):
        return json.loads(value) if isinstance(value, str) else json.dumps(value)
    return value


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _lost(kind: type[Model], row: Content) -> bool:
    links = [field for field in fields_of(kind).values() if isinstance(field, ForeignKey) and not field.null]
    return any(row.get(field.name) is None for field in links)


def _pieces(html: str) -> list[object]:
    """Return rich text as it is compared: tags apart from how they are closed, letters apart from how written."""
    pieces: list[object] = []
    at = 0
    for tag in _TAG.finditer(html):
        pieces += [unescape(html[at : tag.start()]), unescape(re.sub(r"\s*/?>$", ">", tag[0]))]
        at = tag.end()
    return [piece for piece in [*pieces, unescape(html[at:])] if piece]


def _checked_value(field: Field[Any, Any], value: Any) -> Any:
    """Return the value a field takes; empty ones pass: drafts may have gaps, `check_whole` asks of what is read."""
    name = field.name
    wanted, word = _wanted(field)
    if value is None:
        if isinstance(field, CharField | TextField) and not field.null:
            raise Unfit(f"{name}: ждали {word}")
        return None
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise Unfit(f"{name}: ждали {word}")
    if isinstance(field, ForeignKey):
        return value
    if isinstance(field, StreamField):
        _check_block(field.stream_block, value, name)
        return value
    if value != "":
        try:
            field.clean(value, None)
        except (ValidationError, OverflowError) as wrong:
            raise Unfit(f"{name}: {_told(wrong)}") from wrong
    return clean_html(value) if isinstance(field, RichTextField) else value


def _wanted(field: Field[Any, Any]) -> tuple[type, str]:
    """Return what JSON bears for a field, and the word for it."""
    if isinstance(field, BooleanField):
        return bool, "true или false"
    if isinstance(field, StreamField):
        return list, "список"
    if isinstance(field, IntegerField):
        return int, "целое число"
    if isinstance(field, DateField | TimeField):
        return str, "дату или время в кавычках, например «2026-01-31»"
    return str, "текст в кавычках"


def _check_block(block: blocks.BaseBlock, value: Any, place: str) -> None:
    """Raise `Unfit` where the value is not of the block's shape; whether it is filled in is asked of what is read."""
    if isinstance(block, blocks.StreamBlock):
        for item in _listed(value, place):
            kind = block.child_blocks.get(_named(item, place).get("type")) if _typed(item) else None
            if kind is None or not isinstance(item.get("id") or "", str):
                raise Unfit(f"{place}: неизвестный блок")
            _check_block(kind, item.get("value"), place)
    elif isinstance(block, blocks.ListBlock):
        for item in _listed(value, place):
            inner = _named(item, place)
            _check_block(block.child_block, inner["value"] if inner.get("type") == "item" else inner, place)
    elif isinstance(block, blocks.StructBlock):
        given = _named(value, place)
        if unknown := sorted(set(given) - set(block.child_blocks)):
            raise Unfit(f"{place}: неизвестные поля: {', '.join(unknown)[:200]}")
        for name, one in block.child_blocks.items():
            if name not in given and isinstance(one, blocks.FieldBlock) and one.required:
                raise Unfit(f"{place}: нет поля {name}")
            if name in given:
                _check_block(one, given[name], f"{place}.{name}")
    elif not isinstance(value, str):
        raise Unfit(f"{place}: ждали текст в кавычках")


def _typed(item: object) -> bool:
    return isinstance(item, dict) and isinstance(item.get("type"), str)


def _listed(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit(f"{place}: ждали список")
    return value


def _named(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict) or (value.get("type") == "item" and "value" not in value):
        raise Unfit(f"{place}: ждали набор полей в фигурных скобках")
    return value


def _check_once(kind: type[Model], rows: Iterable[Content], place: str) -> None:
    """Refuse rows the table would not take beside each other."""
    rows = list(rows)
    for rule in kind._meta.constraints:
        if isinstance(rule, UniqueConstraint):
            # The constraint names the page too: it is the same for all of them.
            names = [name for name in _names_of(rule) if name in fields_of(kind)]
            met = [tuple(row.get(name, "") for name in names) for row in rows]
            if len(set(met)) < len(met):
                raise Unfit(f"{place}: одна и та же строка дважды")


def _names_of(rule: UniqueConstraint) -> list[str]:
    return [*rule.fields, *(expression.name for expression in rule.expressions if hasattr(expression, "name"))]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _told(wrong: Exception) -> str:
    """Return what is wrong in one line."""
    if isinstance(wrong, ValidationError) and hasattr(wrong, "error_dict"):
        return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in wrong.message_dict.items())[:600]
    if isinstance(wrong, ValidationError):
        return " ".join(map(str, wrong.messages))[:600] or "заполнено неверно"
    return "значение слишком велико"
