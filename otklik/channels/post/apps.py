"""Django application of this channel."""

from django.apps import AppConfig


class PostChannelConfig(AppConfig):
    """Registers the channel with Django."""

    name = "otklik.channels.post"
    label = "channel_post"
    verbose_name = "Канал: почта"
    default_auto_field = "django.db.models.BigAutoField"
