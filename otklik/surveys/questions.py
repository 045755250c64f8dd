"""The kinds of question: what may be answered, how an answer is read, how it is told. One place for all who ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otklik.core.errors import DomainError
from otklik.surveys.models import Questionnaire

TEXT_MAX: Final = 4000
# Kind → how it is called where questionnaires are written.
KINDS: Final = {
    "choice": "один ответ из списка",
    "several": "несколько ответов из списка",
    "scale": "оценка от 1 до 5",
    "yes_no": "да или нет",
    "text": "текст",
}
LISTED: Final = ("choice", "several")
ONE_OF: Final = ("choice", "scale", "yes_no")
YES_NO: Final = (("yes", "да"), ("no", "нет"))
SCALE: Final = (("1", "1 — плохо"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5 — отлично"))

Question = Mapping[str, Any]
Given = Mapping[str, str | Sequence[str]]


class AnswersUnclear(DomainError):
    """A required question has no answer, or an answer is not one of those offered."""

    code = "feedback.unclear"
    text = "Выберите один из ответов на вопрос «{question}»."


class AnswerMissing(AnswersUnclear):
    """A required question that takes words, or several answers, has none."""

    text = "Ответьте на вопрос «{question}»."


@dataclass(frozen=True)
class Drawn:
    """A question as a page draws it; `offered`: code, words, whether chosen."""

    code: str
    text: str
    kind: str
    required: bool
    offered: list[tuple[str, str, bool]]
    typed: str

    @property
    def many(self) -> bool:
        """Tell whether several answers may be chosen."""
        return self.kind == "several"


def offered(question: Question) -> list[tuple[str, str]]:
    """Return the answers a question offers, code and words; none for a text."""
    kind = question["kind"]
    if kind == "yes_no":
        return list(YES_NO)
    if kind == "scale":
        return list(SCALE)
    return [(code, words) for code, words in question.get("answers", ())] if kind in LISTED else []


def read(questionnaire: Questionnaire, given: Given, *, in_part: bool = False) -> dict[str, Any]:
    """Return the answers to be kept: code of the question → code of the answer, a list of them, or the text.

    `in_part`: who was asked by voice may have answered some and refused the rest.
    """
    kept: dict[str, Any] = {}
    for question in questionnaire.questions:
        answers = _as_list(given.get(question["code"], ""))
        if (answers or not in_part) and (said := _read(question, answers)) is not None:
            kept[question["code"]] = said
    return kept


def _read(question: Question, given: list[str]) -> Any:
    words, many = question["text"], question["kind"] == "several"
    if not given:
        if question.get("required"):
            listed = question["kind"] in ONE_OF
            raise (AnswersUnclear if listed else AnswerMissing)(question=words)
        return None
    if question["kind"] == "text":
        return given[0][:TEXT_MAX]
    known = dict(offered(question))
    if any(one not in known for one in given) or (len(given) > 1 and not many):
        raise AnswersUnclear(question=words)
    return [code for code in known if code in given] if many else given[0]


def _as_list(value: str | Sequence[str]) -> list[str]:
    values = [value] if isinstance(value, str) else value
    return [one for one in (str(each).strip() for each in values) if one]


def drawn(questionnaire: Questionnaire, typed: Given) -> list[Drawn]:
    """Return the questions as a page draws them, with what was typed so far."""
    result = []
    for question in questionnaire.questions:
        chosen = _as_list(typed.get(question["code"], ""))
        answers = [(code, words, code in chosen) for code, words in offered(question)]
        text = chosen[0] if chosen and question["kind"] == "text" else ""
        needed = bool(question.get("required"))
        result.append(Drawn(question["code"], question["text"], question["kind"], needed, answers, text))
    return result


def told(question: Question, said: Any) -> str:
    """Return an answer in words."""
    words = dict(offered(question))
    return ", ".join(str(words.get(one, one)) for one in (said if isinstance(said, list) else [said]))


def asks_for_words(questionnaire: Questionnaire) -> bool:
    """Tell whether a question takes words; where none does, a page asks for a comment beside them."""
    return any(question["kind"] == "text" for question in questionnaire.questions)
