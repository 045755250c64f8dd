"""How a matter ended: an outcome for every question, with its article, who said so, and what the law wants for it.

Sending proposes «дан ответ» where nobody said otherwise; closing asks that every question has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.appeals import bodies, complained, drafting, left_open, outcome_kinds, transitions
from otklik.appeals.errors import WrongDate
from otklik.appeals.models import FINISHED, Appeal, AppealQuestion, OutcomeKind, QuestionOutcome
from otklik.appeals.permissions import allows, check_can_write, check_power
from otklik.core import built, journal
from otklik.core import terms as rules
from otklik.core.errors import DomainError
from otklik.core.models import StoredFile
from otklik.people import applicants, staff
from otklik.people.models import Employee

S = Appeal.Status
Needs = OutcomeKind.Needs
SIGN: Final = "appeals.sign"
ANSWERED: Final = outcome_kinds.ANSWERED  # what sending proposes
ENDED: Final = outcome_kinds.ENDED
FORWARDED: Final = outcome_kinds.FORWARDED
MOST_EARLIER: Final = 50


class OutcomeIncomplete(DomainError):
    """The law wants more for this outcome than was typed."""

    code = "outcome.incomplete"
    text = "«{kind}»: {what}"


class OutcomeRefused(DomainError):
    """The outcome does not fit the appeal as it is."""

    code = "outcome.refused"
    text = "Обращение № {number}: {what}"


class NotCovered(DomainError):
    """A question has no outcome yet: the letter is closed when all its parts are."""

    code = "outcome.not_covered"
    text = (
        "Обращение № {number}: закрыть пока нельзя — не указано, чем закончился вопрос: {which}. "
        "Укажите это на странице «Исходы»."
    )


@dataclass(frozen=True)
class Part:
    """One question of an appeal and how it ended; `question` is None where the appeal has no questions."""

    question: AppealQuestion | None
    outcome: QuestionOutcome | None

    @property
    def name(self) -> str:
        """Return what the question is about, in words of the dictionaries."""
        return self.question.topic.name if self.question else "обращение в целом"


@dataclass(frozen=True)
class Given:
    """What a person types about an outcome besides its kind; what the kind does not need may stay empty."""

    on: date | None = None
    note: str = ""
    where: str = ""
    number: str = ""
    dated: date | None = None
    decided_by: Employee | None = None
    file: StoredFile | None = None
    earlier: Sequence[Appeal] = ()


NOTHING: Final = Given()


def kinds(on: date | None = None) -> QuerySet[OutcomeKind]:
    """Return the outcomes that may be given on a day, in the order of the dictionary."""
    return _kinds_on(on or timezone.localdate())


@built.once
def _kinds_on(on: date) -> QuerySet[OutcomeKind]:
    return OutcomeKind.objects.filter(rules.valid(on))


def parts(appeal: Appeal, questions: list[AppealQuestion] | None = None, *, ended: bool = True) -> list[Part]:
    """Return every question with the outcome that counts, in two queries.

    `questions`: where they have been read already; `ended` is False where it is known that there is no outcome yet.
    """
    if questions is None:
        questions = list(appeal.questions.select_related("topic", "need", "part__executor").order_by("pk"))
    rows = QuestionOutcome.objects.filter(appeal=appeal, replaced_at=None)
    rows = rows if ended else rows.none()
    known = {row.question_id: row for row in rows.select_related("kind", "by", "decided_by").order_by("pk")}
    if not questions:
        return [Part(None, known.get(None))]
    return [Part(one, known.get(one.pk) or known.get(None)) for one in questions]


def check_can_record(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not say how a question ended: who works on the answer, sends it or registers may."""
    if not (user.has_power("appeals.dispatch") or user.has_power("intake.decide")):
        check_can_write(appeal, user)
    complained.check_apart(appeal, user, "указать исход ему")
    if appeal.status == S.CLOSED:
        raise OutcomeRefused(number=appeal.number, what="оно закрыто. Отмените закрытие, потом измените исход.")


@transaction.atomic
def record(
    appeal: Appeal,
    kind: OutcomeKind,
    given: Given = NOTHING,
    *,
    questions: Sequence[AppealQuestion] = (),
    by: Employee,
) -> list[QuestionOutcome]:
    """Say how questions ended (none named: all of them); what was said before stays in the history.

    Of two who say so at once one succeeds, the other is told. Nothing is written where one question is refused.
    """
    check_can_record(appeal, by)
    today = timezone.localdate()
    _check_day(appeal, given.on or today)
    _check_kind(appeal, kind, given, on=given.on or today)
    there = parts(appeal)
    chosen = {one.pk for one in questions}
    wanted = [part for part in there if not chosen or (part.question and part.question.pk in chosen)]
    if chosen and len(wanted) != len(chosen):
        raise OutcomeRefused(number=appeal.number, what="этого вопроса в нём уже нет. Обновите страницу.")
    transitions.hold(appeal)
    rows = _write(appeal, wanted, kind, given, on=given.on or today, by=by)
    facts: dict[str, Any] = {"kind": kind.code, "on": (given.on or today).isoformat()}
    if given.decided_by:
        facts["decided_by"] = given.decided_by.pk
    if given.earlier:
        facts["earlier"] = sorted(one.pk for one in given.earlier)
    asked = [row.question_id for row in rows if row.question_id]
    journal.record("appeal.outcome_recorded", chain=f"appeal:{appeal.pk}", by=by, questions=asked, **facts)
    return rows


@transaction.atomic
def settle(appeal: Appeal, *, code: str = ANSWERED, by: Employee, on: date | None = None) -> int:
    """Give the questions of which nobody has said how they ended this outcome; return how many these were.

    Called by sending and by covering: who presses there confirms what his page proposes.
    """
    missing = [part for part in parts(appeal) if part.outcome is None]
    if not missing:
        return 0
    kind = OutcomeKind.objects.filter(code=code).first()
    if kind is None or kind.needs not in (Needs.ANSWER, Needs.LETTER):
        raise OutcomeRefused(number=appeal.number, what="такой исход указывают на странице «Исходы», до отправки.")
    _write(appeal, missing, kind, NOTHING, on=on or timezone.localdate(), by=by, proposed=True)
    journal.record(
        "appeal.outcome_settled",
        chain=f"appeal:{appeal.pk}",
        by=by,
        kind=kind.code,
        questions=[part.question.pk for part in missing if part.question],
    )
    return len(missing)


@transaction.atomic
def sent_on(appeal: Appeal, to: Mapping[str, Sequence[AppealQuestion]], *, whole: bool, by: Employee) -> None:
    """Say «переслано» of the questions that went to other bodies; of a whole case, of every question still open.

    Called by forwarding, whose letters name the case's own number: nobody types the same once more.
    """
    kind, today = kinds().filter(code=FORWARDED).first(), timezone.localdate()
    if kind is None:  # the dictionary has ended it: people say it by hand
        return
    for part in parts(appeal):
        asked = [body for body, questions in to.items() if whole or part.question in questions]
        if not asked or (whole and part.outcome):
            continue
        given = Given(where=", ".join(asked), number=appeal.number, dated=today)
        _write(appeal, [part], kind, given, on=today, by=by)
        questions = [part.question.pk] if part.question else []
        journal.record(
            "appeal.outcome_settled", chain=f"appeal:{appeal.pk}", by=by, kind=kind.code, questions=questions
        )


def take_back(appeal: Appeal) -> None:
    """Forget what sending had proposed: the sending was taken back, the next one asks again."""
    rows = QuestionOutcome.objects.filter(appeal=appeal, proposed=True, replaced_at=None)
    rows.update(replaced_at=timezone.now())


def check_covered(appeal: Appeal) -> None:
    """Raise where a question of an answered appeal has no outcome; answered before outcomes were kept, it passes."""
    there = parts(appeal)
    missing = [part.name for part in there if part.outcome is None]
    if missing and QuestionOutcome.objects.filter(appeal=appeal).exists():
        raise NotCovered(number=appeal.number, which="; ".join(f"«{name}»" for name in missing[:3]))


def check_can_close_unanswered(appeal: Appeal, user: Employee) -> None:
    """Raise where the case may not end without a letter: an outcome is missing, or one of them is owed a letter."""
    check_power(user, "appeals.close", "закрыть обращение")
    complained.check_apart(appeal, user, "закрыть обращение ему")
    transitions.check_can_move(appeal, S.CLOSED)
    if appeal.status == S.SENT:
        raise OutcomeRefused(number=appeal.number, what="ответ отправлен: закройте его на странице отправки.")
    if appeal.unseen_reply:
        raise OutcomeRefused(number=appeal.number, what="заявитель написал ещё. Прочитайте и отметьте прочитанным.")
    there = parts(appeal)
    if any(part.outcome is None for part in there):
        missing = "; ".join(f"«{part.name}»" for part in there if part.outcome is None)
        raise NotCovered(number=appeal.number, which=missing)
    if owed := next((part.outcome for part in there if part.outcome and part.outcome.kind.letter_due), None):
        what = f"исход «{owed.kind}» требует письма заявителю. Подготовьте и отправьте его."
        raise OutcomeRefused(number=appeal.number, what=what)


@transaction.atomic
def close_unanswered(appeal: Appeal, *, by: Employee, why_dropped: str = "") -> None:
    """End a case that ends without a letter: withdrawn, answered orally, anonymous.

    `why_dropped`: why what is still asked of others is needed no more; without it an open one refuses the closing.
    """
    check_can_close_unanswered(appeal, by)
    if why_dropped.strip():
        left_open.drop(appeal, reason=why_dropped, by=by)
    left_open.check(appeal)
    names = dict.fromkeys(part.outcome.kind.name for part in parts(appeal) if part.outcome)
    transitions.move(
        appeal,
        S.CLOSED,
        by=by,
        action="appeal.closed",
        closed_on=timezone.localdate(),
        close_reason="; ".join(names)[:300],
    )


def due_of(appeal: Appeal, kind: OutcomeKind) -> date | None:
    """Return by which day this outcome is told to the applicant: its own term, else that of the answer."""
    if kind.days is None:
        return appeal.due_on
    return appeal.registered_on + timedelta(days=kind.days)


def earlier_answers(appeal: Appeal) -> list[Appeal]:
    """Return the applicant's other appeals that were answered, newest first: grounds of «переписка прекращена»."""
    rows = Appeal.objects.filter(applicant__in=applicants.group(applicants.main(appeal.applicant)))
    rows = rows.filter(answered_on__isnull=False, status__in=FINISHED).exclude(pk=appeal.pk)
    return list(rows.order_by("-answered_on", "-pk")[:MOST_EARLIER])


def ended_before(appeal: Appeal) -> list[QuestionOutcome]:
    """Return decisions that ended correspondence with this applicant: a person compares, nothing is dropped."""
    rows = QuestionOutcome.objects.filter(kind__code=ENDED, replaced_at=None).exclude(appeal=appeal)
    known = {appeal.applicant_id, appeal.applicant.merged_into_id} - {None}
    same = rows.filter(appeal__applicant__in=known) | rows.filter(appeal__applicant__merged_into__in=known)
    return list(same.select_related("appeal", "question__topic", "decided_by").order_by("-dated", "-pk")[:5])


def deciders(appeal: Appeal, *, on: date | None = None) -> list[Employee]:
    """Return who may decide that correspondence ends: holders of the right to sign, but for whom it complains of."""
    people = [one for one in staff.holders(SIGN, on=on or timezone.localdate()) if one.is_active]
    return complained.apart(appeal, people)


def letter(appeal: Appeal, kind: OutcomeKind, given: Given | QuestionOutcome = NOTHING) -> str:
    """Return the letter of an outcome with what is known put in; a place nobody can fill stays in its braces."""
    rows: Iterable[Appeal] = given.earlier.all() if isinstance(given, QuestionOutcome) else given.earlier
    answers = "; ".join(f"№ {one.number} от {one.answered_on:%d.%m.%Y}" for one in rows if one.answered_on)
    known = {
        "дата": f"{appeal.registered_on:%d.%m.%Y}",
        "номер": appeal.number,
        "кому": given.where,
        "решение": given.number,
        "дата решения": f"{given.dated:%d.%m.%Y}" if given.dated else "",
        "ответы": answers,
        "адрес": given.note if given.note.startswith(("http://", "https://")) else "",
    }
    text = kind.letter
    for name, words in known.items():
        text = text.replace(f"{{{name}}}", words or f"{{{name}}}")
    return text


def put_letter(appeal: Appeal, text: str, *, by: Employee) -> bool:
    """Begin the answer with a letter; False where there is a text already or this person may not write it."""
    draft = drafting.draft_of(appeal)
    if draft.text.strip() or not text or not allows(drafting.check_can_draft, appeal, by):
        return False
    drafting.save(appeal, text=text, base_version=draft.version, by=by)
    return True


def _write(
    appeal: Appeal,
    wanted: Sequence[Part],
    kind: OutcomeKind,
    given: Given,
    *,
    on: date,
    by: Employee,
    proposed: bool = False,
) -> list[QuestionOutcome]:
    replaced = [part.outcome.pk for part in wanted if part.outcome]
    QuestionOutcome.objects.filter(pk__in=replaced, replaced_at=None).update(replaced_at=timezone.now())
    facts: dict[str, Any] = {
        "kind": kind,
        "on": on,
        "by": by,
        "proposed": proposed,
        "note": " ".join(given.note.split())[:500],
        "where": " ".join(given.where.split())[:300],
        "number": given.number.strip()[:60],
        "dated": given.dated,
        "decided_by": given.decided_by,
        "file": given.file,
    }
    try:
        with transaction.atomic():
            rows = [QuestionOutcome.objects.create(appeal=appeal, question=part.question, **facts) for part in wanted]
    except IntegrityError:
        raise transitions.ChangedMeanwhile(number=appeal.number, now=S(appeal.status).label) from None
    for row in rows if given.earlier else ():
        row.earlier.set(given.earlier)
    return rows


def _check_day(appeal: Appeal, on: date) -> None:
    if on > timezone.localdate():
        raise WrongDate(what="Дата исхода ещё не наступила.")
    if on < appeal.registered_on:
        raise WrongDate(what=f"Дата исхода раньше регистрации обращения ({appeal.registered_on:%d.%m.%Y}).")


def _check_kind(appeal: Appeal, kind: OutcomeKind, given: Given, *, on: date) -> None:
    if kind.valid_from > on or (kind.valid_to and kind.valid_to < on):
        raise OutcomeIncomplete(kind=kind, what="этот исход в тот день не действует. Выберите другой.")
    if given.dated and given.dated > timezone.localdate():
        raise WrongDate(what="Дата письма или решения ещё не наступила.")
    if kind.needs == Needs.WORDS and not given.note.strip():
        raise OutcomeIncomplete(kind=kind, what="напишите в пояснении, как это произошло и чем подтверждается.")
    if kind.needs == Needs.TRANSFER:
        if not (given.where.strip() and given.number.strip() and given.dated):
            raise OutcomeIncomplete(kind=kind, what="укажите, кому переслано, номер и дату сопроводительного письма.")
        complained.check_body(appeal, given.where)
        if bodies.is_ours(given.where):
            raise OutcomeIncomplete(kind=kind, what="переслать самим себе нельзя. Укажите другой орган.")
    if kind.needs == Needs.DECISION:
        _check_decision(appeal, kind, given)


def _check_decision(appeal: Appeal, kind: OutcomeKind, given: Given) -> None:
    if not (given.number.strip() and given.dated and given.decided_by):
        raise OutcomeIncomplete(kind=kind, what="укажите номер и дату решения и кто его принял.")
    complained.check_apart(appeal, given.decided_by, "решить, что переписка прекращена, ему")
    if SIGN not in staff.powers_of(given.decided_by, given.dated):
        what = (
            f"{given.decided_by.short_name} не вправе принять такое решение: его принимает руководитель или "
            "уполномоченное лицо с правом подписи."
        )
        raise OutcomeIncomplete(kind=kind, what=what)
    known = {one.pk for one in earlier_answers(appeal)}
    if {one.pk for one in given.earlier} - known:
        raise OutcomeIncomplete(kind=kind, what="прежние ответы должны быть этому же заявителю, уже отправленные.")
    if len({one.pk for one in given.earlier}) < kind.least_earlier:
        what = f"отметьте прежние ответы по существу, не меньше {kind.least_earlier}: ответы давались неоднократно."
        raise OutcomeIncomplete(kind=kind, what=what)
