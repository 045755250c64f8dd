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
    """Shuts Wagtail's own page of users, which could make anybody a superuser: employees are kept in the workplace."""

    user_viewset = "otklik.people.wagtail_hooks.EmployeesElsewhere"
