"""Rows the reports keep, by what they are for."""

from otklik.reports.models.sent import SavedReport, SentReport, SentTo

__all__ = ["SavedReport", "SentReport", "SentTo"]
