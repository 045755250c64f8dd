"""What the templates of the Knowledge Base ask for."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from otklik.knowledge.placeholders import KNOWN
from otklik.knowledge.trust import Trust

register = template.Library()


@register.simple_tag
def known_placeholders() -> dict[str, str]:
    """Return the placeholders of reply templates with what each stands for."""
    return KNOWN


@register.filter
def of(found: Mapping[int, Trust], pk: int) -> Trust | None:
    """Return the trust of one material among many."""
    return found.get(pk)
