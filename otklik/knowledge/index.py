"""Keeps the search index in step with the pages, in the transaction that changes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.signals import post_delete, post_save
from wagtail.models import Page
from wagtail.signals import page_published, post_page_move

from otklik.knowledge import materials
from otklik.knowledge.materials import INDEX, INDEX_OF_SITE, PUBLIC
from otklik.knowledge.models import KINDS, Attachment, FileText, Material, PublicVersion, Section
from otklik.search import engine


def connect() -> None:
    """Listen to every way a page changes: saved, published, taken off, moved, deleted."""
    for kind in (Page, *KINDS, Section):
        post_save.connect(_saved, sender=kind, dispatch_uid=f"knowledge.index.{kind.__name__}")
    post_delete.connect(_deleted, sender=Page, dispatch_uid="knowledge.index.deleted")
    # Rows beside a page (hours, references) are saved after the page itself.
    page_published.connect(_published, dispatch_uid="knowledge.index.published")
    post_page_move.connect(_moved, dispatch_uid="knowledge.index.moved")


@transaction.atomic
def rebuild() -> int:
    """Put every published material into the indexes anew; return how many there are."""
    engine.clear(INDEX)
    engine.clear(INDEX_OF_SITE)
    renew(Material.objects.all())
    return materials.published().count()


def renew(pages: QuerySet[Material]) -> None:
    """Put published materials into the index of employees, what is on the site into that of citizens; drop others."""
    published = set(materials.published().filter(pk__in=pages.values("pk")).values_list("pk", flat=True))
    on_site = set(materials.for_public().filter(pk__in=published).values_list("pk", flat=True)) if published else set()
    asked = list(pages.values_list("pk", flat=True))
    for pk in asked:
        if pk not in published:
            engine.drop(INDEX, str(pk))
        if pk not in on_site:
            engine.drop(INDEX_OF_SITE, str(pk))
    open_to = _open_to(pages.filter(pk__in=published)) if published else {}
    for material in materials.specific(pages.filter(pk__in=published)) if published else ():
        scopes = open_to[material.pk]
        engine.put(INDEX, str(material.pk), title=material.title, body=material.found_by(), scopes=scopes)
    for version in PublicVersion.objects.filter(material__in=on_site) if on_site else ():
        engine.put(INDEX_OF_SITE, str(version.pk), title=version.title, body=version.found_by, scopes=[PUBLIC])
    attached = Attachment.objects.filter(page__in=published).values_list("page", "document")
    carried = PublicVersion.documents.through.objects.filter(publicversion__in=on_site)
    _renew_files(INDEX, asked, attached if published else (), open_to)
    for_all = {pk: [PUBLIC] for pk in on_site}
    _renew_files(INDEX_OF_SITE, asked, carried.values_list("publicversion", "document") if on_site else (), for_all)


def _open_to(pages: QuerySet[Material]) -> dict[int, list[str]]:
    """Return under which marks each material is found by employees: by its section, kind and mark, and without them."""
    rows = list(pages.only("path", "mark", "content_type"))
    paths = {row.pk: row.path[: -row.steplen] for row in rows}
    sections = dict(Section.objects.filter(path__in=set(paths.values())).values_list("path", "pk"))
    return {
        row.pk: materials.scopes_of(sections.get(paths[row.pk]), row.cached_content_type.model, row.mark)
        for row in rows
    }


def renew_file(document: int) -> None:
    """Put what carries a file into the indexes anew: its text was read, or is no longer true."""
    carried = Q(attachments__document=document) | Q(public_version__documents=document)
    renew(Material.objects.filter(pk__in=Material.objects.filter(carried).values("pk")))


def _renew_files(
    index: str, pages: Iterable[int], carried: Iterable[tuple[int, int]], open_to: Mapping[int, list[str]]
) -> None:
    """Make files that were read findable beside the materials that carry them, as their parts; forget the others."""
    keys: dict[int, set[str]] = defaultdict(set)
    for page, document in carried:
        keys[document].add(f"{page}/{document}")
    read = FileText.objects.filter(document__in=keys, state=FileText.State.READ).select_related("document")
    found = {one.pk: one for one in read} if keys else {}
    engine.drop_parts(index, {str(page) for page in pages}, kept={key for pk in found for key in keys[pk]})
    for pk, one in found.items():
        for key in keys[pk]:
            scopes = open_to[materials.page_of(key)]
            engine.put(index, key, title=one.document.title, body=one.text, scopes=scopes)


# What Wagtail writes on a page when an author saves a draft of it: readers do not see it, so it is not found.
_DRAFT: Final = {"latest_revision", "latest_revision_created_at", "draft_title", "has_unpublished_changes"}


def _saved(
    instance: Page,
    *,
    created: bool = False,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **_: Any,
) -> None:
    is_draft = (update_fields and _DRAFT.issuperset(update_fields)) or (created and not instance.live)
    if not raw and not is_draft:
        # A section taken off the site takes its materials with it.
        renew(Material.objects.filter(path__startswith=instance.path))


def _published(instance: Page, **_: Any) -> None:
    renew(Material.objects.filter(pk=instance.pk))


def _deleted(instance: Page, **_: Any) -> None:
    for index in (INDEX, INDEX_OF_SITE):
        engine.drop(index, str(instance.pk))
        engine.drop_parts(index, {str(instance.pk)})


def _moved(instance: Page, **_: Any) -> None:
    _saved(instance)
