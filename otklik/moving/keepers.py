"""Rows of a journal judged, and kept as what they tell of: one keeper for each kind of journal.

`judge` says of each row what is wrong with it, changing nothing; `keep` keeps the good ones. What a keeper has met it
remembers: two rows with one number are told from each other however far apart they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from otklik.appeals import carried, numbers
from otklik.appeals.carried import Carried
from otklik.appeals.models import Appeal, Need, Topic
from otklik.core import files, journal, typed
from otklik.core.models import Regime, TermRule
from otklik.core.sheets import Row
from otklik.correspondence import social
from otklik.correspondence.models import ChannelCode, ContactPoint
from otklik.hotline import hours
from otklik.hotline.models import Line, MissedCall
from otklik.knowledge import question_table
from otklik.moving import kinds, said
from otklik.moving.mapping import Meanings, first_person
from otklik.moving.models import CarriedRow, HistoryImport, WordMeaning
from otklik.moving.packed import Packed
from otklik.people import applicants
from otklik.people.applicants import Typed, phone_key
from otklik.people.models import Employee

Kind, What = HistoryImport.Kind, WordMeaning.What
APPEAL, APPLICANT, CONTACT, MISSED, MATERIAL = "appeal", "applicant", "contact", "missed", "material"
_CLOSED: Final = re.compile(
    r"закры|исполнен|рассмотрен|снят\w* с контр|в дело|завершен|отправлен|архив|ответ дан|дан ответ", re.IGNORECASE
)
_OPEN: Final = re.compile(r"\bне (исполнен|рассмотрен|закрыт|отправлен)|на рассмотр|в работе|на исполн", re.IGNORECASE)
NOBODY: Final = "Не указан"  # whom the journal does not name
_LONG: Final = 20_000  # characters of a text
_OLDEST: Final = date(2000, 1, 1)
USUAL: Final[dict[str, str]] = {"channel": "post", "regime": "59fz", "need": "", "pattern": "", "section": ""}


@dataclass
class Judged:
    """A row, what is wrong with it, and what it would become; `facts` is empty where something is wrong."""

    line: int
    mark: str = ""  # its number or day, by which it is found in the journal
    why: list[str] = field(default_factory=list)
    facts: Any = None


class Keeper:
    """What all keepers share: the words of a journal, its settings, what has been met."""

    def __init__(self, run: HistoryImport, *, by: Employee) -> None:
        self.run, self.by = run, by
        self.options = USUAL | {name: str(value) for name, value in run.options.items()}
        self.words = Meanings()
        self.today = timezone.localdate()
        self.met: dict[str, int] = {}
        self.columns = {int(place): name for place, name in run.columns.items() if name}

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """Say what each row is; nothing is changed."""
        raise NotImplementedError

    def keep(self, judged: Sequence[Judged]) -> list[CarriedRow]:
        """Keep the good rows, inside the caller's `together()`; return what was made of them."""
        raise NotImplementedError

    def made(self, line: int, what: str, key: int, entries: int = 1) -> CarriedRow:
        """Return the row that remembers what came of a line."""
        return CarriedRow(run=self.run, line=line, what=what, key=key, entries=entries)

    def day(self, told: Mapping[str, str], name: str, one: Judged, *, ahead: bool = False) -> date | None:
        """Return the day of a field; say where it is none, or one that cannot be."""
        text = told.get(name, "")
        if not text:
            return None
        on = said.day(text)
        label = kinds.FIELDS[self.run.kind][name].label.lower()
        if on is None:
            one.why.append(f"{label}: «{text[:40]}» — не дата, нужен вид 24.11.2026")
        elif on < _OLDEST:
            one.why.append(f"{label}: {on:%d.%m.%Y} — раньше 2000 года, проверьте год")
        elif on > self.today and not ahead:
            one.why.append(f"{label}: {on:%d.%m.%Y} ещё не наступила")
        else:
            return on
        return None


class AppealKeeper(Keeper):
    """Appeals, and receptions as oral appeals of the channel «личный приём» (59-ФЗ ст. 13 ч. 3)."""

    def __init__(self, run: HistoryImport, *, by: Employee, numbered: Iterable[str] = ()) -> None:
        super().__init__(run, by=by)
        self.rules = carried.Rules()
        self.points: dict[str, ContactPoint] = {}
        for point in ContactPoint.objects.order_by("-order", "-pk"):
            self.points[point.channel] = point
        self.packed = Packed(run.attached, numbered) if run.attached else None
        self.oral = run.kind == Kind.RECEPTIONS

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """Say what each row is: of two with one number the second is refused, as is a number there is already."""
        judged = [self._judge(row) for row in rows]
        wanted = [one.facts["number"] for one in judged if one.facts]
        taken = set(Appeal.objects.filter(number__in=wanted).values_list("number", flat=True))
        for one in judged:
            if one.facts and one.facts["number"] in taken:
                one.why.append(f"номер «{one.facts['number']}» уже есть в Отклике")
        return judged

    def _judge(self, row: Row) -> Judged:
        told = {name: value.strip() for name, value in row.cells.items() if value.strip()}
        one = Judged(row.number, told.get("number", "")[:60], list(row.wrong))
        registered = self.day(told, "registered", one)
        received = self.day(told, "received", one) or registered
        registered = registered or received
        due = self.day(told, "due", one, ahead=True)
        answered, closed = self.day(told, "answered", one), self.day(told, "closed", one)
        if not one.why and registered is None:
            one.why.append("нет даты регистрации")
        number = self._own_number(told, registered, one)
        subject, text = told.get("subject", ""), told.get("text", "")
        if not subject and not text:
            one.why.append("нет содержания обращения")
        if len(text) > _LONG or len(subject) > _LONG:
            one.why.append(f"текст длиннее {_LONG} знаков")
        if registered and received:
            one.why += _out_of_order(received, registered, (due, answered, closed))
        person = said.applicant(told)
        if not person.name_key:
            person = replace(person, last_name=NOBODY)
        if person.email and not typed.is_email(person.email):
            person = replace(person, email="")
        if told.get("email") and not person.email:
            told["note"] = f"{told.get('note', '')}\nПочта в журнале: {told['email']}".strip()
        regime, point, rule = self._place(told, registered, one)
        channel = self._channel(told)
        executor = self.words.employee(first_person(told.get("executor", "")))
        question = self._question(told)
        outcome = self.words.outcomes.get(self.words.means(What.OUTCOME, told.get("outcome", "")))
        ended = self._ended(told, answered, closed, registered)
        if not one.why and registered and received and regime and point and rule:
            one.facts = {
                "number": number,
                "told": told,
                "person": person,
                "facts": {
                    "key": f"{self.run.pk}:{row.number}",
                    "number": number,
                    "regime": regime,
                    "channel": channel,
                    "contact_point": point,
                    "written": not self.oral and channel not in (ChannelCode.RECEPTION, ChannelCode.HOTLINE),
                    "received_on": received,
                    "registered_on": registered,
                    "subject": subject or _short(text),
                    "text": text or subject,
                    "sender": _shown(person, told),
                    "source": f"«{self.run.name}», строка {row.number}",
                    "rule": rule,
                    "executor": executor if executor and (ended or executor.is_active) else None,
                    "unit": executor.unit if executor else None,
                    "due_on": due,
                    "answered_on": answered or (ended if told.get("answer") or told.get("answer_number") else None),
                    "closed_on": ended,
                    "close_reason": (told.get("outcome") or "перенесено из журнала закрытым") if ended else "",
                    "answer": told.get("answer", ""),
                    "answer_number": told.get("answer_number", "")[:60],
                    "outcome": outcome if ended else None,
                    "question": question,
                    "note": self._note(told, row, executor, question, outcome),
                    **_answer_way(person, channel, statutory=regime.statutory),
                },
            }
        return one

    def _own_number(self, told: Mapping[str, str], registered: date | None, one: Judged) -> str:
        """Return the number a row bears, once in a journal; say what is wrong with it."""
        number = self._number(told, registered, one.line)
        if not number:
            one.why.append("нет номера")
        elif len(number) > 60:
            one.why.append("номер длиннее 60 знаков")
        elif number in self.met:
            one.why.append(f"этот номер уже в строке {self.met[number]}: оставьте одну строку или исправьте номер")
        else:
            self.met[number] = one.line
        one.mark = number[:60]
        return number

    def _place(
        self, told: Mapping[str, str], registered: date | None, one: Judged
    ) -> tuple[Regime | None, ContactPoint | None, TermRule | None]:
        """Return the regime, where it came in, and the rule of its term; say which of them is not known."""
        regime = self.words.regimes.get(self.words.means(What.REGIME, told.get("regime", "")) or self.options["regime"])
        channel = self._channel(told)
        point = self.points.get(channel)
        if regime is None:
            one.why.append("режим рассмотрения неизвестен: сопоставьте слово журнала или выберите общий режим")
        if point is None:
            one.why.append(f"у канала «{channel}» нет точки взаимодействия: добавьте её")
        rule = self.rules.of(regime, channel, registered) if regime and registered else None
        if regime and registered and rule is None:
            one.why.append(f"для режима «{regime}» не задан срок ответа: добавьте его на странице «Сроки»")
        return regime, point, rule

    def keep(self, judged: Sequence[Judged]) -> list[CarriedRow]:
        """Keep the rows as appeals with their applicants and files; our own numbers go on above theirs."""
        good = [one for one in judged if one.facts]
        if not good:
            return []
        people = applicants.find_or_create_each([one.facts["person"] for one in good], by=self.by)
        kept = []
        for one, met in zip(good, people, strict=True):
            came, went, wrong = self.packed.take(one.facts["told"].get("number", "")) if self.packed else ([], [], [])
            note = "\n".join(filter(None, [one.facts["facts"]["note"], *(f"Не приложено: {words}" for words in wrong)]))
            facts = {**one.facts["facts"], "note": note, "applicant": met.applicant}
            kept.append((facts, came, went))
        stored = iter(files.store_each([(name, content) for _, came, went in kept for name, content in (*came, *went)]))
        rows = [
            Carried(
                **facts,
                files=[(name, next(stored)) for name, _ in came],
                answer_files=[(name, next(stored)) for name, _ in went],
            )
            for facts, came, went in kept
        ]
        appeals = carried.take_each(rows, by=self.by)
        self._raise_numbers([row.number for row in rows])
        made = []
        for one, row, appeal, met in zip(good, rows, appeals, people, strict=True):
            made.append(self.made(one.line, APPEAL, appeal.pk, 2 if row.note else 1))
            made += _of_person(self, one.line, met)
        return made

    def _raise_numbers(self, given: Sequence[str]) -> None:
        for year, before in numbers.go_on_above(given).items():
            known = self.run.numbers.setdefault(str(year), {"before": before, "after": before})
            known["after"] = numbers.last_of(year)

    def _number(self, told: Mapping[str, str], registered: date | None, line: int) -> str:
        number = " ".join(told.get("number", "").split())
        if self.oral and not number and registered:
            number = f"{line}-{registered:%d.%m.%Y}"
        pattern = self.options["pattern"] or ("ЛП-{year}-{number}" if self.oral else "")
        if not pattern or not number or registered is None:
            return number
        return pattern.replace("{year}", str(registered.year)).replace("{number}", number)

    def _channel(self, told: Mapping[str, str]) -> str:
        if self.oral:
            return ChannelCode.RECEPTION
        return self.words.means(What.CHANNEL, told.get("channel", "")) or self.options["channel"]

    def _question(self, told: Mapping[str, str]) -> tuple[Topic, Need] | None:
        """Return topic and need where both are known: proposals learn of them as of what people have confirmed."""
        topic = self.words.topics.get(self.words.means(What.TOPIC, told.get("topic", "")))
        need = self.words.needs.get(self.words.means(What.NEED, told.get("need", "")) or self.options["need"])
        return (topic, need) if topic and need else None

    def _ended(
        self, told: Mapping[str, str], answered: date | None, closed: date | None, registered: date | None
    ) -> date | None:
        """Return the day on which it was closed; none where the work goes on."""
        state = told.get("state", "")
        if state and _OPEN.search(state):
            return None
        if closed or answered:
            return closed or answered
        if self.oral or (state and _CLOSED.search(state)):
            return registered
        return None

    def _note(
        self, told: Mapping[str, str], row: Row, executor: Employee | None, question: object, outcome: object
    ) -> str:
        """Return what no field of ours takes: nothing the journal says is lost."""
        lines = [told["note"]] if told.get("note") else []
        if told.get("executor") and (executor is None or len(said.people(told["executor"])) > 1):
            lines.append(f"{kinds.FIELDS[self.run.kind]['executor'].label}: {told['executor']}")
        if question is None:
            lines += [
                f"{kinds.FIELDS[self.run.kind][one].label}: {told[one]}" for one in ("topic", "need") if told.get(one)
            ]
        if told.get("outcome") and outcome is None:
            lines.append(f"Исход: {told['outcome']}")
        lines += [f"{name.removeprefix('+')}: {value}" for name, value in told.items() if name.startswith("+")]
        return f"Из журнала «{self.run.name}», строка {row.number}.\n" + "\n".join(lines) if lines else ""


class MissedKeeper(Keeper):
    """Calls nobody answered: settled ones with their outcome, the others as duties that go on."""

    def __init__(self, run: HistoryImport, *, by: Employee) -> None:
        super().__init__(run, by=by)
        self.ours = Line.objects.filter(ours=True).order_by("order", "pk").first()
        self.schedules = hours.schedules()
        self.open: set[tuple[int | None, str]] = set()
        self.open |= set(MissedCall.objects.filter(outcome="").values_list("line", "number_key"))

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """Say what each row is."""
        return [self._judge(row) for row in rows]

    def _judge(self, row: Row) -> Judged:
        told = {name: value.strip() for name, value in row.cells.items() if value.strip()}
        one = Judged(row.number, told.get("at", "")[:60], list(row.wrong))
        at = self._moment(told, one)
        number = re.split(r"[,;\n]", told.get("phone", ""))[0].strip()[:40]
        line = self.words.lines.get(self.words.means(What.LINE, told.get("line", ""))) or self.ours
        outcome = self.words.means(What.CALL, told.get("outcome", ""))
        returned = said.moment(told.get("returned", ""))
        if told.get("outcome") and not outcome and not returned:
            one.why.append(f"итог «{told['outcome'][:60]}» неизвестен: сопоставьте его")
        if returned and not outcome:
            outcome = MissedCall.Outcome.CALLED_BACK
        if outcome == MissedCall.Outcome.WITHHELD and phone_key(number):
            one.why.append("итог «номер скрыт», а номер указан")
        key = phone_key(number)
        if at and not outcome and not number:
            one.why.append("номера нет и итога нет: перезвонить некуда, укажите итог")
        place = (line.pk if line else None, key)
        if at and not outcome and key:
            if place in self.open:
                one.why.append("по этому номеру на этой линии уже ждёт звонка другая запись")
            elif not one.why:
                self.open.add(place)
        mark = f"{at:%d.%m.%Y %H:%M}|{key}|{place[0]}" if at else ""
        if mark and mark in self.met:
            one.why.append(f"такая же запись уже в строке {self.met[mark]}")
        elif mark:
            self.met[mark] = row.number
        if one.why or at is None:
            return one
        employee = self.words.employee(first_person(told.get("executor", "")))
        settled = max(returned or at, at) if outcome else None
        attempts = told.get("attempts", "")
        schedule = self.schedules.get(line.pk) if line else None
        one.facts = MissedCall(
            line=line,
            number="" if outcome == MissedCall.Outcome.WITHHELD else number,
            number_key=key,
            first_at=at,
            last_at=at,
            attempts=min(int(attempts), 9999) if attempts.isdecimal() and attempts != "0" else 1,
            in_hours=schedule.is_open(at) if schedule else True,
            due_at=schedule.after(at, line.call_back_minutes) if schedule and line else at + timedelta(hours=1),
            outcome=outcome,
            settled_at=settled,
            settled_by=employee if outcome else None,
            note=self._note(told)[:500],
        )
        return one

    def _moment(self, told: Mapping[str, str], one: Judged) -> datetime | None:
        text = told.get("at", "")
        if not text:
            one.why.append("нет даты звонка")
            return None
        at = said.moment(text)
        if at and told.get("time"):
            clock = said.clock(told["time"])
            if clock is None:
                one.why.append(f"время «{told['time'][:20]}» не прочитано, нужен вид 14:05")
            else:
                at = timezone.make_aware(datetime.combine(timezone.localdate(at), clock))
        if at is None:
            one.why.append(f"дата звонка: «{text[:40]}» — не дата, нужен вид 24.11.2026 14:05")
        elif at > timezone.now() and timezone.localdate(at) > self.today:
            one.why.append("дата звонка ещё не наступила")
        elif timezone.localdate(at) < _OLDEST:
            one.why.append("дата звонка раньше 2000 года, проверьте год")
        else:
            return at
        return None

    def _note(self, told: Mapping[str, str]) -> str:
        lines = [told["note"]] if told.get("note") else []
        lines += [f"{name.removeprefix('+')}: {value}" for name, value in told.items() if name.startswith("+")]
        return "; ".join(["Из журнала", *lines])

    def keep(self, judged: Sequence[Judged]) -> list[CarriedRow]:
        """Keep the rows; those without an outcome wait to be called back."""
        good = [one for one in judged if one.facts is not None]
        rows = MissedCall.objects.bulk_create([one.facts for one in good])
        journal.record_each("missed.carried", {f"missed:{row.pk}": {} for row in rows}, by=self.by)
        return [self.made(one.line, MISSED, row.pk) for one, row in zip(good, rows, strict=True)]


class ApplicantKeeper(Keeper):
    """Who turns to the department: known ones get the contacts they had not, the others are new."""

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """Say what each row is."""
        judged = []
        for row in rows:
            told = {name: value.strip() for name, value in row.cells.items() if value.strip()}
            one = Judged(row.number, "", list(row.wrong))
            person = said.applicant(told)
            if not person.name_key:
                one.why.append("нет имени заявителя или названия организации")
            if person.email and not typed.is_email(person.email):
                one.why.append("электронная почта: нужен вид имя@сайт.ru")
            if told.get("phone") and not phone_key(person.phone):
                one.why.append("телефон: не номер, нужен вид 8 913 123-45-67")
            if told.get("inn") and len(person.inn) not in (10, 12):
                one.why.append("ИНН: нужно 10 или 12 цифр")
            same = "|".join((person.name_key, person.email.lower(), phone_key(person.phone), person.address.lower()))
            if not one.why and same in self.met:
                one.why.append(f"такой же заявитель уже в строке {self.met[same]}")
            self.met.setdefault(same, row.number)
            one.facts = None if one.why else person
            judged.append(one)
        return judged

    def keep(self, judged: Sequence[Judged]) -> list[CarriedRow]:
        """Keep the rows."""
        good = [one for one in judged if one.facts is not None]
        people = applicants.find_or_create_each([one.facts for one in good], by=self.by)
        return [row for one, met in zip(good, people, strict=True) for row in _of_person(self, one.line, met)]


class MaterialKeeper(Keeper):
    """Questions and answers: drafts in the section named, to be agreed as any other."""

    def _plan(self, rows: Sequence[Row]) -> tuple[question_table.Choice, list[question_table.Line]]:
        section = self.options["section"]
        choice = question_table.Choice(int(section) if section.isdecimal() else 0)
        return choice, question_table.plan(rows, choice, by=self.by)

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """Say what each row is."""
        rows = [replace(row, cells={k: v for k, v in row.cells.items() if not k.startswith("+")}) for row in rows]
        _, lines = self._plan(rows)
        judged = []
        for row, line in zip(rows, lines, strict=True):
            one = Judged(row.number, line.question[:60], list(line.why))
            key = " ".join(line.question.lower().split())
            if key and key in self.met and not one.why:
                one.why.append(f"этот вопрос уже встретился в строке {self.met[key]}")
            self.met.setdefault(key, row.number)
            one.facts = None if one.why else row
            judged.append(one)
        return judged

    def keep(self, judged: Sequence[Judged]) -> list[CarriedRow]:
        """Keep the rows as drafts."""
        rows = [one.facts for one in judged if one.facts is not None]
        choice, lines = self._plan(rows)
        made = question_table.load(rows, choice, agreed=question_table.fingerprint(lines), by=self.by)
        return [self.made(line, MATERIAL, pk) for line, pk in made.items()]


def keeper_of(run: HistoryImport, *, by: Employee, numbered: Iterable[str] = ()) -> Keeper:
    """Return who keeps the rows of a journal. `numbered`: the numbers of all its rows, where files stand beside it."""
    if run.kind in (Kind.APPEALS, Kind.RECEPTIONS):
        return AppealKeeper(run, by=by, numbered=numbered)
    others: dict[str, type[Keeper]] = {
        Kind.MISSED: MissedKeeper,
        Kind.APPLICANTS: ApplicantKeeper,
        Kind.MATERIALS: MaterialKeeper,
    }
    return others[run.kind](run, by=by)


def _out_of_order(received: date, registered: date, later: Iterable[date | None]) -> Iterator[str]:
    """Yield which days cannot be, in words."""
    if received > registered:
        yield f"поступило {received:%d.%m.%Y}, а зарегистрировано раньше, {registered:%d.%m.%Y}"
    for day, what in zip(later, ("срок", "дата ответа", "дата закрытия"), strict=True):
        if day and day < registered:
            yield f"{what} {day:%d.%m.%Y} раньше регистрации {registered:%d.%m.%Y}"


def _of_person(keeper: Keeper, line: int, met: applicants.Met) -> list[CarriedRow]:
    made = [keeper.made(line, APPLICANT, met.applicant.pk)] if met.made else []
    return made + [keeper.made(line, CONTACT, pk) for pk in met.contacts]


def _answer_way(person: Typed, channel: str, *, statutory: bool) -> dict[str, str]:
    """Return where an answer to him goes: as he can be reached, else the way he came."""
    if person.email and channel != ChannelCode.POST:
        return {"answer_channel": ChannelCode.EMAIL, "answer_address": person.email}
    if person.address:
        return {"answer_channel": ChannelCode.POST, "answer_address": person.address}
    if person.email:
        return {"answer_channel": ChannelCode.EMAIL, "answer_address": person.email}
    if channel == ChannelCode.HOTLINE and person.phone:
        return {"answer_channel": ChannelCode.HOTLINE, "answer_address": person.phone}
    if channel in social.NETWORKS or (statutory and channel == ChannelCode.HOTLINE) or channel == ChannelCode.RECEPTION:
        return {"answer_channel": ChannelCode.POST, "answer_address": ""}
    return {"answer_channel": channel, "answer_address": ""}


def _shown(person: Typed, told: Mapping[str, str]) -> str:
    whole = " ".join(filter(None, (person.last_name, person.first_name, person.patronymic)))
    return whole or person.organisation or told.get("name", "")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 140 else text[:140].rsplit(" ", 1)[0] + "…"
