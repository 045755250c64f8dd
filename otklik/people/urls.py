"""Sign-in, sign-out and what an employee does with his own account: `/accounts/`.

Each address of allauth stands here by name; what is not listed is closed. Pages of one's own account are open before
anything else is: there a temporary password is changed and a second factor set up.
"""

from collections.abc import Callable
from typing import Any

from allauth.account import views
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import path
from django.views.generic import RedirectView

from otklik.core.access import public, requires
from otklik.people import security
from otklik.people.entrance import first
from otklik.people.factors import changing
from otklik.people.openid import answered
from otklik.people.security import renewing


def own(view: Callable[..., Any]) -> Callable[..., Any]:
    """Open a page of one's own account to every employee, before anything else."""
    return first(requires(guests=True)(view))


urlpatterns = [
    path("login/", public(views.login), name="account_login"),
    path("login/key/", public(keys.login_webauthn), name="mfa_login_webauthn"),
    path("login/code/", public(mfa.authenticate), name="mfa_authenticate"),
    path("logout/", public(views.logout), name="account_logout"),
    path("session/", security.session, name="session"),
    path("again/", own(renewing(views.reauthenticate)), name="account_reauthenticate"),
    path("again/code/", own(renewing(mfa.reauthenticate)), name="mfa_reauthenticate"),
    path("again/key/", own(renewing(keys.reauthenticate_webauthn)), name="mfa_reauthenticate_webauthn"),
    path("security/", security.overview, name="mfa_index"),
    path("security/sessions/end/", security.end_everywhere, name="end_everywhere"),
    path("security/sessions/<int:pk>/end/", security.end_one, name="end_session"),
    path("security/password/", security.change_password, name="account_change_password"),
    path("security/app/", own(changing(totp.activate_totp)), name="mfa_activate_totp"),
    path("security/app/remove/", own(changing(totp.deactivate_totp)), name="mfa_deactivate_totp"),
    path("security/codes/", own(recovery.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("security/codes/new/", own(changing(recovery.generate_recovery_codes)), name="mfa_generate_recovery_codes"),
    path("security/keys/", own(RedirectView.as_view(pattern_name="mfa_index")), name="mfa_list_webauthn"),
    path("security/keys/add/", own(changing(keys.add_webauthn)), name="mfa_add_webauthn"),
    path("security/keys/<int:pk>/", own(keys.edit_webauthn), name="mfa_edit_webauthn"),
    path("security/keys/<int:pk>/remove/", own(changing(keys.remove_webauthn)), name="mfa_remove_webauthn"),
    path("oidc/<slug:provider_id>/login/", public(answered(oidc.login)), name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", public(answered(oidc.callback)), name="openid_connect_callback"),
    path("oidc/cancelled/", public(social.login_cancelled), name="socialaccount_login_cancelled"),
    path("oidc/error/", public(social.login_error), name="socialaccount_login_error"),
]
