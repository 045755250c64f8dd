"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import ekc, ekc_work, lines

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    # Beside the call: who calls, what to answer
    # Calls nobody answered, promises
    # Calls and the reconciliation with the exchange
    # Figures of the line
    # Lines and their hours; the ЕКЦ
    path("lines/", lines.line_list, name="lines"),
    path("lines/new/", lines.edit, name="line_new"),
    path("lines/extensions/", lines.extensions, name="line_extensions"),
    path("lines/<row:pk>/", lines.line, name="line"),
    path("lines/<row:pk>/edit/", lines.edit, name="line_edit"),
    path("lines/<row:pk>/hours/", lines.week, name="line_week"),
    path("lines/<row:pk>/day/", lines.day, name="line_day"),
    path("line-days/<row:pk>/remove/", lines.day_remove, name="line_day_remove"),
    path("ekc/", ekc.desk, name="ekc"),
    path("ekc/search/", ekc.search, name="ekc_search"),
    path("ekc/upload/", ekc_work.upload, name="ekc_upload"),
    path("ekc/upload/sample.xlsx", ekc_work.sample, name="ekc_sample"),
    path("ekc/untopiced/", ekc_work.untopiced, name="ekc_untopiced"),
    path("ekc/untopiced/<row:pk>/", ekc_work.classify, name="ekc_classify"),
    path("ekc/handed/", ekc_work.handed, name="ekc_handed"),
    path("ekc/<row:pk>/", ekc.record, name="ekc_record"),
    path("extensions/<row:pk>/end/", lines.extension_end, name="extension_end"),
]
