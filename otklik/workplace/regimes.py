"""One regime: its rules as sentences with what they give today, the past and the coming ones, and what it said before.

Rules are changed from a day on, with a preview of what that does to running cases: `workplace/terms.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from otklik.core import calendar
from otklik.core import terms as rules
from otklik.core.access import requires
from otklik.core.models import JournalEntry, Regime, RegimeEdition, TermRule
from otklik.core.workdays import Due
from otklik.correspondence.models import ChannelCode
from otklik.workplace.requests import StaffRequest

Step = TermRule.Step
CHANNELS: Final = dict(ChannelCode.choices)
# What a regime without a row of a step does, in words.
WITHOUT: Final = {
    Step.REGISTER: "Срок регистрации не задан.",
    Step.FORWARD: "Переадресация не предусмотрена: правила о ней нет.",
    Step.ANSWER: "Срока ответа нет: обращения в этом режиме не регистрируются.",
    Step.EXTEND: "Продление не предусмотрено: правила о нём нет.",
}


@dataclass(frozen=True)
class Line:
    """One rule: for which channel, whether it holds today, and what it gives for an event of today."""

    rule: TermRule
    channel: str
    state: str  # past, now, ahead
    due: Due | None


@dataclass(frozen=True)
class Change:
    """One edition of what is said of a regime, and which fields it changed, with the words before and after."""

    edition: RegimeEdition
    changed: list[tuple[str, str, str]]


@requires()
@require_GET
def regime(request: StaffRequest, code: str) -> HttpResponse:
    """Show a regime with its rules, an example of each counted from today, and its history."""
    row = get_object_or_404(Regime, pk=code)
    today = timezone.localdate()
    lines = _lines(row, today)
    facts = {
        "regime": row,
        "steps": [(step, lines.get(step.value, []), WITHOUT[step]) for step in Step],
        "changes": _changes(row),
        "journal": JournalEntry.objects.filter(chain=f"regime:{row.pk}").select_related("actor").order_by("-seq")[:50],
        "can_edit": request.user.has_power("calendar.edit"),
        "today": today,
    }
    return render(request, "workplace/law/regime.html", facts)


def _lines(row: Regime, today: date) -> dict[str, list[Line]]:
    days, found = calendar.current(), dict[str, list[Line]]()
    for rule in row.terms.order_by("step", "channel", "-valid_from"):
        ended = rule.valid_to is not None and rule.valid_to < today
        state = "past" if ended else "ahead" if rule.valid_from > today else "now"
        due = rules.term_of(rule).due(today, days) if state == "now" and rule.step != Step.EXTEND else None
        found.setdefault(rule.step, []).append(Line(rule, CHANNELS.get(rule.channel, rule.channel), state, due))
    return found


def _changes(row: Regime) -> list[Change]:
    """Return the editions, the newest first, each with what it changed."""
    names = {field.name: str(field.verbose_name) for field in row._meta.concrete_fields}
    editions = list(row.editions.select_related("by").order_by("id"))
    changes = []
    for before, edition in zip([None, *editions], editions, strict=False):
        was = before.facts if before else edition.facts
        changed = [
            (names.get(name, name), _said(was.get(name)), _said(value))
            for name, value in edition.facts.items()
            if value != was.get(name)
        ]
        changes.append(Change(edition, changed))
    return changes[::-1]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "да" if value else "нет"
    return str(value) if value not in (None, "") else "—"
