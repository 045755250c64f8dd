"""Django application of this room."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.core"
    label = "core"
    verbose_name = "Основа"
    default_auto_field = "django.db.models.BigAutoField"
