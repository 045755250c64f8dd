"""A Knowledge Base for the demo stand: functions, sections, questions, reply templates; all illustrative."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import DateField
from wagtail.documents.models import Document
from wagtail.models import Page

from otklik.core import typeset
from otklik.knowledge import articles, defaults, public
from otklik.knowledge.models import (
    KINDS,
    Attachment,
    DecisionExample,
    Faq,
    Function,
    KnowledgeHome,
    Mark,
    Material,
    ReceptionHours,
    ReceptionSchedule,
    Reference,
    ReplyTemplate,
    Section,
)
from otklik.people.models import Unit

SINCE: Final = date(2024, 8, 16)
# Which unit keeps which section; by the codes of the demo department.
KEEPERS: Final = {
    "S01": "land",
    "S02": "land",
    "S03": "rent",
    "S04": "land",
    "S05": "auctions",
    "S06": "land",
    "S07": "rent",
    "S08": "land",
    "S09": "property",
    "S10": "auctions",
    "S11": "registry",
    "S12": "cadastre",
}
GENERAL_KEEPER: Final = "office"
_WITH_FILE: Final = "A002"  # which documents to bring: with a blank list of them
_SOURCE: Final = Path(__file__).parent / "data" / "inventory.typ"
_NOT_FIELDS: Final = frozenset({"kind", "section", "unit", "refers_to"})


@transaction.atomic
def load(units: Mapping[str, Unit]) -> int:
    """Fill an empty Knowledge Base; return how many materials were added. A second run adds nothing."""
    home = defaults.load()
    if Material.objects.filter(demo=True).exists():
        return 0
    questions = [json.loads(line) for line in _data("articles.jsonl").splitlines() if line]
    sections = _sections(home, {article["section"]: article["section_title"] for article in questions}, units)
    for number, article in enumerate(questions):
        _publish(sections[article["section"]], _question(article, number))
    templates: list[dict[str, str]] = json.loads(_data("templates.json"))
    for number, template in enumerate(templates, start=1):
        _publish(sections[template["section"]], _template(template, number))
    others: list[dict[str, Any]] = json.loads(_data("kinds.json"))
    written: dict[str, Material] = {}
    for number, other in enumerate(others, start=1):
        page = _other(other, number, units, written)
        written[other["title"]] = _publish(sections[other["section"]], page)
    return len(questions) + len(templates) + len(others)


def _data(name: str) -> str:
    return (files("otklik.knowledge") / "data" / name).read_text(encoding="utf-8")


def _sections(home: KnowledgeHome, titles: Mapping[str, str], units: Mapping[str, Unit]) -> dict[str, Section]:
    sections = {}
    for code, title in titles.items():
        function, _ = Function.objects.get_or_create(code=code.lower(), defaults={"name": title, "valid_from": SINCE})
        keeper = units.get(KEEPERS[code]) or next(iter(units.values()))
        sections[code] = _publish(home, Section(title=title, slug=code.lower(), function=function, unit=keeper))
    organisers = units.get(GENERAL_KEEPER) or next(iter(units.values()))
    return {**sections, "general": defaults.plant_general(organisers)}


def _question(article: Mapping[str, str], number: int) -> Faq:
    # One question in ten is for answers only: the stand shows that such a page is not on the site.
    mark = Mark.FOR_ANSWERS if number % 10 == 9 else Mark.PUBLIC
    page = articles.question(article, slug=article["id"].lower(), mark=mark, demo=True)
    if article["id"] == _WITH_FILE:
        page.attachments.add(Attachment(document=_form()))
    return page


def _form() -> Document:
    """Return a blank form, set here, that is found by its own words."""
    content = typeset.pdf(_SOURCE, {}, on=SINCE)
    form: Document = Document(title="Опись документов к заявлению, бланк", file_size=len(content))
    form.file.save("opis-dokumentov.pdf", ContentFile(content))
    return form


def _template(template: Mapping[str, str], number: int) -> ReplyTemplate:
    return ReplyTemplate(
        title=template["title"],
        slug=f"t{number:03}",
        when=template["when"],
        text=template["text"],
        mark=Mark(template.get("mark", Mark.FOR_ANSWERS)),
        demo=True,
    )


def _other(
    given: Mapping[str, Any], number: int, units: Mapping[str, Unit], written: Mapping[str, Material]
) -> Material:
    """Return a material of any other kind; what it refers to is written before it."""
    [kind] = [one for one in KINDS if one.__name__ == given["kind"]]
    skipped = _NOT_FIELDS | ({"hours"} if kind is ReceptionSchedule else set())
    fields = {name: value for name, value in given.items() if name not in skipped}
    for name, value in fields.items():
        if isinstance(kind._meta.get_field(name), DateField):
            fields[name] = date.fromisoformat(value)
    if "unit" in given:
        fields["unit"] = units.get(given["unit"]) or next(iter(units.values()))
    if kind is DecisionExample:
        fields["anonymised"] = True
    page = kind(slug=f"k{number:03}", demo=True, **{"mark": Mark.INTERNAL, **fields})
    for day, starts, ends, note in given.get("hours", ()) if kind is ReceptionSchedule else ():
        page.hours.add(
            ReceptionHours(day=day, starts=time.fromisoformat(starts), ends=time.fromisoformat(ends), note=note)
        )
    for title, place in given.get("refers_to", ()):
        page.references.add(Reference(target=written[title], place=place))
    return page


def _publish(parent: Page, page: Any) -> Any:
    """Add a page with its first published revision, as an author at `/cms/` would."""
    page.live = False  # a draft until it is published, so it is indexed once
    parent.add_child(instance=page)
    page.save_revision(log_action=True).publish()
    if getattr(page, "mark", "") == Mark.PUBLIC:
        page.refresh_from_db()
        public.let_out(page)
    return page
