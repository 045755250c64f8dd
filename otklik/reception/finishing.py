"""The end of a reception: no mark may be missing; the card is set as PDF and kept with its hash (59-ФЗ ст. 13)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from otklik.core import files, typeset
from otklik.core.errors import DomainError
from otklik.people import staff
from otklik.people.models import Employee
from otklik.reception import moves
from otklik.reception.holding import check_holds, check_open
from otklik.reception.models import Appointment, CardQuestion, ReceptionCard

SOURCE: Final = Path(__file__).parent / "data" / "card.typ"
S = ReceptionCard.State
Outcome = CardQuestion.Outcome
Consent = ReceptionCard.Consent


class MarksMissing(DomainError):
    """The order asks for more than the card has."""

    code = "reception.marks_missing"
    text = "Карточка {number}: приём не завершить, не хватает отметок — {what}."


class AlreadyFinished(DomainError):
    """The button was pressed twice, or in another window."""

    code = "reception.already_finished"
    text = "Карточка {number}: приём уже завершён {at}, завершил(а) {who}. Ваше нажатие ничего не изменило."
    status = 409


def missing(card: ReceptionCard) -> list[str]:
    """Return every mark that the order and 59-ФЗ ст. 13 ask for and the card has not, each by its name."""
    found = [words for words, there in _marks(card) if not there]
    questions = list(card.questions.all())
    if not questions:
        found.append("суть обращения: ни одного вопроса")
    for one in questions:
        found += [f"вопрос {one.position}: {words}" for words, there in _of_question(one) if not there]
    return found


def finish(card: ReceptionCard, *, by: Employee) -> None:
    """End the reception: every mark is there, the card is set and kept. Of two at once the second is told."""
    card.refresh_from_db()
    if card.state == S.FINISHED:
        raise _told(card)
    check_holds(card, by)
    check_open(card)
    if lacking := missing(card):
        raise MarksMissing(number=card.number, what="; ".join(lacking))
    now = timezone.now()
    # Set outside the transaction: it takes longer than everything else here.
    stored = files.store(pdf(card, finished_at=now, finished_by=by), name=f"Карточка {card.number}.pdf")
    try:
        with transaction.atomic():
            moves.move(
                card,
                S.FINISHED,
                by=by,
                action="reception.finished",
                facts={"digest": stored.sha256},
                finished_at=now,
                finished_by=by,
                pdf=stored,
            )
            rows = Appointment.objects.filter(pk=card.appointment_id)
            rows.update(state=Appointment.State.DONE, version=F("version") + 1)
    except moves.ChangedMeanwhile:
        card.refresh_from_db()
        if card.state == S.FINISHED:
            raise _told(card) from None
        raise


def pdf(card: ReceptionCard, *, finished_at: datetime | None = None, finished_by: Employee | None = None) -> bytes:
    """Return the card as PDF as it stands; one that is not finished says so."""
    at = finished_at or card.finished_at
    return typeset.pdf(
        SOURCE,
        {"card": content(card, at, finished_by or card.finished_by)},
        on=timezone.localdate(at or timezone.now()),
    )


def content(card: ReceptionCard, finished_at: datetime | None, finished_by: Employee | None) -> dict[str, object]:
    """Return every mark of a card in words, in the order they were made; read by the PDF and by nothing else."""
    person = card.applicant
    full = " ".join(part for part in (person.last_name, person.first_name, person.patronymic) if part)
    return {
        "number": card.number,
        "department": staff.department().name,
        "state": "" if finished_at else f"Приём не завершён: {card.get_state_display()}",
        "day": f"{timezone.localdate(card.started_at or card.appointment.starts_at):%d.%m.%Y}",
        "facts": [[name, value] for name, value in _facts(card, full, person) if value],
        "marks": [[name, value] for name, value in _told_marks(card, finished_at, finished_by) if value],
        "questions": [_question(one) for one in card.questions.select_related("topic", "need", "appeal__regime")],
        "handovers": [
            f"{_at(one.at)}: от {one.was.full_name} к {one.to.full_name}. Основание: {one.ground}"
            for one in card.handovers.select_related("was", "to").order_by("pk")
        ],
        "instructions": [
            f"{one.executor.full_name}, срок {one.due_on:%d.%m.%Y}: {one.text}"
            for one in card.instructions.select_related("executor").order_by("pk")
        ],
        "official": card.official.full_name,
        "post": card.official.post,
        "paper": f"Внесена с бумажной карточки № {card.paper_number}." if card.from_paper else "",
        "made": _at(finished_at or timezone.now()),
    }


def _marks(card: ReceptionCard) -> list[tuple[str, object]]:
    return [
        ("кто заявитель: фамилия и имя", card.applicant.last_name or card.applicant.organisation),
        ("сверка документа, удостоверяющего личность", card.document and card.document_matches and card.document_at),
        ("сообщение о ведении видео- и аудиозаписи", card.informed_at),
        ("согласие или несогласие на видеозапись", card.video),
        ("согласие или несогласие на аудиозапись", card.audio),
        ("начало приёма", card.started_at),
        ("должностное лицо представилось", card.introduced_at),
        ("обращался ли заявитель в какой-либо орган и в каком порядке", card.applied_before is not None),
        (
            "куда и в каком порядке обращался заявитель",
            card.applied_before is not True or card.applied_where.strip(),
        ),
    ]


def _of_question(one: CardQuestion) -> list[tuple[str, object]]:
    marks: list[tuple[str, object]] = [("тема", one.topic_id), ("исход", one.outcome)]
    if one.outcome == Outcome.ORAL:
        marks += [
            ("факты очевидны", one.facts_evident),
            ("согласие на устный ответ", one.oral_consent),
            ("текст устного ответа", one.answer.strip()),
        ]
    elif one.outcome == Outcome.WRITTEN:
        marks += [("обращение зарегистрировано", one.appeal_id), ("адрес для письменного ответа", one.address.strip())]
    elif one.outcome == Outcome.EXPLAINED:
        marks += [("разъяснение, куда и в каком порядке обратиться", one.answer.strip())]
    elif one.outcome == Outcome.REFUSED:
        marks += [("обращение, где ответ уже дан", one.answered_before_id), ("основание отказа", one.answer.strip())]
    return marks


def _facts(card: ReceptionCard, full: str, person: Any) -> list[tuple[str, str]]:
    document = card.get_document_display() + (f" ({card.document_other})" if card.document_other else "")
    matched = "данные совпали" if card.document_matches else ""
    return [
        ("Заявитель", full or person.organisation),
        ("Почтовый адрес", person.address),
        ("Документ", ", ".join(part for part in (document, card.document_number, matched) if part)),
        ("Сверил(а)", f"{card.document_by.full_name}, {_at(card.document_at)}" if card.document_by else ""),
        ("Расхождения", card.document_note),
        ("Приём ведёт", f"{card.official.full_name}{', ' + card.official.post if card.official.post else ''}"),
        ("Полномочие", card.authority.basis),
        ("Помещение", f"{card.room.name}, {card.room.place}"),
    ]


def _told_marks(card: ReceptionCard, at: datetime | None, by: Employee | None) -> list[tuple[str, str]]:
    text = f", текст редакции {card.consent_text}" if card.consent_text else ""
    before = {None: "", False: "не обращался", True: f"обращался: {card.applied_where}"}[card.applied_before]
    return [
        ("О ведении видео- и аудиозаписи сообщено", f"{_at(card.informed_at)}{text}" if card.informed_at else ""),
        ("Видеопротоколирование", str(Consent(card.video).label)),
        ("Аудиопротоколирование", str(Consent(card.audio).label)),
        ("Приём начат", _at(card.started_at)),
        ("Должностное лицо представилось", _at(card.introduced_at)),
        ("Обращался ли в какой-либо орган и в каком порядке", before),
        ("Приём завершён", f"{_at(at)}, {by.full_name if by else ''}" if at else ""),
    ]


def _question(one: CardQuestion) -> dict[str, object]:
    lines: list[tuple[str, str]] = [
        ("Тема", " — ".join(part.name for part in (one.topic, one.need) if part)),
        ("Исход", str(Outcome(one.outcome).label)),
    ]
    if one.outcome == Outcome.ORAL:
        lines += [
            ("Факты и обстоятельства", "очевидны, дополнительной проверки не требуют"),
            ("Согласие на устный ответ", "получено"),
            ("Устный ответ", one.answer),
        ]
    elif one.outcome == Outcome.WRITTEN and one.appeal is not None:
        due = f", ответить до {one.appeal.due_on:%d.%m.%Y}" if one.appeal.due_on else ""
        lines += [
            ("Обращение", f"№ {one.appeal.number} от {one.appeal.registered_on:%d.%m.%Y}{due}"),
            ("Письменный ответ", f"{one.get_way_display()}: {one.address}"),
            ("Подписывает", "должностное лицо, которое вело приём (п. 35.3)"),
        ]
    elif one.outcome == Outcome.REFUSED and one.answered_before is not None:
        lines += [
            (
                "Ответ уже дан",
                f"обращение № {one.answered_before.number} от {one.answered_before.registered_on:%d.%m.%Y}",
            ),
            ("Основание", one.answer),
        ]
    else:
        lines += [("Разъяснение", one.answer)]
    return {"position": one.position, "text": one.text, "lines": [[name, value] for name, value in lines if value]}


def _at(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%d.%m.%Y %H:%M}" if moment else ""


def _told(card: ReceptionCard) -> AlreadyFinished:
    who = card.finished_by.short_name if card.finished_by else "другой сотрудник"
    return AlreadyFinished(number=card.number, at=_at(card.finished_at), who=who)
