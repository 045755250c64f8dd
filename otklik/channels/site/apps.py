"""Django application of this channel."""

from django.apps import AppConfig


class SiteChannelConfig(AppConfig):
    """Registers the channel with Django."""

    name = "otklik.channels.site"
    label = "channel_website"
    verbose_name = "Канал: сайт департамента"
    default_auto_field = "django.db.models.BigAutoField"
