"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import backups_pages

urlpatterns: list[URLPattern] = [
    # Kept safe, paper and outage
    path("backups/", backups_pages.backups, name="backups"),
    path("backups/make/", backups_pages.backup_now, name="backup_now"),
    path("backups/drill/", backups_pages.drill_now, name="drill_now"),
]
