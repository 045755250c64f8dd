"""«Консультации»: the list and the card of what was asked, read aloud, handed over, promised and said about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from otklik.appeals.models import Topic
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.hours import midnight
from otklik.hotline import calls, consultations, reading_aloud, scripts
from otklik.hotline.models import Consultation, Line
from otklik.knowledge import materials
from otklik.people import personal_data
from otklik.people.models import Employee
from otklik.surveys import asking, feedback
from otklik.surveys.models import Response
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 50
READERS: Final = (consultations.CONSULT, consultations.ALL)
OUTCOMES: Final = [("open", "идёт"), *((str(one.value), one.label) for one in Consultation.Outcome if one.value)]


@dataclass(frozen=True)
class Asked:
    """What a list is narrowed to, as the address carries it."""

    first: date | None
    last: date | None
    by: int | None
    line: int | None
    outcome: str
    topic: int | None
    text: str

    @classmethod
    def of(cls, request: StaffRequest) -> Asked:
        """Read the address; what cannot be read narrows nothing."""
        sent = request.GET
        outcome = sent.get("outcome", "")
        return cls(
            first=typed.day(sent.get("first")),
            last=typed.day(sent.get("last")),
            by=typed.number(sent.get("by")),
            line=typed.number(sent.get("line")),
            outcome=outcome if outcome in dict(OUTCOMES) else "",
            topic=typed.number(sent.get("topic")),
            text=typed.words(sent.get("text"), 200),
        )

    def query(self) -> str:
        """Return the conditions as an address carries them."""
        return urlencode({name: value for name, value in vars(self).items() if value})


@require_safe
@requires(*READERS)
def consultation_list(request: StaffRequest) -> HttpResponse:
    """List the consultations the employee may see, newest first."""
    asked = Asked.of(request)
    seen = consultations.visible_to(request.user)
    rows = _narrowed(seen, asked, request.user).select_related("line", "by", "topic", "need")
    page = Paginator(rows.order_by("-opened_at", "-id"), PER_PAGE).get_page(request.GET.get("page"))
    everyone = request.user.has_power(consultations.ALL)
    context = {
        "page": page,
        "asked": asked,
        "query": asked.query(),
        "outcomes": OUTCOMES,
        "lines": list(Line.objects.values_list("pk", "name")),
        "topics": list(Topic.objects.filter(pk__in=seen.order_by().values("topic")).values_list("pk", "name")),
        "people": _people(seen) if everyone else [],
        "lazy_menu": True,
        "numbers": {},
        "view": "",
    }
    return render(request, "workplace/call/consultations.html", context)


@requires(*READERS)
@require_http_methods(["GET", "POST"])
def consultation(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a consultation; a POST takes a closed one up again."""
    row = consultations.get_for(request.user, pk)
    if request.method == "POST":
        consultations.take_up(row, by=request.user)
        messages.success(request, "Консультация снова открыта.")
        return redirect("workplace:call", pk=pk)
    asked = [one for one in (row.invitation_id, row.code_invitation_id) if one]
    answers = Response.objects.filter(invitation__in=asked).select_related("invitation__questionnaire") if asked else []
    told = {one.invitation_id: one for one in answers}
    said, by_code = told.get(row.invitation_id or 0), told.get(row.code_invitation_id or 0)
    read = list(row.scripts.all())
    readable = materials.for_staff(request.user).filter(pk__in={one.material for one in read})
    titles = dict(readable.values_list("pk", "title"))
    of_row = list(row.calls.select_related("answered_by").order_by("came_at"))
    closed = calls.closed_by_us(of_row)
    context: dict[str, Any] = {
        "consultation": row,
        "calls": [(one, closed.get(one.pk, "")) for one in of_row],
        "read": [(one, scripts.STAGE_NAMES.get(one.stage, one.stage), titles.get(one.material, "")) for one in read],
        "uses": reading_aloud.used_in(row),
        "holds": [(one, _seconds(one.began_at, one.ended_at)) for one in row.holds.all()],
        "transfers": list(row.transfers.select_related("to")),
        "promises": list(row.promises.select_related("by")),
        "recognitions": list(row.recognitions.select_related("appeal", "by")),
        "said": feedback.spoken(said) if said else [],
        "by_code": by_code,
        "said_by_code": feedback.spoken(by_code) if by_code else [],
        "comment_by_code": personal_data.hidden(by_code.comment) if by_code else "",
        "code": asking.code_for(row.code_invitation) if row.code_invitation and not by_code else "",
        "lasted": _seconds(row.opened_at, row.closed_at),
        "perms_to_inbox": request.user.has_power("intake.view") or request.user.has_power("intake.decide"),
        "may_work": consultations.may_work(row, request.user),
        "may_take_up": consultations.may_take_up(row, request.user),
        "lazy_menu": True,
        "numbers": {},
        "view": "",
    }
    return render(request, "workplace/call/consultation.html", context)


def _narrowed(rows: QuerySet[Consultation], asked: Asked, user: Employee) -> QuerySet[Consultation]:
    found = Q()
    if asked.first:
        found &= Q(opened_at__gte=midnight(asked.first))
    if asked.last:
        found &= Q(opened_at__lt=midnight(asked.last, 1))
    if asked.by:
        found &= Q(by=asked.by)
    if asked.line:
        found &= Q(line=asked.line)
    if asked.topic:
        found &= Q(topic=asked.topic)
    if asked.outcome:
        found &= Q(outcome="" if asked.outcome == "open" else asked.outcome)
    if asked.text:
        found &= Q(pk__in=consultations.keys_for(user, asked.text))
    return rows.filter(found)


def _people(seen: QuerySet[Consultation]) -> list[tuple[int, str]]:
    people = Employee.objects.filter(pk__in=seen.order_by().values("by")).order_by("last_name", "pk")
    return [(one.pk, one.short_name) for one in people]


def _seconds(begin: datetime, end: datetime | None) -> int | None:
    return int((end - begin).total_seconds()) if end else None
