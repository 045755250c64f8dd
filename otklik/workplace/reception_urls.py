"""Addresses of personal reception."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import front_office, holding

urlpatterns: list[URLPattern] = [
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
