"""Exercises of a demo stand: each role's own work on its own screens in a quarter of an hour, checked by the system.

A step is done when the journal says that this person did it since he began: looking at a page does nothing. What an
exercise needs (a letter, a draft, a missed call) is made by whoever knows how to: `made_by` is told by the demo room.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from otklik.appeals.models import AppealMessage
from otklik.core import installation, journal
from otklik.core.access import by_itself, requires
from otklik.core.errors import DomainError
from otklik.core.models import AccessEntry, JournalEntry
from otklik.people.models import Employee
from otklik.reception.models import ReceptionCard
from otklik.workplace.models import ExerciseRun
from otklik.workplace.requests import StaffRequest

Things = Mapping[str, int]
Maker = Callable[[str, Employee], Things]


class NothingToPractiseOn(DomainError):
    """The stand lacks what the exercise is about."""

    code = "exercise.nothing"
    text = "Упражнение не началось: {what}"
    status = 409


@dataclass(frozen=True)
class Step:
    """One thing to do: in words, where, and the actions of the journals that say it is done.

    `on` names the chain it must stand in, things in braces: «appeal:{appeal}»; `after`: a chain in which this person
    has done that before; neither: any chain.
    """

    title: str
    text: str
    actions: tuple[str, ...]
    on: str = ""
    after: str = ""
    page: str = ""
    thing: str = ""
    link: str = "Открыть"


@dataclass(frozen=True)
class Exercise:
    """The work of one role as a line of steps; `powers`: all of them are needed."""

    code: str
    title: str
    about: str
    powers: tuple[str, ...]
    guide: str
    steps: tuple[Step, ...]

    def is_for(self, employee: Employee) -> bool:
        """Tell whether it is this employee's work."""
        return all(employee.has_power(power) for power in self.powers)


@dataclass(frozen=True)
class Line:
    """A step as it is shown: done or not, and where it is done."""

    step: Step
    done: bool
    url: str


@dataclass(frozen=True)
class Progress:
    """How far somebody has come in an exercise."""

    exercise: Exercise
    lines: tuple[Line, ...]

    @property
    def done(self) -> int:
        """Return how many steps are done."""
        return sum(line.done for line in self.lines)

    @property
    def whole(self) -> bool:
        """Tell whether every step is done."""
        return self.done == len(self.lines)

    @property
    def next(self) -> Line | None:
        """Return the first step that is not done."""
        return next((line for line in self.lines if not line.done), None)


_TALK: Final = "consultation.opened"
_NEW: Final = "employee.created"
EXERCISES: Final = (
    Exercise(
        "clerk",
        "Письмо до исполнителя",
        "Зарегистрировать, подтвердить тему и потребность, назначить; дополнение присоединить, рекламу отклонить.",
        ("intake.decide", "appeals.classify"),
        "clerk",
        (
            Step(
                "Зарегистрируйте письмо",
                "Сверьте предложенное справа с письмом и примите его. Неверное поправьте в форме ниже.",
                ("message.registered",),
                "message:{letter}",
                page="workplace:inbox",
                thing="letter",
            ),
            Step(
                "Подтвердите тему и потребность",
                "Вместе с регистрацией они подтверждаются сами; если тему не предложили, выберите её на «Темы и "
                "потребности».",
                ("appeal.classified",),
                "appeal:{registered}",
                page="workplace:classify",
                thing="registered",
            ),
            Step(
                "Назначьте исполнителя",
                "Подразделение подсказано темой; внутренний срок — раньше срока ответа.",
                ("appeal.assigned",),
                "appeal:{registered}",
                page="workplace:assign",
                thing="registered",
            ),
            Step(
                "Присоедините дополнение",
                "Тот же человек дописал к своему письму. Отдельного обращения не нужно: присоедините к первому.",
                ("message.joined",),
                "message:{reply}",
                page="workplace:inbox",
                thing="reply",
            ),
            Step(
                "Отклоните рекламу",
                "Это рассылка, а не обращение. Отклоните с причиной: сообщение и причина сохранятся.",
                ("message.rejected",),
                "message:{advert}",
                page="workplace:inbox",
                thing="advert",
            ),
        ),
    ),
    Exercise(
        "executor",
        "Ответ с материалом Базы знаний",
        "Вставить материал, написать ответ, спросить коллегу заметкой, передать на согласование.",
        ("appeals.draft", "appeals.view_own"),
        "executor",
        (
            Step(
                "Вставьте материал Базы знаний",
                "Откройте ответ. Справа — подходящие материалы: вставьте текст или ссылку (Alt 1…9).",
                ("appeal.material_inserted", "appeal.material_linked"),
                "appeal:{appeal}",
                page="workplace:draft",
                thing="appeal",
            ),
            Step(
                "Допишите и сохраните ответ",
                "Добавьте, что человеку делать дальше. Текст сохраняется сам и по Ctrl Enter.",
                ("appeal.draft_saved",),
                "appeal:{appeal}",
                page="workplace:draft",
                thing="appeal",
            ),
            Step(
                "Оставьте заметку",
                "На карточке: жёлтая заметка видна только сотрудникам. Начните с @, чтобы позвать коллегу.",
                ("appeal.noted",),
                "appeal:{appeal}",
                page="workplace:card",
                thing="appeal",
            ),
            Step(
                "Передайте на согласование",
                "Посмотрите проверки под текстом и передайте начальнику: Ctrl Shift Enter.",
                ("appeal.approval_asked",),
                "appeal:{appeal}",
                page="workplace:draft",
                thing="appeal",
            ),
        ),
    ),
    Exercise(
        "head",
        "Согласовать и поручить",
        "Замечание к месту в тексте, возврат на доработку, согласование, резолюция.",
        ("appeals.approve", "appeals.assign", "appeals.view_unit"),
        "head",
        (
            Step(
                "Сделайте замечание к месту",
                "В первом ответе не сказано, куда подать заявление. Выделите слова в тексте и напишите, что не так.",
                ("appeal.remarked",),
                "appeal:{faulty}",
                page="workplace:approval",
                thing="faulty",
            ),
            Step(
                "Верните на доработку",
                "Исполнитель увидит замечание на том же месте.",
                ("appeal.returned",),
                "appeal:{faulty}",
                page="workplace:approval",
                thing="faulty",
            ),
            Step(
                "Согласуйте второй ответ",
                "Прочитайте текст и материалы под ним. Решение — только об этой редакции.",
                ("appeal.approved",),
                "appeal:{good}",
                page="workplace:approval",
                thing="good",
            ),
            Step(
                "Напишите резолюцию",
                "Кому, что сделать, к какому дню; отметьте контроль, если отчёт примете сами.",
                ("appeal.resolution_written",),
                "appeal:{fresh}",
                page="workplace:resolution_write",
                thing="fresh",
            ),
        ),
    ),
    Exercise(
        "signer",
        "Письма на подпись",
        "Прочитать два письма, одно с ошибкой отозвать на доработку и сказать исполнителю, в чём она.",
        ("appeals.sign",),
        "signer",
        (
            Step(
                "Прочитайте первое письмо",
                "Письмо заморожено. Дочитав, нажмите «Прочитано»: в пакет войдёт только прочитанное.",
                ("appeal.seen_to_sign",),
                "appeal:{first_appeal}",
                page="workplace:read_letter",
                thing="first",
            ),
            Step(
                "Прочитайте второе",
                "В нём назван не тот срок.",
                ("appeal.seen_to_sign",),
                "appeal:{second_appeal}",
                page="workplace:read_letter",
                thing="second",
            ),
            Step(
                "Отзовите второе на доработку",
                "Внизу страницы подписи. Текст снова откроется исполнителю, прежнее письмо останется в истории.",
                ("appeal.withdrawn",),
                "appeal:{second_appeal}",
                page="workplace:sign",
                thing="second_appeal",
            ),
            Step(
                "Напишите исполнителю, что исправить",
                "Заметкой на карточке: её видят только сотрудники.",
                ("appeal.noted",),
                "appeal:{second_appeal}",
                page="workplace:card",
                thing="second_appeal",
            ),
        ),
    ),
    Exercise(
        "official",
        "Провести личный приём",
        "От «Начать» до «Завершить» со всеми отметками п. 35.3.",
        ("reception.hold",),
        "signer",
        (
            Step(
                "Начните приём",
                "Начать может только тот, к кому записан заявитель, в день приёма.",
                ("reception.started",),
                "reception:{card}",
                page="workplace:hold",
                thing="card",
            ),
            Step(
                "Представьтесь",
                "Прочитайте текст на экране и отметьте.",
                ("reception.introduced",),
                "reception:{card}",
                page="workplace:hold",
                thing="card",
            ),
            Step(
                "Спросите о прежних обращениях",
                "Обращался ли заявитель куда-либо и в каком порядке. Ответ обязателен.",
                ("reception.asked_before",),
                "reception:{card}",
                page="workplace:hold",
                thing="card",
            ),
            Step(
                "Запишите вопрос",
                "О чём пришёл, с темой и потребностью.",
                ("reception.question_added",),
                "reception:{card}",
                page="workplace:hold",
                thing="card",
            ),
            Step(
                "Решите вопрос",
                "Устно — только когда факты очевидны и заявитель согласен.",
                ("reception.question_decided",),
                "reception:{card}",
                page="workplace:hold",
                thing="card",
            ),
            Step(
                "Завершите приём",
                "Чего не хватает, названо над кнопкой.",
                ("reception.finished",),
                "reception:{card}",
                page="workplace:hold",
                thing="card",
            ),
        ),
    ),
    Exercise(
        "kb-author",
        "Материал от предложения до согласования",
        "Дописать черновик и отправить его, создать материал по предложению, оценить чужой, проверить свой за квартал.",
        ("knowledge.edit",),
        "kb-author",
        (
            Step(
                "Отправьте черновик на согласование",
                "Заполните краткий ответ и нажмите «Отправить на согласование» внизу редактора.",
                ("material.agreement_asked",),
                "material:{draft}",
                page="wagtailadmin_pages:edit",
                thing="draft",
            ),
            Step(
                "Создайте материал по предложению",
                "Читатели искали и не нашли. Выберите раздел и нажмите «Создать материал».",
                ("proposal.begun",),
                "proposal:{proposal}",
                page="workplace:proposal_material",
                thing="proposal",
            ),
            Step(
                "Скажите, помог ли материал",
                "«Помогло» или «не помогло — почему»: отзыв уйдёт подразделению, которое за него отвечает.",
                ("material.voted",),
                "material:{material}",
                page="workplace:knowledge_material",
                thing="material",
            ),
            Step(
                "Проверьте материал за квартал",
                "«Актуализация»: прочитайте материал и нажмите «Проверено, изменений не требуется» либо измените его "
                "или снимите с публикации.",
                ("review.confirmed", "review.changed", "review.archived"),
                "material:{old}",
                page="workplace:review_item",
                thing="review",
            ),
        ),
    ),
    Exercise(
        "consultant",
        "Звонок и перезвон",
        "Записать звонок вручную, провести его до двух вопросов и итога; перезвонить по пропущенному.",
        ("hotline.consult", "hotline.missed"),
        "consultant",
        (
            Step(
                "Начните звонок вручную",
                "На экране звонка: Н, номер (любой учебный), Ctrl Enter.",
                (_TALK,),
                page="workplace:call_desk",
            ),
            Step(
                "Запишите, о чём спросили",
                "Заметки сохраняются сами.",
                ("consultation.kept",),
                after=_TALK,
                page="workplace:call_desk",
            ),
            Step(
                "Отметьте два вопроса",
                "З, затем цифры. Отказ — не «нет».",
                ("consultation.asked",),
                after=_TALK,
                page="workplace:call_desk",
            ),
            Step(
                "Завершите с темой и итогом",
                "Итог — одна цифра; тему предложат.",
                ("consultation.closed",),
                after=_TALK,
                page="workplace:call_desk",
            ),
            Step(
                "Отметьте попытку перезвонить",
                "Возьмите пропущенный звонок и отметьте, что вышло. Звонить на учебном стенде некуда: отметьте "
                "«поговорили».",
                ("missed.attempted",),
                "missed:{missed}",
                page="workplace:missed_call",
                thing="missed",
            ),
            Step(
                "Поставьте итог перезвона",
                "Без итога запись из списка не уходит.",
                ("missed.settled",),
                "missed:{missed}",
                page="workplace:missed_call",
                thing="missed",
            ),
        ),
    ),
    Exercise(
        "receptionist",
        "Встретить на личном приёме",
        "Отметить приход, сверить документ, спросить о записи, передать должностному лицу.",
        ("reception.desk",),
        "receptionist",
        (
            Step(
                "Откройте карточку пришедшего",
                "«Пришёл» и «Открыть карточку» на странице записи.",
                ("reception.card_opened",),
                "reception:{card}",
                page="workplace:arrival",
                thing="visit",
            ),
            Step(
                "Сверьте документ",
                "Вид и совпало ли. Скан не делаем.",
                ("reception.document_checked",),
                "reception:{card}",
                page="workplace:check_in",
                thing="card",
            ),
            Step(
                "Спросите о записи приёма",
                "О видео и аудио — отдельно; прочитайте текст с экрана.",
                ("reception.informed",),
                "reception:{card}",
                page="workplace:check_in",
                thing="card",
            ),
            Step(
                "Передайте: «Готов к приёму»",
                "Карточка появится у должностного лица.",
                ("reception.readied",),
                "reception:{card}",
                page="workplace:check_in",
                thing="card",
            ),
        ),
    ),
    Exercise(
        "admin",
        "Новый сотрудник",
        "Завести, дать роль и временный пароль; потом заблокировать учебную запись.",
        ("people.manage",),
        "admin",
        (
            Step(
                "Заведите сотрудника",
                "Имя и логин придумайте: это учебная запись.",
                (_NEW,),
                page="workplace:staff_new",
            ),
            Step(
                "Дайте ему роль",
                "На его карточке: «Дать роль», с какого дня.",
                ("employee.role_given",),
                after=_NEW,
                page="workplace:staff",
            ),
            Step(
                "Выдайте временный пароль",
                "Показывается один раз; при входе его меняют.",
                ("people.password_reset",),
                after=_NEW,
                page="workplace:staff",
            ),
            Step(
                "Заблокируйте учебную запись",
                "Сначала передают дела; здесь передавать нечего.",
                ("employee.blocked",),
                after=_NEW,
                page="workplace:staff",
            ),
        ),
    ),
    Exercise(
        "auditor",
        "Проверка журналов",
        "Пересчитать цепочки, взять печати и выгрузить записи.",
        ("journal.view", "appeals.view_all"),
        "auditor",
        (
            Step(
                "Проверьте цепочки",
                "Кнопка над журналом: пересчитываются суммы всех записей и печати дней.",
                ("journal.verified",),
                page="workplace:journal",
            ),
            Step(
                "Возьмите печати",
                "На странице итога проверки. Их хранят вне системы.",
                ("journal.seals_taken",),
                page="workplace:journal",
            ),
            Step(
                "Выгрузите записи",
                "Отберите записи за неделю и выгрузите таблицей. Выгрузка сама останется в журнале доступа.",
                ("journal.exported",),
                page="workplace:journal",
            ),
        ),
    ),
)
_BY_CODE: Final = {one.code: one for one in EXERCISES}
_makers: list[Maker] = []


def made_by(maker: Maker) -> None:
    """Name who makes what an exercise is about: (its code, for whom) → things by name."""
    _makers[:] = [maker]


# --- how far one has come ---------------------------------------------------------------------------------------------


def progress(run: ExerciseRun) -> Progress:
    """Return which steps are done: what the journals say this person did since the run began."""
    exercise = _BY_CODE[run.exercise]
    did = _did(run)
    things = _things(run)
    return Progress(
        exercise, tuple(Line(step, _is_done(step, did, things), _place(step, things)) for step in exercise.steps)
    )


def _did(run: ExerciseRun) -> set[tuple[str, str]]:
    facts = {"actor": run.employee_id, "at__gte": run.begun_at}
    wanted = [action for step in _BY_CODE[run.exercise].steps for action in (*step.actions, step.after) if action]
    return {
        (action, chain)
        for log in (JournalEntry, AccessEntry)
        for action, chain in log.objects.filter(action__in=wanted, **facts).values_list("action", "chain")
    }


def _things(run: ExerciseRun) -> dict[str, int]:
    """Return what was made for the run, and what came of it: the appeal of a letter, the card of a visit."""
    things = {str(name): int(pk) for name, pk in run.things.items()}
    if "letter" in things:
        appeal = AppealMessage.objects.filter(message=things["letter"]).values_list("appeal", flat=True).first()
        things |= {"registered": appeal} if appeal else {}
    if "visit" in things:
        card = ReceptionCard.objects.filter(appointment=things["visit"]).values_list("pk", flat=True).first()
        things |= {"card": card} if card else {}
    return things


def _is_done(step: Step, did: Collection[tuple[str, str]], things: Things) -> bool:
    chains = {chain for action, chain in did if action in step.actions}
    if step.after:
        chains &= {chain for action, chain in did if action == step.after}
    if step.on:
        kind, _, thing = step.on.partition(":")
        pk = things.get(thing.strip("{}"))
        return f"{kind}:{pk}" in chains
    return bool(chains)


def _place(step: Step, things: Things) -> str:
    if not step.thing:
        return reverse(step.page)
    return reverse(step.page, args=[things[step.thing]]) if step.thing in things else ""


@transaction.atomic
def begin(exercise: Exercise, *, by: Employee) -> ExerciseRun:
    """Begin an exercise, or begin it anew with new things; another one that is shown gives way."""
    if not _makers:
        raise NothingToPractiseOn(what="на этом стенде нет учебных данных.")
    things = dict(_makers[0](exercise.code, by))
    ExerciseRun.objects.filter(employee=by).exclude(exercise=exercise.code).update(shown=False)
    facts = {"begun_at": timezone.now(), "things": things, "shown": True}
    run, _ = ExerciseRun.objects.update_or_create(employee=by, exercise=exercise.code, defaults=facts)
    journal.record("exercise.begun", chain=f"exercise:{by.pk}", by=by, exercise=exercise.code)
    return run


@transaction.atomic
def leave(run: ExerciseRun, *, by: Employee) -> None:
    """Put the panel away; what is done stays done."""
    if run.shown:
        ExerciseRun.objects.filter(pk=run.pk).update(shown=False)
        journal.record("exercise.left", chain=f"exercise:{by.pk}", by=by, exercise=run.exercise)


# --- pages ------------------------------------------------------------------------------------------------------------


def _only_on_a_stand() -> None:
    if not installation.is_demo():
        raise Http404


def _exercise(code: str, employee: Employee) -> Exercise:
    _only_on_a_stand()
    one = _BY_CODE.get(code)
    if one is None or not one.is_for(employee):
        raise Http404
    return one


@requires()
@require_safe
def exercises(request: StaffRequest) -> HttpResponse:
    """Show the exercises of one's roles and how far one has come in each."""
    _only_on_a_stand()
    return _list(request)


def _list(request: StaffRequest, refusal: DomainError | None = None) -> HttpResponse:
    runs = {run.exercise: run for run in ExerciseRun.objects.filter(employee=request.user)}
    own = [one for one in EXERCISES if one.is_for(request.user)]
    rows = [(one, progress(runs[one.code]) if one.code in runs else None) for one in own]
    context = {"rows": rows, "refusal": refusal}
    return render(request, "workplace/help/exercises.html", context, status=refusal.status if refusal else 200)


@requires()
@require_safe
def exercise(request: StaffRequest, code: str) -> HttpResponse:
    """Show the steps of an exercise: what is done, what is next, where."""
    one = _exercise(code, request.user)
    run = ExerciseRun.objects.filter(employee=request.user, exercise=code).first()
    context = {"exercise": one, "run": run, "progress": progress(run) if run else None}
    return render(request, "workplace/help/exercise.html", context)


@requires()
@require_POST
def exercise_begin(request: StaffRequest, code: str) -> HttpResponse:
    """Begin an exercise, or begin it anew."""
    one = _exercise(code, request.user)
    try:
        begin(one, by=request.user)
    except DomainError as refusal:
        return _list(request, refusal)
    return redirect("workplace:exercise", code)


@requires()
@require_POST
def exercise_leave(request: StaffRequest, code: str) -> HttpResponse:
    """Put the panel away."""
    _exercise(code, request.user)
    if run := ExerciseRun.objects.filter(employee=request.user, exercise=code).first():
        leave(run, by=request.user)
    return redirect("workplace:exercises")


@by_itself
@requires()
@require_safe
def exercise_panel(request: StaffRequest) -> HttpResponse:
    """Give the folded panel of the exercise one is going through; nothing where there is none."""
    run = ExerciseRun.objects.filter(employee=request.user, shown=True).first() if installation.is_demo() else None
    if run is None or run.exercise not in _BY_CODE:
        return HttpResponse()
    return render(request, "workplace/help/_exercise_panel.html", {"progress": progress(run)})
