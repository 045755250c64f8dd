"""Django application of this room."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.knowledge"
    label = "knowledge"
    verbose_name = "База знаний"
    default_auto_field = "django.db.models.BigAutoField"
