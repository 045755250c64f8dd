"""Notices by e-mail: what is due for one employee makes one letter. Numbers and links only, nothing of the citizen."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from otklik.core import locks
from otklik.core.templatetags.otklik import count
from otklik.correspondence import staff_mail
from otklik.people.models import Employee
from otklik.workplace import notices as told
from otklik.workplace.models import Notice

MOST: Final = 50  # appeals in one letter: the rest is read in the product


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
    rows = Notice.objects.filter(told.open_to(employee), pk__in=ids, read_at=None)
    rows = rows.select_related("appeal", "actor", "in_place_of").order_by("appeal__due_on", "appeal", "path", "at")
    if not (notices := list(rows)) or not employee.is_active:
        return
    subject, text = compose(notices)
    if letter := staff_mail.queue(employee, subject=subject, text=text):
        Notice.objects.filter(pk__in=[one.pk for one in notices]).update(letter=letter)


def compose(notices: list[Notice]) -> tuple[str, str]:
    """Return subject and text; the notices of an appeal, or of anything else, stand together."""
    groups = [list(its) for _, its in groupby(notices, key=lambda one: (one.appeal_id, one.path))]
    its = groups[0]
    about = its[0].about
    if len(groups) > 1:
        subject = f"Отклик: {count(len(notices), 'уведомление,уведомления,уведомлений')}"
        if all(one.appeal_id for one in notices):
            subject += f" по {count(len(groups), 'обращению,обращениям,обращениям')}"
    elif len(its) > 1:
        subject = f"{about}: {count(len(its), 'уведомление,уведомления,уведомлений')}"
    else:
        subject = f"{about}: {its[0].text[:1].lower()}{its[0].text[1:]}"
    facts = {
        "groups": [(of_it[0], of_it, _page(of_it[0])) for of_it in groups[:MOST]],
        "more": max(0, len(groups) - MOST),
        "list_url": _link("notices"),
        "settings_url": _link("notice_settings"),
    }
    return subject.replace("\u00a0", " "), render_to_string("workplace/letters/notices.txt", facts).strip() + "\n"


def _page(one: Notice) -> str:
    return settings.BASE_URL + one.path if one.path else _link("card", one.appeal_id or 0)


def _link(name: str, *args: int) -> str:
    return settings.BASE_URL + reverse(f"workplace:{name}", args=args)
