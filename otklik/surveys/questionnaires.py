"""Questionnaires are written here: a draft, then an edition in force from a day, which never changes afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee
from otklik.surveys.models import Questionnaire, QuestionnaireDraft
from otklik.surveys.questions import KINDS, LISTED

MOST_QUESTIONS: Final = 15
MOST_ANSWERS: Final = 12
TEXT_MAX: Final = 300
ANSWER_MAX: Final = 120
TITLE_MAX: Final = 200


class DraftChanged(DomainError):
    """Somebody else has saved the draft meanwhile."""

    code = "survey.draft_changed"
    text = (
        "Пока вы писали, черновик сохранил кто-то другой. Набранное осталось на странице: откройте черновик в соседней "
        "вкладке, сверьте и перенесите своё."
    )
    status = 409


class NotReady(DomainError):
    """The draft cannot become an edition yet."""

    code = "survey.not_ready"
    text = "Анкету пока нельзя назначить. {why}"


@dataclass(frozen=True)
class Typed:
    """A question as it was typed; `code` is empty for a new one, `answers` are words, one after another."""

    code: str
    text: str
    kind: str
    answers: list[str]
    required: bool


@dataclass(frozen=True)
class Listed:
    """A questionnaire in the list: what is asked today, what is coming, what is being written."""

    code: str
    title: str
    now: Questionnaire | None
    coming: Questionnaire | None
    last: Questionnaire | None
    draft: QuestionnaireDraft | None


def listed(on: date | None = None) -> list[Listed]:
    """Return every questionnaire, in two queries."""
    on = on or timezone.localdate()
    drafts = {one.code: one for one in QuestionnaireDraft.objects.all()}
    editions: dict[str, list[Questionnaire]] = {}
    for row in Questionnaire.objects.order_by("code", "edition"):
        editions.setdefault(row.code, []).append(row)
    found = []
    for code in sorted({*drafts, *editions}):
        rows = editions.get(code, [])
        running = [one for one in rows if one.valid_from <= on and (one.valid_to is None or one.valid_to >= on)]
        coming = [one for one in rows if one.valid_from > on]
        newest = next(reversed(running or coming or rows), None)
        found.append(
            Listed(
                code,
                str(newest or drafts[code]),
                running[-1] if running else None,
                coming[-1] if coming else None,
                rows[-1] if rows else None,
                drafts.get(code),
            )
        )
    return sorted(found, key=lambda one: one.title)


def editions(code: str) -> list[Questionnaire]:
    """Return the editions of a questionnaire, the newest first."""
    return list(Questionnaire.objects.filter(code=code).order_by("-edition"))


def latest(code: str) -> Questionnaire | None:
    """Return the newest edition, in force or coming."""
    return Questionnaire.objects.filter(code=code).order_by("-edition").first()


def new(title: str, *, by: Employee, like: Questionnaire | None = None) -> QuestionnaireDraft:
    """Begin a questionnaire of its own: an empty one, or with the questions of another, which no order binds here."""
    questions = [
        {name: value for name, value in one.items() if name != "norm"} for one in (like.questions if like else ())
    ]
    return _begin(_free_code(), title, questions, by=by)


def revise(questionnaire: Questionnaire, *, by: Employee) -> QuestionnaireDraft:
    """Return the draft of the next edition, begun from the newest one where nobody has begun it."""
    found = QuestionnaireDraft.objects.filter(code=questionnaire.code).first()
    if found is not None:
        return found
    last = latest(questionnaire.code) or questionnaire
    try:
        return _begin(last.code, last.title, last.questions, by=by)
    except IntegrityError:  # two have begun at once
        return QuestionnaireDraft.objects.get(code=questionnaire.code)


def _begin(code: str, title: str, questions: list[dict[str, Any]], *, by: Employee) -> QuestionnaireDraft:
    with transaction.atomic():
        draft = QuestionnaireDraft.objects.create(code=code, title=title.strip()[:TITLE_MAX], questions=questions)
        journal.record("questionnaire.begun", chain=f"questionnaire:{code}", by=by)
    return draft


def _free_code() -> str:
    taken = {
        *Questionnaire.objects.values_list("code", flat=True),
        *QuestionnaireDraft.objects.values_list("code", flat=True),
    }
    number = 1
    while f"own-{number}" in taken:
        number += 1
    return f"own-{number}"


def save(
    draft: QuestionnaireDraft, *, title: str, questions: Sequence[Typed], base_version: int, by: Employee
) -> QuestionnaireDraft:
    """Keep what was typed, ready or not; a save over somebody else's is refused."""
    with transaction.atomic():
        kept = _coded(draft, questions[:MOST_QUESTIONS])
        changed = QuestionnaireDraft.objects.filter(pk=draft.pk, version=base_version).update(
            title=title.strip()[:TITLE_MAX], questions=kept, version=base_version + 1, changed_at=timezone.now()
        )
        if not changed:
            raise DraftChanged
        journal.record("questionnaire.draft_saved", chain=f"questionnaire:{draft.code}", by=by, questions=len(kept))
    draft.refresh_from_db()
    return draft


def _coded(draft: QuestionnaireDraft, typed: Sequence[Typed]) -> list[dict[str, Any]]:
    """Return questions as they are kept: what was asked before keeps its code, or figures of years would part."""
    known = {one["code"]: one for row in (latest(draft.code),) if row for one in row.questions}
    known |= {one["code"]: one for one in draft.questions}
    number = max(
        (int(code[1:]) for code in _codes(draft.code) | set(known) if re.fullmatch(r"q\d{1,6}", code)), default=0
    )
    kept: list[dict[str, Any]] = []
    used: set[str] = set()
    for one in typed:
        before = known.get(one.code, {}) if one.code not in used else {}
        code = one.code if before else f"q{(number := number + 1)}"
        used.add(code)
        question: dict[str, Any] = {
            "code": code,
            "text": " ".join(one.text.split())[:TEXT_MAX],
            "kind": one.kind if one.kind in KINDS else "choice",
            "required": one.required,
        }
        if question["kind"] in LISTED:
            question["answers"] = _answers(one.answers, before.get("answers", []))
        if before.get("norm"):
            question["norm"] = before["norm"]
        kept.append(question)
    return kept


def _codes(code: str) -> set[str]:
    rows = Questionnaire.objects.filter(code=code).values_list("questions", flat=True)
    return {one["code"] for questions in rows for one in questions}


def _answers(words: Sequence[str], before: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return answers with their codes: the same words, or as many answers with one reworded, stay the same answers."""
    words = [said for said in (" ".join(one.split())[:ANSWER_MAX] for one in words) if said][: MOST_ANSWERS + 1]
    by_words = {said: code for code, said in before}
    codes = [by_words.get(said, "") for said in words]
    if len(words) == len(before):
        codes = [code or (old if old not in codes else "") for code, (old, _) in zip(codes, before, strict=True)]
    taken, number = {code for code, _ in before}, 0
    result: list[list[str]] = []
    for said, code in zip(words, codes, strict=True):
        own = code if code not in {one for one, _ in result} else ""
        while not own:
            number += 1
            if f"a{number}" not in taken:
                own = f"a{number}"
                taken.add(own)
        result.append([own, said])
    return result


def lacks(draft: QuestionnaireDraft) -> list[str]:
    """Return what the draft still needs before it can be asked, in words."""
    found = [] if draft.title else ["Назовите анкету."]
    if not draft.questions:
        found.append("Добавьте хотя бы один вопрос.")
    for number, one in enumerate(draft.questions, start=1):
        if not one["text"]:
            found.append(f"Напишите вопрос {number}.")
        if one["kind"] not in LISTED:
            continue
        said = [words.casefold() for _, words in one["answers"]]
        if len(said) < 2:
            found.append(f"Дайте вопросу {number} хотя бы два ответа, каждый с новой строки.")
        if len(said) > MOST_ANSWERS:
            found.append(f"У вопроса {number} больше {MOST_ANSWERS} ответов: на телефоне их не прочтут.")
        if len(set(said)) < len(said):
            found.append(f"У вопроса {number} два одинаковых ответа: оставьте один.")
    return found


def is_normative(questionnaire: Questionnaire | None) -> bool:
    """Tell whether an order has set wordings of this edition: a new one then names the order that changes them."""
    return questionnaire is not None and any(one.get("norm") for one in questionnaire.questions)


def publish(draft: QuestionnaireDraft, *, valid_from: date, ground: str, by: Employee) -> Questionnaire:
    """Make the draft an edition in force from a day on; answers to earlier editions keep their wording."""
    if wrong := lacks(draft):
        raise NotReady(why=" ".join(wrong))
    last = latest(draft.code)
    if valid_from < timezone.localdate():
        raise NotReady(why="День начала уже прошёл: укажите сегодняшний или более поздний.")
    if last is not None and valid_from < last.valid_from:
        raise NotReady(why=f"Редакция {last.edition} действует с {last.valid_from:%d.%m.%Y}: новая не может раньше.")
    ground = " ".join(ground.split())[:TEXT_MAX]
    if is_normative(last) and not re.search(r"\d", ground):
        raise NotReady(
            why="Формулировки установлены приказом. Укажите основание: номер и дату приказа, изменившего их."
        )
    edition = last.edition + 1 if last else 1
    with transaction.atomic():
        if not QuestionnaireDraft.objects.filter(pk=draft.pk, version=draft.version).delete()[0]:
            raise DraftChanged
        row = Questionnaire.objects.create(
            code=draft.code,
            edition=edition,
            title=draft.title,
            questions=draft.questions,
            valid_from=valid_from,
            ground=ground,
        )
        journal.record(
            "questionnaire.published",
            chain=f"questionnaire:{draft.code}",
            by=by,
            edition=edition,
            valid_from=valid_from,
            basis=ground,
        )
    return row


def drop(draft: QuestionnaireDraft, *, by: Employee) -> None:
    """Throw a draft away; editions stay."""
    with transaction.atomic():
        QuestionnaireDraft.objects.filter(pk=draft.pk).delete()
        journal.record("questionnaire.draft_dropped", chain=f"questionnaire:{draft.code}", by=by)
