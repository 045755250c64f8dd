"""Addresses of personal reception."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import front_office

urlpatterns: list[URLPattern] = [
    # The front office
    path("front/", front_office.today, name="front_office"),
    path("front/board/", front_office.board, name="front_board"),
    path("front/walk-in/", front_office.walk_in, name="walk_in"),
    path("front/blanks/", front_office.print_blanks, name="reception_blanks"),
    path("front/words/", front_office.recording_words, name="recording_words"),
    path("arrivals/<row:pk>/", front_office.arrival, name="arrival"),
    path("check-in/<row:pk>/", front_office.check_in, name="check_in"),
]
