"""Addresses of the life of an installation: moving in, figures and reports, ССТУ, copies kept, help."""

from __future__ import annotations

from django.urls import URLPattern, path

from otklik.workplace import (
    backups_pages,
    exercises,
    figures_pages,
    forwarding,
    head_sheet_pages,
    help_pages,
    law_dictionaries,
    moving_pages,
    news,
    outage_pages,
    pausing,
    reports_pages,
    sed_pages,
    sign_group,
    sstu_pages,
    staff_directory,
)

urlpatterns: list[URLPattern] = [
    # Reports
    path("head-sheet/", head_sheet_pages.sheet, name="head_sheet"),
    path("head-sheet/list/", head_sheet_pages.counted, name="head_list"),
    path("head-sheet/receptions/", head_sheet_pages.receptions, name="head_receptions"),
    path("reports/", reports_pages.report_list, name="reports"),
    path("reports/new/", reports_pages.report_form, name="report_new"),
    path("reports/<row:pk>/", reports_pages.report, name="report"),
    path("reports/<row:pk>/edit/", reports_pages.report_form, name="report_edit"),
    path("reports/<row:pk>/step/", reports_pages.report_step, name="report_step"),
    path("reports/overview/", reports_pages.overview_page, name="overview"),
    path("reports/execution/", reports_pages.execution_page, name="execution"),
    # Figures
    path("figures/", figures_pages.figures, name="figures"),
    path("figures/targets/", figures_pages.figure_targets, name="figure_targets"),
    path("figures/targets/<row:pk>/end/", figures_pages.figure_target_end, name="figure_target_end"),
    path("figures/reviews/", figures_pages.figure_reviews, name="figure_reviews"),
    # ССТУ
    path("sstu/", sstu_pages.sstu, name="sstu"),
    path("sstu/settings/", sstu_pages.sstu_settings, name="sstu_settings"),
    path("sstu/check/", sstu_pages.sstu_check, name="sstu_check"),
    path("sstu/<day:on>/", sstu_pages.sstu_month, name="sstu_month"),
    path("sstu/<day:on>/progress/", sstu_pages.sstu_progress, name="sstu_progress"),
    path("sstu-volumes/<row:pk>/", sstu_pages.sstu_volume, name="sstu_volume"),
    # Moving in and out
    path("moving/", moving_pages.home, name="moving"),
    path("history-imports/<row:pk>/", moving_pages.history_import, name="history_import"),
    path("history-imports/<row:pk>/progress/", moving_pages.progress, name="history_import_progress"),
    path("history-imports/<row:pk>/errors/", moving_pages.errors, name="history_import_errors"),
    path("leaving/", moving_pages.leave, name="leaving"),
    path("full-exports/<row:pk>/file/", moving_pages.export_file, name="full_export_file"),
    # Kept safe, paper and outage
    path("backups/", backups_pages.backups, name="backups"),
    path("backups/make/", backups_pages.backup_now, name="backup_now"),
    path("backups/drill/", backups_pages.drill_now, name="drill_now"),
    path("visitors/", outage_pages.guard_list, name="guard_list"),
    path("outages/", outage_pages.outages, name="outages"),
    path("outages/blanks/<slug:kind>/", outage_pages.outage_blank, name="outage_blank"),
    path("outages/<row:pk>/", outage_pages.outage, name="outage"),
    path("outages/<row:pk>/appeal/", outage_pages.late_appeal, name="late_appeal"),
    path("outages/<row:pk>/call/", outage_pages.late_call, name="late_call"),
    path("staff/directory/", staff_directory.compare, name="staff_directory"),
    # Learning it: guides, exercises of a stand, what is new
    path("help/", help_pages.shelf, name="help"),
    path("help/pictures/<str:name>", help_pages.picture, name="help_picture"),
    path("help/new/", news.whats_new, name="whats_new"),
    path("help/new/told/", news.told, name="news_told"),
    path("help/<slug:code>/", help_pages.guide, name="help_guide"),
    path("exercises/", exercises.exercises, name="exercises"),
    path("exercises/panel/", exercises.exercise_panel, name="exercise_panel"),
    path("exercises/<slug:code>/", exercises.exercise, name="exercise"),
    path("exercises/<slug:code>/begin/", exercises.exercise_begin, name="exercise_begin"),
    path("exercises/<slug:code>/leave/", exercises.exercise_leave, name="exercise_leave"),
    # Dictionaries of the law; what other bodies told of what was sent on
    path("outcome-kinds/", law_dictionaries.kinds, name="outcome_kinds"),
    path("outcome-kinds/new/", law_dictionaries.kind, name="outcome_kind_new"),
    path("outcome-kinds/<row:pk>/", law_dictionaries.kind, name="outcome_kind"),
    path("inquiry-rules/", law_dictionaries.inquiry_rules, name="inquiry_rules"),
    path("inquiry-rules/new/", law_dictionaries.inquiry_rule, name="inquiry_rule_new"),
    path("inquiry-rules/<row:pk>/end/", law_dictionaries.inquiry_rule_end, name="inquiry_rule_end"),
    path("sed-numbers/<row:pk>/file/", sed_pages.sed_file, name="sed_file"),
    path("forwardings/<row:pk>/told/", forwarding.told, name="forwarding_told"),
    # Many letters with one text, signed together
    path("sign-groups/<row:pk>/", sign_group.group, name="sign_group"),
    path("appeals/<row:pk>/pause/", pausing.pause, name="pause"),
]
