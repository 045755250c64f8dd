"""Addresses of personal reception."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import appointments

urlpatterns: list[URLPattern] = [
    # Appointments: the finder, requests, the waiting list, whom to call
    path("appointments/", appointments.appointment_list, name="appointments"),
    path("appointments/new/", appointments.appointment_new, name="appointment_new"),
    path("appointments/times/", appointments.appointment_times, name="appointment_times"),
    path("appointments/<row:pk>/", appointments.appointment, name="appointment"),
    path("appointments/<row:pk>/step/", appointments.appointment_step, name="appointment_step"),
    path("appointments/<row:pk>/move/", appointments.appointment_move, name="appointment_move"),
    path("visit-requests/", appointments.visit_requests, name="visit_requests"),
    path("visit-requests/wait/", appointments.visit_wait, name="visit_wait"),
    path("visit-requests/<row:pk>/", appointments.visit_request, name="visit_request"),
    path("visit-requests/<row:pk>/step/", appointments.visit_request_step, name="visit_request_step"),
    path("visit-notices/", appointments.visit_notices, name="visit_notices"),
    path("visit-notices/<row:pk>/", appointments.visit_notice, name="visit_notice"),
]
