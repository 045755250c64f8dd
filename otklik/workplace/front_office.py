"""«Приём сегодня» (п. 35.2): the board, check-in of one person, walk-in, blanks, what is said about recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from otklik.core import calendar, files, journal, masking, typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people import access
from otklik.people.applicants import Typed
from otklik.reception import appointments, authority, blanks, consent_texts, front_office, holding, moves, rooms
from otklik.reception.models import Appointment, ConsentText, NoCard, ReceptionCard, Room, SlotCell
from otklik.reception.schedule import Slot, slots
from otklik.workplace.requests import StaffRequest

DESK: Final = front_office.DESK
READERS: Final = (DESK, "reception.book", "reception.schedule")
KEEPERS: Final = "reception.schedule"
PRINTERS: Final = (DESK, blanks.HOLDER)
Booked = Appointment.State
State = ReceptionCard.State
Consent = ReceptionCard.Consent
WHY: Final = "сверка документа на личном приёме"
SAID: Final = (("given", "согласен"), ("refused", "не согласен"))


# --- the board --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One person of a day as the board shows him."""

    row: Appointment
    card: ReceptionCard | None
    name: str
    minutes: int | None
    url: str


@requires(*READERS)
@require_safe
@never_cache
def today(request: StaffRequest) -> HttpResponse:
    """Show who comes on a day, today if none is asked for; the list refreshes itself."""
    on = _day(request)
    before, after = front_office.neighbours(on)
    context = {**_board(request, on), "before": before, "after": after}
    context["guarded"] = calendar.current().next_working(on)
    return render(request, "workplace/front/board.html", context)


@by_itself
@requires(*READERS)
@require_safe
@never_cache
def board(request: StaffRequest) -> HttpResponse:
    """Show the list alone: open boards ask every half a minute."""
    return render(request, "workplace/front/_board.html", _board(request, _day(request)))


def _day(request: StaffRequest) -> date:
    return typed.day(request.GET.get("on")) or timezone.localdate()


def _board(request: StaffRequest, on: date) -> dict[str, Any]:
    now = timezone.now()
    lines = [_line(row, now) for row in front_office.board(on)]
    held = (State.OPEN, State.PAUSED)
    parts = {
        "waiting": [
            one for one in lines if one.row.state == Booked.ARRIVED and not (one.card and one.card.state in held)
        ],
        "received": [one for one in lines if _is_received(one)],
        "coming": [one for one in lines if one.row.state == Booked.BOOKED],
        "over": [one for one in lines if one.row.state in (Booked.DONE, Booked.NO_CARD, Booked.NO_SHOW)],
    }
    names = {
        "waiting": "Ждут в приёмной",
        "received": "Идёт приём",
        "coming": "Ещё не пришли",
        "over": "Закончено",
    }
    return {
        "on": on,
        "is_today": on == timezone.localdate(),
        "parts": [(code, names[code], found) for code, found in parts.items() if found],
        "meets": request.user.has_power(DESK),
        "prints": request.user.has_any(PRINTERS),
        "now": now,
    }


def _is_received(one: Line) -> bool:
    begun = one.card is not None and one.card.state in (State.OPEN, State.PAUSED)
    return one.row.state == Booked.RECEIVED or (one.row.state == Booked.ARRIVED and begun)


def _line(row: Appointment, now: datetime) -> Line:
    card = getattr(row, "card", None)
    waited = front_office.waited(row, now)
    name = masking.person(row.last_name, row.first_name, row.patronymic) or "без имени"
    url = reverse("workplace:check_in", args=[card.pk]) if card else reverse("workplace:arrival", args=[row.pk])
    return Line(row, card, name, None if waited is None else int(waited.total_seconds() // 60), url)


# --- who has come -----------------------------------------------------------------------------------------------------


@requires(DESK)
@require_http_methods(["GET", "POST"])
@never_cache
def arrival(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one appointment; a POST notes that he has come, opens his card, or turns him away without a document."""
    row = get_object_or_404(Appointment.objects.select_related("official", "room", "topic"), pk=pk)
    refusal = None
    if request.method == "POST":
        try:
            return _arrived(request, row)
        except DomainError as said:
            refusal = said
            row.refresh_from_db()
    card = ReceptionCard.objects.filter(appointment=row).select_related("opened_by").first()
    if refusal is None:
        if card is not None:
            return redirect("workplace:check_in", pk=card.pk)
        journal.looked("appointment.looked", by=request.user, appointment=row.pk)
    day = front_office.day_of(row)
    context = {
        "row": row,
        "card": card,
        "refusal": refusal,
        "typed": request.POST,
        "name": row.full_name,
        "comes": row.state in (Booked.BOOKED, Booked.ARRIVED) and card is None,
        "is_today": day == timezone.localdate(),
        "is_past": day < timezone.localdate(),
        "power": authority.of(row.official, day),
        "bars": rooms.bars(row.room, day, needs_access=row.needs_access),
        "refusals": list(row.refusals.select_related("by")),
        **_turning_away(),
    }
    return render(request, "workplace/front/arrival.html", context, status=refusal.status if refusal else 200)


def _arrived(request: StaffRequest, row: Appointment) -> HttpResponse:
    given, by = request.POST, request.user
    step = given.get("step", "")
    if step == "arrive":
        appointments.arrive(row, by=by)
        messages.success(request, "Отмечено: пришёл.")
        return redirect("workplace:arrival", pk=row.pk)
    if step == "turn_away":
        messages.success(request, _turned_away(request, row))
        return redirect("workplace:arrival", pk=row.pk)
    paper = given.get("paper_number", "") if step == "paper" else ""
    if step == "paper" and not paper.strip():
        paper = "—"  # no number is no blank: the refusal says where it stands
    card = front_office.open_card(row, by=by, paper_number=paper)
    messages.success(request, f"Карточка {card.number} заведена.")
    return redirect("workplace:check_in", pk=card.pk)


def _turning_away() -> dict[str, Any]:
    return {"whys": NoCard.Why.choices, "offers": NoCard.Offered.choices}


def _turned_away(request: StaffRequest, row: Appointment) -> str:
    given = request.POST
    refusal = front_office.turn_away(
        row, why=given.get("why", ""), offered=given.get("offered", ""), note=given.get("note", ""), by=request.user
    )
    return f"Приём не проводится, причина записана. Предложено: {refusal.get_offered_display()}."


# --- check-in ---------------------------------------------------------------------------------------------------------


@requires(DESK, blanks.HOLDER)
@require_http_methods(["GET", "POST"])
@never_cache
def check_in(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the card in the front office, step by step; a POST does one step, what was typed stays where a rule says no.

    Who holds the reception sees his own cards, chooses a room and goes on after a pause; the rest is the desk's.
    """
    rows = ReceptionCard.objects.select_related(
        "appointment", "official", "authority", "applicant__merged_into", "room", "opened_by", "document_by"
    ).prefetch_related("applicant__contacts")
    card = get_object_or_404(rows, pk=pk)
    meets = request.user.has_power(DESK)
    if not meets and card.official_id != request.user.pk:
        raise Http404
    refusal = None
    if request.method == "POST":
        does = STEPS.get(request.POST.get("step", ""))
        version = typed.number(request.POST.get("version"))
        if version is not None:
            card.version = version
        try:
            if does is not None:
                messages.success(request, does(request, card))
            return redirect("workplace:check_in", pk=pk)
        except DomainError as said:
            refusal = said
            card = get_object_or_404(rows, pk=pk)
    context = _page(request, card, meets=meets) | {"refusal": refusal}
    return render(request, "workplace/front/check_in.html", context, status=refusal.status if refusal else 200)


def _fill_in(request: StaffRequest, card: ReceptionCard) -> str:
    names = ("last_name", "first_name", "patronymic", "phone", "email", "address")
    most = {"email": 320, "phone": 40, "address": 500}
    told = {name: typed.words(request.POST.get(name), most.get(name, 150)) for name in names}
    front_office.fill_in(card, Typed(**told), by=request.user)
    return "Данные заявителя внесены."


def _document(request: StaffRequest, card: ReceptionCard) -> str:
    given = request.POST
    matches = {"yes": True, "no": False}.get(given.get("same", ""))
    front_office.check_document(
        card,
        document=given.get("document", ""),
        matches=matches,
        other=given.get("document_other", ""),
        note=given.get("note", ""),
        number=given.get("document_number", "") if given.get("keep_number") else "",
        by=request.user,
    )
    return "Документ сверен." if matches else "Расхождения записаны: исправьте данные или предложите другое."


def _inform(request: StaffRequest, card: ReceptionCard) -> str:
    front_office.inform(card, video=request.POST.get("video", ""), audio=request.POST.get("audio", ""), by=request.user)
    if card.room_video and card.video == Consent.REFUSED:
        return "Отказ от видео записан. Выберите помещение без системы видеопротоколирования."
    return "Ответ о записи отмечен."


def _room(request: StaffRequest, card: ReceptionCard) -> str:
    room = Room.objects.filter(pk=typed.number(request.POST.get("room")) or 0).first()
    if room is None:
        raise NoRoom
    later = request.POST.get("later", "")
    slot = next((one.slot for one in front_office.offer_rooms(card).later if _key(one.slot) == later), None)
    if later and slot is None:
        raise front_office.TimeTaken
    front_office.change_room(card, room, slot=slot, by=request.user)
    if slot is not None:
        return (
            f"Приём перенесён на {timezone.localtime(slot.starts_at):%d.%m в %H:%M}, «{room.name}»: очередь сохранена."
        )
    return f"Помещение изменено: «{room.name}», {room.place}."


class NoRoom(DomainError):
    """Nothing was chosen in the list."""

    code = "reception.no_room"
    text = "Выберите помещение из списка."


def _ready(request: StaffRequest, card: ReceptionCard) -> str:
    front_office.ready(card, by=request.user)
    return f"Готово: {card.official.short_name} может начать приём."


def _back(request: StaffRequest, card: ReceptionCard) -> str:
    front_office.back(card, by=request.user)
    return "Карточка снова в приёмной."


def _resume(request: StaffRequest, card: ReceptionCard) -> str:
    holding.resume(card, by=request.user)
    return "Приём продолжен."


def _withdraw(request: StaffRequest, card: ReceptionCard) -> str:
    holding.withdraw_consent(card, request.POST.get("kind", ""), by=request.user)
    return "Согласие отозвано. Скажите ведущему приём: запись остановить сейчас."


def _end(request: StaffRequest, card: ReceptionCard) -> str:
    front_office.end(card, why=request.POST.get("why", ""), by=request.user)
    return "Записано: приём не состоялся."


def _turn_away(request: StaffRequest, card: ReceptionCard) -> str:
    return _turned_away(request, card.appointment)


STEPS: Final[dict[str, Callable[[StaffRequest, ReceptionCard], str]]] = {
    "data": _fill_in,
    "document": _document,
    "inform": _inform,
    "room": _room,
    "ready": _ready,
    "back": _back,
    "resume": _resume,
    "withdraw": _withdraw,
    "end": _end,
    "turn_away": _turn_away,
}


def _key(slot: Slot) -> str:
    return f"{timezone.localtime(slot.starts_at):%Y-%m-%dT%H:%M}"


def _page(request: StaffRequest, card: ReceptionCard, *, meets: bool) -> dict[str, Any]:
    row, day = card.appointment, front_office.day_of(card.appointment)
    here = card.state in (State.CHECK_IN, State.READY)
    shown = access.reveal(card.applicant, by=request.user, reason=WHY, about=moves.chain_of(card)) if meets else None
    bars = rooms.bars(card.room, day, needs_access=row.needs_access) if here else []
    against = card.video in moves.AGAINST_VIDEO
    must_move = against and card.room_video and card.state in (State.CHECK_IN, State.PAUSED)
    may_move = card.state in (State.CHECK_IN, State.READY, State.PAUSED)
    offer = None
    if may_move and (must_move or bars or request.GET.get("rooms")):
        offer = front_office.offer_rooms(card)
    given: QueryDict = request.POST
    waited = front_office.waited(row, timezone.now())
    text = consent_texts.current(day) if card.room_video or card.room_audio else None
    lacks = front_office.lacks(card) if card.state == State.CHECK_IN else []
    return {
        "card": card,
        "begins": _begins(card, asks=text is not None, must_move=must_move, lacks=bool(lacks)),
        "row": row,
        "shown": shown,
        "fits_name": row.last_name == card.applicant.last_name,
        "given": given,
        "is_here": here,
        "meets": meets,
        "holds": card.official_id == request.user.pk,
        "lacks": lacks,
        "text": text,
        "documents": ReceptionCard.Document.choices,
        "asked": [
            (code, words, has, value, value and card_label(value), given.get(code, value))
            for code, words, has, value in (
                ("video", "Видеозапись", card.room_video, card.video),
                ("audio", "Аудиозапись", card.room_audio, card.audio),
            )
        ],
        "first_asked": "video" if card.room_video else "audio",
        "said": SAID,
        "bars": bars,
        "must_move": must_move,
        "may_move": may_move,
        "offer": offer,
        "later": [(_key(one.slot), one) for one in offer.later] if offer else [],
        "withdrawable": [
            (kind, words)
            for kind, words in (("video", "видео"), ("audio", "аудио"))
            if card.state == State.OPEN and getattr(card, kind) == Consent.GIVEN
        ],
        "waited": None if waited is None else int(waited.total_seconds() // 60),
        "history": moves.history(card),
        **_turning_away(),
    }


def _begins(card: ReceptionCard, *, asks: bool, must_move: bool, lacks: bool) -> str:
    """Return the step the cursor stands in when the page opens: the first that is not done."""
    if card.state != State.CHECK_IN:
        return ""
    if not card.document_at:
        return "document"
    if must_move:
        return "room"
    if asks and not card.informed_at:
        return "inform"
    return "" if lacks else "ready"


def card_label(value: str) -> str:
    """Return what a consent is called."""
    return str(Consent(value).label)


# --- without an appointment -------------------------------------------------------------------------------------------


class WalkInForm(TidyForm):
    """Who came without an appointment, to whom, and whether he goes out of turn."""

    last_name = forms.CharField(
        label="Фамилия", max_length=150, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )
    first_name = forms.CharField(label="Имя", max_length=150)
    patronymic = forms.CharField(label="Отчество", max_length=150, required=False)
    phone = forms.CharField(
        label="Телефон", max_length=40, required=False, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )
    to = forms.ChoiceField(label="К кому и когда")
    matter = forms.CharField(
        label="С чем пришёл", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    out_of_turn = forms.CharField(
        label="Право на приём вне очереди",
        max_length=300,
        required=False,
        help_text="Чем подтверждается (59-ФЗ, ст. 13 ч. 7). Пусто — в порядке очереди.",
    )
    needs_access = forms.BooleanField(label="Нужно доступное помещение", required=False)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


@requires(DESK)
@require_http_methods(["GET", "POST"])
def walk_in(request: StaffRequest) -> HttpResponse:
    """Write down who came without an appointment, to a free time of today or to wait until the official is free."""
    offered = dict(_offered(timezone.localdate()))
    form = WalkInForm(request.POST or None, choices=[(code, words) for code, (words, _, _) in offered.items()])
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        _, official, slot = offered[data.pop("to")]
        try:
            row = appointments.walk_in(data, slot, official=official, by=request.user)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Посетитель записан. Сверьте документ.")
            return redirect("workplace:arrival", pk=row.pk)
    context = {"form": form, "nobody": not offered, "books": request.user.has_power(appointments.POWER)}
    return render(request, "workplace/front/walk_in.html", context, status=422 if form.is_bound else 200)


def _offered(day: date) -> Iterator[tuple[str, tuple[str, Any, Slot | None]]]:
    """Yield (value, (words, official, slot)) of who still receives on a day: «when he is free», then his times."""
    people = {one.official_id: one.official for one in authority.valid_on(day).order_by("official__last_name")}
    now = timezone.now()
    found = [one for one in slots(day, day, officials=people) if one.ends_at > now]
    busy = SlotCell.objects.filter(cell__gte=now - timedelta(days=1), cell__lt=now + timedelta(days=1))
    taken = set(busy.values_list("resource", "cell"))
    for pk, official in people.items():
        if not any(slot.official_id == pk for slot in found):  # his hours are over, or it is none of his days
            continue
        yield f"{pk}", (f"{official.short_name} — как освободится", official, None)
        for slot in found:
            if slot.official_id == pk and slot.starts_at >= now and (f"official:{pk}", slot.starts_at) not in taken:
                at = timezone.localtime(slot.starts_at)
                yield f"{pk}-{at:%H%M}", (f"{official.short_name} — сегодня в {at:%H:%M}", official, slot)


# --- on paper ---------------------------------------------------------------------------------------------------------


class BlanksForm(TidyForm):
    """How many blanks to print."""

    count = forms.IntegerField(label="Сколько бланков", min_value=1, max_value=blanks.MOST, initial=10)


@requires(*PRINTERS)
@require_http_methods(["GET", "POST"])
def print_blanks(request: StaffRequest) -> HttpResponseBase:
    """Say what blanks are for; a POST gives so many of them, numbered, as PDF."""
    form = BlanksForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        on = timezone.localdate()
        content = blanks.print_out(form.cleaned_data["count"], on=on, by=request.user)
        return files.download(HttpResponse(content, content_type="application/pdf"), f"blanki-priyoma-{on}.pdf")
    paper = ReceptionCard.objects.filter(from_paper=True).order_by("-opened_at")[:20]
    context = {"form": form, "entered": paper, "meets": request.user.has_power(DESK)}
    return render(request, "workplace/front/blanks.html", context, status=422 if form.is_bound else 200)


# --- the words of recording -------------------------------------------------------------------------------------------


class TextForm(TidyForm):
    """A new edition of what is said about recording."""

    text = forms.CharField(
        label="Что говорят заявителю", max_length=consent_texts.TEXT_MAX, widget=forms.Textarea(attrs={"rows": 8})
    )
    valid_from = forms.DateField(label="Действует с", widget=DATE_INPUT)


@requires(KEEPERS, DESK)
@require_http_methods(["GET", "POST"])
def recording_words(request: StaffRequest) -> HttpResponse:
    """Show every edition of the text about recording; a POST by who keeps the schedule begins a new one."""
    today_ = timezone.localdate()
    keeps = request.user.has_power(KEEPERS)
    now = consent_texts.current(today_)
    form = TextForm(request.POST or None, initial={"text": now.text, "valid_from": today_ + timedelta(days=1)})
    if request.method == "POST":
        if not keeps:
            raise PermissionDenied
        if form.is_valid():
            try:
                row = consent_texts.replace(**form.cleaned_data, today=today_, by=request.user)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, f"Редакция {row.version} действует с {row.valid_from:%d.%m.%Y}.")
                return redirect("workplace:recording_words")
    context = {"form": form, "editions": ConsentText.objects.all(), "current": now, "keeps": keeps}
    return render(request, "workplace/front/words.html", context, status=422 if form.is_bound else 200)
