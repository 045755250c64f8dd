"""Pieces only the workplace's pages have."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from otklik.appeals.models import Appeal
from otklik.appeals.queues import Row
from otklik.core import actions
from otklik.knowledge import finding
from otklik.knowledge.models import SearchSession
from otklik.people import access
from otklik.people.models import Applicant, Employee
from otklik.workplace import queue, saved
from otklik.workplace.menu import groups_for

register = template.Library()


@register.inclusion_tag("workplace/menu.html", takes_context=True)
def menu(context: dict[str, Any]) -> dict[str, Any]:
    """Draw the left menu; a page that knows the counters hands them over; a `lazy_menu` is filled right after."""
    user, numbers = context["user"], context.get("numbers")
    return {
        "groups": groups_for(
            user,
            path=context["request"].path,
            view=str(context.get("menu_view") or context.get("view", "")),
            numbers=saved.counters(user) if numbers is None else numbers,
            named=[] if context.get("lazy_menu") else saved.seen_by(user),
        )
    }


@register.simple_tag(takes_context=True)
def came_from(context: dict[str, Any]) -> str:
    """Return the query of the list this page was reached from: links that carry it lead back to the same place."""
    return queue.came_from(context["request"])


register.filter("action_name", actions.name_of)
register.filter("fact_name", actions.fact)
register.filter("chain_name", actions.chain_of)


@register.filter
def fact_value(value: object) -> str:
    """Return a fact of the journal in words; states of an appeal as its card calls them."""
    return str(Appeal.Status(value).label) if value in Appeal.Status.values else actions.told(value)


@register.filter
def address(row: Row) -> str:
    """Return where a row of a list leads."""
    return queue.row_url(row.kind, row.pk)


@register.filter
def mentioned(text: str, names: list[str]) -> SafeString:
    """Return a note's text with the colleagues it names marked."""
    shown = str(conditional_escape(text))
    # Longer names first: «@Иванова А. П.» is no part of «@Иванова-Петрова А. П.», but may begin it.
    for name in sorted(map(str, map(conditional_escape, names)), key=len, reverse=True):
        shown = shown.replace(name, f'<span class="mention">{name}</span>')
    return mark_safe(shown)  # noqa: S308 - both are escaped above


@register.filter
def letters(employee: Employee) -> str:
    """Return the initials: «ЕП»."""
    return (employee.first_name[:1] + employee.last_name[:1]).upper() or employee.username[:2].upper()


@register.filter
def masked_name(applicant: Applicant) -> str:
    """Return an applicant's name as a list may show it."""
    return access.masked_name(applicant)


@register.filter
def took(ms: int | None) -> str:
    """Return how long a search took, in words."""
    return finding.spoken(ms)


@register.filter
def ending(row: SearchSession) -> str:
    """Return how a search ended, in words."""
    return finding.ending(row)
