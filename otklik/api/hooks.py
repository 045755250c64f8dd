"""`/hooks/<channel>/`: where servers of the other sides call us; who calls is checked by the channel itself."""

from __future__ import annotations

import logging

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from otklik.channels.registry import all_listeners
from otklik.core.access import public
from otklik.correspondence import connections
from otklik.correspondence.channel import Called, Refused

log = logging.getLogger("otklik.channels")


@csrf_exempt
@public
@require_POST
def hook(request: HttpRequest, channel: str) -> HttpResponse:
    """Hand a call to its channel and give back what it says; one that is off does not exist for strangers."""
    listener = all_listeners().get(channel)
    try:
        if listener is None or connections.of(channel) is None:
            raise Http404
    except connections.KeyChanged:
        return HttpResponse("not now", status=503)  # the caller comes again; «Каналы» says what to do
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse("too large", status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        reply = listener.hear(Called(body, headers, request.GET.dict()))
    except Refused:
        log.warning("channel %s: a call with a wrong secret", channel)
        return HttpResponse("forbidden", status=403)
    return HttpResponse(reply.text, status=reply.status, content_type=reply.content_type)
