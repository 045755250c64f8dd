"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import figures_pages

urlpatterns: list[URLPattern] = [
    # Figures
    path("figures/", figures_pages.figures, name="figures"),
    path("figures/reviews/", figures_pages.figure_reviews, name="figure_reviews"),
    path("figures/targets/", figures_pages.figure_targets, name="figure_targets"),
    path("figures/targets/<row:pk>/end/", figures_pages.figure_target_end, name="figure_target_end"),
]
