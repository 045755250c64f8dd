"""What the templates of the Knowledge Base ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.text import slugify
from wagtail.blocks import ChoiceBlock

from otklik.knowledge import finding, rich, votes
from otklik.knowledge.models import FileText, Material, Vote
from otklik.knowledge.placeholders import KNOWN, Placeholder
from otklik.knowledge.trust import Trust
from otklik.people.declension import CASES

register = template.Library()


@register.simple_tag
def known_placeholders() -> dict[str, Placeholder]:
    """Return the placeholders of reply templates with what each stands for."""
    return KNOWN


@register.simple_tag
def known_cases() -> str:
    """Return the cases a placeholder may be asked for in."""
    return ", ".join(CASES)


# What Wagtail keeps is cleaned as an author saves it: only the tags of `RICH_TEXT` are left.
@register.filter
def staff_html(html: str) -> SafeString:
    """Return rich text with its links as an employee follows them."""
    return SafeString(rich.for_staff(html))


@register.filter
def site_html(html: str) -> SafeString:
    """Return rich text with its links as a citizen follows them."""
    return SafeString(rich.for_site(html))


@register.filter
def slugged(words: str) -> str:
    """Return a name of a step as the anchor a branch leads to."""
    return slugify(words, allow_unicode=True)


@register.filter
def choice_of(block: ChoiceBlock, value: str) -> str:
    """Return how a choice of a block is called."""
    return str(dict(block.field.choices).get(value, value))


@register.simple_tag(takes_context=True)
def vote_of_citizen(context: dict[str, Any], material: Material) -> bool | None:
    """Return what this citizen said of the material as it is now; a browser that bears no mark has said nothing."""
    who = finding.known_citizen(context["request"])
    return votes.said(who, material).mine if who else None


@register.simple_tag
def reasons_against() -> list[tuple[str, str]]:
    """Return why a material may not have helped: code and words."""
    return [(code, str(words)) for code, words in Vote.Reason.choices]


@register.simple_tag
def file_texts(page: Material) -> list[FileText]:
    """Return what became of the text of the files kept with a material."""
    attached = [one.document_id for one in page.attachments.all()]
    return list(FileText.objects.filter(document__in=attached).select_related("document")) if attached else []


@register.filter
def of(found: Mapping[int, Trust], pk: int) -> Trust | None:
    """Return the trust of one material among many."""
    return found.get(pk)
