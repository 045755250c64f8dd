"""Addresses of what goes out to other systems, and of files that are kept from being opened."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import files_aside, sending, webhooks

urlpatterns: list[URLPattern] = [
    path("sending/", sending.channels, name="sending"),
    path("sending/<slug:channel>/", sending.rule, name="sending_rule"),
    path("sending/<slug:channel>/try/", sending.try_now, name="sending_try"),
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/<row:pk>/", webhooks.webhook, name="webhook"),
    path("webhooks/<row:pk>/step/", webhooks.step, name="webhook_step"),
    path("files-aside/", files_aside.aside, name="files_aside"),
    path("files-aside/<row:pk>/", files_aside.decide, name="file_aside"),
]
