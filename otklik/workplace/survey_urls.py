"""Addresses of questionnaires and of what people said."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import feedback, opinions, paper, surveys

urlpatterns: list[URLPattern] = [
    # Questionnaires, points, posters
    path("surveys/", surveys.surveys, name="surveys"),
    path("surveys/new/", surveys.new, name="survey_new"),
    path("surveys/<row:pk>/", surveys.survey, name="survey"),
    path("surveys/<row:pk>/revise/", surveys.revise, name="survey_revise"),
    path("survey-drafts/<row:pk>/", surveys.draft, name="survey_draft"),
    path("survey-drafts/<row:pk>/preview/", surveys.preview, name="survey_preview"),
    path("survey-drafts/<row:pk>/publish/", surveys.publish, name="survey_publish"),
    path("survey-drafts/<row:pk>/drop/", surveys.drop, name="survey_drop"),
    path("survey-points/new/", surveys.new_point, name="survey_point_new"),
    path("survey-points/<row:pk>/", surveys.point, name="survey_point"),
    path("survey-points/<row:pk>/edit/", surveys.edit_point, name="survey_point_edit"),
    path("survey-points/<row:pk>/poster-<slug:paper>.pdf", surveys.poster, name="survey_poster"),
    path("survey-points/<row:pk>/qr.<slug:kind>", surveys.qr, name="survey_qr"),
    # Paper; the analysis; what becomes of what was said
    path("paper/", paper.batches, name="paper"),
    path("paper/blank/<row:pk>.pdf", paper.blank, name="paper_blank"),
    path("paper/<row:pk>/", paper.batch, name="paper_batch"),
    path("paper/<row:pk>/blanks.pdf", paper.blanks, name="paper_blanks"),
    path("paper/<row:pk>/keep/", paper.keep, name="paper_keep"),
    path("paper/<row:pk>/undo/", paper.undo, name="paper_undo"),
    path("paper/<row:pk>/end/", paper.end, name="paper_end"),
    path("paper/<row:pk>/check/", paper.check, name="paper_check"),
    path("paper/<row:pk>/check-all/", paper.check_all, name="paper_check_all"),
    path("paper/<row:pk>/settle/", paper.settle, name="paper_settle"),
    path("paper/<row:pk>/count/", paper.count, name="paper_count"),
    path("paper/<row:pk>/scan/", paper.scan, name="paper_scan"),
    path("opinions/", opinions.analysis, name="opinions"),
    path("opinions/consultations/", opinions.consultations, name="opinion_talks"),
    path("feedback/<row:pk>/", feedback.opinion, name="opinion"),
]
