"""`otklik term`: the last day of a term and why it is this one."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from otklik.core import calendar, defaults, terms
from otklik.core.errors import DomainError
from otklik.core.models import Regime, TermRule
from otklik.core.workdays import Due, WorkCalendar


class Command(BaseCommand):
    """Count a term on the rules of the database or, without one, on those we ship."""

    help = "Показать срок и день за днём объяснить, почему дата именно такая."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the event the term runs from."""
        parser.add_argument("--regime", default="59fz", help="режим рассмотрения: 59fz, outside_59fz…")
        event = parser.add_mutually_exclusive_group(required=True)
        event.add_argument("--registered", type=_date, help="дата регистрации (ГГГГ-ММ-ДД): считается срок ответа")
        event.add_argument("--received", type=_date, help="дата поступления: считается срок регистрации")
        parser.add_argument("--channel", default="", help="канал, если у режима для него свой срок")
        parser.add_argument("--json", action="store_true", help="вывести JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and print."""
        step = TermRule.Step.ANSWER if options["registered"] else TermRule.Step.REGISTER
        start = options["registered"] or options["received"]
        rule, days = _rule_and_calendar(options["regime"], step, options["channel"], start)
        due = terms.term_of(rule).due(start, days)
        self.stdout.write(_as_json(due) if options["json"] else _as_text(due))


def _date(text: str) -> date:
    return date.fromisoformat(text)


def _rule_and_calendar(regime: str, step: str, channel: str, on: date) -> tuple[TermRule, WorkCalendar]:
    try:
        if _has_rules():
            return terms.rule_for(regime, step, channel=channel, on=on), calendar.current()
    except DomainError as refusal:
        raise CommandError(str(refusal)) from None
    if rule := defaults.rule(regime, step, channel):
        return rule, calendar.shipped_calendar()
    known = ", ".join(row.code for row in defaults.REGIMES)
    raise CommandError(f"Нет режима «{regime}». Есть: {known}.")


def _has_rules() -> bool:
    """Tell whether there is a database with regimes; looking must not create an empty SQLite file."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not str(name).startswith("file:") and not Path(name).exists():
        return False
    try:
        return Regime.objects.exists()
    except DatabaseError:
        return False


def _as_json(due: Due) -> str:
    return json.dumps({"due": due.on.isoformat(), "why": due.why}, ensure_ascii=False)


def _as_text(due: Due) -> str:
    lines = [f"{date.fromisoformat(line['date']):%d.%m.%Y}  {line['text']}" for line in due.why]
    return "\n".join([f"Срок: {due.on:%d.%m.%Y}", *lines])
