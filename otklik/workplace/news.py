"""«Что нового»: docs/whats-new.md by version; after an update each employee is told of the newest once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from django.db.models import Exists
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from otklik.core.access import requires
from otklik.core.models import Installation
from otklik.workplace import guides
from otklik.workplace.guides import Block
from otklik.workplace.models import NewsRead
from otklik.workplace.requests import StaffRequest

_MONTHS: Final = (
    *("января", "февраля", "марта", "апреля", "мая", "июня"),
    *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
)
# «## 0.2.0 — 12 января 2027»
_HEADING: Final = re.compile(rf"^## (\S+) — (\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})$", re.MULTILINE)
_ASKED: Final = "news"  # of the session: the version about which it has nothing to tell


@dataclass(frozen=True)
class Release:
    """What one version brought, newest first in the file."""

    version: str
    on: date
    blocks: tuple[Block, ...]


@lru_cache(maxsize=1)
def releases() -> tuple[Release, ...]:
    """Return the versions the file tells of, the newest first; read once: it changes with the product only."""
    return tuple(_read(guides.text_of("whats-new", guides.NEWS)))


def _read(text: str) -> Iterator[Release]:
    found = list(_HEADING.finditer(text))
    for place, one in enumerate(found):
        ends = found[place + 1].start() if place + 1 < len(found) else len(text)
        on = date(int(one[4]), _MONTHS.index(one[3]) + 1, int(one[2]))
        yield Release(one[1], on, tuple(guides.read(text[one.end() : ends])))


def unread(request: StaffRequest) -> str:
    """Return the version this employee has not been told of yet; nothing where the installation is no older.

    Asked of the database until there is nothing to tell, then no more in this session.
    """
    newest = next(iter(releases()), None)
    if newest is None or request.session.get(_ASKED) == newest.version:
        return ""
    read = NewsRead.objects.filter(employee=request.user, version=newest.version)
    if Installation.objects.filter(since__date__lt=newest.on).exclude(Exists(read)).exists():
        return newest.version
    request.session[_ASKED] = newest.version
    return ""


@requires()
@require_safe
def whats_new(request: StaffRequest) -> HttpResponse:
    """Show what each version brought."""
    return render(request, "workplace/help/whats_new.html", {"releases": releases()})


@requires()
@require_POST
def told(request: StaffRequest) -> HttpResponse:
    """Remember that this employee knows of the newest version; go on to the page where he wants to read."""
    if newest := next(iter(releases()), None):
        NewsRead.objects.update_or_create(employee=request.user, defaults={"version": newest.version})
    return redirect("workplace:whats_new" if "read" in request.POST else "workplace:today")
