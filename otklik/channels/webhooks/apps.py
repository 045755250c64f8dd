"""Django application of this room."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Registers the webhooks with Django."""

    name = "otklik.channels.webhooks"
    label = "webhooks"
    verbose_name = "Сообщения другим системам"
    default_auto_field = "django.db.models.BigAutoField"
