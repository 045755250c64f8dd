"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import line_figures

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    # Beside the call: who calls, what to answer
    # Calls nobody answered, promises
    # Calls and the reconciliation with the exchange
    # Figures of the line
    path("line/figures/", line_figures.figures, name="line_figures"),
    path("line/figures/list/", line_figures.counted, name="line_counted"),
    # Lines and their hours; the ЕКЦ
]
