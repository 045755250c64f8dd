"""«Возможно, ответ уже есть»: answers offered while a citizen writes; the form never waits for them."""

from __future__ import annotations

from typing import Final

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from otklik.core import typed
from otklik.core.access import public
from otklik.knowledge import deflection, materials
from otklik.portal.write import FORM_SALT

SHOWN: Final = 3
_MOST: Final = 5000  # characters looked at
_FEWEST: Final = 3  # words: before that nobody has said what he asks


@public
@never_cache
@require_POST
def answers(request: HttpRequest) -> HttpResponse:
    """Show answers on the site to what has been written so far; nothing where none is sure."""
    text = typed.words(request.POST.get("text"), _MOST)
    words = len(text.split())
    found = materials.search(text, limit=SHOWN) if words >= _FEWEST else materials.Results()
    if found.sure and (visit := _visit(request)):
        deflection.shown(visit)
    return render(request, "portal/_maybe.html", {"results": found})


@public
@never_cache
@require_POST
def opened(request: HttpRequest) -> HttpResponse:
    """Note that one of the answers offered was opened."""
    if visit := _visit(request):
        deflection.opened(visit)
    return HttpResponse(status=204)


def _visit(request: HttpRequest) -> str:
    """Return the form's one-time number; empty where it is none of ours."""
    try:
        return str(signing.loads(request.POST.get("form", ""), salt=FORM_SALT))
    except signing.BadSignature:
        return ""
