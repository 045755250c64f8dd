"""Notices by e-mail: what is due for one employee makes one letter. Numbers and links only, nothing of the citizen."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Final

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from otklik.appeals.models import Appeal
from otklik.core import locks
from otklik.core.templatetags.otklik import count
from otklik.correspondence import staff_mail
from otklik.knowledge.models import ReviewDuty
from otklik.people.models import Employee
from otklik.workplace import notices
from otklik.workplace.models import Notice

MOST: Final = 50  # appeals and reviews in one letter: the rest is read in the product


def work_next() -> bool:
    """Write one employee's letter of everything that is due for him; return False when nothing is."""
    due = Notice.objects.filter(mail_at__lte=timezone.now()).order_by("mail_at", "pk")
    employee = due.values_list("employee", flat=True).first()
    if employee is None:
        return False
    _write(Employee.objects.get(pk=employee))
    return True


@transaction.atomic
def _write(employee: Employee) -> None:
    # Of two workers the second finds nothing due any more.
    locks.hold("notice-mail", [str(employee.pk)])
    due = Notice.objects.filter(employee=employee, mail_at__lte=timezone.now())
    ids = list(due.values_list("pk", flat=True))
    Notice.objects.filter(pk__in=ids).update(mail_at=None)
    # What he has read meanwhile, or may see no more, needs no letter.
    rows = notices.still_seen(Notice.objects.filter(pk__in=ids, read_at=None), employee)
    rows = rows.select_related("appeal", "duty__unit", "actor", "in_place_of")
    found = list(rows.order_by("appeal__due_on", "appeal", "duty", "at"))
    if not found or not employee.is_active:
        return
    subject, text = compose(found)
    if letter := staff_mail.queue(employee, subject=subject, text=text):
        Notice.objects.filter(pk__in=[one.pk for one in found]).update(letter=letter)


def compose(rows: list[Notice]) -> tuple[str, str]:
    """Return subject and text; the notices of an appeal, or of a review, stand together."""
    groups = [(about, list(its)) for about, its in groupby(rows, key=attrgetter("appeal", "duty"))]
    about, its = groups[0]
    if len(groups) > 1:
        subject = f"Отклик: {count(len(rows), 'уведомление,уведомления,уведомлений')}"
        if all(appeal for (appeal, _), _ in groups):
            subject += f" по {count(len(groups), 'обращению,обращениям,обращениям')}"
    elif len(its) > 1:
        subject = f"{_named(*about)}: {count(len(its), 'уведомление,уведомления,уведомлений')}"
    else:
        subject = f"{_named(*about)}: {its[0].text[:1].lower()}{its[0].text[1:]}"
    facts = {
        "groups": [
            (appeal, duty, of_it, _link("card", appeal.pk) if appeal else _link("review", duty.pk))
            for (appeal, duty), of_it in groups[:MOST]
        ],
        "more": max(0, len(groups) - MOST),
        "list_url": _link("notices"),
        "settings_url": _link("notice_settings"),
    }
    return subject.replace("\u00a0", " "), render_to_string("workplace/letters/notices.txt", facts).strip() + "\n"


def _named(appeal: Appeal | None, duty: ReviewDuty | None) -> str:
    return f"№ {appeal.number}" if appeal else f"Актуализация, {duty.period}" if duty else ""


def _link(name: str, *args: int) -> str:
    return settings.BASE_URL + reverse(f"workplace:{name}", args=args)
