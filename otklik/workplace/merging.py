"""Appeals that belong together: compared side by side, called duplicate or repeated, merged, answered as one."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from otklik.appeals import access, alike, collective, cover, covered, drafting, kinship, merging, outcomes
from otklik.appeals.models import FINISHED, Appeal, AppealMessage, CaseMerge, Kinship
from otklik.appeals.permissions import allows
from otklik.core import typed
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode
from otklik.people.models import Employee
from otklik.workplace.compare import Change, changes
from otklik.workplace.matter_part import Part, Step, is_there
from otklik.workplace.requests import StaffRequest

KIN: Final = ("intake.decide", "appeals.draft")
_LONGEST: Final = 8000  # characters of a letter that are compared
_FOUND: Final = 5


@requires(*KIN)
@require_http_methods(["GET", "POST"])
def related(request: StaffRequest, pk: int) -> HttpResponse:
    """Show what the appeal is to others, and one of them beside it; a POST relates, merges, or takes either back."""
    appeal = access.get_for(request.user, pk)
    if request.method != "POST":
        return _page(request, appeal, _other(request, appeal, request.GET))
    other = _other(request, appeal, request.POST)
    try:
        told = _do(request, appeal, other)
    except DomainError as refusal:
        return _page(request, access.get_for(request.user, pk), other, refusal=refusal)
    messages.success(request, told)
    return redirect("workplace:related", pk=pk)


def _do(request: StaffRequest, appeal: Appeal, other: Appeal | None) -> str:
    data = request.POST
    if "unrelate" in data:
        rows = Kinship.objects.filter(main=appeal) | Kinship.objects.filter(other=appeal)
        row = get_object_or_404(rows.select_related("main", "other"), pk=typed.number(data["unrelate"]) or 0)
        kinship.unrelate(row, by=request.user)
        return "Связь убрана."
    if "undo" in data:
        merges = CaseMerge.objects.filter(kept=appeal) | CaseMerge.objects.filter(merged=appeal)
        merge = get_object_or_404(merges, pk=typed.number(data["undo"]) or 0)
        merging.undo(merge, by=request.user)
        return "Объединение отменено: оба обращения снова отдельно."
    if other is None:
        raise kinship.WrongKin(what="Обращения с таким номером нет или оно вам не видно. Проверьте номер.")
    if "merge" in data:
        merging.merge(appeal, other, by=request.user)
        return f"№ {appeal.number} объединено с № {other.number}. Отменить можно {merging.UNDO_FOR.days} дней."
    if "take_in" in data:
        merging.merge(other, appeal, by=request.user)
        return f"№ {other.number} присоединено сюда. Отменить можно {merging.UNDO_FOR.days} дней."
    row = kinship.relate(appeal, other, kind=data.get("kind", ""), ground=data.get("ground", ""), by=request.user)
    return f"Отмечено: {row.get_kind_display()}, № {other.number}."


@requires("appeals.dispatch", "appeals.draft")
@require_http_methods(["GET", "POST"])
def copies(request: StaffRequest, pk: int) -> HttpResponse:
    """Show every copy the answer covers, and the group alike; a POST closes the copies, or spreads the text."""
    appeal = access.get_for(request.user, pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        try:
            _answer(request, appeal)
        except DomainError as said:
            refusal = said
        else:
            return redirect("workplace:copies", pk=pk)
    there = kinship.copies(appeal)
    waiting = [one for one in there if one.status != Appeal.Status.CLOSED]
    owed = [one for one in [appeal, *waiting] if one.channel == ChannelCode.GOVERNOR]
    letters = {one.pk: cover.of_appeal(one) for one in owed}
    context = {
        "appeal": appeal,
        "copies": there,
        "waiting": waiting,
        "owed": [
            (one, letters[one.pk], request.POST.get(f"report-{one.pk}", getattr(letters[one.pk], "address", "")))
            for one in owed
            if one.pk != appeal.pk or (there and cover.report_of(appeal) is None)
        ],
        "group": kinship.copies(appeal, Kinship.Kind.GROUP),
        "due": min((one.due_on for one in [appeal, *there] if one.due_on), default=None),
        "can_cover": allows(_check_cover, appeal, request.user),
        "can_spread": allows(drafting.check_can_draft, appeal, request.user),
        "refusal": refusal,
    }
    return render(request, "workplace/law/copies.html", context, status=refusal.status if refusal else 200)


def _answer(request: StaffRequest, appeal: Appeal) -> None:
    if "spread" in request.POST:
        done = covered.spread(appeal, by=request.user)
        messages.success(request, f"Текст перенесён в обращений: {len(done.done)}.")
        for number, why in list(done.refused.items())[:10]:
            messages.warning(request, f"№ {number}: {why}.")
        return
    reports = {
        key: str(value)[:320]
        for name, value in request.POST.items()
        if name.startswith("report-") and (key := typed.number(name.removeprefix("report-"))) is not None
    }
    closed = covered.cover_all(appeal, reports=reports, by=request.user)
    messages.success(request, f"Ответ учтён в копиях: {len(closed)}. Отчёты на сопроводительные письма подготовлены.")


@requires("intake.decide")
@require_GET
def letter_like(request: StaffRequest, pk: int, appeal_pk: int) -> HttpResponse:
    """Show a message nobody has registered beside an appeal it is like, with the differences and what to do."""
    message = access.get_message(request.user, pk)
    appeal = access.get_for(request.user, appeal_pk)
    letter = _letter(appeal)
    context = {
        "message": message,
        "other": appeal,
        "changes": _compared(letter, f"{message.subject}\n{message.text}"),
        "grounds": _grounds(appeal),
        "finished": appeal.status in FINISHED,
        "closed": appeal.status == Appeal.Status.CLOSED,
    }
    return render(request, "workplace/law/letter_like.html", context)


def asked_kin(request: StaffRequest) -> dict[str, Any]:
    """Return what the letter that is being registered will be to an appeal it was compared with."""
    given = request.POST if request.method == "POST" else request.GET
    kind, key = given.get("kin", ""), typed.number(given.get("kin_of"))
    if kind not in Kinship.Kind.values or key is None:
        return {}
    main = access.visible_to(request.user).filter(pk=key).first()
    return {"kin": kind, "kin_words": Kinship.Kind(kind).label, "kin_of": main} if main else {}


@transaction.atomic
def relate_new(request: StaffRequest, appeal: Appeal) -> None:
    """Relate an appeal that has just been registered to the one its letter was compared with."""
    kind, given = request.POST.get("kin", ""), typed.number(request.POST.get("kin_of"))
    if not kind or given is None:
        return
    main = access.visible_to(request.user).select_related("applicant").filter(pk=given).first()
    if main is None:
        raise kinship.WrongKin(what="Обращения, с которым связывают, больше нет. Зарегистрируйте без связи.")
    ground = (kinship.grounds(main) or [""])[0]
    kinship.relate(appeal, main, kind=kind, ground=ground, by=request.user)


def part(appeal: Appeal, user: Employee) -> Part | None:
    """Return what the appeal is to others, what was merged, and decisions that ended correspondence."""
    rows = kinship.of(appeal) if is_there(appeal, "kin") else []
    merges = merging.of(appeal) if is_there(appeal, "merges") else []
    ended = outcomes.ended_before(appeal)
    steps = []
    if allows(kinship.check_can_relate, appeal, user):
        steps.append(Step("Связать или объединить", "related", "git-merge"))
    mains = [row for row in rows if row.main_id == appeal.pk and row.kind != Kinship.Kind.REPEATED]
    if mains and (user.has_power("appeals.dispatch") or user.has_power("appeals.draft")):
        copied = any(row.kind == Kinship.Kind.DUPLICATE for row in mains)
        steps.append(Step("Ответить на все копии" if copied else "Один текст всей группе", "copies", "copy"))
    if not (rows or merges or ended or steps):
        return None
    facts = {"appeal": appeal, "rows": [_side(appeal, row) for row in rows], "merges": merges, "ended": ended}
    there = len(rows) + len(merges)
    # A decision that ended the correspondence is compared by a person before anything else: he sees it unasked.
    return Part(
        "Связанные обращения", "git-merge", "workplace/law/part_kin.html", facts, tuple(steps), there, bool(ended)
    )


def _side(appeal: Appeal, row: Kinship) -> dict[str, Any]:
    """Return a relation as this appeal sees it."""
    if row.other_id == appeal.pk:
        words = {"repeated": "повторное к", "duplicate": "дубликат, ответ даётся по", "group": "одинаковое с"}
        return {"row": row, "words": words[row.kind], "to": row.main, "ground": row.get_ground_display()}
    words = {"repeated": "повторно обратились:", "duplicate": "его дубликат:", "group": "одинаковое с ним:"}
    return {"row": row, "words": words[row.kind], "to": row.other, "ground": row.get_ground_display()}


def _page(
    request: StaffRequest, appeal: Appeal, other: Appeal | None, *, refusal: DomainError | None = None
) -> HttpResponse:
    mine = _letter(appeal)
    found = alike.to_letter(mine, user=request.user, of=appeal, limit=_FOUND) if mine.strip() and not other else []
    context: dict[str, Any] = {
        "appeal": appeal,
        "other": other,
        "found": found,
        "rows": [_side(appeal, row) for row in kinship.of(appeal)],
        "merges": [(row, merging.can_undo(row)) for row in merging.of(appeal)],
        "may_merge": allows(merging.check_can_merge, appeal, request.user),
        "can_merge": request.user.has_power(merging.DECIDE),
        "ended": outcomes.ended_before(appeal),
        "number": request.POST.get("number", request.GET.get("number", ""))[:60],
        "refusal": refusal,
    }
    if other is not None:
        context["changes"] = _compared(_letter(other), mine)
        context["grounds"] = _grounds(other)
        context["signed"] = collective.of(other)
    return render(request, "workplace/law/related.html", context, status=refusal.status if refusal else 200)


def _other(request: StaffRequest, appeal: Appeal, given: Any) -> Appeal | None:
    """Return the other appeal that was chosen by its key or typed by its number, where this person may see it."""
    rows = access.visible_to(request.user).exclude(pk=0)
    number, key = " ".join(given.get("number", "").split()), typed.number(given.get("with"))
    wanted = rows.filter(pk=key) if key is not None else rows.filter(number__iexact=number) if number else rows.none()
    found = wanted.first()
    if found is not None and found.pk != appeal.pk:
        return access.get_for(request.user, found.pk)
    return appeal if found is not None else None


def _letter(appeal: Appeal) -> str:
    first = AppealMessage.objects.filter(appeal=appeal).order_by("-first", "pk").select_related("message").first()
    return f"{first.message.subject}\n{first.message.text}" if first else ""


def _compared(before: str, after: str) -> list[Change]:
    return changes(before[:_LONGEST], after[:_LONGEST])


def _grounds(main: Appeal) -> list[tuple[str, str]]:
    return [(code, kinship.Ground(code).label) for code in kinship.grounds(main)]


def _check_cover(appeal: Appeal, user: Employee) -> None:
    covered.check_can_cover(appeal, user)
