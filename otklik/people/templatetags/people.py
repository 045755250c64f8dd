"""What the sign-in page asks."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def directory() -> str:
    """Return what the button of the department's directory says; nothing where there is no directory."""
    return settings.OIDC_NAME if settings.OIDC_URL else ""
