"""Django application of this room."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.search"
    label = "search"
    verbose_name = "Поиск"
    default_auto_field = "django.db.models.BigAutoField"
