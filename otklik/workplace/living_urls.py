"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import figures_pages, head_sheet_pages, reports_pages

urlpatterns: list[URLPattern] = [
    # Reports
    path("head-sheet/", head_sheet_pages.sheet, name="head_sheet"),
    path("head-sheet/list/", head_sheet_pages.counted, name="head_list"),
    path("head-sheet/receptions/", head_sheet_pages.receptions, name="head_receptions"),
    path("reports/", reports_pages.report_list, name="reports"),
    path("reports/new/", reports_pages.report_form, name="report_new"),
    path("reports/<row:pk>/", reports_pages.report, name="report"),
    path("reports/<row:pk>/edit/", reports_pages.report_form, name="report_edit"),
    path("reports/<row:pk>/step/", reports_pages.report_step, name="report_step"),
    path("reports/overview/", reports_pages.overview_page, name="overview"),
    path("reports/execution/", reports_pages.execution_page, name="execution"),
    # Figures
    path("figures/", figures_pages.figures, name="figures"),
    path("figures/reviews/", figures_pages.figure_reviews, name="figure_reviews"),
    path("figures/targets/", figures_pages.figure_targets, name="figure_targets"),
    path("figures/targets/<row:pk>/end/", figures_pages.figure_target_end, name="figure_target_end"),
]
