"""Django application of this room."""

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.surveys"
    label = "surveys"
    verbose_name = "Анкеты"
    default_auto_field = "django.db.models.BigAutoField"
