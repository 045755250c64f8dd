"""Addresses of personal reception."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import (
    appointments,
    covers,
    front_office,
    holding,
    mailboxes,
    reception_figures,
    reception_rooms,
    reception_schedule,
    upload,
)

urlpatterns: list[URLPattern] = [
    # Mail; covering letters; lists of any other body
    path("mailboxes/", mailboxes.mailboxes, name="mailboxes"),
    path("intake/upload/", upload.upload, name="intake_upload"),
    path("intake/upload/sample/", upload.sample, name="intake_sample"),
    path("intake/package/", covers.package, name="governor_package"),
    path("inbox/<row:pk>/cover/", covers.cover_edit, name="cover_edit"),
    path("appeals/<row:pk>/report/", covers.report, name="cover_report"),
    path("appeals/<row:pk>/report/given/", covers.report_given, name="report_given"),
    path("reception/figures/", reception_figures.figures, name="reception_figures"),
    path("reception/figures/list/", reception_figures.counted, name="reception_counted"),
    # Schedule, authorities, rooms
    path("reception/schedule/", reception_schedule.reception_schedule, name="reception_schedule"),
    path("reception/hours/", reception_schedule.hours, name="reception_hours"),
    path("reception/authority/", reception_schedule.authority_new, name="reception_authority_new"),
    path("reception-authorities/<row:pk>/end/", reception_schedule.authority_end, name="reception_authority_end"),
    path("reception-officials/<row:pk>/", reception_schedule.official, name="reception_official"),
    path("reception-officials/<row:pk>/calendar/", reception_schedule.official_feed, name="reception_official_feed"),
    path("reception-officials/<row:pk>/hours/", reception_schedule.rule_new, name="reception_rule_new"),
    path("reception-officials/<row:pk>/day/", reception_schedule.day, name="reception_day"),
    path("reception-officials/<row:pk>/cancel/", reception_schedule.day_cancel, name="reception_day_cancel"),
    path("reception-officials/<row:pk>/move/", reception_schedule.day_move, name="reception_day_move"),
    path("reception-days/<row:pk>/remove/", reception_schedule.day_remove, name="reception_day_remove"),
    path("reception-rules/<row:pk>/", reception_schedule.rule, name="reception_rule"),
    path("reception-rules/<row:pk>/end/", reception_schedule.rule_end, name="reception_rule_end"),
    path("reception-rooms/", reception_rooms.room_list, name="reception_rooms"),
    path("reception-rooms/new/", reception_rooms.room_edit, name="reception_room_new"),
    path("reception-rooms/<row:pk>/", reception_rooms.room, name="reception_room"),
    path("reception-rooms/<row:pk>/edit/", reception_rooms.room_edit, name="reception_room_edit"),
    path("reception-rooms/<row:pk>/check/", reception_rooms.room_check, name="reception_room_check"),
    path("reception-phones/new/", reception_rooms.phone, name="reception_phone_new"),
    path("reception-phones/<row:pk>/", reception_rooms.phone, name="reception_phone"),
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
    # Holding the reception
    path("receptions/", holding.hold_day, name="hold_day"),
    path("receptions/promised/", holding.promised_list, name="promised_answers"),
    path("receptions/<row:pk>/", holding.hold, name="hold"),
    path("receptions/<row:pk>/step/", holding.hold_step, name="hold_step"),
    path("receptions/<row:pk>/card/", holding.reception_card, name="reception_card"),
    path("receptions/<row:pk>/pdf/", holding.reception_pdf, name="reception_pdf"),
    path("receptions/<row:pk>/recordings/", holding.recording_add, name="recording_add"),
    path("recordings/<row:pk>/", holding.recording, name="recording"),
    path("instructions/", holding.instruction_list, name="instructions"),
    path("instructions/<row:pk>/", holding.instruction, name="instruction"),
    path("appeals/<row:pk>/signer/", holding.signer, name="signer"),
    # The front office
    path("front/", front_office.today, name="front_office"),
    path("front/board/", front_office.board, name="front_board"),
    path("front/walk-in/", front_office.walk_in, name="walk_in"),
    path("front/blanks/", front_office.print_blanks, name="reception_blanks"),
    path("front/words/", front_office.recording_words, name="recording_words"),
    path("arrivals/<row:pk>/", front_office.arrival, name="arrival"),
    path("check-in/<row:pk>/", front_office.check_in, name="check_in"),
]
