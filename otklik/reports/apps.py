"""Django application of this room."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.reports"
    label = "reports"
    verbose_name = "Отчёты"
    default_auto_field = "django.db.models.BigAutoField"
