"""Django application of this room."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.people"
    label = "people"
    verbose_name = "Люди"
    default_auto_field = "django.db.models.BigAutoField"
