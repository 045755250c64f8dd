"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import (
    call_aside,
    call_desk,
    consultation_pages,
    ekc,
    ekc_work,
    line_calls,
    line_figures,
    lines,
    missed_calls,
    promises,
)

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    path("call/", call_desk.call_desk, name="call_desk"),
    path("call/open/<row:pk>/", call_desk.call_open, name="call_open"),
    path("call/<row:pk>/", call_desk.call, name="call"),
    path("call/<row:pk>/keep/", call_desk.call_keep, name="call_keep"),
    path("call/<row:pk>/script/", call_desk.call_script, name="call_script"),
    path("call/<row:pk>/close/", call_desk.call_close, name="call_close"),
    path("call/<row:pk>/do/<slug:what>/", call_desk.call_act, name="call_act"),
    path("consultations/", consultation_pages.consultation_list, name="consultations"),
    path("consultations/<row:pk>/", consultation_pages.consultation, name="consultation"),
    # Beside the call: who calls, what to answer
    path("call/incoming/", call_aside.incoming, name="call_incoming"),
    path("call/search/", call_aside.search, name="search_aside"),
    path("call/<row:pk>/caller/", call_aside.caller, name="call_caller"),
    path("call/<row:pk>/search/", call_aside.search, name="call_search"),
    path("call/<row:pk>/material/<row:page_id>/", call_aside.material, name="call_material"),
    path("call/<row:pk>/votes/", call_aside.votes, name="call_votes"),
    # Calls nobody answered, promises
    path("missed/", missed_calls.missed_list, name="missed"),
    path("missed/figures/", missed_calls.figures, name="missed_figures"),
    path("missed/figures/calls/", missed_calls.hour_calls, name="missed_hour"),
    path("missed/<row:pk>/", missed_calls.missed_call, name="missed_call"),
    path("missed/<row:pk>/step/", missed_calls.missed_step, name="missed_step"),
    path("missed/<row:pk>/dial/", missed_calls.missed_dial, name="missed_dial"),
    path("promises/", promises.promise_list, name="promises"),
    path("promises/<row:pk>/", promises.promise, name="promise"),
    path("promises/<row:pk>/step/", promises.promise_step, name="promise_step"),
    path("promises/<row:pk>/dial/", promises.promise_dial, name="promise_dial"),
    # Calls and the reconciliation with the exchange
    path("line/calls/", line_calls.line_calls, name="line_calls"),
    path("line/calls/new/", line_calls.call_by_hand, name="line_call_new"),
    path("line/calls/file/", line_calls.upload, name="line_upload"),
    path("line/reconciliation/", line_calls.reconcile, name="line_reconciliation"),
    path("line/reconciliation/restore/", line_calls.restore, name="line_restore"),
    # Figures of the line
    path("line/figures/", line_figures.figures, name="line_figures"),
    path("line/figures/list/", line_figures.counted, name="line_counted"),
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
