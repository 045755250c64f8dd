"""«Качество поиска» (п. 37): how well search answers, night by night; test sets; the confidence learnt from readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from otklik.appeals import access, signals
from otklik.core import typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.knowledge import finding, materials, quality, rights, test_sets
from otklik.knowledge.confirmed import Asked
from otklik.knowledge.models import Audience, Material, SearchCase, SearchRun, TestSet
from otklik.knowledge.quality import GROUPS, OUTCOMES, Tally
from otklik.search import calibration
from otklik.search.calibration import Measured
from otklik.search.models import ConfidenceModel
from otklik.workplace import kb_votes
from otklik.workplace.requests import StaffRequest

READERS: Final = kb_votes.READERS
PER_PAGE: Final = 50
NIGHTS: Final = 30
ATTEMPTS: Final = 10
NAME_MAX: Final = 120
# The chart, in units of its own: it is drawn as wide as the page lets it.
WIDTH, HEIGHT, FOOT, HEAD = 720, 200, 24, 20
_LABELS: Final = 10  # figures and days written on the chart: more would touch


@dataclass(frozen=True)
class Bar:
    """One night of the chart: a bar to the share among the first three, a mark at the share on the first place."""

    words: str
    x: int
    width: int
    y: int
    height: int
    first_y: int | None
    label: str

    @property
    def middle(self) -> int:
        """Return where its words stand."""
        return self.x + self.width // 2


@requires(*READERS)
@require_safe
def search_quality(request: StaffRequest) -> HttpResponse:
    """Show the last night, the nights before it, groups of questions, and the confidence in use."""
    nights = quality.nights(NIGHTS)
    last = nights[-1] if nights else None
    today = timezone.localdate()
    month = finding.Scope(Audience.STAFF, today - timedelta(days=NIGHTS), today)
    context = {
        "last": last,
        "tally": quality.tally(last) if last else Tally({}),
        "drift": quality.drift(nights),
        "nights": [(run, quality.tally(run)) for run in reversed(nights)],
        "bars": list(_bars(nights)),
        "chart": {"width": WIDTH, "height": HEIGHT, "base": HEIGHT - FOOT},
        "groups": _groups(last) if last else (),
        "took": finding.figures(month),
        "days": NIGHTS,
        "sets": TestSet.objects.count(),
        **_confidence(),
        "may_set": request.user.has_power(rights.CHIEF),
    }
    return render(request, "workplace/kb/search_quality.html", context)


@requires(*READERS)
@require_safe
def run(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the very questions a figure counts, each with the place of what it was to find."""
    one = get_object_or_404(SearchRun.objects.select_related("test_set"), pk=pk, finished_at__isnull=False)
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    asked = {group: request.GET[group][:40] for group in GROUPS if group in request.GET}
    if asked.get("section") and typed.number(asked["section"]) is None:
        del asked["section"]
    page = Paginator(quality.cases(one, outcome, **asked), PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    before = quality.places_before(one)
    context = {
        "run": one,
        "tally": quality.tally(one),
        "groups": _groups(one) if one.test_set else (),
        "page": page,
        "lines": list(_lines(request, shown, before)),
        "compared": bool(before),
        "outcome": OUTCOMES[outcome][0] if outcome else "",
        "outcomes": [(code, words, _query(asked, outcome=code)) for code, (words, _) in OUTCOMES.items()],
        "chosen": outcome,
        "narrowed": [_named(one, group, code) for group, code in asked.items()],
        "every": _query(asked),
        "query": f"{_query(asked, outcome=outcome)}&" if asked or outcome else "",
        "gone": not one.cases.exists(),
        "places": quality.PLACES,
    }
    return render(request, "workplace/kb/search_run.html", context)


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def sets(request: StaffRequest) -> HttpResponse:
    """Show the test sets with their last figures; a POST brings one more."""
    refusal: DomainError | None = None
    may_set = request.user.has_power(rights.CHIEF)
    name = " ".join(request.POST.get("name", "").split())[:NAME_MAX]
    if request.method == "POST":
        if not may_set:
            raise Http404
        try:
            return _brought(request, name)
        except DomainError as exc:
            refusal = exc
    rows = TestSet.objects.annotate(number=Count("queries")).order_by("-pk").select_related("by")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    last: dict[int, SearchRun] = {}
    for each in SearchRun.objects.filter(test_set__in=list(page.object_list), finished_at__isnull=False).order_by("pk"):
        last[each.test_set_id or 0] = each
    wrong = getattr(refusal, "lines", [])
    context = {
        "page": page,
        "sets": [(one, last.get(one.pk), quality.tally(last[one.pk]) if one.pk in last else None) for one in page],
        "may_set": may_set,
        "refusal": refusal,
        "wrong": wrong[: test_sets.SHOWN],
        "more": len(wrong) - test_sets.SHOWN,
        "name": name,
        "name_max": NAME_MAX,
        "most": test_sets.MOST,
    }
    return render(request, "workplace/kb/test_sets.html", context, status=refusal.status if refusal else 200)


class NoFile(DomainError):
    """No file was chosen."""

    code = "quality.no_file"
    text = "Выберите файл с вопросами: .jsonl или таблицу .xlsx."


def _brought(request: StaffRequest, name: str) -> HttpResponse:
    if (upload := request.FILES.get("list")) is None:
        raise NoFile
    file_name = upload.name or ""
    queries = test_sets.read(upload, file_name)
    row = quality.keep_set(name or file_name[:NAME_MAX], queries, by=request.user)
    quality.begin(row, by=request.user)
    messages.success(request, f"Набор загружен, вопросов: {len(queries)}. Проверка началась.")
    return redirect("workplace:test_set", pk=row.pk)


@requires(*READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def test_set(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the runs of a set beside each other; a POST runs it again, or removes it."""
    row = get_object_or_404(TestSet.objects.select_related("by"), pk=pk)
    if request.method == "POST":
        if not request.user.has_power(rights.CHIEF):
            raise Http404
        if "remove" in request.POST:
            quality.remove_set(row, by=request.user)
            messages.success(request, f"Набор «{row.name}» удалён вместе с проверками.")
            return redirect("workplace:test_sets")
        try:
            quality.begin(row, by=request.user)
        except quality.AlreadyRunning as refusal:
            messages.warning(request, str(refusal))
        return redirect("workplace:test_set", pk=pk)
    return render(request, "workplace/kb/test_set.html", _set_context(request, row))


@by_itself
@requires(*READERS)
@require_safe
def set_progress(request: StaffRequest, pk: int) -> HttpResponse:
    """Show how far the run of a set is; the page asks every second while it goes on."""
    row = get_object_or_404(TestSet.objects.select_related("by"), pk=pk)
    return render(request, "workplace/kb/test_set.html#runs", _set_context(request, row))


def _set_context(request: StaffRequest, row: TestSet) -> dict[str, Any]:
    runs = list(row.runs.order_by("-pk").select_related("by")[:NIGHTS])
    done = [(one, quality.tally(one)) for one in runs if one.finished_at]
    return {
        "set": row,
        "number": row.queries.count(),
        "going": next((one for one in runs if one.finished_at is None), None),
        "runs": [(one, tally, _change(tally, done[at + 1 :])) for at, (one, tally) in enumerate(done)],
        "may_set": request.user.has_power(rights.CHIEF),
    }


def _change(tally: Tally, earlier: Sequence[tuple[SearchRun, Tally]]) -> int | None:
    """Return by how many points the share among the first three differs from the run before."""
    before = earlier[0][1].three if earlier else None
    return tally.three - before if before is not None and tally.three is not None else None


@requires(rights.CHIEF)
@require_POST
def confidence(request: StaffRequest) -> HttpResponse:
    """Go back to the shipped confidence, or let it be trained again."""
    try:
        if "resume" in request.POST:
            calibration.resume(by=request.user)
            messages.success(request, "Переобучение снова включено: новая модель появится в одну из ближайших ночей.")
        elif "back" in request.POST:
            calibration.go_back(by=request.user)
            messages.success(request, "Работает поставляемая уверенность. Переобучение остановлено.")
    except DomainError as refusal:
        messages.warning(request, str(refusal))
    return redirect("workplace:search_quality")


def _confidence() -> dict[str, Any]:
    used = calibration.in_use()
    return {
        "used": used,
        "stopped": used is not None and used.by_id is not None,
        "too_few": calibration.too_few(quality.examples()),
        "attempts": [
            (row, Measured(**row.figures["mine"]), Measured(**row.figures["shipped"]))
            for row in ConfidenceModel.objects.filter(questions__gt=0).order_by("-pk")[:ATTEMPTS]
        ],
        "fewest": calibration.FEWEST,
        "fewest_negative": calibration.FEWEST_NEGATIVE,
    }


def _groups(one: SearchRun) -> list[tuple[str, str, list[tuple[str, Tally, str]]]]:
    """Return the tables of a run: code, heading, lines of words, figures and the address line of their questions."""
    return [
        (group, words, [(said, tally, urlencode({group: code})) for code, said, tally in quality.by_group(one, group)])
        for group, words in GROUPS.items()
        if group != "source" or one.day  # a set has one source
    ]


def _named(one: SearchRun, group: str, code: str) -> str:
    known = {name: said for name, said, _ in quality.by_group(one, group)}
    return f"{GROUPS[group].lower()}: {known.get(code, code or 'нет')}"


def _query(asked: dict[str, str], **more: str) -> str:
    return urlencode({**asked, **more})


def _lines(
    request: StaffRequest, shown: Sequence[SearchCase], before: dict[str, int | None]
) -> Iterator[dict[str, Any]]:
    """Yield questions as the list shows them: titles of those who may read them, an appeal of who may see it."""
    pages = {page for one in shown for page in (*one.pages, one.first) if page}
    titles = dict(Material.objects.filter(pk__in=pages).values_list("pk", "title")) if pages else {}
    readable = set(materials.for_staff(request.user).filter(pk__in=pages).values_list("pk", flat=True))
    named = {pk for one in shown if (pk := signals.appeal_of(one.reference)) is not None}
    seen = access.visible_to(request.user).in_bulk(named) if named else {}
    for one in shown:
        yield {
            "case": one,
            "kind": quality.KINDS.get(one.kind, one.kind),
            "source": Asked(one.source).label,
            "appeal": seen.get(signals.appeal_of(one.reference) or 0),
            "pages": [(page, titles[page]) for page in one.pages if page in titles and page in readable],
            "first": (one.first, titles[one.first]) if one.first in titles and one.first in readable else None,
            "was": before.get(one.code) if before else None,
            "changed": bool(before) and one.code in before and before[one.code] != one.place,
        }


def _bars(nights: Sequence[SearchRun]) -> Iterator[Bar]:
    if not nights:
        return
    step, every = WIDTH / max(len(nights), 7), -(-len(nights) // _LABELS)
    for number, one in enumerate(nights):
        tally = quality.tally(one)
        y = _y(tally.three or 0)
        told = (len(nights) - 1 - number) % every == 0  # the last night always
        yield Bar(
            words=f"{one.day:%d.%m}" if told else "",
            x=round(number * step + step * 0.15),
            width=max(2, round(step * 0.7)),
            y=y,
            height=HEIGHT - FOOT - y,
            first_y=_y(tally.first) if tally.first is not None else None,
            label=f"{tally.three}" if told and tally.three is not None else "",
        )


def _y(share: int) -> int:
    return round(HEIGHT - FOOT - (HEIGHT - FOOT - HEAD) * share / 100)
