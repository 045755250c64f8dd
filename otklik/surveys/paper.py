"""Questionnaires on paper: blanks, batches typed from the keyboard, a sample typed twice; counted once, at the end."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.core import files, journal, typeset
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee, Unit
from otklik.surveys import questions
from otklik.surveys.feedback import COMMENT_MAX
from otklik.surveys.models import Invitation, PaperBatch, PaperForm, Questionnaire, Response, SurveyPoint

SOURCE: Final = Path(__file__).parent / "data" / "blank.typ"
NONE, UNCLEAR = "-", "?"
MARKS: Final = {NONE: "не отмечено или отказался", UNCLEAR: "неразборчиво"}
SAMPLE: Final = 10  # percent of a batch that somebody else types again; our own choice
MOST: Final = 999  # forms of one batch: a larger pile is split before it is carried
_PAUSE: Final = 120  # seconds: longer is no typing any more
State = PaperBatch.State
Answers = Mapping[str, str]


class WrongForms(DomainError):
    """A batch has some forms, and not without end."""

    code = "paper.wrong_forms"
    text = "Укажите, сколько анкет в пачке: от 1 до {most}. Больше — разделите на две."


class NotYetReceived(DomainError):
    """Nothing is received on a day that has not come."""

    code = "paper.not_yet"
    text = "День получения ещё не наступил. Укажите день, когда пачку принесли."


class NoUnit(DomainError):
    """An answer that belongs nowhere is of use to nobody."""

    code = "paper.no_unit"
    text = "Выберите место опроса или подразделение: без них непонятно, о ком отзывы."


class BatchClosed(DomainError):
    """What was counted is not typed any more."""

    code = "paper.closed"
    text = "Пачка № {batch} в состоянии «{now}»: так её уже не изменить. Обновите страницу."
    status = 409


class FormUnfinished(DomainError):
    """A question has no mark at all."""

    code = "paper.unfinished"
    text = "Нет ответа на вопрос «{question}». Нажмите цифру ответа, 0 — не отмечено, минус — неразборчиво."


class FormTaken(DomainError):
    """Two people typed the same form in two ways."""

    code = "paper.taken"
    text = (
        "Анкета № {number} уже введена иначе или её вводит коллега. Проверьте номер на бумаге; "
        "чтобы исправить введённую, откройте её в списке."
    )
    status = 409


class NothingToUndo(DomainError):
    """He has typed nothing in this batch yet."""

    code = "paper.nothing_to_undo"
    text = "В этой пачке вы ещё ничего не ввели."


class NotAllTyped(DomainError):
    """The number of forms on the table and of those typed differ."""

    code = "paper.not_all"
    text = "Введено анкет: {typed}, а в пачке записано {expected}. Введите остальные или исправьте число анкет."


class SameHand(DomainError):
    """Who typed a form does not check it."""

    code = "paper.same_hand"
    text = "Анкету № {number} ввели вы. Проверяет другой человек: передайте ему пачку."


class NoSuchBox(DomainError):
    """A number was typed that no box of the question has."""

    code = "paper.no_such_box"
    text = "«{question}»: наберите номера отмеченных квадратов от 1 до {most}, например «1 3»."


class NotChecked(DomainError):
    """The sample is not typed again yet, or its differences wait."""

    code = "paper.not_checked"
    text = "Проверка не закончена: не введено повторно — {left}, расхождений без решения — {open}."


@dataclass(frozen=True)
class Difference:
    """Where two people read one form differently."""

    form: PaperForm
    code: str
    question: str
    first: str
    second: str


@dataclass(frozen=True)
class Checked:
    """How the check of a batch stands."""

    sampled: int
    left: int
    fields: int  # marks compared
    wrong: int  # of them read differently
    differences: list[Difference]

    @property
    def share(self) -> str:
        """Return the share of marks read differently, in words."""
        return f"{100 * self.wrong / self.fields:.1f}".replace(".", ",") if self.fields else "0"


def editions() -> QuerySet[Questionnaire]:
    """Return the questionnaires with something to ask, the newest edition of each first."""
    return Questionnaire.objects.order_by("title", "-edition")


def marked_of(questionnaire: Questionnaire) -> list[dict[str, Any]]:
    """Return the questions whose boxes are marked, one or several: what is typed a second time and compared."""
    return [one for one in asked_of(questionnaire) if one["kind"] in (*questions.ONE_OF, "several")]


def asked_of(questionnaire: Questionnaire) -> list[dict[str, Any]]:
    """Return all questions in the order of the blank, with their numbers and the numbers of their boxes (`keys`)."""
    return [
        {
            **one,
            "number": place,
            "keys": [(str(key), code, words) for key, (code, words) in enumerate(questions.offered(one), start=1)],
        }
        for place, one in enumerate(questionnaire.questions, start=1)
    ]


def blank(questionnaire: Questionnaire, *, batch: PaperBatch | None = None, on: date) -> bytes:
    """Return a blank as PDF; of a batch its forms with their numbers, one a page."""
    last = batch.forms_expected if batch else 0
    place = (batch.point or batch.unit) if batch else None
    data = {
        "department": staff.department().name,
        "title": questionnaire.title,
        "edition": f"{questionnaire.code}, редакция {questionnaire.edition}",
        "batch": str(batch.pk) if batch else "",
        "place": str(place or ""),
        "numbers": list(range(1, last + 1)) or [0],
        "questions": [
            {"text": one["text"], "answers": [words for _, words in questions.offered(one)]}
            for one in questionnaire.questions
        ],
    }
    return typeset.pdf(SOURCE, {"blank": data}, on=on)


@transaction.atomic
def open_batch(
    *,
    questionnaire: Questionnaire,
    point: SurveyPoint | None,
    unit: Unit | None,
    received_on: date,
    forms_expected: int,
    note: str = "",
    by: Employee,
) -> PaperBatch:
    """Begin a batch: which edition, from where, of which day, how many forms."""
    if not 1 <= forms_expected <= MOST:
        raise WrongForms(most=MOST)
    if received_on > timezone.localdate():
        raise NotYetReceived
    unit = unit or (point.unit if point else None)
    if unit is None and point is None:
        raise NoUnit
    batch = PaperBatch.objects.create(
        questionnaire=questionnaire,
        point=point,
        unit=unit,
        received_on=received_on,
        forms_expected=forms_expected,
        note=note.strip()[:300],
        made_by=by,
    )
    journal.record("paper.opened", chain=_chain(batch), by=by, number=forms_expected)
    return batch


@transaction.atomic
def attach_scan(batch: PaperBatch, upload: IO[bytes], name: str, *, by: Employee) -> None:
    """Keep the scan of the pile; a new one takes the place of the old."""
    files.check(upload, name)
    stored = files.store(upload, name=name)
    PaperBatch.objects.filter(pk=batch.pk).update(scan=stored, scan_name=files.safe_name(name)[:200])
    journal.record("paper.scanned", chain=_chain(batch), by=by, sha256=stored.sha256)
    batch.refresh_from_db()


def next_form(batch: PaperBatch, *, by: Employee) -> PaperForm:
    """Return the form to be typed now: the one he has begun, else an empty one of the next free number, not saved."""
    forms = list(batch.forms.all())
    mine = [form for form in forms if form.entered_by_id == by.pk]
    if (begun := next((form for form in mine if form.entered_at is None), None)) is not None:
        return begun
    taken = {form.number for form in forms}
    last = max(mine, key=lambda form: form.entered_at or batch.made_at).number if mine else 0
    number = next(number for number in range(last + 1, last + len(forms) + 2) if number not in taken)
    return PaperForm(batch=batch, number=number, entered_by=by)


@transaction.atomic
def keep(batch: PaperBatch, number: int, answers: Answers, comment: str, *, by: Employee) -> bool:
    """Keep what is being typed; return False where the form is another's or already entered: that stays as it is."""
    if not 1 <= number <= MOST:
        return False
    try:
        _hold(batch, State.ENTRY)  # what is being entered at this moment is entered first
    except BatchClosed:
        return False
    facts = {"answers": _known(batch.questionnaire, answers), "comment": comment[:COMMENT_MAX]}
    batch.forms.filter(entered_at=None, entered_by=by).exclude(number=number).delete()  # he has changed its number
    known = batch.forms.filter(number=number).first()
    if known is None:
        batch.forms.create(number=number, entered_by=by, **facts)
    elif known.entered_at is None and known.entered_by_id == by.pk:
        batch.forms.filter(pk=known.pk).update(**facts)
    else:
        return False
    return True


def enter(
    batch: PaperBatch, number: int, answers: Answers, comment: str, *, by: Employee, again: bool = False
) -> PaperForm:
    """Enter a form; the same form once more changes nothing, another one of its number only where `again` says so."""
    marked = _whole(batch.questionnaire, answers)
    comment = comment.strip()[:COMMENT_MAX]
    if not 1 <= number <= MOST:
        raise WrongForms(most=MOST)
    with transaction.atomic():
        _hold(batch, State.ENTRY)
        form = PaperForm.objects.filter(batch=batch, number=number).first()
        if form is None:
            form = PaperForm(batch=batch, number=number, entered_by=by)
        elif form.entered_at is not None and (form.answers, form.comment) == (marked, comment):
            return form  # the same press, sent twice
        elif not again and (form.entered_at is not None or form.entered_by_id != by.pk):
            raise FormTaken(number=number)
        form.answers, form.comment, form.entered_by, form.entered_at = marked, comment, by, timezone.now()
        form.save()
        batch.forms.filter(entered_at=None, entered_by=by).delete()
        journal.record("paper.entered", chain=_chain(batch), by=by, number=number)
    return form


@transaction.atomic
def undo(batch: PaperBatch, *, by: Employee) -> PaperForm:
    """Give the form he entered last back to be typed, as he left it; what he has begun since is put away."""
    _hold(batch, State.ENTRY)
    form = batch.forms.filter(entered_by=by, entered_at__isnull=False).order_by("-entered_at", "-number").first()
    if form is None:
        raise NothingToUndo
    batch.forms.filter(entered_by=by, entered_at=None).delete()
    PaperForm.objects.filter(pk=form.pk).update(entered_at=None)
    journal.record("paper.undone", chain=_chain(batch), by=by, number=form.number)
    form.refresh_from_db()
    return form


@transaction.atomic
def end_entry(batch: PaperBatch, *, forms: int, by: Employee) -> None:
    """End the typing, when as many forms are typed as lie on the table; choose the sample to be typed again."""
    _hold(batch, State.ENTRY)
    typed = list(batch.forms.filter(entered_at__isnull=False).values_list("pk", flat=True))
    if not typed or len(typed) != forms:
        raise NotAllTyped(typed=len(typed), expected=forms)
    batch.forms.filter(entered_at=None).delete()
    # By chance that nobody at the desk can foresee.
    chosen = random.SystemRandom().sample(typed, math.ceil(len(typed) * SAMPLE / 100))
    PaperForm.objects.filter(pk__in=chosen).update(sampled=True)
    PaperBatch.objects.filter(pk=batch.pk).update(state=State.CHECK, forms_expected=forms)
    journal.record("paper.typed", chain=_chain(batch), by=by, number=forms)
    batch.refresh_from_db()


def to_check(batch: PaperBatch, *, by: Employee) -> PaperForm | None:
    """Return the next form of the sample that this person may type again."""
    return batch.forms.filter(sampled=True, second__isnull=True).exclude(entered_by=by).order_by("number").first()


def check(batch: PaperBatch, number: int, answers: Answers, *, by: Employee) -> PaperForm:
    """Keep the second reading of a form; the same once more changes nothing."""
    marked = _whole(batch.questionnaire, answers)
    with transaction.atomic():
        _hold(batch, State.CHECK)
        form = batch.forms.filter(number=number, sampled=True).first()
        if form is None:
            raise BatchClosed(batch=batch.pk, now=batch.get_state_display())
        if form.entered_by_id == by.pk:
            raise SameHand(number=number)
        if form.second is None:
            form.second, form.second_by = marked, by
            form.save(update_fields=["second", "second_by"])
            journal.record("paper.checked", chain=_chain(batch), by=by, number=number)
    return form


@transaction.atomic
def check_all(batch: PaperBatch, *, by: Employee) -> None:
    """Let the whole batch be typed again: the sample has shown too many errors."""
    _hold(batch, State.CHECK)
    batch.forms.filter(sampled=False).update(sampled=True)
    journal.record("paper.checked_whole", chain=_chain(batch), by=by)


def checked(batch: PaperBatch) -> Checked:
    """Return how far the check has come, and where the two readings differ; texts are not compared."""
    asked = marked_of(batch.questionnaire)
    sampled = list(batch.forms.filter(sampled=True).select_related("entered_by", "second_by", "settled_by"))
    read = [form for form in sampled if form.second is not None]
    found = []
    for form in read:
        for one in asked:
            first, second = _readings(form, one)
            if first != second:
                found.append(Difference(form, one["code"], one["text"], _in_words(one, first), _in_words(one, second)))
    return Checked(len(sampled), len(sampled) - len(read), len(read) * len(asked), len(found), found)


@transaction.atomic
def settle(form: PaperForm, right: Mapping[str, str], *, by: Employee) -> None:
    """Decide by the paper which reading is right, question by question («first» or «second»); both are kept."""
    _hold(form.batch, State.CHECK)
    if form.second is None:
        raise NotChecked(left=1, open=0)
    first = form.first or form.answers
    for one in marked_of(form.batch.questionnaire):
        readings = set(_readings(form, one))
        if len(readings) > 1 and right.get(one["code"]) not in ("first", "second"):
            raise FormUnfinished(question=one["text"])
    answers = {
        code: form.second.get(code, value) if right.get(code) == "second" else value for code, value in first.items()
    }
    PaperForm.objects.filter(pk=form.pk).update(answers=answers, first=first, settled_by=by)
    journal.record("paper.settled", chain=_chain(form.batch), by=by, number=form.number)


@transaction.atomic
def count(batch: PaperBatch, *, unchecked: str = "", by: Employee) -> int:
    """Count the batch, once: every form with a mark or a word is an opinion; return how many.

    `unchecked`: why the sample was not typed again, where there is nobody to do it.
    """
    _hold(batch, State.CHECK)
    stand = checked(batch)
    waiting = {one.form.pk for one in stand.differences if one.form.settled_by_id is None}
    unchecked = unchecked.strip()[:300]
    if waiting or (stand.left and not unchecked):
        raise NotChecked(left=stand.left, open=len(waiting))
    said = [form for form in batch.forms.all() if form.comment or _said(batch.questionnaire, form.answers)]
    channel = batch.point.channel if batch.point else ""
    invitations = Invitation.objects.bulk_create(
        Invitation(questionnaire=batch.questionnaire, channel=channel, expires_on=batch.received_on) for _ in said
    )
    responses = Response.objects.bulk_create(
        Response(
            invitation=invitation,
            answers=_said(batch.questionnaire, form.answers),
            comment=form.comment,
            source=Response.Source.PAPER,
            point=batch.point,
        )
        for invitation, form in zip(invitations, said, strict=True)
    )
    # They were said on the day the batch was brought, whenever somebody found the time to type them.
    noon = timezone.make_aware(datetime.combine(batch.received_on, time(12)))
    Response.objects.filter(pk__in=[one.pk for one in responses]).update(at=min(noon, timezone.now()))
    for form, response in zip(said, responses, strict=True):
        form.response = response
    PaperForm.objects.bulk_update(said, ["response"])
    PaperBatch.objects.filter(pk=batch.pk).update(
        state=State.COUNTED, counted_by=by, counted_at=timezone.now(), unchecked=unchecked if stand.left else ""
    )
    journal.record("paper.counted", chain=_chain(batch), by=by, answers=len(said))
    batch.refresh_from_db()
    return len(said)


def typed(batch: PaperBatch) -> QuerySet[PaperForm]:
    """Return the entered forms of a batch, the last one first."""
    return batch.forms.filter(entered_at__isnull=False).select_related("entered_by").order_by("-number")


def pace(batch: PaperBatch, *, by: Employee) -> int | None:
    """Return how many seconds a form takes him in this batch, pauses of minutes aside; None before the second one."""
    entered = batch.forms.filter(entered_by=by, entered_at__isnull=False).values_list("entered_at", flat=True)
    times = sorted(at for at in entered if at is not None)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    gaps = [gap for gap in gaps if gap < _PAUSE]
    return round(sum(gaps) / len(gaps)) if gaps else None


def missing(batch: PaperBatch) -> list[int]:
    """Return the numbers up to the last one of the pile that nobody has entered."""
    typed = set(batch.forms.filter(entered_at__isnull=False).values_list("number", flat=True))
    return [number for number in range(1, batch.forms_expected + 1) if number not in typed]


def _chain(batch: PaperBatch) -> str:
    return f"paper:{batch.pk}"


def _hold(batch: PaperBatch, state: str) -> None:
    """Keep the batch to this transaction, and refuse where a colleague has moved it on."""
    held = PaperBatch.objects.select_for_update().filter(pk=batch.pk).values_list("state", flat=True).get()
    if held != state:
        batch.refresh_from_db()
        raise BatchClosed(batch=batch.pk, now=batch.get_state_display())


def _known(questionnaire: Questionnaire, answers: Answers) -> dict[str, str]:
    """Return of what was typed only what the questionnaire asks."""
    kept = {}
    for one in questionnaire.questions:
        value = answers.get(one["code"], "").strip()
        if one["kind"] not in questions.ONE_OF or value in MARKS or value in dict(questions.offered(one)):
            kept[one["code"]] = value[:COMMENT_MAX]
    return {code: value for code, value in kept.items() if value}


def _whole(questionnaire: Questionnaire, answers: Answers) -> dict[str, str]:
    """Return what was typed, refusing a form with a question nobody has looked at."""
    known = _known(questionnaire, answers)
    for one in marked_of(questionnaire):
        if one["kind"] == "several":
            known[one["code"]] = _numbers(one, known.get(one["code"], ""))
        elif one["code"] not in known:
            raise FormUnfinished(question=one["text"])
    return known


def _numbers(question: Mapping[str, Any], typed: str) -> str:
    """Return the numbers of the boxes that were typed, in their order, or the mark that there are none to be read.

    «1 3», «3,1» or, where there are nine at most, «13»; nothing typed is no box marked.
    """
    if not typed or typed in MARKS:
        return typed or NONE
    keys = [key for key, _, _ in question["keys"]]
    numbers = re.findall(r"\d" if len(keys) <= 9 else r"\d+", typed)
    if not numbers or any(one not in keys for one in numbers):
        raise NoSuchBox(question=question["text"], most=len(keys))
    return " ".join(key for key in keys if key in numbers)


def _readings(form: PaperForm, question: Mapping[str, Any]) -> tuple[str, str]:
    """Return how a question was read the first time and the second."""
    first, second = form.first or form.answers, form.second or {}
    return first.get(question["code"], NONE), second.get(question["code"], NONE)


def _in_words(question: Mapping[str, Any], read: str) -> str:
    """Return a reading as the paper words it."""
    if read in MARKS:
        return MARKS[read]
    if question["kind"] == "several":
        return "; ".join(words for key, _, words in question["keys"] if key in read.split())
    return next((words for _, code, words in question["keys"] if code == read), "—")


def _said(questionnaire: Questionnaire, answers: Answers) -> dict[str, Any]:
    """Return what the paper says, as questionnaires keep it."""
    said: dict[str, Any] = {code: value for code, value in answers.items() if value not in MARKS}
    for one in marked_of(questionnaire):
        if one["kind"] == "several" and one["code"] in said:
            said[one["code"]] = [code for key, code, _ in one["keys"] if key in said[one["code"]].split()]
    return said
