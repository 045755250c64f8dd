"""Addresses of the work by the law: the parts of a matter, their steps, and the pages of their rules."""

from __future__ import annotations

from django.urls import URLPattern, path

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
