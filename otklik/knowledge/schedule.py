"""Publications and ends that an author set for a later hour."""

from __future__ import annotations

from django.core.management import call_command


def carry_out() -> None:
    """Publish what is to be published by now, and take off what has reached its last hour."""
    call_command("publish_scheduled", verbosity=0)
