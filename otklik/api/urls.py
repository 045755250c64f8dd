"""Addresses of the API. Each bears the mark of who may enter, taken from the operation itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from ninja.operation import Operation

from otklik.api import docs, problems, spec
from otklik.core.access import public
from otklik.people.tokens import SCOPES

app_name = "api"
# Not led on to HTTPS in silence: the key has just gone over the network for everybody to read.
IN_THE_OPEN: Final = (
    "Запрос пришёл без шифрования, и ключ могли прочесть по дороге. Завершите этот ключ, получите новый"
    " и обращайтесь по адресу с https://."
)
View = Callable[..., HttpResponseBase]


@public
@require_GET
def openapi(request: HttpRequest) -> JsonResponse:
    """Describe the API to programs."""
    return JsonResponse(spec.description(), json_dumps_params={"ensure_ascii": False})


@public
@require_GET
def read_about(request: HttpRequest) -> HttpResponse:
    """Describe the API to people."""
    return render(request, "api/docs.html", {"sections": docs.sections(), "api": spec.api, "scopes": SCOPES})


@public
@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    """Answer where there is no address, as every refusal is answered here."""
    return problems.problem(404, problems.NOT_FOUND, code="api.not_found")


def _door(view: Any, *, access: tuple[str, ...], parameters: frozenset[str]) -> View:
    """Return the view with its mark; a wrong method is a problem too, and nothing is kept by caches on the way."""

    @csrf_exempt
    @wraps(view)
    def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.HTTPS and not request.is_secure():
            return problems.problem(403, IN_THE_OPEN, code="api.not_encrypted")
        request.parameters = parameters  # type: ignore[attr-defined]
        answer: HttpResponseBase = view(request, *args, **kwargs)
        if answer.status_code == 405:
            allowed = answer["Allow"]
            answer = problems.problem(405, f"Здесь возможны только: {allowed}.", code="api.method")
            answer["Allow"] = allowed
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    entered.access = access  # type: ignore[attr-defined]
    return entered


def _operations() -> list[URLPattern]:
    known = dict(spec.operations())
    return [
        path(str(one.pattern), _marked(one.callback, known[one.name]), name=one.name)
        for one in spec.api.urls[0]
        if isinstance(one, URLPattern) and one.name in known
    ]


def _marked(view: Any, operation: Operation) -> View:
    return _door(view, access=("token", *spec.scopes_of(operation)), parameters=spec.parameters_of(operation))


urlpatterns = [
    path("", read_about, name="api-root"),
    path("openapi.json", openapi, name="openapi"),
    *_operations(),
    re_path("", nothing, name="nothing"),  # a line break in an address too
]
