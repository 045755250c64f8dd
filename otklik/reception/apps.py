"""Django application of this room."""

from django.apps import AppConfig


class ReceptionConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.reception"
    label = "reception"
    verbose_name = "Личный приём"
    default_auto_field = "django.db.models.BigAutoField"
