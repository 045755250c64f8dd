"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import dispatch, matter, routes_pages, sign_many

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # Routes of approval, ways of an answer, signing many at once
    path("appeals/<row:pk>/answer-way/", routes_pages.answer_way, name="answer_way"),
    path("appeals/<row:pk>/sign/marked.pdf", sign_many.marked, name="sign_marked"),
    path("appeals/<row:pk>/dispatch/copy/", dispatch.copy, name="answer_copy"),
    path("to-sign/", sign_many.to_sign, name="to_sign"),
    path("to-sign/package.zip", sign_many.package, name="sign_package"),
    path("to-sign/folder.pdf", sign_many.print_folder, name="sign_folder"),
    path("to-sign/signatures/", sign_many.bring_signatures, name="sign_back"),
    path("to-sign/scans/", sign_many.bring_scans, name="sign_scans"),
    path("to-sign/scans/attest/", sign_many.attest_scans, name="sign_attest"),
    path("to-sign/scans/pages.pdf", sign_many.scan, name="sign_scan"),
    path("to-sign/<row:pk>/", sign_many.read_letter, name="read_letter"),
    path("approval-routes/", routes_pages.approval_routes, name="approval_routes"),
    path("approval-routes/new/", routes_pages.route, name="approval_route_new"),
    path("approval-routes/<row:pk>/", routes_pages.route, name="approval_route"),
    path("approval-routes/<row:pk>/end/", routes_pages.route_end, name="approval_route_end"),
    path("answer-rules/", routes_pages.answer_rules, name="answer_rules"),
    path("answer-rules/new/", routes_pages.answer_rule, name="answer_rule_new"),
    path("answer-rules/foreign/", routes_pages.foreign_mail, name="foreign_mail"),
    path("answer-rules/<row:pk>/end/", routes_pages.answer_rule_end, name="answer_rule_end"),
]
