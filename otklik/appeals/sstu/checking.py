"""The check list of a month: what stands in the way of each appeal, in words, and where it is mended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from otklik.appeals.models import Appeal, SstuRule, SstuUpload
from otklik.appeals.sstu import dictionary, forming, selecting
from otklik.appeals.sstu.dictionary import Bodies
from otklik.appeals.sstu.forming import Question, Request
from otklik.appeals.sstu.selecting import Facts, Month

CODE: Final = re.compile(r"\d{4}(\.\d{4}){3,4}")
_LATIN: Final = str.maketrans({"A": "А"})  # a clerk may type the Latin letter

STATES: Final[dict[str, str]] = {
    "mend": "исправить",
    "ready": "готово, не выгружалось",
    "formed": "в файле, ещё не отмечено",
    "refused": "отказано",
    "changed": "изменилось после выгрузки",
    "sent": "выгружено",
    "mended": "исправлено и выгружено снова",
    "hand": "внести вручную",
    "aside": "не выгружается",
}


@dataclass(frozen=True)
class Problem:
    """What stands in the way. `place`: the page that mends it; `about`: what it is asked about there."""

    code: str
    text: str
    place: str
    about: str = ""


@dataclass(frozen=True)
class Line:
    """One appeal of a month: what it would be reported as, what is in the way, what became of it."""

    appeal: Appeal
    message: int | None
    request: Request
    problems: tuple[Problem, ...]
    by_hand: bool
    merged_into: str
    upload: SstuUpload | None

    @property
    def own(self) -> str:
        """Return in which list it stands by itself, whatever became of its files."""
        if self.merged_into:
            return "aside"
        if self.by_hand:
            return "hand"
        return "mend" if self.problems else "ready"

    @property
    def state(self) -> str:
        """Return in which list it stands, a code of `STATES`."""
        up = self.upload
        return state_of(self.own, self.request.statuses, up.state if up else "", up.statuses if up else [])

    @property
    def state_words(self) -> str:
        """Return its list in words."""
        return STATES[self.state]

    @property
    def can_be_formed(self) -> bool:
        """Tell whether a file can be made of it now."""
        return not (self.problems or self.by_hand or self.merged_into)


def state_of(own: str, statuses: list[str], attempt: str, told: list[str]) -> str:
    """Return in which list an appeal stands: by itself, and by its last attempt (empty: none) and what it told."""
    if attempt and attempt != SstuUpload.State.FORMED:
        is_taken = attempt != SstuUpload.State.REFUSED
        return "changed" if is_taken and told != statuses else attempt
    return "formed" if attempt and own == "ready" else own


def lines_of(month: Month, appeals: QuerySet[Appeal] | None = None) -> Iterator[Line]:
    """Yield every appeal of the month, or of those given, as it stands now."""
    rule, bodies = dictionary.rule(), Bodies()
    rows = selecting.appeals_of(month, rule) if appeals is None else appeals
    for facts in selecting.facts_of(rows, month):
        yield line_of(facts, month, rule, bodies)


def line_of(facts: Facts, month: Month, rule: SstuRule, bodies: Bodies) -> Line:
    """Return one appeal as it stands."""
    request = forming.shape(facts, month, rule, bodies)
    return Line(
        appeal=facts.appeal,
        message=facts.message,
        request=request,
        problems=tuple(problems(request, rule)),
        by_hand=is_of_urog(request, rule),
        merged_into=facts.merged_into,
        upload=facts.upload,
    )


def is_of_urog(request: Request, rule: SstuRule) -> bool:
    """Tell whether the covering letter is one of УРОГ: programs that send files leave such out."""
    prefix = rule.urog_prefix.strip().upper().translate(_LATIN)
    return bool(prefix) and not request.direct and request.number.strip().upper().translate(_LATIN).startswith(prefix)


def problems(request: Request, rule: SstuRule) -> Iterator[Problem]:
    """Yield what stands in the way of an appeal; nothing: a file can be made."""
    if not request.department:
        yield Problem("department", "не внесён departmentId нашего органа", "settings")
    if not request.name:
        yield Problem("name", "у заявителя нет имени или названия", "applicant")
    if not request.direct and not request.number:
        yield Problem("cover", "нет номера сопроводительного письма", "cover")
    if not request.direct and request.created is None:
        yield Problem("cover_date", "нет даты сопроводительного письма", "cover")
    if not request.questions:
        yield Problem("code", "нет ни одного вопроса с кодом классификатора", "classify")
    said = set[Problem]()
    for question in request.questions:
        for problem in _of_question(question, rule):
            if problem not in said:
                said.add(problem)
                yield problem


def _of_question(question: Question, rule: SstuRule) -> Iterator[Problem]:
    if not CODE.fullmatch(question.code):
        yield Problem("code", f"код «{question.code}» не четырёх- и не пятиуровневый", "classify")
    elif not question.confirmed:
        yield Problem("code", "код классификатора предложен, но не подтверждён", "classify")
    if not question.status:
        yield Problem("status", f"не указан исход вопроса {question.code}: нет статуса ССТУ", "outcomes")
    yield from _of_dates(question)
    if question.status in forming.ANSWERED:
        yield from _of_letter(question, rule)
    if question.transfer is not None:
        yield from _of_transfer(question)


def _of_dates(question: Question) -> Iterator[Problem]:
    if question.registered is not None and question.registered < question.incoming:
        yield Problem("dates", "зарегистрировано раньше, чем поступило", "card")
    since = question.registered or question.incoming
    if question.responded is not None and question.responded < since:
        yield Problem("dates", "ответ раньше регистрации: проверьте дату исхода", "outcomes")
    sent = question.transfer.on if question.transfer else None
    if sent is not None and sent < since:
        yield Problem("dates", "переслано раньше регистрации: проверьте дату письма", "outcomes")


def _of_letter(question: Question, rule: SstuRule) -> Iterator[Problem]:
    if question.letter is None:
        yield Problem("letter", "нет файла ответа: приложите документ к исходу", "outcomes")
        return
    size = question.letter[1].size
    if not size:
        yield Problem("letter", "файл ответа пуст", "outcomes")
    elif (encoded := forming.base64_size(size)) >= rule.attachment_bytes:
        shown = f"{encoded / 1_000_000:.1f}".replace(".", ",")
        limit = f"{rule.attachment_bytes / 1_000_000:.1f}".replace(".", ",")
        yield Problem("size", f"файл ответа велик: {shown} млн байт base64, нужно меньше {limit} млн", "dispatch")


def _of_transfer(question: Question) -> Iterator[Problem]:
    one = question.transfer
    assert one is not None
    if not one.department:
        yield Problem("body", f"нет departmentId органа «{one.body}»", "bodies", one.body)
    if one.on is None or not one.number:
        yield Problem("transfer", "нет номера или даты письма о пересылке", "outcomes")
