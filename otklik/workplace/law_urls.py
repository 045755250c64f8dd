"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import extension, forwarding, matter, regimes

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    path("appeals/<row:pk>/extend/", extension.extend, name="extend"),
    path("appeals/<row:pk>/control/", extension.control, name="control"),
    path("appeals/<row:pk>/change-regime/", extension.change_regime, name="change_regime"),
    path("appeals/<row:pk>/forward/", forwarding.forward, name="forward"),
    path("regimes/<slug:code>/rules/", regimes.regime, name="regime_rules"),
]
