"""Django application of this room."""

from django.apps import AppConfig


class MovingConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.moving"
    label = "moving"
    verbose_name = "Переезд"
    default_auto_field = "django.db.models.BigAutoField"
