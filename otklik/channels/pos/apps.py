"""Django application of this channel."""

from django.apps import AppConfig


class PosChannelConfig(AppConfig):
    """Registers the channel with Django."""

    name = "otklik.channels.pos"
    label = "channel_pos"
    verbose_name = "Канал: ПОС"
    default_auto_field = "django.db.models.BigAutoField"
