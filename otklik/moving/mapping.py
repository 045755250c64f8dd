"""What words of a journal mean here: names of employees, regimes, channels, topics, outcomes. Guessed, then mended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from otklik.appeals.models import Need, OutcomeKind, Topic
from otklik.core import journal
from otklik.core.models import Regime
from otklik.core.terms import valid
from otklik.correspondence.models import ChannelCode
from otklik.hotline.models import Line, MissedCall
from otklik.moving import said
from otklik.moving.models import WordMeaning
from otklik.people.applicants import phone_key, plain
from otklik.people.models import Employee

What = WordMeaning.What
SHOWN: Final = 200  # words of each sort on the page
_LONGEST: Final = 300
_CHANNELS: Final = (
    (r"губернатор|общественн\w+ при[её]мн", ChannelCode.GOVERNOR),
    (r"мэдо|межведомств", ChannelCode.MEDO),
    (r"\bпос\b|решаем вместе|госуслуг|епгу", ChannelCode.POS),
    (r"вконтакте|\bвк\b", ChannelCode.VK),
    (r"одноклассник", ChannelCode.OK),
    (r"telegram|телеграм(?!м)", ChannelCode.TELEGRAM),
    (r"e ?mail|эл\w* почт|электронн\w* почт|электронн\w* письм|по эл", ChannelCode.EMAIL),
    (r"сайт|интернет|электронн\w* при[её]мн|веб|форма", ChannelCode.WEBSITE),
    (r"прием|лично|нарочн|личн", ChannelCode.RECEPTION),
    (r"екц|единый контакт|\b110\b", ChannelCode.EKC),
    (r"телефон|звонок|линия|устно по тел", ChannelCode.HOTLINE),
    (r"почт|бумаг|письмо|заказн|курьер|фельд", ChannelCode.POST),
)
_REGIMES: Final = (
    (r"59 ?фз|59 фз|обращени\w+ гражд|письмо гражд|жалоб|заявлени|предложени", "59fz"),
    (r"8 ?фз|запрос\w* информ", "information_request"),
)
_OUTCOMES: Final = (
    (r"поддержан\w+.*мер\w* принят|удовлетворен|решен\w* положительн|меры приняты", "supported-done"),
    (r"поддержан", "supported"),
    (r"не поддержан|отказ|не удовлетв|отклонен", "refused"),
    (r"переадрес|переслан|перенаправл|по компетенц|направлен\w* в", "forwarded"),
    (r"аноним", "anonymous"),
    (r"прекращен\w* перепис|переписк\w+ прекращ", "correspondence-ended"),
    (r"отозван|отзыв заявл", "withdrawn"),
    (r"устн", "orally"),
    (r"разъясн|дан\w* ответ|ответ дан|рассмотрен|консультац|направлен\w* ответ", "explained"),
)
_CALLS: Final = (
    (r"ошиб|не туда", "wrong_number"),
    (r"недоступ|не отвеч|не дозвон|не бер|занято|нет ответа", "unreachable"),
    (r"дозвонил\w+ сам|перезвонил сам|сам дозвон", "reached_us"),
    (r"скрыт|аоне|не определ", "withheld"),
    (r"перезвон|да|консультирован|поговорил|отработан|выполнен|обработан|ответ дан|\+", "called_back"),
)


class Meanings:
    """What words mean, each looked up once; `met` counts the words there were, by what they are about."""

    def __init__(self) -> None:
        kept = WordMeaning.objects.values_list("what", "said", "means")
        self._told = {(what, text): means for what, text, means in kept}
        self._found: dict[tuple[str, str], str] = {}
        self.met: dict[str, Counter[str]] = {}

    def means(self, what: str, text: str) -> str:
        """Return what a word is here: the key of a row, as `choices` has it; empty where it is nothing of ours."""
        text = word(text)
        if not text:
            return ""
        self.met.setdefault(what, Counter())[text] += 1
        key = (what, text)
        if key not in self._found:
            self._found[key] = self._told[key] if key in self._told else self.guess(what, text)
        return self._found[key]

    def guess(self, what: str, text: str) -> str:
        """Return what a word seems to mean, by the word alone."""
        key = plain(text)
        if what == What.EXECUTOR:
            return self._employees.get(key, "") or self._employees.get(_squeezed(key), "")
        if what == What.LINE:
            digits = phone_key(text) or key
            return next((value for value, names in self._lines if digits in names), "")
        if what == What.TOPIC and (code := re.search(r"\d{4}(?:\.\d{4}){3,4}", text)) and code[0] in self._topics:
            return self._topics[code[0]]
        names = {What.TOPIC: self._topics, What.NEED: self._needs, What.REGIME: self._regimes}
        names |= {What.OUTCOME: self._outcomes, What.CHANNEL: self._channels, What.CALL: self._calls}
        if found := names[What(what)].get(key):
            return found
        forms = {What.CHANNEL: _CHANNELS, What.REGIME: _REGIMES, What.OUTCOME: _OUTCOMES, What.CALL: _CALLS}
        known = set(names[What(what)].values())
        for form, value in forms.get(What(what), ()):
            if value in known and re.search(form, key):
                return str(value)
        return ""

    # --- the rows themselves ---

    def employee(self, text: str) -> Employee | None:
        """Return the employee a name of the journal is of."""
        means = self.means(What.EXECUTOR, text)
        return self.employees.get(int(means)) if means.isdecimal() else None

    @cached_property
    def employees(self) -> dict[int, Employee]:
        """Return everybody, those who have left, too: their names stand in old journals."""
        return {one.pk: one for one in Employee.objects.select_related("unit")}

    @cached_property
    def topics(self) -> dict[str, Topic]:
        """Return the topics by their ids, as words."""
        return {str(one.pk): one for one in Topic.objects.filter(leaf=True).order_by("valid_from")}

    @cached_property
    def needs(self) -> dict[str, Need]:
        """Return the needs by their codes."""
        return {one.code: one for one in Need.objects.all()}

    @cached_property
    def regimes(self) -> dict[str, Regime]:
        """Return the regimes by their codes."""
        return {one.code: one for one in Regime.objects.all()}

    @cached_property
    def outcomes(self) -> dict[str, OutcomeKind]:
        """Return the outcomes by their codes."""
        return {one.code: one for one in OutcomeKind.objects.all()}

    @cached_property
    def lines(self) -> dict[str, Line]:
        """Return the telephone lines by their ids, as words."""
        return {str(one.pk): one for one in Line.objects.all()}

    # --- names ---

    @cached_property
    def _employees(self) -> dict[str, str]:
        """Return names as journals write them → the employee; a name two people share is nobody's."""
        names: dict[str, set[int]] = {}
        for one in self.employees.values():
            last, first, patronymic = (plain(part) for part in (one.last_name, one.first_name, one.patronymic))
            initials = f"{first[:1]} {patronymic[:1]}".strip()
            for name in (
                f"{last} {first} {patronymic}", f"{last} {first}", f"{last} {initials}", f"{initials} {last}",
                f"{last} {first[:1]}", f"{first} {patronymic} {last}", f"{first} {last}", last, plain(one.username),
            ):  # fmt: skip
                names.setdefault(name.strip(), set()).add(one.pk)
        return {name: str(min(who)) for name, who in names.items() if name and len(who) == 1}

    @cached_property
    def _topics(self) -> dict[str, str]:
        return {key: pk for pk, one in self.topics.items() for key in (one.code, plain(one.name), plain(str(one)))}

    @cached_property
    def _needs(self) -> dict[str, str]:
        return {key: code for code, one in self.needs.items() for key in (plain(code), plain(one.name))}

    @cached_property
    def _regimes(self) -> dict[str, str]:
        return {key: code for code, one in self.regimes.items() for key in (plain(code), plain(one.name))}

    @cached_property
    def _outcomes(self) -> dict[str, str]:
        return {key: code for code, one in self.outcomes.items() for key in (plain(code), plain(one.name))}

    @cached_property
    def _channels(self) -> dict[str, str]:
        return {plain(name): str(code.value) for code in ChannelCode for name in (str(code.label), str(code.value))}

    @cached_property
    def _calls(self) -> dict[str, str]:
        return {
            plain(str(one.label)): str(one.value)
            for one in MissedCall.Outcome
            if one.value and one.value != MissedCall.Outcome.DUPLICATE
        }

    @cached_property
    def _lines(self) -> list[tuple[str, set[str]]]:
        found = []
        for pk, one in self.lines.items():
            parts = [one.code, one.name, *one.phones.split(","), *one.known_as.split(",")]
            found.append((pk, {key for part in parts for key in (plain(part), phone_key(part)) if key}))
        return found

    def choices(self, what: str) -> list[tuple[str, str]]:
        """Return what a word may mean, for a person to choose from."""
        today = timezone.localdate()
        if what == What.EXECUTOR:
            people = sorted(self.employees.values(), key=lambda one: (one.last_name, one.first_name))
            return [(str(one.pk), one.short_name) for one in people]
        if what == What.TOPIC:
            rows = Topic.objects.filter(valid(today), leaf=True)
            return [(str(one.pk), str(one)) for one in rows]
        if what == What.NEED:
            return [(one.code, one.name) for one in Need.objects.filter(valid(today))]
        if what == What.REGIME:
            return [(one.code, one.name) for one in Regime.objects.filter(Q(valid_to=None) | Q(valid_to__gte=today))]
        if what == What.OUTCOME:
            return [(one.code, one.name) for one in OutcomeKind.objects.all()]
        if what == What.CHANNEL:
            return [(str(one.value), str(one.label)) for one in ChannelCode]
        if what == What.LINE:
            return [(pk, str(one)) for pk, one in self.lines.items()]
        taken = (MissedCall.Outcome.OPEN, MissedCall.Outcome.DUPLICATE)
        return [(str(one.value), str(one.label)) for one in MissedCall.Outcome if one not in taken]


def _squeezed(key: str) -> str:
    """Return a name with its initials only: «сидорова анна петровна» as «сидорова а п»."""
    last, *rest = key.split() or [""]
    return " ".join([last, *(part[0] for part in rest[:2])])


def word(text: str) -> str:
    """Return a word of a journal as it is remembered."""
    return " ".join(text.split())[:_LONGEST].strip()


def first_person(text: str) -> str:
    """Return whom of several names in a cell the matter was given to: the first."""
    found = said.people(text)
    return found[0] if found else ""


@transaction.atomic
def keep(what: str, meant: Iterable[tuple[str, str]], *, by: Employee) -> int:
    """Keep what words mean, (word, key of `choices` or nothing); return how many were new or another."""
    meanings = Meanings()
    allowed = {value for value, _ in meanings.choices(what)} | {""}
    changed = 0
    for typed, means in meant:
        text = word(typed)
        if not text or means not in allowed or meanings.means(what, text) == means:
            continue
        WordMeaning.objects.update_or_create(what=what, said=text, defaults={"means": means, "by": by})
        changed += 1
    if changed:
        journal.record("moving.words_matched", chain="moving", by=by, rows=changed)
    return changed
