"""Django application of this room."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Registers the room with Django."""

    name = "otklik.demo"
    label = "demo"
    verbose_name = "Учебный стенд"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer what exercises of the workplace are about."""
        from otklik.demo import exercises as made
        from otklik.workplace import exercises

        exercises.made_by(made.make)
