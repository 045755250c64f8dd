"""Addresses of questionnaires and of what people said."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import feedback, opinions, paper

urlpatterns: list[URLPattern] = [
    # Questionnaires, points, posters
    # Paper; the analysis; what becomes of what was said
    path("surveys/paper/", paper.batches, name="paper"),
    path("surveys/paper/blank/<row:pk>.pdf", paper.blank, name="paper_blank"),
    path("surveys/paper/<row:pk>/", paper.batch, name="paper_batch"),
    path("surveys/paper/<row:pk>/blanks.pdf", paper.blanks, name="paper_blanks"),
    path("surveys/paper/<row:pk>/keep/", paper.keep, name="paper_keep"),
    path("surveys/paper/<row:pk>/undo/", paper.undo, name="paper_undo"),
    path("surveys/paper/<row:pk>/end/", paper.end, name="paper_end"),
    path("surveys/paper/<row:pk>/check/", paper.check, name="paper_check"),
    path("surveys/paper/<row:pk>/check-all/", paper.check_all, name="paper_check_all"),
    path("surveys/paper/<row:pk>/settle/", paper.settle, name="paper_settle"),
    path("surveys/paper/<row:pk>/count/", paper.count, name="paper_count"),
    path("surveys/paper/<row:pk>/scan/", paper.scan, name="paper_scan"),
    path("opinions/", opinions.analysis, name="opinions"),
    path("opinions/consultations/", opinions.consultations, name="opinion_talks"),
    path("feedback/<row:pk>/", feedback.opinion, name="opinion"),
]
