"""«Законодательство»: changed acts and what stands on them, the legal unit's weeks, a list of changes from a file."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.sheets import Row
from otklik.knowledge import law, law_list, materials, review, weeks
from otklik.knowledge.law import News
from otklik.knowledge.models import LawChange, LawWeek, LegalAct
from otklik.workplace import carried, notices
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
SALT: Final = "workplace.law-list"
TABS: Final = {"changes": "изменения", "weeks": "недели"}


@requires(*law.READERS)
@require_safe
def law_home(request: StaffRequest) -> HttpResponse:
    """Show the open weeks, what waits for the employee because its ground has changed, and all changes or weeks."""
    today = timezone.localdate()
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in TABS else "changes"
    rows = weeks.all_weeks() if chosen == "weeks" else law.with_progress(LawChange.objects.order_by("-pk"))
    context = {
        "today": today,
        "open_weeks": list(LawWeek.objects.filter(closed_at=None).order_by("begins_on")),
        "mine": list(law.waiting_for(request.user)[:PER_PAGE]),
        "tabs": TABS.items(),
        "chosen": chosen,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "query": f"{urlencode({'state': chosen})}&",
        "may_enter": request.user.has_power(law.POWER),
    }
    return render(request, "workplace/kb/law.html", context)


@requires(*law.READERS)
@require_safe
def change(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one change and every material that stood on the act, with what was decided about it."""
    one = get_object_or_404(law.with_progress(LawChange.objects.all()), pk=pk)
    notices.mark_read(request.user, path=reverse("workplace:law_change", args=[pk]))
    items = list(one.items.select_related("unit", "material", "decided_by").order_by("unit__name", "pk"))
    units = review.units_reviewed_by(request.user)
    context = {
        "change": one,
        "items": [(item, units is None or item.unit_id in units) for item in items],
        "late": law.late(items, timezone.localdate()),
        "may_register": request.user.has_power(law.POWER),
    }
    return render(request, "workplace/kb/law_change.html", context)


@requires(law.POWER)
@require_http_methods(["GET", "HEAD", "POST"])
def act_changed(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what stands on an act and ask what changed; a POST registers it and reopens the reviews."""
    try:
        act = materials.get_for(request.user, pk)
    except materials.NoSuchMaterial as exc:
        raise Http404 from exc
    if not isinstance(act, LegalAct):
        raise Http404
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            made = law.register(_news(request, act), by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            number = made.items.count()
            messages.success(request, f"Изменение внесено. На проверку отправлено материалов: {number}.")
            return redirect("workplace:law_change", pk=made.pk)
    standing = materials.with_place(law.standing_on(act))
    context = {
        "act": act,
        "standing": list(standing),
        "due": law.term(timezone.localdate()),
        **_form(request, refusal),
    }
    return render(request, "workplace/kb/law_act.html", context, status=refusal.status if refusal else 200)


def _news(request: StaffRequest, act: LegalAct | None) -> News:
    given = request.POST
    kind = given.get("kind", "")
    kind = kind if kind in LawChange.Kind.values else LawChange.Kind.AMENDED
    return News(act, given.get("named", ""), kind, typed.day(given.get("on")), given.get("what", ""))


def _form(request: StaffRequest, refusal: DomainError | None) -> dict[str, Any]:
    return {
        "given": request.POST if refusal else {"kind": LawChange.Kind.AMENDED},
        "kinds": LawChange.Kind.choices,
        "refusal": refusal,
        "wrong": type(refusal).__name__ if refusal else "",
    }


@requires(*law.READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def week(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a week with its changes; a POST of the legal unit enters one more, or closes the week."""
    one = get_object_or_404(LawWeek.objects.select_related("closed_by"), pk=pk)
    may_enter = request.user.has_power(law.POWER)
    refusal: DomainError | None = None
    if request.method == "POST":
        if not may_enter:
            raise Http404
        try:
            return _entered(request, one)
        except DomainError as exc:
            refusal = exc
            one.refresh_from_db()
    notices.mark_read(request.user, path=reverse("workplace:law_week", args=[pk]))
    context = {
        "week": one,
        "last_day": weeks.last_day(one),
        "today": timezone.localdate(),
        "changes": list(law.with_progress(one.changes.all())),
        "acts": law.acts() if may_enter and not one.closed_at else (),
        "may_enter": may_enter and not one.closed_at,
        "chosen": typed.number(request.POST.get("act")) if refusal else None,
        **_form(request, refusal),
    }
    return render(request, "workplace/kb/law_week.html", context, status=refusal.status if refusal else 200)


def _entered(request: StaffRequest, one: LawWeek) -> HttpResponse:
    if "close" in request.POST:
        weeks.close(one, nothing="nothing" in request.POST, by=request.user)
        messages.success(request, f"Закрыта {one}.")
        return redirect("workplace:law")
    weeks.check_open(one)
    act = law.acts().filter(pk=typed.number(request.POST.get("act")) or 0).first()
    made = law.register(_news(request, act), week=one, by=request.user)
    if made.act:
        messages.success(request, f"Изменение внесено. На проверку отправлено материалов: {made.items.count()}.")
    else:
        messages.success(request, "Изменение внесено. Такого акта в базе нет: главному редактору ушло предложение.")
    return redirect("workplace:law_week", pk=one.pk)


@requires(law.POWER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def week_list(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a list of changes and show what each row would do; a confirmed one is kept.

    What was read travels in the page, signed, for an hour: nothing of it is kept before it is agreed.
    """
    one = get_object_or_404(LawWeek, pk=pk)
    refusal: DomainError | None = None
    try:
        weeks.check_open(one)
        if "read" in request.POST:
            return _confirmed(request, one)
        if request.method == "POST":
            if (upload := request.FILES.get("list")) is None:
                raise NoFile
            return _plan(request, one, law_list.read(upload, upload.name or ""))
    except DomainError as exc:
        refusal = exc
    context = {"week": one, "refusal": refusal, "most": law_list.MOST}
    return render(request, "workplace/kb/law_list.html", context, status=refusal.status if refusal else 200)


class NoFile(DomainError):
    """No file was chosen."""

    code = "law.no_file"
    text = "Выберите файл: таблицу .xlsx или документ .docx с таблицей."


class ReadLongAgo(DomainError):
    """What was read is no longer believed."""

    code = "law.read_long_ago"
    text = "Список прочитан больше часа назад или повреждён. Выберите файл ещё раз."


def _plan(request: StaffRequest, one: LawWeek, rows: list[Row]) -> HttpResponse:
    lines = law_list.plan(rows)
    context = {
        "week": one,
        "lines": sorted(lines, key=lambda line: (not line.why, line.number)),
        "good": sum(not line.why for line in lines),
        "bad": sum(bool(line.why) for line in lines),
        "acts": list(law.acts()),
        "read": carried.sealed(rows, salt=SALT),
    }
    return render(request, "workplace/kb/law_plan.html", context)


def _confirmed(request: StaffRequest, one: LawWeek) -> HttpResponse:
    try:
        rows, _ = carried.opened(request.POST["read"], salt=SALT)
    except signing.BadSignature as exc:
        raise ReadLongAgo from exc
    given = {row.number: request.POST.get(f"act-{row.number}") for row in rows}
    chosen = {number: typed.number(said) or 0 for number, said in given.items() if said is not None}
    made = law_list.accept(rows, chosen, week=one, by=request.user)
    unknown = sum(change.act is None for change in made)
    text = f"Внесено изменений: {len(made)}."
    messages.success(request, f"{text} Предложений о новых актах: {unknown}." if unknown else text)
    return redirect("workplace:law_week", pk=one.pk)
