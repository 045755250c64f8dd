"""Pieces that show when officials receive, wherever it is asked: the schedule itself, never a copy."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from otklik.reception import published

register = template.Library()


@register.inclusion_tag("reception/_hours.html")
def reception_hours(level: int = 2) -> dict[str, Any]:
    """Show who receives, on which days, where, with the days to come; `level` of the headings."""
    return {"receives": published.hours(timezone.localdate()), "level": level}


@register.simple_tag
def reception_phone_hours() -> str:
    """Return when these telephones are answered."""
    return published.phone_hours()
