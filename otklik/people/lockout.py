"""Lockout after repeated failures: counted in the database, so that every web process knows of every attempt.

Counted is who tries (the login as typed, whether it exists or not), from where, and whose second factor is tried. The
rows hold a keyed digest of that: enough to count, useless to learn who was meant.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.crypto import salted_hmac

from otklik.core.errors import DomainError
from otklik.people.models import SignInAttempt

MINUTES: Final = 15
WITHIN: Final = timedelta(minutes=MINUTES)
KEPT_FOR: Final = timedelta(days=1)
# A whole department may share one address; a login and a second factor belong to one person.
MOST: Final = {"login": 5, "address": 50, "factor": 5}


class LockedOut(DomainError):
    """Too many failures in a row."""

    code = "people.locked_out"
    text = (
        "Слишком много неудачных попыток. Вход закрыт, подождите {minutes} мин. "
        "Если забыли пароль или потеряли телефон, обратитесь к администратору."
    )
    status = 429


def begin(**who: str) -> None:
    """Count one attempt (`login=`, `address=`, `factor=`); refuse where there were too many, and then count none."""
    now = timezone.now()
    # Written before it is counted: of many at once none slips through.
    rows = SignInAttempt.objects.bulk_create(
        SignInAttempt(who=_digest(kind, name), at=now) for kind, name in who.items()
    )
    waits = [wait for kind, name in who.items() if (wait := _wait(kind, name, MOST[kind] + 1))]
    if waits:
        SignInAttempt.objects.filter(pk__in=[row.pk for row in rows]).delete()
        raise LockedOut(minutes=math.ceil(max(waits) / timedelta(minutes=1)))


def left(**who: str) -> int:
    """Return how many attempts are left before the lockout."""
    return min(max(0, MOST[kind] - len(_failures(kind, name, MOST[kind]))) for kind, name in who.items())


def succeeded(**who: str) -> None:
    """Forget the failures of who got in; of an address only this attempt, others may be trying from there."""
    for kind, name in who.items():
        rows = SignInAttempt.objects.filter(who=_digest(kind, name))
        if kind == "address":
            rows = rows.filter(pk__in=list(rows.order_by("-id").values_list("pk", flat=True)[:1]))
        rows.delete()


def forget_old() -> int:
    """Remove attempts that nobody counts any more; return how many."""
    return SignInAttempt.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _wait(kind: str, name: str, most: int) -> timedelta | None:
    """Return how long until fewer than `most` count again, the newest one left out; None where they do already."""
    times = _failures(kind, name, most)
    return times[most - 1] + WITHIN - timezone.now() if len(times) == most else None


def _failures(kind: str, name: str, most: int) -> list[datetime]:
    recent = SignInAttempt.objects.filter(who=_digest(kind, name), at__gt=timezone.now() - WITHIN)
    return list(recent.order_by("-at", "-id").values_list("at", flat=True)[:most])


def _digest(kind: str, name: str) -> str:
    return salted_hmac("otklik.people.lockout", f"{kind}:{name.casefold()}", algorithm="sha256").hexdigest()
