"""Addresses of personal reception."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import reception_figures

urlpatterns: list[URLPattern] = [
    path("reception/figures/", reception_figures.figures, name="reception_figures"),
    path("reception/figures/list/", reception_figures.counted, name="reception_counted"),
]
