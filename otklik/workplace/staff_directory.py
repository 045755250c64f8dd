"""Employees against the department's directory (LDAP): who comes, who changed, who is gone; then written at once."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.sheets import Row
from otklik.people import ldap, staff_import
from otklik.workplace import carried
from otklik.workplace.requests import StaffRequest

SALT: Final = "workplace.staff-directory"
BASIS: Final = "каталог LDAP"


@requires("people.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def compare(request: StaffRequest) -> HttpResponse:
    """Ask the directory at a press and show what it would change; what was shown and agreed is kept.

    As with a spreadsheet, what was read travels in the page, signed, for an hour.
    """
    if request.method == "POST" and "read" in request.POST:
        return _confirmed(request)
    if request.method == "POST" and ldap.is_configured():
        try:
            return _shown(request, ldap.read())
        except DomainError as silent:
            return render(
                request, "workplace/staff/directory.html", {"refusal": silent, "configured": True}, status=silent.status
            )
    return render(request, "workplace/staff/directory.html", {"configured": ldap.is_configured()})


def _confirmed(request: StaffRequest) -> HttpResponse:
    try:
        rows, kept = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature:
        messages.error(request, "Каталог прочитан больше часа назад. Сверьте ещё раз.")
        return redirect("workplace:staff_directory")
    try:
        done = staff_import.apply(rows, agreed=kept["agreed"], by=request.user, basis=BASIS)
    except staff_import.PlanChanged as refusal:
        return _shown(request, rows, refusal)
    messages.success(request, f"Записано. Заведено: {len(done.created)}, изменено: {done.changed}.")
    return redirect("workplace:staff")


def _shown(request: StaffRequest, rows: list[Row], refusal: DomainError | None = None) -> HttpResponse:
    lines = staff_import.plan(rows)
    by_verdict = {verdict: [line for line in lines if line.verdict == verdict] for verdict in ("create", "change")}
    context = {
        "asked": True,
        "groups": [
            ("Кто придёт", "create", by_verdict["create"]),
            ("Кто изменился", "change", by_verdict["change"]),
            ("Кого записать нельзя", "refuse", [line for line in lines if line.verdict == "refuse"]),
        ],
        "gone": ldap.gone(rows),
        "same": sum(line.verdict == "same" for line in lines),
        "to_do": sum(map(len, by_verdict.values())),
        "read": carried.sealed(rows, salt=SALT, agreed=staff_import.fingerprint(lines)),
        "refusal": refusal,
    }
    return render(request, "workplace/staff/directory.html", context, status=refusal.status if refusal else 200)
