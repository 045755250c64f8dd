"""Carrying the Knowledge Base to another: everything out as lines, lines in; there and back nothing is lost.

What the lines say is in `docs/knowledge-transfer.md`; how a page becomes one, in `portable`; the short format of
questions alone, in `articles`. An import is whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import get_valid_filename
from wagtail.documents.models import Document
from wagtail.models import Page, PageLogEntry, Revision

from otklik.core import journal, sniffing
from otklik.knowledge import articles, defaults, index, portable
from otklik.knowledge.lines import LINES, BadLine, Refused, Report, Source, Told, opened
from otklik.knowledge.models import KINDS, Function, KnowledgeHome, Mark, Material, PublicVersion, ReviewItem, Section
from otklik.knowledge.portable import HOME, Asked, Content, Keys, Unfit
from otklik.people.models import Employee, Unit

FORMAT: Final = "otklik-kb"
VERSION: Final = 1
_PAGES: Final[tuple[type[Page], ...]] = (Section, *KINDS)
_KINDS: Final[dict[str, type[Page]]] = {kind.__name__: kind for kind in _PAGES}
_STEP: Final = Page.steplen
_TEXTS_OF_PUBLIC: Final = ("title", "brief_heading", "brief", "answer", "found_by")
_PIECES_OF_PUBLIC: Final = ("facts", "parts")
_WORDS: Final = {Function: "функции", Unit: "подразделения", Page: "материала или раздела", Document: "файла"}
_MOST_VERSIONS: Final = 5_000
_CHECKED: Final = (ReviewItem.State.CONFIRMED, ReviewItem.State.CHANGED)


def export_to(path: Path, *, by: Employee | None = None) -> Counter[str]:
    """Write everything with all versions; a name in `.zip` takes the files along. Return how much of what there is."""
    if path.exists():
        raise Refused(why=f"файл «{path.name}» уже есть. Назовите другой.")
    with_files = path.suffix.lower() == ".zip"
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".kb-export-") as folder:
        text, ready = Path(folder) / LINES, Path(folder) / "ready"
        with transaction.atomic():
            outgoing = _Outgoing(with_files=with_files)
            with text.open("w", encoding="utf-8") as file:
                for record in outgoing.records():
                    file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
            if with_files:
                with zipfile.ZipFile(ready, "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.write(text, LINES)
                    outgoing.pack(archive)
            journal.record("knowledge.exported", chain="knowledge", by=by, rows=outgoing.counted.total())
        os.replace(ready if with_files else text, path)
    return outgoing.counted


def import_from(
    path: Path,
    *,
    choice: articles.Choice | None = None,
    skip_bad: bool = False,
    dry_run: bool = False,
    by: Employee | None = None,
) -> Report:
    """Take a file in either format; raise `Refused` with the wrong lines, unless they are to be passed by."""
    report, kept = Report(), list[Document]()
    try:
        with opened(path) as source, transaction.atomic():
            home = defaults.load()
            records = source.records()
            first = next(records, None)
            if first is None:
                raise Refused(why="файл пуст.")
            incoming = _Incoming(source, report, kept, home=home, by=by)
            if isinstance(first[1], dict) and "format" in first[1]:
                _check_header(first[1])
            else:
                given, choice = chain([first], records), choice or articles.Choice()
                records = articles.records(given, report, taken=incoming.pages, choice=choice)
            incoming.take(records)
            report.bad.sort()
            report.skipped.sort()
            if report.bad and not skip_bad:
                raise Refused(why=f"строк с ошибками: {len(report.bad)}.", report=report)
            journal.record(
                "knowledge.imported",
                chain="knowledge",
                by=by,
                added=dict(report.made),
                skipped=len(report.skipped),
                problems=len(report.bad),
            )
            if dry_run:
                transaction.set_rollback(True)
    except BaseException:
        _forget(kept)
        raise
    if dry_run:
        _forget(kept)
    return report


def _forget(kept: Iterable[Document]) -> None:
    """Take back the files of an import that did not happen."""
    for document in kept:
        with suppress(OSError):
            document.file.storage.delete(document.file.name)


def _check_header(header: dict[str, Any]) -> None:
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        raise Refused(
            why=f"первая строка не «{FORMAT}» версии {VERSION}: файл другой программы или более новой версии."
        )


def _keys() -> dict[str, int]:
    """Return the pages there are, by their keys: «/», «section», «section/material»."""
    home = KnowledgeHome.objects.first()
    keys: dict[str, int] = {HOME: home.pk} if home else {}
    sections: dict[str, str] = {}
    for pk, path, slug in Section.objects.values_list("pk", "path", "slug"):
        sections[path], keys[slug] = slug, pk
    for pk, path, slug in Material.objects.values_list("pk", "path", "slug"):
        if section := sections.get(path[:-_STEP]):
            keys[f"{section}/{slug}"] = pk
    return keys


class _Outgoing:
    """Everything there is, as records."""

    def __init__(self, *, with_files: bool) -> None:
        self.with_files = with_files
        self.counted: Counter[str] = Counter()
        self.packed: dict[str, Document] = {}
        self.files: dict[int, str] = {}
        self.page_keys = {pk: key for key, pk in _keys().items()}
        self.people = dict(Employee.objects.values_list("pk", "username"))
        self.keys = Keys(
            {
                Page: self.page_keys,
                Document: self.files,
                Unit: dict(Unit.objects.values_list("pk", "name")),
                Function: dict(Function.objects.values_list("pk", "code")),
                Employee: self.people,
            },
            outward=True,
        )

    def records(self) -> Iterator[dict[str, Any]]:
        yield {"format": FORMAT, "version": VERSION, "files": self.with_files}
        for function in Function.objects.all():
            self.counted["функций"] += 1
            yield {"type": "function", **{name: _said(getattr(function, name)) for name in _FUNCTION}}
        yield from self._files()
        for model, word in ((Section, "разделов"), (Material, "материалов")):
            pages = model.objects.filter(pk__in=self.page_keys).order_by("path")
            numbers = list(pages.values_list("pk", flat=True))
            for start in range(0, len(numbers), 100):
                part = numbers[start : start + 100]
                versions: dict[str, list[Revision]] = defaultdict(list)
                for version in Revision.page_revisions.filter(object_id__in=list(map(str, part))).order_by("pk"):
                    versions[version.object_id].append(version)
                of_site = {one.pk: one for one in PublicVersion.objects.filter(pk__in=part)}
                checks: dict[int | None, list[ReviewItem]] = defaultdict(list)
                known = ReviewItem.objects.filter(material__in=part, state__in=_CHECKED).select_related("unit")
                for check in known.order_by("decided_at", "pk"):
                    checks[check.material_id].append(check)
                for page in pages.filter(pk__in=part).specific():
                    self.counted[word] += 1
                    record = self._page(page, versions[str(page.pk)], of_site.get(page.pk))
                    if checks[page.pk]:
                        record["checks"] = self._checks(checks[page.pk], versions[str(page.pk)])
                    yield record

    def pack(self, archive: zipfile.ZipFile) -> None:
        for name, document in self.packed.items():
            with document.open_file() as content, archive.open(name, "w", force_zip64=True) as place:
                shutil.copyfileobj(content, place)

    def _login(self, pk: int | None) -> str:
        return self.people.get(pk, "") if pk is not None else ""

    def _files(self) -> Iterator[dict[str, Any]]:
        met: Counter[str] = Counter()
        for document in Document.objects.order_by("pk"):
            record: dict[str, Any] = {"title": document.title, "name": document.filename, "size": None, "sha256": ""}
            with suppress(OSError), document.open_file() as content:
                record["sha256"], record["size"] = _digest(content)
            met[record["sha256"]] += 1
            again = met[record["sha256"]]
            key = record["sha256"] or "lost"
            key = self.files[document.pk] = key if again == 1 else f"{key}-{again}"
            if record["sha256"]:
                self.packed.setdefault(_place(record), document)
            self.counted["файлов"] += 1
            facts = {"at": _said(document.created_at), "by": self._login(document.uploaded_by_user_id)}
            yield {"type": "file", "key": key, **record, **facts}

    def _page(self, page: Page, versions: list[Revision], on_site: PublicVersion | None) -> dict[str, Any]:
        kind = type(page)
        numbers = {version.pk: number for number, version in enumerate(versions)}
        record = {
            "type": "section" if kind is Section else "material",
            **({} if kind is Section else {"kind": kind.__name__}),
            "key": self.page_keys[page.pk],
            "page": portable.translated(kind, portable.plain(page.serializable_data()), self.keys),
            "versions": [
                {
                    "at": _said(version.created_at),
                    "by": self._login(version.user_id),
                    "publish_at": _said(version.approved_go_live_at),
                    "content": portable.translated(kind, version.content, self.keys),
                }
                for version in versions
            ],
            "live_version": numbers.get(page.live_revision_id),
            "latest_version": numbers.get(page.latest_revision_id),
        }
        if on_site is not None and on_site.revision_id in numbers:
            record["on_site"] = {
                "version": numbers[on_site.revision_id],
                **{name: getattr(on_site, name) for name in _TEXTS_OF_PUBLIC},
                **{
                    name: [
                        {**piece, "html": portable.html_translated(piece["html"], self.keys)}
                        for piece in getattr(on_site, name)
                    ]
                    for name in _PIECES_OF_PUBLIC
                },
                "refers_to": [[self.page_keys[pk], place] for pk, place in on_site.refers_to if pk in self.page_keys],
                "files": [self.files[pk] for pk in on_site.documents.order_by("pk").values_list("pk", flat=True)],
                "by": self._login(on_site.pinned_by_id),
                "at": _said(on_site.pinned_at),
            }
        return record

    def _checks(self, checks: list[ReviewItem], versions: list[Revision]) -> list[dict[str, Any]]:
        numbers = {version.pk: number for number, version in enumerate(versions)}
        return [
            {
                "at": _said(check.decided_at),
                "by": self._login(check.decided_by_id),
                "unit": check.unit.name,
                "state": check.state,
                "version": numbers.get(check.revision or 0),
                **{name: getattr(check, name) for name in _TEXTS_OF_CHECK},
            }
            for check in checks
        ]


_FUNCTION: Final = ("code", "name", "valid_from", "valid_to")
_FILE: Final = frozenset({"type", "key", "title", "name", "size", "sha256", "at", "by"})
_PAGE: Final = frozenset(
    {"type", "kind", "key", "page", "versions", "live_version", "latest_version", "on_site", "checks"}
)
_TEXTS_OF_CHECK: Final = ("why", "note", "acts")
_CHECK: Final = frozenset({"at", "by", "unit", "state", "version", *_TEXTS_OF_CHECK})
_VERSION: Final = frozenset({"at", "by", "publish_at", "content"})
_ON_SITE: Final = frozenset({"version", *_TEXTS_OF_PUBLIC, *_PIECES_OF_PUBLIC, "refers_to", "files", "by", "at"})


@dataclass
class _Line:
    """A page of the file that was found fit, and what it cannot do without."""

    number: int
    key: str
    kind: type[Page]
    page: Content
    versions: list[dict[str, Any]]
    live: int | None
    latest: int | None
    on_site: dict[str, Any] | None
    checks: list[dict[str, Any]]
    needs: set[tuple[type[Any], Any]] = field(default_factory=set)

    @property
    def needs_pages(self) -> bool:
        """Tell whether the page is not whole before others and its files are there: it is saved once more then."""
        rows = any(self.page.get(name) for name in portable.rows_of(self.kind))
        return rows or any(model in (Page, Document) for model, _ in _asked(self.kind, self.page))


class _Incoming:
    """The full format taken in.

    Lines are read and judged; those fit settle what they need of each other; then pages are added as drafts, so that
    each has a number, and only then filled: what one leads to may come later in the file.
    """

    def __init__(
        self, source: Source, report: Report, kept: list[Document], *, home: KnowledgeHome, by: Employee | None
    ) -> None:
        self.source, self.report, self.kept, self.home, self.by = source, report, kept, home, by
        self.pages = _keys()
        self.files: dict[str, int] = {}
        self.absent: set[str] = set()  # files that are named, and whose bytes nobody has
        self.functions = dict(Function.objects.values_list("code", "pk"))
        self.people = dict(Employee.objects.values_list("username", "pk"))
        units = dict(Unit.objects.values_list("name", "pk"))
        self.keys = Keys(
            {Page: self.pages, Document: self.files, Unit: units, Function: self.functions, Employee: self.people}
        )
        self.without_pages = Keys({Unit: units, Function: self.functions, Employee: self.people})
        self.sections = {section.slug: section for section in Section.objects.all()}
        self.lines: dict[str, _Line] = {}

    def take(self, records: Iterable[tuple[int, dict[str, Any] | BadLine]]) -> None:
        """Take every line that can be taken."""
        for number, record in records:
            try:
                self._read(number, record)
            except (Unfit, BadLine) as wrong:
                self.report.bad.append(Told(number, str(wrong)))
            except RecursionError:
                self.report.bad.append(Told(number, "слишком много вложенных скобок"))
        self._settle()
        fit = sorted(self.lines.values(), key=lambda line: (line.kind is not Section, line.number))
        drafts = [(line, self._add(line)) for line in fit]
        for line, draft in drafts:
            self._fill(line, draft)
        index.renew(Material.objects.filter(pk__in=[draft.pk for _, draft in drafts]))
        imported = {f"material:{draft.pk}": {"row": line.number} for line, draft in drafts if line.kind is not Section}
        journal.record_each("material.imported", imported, by=self.by)

    def _read(self, number: int, record: dict[str, Any] | BadLine) -> None:
        if isinstance(record, BadLine):
            raise record
        portable.check_text(record)
        kind = record.get("type")
        if kind == "function":
            self._read_function(number, record)
        elif kind == "file":
            self._read_file(number, record)
        elif kind in ("section", "material"):
            self._read_page(number, record)
        else:
            raise Unfit("неизвестный тип строки: бывают function, file, section, material")

    def _read_function(self, number: int, record: dict[str, Any]) -> None:
        _only(record, {"type", *_FUNCTION})
        given = {name: record[name] for name in _FUNCTION if name in record}
        facts = portable.checked(Function, given)
        if facts.get("code") in self.functions:
            self.report.skipped.append(Told(number, f"функция «{facts['code']}» уже есть"))
            return
        function = Function(**facts)
        try:
            function.full_clean()
        except ValidationError as wrong:
            raise Unfit("; ".join(wrong.messages)) from wrong
        function.save()
        self.functions[function.code] = function.pk
        self.report.made["функций"] += 1

    def _read_file(self, number: int, record: dict[str, Any]) -> None:
        _only(record, _FILE)
        for name in ("key", "title", "name", "sha256", "by"):
            _text(record, name, 255)
        key, sha256 = record["key"], record["sha256"]
        if not key or key in self.files or key in self.absent:
            raise Unfit("key: пусто или уже было в этом файле")
        name = get_valid_filename(os.path.basename(record["name"].replace("\\", "/")).strip(". ") or "file")
        if known := self._same_file(record):
            self.files[key] = known.pk
            self.report.skipped.append(Told(number, f"файл «{record['title']}» уже есть"))
            return
        content = self.source.file(_place(record), sha256=sha256) if sha256 else None
        if content is None:
            if self.source.archive is not None and sha256:
                raise Unfit(f"файла {_place(record)} нет в архиве")
            self.absent.add(key)
            self.report.notes["файлов без содержания: вложения и ссылки на них опущены"] += 1
            return
        self.files[key] = self._keep(record, name, content)
        self.report.made["файлов"] += 1

    def _keep(self, record: dict[str, Any], name: str, content: bytes) -> int:
        with tempfile.NamedTemporaryFile() as spool:
            spool.write(content)
            spool.flush()
            if problem := sniffing.problem(Path(spool.name), name, inert=True):
                raise Unfit(f"файл «{name[:100]}»: {problem.why}")
        document = Document(title=record["title"] or name, uploaded_by_user_id=self._person(record["by"]))
        document.file = ContentFile(content, name=name)
        document.file_size = len(content)
        try:
            document.full_clean(exclude=["uploaded_by_user"])
        except ValidationError as wrong:
            raise Unfit(f"файл «{name[:100]}»: {' '.join(wrong.messages)}") from wrong
        document._set_document_file_metadata()
        document.save()
        self.kept.append(document)
        if at := _moment(record.get("at"), "at"):
            Document.objects.filter(pk=document.pk).update(created_at=at)
        return int(document.pk)

    def _same_file(self, record: dict[str, Any]) -> Document | None:
        """Return a file of the same title and the same bytes that was here before."""
        mine = set(self.files.values())
        for document in Document.objects.filter(title=record["title"]).exclude(pk__in=mine):
            with suppress(OSError), document.open_file() as content:
                if _digest(content)[0] == record["sha256"]:
                    return document
        return None

    def _read_page(self, number: int, record: dict[str, Any]) -> None:
        _only(record, _PAGE)
        name = "Section" if record["type"] == "section" else record.get("kind")
        kind = _KINDS.get(name) if isinstance(name, str) else None
        if kind is None or (kind is Section) != (record["type"] == "section"):
            raise Unfit(f"kind: неизвестный вид материала. Бывают: {', '.join(one.__name__ for one in KINDS)}")
        _text(record, "key", 520)
        key: str = record["key"]
        section, slash, slug = key.rpartition("/")
        if not slug or bool(slash) != (kind is not Section) or "/" in section or (slash and not section):
            raise Unfit("key: у раздела это его адрес, у материала — адрес раздела, «/» и адрес материала")
        if key in self.lines:
            raise Unfit(f"«{key}» в этом файле уже был")
        if key in self.pages:
            self.report.skipped.append(Told(number, f"«{key}» уже есть"))
            return
        page = portable.checked(kind, record.get("page"))
        if page.setdefault("slug", slug) != slug:
            raise Unfit("page.slug: не тот же, что в key")
        page.setdefault("live", False)
        page.setdefault("draft_title", page.get("title", ""))
        if "versions" not in record:
            record = {**record, "versions": [self._first_version(page)]}
        line = _Line(number, key, kind, page, self._versions(kind, record), None, None, None, [])
        last = len(line.versions) - 1
        line.live = _place_of(record, "live_version", line.versions, usual=last if page.get("live") else None)
        line.latest = _place_of(record, "latest_version", line.versions, usual=last)
        line.on_site = self._on_site(kind, record.get("on_site"), line.versions)
        line.checks = self._checks(kind, record, line.versions)
        self._check(line)
        line.needs = _needs(line)
        if slash:
            line.needs.add((Page, section))
        self.lines[key] = line

    def _first_version(self, page: Content) -> dict[str, Any]:
        """Return what a line written by hand says as its first version, by whoever brought it."""
        now, by = datetime.now(tz=UTC).isoformat(), self.by.username if self.by else ""
        page |= {"latest_revision_created_at": now, "has_unpublished_changes": not page["live"]}
        page.setdefault("owner", by or None)
        if page["live"]:
            page |= {"first_published_at": now, "last_published_at": now}
        return {"at": now, "by": by, "publish_at": None, "content": dict(page)}

    def _versions(self, kind: type[Page], record: dict[str, Any]) -> list[dict[str, Any]]:
        versions = []
        given = record.get("versions")
        if not isinstance(given, list) or len(given) > _MOST_VERSIONS:
            raise Unfit(f"versions: ждали список, не длиннее {_MOST_VERSIONS}")
        for one in given:
            if not isinstance(one, dict):
                raise Unfit("versions: ждали наборы полей в фигурных скобках")
            _only(one, _VERSION)
            _text(one, "by", 150)
            content = portable.checked(kind, one.get("content"))
            if issubclass(kind, Material) and content.get("mark", kind.usual_mark) not in kind.marks:
                raise Unfit(kind.why_marks or "mark: неизвестное значение")
            if _moment(one.get("at"), "at") is None:
                raise Unfit("versions: at: не заполнено")
            _moment(one.get("publish_at"), "publish_at")
            versions.append({**one, "content": content})
        return versions

    def _on_site(self, kind: type[Page], given: object, versions: list[Any]) -> dict[str, Any] | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            raise Unfit("on_site: ждали набор полей в фигурных скобках")
        if not issubclass(kind, Material) or Mark.PUBLIC not in kind.marks:
            raise Unfit("on_site: материалы этого вида на сайте не бывают")
        _only(given, _ON_SITE)
        if _place_of(given, "version", versions, usual=None) is None:
            raise Unfit("on_site: не сказано, какая версия на сайте")
        for name in (*_TEXTS_OF_PUBLIC, "by"):
            _text(given, name, {"title": 255, "brief_heading": 100, "by": 150}.get(name))
        _moment(given.get("at"), "at")
        pieces = {name: [_piece(one) for one in _list(given, name)] for name in _PIECES_OF_PUBLIC}
        for row in _list(given, "refers_to"):
            if not (isinstance(row, list) and len(row) == 2 and all(isinstance(one, str) for one in row)):
                raise Unfit("on_site.refers_to: ждали пары [ключ материала, место]")
        if not all(isinstance(one, str) for one in _list(given, "files")):
            raise Unfit("on_site.files: ждали ключи файлов")
        return {**given, **pieces}

    def _checks(self, kind: type[Page], record: dict[str, Any], versions: list[Any]) -> list[dict[str, Any]]:
        """Return who has checked the material and when, as its former Knowledge Base says."""
        checks = _list(record, "checks")
        if checks and not issubclass(kind, Material):
            raise Unfit("checks: проверяют материалы, не разделы")
        if len(checks) > _MOST_VERSIONS:
            raise Unfit(f"checks: ждали список, не длиннее {_MOST_VERSIONS}")
        for one in checks:
            if not isinstance(one, dict):
                raise Unfit("checks: ждали наборы полей в фигурных скобках")
            _only(one, _CHECK)
            for name in (*_TEXTS_OF_CHECK, "by", "unit"):
                _text(one, name, {"by": 150, "unit": 500}.get(name))
            if one.get("state") not in _CHECKED:
                raise Unfit(f"checks: state: бывает {' или '.join(_CHECKED)}")
            if (at := _moment(one.get("at"), "at")) is None or at > datetime.now(tz=UTC):
                raise Unfit("checks: at: ждали время проверки, которая уже была")
            _place_of(one, "version", versions, usual=None)
        return checks

    def _check(self, line: _Line) -> None:
        """Judge the page itself: published, it must be whole; a draft may have gaps, but no forbidden mark."""
        page = self._built(line, self.without_pages)
        if not page.title.strip():
            raise Unfit("title: не заполнено")
        portable.check_nothing_missing(page, line.page)
        if isinstance(page, Material) and page.mark not in page.marks:
            raise Unfit(page.why_marks or "mark: неизвестное значение")
        if page.live:
            portable.check_whole(page)
        if any(row.get("target") == line.key for row in line.page.get("references", ())):
            raise Unfit("references: материал ссылается сам на себя")

    def _settle(self) -> None:
        """Put aside the lines that lead to what is neither here nor in the file, and then those that led to them."""
        while True:
            lost = {line.key: why for line in self.lines.values() if (why := self._lacks(line))}
            for key, why in lost.items():
                self.report.bad.append(Told(self.lines.pop(key).number, why))
            if not lost:
                return

    def _lacks(self, line: _Line) -> str:
        for model, key in line.needs:
            if key in ("", None) or (model is Page and key in self.lines) or model is Employee:
                continue
            if model is Document and key in self.absent:
                continue
            if self.keys.get(model, key) is None:
                return f"{_WORDS[model]} «{str(key)[:100]}» нет"
        return ""

    def _built(self, line: _Line, keys: Keys, *, pk: int | None = None) -> Page:
        content = portable.numbered(portable.translated(line.kind, line.page, keys), pk)
        built: Page = line.kind.from_serializable_data(content, check_fks=False)
        return built

    def _add(self, line: _Line) -> Page:
        page = self._built(line, self.without_pages)
        for name in portable.rows_of(line.kind):
            setattr(page, name, [])
        page.live = False
        section = line.key.rpartition("/")[0]
        parent: Page = self.sections[section] if section else self.home
        try:
            parent.add_child(instance=page)
        except ValidationError as wrong:
            raise Refused(why=f"строка {line.number}: {'; '.join(wrong.messages)}") from wrong
        self.pages[line.key] = page.pk
        if isinstance(page, Section):
            self.sections[line.key] = page
        self.report.made["разделов" if line.kind is Section else "материалов"] += 1
        return page

    def _fill(self, line: _Line, draft: Page) -> None:
        page = self._built(line, self.keys, pk=draft.pk)
        portable.put_in_place(page, draft)
        live, page.live = page.live, False
        if line.needs_pages:
            page.save(clean=False)
        # Of the page itself only what is made anew: a version older than a field keeps its silence about it.
        of_fields = {*portable.fields_of(line.kind), *portable.rows_of(line.kind)}
        technical = portable.plain(page.serializable_data())
        technical = {name: value for name, value in technical.items() if name not in of_fields}
        of_page = {"content_type": ContentType.objects.get_for_model(line.kind), "object_id": str(page.pk)}
        versions = Revision.objects.bulk_create(
            [
                Revision(
                    **of_page,
                    base_content_type=ContentType.objects.get_for_model(Page),
                    created_at=_moment(one["at"], "at"),
                    user_id=self._person(one["by"]),
                    object_str=str(one["content"].get("title", "")),
                    approved_go_live_at=_moment(one.get("publish_at"), "publish_at"),
                    content={
                        **technical,
                        **portable.numbered(portable.translated(line.kind, one["content"], self.keys), page.pk),
                    },
                )
                for one in line.versions
            ]
        )
        self.report.made["версий"] += len(versions)
        # Wagtail's history offers to compare and bring back what its log names; our journal has a line of its own.
        PageLogEntry.objects.bulk_create(
            PageLogEntry(
                page_id=page.pk,
                content_type=of_page["content_type"],
                label=version.object_str,
                action="wagtail.edit",
                timestamp=version.created_at,
                user_id=version.user_id,
                revision=version,
                content_changed=True,
            )
            for version in versions
        )
        Page.objects.filter(pk=page.pk).update(
            live=live,
            live_revision=None if line.live is None else versions[line.live],
            latest_revision=None if line.latest is None else versions[line.latest],
        )
        if line.on_site is not None:
            self._let_out(page.pk, line.on_site, versions)
        if line.checks:
            self._bring_checks(page, line, versions)

    def _bring_checks(self, page: Page, line: _Line, versions: list[Revision]) -> None:
        keeper = self.sections[line.key.rpartition("/")[0]].unit_id
        rows = []
        for one in line.checks:
            at, number = _moment(one["at"], "at"), _place_of(one, "version", versions, usual=None)
            assert at is not None
            rows.append(
                ReviewItem(
                    material_id=page.pk,
                    title=page.title,
                    unit_id=self.keys.get(Unit, one["unit"]) or keeper,
                    cause=ReviewItem.Cause.BROUGHT,
                    due_on=timezone.localdate(at),
                    state=one["state"],
                    decided_at=at,
                    decided_by_id=self._person(one["by"]),
                    revision=None if number is None else versions[number].pk,
                    **{name: one[name] for name in _TEXTS_OF_CHECK},
                )
            )
        self.report.made["проверок"] += len(ReviewItem.objects.bulk_create(rows))

    def _let_out(self, pk: int, given: dict[str, Any], versions: list[Revision]) -> None:
        version = PublicVersion.objects.create(
            material_id=pk,
            revision=versions[given["version"]],
            **{name: given[name] for name in _TEXTS_OF_PUBLIC},
            **{
                name: [{**one, "html": portable.html_translated(one["html"], self.keys)} for one in given[name]]
                for name in _PIECES_OF_PUBLIC
            },
            refers_to=[[self.pages[key], place] for key, place in given["refers_to"]],
            pinned_by_id=self._person(given["by"]),
            pinned_at=_moment(given.get("at"), "at") or datetime.now(tz=UTC),
        )
        version.documents.set([self.files[key] for key in given["files"] if key in self.files])
        self.report.made["версий на сайте"] += 1

    def _person(self, login: str) -> int | None:
        if login and login not in self.people:
            self.report.notes[f"нет сотрудника с логином «{login[:60]}»: его имя при версиях опущено"] += 1
        return self.people.get(login)


def _asked(kind: type[Page], content: Content) -> set[tuple[type[Any], Any]]:
    asked = Asked()
    portable.translated(kind, content, asked)
    return asked.all


def _needs(line: _Line) -> set[tuple[type[Any], Any]]:
    asked = Asked()
    for content in (line.page, *(one["content"] for one in line.versions)):
        asked.all |= _asked(line.kind, content)
    if line.on_site is not None:
        for name in _PIECES_OF_PUBLIC:
            for piece in line.on_site[name]:
                portable.html_translated(piece["html"], asked)
        asked.all |= {(Page, key) for key, _ in line.on_site["refers_to"]}
        asked.all |= {(Document, key) for key in line.on_site["files"]}
    return asked.all


def _only(record: dict[str, Any], known: Iterable[str]) -> None:
    if unknown := sorted(set(record) - set(known)):
        raise Unfit(f"неизвестные поля: {', '.join(unknown)[:200]}")


def _text(record: dict[str, Any], name: str, longest: int | None) -> None:
    value = record.setdefault(name, "")
    if not isinstance(value, str) or (longest and len(value) > longest):
        raise Unfit(f"{name}: ждали текст в кавычках" + (f", не длиннее {longest} знаков" if longest else ""))


def _list(record: dict[str, Any], name: str) -> list[Any]:
    value = record.setdefault(name, [])
    if not isinstance(value, list):
        raise Unfit(f"{name}: ждали список")
    return value


def _piece(given: object) -> dict[str, str]:
    """Return a piece of what is on the site; its rich text cleaned, its address one of the web."""
    if not isinstance(given, dict):
        raise Unfit("on_site: ждали наборы полей в фигурных скобках")
    _only(given, ("heading", "text", "html", "url"))
    for name in ("heading", "text", "html", "url"):
        _text(given, name, None)
    try:
        if given["url"] and urlsplit(given["url"]).scheme not in ("http", "https"):
            raise Unfit("on_site: url: ждали адрес http:// или https://")
    except ValueError:
        raise Unfit("on_site: url: не адрес") from None
    return {**given, "html": portable.clean_html(given["html"])}


def _place_of(record: dict[str, Any], name: str, versions: list[Any], *, usual: int | None) -> int | None:
    value = record.get(name, usual)
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(versions):
        raise Unfit(f"{name}: такой версии нет. Первая — 0, последняя — {len(versions) - 1}")
    return value


def _moment(value: object, name: str) -> datetime | None:
    """Return a moment of time with its zone."""
    if value is None:
        return None
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unfit(f"{name}: ждали время с поясом, например «2026-01-31T09:00:00+00:00»")


def _said(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _digest(content: IO[bytes]) -> tuple[str, int]:
    sha256, size = hashlib.sha256(), 0
    while part := content.read(1024 * 1024):
        sha256.update(part)
        size += len(part)
    return sha256.hexdigest(), size


def _place(record: dict[str, Any]) -> str:
    """Return where in an archive the bytes of a file are."""
    return f"files/{record['sha256']}/{record['name']}"
