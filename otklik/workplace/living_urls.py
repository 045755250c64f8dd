"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import forwarding, law_dictionaries, sed_pages

urlpatterns: list[URLPattern] = [
    # Dictionaries of the law; what other bodies told of what was sent on
    path("outcome-kinds/", law_dictionaries.kinds, name="outcome_kinds"),
    path("outcome-kinds/new/", law_dictionaries.kind, name="outcome_kind_new"),
    path("outcome-kinds/<row:pk>/", law_dictionaries.kind, name="outcome_kind"),
    path("inquiry-rules/", law_dictionaries.inquiry_rules, name="inquiry_rules"),
    path("inquiry-rules/new/", law_dictionaries.inquiry_rule, name="inquiry_rule_new"),
    path("inquiry-rules/<row:pk>/end/", law_dictionaries.inquiry_rule_end, name="inquiry_rule_end"),
    path("sed-numbers/<row:pk>/file/", sed_pages.sed_file, name="sed_file"),
    path("forwardings/<row:pk>/told/", forwarding.told, name="forwarding_told"),
]
