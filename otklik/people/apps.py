"""Django application of this room."""

from django.apps import AppConfig
from wagtail.users.apps import WagtailUsersAppConfig


class PeopleConfig(AppConfig):
    """Registers the room with Django."""

    default = True
    name = "otklik.people"
    label = "people"
    verbose_name = "Люди"
    default_auto_field = "django.db.models.BigAutoField"


class EmployeesInsteadOfUsers(WagtailUsersAppConfig):  # type: ignore[misc]
    """Puts our page of employees in the place of Wagtail's own, which could make anybody a superuser."""

    user_viewset = "otklik.people.wagtail_hooks.EmployeeDictionary"
