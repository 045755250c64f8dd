"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import exercises, help_pages, news

urlpatterns: list[URLPattern] = [
    # Learning it: guides, exercises of a stand, what is new
    path("help/", help_pages.shelf, name="help"),
    path("help/pictures/<str:name>", help_pages.picture, name="help_picture"),
    path("help/new/", news.whats_new, name="whats_new"),
    path("help/new/told/", news.told, name="news_told"),
    path("help/<slug:code>/", help_pages.guide, name="help_guide"),
    path("exercises/", exercises.exercises, name="exercises"),
    path("exercises/panel/", exercises.exercise_panel, name="exercise_panel"),
    path("exercises/<slug:code>/", exercises.exercise, name="exercise"),
    path("exercises/<slug:code>/begin/", exercises.exercise_begin, name="exercise_begin"),
    path("exercises/<slug:code>/leave/", exercises.exercise_leave, name="exercise_leave"),
]
