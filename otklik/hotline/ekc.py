"""Consultations given by the ЕКЦ (п. 27.4): they come by the API, as a table, or are written by its operators.

Whatever the way, a record is judged by the same rules, kept once by its number at the ЕКЦ, put into the search index,
and waits without a topic until a clerk confirms one. Callers handed over to the ЕКЦ and back are told beside the
records of the other side.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import IO, Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from otklik.appeals import classification
from otklik.appeals.models import Need, Topic
from otklik.core import journal, masking, sheets, typed
from otklik.core.compliance import end_of
from otklik.core.errors import DomainError
from otklik.core.sheets import BadSheet, Cell, Row
from otklik.hotline import consultations, defaults, reading_aloud
from otklik.hotline.models import Consultation, Line, Transfer
from otklik.hotline.reading_aloud import Answers
from otklik.people.applicants import phone_key, plain
from otklik.people.models import Employee
from otklik.surveys import feedback
from otklik.surveys.models import Questionnaire, Response

POWER: Final = "hotline.ekc"
CLASSIFY: Final = "appeals.classify"
CLOCKS_DIFFER: Final = timedelta(minutes=5)
LONGEST: Final = 6 * 3600  # seconds: nobody consults longer
MOST_TEXT: Final = 20_000
MAX_ROWS: Final = 1000
# A record of the other side tells of the same caller when it began so near to the moment he was handed over.
EARLIER: Final = timedelta(minutes=10)
LATER: Final = timedelta(hours=2)
_DESK: Final = "desk:"  # how the numbers of records begin that operators have written at their page

Outcome = Consultation.Outcome
OUTCOMES: Final = (Outcome.ANSWERED, Outcome.TRANSFERRED, Outcome.WRITTEN, Outcome.DROPPED, Outcome.WRONG_NUMBER)
OUTCOME_WORDS: Final[dict[str, str]] = {
    one.value: "соединён с департаментом" if one == Outcome.TRANSFERRED else str(one.label) for one in OUTCOMES
}
REFUSED: Final = "refused"
ANSWERED: Final = {"yes": "да", "no": "нет"}
QUALITY: Final = {"satisfied": "удовлетворен", "partial": "частично удовлетворен", "unsatisfied": "не удовлетворен"}


class BadRecord(DomainError):
    """A record cannot be kept as it is; `problems` says field by field what is wrong."""

    code = "ekc.bad_record"
    text = "{what}"

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(what=" ".join(f"{LABELS[name]}: {words}" for name, words in problems.items()))


class OtherRecord(DomainError):
    """A record with this number has been taken, and it says something else."""

    code = "ekc.other_record"
    text = "Запись ЕКЦ с номером «{external_id}» уже принята, и в ней другое. Проверьте номер: у каждой записи он свой."
    status = 409


class NoLine(DomainError):
    """The dictionary has no line of the ЕКЦ."""

    code = "ekc.no_line"
    text = "В справочнике линий нет линии ЕКЦ (код «ekc»). Добавьте её на странице «Линии»."


class PlanChanged(DomainError):
    """Between the dry run and the confirmation records of the table came another way."""

    code = "ekc.plan_changed"
    text = (
        "Пока вы смотрели, часть записей уже пришла другим путём. Ничего не записано. "
        "Посмотрите таблицу ещё раз и подтвердите."
    )
    status = 409


LABELS: Final = {
    "external_id": "Номер записи",
    "at": "Когда",
    "question": "Вопрос",
    "answer": "Ответ",
    "number": "Телефон",
    "caller": "Как обращаться",
    "operator": "Оператор",
    "seconds": "Длительность, с",
    "outcome": "Итог",
    "answered": "Получен ли ответ",
    "quality": "Качество",
    "told_of_qr": "Сказано о QR-коде",
}
_MOST: Final = {"external_id": 120, "number": 40, "caller": 200, "operator": 120}


@dataclass(frozen=True)
class Given:
    """One consultation as the ЕКЦ tells of it. The two answers are there together, or none; `refused`: he declined."""

    at: datetime
    question: str
    answer: str = ""
    external_id: str = ""
    number: str = ""
    caller: str = ""
    operator: str = ""
    seconds: int = 0
    outcome: str = Outcome.ANSWERED
    answered: str = ""
    quality: str = ""
    refused: bool = False
    told_of_qr: bool = False


@dataclass(frozen=True)
class Taken:
    """A kept record; not `new` where it had been taken before."""

    consultation: Consultation
    new: bool


@dataclass(frozen=True)
class Handed:
    """A caller handed over to the ЕКЦ or from there, and what the other side's records say of him.

    `ours`: when and by whom; `theirs`: the record of the ЕКЦ, None where it has none.
    """

    at: datetime
    ours: Consultation | None
    transfer: Transfer | None
    theirs: Consultation | None

    @property
    def to_us(self) -> bool:
        """Tell whether he came from the ЕКЦ."""
        return self.transfer is None or self.transfer.where == Transfer.Where.FROM_EKC

    @property
    def number(self) -> str:
        """Return the caller's number as a list may show it."""
        one = self.ours or self.theirs
        return masking.phone(one.number) if one else ""

    @property
    def agrees(self) -> bool:
        """Tell whether both sides know of him."""
        return self.ours is not None and self.theirs is not None


def line() -> Line:
    """Return the line of the ЕКЦ; raises NoLine."""
    found = Line.objects.filter(code=defaults.EKC).first()
    if found is None:
        raise NoLine
    return found


def given() -> QuerySet[Consultation]:
    """Return all consultations the ЕКЦ has given."""
    return Consultation.objects.filter(line__code=defaults.EKC).select_related("topic", "need", "by")


def own(user: Employee) -> QuerySet[Consultation]:
    """Return the records an operator of the ЕКЦ has written himself: all he ever sees."""
    return given().filter(by=user)


def search(query: str, *, typing: bool = False) -> Answers:
    """Return what answers a query among materials let out to the site, with lines to read: nothing else is theirs."""
    return reading_aloud.search(query, typing=typing)


def problems(record: Given) -> dict[str, str]:
    """Return what is wrong with a record, field → words; nothing of it is kept."""
    wrong = {name: f"длиннее {most} знаков." for name, most in _MOST.items() if len(getattr(record, name)) > most}
    if not record.question.strip():
        wrong["question"] = "напишите, о чём спросили."
    for name in ("question", "answer"):
        if len(getattr(record, name)) > MOST_TEXT:
            wrong[name] = f"длиннее {MOST_TEXT} знаков."
    if record.at > timezone.now() + CLOCKS_DIFFER:
        wrong["at"] = "этот час ещё не наступил. Проверьте часы и часовой пояс."
    elif record.at.year < typed.FIRST_YEAR:
        wrong["at"] = "проверьте год."
    if not 0 <= record.seconds <= LONGEST:
        wrong["seconds"] = f"нужно от 0 до {LONGEST}."
    if record.outcome not in OUTCOME_WORDS:
        wrong["outcome"] = f"такого итога нет. Есть: {', '.join(OUTCOME_WORDS.values())}."
    return wrong | _of_answers(record)


def _of_answers(record: Given) -> dict[str, str]:
    if record.refused and (record.answered or record.quality):
        return {"answered": "отмечен и отказ, и ответ. Оставьте одно."}
    if record.answered and record.answered not in ANSWERED:
        return {"answered": f"можно: {', '.join(ANSWERED.values())} или отказался."}
    if record.quality and record.quality not in QUALITY:
        return {"quality": f"можно: {', '.join(QUALITY.values())}."}
    if bool(record.answered) != bool(record.quality):
        missing = "quality" if record.answered else "answered"
        return {missing: "ответы на два вопроса указывают вместе: заполните оба или ни одного."}
    return {}


@transaction.atomic
def take(record: Given, *, source: str, by: Employee, own: bool = False) -> Taken:
    """Keep a record once: a repeat with the same number returns what was kept. Raises BadRecord, OtherRecord.

    `source`: by which way it came, for the journal; `own`: `by` has given the consultation himself.
    """
    if wrong := problems(record):
        raise BadRecord(wrong)
    where = line()
    if (known := _known(where, record)) is not None:
        return Taken(known, new=False)
    try:
        with journal.together():
            row = Consultation.objects.create(line=where, by=by if own else None, **_fields(record))
    except Questionnaire.DoesNotExist:
        raise BadRecord({"answered": "на этот день двух вопросов ещё не задавали. Проверьте дату."}) from None
    except IntegrityError:  # the same record came another way at this moment
        if (known := _known(where, record)) is None:
            raise
        return Taken(known, new=False)
    journal.record("ekc.taken", chain=f"consultation:{row.pk}", by=by, source=source, asked=row.asked)
    consultations.put(row)
    return Taken(row, new=True)


def _known(where: Line, record: Given) -> Consultation | None:
    """Return the record that bears this number already; raises OtherRecord where it says something else."""
    if not record.external_id:
        return None
    known = Consultation.objects.filter(line=where, external_id=record.external_id).first()
    if known is not None and _differs(known, record):
        raise OtherRecord(external_id=record.external_id)
    return known


def _differs(known: Consultation, record: Given) -> bool:
    said = (record.question.strip(), record.answer.strip(), record.number.strip(), record.outcome)
    if said != (known.question, known.answer, known.number, known.outcome):
        return True
    # An operator's second press of the same form bears the moment of the press.
    return not known.external_id.startswith(_DESK) and known.opened_at != record.at


def _fields(record: Given) -> dict[str, Any]:
    """Return the columns of a record, its answers kept as every opinion is."""
    asked, invitation = Consultation.Asked.NOT_YET, None
    if record.refused:
        asked = Consultation.Asked.REFUSED
    elif record.answered:
        asked = Consultation.Asked.ANSWERED
        # By the edition that was in force when he was asked.
        invitation = feedback.invite(channel="ekc", on=timezone.localdate(record.at))
        answers = {"answered": record.answered, "quality": record.quality}
        on = timezone.localdate(record.at)
        feedback.answer(invitation.token, answers, on=on, source=Response.Source.PHONE)
    return {
        "external_id": record.external_id,
        "operator": record.operator.strip(),
        "opened_at": record.at,
        "closed_at": record.at + timedelta(seconds=record.seconds),
        "number": record.number.strip(),
        "number_key": phone_key(record.number),
        "caller": record.caller.strip(),
        "question": record.question.strip(),
        "answer": record.answer.strip(),
        "outcome": record.outcome,
        "asked": asked,
        "invitation": invitation,
        "told_of_qr": record.told_of_qr,
    }


# ---------- topics ----------


def untopiced() -> QuerySet[Consultation]:
    """Return the records whose topic nobody has confirmed, the oldest first."""
    return given().filter(topic=None).exclude(outcome=Outcome.WRONG_NUMBER).order_by("opened_at", "id")


def proposed(row: Consultation, *, reader: Employee | None = None) -> classification.Guess:
    """Return topics and needs a record seems to be about; nothing is set."""
    return classification.propose(f"{row.question}\n{row.answer}", reader=reader)


@transaction.atomic
def classify(row: Consultation, topic: Topic, need: Need, *, by: Employee) -> None:
    """Confirm what a record was about; said again, it is corrected."""
    locked = given().select_for_update(of=("self",)).get(pk=row.pk)
    if (locked.topic_id, locked.need_id) == (topic.pk, need.pk):
        return
    Consultation.objects.filter(pk=row.pk).update(topic=topic, need=need)
    questions = [[topic.code, need.pk]]
    journal.record("ekc.classified", chain=f"consultation:{row.pk}", by=by, questions=questions)


# ---------- a table ----------

COLUMNS: Final = LABELS
_NEEDED: Final = ("external_id", "at", "question")
_ALSO: Final = {
    "номер": "external_id",
    "дата и время": "at",
    "дата": "at",
    "о чём спросили": "question",
    "что ответили": "answer",
    "длительность": "seconds",
    "оценка качества": "quality",
    "номер телефона": "number",
}
_TITLES: Final = {plain(title): name for name, title in COLUMNS.items()} | {plain(k): v for k, v in _ALSO.items()}
_MOMENT: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::\d{2})?)?")
EXAMPLE: Final = (
    "118",
    "24.11.2026 10:15",
    "Как узнать, в чьей собственности участок?",
    "Рассказали о выписке из ЕГРН и назвали адрес МФЦ.",
    "+7 383 000-00-00",
    "Анна Петровна",
    "Оператор 7",
    "240",
    "ответили",
    "да",
    "удовлетворен",
    "да",
)


@dataclass(frozen=True)
class Plan:
    """What a row of a table would do: `verdict` is take, same or refuse; `why` says why not."""

    number: int
    verdict: str
    external_id: str
    at: str
    question: str
    why: tuple[str, ...] = field(default_factory=tuple)


def sample() -> bytes:
    """Return a table to fill in, with one made-up record."""
    return sheets.xlsx([list(COLUMNS.values()), list(EXAMPLE)], title="Консультации ЕКЦ")


def read(upload: IO[bytes], name: str) -> list[Row]:
    """Return the rows of a CSV or XLSX table. Nothing in the file is run: a formula is refused by its address."""
    found = sheets.read(upload, name, most_rows=MAX_ROWS, csv_too=True)
    if not found:
        raise BadSheet(what="таблица пустая. Возьмите образец и заполните его.")
    columns = _columns(found[0][1])
    rows = (sheets.under(columns, number, cells) for number, cells in found[1:])
    return [row for row in rows if any(row.cells.values()) or row.wrong]


def _columns(titles: Sequence[Cell]) -> dict[int, str]:
    found: dict[int, str] = {}
    for place, cell in enumerate(titles):
        if not (title := plain(cell.text)):
            continue
        if (name := _TITLES.get(title)) is None:
            raise BadSheet(what=f"столбец «{cell.text[:60]}» незнаком. Возьмите столбцы из образца.")
        if name in found.values():
            raise BadSheet(what=f"столбец «{COLUMNS[name]}» встречается дважды. Оставьте один.")
        found[place] = name
    if missing := [COLUMNS[name] for name in _NEEDED if name not in found.values()]:
        raise BadSheet(what=f"в первой строке нет столбцов: {', '.join(missing)}. Возьмите столбцы из образца.")
    return found


def plan(rows: Iterable[Row]) -> list[Plan]:
    """Return what each row would do now; nothing is changed."""
    return [line_ for _, line_ in _judged(rows)]


def fingerprint(lines: Iterable[Plan]) -> str:
    """Return what two equal plans share."""
    return hashlib.sha256(repr([astuple(one) for one in lines]).encode()).hexdigest()


@transaction.atomic
def apply(rows: Sequence[Row], *, agreed: str, by: Employee) -> int:
    """Keep every good row of a table, all of them or none; return how many. Raises PlanChanged.

    `agreed`: the fingerprint of the dry run that was confirmed.
    """
    where = line()
    Line.objects.select_for_update().get(pk=where.pk)  # two tables at once are taken one after the other
    judged = list(_judged(rows))
    if fingerprint(one for _, one in judged) != agreed:
        raise PlanChanged
    is_own = by.has_power(POWER)
    with journal.together():
        records = [record for record, one in judged if record is not None and one.verdict == "take"]
        for record in records:
            take(record, source="file", by=by, own=is_own)
        journal.record("ekc.loaded", chain=f"line:{where.pk}", by=by, rows=len(records))
    return len(records)


def _judged(rows: Iterable[Row]) -> Iterator[tuple[Given | None, Plan]]:
    rows = list(rows)
    ids = {row.cells.get("external_id", "") for row in rows} - {""}
    known = {one.external_id: one for one in given().filter(external_id__in=ids)}
    met: dict[str, int] = {}
    for row in rows:
        record, why = _record(row)
        external_id = row.cells.get("external_id", "").strip()
        if not external_id and not row.wrong:
            why.append("номер записи: укажите его, по нему узнают повтор.")
        elif external_id in met:
            why.append(f"номер записи уже встретился в строке {met[external_id]}.")
        met.setdefault(external_id, row.number)
        same = known.get(external_id)
        if record is not None and same is not None and _differs(same, record):
            why.append("запись с этим номером уже принята, и в ней другое.")
        verdict = "refuse" if why else "same" if same else "take"
        said = row.cells.get("question", "")[:200]
        yield record, Plan(row.number, verdict, external_id, row.cells.get("at", ""), said, tuple(why))


def _record(row: Row) -> tuple[Given | None, list[str]]:
    """Return what a row says, and what is wrong with it, in words."""
    cells, why = {name: text.strip() for name, text in row.cells.items()}, list(row.wrong)
    if why:
        return None, why
    at = _moment(cells.get("at", ""))
    if at is None:
        why.append(f"когда: «{cells.get('at', '')[:30]}» не прочитано. Нужен вид 24.11.2026 10:15.")
    seconds = typed.number(cells.get("seconds") or "0")
    if seconds is None:
        why.append(f"длительность: «{cells.get('seconds', '')[:30]}» не целое число секунд.")
    said = {name: plain(cells.get(name, "")) for name in ("outcome", "answered", "quality", "told_of_qr")}
    answered = _code(said["answered"], {**ANSWERED, REFUSED: "отказался"})
    record = Given(
        at=at or timezone.now(),
        question=cells.get("question", ""),
        answer=cells.get("answer", ""),
        external_id=cells.get("external_id", ""),
        number=cells.get("number", ""),
        caller=cells.get("caller", ""),
        operator=cells.get("operator", ""),
        seconds=seconds or 0,
        outcome=_code(said["outcome"], OUTCOME_WORDS) if said["outcome"] else Outcome.ANSWERED,
        answered="" if answered == REFUSED else answered,
        quality=_code(said["quality"], QUALITY),
        refused=answered == REFUSED,
        told_of_qr=said["told_of_qr"] in {"да", "1", "yes"},
    )
    why += [f"{LABELS[name].lower()}: {words}" for name, words in problems(record).items()]
    return (None if why else record), why


def _code(said: str, words: Mapping[str, str]) -> str:
    """Return the code of what was said in words, or what was said, to be judged."""
    return {plain(text): code for code, text in words.items()}.get(said, said)


def _moment(text: str) -> datetime | None:
    """Return a local moment written as «24.11.2026 10:15» or as ISO, None where it is neither."""
    if found := _MOMENT.fullmatch(text):
        day, month, year, hour, minute = (int(part or 0) for part in found.groups())
        parts = (year, month, day, hour, minute)
    try:
        naive = datetime(*parts) if found else datetime.fromisoformat(text)
        return naive if timezone.is_aware(naive) else timezone.make_aware(naive)
    except (ValueError, OverflowError):
        return None


# ---------- handed over ----------


def handed(first: date, last: date) -> list[Handed]:
    """Return the callers handed over to the ЕКЦ and from there between these days, the newest first.

    A record of the other side is his where the number is his and the moment is near.
    """
    since, until = end_of(first - timedelta(days=1)), end_of(last)
    ours = list(
        Transfer.objects.filter(
            at__gte=since, at__lt=until, where__in=(Transfer.Where.EKC, Transfer.Where.FROM_EKC)
        ).select_related("consultation", "consultation__by", "consultation__line")
    )
    near = given().filter(opened_at__gte=since - LATER, opened_at__lt=until + LATER).order_by("opened_at")
    theirs = list(near)
    used: set[int] = set()
    rows = []
    for one in ours:
        found = _beside(one, theirs, used)
        rows.append(Handed(one.at, one.consultation, one, found))
    sent = [
        Handed(one.opened_at, None, None, one)
        for one in theirs
        if one.outcome == Outcome.TRANSFERRED and one.pk not in used and since <= one.opened_at < until
    ]
    return sorted([*rows, *sent], key=lambda row: row.at, reverse=True)


def _beside(transfer: Transfer, theirs: Iterable[Consultation], used: set[int]) -> Consultation | None:
    """Return the nearest record of the ЕКЦ of the same number, each for one transfer."""
    key = transfer.consultation.number_key
    back = transfer.where == Transfer.Where.FROM_EKC
    before, after = (LATER, EARLIER) if back else (EARLIER, LATER)
    fits = [
        one
        for one in theirs
        if key and one.number_key == key and one.pk not in used and -before <= one.opened_at - transfer.at <= after
    ]
    best = min(fits, key=lambda one: abs(one.opened_at - transfer.at), default=None)
    if best is not None:
        used.add(best.pk)
    return best


def by_desk(record: Given, *, key: str, by: Employee) -> Taken:
    """Keep what an operator has written at his page; `key`: of the form, so that a second press keeps nothing more."""
    named = replace(record, external_id=f"{_DESK}{key}", operator=by.short_name)
    return take(named, source="desk", by=by, own=True)
