"""The request of a signed-in employee, as views behind `@requires` see it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from otklik.people.models import Employee


class StaffRequest(HttpRequest):
    """A request whose user is an employee."""

    user: Employee
    htmx: HtmxDetails
