"""Rows the reports keep, by what they are for."""

from otklik.reports.models.kept import KeptCase, KeptMonth, KeptQuestion, KeptState, KeptTouched
from otklik.reports.models.sent import SavedReport, SentReport, SentTo
from otklik.reports.models.targets import MeasureTarget

__all__ = [
    "KeptCase",
    "KeptMonth",
    "KeptQuestion",
    "KeptState",
    "KeptTouched",
    "MeasureTarget",
    "SavedReport",
    "SentReport",
    "SentTo",
]
