"""Addresses of questionnaires and of what people said."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import surveys

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
]
