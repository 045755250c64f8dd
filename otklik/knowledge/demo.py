"""A Knowledge Base for the demo stand: functions, sections, questions, reply templates; all illustrative."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any, Final

from django.db import transaction
from django.utils.html import escape
from wagtail.models import Page

from otklik.knowledge import defaults, public
from otklik.knowledge.models import Faq, Function, KnowledgeHome, Mark, Material, ReplyTemplate, Section
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
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[А-ЯЁ«])")
_SHORT: Final = 320  # characters of a short answer


@transaction.atomic
def load(units: Mapping[str, Unit]) -> int:
    """Fill an empty Knowledge Base; return how many materials were added. A second run adds nothing."""
    home = defaults.load()
    if Material.objects.filter(demo=True).exists():
        return 0
    articles = [json.loads(line) for line in _data("articles.jsonl").splitlines() if line]
    sections = _sections(home, {article["section"]: article["section_title"] for article in articles}, units)
    for number, article in enumerate(articles):
        _publish(sections[article["section"]], _question(article, number))
    templates: list[dict[str, str]] = json.loads(_data("templates.json"))
    for number, template in enumerate(templates, start=1):
        _publish(sections[template["section"]], _template(template, number))
    return len(articles) + len(templates)


def _data(name: str) -> str:
    return (files("otklik.knowledge") / "data" / name).read_text(encoding="utf-8")


def _sections(home: KnowledgeHome, titles: Mapping[str, str], units: Mapping[str, Unit]) -> dict[str, Section]:
    sections = {}
    for code, title in titles.items():
        function, _ = Function.objects.get_or_create(code=code.lower(), defaults={"name": title, "valid_from": SINCE})
        keeper = units.get(KEEPERS[code]) or next(iter(units.values()))
        sections[code] = _publish(home, Section(title=title, slug=code.lower(), function=function, unit=keeper))
    return sections


def _question(article: Mapping[str, str], number: int) -> Faq:
    paragraphs = article["body"].split("\n\n")
    short = ""
    for sentence in _SENTENCE.split(paragraphs[0]):
        if short and len(short) + len(sentence) > _SHORT:
            break
        short = f"{short} {sentence}".strip()
    return Faq(
        title=article["title"],
        slug=article["id"].lower(),
        short_answer=short,
        body="".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs),
        # One question in ten is for answers only: the stand shows that such a page is not on the site.
        mark=Mark.FOR_ANSWERS if number % 10 == 9 else Mark.PUBLIC,
        demo=True,
    )


def _template(template: Mapping[str, str], number: int) -> ReplyTemplate:
    return ReplyTemplate(
        title=template["title"],
        slug=f"t{number:03}",
        when=template["when"],
        text=template["text"],
        mark=Mark(template.get("mark", Mark.FOR_ANSWERS)),
        demo=True,
    )


def _publish(parent: Page, page: Any) -> Any:
    """Add a page with its first published revision, as an author at `/cms/` would."""
    page.live = False  # a draft until it is published, so it is indexed once
    parent.add_child(instance=page)
    page.save_revision().publish()
    if getattr(page, "mark", "") == Mark.PUBLIC:
        page.refresh_from_db()
        public.let_out(page)
    return page
