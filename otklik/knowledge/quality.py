"""How well search answers (п. 37): confirmed questions put to it anew each night, and test sets people bring.

A run is questions one after another, each with the place of what it was to find and how sure the search was. The runs
of nights stand beside each other, so that drift is seen; a test set is run by a worker, a portion at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any, Final

from django.db import models, transaction
from django.db.models import Count, F, FloatField, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.knowledge import confirmed, materials
from otklik.knowledge.confirmed import Asked, Pair, Source
from otklik.knowledge.models import Material, SearchCase, SearchRun, Section, TestQuery, TestSet
from otklik.people.models import Employee
from otklik.search import analysis, calibration, engine

SINCE: Final = timedelta(days=180)  # older questions are about other materials
MOST: Final = 400  # pairs of each source in one night: some seconds of work
PLACES: Final = 10  # how far down what was to be found is looked for
PORTION: Final = 20  # questions of a test set between two commits
CASES_KEPT: Final = timedelta(days=35)
LONGEST: Final = 20_000  # characters of a letter
LONGEST_SHORT: Final = 12  # words; a longer question is a letter
DRIFT_NIGHTS: Final = 28
DRIFT_FEWEST_NIGHTS, DRIFT_FEWEST_PAIRS, DRIFT_POINTS = 5, 30, 5


class AlreadyRunning(DomainError):
    """The set is being run."""

    code = "quality.already_running"
    text = "Этот набор уже проверяется. Дождитесь конца."
    status = 409


class Kind(models.TextChoices):
    """What a question looks like, by simple features."""

    EXACT = "exact", "по названию"
    SHORT = "short", "короткий"
    TYPO = "typo", "с опиской"
    LETTER = "letter", "письмо"


# Kinds that test sets name beside ours.
KINDS: Final[dict[str, str]] = {
    **dict(Kind.choices),
    "inflected": "другие формы слов",
    "paraphrase": "своими словами",
    "none": "без ответа",
}

_FIRST_THREE: Final = Q(place__lte=3)
OUTCOMES: Final[dict[str, tuple[str, Q]]] = {
    "answered": ("с известным ответом", Q(has_answer=True)),
    "first": ("нужное на первом месте", Q(place=1)),
    "three": ("нужное среди первых трёх", _FIRST_THREE),
    "missed": ("нужного нет среди первых трёх", Q(has_answer=True) & (Q(place=None) | Q(place__gt=3))),
    "empty": ("ничего не нашлось", Q(found=0)),
    "lost": ("ответ есть, а поиск не уверен", Q(has_answer=True, sure=False)),
    "unanswered": ("никто не нашёл ответа", Q(has_answer=False)),
    "caught": ("ответа нет, и поиск не уверен", Q(has_answer=False, sure=False)),
    "fooled": ("ответа нет, а поиск уверен", Q(has_answer=False, sure=True)),
}
GROUPS: Final[dict[str, str]] = {"source": "Откуда вопрос", "kind": "Вид вопроса", "section": "Раздел"}


@dataclass(frozen=True)
class Tally:
    """How many questions came out how. Shares are in per cent; None: there was nothing to count."""

    numbers: Mapping[str, float]

    @property
    def count(self) -> dict[str, int]:
        """Return how many questions had each outcome; `total`: how many there were."""
        return {code: int(self.numbers.get(code, 0)) for code in ("total", *OUTCOMES)}

    def _share(self, code: str, of: str) -> int | None:
        all_of = self.numbers.get(of, 0)
        return round(100 * self.numbers.get(code, 0) / all_of) if all_of else None

    @property
    def first(self) -> int | None:
        """Return the share of answers that stood first."""
        return self._share("first", "answered")

    @property
    def three(self) -> int | None:
        """Return the share of answers that stood among the first three."""
        return self._share("three", "answered")

    @property
    def empty(self) -> int | None:
        """Return the share of questions that found nothing."""
        return self._share("empty", "total")

    @property
    def lost(self) -> int | None:
        """Return the share of answers the search was not sure of."""
        return self._share("lost", "answered")

    @property
    def caught(self) -> int | None:
        """Return the share of questions without an answer that the search was not sure of."""
        return self._share("caught", "unanswered")

    @property
    def reciprocal(self) -> float | None:
        """Return the mean of 1 / place, 0 where the answer was not found."""
        answered = self.numbers.get("answered", 0)
        return round(self.numbers.get("reciprocal", 0) / answered, 3) if answered else None


@dataclass(frozen=True)
class Drift:
    """The last night beside the usual: the share among the first three has fallen by so many points."""

    now: int
    usual: int


# --- asking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
    source: Asked
    text: str
    pages: frozenset[int]
    kind: str = ""
    code: str = ""
    reference: str = ""


@dataclass(frozen=True)
class _Open:
    """What readers may be shown now: titles and sections of published materials, and which are on the site."""

    titles: Mapping[int, str]
    sections: Mapping[int, int]
    on_site: frozenset[int]

    @classmethod
    def now(cls) -> _Open:
        """Read it, whatever there is, in three queries."""
        rows = list(materials.published().order_by().values_list("pk", "title", "path"))
        places = dict(Section.objects.order_by().values_list("path", "pk"))
        at = {pk: places[path[: -Material.steplen]] for pk, _, path in rows if path[: -Material.steplen] in places}
        return cls(
            {pk: title for pk, title, _ in rows},
            at,
            frozenset(materials.for_public().order_by().values_list("pk", flat=True)),
        )

    def of(self, question: _Question) -> frozenset[int]:
        """Return which of the materials that answer a question could be found at all."""
        there: Collection[int] = self.on_site if question.source == Asked.SITE else self.titles
        return frozenset(page for page in question.pages if page in there)


def _ask(run: SearchRun, question: _Question, right: frozenset[int], known: _Open) -> SearchCase:
    """Put one question to search as its reader would, and return what came of it, not saved."""
    text = question.text[:LONGEST]
    asked = analysis.words(text)
    is_letter = question.source == Asked.LETTER or question.kind == Kind.LETTER or len(asked) > LONGEST_SHORT
    index, scope = (
        (materials.INDEX_OF_SITE, materials.PUBLIC)
        if question.source == Asked.SITE
        else (materials.INDEX, materials.STAFF)
    )
    # Files are found beside their materials: twice as many hits make ten materials.
    found = engine.ask(index, text, scopes=[scope], limit=2 * PLACES)
    shown = list(dict.fromkeys(int(hit.key.partition("/")[0]) for hit in found.hits))[:PLACES]
    place = next((number for number, page in enumerate(shown, 1) if page in right), None)
    return SearchCase(
        run=run,
        source=question.source,
        kind=(question.kind or _kind(set(asked), is_letter, found, [known.titles[page] for page in right]))[:20],
        code=question.code,
        text="" if question.reference else text,
        reference=question.reference,
        pages=sorted(right),
        has_answer=bool(right),
        section_id=next((known.sections.get(page) for page in sorted(right)), None),
        found=len(shown),
        first=shown[0] if shown else None,
        place=place,
        confidence=found.confidence,
        sure=found.sure,
        read_as="" if question.reference else found.read_as[:200],
        features=list(found.features),
    )


def _kind(asked: set[str], is_letter: bool, found: engine.Found, titles: Iterable[str]) -> str:
    if is_letter:
        return Kind.LETTER
    if found.read_as:
        return Kind.TYPO
    exact = asked and any(asked <= set(analysis.words(title)) for title in titles)
    return Kind.EXACT if exact else Kind.SHORT


# --- nights ----------------------------------------------------------------------------------------------------------


def measure(*sources: Source) -> SearchRun:
    """Put confirmed questions to search, a bounded number, and keep what came of it as this night's; once a night."""
    today = timezone.localdate()
    if (done := SearchRun.objects.filter(day=today).first()) is not None:
        return done
    known = _Open.now()
    run = SearchRun(day=today, model_version=_model_version(), finished_at=timezone.now())
    cases = []
    for pair in confirmed.pairs(timezone.now() - SINCE, *sources, most=MOST):
        question = _of_pair(pair)
        right = known.of(question)
        if right or not pair.pages:  # what answered once and is gone now cannot be found
            cases.append(_ask(run, question, right, known))
    run.total = run.done = len(cases)
    run.finished_at = timezone.now()
    with transaction.atomic():
        run.save()
        SearchCase.objects.bulk_create(cases, batch_size=200)
        _count(run)
        _forget_old()
    return run


def _of_pair(pair: Pair) -> _Question:
    return _Question(pair.source, pair.text, pair.pages, reference=pair.reference)


def _forget_old() -> None:
    """Forget the questions of nights long past: their figures stay."""
    old = SearchRun.objects.filter(day__lt=timezone.localdate() - CASES_KEPT)
    SearchCase.objects.filter(run__in=old).delete()


def _model_version() -> str:
    row = calibration.in_use()
    return str(row.version) if row is not None and row.by_id is None else ""


def nights(limit: int) -> list[SearchRun]:
    """Return the runs of the last nights, the oldest first."""
    return list(SearchRun.objects.filter(day__isnull=False).order_by("-day")[:limit])[::-1]


def last_night(on: date | None = None) -> SearchRun | None:
    """Return the newest night, or the newest up to a day."""
    return SearchRun.objects.filter(day__lte=on or timezone.localdate()).order_by("-day").first()


def drift(runs: Sequence[SearchRun]) -> Drift | None:
    """Return how far the last of these nights lies below the usual; None where it does not, or nobody can tell."""
    told = [tally(run) for run in runs[-DRIFT_NIGHTS - 1 :]]
    shares = [one.three if one.count["answered"] >= DRIFT_FEWEST_PAIRS else None for one in told]
    known = [share for share in shares if share is not None]
    if len(known) <= DRIFT_FEWEST_NIGHTS or shares[-1] is None:
        return None
    usual = round(median(known[:-1]))
    return Drift(known[-1], usual) if usual - known[-1] >= DRIFT_POINTS else None


# --- figures ---------------------------------------------------------------------------------------------------------


def _count(run: SearchRun) -> None:
    """Count a run that has ended; its figures outlive its questions."""
    numbers: dict[str, Any] = {"total": Count("pk")}
    numbers |= {code: Count("pk", filter=condition) for code, (_, condition) in OUTCOMES.items()}
    numbers["reciprocal"] = Sum(Value(1.0) / Cast(F("place"), FloatField()))
    cases = run.cases.order_by()
    figures: dict[str, dict[str, Any]] = {"all": {"": cases.aggregate(**numbers)}}
    for group in GROUPS:
        rows = cases.values(group).annotate(**numbers)
        figures[group] = {str(row.pop(group) or ""): row for row in rows}
    run.figures = {
        group: {name: {code: number for code, number in row.items() if number} for name, row in rows.items()}
        for group, rows in figures.items()
    }
    run.save()


def tally(run: SearchRun, group: str = "all", code: str = "") -> Tally:
    """Return the figures of a whole run, or of one group of its questions."""
    return Tally(run.figures.get(group, {}).get(code, {}))


def by_group(run: SearchRun, group: str) -> list[tuple[str, str, Tally]]:
    """Return the figures of a run by `source`, `kind` or `section`: code, words, figures; the biggest first."""
    rows = {name: Tally(row) for name, row in run.figures.get(group, {}).items()}
    named = _names(group, rows)
    listed = [(name, named.get(name, name or "—"), one) for name, one in rows.items()]
    return sorted(listed, key=lambda line: (not line[0], -line[2].count["total"], line[1]))


def _names(group: str, codes: Iterable[str]) -> dict[str, str]:
    if group == "kind":
        return KINDS
    if group == "source":
        return {str(code): str(words) for code, words in Asked.choices}
    ids = [int(code) for code in codes if code]
    titles = Section.objects.filter(pk__in=ids).values_list("pk", "title") if ids else ()
    return {"": "без раздела"} | {str(pk): "раздел удалён" for pk in ids} | {str(pk): title for pk, title in titles}


def cases(run: SearchRun, outcome: str = "", **groups: str) -> QuerySet[SearchCase]:
    """Return the questions of a run a figure counts: of one outcome or all, of the groups named."""
    rows = run.cases.select_related("section").order_by("pk")
    for group, code in groups.items():
        rows = rows.filter(**{f"{group}__isnull": True} if group == "section" and not code else {group: code})
    return rows.filter(OUTCOMES[outcome][1]) if outcome else rows


# --- test sets -------------------------------------------------------------------------------------------------------


@transaction.atomic
def keep_set(name: str, queries: Sequence[TestQuery], *, by: Employee) -> TestSet:
    """Keep a set that was read (`test_sets.read`)."""
    row = TestSet.objects.create(name=name, by=by)
    for query in queries:
        query.test_set = row
    TestQuery.objects.bulk_create(queries, batch_size=500)
    journal.record("quality.set_added", chain="quality", by=by, row=row.pk, questions=len(queries))
    return row


@transaction.atomic
def remove_set(row: TestSet, *, by: Employee) -> None:
    """Forget a set with all its runs."""
    journal.record("quality.set_removed", chain="quality", by=by, row=row.pk)
    row.delete()


@transaction.atomic
def begin(row: TestSet, *, by: Employee) -> SearchRun:
    """Have a worker put the questions of a set to search; the run tells how far it is."""
    TestSet.objects.select_for_update().get(pk=row.pk)  # two presses at once make one run
    if row.runs.filter(finished_at=None).exists():
        raise AlreadyRunning
    run = SearchRun.objects.create(test_set=row, by=by, total=row.queries.count())
    journal.record("quality.set_run", chain="quality", by=by, row=row.pk)
    return run


def work_next() -> bool:
    """Put the next portion of the oldest run under way to search; False where there is none."""
    run = SearchRun.objects.filter(finished_at=None, test_set__isnull=False).order_by("pk").first()
    if run is None:
        return False
    known = _Open.now()
    portion = TestQuery.objects.filter(test_set=run.test_set).order_by("pk")[run.done : run.done + PORTION]
    found = []
    for query in portion:
        question = _Question(Asked.SET, query.text, _right(query.pages), kind=query.kind, code=query.code)
        found.append(_ask(run, question, known.of(question), known))
    # A killed worker leaves the portion as it was; of two that asked the same one keeps what it found.
    with transaction.atomic():
        mine = SearchRun.objects.filter(pk=run.pk, done=run.done, finished_at=None)
        ended = not found or run.done + len(found) >= run.total
        changes = {"finished_at": timezone.now(), "model_version": _model_version()} if ended else {}
        if mine.update(done=run.done + len(found), **changes):
            SearchCase.objects.bulk_create(found)
            if ended:
                run.refresh_from_db()
                _count(run)
    return True


def _right(grades: Mapping[str, int]) -> frozenset[int]:
    """Return what answers; where nothing is said to answer in full, what is near."""
    best = max(grades.values(), default=0)
    return frozenset(int(page) for page, grade in grades.items() if grade == best)


def places_before(run: SearchRun) -> dict[str, int | None]:
    """Return at which place the run before of the same set found each question's answer, by the question's number."""
    earlier = SearchRun.objects.filter(test_set=run.test_set, pk__lt=run.pk, finished_at__isnull=False)
    before = earlier.order_by("-pk").first() if run.test_set_id else None
    return dict(before.cases.values_list("code", "place")) if before is not None else {}


# --- confidence ------------------------------------------------------------------------------------------------------


def examples() -> list[calibration.Example]:
    """Return what confidence learns from: the questions of the last night.

    An answer that is known but stood below the third place says neither yes nor no; what found nothing is doubtful
    whatever the weights: neither teaches anything.
    """
    run = last_night()
    rows = run.cases.filter(~OUTCOMES["missed"][1], found__gt=0) if run is not None else ()
    return [
        calibration.Example(one.text or one.reference, tuple(one.features), one.has_answer)
        for one in rows
        if one.features
    ]


def retrain() -> None:
    """Have confidence learn from the last night, if it is time and there is enough to learn from."""
    calibration.retrain(examples())
