"""For auditors: both journals with filters, a check of their chains in plain words, and tables to take away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from otklik.appeals import access
from otklik.appeals.models import Appeal
from otklik.core import files, journal, sheets, typed
from otklik.core.access import requires
from otklik.core.actions import fact, name_of, told
from otklik.core.errors import DomainError
from otklik.core.hours import midnight
from otklik.core.models import AccessEntry, ChainedEntry, JournalEntry
from otklik.people.models import Employee
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 100
MOST_EXPORTED: Final = 50_000
MOST_SHOWN: Final = 200  # problems; more of them say no more
FILTERS: Final = ("number", "applicant", "about", "actor", "action", "first", "last")
# Under these names the journal keeps an employee's row other than who acted.
STAFF_FACTS: Final = ("executor", "signer", "deputy", "employee")
STAFF_LISTS: Final = ("approvers", "helpers")
FREE_WORDS: Final = ("reason",)  # typed by a person: read on the page, not carried away in tables
HEADINGS: Final = ("Когда", "Кто", "За кого", "Что", "Код действия", "Цепочка", "Номер в цепочке", "Сведения", "Хеш")


class TooMany(DomainError):
    """The filter shows more than a table can carry."""

    code = "journal.too_many"
    text = "По этим условиям записей {number}, а в таблицу помещается {most}. Сузьте период и выгрузите по частям."


@dataclass(frozen=True)
class Log:
    """One of the two journals as pages show it."""

    kind: type[ChainedEntry]
    name: str
    page: str
    export: str


CHANGES: Final = Log(JournalEntry, "Журнал изменений", "workplace:journal", "workplace:journal_export")
LOOKS: Final = Log(AccessEntry, "Журнал доступа", "workplace:access_log", "workplace:access_export")


@requires("journal.view")
@require_GET
def changes(request: StaffRequest) -> HttpResponse:
    """Show changes, newest first, filtered by appeal, applicant, people, action and dates."""
    appeal = _asked_appeal(request)
    context = _page(request, CHANGES) | {
        "appeal": appeal,
        "problems": journal.verify_chain(f"appeal:{appeal.pk}") if appeal else None,
    }
    return render(request, "workplace/journal.html", context)


@requires("journal.view")
@require_GET
def looks(request: StaffRequest) -> HttpResponse:
    """Show who opened what of whose personal data and why, newest first; asked by an appeal or an applicant too."""
    context = _page(request, LOOKS)
    seen = {row.pk: _appeal_of(row) for row in context["page"]}
    appeals = Appeal.objects.in_bulk([pk for pk in seen.values() if pk])
    opening = set(access.visible_to(request.user).filter(pk__in=appeals).values_list("pk", flat=True))
    for row in context["page"]:
        row.appeal = appeals.get(seen[row.pk] or 0)
        row.opens = seen[row.pk] in opening
    return render(request, "workplace/access_log.html", context)


@requires("journal.view")
@require_POST
def verify(request: StaffRequest) -> HttpResponse:
    """Check both journals from end to end and say in plain words what was found, row by row."""
    found = journal.examine()
    journal.looked("journal.verified", by=request.user, rows=found.rows, problems=len(found.problems))
    context = {
        "found": found,
        "problems": [_told(problem) for problem in found.problems[:MOST_SHOWN]],
        "more": max(0, len(found.problems) - MOST_SHOWN),
    }
    return render(request, "workplace/journal_verified.html", context)


@requires("journal.view")
@require_GET
def export_changes(request: StaffRequest) -> HttpResponseBase:
    """Hand out what the filter shows of the changes, as a table; leaves a look of its own."""
    return _export(request, CHANGES)


@requires("journal.view")
@require_GET
def export_looks(request: StaffRequest) -> HttpResponseBase:
    """Hand out what the filter shows of the looks, as a table; leaves a look of its own."""
    return _export(request, LOOKS)


@requires("journal.view")
@require_GET
def seals(request: StaffRequest) -> HttpResponse:
    """Hand out the seals of days, to be kept where nobody of this machine reaches."""
    lines = [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in journal.taken()]
    journal.looked("journal.seals_taken", by=request.user, seals=len(lines))
    return _file("\n".join([*lines, ""]).encode(), "application/x-ndjson", f"pechati-{timezone.localdate()}.jsonl")


def _export(request: StaffRequest, log: Log) -> HttpResponseBase:
    rows = _filtered(request, log)
    if (number := rows.count()) > MOST_EXPORTED:
        raise TooMany(number=number, most=MOST_EXPORTED)
    asked = {name: request.GET[name] for name in FILTERS if request.GET.get(name) and name != "number"}
    if appeal := _asked_appeal(request):
        asked["appeal"] = str(appeal.pk)
    journal.looked("journal.exported", by=request.user, log=log.kind._meta.model_name, rows=number, asked=asked)
    name = f"{'zhurnal' if log is CHANGES else 'dostup'}-{timezone.localdate()}"
    if request.GET.get("format") == "xlsx":
        return _file(sheets.xlsx(_table(rows), title=log.name), sheets.XLSX, f"{name}.xlsx")
    return files.download(StreamingHttpResponse(sheets.csv_lines(_table(rows)), content_type=sheets.CSV), f"{name}.csv")


def _table(rows: QuerySet[Any]) -> Iterator[Iterable[object]]:
    yield HEADINGS
    for row in rows.iterator(chunk_size=2000):
        yield (
            timezone.localtime(row.at).strftime("%d.%m.%Y %H:%M:%S"),
            row.actor.short_name if row.actor else "система",
            row.on_behalf_of.short_name if row.on_behalf_of else "",
            name_of(row.action),
            row.action,
            row.chain,
            row.seq,
            "; ".join(f"{fact(name)}: {_exported(name, value)}" for name, value in row.data.items()),
            row.hash,
        )


def _exported(name: str, value: object) -> str:
    if name in FREE_WORDS:
        return "указано" if value else ""
    return told(value)


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    return files.download(HttpResponse(content, content_type=kind), name)


def _told(problem: journal.Problem) -> dict[str, str]:
    """Return a problem with the words for its chain and the page that shows its rows."""
    kind, _, pk = problem.chain.partition(":")
    link = ""
    if kind == "appeal" and (appeal := Appeal.objects.filter(pk=typed.number(pk) or 0).first()):
        chain, link = f"обращение № {appeal.number}", f"{reverse('workplace:journal')}?number={appeal.number}"
    elif kind == "access":
        chain, link = f"доступ за {pk}", f"{reverse('workplace:access_log')}?first={pk}&last={pk}"
    else:
        chain = problem.chain
    return {"chain": chain, "link": link, "row": str(problem.seq or ""), "text": problem.text}


def _asked_appeal(request: StaffRequest) -> Appeal | None:
    number = request.GET.get("number", "").strip()
    return Appeal.objects.filter(number=number).first() if number else None


def _appeal_of(look: AccessEntry) -> int | None:
    """Return the appeal a look was at, or was taken over."""
    kind, _, pk = str(look.data.get("about", "")).partition(":")
    over = int(pk) if kind == "appeal" and pk.isdecimal() else None
    return look.data.get("appeal") or over


def _actions(kind: type[ChainedEntry]) -> list[tuple[str, str]]:
    met = kind.objects.order_by("action").values_list("action", flat=True).distinct()
    return sorted(((action, name_of(action)) for action in met), key=itemgetter(1))


def _filtered(request: StaffRequest, log: Log) -> QuerySet[Any]:
    """Return the rows that the page's filter shows, newest first; the table carries the same."""
    asked, rows = request.GET, log.kind.objects.all()
    if asked.get("number"):
        appeal = _asked_appeal(request)
        rows = rows.filter(_at_appeals([appeal.pk], log)) if appeal else rows.none()
    if (applicant := typed.number(asked.get("applicant"))) is not None:
        its = list(Appeal.objects.filter(applicant=applicant).values_list("pk", flat=True))
        person = Q(chain=f"applicant:{applicant}") | Q(data__applicant=applicant) | Q(data__merged=applicant)
        rows = rows.filter(person | _at_appeals(its, log))
    if (about := typed.number(asked.get("about"))) is not None:
        rows = rows.filter(_at_employee(about))
    if actor := typed.number(asked.get("actor")):
        rows = rows.filter(actor=actor)
    if asked.get("action"):
        rows = rows.filter(action=asked["action"])
    if first := typed.day(asked.get("first")):
        rows = rows.filter(at__gte=midnight(first))
    if last := typed.day(asked.get("last")):
        rows = rows.filter(at__lt=midnight(last, 1))
    return rows.select_related("actor", "on_behalf_of").order_by("-at", "-id")


def _at_appeals(pks: list[int], log: Log) -> Q:
    """Return the condition «a row about one of these appeals»."""
    if log is CHANGES:
        return Q(chain__in=[f"appeal:{pk}" for pk in pks])
    return Q(data__appeal__in=pks) | Q(data__about__in=[f"appeal:{pk}" for pk in pks])


def _at_employee(pk: int) -> Q:
    """Return the condition «a row about this employee», whoever acted."""
    found = Q(chain=f"employee:{pk}") | Q(on_behalf_of=pk)
    for name in STAFF_FACTS:
        found |= Q(**{f"data__{name}": pk})
    for name in STAFF_LISTS:
        for place in range(10):  # no list of the journal is longer; `contains` is not asked of SQLite
            found |= Q(**{f"data__{name}__{place}": pk})
    return found


def _page(request: StaffRequest, log: Log) -> dict[str, Any]:
    kept = request.GET.copy()
    kept.pop("page", None)
    return {
        "page": Paginator(_filtered(request, log), PER_PAGE).get_page(request.GET.get("page")),
        "asked": request.GET,
        "kept": kept.urlencode(),
        "employees": Employee.objects.all(),
        "actions": _actions(log.kind),
        "export": reverse(log.export),
        "most": MOST_EXPORTED,
    }
