"""Addresses of channels: their states, what they are connected with, their contact points."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import channels

urlpatterns: list[URLPattern] = [
    path("channels/", channels.channel_list, name="channels"),
    path("channels/<slug:code>/", channels.channel, name="channel"),
    path("channels/<slug:code>/settings/", channels.configure, name="channel_settings"),
    path("channels/<slug:code>/try/", channels.try_out, name="channel_try"),
    path("channels/<slug:code>/switch/", channels.switch, name="channel_switch"),
    path("channels/<slug:code>/silence/", channels.silence, name="channel_silence"),
    path("channels/<slug:code>/guide/", channels.guide, name="channel_guide"),
    path("channels/<slug:code>/points/new/", channels.point_new, name="channel_point_new"),
    path("channel-points/<row:pk>/", channels.point_edit, name="channel_point"),
    path("channel-points/<row:pk>/end/", channels.point_end, name="channel_point_end"),
]
