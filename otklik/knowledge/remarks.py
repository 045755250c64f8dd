"""Comments on a field or a passage: Wagtail's own, so the author meets them in the editor at the very words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Final

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils.text import capfirst
from wagtail.fields import RichTextField
from wagtail.models import Comment

from otklik.core.errors import DomainError
from otklik.knowledge import agreement
from otklik.knowledge.models import Agreement
from otklik.people.models import Employee

LONGEST: Final = 1000
_BLOCKS: Final = frozenset({"p", "h2", "h3", "h4", "li"})
_KINDS: Final = (models.CharField, models.TextField, models.BooleanField, models.DateField, RichTextField)


class WordsNeeded(DomainError):
    """A comment says something."""

    code = "remark.words_needed"
    text = "Напишите замечание: не длиннее {most} знаков."


class NoSuchField(DomainError):
    """The field is not of this kind of material."""

    code = "remark.no_such_field"
    text = "Выберите, к чему замечание."


class NoSuchPassage(DomainError):
    """The passage is not in the text as it was sent."""

    code = "remark.no_such_passage"
    text = "В поле «{field}» нет слов «{passage}». Скопируйте отрывок из текста или оставьте поле пустым."


@dataclass(frozen=True)
class Remark:
    """A comment as the one who decides reads it."""

    field: str
    passage: str
    text: str
    who: str
    at: Any
    answers: tuple[tuple[str, str], ...]


def fields_of(version: Any) -> list[tuple[str, str]]:
    """Return what of a page may be commented on: names of fields and how they are called."""
    model = type(version)
    own = [field for field in model._meta.get_fields() if getattr(field, "editable", False)]
    mine = {field.name: field for field in own if field.model is not None and isinstance(field, _KINDS)}
    shown = ("title", "mark", version.lead_field, *version.fact_fields, *version.part_fields, *version.inner_fields)
    wanted = dict.fromkeys((*shown, "synonyms", "intro") if hasattr(version, "lead_field") else ("title", "intro"))
    return [(name, capfirst(str(mine[name].verbose_name))) for name in wanted if name in mine]


@transaction.atomic
def leave(row: Agreement, *, field: str, passage: str = "", text: str, by: Employee) -> Comment:
    """Put words to a field, or to a passage of it, of what waits for this person's decision."""
    agreement.check_open(row, by)
    version: Any = row.revision.as_object()
    if field not in (names := dict(fields_of(version))):
        raise NoSuchField
    if not (text := text.strip()) or len(text) > LONGEST:
        raise WordsNeeded(most=LONGEST)
    passage = " ".join(passage.split())
    position = _position(version, field, passage)
    if passage and position is None:
        raise NoSuchPassage(field=names[field], passage=passage[:80])
    # Where the editor cannot stand at the very words, they are quoted.
    said = f"«{passage}» — {text}" if passage and not position else text
    comment = Comment.objects.create(
        page_id=row.page_id,
        user=by,
        text=said,
        contentpath=field,
        position=position or "",
        revision_created=row.revision,
    )
    comment.log_create(page_revision=row.revision, user=by)
    return comment


def of_page(version: Any) -> list[Remark]:
    """Return the open comments on a page, oldest first, with the passages they stand at."""
    names = dict(fields_of(version))
    rows: QuerySet[Comment] = Comment.objects.filter(page=version.pk, resolved_at=None)
    return [
        Remark(
            field=names.get(one.contentpath.partition(".")[0], "Текст"),
            passage=_passage(version, one),
            text=one.text,
            who=str(one.user),
            at=one.created_at,
            answers=tuple((str(reply.user), reply.text) for reply in one.replies.all()),
        )
        for one in rows.select_related("user").prefetch_related("replies__user").order_by("pk")
    ]


def _position(version: Any, field: str, passage: str) -> str | None:
    """Return where the passage stands, as the editor keeps it; empty where it keeps none, None where there is none."""
    if not isinstance(version._meta.get_field(field), RichTextField):
        return "" if passage.casefold() in " ".join(str(getattr(version, field)).split()).casefold() else None
    found = False
    for key, text in _blocks(getattr(version, field)):
        start = text.casefold().find(passage.casefold())
        if start >= 0:
            if key:
                return json.dumps([{"key": key, "start": start, "end": start + (len(passage) or len(text))}])
            found = True
    return "" if found or not passage else None


def _passage(version: Any, comment: Comment) -> str:
    if not comment.position:
        return ""
    texts = dict(_blocks(getattr(version, comment.contentpath, "")))
    places = json.loads(comment.position)
    return " … ".join(texts.get(one["key"], "")[one["start"] : one["end"]] for one in places)


def _blocks(html: str) -> Iterator[tuple[str, str]]:
    """Yield the blocks of rich text: the key the editor knows each by, and its text."""
    reader = _Blocks()
    reader.feed(str(html))
    yield from reader.found


class _Blocks(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.found.append((dict(attrs).get("data-block-key") or "", ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            key, text = self.found[-1]
            self.found[-1] = (key, text + data)
