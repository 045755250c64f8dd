"""Django application of this channel."""

from django.apps import AppConfig


class MailChannelConfig(AppConfig):
    """Registers the channel with Django."""

    name = "otklik.channels.mail"
    label = "channel_mail"
    verbose_name = "Канал: электронная почта"
    default_auto_field = "django.db.models.BigAutoField"
