"""Holding a reception: the official's day, the card step by step, reading and printing it, recordings, поручения."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from otklik.appeals import access, classification, fixed, releasing
from otklik.appeals.models import FixedSigner, Need
from otklik.core import files, journal, typed
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.forms import DATE_INPUT, TidyForm
from otklik.people.models import Employee
from otklik.reception import (
    finishing,
    front_office,
    handing_over,
    holding,
    instructions,
    inviting,
    outcomes,
    promised_answers,
    recordings,
)
from otklik.reception.models import CardQuestion, ReceptionCard, Recording
from otklik.surveys import feedback
from otklik.workplace import call_aside
from otklik.workplace.classification import TopicField
from otklik.workplace.requests import StaffRequest

S = ReceptionCard.State
Outcome = CardQuestion.Outcome
PER_PAGE: Final = 50
EARLIER: Final = 10
INSTRUCTED: Final = (holding.HOLD, "reception.decide", "appeals.draft", "appeals.view_own")


class QuestionForm(TidyForm):
    """What the applicant asks, and what it is about."""

    text = forms.CharField(
        label="Суть вопроса",
        widget=forms.Textarea(attrs={"rows": 3, "lang": "ru"}),
        max_length=5000,
        error_messages={"required": "Напишите суть вопроса: она остаётся в карточке."},
    )
    topic = TopicField(label="Тема", required=False)
    need = forms.ModelChoiceField(
        Need.objects.none(), label="Типовая потребность", required=False, empty_label="Не определена"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        need = self.fields["need"]
        assert isinstance(need, forms.ModelChoiceField)
        need.queryset = classification.valid_needs()


class InstructionForm(TidyForm):
    """What is to be done, by whom and till when."""

    text = forms.CharField(label="Что сделать", widget=forms.Textarea(attrs={"rows": 2, "lang": "ru"}), max_length=2000)
    executor = forms.ModelChoiceField(Employee.objects.none(), label="Исполнитель", empty_label="Выберите исполнителя")
    due_on = forms.DateField(label="Срок", widget=DATE_INPUT)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        executor = self.fields["executor"]
        assert isinstance(executor, forms.ModelChoiceField)
        executor.queryset = Employee.objects.filter(is_active=True).order_by("last_name", "first_name")


@requires(holding.HOLD)
@require_safe
@never_cache
def hold_day(request: StaffRequest) -> HttpResponse:
    """Show the official his receptions of a day: who waits, what is over, what stands next."""
    on = _day(request)
    before, after = front_office.neighbours(on, request.user)
    waiting = instructions.seen_by(request.user).filter(instructions.OPEN, by=request.user)
    his = Q(signer=request.user, released_to=None) | Q(released_to=request.user)  # who is to sign: he and nobody else
    own = list(_promised(request.user).filter(his, appeal__answered_on=None)[:EARLIER])
    seen = access.visible_to(request.user).filter(pk__in=[one.appeal_id for one in own])
    context = {
        "on": on,
        "today": timezone.localdate(),
        "before": before,
        "after": after,
        "cards": holding.day_of_official(request.user, on),
        "reported": waiting.filter(done_at__isnull=False).count(),
        "promised": own,
        "visible": set(seen.values_list("pk", flat=True)),
    }
    return render(request, "workplace/reception/hold_day.html", context)


@by_itself
@requires(holding.HOLD)
@require_safe
@never_cache
def hold_rows(request: StaffRequest) -> HttpResponse:
    """Show his cards of the day alone: an open page asks every half a minute."""
    on = _day(request)
    context = {"on": on, "cards": holding.day_of_official(request.user, on)}
    return render(request, "workplace/reception/_hold_rows.html", context)


def _day(request: StaffRequest) -> date:
    on, today = typed.day(request.GET.get("on")), timezone.localdate()
    return on if on and today.replace(year=2020) <= on <= today + timedelta(days=730) else today


@requires(holding.HOLD)
@require_safe
@never_cache
def hold(request: StaffRequest, pk: int) -> HttpResponse:
    """Show the official his card step by step; anybody else reads it where he may."""
    card = get_object_or_404(_cards(holding.seen_by(request.user)), pk=pk)
    if card.official_id != request.user.pk or card.state in (S.FINISHED, S.ENDED):
        return redirect("workplace:reception_card", pk=pk)
    _looked(request, card)
    return _screen(request, card)


@requires(holding.HOLD)
@require_POST
@never_cache
def hold_step(request: StaffRequest, pk: int) -> HttpResponse:
    """Take one step of the reception; what was typed stays where a rule says no.

    Whoever presses is asked by the step itself, so that an attempt of another is refused and written down.
    """
    card = get_object_or_404(_cards(ReceptionCard.objects.all()), pk=pk)
    name = request.POST.get("step", "")
    step = STEPS.get(name)
    if step is None:
        raise Http404
    is_his = card.official_id == request.user.pk
    try:
        if not is_his and name not in OF_OTHERS:
            holding.check_holds(card, request.user, starting=name == "start")
        said = step(request, card)
    except holding.MayNotHold as refusal:
        if card.official_id != request.user.pk:
            context = {"refusal": refusal, "card": card}
            return render(request, "workplace/reception/hold_refused.html", context, status=refusal.status)
        return _screen(request, card, refusal=refusal)
    except finishing.AlreadyFinished as refusal:
        messages.warning(request, str(refusal))
        return redirect("workplace:reception_card", pk=pk)
    except (DomainError, _Unclear) as refusal:
        card = _cards(ReceptionCard.objects.all()).get(pk=pk)
        if not is_his:  # what is not filled in is told, what the card holds is not
            context = {"refusal": refusal, "card": card}
            return render(request, "workplace/reception/hold_refused.html", context, status=refusal.status)
        return _screen(request, card, refusal=refusal)
    if said:
        messages.success(request, said)
    if card.official_id != request.user.pk or card.state == S.FINISHED:
        return redirect("workplace:reception_card", pk=pk)
    return redirect(f"{reverse('workplace:hold', args=[pk])}#now")


@requires(*holding.READERS)
@require_safe
@never_cache
def reception_card(request: StaffRequest, pk: int) -> HttpResponse:
    """Show a card to be read and printed, with its recordings; who looked is written down."""
    card = get_object_or_404(_cards(holding.seen_by(request.user)), pk=pk)
    _looked(request, card)
    return _card(request, card)


@requires(*holding.READERS)
@require_GET
def reception_pdf(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Give the kept PDF of a finished card; of another one, as it stands now and saying so."""
    card = get_object_or_404(_cards(holding.seen_by(request.user)), pk=pk)
    journal.looked("reception.card_printed", by=request.user, card=pk)
    name = f"Карточка {card.number}.pdf"
    if card.pdf is not None:
        return files.response(card.pdf, name)
    return files.download(HttpResponse(finishing.pdf(card), content_type="application/pdf"), name)


@requires(recordings.POWER)
@require_POST
def recording_add(request: StaffRequest, pk: int) -> HttpResponse:
    """Keep a recording; refused where the applicant did not agree to it."""
    card = get_object_or_404(_cards(holding.seen_by(request.user)), pk=pk)
    given = request.FILES.get("file")
    try:
        if given is None or given.file is None:
            raise recordings.BadRecording(what="Выберите файл записи.")
        recordings.add(card, request.POST.get("kind", ""), given.file, name=given.name or "запись", by=request.user)
    except DomainError as refusal:
        return _card(request, card, refusal=refusal)
    messages.success(request, "Запись приложена. Каждое её открытие остаётся в журнале доступа.")
    return redirect("workplace:reception_card", pk=pk)


@requires(recordings.POWER)
@require_GET
def recording(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Give a recording; the opening is in the access log."""
    row = get_object_or_404(Recording.objects.select_related("stored", "card"), pk=pk)
    return files.response(recordings.opened(row, by=request.user), row.name)


@requires(*INSTRUCTED)
@require_safe
def instruction_list(request: StaffRequest) -> HttpResponse:
    """Show поручения с приёма: those one has to do, those one gave, the overdue, those taken off control."""
    today, rows = timezone.localdate(), instructions.seen_by(request.user)
    states = {
        "mine": ("мне исполнить", rows.filter(instructions.OPEN, executor=request.user)),
        "given": ("на контроле", rows.filter(instructions.OPEN)),
        "late": ("просрочены", rows.filter(instructions.OPEN, done_at=None, due_on__lt=today)),
        "done": ("сняты с контроля", rows.filter(accepted_at__isnull=False)),
    }
    usual = "given" if request.user.has_power(holding.HOLD) else "mine"
    chosen = request.GET.get("state", "")
    chosen = chosen if chosen in states else usual
    page = Paginator(states[chosen][1].order_by("due_on", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "tabs": [(code, words, found.count()) for code, (words, found) in states.items()],
        "chosen": chosen,
        "page": page,
        "query": f"state={chosen}&",
        "today": today,
    }
    return render(request, "workplace/reception/instructions.html", context)


@requires(*INSTRUCTED)
@require_http_methods(["GET", "POST"])
def instruction(request: StaffRequest, pk: int) -> HttpResponse:
    """Show one поручение; a POST reports it, takes it off control or gives it back."""
    row = get_object_or_404(instructions.seen_by(request.user), pk=pk)
    refusal: DomainError | None = None
    if request.method == "POST":
        step, text = request.POST.get("step", ""), request.POST.get("text", "")
        try:
            if step == "report":
                instructions.report(row, text, by=request.user)
            elif step == "accept":
                instructions.accept(row, by=request.user)
            elif step == "back":
                instructions.give_back(row, text, by=request.user)
            else:
                raise instructions.BadInstruction(what="Выберите, что сделать с поручением.")
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, "Записано.")
            return redirect("workplace:instruction", pk=pk)
    context = {
        "row": row,
        "refusal": refusal,
        "typed": request.POST,
        "is_mine": row.executor_id == request.user.pk,
        "controls": instructions.may_control(row, request.user),
        "reads_card": holding.seen_by(request.user).filter(pk=row.card_id).exists()
        and request.user.has_any(holding.READERS),
        "today": timezone.localdate(),
    }
    return render(request, "workplace/reception/instruction.html", context, status=refusal.status if refusal else 200)


@requires(holding.HOLD, "reception.decide", "reception.figures", "journal.view")
@require_safe
def promised_list(request: StaffRequest) -> HttpResponse:
    """List the written answers promised at receptions: one's own, for who decides or counts all; exceptions marked."""
    rows = _promised(request.user)
    chosen = request.GET.get("state", "")
    states = {
        "open": ("ждут ответа", rows.filter(appeal__answered_on=None)),
        "others": ("подпишет другой", rows.filter(released_at__isnull=False)),
        "all": ("все", rows),
    }
    chosen = chosen if chosen in states else "open"
    page = Paginator(states[chosen][1], PER_PAGE).get_page(request.GET.get("page"))
    seen = access.visible_to(request.user).filter(pk__in=[one.appeal_id for one in page])
    context = {
        "tabs": [(code, words, found.count()) for code, (words, found) in states.items()],
        "chosen": chosen,
        "page": page,
        "query": f"state={chosen}&",
        "visible": set(seen.values_list("pk", flat=True)),
    }
    return render(request, "workplace/reception/promised.html", context)


@requires(releasing.DECIDE)
@require_http_methods(["GET", "POST"])
def signer(request: StaffRequest, pk: int) -> HttpResponse:
    """Show who alone may sign and why; a POST decides on a ground who signs instead."""
    appeal = access.get_for(request.user, pk)
    row = fixed.of(appeal)
    if row is None:
        raise Http404
    refusal: DomainError | None = None
    takers = releasing.takers(appeal, by=request.user)
    if request.method == "POST":
        to = next((one for one in takers if str(one.pk) == request.POST.get("to")), None)
        ground, note = request.POST.get("ground", ""), request.POST.get("note", "")
        try:
            if to is None:
                raise releasing.ReleaseRefused(number=appeal.number, what="выберите, кто подпишет ответ.")
            promised_answers.release(appeal, to=to, ground=ground, note=note, by=request.user)
        except DomainError as exc:
            refusal = exc
        else:
            messages.success(request, f"Решение записано: ответ подпишет {to.short_name}.")
            return redirect("workplace:sign", pk=pk)
    context = {
        "appeal": appeal,
        "row": FixedSigner.objects.select_related("signer", "released_to", "released_by").get(pk=row.pk),
        "grounds": [(one, FixedSigner.Ground(one).label) for one in promised_answers.grounds(appeal)],
        "takers": takers,
        "typed": request.POST,
        "refusal": refusal,
    }
    return render(request, "workplace/reception/signer.html", context, status=refusal.status if refusal else 200)


# --- the steps of the screen -----------------------------------------------------------------------------------------


class _Unclear(Exception):
    """A form of the screen is not filled in; the form itself says where."""

    status = 422

    def __init__(self, **forms_: TidyForm) -> None:
        super().__init__("Заполните отмеченные поля.")
        self.forms = forms_


def _start(request: StaffRequest, card: ReceptionCard) -> str:
    at = None
    if card.from_paper:
        at = _moment(request.POST.get("at", ""))
        if at is None or at > timezone.now():
            raise holding.AnswerNeeded(what="Укажите день и час приёма, как написано на бумажной карточке.")
    holding.start(card, by=request.user, started_at=at)
    return "Приём начат."


def _introduce(request: StaffRequest, card: ReceptionCard) -> str:
    holding.introduce(card, by=request.user)
    return ""


def _before(request: StaffRequest, card: ReceptionCard) -> str:
    answer = {"yes": True, "no": False}.get(request.POST.get("before", ""))
    holding.applied_before(card, answer, where=request.POST.get("where", "")[:5000], by=request.user)
    return ""


def _add(request: StaffRequest, card: ReceptionCard) -> str:
    form = QuestionForm(request.POST, prefix="new")
    holding.check_holds(card, request.user)
    if not form.is_valid():
        raise _Unclear(question=form)
    holding.add_question(card, **form.cleaned_data, by=request.user)
    return ""


def _change(request: StaffRequest, card: ReceptionCard) -> str:
    holding.check_holds(card, request.user)
    question = _question(request, card)
    form = QuestionForm(request.POST, prefix=f"q{question.pk}")
    if not form.is_valid():
        raise _Unclear(**{f"q{question.pk}": form})
    holding.change_question(question, **form.cleaned_data, by=request.user)
    return "Вопрос исправлен."


def _remove(request: StaffRequest, card: ReceptionCard) -> str:
    holding.remove_question(_question(request, card), by=request.user)
    return "Вопрос убран."


def _outcome(request: StaffRequest, card: ReceptionCard) -> str:
    question, sent = _question(request, card), request.POST
    outcome, answer = sent.get("outcome", ""), sent.get("answer", "")[:20000]
    material = typed.number(sent.get("material"))
    material = material if material and material < 2**31 else None
    if outcome == Outcome.ORAL:
        evident, agreed = sent.get("facts_evident") == "1", sent.get("oral_consent") == "1"
        outcomes.oral(
            question, answer=answer, facts_evident=evident, consent=agreed, material=material, by=request.user
        )
        return "Устный ответ записан в карточку."
    if outcome == Outcome.WRITTEN:
        way, address = sent.get("way", ""), sent.get("address", "")[:500]
        appeal = outcomes.written(question, way=way, address=address, by=request.user)
        return f"Зарегистрировано обращение № {appeal.number}. Ответ подпишете только вы."
    if outcome == Outcome.EXPLAINED:
        outcomes.explain(question, answer=answer, material=material, by=request.user)
        return "Разъяснение записано в карточку."
    if outcome == Outcome.REFUSED:
        chosen = typed.number(sent.get("earlier"))
        earlier = holding.earlier_cases(card).filter(pk=chosen).first() if chosen and chosen < 2**31 else None
        outcomes.refuse(question, earlier=earlier, answer=answer, by=request.user)
        return "Отказ записан в карточку."
    raise holding.AnswerNeeded(what="Выберите исход вопроса.")


def _paper(request: StaffRequest, card: ReceptionCard) -> str:
    scans = [(one.name or "файл", one.file) for one in request.FILES.getlist("scans") if one.file]
    for name, content in scans:
        files.check(content, name)
    text = request.POST.get("text", "")[:50000]
    outcomes.take_paper(card, text=text, files=scans, by=request.user)
    return "Письменное обращение принято и ждёт регистрации, как любое другое."


def _withdraw(request: StaffRequest, card: ReceptionCard) -> str:
    holding.withdraw_consent(card, request.POST.get("kind", ""), by=request.user)
    return "Согласие отозвано, запись остановите сейчас."


def _resume(request: StaffRequest, card: ReceptionCard) -> str:
    holding.resume(card, by=request.user)
    return "Приём продолжен."


def _instruct(request: StaffRequest, card: ReceptionCard) -> str:
    form = InstructionForm(request.POST, prefix="order")
    holding.check_holds(card, request.user)
    if not form.is_valid():
        raise _Unclear(instruction=form)
    instructions.instruct(card, **form.cleaned_data, by=request.user)
    return "Поручение дано и стоит на контроле."


def _hand_over(request: StaffRequest, card: ReceptionCard) -> str:
    chosen = typed.number(request.POST.get("to"))
    to = Employee.objects.filter(pk=chosen).first() if chosen and chosen < 2**31 else None
    if to is None:
        raise holding.AnswerNeeded(what="Выберите, кому передать приём.")
    handing_over.hand_over(card, to, ground=request.POST.get("ground", ""), by=request.user)
    return f"Приём передан: {to.short_name}."


def _finish(request: StaffRequest, card: ReceptionCard) -> str:
    finishing.finish(card, by=request.user)
    return "Приём завершён. Карточка сохранена, её можно напечатать."


STEPS: Final[dict[str, Callable[[StaffRequest, ReceptionCard], str]]] = {
    "start": _start,
    "introduce": _introduce,
    "before": _before,
    "add": _add,
    "change": _change,
    "remove": _remove,
    "outcome": _outcome,
    "paper": _paper,
    "withdraw": _withdraw,
    "resume": _resume,
    "instruct": _instruct,
    "hand-over": _hand_over,
    "finish": _finish,
}
OF_OTHERS: Final = frozenset({"hand-over", "withdraw"})  # who else may, is asked by the step


# --- what the pages show ---------------------------------------------------------------------------------------------


def _screen(
    request: StaffRequest, card: ReceptionCard, *, refusal: DomainError | _Unclear | None = None
) -> HttpResponse:
    sent = request.POST if refusal else {}
    kept = refusal.forms if isinstance(refusal, _Unclear) else {}
    earlier = list(holding.earlier_cases(card)[:EARLIER])
    seen = access.visible_to(request.user).filter(pk__in=[one.pk for one in earlier])
    proposed = card.appointment
    fresh = not sent or sent.get("step") != "add" or not refusal
    new = QuestionForm(
        prefix="new",
        initial=None
        if card.questions.exists()
        else {"text": proposed.matter, "topic": proposed.topic, "need": proposed.need},
    )
    if not fresh and "question" not in kept:
        new = QuestionForm(sent, prefix="new")
    context: dict[str, Any] = {
        "card": card,
        "refusal": refusal,
        "sent": sent,
        "questions": [_line(one, sent, kept) for one in _questions(card)],
        "new": kept.get("question", new),
        "order": kept.get("instruction")
        or InstructionForm(sent if sent.get("step") == "instruct" else None, prefix="order"),
        "topics": classification.valid_topics(),
        "introduction": holding.introduction(card),
        "earlier": earlier,
        "answered": [one for one in earlier if one.answered_on],
        "visible": set(seen.values_list("pk", flat=True)),
        "receptions": list(holding.earlier_receptions(card)[:EARLIER]),
        "lacking": finishing.missing(card) if card.state == S.OPEN else [],
        "takers": handing_over.takers(card),
        "given": list(card.instructions.select_related("executor")),
        "withdrawable": [
            (kind, words)
            for kind, words in (("video", "видео"), ("audio", "аудио"))
            if getattr(card, kind) == ReceptionCard.Consent.GIVEN
        ],
        "email": card.appointment.email,
        "lazy_menu": True,
        "numbers": {},
        "view": "",
    } | call_aside.search_box(None)
    return render(request, "workplace/reception/hold.html", context, status=refusal.status if refusal else 200)


def _line(one: CardQuestion, sent: Any, kept: dict[str, TidyForm]) -> dict[str, Any]:
    """Return a question with its forms filled in: by what was just typed in vain, else by what is kept."""
    mine = sent.get("question") == str(one.pk) and sent.get("step") == "outcome"
    kept_facts = {
        "outcome": one.outcome,
        "answer": one.answer,
        "facts_evident": "1" if one.facts_evident else "",
        "oral_consent": "1" if one.oral_consent else "",
        "way": one.way or "post",
        "address": one.address or one.card.applicant.address,
        "earlier": str(one.answered_before_id or ""),
    }
    return {
        "row": one,
        "typed": sent if mine else kept_facts,
        "form": kept.get(f"q{one.pk}")
        or QuestionForm(prefix=f"q{one.pk}", initial={"text": one.text, "topic": one.topic, "need": one.need}),
    }


def _card(request: StaffRequest, card: ReceptionCard, *, refusal: DomainError | None = None) -> HttpResponse:
    records = request.user.has_power(recordings.POWER)
    told = finishing.content(card, card.finished_at, card.finished_by)
    context = {
        "card": card,
        "told": told,
        "refusal": refusal,
        "given": list(card.instructions.select_related("executor")),
        "recordings": list(card.recordings.select_related("by")) if records else [],
        "records": records,
        "may_hold": card.official_id == request.user.pk and card.state not in (S.FINISHED, S.ENDED),
        "takers": handing_over.takers(card)
        if request.user.has_power(handing_over.DECIDE) and card.state in (S.READY, S.CHECK_IN, S.OPEN)
        else [],
        "may_invite": card.state == S.FINISHED and request.user.has_any(inviting.POWERS),
        "opinion": _opinion(card),
        "lazy_menu": True,
        "numbers": {},
        "view": "",
    }
    return render(request, "workplace/reception/card.html", context, status=refusal.status if refusal else 200)


def _opinion(card: ReceptionCard) -> list[tuple[str, str]]:
    """Return what the applicant answered of the reception, question by question; his own words are among opinions."""
    response = feedback.response_of(card.invitation) if card.invitation else None
    return [] if response is None else feedback.spoken(response)


def _cards(rows: Any) -> Any:
    return rows.select_related(
        *("appointment__topic", "appointment__need", "official", "applicant", "room", "authority"),
        *("document_by", "finished_by", "pdf", "invitation"),
    )


def _questions(card: ReceptionCard) -> list[CardQuestion]:
    found = list(card.questions.select_related("topic", "need", "appeal", "answered_before"))
    for one in found:
        one.card = card
    return found


def _question(request: StaffRequest, card: ReceptionCard) -> CardQuestion:
    chosen = typed.number(request.POST.get("question"))
    found = card.questions.filter(pk=chosen).first() if chosen and chosen < 2**31 else None
    if found is None:
        raise holding.AnswerNeeded(what="Такого вопроса в карточке уже нет. Обновите страницу.")
    found.card = card
    return found


def _promised(user: Employee) -> Any:
    rows = FixedSigner.objects.select_related("appeal", "signer", "released_to").order_by("appeal__due_on", "pk")
    everyone = user.has_any((releasing.DECIDE, "reception.figures", "journal.view"))
    return rows if everyone else rows.filter(signer=user)


def _looked(request: StaffRequest, card: ReceptionCard) -> None:
    if not journal.has_looked_today("reception.card_seen", by=request.user, card=card.pk):
        journal.looked("reception.card_seen", by=request.user, card=card.pk)


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return timezone.make_aware(at) if timezone.is_naive(at) else at
