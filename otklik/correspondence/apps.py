"""Django application of this room."""

from django.apps import AppConfig


class CorrespondenceConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.correspondence"
    label = "correspondence"
    verbose_name = "Переписка"
    default_auto_field = "django.db.models.BigAutoField"
