"""Pieces that show telephone lines: whether they are answered now, and numbers one presses."""

from __future__ import annotations

import re
from typing import Any, Final

from django import template
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from otklik.hotline import hours

register = template.Library()

CITY: Final = "383"  # the order names the numbers as they are dialled in Novosibirsk


@register.filter
def pressable(phones: str) -> SafeString:
    """Return numbers separated by commas as links that dial; one of seven digits gets the city's code."""
    return format_html_join(", ", '<a href="tel:{}">{}</a>', (_dialled(one.strip()) for one in phones.split(",")))


def _dialled(phone: str) -> tuple[str, str]:
    """Return a number as a telephone dials it from anywhere, and as a person reads it."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) == 7:
        return f"+7{CITY}{digits}", f"8 ({CITY}) {phone}"
    return (f"+7{digits[1:]}" if len(digits) == 11 else digits), phone


@register.inclusion_tag("hotline/_openings.html")
def openings() -> dict[str, Any]:
    """Show of every line that counts today whether it is answered at this moment, ours first."""
    return {"openings": hours.openings(timezone.now())}
