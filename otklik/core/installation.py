"""What this database is for. Written once and never changed: a demo stand cannot become production."""

from __future__ import annotations

from otklik.core.errors import DomainError
from otklik.core.models import Installation


class KindIsFixed(DomainError):
    """The installation already serves another purpose."""

    code = "installation.kind_is_fixed"
    text = "Эта база — {now}. Её назначение не меняется: для другой цели создайте новую базу."


def kind() -> str | None:
    """Return what this database is for, or None while nobody has said."""
    return Installation.objects.values_list("kind", flat=True).first()


def mark(kind: str) -> None:
    """Say what this database is for. Saying the same again is harmless, anything else is refused."""
    row, _ = Installation.objects.get_or_create(id=1, defaults={"kind": Installation.Kind(kind)})
    if row.kind != kind:
        raise KindIsFixed(now=row.get_kind_display())


def is_demo() -> bool:
    """Tell whether this is a demo stand. Nothing leaves a demo stand."""
    return kind() == Installation.Kind.DEMO
