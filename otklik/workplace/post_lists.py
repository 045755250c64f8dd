"""Letters for the post office at the desk: what waits, put on a list, weighed, numbered, handed over."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access
from otklik.channels.post import lists
from otklik.channels.post.models import PostItem, PostList
from otklik.core import files, journal, masking, sheets
from otklik.core.access import requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.correspondence.models import OutgoingMessage
from otklik.people import access as people_access
from otklik.workplace.requests import StaffRequest

POWER: Final = "appeals.dispatch"
PER_PAGE: Final = 30
AT_ONCE: Final = 300  # letters of one list


class HandForm(TidyForm):
    """The day the post office took the letters."""

    on = forms.DateField(label="Дата сдачи на почту", widget=DATE_INPUT)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def post_lists(request: StaffRequest) -> HttpResponse:
    """Show the letters that wait for the post office and the lists; a POST puts those marked on a new list."""
    rows = _waiting(request)
    refusal = None
    if request.method == "POST":
        chosen = [int(one) for one in request.POST.getlist("letter") if one.isdecimal() and len(one) < 19]
        try:
            made = lists.make(rows.filter(pk__in=chosen[:AT_ONCE]), by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            return redirect("workplace:post_list", made.pk)
    found = _seen_lists(request).annotate(letters=Count("items")).order_by("-pk")
    context = {
        "rows": rows.select_related("thread__appeal")[:AT_ONCE],
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "refusal": refusal,
    }
    return render(request, "workplace/scans/post_lists.html", context, status=422 if refusal else 200)


@requires(POWER)
@require_http_methods(["GET", "POST"])
def post_list(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one list; a POST keeps weights and numbers, and with the day says that the letters were handed over."""
    made = _list(request, pk)
    form = HandForm(initial={"on": timezone.localdate()})
    refusal = None
    said: dict[int, lists.Typed] = {}
    if request.method == "POST":
        said = {
            item.pk: lists.Typed(request.POST.get(f"grams-{item.pk}", ""), request.POST.get(f"track-{item.pk}", ""))
            for item in made.items.all()
        }
        hands = request.POST.get("do") == "hand"
        form = HandForm(request.POST) if hands else form
        try:
            lists.write_down(made, said, by=request.user)
            if hands and form.is_valid():
                number = lists.hand(made, on=form.cleaned_data["on"], by=request.user)
                messages.success(request, f"Отмечено: сдано на почту писем: {number}.")
                return redirect("workplace:post_list", pk)
        except DomainError as exc:
            refusal = exc
        else:
            if not hands:
                messages.success(request, "Сохранено.")
                return redirect("workplace:post_list", pk)
    context = {"made": made, "lines": _lines(made, said), "form": form, "refusal": refusal}
    return render(request, "workplace/scans/post_list.html", context, status=422 if refusal or form.errors else 200)


@requires(POWER)
@require_POST
def post_list_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a letter off a list."""
    items = PostItem.objects.filter(message__thread__appeal__in=access.visible_to(request.user))
    item = get_object_or_404(items.select_related("post_list"), pk=pk)
    try:
        lists.remove(item, by=request.user)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return redirect("workplace:post_list", item.post_list_id)
    messages.success(request, "Письмо снято со списка и снова ждёт отправки.")
    if PostList.objects.filter(pk=item.post_list_id).exists():
        return redirect("workplace:post_list", item.post_list_id)
    return redirect("workplace:post_lists")


@requires(POWER)
@require_GET
def post_list_table(request: StaffRequest, pk: int) -> HttpResponse:
    """Hand out a list as a table with the addresses in full; the look is written down."""
    made = _list(request, pk)
    journal.looked("post_list.opened", by=request.user, post_list=made.pk)
    threads = made.items.values_list("message__thread", "message__thread__appeal__number")
    content = sheets.xlsx(lists.table(made, dict(threads)), title=f"Список {made.pk}")
    return files.download(HttpResponse(content, content_type=sheets.XLSX), f"spisok-otpravleniy-{made.pk}.xlsx")


def _waiting(request: StaffRequest) -> QuerySet[OutgoingMessage]:
    return lists.waiting().filter(thread__appeal__in=access.visible_to(request.user))


def _seen_lists(request: StaffRequest) -> QuerySet[PostList]:
    """Return the lists of which every letter may be seen."""
    hidden = PostItem.objects.exclude(message__thread__appeal__in=access.visible_to(request.user))
    return PostList.objects.exclude(pk__in=hidden.values("post_list")).select_related("made_by", "handed_by")


def _list(request: StaffRequest, pk: int) -> PostList:
    return get_object_or_404(_seen_lists(request), pk=pk)


def _lines(made: PostList, said: dict[int, lists.Typed]) -> list[dict[str, Any]]:
    """Return the lines as the page shows them: names and addresses masked, what was typed kept."""
    lines = []
    for item in made.items.select_related("message__thread__appeal__applicant"):
        letter, appeal = item.message, item.message.thread.appeal
        lines.append(
            {
                "item": item,
                "appeal": appeal,
                "to": people_access.masked_name(appeal.applicant),
                "address": masking.address(letter.recipient),
                "typed": said.get(item.pk) or lists.Typed(str(item.grams or ""), item.track),
                "letter": letter,
            }
        )
    return lines
