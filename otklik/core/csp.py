"""Which content policy a page bears: ours, or the wider one Wagtail's admin needs."""

from __future__ import annotations

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ContentPolicy(CSPMiddleware):
    """Puts the policy of `/cms/` on its pages, and ours on all others."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the answer with its policy."""
        if request.path_info.startswith("/cms/"):
            response._csp_replace = settings.CMS_CONTENT_POLICY  # type: ignore[attr-defined]
        return super().process_response(request, response)
