"""The workplace as a test opens it: somebody's browser, and the addresses of its pages."""

from __future__ import annotations

import re

from django.test import Client
from django.urls import reverse

from otklik.people.models import Employee

# What «Ход рассмотрения» asks at most: what is not there is not read. Of a plain case it asks fourteen.
MATTER = 20


def desk(employee: Employee) -> Client:
    """Give the browser of somebody who has signed in."""
    client = Client()
    client.force_login(employee, backend="django.contrib.auth.backends.ModelBackend")
    return client


def entered(employee: Employee) -> Client:
    """Give the browser of somebody who has opened «Сегодня»: what is asked once per session is asked."""
    client = desk(employee)
    client.get(at("today"))
    return client


def told(page: str) -> str:
    """Give a page without its pictures and marks: by chance both hold any three digits."""
    return re.sub(r"<svg.*?</svg>|[\w-]{24,}", "", page, flags=re.DOTALL)


def at(name: str, *args: object) -> str:
    """Give the address of a page of the workplace."""
    return reverse(f"workplace:{name}", args=args)
