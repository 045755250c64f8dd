"""Addresses of the consultation line."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import call_aside

urlpatterns: list[URLPattern] = [
    # The call screen and consultations
    # Beside the call: who calls, what to answer
    path("call/incoming/", call_aside.incoming, name="call_incoming"),
    path("call/search/", call_aside.search, name="search_aside"),
    path("call/<row:pk>/caller/", call_aside.caller, name="call_caller"),
    path("call/<row:pk>/search/", call_aside.search, name="call_search"),
    path("call/<row:pk>/material/<row:page_id>/", call_aside.material, name="call_material"),
    path("call/<row:pk>/votes/", call_aside.votes, name="call_votes"),
    # Calls nobody answered, promises
    # Calls and the reconciliation with the exchange
    # Figures of the line
    # Lines and their hours; the ЕКЦ
]
