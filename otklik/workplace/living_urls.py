"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import backups_pages, outage_pages

urlpatterns: list[URLPattern] = [
    # Kept safe, paper and outage
    path("backups/", backups_pages.backups, name="backups"),
    path("backups/make/", backups_pages.backup_now, name="backup_now"),
    path("backups/drill/", backups_pages.drill_now, name="drill_now"),
    path("visitors/", outage_pages.guard_list, name="guard_list"),
    path("outages/", outage_pages.outages, name="outages"),
    path("outages/blanks/<slug:kind>/", outage_pages.outage_blank, name="outage_blank"),
    path("outages/<row:pk>/", outage_pages.outage, name="outage"),
    path("outages/<row:pk>/appeal/", outage_pages.late_appeal, name="late_appeal"),
    path("outages/<row:pk>/call/", outage_pages.late_call, name="late_call"),
]
