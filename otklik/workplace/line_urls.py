"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import line_calls, missed_calls, promises

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    # Beside the call: who calls, what to answer
    # Calls nobody answered, promises
    path("missed/", missed_calls.missed_list, name="missed"),
    path("missed/new/", missed_calls.missed_new, name="missed_new"),
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
    # Lines and their hours; the ЕКЦ
]
