"""Addresses of questionnaires and of what people said."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = [
    # Questionnaires, points, posters
    # Paper; the analysis; what becomes of what was said
]
