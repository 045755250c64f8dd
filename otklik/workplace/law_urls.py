"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import absence_risk, inquiries, matter, parts, resolutions, sed_pages

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # Resolutions, the help of others, СЭД
    path("appeals/<row:pk>/resolutions/write/", resolutions.write, name="resolution_write"),
    path("resolutions/", resolutions.control, name="resolutions"),
    path("resolutions/<row:pk>/", resolutions.resolution, name="resolution"),
    path("appeals/<row:pk>/parts/ask/", parts.ask, name="part_ask"),
    path("appeals/<row:pk>/parts/assemble/", parts.assemble, name="part_assemble"),
    path("helper-parts/<row:pk>/", parts.helper_part, name="helper_part"),
    path("appeals/<row:pk>/inquiries/new/", inquiries.inquiry_new, name="inquiry_new"),
    path("inquiries/", inquiries.inquiry_list, name="inquiries"),
    path("inquiries/<row:pk>/", inquiries.inquiry, name="inquiry"),
    path("away/risk/", absence_risk.away_risk, name="away_risk"),
    path("appeals/<row:pk>/sed/", sed_pages.sed_number, name="sed_number"),
    path("sed/", sed_pages.differences, name="sed"),
    path("sed/upload/", sed_pages.upload, name="sed_upload"),
    path("sed/sample/", sed_pages.sample, name="sed_sample"),
]
