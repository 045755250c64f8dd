"""The department's mailboxes: how each was polled last, which letters stay in it and why, and who takes ours."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from otklik.channels.mail import idle, imap, oauth
from otklik.channels.mail.models import LeftLetter, MailboxState, SendingServer
from otklik.core.access import requires
from otklik.workplace.requests import StaffRequest

READERS: Final = ("system.view", "people.manage", "intake.view")
MOST_LEFT: Final = 200


@requires(*READERS)
@require_GET
def mailboxes(request: StaffRequest) -> HttpResponse:
    """Show every folder that is read, the letters that wait in them, and the server for sending."""
    known = MailboxState.objects.in_bulk()
    boxes = [
        {"name": name, "state": known.get(name), "ways": _ways(url), "idle": idle.wanted(url) and not place}
        for url in settings.MAILBOXES
        for place, name in enumerate(imap.names_of(url))
    ]
    left = LeftLetter.objects.filter(mailbox__in=[box["name"] for box in boxes]).select_related("mailbox")
    context = {
        "boxes": boxes,
        "left": left[:MOST_LEFT],
        "most": settings.MAIL_MOST_BYTES,
        "seconds": settings.MAIL_SECONDS,
        "servers": SendingServer.objects.order_by("host"),
        "usual": settings.SMTP_MOST_BYTES,
    }
    return render(request, "workplace/mailboxes.html", context)


def _ways(url: str) -> str:
    return "вход по OAuth2" if oauth.wanted(url) else "вход по паролю"
