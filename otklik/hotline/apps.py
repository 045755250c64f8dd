"""Django application of this room."""

from django.apps import AppConfig


class HotlineConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.hotline"
    label = "hotline"
    verbose_name = "Консультационная линия"
    default_auto_field = "django.db.models.BigAutoField"
