"""What somebody asks, word by word: slips undone, people's words beside those of documents, the story told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from otklik.search import analysis, repair, thesaurus, topics
from otklik.search.store import Store
from otklik.search.thesaurus import Thesaurus
from otklik.search.topics import Topics

How = Literal["word", "root", "begun", "slip", "layout", "thesaurus", "topic", "learned", "meaning"]

LONGEST: Final = 20_000  # characters that are read
LETTER: Final = 14  # words: longer texts tell a story around their question
_MOST_REPAIRED: Final = 12  # words of one text
_ENDING: Final = 3  # letters of a word still typed that may be its ending
_MOST_BEGUN: Final = 16  # known forms that an unfinished word may become
_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…]*")
_ASKS: Final = re.compile(
    r"\?|подскаж|скажите|объясни|разъясни|прошу|просим|просьба|хочу|хотим|хотел|можно ли|нужно ли|надо ли|имею ли|"
    r"могу ли|можем ли|должн|положен|что делать|как быть|как мне|как нам|каким образом|куда|сколько|почему|интересует",
    re.IGNORECASE,
)


STORY: Final = 0.35  # of a letter's word that belongs to the story
ASKS: Final = 2.0  # of a letter's sentence that asks
BEGUN: Final = 0.5
TORN: Final = 0.9  # of a word torn apart or two run together
IN_DOUBT: Final = 0.5  # of another word where the one typed is a word too
SAID_AGAIN: Final = 0.5  # of what a second word adds where both stand for the same


@dataclass
class Group:
    """Lemmas of documents that may stand for what was typed: how heavily each, and by what way from which words."""

    weights: dict[str, float] = field(default_factory=dict)
    ways: dict[str, tuple[How, str]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __contains__(self, lemma: object) -> bool:
        return lemma in self.weights


@dataclass
class Asked:
    """A query understood.

    `typed`: lemmas as typed or repaired, by their part in the question; `written`: lemmas of documents that the
    thesaurus puts beside them; `meant`: those of the topics it may be about; `plainness`: how plainly it is about one;
    `read_as`: the text where it was repaired; `question`: what may be understood as a whole, of a letter what it asks.
    """

    typed: Group = field(default_factory=Group)
    written: Group = field(default_factory=Group)
    meant: Group = field(default_factory=Group)
    plainness: float = 0.0
    words: dict[str, float] = field(default_factory=dict)  # every word once, known or not
    read_as: str = ""
    question: str = ""
    letter: bool = False

    @property
    def groups(self) -> tuple[Group, Group, Group]:
        """What documents are looked for by, what was typed first."""
        return self.typed, self.written, self.meant

    def _type(self, lemma: str, weight: float, how: How, asked: str) -> None:
        if weight > self.typed.weights.get(lemma, 0.0):
            self.typed.weights[lemma], self.typed.ways[lemma] = weight, (how, asked)

    def _write(self, written: Mapping[str, float], part: float, asked: str) -> None:
        weights, ways = self.written.weights, self.written.ways
        way: tuple[How, str] = ("thesaurus", asked)
        for lemma, weight in written.items():
            more, known = part * weight, weights.get(lemma, 0.0)
            if more > known:
                weights[lemma], ways[lemma] = more + SAID_AGAIN * known, way
            else:
                weights[lemma] = known + SAID_AGAIN * more

    def _mean(self, topics: Topics) -> None:
        meant = topics.meant(self.typed.weights)
        weights, ways = self.meant.weights, self.meant.ways
        for one in meant:
            for lemma, weight in one.topic.written.items():
                weights[lemma] = weights.get(lemma, 0.0) + one.share * weight
        for one in reversed(meant):  # the most probable come first
            ways.update(dict.fromkeys(one.topic.written, ("topic", one.topic.title)))
        self.plainness = meant[0].plainness if meant else 0.0


class Words(NamedTuple):
    """What is known of how people speak."""

    thesaurus: Thesaurus
    topics: Topics = Topics()


def shipped() -> Words:
    """Return the words that come with the product."""
    return Words(thesaurus.shipped(), topics.shipped())


class _Word(NamedTuple):
    """A typed word: the lemmas it may stand for with their credit, how it reads, whether its sentence asks."""

    form: str
    options: Mapping[str, tuple[float, How]]
    asks: bool
    read_as: str = ""

    @property
    def lemma(self) -> str:
        return next(iter(self.options))


def understand(text: str, store: Store, words_of: Words, *, typing: bool = False) -> Asked:
    """Return what a text asks, as this store and these words know it; `typing`: the last word is unfinished."""
    thesaurus = words_of.thesaurus
    text = text[:LONGEST]
    words, is_retyped = _words(text, store, thesaurus, typing)
    asked = Asked(letter=len(words) > LETTER)
    phrases = list(thesaurus.met([word.lemma for word in words]))
    empty = {at for met in phrases if not met.written for at in met.at}
    if len(empty) == len(words):  # «сотрудник», «связь»: who types nothing else means it
        empty.clear()
    parts = [_part(word, thesaurus) if asked.letter else 1.0 for word in words]
    for place, (word, part) in enumerate(zip(words, parts, strict=True)):
        if place in empty:
            continue
        asked.words[word.lemma] = max(asked.words.get(word.lemma, 0.0), part)
        for lemma, (credit, how) in word.options.items():
            asked._type(lemma, part * credit, how, word.form)
            asked._write(thesaurus.words.get(lemma, {}), part * credit, word.form)
    for met in phrases:
        part = max(parts[at] for at in met.at)
        asked._write(met.written, part, " ".join(words[at].form for at in met.at))
    asked._mean(words_of.topics)
    if is_retyped or any(word.read_as for word in words):
        asked.read_as = " ".join(word.read_as or word.form for word in words)
    asked.question = _question(analysis.other_layout(text) if is_retyped else text) if asked.letter else asked.read_as
    asked.question = asked.question or text
    return asked


def _question(text: str) -> str:
    """Return the sentences of a letter that ask; nothing where none does."""
    return " ".join(sentence.strip() for sentence, asks in _sentences(text) if asks)


def _part(word: _Word, thesaurus: Thesaurus) -> float:
    """Return how much a word of a letter says of its question."""
    return (ASKS if word.asks else 1.0) * (STORY if word.lemma in thesaurus.story else 1.0)


def _words(text: str, store: Store, thesaurus: Thesaurus, typing: bool) -> tuple[list[_Word], bool]:
    """Return the words of a text with the lemmas each may stand for, and whether another keyboard was meant."""
    is_retyped = repair.is_other_layout(text, store, thesaurus.said)
    if is_retyped:
        text = analysis.other_layout(text)
    forms = [
        (part, asks)
        for sentence, asks in _sentences(text)
        for parts, _, _ in analysis.forms(sentence)
        for part in parts
    ]
    met = store.frequencies({analysis.lemma(form) for form, _ in forms})

    def is_known(word: _Word) -> bool:
        return word.lemma in met or word.lemma in thesaurus.said

    how: How = "layout" if is_retyped else "word"
    found: list[_Word] = []
    repairs = _MOST_REPAIRED
    unfinished = len(forms) - 1 if typing and text[-1:].isalnum() else -1
    for place, (form, asks) in enumerate(forms):
        word = _Word(form, {analysis.lemma(form): (1.0, how)}, asks)
        before = found[-1] if found else None
        if place == unfinished:
            word = _unfinished(word, store, thesaurus, is_known=is_known(word))
        elif before and not (is_known(before) and is_known(word)) and (whole := _torn(before, word, store)):
            found.pop()
            word = whole
        # A letter is long enough for what it says in words of its own to be left alone.
        elif not is_known(word) and repairs and not (len(forms) > LETTER and analysis.is_word(form)):
            repairs -= 1
            word = _repaired(word, store, thesaurus)
        if word.options and not word.options.keys() <= analysis.STOPS:
            found.append(word)
    return found, is_retyped


def _unfinished(word: _Word, store: Store, thesaurus: Thesaurus, *, is_known: bool) -> _Word:
    """Return a word that is still typed with the lemmas it may become; a whole word mostly stays itself.

    What nothing begins with has a slip in it already: people look at what is found before they press Enter.
    """
    credit = BEGUN * (IN_DOUBT if is_known else 1.0)
    begun: dict[str, tuple[float, How]] = {}
    for form in _begun(word.form, store, is_known=is_known):
        begun.setdefault(analysis.lemma(form), (credit, "begun"))
    if not begun and not is_known:
        return _repaired(word, store, thesaurus)
    return word._replace(options={**word.options, **begun, **word.options} if is_known else begun or word.options)


def _begun(form: str, store: Store, *, is_known: bool) -> list[str]:
    """Return the forms that a word may become; its ending may be one that stands nowhere: «кадастровог»."""
    shorter = () if is_known else range(len(form) - 1, max(analysis.PREFIX, len(form) - _ENDING) - 1, -1)
    tried = (store.begun(form[:length], _MOST_BEGUN) for length in (len(form), *shorter))
    return next(filter(None, tried), [])


def _torn(before: _Word, word: _Word, store: Store) -> _Word | None:
    """Return the word that two typed ones make together: «меже вание»."""
    whole = before.form + word.form
    lemma = analysis.lemma(whole)
    return _Word(whole, {lemma: (TORN, "slip")}, word.asks, whole) if store.frequencies([lemma]) else None


def _repaired(word: _Word, store: Store, thesaurus: Thesaurus) -> _Word:
    """Return a word that neither a document nor the thesaurus knows with the lemmas it may stand for."""
    is_word = analysis.is_word(word.form)  # and may be meant all the same
    options: dict[str, tuple[float, How]] = dict(word.options) if is_word else {}
    most = 1 if is_word else 3
    near = repair.nearest(word.form, store, thesaurus, most=most)
    if not near and not is_word:  # the form that was meant may stand nowhere, its lemma does: «горажом»
        tried = (repair.nearest(guess, store, thesaurus) for guess in analysis.guesses(word.form))
        near = next(filter(None, tried), [])
    for one in near:
        options.setdefault(analysis.lemma(one.form), (one.credit * (IN_DOUBT if is_word else 1.0), "slip"))
    if options:
        return word._replace(options=options, read_as="" if is_word else near[0].form)
    if parts := repair.parted(word.form, store):
        return word._replace(options=dict.fromkeys(parts, (TORN, "slip")), read_as=" ".join(parts))
    return word


def _sentences(text: str) -> Iterator[tuple[str, bool]]:
    """Return the sentences of a text, and whether each asks something or only tells."""
    for match in _SENTENCE.finditer(text):
        yield match[0], bool(_ASKS.search(match[0]))
