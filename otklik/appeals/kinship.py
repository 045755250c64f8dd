"""Appeals that belong together: repeated, duplicates answered by one answer, many alike. Each keeps number and term."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.appeals import transitions
from otklik.appeals.models import FINISHED, Appeal, CaseMerge, Kinship
from otklik.appeals.permissions import check_can_work
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.correspondence.models import ChannelCode, OutgoingMessage
from otklik.people import applicants
from otklik.people.models import Employee

S = Appeal.Status
Kind, Ground = Kinship.Kind, Kinship.Ground


class WrongKin(DomainError):
    """The two appeals are not what was said of them."""

    code = "kinship.wrong"
    text = "{what}"


class CopiesWait(DomainError):
    """A copy or a covering letter has not been told of the answer."""

    code = "kinship.copies_wait"
    text = "Обращение № {number}: закрыть пока нельзя — {what}. Откройте «Ответить на все копии» в ходе рассмотрения."


def check_can_relate(appeal: Appeal, user: Employee) -> None:
    """Raise where the user may not say what this appeal is to another."""
    check_can_work(appeal, user)


@transaction.atomic
def relate(other: Appeal, main: Appeal, *, kind: str, ground: str = "", by: Employee) -> Kinship:
    """Say what `other` is to `main`. A copy keeps number and term; the answer leaves by the earliest of them."""
    check_can_relate(other, by)
    # In the order of their keys: two who relate the same two appeals at once wait for each other.
    list(Appeal.objects.select_for_update().filter(pk__in=[other.pk, main.pk]).order_by("pk").values_list("pk"))
    _check(other, main, kind, ground)
    try:
        with transaction.atomic():
            row = Kinship.objects.create(
                main=main, other=other, kind=kind, ground=ground if kind == Kind.REPEATED else "", by=by
            )
    except IntegrityError:
        raise WrongKin(what=f"№ {other.number} уже связано: уберите прежнюю связь, потом укажите новую.") from None
    if kind != Kind.REPEATED:
        # Neither goes to signature while they become one: whoever is slower is told.
        transitions.hold(other)
        transitions.hold(main)
    if kind == Kind.DUPLICATE:
        _hurry(main, other.due_on)
    facts: dict[str, Any] = {"kind": kind, "main": main.pk, "other": other.pk}
    journal.record("appeal.related", chain=f"appeal:{other.pk}", by=by, **facts)
    journal.record("appeal.related", chain=f"appeal:{main.pk}", by=by, **facts)
    return row


@transaction.atomic
def unrelate(row: Kinship, *, by: Employee) -> None:
    """Take back that two appeals belong together; not once the one answer has covered the copy."""
    check_can_relate(row.other, by)
    if row.kind == Kind.DUPLICATE and row.other.status == S.CLOSED:
        raise WrongKin(what=f"№ {row.other.number} уже закрыто этим ответом. Сначала отмените его закрытие.")
    if row.kind == Kind.DUPLICATE and row.main.status in (S.SIGNING, S.SIGNED):
        raise WrongKin(
            what=f"Ответ № {row.main.number} на подписи называет оба номера. Сначала отзовите его с подписи."
        )
    if not Kinship.objects.filter(pk=row.pk).delete()[0]:
        raise WrongKin(what="Эту связь уже убрали. Обновите страницу.")
    facts: dict[str, Any] = {"kind": row.kind, "main": row.main_id, "other": row.other_id}
    journal.record("appeal.unrelated", chain=f"appeal:{row.other_id}", by=by, **facts)
    journal.record("appeal.unrelated", chain=f"appeal:{row.main_id}", by=by, **facts)


def of(appeal: Appeal) -> list[Kinship]:
    """Return every relation of an appeal, on either side, in one query."""
    rows = Kinship.objects.filter(main=appeal) | Kinship.objects.filter(other=appeal)
    return list(rows.select_related("main__applicant", "other__applicant", "by").order_by("pk"))


def copies(appeal: Appeal, kind: str = Kind.DUPLICATE) -> list[Appeal]:
    """Return the copies that the answer to this appeal answers too."""
    rows = Appeal.objects.filter(kin_of__main=appeal, kin_of__kind=kind)
    return list(rows.select_related("regime", "applicant", "thread", "contact_point").order_by("pk"))


def numbers(appeal: Appeal) -> list[str]:
    """Return every number the answer names: its own first, then those of its copies."""
    found = Appeal.objects.filter(kin_of__main=appeal, kin_of__kind=Kind.DUPLICATE).order_by("pk")
    return [appeal.number, *found.values_list("number", flat=True)]


def goes_on_in(appeal: Appeal) -> Appeal:
    """Return the case an appeal was merged into, itself where it was not: what is written to it goes there."""
    for _ in range(10):
        row = CaseMerge.objects.filter(merged=appeal, undone_at=None).select_related("kept__thread").first()
        if row is None:
            break
        appeal = row.kept
    return appeal


def check_copies(appeal: Appeal) -> None:
    """Raise where a copy is not covered by the answer yet, or a covering letter has no report."""
    there = copies(appeal)
    if not there:
        return
    if waiting := [one.number for one in there if one.status != S.CLOSED]:
        raise CopiesWait(number=appeal.number, what=f"этот ответ ещё не учтён в № {', № '.join(waiting[:3])}")
    owed = [one for one in [appeal, *there] if one.channel == ChannelCode.GOVERNOR]
    told = OutgoingMessage.objects.filter(
        thread__in=[one.thread_id for one in owed], kind=OutgoingMessage.Kind.REPORT
    ).values_list("thread", flat=True)
    if silent := [one.number for one in owed if one.thread_id not in set(told)]:
        raise CopiesWait(
            number=appeal.number, what=f"нет отчёта на сопроводительное письмо по № {', № '.join(silent[:3])}"
        )


def grounds(main: Appeal, *, on: date | None = None) -> list[str]:
    """Return on which grounds an appeal may be called repeated: the answer has come, or its term has passed."""
    found = []
    if main.answered_on is not None:
        found.append(str(Ground.DISSATISFIED))
    elif main.due_on is not None and main.due_on < (on or timezone.localdate()):
        found.append(str(Ground.TERM_PASSED))
    return found


def same_applicant(one: Appeal, other: Appeal) -> bool:
    """Tell whether two appeals are of one person, under whichever of his merged names."""
    return applicants.main(one.applicant).pk == applicants.main(other.applicant).pk


def _check(other: Appeal, main: Appeal, kind: str, ground: str) -> None:
    if kind not in Kind.values:
        raise WrongKin(what="Укажите, что это: дубликат, повторное или одинаковое с другими.")
    if other.pk == main.pk:
        raise WrongKin(what="Обращение нельзя связать с ним самим. Выберите другое.")
    if Kinship.objects.filter(main=other, other=main).exists():
        raise WrongKin(what=f"№ {main.number} уже отмечено связанным с этим обращением. Уберите прежнюю связь.")
    if kind == Kind.REPEATED:
        _check_repeated(other, main, ground)
        return
    if other.status in FINISHED or other.status in (S.APPROVAL, S.SIGNING, S.SIGNED):
        raise WrongKin(what=f"№ {other.number} уже отвечено или на подписи: копией другого его сделать нельзя.")
    if main.status in (S.SIGNING, S.SIGNED):
        raise WrongKin(
            what=f"Ответ № {main.number} уже на подписи и не называет этот номер. Отзовите его с подписи и повторите."
        )
    if main.status in FINISHED:
        raise WrongKin(
            what=f"Ответ № {main.number} уже отправлен и не называет этот номер: отметьте обращение повторным."
        )
    if kind == Kind.DUPLICATE and not same_applicant(other, main):
        raise WrongKin(what="Это разные заявители: у каждого будет свой ответ. Отметьте «одинаковое с другими».")
    if Kinship.objects.filter(other=main).exclude(kind=Kind.REPEATED).exists():
        raise WrongKin(what=f"№ {main.number} само копия другого обращения. Свяжите с тем, основным.")
    if Kinship.objects.filter(main=other).exclude(kind=Kind.REPEATED).exists():
        raise WrongKin(what=f"У № {other.number} есть свои копии: основным оставьте его.")


def _check_repeated(other: Appeal, main: Appeal, ground: str) -> None:
    if not same_applicant(other, main):
        raise WrongKin(
            what="Повторное — от того же лица, а здесь заявители разные. Если это один человек, объедините его записи."
        )
    if main.registered_on > other.registered_on or (main.registered_on == other.registered_on and main.pk > other.pk):
        raise WrongKin(what=f"№ {main.number} зарегистрировано позже: повторным может быть только более позднее.")
    there = grounds(main)
    if ground not in there:
        raise WrongKin(
            what=f"По № {main.number} ответа ещё нет, и срок его не истёк: это не повторное. "
            "Если текст тот же, отметьте дубликат."
            if not there
            else "Укажите, почему обратились повторно: не согласны с ответом или истёк срок ответа."
        )


def _hurry(main: Appeal, due_on: date | None) -> None:
    """Let the one answer leave by the earliest term of all it answers."""
    if due_on is None or (main.due_on is not None and main.due_on <= due_on):
        return
    day = min(due_on, main.internal_due_on) if main.internal_due_on else due_on
    Appeal.objects.filter(pk=main.pk).update(internal_due_on=day)
    main.internal_due_on = day
