"""Addresses of ПОС."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import pos_pages

urlpatterns: list[URLPattern] = [
    path("pos/", pos_pages.home, name="pos"),
    path("pos/terms/", pos_pages.terms, name="pos_terms"),
    path("pos/differences/", pos_pages.differences, name="pos_differences"),
    path("pos/links/", pos_pages.link_page, name="pos_links"),
    path("pos-imports/<row:pk>/", pos_pages.import_page, name="pos_import"),
    path("pos-imports/<row:pk>/progress/", pos_pages.progress, name="pos_import_progress"),
    path("pos-terms/<row:pk>/", pos_pages.term, name="pos_term"),
    path("inbox/<row:pk>/pos/", pos_pages.of_message, name="pos_of_message"),
    path("inbox/<row:pk>/pos/mark/", pos_pages.mark, name="pos_mark"),
    path("appeals/<row:pk>/pos/", pos_pages.of_appeal, name="pos_of_appeal"),
]
