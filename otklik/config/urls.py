"""Every address of the product, room by room. `/desk/` staff, `/cms/` authoring, `/` citizens."""

from allauth.account.views import logout
from django.urls import include, path
from django.views.generic import RedirectView
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.admin.auth import require_admin_access

from otklik.api.hooks import hook
from otklik.config import health, metrics
from otklik.core import low_vision
from otklik.core.access import public
from otklik.core.pages import theme
from otklik.knowledge import documents
from otklik.people.cms import OwnSettings

handler400 = "otklik.core.errors.bad_request"
handler500 = "otklik.core.errors.server_error"

# Wagtail's own doors would let in past the lockout, the second factor and the journal, and out past the journal.
SIGN_IN = public(RedirectView.as_view(pattern_name="account_login", query_string=True))

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("accounts/", include("otklik.people.urls")),
    path("theme/", theme, name="theme"),
    path("low-vision/", low_vision.choose, name="low_vision"),
    path("desk/", include("otklik.workplace.urls")),
    path("cms/login/", SIGN_IN),
    path("cms/logout/", public(logout)),
    path("cms/account/", require_admin_access(OwnSettings.as_view())),
    path("cms/", include(wagtailadmin_urls)),
    # The name is Wagtail's: it makes addresses of files by it.
    path("documents/<row:pk>/<str:name>", documents.give_out, name="wagtaildocs_serve"),
    path("api/v1/", include("otklik.api.urls")),
    path("hooks/<slug:channel>/", hook, name="hook"),
    path("stand/", include("otklik.demo.urls")),
    path("kb/_util/login/", SIGN_IN),
    path("", include("otklik.portal.urls")),
    # Wagtail makes the addresses of pages by it and serves nothing: see `KnowledgePage.route`.
    path("kb/", include(wagtail_urls)),
]
