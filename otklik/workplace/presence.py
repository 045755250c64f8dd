"""Who has what open right now, and who is typing; what an employee had open lately.

An open page says «here» every two seconds and learns who else is; a closed one says «gone», a killed one is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db.models import Q
from django.http import Http404, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from otklik.appeals import access
from otklik.appeals.models import Appeal
from otklik.core.access import by_itself, requires
from otklik.people.models import Employee
from otklik.workplace.asked import APPEALS
from otklik.workplace.models import Presence
from otklik.workplace.requests import StaffRequest

HERE: Final = timedelta(seconds=8)  # a page that has been silent for longer is gone
TYPING: Final = timedelta(seconds=5)
BEAT: Final = timedelta(seconds=4)  # a row is not written more often than this
KEPT: Final = timedelta(days=30)

Kind = Literal["appeal", "message"]


@dataclass(frozen=True)
class Other:
    """A colleague at the same thing."""

    name: str
    typing: bool


def beat(user: Employee, kind: Kind, pk: int, *, typing: bool) -> list[Other]:
    """Note that the employee has it open, and return who else has; raise 404 where he may not see it."""
    if not _may_see(user, kind, pk):
        raise Http404
    now = timezone.now()
    known = Q(**{f"{kind}_id": pk}) & (Q(here_until__gt=now) | Q(employee=user))
    rows = list(Presence.objects.filter(known).select_related("employee"))
    mine = next((row for row in rows if row.employee_id == user.pk), None)
    until = {"seen_at": now, "here_until": now + HERE, "typing_until": now + TYPING if typing else None}
    if mine is None:  # two tabs may open at once: either row is as good
        Presence.objects.bulk_create([Presence(employee=user, **{f"{kind}_id": pk}, **until)], ignore_conflicts=True)
    elif now - mine.seen_at >= BEAT or mine.here_until <= now or typing != _types(mine, now):
        Presence.objects.filter(pk=mine.pk).update(**until)
    return [Other(row.employee.short_name, _types(row, now)) for row in rows if row is not mine]


def leave(user: Employee, kind: Kind, pk: int) -> None:
    """Note that the page was closed."""
    here = Presence.objects.filter(employee=user, **{f"{kind}_id": pk})
    here.update(here_until=timezone.now(), typing_until=None)


def at_appeals(user: Employee) -> dict[int, list[Other]]:
    """Return who else has which of the appeals the employee sees open."""
    now = timezone.now()
    rows = Presence.objects.filter(here_until__gt=now, appeal__in=access.visible_to(user)).exclude(employee=user)
    found: dict[int, list[Other]] = {}
    for row in rows.select_related("employee"):
        assert row.appeal_id is not None
        found.setdefault(row.appeal_id, []).append(Other(row.employee.short_name, _types(row, now)))
    return found


def recent(user: Employee, *, limit: int) -> list[Appeal]:
    """Return the appeals the employee had open last, newest first, those he may still see."""
    seen = Presence.objects.filter(employee=user, appeal__in=access.visible_to(user)).order_by("-seen_at")
    return [row.appeal for row in seen.select_related("appeal")[:limit] if row.appeal]


def forget_old() -> None:
    """Remove what nobody has had open for a month."""
    Presence.objects.filter(seen_at__lt=timezone.now() - KEPT).delete()


def _types(row: Presence, now: datetime) -> bool:
    return row.typing_until is not None and row.typing_until > now


def _may_see(user: Employee, kind: Kind, pk: int) -> bool:
    if kind == "appeal":
        return access.visible_to(user).filter(pk=pk).exists()
    return access.messages_of(user).filter(pk=pk).exists()


@by_itself
@requires(*APPEALS)
@require_POST
def here(request: StaffRequest, kind: Kind, pk: int) -> HttpResponse:
    """Take a beat of an open page and answer who else is there; `gone` says that the page is being closed."""
    if "gone" in request.POST:
        leave(request.user, kind, pk)
        return HttpResponse(status=204)
    others = beat(request.user, kind, pk, typing="typing" in request.POST)
    return JsonResponse({"others": [vars(one) for one in others]})


@by_itself
@requires(*APPEALS)
@require_GET
def around(request: StaffRequest) -> JsonResponse:
    """Answer, for a list, who has which appeal open."""
    found = at_appeals(request.user).items()
    return JsonResponse({"appeals": {pk: [vars(one) for one in others] for pk, others in found}})
