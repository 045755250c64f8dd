"""Addresses for citizens."""

from django.urls import path

from otklik.portal import feedback

app_name = "portal"

urlpatterns = [
    path("feedback/<str:token>/", feedback.questionnaire, name="feedback"),
    path("feedback/<str:token>/contact/", feedback.allow_contact, name="feedback_contact"),
]
