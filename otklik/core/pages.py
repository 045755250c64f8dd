"""Pieces every page uses: what the frame shows whoever looks at it."""

from __future__ import annotations

from django.http import HttpRequest

from otklik.core.models import Installation


def is_demo() -> bool:
    """Tell whether this database belongs to a demo stand. Nothing leaves a demo stand."""
    return Installation.objects.filter(kind=Installation.Kind.DEMO).exists()


def frame(request: HttpRequest) -> dict[str, object]:
    """Give templates `is_demo`, lazily: a page that does not ask costs no query."""
    return {"is_demo": is_demo}
