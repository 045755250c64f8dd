"""Django application of this room."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.portal"
    label = "portal"
    verbose_name = "Портал"
    default_auto_field = "django.db.models.BigAutoField"
