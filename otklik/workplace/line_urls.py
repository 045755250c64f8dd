"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import line_calls

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    # Beside the call: who calls, what to answer
    # Calls nobody answered, promises
    # Calls and the reconciliation with the exchange
    path("line/calls/", line_calls.line_calls, name="line_calls"),
    path("line/calls/new/", line_calls.call_by_hand, name="line_call_new"),
    path("line/calls/file/", line_calls.upload, name="line_upload"),
    path("line/reconciliation/", line_calls.reconcile, name="line_reconciliation"),
    path("line/reconciliation/restore/", line_calls.restore, name="line_restore"),
    # Figures of the line
    # Lines and their hours; the ЕКЦ
]
