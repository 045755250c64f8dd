"""Units, employees, roles and substitutions in `/cms/`, for whoever holds `people.manage`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from wagtail import hooks
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, ObjectList
from wagtail.admin.ui.tables import BooleanColumn
from wagtail.admin.viewsets.base import ViewSetGroup

from otklik.core import cms
from otklik.people.cms import EmployeeForm, RoleForm
from otklik.people.models import Department, Employee, Role, RoleAssignment, Substitution, Unit


class PeopleDictionary(cms.Dictionary):
    """What the dictionaries of this room share."""

    power = "people.manage"
    chain = "people"


class EmployeeDictionary(PeopleDictionary):
    """Employees and their accounts. Nobody is deleted: a blocked employee cannot sign in, his work stays his."""

    model = Employee
    keeps_values = False
    icon = "user"
    menu_label = "Сотрудники"
    menu_order = 320
    add_to_admin_menu = True
    list_display = ["full_name", "username", "post", "unit", BooleanColumn("is_active", label="Может входить")]
    list_filter = ["unit", "is_active"]
    search_fields = ["last_name", "first_name", "username", "post"]
    ordering = "last_name"
    edit_handler = ObjectList(
        [
            FieldRowPanel([FieldPanel("last_name"), FieldPanel("first_name"), FieldPanel("patronymic")]),
            FieldPanel("post"),
            FieldRowPanel([FieldPanel("unit"), FieldPanel("phone"), FieldPanel("email")]),
            MultiFieldPanel(
                [
                    FieldPanel("username", heading="Имя для входа"),
                    FieldPanel("new_password"),
                    FieldPanel("is_active", heading="Может входить", help_text="Снимите, чтобы заблокировать."),
                ],
                heading="Вход в систему",
            ),
        ],
        base_form_class=EmployeeForm,
    )


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


class AssignmentDictionary(PeopleDictionary):
    """Who holds which role, from when till when."""

    model = RoleAssignment
    icon = "tasks"
    menu_label = "Назначения ролей"
    list_display = ["employee", "role", "unit", "valid_from", "valid_to"]
    list_filter = ["role", "unit"]
    panels = [
        FieldRowPanel([FieldPanel("employee"), FieldPanel("role")]),
        FieldPanel("unit", help_text="Пусто — в своём подразделении."),
        FieldRowPanel([FieldPanel("valid_from"), FieldPanel("valid_to")]),
        FieldPanel("basis"),
    ]


class SubstitutionDictionary(PeopleDictionary):
    """Who carries out whose duties, and when."""

    model = Substitution
    icon = "transfer"
    menu_label = "Замещения"
    list_display = ["absent", "deputy", "starts_on", "ends_on", "basis"]
    panels = [
        FieldRowPanel([FieldPanel("absent"), FieldPanel("deputy")]),
        FieldRowPanel([FieldPanel("starts_on"), FieldPanel("ends_on")]),
        FieldPanel("basis"),
    ]


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
        AssignmentDictionary("assignments", url_prefix="assignments"),
        SubstitutionDictionary("substitutions", url_prefix="substitutions"),
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
