"""What the templates of the Knowledge Base ask for."""

from __future__ import annotations

from django import template

from otklik.knowledge.placeholders import KNOWN

register = template.Library()


@register.simple_tag
def known_placeholders() -> dict[str, str]:
    """Return the placeholders of reply templates with what each stands for."""
    return KNOWN
