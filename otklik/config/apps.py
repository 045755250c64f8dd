"""The top of the house: settings, addresses, the list of background jobs, the command line."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers the commands of this room."""

    name = "otklik.config"
    label = "config"
    verbose_name = "Настройка"
