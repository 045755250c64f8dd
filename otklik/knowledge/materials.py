"""The Knowledge Base for those above: reading, finding, suggesting, inserting into an answer. Marks decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, Exists, Func, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length, Substr
from django.utils import timezone

from otklik.core.errors import DomainError
from otklik.knowledge import finding, placeholders, trust
from otklik.knowledge.models import (
    Attachment,
    KnowledgeHome,
    Mark,
    Material,
    MaterialUse,
    PublicVersion,
    Reference,
    Section,
    SectionLink,
)
from otklik.knowledge.trust import Trust
from otklik.people.models import Employee
from otklik.search import engine
from otklik.search.snippets import Segment

# Citizens have an index of their own: it knows only the versions that are on the site.
INDEX, INDEX_OF_SITE = "materials", "site"
STAFF, PUBLIC = "staff", "public"
_STEP: Final = Material.steplen


class NoSuchMaterial(DomainError):
    """The material is not published, or the reader may not see it."""

    code = "knowledge.no_such_material"
    text = "Такого материала нет или он снят с публикации. Найдите другой в Базе знаний."
    status = 404


class InternalMaterial(DomainError):
    """What is internal never leaves, no reason helps."""

    code = "knowledge.internal"
    text = "«{title}»: внутренний материал нельзя вставить в ответ. Выберите материал «для ответов» или публичный."


@dataclass(frozen=True)
class Found:
    """A material that answers, as a list shows it."""

    page_id: int
    title: str
    snippet: tuple[Segment, ...]
    kind: str
    mark: Mark
    section: str
    unit: str
    published_on: date | None
    url: str
    share: float
    trust: Trust

    @property
    def insertable(self) -> bool:
        """Tell whether its text may go into an answer."""
        return self.mark != Mark.INTERNAL


@dataclass(frozen=True)
class Insert:
    """A material's text ready for an answer, the version it was taken from, and placeholders left to fill by hand."""

    text: str
    revision: int
    title: str
    empty: tuple[str, ...]


def for_staff(user: Employee) -> QuerySet[Material]:
    """Return the published materials an employee may read; none without the right to read."""
    return published() if user.is_active and user.has_power("knowledge.read") else Material.objects.none()


def for_public() -> QuerySet[Material]:
    """Return the materials everybody may read: published, marked public, and let out to the site by a second person.

    What citizens read of them is `public_version`, never the row itself: it may be newer.
    """
    return published().filter(mark=Mark.PUBLIC, public_version__isnull=False)


def published() -> QuerySet[Material]:
    """Return materials that are live, in a live section, and not past their last day."""
    in_time = Q(expire_at__isnull=True) | Q(expire_at__gt=timezone.now())
    materials: QuerySet[Material] = Material.objects.filter(
        in_time, Exists(_its_section().filter(live=True)), live=True
    )
    return materials


def find(query: str, *, user: Employee | None = None, limit: int = 10) -> list[Found]:
    """Return the materials that answer a query, best first; without a user only public ones."""
    if user is None:
        hits = engine.find(INDEX_OF_SITE, query, scopes=[PUBLIC], limit=limit)
        return _shown(hits, for_public().select_related("public_version"), outside=True)
    if not user.has_power("knowledge.read"):
        return []
    return _shown(engine.find(INDEX, query, scopes=[STAFF], limit=limit), for_staff(user))


def suggest(text: str, *, user: Employee, limit: int = 5) -> list[Found]:
    """Return materials that may answer a letter, best first. A long letter costs no more than a page of text."""
    return find(text, user=user, limit=limit)


def insert_text(page_id: int, facts: Mapping[str, str], *, user: Employee) -> Insert:
    """Return the material's text for an answer with facts in place of placeholders; refuse an internal one."""
    material = get_for(user, page_id)
    if not material.for_answers:
        raise InternalMaterial(title=material.title)
    text, empty = placeholders.fill(material.text_for_answer(), facts)
    return Insert(text, version_of(material), material.title, empty)


def record_use(page_id: int, action: str, *, reference: str = "", by: Employee) -> None:
    """Note that a material was inserted, opened or turned down, with the version it had."""
    material = get_for(by, page_id)
    MaterialUse.objects.create(
        page_id=page_id,
        revision=version_of(material),
        action=MaterialUse.Action(action),
        reference=reference,
        by=by,
    )
    if action == MaterialUse.Action.INSERTED:
        finding.used(finding.Searcher(by), page_id)


def get_for(user: Employee, page_id: int) -> Material:
    """Return a material the employee may read, as its own kind, or raise NoSuchMaterial."""
    material = for_staff(user).filter(pk=page_id).first()
    if material is None:
        raise NoSuchMaterial
    specific: Material = material.specific
    return specific


def version_of(material: Material) -> int:
    """Return the id of the revision that readers see."""
    return int(material.live_revision_id or material.latest_revision_id or 0)


@dataclass(frozen=True)
class Use:
    """How many times a material went into an answer, and what it was written from: opaque here, mostly nothing."""

    inserted: int
    written_from: str


def use_of(page_id: int) -> Use:
    """Return where a material was used, in one query."""
    action = MaterialUse.Action
    found = MaterialUse.objects.filter(page=page_id).aggregate(
        inserted=Count("pk", filter=Q(action=action.INSERTED)),
        written_from=Max("reference", filter=Q(action=action.WRITTEN_FROM)),
    )
    return Use(found["inserted"], found["written_from"] or "")


def most_asked(*, limit: int = 6) -> list[PublicVersion]:
    """Return what is on the site and went into answers most often."""
    inserted = MaterialUse.objects.filter(page=OuterRef("pk"), action=MaterialUse.Action.INSERTED).order_by()
    times = inserted.values("page").annotate(times=Count("pk")).values("times")
    asked = _versions(for_public()).annotate(times=Coalesce(Subquery(times), 0))
    return list(asked.order_by("-times", "material__path")[:limit])


def sections(user: Employee | None = None) -> list[Section]:
    """Return the sections with something to read for this reader, each with `count` of materials."""
    readable = for_public() if user is None else for_staff(user)
    parents = readable.order_by().values_list(_parent_path(), flat=True)
    counts = Counter(parents)
    found = list(Section.objects.filter(path__in=counts).select_related("unit", "function").order_by("path"))
    for section in found:
        section.count = counts[section.path]
    return found


def on_site(section: Section) -> list[PublicVersion]:
    """Return what citizens read in a section: its own materials in its order, then those it links to."""
    linked = SectionLink.objects.filter(section=section).values("material")
    own = _versions(for_public().filter(_inside(section))).order_by("material__path")
    return [*own, *_versions(for_public().filter(pk__in=linked)).order_by("material__path")]


def near_on_site(version: PublicVersion, section: Section, *, limit: int) -> list[PublicVersion]:
    """Return a few others that citizens read in a section."""
    others = _versions(for_public().filter(_inside(section))).exclude(pk=version.pk)
    return list(others.order_by("material__path")[:limit])


def materials_of(section: Section, user: Employee) -> list[Material]:
    """Return what an employee may read in a section, each as its own kind."""
    return specific(for_staff(user).filter(_inside(section)).order_by("path"))


def linked_from(section: Section, user: Employee) -> list[Material]:
    """Return the materials of other sections that a section shows, as far as the employee may read them."""
    linked = SectionLink.objects.filter(section=section).values("material")
    return list(with_place(for_staff(user).filter(pk__in=linked)).order_by("path"))


def neighbours(material: Material, section: Section, user: Employee, *, limit: int) -> list[Material]:
    """Return some other materials of the section, the nearest after it first, then from the beginning."""
    others = for_staff(user).filter(_inside(section)).exclude(pk=material.pk)
    after = list(others.filter(path__gt=material.path).order_by("path")[:limit])
    return after or list(others.order_by("path")[:limit])


def files_of(material: Material) -> list[Attachment]:
    """Return the files kept with a material, in their order."""
    return list(Attachment.objects.filter(page=material).select_related("document").order_by("sort_order", "pk"))


def home_id() -> int | None:
    """Return the id of the root page, under which the chief editor adds sections."""
    found: int | None = KnowledgeHome.objects.values_list("pk", flat=True).first()
    return found


def references(material: Material, user: Employee) -> list[Reference]:
    """Return what a material refers to, as far as the employee may read it."""
    rows = Reference.objects.filter(page=material, target__in=for_staff(user).values("pk"))
    return list(rows.select_related("target").order_by("sort_order", "pk"))


def referred_on_site(refers_to: Iterable[tuple[int, str]]) -> list[tuple[PublicVersion, str]]:
    """Return what a version refers to and citizens may read, each with the place in it."""
    places = dict(refers_to)
    found = _versions(for_public().filter(pk__in=places)).order_by("material__path") if places else ()
    return [(version, places[version.material_id]) for version in found]


def version_at(url_path: str) -> PublicVersion | None:
    """Return what citizens read at an address of the site, as Wagtail writes it in the tree; None where nothing is."""
    return _versions(for_public().filter(url_path=url_path)).prefetch_related("documents").first()


def on_site_as(material: Material) -> PublicVersion | None:
    """Return what citizens read of a material; None where they read nothing of it."""
    return _versions(for_public().filter(pk=material.pk)).first()


def section_at(url_path: str) -> Section | None:
    """Return the section at an address of the site that has something for citizens."""
    sections: QuerySet[Section] = Section.objects.filter(url_path=url_path, live=True).select_related(
        "unit", "function"
    )
    found = sections.first()
    return found if found and on_site(found) else None


def all_on_site() -> QuerySet[PublicVersion]:
    """Return everything that is on the site, in the order of the tree."""
    return _versions(for_public()).order_by("material__path")


def section_of(material: Material) -> Section | None:
    """Return the section a material stands in."""
    sections: QuerySet[Section] = Section.objects.select_related("unit", "function")
    return sections.filter(path=material.path[:-_STEP]).first()


def _versions(readable: QuerySet[Material]) -> QuerySet[PublicVersion]:
    return PublicVersion.objects.filter(material__in=readable.values("pk")).select_related("material")


def specific(rows: Any) -> list[Material]:
    """Return materials as their own kinds, one query a kind. Wagtail's querysets are untyped."""
    return list(rows.specific())


def with_place(rows: QuerySet[Material]) -> QuerySet[Material]:
    """Return materials each with the names of its section and of the unit that keeps it: `of_section`, `of_unit`."""
    placed: QuerySet[Material] = rows.annotate(
        of_section=Subquery(_its_section().values("title")), of_unit=Subquery(_its_section().values("unit__short_name"))
    )
    return placed


def kind_of(material: Material) -> str:
    """Return what kind of material it is, in words; asks nothing."""
    model: Any = material.cached_content_type.model_class()
    return str(model._meta.verbose_name)


def _parent_path() -> Func:
    return Substr("path", 1, Length("path") - _STEP)


def _its_section() -> QuerySet[Section]:
    """Return the section of a material, to be asked inside a query of materials."""
    sections: QuerySet[Section] = Section.objects.filter(
        path=Substr(OuterRef("path"), 1, Length(OuterRef("path")) - _STEP)
    )
    return sections


def _inside(section: Section) -> Q:
    return Q(path__startswith=section.path, depth=section.depth + 1)


def _shown(hits: Iterable[engine.Hit], readable: QuerySet[Material], *, outside: bool = False) -> list[Found]:
    """Return hits as a list shows them. The index has asked for rights already; the rows are asked once more."""
    hits = list(hits)
    found = with_place(readable.filter(pk__in=[int(hit.key) for hit in hits]))
    rows: dict[int, Any] = {row.pk: row for row in found}
    trusts = trust.of(rows.values())
    return [
        Found(
            page_id=row.pk,
            title=row.public_version.title if outside else row.title,
            snippet=hit.snippet,
            kind=kind_of(row),
            mark=Mark(row.mark),
            section=row.of_section,
            unit=row.of_unit,
            published_on=_day(row.public_version.pinned_at if outside else row.last_published_at),
            url=row.get_url() or "",
            share=hit.share,
            trust=trusts[row.pk],
        )
        for hit in hits
        if (row := rows.get(int(hit.key)))
    ]


def _day(at: datetime | None) -> date | None:
    return timezone.localdate(at) if at else None
