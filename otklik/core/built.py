"""Querysets that are built once: Django takes longer to build some than the database takes to answer them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

from django.db.models import QuerySet

Build = TypeVar("Build", bound=Callable[..., "QuerySet[Any, Any]"])


def once(build: Build) -> Build:
    """Let a function build its queryset once for the same arguments; each caller gets a copy nobody has asked yet.

    What is kept is the question, never the answer.
    """
    kept = lru_cache(maxsize=64)(build)

    @wraps(build)
    def copied(*args: Any) -> QuerySet[Any, Any]:
        return kept(*args).all()

    return cast(Build, copied)
