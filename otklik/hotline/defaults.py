"""The lines a fresh installation starts with."""

from __future__ import annotations

from datetime import date, time
from typing import Any, Final

from django.db import transaction

from otklik.hotline.models import Line, LineHours

VALID_FROM: Final = date(2024, 8, 16)  # приказ № 2725-НПА
DEPARTMENT: Final = "department"
EKC: Final = "ekc"

# The hours of our own line are not in the order: those of the ЕКЦ are offered to begin with (domain.md 1.6), the
# department edits them. п. 27.4 names those of the ЕКЦ; it closes no earlier before holidays.
LINES: Final[dict[str, dict[str, Any]]] = {
    DEPARTMENT: {
        "name": "Консультационная линия департамента",
        "phones": "8 (383) 238-60-02, 8 (383) 238-60-62",
        "order": 10,
    },
    EKC: {
        "name": "Единый контакт-центр",
        "phones": "110",
        "ours": False,
        "shorter_before_holidays": False,
        "open_on_moved_days": False,
        "order": 20,
    },
}
CLOSES: Final = (time(18), time(18), time(18), time(18), time(17))


@transaction.atomic
def load() -> None:
    """Add the lines that are not there yet, each with its hours; what a person has edited stays."""
    for code, facts in LINES.items():
        line, is_new = Line.objects.get_or_create(code=code, defaults={**facts, "valid_from": VALID_FROM})
        if is_new:
            LineHours.objects.bulk_create(
                LineHours(line=line, weekday=weekday, opens=time(9), closes=closes, valid_from=VALID_FROM)
                for weekday, closes in enumerate(CLOSES)
            )
