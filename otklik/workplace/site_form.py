"""«Форма для сайта и вход заявителей»: the code for the department's site, and what applicants sign in by."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from otklik.channels.site import placing
from otklik.core.access import requires
from otklik.workplace.channels import READERS
from otklik.workplace.requests import StaffRequest


@requires(*READERS)
@require_safe
def placed(request: StaffRequest) -> HttpResponse:
    """Show the code to paste, which sites may show the form, and how applicants sign in; secrets are not shown."""
    signs = bool(settings.CITIZEN_OIDC_SIGN_COMMAND)
    return render(request, "workplace/channels/site_form.html", {
        "snippet": placing.snippet(),
        "origins": placing.origins(),
        "passed_over": placing.passed_over(),
        "own": f"{settings.BASE_URL}/write/",
        "provider": settings.CITIZEN_OIDC_URL,
        "words": settings.CITIZEN_OIDC_NAME,
        "client": settings.CITIZEN_OIDC_CLIENT_ID,
        "callback": f"{settings.BASE_URL}{reverse('portal:account_returned')}",
        "signs": signs,
        "missing": _missing(signs),
    })  # fmt: skip


def _missing(signs: bool) -> list[str]:
    """Return the settings without which nobody could sign in."""
    if not settings.CITIZEN_OIDC_URL:
        return []
    needed = {"OTKLIK_CITIZEN_OIDC_CLIENT_ID": settings.CITIZEN_OIDC_CLIENT_ID}
    if signs:
        needed["OTKLIK_CITIZEN_OIDC_KEY"] = settings.CITIZEN_OIDC_KEY
    return [name for name, value in needed.items() if not value]
