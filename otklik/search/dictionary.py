"""The thesaurus as a dictionary that editors keep: its entries, its history in the journal, and the one in force.

`current()` is asked at every search: it is built once in a process and built anew when the version in the database has
changed, which is looked at every few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from os import getpid
from secrets import token_hex
from socket import gethostname
from threading import Lock
from typing import Any, Final, NamedTuple, cast

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.core.models import JournalEntry
from otklik.people.models import Employee
from otklik.search import analysis, thesaurus
from otklik.search.models import EntryProposal, ThesaurusEntry, ThesaurusState
from otklik.search.thesaurus import NotARule, Rule, Thesaurus

Kind = ThesaurusEntry.Kind

POWER: Final = "knowledge.words"
CHAIN: Final = "thesaurus"  # of the journal: the history of the whole dictionary, entries by `row`
SECONDS: Final = 2  # a change made in another process is seen within
MOST_SAID: Final = 500
MOST_WRITTEN: Final = 300
_MOST_WORDS: Final = 5  # of a phrase, as the thesaurus reads it
# Letters, digits, and what joins them in «купля-продажа», «59-ФЗ», «ст. 39.6», «№ 5».
_STRANGE: Final = re.compile(r"[^\w\s,.\-–/№+]|_")
_WEIGHT: Final = re.compile(r"\s*[01](?:[.,]\d+)?\s*\]\s*")
# What a line without a weight weighs; the kinds that have a right side at all.
USUAL: Final[dict[str, float]] = {Kind.SYNONYM: thesaurus.DEFAULT, Kind.ABBREVIATION: 0.8}


class WrongEntry(DomainError):
    """An entry that cannot be kept: `problems` names the fields."""

    code = "thesaurus.wrong_entry"
    text = "Запись не сохранена: {what}"

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(what=" ".join(problems.values()))


class EntryChanged(DomainError):
    """A colleague was quicker."""

    code = "thesaurus.changed"
    text = "Пока вы правили, запись изменил другой редактор: «{line}». Сверьте и сохраните ещё раз."
    status = 409


class ProposalEnded(DomainError):
    """A colleague has decided already."""

    code = "thesaurus.proposal_ended"
    text = "Это предложение уже решено: {now}. Обновите страницу."
    status = 409


@dataclass(frozen=True)
class Facts:
    """What one entry says, as a person types it."""

    kind: str
    said: str
    written: str = ""
    weight: float = thesaurus.DEFAULT

    @property
    def line(self) -> str:
        """Return it as a line of the thesaurus."""
        if self.kind not in USUAL:
            return f"{'~' if self.kind == Kind.STORY else '-'} {self.said}"
        sign = "=" if self.kind == Kind.ABBREVIATION else ">"
        weight = "" if self.weight == USUAL[self.kind] else f" [{self.weight:g}]"
        return f"{self.said} {sign} {self.written}{weight}"

    @property
    def rules(self) -> list[Rule]:
        """Return it as the thesaurus reads it."""
        return thesaurus.rules(self.line)


def facts_of(row: ThesaurusEntry) -> Facts:
    """Return what a kept entry says."""
    return Facts(row.kind, row.said, row.written, row.weight)


def read_line(line: str) -> Facts | None:
    """Return what a line of the thesaurus says, nothing for a remark; raises `NotARule` with words."""
    line = line.strip().lstrip("\ufeff")
    if not thesaurus.rules(line):
        return None
    if line[0] in "-–—~":
        return Facts(Kind.STORY if line[0] == "~" else Kind.EMPTY, _tidy(line[1:]))
    left, sign, right = line.partition(">")
    if not sign:
        left, sign, right = line.partition("=")
    right, bracket, weight = right.partition("[")
    if bracket and not _WEIGHT.fullmatch(weight):
        raise NotARule("вес бывает больше 0 и не больше 1, пишут его в конце строки: [0.7]")
    kind = Kind.SYNONYM if sign == ">" else Kind.ABBREVIATION
    given = float(weight.strip(" ]").replace(",", ".")) if bracket else USUAL[kind]
    return Facts(kind, _tidy(left), _tidy(right), given)


def tidied(facts: Facts) -> Facts:
    """Return the same facts, their words parted as `read_line` parts them."""
    return replace(facts, said=_tidy(facts.said), written=_tidy(facts.written))


def _tidy(text: str) -> str:
    """Return words and phrases parted as people part them: one comma, one space, none twice."""
    parts = dict.fromkeys(filter(None, (" ".join(part.split()) for part in text.split(","))))
    return ", ".join(parts)


# --- the one in force ------------------------------------------------------------------------------------------------


@dataclass
class _Kept:
    """What this process has built, of which version."""

    version: str = ""
    thesaurus: Thesaurus = field(default_factory=Thesaurus)
    lock: Lock = field(default_factory=Lock)


_kept = _Kept()


def current() -> Thesaurus:
    """Return the thesaurus in force; a change of another process is seen within seconds, of this one at once."""
    if _kept.version and cache.get(_checked()):
        return _kept.thesaurus
    version = ThesaurusState.objects.values_list("version", flat=True).first() or ""
    with _kept.lock:
        if version != _kept.version or not version:
            _kept.thesaurus, _kept.version = Thesaurus.of(_rules(active())), version
    cache.set(_checked(), True, SECONDS)
    return _kept.thesaurus


def _checked() -> str:
    """Return the mark «looked at a moment ago» of this very process, also where a cache is shared by many."""
    return f"search.thesaurus.checked.{gethostname()}.{getpid()}"


def with_instead(facts: Facts | None, *, of: ThesaurusEntry | None = None) -> Thesaurus:
    """Return the thesaurus as it would be with this entry, in place of a kept one; without facts: without that one."""
    rows = active().exclude(pk=of.pk) if of else active()
    return Thesaurus.of([*_rules(rows), *(facts.rules if facts else ())])


def active() -> QuerySet[ThesaurusEntry]:
    """Return the entries in force."""
    return ThesaurusEntry.objects.filter(active=True)


def _rules(rows: QuerySet[ThesaurusEntry]) -> Iterable[Rule]:
    for kind, said, written, weight in rows.order_by("pk").values_list("kind", "said", "written", "weight"):
        try:
            yield from Facts(kind, said, written, weight).rules
        except NotARule:  # written when words were analysed otherwise; the page shows it, search goes on without
            continue


def changed() -> None:
    """Let every process build its thesaurus anew."""
    ThesaurusState.objects.update_or_create(pk=1, defaults={"version": token_hex()})
    cache.delete(_checked())


# --- keeping ---------------------------------------------------------------------------------------------------------


def problems(facts: Facts, *, of: ThesaurusEntry | None = None, known: Known | None = None) -> dict[str, str]:
    """Return what is wrong with an entry, field → words that say what to do; empty for a good one."""
    found = dict(_problems(facts))
    if not found:
        try:
            _ = facts.rules
        except NotARule as wrong:
            found["written"] = f"Не читается: {wrong}."
    if not found and (same := (known or Known()).same(facts, but=of.pk if of else None)):
        found["said"] = f"Такая запись уже есть: «{same[1]}». Дополните её."
    return found


def _problems(facts: Facts) -> Iterable[tuple[str, str]]:
    facts = tidied(facts)
    said, written = facts.said, facts.written
    if facts.kind not in Kind.values:
        yield "kind", "Выберите вид записи из списка."
    elif wrong := _wrong(said, MOST_SAID):
        yield "said", wrong
    elif facts.kind == Kind.STORY and all(len(one) > 1 for one in _phrases(said)):
        yield "said", "Слова личной истории читаются по одному: напишите их через запятую."
    if facts.kind in USUAL:
        if wrong := _wrong(written, MOST_WRITTEN, empty="Напишите, какими словами об этом сказано в документах."):
            yield "written", wrong
    elif written:
        yield "written", "У этого вида записи правой части нет: сотрите её или выберите другой вид."
    if not 0 < facts.weight <= 1:
        yield "weight", "Вес бывает больше 0 и не больше 1, например 0,7."


def _wrong(text: str, most: int, *, empty: str = "Напишите слова или фразы через запятую.") -> str:
    if not text:
        return empty
    if len(text) > most:
        return f"Слишком длинно: до {most} знаков. Разделите на несколько записей."
    if strange := _STRANGE.search(text):
        return f"Знак «{strange[0]}» не читается. Оставьте слова, цифры, дефисы и запятые между ними."
    parts = {part.strip(): len(analysis.words(part)) for part in text.split(",")}
    if not any(parts.values()):
        return f"«{text}» для поиска ничего не значит: допишите слово."
    if long := next((part for part, number in parts.items() if number > _MOST_WORDS), ""):
        return f"«{long}» — слишком длинная фраза: до {_MOST_WORDS} слов."
    return ""


def _phrases(text: str) -> list[tuple[str, ...]]:
    return [words for part in text.split(",") if (words := tuple(analysis.words(part)))]


class Known:
    """What the entries in force say, to find the one that says the same. Order and endings of words do not matter."""

    def __init__(self) -> None:
        self._by_phrase: dict[tuple[str, tuple[str, ...]], list[_Said]] = {}
        for row in active().order_by("pk"):
            self.add(row.pk, facts_of(row))

    def add(self, pk: int, facts: Facts) -> None:
        """Know one more."""
        one = _Said(pk, facts.line, frozenset(_phrases(facts.said)), _written(facts))
        for phrase in one.phrases:
            self._by_phrase.setdefault((facts.kind, phrase), []).append(one)

    def same(self, facts: Facts, *, but: int | None = None) -> tuple[int, str] | None:
        """Return the number and the line of the entry that says all of this already."""
        phrases, written = frozenset(_phrases(facts.said)), _written(facts)
        near = self._by_phrase.get((facts.kind, next(iter(phrases))), ()) if phrases else ()
        found = (one for one in near if one.pk != but and phrases <= one.phrases and written <= one.written)
        return next(((one.pk, one.line) for one in found), None)


def _written(facts: Facts) -> frozenset[str]:
    try:
        return frozenset(word for rule in facts.rules[:1] for word in rule.written)
    except NotARule:
        return frozenset()


class _Said(NamedTuple):
    pk: int
    line: str
    phrases: frozenset[tuple[str, ...]]
    written: frozenset[str]


@transaction.atomic
def keep(
    facts: Facts,
    *,
    of: ThesaurusEntry | None = None,
    version: int | None = None,
    origin: str = ThesaurusEntry.Origin.EDITOR,
    known: Known | None = None,
    by: Employee,
) -> ThesaurusEntry:
    """Keep an entry, a new one or in place of what a kept one said; raises `WrongEntry` and `EntryChanged`.

    `known`: for many at once, so that what is kept is not read anew for each.
    """
    if found := problems(facts, of=of, known=known):
        raise WrongEntry(found)
    facts = tidied(facts)
    if of is None:
        row = ThesaurusEntry.objects.create(**vars(facts), origin=origin, author=by)
        if known is not None:
            known.add(row.pk, facts)
        journal.record("thesaurus.added", chain=CHAIN, by=by, row=row.pk, now=facts_of(row).line)
        changed()
        return row
    was = facts_of(of).line
    _update(of, version if version is not None else of.version, by, **vars(facts))
    if (now := facts_of(of).line) != was:
        journal.record("thesaurus.changed", chain=CHAIN, by=by, row=of.pk, was=was, now=now)
    return of


@transaction.atomic
def take_out(row: ThesaurusEntry, *, by: Employee) -> None:
    """Let an entry count no more; it stays to be seen and put back."""
    if row.active:
        _update(row, row.version, by, active=False)
        journal.record("thesaurus.taken_out", chain=CHAIN, by=by, row=row.pk, was=facts_of(row).line)


@transaction.atomic
def put_back(row: ThesaurusEntry, *, by: Employee) -> None:
    """Let an entry that was taken out count again; raises `WrongEntry` where another says the same by now."""
    if not row.active:
        if found := problems(facts_of(row)):
            raise WrongEntry(found)
        _update(row, row.version, by, active=True)
        journal.record("thesaurus.put_back", chain=CHAIN, by=by, row=row.pk, now=facts_of(row).line)


def _update(row: ThesaurusEntry, version: int, by: Employee, **facts: Any) -> None:
    mine = ThesaurusEntry.objects.filter(pk=row.pk, version=version)
    taken = mine.update(**facts, version=F("version") + 1, author=by, changed_at=timezone.now())
    row.refresh_from_db()
    if not taken:
        raise EntryChanged(line=facts_of(row).line)
    changed()


# --- what comes with the product -------------------------------------------------------------------------------------


@transaction.atomic
def load(lines: Iterable[str] | None = None) -> int:
    """Plant the entries that come with the product and are not there yet; return how many.

    What an editor changed or took out stays as he left it. What nobody touched and the product no longer brings goes.
    """
    shipped: dict[str, Facts] = {}
    for line in thesaurus.shipped_lines() if lines is None else lines:
        with suppress(NotARule):  # a test reads the shipped file; an installation starts without one bad line of it
            if facts := read_line(line):
                shipped[_digest(facts)] = facts
    planted = ThesaurusEntry.objects.exclude(line="")
    known = set(planted.values_list("line", flat=True))
    new = [
        ThesaurusEntry(**vars(facts), origin=ThesaurusEntry.Origin.SHIPPED, line=digest)
        for digest, facts in shipped.items()
        if digest not in known
    ]
    gone = known - shipped.keys()
    dropped = planted.filter(author=None, line__in=gone).delete()[0] if gone else 0
    ThesaurusEntry.objects.bulk_create(new, batch_size=500)
    if new or dropped or not ThesaurusState.objects.exists():
        journal.record("thesaurus.loaded", chain=CHAIN, by=None, added=len(new), skipped=len(known) - dropped)
        changed()
    return len(new)


def _digest(facts: Facts) -> str:
    return sha256(facts.line.encode()).hexdigest()


# --- what the product proposes ---------------------------------------------------------------------------------------


@transaction.atomic
def accept(row: EntryProposal, *, written: str | None = None, by: Employee) -> ThesaurusEntry:
    """Make an entry of a proposal, with the words the editor gives instead of those proposed; where one says it: that.

    Raises `WrongEntry`, `ProposalEnded`.
    """
    facts, known = Facts(Kind.SYNONYM, row.said, row.written if written is None else written), Known()
    if wrong := dict(_problems(facts)):
        raise WrongEntry(wrong)
    _end(row, EntryProposal.State.ACCEPTED, by)
    if same := known.same(facts):
        entry = ThesaurusEntry.objects.get(pk=same[0])
    else:
        entry = keep(facts, origin=ThesaurusEntry.Origin.PROPOSED, known=known, by=by)
    EntryProposal.objects.filter(pk=row.pk).update(entry=entry)
    row.entry = entry
    journal.record("thesaurus.accepted", chain=CHAIN, by=by, row=entry.pk, proposal=row.pk)
    return entry


@transaction.atomic
def decline(row: EntryProposal, *, by: Employee) -> None:
    """Turn a proposal down: the same words are not proposed for the same material again."""
    _end(row, EntryProposal.State.DECLINED, by)
    journal.record("thesaurus.declined", chain=CHAIN, by=by, proposal=row.pk)


def _end(row: EntryProposal, state: EntryProposal.State, by: Employee) -> None:
    waiting = EntryProposal.objects.filter(pk=row.pk, state=EntryProposal.State.NEW)
    taken = waiting.update(state=state, handler=by, ended_at=timezone.now())
    row.refresh_from_db()
    if not taken:
        raise ProposalEnded(now=row.get_state_display())


def history(row: ThesaurusEntry | None = None) -> QuerySet[JournalEntry]:
    """Return what was done with one entry, or with the dictionary and what was learned, the newest first."""
    rows = JournalEntry.objects.select_related("actor")
    told = rows.filter(chain=CHAIN, data__row=row.pk) if row else rows.filter(chain__in=[CHAIN, "learned"])
    return cast("QuerySet[JournalEntry]", told.order_by("-pk"))


def waiting() -> QuerySet[EntryProposal]:
    """Return the proposals nobody has decided, those of most searches first."""
    return EntryProposal.objects.filter(state=EntryProposal.State.NEW).order_by("-times", "said", "pk")


# --- files -----------------------------------------------------------------------------------------------------------


def lines() -> Sequence[str]:
    """Return the dictionary in force as lines, kind after kind, as a text file bears it."""
    found: list[str] = []
    for kind, label in Kind.choices:
        rows = active().filter(kind=kind).order_by("said", "pk")
        found += [f"# {label}", *(facts_of(row).line for row in rows), ""]
    return found
