"""Addresses of the answer's way, of intake's leftovers, of the calendar, the Procedure and what auditors read."""

from __future__ import annotations

from datetime import date

from django.urls import URLPattern, path, register_converter
from django.urls.converters import IntConverter

from otklik.core import typed
from otklik.workplace import (
    approval,
    assignment,
    calendar,
    classification,
    compliance,
    dispatch,
    drafting,
    journal,
    quarantine,
    reconciling,
    retention,
    signing,
    substitution,
    terms,
    tokens,
    variants,
)


class DayConverter:
    """A day as 2026-11-24."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        """Read the day; one that does not exist, or of a year nobody counts with, is no address."""
        if (given := typed.day(value)) is None:
            raise ValueError
        return given

    def to_url(self, value: date) -> str:
        """Write the day."""
        return value.isoformat()


class RowConverter(IntConverter):
    """A number of a row, as many digits as a database holds: a longer one is no address."""

    regex = "[0-9]{1,18}"


register_converter(DayConverter, "day")
register_converter(RowConverter, "row")

APPEAL = "appeals/<row:pk>"

urlpatterns: list[URLPattern] = [
    path(f"{APPEAL}/classify/", classification.classify, name="classify"),
    path(f"{APPEAL}/assign/", assignment.assign, name="assign"),
    path(f"{APPEAL}/draft/", drafting.draft, name="draft"),
    path(f"{APPEAL}/reopen/", drafting.reopen, name="reopen"),
    path(f"{APPEAL}/draft/autosave/", drafting.autosave, name="draft_autosave"),
    path(f"{APPEAL}/draft/materials/", drafting.find_materials, name="draft_materials"),
    path(f"{APPEAL}/draft/materials/<row:page_id>/insert/", drafting.insert, name="draft_insert"),
    path(f"{APPEAL}/draft/materials/<row:page_id>/append/", drafting.append, name="draft_append"),
    path(f"{APPEAL}/draft/materials/<row:page_id>/decline/", drafting.decline, name="draft_decline"),
    path(f"{APPEAL}/draft/materials/<row:page_id>/aside/", drafting.aside, name="draft_aside"),
    path(f"{APPEAL}/draft/letter.pdf", drafting.preview, name="draft_pdf"),
    path(f"{APPEAL}/draft/answer.docx", drafting.as_word, name="draft_word"),
    path(f"{APPEAL}/draft/variants/", variants.variants, name="variants"),
    path("answer-variants/<row:pk>/file/", variants.document, name="variant_file"),
    path("answer-variants/<row:pk>/letter.pdf", variants.letter, name="variant_letter"),
    path(f"{APPEAL}/draft/revisions/", drafting.revisions, name="revisions"),
    path(f"{APPEAL}/draft/revisions/<int:seq>/restore/", drafting.restore, name="restore"),
    path(f"{APPEAL}/approval/", approval.of_appeal, name="approval"),
    path("approvals/<row:pk>/", approval.decide, name="approval_decide"),
    path(f"{APPEAL}/sign/", signing.sign, name="sign"),
    path(f"{APPEAL}/sign/freeze/", signing.freeze, name="freeze"),
    path(f"{APPEAL}/sign/withdraw/", signing.withdraw, name="withdraw"),
    path(f"{APPEAL}/sign/letter.pdf", signing.letter, name="letter"),
    path(f"{APPEAL}/sign/package.zip", signing.package, name="package"),
    path(f"{APPEAL}/dispatch/", dispatch.show, name="dispatch"),
    path(f"{APPEAL}/dispatch/state/", dispatch.state, name="delivery_state"),
    path(f"{APPEAL}/dispatch/send/", dispatch.send, name="send"),
    path(f"{APPEAL}/dispatch/undo/", dispatch.undo, name="undo_send"),
    path(f"{APPEAL}/dispatch/posted/", dispatch.posted, name="posted"),
    path(f"{APPEAL}/dispatch/another-way/", dispatch.another_way, name="another_way"),
    path(f"{APPEAL}/close/", dispatch.close, name="close"),
    path("deliveries/", dispatch.deliveries, name="deliveries"),
    path("deliveries/resend/", dispatch.resend_many, name="resend_many"),
    path("deliveries/<row:pk>/resend/", dispatch.resend, name="resend"),
    path("deliveries/<row:pk>/settle/", dispatch.settle, name="settle"),
    path("deliveries/<row:pk>/set-aside/", dispatch.set_aside, name="set_aside"),
    path("quarantine/", quarantine.quarantine, name="quarantine"),
    path("quarantine/<row:pk>/original/", quarantine.original, name="quarantine_original"),
    path("quarantine/<row:pk>/retry/", quarantine.retry, name="quarantine_retry"),
    path("quarantine/<row:pk>/fill-in/", quarantine.fill_in, name="quarantine_fill"),
    path("quarantine/<row:pk>/reject/", quarantine.reject, name="quarantine_reject"),
    path("reconciliation/", reconciling.reconciliation, name="reconciliation"),
    path("reconciliation/list/", reconciling.counted, name="reconciled"),
    path("calendar/", calendar.year, name="calendar"),
    path("calendar/<int:of>/", calendar.year, name="calendar_year"),
    path("calendar/<int:of>/approve/", calendar.approve_year, name="calendar_approve"),
    path("calendar/<day:on>/", calendar.day, name="calendar_day"),
    path("terms/", terms.terms, name="terms"),
    path("terms/<row:pk>/", terms.term, name="term"),
    path("terms/<row:pk>/end/", terms.end, name="term_end"),
    path("terms/regimes/new/", terms.regime, name="regime_new"),
    path("terms/regimes/<slug:code>/", terms.regime, name="regime"),
    path("terms/regimes/<slug:code>/add/", terms.add, name="term_add"),
    path("journal/", journal.changes, name="journal"),
    path("journal/access/", journal.looks, name="access_log"),
    path("journal/verify/", journal.verify, name="journal_verify"),
    path("journal/export/", journal.export_changes, name="journal_export"),
    path("journal/access/export/", journal.export_looks, name="access_export"),
    path("journal/seals/", journal.seals, name="journal_seals"),
    path("compliance/", compliance.procedure, name="compliance"),
    path("compliance/editions/new/", compliance.edition, name="edition_new"),
    path("compliance/editions/<row:pk>/", compliance.edition, name="edition"),
    path("compliance/clauses/new/", compliance.clause, name="clause_new"),
    path("compliance/clauses/<row:pk>/", compliance.clause, name="clause"),
    path("retention/", retention.rules, name="retention"),
    path("retention/new/", retention.rule, name="retention_new"),
    path("retention/<row:pk>/", retention.rule, name="retention_rule"),
    path("tokens/", tokens.access_tokens, name="tokens"),
    path("tokens/<row:pk>/end/", tokens.end, name="token_end"),
    path("away/", substitution.away, name="away"),
    path("away/<row:pk>/cancel/", substitution.cancel, name="away_cancel"),
]
