"""How to file an appeal that the law knows: a page to link to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from otklik.core.access import public
from otklik.people.models import Department


@public
@require_safe
def how_to_file(request: HttpRequest) -> HttpResponse:
    """Explain the lawful ways to file an appeal (59-ФЗ, ст. 4 with 547-ФЗ in force since 30.03.2025)."""
    department = Department.objects.filter(pk=1).first()
    return render(request, "portal/how_to_file.html", {"department": department})
