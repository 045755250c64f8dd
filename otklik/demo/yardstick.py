"""The machine's yardstick: a bare Django page of fifty rows, served as ours are but with nothing of ours in it.

No sign-in, no rights, one statement over one table: what a machine takes for it makes the figures of two comparable.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

ROWS: Final = 50
PAGE: Final = (
    "<!doctype html><title>Rows</title><table>{% for row in rows %}<tr><td>{{ row.pk }}</td><td>{{ row.number }}</td>"
    '<td>{{ row.name }}</td><td>{{ row.day|date:"d.m.Y" }}</td><td>{{ row.text }}</td></tr>{% endfor %}</table>'
)


def application() -> WSGIHandler:
    """Make the application for granian, in a process of its own; the rows lie in the folder it is started in."""

    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(template.render({"rows": Row._default_manager.order_by("day", "pk")[:ROWS]}))

    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path("yardstick.sqlite3")}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        ROOT_URLCONF=(path("", page),),
    )
    django.setup()

    class Row(models.Model):
        number = models.CharField(max_length=20)
        name = models.CharField(max_length=100)
        day = models.DateField()
        text = models.TextField()

        class Meta:
            app_label = "yardstick"

        def __str__(self) -> str:
            return self.number

    with connection.schema_editor() as editor:
        editor.create_model(Row)
    day = date(2026, 1, 1)
    Row._default_manager.bulk_create(
        Row(number=f"О-2026-{one:06}", name="Иванов Иван Иванович", day=day + timedelta(one), text="Об участке. " * 8)
        for one in range(ROWS)
    )
    template = engines["django"].from_string(PAGE)
    return WSGIHandler()
