"""The top of the house: settings, addresses, background jobs, backup, figures for a monitor, the command line."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers the commands of this room."""

    name = "otklik.config"
    label = "config"
    verbose_name = "Настройка"

    def ready(self) -> None:
        """Register what `otklik check --deploy` looks at."""
        from otklik.config import safety  # noqa: F401
