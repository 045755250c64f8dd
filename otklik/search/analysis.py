"""Russian text as search sees it: words reduced to lemmas, numbers and codes kept whole, slips of the hand undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from otklik.core import russian

LONGEST_WORD: Final = 64
SKELETON: Final = 3  # consonants, at most, that a misspelt word shares with the right one at one end
PREFIX: Final = 5  # letters of a lemma: «собственник» and «собственность» meet there
# One token: letters and digits, joined inside by signs that codes use («59-ФЗ», «39.6», «54:35:051120:123»).
_TOKEN: Final = re.compile(r"[^\W_]+(?:[.:/\-–][^\W_]+)*")
_PART: Final = re.compile(r"[^\W_]+")
_DIGIT: Final = re.compile(r"\d")
_WORD: Final = re.compile(r"[а-я]+")

_LATIN: Final = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_CYRILLIC: Final = "йцукенгшщзхъфывапролджэячсмитьбюё"
_TO_CYRILLIC: Final = str.maketrans(_LATIN + _LATIN.upper() + '{}:"<>~', _CYRILLIC + _CYRILLIC.upper() + "ХЪЖЭБЮЁ")
_TO_LATIN: Final = str.maketrans(_CYRILLIC, _LATIN)

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


_CYRILLIC_LETTER: Final = re.compile(r"[а-я]")
_LOOKS_LIKE: Final = str.maketrans("aceopxyk", "асеорхук")


class Token(NamedTuple):
    """A word of a text: the lemmas it is found by, and where it stands."""

    words: tuple[str, ...]
    start: int
    end: int


class Fields(NamedTuple):
    """A document as an index keeps it: lemmas of title and body in their order, and the word forms met in either."""

    title: list[str]
    body: list[str]
    forms: set[str]


def normal(text: str) -> str:
    """Return the text in lower case, ё as е, one character for one."""
    lowered = text.lower()
    if len(lowered) != len(text):  # «İ» grows when lowered; places of words must stay
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.replace("ё", "е")


STOPS: Final = frozenset(normal(STOP_WORDS).split())


# Where the dictionary prefers a word that nobody in a land office means.
_MEANT: Final = {"надел": "надел", "надела": "надел"}


@lru_cache(maxsize=200_000)
def lemma(word: str) -> str:
    """Return the lemma of one lower-case word («участков» → «участок»); what is no Russian word stays whole."""
    if word in _MEANT:
        return _MEANT[word]
    if len(word) > LONGEST_WORD or not _WORD.fullmatch(word):
        return word[:LONGEST_WORD]
    return normal(russian.dictionary().parse(word)[0].normal_form)


def guesses(word: str) -> tuple[str, ...]:
    """Return the lemmas a word the dictionary does not know may have by its ending: «горажом» → «гораж».

    Only of Russian words: over a letter without a name in Unicode the dictionary stumbles.
    """
    if not _WORD.fullmatch(word):
        return ()
    return tuple(dict.fromkeys(normal(one.normal_form) for one in russian.dictionary().parse(word[:LONGEST_WORD])))


@lru_cache(maxsize=50_000)
def is_word(word: str) -> bool:
    """Tell whether the dictionary knows a lower-case word form."""
    return bool(russian.dictionary().word_is_known(word))


@lru_cache(maxsize=50_000)
def _parts(token: str) -> tuple[str, ...]:
    """Return what one token is written with: a code whole and in parts, «купля-продажа» in parts."""
    token = token.replace("–", "-")
    if _CYRILLIC_LETTER.search(token):  # a Latin letter that looks like a Russian one slips in from scanned papers
        token = token.translate(_LOOKS_LIKE)
    parts = [part for part in _PART.findall(token) if part not in STOPS]
    found = [part[:LONGEST_WORD] for part in parts if len(part) > 1 or part.isdigit()]
    if len(token) > len("".join(parts)) and _DIGIT.search(token):
        found.insert(0, token[:LONGEST_WORD])
    return tuple(dict.fromkeys(found))


def forms(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Return the word forms of a text as typed, in lower case, with the places of their tokens; no stop words."""
    for match in _TOKEN.finditer(normal(text)):
        if parts := _parts(match[0]):
            yield parts, match.start(), match.end()


def tokens(text: str, lemmas_of: Callable[[str], tuple[str, ...]] | None = None) -> Iterator[Token]:
    """Return the words of a text in their order, stop words left out; only those `lemmas_of` has something for."""
    lemmas_of = lemmas_of or lemmas
    for match in _TOKEN.finditer(normal(text)):
        if found := lemmas_of(match[0]):
            yield Token(found, match.start(), match.end())


@lru_cache(maxsize=50_000)
def lemmas(token: str) -> tuple[str, ...]:
    """Return the lemmas of one token in lower case; nothing for a stop word."""
    return tuple(dict.fromkeys(lemma(part) for part in _parts(token)))


def words(text: str) -> list[str]:
    """Return the lemmas a text is found by, in their order, repeated ones too."""
    return [word for token in tokens(text) for word in token.words]


def fields(title: str, body: str) -> Fields:
    """Return a document as an index keeps it."""
    in_title, in_body = ([part for parts, _, _ in forms(text) for part in parts] for text in (title, body))
    return Fields(list(map(lemma, in_title)), list(map(lemma, in_body)), {*in_title, *in_body})


def beginning(word: str) -> str:
    """Return the first letters of a lemma: what words of one root share."""
    return word[:PREFIX]


def other_layout(text: str) -> str:
    """Return what a Latin keyboard made of Russian typing: «pfzdktybt» → «заявление»."""
    return text.translate(_TO_CYRILLIC)


def latin_layout(text: str) -> str:
    """Return what a Russian keyboard made of Latin typing: «упкт» → «egrn»."""
    return normal(text).translate(_TO_LATIN)


# How a word sounds, roughly: consonants only, voiced as voiceless. What people misspell are vowels, doubled letters,
# soft signs and «жи-ши»; a slip elsewhere changes either the beginning or the end, so a word is kept under both.
_SOUNDS: Final = str.maketrans("бвгджзщчц", "пфктшсшшс", "аеиоуыэюяйьъё")


@lru_cache(maxsize=50_000)
def sound(word: str) -> str:
    """Return the consonants of a word as they sound, none twice in a row: «аренда» → «рнт»."""
    return "".join(letter for letter, _ in groupby(word.translate(_SOUNDS)))


class Ends(NamedTuple):
    """How words may begin and end that sound alike but for one slip: each does one of both."""

    beginnings: tuple[str, ...]
    ending: str


def ends(sound: str) -> Ends:
    """Return what is left of a sound whatever consonant of it is wrong, missing, added or swapped with the next."""
    half = max(1, min(SKELETON, len(sound) // 2))
    swapped = sound[: half - 1] + sound[half : half + 1] if len(sound) == 2 * half else sound[:half]
    return Ends(tuple(dict.fromkeys([sound[:half], swapped])), sound[-half:])
