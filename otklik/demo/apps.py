"""Django application of this room."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.demo"
    label = "demo"
    verbose_name = "Учебный стенд"
    default_auto_field = "django.db.models.BigAutoField"
