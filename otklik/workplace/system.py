"""For administrators: the state of the system in plain words, and what to do."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from otklik.channels.mail import imap, trial
from otklik.core import installation
from otklik.core.access import by_itself, requires
from otklik.reports import health
from otklik.workplace.requests import StaffRequest

MEND: Final = "Исправьте OTKLIK_MAILBOXES или OTKLIK_SMTP_URL, перезапустите службы и проверьте ещё раз."
POWERS: Final = ("system.view", "people.manage")


@requires(*POWERS)
@require_GET
def system(request: StaffRequest) -> HttpResponse:
    """Show every area, those that need a hand first."""
    return _page(request)


@requires(*POWERS)
@require_POST
def try_mail(request: StaffRequest) -> HttpResponse:
    """Sign in to every mailbox and greet the server for sending, now; show what they answered."""
    if installation.is_demo():
        return _page(
            request, tried=[health.Fact("Почта", "учебный стенд: письма никуда не уходят и ниоткуда не берутся")]
        )
    tried = [_tried(imap.name_of(url), trial.mailbox(url), "ящик открывается") for url in settings.MAILBOXES]
    tried.append(_tried("Отправка", trial.sending(settings.SMTP_URL), "сервер нас принимает"))
    return _page(request, tried=tried)


def _tried(title: str, wrong: str, well: str) -> health.Fact:
    return health.Fact(title, wrong, health.BAD, MEND) if wrong else health.Fact(title, well)


def _page(request: StaffRequest, tried: list[health.Fact] | None = None) -> HttpResponse:
    return render(request, "workplace/system.html", {**summary(), "tried": tried})


@by_itself
@requires(*POWERS)
@require_GET
def brief(request: StaffRequest) -> HttpResponse:
    """Show how each area is: «Сегодня» asks for it after itself, the looking takes its time."""
    return render(request, "workplace/system_summary.html", summary())


def summary() -> dict[str, Any]:
    """Return the areas, those that need a hand first, and how many facts are bad or ask for a look."""
    areas = sorted(health.areas(), key=lambda area: -health.WORST.index(area.level))
    troubles = [fact for area in areas for fact in area.facts if fact.level != health.GOOD]
    return {
        "areas": areas,
        "bad": sum(fact.level == health.BAD for fact in troubles),
        "warn": sum(fact.level == health.WARN for fact in troubles),
    }
