"""Pieces every public page shows: the department's name and requisites."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from otklik.hotline import lines
from otklik.hotline.templatetags.hotline import pressable
from otklik.people.models import Department
from otklik.reception import published

register = template.Library()
register.filter(pressable)


def _department(context: Context) -> Department | None:
    """Return the department, asked once per page; nobody where the database does not answer."""
    if context.get("unavailable"):
        return None
    kept = context.render_context
    if "department" not in kept:
        kept["department"] = Department.objects.filter(pk=1).first()
    found: Department | None = kept["department"]
    return found


@register.simple_tag(takes_context=True)
def department_name(context: Context) -> str:
    """Return the short name for the header."""
    found = _department(context)
    return found.short_name if found else "Департамент"


@register.simple_tag(takes_context=True)
def department_phones(context: Context) -> SafeString:
    """Return the department's numbers as links that dial; where it has written none, those of its lines."""
    found = _department(context)
    return pressable(found.phone if found and found.phone else lines.our_phones())


@register.simple_tag
def account_link() -> SafeString:
    """Return the link to applicants' accounts, where applicants can sign in."""
    return format_html('<a href="{}">Личный кабинет</a>', "/account/") if settings.CITIZEN_OIDC_URL else SafeString("")


@register.simple_tag
def sign_in_words() -> str:
    """Return the words on the button that signs an applicant in."""
    return str(settings.CITIZEN_OIDC_NAME)


@register.simple_tag(takes_context=True)
def booking_phones(context: Context) -> SafeString:
    """Return the numbers by which one is booked for a reception (п. 28) as links that dial."""
    found = "" if context.get("unavailable") else published.phone_words(timezone.localdate())
    return pressable(found) if found else department_phones(context)


@register.inclusion_tag("portal/_footer.html", takes_context=True)
def portal_footer(context: Context) -> dict[str, Any]:
    """Show the requisites, the ways on and the choice of colours."""
    request = context.get("request")
    return {
        "department": _department(context),
        "csrf_token": context.get("csrf_token"),
        "themes": context.get("themes"),
        "theme": context.get("theme"),
        "here": request.path if request else "/",
    }


@register.inclusion_tag("portal/_low_vision.html", takes_context=True)
def low_vision_panel(context: Context) -> dict[str, Any]:
    """Show the link to the version for the visually impaired; in that version, its settings."""
    request = context.get("request")
    return {
        "view": context.get("low_vision"),
        "settling": context.get("low_vision_settling"),
        "csrf_token": context.get("csrf_token"),
        "here": request.get_full_path() if request else "/",
    }


@register.simple_tag
def described(field: BoundField) -> SafeString:
    """Return a field that names its help and its error to a screen reader."""
    known = [f"{field.id_for_label}-help"] if field.help_text else []
    known += [f"{field.id_for_label}-error"] if field.errors else []
    attrs: dict[str, Any] = {"class": "portal-input"}
    if known:
        attrs["aria-describedby"] = " ".join(known)
    if field.errors:
        attrs["aria-invalid"] = "true"
    return format_html("{}", field.as_widget(attrs={**field.field.widget.attrs, **attrs}))
