"""What a fresh installation knows of the reception: the telephones п. 28 names."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.db import transaction

from otklik.reception.models import ReceptionPhone

VALID_FROM: Final = date(2024, 8, 16)  # приказ № 2725-НПА
PHONES: Final = ("8 (383) 238-60-02", "8 (383) 238-60-62")


@transaction.atomic
def load() -> None:
    """Add the telephones where there is none; what a person has edited stays."""
    if not ReceptionPhone.objects.exists():
        ReceptionPhone.objects.bulk_create(
            ReceptionPhone(number=number, order=10 * place, valid_from=VALID_FROM)
            for place, number in enumerate(PHONES, 1)
        )
