"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import sstu_pages

urlpatterns: list[URLPattern] = [
    # ССТУ
    path("sstu/", sstu_pages.sstu, name="sstu"),
    path("sstu/settings/", sstu_pages.sstu_settings, name="sstu_settings"),
    path("sstu/check/", sstu_pages.sstu_check, name="sstu_check"),
    path("sstu/<day:on>/", sstu_pages.sstu_month, name="sstu_month"),
    path("sstu/<day:on>/progress/", sstu_pages.sstu_progress, name="sstu_progress"),
    path("sstu-volumes/<row:pk>/", sstu_pages.sstu_volume, name="sstu_volume"),
]
