"""Taking a material out of use: it is not deleted, it says why and what stands in its place."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from wagtail.actions.unpublish_page import UnpublishPageAction
from wagtail.signals import page_published

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import materials
from otklik.knowledge.models import Material, PublicVersion
from otklik.people.models import Employee


class NoReason(DomainError):
    """An archived material says why."""

    code = "knowledge.no_reason"
    text = "Напишите, почему материал больше не нужен: это увидят те, кто придёт по старой ссылке."


class NoSuccessor(DomainError):
    """What should stand in its place is not published, is the material itself, or leads back to it."""

    code = "knowledge.no_successor"
    text = "«{title}» не может заменить этот материал: {why}. Выберите другой."


@transaction.atomic
def archive(material: Material, *, reason: str, replaced_by: Material | None = None, by: Employee) -> None:
    """Take a published material out of use, for employees and citizens at once."""
    reason = " ".join(reason.split())[:500]
    if not reason:
        raise NoReason
    if not material.live:
        raise materials.NoSuchMaterial
    if replaced_by is not None:
        _check_successor(material, replaced_by)
    facts = {"archived_at": timezone.now(), "archive_reason": reason, "replaced_by": replaced_by}
    Material.objects.filter(pk=material.pk).update(**facts)
    page = material.specific
    page.refresh_from_db()
    # Who may is asked where the step is taken: groups of Wagtail know authors only, heads archive too.
    UnpublishPageAction(page, user=by).execute(skip_permission_checks=True)
    journal.record(
        "material.archived",
        chain=f"material:{material.pk}",
        by=by,
        replaced_by=replaced_by.pk if replaced_by else None,
    )


def archived(pk: int) -> Material | None:
    """Return a material that was taken out of use, with what stands in its place now, or None."""
    found: Material | None = Material.objects.filter(pk=pk, live=False, archived_at__isnull=False).first()
    return found


def successor(material: Material) -> Material | None:
    """Return the published material at the end of the chain «заменён на», or None."""
    seen = {material.pk}
    following: Material | None = material.replaced_by
    while following is not None and following.pk not in seen:
        if following.live:
            return following
        seen.add(following.pk)
        following = following.replaced_by
    return None


def successor_on_site(url_path: str) -> PublicVersion | None:
    """Return what citizens read in place of an archived material that was on the site, or None."""
    gone = Material.objects.filter(url_path=url_path, archived_at__isnull=False, public_version__isnull=False).first()
    following = successor(gone) if gone else None
    return materials.on_site_as(following) if following else None


def connect() -> None:
    """Listen to publications: what is published again is out of the archive."""
    page_published.connect(_published, dispatch_uid="knowledge.archive.published")


def _published(instance: object, **_: object) -> None:
    if isinstance(instance, Material) and instance.archived_at is not None:
        nothing = {"archived_at": None, "archive_reason": "", "replaced_by": None}
        Material.objects.filter(pk=instance.pk).update(**nothing)


def _check_successor(material: Material, other: Material) -> None:
    if other.pk == material.pk:
        raise NoSuccessor(title=other.title, why="это он сам")
    if not other.live:
        raise NoSuccessor(title=other.title, why="он не опубликован")
    following: Material | None = other
    seen: set[int] = set()
    while following is not None and following.pk not in seen:
        if following.pk == material.pk:
            raise NoSuccessor(title=other.title, why="его самого заменяет этот материал")
        seen.add(following.pk)
        following = following.replaced_by
