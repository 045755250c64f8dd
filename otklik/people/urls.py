"""Sign-in and sign-out; the rest of allauth's pages come with the life of accounts."""

from allauth.account import views
from django.urls import path

from otklik.core.access import public

urlpatterns = [
    path("login/", public(views.login), name="account_login"),
    path("logout/", public(views.logout), name="account_logout"),
]
