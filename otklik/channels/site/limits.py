"""Rate limits of the public forms, counted by a keyed hash of the visitor's address."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from otklik.channels.site.models import FormAttempt
from otklik.core.errors import DomainError
from otklik.core.visitors import address_of

KEPT_FOR: Final = timedelta(days=1)
# Generous: a whole library or a village may share one address.
ALLOWED: Final = {
    FormAttempt.Form.WRITE: (30, timedelta(hours=1)),
    FormAttempt.Form.STATUS: (30, timedelta(minutes=15)),
    FormAttempt.Form.VOTE: (60, timedelta(hours=1)),
    FormAttempt.Form.CODE: (30, timedelta(minutes=15)),
    FormAttempt.Form.VISIT: (30, timedelta(minutes=15)),
}


class TooOften(DomainError):
    """The form was sent from one address too many times."""

    code = "site.too_often"
    text = "С вашего адреса в сети форму отправляли слишком часто. Подождите {minutes} мин. и повторите."
    status = 429


def count(form: FormAttempt.Form, request: HttpRequest) -> None:
    """Count one attempt of this visitor; refuse when there were too many."""
    most, within = ALLOWED[form]
    now = timezone.now()
    forget_old()
    visitor = visitor_of(request)
    # Written before it is counted: of many at once none slips through.
    FormAttempt.objects.create(form=form, visitor=visitor)
    if FormAttempt.objects.filter(form=form, visitor=visitor, at__gt=now - within).count() > most:
        raise TooOften(minutes=int(within.total_seconds() // 60))


def forget_old() -> int:
    """Remove attempts that no limit counts any more; return how many."""
    return FormAttempt.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()[0]


def forgive(form: FormAttempt.Form, request: HttpRequest) -> None:
    """Forget the newest attempt of this visitor: it was a right one."""
    newest = FormAttempt.objects.filter(form=form, visitor=visitor_of(request)).order_by("-id").values("pk")[:1]
    FormAttempt.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).delete()


def visitor_of(request: HttpRequest) -> str:
    """Return a keyed hash of the visitor's address: enough to count, useless to find him."""
    key = f"visitor:{settings.SECRET_KEY}".encode()
    return hmac.new(key, address_of(request).encode(), sha256).hexdigest()
