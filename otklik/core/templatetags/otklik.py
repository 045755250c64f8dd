"""What every template may say: icons, dates as people say them, words that agree with numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from otklik.core.terms import SOON_DAYS

register = template.Library()

MONTHS = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
SHORT_MONTHS = ["янв.", "февр.", "марта", "апр.", "мая", "июня", "июля", "авг.", "сент.", "окт.", "нояб.", "дек."]
WEEKDAYS = ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"]
SHORT_WEEKDAYS = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"]
SPACE = "\u00a0"


def _svg(name: str) -> str:
    found = finders.find(f"vendor/icons/outline/{name}.svg") if re.fullmatch(r"[a-z0-9-]+", name) else None
    if not found:
        return ""
    inner = re.search(r"<svg[^>]*>(.*)</svg>", Path(str(found)).read_text(encoding="utf-8"), re.S)
    drawing = " ".join(inner[1].split()) if inner else ""
    return (
        '<svg class="icon{}" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" '
        f'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{drawing}</svg>'
    )


@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, css: str = "") -> SafeString:
    """Return a Tabler icon drawn in place; always beside words, so hidden from screen readers."""
    extra = f" {css}" if re.fullmatch(r"[\w -]+", css) else ""
    return mark_safe(_svg(name).replace("{}", extra, 1))  # noqa: S308 - our own files, names checked


def plural_form(number: int, forms: str) -> str:
    """Return the one of «день,дня,дней» that agrees with the number."""
    one, few, many = forms.split(",")
    last, tens = abs(number) % 10, abs(number) % 100
    if last == 1 and tens != 11:
        return one
    return few if last in (2, 3, 4) and tens not in (12, 13, 14) else many


@register.filter
def plural(number: int | None, forms: str) -> str:
    """Return only the word: `{{ n|plural:"день,дня,дней" }}`."""
    return plural_form(number or 0, forms)


@register.filter
def count(number: int | None, forms: str) -> str:
    """Return the number with its word: «3 дня»."""
    return f"{number or 0}{SPACE}{plural_form(number or 0, forms)}"


def _local(value: date | datetime) -> date:
    if isinstance(value, datetime):
        return timezone.localdate(value) if timezone.is_aware(value) else value.date()
    return value


@register.filter
def day(value: date | datetime | None) -> str:
    """Return «12 января», with the year where it is not this one."""
    return _dated(_local(value), MONTHS, timezone.localdate()) if value else ""


@register.filter
def short_day(value: date | datetime | None) -> str:
    """Return «12 янв.», with the year where it is not this one."""
    return _dated(_local(value), SHORT_MONTHS, timezone.localdate()) if value else ""


def _dated(on: date, months: list[str], today: date) -> str:
    said = f"{on.day}{SPACE}{months[on.month - 1]}"
    return said if on.year == today.year else f"{said} {on.year}"


@register.filter
def iso_day(value: str) -> str:
    """Return «12 янв., вт» of an ISO date, as grounds of a term are kept."""
    on = date.fromisoformat(value)
    return f"{short_day(on)}, {SHORT_WEEKDAYS[on.weekday()]}"


@register.filter
def weekday(value: date | datetime | None) -> str:
    """Return «вторник»."""
    return WEEKDAYS[_local(value).weekday()] if value else ""


@register.filter
def moment(value: datetime | None) -> str:
    """Return «сегодня в 14:05», «вчера в 9:30», «12 января в 14:05»."""
    if not value:
        return ""
    at = timezone.localtime(value) if timezone.is_aware(value) else value
    ago = (timezone.localdate() - at.date()).days
    said = {0: "сегодня", 1: "вчера"}.get(ago) or day(at)
    return f"{said} в{SPACE}{at.hour}:{at.minute:02d}"


@register.filter
def until(value: datetime | None) -> str:
    """Return «сегодня до 14:05», «12 января до 14:05»: when something is due."""
    return moment(value).replace(f" в{SPACE}", f" до{SPACE}")


def _remaining(days: int) -> str:
    if days < 0:
        return f"просрочено на {count(-days, 'день,дня,дней')}"
    if days == 0:
        return "сегодня последний день"
    return f"{plural_form(days, 'остался,осталось,осталось')} {count(days, 'день,дня,дней')}"


@register.filter
def due(value: date | None) -> str:
    """Return «до 12 января, вторник — осталось 3 дня»."""
    return _due(value, timezone.localdate())


def _due(value: date | None, today: date) -> str:
    if not value:
        return "без срока"
    return f"до {_dated(value, MONTHS, today)}, {weekday(value)} — {_remaining((value - today).days)}"


def _short_due(value: date | None, today: date) -> str:
    """Return «до 12 янв., 3 дня»."""
    if not value:
        return "без срока"
    days = (value - today).days
    tail = "сегодня" if days == 0 else f"просрочено {-days}{SPACE}дн." if days < 0 else count(days, "день,дня,дней")
    return f"до {_dated(value, SHORT_MONTHS, today)}, {tail}"


def _urgency(value: date | None, today: date) -> str:
    """Return how near a term is, as a CSS word."""
    if not value:
        return "none"
    days = (value - today).days
    return "late" if days < 0 else "today" if days == 0 else "soon" if days <= SOON_DAYS else "calm"


@register.simple_tag
def term_chip(due: date | None, answered: date | None = None, *, what: str = "", short: bool = False) -> SafeString:
    """Return a term in words; colour only repeats them. `what` is to be done by it, unless it was `answered`.

    Drawn here and not by a template: a list has fifty of them.
    """
    return _term_chip(due, answered, what, short, timezone.localdate())


@lru_cache(maxsize=10_000)
def _term_chip(due: date | None, answered: date | None, what: str, short: bool, today: date) -> SafeString:
    """Draw a term as of a day: many rows have the same."""
    if answered:
        late = (answered - due).days if due else 0
        tail = f", с опозданием на {count(late, 'день,дня,дней')}" if late > 0 else ""
        said = f"отвечено {_dated(answered, MONTHS, today)}{tail}"
        level = "warn" if late > 0 else "done"
        return format_html('<span class="chip chip-{}">{}{}</span>', level, icon("check"), said)
    level = _urgency(due, today)
    words = (_short_due if short else _due)(due, today)
    drawn = icon("flame" if level in ("late", "today") else "clock")
    return format_html('<span class="chip chip-{}">{}{}{}</span>', level, drawn, f"{what} " if what else "", words)


SELECTED = mark_safe(" selected")


@register.simple_tag
def options(pairs: Iterable[tuple[object, str]], chosen: object = None) -> SafeString:
    """Draw what a choice offers: value and words. A template draws the hundred of a list's filters slowly."""
    said = ((value, SELECTED if value == chosen else "", words) for value, words in pairs)
    return format_html_join("", '<option value="{}"{}>{}</option>', said)


@register.filter
def file_size(size: int | None) -> str:
    """Return «1,4 МБ»."""
    amount, units = float(size or 0), ["Б", "КБ", "МБ", "ГБ"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    number = f"{amount:.1f}".rstrip("0").rstrip(".").replace(".", ",")
    return f"{number}{SPACE}{units[0]}"


CHANNEL_ICONS = {
    "email": "mail",
    "website": "world",
    "post": "mailbox",
    "reception": "users",
    "hotline": "phone",
    "ekc": "headset",
    "telegram": "brand-telegram",
    "vk": "brand-vk",
    "ok": "message-circle",
    "medo": "building-bank",
    "pos": "bolt",
    "governor_reception": "building-community",
}


@register.filter
def channel_icon(code: str) -> str:
    """Return the icon's name for a channel."""
    return CHANNEL_ICONS.get(code, "message")
