"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import case_questions, matter, merging, outcomes, parties

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # How it ends, who stands in it, what belongs to it.
    path("appeals/<row:pk>/outcomes/", outcomes.record, name="outcomes"),
    path("appeals/<row:pk>/questions/", case_questions.questions, name="case_questions"),
    path("appeals/<row:pk>/complained/", parties.complained_of, name="complained"),
    path("appeals/<row:pk>/signed/", parties.signed, name="collective"),
    path("appeals/<row:pk>/related/", merging.related, name="related"),
    path("appeals/<row:pk>/copies/", merging.copies, name="copies"),
    path("inbox/<row:pk>/like/<row:appeal_pk>/", merging.letter_like, name="letter_like"),
]
