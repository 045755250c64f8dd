"""What people said: the block of a card, the list every figure opens, one opinion and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import OuterRef, Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals import access
from otklik.appeals.models import Appeal, Topic
from otklik.core import journal, typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.terms import valid
from otklik.knowledge import proposals
from otklik.people import personal_data
from otklik.people.models import Unit
from otklik.reports import opinions
from otklik.surveys import feedback, handling
from otklik.surveys.models import OpinionTag, OpinionWork, Response
from otklik.workplace import opinions as figures
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
VIEWS: Final = ("", "waiting", "unhappy", "happy", "contact", "suspicious")
READERS: Final = (access.ALL, access.UNIT, access.OWN, opinions.READ)
BESIDE: Final = ("invitation__questionnaire", "consent", "point", "work__unit", "work__proposal")
HEADINGS: Final = (
    *("Когда", "Откуда", "Канал", "Подразделение", "О чём", "Получен ли ответ", "Оценка", "Слова"),
    *("Метки", "Состояние", "Что сделано"),
)


@dataclass(frozen=True)
class Said:
    """One opinion, beside what it is about; in lists its words are without what tells of people."""

    response: Response
    appeal: Appeal | None
    unit: str
    topic: str
    answers: list[tuple[str, str]]
    comment: str
    at: datetime
    contact_allowed: bool
    happy: bool
    unhappy: bool
    work: OpinionWork | None


def said_about(appeal: Appeal) -> Said | None:
    """Return what the applicant said about this appeal, for its card."""
    if appeal.invitation_id is None:
        return None
    response = (
        Response.objects.filter(invitation_id=appeal.invitation_id)
        .select_related("invitation__questionnaire", "consent")
        .first()
    )
    return _said(response, appeal, comment=response.comment) if response else None


@require_safe
@requires(*READERS)
def feedback_list(request: StaffRequest) -> HttpResponseBase:
    """List the opinions this employee may read, newest first, or hand them out as a table (`?format=`)."""
    scope = figures.asked(request, since_ever=True)
    view = request.GET.get("view", "")
    view = view if view in opinions.SAID else ""
    state, tag = request.GET.get("state", ""), typed.number(request.GET.get("tag"))
    rows = opinions.opinions(request.user, scope, view)
    if state in OpinionWork.State.values:
        rows = rows.filter(Q(work__isnull=True) | Q(work__state=state) if state == "new" else Q(work__state=state))
    if tag:
        rows = rows.filter(work__tags=tag)
    if batch := typed.number(request.GET.get("batch")):
        rows = rows.filter(paper__batch=batch)
    rows = rows.select_related(*BESIDE).prefetch_related("work__tags").order_by("-at", "-id")
    if (kind := request.GET.get("format")) in ("csv", "xlsx"):
        return figures.handed_out(_table(rows), kind, "otzyvy", "Отзывы")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    extra = {"state": state if state in OpinionWork.State.values else "", "tag": tag or "", "batch": batch or ""}
    query = figures.query(scope, view=view, **extra)
    context: dict[str, Any] = {
        "said": list(_each(page)),
        "page": page,
        "views": [(one, opinions.SAID[one][0] if one else "все", figures.query(scope, view=one)) for one in VIEWS],
        "chosen": view,
        "words": opinions.SAID[view][0] if view else "",
        "narrowed": figures.narrowed(scope, view=view, **extra),
        "tags": OpinionTag.objects.filter(valid(timezone.localdate())),
        "states": OpinionWork.State.choices,
        "state": state,
        "tag": tag,
        "query": query,
        "scope": scope,
        "batch": batch,
        "may_read": request.user.has_power(opinions.READ),
    }
    return render(request, "workplace/feedback.html", context)


@requires(opinions.READ)
@require_http_methods(["GET", "POST"])
def opinion(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one opinion in full, the look logged; a POST takes one step with it."""
    looked = journal.looked_today("opinion.opened", by=request.user, response=OuterRef("pk"))
    rows = opinions.seen_by(request.user).select_related(*BESIDE, "work__handed_by", "work__ended_by")
    response: Any = get_object_or_404(rows.annotate(looked=looked), pk=pk)
    if not response.looked:
        journal.looked("opinion.opened", by=request.user, response=response.pk)
    refusal = None
    if request.method == "POST":
        try:
            messages.success(request, _step(request, response))
        except DomainError as exc:
            refusal = exc
        else:
            return redirect("workplace:opinion", pk)
    said = next(_each([response]))
    today = timezone.localdate()
    context = {
        "one": said,
        "full": response.comment,
        "response": response,
        "seen": said.appeal is not None and access.visible_to(request.user).filter(pk=said.appeal.pk).exists(),
        "tags": OpinionTag.objects.filter(valid(today)),
        "tagged": {tag.pk for tag in said.work.tags.all()} if said.work else set(),
        "units": Unit.objects.filter(valid(today)),
        "writers": proposals.units_that_write(),
        "open": said.work is None or said.work.state in handling.OPEN,
        "refusal": refusal,
        "typed": request.POST,
    }
    return render(request, "workplace/opinion.html", context, status=refusal.status if refusal else 200)


def _step(request: StaffRequest, response: Response) -> str:
    """Take the step whose button was pressed; return what to say of it."""
    step, by = request.POST.get("step"), request.user
    unit = Unit.objects.filter(pk=typed.number(request.POST.get("unit")) or 0).first()
    words = request.POST.get("text", "")
    if step == "hand":
        handling.hand_over(response, unit=unit, task=words, by=by)
        return "Отзыв передан подразделению."
    if step == "propose":
        handling.propose(response, question=words, unit=unit, by=by)
        return "Предложение в Базу знаний сделано. Когда его закроют, закроется и отзыв."
    if step == "done":
        handling.done(response, outcome=words, by=by)
        return "Отзыв закрыт."
    if step == "decline":
        handling.decline(response, outcome=words, by=by)
        return "Отзыв отклонён."
    chosen = [number for one in request.POST.getlist("tags") if (number := typed.number(one))]
    handling.tag(response, OpinionTag.objects.filter(pk__in=chosen), by=by)
    return "Метки записаны."


def _each(rows: Iterable[Response]) -> Iterator[Said]:
    """Yield opinions with what they are about, in a fixed number of queries a page."""
    found: list[Any] = list(rows)
    appeals = Appeal.objects.in_bulk({row.of_appeal for row in found if row.of_appeal})
    units = Unit.objects.in_bulk({row.of_unit for row in found if row.of_unit})
    topics = Topic.objects.in_bulk({row.of_topic for row in found if row.of_topic})
    for row in found:
        unit, topic = units.get(row.of_unit), topics.get(row.of_topic)
        yield _said(
            row,
            appeals.get(row.of_appeal),
            unit=unit.short_name if unit else "",
            topic=topic.name if topic else "",
            comment=personal_data.hidden(row.comment) if row.comment else "",
        )


def _said(response: Response, appeal: Appeal | None, *, comment: str, unit: str = "", topic: str = "") -> Said:
    answered, quality = response.answers.get("answered"), response.answers.get("quality")
    return Said(
        response=response,
        appeal=appeal,
        unit=unit,
        topic=topic,
        answers=feedback.spoken(response),
        comment=comment,
        at=response.at,
        contact_allowed=hasattr(response, "consent"),
        happy=answered == "yes" and quality == "satisfied",
        unhappy=answered == "no" or quality in ("partial", "unsatisfied"),
        work=getattr(response, "work", None),
    )


def _table(rows: Any) -> Iterator[Iterable[object]]:
    yield HEADINGS
    portion: list[Response] = []
    for row in rows.iterator(chunk_size=1000):
        portion.append(row)
        if len(portion) == 1000:
            yield from _lines(portion)
            portion = []
    yield from _lines(portion)


def _lines(rows: list[Response]) -> Iterator[Iterable[object]]:
    for one in _each(rows):
        given, questionnaire = one.response.answers, one.response.invitation.questionnaire
        words = {each["code"]: dict(each.get("answers", ())) for each in questionnaire.questions}
        work = one.work
        yield (
            timezone.localtime(one.at).strftime("%d.%m.%Y %H:%M"),
            one.response.get_source_display(),
            figures.channel_name(one.response.invitation.channel),
            one.unit,
            one.appeal.number if one.appeal else one.topic,
            words.get("answered", {}).get(given.get("answered"), ""),
            words.get("quality", {}).get(given.get("quality"), ""),
            one.comment,
            ", ".join(tag.name for tag in work.tags.all()) if work else "",
            work.get_state_display() if work else OpinionWork.State.NEW.label,
            work.outcome if work else "",
        )
