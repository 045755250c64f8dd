"""One material as an employee opens it: all of its page in six statements, however much stands beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db.models import Case, CharField, Subquery, Value, When
from django.db.models.functions import Length, Substr
from wagtail.models import Page

from otklik.knowledge import materials, trust, votes
from otklik.knowledge.models import Attachment, Material, PublicVersion, Reference, Section
from otklik.knowledge.trust import Trust
from otklik.knowledge.votes import Said
from otklik.people.models import Employee

_NEIGHBOURS: Final = 6
_REFERENCE, _NEIGHBOUR = "reference", "neighbour"


class Line(NamedTuple):
    """Another material named beside this one; `place`: what exactly of it is meant."""

    pk: int
    title: str
    place: str


@dataclass(frozen=True)
class Reading:
    """A material of its own kind, and all that is shown with it.

    `version` is what of it is on the site, `uses` how often it went into answers, `written_from` the answer it was
    made of, `neighbours` are of its section.
    """

    material: Material
    section: Section
    version: PublicVersion | None
    trust: Trust
    uses: int
    written_from: str
    said: Said
    references: list[Line]
    neighbours: list[Line]
    files: list[Attachment]


def opened(user: Employee, page_id: int) -> Reading:
    """Return what an employee sees who opens a material he may read, or raise NoSuchMaterial."""
    page = Page.objects.filter(pk=page_id)
    parent = page.values(above=Substr("path", 1, Length("path") - Material.steplen))
    # A page's kind decides which table it is read from; it is asked together with where the page stands.
    sections: Any = Section.objects.filter(path=Subquery(parent)).select_related("unit")
    section = sections.annotate(of_kind=Subquery(page.values("content_type"))).first()
    kind = ContentType.objects.get_for_id(section.of_kind).model_class() if section else None
    if section is None or kind is None or not issubclass(kind, Material):
        raise materials.NoSuchMaterial
    readable = votes.with_said(materials.for_staff(user, kind), user).annotate(
        of_uses=materials.times_used(), of_origin=materials.written_from()
    )
    material = readable.select_related("public_version__pinned_by").filter(pk=page_id).first()
    if material is None:
        raise materials.NoSuchMaterial
    references, neighbours = _beside(material, section, user)
    return Reading(
        material=material,
        section=section,
        version=getattr(material, "public_version", None),
        trust=trust.of([material], reader=user)[page_id],
        uses=material.of_uses,
        written_from=material.of_origin or "",
        said=votes.said_of(material),
        references=references,
        neighbours=neighbours,
        files=_files(material),
    )


def _beside(material: Material, section: Section, user: Employee) -> tuple[list[Line], list[Line]]:
    """Return what a material refers to, and some others of its section: the next after it, then from the beginning."""
    readable = materials.for_staff(user)
    after = Case(When(path__gt=material.path, then=0), default=1)
    others = readable.filter(materials.inside(section)).exclude(pk=material.pk).order_by(after, "path")
    nearest = Page.objects.filter(pk__in=others.values("pk")[:_NEIGHBOURS]).order_by()
    meant = Reference.objects.filter(page=material, target__in=readable.values("pk")).order_by()
    rows = list(
        meant.values_list(_text(_REFERENCE), "target", "target__title", "place", "sort_order", _text("")).union(
            nearest.values_list(_text(_NEIGHBOUR), "pk", "title", _text(""), Value(0), "path"), all=True
        )
    )
    rows.sort(key=lambda row: (row[4] or 0, row[5] < material.path, row[5]))
    lines: dict[str, list[Line]] = {_REFERENCE: [], _NEIGHBOUR: []}
    for what, pk, title, place, _, _ in rows:
        lines[what].append(Line(pk, title, place))
    return lines[_REFERENCE], lines[_NEIGHBOUR]


def _text(words: str) -> Value:
    return Value(words, output_field=CharField())


def _files(material: Material) -> list[Attachment]:
    """Return the files kept with a material, in their order; what they say may be megabytes and stays where it is."""
    rows = Attachment.objects.filter(page=material).select_related("document__text_layer")
    return list(rows.defer("document__text_layer__text").order_by("sort_order", "pk"))
