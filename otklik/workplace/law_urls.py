"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import matter, site_form

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    path("channels/website/form/", site_form.placed, name="site_form"),
from otklik.workplace import extension, forwarding, matter, regimes

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    path("appeals/<row:pk>/extend/", extension.extend, name="extend"),
    path("appeals/<row:pk>/control/", extension.control, name="control"),
    path("appeals/<row:pk>/forward/", forwarding.forward, name="forward"),
    path("regimes/<slug:code>/rules/", regimes.regime, name="regime_rules"),
from otklik.workplace import classifier_pages, learning_pages, matter

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # The dictionaries of both axes, and how well they are proposed
    path("classifier/", classifier_pages.classifier_list, name="classifier"),
    path("classifier/import/", classifier_pages.import_file, name="classifier_import"),
    path("classifier/<row:pk>/", classifier_pages.topic, name="classifier_topic"),
    path("needs/", classifier_pages.needs, name="needs"),
    path("needs/new/", classifier_pages.need, name="need_new"),
    path("needs/<row:pk>/", classifier_pages.need, name="need"),
    path("proposal-quality/", learning_pages.quality, name="proposal_quality"),
from otklik.workplace import case_questions, matter, merging, outcomes, parties

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # How it ends, who stands in it, what belongs to it.
    path("appeals/<row:pk>/outcomes/", outcomes.record, name="outcomes"),
    path("appeals/<row:pk>/questions/", case_questions.questions, name="case_questions"),
    path("appeals/<row:pk>/complained/", parties.complained_of, name="complained"),
    path("appeals/<row:pk>/signed/", parties.signed, name="collective"),
    path("appeals/<row:pk>/related/", merging.related, name="related"),
    path("appeals/<row:pk>/copies/", merging.copies, name="copies"),
    path("inbox/<row:pk>/like/<row:appeal_pk>/", merging.letter_like, name="letter_like"),
from otklik.workplace import matter, pos_card, pos_lane

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # The lane of ПОС
    path("appeals/<row:pk>/pos-case/", pos_card.case_page, name="pos_case"),
    path("pos-lane/", pos_lane.lane, name="pos_lane"),
    path("pos-lane/new/", pos_lane.new, name="pos_new"),
    path("pos-lane/facts/", pos_lane.facts, name="pos_facts"),
    path("pos-facts/<row:pk>/", pos_lane.fact, name="pos_fact"),
from otklik.workplace import absence_risk, inquiries, matter, parts, resolutions, sed_pages

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # Resolutions, the help of others, СЭД
    path("appeals/<row:pk>/resolutions/write/", resolutions.write, name="resolution_write"),
    path("resolutions/", resolutions.control, name="resolutions"),
    path("resolutions/<row:pk>/", resolutions.resolution, name="resolution"),
    path("appeals/<row:pk>/parts/ask/", parts.ask, name="part_ask"),
    path("appeals/<row:pk>/parts/assemble/", parts.assemble, name="part_assemble"),
    path("helper-parts/<row:pk>/", parts.helper_part, name="helper_part"),
    path("appeals/<row:pk>/inquiries/new/", inquiries.inquiry_new, name="inquiry_new"),
    path("inquiries/", inquiries.inquiry_list, name="inquiries"),
    path("inquiries/<row:pk>/", inquiries.inquiry, name="inquiry"),
    path("away/risk/", absence_risk.away_risk, name="away_risk"),
    path("appeals/<row:pk>/sed/", sed_pages.sed_number, name="sed_number"),
    path("sed/", sed_pages.differences, name="sed"),
    path("sed/upload/", sed_pages.upload, name="sed_upload"),
    path("sed/sample/", sed_pages.sample, name="sed_sample"),
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
from otklik.workplace import macros_pages, matter, prints, storage_pages

urlpatterns: list[URLPattern] = [
    path("appeals/<row:pk>/matter/", matter.matter, name="matter"),
    # Prints
    path("prints/", prints.prints, name="prints"),
    path("prints/envelopes/", prints.envelopes_of_list, name="envelopes_of_list"),
    path("prints/<slug:code>/<slug:way>/", prints.journal_of_list, name="journal_of_list"),
    path("appeals/<row:pk>/card-pdf/", prints.registration_card, name="registration_card"),
    path("appeals/<row:pk>/envelope/", prints.envelope, name="envelope"),
    path("appeals/<row:pk>/case/", prints.whole_case, name="whole_case"),
    path("appeals/<row:pk>/case/<row:made>/", prints.whole_case_file, name="whole_case_file"),
    # Macros and lists of points
    path("macros/", macros_pages.macro_list, name="macros"),
    path("macros/new/", macros_pages.macro, name="macro_new"),
    path("macros/<row:pk>/", macros_pages.macro, name="macro"),
    path("macros/<row:pk>/end/", macros_pages.macro_end, name="macro_end"),
    path("appeals/<row:pk>/macros/", macros_pages.run_macro, name="run_macro"),
    path("appeals/<row:pk>/points/", macros_pages.tick, name="tick"),
    path("checklists/", macros_pages.checklists, name="checklists"),
    path("checklists/new/", macros_pages.checklist, name="checklist_new"),
    path("checklists/<row:pk>/", macros_pages.checklist, name="checklist"),
    # Storage and personal data
    path("appeals/<row:pk>/hold/", storage_pages.hold_case, name="hold_case"),
    path("appeals/<row:pk>/masked/", storage_pages.masked_letter, name="masked_letter"),
    path("storage/", storage_pages.storage_desk, name="storage"),
    path("storage-acts/<row:pk>/", storage_pages.storage_act, name="storage_act"),
    path("storage-acts/<row:pk>/pdf/", storage_pages.storage_act_pdf, name="storage_act_pdf"),
    path("applicants/<row:pk>/export/", storage_pages.applicant_export, name="applicant_export"),
]
