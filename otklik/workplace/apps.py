"""Django application of this room."""

from django.apps import AppConfig


class WorkplaceConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.workplace"
    label = "workplace"
    verbose_name = "Рабочее место"
    default_auto_field = "django.db.models.BigAutoField"
