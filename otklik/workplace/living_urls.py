"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import moving_pages

urlpatterns: list[URLPattern] = [
    # Moving in and out
    path("moving/", moving_pages.home, name="moving"),
    path("history-imports/<row:pk>/", moving_pages.history_import, name="history_import"),
    path("history-imports/<row:pk>/progress/", moving_pages.progress, name="history_import_progress"),
    path("history-imports/<row:pk>/errors/", moving_pages.errors, name="history_import_errors"),
    path("leaving/", moving_pages.leave, name="leaving"),
    path("full-exports/<row:pk>/file/", moving_pages.export_file, name="full_export_file"),
]
