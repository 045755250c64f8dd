"""The Knowledge Base for those above: reading, finding, suggesting, inserting into an answer. Marks decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from itertools import product
from typing import Any, Final, NamedTuple

from django.db.models import Exists, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce, Length, Substr
from django.utils import timezone
from wagtail.models import Revision

from otklik.core.errors import DomainError
from otklik.knowledge import finding, placeholders, trust
from otklik.knowledge.models import (
    KINDS,
    KnowledgeHome,
    Mark,
    Material,
    MaterialUse,
    PublicVersion,
    Reference,
    Section,
    SectionLink,
)
from otklik.knowledge.placeholders import Fact
from otklik.knowledge.trust import Trust
from otklik.people.models import Employee
from otklik.search import engine, reasons
from otklik.search.snippets import Segment

# Citizens have an index of their own: it knows only the versions that are on the site.
INDEX, INDEX_OF_SITE = "materials", "site"
STAFF, PUBLIC = "staff", "public"
MOST_DECLINED: Final = 10  # suggestions turned down for one letter: others take their place
MOST_ASKED: Final = 100  # of the index, where some are left out after it has answered
QUERY_MAX: Final = 500  # characters of a search box
BEGUN: Final = 3  # letters from which a search goes on as one types
NEAREST: Final = 3  # shown where nothing is sure
FRESHNESS: Final = {"fresh": "проверены в срок", "stale": "ждут проверки"}
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


class NotOnSite(DomainError):
    """A link would lead a citizen nowhere."""

    code = "knowledge.not_on_site"
    text = "«{title}»: ссылку не дать — {why}. Вставьте текст материала."


class ArchivedMaterial(DomainError):
    """What is out of use is not put into answers."""

    code = "knowledge.archived"
    text = "«{title}»: материал в архиве, в ответ его не вставить. {instead}"


class StaleMaterial(DomainError):
    """What is overdue for its check, or stands on a changed act, is used only with a reason."""

    code = "knowledge.stale"
    text = (
        "«{title}»: {warning}. Сверьте текст и напишите, почему его можно использовать, или выберите другой материал."
    )


@dataclass(frozen=True)
class Filters:
    """What a search is narrowed to; empty values do not narrow. `kind`: one of `kinds()`, `fresh`: of `FRESHNESS`."""

    section: int | None = None
    unit: int | None = None
    kind: str = ""
    mark: str = ""
    fresh: str = ""

    @property
    def narrow(self) -> bool:
        """Tell whether anything is left out by them."""
        return self != Filters()


@dataclass(frozen=True)
class Found:
    """A material that answers, as a list shows it. `why`: which words met, in words, for whoever reads the list."""

    page_id: int
    title: str
    snippet: tuple[Segment, ...]
    kind: str
    mark: Mark
    section: str
    unit: str
    published_on: date | None
    url: str  # on the site; empty for employees, who read it at their own address
    share: float
    trust: Trust
    on_site: bool
    file: str = ""  # the title of its file in which it was found
    why: tuple[str, ...] = ()

    @property
    def insertable(self) -> bool:
        """Tell whether its text may go into an answer."""
        return self.mark != Mark.INTERNAL

    @property
    def why_no_link(self) -> str:
        """Return why a citizen cannot be led to it; empty where he can."""
        return "" if self.on_site else _why_no_link(self.mark)


class Near(NamedTuple):
    """A material a text is about: how well it fits, and which words of the text it met."""

    page_id: int
    title: str
    section: str
    score: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """What a search found, best first. Where it is not `sure`, the nearest are shown as a hint, never as an answer.

    `read_as`: the words as they were understood, where they were repaired; else empty.
    """

    found: list[Found] = field(default_factory=list)
    confidence: float = 0.0
    sure: bool = False
    read_as: str = ""

    @property
    def per_cent(self) -> int:
        """Return how sure it is, from 0 to 100."""
        return round(100 * self.confidence)

    @property
    def first(self) -> list[Found]:
        """Return what is shown at once: all of a sure answer, else the nearest."""
        return self.found if self.sure else self.found[:NEAREST]

    @property
    def rest(self) -> list[Found]:
        """Return what is folded away below the nearest."""
        return [] if self.sure else self.found[NEAREST:]

    @property
    def pages(self) -> list[int]:
        """Return what was found as ids, in order."""
        return [one.page_id for one in self.found]


@dataclass(frozen=True)
class Insert:
    """What goes into an answer, the version it was taken from, and what is left to a person.

    `empty`: placeholders to fill by hand; `unsure`: words whose case is to be checked; `stale`: why it needed a reason.
    """

    text: str
    revision: int
    title: str
    empty: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    stale: str = ""


def for_staff(user: Employee, kind: type[Material] = Material) -> QuerySet[Material]:
    """Return the published materials an employee may read, all or of a kind; none without the right to read."""
    readable = published(kind)
    return readable if user.is_active and user.has_power("knowledge.read") else readable.none()


def for_public() -> QuerySet[Material]:
    """Return the materials everybody may read: published, marked public, and let out to the site by a second person.

    What citizens read of them is `public_version`, never the row itself: it may be newer.
    """
    return published().filter(mark=Mark.PUBLIC, public_version__isnull=False)


def published(kind: type[Material] = Material) -> QuerySet[Material]:
    """Return materials, all or of a kind, that are live, in a live section, and not past their last day."""
    in_time = Q(expire_at__isnull=True) | Q(expire_at__gt=timezone.now())
    materials: QuerySet[Material] = kind.objects.filter(in_time, Exists(_its_section().filter(live=True)), live=True)
    return materials


def search(
    query: str,
    *,
    user: Employee | None = None,
    filters: Filters = Filters(),
    limit: int = 10,
    typing: bool = False,
    exact: bool = False,
    reference: str = "",
) -> Results:
    """Return the materials that answer a query, best first; without a user only public ones. The one door of search.

    `typing`: the last word may be unfinished; `exact`: nothing is repaired; `reference`: where some were turned down,
    those stay away.
    """
    how: dict[str, Any] = {"typing": typing, "exact": exact, "reference": reference}
    return search_each([query], user=user, filters=filters, limit=limit, **how)[0]


def search_each(
    queries: Sequence[str],
    *,
    user: Employee | None = None,
    filters: Filters = Filters(),
    limit: int = 10,
    typing: bool = False,
    exact: bool = False,
    reference: str = "",
) -> list[Results]:
    """Return what answers each of several queries, as `search` does; the rows of all are read at once."""
    scopes = [PUBLIC] if user is None else _scopes_of(user, filters)
    if not scopes:
        return [Results() for _ in queries]
    readable = for_public().select_related("public_version") if user is None else for_staff(user)
    if reference:
        declined = MaterialUse.objects.filter(reference=reference, action=MaterialUse.Action.DECLINED)
        readable = readable.exclude(pk__in=declined.values("page"))
    # What is judged after the cut must not make a list shorter than it need be.
    most = MOST_ASKED if filters.fresh or exact else 2 * limit + (MOST_DECLINED if reference else 0)
    index = INDEX_OF_SITE if user is None else INDEX
    asked = engine.ask_each(index, queries, scopes=scopes, limit=most, typing=typing)
    if exact:
        asked = [one._replace(hits=[hit for hit in one.hits if _as_typed(hit)], read_as="") for one in asked]
    shown = _shown([one.hits for one in asked], readable, outside=user is None)
    return [_results(one, found, filters, limit) for one, found in zip(asked, shown, strict=True)]


def _results(asked: engine.Found, found: list[Found], filters: Filters, limit: int) -> Results:
    """Return what is left to show. What is sure is sure of the best: where that may not be shown, the next is not."""
    kept = [one for one in found if not filters.fresh or one.trust.is_stale == (filters.fresh == "stale")][:limit]
    if not kept:
        return Results()
    best = kept[0].page_id == page_of(asked.hits[0].key)
    return Results(kept, asked.confidence if best else 0.0, asked.sure and best, asked.read_as)


def find(query: str, *, user: Employee | None = None, limit: int = 10) -> list[Found]:
    """Return only the list of what `search` finds."""
    return search(query, user=user, limit=limit).found


def page_of(key: str) -> int:
    """Return the material a key of the index belongs to: a file is a part of its material, «12/5»."""
    return int(key.partition("/")[0])


def scopes_of(section: int | None, kind: str, mark: str) -> list[str]:
    """Return the marks under which employees find a material: one for every way of narrowing a search to it."""
    every = product({f":s{section}", ""} if section else {""}, {kind, ""}, {mark, ""})
    return [STAFF + place + _narrowed(kind, mark) for place, kind, mark in every]


def _narrowed(kind: str, mark: str) -> str:
    return (f":k{kind}" if kind else "") + (f":m{mark.replace('_', '-')}" if mark else "")


def _scopes_of(user: Employee, filters: Filters) -> list[str]:
    """Return under which marks an employee searches; none where he may not read or nothing can fit.

    All that does not change by itself is asked inside the query: a filter never loses what lies beyond the cut.
    """
    if not (user.is_active and user.has_power("knowledge.read")):
        return []
    tail = _narrowed(filters.kind, filters.mark)
    if filters.unit is None and filters.section is None:
        return [STAFF + tail]
    kept = Section.objects.filter(live=True)
    kept = kept.filter(unit=filters.unit) if filters.unit is not None else kept
    kept = kept.filter(pk=filters.section) if filters.section is not None else kept
    return [f"{STAFF}:s{pk}{tail}" for pk in kept.order_by("path").values_list("pk", flat=True)]


def _as_typed(hit: engine.Hit) -> bool:
    return any(one.how in reasons.AS_TYPED for one in hit.why)


def nearest(text: str, *, user: Employee | None, limit: int = 5) -> tuple[list[Near], bool]:
    """Return the materials a letter is about, without anything a list would show, and whether search is sure of them.

    `user`: who is told, None: a job that tells nobody.
    """
    if user is not None and not user.has_power("knowledge.read"):
        return [], False
    found = engine.ask(INDEX, text, scopes=[STAFF], limit=2 * limit)
    best: dict[int, engine.Hit] = {}
    for hit in found.hits:
        best.setdefault(int(hit.key.partition("/")[0]), hit)
    readable = published() if user is None else for_staff(user)
    placed = readable.filter(pk__in=best).annotate(of_section=Subquery(_its_section().values("title")))
    rows = {pk: (title, section) for pk, title, section in placed.values_list("pk", "title", "of_section")}
    near = [
        Near(pk, *rows[pk], hit.score, tuple(dict.fromkeys(why.asked for why in hit.why)))
        for pk, hit in best.items()
        if pk in rows
    ]
    return near[:limit], found.sure


def insert_text(page_id: int, facts: Mapping[str, Fact], *, reason: str = "", user: Employee) -> Insert:
    """Return the material's text for an answer with facts in place of placeholders.

    Refuses an internal one whatever the reason, a stale one without a reason.
    """
    material = _for_answer(page_id, user)
    stale = _stale(material, reason)
    filled = placeholders.fill(material.text_for_answer(), facts)
    return Insert(filled.text, version_of(material), material.title, filled.empty, filled.unsure, stale)


def insert_link(page_id: int, *, reason: str = "", user: Employee) -> Insert:
    """Return a link to the material's page on the site; refuses what citizens do not read there."""
    material = _for_answer(page_id, user)
    if (version := on_site_as(material)) is None:
        raise NotOnSite(title=material.title, why=_why_no_link(Mark(material.mark)))
    stale = _stale(material, reason)
    return Insert(f"«{version.title}»: {version.address}", version.revision_id, version.title, stale=stale)


def _for_answer(page_id: int, user: Employee) -> Material:
    """Return what may go into an answer, or say why it may not."""
    try:
        material = get_for(user, page_id)
    except NoSuchMaterial:
        archived = Material.objects.filter(pk=page_id, live=False, archived_at__isnull=False)
        gone = archived.select_related("replaced_by").first() if user.has_power("knowledge.read") else None
        if gone is None:
            raise
        following = gone.replaced_by if gone.replaced_by and gone.replaced_by.live else None
        instead = f"Вместо него: «{following.title}»." if following else "Найдите другой в Базе знаний."
        raise ArchivedMaterial(title=gone.title, instead=instead) from None
    if not material.for_answers:
        raise InternalMaterial(title=material.title)
    return material


def _stale(material: Material, reason: str) -> str:
    warning = trust.of([material])[material.pk].warning
    if warning and not reason.strip():
        raise StaleMaterial(title=material.title, warning=warning)
    return warning


def _why_no_link(mark: Mark) -> str:
    return "на сайт его ещё не выпустили" if mark == Mark.PUBLIC else "на сайте его нет, он только для ответов"


def record_use(page_id: int, action: str, *, reference: str = "", revision: int | None = None, by: Employee) -> None:
    """Note that a material was inserted, opened or turned down, with the version it had or the one that was taken."""
    material = get_for(by, page_id)
    MaterialUse.objects.create(
        page_id=page_id,
        revision=revision or version_of(material),
        action=MaterialUse.Action(action),
        reference=reference,
        by=by,
    )
    if action in MaterialUse.HELPED:
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


def versions_on(revisions: Iterable[int]) -> dict[int, date]:
    """Return of which day each version is: «версия от 12.05.2026»."""
    made = Revision.objects.filter(pk__in=set(revisions)).values_list("pk", "created_at")
    return {pk: timezone.localdate(at) for pk, at in made}


@cache
def written_from() -> Subquery:
    """Return what a material was written from, opaque here and mostly nothing, to be asked inside a query of them."""
    origin = MaterialUse.objects.filter(page=OuterRef("pk"), action=MaterialUse.Action.WRITTEN_FROM)
    return Subquery(origin.values("reference")[:1])


@cache
def times_used() -> Subquery:
    """Return how many times a material went into an answer, to be asked inside a query of materials."""
    return number(MaterialUse.objects.filter(page=OuterRef("pk"), action__in=MaterialUse.IN_ANSWERS))


def number(rows: QuerySet[Any]) -> Subquery:
    """Return how many rows there are, to be asked inside a query of others; quicker built than a grouped count."""
    counted = rows.order_by().annotate(number=Func("pk", function="COUNT", output_field=IntegerField()))
    return Subquery(counted.values("number"))


def most_asked(*, limit: int = 6) -> list[PublicVersion]:
    """Return what is on the site and went into answers most often."""
    asked = _versions(for_public()).annotate(times=times_used())
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
    own = _versions(for_public().filter(inside(section))).order_by("material__path")
    return [*own, *_versions(for_public().filter(pk__in=linked)).order_by("material__path")]


def near_on_site(version: PublicVersion, section: Section, *, limit: int) -> list[PublicVersion]:
    """Return a few others that citizens read in a section."""
    others = _versions(for_public().filter(inside(section))).exclude(pk=version.pk)
    return list(others.order_by("material__path")[:limit])


def materials_of(section: Section, user: Employee) -> QuerySet[Material]:
    """Return what an employee may read in a section as a list shows it: each with what it says first, `of_brief`.

    One query, whatever kinds there are: a section may hold hundreds.
    """
    briefs = [f"{kind._meta.model_name}__{kind.lead_field}" for kind in KINDS if kind.lead_field]
    brief = Coalesce(*briefs, Value(""), output_field=TextField())
    rows: QuerySet[Material] = for_staff(user).filter(inside(section)).annotate(of_brief=brief)
    # Of a page Wagtail keeps the texts of thirty columns; a list shows three of them.
    shown = ("title", "path", "mark", "first_published_at", "content_type")
    return rows.only(*shown).order_by("path")


def linked_from(section: Section, user: Employee) -> list[Material]:
    """Return the materials of other sections that a section shows, as far as the employee may read them."""
    linked = SectionLink.objects.filter(section=section).values("material")
    return list(with_place(for_staff(user).filter(pk__in=linked)).order_by("path"))


def home_id() -> int | None:
    """Return the id of the root page, under which the chief editor adds sections."""
    found: int | None = KnowledgeHome.objects.values_list("pk", flat=True).first()
    return found


def referring_to(material: Material, user: Employee) -> list[Reference]:
    """Return which materials refer to this one, as far as the employee may read them: each row's `page`."""
    rows = Reference.objects.filter(target=material, page__in=for_staff(user).values("pk"))
    return list(rows.select_related("page").order_by("page__title", "pk"))


def also_in(material: Material) -> list[Section]:
    """Return the sections beside its own that show a material."""
    linking = SectionLink.objects.filter(material=material).values("section")
    return list(Section.objects.filter(pk__in=linking, live=True).select_related("unit").order_by("path"))


def version_on_site(material: Material) -> int | None:
    """Return the id of the revision that citizens read."""
    found: int | None = PublicVersion.objects.filter(material=material.pk).values_list("revision", flat=True).first()
    return found


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


@cache
def kinds() -> dict[str, str]:
    """Return the kinds of materials a search is narrowed to: name → words."""
    return {kind._meta.model_name: str(kind._meta.verbose_name).capitalize() for kind in KINDS}


def _parent_path() -> Func:
    return Substr("path", 1, Length("path") - _STEP)


def _its_section() -> QuerySet[Section]:
    """Return the section of a material, to be asked inside a query of materials."""
    sections: QuerySet[Section] = Section.objects.filter(
        path=Substr(OuterRef("path"), 1, Length(OuterRef("path")) - _STEP)
    )
    return sections


def inside(section: Section) -> Q:
    """Return the condition «it stands in the section itself»."""
    # Not «begins with»: SQLite has no index for that.
    return Q(path__range=Section._get_children_path_interval(section.path), depth=section.depth + 1)


def _shown(lists: Sequence[Sequence[engine.Hit]], readable: QuerySet[Material], *, outside: bool) -> list[list[Found]]:
    """Return lists of hits as pages show them. The index has asked for rights already; the rows are asked once more.

    A material is shown once in a list: where the better of its own text and its files was found.
    """
    every: list[dict[int, engine.Hit]] = [{} for _ in lists]
    for best, hits in zip(every, lists, strict=True):
        for hit in hits:
            best.setdefault(page_of(hit.key), hit)
    on_site = Exists(PublicVersion.objects.filter(material=OuterRef("pk"))) & Q(mark=Mark.PUBLIC)
    met = {pk for best in every for pk in best}
    found = with_place(readable.filter(pk__in=met)).annotate(on_site=Q(on_site)) if met else ()
    rows: dict[int, Any] = {row.pk: row for row in found}
    trusts = trust.of(rows.values()) if rows else {}
    return [
        [_found(rows[pk], hit, trusts[pk], outside=outside) for pk, hit in best.items() if pk in rows] for best in every
    ]


def _found(row: Any, hit: engine.Hit, trusted: Trust, *, outside: bool) -> Found:
    return Found(
        page_id=row.pk,
        title=row.public_version.title if outside else row.title,
        snippet=hit.snippet,
        kind=kind_of(row),
        mark=Mark(row.mark),
        section=row.of_section,
        unit=row.of_unit,
        published_on=_day(row.public_version.pinned_at if outside else row.last_published_at),
        url=(row.get_url() or "") if outside else "",
        share=hit.share,
        trust=trusted,
        on_site=row.on_site,
        file=hit.title if "/" in hit.key else "",
        why=tuple(reasons.spoken(hit.why)),
    )


def _day(at: datetime | None) -> date | None:
    return timezone.localdate(at) if at else None
