"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import staff_directory

urlpatterns: list[URLPattern] = [
    path("staff/directory/", staff_directory.compare, name="staff_directory"),
]
