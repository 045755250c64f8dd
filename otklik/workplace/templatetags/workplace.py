"""Pieces only the workplace's pages have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Final

from django import template
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from otklik.appeals.models import Appeal
from otklik.appeals.queues import Row
from otklik.core import actions, masking
from otklik.core.models import TermRule
from otklik.core.templatetags.otklik import channel_icon, icon, moment, term_chip
from otklik.correspondence.models import ChannelCode
from otklik.knowledge import finding
from otklik.knowledge.models import SearchSession
from otklik.people import access
from otklik.people.models import Applicant, Employee
from otklik.reports import line
from otklik.workplace import call_back, hints, pos_lane, queue, saved
from otklik.workplace.menu import Line, groups_for

register = template.Library()


@register.inclusion_tag("workplace/menu.html", takes_context=True)
def menu(context: dict[str, Any]) -> dict[str, Any]:
    """Draw the left menu; a page that knows the counters hands them over; a `lazy_menu` is filled right after."""
    user, numbers = context["user"], context.get("numbers")
    numbers = saved.counters(user) if numbers is None else numbers
    return {
        "groups": groups_for(
            user,
            path=context["request"].path,
            view=str(context.get("menu_view") or context.get("view", "")),
            numbers=numbers,
            named=[] if context.get("lazy_menu") else saved.seen_by(user),
            calls=call_back.counted(numbers) | pos_lane.counted(numbers),
            folds=context["request"].COOKIES,
        )
    }


@register.simple_tag
@lru_cache(maxsize=4096)
def menu_line(item: Line) -> SafeString:
    """Draw a line of the menu. Most are the same on every page, and there are eighty of them: each is drawn once."""
    return render_to_string("workplace/_menu_line.html", {"item": item})


@register.inclusion_tag("workplace/help/_hint.html")
def hint(code: str) -> dict[str, hints.Hint]:
    """Draw «?» beside an unusual word: pressed, it says what it is and leads to the guide."""
    return {"hint": hints.HINTS[code]}


@register.simple_tag(takes_context=True)
def came_from(context: dict[str, Any]) -> str:
    """Return the query of the list this page was reached from: links that carry it lead back to the same place."""
    return queue.came_from(context["request"])


register.filter("action_name", actions.name_of)
register.filter("fact_name", actions.fact)
register.filter("chain_name", actions.chain_of)
register.filter("masked_phone", masking.phone)


@register.filter
def may(employee: Employee, power: str) -> bool:
    """Tell whether an employee may do something today."""
    return employee.has_power(power)


@register.filter
def fact_value(value: object) -> str:
    """Return a fact of the journal in words; states of an appeal and steps of its term as pages call them."""
    if value in Appeal.Status.values:
        return str(Appeal.Status(value).label)
    return str(TermRule.Step(value).label) if value in TermRule.Step.values else actions.told(value)


@register.filter
def seconds(number: int | None) -> str:
    """Return «2 мин 05 с»."""
    minutes, rest = divmod(number or 0, 60)
    return f"{minutes} мин {rest:02} с" if minutes else f"{rest} с"


@register.filter
def address(row: Row) -> str:
    """Return where a row of a list leads."""
    return queue.row_url(row.kind, row.pk)


@register.simple_tag
def list_row(row: Row, query: str = "", hidden: Collection[str] = (), many: object = None) -> SafeString:
    """Draw a row of a list without the pieces that are `hidden`; where `many` can be chosen, with a box to tick.

    Drawn here and not by a template: a list has fifty of them.
    """
    draw = _message_row if row.kind == "message" else _appeal_row
    pieces = list(draw(row, query, hidden, many))
    return format_html("".join(form for form, *_ in pieces), *(value for _, *values in pieces for value in values))


Piece = tuple[str, *tuple[object, ...]]  # a form and what it is filled with
_CHANNELS: Final = dict(ChannelCode.choices)
_LINK: Final = '<a class="row-link" href="{}{}"><span class="row-top">'
_TICK: Final = (
    '<input class="form-check-input row-tick" type="checkbox" name="appeal" value="{}" aria-label="Отметить {}">'
)
_HERE: Final = (
    '<span class="chip chip-warn" data-appeal="{}" hidden>{}<span class="visually-hidden">Сейчас открыто: </span>'
    "<span data-words></span></span>"
)
_NAME: Final = '<span class="nowrap muted">{}</span>'
_CLIP: Final = '<span class="clip">{}</span>'
_WHOLE: Final = '<span class="nowrap">{}</span>'
_WITH_ICON: Final = '<span class="nowrap">{} {}</span>'
_SUB: Final = '</span><span class="row-sub">'
_SIDE: Final = '</span><span class="row-side">{}</span></a></li>'


def _appeal_row(row: Row, query: str, hidden: Collection[str], many: object) -> Iterator[Piece]:
    yield ("<li>",)
    if many:
        yield _TICK, row.pk, row.number
    yield _LINK, address(row), query and f"?{query}"
    yield '<span class="row-number">{}</span>', row.number
    if "applicant" not in hidden:
        yield _NAME, row.applicant
    yield _CLIP, row.subject
    yield _HERE, row.pk, icon("eye")
    if row.unseen_reply:
        yield '<span class="chip chip-press">{}написал ещё</span>', icon("message-dots")
    yield (_SUB,)
    if "channel" not in hidden:
        yield _WITH_ICON, icon(channel_icon(row.channel)), _CHANNELS[row.channel]
    yield _WHOLE, row.state
    if row.executor and "executor" not in hidden:
        yield _WITH_ICON, icon("user"), row.executor
    if row.unit and "unit" not in hidden:
        yield _CLIP, row.unit
    yield _SIDE, term_chip(row.due_on, row.answered_on, short=True)


def _message_row(row: Row, query: str, hidden: Collection[str], _: object) -> Iterator[Piece]:
    yield "<li>" + _LINK, address(row), query and f"?{query}"
    if row.applicant and "applicant" not in hidden:
        yield _NAME, row.applicant
    yield _CLIP, row.subject
    if row.quarantined:
        yield '<span class="chip chip-warn">{}карантин</span>', icon("alert-triangle")
    yield (_SUB,)
    if "channel" not in hidden:
        yield _WITH_ICON, icon(channel_icon(row.channel)), _CHANNELS[row.channel]
    yield _WHOLE, moment(row.at)
    yield _CLIP, Truncator(row.words).chars(160)
    yield _SIDE, term_chip(row.due_on, what="зарегистрировать", short=True)


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
def masked_phone(number: str) -> str:
    """Return a caller's number as a list may show it; one that is withheld, in words."""
    return masking.phone(number) or "номер скрыт"


register.filter("hidden_numbers", masking.words)


@register.filter
def took(ms: int | None) -> str:
    """Return how long a search took, in words."""
    return finding.spoken(ms)


@register.filter
def lasted(seconds: int | None) -> str:
    """Return how long a call took, in words."""
    return line.spoken(seconds)


@register.filter
def ending(row: SearchSession) -> str:
    """Return how a search ended, in words."""
    return finding.ending(row)
