"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import matter, pos_card, pos_lane

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # The lane of ПОС
    path("appeals/<row:pk>/pos-case/", pos_card.case_page, name="pos_case"),
    path("pos-lane/", pos_lane.lane, name="pos_lane"),
    path("pos-lane/new/", pos_lane.new, name="pos_new"),
    path("pos-lane/facts/", pos_lane.facts, name="pos_facts"),
    path("pos-facts/<row:pk>/", pos_lane.fact, name="pos_fact"),
]
