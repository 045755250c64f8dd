"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import head_sheet_pages, reports_pages

urlpatterns: list[URLPattern] = [
    # Reports
    path("head-sheet/", head_sheet_pages.sheet, name="head_sheet"),
    path("head-sheet/list/", head_sheet_pages.counted, name="head_list"),
    path("reports/overview/", reports_pages.overview_page, name="overview"),
    path("reports/execution/", reports_pages.execution_page, name="execution"),
]
