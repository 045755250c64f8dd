"""The coverage map: functions by kinds of material; what is empty is a gap (п. 39, 40). And links that lead nowhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.contrib.contenttypes.models import ContentType
from wagtail.documents.models import Document
from wagtail.models import Page, ReferenceIndex

from otklik.core.terms import valid
from otklik.knowledge import materials
from otklik.knowledge.models import KINDS, Function, Material, Reference, Section

GENERAL: Final = "Общие вопросы"


@dataclass(frozen=True)
class Cell:
    """How many published materials of one kind each section of a function has: (section, number), those that have any.

    `add_to`: the section where one would be written.
    """

    kind: str
    model: str
    found: tuple[tuple[int, int], ...]
    add_to: int | None

    @property
    def number(self) -> int:
        """Return how many the function has."""
        return sum(number for _, number in self.found)


@dataclass(frozen=True)
class Line:
    """A function with its sections and a cell for each kind; without a function: what belongs to no single one."""

    name: str
    function: Function | None
    sections: tuple[Section, ...]
    cells: tuple[Cell, ...]

    @property
    def gaps(self) -> int:
        """Return how many kinds the function has no material of."""
        return sum(not cell.number for cell in self.cells)


@dataclass(frozen=True)
class Broken:
    """A published material that refers to what readers cannot open."""

    material: Material
    what: str


def kinds() -> list[str]:
    """Return the kinds of material in the order of п. 40, in words."""
    return [str(kind._meta.verbose_name_plural) for kind in KINDS]


def coverage(on: date) -> list[Line]:
    """Return a line for every function that is valid on a day, «Общие вопросы» last. Four queries."""
    types: dict[int, type[Material]] = {ContentType.objects.get_for_model(kind).pk: kind for kind in KINDS}
    sections = list(Section.objects.filter(live=True).select_related("unit").order_by("path"))
    found = Counter(
        (path[: -Material.steplen], types[kind])
        for path, kind in materials.published().order_by().values_list("path", "content_type")
        if kind in types
    )
    lines = [_line(one.name, one, sections, found) for one in Function.objects.filter(valid(on))]
    return [*lines, _line(GENERAL, None, sections, found)]


def _line(
    name: str, function: Function | None, sections: list[Section], found: Counter[tuple[str, type[Material]]]
) -> Line:
    own = tuple(one for one in sections if one.function_id == (function.pk if function else None))
    cells = tuple(
        Cell(
            str(kind._meta.verbose_name_plural),
            str(kind._meta.model_name),
            tuple((one.pk, found[one.path, kind]) for one in own if found[one.path, kind]),
            own[0].pk if own else None,
        )
        for kind in KINDS
    )
    return Line(name, function, own, cells)


def broken_links() -> list[Broken]:
    """Return every link of a published material that its readers cannot follow. Six queries, however many there are."""
    published = materials.published()
    pages, documents = (ContentType.objects.get_for_model(one) for one in (Page, Document))
    made = [
        (int(source), kind, int(target))
        for source, kind, target in ReferenceIndex.objects.filter(
            base_content_type=pages, to_content_type__in=[pages, documents]
        ).values_list("object_id", "to_content_type", "to_object_id")
        if source.isdigit() and target.isdigit()
    ]
    open_pages = set(published.values_list("pk", flat=True))
    open_pages |= set(Section.objects.filter(live=True).values_list("pk", flat=True))
    files = set(Document.objects.values_list("pk", flat=True))
    lost = {
        (source, kind, target)
        for source, kind, target in made
        if target not in (open_pages if kind == pages.pk else files)
    }
    emptied = set(Reference.objects.filter(target=None).values_list("page", flat=True))
    rows = published.filter(pk__in={source for source, _, _ in lost} | emptied)
    by_id = {one.pk: one for one in materials.with_place(rows)}
    titles = dict(Page.objects.filter(pk__in={target for _, _, target in lost}).values_list("pk", "title"))
    found = [
        Broken(by_id[source], f"«{titles[target]}» снят с публикации" if target in titles else _GONE[kind == pages.pk])
        for source, kind, target in sorted(lost)
        if source in by_id
    ]
    return [*found, *(Broken(by_id[pk], _GONE[True]) for pk in sorted(emptied & set(by_id)))]


_GONE: Final = {True: "страница удалена", False: "файл удалён"}
