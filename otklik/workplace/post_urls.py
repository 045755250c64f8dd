"""Addresses of post: scans that come in, letters that go out."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import post_lists, scan_pages

urlpatterns: list[URLPattern] = [
    path("scans/", scan_pages.scans, name="scans"),
    path("scans/separator.pdf", scan_pages.scan_separator, name="scan_separator"),
    path("scans/<row:pk>/", scan_pages.scan_batch, name="scan_batch"),
    path("scans/<row:pk>/progress/", scan_pages.scan_progress, name="scan_progress"),
    path("scans/<row:pk>/accept/", scan_pages.scan_accept, name="scan_accept"),
    path("scans/<row:pk>/register/", scan_pages.scan_register, name="scan_register"),
    path("scan-pages/<row:pk>.jpg", scan_pages.scan_picture, name="scan_picture"),
    path("scan-letters/<row:pk>/stamped.pdf", scan_pages.scan_copy, name="scan_copy"),
    path("scan-letters/<row:pk>/label.pdf", scan_pages.scan_label, name="scan_label"),
    path("post-lists/", post_lists.post_lists, name="post_lists"),
    path("post-lists/<row:pk>/", post_lists.post_list, name="post_list"),
    path("post-lists/<row:pk>/table.xlsx", post_lists.post_list_table, name="post_list_table"),
    path("post-items/<row:pk>/remove/", post_lists.post_list_remove, name="post_list_remove"),
]
