"""Keeps the search index in step with the pages, in the transaction that changes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save
from wagtail.models import Page
from wagtail.signals import post_page_move

from otklik.knowledge import materials
from otklik.knowledge.materials import INDEX, PUBLIC, STAFF
from otklik.knowledge.models import Faq, Mark, Material, ReplyTemplate, Section
from otklik.search import engine


def connect() -> None:
    """Listen to every way a page changes: saved, published, taken off, moved, deleted."""
    for kind in (Page, Faq, ReplyTemplate, Section):
        post_save.connect(_saved, sender=kind, dispatch_uid=f"knowledge.index.{kind.__name__}")
    post_delete.connect(_deleted, sender=Page, dispatch_uid="knowledge.index.deleted")
    post_page_move.connect(_moved, dispatch_uid="knowledge.index.moved")


@transaction.atomic
def rebuild() -> int:
    """Put every published material into the index anew; return how many there are."""
    engine.clear(INDEX)
    _renew(Material.objects.all())
    return materials.published().count()


def _renew(pages: QuerySet[Material]) -> None:
    """Put published materials into the index for those their marks name, and drop the others."""
    published = set(materials.published().filter(pk__in=pages.values("pk")).values_list("pk", flat=True))
    for gone in pages.exclude(pk__in=published).values_list("pk", flat=True):
        engine.drop(INDEX, str(gone))
    for material in materials.specific(pages.filter(pk__in=published)) if published else ():
        scopes = [STAFF, PUBLIC] if material.mark == Mark.PUBLIC else [STAFF]
        engine.put(INDEX, str(material.pk), title=material.title, body=material.found_by(), scopes=scopes)


# What Wagtail writes on a page when an author saves a draft of it: readers do not see it, so it is not found.
_DRAFT: Final = {"latest_revision", "latest_revision_created_at", "draft_title", "has_unpublished_changes"}


def _saved(instance: Page, *, raw: bool = False, update_fields: Collection[str] | None = None, **_: Any) -> None:
    if not raw and not (update_fields and _DRAFT.issuperset(update_fields)):
        # A section taken off the site takes its materials with it.
        _renew(Material.objects.filter(path__startswith=instance.path))


def _deleted(instance: Page, **_: Any) -> None:
    engine.drop(INDEX, str(instance.pk))


def _moved(instance: Page, **_: Any) -> None:
    _saved(instance)
