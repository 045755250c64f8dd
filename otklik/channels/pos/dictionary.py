"""The words of ПОС and what they mean to us: an unknown one is taken in, marked, and breaks no import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from otklik.channels.pos.columns import theme
from otklik.channels.pos.models import PosMessage, PosTerm
from otklik.core import journal
from otklik.core.errors import DomainError
from otklik.people.models import Employee

Kind = PosTerm.Kind
Meaning = PosTerm.Meaning

_PROGRESS: Final = (Meaning.WORK, Meaning.ANSWERED, Meaning.POSTPONED, Meaning.CLOSED, Meaning.NONE)
_RESULT: Final = (
    Meaning.SOLVED,
    Meaning.EXPLAINED,
    Meaning.POSTPONED,
    Meaning.UNSOLVED,
    Meaning.PASSED,
    Meaning.NONE,
)
# What a word of each kind may mean; a theme and a role are only looked at: what a theme means to the work is said in
# the dictionary of facts.
MEANINGS: Final[dict[str, tuple[Meaning, ...]]] = {
    Kind.STAGE: _PROGRESS,
    Kind.STATUS: _PROGRESS,
    Kind.DECISION: _RESULT,
    Kind.THEME: (Meaning.NONE,),
    Kind.ROLE: (Meaning.NONE,),
}
# Words known before the first export.
KNOWN: Final = (
    *((Kind.STAGE, one, Meaning.WORK) for one in ("Модерация", "Координация", "Исполнение")),
    *((Kind.STAGE, one, Meaning.WORK) for one in ("Согласование", "Утверждение")),
    (Kind.STAGE, "Завершено", Meaning.ANSWERED),
    (Kind.STATUS, "Отправлен ответ заявителю", Meaning.ANSWERED),
    (Kind.DECISION, "Решено", Meaning.SOLVED),
    (Kind.DECISION, "Разъяснено", Meaning.EXPLAINED),
    (Kind.DECISION, "Отложено", Meaning.POSTPONED),
    (Kind.DECISION, "Не решено", Meaning.UNSOLVED),
    (Kind.DECISION, "Переадресовано", Meaning.PASSED),
    *((Kind.ROLE, one, Meaning.NONE) for one in ("модератор", "координатор", "исполнитель", "согласующий")),
    *((Kind.ROLE, one, Meaning.NONE) for one in ("руководитель", "куратор", "администратор", "наблюдатель")),
)


_AT_ONCE: Final = 500  # words asked for by one query


class NoSuchMeaning(DomainError):
    """A word of this kind cannot mean that."""

    code = "pos.no_such_meaning"
    text = "Для слова «{value}» такого значения нет. Выберите из списка."


def load() -> None:
    """Fill in the words known from the start; what is there stays as it is."""
    PosTerm.objects.bulk_create(
        [PosTerm(kind=kind, value=value, meaning=meaning, matched=True) for kind, value, meaning in KNOWN],
        ignore_conflicts=True,
    )


def words_of(fields: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return the words a message bears, as (kind, value)."""
    told = {Kind.THEME: theme(fields)} | {Kind(one): fields.get(one, "") for one in ("stage", "status", "decision")}
    return {(kind.value, value) for kind, value in told.items() if value}


def unknown(words: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return those of the words that no export has brought yet."""
    left = sorted(set(words))
    known: set[tuple[str, str]] = set()
    for start in range(0, len(left), _AT_ONCE):
        values = {value for _, value in left[start : start + _AT_ONCE]}
        known |= set(PosTerm.objects.filter(value__in=values).values_list("kind", "value"))
    return [word for word in left if word not in known]


def extend(words: Iterable[tuple[str, str]]) -> int:
    """Take in words that are new: «новое, требует сопоставления»; return how many."""
    new = [PosTerm(kind=kind, value=value) for kind, value in unknown(words)]
    PosTerm.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def waiting() -> QuerySet[PosTerm]:
    """Return the words nobody has said the meaning of."""
    return PosTerm.objects.filter(matched=False)


def match(term: PosTerm, meaning: str, *, by: Employee) -> None:
    """Say what a word means; said again, it is corrected."""
    if meaning not in MEANINGS[term.kind]:
        raise NoSuchMeaning(value=term.value)
    with journal.together():
        PosTerm.objects.filter(pk=term.pk).update(
            meaning=meaning, matched=True, matched_by=by, matched_at=timezone.now()
        )
        journal.record("pos.term_matched", chain="channel:pos", by=by, id=term.pk, to=meaning)


def answered() -> Q:
    """Return the condition of messages that ПОС calls answered: by their status, else by their stage."""
    known = PosTerm.objects.filter(kind=Kind.STATUS).exclude(meaning=Meaning.NONE)
    by_status = Q(status__in=known.filter(meaning=Meaning.ANSWERED).values("value"))
    finished = PosTerm.objects.filter(kind=Kind.STAGE, meaning=Meaning.ANSWERED).values("value")
    return by_status | (Q(stage__in=finished) & ~Q(status__in=known.values("value")))


def is_answered(message: PosMessage) -> bool:
    """Tell whether ПОС calls one message answered."""
    return PosMessage.objects.filter(answered(), pk=message.pk).exists()
