"""Letting a material out to the site: a second person pins the version citizens read; every later edit stays inside.

Who wrote any part of what would become new on the site does not let it out (R2, R3-V).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from wagtail.documents.models import Document
from wagtail.fields import RichTextField
from wagtail.models import Revision

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import index
from otklik.knowledge.models import Mark, Material, PublicVersion
from otklik.people.models import Employee


class NotForSite(DomainError):
    """The material is not published, not marked public, or there is nothing new."""

    code = "knowledge.not_for_site"
    text = "«{title}» на сайт не выпустить: {why}."


class OwnWork(DomainError):
    """Whoever wrote it does not let it out."""

    code = "knowledge.own_work"
    text = "Вы сами правили «{title}» после прошлого выпуска. На сайт материал выпускает второй человек."


class Changed(DomainError):
    """Another version was published while the page was looked at."""

    code = "knowledge.changed"
    text = "«{title}» за это время изменили. Посмотрите новую версию и выпустите её."


def version_of(material: Material) -> PublicVersion | None:
    """Return what of the material is on the site; None where nothing is."""
    return PublicVersion.objects.filter(pk=material.pk).select_related("pinned_by", "material").first()


def files_of(page: Material) -> list[Document]:
    """Return the files citizens would get with this version."""
    return list(Document.objects.filter(pk__in=documents_of(page)).order_by("title"))


def is_behind(material: Material, version: PublicVersion | None) -> bool:
    """Tell whether the site lacks what employees read already."""
    return (
        material.live
        and material.mark == Mark.PUBLIC
        and (version is None or version.revision_id != material.live_revision_id)
    )


def check_can_pin(material: Material, *, by: Employee) -> None:
    """Raise where this person may not let the present version out, whatever his rights in the section."""
    if not material.live or material.live_revision_id is None:
        raise NotForSite(title=material.title, why="сотрудникам он ещё не опубликован")
    if material.mark != Mark.PUBLIC:
        raise NotForSite(title=material.title, why="он не отмечен как публичный")
    if _wrote(material, by):
        raise OwnWork(title=material.title)


@transaction.atomic
def pin(material: Material, *, revision: int, by: Employee) -> PublicVersion:
    """Put the version employees read now on the site. `revision`: the one that was looked at."""
    check_can_pin(material, by=by)
    return let_out(material, revision=revision, by=by)


@transaction.atomic
def let_out(material: Material, *, revision: int | None = None, by: Employee | None = None) -> PublicVersion:
    """Put the published version on the site without asking who wrote it: for what was loaded, not written."""
    live = material.live_revision
    if live is None or (revision is not None and live.pk != revision):
        raise Changed(title=material.title)
    page = live.as_object()
    facts = {"revision": live, "pinned_by": by, "pinned_at": timezone.now(), **PublicVersion.facts_of(page)}
    version, _ = PublicVersion.objects.update_or_create(material_id=material.pk, defaults=facts)
    version.documents.set(documents_of(page))
    journal.record("material.let_out", chain=f"material:{material.pk}", by=by, revision=live.pk)
    index.renew(Material.objects.filter(pk=material.pk))
    return version


@transaction.atomic
def withdraw(material: Material, *, by: Employee) -> None:
    """Take the material off the site; employees go on reading it."""
    if not PublicVersion.objects.filter(pk=material.pk).delete()[0]:
        raise NotForSite(title=material.title, why="на сайте его и так нет")
    journal.record("material.withdrawn", chain=f"material:{material.pk}", by=by)
    index.renew(Material.objects.filter(pk=material.pk))


def _wrote(material: Material, person: Employee) -> bool:
    """Tell whether the person wrote any version since the one on the site, up to the one employees read."""
    live = material.live_revision_id or 0
    since = PublicVersion.objects.filter(pk=material.pk).values_list("revision", flat=True).first() or 0
    written = Revision.page_revisions.filter(object_id=str(material.pk), pk__lte=live, user=person)
    return bool((written.filter(pk__gt=since) if since < live else written.filter(pk=live)).exists())


def documents_of(page: Material) -> set[int]:
    """Return the files the version carries and citizens may have: attached to it, or linked in what they read."""
    attached = {one.document_id for one in page.attachments.all() if not one.inner}
    rich = ((page._meta.get_field(name), name) for name in page.part_fields)
    texts = ((field, getattr(page, name)) for field, name in rich if isinstance(field, RichTextField))
    linked = {
        int(found[1])
        for field, text in texts
        for found in field.extract_references(text)
        if issubclass(found[0], Document) and str(found[1]).isdigit()
    }
    return set(Document.objects.filter(pk__in=attached | linked).values_list("pk", flat=True))
