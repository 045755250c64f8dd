"""Units and roles in `/cms/`, for whoever holds `people.manage`. Employees, and who holds which role: the workplace."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from wagtail import hooks
from wagtail.admin.panels import FieldPanel, FieldRowPanel, ObjectList
from wagtail.admin.viewsets.base import ViewSetGroup

from otklik.core import cms
from otklik.people.cms import RoleForm
from otklik.people.models import Department, Employee, Role, Unit


class PeopleDictionary(cms.Dictionary):
    """What the dictionaries of this room share."""

    power = "people.manage"
    chain = "people"


class EmployeesElsewhere(PeopleDictionary):
    """Stands in the place of Wagtail's own page of users and lets nobody in: employees are kept in the workplace."""

    model = Employee
    actions = frozenset()
    add_to_admin_menu = False
    list_display = ["username"]
    form_fields = ["post"]


class UnitDictionary(PeopleDictionary):
    """Units of the department, a tree by «входит в»."""

    model = Unit
    icon = "group"
    menu_label = "Подразделения"
    list_display = ["name", "index", "parent", "valid_from", "valid_to"]
    search_fields = ["name", "short_name"]
    panels = [
        FieldPanel("name"),
        FieldRowPanel([FieldPanel("short_name"), FieldPanel("index")]),
        FieldPanel("parent"),
        FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")]),
    ]


class RoleDictionary(PeopleDictionary):
    """Roles and the powers they give."""

    model = Role
    icon = "key"
    menu_label = "Роли и права"
    list_display = ["name", "code", "order"]
    edit_handler = ObjectList(
        [FieldPanel("name"), FieldRowPanel([FieldPanel("code"), FieldPanel("order")]), FieldPanel("given")],
        base_form_class=RoleForm,
    )


class DepartmentDictionary(PeopleDictionary):
    """The department's requisites: one row, loaded at the start."""

    model = Department
    actions = cms.MAY_CHANGE
    power = "dictionaries.edit"
    icon = "home"
    menu_label = "Реквизиты департамента"
    list_display = ["name", "phone", "email"]
    panels = [
        FieldPanel("name"),
        FieldPanel("name_genitive"),
        FieldPanel("short_name"),
        FieldPanel("address"),
        FieldRowPanel([FieldPanel("phone"), FieldPanel("email"), FieldPanel("site")]),
        FieldPanel("requisites"),
        FieldPanel("registry_unit"),
    ]


class PeopleGroup(ViewSetGroup):
    """The department in one menu."""

    menu_label = "Департамент"
    menu_icon = "group"
    menu_order = 330
    items = (
        UnitDictionary("units", url_prefix="units"),
        RoleDictionary("roles", url_prefix="roles"),
        DepartmentDictionary("department", url_prefix="department"),
    )


@hooks.register("register_admin_viewset")
def viewsets() -> PeopleGroup:
    """Give Wagtail the pages."""
    return PeopleGroup()


@hooks.register("before_bulk_action")
def no_bulk_changes(request: HttpRequest, action: str, objects: list[Any], view: Any) -> None:
    """Refuse Wagtail's bulk actions on accounts: they would leave no line in our journal."""
    if any(isinstance(row, Employee | Role) for row in objects):
        raise PermissionDenied
