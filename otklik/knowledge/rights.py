"""Who may author at `/cms/`: today's roles, turned into Wagtail's groups anew at every request.

Wagtail asks groups at every door of its own (explorer, editor, move, choosers, search), so groups carry the rule. Their
members are not kept by hand: whoever opens `/cms/` is first put into exactly the groups of today's roles, powers and
substitutions, so a role that ended yesterday opens nothing today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Collection, GroupCollectionPermission, GroupPagePermission, Page
from wagtail.snippets.models import get_snippet_models

from otklik.knowledge import editors
from otklik.knowledge.models import Function, KnowledgeHome, Section, UnitEditors
from otklik.people import staff
from otklik.people.models import Employee, Unit

AUTHOR: Final = "knowledge.edit"
AGREES: Final = "knowledge.agree"
CHIEF: Final = "knowledge.manage"
# A power and the group that carries it; a unit's authors have a group for each unit (`UnitEditors`).
GROUPS: Final = {
    "knowledge.manage": "База знаний: главные редакторы",
    "dictionaries.edit": "Справочники",
    "people.manage": "Сотрудники и роли",
}
# What they write employees read after the head of the unit has agreed: see `agreement`.
_AUTHOR_MAY: Final = ("add", "change")
_CHIEF_MAY: Final = ("add", "change", "publish", "bulk_delete", "lock", "unlock")


class TodaysRights:
    """Puts whoever opens `/cms/` into the groups of today's roles; without any, says so instead of a sign-in loop."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bring the groups up to date before Wagtail asks them; a change is made whole or not at all."""
        if not (request.path.startswith(reverse("wagtailadmin_home")) and request.user.is_authenticated):
            return self.get_response(request)
        refresh(request.user)
        if not request.user.has_perm("wagtailadmin.access_admin"):
            raise PermissionDenied
        if request.method in ("GET", "HEAD"):
            return self.get_response(request)
        with transaction.atomic():  # page, index, groups and journal together
            editors.alone_at(request.path)
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response


def units_edited_by(employee: Employee, on: date) -> set[int]:
    """Return the units whose sections the employee edits on a day, by his own roles and those he stands in for."""
    return _units_of(employee, [AUTHOR], on)


def units_kept_by(employee: Employee, on: date) -> set[int]:
    """Return the units whose materials the employee writes or agrees on a day."""
    return _units_of(employee, [AUTHOR, AGREES], on)


def units_agreed_by(employee: Employee, on: date) -> set[int]:
    """Return the units whose materials the employee agrees on a day: those he heads, with all below them."""
    return staff.units_under(employee, on, power=AGREES)


def may_agree(employee: Employee, section: Section, *, on: date) -> bool:
    """Tell whether the employee decides on a day what of a section employees read."""
    if employee.has_power(CHIEF):
        return True
    return employee.has_power(AGREES) and section.unit_id in units_agreed_by(employee, on)


def may_keep(employee: Employee, section: Section, *, on: date) -> bool:
    """Tell whether the employee lets materials of a section out, archives and reviews them on a day."""
    writes = employee.has_power(AUTHOR) or employee.has_power(AGREES)
    return employee.has_power(CHIEF) or (writes and section.unit_id in units_kept_by(employee, on))


def _units_of(employee: Employee, powers: Sequence[str], on: date) -> set[int]:
    # Today's are read already: who is asked for has been asked for his powers.
    standing = employee.standing if on == timezone.localdate() else staff.standing(employee, on)
    return standing.units(powers)


def may_edit(employee: Employee, section: Section, *, on: date) -> bool:
    """Tell whether the employee edits a section on a day."""
    # Whoever writes nothing is not asked for units: readers are many.
    return employee.has_power(CHIEF) or (
        employee.has_power(AUTHOR) and section.unit_id in units_edited_by(employee, on)
    )


def sections_edited_by(employee: Employee, on: date) -> QuerySet[Section]:
    """Return the sections the employee edits on a day, in the order of the tree."""
    sections: QuerySet[Section] = Section.objects.filter(live=True).order_by("path")
    return sections if employee.has_power(CHIEF) else sections.filter(unit__in=units_edited_by(employee, on))


@transaction.atomic
def refresh(employee: Employee) -> None:
    """Put the employee into exactly the groups of today's roles."""
    today = timezone.localdate()
    names = [name for power, name in GROUPS.items() if employee.has_power(power)]
    authors = Q(pk__in=UnitEditors.objects.filter(unit__in=units_edited_by(employee, today)).values("group"))
    wanted = set(Group.objects.filter(authors | Q(name__in=names)))
    if wanted != set(employee.groups.all()):
        employee.groups.set(wanted)


def snippets() -> dict[type[Model], tuple[str, ...]]:
    """Return the dictionaries that Wagtail keeps as snippets, each with the powers whose groups carry it."""
    found: dict[type[Model], tuple[str, ...]] = {}
    for model in get_snippet_models():
        room = "people.manage" if model._meta.app_label == "people" else "dictionaries.edit"
        found[model] = (room, "knowledge.manage") if model._meta.label_lower == "knowledge.function" else (room,)
    return found


def connect() -> None:
    """Listen to sections: whoever keeps one now edits it, and whoever kept it before does not."""
    post_save.connect(_section_saved, sender=Section, dispatch_uid="knowledge.rights.section")


@transaction.atomic
def prepare(home: KnowledgeHome) -> None:
    """Make the groups of the powers and give them their permissions; running again changes nothing."""
    chiefs, dictionaries, people = (_group(name) for name in GROUPS.values())
    _allow_page(chiefs, home, _CHIEF_MAY)
    chiefs.permissions.add(*_permissions([Function]), Permission.objects.get(codename="assign_section"))
    _allow_documents(chiefs, ("add", "change", "choose"))
    of_people = {model for model in get_snippet_models() if model._meta.app_label == "people"}
    people.permissions.add(*_permissions(of_people))
    dictionaries.permissions.add(*_permissions(set(get_snippet_models()) - of_people))


def editors_of(unit: Unit) -> Group:
    """Return the group of a unit's authors, made on first need."""
    known = UnitEditors.objects.filter(unit=unit).select_related("group").first()
    if known:
        return known.group
    group = _group(f"База знаний: авторы подразделения {unit.pk}")
    _allow_documents(group, ("add", "choose"))
    UnitEditors.objects.get_or_create(unit=unit, defaults={"group": group})
    return group


@transaction.atomic
def _section_saved(instance: Section, *, raw: bool = False, **_: Any) -> None:
    if raw:
        return
    group = editors_of(instance.unit)
    of_authors = GroupPagePermission.objects.filter(page=instance, group__in=UnitEditors.objects.values("group"))
    may = [f"{action}_page" for action in _AUTHOR_MAY]
    of_authors.exclude(group=group, permission__codename__in=may).delete()
    _allow_page(group, instance, _AUTHOR_MAY)


def _group(name: str) -> Group:
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.add(Permission.objects.get(content_type__app_label="wagtailadmin", codename="access_admin"))
    return group


def _permissions(models: Iterable[type[Model]]) -> list[Permission]:
    """Return what Django knows to do with these models: view, add, change, delete."""
    types = ContentType.objects.get_for_models(*models).values()
    actions = Q(codename__startswith="view_") | Q(codename__startswith="add_")
    actions |= Q(codename__startswith="change_") | Q(codename__startswith="delete_")
    return list(Permission.objects.filter(actions, content_type__in=types))


def _allow_page(group: Group, page: Page, actions: Iterable[str]) -> None:
    for action in actions:
        permission = Permission.objects.get(content_type__app_label="wagtailcore", codename=f"{action}_page")
        GroupPagePermission.objects.get_or_create(group=group, page_id=page.pk, permission=permission)


def _allow_documents(group: Group, actions: Iterable[str]) -> None:
    root = Collection.get_first_root_node()
    for action in actions:
        permission = Permission.objects.get(content_type__app_label="wagtaildocs", codename=f"{action}_document")
        GroupCollectionPermission.objects.get_or_create(group=group, collection=root, permission=permission)
