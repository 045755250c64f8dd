"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    # Beside the call: who calls, what to answer
    # Calls nobody answered, promises
    # Calls and the reconciliation with the exchange
    # Figures of the line
    # Lines and their hours; the ЕКЦ
]
