"""Rows of the consultation line."""

from otklik.hotline.models.calls import Call, CallEvent, MissedCall, ReturnCall
from otklik.hotline.models.consultations import (
    Consultation,
    Hold,
    Promise,
    Recognition,
    ScriptUse,
    Transfer,
)
from otklik.hotline.models.exchange import ExchangeState
from otklik.hotline.models.lines import Extension, Line, LineException, LineHours

__all__ = [
    "Call",
    "CallEvent",
    "Consultation",
    "ExchangeState",
    "Extension",
    "Hold",
    "Line",
    "LineException",
    "LineHours",
    "MissedCall",
    "Promise",
    "Recognition",
    "ReturnCall",
    "ScriptUse",
    "Transfer",
]
