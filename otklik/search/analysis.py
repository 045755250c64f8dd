"""Russian text as search sees it: words reduced to stems, numbers and codes kept whole, slips of the hand undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from threading import local
from typing import Any, Final, NamedTuple

LONGEST_WORD: Final = 64
# One token: letters and digits, joined inside by signs that codes use («59-ФЗ», «39.6», «54:35:051120:123»).
_TOKEN: Final = re.compile(r"[^\W_]+(?:[.:/\-–][^\W_]+)*")
_PART: Final = re.compile(r"[^\W_]+")
_DIGIT: Final = re.compile(r"\d")

_LATIN: Final = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_CYRILLIC: Final = "йцукенгшщзхъфывапролджэячсмитьбюё"
_TO_CYRILLIC: Final = str.maketrans(_LATIN + _LATIN.upper() + '{}:"<>~', _CYRILLIC + _CYRILLIC.upper() + "ХЪЖЭБЮЁ")

STOP_WORDS: Final = """
    а без более больше бы был была были было быть в вам вами вас ваш ваша ваше ваши весь во вообще вот все всё всего
    всегда всем всех всю вы где да даже для до его ее её если есть ещё еще же за здесь и из или им иметь имею
    их к как какая какие какое какой какую ко когда кто ли либо лишь мне много мной мной может можно мой моя моё мои
    мы на над надо нам нами нас наш наша наше наши не него нее неё нельзя нет ни никак них но ну о об однако он она
    они оно от очень перед по под пока после потом потому почему при про раз с сам сама сами само свой своя своё свои
    свою себя сейчас со так также такая такие такой там твой те тебя тем теперь то тогда того тоже только том тот тут
    ты у уже хоть хотя чего чей чем через что чтобы чуть чьё эта эти этим этих это этого этой этом этот эту я
    здравствуйте пожалуйста спасибо прошу скажите подскажите добрый день уважаемый уважаемые
"""


class Token(NamedTuple):
    """A word of a text: the words it is found by, and where it stands."""

    words: tuple[str, ...]
    start: int
    end: int


def normal(text: str) -> str:
    """Return the text in lower case, ё as е, one character for one."""
    lowered = text.lower()
    if len(lowered) != len(text):  # «İ» grows when lowered; places of words must stay
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.replace("ё", "е")


_STOPS: Final = frozenset(normal(STOP_WORDS).split())


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the stem of one lower-case word; what bears a digit stays whole."""
    if _DIGIT.search(word):
        return word[:LONGEST_WORD]
    return str(_own.stemmer.stemWord(word))[:LONGEST_WORD]


class _Own(local):
    """The stemmer of one thread: it keeps the word it is at in itself, and two threads would spoil each other's."""

    @cached_property
    def stemmer(self) -> Any:
        import snowballstemmer  # brings thirty languages: not before the first word

        return snowballstemmer.stemmer("russian")


_own = _Own()


def _found_by(token: str) -> tuple[str, ...]:
    """Return the words one token is found by: a code whole and in parts, «купля-продажа» in parts."""
    token = token.replace("–", "-")
    parts = [part for part in _PART.findall(token) if part not in _STOPS]
    words = [stem(part) for part in parts if len(part) > 1 or part.isdigit()]
    if len(token) > len("".join(parts)) and _DIGIT.search(token):
        words.insert(0, token[:LONGEST_WORD])
    return tuple(dict.fromkeys(words))


def tokens(text: str) -> Iterator[Token]:
    """Return the words of a text in their order, stop words left out."""
    for match in _TOKEN.finditer(normal(text)):
        if words := _found_by(match[0]):
            yield Token(words, match.start(), match.end())


def words(text: str) -> list[str]:
    """Return the words a text is found by, in their order, repeated ones too."""
    return [word for token in tokens(text) for word in token.words]


def other_layout(text: str) -> str:
    """Return what a Latin keyboard made of Russian typing: «pfzdktybt» → «заявление»."""
    return text.translate(_TO_CYRILLIC)


def distance(one: str, other: str, limit: int) -> int:
    """Return how many slips (a letter wrong, missing, extra, two swapped) part two words; beyond `limit`: limit + 1."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    above: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above_that, above, row = above, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, above_that[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
