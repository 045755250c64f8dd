"""Django application of this room."""

from django.apps import AppConfig


class AppealsConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.appeals"
    label = "appeals"
    verbose_name = "Обращения"
    default_auto_field = "django.db.models.BigAutoField"
