"""A clock that can be set back: demo history is made by the ordinary steps, each at its own past moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.utils import timezone


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Let every step inside believe it is this moment. Only for the one process that loads demo data."""
    real = timezone.now
    timezone.now = lambda: moment
    try:
        yield
    finally:
        timezone.now = real
