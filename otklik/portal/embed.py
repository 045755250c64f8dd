"""The form of messages in a frame of the department's site: no script of ours there, no cookie, nobody signed in.

Browsers keep cookies of a frame away, so the page itself carries everything: what was typed, the files' signed
references, the form's signed one-time id in place of the token against forgery, and the number is shown by the answer
to «Отправить». An account's cookie is not looked at, whatever the browser sends: who sees the form inside another site
acts in nobody's name. Signing in opens our own page in a new tab.
"""

from __future__ import annotations

from csp.constants import NONE
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from otklik.channels.site import placing
from otklik.core.access import public
from otklik.portal import uploads
from otklik.portal.write import Door, fill


@public
@never_cache
@xframe_options_exempt
@csrf_exempt
@require_http_methods(["GET", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """Show the form in a frame of the sites that are listed, and of no others; take a step, or send."""
    handler = uploads.CarefulHandler(request)
    request.upload_handlers = [handler]
    response = fill(request, handler, Door(address=placing.ADDRESS, in_frame=True))
    response._csp_replace = {  # type: ignore[attr-defined]
        "frame-ancestors": placing.origins() or [NONE],
        "script-src": [NONE],
        "connect-src": [NONE],
    }
    return response
