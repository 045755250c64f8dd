"""What the templates of the Knowledge Base ask for."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.text import slugify
from wagtail.blocks import ChoiceBlock

from otklik.knowledge import rich
from otklik.knowledge.placeholders import KNOWN

register = template.Library()


@register.simple_tag
def known_placeholders() -> dict[str, str]:
    """Return the placeholders of reply templates with what each stands for."""
    return KNOWN


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
