"""Who may hold a personal reception on a day: only those an order has authorised (п. 35.1)."""

from __future__ import annotations

from datetime import date

from django.db.models import Q, QuerySet

from otklik.appeals.models import Topic
from otklik.core.terms import valid
from otklik.people.models import Employee
from otklik.reception.models import Authority


def valid_on(on: date) -> QuerySet[Authority]:
    """Return the authorities that count on a day, of people who still work here, with the person fetched."""
    return Authority.objects.filter(valid(on), official__is_active=True).select_related("official")


def of(official: Employee, on: date, *, topic: Topic | None = None) -> Authority | None:
    """Return by which order the official receives on a day, on this topic if one is named; None where he may not.

    A deputy of an absent official has no power of his: перепоручение не допускается.
    """
    found = valid_on(on).filter(official=official)
    if topic is not None:
        found = found.filter(Q(topics=None) | Q(topics=topic))
    return found.order_by("-valid_from").first()
