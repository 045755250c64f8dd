"""Calls nobody answered, as duties: what a call means for them is counted after every fold."""

from __future__ import annotations

from otklik.hotline.models import Call


def after(call: Call) -> None:
    """Count what a call means for the duties of its number."""
