"""What the templates of the Knowledge Base ask for."""

from __future__ import annotations

from typing import Any

from django import template

from otklik.knowledge import finding, votes
from otklik.knowledge.models import Material, Vote
from otklik.knowledge.placeholders import KNOWN

register = template.Library()


@register.simple_tag
def known_placeholders() -> dict[str, str]:
    """Return the placeholders of reply templates with what each stands for."""
    return KNOWN


@register.simple_tag(takes_context=True)
def vote_of_citizen(context: dict[str, Any], material: Material) -> bool | None:
    """Return what this citizen said of the material as it is now; a browser that bears no mark has said nothing."""
    who = finding.known_citizen(context["request"])
    return votes.said(who, material).mine if who else None


@register.simple_tag
def reasons_against() -> list[tuple[str, str]]:
    """Return why a material may not have helped: code and words."""
    return [(code, str(words)) for code, words in Vote.Reason.choices]
