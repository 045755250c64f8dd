"""«Уведомления»: what one was told, appeal by appeal; the bell; how one wants to be told; whom a note may call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from otklik.appeals import access, mentions
from otklik.appeals.models import Appeal
from otklik.core import hours, typed
from otklik.core.access import by_itself, requires
from otklik.core.forms import TidyForm
from otklik.workplace import notices, queue
from otklik.workplace.models import Attention, Notice
from otklik.workplace.requests import StaffRequest

PER_PAGE: Final = 30
SHOWN: Final = 20  # notices of one appeal
MAIL: Final = ((notices.ONCE, "сразу"), (notices.DIGEST, "в сводке"), (notices.NO_MAIL, "не писать"))
GROUPS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Ждёт меня", ("assigned", "approval", "signature", "returned", "approved", "term")),
    ("Важное", ("mention", "reply", "undelivered")),
    ("За чем я слежу", ("followed",)),
    ("Консультационная линия и приём", ("call_back", "instruction")),
    ("Каналы, система и отзывы", ("channel", "system", "opinion")),
    ("Отчёты", ("head_sheet",)),
    ("База знаний", ("review", "law", "to_agree", "agreed", "vote")),
)


@dataclass(frozen=True)
class Group:
    """What happened to one appeal or is to be seen at one page, newest first; `total` may be more than is shown."""

    appeal: Appeal | None
    path: str
    notices: list[Notice]
    total: int
    unread: int


@requires()
@require_GET
def notice_list(request: StaffRequest) -> HttpResponse:
    """Show the notices, one row for an appeal or for another page, those with something unread first."""
    found = notices.seen_by(request.user).order_by()
    news = Count("pk", filter=Q(read_at=None))
    appeals = found.values("appeal", "path").annotate(news=news, total=Count("pk"), newest=Max("at"))
    fresh = appeals.filter(news__gt=0).order_by("-newest", "-appeal", "path")
    rest = appeals.filter(news=0).order_by("-newest", "-appeal", "path")
    page = Paginator([*fresh, *rest[: 10 * PER_PAGE]], PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "groups": _groups(request, page.object_list),
        "unread": len(fresh),
    }
    return render(request, "workplace/notices.html", context)


def _groups(request: StaffRequest, rows: Any) -> list[Group]:
    those = Q(appeal__in=[row["appeal"] for row in rows if row["appeal"]])
    those |= Q(path__in=[row["path"] for row in rows if row["path"]])
    its: dict[tuple[int | None, str], list[Notice]] = {}
    found = notices.seen_by(request.user).filter(those).select_related("appeal", "actor", "in_place_of")
    for one in found.order_by("-at", "-pk"):
        its.setdefault((one.appeal_id, one.path), []).append(one)
    groups = ((its.get((row["appeal"], row["path"])), row) for row in rows)
    return [
        Group(those_of[0].appeal, row["path"], those_of[:SHOWN], row["total"], row["news"])
        for those_of, row in groups
        if those_of
    ]


@requires()
@require_POST
def read(request: StaffRequest) -> HttpResponse:
    """Note that everything, or what there is about one appeal or one page, has been read."""
    path = request.POST.get("path", "")
    notices.mark_read(request.user, typed.number(request.POST.get("appeal")), path=path)
    if "appeal" not in request.POST and not path:
        messages.success(request, "Все уведомления отмечены прочитанными.")
    return redirect("workplace:notices")


@by_itself
@requires()
@require_GET
def bell(request: StaffRequest) -> JsonResponse:
    """Answer an open page how much is unread, and what came last."""
    unread = notices.unread(request.user)
    pages = Count("path", distinct=True, filter=Q(appeal=None))
    count = unread.aggregate(appeals=Count("appeal", distinct=True), pages=pages, last=Max("pk"))
    number = count["appeals"] + count["pages"]
    answer: dict[str, object] = {"unread": number, "last": count["last"] or 0, "said": ""}
    if count["last"]:
        newest = Notice.objects.select_related("appeal").get(pk=count["last"])
        answer["said"] = f"{newest.text}, {newest.about}"
    return JsonResponse(answer)


@requires(access.ALL, access.UNIT, access.OWN)
@require_POST
def attention(request: StaffRequest, pk: int) -> HttpResponse:
    """Follow an appeal, mute it, or hear of it as usual."""
    appeal = access.get_for(request.user, pk)
    level = request.POST.get("level", "")
    if level and level not in Attention.Level.values:
        raise Http404
    notices.attend(request.user, appeal, level)
    said: dict[str, str] = {
        Attention.Level.FOLLOWS: "Вы следите за обращением: обо всём новом придёт уведомление.",
        Attention.Level.MUTED: "Об этом обращении придёт только то, что ждёт лично вас.",
    }
    messages.success(request, said.get(level, "Об этом обращении придёт то, что касается вас."))
    return redirect(queue.card_url(request, pk))


@requires("appeals.note")
@require_GET
def colleagues(request: StaffRequest, pk: int) -> JsonResponse:
    """Answer whom a note about this appeal may mention."""
    appeal = access.get_for(request.user, pk)
    return JsonResponse({"colleagues": [vars(one) for one in mentions.colleagues(appeal)]})


class SettingsForm(TidyForm):
    """For each kind of event: in the product, by e-mail; when."""

    digest_at = forms.TimeField(
        label="Время сводки",
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        help_text="Одно письмо в день, если есть о чём. Прочитанное в него не входит.",
    )
    quiet = forms.BooleanField(
        label="Не беспокоить вне рабочего времени",
        required=False,
        help_text=f"Письма подождут до утра рабочего дня, {hours.DEPARTMENT.opens:%H:%M}. В Отклике уведомления видны "
        "сразу.",
    )

    def __init__(self, *args: Any, wishes: notices.Wishes, **kwargs: Any) -> None:
        initial: dict[str, Any] = {"digest_at": wishes.digest_at, "quiet": wishes.quiet}
        for kind, way in wishes.ways.items():
            initial |= {f"shown-{kind}": way.shown, f"mail-{kind}": way.mail}
        super().__init__(*args, initial=initial, **kwargs)
        for kind, label in Notice.Kind.choices:
            name = label[:1].upper() + label[1:]
            box = forms.CheckboxInput(attrs={"class": "form-check-input", "aria-label": f"{name}: в Отклике"})
            select = forms.Select(attrs={"class": "form-select", "aria-label": f"{name}: по почте"})
            self.fields[f"shown-{kind}"] = forms.BooleanField(label=name, required=False, widget=box)
            self.fields[f"mail-{kind}"] = forms.ChoiceField(choices=MAIL, required=False, widget=select)

    def rows(self) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Return the groups of kinds with their two fields."""
        return [(title, [(self[f"shown-{kind}"], self[f"mail-{kind}"]) for kind in kinds]) for title, kinds in GROUPS]

    def general(self) -> list[Any]:
        """Return the fields that belong to no kind."""
        return [self["digest_at"], self["quiet"]]

    def wishes(self) -> notices.Wishes:
        """Return what was chosen."""
        given = self.cleaned_data
        ways = {kind: notices.Way(given[f"shown-{kind}"], given[f"mail-{kind}"]) for kind in Notice.Kind.values}
        return notices.Wishes(ways, given["digest_at"], given["quiet"])


@requires()
@require_http_methods(["GET", "POST"])
def notice_settings(request: StaffRequest) -> HttpResponse:
    """Show and keep how the employee wants to be told."""
    form = SettingsForm(request.POST or None, wishes=notices.wishes(request.user))
    if request.method == "POST" and form.is_valid():
        notices.wish(request.user, form.wishes())
        messages.success(request, "Настройки уведомлений сохранены.")
        return redirect("workplace:notice_settings")
    status = 422 if form.errors else 200
    return render(request, "workplace/notice_settings.html", {"form": form}, status=status)
